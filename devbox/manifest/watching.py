"""`watch:` and Compose's `develop.watch`: what is done when files change."""

from __future__ import annotations

import os
from dataclasses import replace

from devbox.domain.container import Hook
from devbox.domain.spec import ContainerRun, ProcessRun, Run
from devbox.domain.watching import WatchAction, WatchRule, anchored
from devbox.manifest.commands import arguments
from devbox.manifest.container import read_hook
from devbox.manifest.draft import Draft, Watched
from devbox.manifest.source import Place
from devbox.manifest.tree import Entry, Mapping, Node, Scalar, Sequence
from devbox.manifest.values import Scope

KEYS = ("path", "action", "ignore", "include", "target", "initial_sync", "exec", "signal", "cascade")
ASKABLE = ("restart", "rebuild", "sync", "sync+restart", "sync+exec", "exec")


def watch(scope: Scope, node: Node, draft: Draft) -> None:
    """devbox's own key: paths, or rules; patterns are those of a .gitignore."""
    for item in (node,) if isinstance(node, Mapping) else scope.items(node, "watch"):
        if isinstance(item, Scalar):
            _add(scope, item, {"path": Entry(item.place, item)}, draft)
        else:
            _add(scope, item, scope.mapping(item, "watch", KEYS), draft)


def develop(scope: Scope, node: Node, draft: Draft) -> None:
    """Compose's key, whose patterns are those of a .dockerignore: they start from the rule's path."""
    entry = scope.mapping(node, "develop", ("watch",)).get("watch")
    for item in scope.items(entry.value, "watch") if entry is not None else ():
        _add(scope, item, scope.mapping(item, "watch", KEYS), draft, as_docker=True)


def _add(scope: Scope, item: Node, entries: dict[str, Entry], draft: Draft, *, as_docker: bool = False) -> None:
    def text(key: str) -> str:
        return (scope.text(entries[key].value, key) or "") if key in entries else ""

    def flag(key: str) -> bool:
        return key in entries and scope.boolean(entries[key].value, key) is True

    def patterns(key: str) -> tuple[str, ...]:
        found = scope.texts(entries[key].value, key) if key in entries else ()
        return tuple(map(anchored, found)) if as_docker else found

    if isinstance(item, Mapping) and "path" not in entries:
        scope.problems.add(item.place, "watch does not say which path")
    asked = scope.choice(entries["action"].value, "action", ASKABLE) if "action" in entries else None
    path = text("path")
    if not path or ("action" in entries and asked not in ASKABLE):
        return
    hook = _exec(scope, entries["exec"].value) if "exec" in entries else None
    rule = WatchRule(
        path=os.path.normpath(scope.base(item.place) / path),
        action=WatchAction(asked) if asked else _implied(text("target"), hook, text("signal")),
        shown=path,
        target=text("target"),
        ignore=patterns("ignore"),
        include=patterns("include"),
        initial_sync=flag("initial_sync"),
        hook=hook,
        signal=_signal(scope, entries["signal"].value) if "signal" in entries else "",
        cascade=flag("cascade"),
    )
    draft.watch.append(Watched(rule, item.place, asked is not None))


def _implied(target: str, hook: Hook | None, signal: str) -> WatchAction:
    """What is meant where no action is named."""
    if target:
        return WatchAction.SYNC_EXEC if hook else WatchAction.SYNC
    if hook:
        return WatchAction.EXEC
    return WatchAction.SIGNAL if signal else WatchAction.RESTART


def _exec(scope: Scope, node: Node) -> Hook | None:
    """`exec: {command: ...}` as in Compose, or just the command."""
    if isinstance(node, Scalar | Sequence):
        command = arguments(scope, node, "exec")
        return Hook(tuple(map(str, command))) if command else None
    return read_hook(scope, node, "exec")


def _signal(scope: Scope, node: Node) -> str:
    from devbox.manifest.keys import signal_name

    text = scope.text(node, "signal") or ""
    name = signal_name(text) or ""
    if text and not name:
        scope.problems.add(node.place, f"there is no signal {text}", "Write a name such as HUP, or a number.")
    return name


def rules(scope: Scope, draft: Draft, run: Run) -> tuple[WatchRule, ...]:
    """The rules as they hold for what the service runs; what cannot be is a problem."""
    found = []
    for watched in draft.watch:
        rule = watched.rule
        if rule.action is WatchAction.RESTART and not watched.asked and isinstance(run, ContainerRun) and run.build:
            rule = replace(rule, action=WatchAction.REBUILD)
        _check(scope, draft.name, rule, run, watched.place)
        found.append(rule)
    return tuple(found)


def _check(scope: Scope, service: str, rule: WatchRule, run: Run, place: Place) -> None:
    words, hint = "", ""
    if isinstance(run, ProcessRun) and rule.action.syncs:
        words = f"{service} runs on the host, where there is nothing to sync: it reads the files themselves"
        hint = "Write `action: restart`."
    elif rule.action is WatchAction.REBUILD and not (isinstance(run, ContainerRun) and run.build):
        words, hint = f"{service} has no build that could be done again", "Write `action: restart`, or give it a build."
    elif rule.action.syncs and not rule.target.startswith("/"):
        words, hint = (
            "a rule that syncs needs a target: an absolute path in the container",
            "For example `target: /app`.",
        )
    elif rule.action in (WatchAction.EXEC, WatchAction.SYNC_EXEC) and rule.hook is None:
        words, hint = f"{rule.action} does not say which command", "Write `exec: {command: ...}`."
    elif rule.signal and rule.action.restarts:
        words, hint = "a rule that restarts has no use for a signal", "Leave out `signal`, or `action`."
    if words:
        scope.problems.add(place, words, hint)
