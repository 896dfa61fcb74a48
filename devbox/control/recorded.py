"""A report: one file that holds how a mesh was, and a `Control` over it, so that the panel can show it anywhere.

The file is a gzipped tar of JSON, most of it a line for each object, so that it can be read without devbox too:

    report.json     {report: 1, devbox, python, system, project, made_at, since}
    snapshot.json   a Snapshot
    events.jsonl    Events, oldest first
    whys.jsonl      a Why for each service
    probes.jsonl    {service, replica, probes} for each replica that is probed
    metrics.jsonl   {service, replica, metrics} for each replica
    logs.jsonl      LogChunks since `since`, in order of time
    config.yaml     the manifest as it was understood
    supervisor.log  its end

Secrets are masked in all of it. A reader takes what has its own number or a lower one under `report`.
"""

from __future__ import annotations

import asyncio
import bisect
import io
import json
import tarfile
import time
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from devbox.control.masking import MASK
from devbox.control.protocol import Command, ConfigValue, Frame, Snapshot, Verdict, Why
from devbox.domain.codec import DecodeError, decode
from devbox.domain.errors import UsageError
from devbox.domain.event import Event
from devbox.domain.log import LogChunk, LogQuery
from devbox.domain.measure import MetricsHistory, ProbeResult
from devbox.domain.timing import Timings

VERSION = 1

_SHORTEST_SECRET = 6
"""Characters from which on a secret is looked for in the text of a report; shorter ones stand in too much else."""

_LARGEST = 1 << 30
_READ_ONLY = "This is how it was when the report was made; nothing can be done to it."

T = TypeVar("T")


def write_report(path: Path, parts: Mapping[str, Iterable[Any] | Any], secrets: Collection[str] = ()) -> None:
    """Write a report of named parts, readable by its owner only. What ends in `.jsonl` is a series of JSON data.

    Every one of `secrets` is masked wherever it stands.
    """
    masks = sorted({text for text in secrets if len(text) >= _SHORTEST_SECRET}, key=len, reverse=True)
    with path.open("wb") as raw:
        path.chmod(0o600)
        with tarfile.open(fileobj=raw, mode="w:gz") as archive:
            for name, part in parts.items():
                _add(archive, name, _masked(_text(name, part), masks).encode())


def _text(name: str, part: Any) -> str:
    if name.endswith(".jsonl"):
        return "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in part)
    return part if isinstance(part, str) else json.dumps(part, ensure_ascii=False, indent=1) + "\n"


def _masked(text: str, secrets: Iterable[str]) -> str:
    for secret in secrets:
        for form in {secret, json.dumps(secret, ensure_ascii=False)[1:-1], json.dumps(secret)[1:-1]}:
            text = text.replace(form, MASK)
    return text


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mtime, member.mode = len(data), int(time.time()), 0o600
    archive.addfile(member, io.BytesIO(data))


@dataclass(frozen=True)
class Recorded:
    """What a report holds. `made_at` is seconds since the epoch; `about` is `report.json` as it is."""

    about: dict[str, Any]
    snapshot: Snapshot
    events: tuple[Event, ...]
    whys: dict[str, Why]
    probes: dict[tuple[str, int], tuple[ProbeResult, ...]]
    metrics: dict[tuple[str, int], MetricsHistory]
    chunks: tuple[LogChunk, ...]
    config: str

    @property
    def project(self) -> str:
        return self.snapshot.project

    @property
    def made_at(self) -> float:
        return float(self.about.get("made_at", 0.0))


def read_report(path: Path) -> Recorded:
    """What a file holds. Raises UsageError where it is no report, or one of a newer devbox."""
    try:
        with tarfile.open(path) as archive:
            texts = {member.name: _content(archive, member) for member in archive if member.isreg()}
        about = json.loads(texts["report.json"])
        version = int(about["report"])
    except FileNotFoundError:
        raise UsageError(f"there is no file {path}") from None
    except (tarfile.TarError, KeyError, TypeError, ValueError, EOFError, OSError) as exc:
        raise UsageError(f"{path} is no report of devbox: {exc}", hint="`devbox report` makes one.") from exc
    if version > VERSION:
        raise UsageError(f"{path} was made by devbox {about.get('devbox')}, which is newer than this one")
    try:
        return _recorded(about, texts)
    except (DecodeError, KeyError, ValueError) as exc:
        raise UsageError(f"{path} cannot be read by this devbox: {exc}", hint=_made_by(about)) from exc


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    file = archive.extractfile(member)
    if file is None or member.size > _LARGEST:
        return ""
    return file.read().decode("utf-8", "replace")


