"""What each key of a service means."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from devbox.domain.container import BuildSpec, MountKind
from devbox.domain.spec import (
    ContainerRun,
    ExecCheck,
    Group,
    GrpcCheck,
    HttpCheck,
    LogCheck,
    Need,
    Port,
    Probe,
    ProcessRun,
    Reference,
    Restart,
    RestartPolicy,
    Stop,
    TcpCheck,
    Template,
    Tls,
    Until,
)
from devbox.manifest import idle
from devbox.manifest.units import as_duration, duration
from tests.unit.manifest.reading import Folder


def words(argv: tuple[Template, ...] | None) -> list[str]:
    return [str(word) for word in argv or ()]


def one(folder: Folder, keys: str) -> str:
    return f"services: {{web: {{{keys}}}, db: {{image: postgres, ports: ['5432']}}}}"


def env(folder: Folder, keys: str) -> dict[str, str]:
    return {var.name: str(var.value) for var in folder.service(one(folder, keys)).env}


# --- what it runs


def test_an_image_makes_a_container(folder: Folder) -> None:
    run = folder.service(one(folder, "image: 'nginx:1', command: nginx -g 'daemon off;', entrypoint: [tini, --]")).run
    assert isinstance(run, ContainerRun)
    assert (run.image, words(run.argv), words(run.entrypoint)) == (
        "nginx:1",
        ["nginx", "-g", "daemon off;"],
        ["tini", "--"],
    )


def test_a_build_is_called_as_compose_calls_it(folder: Folder) -> None:
    app = folder.load("name: shop\nservices: {web: {build: .}}")
    assert app.services[0].run == ContainerRun("shop-web", build=BuildSpec(str(folder.path)))


def test_a_command_alone_makes_a_process_in_the_directory_of_the_file(folder: Folder) -> None:
    run = folder.service(one(folder, "command: serve --all")).run
    assert run == ProcessRun((Template.of("serve"), Template.of("--all")), str(folder.path))


def test_an_entrypoint_goes_before_the_command_of_a_process(folder: Folder) -> None:
    run = folder.service(one(folder, "command: [b], entrypoint: a")).run
    assert words(run.argv) == ["a", "b"]


def test_working_dir_starts_from_the_file(folder: Folder) -> None:
    run = folder.service(one(folder, "command: x, working_dir: ./api")).run
    assert isinstance(run, ProcessRun)
    assert run.working_dir == str(folder.path / "api")


def test_working_dir_starts_from_the_project_directory_where_one_is_given(folder: Folder) -> None:
    app = folder.load("services: {web: {command: x, working_dir: api}}", directory=folder.path / "elsewhere")
    run = app.services[0].run
    assert isinstance(run, ProcessRun)
    assert run.working_dir == str(folder.path / "elsewhere" / "api")
    assert app.directory == str(folder.path / "elsewhere")


def test_a_command_is_split_like_a_shell_does_and_references_stay_whole(folder: Folder) -> None:
    run = folder.service(one(folder, "command: \"run '--to=${db.url} x' ${db.port}\"")).run
    assert run.argv == (
        Template.of("run"),
        Template(("--to=", Reference("db", "url"), " x")),
        Template((Reference("db", "port"),)),
    )


# --- environment


def test_environment_as_mapping_and_as_list(folder: Folder) -> None:
    assert env(folder, "image: x, environment: {A: 1, B: true, C: '', D: 0x10, E: on}") == {
        "A": "1",
        "B": "true",
        "C": "",
        "D": "0x10",
        "E": "on",
    }
    assert env(folder, "image: x, environment: [A=1, B=x=y, C=]") == {"A": "1", "B": "x=y", "C": ""}


def test_a_name_without_a_value_is_passed_on(folder: Folder) -> None:
    folder.environment = {"A": "1", "C": "3"}
    assert env(folder, "image: x, environment: {A: , B: }") == {"A": "1"}
    assert env(folder, "image: x, environment: [B, C]") == {"C": "3"}


def test_an_unset_variable_is_empty_and_not_passed_on(folder: Folder) -> None:
    app = folder.load("services: {web: {image: x, environment: {A: $A}}}")
    assert [str(var.value) for var in app.services[0].env] == [""]
    assert app.notes[0].endswith("devbox.yaml:1: the variable A is not set and stands for an empty text")


def test_env_files_come_before_the_environment(folder: Folder) -> None:
    folder.write("a.env", "A=1\nB=1\nC=1")
    folder.write("b.env", "B=2\nC=2\nD='$E'")
    keys = "image: x, env_file: [a.env, {path: b.env}, {path: no.env, required: false}], environment: {C: 3}"
    assert env(folder, keys) == {"A": "1", "B": "2", "C": "3", "D": "$E"}


def test_a_raw_env_file_is_taken_as_it_is(folder: Folder) -> None:
    folder.write("a.env", 'A="$x" # y')
    assert env(folder, "image: x, env_file: [{path: a.env, format: raw}]") == {"A": '"$x" # y'}


@pytest.mark.parametrize(
    "name", ["DB_PASSWORD", "API_KEY", "apiToken", "SECRET", "PGPASS", "AWS_SECRET_ACCESS_KEY", "PW"]
)
def test_names_that_look_like_secrets(folder: Folder, name: str) -> None:
    assert folder.service(one(folder, f"image: x, environment: {{{name}: x}}")).env[0].secret


@pytest.mark.parametrize("name", ["DB_PASSWORD_FILE", "PASSENGER_COUNT", "KEY", "POWER", "TOKEN_URL"])
def test_names_that_do_not(folder: Folder, name: str) -> None:
    assert not folder.service(one(folder, f"image: x, environment: {{{name}: x}}")).env[0].secret


def test_an_address_with_a_password_is_secret(folder: Folder) -> None:
    found = folder.service(one(folder, "image: x, environment: {A: 'amqp://me:pw@host/', B: 'http://host:80/a@b'}")).env
    assert [var.secret for var in found] == [True, False]


@pytest.mark.parametrize(
    ("begins", "ends", "secret"),
    [
        ("ghp", "_0123456789abcdef", True),
        ("sk_live", "_0123456789abcdef", True),
        ("glpat", "-0123456789abcdef", True),
        ("AKIA", "0123456789ABCDEF", True),
        ("eyJhbGciOiJIUzI1NiJ9", ".eyJzdWIiOiIxMjM0In0.c2lnbmVk", True),
        ("-----BEGIN RSA", " PRIVATE KEY-----", True),
        ("ghp", "_short", False),
        ("-----BEGIN", " CERTIFICATE-----", False),
        ("pk_live", "_0123456789abcdef", False),
    ],
)
def test_what_tokens_look_like(folder: Folder, begins: str, ends: str, secret: bool) -> None:
    found = folder.service(one(folder, f"image: x, environment: {{IT: '{begins}{ends}'}}")).env
    assert [var.secret for var in found] == [secret]


def test_values_from_dot_env_are_secret(folder: Folder) -> None:
    folder.write(".env", "COLOUR=red")
    found = folder.service(one(folder, "image: x, environment: {A: $COLOUR, COLOUR: , C: x}")).env
    assert {var.name: var.secret for var in found} == {"A": True, "COLOUR": True, "C": False}


# --- ports


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("8000", [Port(8000)]),
        ("'8080:80'", [Port(80, 8080)]),
        ("'127.0.0.1:8080:80'", [Port(80, 8080)]),
        ("'0.0.0.0:8080:80'", [Port(80, 8080, "0.0.0.0")]),
        ("'[::1]:8080:80'", [Port(80, 8080, "::1")]),
        ("'127.0.0.1::80'", [Port(80)]),
        ("'0:80'", [Port(80)]),
        ("'53:53/udp'", [Port(53, 53, protocol="udp")]),
        ("22:22", [Port(22, 22)]),
        ("'3000-3001'", [Port(3000), Port(3001)]),
        ("'9000-9001:80-81'", [Port(80, 9000), Port(81, 9001)]),
        ("{target: 80}", [Port(80)]),
        ("{target: 80, published: '8080', host_ip: 0.0.0.0, protocol: udp}", [Port(80, 8080, "0.0.0.0", "udp")]),
        ("{target: 80, published: 8080, mode: host, name: web, app_protocol: http}", [Port(80, 8080)]),
    ],
)
def test_ports(folder: Folder, written: str, expected: list[Port]) -> None:
    assert list(folder.service(one(folder, f"image: x, ports: [{written}]")).ports) == expected


def test_a_process_has_a_port_picked_or_fixed(folder: Folder) -> None:
    assert folder.service(one(folder, "command: x, ports: [8000, '9000:9000']")).ports == (Port(8000), Port(9000, 9000))


# --- needs


def test_depends_on_in_short_form_waits_for_the_start(folder: Folder) -> None:
    assert folder.service(one(folder, "image: x, depends_on: [db]")).needs == (Need("db", Until.STARTED),)


def test_depends_on_in_long_form(folder: Folder) -> None:
    text = """
        services:
          web:
            image: x
            depends_on:
              a: {condition: service_healthy, restart: true}
              b: {condition: service_completed_successfully}
              c: {condition: service_started, required: false}
              d: {required: false}
          a: {image: x}
          b: {image: x}
          c: {image: x}
    """
    assert folder.service(text).needs == (
        Need("a", Until.READY, restart=True),
        Need("b", Until.COMPLETED),
        Need("c", Until.STARTED, required=False),
        Need("d", Until.STARTED, required=False),
    )


def test_a_reference_implies_a_need_for_health(folder: Folder) -> None:
    assert folder.service(one(folder, "image: x, environment: {A: '${db.url}'}")).needs == (Need("db"),)
    assert folder.service(one(folder, "command: 'x ${db.port}'")).needs == (Need("db"),)
    assert folder.service(one(folder, "command: x, health: {exec: [ask, '${db.host}']}")).needs == (Need("db"),)


def test_depends_on_has_the_last_word_over_a_reference(folder: Folder) -> None:
    found = folder.service(one(folder, "image: x, environment: {A: '${db.url}'}, depends_on: [db]")).needs
    assert found == (Need("db", Until.STARTED),)


def test_a_service_may_refer_to_itself_and_needs_nothing_for_it(folder: Folder) -> None:
    service = folder.service(one(folder, "command: 'serve --port ${web.port}', ports: [8000]"))
    assert service.needs == ()
    assert service.run.argv[2].references == (Reference("web", "port"),)


def test_a_service_that_others_wait_for_to_complete_is_a_job(folder: Folder) -> None:
    app = folder.load(
        """
        services:
          migrate: {command: migrate, ports: ["1"]}
          web: {command: x, depends_on: {migrate: {condition: service_completed_successfully}}}
        """
    )
    assert [(service.name, service.group, service.probe) for service in app.services] == [
        ("migrate", Group.JOB, None),
        ("web", Group.SERVICE, None),
    ]


# --- health


def probe(folder: Folder, keys: str) -> Probe | None:
    return folder.service(one(folder, keys)).probe


def test_a_port_is_probed_unless_something_else_is_said(folder: Folder) -> None:
    assert probe(folder, "image: x, ports: [80]") == Probe(TcpCheck(), assumed=True)
    assert probe(folder, "image: x, ports: ['53/udp', 80]") == Probe(TcpCheck(80), assumed=True)
    assert probe(folder, "image: x") is None
    assert probe(folder, "image: x, ports: ['53/udp']") is None
    assert probe(folder, "image: x, ports: [80], healthcheck: {disable: true}") is None
    assert probe(folder, "image: x, ports: [80], healthcheck: {test: [NONE]}") is None


def test_healthcheck_has_the_clockwork_of_compose(folder: Folder) -> None:
    found = probe(folder, "image: x, healthcheck: {test: [CMD, ask, -q]}")
    assert found == Probe(ExecCheck((Template.of("ask"), Template.of("-q"))), 30.0, 30.0, 3, 0.0, 5.0)


@pytest.mark.parametrize("test", ["'ask || exit 1'", "[CMD-SHELL, 'ask || exit 1']"])
def test_healthcheck_by_a_shell(folder: Folder, test: str) -> None:
    found = probe(folder, f"image: x, healthcheck: {{test: {test}}}")
    assert found is not None
    assert isinstance(found.check, ExecCheck)
    assert words(found.check.argv) == ["/bin/sh", "-c", "ask || exit 1"]


def test_healthcheck_times(folder: Folder) -> None:
    times = "interval: 1m30s, timeout: 500ms, retries: 7, start_period: 1h, start_interval: 2s"
    found = probe(folder, f"image: x, healthcheck: {{test: x, {times}}}")
    assert found is not None
    assert (found.interval, found.timeout, found.retries, found.start_period, found.start_interval) == (
        90.0,
        0.5,
        7,
        3600.0,
        2.0,
    )


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("http: /", HttpCheck()),
        ("http: /healthz", HttpCheck("/healthz")),
        ("http: ':9000/healthz'", HttpCheck("/healthz", 9000)),
        ("http: ':9000'", HttpCheck("/", 9000)),
        ("http: /, status: 204", HttpCheck(status=(204, 204))),
        ("http: /, status: 200-299, body: ^ok", HttpCheck(status=(200, 299), body="^ok")),
        ("tcp: 9000", TcpCheck(9000)),
        ("https: /, redirects: true", HttpCheck(redirects=True, tls=Tls())),
        ("https: ':8443/up', insecure: true, method: head", HttpCheck("/up", 8443, method="HEAD", tls=Tls(None, True))),
        ("https: /, ca: /etc/ca.pem", HttpCheck(tls=Tls("/etc/ca.pem"))),
        ("http: /, headers: {X-Key: a b}", HttpCheck(headers=(("X-Key", Template.of("a b")),))),
        ("grpc: 9000", GrpcCheck(9000)),
        ("grpc: 9000, insecure: true", GrpcCheck(9000, tls=Tls(None, True))),
        ("grpc: 9000, service: shop.Pricing", GrpcCheck(9000, "shop.Pricing")),
        ("exec: [ask, -q]", ExecCheck((Template.of("ask"), Template.of("-q")))),
        ("exec: ask -q", ExecCheck((Template.of("ask"), Template.of("-q")))),
        ("log: ready in \\d+", LogCheck("ready in \\d+")),
    ],
)
def test_health(folder: Folder, written: str, expected: object) -> None:
    found = probe(folder, f"command: x, health: {{{written}}}")
    assert found is not None
    assert found == Probe(found.check)
    assert found.check == expected


def test_health_times(folder: Folder) -> None:
    assert probe(folder, "command: x, health: {tcp: 1, interval: 1s, retries: 9}") == Probe(TcpCheck(1), 1.0, retries=9)


def test_health_goes_before_healthcheck(folder: Folder) -> None:
    assert probe(folder, "command: x, health: {tcp: 1}, healthcheck: {test: x}") == Probe(TcpCheck(1))


# --- life and death


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("'no'", Restart()),
        ("no", Restart()),
        ("always", Restart(RestartPolicy.ALWAYS)),
        ("on-failure", Restart(RestartPolicy.ON_FAILURE)),
        ("on-failure:3", Restart(RestartPolicy.ON_FAILURE, 3)),
        ("unless-stopped", Restart(RestartPolicy.UNLESS_STOPPED)),
    ],
)
def test_restart(folder: Folder, written: str, expected: Restart) -> None:
    assert folder.service(one(folder, f"image: x, restart: {written}")).restart == expected


@pytest.mark.parametrize(
    ("written", "expected"), [("SIGINT", "SIGINT"), ("int", "SIGINT"), ("2", "SIGINT"), ("SIGRTMIN+3", "SIGRTMIN+3")]
)
def test_stop(folder: Folder, written: str, expected: str) -> None:
    found = folder.service(one(folder, f"image: x, stop_signal: {written}, stop_grace_period: 1m"))
    assert found.stop == Stop(expected, 60.0)


def test_replicas(folder: Folder) -> None:
    assert folder.service(one(folder, "image: x, scale: 3")).replicas == 3
    assert folder.service(one(folder, "image: x, deploy: {replicas: 2}")).replicas == 2
    assert folder.service(one(folder, "image: x, scale: 0")).replicas == 0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1m30s", 90.0), ("500ms", 0.5), ("2h", 7200.0), ("0", 0.0), ("0s", 0.0), ("1.5s", 1.5), ("10us", 1e-5)],
)
def test_durations(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "10", "s", "1x", "-1s", "1 s", "٣s"])
def test_what_is_no_duration(text: str) -> None:
    assert duration(text) is None


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0, "0s"), (0.25, "250ms"), (5.0, "5s"), (90.0, "1m30s"), (3600.0, "1h0m0s"), (1.5, "1.5s")]
)
def test_durations_are_written_as_compose_does(seconds: float, text: str) -> None:
    assert as_duration(seconds) == text


# --- who takes part


def test_profiles(folder: Folder) -> None:
    text = "services: {a: {image: x}, b: {image: x, profiles: [debug]}, c: {image: x, profiles: [other]}}"
    assert [service.name for service in folder.load(text).services] == ["a"]
    assert [service.name for service in folder.load(text, profiles=["debug"]).services] == ["a", "b"]
    assert [service.name for service in folder.load(text, profiles=["*"]).services] == ["a", "b", "c"]
    found = folder.load(text, environment={"COMPOSE_PROFILES": "other, debug"})
    assert [service.name for service in found.services] == ["a", "b", "c"]


def test_a_service_whose_program_is_missing_is_left_out_with_a_word(folder: Folder) -> None:
    app = folder.load(
        """
        services:
          prices: {command: go run ., requires: no-such-program, ports: ["1"]}
          web:
            command: serve
            depends_on: [prices]
            environment: {PRICES: "${prices.url}"}
        """
    )
    assert [service.name for service in app.services] == ["web"]
    assert app.services[0].needs == ()
    assert str(app.services[0].env[0].value) == ""
    assert app.notes == (
        "prices is left out: no-such-program is not on PATH",
        "${prices.url} in web.PRICES is empty: prices is left out: no-such-program is not on PATH",
    )


def at(path: str, value: Any) -> dict[str, Any]:
    """Data in which a value stands at a path."""
    for step in reversed(path.split(".")):
        value = {"some" if step == "*" else step: value}
    return value


@pytest.mark.parametrize("path", idle.SERVICE)
def test_a_key_of_a_service_without_effect_is_noted(folder: Folder, path: str) -> None:
    values = {"build.privileged": True, "build.isolation": "hyperv"}
    duration = "1s" if path.startswith("deploy.restart_policy") else None
    web = at(path, values.get(path, duration))
    text = yaml.safe_dump({"services": {"web": {"image": "x", "x-mine": 1, "tty": True, **web}}})
    notes = [note for note in notes_of(folder, text) if path in note]
    assert len(notes) == 1
    assert notes[0].endswith(f": services.web.{path} has no effect: {idle.SERVICE[path]}")


@pytest.mark.parametrize("path", idle.TOP)
def test_a_key_beside_the_services_without_effect_is_noted(folder: Folder, path: str) -> None:
    text = yaml.safe_dump({"services": {"web": {"image": "x"}}, **at(path, {})})
    [note] = notes_of(folder, text.replace("some: {", "some: {file: a, ").replace("some:\n", "some:\n    file: a\n"))
    assert note.endswith(f": {path.replace('*', 'some')} has no effect: {idle.TOP[path]}")


def notes_of(folder: Folder, text: str) -> tuple[str, ...]:
    return folder.load(text, name="compose.yaml").notes


def test_what_is_said_of_one_machine_anyway_is_not_noted(folder: Folder) -> None:
    assert notes_of(folder, "services: {web: {image: x, deploy: {mode: replicated, replicas: 2}}}") == ()


def test_a_service_with_a_provider_is_left_out_and_nobody_waits_for_it(folder: Folder) -> None:
    app = folder.load(
        """
        services:
          db: {provider: {type: cloud, options: {size: 1}}}
          web: {image: x, depends_on: [db]}
        """,
        name="compose.yaml",
    )
    assert [(service.name, service.needs) for service in app.services] == [("web", ())]
    [note] = app.notes
    assert note.endswith("2: services.db.provider has no effect: devbox runs no providers, and leaves the service out")


def test_volumes_that_only_other_engines_have_are_read_and_noted(folder: Folder) -> None:
    app = folder.load(
        """
        services:
          web:
            image: x
            volumes:
              - {type: image, source: "tools:1", target: /tools, image: {subpath: bin}}
              - {type: cluster, source: group, target: /shared}
              - {type: npipe, source: pipe, target: /pipe}
        """,
        name="compose.yaml",
    )
    run = app.services[0].run
    assert isinstance(run, ContainerRun)
    assert [(mount.kind, mount.source, mount.subpath) for mount in run.mounts] == [
        (MountKind.IMAGE, "tools:1", "bin"),
        (MountKind.CLUSTER, "group", ""),
        (MountKind.NPIPE, "pipe", ""),
    ]
    assert app.volumes == ()
    assert [note.partition(": ")[2] for note in app.notes] == [
        "a volume of type cluster is one for a swarm: other engines refuse it",
        "a volume of type npipe is one for Windows: other engines refuse it",
    ]


def test_an_external_secret_is_read_and_noted(folder: Folder) -> None:
    app = folder.load("services: {web: {image: x, secrets: [s]}}\nsecrets: {s: {external: true}}", name="compose.yaml")
    run = app.services[0].run
    assert isinstance(run, ContainerRun)
    assert [(file.source, file.external) for file in run.files] == [("s", True)]
    assert [note.partition(": ")[2] for note in app.notes] == [
        "the secret s is external, and so a swarm's: who uses it does not start here"
    ]


def test_who_owns_a_mounted_file_cannot_be_said(folder: Folder) -> None:
    app = folder.load(
        """
        services:
          web:
            image: x
            secrets: [{source: file, uid: "1"}, {source: text, mode: 0400}]
        secrets: {file: {file: ./a}, text: {content: b}}
        """,
        name="compose.yaml",
    )
    assert [note.partition(": ")[2] for note in app.notes] == [
        "uid, gid and mode of the secret file have no effect: its file is mounted as it is"
    ]


@pytest.mark.parametrize(
    ("written", "policy"),
    [
        ("pull_policy: refresh, pull_refresh_after: 1h30m", "every_5400s"),
        ("pull_refresh_after: 2s, pull_policy: refresh", "every_2s"),
        ("pull_policy: refresh", "missing"),
        ("pull_policy: always, pull_refresh_after: 2s", "always"),
    ],
)
def test_when_an_image_is_pulled_again(folder: Folder, written: str, policy: str) -> None:
    run = folder.service(f"services: {{web: {{image: x, {written}}}}}").run
    assert isinstance(run, ContainerRun)
    assert run.options.pull_policy == policy


@pytest.mark.parametrize(
    ("written", "seconds"), [("stop_timeout: 7", 7.0), ("stop_timeout: 7, stop_grace_period: 3s", 3.0)]
)
def test_the_old_name_of_the_grace_period(folder: Folder, written: str, seconds: float) -> None:
    assert folder.service(f"services: {{web: {{image: x, {written}}}}}").stop.grace == seconds


@pytest.mark.parametrize("kind", ["image: x", "command: x"])
@pytest.mark.parametrize(
    ("logging", "limit"),
    [
        ("{options: {max-size: 10m}}", 10 << 20),
        ("{driver: json-file, options: {max-size: 200k, max-file: '3'}}", 600 << 10),
        ("{driver: local, options: {max-file: 3, max-size: 1g}}", 3 << 30),
        ("{driver: json-file, options: {max-size: '-1'}}", None),
        ("{driver: json-file}", None),
        ("{driver: syslog, options: {max-size: of no meaning}}", None),
    ],
)
def test_how_much_of_a_log_is_kept(folder: Folder, kind: str, logging: str, limit: int | None) -> None:
    assert folder.service(f"services: {{web: {{{kind}, logging: {logging}}}}}").log_limit == limit


def test_own_keys_in_a_compose_file_stand_under_x_devbox(folder: Folder) -> None:
    text = "services: {web: {image: x, runtime: runc, ports: [80], x-devbox: {health: {http: /}, open: /docs}}}"
    found = folder.service(text, file="compose.yaml")
    assert found.probe == Probe(HttpCheck())
    assert found.open_path == "/docs"


def test_everything_knows_where_it_was_said(folder: Folder) -> None:
    service = folder.service("services:\n  web:\n    command: x\n    environment:\n      A: 1\n")
    assert str(service.origin) == f"{folder.path}/devbox.yaml:2:3"
    assert str(service.env[0].origin) == f"{folder.path}/devbox.yaml:5:7"
