"""Where a value comes from, and what it overrode: through several files, extending, and files of variables."""

from __future__ import annotations

from dataclasses import replace

from devbox.manifest.provenance import Provenance, Said, provenance
from tests.unit.manifest.reading import Folder


def told(folder: Folder, *texts: str, service: str = "web") -> dict[str, Provenance]:
    found = provenance(folder.read(*texts), service)
    prefix = f"{folder.path}/"
    return {
        each.key: replace(
            each,
            origin=each.origin.removeprefix(prefix),
            overrode=tuple(replace(said, origin=said.origin.removeprefix(prefix)) for said in each.overrode),
            through=tuple(variable.replace(prefix, "") for variable in each.through),
        )
        for each in found
    }


def test_a_later_file_overrides_an_earlier_one(folder: Folder) -> None:
    found = told(
        folder,
        "services:\n  web:\n    image: x:1\n    environment: {A: one}\n",
        "services:\n  web:\n    image: x:2\n    environment:\n      A: two\n",
    )
    assert found["image"] == Provenance("image", "x:2", "over0.compose.yaml:3:5", (Said("compose.yaml:3:5", "x:1"),))
    assert found["environment.A"] == Provenance(
        "environment.A", "two", "over0.compose.yaml:5:7", (Said("compose.yaml:4:19", "one"),)
    )


def test_what_a_service_extends_lies_below_it(folder: Folder) -> None:
    found = told(
        folder,
        """
        services:
          base: {image: x, user: root}
          web:
            extends: base
            user: me
        """,
    )
    assert found["user"] == Provenance("user", "me", "compose.yaml:5:5", (Said("compose.yaml:2:20", "root"),))
    assert found["image"].origin == "compose.yaml:2:10"


def test_a_variable_of_a_file_is_overridden_and_secrets_stay_masked(folder: Folder) -> None:
    folder.write("vars.env", "TOKEN=file\nB=b\n")
    found = told(
        folder,
        """
        services:
          web:
            image: x
            env_file: vars.env
            environment: {TOKEN: own}
        """,
    )
    token = found["environment.TOKEN"]
    assert (token.value, token.secret) == ("********", True)
    assert token.overrode == (Said("vars.env:1", "********"),)
    assert found["environment.B"].value == "b"


def test_a_variable_tells_its_line_in_the_file_it_is_from(folder: Folder) -> None:
    folder.write("web.env", "# first\nA=1\nB='two\nlines'\nexport C=3\nA=last\n")
    found = told(folder, "services: {web: {image: x, env_file: web.env, environment: {C: own}}}")
    assert {key: each.origin for key, each in found.items() if key.startswith("environment")} == {
        "environment.A": "web.env:6",
        "environment.B": "web.env:3",
        "environment.C": "compose.yaml:1:61",
    }
    assert found["environment.C"].overrode == (Said("web.env:5", "3"),)


def test_what_a_value_is_written_with_is_told_with_where_that_is_from(folder: Folder) -> None:
    folder.write(".env", "TAG=3\n")
    folder.environment = {"PORT": "8080"}
    found = told(
        folder,
        """
        services:
          db: {image: x, ports: [1]}
          web:
            image: "x:${TAG}-${NO:-${WAY:-$$NOT}}"
            ports: ["${PORT}:80"]
            environment:
              A: ${db.port}
              TAG:
              OTHER:
        """,
    )
    assert found["image"].through == ("TAG from .env:1", "NO, which is not set", "WAY, which is not set")
    assert found["ports"].through == ("PORT from the environment",)
    assert found["environment.A"].through == ()
    assert found["environment.TAG"].through == ("TAG from .env:1",)
    assert (found["environment.OTHER"].value, found["environment.OTHER"].through) == (
        "null",
        ("OTHER, which is not set",),
    )


def test_a_secret_is_masked_wherever_it_is_written(folder: Folder) -> None:
    folder.write(".env", "DB_PASSWORD=hunter2\n")
    found = told(
        folder,
        """
        services:
          web:
            image: x
            command: serve --password=${DB_PASSWORD} --name hunter
            labels: {key: "${DB_PASSWORD}"}
            healthcheck: {test: "ping -p $DB_PASSWORD"}
        """,
        "services: {web: {labels: {key: other}}}",
    )
    assert "hunter2" not in repr(found)
    assert (found["command"].value, found["command"].secret) == (
        '["serve", "--password=********", "--name", "hunter"]',
        True,
    )
    assert found["labels.key"].overrode == (Said("compose.yaml:5:14", "********"),)


def test_what_dot_env_fills_in_is_shown_with_its_line_unless_it_looks_secret(folder: Folder) -> None:
    folder.write(".env", f"TAG=1.2\nLEVEL=debug\nGIVEN=gh{'p_'}0123456789abcdef\n")
    found = told(
        folder,
        """
        services:
          web:
            image: "web:${TAG}"
            command: serve --level ${LEVEL} --as ${GIVEN}
            environment: {LEVEL: "${LEVEL}"}
        """,
    )
    assert (found["image"].value, found["image"].through) == ("web:1.2", ("TAG from .env:1",))
    assert found["command"].value == '["serve", "--level", "debug", "--as", "********"]'
    assert found["environment.LEVEL"].value == "********"
