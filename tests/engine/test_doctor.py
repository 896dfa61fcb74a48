"""`devbox doctor` on this machine: what is in the way is named with its holder and what mends it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.engine.conftest import ROOT
from tests.engine.mesh import DEVBOX, HTTP_SERVER, SLEEPER, Mesh, script

Make = Callable[..., Mesh]
Findings = dict[str, dict[str, str]]

AS_NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all,+dac_read_search"]
"""As another user, who may read what root may, so that a Python in root's own directory is found."""


def findings(it: Mesh, *, code: int, who: list[str] | None = None, **env: str) -> Findings:
    """What the doctor finds, by what it looked at."""
    done = subprocess.run(
        [*(who or ()), *DEVBOX, "doctor", "--format", "json"],
        cwd=it.directory,
        env={**{name: value for name, value in it.env.items() if "proxy" not in name.lower()}, **env},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return {each["what"]: each for each in json.loads(done.stdout)}


def place(folder: Path, manifest: str) -> Mesh:
    """A mesh that is only looked at: nothing of it is started, so nothing has to be ended."""
    return Mesh(folder, manifest, {**os.environ, "DEVBOX_STATE_HOME": str(folder / "state"), "PYTHONPATH": str(ROOT)})


def nobody() -> list[str]:
    """In front of a command: somebody who is not root and in no group."""
    return [*AS_NOBODY, "--ambient-caps=-all,+dac_read_search"] if os.geteuid() == 0 else []


def test_a_machine_with_nothing_in_the_way(tmp_path: Path) -> None:
    it = place(tmp_path, f"name: well\nservices: {{it: {{command: {script(SLEEPER)}}}}}\n")
    done = it.devbox("doctor")
    assert done.returncode == 0, done.stdout
    assert done.stdout.startswith("✓ manifest: ")
    assert done.stderr == "\nNothing stands in the way.\n"


def test_a_port_that_somebody_holds_is_found_with_its_holder(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        it = place(
            tmp_path, f'name: ill\nservices:\n  it:\n    command: {script(SLEEPER)}\n    ports: ["{port}:{port}"]\n'
        )
        bad = findings(it, code=1)[f"port {port} of it"]
        unseen = findings(it, code=1, who=nobody())[f"port {port} of it"]
    assert f"pid {os.getpid()} (" in bad["seen"]
    assert bad["mend"].startswith(f"`kill {os.getpid()}`, or give it another port: ")
    assert "devbox.yaml:" in bad["mend"]
    if os.geteuid() == 0:
        assert unseen["seen"] == "held by a process of another user"
        assert unseen["mend"].startswith(f"`sudo ss -lnp 'sport = :{port}'` tells whose; ")


def test_a_port_that_another_project_holds_is_freed_by_devbox(mesh: Make) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    text = f'name: NAME\nservices:\n  it:\n    command: {script(HTTP_SERVER)}\n    ports: ["{port}:{port}"]\n'
    text += f'    environment: {{PORT: "{port}"}}\n'
    first, second = mesh(text.replace("NAME", "holder")), mesh(text.replace("NAME", "wants"), "second")
    first.ok("up", "-d", "--wait")
    assert findings(first, code=0)["ports"]["seen"] == "1 wanted, free or held by this project already"
    bad = findings(second, code=1)[f"port {port} of it"]
    assert bad["seen"].startswith("held by it of project holder by pid ")
    assert bad["mend"].startswith("`devbox -p holder stop it`, or give it another port: ")
    first.ok("-p", "holder", "stop", "it")
    assert findings(second, code=0)["ports"]["ok"]


def test_a_port_below_those_for_all(tmp_path: Path) -> None:
    first = int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    it = place(
        tmp_path,
        f'name: low\nservices:\n  it:\n    command: {script(SLEEPER)}\n    ports: ["{first - 1}:{first - 1}"]\n',
    )
    bad = findings(it, code=1, who=nobody())[f"port {first - 1} of it"]
    assert bad["seen"] == f"you may not listen on ports below {first}"
    assert f"`sudo sysctl net.ipv4.ip_unprivileged_port_start={first - 1}`" in bad["mend"]


def test_limits_of_memory_beyond_what_is_there(tmp_path: Path) -> None:
    half = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2 + (1 << 20)
    one = f"command: {script(SLEEPER)}"
    it = place(
        tmp_path, f"name: big\nservices:\n  a: {{{one}, mem_limit: {half}}}\n  b: {{{one}, mem_limit: {half}}}\n"
    )
    bad = findings(it, code=1)["memory"]
    assert " in all, this machine has " in bad["seen"]
    assert bad["mend"].startswith("Lower `mem_limit` of the largest (b ")
    it.write(f"name: big\nservices:\n  a: {{{one}, mem_limit: {half}}}\n  b: {{{one}}}\n")
    assert findings(it, code=0)["memory"]["seen"].endswith("; 1 service without a limit")


def test_a_proxy_that_would_get_the_calls_of_host_processes(tmp_path: Path) -> None:
    it = place(tmp_path, f"name: behind\nservices: {{it: {{command: {script(SLEEPER)}}}}}\n")
    bad = findings(it, code=1, HTTP_PROXY="http://me:secret@proxy.example:3128", NO_PROXY="localhost,.corp")[
        "proxies of host processes"
    ]
    assert bad["seen"] == (
        "HTTP_PROXY is http://me:***@proxy.example:3128 and NO_PROXY does not name 127.0.0.1: "
        "what host processes ask of other services may go to the proxy"
    )
    assert "`export NO_PROXY=localhost,.corp,127.0.0.1 no_proxy=localhost,.corp,127.0.0.1`" in bad["mend"]
    assert "proxies of host processes" not in findings(
        it, code=0, HTTP_PROXY="http://proxy:1", NO_PROXY="localhost,127.0.0.0/8"
    )
    assert "proxies of host processes" in findings(
        it, code=1, https_proxy="http://proxy:1", NO_PROXY="*", no_proxy="corp"
    )


def test_a_socket_that_belongs_to_others(tmp_path: Path) -> None:
    it = place(tmp_path, "name: barred\nservices: {it: {image: nothing}}\n")
    path = tmp_path / "engine.sock"
    with socket.socket(socket.AF_UNIX) as engine:
        engine.bind(str(path))
        engine.listen()
        path.chmod(0o660 if os.geteuid() == 0 else 0)
        if os.geteuid() == 0:
            os.chown(path, 0, 2)
        bad = findings(it, code=1, who=nobody(), DOCKER_HOST=f"unix://{path}")["container engine"]
    assert "the socket is there, but s" in bad["seen"]
    if os.geteuid() == 0:
        assert "srw-rw---- root:bin, not open to nobody" in bad["seen"]
        assert bad["mend"] == "`sudo usermod -aG bin nobody`, then log in again or `newgrp bin`"


def test_no_socket_and_nobody_behind_one(tmp_path: Path) -> None:
    it = place(tmp_path, "name: alone\nservices: {it: {image: nothing}}\n")
    path = tmp_path / "engine.sock"
    assert (
        "there is no socket at unix://"
        in findings(it, code=1, DOCKER_HOST=f"unix://{path}")["container engine"]["seen"]
    )
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    bad = findings(it, code=1, DOCKER_HOST=f"unix://{path}")["container engine"]
    assert bad["seen"] == f"no container engine answers at unix://{path} (DOCKER_HOST)"
    assert "systemctl start docker" in bad["mend"]


def test_an_engine_that_never_answers_does_not_keep_the_doctor(tmp_path: Path) -> None:
    it = place(tmp_path, "name: mute\nservices: {it: {image: nothing}}\n")
    path = tmp_path / "engine.sock"
    with socket.socket(socket.AF_UNIX) as mute:
        mute.bind(str(path))
        mute.listen()
        bad = findings(it, code=1, DOCKER_HOST=f"unix://{path}")["container engine"]
    assert bad["seen"].startswith("no container engine answers at unix://")


def test_a_manifest_with_an_error_is_said(tmp_path: Path) -> None:
    done = place(tmp_path, "name: ill\nservices: {it: {comand: x}}\n").devbox("doctor")
    assert done.returncode == 1
    assert "✗ manifest: " in done.stdout
    assert "devbox.yaml:2:" in done.stdout
    assert done.stderr == f"\n1 of {done.stdout.count('✓') + 1} want mending.\n"
