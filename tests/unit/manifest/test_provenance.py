"""Where a value comes from, and what it overrode: through several files, extending, and files of variables."""

from __future__ import annotations

from devbox.manifest.provenance import Provenance, Said, provenance
from tests.unit.manifest.reading import Folder


def told(folder: Folder, *texts: str, service: str = "web") -> dict[str, Provenance]:
    found = provenance(folder.read(*texts), service)
    prefix = f"{folder.path}/"
    return {
        each.key: Provenance(
            each.key,
            each.value,
            each.origin.removeprefix(prefix),
            tuple(Said(said.origin.removeprefix(prefix), said.value) for said in each.overrode),
            each.secret,
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
    assert token.overrode == (Said("compose.yaml:4:15", "********"),)
    assert found["environment.B"].value == "b"
