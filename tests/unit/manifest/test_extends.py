"""`extends`: what a service takes from another one, and what is said when it cannot."""

from __future__ import annotations

import time
from typing import Any

import pytest

from devbox.domain.spec import ContainerRun, ProcessRun
from tests.unit.manifest.reading import Folder, as_printed, merged


def services(folder: Folder, *names: str, **environment: str) -> Any:
    return merged(folder.path, *(names or ("compose.yaml",)), environment=environment)["services"]


def test_of_the_same_file(folder: Folder) -> None:
    folder.write(
        "compose.yaml",
        """
        services:
          base: {image: x, environment: {A: 1, B: 1}, ports: ['1:1'], command: [a]}
          short: {extends: base, environment: [B=2], ports: ['2:2'], command: b}
          long: {extends: {service: base}, image: y}
        """,
    )
    found = services(folder)
    assert found["short"] == {
        "image": "x",
        "environment": {"A": "1", "B": "2"},
        "ports": ["1:1", "2:2"],
        "command": "b",
    }
    assert found["long"] == {"image": "y", "environment": {"A": "1", "B": "1"}, "ports": ["1:1"], "command": ["a"]}


def test_a_chain_in_any_order(folder: Folder) -> None:
    folder.write(
        "compose.yaml",
        """
        services:
          three: {extends: two, labels: {c: 3}}
          one: {image: x, labels: {a: 1, b: 1, c: 1}}
          two: {extends: one, labels: {b: 2, c: 2}}
        """,
    )
    assert services(folder)["three"] == {"image": "x", "labels": {"a": "1", "b": "2", "c": "3"}}


def test_nothing_is_left_out(folder: Folder) -> None:
    folder.write(
        "compose.yaml",
        """
        services:
          base: {image: x, depends_on: [db], links: [db], volumes_from: [db], profiles: [p], container_name: n}
          web: {extends: base}
          db: {image: y}
        """,
    )
    found = services(folder)
    assert found["web"] == found["base"]


def test_of_another_file_and_through_it_of_a_third(folder: Folder) -> None:
    folder.write("compose.yaml", "services: {web: {extends: {file: lib/base.yaml, service: b}, labels: {a: 1}}}")
    folder.write(
        "lib/base.yaml", "services: {b: {extends: {file: ../lib2/c.yaml, service: c}, labels: {b: 2}}, other: {}}"
    )
    folder.write("lib2/c.yaml", "services: {c: {extends: d, labels: {c: 3}}, d: {image: x, labels: {d: 4}}}")
    assert services(folder) == {"web": {"image": "x", "labels": {"d": "4", "c": "3", "b": "2", "a": "1"}}}


def test_relative_paths_start_from_the_file_that_says_them(folder: Folder) -> None:
    folder.write("lib/e.env", "A=1")
    folder.write("lib2/f.env", "B=2")
    folder.write("g.env", "C=3")
    folder.write("lib/base.yaml", "services: {b: {extends: {file: ../lib2/c.yaml, service: c}, env_file: e.env}}")
    folder.write("lib2/c.yaml", "services: {c: {image: x, env_file: f.env, volumes: ['./v:/v']}}")
    app = folder.load(
        "services: {web: {extends: {file: lib/base.yaml, service: b}, env_file: g.env, volumes: ['./w:/w']}}"
    )
    service = app.services[0]
    assert sorted(var.name for var in service.env) == ["A", "B", "C"]
    assert isinstance(service.run, ContainerRun)
    assert [mount.source for mount in service.run.mounts] == [str(folder.path / "lib2/v"), str(folder.path / "w")]


def test_a_process_of_another_file_works_where_it_is_extended_unless_it_says_so(folder: Folder) -> None:
    folder.write("lib/base.yaml", "services: {a: {command: x}, b: {command: x, working_dir: ./sub}}")
    app = folder.load(
        """
        services:
          a: {extends: {file: lib/base.yaml, service: a}}
          b: {extends: {file: lib/base.yaml, service: b}}
        """
    )
    runs = [service.run for service in app.services]
    assert all(isinstance(run, ProcessRun) for run in runs)
    assert [getattr(run, "working_dir", None) for run in runs] == [str(folder.path), str(folder.path / "lib/sub")]


