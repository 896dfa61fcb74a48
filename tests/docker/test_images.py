"""Images built, by BuildKit and by the engine's own builder: what reaches them, and what is said when a step fails."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.docker.conftest import ROOT, docker
from tests.docker.registry import free_port
from tests.engine.mesh import Mesh, until

Make = Callable[..., Mesh]

BUILDKIT, ENGINE = {"DOCKER_BUILDKIT": "1"}, {"DOCKER_BUILDKIT": "0"}
BUILDERS = {"buildkit": BUILDKIT, "engine": ENGINE}
SERVICE = "command: sleep 3600, init: true, stop_grace_period: 0s"
IMAGES = "t3build/*"

SPEAKS = "for i in 1 2 3 4 5; do echo {0} speaks; sleep 0.1; done"
DOCKERFILES = {
    "failing": "RUN echo fine\nRUN echo words of the tool >&2; exit 7\nRUN echo later\n",
    "staged": f"RUN {SPEAKS.format('one')}; sleep 0.3; exit 9\n"
    f"FROM devbox-test/base AS two\nRUN {SPEAKS.format('two')}\n"
    "FROM start\nCOPY --from=two /etc/hostname /\n",
    "missing-file": "COPY nothing-of-that-name /x\n",
    "unknown": "RUNN x\n",
    "ignoring": "COPY . /all\n",
    "told": "ARG WHO\nARG UNSAID=stays\nARG ASKED\n"
    "RUN echo $WHO $UNSAID $ASKED > /seen; ls /sys/class/net >> /seen; getent hosts far >> /seen\n"
    "FROM start AS second\nRUN exit 1\n",
    "limited": "RUN (ulimit -Sn; ulimit -Hn; df -k --output=size /dev/shm | tail -1) > /seen\n",
    "isolated": "RUN true\n",
    "secret": "RUN --mount=type=secret,id=of-file --mount=type=secret,id=of-shell "
    "cat /run/secrets/of-file /run/secrets/of-shell | sha256sum > /seen\n",
    "agent": "RUN --mount=type=ssh test -S $SSH_AUTH_SOCK && echo agent > /seen\n",
    "plain": "",
}
BUILDS = {
    "told": "args: {WHO: world, UNSAID: , ASKED: }, target: start, labels: {own: label}, network: none, "
    'extra_hosts: ["far:10.1.2.3"], tags: ["t3build/also:two"]',
    "limited": "shm_size: 80m, ulimits: {nofile: {soft: 1000, hard: 2000}}, privileged: true",
    "isolated": "isolation: hyperv",
    "secret": "secrets: [of-file, of-shell]",
    "agent": "ssh: [default=./key]",
}
OF_PLAIN = {
    "several": "platforms: [linux/amd64, linux/arm64]",
    "contexts": "additional_contexts: {other: ./other}",
    "cache-to": 'cache_to: ["type=local,dest=./nowhere"]',
    "allowed": "entitlements: [network.host]",
    "anew": "no_cache_filter: [start]",
}


def manifest() -> str:
    """A mesh of services that are built, each of which asks for something of its own."""
    told = {name: f"{{context: ., dockerfile: {name}.df, {BUILDS.get(name, 'pull: false')}}}" for name in DOCKERFILES}
    told |= {name: f"{{context: ., dockerfile: plain.df, {more}}}" for name, more in OF_PLAIN.items()}
    told["elsewhere"] = "{context: sub, dockerfile: ../other/Own}"
    told["inline"] = '{context: sub, dockerfile_inline: "FROM devbox-test/base\\nCOPY file /seen\\n"}'
    told["no-context"], told["no-dockerfile"] = "./gone", "{context: ., dockerfile: ../Gone}"
    services = "".join(f"  {name}: {{image: t3build/{name}, build: {how}}}\n" for name, how in told.items())
    services += "  foreign: {image: t3build/foreign, platform: nonsense, build: {context: ., dockerfile: plain.df}}\n"
    secrets = "secrets: {of-file: {file: ./secret.txt}, of-shell: {environment: T3_SECRET}}\n"
    return f"name: t3build\nservices:\n{services}{secrets}"


def write_contexts(folder: Path) -> None:
    for name, text in DOCKERFILES.items():
        (folder / f"{name}.df").write_text(f"FROM devbox-test/base AS start\n{text}")
    for name in ("sub", "other", "deep/deep"):
        (folder / name).mkdir(parents=True)
    for name in ("kept", "secret-one", "secret-but-kept", "a.log", "deep/b.log", "deep/top", "deep/deep/top"):
        (folder / name).touch()
    (folder / ".dockerignore").write_text("# no secrets\n\nsecret*\n!secret-but-kept\n**/*.log\n/deep/top\nkey\n")
    (folder / "secret.txt").write_text("of a file")
    (folder / "sub" / "file").write_text("of the context")
    (folder / "other" / "Own").write_text("FROM devbox-test/base\nCOPY file /seen\n")
    subprocess.run(["openssl", "genrsa", "-out", folder / "key", "2048"], check=True, capture_output=True)
    (folder / "key").chmod(0o600)


def remove_images() -> None:
    if left := docker("image", "ls", "-q", IMAGES).split():
        docker("image", "rm", "-f", *set(left))


@dataclass(frozen=True)
class Built:
    """What one `devbox build` of them all said, by which builder."""

    by: str
    stderr: str

    def refused(self, name: str) -> str:
        """What was said of the image that could not be built: one line, and those below it that belong to it."""
        lines = self.stderr.splitlines()
        (start,) = [
            number
            for number, line in enumerate(lines)
            if line.startswith("devbox: ") and re.search(rf"t3build/{name}\b", line)
        ]
        end = next((n for n, line in enumerate(lines) if n > start and not line.startswith("  ")), len(lines))
        return "\n".join(lines[start:end])

    def notes(self, name: str) -> str:
        """What was said that an image is built without."""
        return "\n".join(re.findall(rf"^t3build/{name} +note: (.*)$", self.stderr, re.M))


@pytest.fixture(scope="module", params=BUILDERS)
def built(request: pytest.FixtureRequest, engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    folder = tmp_path_factory.mktemp("builds")
    env = {**os.environ, "DEVBOX_STATE_HOME": str(folder / "state"), "PYTHONPATH": str(ROOT)}
    env |= {**BUILDERS[request.param], "ASKED": "of the shell", "T3_SECRET": "of the shell"}
    it = Mesh(folder / "project", manifest(), env)
    write_contexts(it.directory)
    try:
        done = it.devbox("build", limit=240)
        assert done.returncode == 1
        yield Built(request.param, done.stderr)
    finally:
        remove_images()


@pytest.fixture
def _no_image_left() -> Iterator[None]:
    yield
    remove_images()


def read(name: str, path: str = "/seen") -> str:
    """What a file of an image says."""
    return docker("run", "--rm", f"t3build/{name}", "cat", path)


def test_a_build_error_shows_the_failing_step_and_its_output_alone(built: Built) -> None:
    told = built.refused("failing")
    assert "failed at: RUN echo words of the tool" in told
    assert "| words of the tool" in told
    assert re.search(r"exit code: 7|returned a non-zero code: 7", told)
    assert "fine" not in told


def test_of_two_stages_the_one_that_failed_is_told(built: Built) -> None:
    """Their output is mixed where both run at once."""
    told = built.refused("staged")
    assert "failed at: RUN for i in 1 2 3 4 5; do echo one speaks" in told
    assert "| one speaks" in told
    assert "| two speaks" not in told


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing-file", "failed at: COPY nothing-of-that-name /x"),
        ("unknown", "unknown instruction: RUNN"),
        ("foreign", "nonsense"),
    ],
)
def test_what_fails_before_anything_runs_is_told_too(built: Built, name: str, words: str) -> None:
    assert words in built.refused(name)


def test_a_missing_context_or_dockerfile_is_told(built: Built) -> None:
    assert re.search(r"the build context \S+/gone is no directory", built.stderr)
    assert re.search(r"Gone.*(?:no such file|No such file)|(?:no such file|No such file).*Gone", built.stderr)
    assert "engine answers" not in built.stderr


def test_what_dockerignore_names_is_left_out(built: Built) -> None:
    there = docker("run", "--rm", "t3build/ignoring", "sh", "-c", "cd /all; find . -type f").split()
    assert {"./kept", "./secret-but-kept", "./deep/deep/top"} <= set(there)
    assert not {"./secret-one", "./a.log", "./deep/b.log", "./deep/top", "./key"} & set(there)


def test_args_target_hosts_network_tags_and_labels_reach_the_build(built: Built) -> None:
    seen = read("told").splitlines()
    assert seen[:2] == ["world stays of the shell", "lo"]
    assert seen[2].split() == ["10.1.2.3", "far"]
    assert read("also:two").splitlines() == seen
    labels = json.loads(docker("image", "inspect", "-f", "{{json .Config.Labels}}", "t3build/told"))
    assert (labels["own"], labels["com.docker.compose.project"]) == ("label", "t3build")


@pytest.mark.parametrize("name", ["elsewhere", "inline"])
def test_a_dockerfile_that_is_not_in_the_context_is_taken(built: Built, name: str) -> None:
    assert read(name) == "of the context"


def test_limits_hold_or_are_said_to_be_left_out(built: Built) -> None:
    *files, memory = read("limited").split()
    met = {"ulimits": files == ["1000", "2000"], "shm_size": memory == str(80 << 10), "privileged": False}
    assert {key: f"without build.{key}" not in built.notes("limited") for key in met} == met
    if built.by == "engine":
        assert (met["ulimits"], met["shm_size"]) == (True, True)


def test_several_platforms_are_built_for_one_and_that_is_said(built: Built) -> None:
    words = "built for the engine's own platform alone, not for each of linux/amd64, linux/arm64"
    assert built.notes("several") == words


def test_isolation_is_refused_or_said_to_be_left_out(built: Built) -> None:
    if built.by == "engine":
        assert "isolation" in built.refused("isolated")
    else:
        assert "without build.isolation" in built.notes("isolated")


KEYS = {
    "secret": "secrets",
    "agent": "ssh",
    "contexts": "additional_contexts",
    "cache-to": "cache_to",
    "allowed": "entitlements",
    "anew": "no_cache_filter",
}


@pytest.mark.parametrize("name", KEYS)
def test_a_key_that_a_builder_has_not_is_named(built: Built, name: str) -> None:
    if built.by == "engine":
        assert f"build.{KEYS[name]} needs BuildKit" in built.refused(name)
        assert "Install docker-buildx" in built.refused(name)
    elif name == "secret":
        both = hashlib.sha256(b"of a fileof the shell").hexdigest()
        assert read(name).split()[0] == both
        assert "of a file" not in docker("history", "--no-trunc", f"t3build/{name}")
    elif name == "agent":
        assert read(name) == "agent\n"
    elif f"t3build/{name}: build.{KEYS[name]}" in built.stderr:
        # A client that is older than buildx, or not: what it can do, it does.
        assert "needs docker-buildx" in built.refused(name)
    else:
        assert docker("image", "ls", "-q", f"t3build/{name}").split()


@pytest.mark.usefixtures("_no_image_left")
@pytest.mark.parametrize("builder", BUILDERS)
def test_another_image_is_the_cache(mesh: Make, builder: str) -> None:
    text = "FROM devbox-test/base\nRUN cat /proc/sys/kernel/random/uuid > /seen\n"
    how = "{{name: t3build, services: {{it: {{image: t3build/it, build: {{context: ., {}}}}}}}}}"
    it = mesh(how.format("no_cache: true"))
    it.env |= BUILDERS[builder]
    (it.directory / "Dockerfile").write_text(text)
    it.ok("build")
    first = read("it")
    docker("tag", "t3build/it", "t3build/cache")
    it.write(how.format("cache_from: [t3build/cache]"))
    done = it.devbox("build")
    assert done.returncode == 0, done.stderr
    assert read("it") == first
    if builder == "buildkit":
        assert "importing cache manifest from t3build/cache" in done.stderr
        return
    it.write(how.format("cache_from: [t3build/none]"))
    it.ok("build")
    assert read("it") != first


MEET = """
import socket, sys, time
deadline = time.monotonic() + 40
while time.monotonic() < deadline:
    try:
        server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
    except OSError:
        socket.create_connection(("127.0.0.1", int(sys.argv[1])), 1).close()
        sys.exit(0)
    server.settimeout(40)
    server.accept()
    sys.exit(0)
