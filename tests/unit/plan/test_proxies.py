"""Which calls a proxy would get, by what NO_PROXY says."""

from __future__ import annotations

from pathlib import Path

import pytest

from devbox.plan.proxies import Detour, bypassed, detours, shown
from tests.unit.manifest.reading import Folder


@pytest.mark.parametrize(
    ("exceptions", "host", "bypasses"),
    [
        ("", "localhost", False),
        ("*", "anything", True),
        ("localhost", "localhost", True),
        ("LOCALHOST, corp", "localhost", True),
        ("localhost", "127.0.0.1", False),
        ("127.0.0.0/8", "127.0.0.1", True),
        ("10.0.0.0/8", "127.0.0.1", False),
        ("10.0.0.0/8", "web", False),
        (".corp", "web.corp", True),
        ("*.corp", "web.corp", True),
        ("corp", "web.corp", True),
        ("corp", "webcorp", False),
        ("db web", "web", True),
    ],
)
def test_what_no_proxy_names(exceptions: str, host: str, bypasses: bool) -> None:
    assert bypassed(exceptions, host) is bypasses


def found(tmp_path: Path, text: str, **environ: str) -> tuple[Detour, ...]:
    return detours(Folder(tmp_path).load(f"name: p\nservices:\n{text}", name="compose.yaml"), environ, {})


def test_a_container_with_a_proxy_of_its_own(tmp_path: Path) -> None:
    text = """
  web: {image: w, depends_on: [api, db], environment: {https_proxy: "http://p:1", no_proxy: "localhost"}}
  api: {image: a, ports: ["80"]}
  db: {image: d}
"""
    (only,) = found(tmp_path, text, HTTP_PROXY="http://here:1")
    assert only == Detour("web", "https_proxy", "http://p:1", ("api", "db"), "localhost")


def test_containers_do_not_have_what_the_shell_has(tmp_path: Path) -> None:
    text = "  web: {image: w, depends_on: [api]}\n  api: {image: a}\n"
    assert found(tmp_path, text, HTTP_PROXY="http://here:1") == ()


def test_what_all_containers_are_given(tmp_path: Path) -> None:
    text = """services:
  web: {image: w, depends_on: [api]}
  api: {image: a, depends_on: [own], environment: {NO_PROXY: "own"}}
  own: {command: sleep 1}
"""
    app = Folder(tmp_path).load(text, name="compose.yaml")
    given = {"HTTP_PROXY": "http://p:1"}
    assert detours(app, {}, given) == (
        Detour(None, "HTTP_PROXY", "http://p:1", ("api", "host.docker.internal"), "", containers=True),
        Detour("api", "HTTP_PROXY", "http://p:1", ("host.docker.internal",), "own"),
    )
    assert detours(app, {}, {**given, "NO_PROXY": "api,own,host.docker.internal"}) == (
        Detour("api", "HTTP_PROXY", "http://p:1", ("host.docker.internal",), "own"),
    )


def test_a_password_is_not_shown() -> None:
    assert shown("http://me:pass@proxy:1") == "http://me:***@proxy:1"
    assert shown("me:pass@proxy:1") == "me:***@proxy:1"
    assert shown("http://proxy:1") == "http://proxy:1"
    assert shown("http://[half") == "(not an address)"
