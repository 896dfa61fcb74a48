from __future__ import annotations

import pytest

from devbox.engine.listening import any_reached

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"


def line(address: str, state: str = "0A") -> str:
    return f"   0: {address}:1538 00000000:0000 {state} 00000000:00000000 00:00000000 00000000   999  0 7 1"


@pytest.mark.parametrize(
    "address", ["00000000", "020011AC", "00000000000000000000000000000000", "0000000000000000FFFF0000020011AC"]
)
def test_a_socket_that_others_reach(address: str) -> None:
    assert any_reached([HEAD, line("0B00007F"), line(address)])


@pytest.mark.parametrize(
    "address", ["0100007F", "0B00007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F"]
)
def test_a_socket_on_loopback_reaches_nobody(address: str) -> None:
    assert not any_reached([HEAD, line(address)])


def test_a_connection_is_no_socket_that_listens() -> None:
    assert not any_reached([HEAD, line("00000000", "01")])
