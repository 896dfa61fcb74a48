"""TLS as probes use it: what a server's certificate is judged by, and what went wrong in words."""

from __future__ import annotations

import os
import ssl

from devbox.domain.errors import DevboxError
from devbox.domain.spec import Tls

_UNTRUSTED = "`ca` names the one that signed it, `insecure: true` takes any"
_CERTIFICATE = {
    9: "its certificate is not valid yet",
    10: "its certificate has expired",
    18: f"its certificate is signed by itself: {_UNTRUSTED}",
    19: f"its certificate is from an authority that is not trusted here: {_UNTRUSTED}",
    20: f"its certificate is from an authority that is not trusted here: {_UNTRUSTED}",
    21: f"its certificate is from an authority that is not trusted here: {_UNTRUSTED}",
}
"""By the numbers of X509_verify_cert_error_string(3)."""

_NAMELESS = (62, 64)
_REASONS = {
    "WRONG_VERSION_NUMBER": "what answers does not speak TLS",
    "UNEXPECTED_EOF_WHILE_READING": "the connection was closed in the middle of the TLS handshake",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "no version or cipher of TLS is common to both",
    "TLSV1_ALERT_PROTOCOL_VERSION": "no version of TLS is common to both",
    "UNSUPPORTED_PROTOCOL": "no version of TLS is common to both",
    "TLSV1_UNRECOGNIZED_NAME": "it has no certificate for the name it was asked by",
}


class UnreadableCa(DevboxError):
    """The file of authorities cannot be used."""


def server_name(host: str) -> str:
    """The name a certificate must be for. What is dialled by a loopback address calls itself `localhost`."""
    return "localhost" if host.startswith("127.") or host == "::1" else host


def stamp(tls: Tls) -> float:
    """Changes when the file of authorities does."""
    try:
        return os.stat(tls.ca).st_mtime if tls.ca is not None else 0.0
    except OSError:
        return 0.0


def context(tls: Tls) -> ssl.SSLContext:
    """How certificates are judged. Raises UnreadableCa. Takes some 20 ms where it reads this machine's authorities."""
    if tls.insecure:
        found = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        found.check_hostname, found.verify_mode = False, ssl.CERT_NONE
        return found
    try:
        return ssl.create_default_context(cafile=tls.ca)
    except ssl.SSLError as exc:
        raise UnreadableCa(f"{tls.ca} holds no certificate") from exc
    except OSError as exc:
        raise UnreadableCa(f"cannot read {tls.ca}: {exc.strerror}") from exc


def in_words(exc: BaseException | None, host: str) -> str:
    """Why TLS came to nothing, found at the root of an error; empty where that is something else."""
    while exc is not None and not isinstance(exc, ssl.SSLError):
        exc = exc.__cause__ or exc.__context__
    if isinstance(exc, ssl.SSLCertVerificationError):
        if exc.verify_code in _NAMELESS:
            return f"its certificate is not for {server_name(host)}"
        return _CERTIFICATE.get(exc.verify_code, f"its certificate is not good: {exc.verify_message}")
    if exc is None:
        return ""
    reason = exc.reason or ""
    return _REASONS.get(reason, f"TLS failed: {reason.lower().replace('_', ' ') or exc}")
