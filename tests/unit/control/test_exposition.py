"""The figures of a mesh as Prometheus reads them."""

from __future__ import annotations

from devbox.control.exposition import exposition
from devbox.domain.instance import Sample
from tests.unit.domain.test_codec import ROW

LABELS = '{project="shop",service="api",replica="1"}'


def test_every_figure_has_a_line_and_what_is_not_known_has_none() -> None:
    lines = exposition("shop", [(ROW, Sample(1.5, 3_000_000_000, net_rx=2.0))]).splitlines()
    figures = [line for line in lines if not line.startswith("#")]
    assert figures == [
        f"devbox_up{LABELS} 0",
        f"devbox_restarts_total{LABELS} 2",
        f"devbox_cpu_percent{LABELS} 1.5",
        f"devbox_memory_bytes{LABELS} 3000000000",
        f"devbox_network_receive_bytes_per_second{LABELS} 2",
    ]


def test_what_was_not_measured_yet_is_there_without_usage() -> None:
    assert f"devbox_up{LABELS} 0" in exposition("shop", [(ROW, None)])
    assert "devbox_cpu_percent{" not in exposition("shop", [(ROW, None)])
