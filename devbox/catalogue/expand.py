"""An entry made into the pieces of a service."""

from __future__ import annotations

import os
import re
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from devbox.catalogue.entry import Container, Embedded, Entry, File, Readiness
from devbox.catalogue.load import EACH, PLACEHOLDER
from devbox.catalogue.programs import FoundServer, major
from devbox.domain.spec import (
    Check,
    ContainerRun,
    Each,
    Endpoint,
    EnvVar,
    ExecCheck,
    Group,
    HttpCheck,
    InitCommand,
    LogCheck,
    MadeFile,
    Port,
    Probe,
    ProcessRun,
    Reference,
    Restart,
    Run,
    Stop,
    TcpCheck,
    Template,
)

_OWN = re.compile(r"\$\{([\w.]+)\}")
_HTTP = re.compile(r":(\d+)(/.*)")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a manifest asks of an entry.

    `settings` are those the manifest gives; `secret(name)` is the password kept under a setting's name. `directory` is
    where processes run, `data` where they keep their data. `balances`: it is to spread callers over replicas.
    """

    service: str
    version: str | None
    settings: Mapping[str, str]
    secret: Callable[[str], str]
    directory: str
    data: str
    balances: bool = False


@dataclass(frozen=True, slots=True)
class SeedKind:
    """How files whose names end in `suffix` are applied; `{file}` in `argv` stands for one of them."""

    suffix: str
    argv: tuple[Template, ...]
    line: str


@dataclass(frozen=True, slots=True)
class Pieces:
    """What an entry brings to a service. `secret_exports` are those that hold a password."""

    run: Run
    env: tuple[EnvVar, ...]
    ports: tuple[Port, ...]
    probe: Probe
    exports: tuple[tuple[str, Template], ...]
    secret_exports: frozenset[str]
    group: Group
    restart: Restart
    stop: Stop
    note: str = ""
    entry: str = ""
    made_files: tuple[MadeFile, ...] = ()
    console: tuple[Template, ...] = ()
    open: Endpoint | None = None
    metrics: Endpoint | None = None
    seed: tuple[SeedKind, ...] = ()


def setting_from_environment(entry: Entry, environment: Mapping[str, str]) -> dict[str, str]:
    """The settings that a service gives in the way the official image takes them."""
    found = {name: environment.get(setting.variable or "") for name, setting in entry.settings.items()}
    return {name: value for name, value in found.items() if value is not None}


def as_container(entry: Entry, asked: Asked) -> Pieces:
    """The entry in a container."""
    fill = _Filler(entry, asked, {"bin": "", "data": entry.container.data or ""})
    form = entry.container
    run = ContainerRun(
        str(fill(form.image)),
        fill.all(form.command),
        fill.all(form.entrypoint) or None,
        form.data,
    )
    wanted = [file for file in form.files if not file.when or asked.balances]
    made = tuple(MadeFile(file.path, _parts(fill, file), fill.holds_secret(file.text)) for file in wanted)
    return _pieces(entry, fill, run, form, made_files=made)


def _parts(fill: _Filler, file: File) -> tuple[Template | Each, ...]:
    """A file's text: what is there once, and what is there for each of some."""
    if file.source:
        return (Template.of(file.text),)
    parts: list[Template | Each] = []
    for number, piece in enumerate(EACH.split(file.text)):
        match number % 3:
            case 0 if piece:
                parts.append(fill(piece))
            case 1:
                of = piece
            case 2:
                parts.append(Each(of, piece))
    return tuple(parts)


def as_process(entry: Entry, asked: Asked, server: FoundServer) -> Pieces:
    """The entry as a process of the host, with the programs that were found. Raises ValueError where it cannot be."""
    form = entry.embedded
    if form is None:
        raise ValueError(f"{entry.name} has no embedded form")
    fill = _Filler(entry, asked, {"bin": server.bin, "data": asked.data})
    init = tuple(InitCommand(fill.all(each.run), str(fill(each.creates))) for each in form.init)
    run = ProcessRun(fill.all(form.command), asked.directory, init, form.unprivileged, asked.data)
    return _pieces(entry, fill, run, form, note=_version_note(entry, asked, server))


