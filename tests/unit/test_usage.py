"""`devbox stats` as it is printed: the hogs first, shares, and the sum."""

from __future__ import annotations

from devbox.domain.instance import Sample
from devbox.views.usage import ranked, usage

MB = 1 << 20
SAMPLES = {
    "api": Sample(cpu=180.04, memory=200 * MB, memory_limit=256 * MB, net_rx=2048.0, net_tx=0.0, open_files=40),
    "db": Sample(cpu=3.0, memory=900 * MB, disk_read=0.0, disk_write=5.5 * MB),
    "web-2": Sample(cpu=3.0, memory=900 * MB, open_files=2),
}


def test_the_table() -> None:
    lines = usage(SAMPLES, "memory", 4096 * MB).splitlines()
    assert lines == [
        "NAME   MEMORY    OF ALL  LIMIT     OF LIMIT  CPU     NET I/O        DISK I/O         FILES",
        "db     900.0 MB  22.0%   -         -         3.0%    -              0 B/s, 5.5 MB/s  -",
        "web-2  900.0 MB  22.0%   -         -         3.0%    -              -                2",
        "api    200.0 MB  4.9%    256.0 MB  78.1%     180.0%  2 kB/s, 0 B/s  -                40",
        "(sum)  2.0 GB    48.8%   -         -         186.0%  2 kB/s, 0 B/s  0 B/s, 5.5 MB/s  42",
    ]


def test_other_orders() -> None:
    assert [name for name, _ in ranked(SAMPLES, "cpu")] == ["api", "db", "web-2"]
    assert [name for name, _ in ranked(SAMPLES, "name")] == ["api", "db", "web-2"]
    assert usage({}, "memory", 1).splitlines()[1].split() == [
        "(sum)",
        "0",
        "B",
        "0.0%",
        "-",
        "-",
        "0.0%",
        "-",
        "-",
        "-",
    ]
