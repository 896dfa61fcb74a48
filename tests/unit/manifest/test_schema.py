"""The JSON Schema agrees with what is read: good manifests fit it, a wrong key or shape anywhere does not."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from devbox.manifest import keys
from devbox.manifest.canonical import canonical
from devbox.manifest.schema import schema
from tests.unit.manifest.reading import Folder
from tests.unit.manifest.test_canonical import DECLARED, KEYS
from tests.unit.manifest.validator import faults

ROOT = Path(__file__).parents[3]
CORPUS = ROOT / "tests" / "fuzz" / "corpus"
CASES = [
    *ROOT.glob("tests/meshes/cases/*/compose.y*ml"),
    *ROOT.glob("profiles/*/devbox.yaml"),
    CORPUS / "every-key.yaml",
    CORPUS / "own.yaml",
]
DEVBOX, COMPOSE = schema(devbox_format=True), schema(devbox_format=False)


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_good_manifest_fits(path: Path) -> None:
    assert list(faults(DEVBOX, yaml.safe_load(path.read_text()))) == []


@pytest.mark.parametrize(("key", "written"), [(k, w) for k, rows in KEYS.items() for w, _ in rows])
def test_every_form_of_a_key_fits_as_it_is_written_and_in_canonical_form(
    folder: Folder, key: str, written: str
) -> None:
    folder.write("key.txt", "secret")
    image = "" if key == "image" else "    image: x\n"
    text = f"services:\n  web:\n{image}    {key}: {written}\n  other: {{image: y}}\n{DECLARED}"
    assert list(faults(COMPOSE, yaml.safe_load(text))) == []
    assert list(faults(COMPOSE, canonical(folder.read(text)))) == []


WRONG = [
    "services: {web: {imge: x}}",
    "services: {web: {image: x, ports: {80: 80}}}",
    "services: {web: {image: x, ports: [{taget: 80}]}}",
    "services: {web: {image: x, volumes: [{type: bnd, target: /a}]}}",
    "services: {web: {image: x, build: {contxt: .}}}",
    "services: {web: {image: x, depends_on: {db: {condition: healthy}}}}",
    "services: {web: {image: x, restart: sometimes}}",
    "services: {web: {image: x, deploy: {resources: {limits: {memry: 1g}}}}}",
    "services: {web: {image: x, healthcheck: {tst: x}}}",
    "services: {web: {image: x, ulimits: {nofile: {sof: 1}}}}",
    "services: {web: {image: x, develop: {watch: [{path: ., action: reload}]}}}",
    "services: {web: {image: x, command: {a: b}}}",
    "services: {web: [image]}",
    "networks: {back: {drver: bridge}}",
    "volumes: {data: {drver: local}}",
    "secrets: {key: {fle: a}}",
    "serviecs: {}",
    "include: [{pth: a}]",
]


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_does_not_fit_and_is_not_read(folder: Folder, text: str) -> None:
    for kind in (DEVBOX, COMPOSE):
        assert list(faults(kind, yaml.safe_load(text))) != []
    assert folder.errors(text) != ""


def test_own_keys_stand_under_their_extension_in_a_compose_file() -> None:
    own = {key: {} for key in keys.OWN if key not in keys.COMPOSE}
    service = COMPOSE["properties"]["services"]["additionalProperties"]["properties"]
    assert own.keys() & service.keys() == set()
    assert own.keys() <= service["x-devbox"]["properties"].keys()
    assert own.keys() <= DEVBOX["properties"]["services"]["additionalProperties"]["properties"].keys()
    assert list(faults(COMPOSE, yaml.safe_load("services: {web: {image: x, x-devbox: {open: /, helth: {}}}}"))) != []


def test_every_key_has_a_shape() -> None:
    """What editors show for a key is more than that it exists."""
    service = DEVBOX["properties"]["services"]["additionalProperties"]["properties"]
    assert {key for key, shape in service.items() if not shape} == set()
