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
from tests.unit.manifest.validator import Against, documents

ROOT = Path(__file__).parents[3]
CASES = sorted(
    path
    for pattern in ("tests/meshes/cases/*/*.y*ml", "profiles/*/devbox.yaml", "tests/fuzz/corpus/**/*.yaml")
    for path in ROOT.glob(pattern)
    if "services" in path.read_text()
)
DEVBOX, COMPOSE = Against(schema(devbox_format=True)), Against(schema(devbox_format=False))


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_good_manifest_fits(path: Path) -> None:
    own = path.name in ("devbox.yaml", "own.yaml")
    for document in documents(path):
        assert DEVBOX.faults(document) == []
        assert own or COMPOSE.faults(document) == []


@pytest.mark.parametrize(("key", "written"), [(k, w) for k, rows in KEYS.items() for w, _ in rows])
def test_every_form_of_a_key_fits_as_it_is_written_and_in_canonical_form(
    folder: Folder, key: str, written: str
) -> None:
    folder.write("key.txt", "secret")
    image = "" if key == "image" else "    image: x\n"
    text = f"services:\n  web:\n{image}    {key}: {written}\n  other: {{image: y}}\n{DECLARED}"
    assert COMPOSE.faults(yaml.safe_load(text)) == []
    assert COMPOSE.faults(canonical(folder.read(text))) == []


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
    "services: {web: {image: x, environment: {A: [b]}}}",
    "services: {web: {image: x, environment: 7}}",
    "services: {web: {image: x, privileged: [true]}}",
    "services: {web: {image: x, labels: {a: {b: c}}}}",
    "services: {web: {image: [x]}}",
    "services: {web: {image: x, volumes: {a: b}}}",
    "services: {web: {image: x, volumes: [{type: image, source: a, target: /b, image: {subpth: c}}]}}",
    "services: {web: {image: x, networks: {default: {alias: a}}}}",
    "services: {web: {image: x, secrets: {a: b}}}",
    "services: {web: {image: x, logging: {drver: none}}}",
    "services: {web: {image: x, blkio_config: {weigth: 3}}}",
    "services: {web: {image: x, post_start: [{comand: a}]}}",
    "services: {web: {image: x, env_file: [{pth: a}]}}",
    "services: {web: {image: x, extends: {servce: a}}}",
    "services: {web: {image: x, gpus: some}}",
    "services: {web: {image: x, deploy: {replics: 2}}}",
    "services: [web]",
    "networks: [back]",
    "volumes: {data: local}",
    "name: [shop]",
]


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_does_not_fit_and_is_not_read(folder: Folder, text: str) -> None:
    for kind in (DEVBOX, COMPOSE):
        assert kind.faults(yaml.safe_load(text)) != []
    assert folder.errors(text) != ""


def test_own_keys_stand_under_their_extension_in_a_compose_file() -> None:
    own = {key: {} for key in keys.OWN if key not in keys.COMPOSE}
    compose, devbox = schema(devbox_format=False), schema(devbox_format=True)
    service = compose["properties"]["services"]["additionalProperties"]["properties"]
    assert own.keys() & service.keys() == set()
    assert own.keys() <= service["x-devbox"]["properties"].keys()
    assert own.keys() <= devbox["properties"]["services"]["additionalProperties"]["properties"].keys()
    assert COMPOSE.faults(yaml.safe_load("services: {web: {image: x, x-devbox: {open: /, helth: {}}}}")) != []
    assert COMPOSE.faults(yaml.safe_load("services: {web: {image: x, open: /}}")) != []


def test_every_key_has_a_shape() -> None:
    """What editors show for a key is more than that it exists."""
    service = schema(devbox_format=True)["properties"]["services"]["additionalProperties"]["properties"]
    assert {key for key, shape in service.items() if not shape} == set()