def test_a_file_of_an_overriding_file_is_found_from_the_project(folder: Folder) -> None:
    folder.write("compose.yaml", "services: {web: {image: x}}")
    folder.write("more/over.yaml", "services: {web: {extends: {file: base.yaml, service: b}}}")
    folder.write("base.yaml", "services: {b: {image: y, labels: {a: 1}}}")
    folder.write("more/base.yaml", "services: {b: {image: z}}")
    assert services(folder, "compose.yaml", "more/over.yaml") == {"web": {"image": "y", "labels": {"a": "1"}}}


def test_variables_and_references_in_another_file(folder: Folder) -> None:
    folder.write("base.yaml", "services: {b: {image: 'x:$TAG', environment: {URL: '${db.url}'}}, c: {image: '${NO?}'}}")
    app = folder.load(
        "services: {web: {extends: {file: '$FILE.yaml', service: '${NAME}'}}, db: {image: y, ports: [5432]}}",
        environment={"TAG": "7", "FILE": "base", "NAME": "b"},
    )
    web = app.services[0]
    assert isinstance(web.run, ContainerRun)
    assert web.run.image == "x:7"
    assert [(var.name, str(var.value)) for var in web.env] == [("URL", "${db.url}")]
    assert [need.service for need in web.needs] == ["db"]


def test_each_file_is_extended_before_it_is_laid_on_the_others(folder: Folder) -> None:
    folder.write("a.yaml", "services: {web: {image: a, labels: {x: 1}}, base: {image: z, labels: {y: 1}}}")
    folder.write("b.yaml", "services: {web: {extends: base}, base: {labels: {y: 2}}}")
    found = services(folder, "a.yaml", "b.yaml")
    assert found["web"] == {"image": "a", "labels": {"x": "1", "y": "2"}}


def test_a_file_with_several_documents(folder: Folder) -> None:
    folder.write("base.yaml", "services: {b: {image: x, ports: ['$P']}}\n---\nservices: {b: {ports: ['2:2']}}")
    folder.write("compose.yaml", "services: {web: {extends: {file: base.yaml, service: b}}}")
    assert services(folder, P="1:1") == {"web": {"image": "x", "ports": ["1:1", "2:2"]}}


@pytest.mark.parametrize(
    ("base", "own", "expected"),
    [
        ("ports: ['1:1']", "ports: !reset []", {}),
        ("ports: ['1:1']", "ports: !override ['2:2']", {"ports": ["2:2"]}),
        ("environment: {A: 1, B: 2}", "environment: {A: !reset null}", {"environment": {"B": "2"}}),
        ("ports: !reset ['1:1']", "labels: {a: 1}", {"labels": {"a": "1"}}),
        ("ports: !override ['1:1']", "ports: ['2:2']", {"ports": ["1:1", "2:2"]}),
    ],
)
def test_reset_and_override(folder: Folder, base: str, own: str, expected: Any) -> None:
    folder.write("compose.yaml", f"services:\n  b: {{image: x, {base}}}\n  web: {{extends: b, {own}}}")
    assert services(folder)["web"] == {"image": "x"} | expected


def test_what_is_reset_is_reset_in_earlier_files_as_well(folder: Folder) -> None:
    folder.write("a.yaml", "services: {web: {image: x, ports: ['0:0'], dns: [a]}}")
    folder.write(
        "b.yaml",
        "services: {b: {ports: ['1:1'], dns: [b]}, web: {extends: b, ports: !reset [], dns: !override [c]}}",
    )
    assert services(folder, "a.yaml", "b.yaml")["web"] == {"image": "x", "dns": ["c"]}


