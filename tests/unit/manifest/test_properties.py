"""Whatever is written: a mesh, or errors that can be printed, and nothing else."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from devbox.domain.codec import decode, encode
from devbox.domain.errors import ManifestError
from devbox.domain.spec import AppSpec
from devbox.manifest import project_name, read
from devbox.manifest.canonical import canonical
from devbox.manifest.dotenv import parse as parse_variables
from devbox.manifest.interpolate import BadForm, Variables, interpolate
from devbox.manifest.keys import COMPOSE, NOT_CARRIED, OWN
from devbox.manifest.source import Problems, Source
from devbox.manifest.units import as_duration, duration

SAMPLE = """\
name: shop
x-common: &common {restart: on-failure:3, environment: {A: "1", B: $B}}
services:
  db: {use: "postgres:16", runtime: docker}
  migrate: {command: "migrate ${db.url}", environment: [A=1, B]}
  api:
    <<: *common
    command: 'serve --port ${api.port} "${UNSET:-a b}"'
    ports: ["8000", {target: 9000, published: 9000}]
    depends_on: {migrate: {condition: service_completed_successfully}, db: {condition: service_healthy}}
    health: {http: ":8000/healthz", interval: 5s, status: 200-299}
    profiles: [all]
  web:
    image: nginx
    ports: ["127.0.0.1:8080-8081:80-81", "53/udp"]
    healthcheck: {test: [CMD-SHELL, "curl localhost || exit 1"], interval: 1m30s}
    stop_signal: SIGINT
    deploy: {replicas: 1, resources: {}}
"""

QUIET = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def outcome(data: bytes) -> AppSpec | ManifestError:
    """What becomes of a manifest's bytes; any other exception is a bug."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "devbox.yaml")
        file.write_bytes(data)
        project_name([file], environment={})
        try:
            reading = read(
                [file],
                environment={"PATH": ""},
                profiles=["*"],
                secrets=lambda service, name: "secret",
                data_dir=lambda service: f"/data/{service}",
            )
        except ManifestError as error:
            return error
    app = reading.app
    assert decode(AppSpec, json.loads(json.dumps(encode(app)))) == app
    yaml.safe_dump(canonical(reading))
    return app


def check(data: bytes) -> None:
    """Errors have places and words."""
    found = outcome(data)
    if isinstance(found, ManifestError):
        assert found.problems
        assert all(problem.message and str(problem) for problem in found.problems)


@given(st.binary(max_size=200))
@QUIET
def test_any_bytes(data: bytes) -> None:
    check(data)


@given(st.text(max_size=200))
@QUIET
def test_any_text(text: str) -> None:
    check(text.encode("utf-8", "surrogatepass"))


@given(st.data())
@QUIET
def test_a_manifest_with_something_put_out_of_place(data: st.DataObject) -> None:
    text = SAMPLE
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = min(len(text), start + data.draw(st.integers(0, 12)))
        piece = data.draw(
            st.sampled_from(
                ["", "\n", "  ", ": ", "- ", "{", "}", "[", "]", "${", "$", "*", "&a ", '"', "'", "!reset ", "0"]
            )
            | st.text(max_size=4)
        )
        text = text[:start] + piece + text[end:]
    check(text.encode("utf-8", "surrogatepass"))


WORDS = st.sampled_from(
    [
        "",
        "x",
        "80",
        "80:80",
        "1s",
        "a b",
        "${a.url}",
        "${b.port}",
        "$X",
        "a",
        "b",
        "true",
        "no",
        "-1",
        "CMD",
        "always",
        "é\n",
    ]
)
KEYS = st.sampled_from(
    [*COMPOSE, *OWN, *NOT_CARRIED, "x-devbox", "http", "tcp", "exec", "test", "target", "path",
     "condition", "entry", "interval", "a", "b", "required"]
)  # fmt: skip
VALUES = st.recursive(
    WORDS | st.none() | st.booleans() | st.integers(-1, 99999) | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)


