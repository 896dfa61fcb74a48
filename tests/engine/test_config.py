"""`devbox config` and `devbox explain`, as a user calls them."""

from __future__ import annotations

import json
from collections.abc import Callable

import yaml

from tests.engine.mesh import Mesh

Make = Callable[..., Mesh]

MANIFEST = """
name: shop
services:
  web:
    command: serve ${WHAT:-all}
    ports: ["8000"]
    environment: {API_TOKEN: hush, MODE: dev}
  db: {image: "postgres:16", volumes: ["data:/var/lib/postgresql/data"], profiles: [full]}
volumes: {data: {}}
"""


def test_config_in_all_its_forms(mesh: Make) -> None:
    it = mesh(MANIFEST)
    assert yaml.safe_load(it.ok("config"))["services"]["web"]["command"] == ["serve", "all"]
    whole = json.loads(it.ok("--profile", "full", "config", "--format", "json"))
    assert whole["volumes"] == {"data": {"name": "shop_data"}}
    assert it.ok("config", "--services") == "web\n"
    assert it.ok("--profile", "full", "config", "--images") == "postgres:16\n"
    assert it.ok("--profile", "full", "config", "--volumes") == "data\n"
    assert it.ok("config", "--profiles") == "full\n"
    assert it.ok("explain", "db.image").startswith("db.image = postgres:16\n")
    assert "${WHAT:-all}" in it.ok("config", "--no-interpolate")
    for what, names in (("services", "db\nweb\n"), ("images", "postgres:16\n"), ("volumes", "data\n")):
        assert it.ok("config", "--no-interpolate", f"--{what}") == names
    assert it.ok("config", "--networks") == ""
    assert it.ok("--profile", "full", "config", "--networks") == "default\n"
    assert it.devbox("config", "--no-interpolate", "--hash", "web").returncode == 2
    assert yaml.safe_load(it.ok("config", "web", "--no-normalize", "--no-path-resolution")) == {
        "name": "shop",
        "services": {
            "web": {
                "command": ["serve", "all"],
                "environment": {"API_TOKEN": "********", "MODE": "dev"},
                "ports": [{"mode": "ingress", "host_ip": "127.0.0.1", "target": 8000, "protocol": "tcp"}],
            }
        },
    }
    assert it.ok("config", "-o", "made.yaml") == ""
    assert (it.directory / "made.yaml").read_text() == it.ok("config")
    assert "hush" not in it.ok("config")
    assert "hush" in it.ok("config", "--show-secrets")
    assert it.ok("config", "-q") == ""
    one, two = it.ok("config", "--hash", "web"), it.ok("config", "--hash", "*")
    assert one == two
    it.write(MANIFEST.replace("dev}", "prod}"))
    assert it.ok("config", "--hash", "web") != one
    it.env["WHAT"] = "little"
    assert "WHAT=little\n" in it.ok("config", "--environment")


def test_explain_tells_where_and_what_is_near(mesh: Make) -> None:
    it = mesh(MANIFEST)
    assert it.ok("explain", "web.MODE") == "web.environment.MODE = dev\n    devbox.yaml:7:36\n"
    (told,) = [json.loads(line) for line in it.ok("explain", "web.API_TOKEN", "--format", "json").splitlines()]
    assert (told["value"], told["secret"]) == ("********", True)
    done = it.devbox("explain", "web.MODES")
    assert done.returncode == 2
    assert "Did you mean MODE?" in done.stderr