def _made_by(about: Mapping[str, Any]) -> str:
    return f"It was made by devbox {about.get('devbox')}."


def _recorded(about: dict[str, Any], texts: Mapping[str, str]) -> Recorded:
    def lines(name: str) -> list[Any]:
        return [json.loads(line) for line in texts.get(name, "").split("\n") if line]

    return Recorded(
        about=about,
        snapshot=decode(Snapshot, json.loads(texts["snapshot.json"])),
        events=tuple(decode(Event, each) for each in lines("events.jsonl")),
        whys={why.row.service: why for why in (decode(Why, each) for each in lines("whys.jsonl"))},
        probes={_whose(each): decode(tuple[ProbeResult, ...], each["probes"]) for each in lines("probes.jsonl")},
        metrics={_whose(each): decode(MetricsHistory, each["metrics"]) for each in lines("metrics.jsonl")},
        chunks=tuple(decode(LogChunk, each) for each in lines("logs.jsonl")),
        config=texts.get("config.yaml", ""),
    )


def _whose(each: Mapping[str, Any]) -> tuple[str, int]:
    return each["service"], each["replica"]


class RecordedControl:
    """`control.protocol.Control` over a report: everything can be looked at, nothing can be done."""

    read_only = True

    def __init__(self, recorded: Recorded) -> None:
        self.recorded = recorded

    async def frames(self) -> AsyncIterator[Frame]:
        yield replace(self.recorded.snapshot, recent=self.recorded.events)
        await _for_ever()

    async def logs(
        self, services: tuple[str, ...] = (), *, tail: int | None = None, follow: bool = False
    ) -> AsyncIterator[LogChunk]:
        from devbox.engine.logs.scan import last_of_each

        chunks = [chunk for chunk in self.recorded.chunks if not services or chunk.service in services]
        for chunk in chunks if tail is None else last_of_each(chunks, tail):
            yield chunk
        if follow:
            await _for_ever()

    async def search(self, query: LogQuery, *, follow: bool = False) -> AsyncIterator[LogChunk]:
        from devbox.engine.logs.pattern import pattern_of
        from devbox.engine.logs.scan import limited, matching

        pattern = pattern_of(query)
        chunks = self.recorded.chunks[::-1] if query.newest_first else self.recorded.chunks
        found = (kept for chunk in chunks if _within(chunk, query) for kept in matching(chunk, pattern, query))
        for chunk in limited(found, query.limit, newest_first=query.newest_first):
            yield chunk
        if follow:
            await _for_ever()

    async def lines(self, service: str, replica: int, first: int, count: int, *, stream: str = "stdout") -> LogChunk:
        mine = [c for c in self.recorded.chunks if (c.service, c.replica, c.stream) == (service, replica, stream)]
        at = max(0, bisect.bisect_right(mine, first, key=lambda chunk: chunk.first_line) - 1)
        begin = max(first, mine[at].first_line) if mine else first
        lines: list[str] = []
        levels, seen = "", 0.0
        for chunk in mine[at:]:
            start, end = max(0, begin - chunk.first_line), max(0, begin + count - chunk.first_line)
            lines += chunk.lines[start:end]
            levels += chunk.levels[start:end]
            seen = chunk.at if chunk.lines[start:end] else seen
        return LogChunk(service, replica, stream, begin, seen, tuple(lines), levels)

    async def command(self, command: Command) -> Verdict:
        raise UsageError(f"{command.action.value} is not possible in a report", hint=_READ_ONLY)

    async def why(self, service: str) -> Why:
        if service not in self.recorded.whys:
            raise UsageError(f"the report has no service {service}")
        return self.recorded.whys[service]

    async def probes(self, service: str, replica: int = 1) -> tuple[ProbeResult, ...]:
        return self.recorded.probes.get((service, replica), ())

    async def timings(self) -> Timings:
        from devbox.control.rows import last_start

        return last_start(self.recorded.snapshot.rows, self.recorded.events)

    async def config(self, service: str) -> tuple[ConfigValue, ...]:
        return ()

    async def metrics(self, service: str, replica: int = 1) -> MetricsHistory:
        return self.recorded.metrics.get((service, replica), MetricsHistory())

    async def close(self) -> None:
        """There is nothing to let go of."""


def _within(chunk: LogChunk, query: LogQuery) -> bool:
    return (
        (not query.services or chunk.service in query.services)
        and (query.since is None or chunk.at >= query.since)
        and (query.until is None or chunk.at <= query.until)
    )


async def _for_ever() -> None:
    await asyncio.Event().wait()