def _version_note(entry: Entry, asked: Asked, server: FoundServer) -> str:
    if asked.version is None or major(asked.version) == major(server.version):
        return ""
    found = f"{entry.name} {server.version}" if server.version else f"the {entry.name} that is installed here"
    return f"{asked.service}: {found} runs embedded, {asked.version} was asked for"


class _Filler:
    """Puts settings and references into an entry's texts."""

    def __init__(self, entry: Entry, asked: Asked, places: Mapping[str, str]) -> None:
        self._service = asked.service
        self.values = {"service": asked.service, "version": asked.version or entry.version, **places}
        # It is known when a file is applied.
        self.values["file"] = "{file}"
        self.secret: frozenset[str] = frozenset(name for name, s in entry.settings.items() if s.generated)
        for name, setting in entry.settings.items():
            default = asked.secret(name) if setting.generated and name not in asked.settings else setting.default
            self.values[name] = asked.settings.get(name) or self._text(default)

    def __call__(self, text: str) -> Template:
        parts: list[str | Reference] = []
        for number, piece in enumerate(_OWN.split(text)):
            if number % 2:
                parts.append(Reference(self._service, piece))
            elif piece:
                parts.append(self._text(piece))
        return Template(tuple(parts) or ("",))

    def all(self, texts: tuple[str, ...]) -> tuple[Template, ...]:
        return tuple(map(self, texts))

    def holds_secret(self, text: str) -> bool:
        return any(match[1] in self.secret for match in PLACEHOLDER.finditer(text))

    def _text(self, text: str) -> str:
        def value(match: re.Match[str]) -> str:
            plain = self.values[match[1]]
            return urllib.parse.quote(plain, safe="") if match[2] else plain

        return PLACEHOLDER.sub(value, text)


def _pieces(
    entry: Entry,
    fill: _Filler,
    run: Run,
    form: Container | Embedded,
    *,
    note: str = "",
    made_files: tuple[MadeFile, ...] = (),
) -> Pieces:
    exports, page = entry.exports, entry.open
    if isinstance(form, Embedded):
        exports, page = {**exports, **form.exports}, form.open or page
    return Pieces(
        run=run,
        env=tuple(EnvVar(name, fill(text), fill.holds_secret(text)) for name, text in form.environment.items()),
        ports=tuple(_ports(entry, run)),
        probe=_probe(fill, form.probe),
        exports=tuple((name, fill(text)) for name, text in exports.items()),
        secret_exports=frozenset(name for name, text in exports.items() if fill.holds_secret(text)),
        group=entry.group,
        restart=Restart(entry.restart),
        stop=Stop(entry.stop_signal, entry.stop_grace),
        note=note,
        entry=entry.name,
        made_files=made_files,
        console=fill.all(form.console),
        open=_endpoint(page),
        metrics=_endpoint(entry.metrics),
        seed=tuple(SeedKind(suffix, fill.all(each.run), each.line) for suffix, each in form.seed.items()),
    )


def _ports(entry: Entry, run: Run) -> Iterator[Port]:
    for name, number in entry.ports.items():
        yield Port(number, behind=entry.behind.get(name) if isinstance(run, ContainerRun) else None)


def _endpoint(text: str) -> Endpoint | None:
    match = _HTTP.fullmatch(text)
    return Endpoint(int(match[1]), match[2]) if match else None


def _probe(fill: _Filler, form: Readiness) -> Probe:
    return Probe(_check(fill, form), form.interval, form.timeout, form.retries, form.start_period)


def _check(fill: _Filler, form: Readiness) -> Check:
    if form.exec:
        argv = fill.all(form.exec)
        program = str(argv[0])
        # Without its client there is nothing to ask a server with; that it listens is the next best thing.
        missing = os.path.isabs(program) and fill.values["bin"] and not os.path.exists(program)
        return TcpCheck() if missing else ExecCheck(argv)
    if form.http is not None and (match := _HTTP.fullmatch(form.http)):
        return HttpCheck(match[2], int(match[1]), (form.status[0], form.status[-1]), form.body)
    return LogCheck(form.log) if form.log is not None else TcpCheck(form.tcp)