def test_an_override_in_what_is_extended_does_not_reach_further(folder: Folder) -> None:
    folder.write("base.yaml", "services: {b: {ports: !override ['1:1']}}")
    folder.write("a.yaml", "services: {web: {image: x, ports: ['0:0']}}")
    folder.write("b.yaml", "services: {web: {extends: {file: base.yaml, service: b}}}")
    assert services(folder, "a.yaml", "b.yaml")["web"] == {"image": "x", "ports": ["0:0", "1:1"]}


def test_devbox_keys_are_taken_over_too(folder: Folder) -> None:
    app = folder.load(
        """
        services:
          base: {command: serve, health: {tcp: 80}, ports: [80]}
          web: {extends: base, health: {http: /up}}
        """
    )
    assert [type(service.probe.check).__name__ for service in app.services if service.probe] == [
        "TcpCheck",
        "HttpCheck",
    ]


# --- what is wrong

ERRORS = [
    (
        """
        services:
          web: {extends: bse}
          base: {image: x}
        """,
        """
        devbox.yaml:2:18: there is no service bse to extend
            2 |   web: {extends: bse}
              |                  ^^^
              hint: Did you mean base?
        """,
    ),
    (
        """
        services:
          web: {extends: {file: lib/other.yaml, service: bse}}
        """,
        """
        devbox.yaml:2:50: there is no service bse in lib/other.yaml to extend
            2 |   web: {extends: {file: lib/other.yaml, service: bse}}
              |                                                  ^^^
              hint: Did you mean base?
        """,
    ),
    (
        """
        services:
          web: {extends: {file: lib/no.yaml, service: base}}
        """,
        """
        devbox.yaml:2:25: cannot read lib/no.yaml: No such file or directory
            2 |   web: {extends: {file: lib/no.yaml, service: base}}
              |                         ^^^^^^^^^^^
        """,
    ),
    (
        """
        services:
          web: {extends: {file: lib/empty.yaml, service: base}}
        """,
        """
        devbox.yaml:2:25: lib/empty.yaml has no services
            2 |   web: {extends: {file: lib/empty.yaml, service: base}}
              |                         ^^^^^^^^^^^^^^
        """,
    ),
    (
        """
        services:
          web: {extends: {file: lib/othre.yml, service: base}}
        """,
        """
        devbox.yaml:2:25: cannot read lib/othre.yml: No such file or directory
            2 |   web: {extends: {file: lib/othre.yml, service: base}}
              |                         ^^^^^^^^^^^^^
              hint: Did you mean other.yaml?
        """,
    ),
    (
        """
        services:
          web: {extends: {file: lib/nothing.yaml, service: base}}
        """,
        """
        devbox.yaml:2:25: lib/nothing.yaml is empty
            2 |   web: {extends: {file: lib/nothing.yaml, service: base}}
              |                         ^^^^^^^^^^^^^^^^
        """,
    ),
    (
        """
        services:
          web: {extends: {file: lib/broken.yaml, service: base}}
        """,
        """
        lib/broken.yaml:1:16: did not find expected node content
            1 | services: {a: [}
              |                ^
        """,
    ),
    (
        """
        services:
          web: {extends: {file: 'https://example.org/a.yaml', service: base}}
        """,
        """
        devbox.yaml:2:25: "https://example.org/a.yaml" is not on this machine
            2 |   web: {extends: {file: 'https://example.org/a.yaml', service: base}}
              |                         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
              hint: Fetch it, and name the copy.
        """,
    ),
    (
        """
        services:
          web: {extends: {file: lib/other.yaml}}
        """,
        """
        devbox.yaml:2:18: extends does not say which service
            2 |   web: {extends: {file: lib/other.yaml}}
              |                  ^^^^^^^^^^^^^^^^^^^^^^
              hint: Write `service: name`.
        """,
    ),
    (
        """
        services:
          web: {extends: {fiel: lib/other.yaml, service: web2}}
          web2: {image: x}
        """,
        """
        devbox.yaml:2:19: extends has no key "fiel"
            2 |   web: {extends: {fiel: lib/other.yaml, service: web2}}
              |                   ^^^^
              hint: Did you mean file?
        """,
    ),
    (
        """
        services:
          web: {extends: [base]}
        """,
        """
        devbox.yaml:2:18: extends must be a text or a mapping, this is a list
            2 |   web: {extends: [base]}
              |                  ^^^^^^
        """,
    ),
    (
        """
        services:
          web: {extends: }
        """,
        """
        devbox.yaml:2:18: extends must be a text or a mapping, this is nothing
            2 |   web: {extends: }
              |                  ^
        """,
    ),
    (
        """
        services:
          web: {extends: {service: {a: b}}}
        """,
        """
        devbox.yaml:2:28: extends must be a text, this is a mapping
            2 |   web: {extends: {service: {a: b}}}
              |                            ^^^^^^
        """,
    ),
    (
        """
        services:
          web: {extends: web}
        """,
        """
        devbox.yaml:2:18: web extends itself
            2 |   web: {extends: web}
              |                  ^^^
        """,
    ),
    (
        """
        services:
          outside: {extends: a}
          a: {extends: b}
          b: {extends: {service: c}}
          c: {extends: a}
        """,
        """
        devbox.yaml:5:16: services extend one another: a -> b -> c -> a
            5 |   c: {extends: a}
              |                ^
        """,
    ),
    (
        """
        services:
          web: {extends: {file: lib/one.yaml, service: a}}
        """,
        """
        lib/two.yaml:1:25: services extend one another: a (lib/one.yaml) -> b (lib/two.yaml) -> a (lib/one.yaml)
            1 | services: {b: {extends: {file: one.yaml, service: a}}}
              |                         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        """,
    ),
    (
        """
        services:
          db: {image: x, ports: [5432]}
          web: {extends: '${db.host}'}
        """,
        """
        devbox.yaml:3:18: extends cannot hold a reference to a service
            3 |   web: {extends: '${db.host}'}
              |                  ^^^^^^^^^^^^
        """,
    ),
]


