"""`devbox ls`."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from devbox.cli.arguments import Arguments
from devbox.cli.project import known_projects
from devbox.control.client import Client
from devbox.domain.errors import DevboxError
from devbox.domain.places import Places


def run(args: Arguments) -> int:
    projects = [_project(about) for about in known_projects()]
    if args.quiet:
        for project in projects:
            print(project["Name"])
    elif args.format == "json":
        for project in projects:
            print(json.dumps(project))
    else:
        _print_table(projects)
    return 0


def _project(about: dict[str, Any]) -> dict[str, Any]:
    name = str(about["project"])
    try:
        state = Client(Places.of(name).socket, name).get("/v1/state")
    except DevboxError:
        return {
            "Name": name,
            "Status": "supervisor is gone: `devbox up -d` takes over what runs",
            "ConfigFiles": about["files"],
            "SupervisorPid": None,
        }
    counts = Counter(row["state"] for row in state["rows"])
    return {
        "Name": name,
        "Status": ", ".join(f"{count} {state}" for state, count in counts.most_common()),
        "ConfigFiles": about["files"],
        "SupervisorPid": state["supervisor_pid"],
    }


def _print_table(projects: list[dict[str, Any]]) -> None:
    names = ["NAME", *(project["Name"] for project in projects)]
    states = ["STATUS", *(project["Status"] for project in projects)]
    files = ["CONFIG FILES", *(", ".join(project["ConfigFiles"]) for project in projects)]
    first, second = max(map(len, names)), max(map(len, states))
    for name, state, file in zip(names, states, files, strict=True):
        print(f"{name:<{first}}  {state:<{second}}  {file}")
