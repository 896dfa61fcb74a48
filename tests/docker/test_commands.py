"""The commands that people type all day, on containers, at a real terminal where one matters."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.docker.conftest import ROOT, docker
from tests.docker.pseudo import PseudoTerminal, at_a_terminal
from tests.docker.remains import everything, left
from tests.engine.mesh import DEVBOX, Mesh, until

IDLE = "[sh, -c, \"trap 'exit 0' TERM; while :; do sleep 0.05; done\"]"
MANIFEST = f"""
name: t3cmd
services:
  box:
    image: devbox-test/base
    command: {IDLE}
    environment: {{OWN: of the service, BOTH: of the service}}
    volumes: ["data:/data", "/scratch"]
    stop_grace_period: 2s
    tasks:
      tell: sh -c 'echo $$OWN, $$0, $$(hostname)'
      fail: [sh, -c, "exit 7"]
      read: cat
  cache: {{image: "redis:7", ports: ["127.0.0.1:17301:6379"]}}
  spare: {{image: "redis:7", ports: ["127.0.0.1:17302:6379"], profiles: [never]}}
  gate:
    image: devbox-test/base
    command: [sh, -c, "while [ ! -e /tmp/go ]; do sleep 0.05; done; exit 7"]
volumes: {{data: {{}}}}
"""
CAUGHT = """
trap "echo caught; exit 42" INT
echo ready
while :; do now=$(stty size); [ "$now" = "$was" ] || echo "$now"; was=$now; sleep 0.05; done
"""


@pytest.fixture(scope="module")
def mesh(engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    """One mesh for all of these tests: each leaves it as it was."""
    folder = tmp_path_factory.mktemp("commands")
    before = everything()
    env = {**os.environ, "DEVBOX_STATE_HOME": str(folder / "state"), "PYTHONPATH": str(ROOT)}
    it = Mesh(folder / "project", MANIFEST, env)
    it.ok("up", "-d")
    yield it
    it.end()
    assert left(before, ["t3cmd"]) == []


def test_a_task_runs_in_the_container(mesh: Mesh) -> None:
    told = piped(mesh, "task", "box", "tell", "me").stdout.decode()
    host = docker("exec", "t3cmd-box-1", "hostname").strip()
    assert told == f"of the service, me, {host}\n"
    assert piped(mesh, "task", "box", "fail").returncode == 7
    assert piped(mesh, "task", "box", "read", typed=b"as it is\0").stdout == b"as it is\0"
    assert one_offs() == []


def terminal(it: Mesh, *args: str, lines: int = 24, columns: int = 80) -> Any:
    return at_a_terminal([*DEVBOX, *args], it.directory, it.env, lines, columns)


def piped(it: Mesh, *args: str, typed: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*DEVBOX, *args], cwd=it.directory, env=it.env, input=typed, capture_output=True, timeout=60)


def one_offs() -> list[str]:
    mine = "label=com.docker.compose.project=t3cmd"
    return docker("ps", "-aq", "--filter", mine, "--filter", "label=com.docker.compose.oneoff=True").split()


def ping(port: int) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=2) as conn:
        conn.sendall(b"PING\r\n")
        return conn.recv(16)


def serves(port: int) -> bool:
    try:
        return ping(port) == b"+PONG\r\n"
    except OSError:
        return False


# --- exec


def interrupted(it: PseudoTerminal) -> None:
    """Size, resize, Ctrl-C and exit code of CAUGHT at a terminal."""
    it.until("ready")
    it.until("33 111")
    assert it.modes() != it.modes_before
    it.resize(44, 122)
    it.until("44 122")
    it.type("\x03")
    assert it.ended() == 42, it.shown
    assert "caught" in it.shown
    assert it.modes() == it.modes_before


def test_exec_at_a_terminal_has_its_size_its_keys_and_its_exit_code(mesh: Mesh) -> None:
    with terminal(mesh, "exec", "box", "bash", "-c", CAUGHT, lines=33, columns=111) as it:
        interrupted(it)


def test_exec_at_a_terminal_with_no_command_is_a_shell(mesh: Mesh) -> None:
    with terminal(mesh, "exec", "box") as it:
        it.type("echo $((6*7))-$(tty)\r")
        it.until("42-/dev/pts/")
        it.type("exit 5\r")
        assert it.ended() == 5


def test_exec_with_no_terminal_keeps_streams_apart_and_takes_stdin_to_its_end(mesh: Mesh) -> None:
    done = piped(mesh, "exec", "-T", "box", "sh", "-c", "cat; echo words >&2; exit 3", typed=b"in\x00\xff\n" * 50_000)
    assert done.returncode == 3
    assert done.stdout == b"in\x00\xff\n" * 50_000
    assert done.stderr == b"words\n"


def test_exec_takes_user_directory_and_variables(mesh: Mesh) -> None:
    words = ("exec", "-u", "1000:1000", "-w", "/srv", "-e", "OWN=given", "box")
    assert mesh.ok(*words, "sh", "-c", "id -u; pwd; echo $OWN; echo $BOTH") == "1000\n/srv\ngiven\nof the service\n"


# --- run


def test_run_is_a_container_for_one_command_that_rm_removes(mesh: Mesh) -> None:
    done = mesh.devbox("run", "--rm", "-T", "-e", "BOTH=given", "box", "sh", "-c", "echo $OWN, $BOTH; hostname; exit 9")
    assert done.returncode == 9, done.stderr
    said, name = done.stdout.splitlines()
    assert said == "of the service, given"
    assert name != docker("exec", "t3cmd-box-1", "hostname").strip()
    assert one_offs() == []


def test_run_without_rm_leaves_a_container_that_ps_does_not_count(mesh: Mesh) -> None:
    mesh.ok("run", "-T", "box", "true")
    (container,) = one_offs()
    assert sorted(mesh.rows()) == ["box", "cache", "gate"]
    docker("rm", "-v", container)


def test_run_takes_another_entrypoint(mesh: Mesh) -> None:
    assert mesh.ok("run", "--rm", "-T", "--entrypoint", "echo -n first", "box", "second") == "first second"


def test_run_publishes_only_what_is_asked_for(mesh: Mesh) -> None:
    for flags, port in ((("-p", "127.0.0.1:17303:6379"), 17303), (("--service-ports",), 17302)):
        name = mesh.ok("run", "-d", *flags, "spare").strip()
        until(lambda port=port: serves(port), what=f"an answer on {port}")
        docker("rm", "-f", "-v", name)
    name = mesh.ok("run", "-d", "spare").strip()
    assert docker("port", name) == ""
    docker("rm", "-f", "-v", name)


def test_run_at_a_terminal_has_its_size_its_keys_and_its_exit_code(mesh: Mesh) -> None:
    with terminal(mesh, "run", "--rm", "box", "bash", "-c", CAUGHT, lines=33, columns=111) as it:
        interrupted(it)
    assert one_offs() == []


def test_run_that_is_told_to_end_ends_its_container(mesh: Mesh) -> None:
    asked = ("run", "--rm", "-T", "box", "bash", "-c", "trap 'exit 11' TERM; echo on; while :; do sleep 0.05; done")
    process = mesh.spawn(*asked)
    assert process.stdout is not None
    assert process.stdout.readline() == "on\n"
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    assert process.returncode == 11
    assert one_offs() == []


# --- cp


def test_cp_into_a_container_and_out_again(mesh: Mesh, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "deep").mkdir(parents=True)
    (tree / "deep" / "file").write_bytes(bytes(range(256)))
    (tree / "link").symlink_to("deep/file")
    (tree / "run").touch(mode=0o755)
    mesh.ok("cp", str(tree), "box:/tmp")
    mesh.ok("cp", f"{tree}/deep/file", "box:/tmp/renamed")
    mesh.ok("cp", f"{tree}/.", "box:/srv")
    seen = mesh.ok(
        "exec", "-T", "box", "sh", "-c", "readlink /tmp/tree/link; stat -c %a /srv/run; wc -c < /tmp/renamed"
    )
    assert seen.split() == ["deep/file", "755", "256"]
    out = tmp_path / "out"
    out.mkdir()
    mesh.ok("cp", "box:/tmp/tree", str(out))
    mesh.ok("cp", "box:/tmp/renamed", str(out / "again"))
    mesh.ok("cp", "-L", "box:/tmp/tree/link", str(out / "followed"))
    assert (out / "tree" / "deep" / "file").read_bytes() == bytes(range(256))
    assert os.readlink(out / "tree" / "link") == "deep/file"
    assert (out / "again").read_bytes() == (out / "followed").read_bytes() == bytes(range(256))
    assert not (out / "followed").is_symlink()
    archive = piped(mesh, "cp", "box:/tmp/tree", "-").stdout
    assert piped(mesh, "cp", "-", "box:/data", typed=archive).returncode == 0
    assert mesh.ok("exec", "-T", "box", "ls", "/data/tree/deep") == "file\n"


def test_cp_names_what_is_not_there(mesh: Mesh, tmp_path: Path) -> None:
    done = mesh.devbox("cp", "box:/no/such", str(tmp_path))
    assert done.returncode == 1
    assert "/no/such" in done.stderr
    done = mesh.devbox("cp", str(tmp_path / "nothing"), "box:/tmp")
    assert done.returncode == 2
    assert f"{tmp_path}/nothing" in done.stderr


# --- looking


def test_top_port_images_volumes_and_stats(mesh: Mesh) -> None:
    top = mesh.ok("top", "cache")
    assert top.startswith("cache\n")
    assert "redis-server" in top
    assert mesh.ok("port", "cache", "6379") == "127.0.0.1:17301\n"
    assert mesh.ok("port", "cache") == "6379/tcp -> 127.0.0.1:17301\n"
    assert mesh.devbox("port", "cache", "80").returncode == 2
    images = {each["Service"]: each for each in map(json.loads, mesh.ok("images", "--format", "json").splitlines())}
    assert (images["cache"]["Repository"], images["cache"]["Tag"]) == ("redis", "7")
    assert docker("image", "inspect", "-f", "{{.Size}}", "redis:7").strip() == str(images["cache"]["Size"])
    volumes = {each["Key"]: each for each in map(json.loads, mesh.ok("volumes", "--format", "json").splitlines())}
    assert volumes["data"]["Name"] == "t3cmd_data"
    assert [each["Anonymous"] for key, each in volumes.items() if key == ""] == [True]
    stats = {
        each["Name"]: each for each in map(json.loads, mesh.ok("stats", "--no-stream", "--format", "json").splitlines())
    }
    assert stats["cache"]["MemUsage"] > 1_000_000


# --- acting


def test_pause_freezes_and_unpause_goes_on(mesh: Mesh) -> None:
    mesh.ok("pause", "cache")
    assert docker("inspect", "-f", "{{.State.Status}}", "t3cmd-cache-1").strip() == "paused"
    assert mesh.rows()["cache"]["Status"] == "paused"
    mesh.ok("unpause", "cache")
    assert docker("inspect", "-f", "{{.State.Status}}", "t3cmd-cache-1").strip() == "running"
    assert serves(17301)


def test_kill_sends_the_signal_that_is_asked_for(mesh: Mesh) -> None:
    mesh.ok("exec", "-T", "box", "true")
    mesh.ok("kill", "-s", "SIGTERM", "box")
    until(lambda: docker("inspect", "-f", "{{.State.Status}}", "t3cmd-box-1").strip() == "exited", what="its end")
    assert docker("inspect", "-f", "{{.State.ExitCode}}", "t3cmd-box-1").strip() == "0"
    mesh.ok("start", "box")
    mesh.ok("kill", "box")
    until(lambda: docker("inspect", "-f", "{{.State.ExitCode}}", "t3cmd-box-1").strip() == "137", what="its end")
    mesh.ok("up", "-d")


def test_rm_takes_what_is_stopped_and_nothing_else(mesh: Mesh) -> None:
    mesh.ok("rm", "-f", "box")
    assert docker("inspect", "-f", "{{.State.Status}}", "t3cmd-box-1").strip() == "running"
    mesh.ok("stop", "box")
    mesh.ok("rm", "-f", "box")
    assert docker("ps", "-aq", "--filter", "name=^t3cmd-box-1$") == ""
    mesh.ok("up", "-d")


def test_scale_up_and_down_again(mesh: Mesh) -> None:
    def names() -> set[str]:
        return set(docker("ps", "--filter", "name=^t3cmd-box-", "--format", "{{.Names}}").split())

    mesh.ok("scale", "box=3")
    assert names() == {"t3cmd-box-1", "t3cmd-box-2", "t3cmd-box-3"}
    assert (
        mesh.ok("exec", "-T", "--index", "2", "box", "hostname").strip()
        == docker("inspect", "-f", "{{.Config.Hostname}}", "t3cmd-box-2").strip()
    )
    mesh.ok("scale", "box=1")
    until(lambda: names() == {"t3cmd-box-1"}, what="one replica")


def test_wait_prints_and_returns_the_exit_code(mesh: Mesh) -> None:
    waiting = mesh.spawn("wait", "gate")
    try:
        mesh.ok("exec", "-T", "gate", "touch", "/tmp/go")
        out, err = waiting.communicate(timeout=20)
    finally:
        waiting.kill()
    assert (waiting.returncode, out) == (7, "7\n"), err


# --- taking away


def test_a_service_that_left_the_manifest_is_taken_away(mesh: Mesh) -> None:
    mesh.write("\n".join(line for line in MANIFEST.splitlines() if not line.startswith("  cache:")))
    assert "cache" not in mesh.ok("config", "--services").split()
    mesh.devbox("up", "-d", "--remove-orphans")
    assert docker("ps", "-aq", "--filter", "name=^t3cmd-cache-1$") == ""
    mesh.write(MANIFEST)


def test_down_rmi_local_takes_the_images_that_were_built_here(mesh: Mesh, tmp_path: Path) -> None:
    built = (
        "{build: {context: ., dockerfile_inline: 'FROM devbox-test/base'}, command: sleep 99, stop_grace_period: 0s}"
    )
    named = built.replace("{build", "{image: t3cmd/named, build", 1)
    it = Mesh(tmp_path / "own", f"name: t3rmi\nservices:\n  built: {built}\n  named: {named}\n", mesh.env)
    try:
        it.ok("up", "-d")
        assert docker("image", "ls", "-q", "t3rmi-built") != ""
        it.ok("down", "--rmi", "local")
        assert docker("image", "ls", "-q", "t3rmi-built") == ""
        assert docker("image", "ls", "-q", "t3cmd/named") != ""
        it.ok("down", "--rmi", "all")
        assert docker("image", "ls", "-q", "t3cmd/named") == ""
    finally:
        it.devbox("down", "-v", "--rmi", "local")
