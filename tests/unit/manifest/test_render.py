"""The resolved manifest, as `devbox config` prints it."""

from __future__ import annotations

import json

import yaml

from devbox.manifest import to_compose
from tests.unit.manifest.reading import Folder, as_printed


def rendered(folder: Folder, text: str) -> str:
    data = to_compose(folder.load(text))
    assert json.loads(json.dumps(data)) == data
    return yaml.safe_dump(data, sort_keys=False).replace(str(folder.path), "/project")


def test_a_container(folder: Folder) -> None:
    text = """
        name: shop
        services:
          web:
            image: nginx:1
            command: nginx -g 'daemon off;'
            entrypoint: [tini]
            ports: ["8080:80", {target: 53, protocol: udp}]
            environment: {B: "a $$x", A_TOKEN: hidden}
            healthcheck: {test: [CMD, ask], interval: 90s}
            restart: on-failure:3
            scale: 0
            stop_signal: SIGINT
    """
    assert rendered(folder, text).strip() == as_printed(
        """
        name: shop
        services:
          web:
            image: nginx:1
            command:
            - nginx
            - -g
            - daemon off;
            entrypoint:
            - tini
            environment:
              A_TOKEN: '********'
              B: a $$x
            ports:
            - mode: ingress
              host_ip: 127.0.0.1
              target: 80
              published: '8080'
              protocol: tcp
            - mode: ingress
              host_ip: 127.0.0.1
              target: 53
              protocol: udp
            healthcheck:
              test:
              - CMD
              - ask
              interval: 1m30s
              timeout: 30s
              retries: 3
              start_period: 0s
              start_interval: 5s
            restart: on-failure:3
            scale: 0
            stop_signal: SIGINT
            stop_grace_period: 10s
        """
    )


def test_a_process_and_references(folder: Folder) -> None:
    text = """
        name: shop
        services:
          web:
            command: serve ${web.port} ${db.port}
            working_dir: web
            ports: [8000]
            environment: {DB: "${db.url}", DB_PASSWORD: "${db.host}", PASSWORD: "x${db.host}"}
            health: {http: ":8000/healthz", status: 200, body: ok}
            open: /docs
          db: {image: x, ports: ["5432"], healthcheck: {disable: true}}
    """
    assert rendered(folder, text).strip() == as_printed(
        """
        name: shop
        services:
          db:
            image: x
            ports:
            - mode: ingress
              host_ip: 127.0.0.1
              target: 5432
              protocol: tcp
          web:
            runtime: process
            command:
            - serve
            - ${web.port}
            - ${db.port}
            working_dir: /project/web
            environment:
              DB: ${db.url}
              DB_PASSWORD: ${db.host}
              PASSWORD: '********'
            ports:
            - mode: ingress
              host_ip: 127.0.0.1
              target: 8000
              protocol: tcp
            depends_on:
              db:
                condition: service_healthy
                required: true
            health:
              http: :8000/healthz
              status: '200'
              body: ok
              interval: 5s
              timeout: 5s
              retries: 3
              start_period: 30s
              start_interval: 250ms
            open: /docs
        """
    )


def test_what_is_printed_can_be_read_again(folder: Folder) -> None:
    text = """
        services:
          web: {command: "x '$$HOME' ${db.url}", ports: [80], environment: {A: "${db.host}$$"}, scale: 2}
          job: {command: [y, a b], restart: always, health: {log: "ready$$"}}
          db: {image: z, ports: ["1:1", "53:53/udp"], depends_on: {job: {condition: service_started, restart: true}}}
          probe: {image: "z$$", x-devbox: {health: {http: "/$$a", body: "$$"}, open: /$$}}
    """
    once = rendered(folder, text)
    assert rendered(folder, once.replace("/project", str(folder.path))) == once