@given(
    st.dictionaries(st.sampled_from(["a", "b", "c"]), st.dictionaries(KEYS, VALUES, max_size=6) | VALUES, max_size=3)
)
@example({"a": {"command": "x", "ports": ["80"]}, "b": {"image": "y", "environment": {"A": "${a.url}"}}})
@QUIET
def test_any_value_under_any_key(services: object) -> None:
    check(yaml.safe_dump({"services": services}).encode())


EXTENDS = st.sampled_from(
    ["a", "b", "c", {"service": "a"}, {"service": "b", "file": "other.yaml"}, {"file": "c"}, [], 1]
)
SERVICES = st.dictionaries(
    st.sampled_from(["a", "b", "c"]),
    st.dictionaries(KEYS, VALUES, max_size=4)
    | st.builds(lambda keys, extends: {**keys, "extends": extends}, st.dictionaries(KEYS, VALUES, max_size=3), EXTENDS),
    max_size=3,
)
INCLUDES = st.none() | st.lists(
    st.sampled_from(["other.yaml", "devbox.yaml", "no.yaml", "", None, 1, [], {}, {"path": "other.yaml"}])
    | st.fixed_dictionaries(
        {"path": st.just(["other.yaml"])}, optional={"env_file": VALUES, "project_directory": VALUES}
    ),
    max_size=3,
)
FILE = st.fixed_dictionaries({"services": SERVICES}, optional={"include": INCLUDES, "networks": VALUES, "x-a": VALUES})


def tagged(data: object, mark: str) -> str:
    """A file in which the values of one key are marked."""
    text = yaml.safe_dump(data, default_flow_style=True, width=1_000_000)
    return (
        text.replace(f"{mark}: ", f"{mark}: !reset ", 1)
        if len(text) % 2
        else text.replace(mark, f"{mark}: !override", 1)
    )


@given(FILE, FILE, FILE, st.sampled_from(["image", "ports", "a", "b", "command", "environment", "labels"]))
@QUIET
def test_any_files_that_lie_on_extend_and_include_one_another(
    one: object, two: object, other: object, mark: str
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, name) for name in ("devbox.yaml", "over.yaml", "other.yaml")]
        for file, data in zip(files, (one, two, other), strict=True):
            file.write_text(tagged(data, mark))
        try:
            reading = read(
                files[:2],
                environment={"PATH": ""},
                profiles=["*"],
                secrets=lambda service, name: "secret",
                data_dir=lambda service: f"/data/{service}",
            )
        except ManifestError as error:
            printed = [str(problem) for problem in error.problems]
        else:
            printed = [yaml.safe_dump(canonical(reading))]
        assert all(printed)


@given(st.text(alphabet=st.sampled_from("$${}:-?+AB.ab \\\"'\n")))
@QUIET
def test_any_variable_form(text: str) -> None:
    variables = Variables({"A": "1", "B": ""})
    try:
        found = str(interpolate(text, variables, {"a", "b"}).template)
    except BadForm as bad:
        found = bad.fragment
    assert "$" in text or found == text


@given(st.text())
@QUIET
def test_a_text_with_its_dollars_doubled_is_itself(text: str) -> None:
    assert str(interpolate(text.replace("$", "$$"), Variables({})).template) == text


@given(st.text(alphabet=st.sampled_from("AB=:\"'\\$#{} \t\nexport-")))
@QUIET
def test_any_file_of_variables(text: str) -> None:
    problems = Problems()
    parse_variables(Source(Path("/x/.env"), ".env", tuple(text.split("\n"))), text, {"A": "1"}, problems)
    assert all(str(problem) for problem in problems.found)


@given(st.integers(0, 10**16))
@example(1)
def test_durations_survive_being_written(nanoseconds: int) -> None:
    seconds = duration(f"{nanoseconds}ns")
    assert seconds is not None
    assert duration(as_duration(seconds)) == seconds
