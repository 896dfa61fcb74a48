"""Probes over TLS against servers with good and bad certificates, and the words that a person reads."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from devbox.domain.spec import GrpcCheck, HttpCheck, Tls
from devbox.engine import grpc_probe
from devbox.engine.http_probe import HttpProbe

LIMIT = 5.0
WHOLE = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
ANY = Tls(insecure=True)
ASKED = "GET https://127.0.0.1:PORT/: "


def openssl(folder: Path, *args: str) -> None:
    subprocess.run(["openssl", *args], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`NAME.pem`: each a certificate with its key. `authority.pem` signed two of them, the others signed themselves."""
    folder = tmp_path_factory.mktemp("certificates")
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    for name, host in (("alone", "localhost"), ("stranger", "example.test"), ("authority", "authority")):
        names = ["-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}"]
        openssl(folder, "req", "-x509", *key, "-days", "2", *names, "-keyout", f"{name}.key", "-out", f"{name}.crt")
    openssl(folder, "req", *key, "-subj", "/CN=localhost", "-keyout", "signed.key", "-out", "signed.csr")
    (folder / "names").write_text("subjectAltName=DNS:localhost")
    by = ["-CA", "authority.crt", "-CAkey", "authority.key", "-CAcreateserial", "-extfile", "names"]
    openssl(folder, "x509", "-req", "-in", "signed.csr", *by, "-days", "2", "-out", "signed.crt")
    openssl(folder, "x509", "-req", "-in", "signed.csr", *by, "-days", "-1", "-out", "expired.crt")
    (folder / "expired.key").write_bytes((folder / "signed.key").read_bytes())
    for crt in folder.glob("*.crt"):
        crt.with_suffix(".pem").write_bytes(crt.read_bytes() + crt.with_suffix(".key").read_bytes())
    (folder / "empty.pem").touch()
    return folder


@contextlib.asynccontextmanager
async def serving(answer: bytes, certificate: Path | None) -> AsyncIterator[int]:
    """A server that shows a certificate (None: speaks no TLS) and answers whatever it is asked."""
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        context.set_alpn_protocols(["h2", "http/1.1"])

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            await reader.readuntil(b"\r\n\r\n" if context else b"\x16")
            writer.write(answer)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    asyncio.get_running_loop().set_exception_handler(lambda _loop, _about: None)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def said(port: int, check: HttpCheck) -> tuple[bool, str]:
    probe = HttpProbe()
    try:
        ok, words = await probe.ask("127.0.0.1", port, check, LIMIT)
    finally:
        await probe.close()
    return ok, words.replace(str(port), "PORT")


UNTRUSTED = "`ca` names the one that signed it, `insecure: true` takes any"


@pytest.mark.parametrize(
    ("certificate", "ca", "expected"),
    [
        ("alone", "alone", (True, "GET /: 200 OK")),
        ("signed", "authority", (True, "GET /: 200 OK")),
        ("alone", None, (False, f"{ASKED}its certificate is signed by itself: {UNTRUSTED}")),
        (
            "signed",
            None,
            (False, f"{ASKED}its certificate is from an authority that is not trusted here: {UNTRUSTED}"),
        ),
        (
            "signed",
            "alone",
            (False, f"{ASKED}its certificate is from an authority that is not trusted here: {UNTRUSTED}"),
        ),
        ("expired", "authority", (False, f"{ASKED}its certificate has expired")),
        ("stranger", "stranger", (False, f"{ASKED}its certificate is not for localhost")),
        ("alone", "missing", (False, "cannot read FOLDER/missing.pem: No such file or directory")),
        ("alone", "empty", (False, "FOLDER/empty.pem holds no certificate")),
        (None, "alone", (False, f"{ASKED}what answers does not speak TLS")),
    ],
)
async def test_a_certificate_is_judged(
    certificates: Path, certificate: str | None, ca: str | None, expected: tuple[bool, str]
) -> None:
    shown = None if certificate is None else certificates / f"{certificate}.pem"
    how = Tls(None if ca is None else str(certificates / f"{ca}.pem"))
    async with serving(WHOLE, shown) as port:
        ok, words = await said(port, HttpCheck(tls=how))
    assert (ok, words.replace(str(certificates), "FOLDER")) == expected


@pytest.mark.parametrize("certificate", ["alone", "expired", "stranger"])
async def test_an_insecure_check_takes_any_certificate(certificates: Path, certificate: str) -> None:
    async with serving(WHOLE, certificates / f"{certificate}.pem") as port:
        assert await said(port, HttpCheck(tls=ANY)) == (True, "GET /: 200 OK")


async def test_a_server_that_hangs_up_or_is_asked_without_tls(certificates: Path) -> None:
    async with serving(b"", None) as port:
        closed = await said(port, HttpCheck(tls=ANY))
    assert closed == (False, f"{ASKED}the connection was closed in the middle of the TLS handshake")
    async with serving(WHOLE, certificates / "alone.pem") as port:
        ok, words = await said(port, HttpCheck())
    assert (ok, words) == (
        False,
        "GET http://127.0.0.1:PORT/: the connection was closed without an answer",
    )


async def test_a_redirect_leads_from_plain_to_tls_where_certificates_are_judged(certificates: Path) -> None:
    async with serving(WHOLE, certificates / "alone.pem") as secure:
        moved = f"HTTP/1.1 301 Moved Permanently\r\nlocation: https://localhost:{secure}/\r\ncontent-length: 0\r\n\r\n"

        async def move(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(moved.encode())
            writer.close()

        async with await asyncio.start_server(move, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            ok, words = await said(port, HttpCheck(redirects=True))
    assert not ok
    assert words == f"GET http://127.0.0.1:PORT/: its certificate is signed by itself: {UNTRUSTED}"


async def test_grpc_over_tls(certificates: Path) -> None:
    frame = b"\0\0\7\0\1\0\0\0\1" + b"\0\0\0\0\2\x08\x01"
    async with serving(frame, certificates / "signed.pem") as port:
        trusted = Tls(str(certificates / "authority.pem"))
        assert await grpc_probe.ask("127.0.0.1", port, GrpcCheck(port, tls=trusted), LIMIT) == (
            True,
            "health of the server: SERVING",
        )
        _, words = await grpc_probe.ask("127.0.0.1", port, GrpcCheck(port, tls=Tls()), LIMIT)
    assert words == (f"127.0.0.1:{port}: its certificate is from an authority that is not trusted here: {UNTRUSTED}")
