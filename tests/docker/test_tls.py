"""An engine that is reached over TLS, with a client's certificate, where the web's certificates are set otherwise."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

from tests.docker.relay import certificates, tls_relay
from tests.docker.remains import running
from tests.docker.test_engines import write_context
from tests.engine.mesh import Mesh

Make = Callable[..., Mesh]

MANIFEST = """
name: t3tls
services: {box: {image: devbox-test/base, command: sh -c 'echo words; sleep 3600', init: true, stop_grace_period: 0s}}
"""
WEB = "/etc/ssl/certs/ca-certificates.crt"


def test_a_mesh_over_tls_with_a_client_certificate(mesh: Make, tmp_path: Path) -> None:
    folder = certificates(tmp_path / "certificates")
    with tls_relay(folder) as port:
        it = mesh(MANIFEST)
        it.env |= {"DOCKER_HOST": f"tcp://127.0.0.1:{port}", "DOCKER_CERT_PATH": str(folder), "DOCKER_TLS_VERIFY": "1"}
        it.env |= {"REQUESTS_CA_BUNDLE": WEB, "CURL_CA_BUNDLE": WEB}
        it.ok("up", "-d", "--wait")
        assert len(running("t3tls")) == 1
        assert it.ok("exec", "-T", "box", "echo", "through") == "through\n"
        it.ok("down")
        assert running("t3tls") == set()


def test_the_certificates_of_a_context_are_used(mesh: Make, tmp_path: Path) -> None:
    folder, there = certificates(tmp_path / "certificates"), tmp_path / "docker"
    with tls_relay(folder) as port:
        write_context(there, "far", f"tcp://127.0.0.1:{port}")
        (there / "config.json").write_text('{"currentContext": "far"}')
        kept = there / "contexts" / "tls" / hashlib.sha256(b"far").hexdigest() / "docker"
        kept.mkdir(parents=True)
        for name in ("ca.pem", "cert.pem", "key.pem"):
            shutil.copy(folder / name, kept)
        it = mesh(MANIFEST)
        plain = {key: value for key, value in it.env.items() if key != "DOCKER_HOST"}
        it.env = plain | {"DOCKER_CONFIG": str(there)}
        it.ok("up", "-d", "--wait")
        assert len(running("t3tls")) == 1
        it.ok("down")
        (kept / "cert.pem").write_text((folder / "server.pem").read_text())
        done = it.devbox("up", "-d")
        assert (done.returncode, f"tcp://127.0.0.1:{port} (docker context far)" in done.stderr) == (3, True)
        it.env = plain


def test_an_engine_that_is_vouched_for_by_nobody_is_refused(mesh: Make, tmp_path: Path) -> None:
    folder, other = certificates(tmp_path / "certificates"), certificates(tmp_path / "others")
    with tls_relay(folder) as port:
        it = mesh(MANIFEST)
        plain = dict(it.env)
        it.env |= {"DOCKER_HOST": f"tcp://127.0.0.1:{port}", "DOCKER_CERT_PATH": str(other), "DOCKER_TLS_VERIFY": "1"}
        done = it.devbox("up", "-d")
        assert done.returncode == 3, done.stderr
        assert f"tcp://127.0.0.1:{port}" in done.stderr
        it.env = plain
