"""Health checks: Compose's `healthcheck`, and devbox's `health`."""

from __future__ import annotations

import os
import re
from dataclasses import asdict, replace

from devbox.domain.spec import Check, ExecCheck, GrpcCheck, HttpCheck, LogCheck, Probe, TcpCheck, Template, Tls
from devbox.manifest.commands import arguments
from devbox.manifest.draft import Draft, Timing
from devbox.manifest.tree import Entry, Mapping, Node, Scalar, Sequence
from devbox.manifest.values import Scope, shown

COMPOSE = Probe(ExecCheck(()), interval=30.0, timeout=30.0, retries=3, start_period=0.0, start_interval=5.0)
"""The clockwork of Compose's healthchecks where they do not set it themselves."""

TIMES = ("interval", "timeout", "retries", "start_period", "start_interval")
KINDS = ("http", "https", "tcp", "grpc", "exec", "log")
DETAILS = {
    **dict.fromkeys(("status", "body", "method", "headers", "redirects"), ("http", "https")),
    **dict.fromkeys(("ca", "insecure"), ("https", "grpc")),
    "service": ("grpc",),
}
"""What can stand beside a kind of check, and beside which kinds."""

_HTTP_TARGET = re.compile(r"(?::(?P<port>\d{1,5}))?(?P<path>/\S*)?", re.ASCII)
_METHOD = re.compile(r"[A-Za-z]{1,20}", re.ASCII)
_HEADER = re.compile(r"[\w!#$%&'*+.^`|~-]{1,200}", re.ASCII)
_SERVICE = re.compile(r"[\w./-]{0,100}", re.ASCII)
_STATUS = re.compile(r"(?P<low>[1-5]\d\d)(?:-(?P<high>[1-5]\d\d))?", re.ASCII)


def healthcheck(scope: Scope, node: Node, draft: Draft) -> None:
    """Compose's form: a command that exits with 0 when all is well."""
    entries = scope.mapping(node, "healthcheck", ("test", "disable", *TIMES))
    draft.timing, draft.compose_health = _timing(scope, entries), True
    if "disable" in entries and scope.boolean(entries["disable"].value, "disable"):
        draft.no_probe = True
    elif "test" in entries:
        _test(scope, entries["test"].value, draft)


def _test(scope: Scope, node: Node, draft: Draft) -> None:
    if not isinstance(node, Sequence):
        text = scope.template(node, "test")
        draft.check = ExecCheck(_shell(text)) if text else None
        return
    first = node.items[0] if node.items else None
    kind = first.text if isinstance(first, Scalar) else ""
    words = arguments(scope, Sequence(node.place, node.items[1:]), "test") or ()
    if kind == "NONE":
        draft.no_probe = True
    elif kind not in ("CMD", "CMD-SHELL"):
        place = first.place if first else node.place
        hint = 'Write ["CMD", "program", "argument"], ["CMD-SHELL", "a command line"] or ["NONE"].'
        scope.problems.add(place, f"a test begins with CMD, CMD-SHELL or NONE, not {shown(kind)}", hint)
    elif not words:
        scope.problems.add(node.place, "the test names no command")
    else:
        draft.check = ExecCheck(words if kind == "CMD" else _shell(words[0]))


def _shell(line: Template) -> tuple[Template, ...]:
    return Template.of("/bin/sh"), Template.of("-c"), line


def health(scope: Scope, node: Node, draft: Draft) -> None:
    """devbox's form: exactly one kind of check, and when it is made."""
    entries = scope.mapping(node, "health", (*KINDS, *DETAILS, *TIMES))
    draft.timing, draft.compose_health = _timing(scope, entries), False
    kinds = [kind for kind in KINDS if kind in entries]
    if len(kinds) > 1:
        place = entries[kinds[1]].key
        scope.problems.add(place, f"health is checked in one way, here are {' and '.join(kinds)}")
    elif (
        not kinds and isinstance(node, Mapping) and all(key in entries or key.startswith("x-") for key in node.entries)
    ):
        hint = "Add http: /path, https: /path, tcp: port, grpc: port, exec: [command] or log: regex."
        scope.problems.add(node.place, "health does not say what to check", hint)
    elif kinds:
        draft.check = _check(scope, kinds[0], entries)
    for key, owners in DETAILS.items():
        if key in entries and not set(owners) & set(kinds):
            scope.problems.add(entries[key].key, f"{key} belongs to a check by {' or '.join(owners)}")


def _check(scope: Scope, kind: str, entries: dict[str, Entry]) -> Check | None:
    node = entries[kind].value
    if kind in ("http", "https"):
        return _http(scope, kind, entries)
    if kind == "tcp":
        port = scope.port(node, "tcp")
        return None if port is None else TcpCheck(port)
    if kind == "grpc":
        return _grpc(scope, node, entries)
    if kind == "exec":
        argv = arguments(scope, node, "exec")
        if argv == ():
            scope.problems.add(node.place, "exec names no command")
        return ExecCheck(argv) if argv else None
    pattern = scope.pattern(node, "log")
    return None if pattern is None else LogCheck(pattern)


