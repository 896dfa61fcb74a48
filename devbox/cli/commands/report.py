"""`devbox report`: one file that says how a mesh is, to be attached to an issue."""

from __future__ import annotations

import json
import platform
import time
from pathlib import Path
from typing import Any

import devbox
from devbox.cli.arguments import Arguments
from devbox.cli.diagnostics import say
from devbox.cli.moments import moment
from devbox.cli.project import Project
from devbox.control.client import Client
from devbox.control.recorded import VERSION, write_report
from devbox.domain.codec import encode
from devbox.domain.errors import DevboxError
from devbox.domain.log import LogQuery
from devbox.domain.places import Places

_MOST_LINES = 200_000
_END_OF_LOG = 200_000
"""Bytes of the supervisor's own log."""


def run(args: Arguments) -> int:
    project = args.project()
    client, places = project.client(), project.places()
    since = moment(args.since) or 0.0
    state = client.get("/v1/state")
    config, secrets = _config(project)
    secrets |= _kept_secrets(places)
    now = time.time()
    path = Path(args.output or time.strftime(f"devbox-{places.project}-%Y%m%d-%H%M%S.tar.gz", time.localtime(now)))
    replicas = [(row["service"], row["replica"]) for row in state["rows"]]
    parts: dict[str, Any] = {
        "report.json": {
            "report": VERSION,
            "devbox": devbox.__version__,
            "python": platform.python_version(),
            "system": platform.platform(),
            "project": places.project,
            "made_at": now,
            "since": since,
        },
        "snapshot.json": state,
        "events.jsonl": client.get("/v1/events", since=0),
        "whys.jsonl": [client.get(f"/v1/why/{name}") for name in dict.fromkeys(name for name, _ in replicas)],
        "probes.jsonl": _of_each(client, replicas, "probes"),
        "metrics.jsonl": _of_each(client, replicas, "metrics"),
        "logs.jsonl": _logs(client, since),
        "config.yaml": config,
        "supervisor.log": _end_of(places.supervisor_log),
    }
    write_report(path, parts, secrets)
    print(path)
    say(f"{path.stat().st_size / 1024:,.0f} KiB; `devbox open {path}` shows it. Read it before you give it away:")
    say("secrets that devbox knows are masked, but services may have printed others.")
    return 0


def _of_each(client: Client, replicas: list[tuple[str, int]], what: str) -> list[dict[str, Any]]:
    found = []
    for service, replica in replicas:
        try:
            answer = client.get(f"/v1/{what}/{service}", replica=replica)
        except DevboxError as exc:
            say(f"without {what}: {exc.message}")
            break
        found.append({"service": service, "replica": replica, what: answer})
    return found


def _logs(client: Client, since: float) -> list[Any]:
    query = LogQuery(since=since, limit=_MOST_LINES, newest_first=True)
    return list(client.lines("/v1/logs/search", q=json.dumps(encode(query))))[::-1]


def _config(project: Project) -> tuple[str, set[str]]:
    """The manifest as it was understood, and the secrets in it; where it cannot be read now, why."""
    try:
        import yaml

        from devbox.manifest.canonical import canonical

        reading = project.read()
    except DevboxError as exc:
        return f"# the manifest could not be read: {exc.message}\n", set()
    secrets = {str(var.value) for service in reading.app.services for var in service.env if var.secret}
    return yaml.safe_dump(canonical(reading), sort_keys=False, allow_unicode=True), secrets


def _kept_secrets(places: Places) -> set[str]:
    """The passwords that devbox made."""
    try:
        kept = json.loads(places.secrets.read_text())
    except (OSError, ValueError):
        return set()
    return set(_strings(kept))


def _strings(data: Any) -> list[str]:
    if isinstance(data, str):
        return [data]
    inner = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    return [text for each in inner for text in _strings(each)]


def _end_of(path: Path) -> str:
    try:
        return path.read_bytes()[-_END_OF_LOG:].decode("utf-8", "replace")
    except OSError:
        return ""
