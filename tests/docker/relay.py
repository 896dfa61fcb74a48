"""A relay that speaks TLS before the engine's socket, as an engine with `--tlsverify` does, and its certificates."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

ENGINE = "/var/run/docker.sock"
_CHUNK = 65536
_END_LIMIT = 5.0


def certificates(folder: Path) -> Path:
    """An authority of its own, a server's certificate for 127.0.0.1 and a client's, named as Docker names them."""
    folder.mkdir()
    new = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    _openssl(folder, *new, "-keyout", "ca-key.pem", "-out", "ca.pem", "-subj", "/CN=authority")
    for key, cert, name in (("server-key.pem", "server.pem", "server"), ("key.pem", "cert.pem", "client")):
        signed = ["-CA", "ca.pem", "-CAkey", "ca-key.pem", "-addext", "subjectAltName=IP:127.0.0.1"]
        extra = ["-addext", "basicConstraints=critical,CA:FALSE"]
        _openssl(folder, *new, *signed, *extra, "-keyout", key, "-out", cert, "-subj", f"/CN={name}")
    return folder


def _openssl(folder: Path, *args: str) -> None:
    subprocess.run(args, cwd=folder, check=True, capture_output=True)


@contextlib.contextmanager
def tls_relay(folder: Path) -> Iterator[int]:
    """The port of 127.0.0.1 on which the engine is reached by those who show the client's certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server-key.pem")
    context.load_verify_locations(folder / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_accept, args=(listener, context), name="relay", daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(_END_LIMIT)


def _accept(listener: socket.socket, context: ssl.SSLContext) -> None:
    while True:
        try:
            plain, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_serve, args=(plain, context), daemon=True).start()


def _serve(plain: socket.socket, context: ssl.SSLContext) -> None:
    with plain:
        try:
            secure = context.wrap_socket(plain, server_side=True)
        except (ssl.SSLError, OSError):
            return
        with secure, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as engine:
            engine.connect(ENGINE)
            _copy(secure, engine)


def _copy(secure: ssl.SSLSocket, engine: socket.socket) -> None:
    """Both ways, until the engine is done; a caller who says no more may still listen."""
    sources: list[socket.socket] = [secure, engine]
    while True:
        ready = [secure] if secure in sources and secure.pending() else select.select(sources, [], [])[0]
        try:
            if engine in ready:
                data = engine.recv(_CHUNK)
                if not data:
                    return
                secure.sendall(data)
            if secure in ready:
                data = secure.recv(_CHUNK)
                if data:
                    engine.sendall(data)
                else:
                    engine.shutdown(socket.SHUT_WR)
                    sources.remove(secure)
        except OSError:
            return