sys.exit("nobody came")
"""


@pytest.mark.usefixtures("_no_image_left")
@pytest.mark.parametrize("builder", BUILDERS)
def test_builds_run_at_the_same_moment_and_one_image_is_built_once(mesh: Make, builder: str) -> None:
    """Two builds wait, each in its own step, for the other to be in its; three services share what a third makes."""
    how = "build: {{context: ., network: host, no_cache: true, args: {{PORT: '{}', WHO: {}}}}}"
    port = free_port()
    services = "".join(
        f"  {who}: {{image: t3build/{who}, {SERVICE}, {how.format(port, who)}}}\n" for who in ("one", "two")
    )
    shared = "build: {context: ., dockerfile: id.df, no_cache: true}"
    services += "".join(f"  s{number}: {{image: t3build/shared, {SERVICE}, {shared}}}\n" for number in range(3))
    it = mesh(f"name: t3build\nservices:\n{services}")
    it.env |= BUILDERS[builder]
    (it.directory / "meet.py").write_text(MEET)
    (it.directory / "Dockerfile").write_text(
        "FROM devbox-test/base\nARG PORT\nARG WHO\nCOPY meet.py /\nRUN : $WHO; python3 /meet.py $PORT\n"
    )
    (it.directory / "id.df").write_text("FROM devbox-test/base\nRUN cat /proc/sys/kernel/random/uuid > /id\n")
    it.ok("up", "-d", limit=90)
    names = [f"t3build-s{number}-1" for number in range(3)]
    assert len({docker("exec", name, "cat", "/id") for name in names}) == 1
    assert len({docker("inspect", "-f", "{{.Image}}", name) for name in names}) == 1


def is_running(word: str) -> bool:
    """Whether a process with this word in its command line runs, in a build or anywhere."""
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = each.read_bytes().split(b"\0")
        except OSError:
            continue
        if word.encode() in words:
            return True
    return False


@pytest.mark.usefixtures("_no_image_left")
@pytest.mark.parametrize(("builder", "how"), [("buildkit", "down"), ("engine", "interrupt")])
def test_a_build_that_nobody_wants_any_more_ends(mesh: Make, builder: str, how: str) -> None:
    nap = "3725.25" if builder == "engine" else "3726.25"
    it = mesh("{name: t3build, services: {it: {image: t3build/it, build: {context: ., no_cache: true}}}}")
    it.env |= BUILDERS[builder]
    (it.directory / "Dockerfile").write_text(f"FROM devbox-test/base\nRUN sleep {nap}\n")
    process = it.spawn(*("build" if how == "interrupt" else "up -d").split())
    try:
        until(lambda: is_running(nap), what="the step of the build")
        if how == "interrupt":
            process.send_signal(signal.SIGINT)
        else:
            it.ok("down")
        process.communicate(timeout=30)
        until(lambda: not is_running(nap), 30.0, "the end of the step")
        until(lambda: not it.processes(), 30.0, "the end of devbox")
    finally:
        process.kill()
        process.communicate()