@pytest.mark.parametrize(("text", "expected"), ERRORS)
def test_errors(folder: Folder, monkeypatch: pytest.MonkeyPatch, text: str, expected: str) -> None:
    monkeypatch.chdir(folder.path)
    folder.write("lib/other.yaml", "services: {base: {image: x}}")
    folder.write("lib/empty.yaml", "x-a: 1")
    folder.write("lib/nothing.yaml", "# nothing")
    folder.write("lib/broken.yaml", "services: {a: [}")
    folder.write("lib/one.yaml", "services: {a: {extends: {file: two.yaml, service: b}}}")
    folder.write("lib/two.yaml", "services: {b: {extends: {file: one.yaml, service: a}}}")
    assert folder.errors(text) == as_printed(expected)


def test_errors_in_what_is_extended_are_told_where_they_are(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.path)
    folder.write("lib/base.yaml", "services:\n  b:\n    image: x\n    restart: never\n")
    found = folder.errors("services: {web: {extends: {file: lib/base.yaml, service: b}}}")
    assert found.splitlines()[0] == 'lib/base.yaml:4:14: "never" is no restart policy'


def test_a_chain_has_an_end(folder: Folder) -> None:
    links = "".join(f"  s{n}: {{extends: s{n + 1}}}\n" for n in range(20_000))
    start = time.process_time()
    found = folder.errors(f"services:\n{links}  s20000: {{image: x}}\n")
    assert "devbox.yaml:102:19: this extends through more than 100 services" in found
    assert time.process_time() - start < 4


def test_what_is_taken_over_again_and_again_has_an_end(folder: Folder) -> None:
    ports = ", ".join(str(n) for n in range(1, 1000))
    services = "".join(f"  s{n}: {{extends: base}}\n" for n in range(1000))
    start = time.process_time()
    found = folder.errors(f"services:\n  base: {{image: x, cap_add: [{ports}]}}\n{services}")
    assert "what services extend comes to more than 100,000 values" in found
    assert time.process_time() - start < 4