def _grpc(scope: Scope, node: Node, entries: dict[str, Entry]) -> GrpcCheck | None:
    port = scope.port(node, "grpc")
    service = scope.text(entries["service"].value, "service") if "service" in entries else ""
    if service and not _SERVICE.fullmatch(service):
        scope.problems.add(entries["service"].value.place, f"{shown(service)} is not the name of a gRPC service")
        return None
    tls = _tls(scope, entries)
    return None if port is None or service is None else GrpcCheck(port, service, tls if tls != Tls() else None)


def _tls(scope: Scope, entries: dict[str, Entry]) -> Tls:
    insecure = scope.boolean(entries["insecure"].value, "insecure") if "insecure" in entries else False
    if "ca" not in entries:
        return Tls(None, bool(insecure))
    node = entries["ca"].value
    text = scope.text(node, "ca", "the path of a file")
    if insecure:
        scope.problems.add(node.place, "an insecure check takes any certificate: ca has nothing to say")
    path = os.path.normpath(scope.base(node.place) / os.path.expanduser(text)) if text else None
    return Tls(path, bool(insecure))


def _http(scope: Scope, kind: str, entries: dict[str, Entry]) -> HttpCheck | None:
    node = entries[kind].value
    text = scope.text(node, kind)
    target = _HTTP_TARGET.fullmatch(text) if text else None
    if target is None:
        if text is not None:
            scope.problems.add(node.place, f"{shown(text)} is no path", "Write /path or :port/path.")
        return None
    port = int(target["port"]) if target["port"] else None
    if port is not None and not 0 < port < 65536:
        scope.problems.add(node.place, f"there is no port {port}")
    status = _status(scope, entries["status"].value) if "status" in entries else None
    body = scope.pattern(entries["body"].value, "body") if "body" in entries else None
    method = _method(scope, entries["method"].value) if "method" in entries else None
    if method == "HEAD" and body is not None:
        scope.problems.add(entries["body"].key, "an answer to HEAD has no body")
    redirects = scope.boolean(entries["redirects"].value, "redirects") if "redirects" in entries else False
    return HttpCheck(
        target["path"] or "/",
        port,
        status or HttpCheck().status,
        body,
        method=method or HttpCheck().method,
        headers=_headers(scope, entries["headers"].value) if "headers" in entries else (),
        redirects=bool(redirects),
        tls=_tls(scope, entries) if kind == "https" else None,
    )


def _method(scope: Scope, node: Node) -> str | None:
    text = scope.text(node, "method")
    if text is None or _METHOD.fullmatch(text):
        return text.upper() if text else None
    scope.problems.add(node.place, f"{shown(text)} is no HTTP method", "Write GET, HEAD, POST, OPTIONS or the like.")
    return None


def _headers(scope: Scope, node: Node) -> tuple[tuple[str, Template], ...]:
    """The headers by name. Their values may hold references: a password of another service, say."""
    found = []
    for name, entry in scope.mapping(node, "headers").items():
        value = scope.template(entry.value, f"the header {shown(name)}")
        if not _HEADER.fullmatch(name):
            scope.problems.add(entry.key, f"{shown(name)} is not the name of a header")
        elif value is not None and not str(value).isprintable():
            scope.problems.add(entry.value.place, f"the header {shown(name)} goes on over lines")
        elif value is not None:
            found.append((name, value))
    return tuple(found)


def _status(scope: Scope, node: Node) -> tuple[int, int] | None:
    text = scope.text(node, "status")
    match = _STATUS.fullmatch(text) if text is not None else None
    if match is not None:
        low = int(match["low"])
        high = int(match["high"] or low)
        if low <= high:
            return low, high
    if text is not None:
        scope.problems.add(node.place, f"{shown(text)} is no HTTP status", "Write 200, or a range such as 200-399.")
    return None


def _timing(scope: Scope, entries: dict[str, Entry]) -> Timing:
    timing = Timing()
    for key in ("interval", "timeout", "start_period", "start_interval"):
        if key in entries:
            setattr(timing, key, scope.seconds(entries[key].value, key))
    for key in ("interval", "timeout", "start_interval"):
        if key in entries and getattr(timing, key) == 0:
            setattr(timing, key, None)
    if "retries" in entries:
        timing.retries = scope.integer(entries["retries"].value, "retries", 0, 1_000_000) or None
    return timing


def probe(draft: Draft, given: Probe | None) -> Probe | None:
    """The probe of a service: what the manifest says, laid on `given`, which the catalogue or a default brings."""
    if draft.no_probe:
        return None
    base = given
    if draft.check is not None:
        base = replace(COMPOSE, check=draft.check) if draft.compose_health else Probe(draft.check)
    if base is None:
        return None
    given_times = {name: value for name, value in asdict(draft.timing).items() if value is not None}
    return replace(base, **given_times)
