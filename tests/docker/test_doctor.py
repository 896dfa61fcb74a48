"""`devbox doctor` with a real engine: images, ports that containers hold, its clock, memory and proxies."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests.docker.altered import engine_that_tells
from tests.docker.conftest import docker
from tests.engine.mesh import DEVBOX, Mesh
from tests.engine.test_doctor import findings, place

Make = Callable[..., Mesh]
ENV = '{{join .Config.Env " "}}'
IDLE = "[sleep, '600']"


def test_images_that_are_missing(engine: None, tmp_path: Path) -> None:
    it = place(
        tmp_path,
        """
        name: t7pictures
        services:
          here: {image: devbox-test/base}
          hub: {image: "t7-no-such:1"}
          other: {image: "127.0.0.1:17790/team/x:2"}
          made: {image: "t7-made:1", build: .}
          never: {image: "t7-never:3", pull_policy: never}
    """,
    )
    found = findings(it, code=1)
    assert found["images"]["seen"] == (
        "1 of 5 here; `up` pulls from 127.0.0.1:17790: 127.0.0.1:17790/team/x:2; `up` pulls from docker.io: "
        "t7-no-such:1; `up` builds made"
    )
    assert found["image of never"]["seen"] == "t7-never:3 is not here, and pull_policy is never"
    assert found["image of never"]["mend"].startswith("`docker pull t7-never:3`, or another pull_policy: ")


def test_a_port_that_a_container_holds(mesh: Make) -> None:
    manifest = f"services: {{it: {{image: devbox-test/base, command: {IDLE}, ports: ['127.0.0.1:17791:80']}}}}\n"
    first, second = mesh(f"name: t7holds\n{manifest}"), mesh(f"name: t7wants\n{manifest}", "second")
    first.ok("up", "-d")
    assert findings(first, code=0)["ports"]["ok"]
    bad = findings(second, code=1)["port 17791 of it"]
    assert bad["seen"].startswith("held by container t7holds-it-1, pid ")
    assert "docker-proxy" in bad["seen"]
    assert bad["mend"].startswith("`docker stop t7holds-it-1`, or give it another port: ")
    docker("stop", "-t", "0", "t7holds-it-1")
    first.ok("down")
    assert findings(second, code=0)["ports"]["ok"]


def test_an_engine_in_another_time_with_less_memory_and_a_proxy(engine: None, tmp_path: Path) -> None:
    it = place(
        tmp_path,
        """
        name: t7elsewhere
        services:
          a: {image: devbox-test/base, mem_limit: 600m}
          b: {image: devbox-test/base, deploy: {replicas: 2, resources: {limits: {memory: 300m}}}}
    """,
    )

    def behind(told: dict[str, Any]) -> None:
        now = datetime.fromisoformat(told["SystemTime"][:19])
        told["SystemTime"] = f"{(now - timedelta(minutes=5)).isoformat()}.123456789Z"
        told["MemTotal"] = 1 << 30
        told["HttpProxy"] = "http://me:secret@proxy:1"

    with engine_that_tells(tmp_path, behind) as address:
        found = findings(it, code=1, DOCKER_HOST=address)
    assert found["clock"]["seen"] == "the engine's, and so that of containers, is 5 min behind this machine's"
    assert "timedatectl" in found["clock"]["mend"]
    assert found["memory of the engine"]["seen"] == "limits of 1.2 GB in all, the engine has 1.0 GB"
    assert "(b 600.0 MB, a 600.0 MB)" in found["memory of the engine"]["mend"]
    assert found["engine's proxies"]["seen"] == "HTTP_PROXY=http://me:***@proxy:1"
    assert found["memory"]["ok"]


def test_a_clock_that_is_a_little_off_is_fine(engine: None, tmp_path: Path) -> None:
    it = place(tmp_path, "name: t7nearly\nservices: {a: {image: devbox-test/base}}\n")

    def ahead(told: dict[str, Any]) -> None:
        now = datetime.fromisoformat(f"{told['SystemTime'][:26]}+00:00")
        told["SystemTime"] = f"{(now + timedelta(seconds=1, hours=2)).isoformat()[:26]}+02:00"

    with engine_that_tells(tmp_path, ahead) as address:
        assert findings(it, code=0, DOCKER_HOST=address)["clock"]["ok"]


def test_a_small_disk_and_few_watches(engine: None, tmp_path: Path) -> None:
    it = place(tmp_path, "name: t7small\nservices: {a: {command: sleep 1}}\n")
    few, home = tmp_path / "few", tmp_path / "small"
    few.write_text("100\n")
    home.mkdir()
    stage = f"mount -t tmpfs -o size=1m none {home} && mount --bind {few} /proc/sys/fs/inotify/max_user_watches"
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", f'{stage} && exec "$@"', "sh", *DEVBOX, "doctor"],
        cwd=it.directory,
        env={**it.env, "DEVBOX_STATE_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1, done.stderr
    assert f"✗ disk: 1.0 MB free at {home}\n    `du -sh " in done.stdout
    assert "✗ inotify watches: 100 for each user\n    `sudo sysctl fs.inotify.max_user_watches=524288`" in done.stdout


def test_proxies_of_the_users_docker_configuration_are_for_containers(mesh: Make, tmp_path: Path) -> None:
    it = mesh(f"""
        name: t7proxied
        services:
          web: {{image: devbox-test/base, command: {IDLE}, depends_on: [api], stop_grace_period: 0s}}
          api: {{image: devbox-test/base, command: {IDLE}, environment: {{HTTP_PROXY: own}}, stop_grace_period: 0s}}
    """)
    (tmp_path / "config.json").write_text('{"proxies": {"default": {"httpProxy": "http://p:1", "noProxy": "corp"}}}')
    it.env["DOCKER_CONFIG"] = str(tmp_path)
    bad = findings(it, code=1)["proxies of containers"]
    assert bad["seen"].startswith("http_proxy is http://p:1 and NO_PROXY does not name api: ")
    assert bad["mend"] == f"`noProxy` under `proxies` in {tmp_path}/config.json: corp,api"
    it.ok("up", "-d")

    def env(name: str) -> list[str]:
        return [each for each in docker("inspect", "-f", ENV, f"t7proxied-{name}-1").split() if "proxy" in each.lower()]

    assert sorted(env("web")) == ["HTTP_PROXY=http://p:1", "NO_PROXY=corp", "http_proxy=http://p:1", "no_proxy=corp"]
    assert sorted(env("api")) == ["HTTP_PROXY=own", "NO_PROXY=corp", "http_proxy=http://p:1", "no_proxy=corp"]
    assert it.ok("up", "--plan").strip() == "nothing to do"
