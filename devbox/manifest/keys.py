"""The keys a service may have, and what reads each of them."""

from __future__ import annotations

import signal
from collections.abc import Callable

from devbox.domain.spec import Need, Reload, Restart, RestartPolicy, TaskSpec, Until
from devbox.manifest import balance, builds, container, environment, health, idle, seeding, watching
from devbox.manifest.commands import arguments
from devbox.manifest.deploy import MOST_REPLICAS, deploy
from devbox.manifest.draft import Dependency, Draft, Local, Use
from devbox.manifest.ports import ports
from devbox.manifest.tree import Mapping, Node
from devbox.manifest.values import Scope, shown

Reader = Callable[[Scope, Node, Draft], None]

UNTIL = {
    "service_started": Until.STARTED,
    "service_healthy": Until.READY,
    "service_completed_successfully": Until.COMPLETED,
}
_OWN_RUNTIMES = ("docker", "process")


def _image(scope: Scope, node: Node, draft: Draft) -> None:
    draft.image = scope.text(node, "image")


def _command(scope: Scope, node: Node, draft: Draft) -> None:
    draft.command = arguments(scope, node, "command")


def _entrypoint(scope: Scope, node: Node, draft: Draft) -> None:
    draft.entrypoint = arguments(scope, node, "entrypoint")


def _working_dir(scope: Scope, node: Node, draft: Draft) -> None:
    text = scope.text(node, "working_dir")
    if text is not None and draft.is_container:
        draft.options["working_dir"] = text
    elif text is not None:
        draft.working_dir = str((scope.base(node.place) / text).absolute())


def _environment(scope: Scope, node: Node, draft: Draft) -> None:
    draft.environment = environment.environment(scope, node)


def _env_file(scope: Scope, node: Node, draft: Draft) -> None:
    draft.file_environment = environment.env_files(scope, node)


def _ports(scope: Scope, node: Node, draft: Draft) -> None:
    draft.ports = ports(scope, node)


def _depends_on(scope: Scope, node: Node, draft: Draft) -> None:
    for name, entry in scope.by_name(node, "depends_on").items():
        fields = scope.mapping(entry.value, f"depends_on {name}", ("condition", "required", "restart"))
        until = "service_started"
        if "condition" in fields:
            until = scope.choice(fields["condition"].value, "condition", tuple(UNTIL)) or until
        required = "required" not in fields or scope.boolean(fields["required"].value, "required") is not False
        restart = "restart" in fields and scope.boolean(fields["restart"].value, "restart") is True
        draft.depends_on[name] = Dependency(Need(name, UNTIL[until], required, restart), entry.key)


def _restart(scope: Scope, node: Node, draft: Draft) -> None:
    text = scope.text(node, "restart")
    if text is None:
        return
    name, colon, attempts = text.partition(":")
    name = "no" if name == "false" else name
    if name not in tuple(RestartPolicy) or (colon and (name != "on-failure" or not attempts.isdecimal())):
        hint = "Write no, always, on-failure, on-failure:3 or unless-stopped."
        scope.problems.add(node.place, f"{shown(text)} is no restart policy", hint)
        return
    draft.restart = Restart(RestartPolicy(name), int(attempts[:9]) if colon else None)


def _stop_signal(scope: Scope, node: Node, draft: Draft) -> None:
    text = scope.text(node, "stop_signal")
    if text is None:
        return
    name = signal_name(text)
    if name is None:
        scope.problems.add(node.place, f"there is no signal {shown(text)}", "Write a name such as SIGINT, or a number.")
    draft.stop_signal = name


def signal_name(text: str) -> str | None:
    """`SIGINT` for SIGINT, INT, int or 2; None for what is no signal. Real-time signals count from SIGRTMIN."""
    if text.isdecimal() and len(text) < 4:
        known = {int(member): member.name for member in signal.Signals}
        return known.get(int(text))
    upper = text.upper()
    name = upper if upper.startswith("SIG") else f"SIG{upper}"
    base, plus, offset = name.partition("+")
    if plus and base == "SIGRTMIN" and offset.isdecimal():
        return name
    return base if not plus and base in signal.Signals.__members__ else None


def _stop_grace_period(scope: Scope, node: Node, draft: Draft) -> None:
    draft.stop_grace = scope.seconds(node, "stop_grace_period")


def _stop_timeout(scope: Scope, node: Node, draft: Draft) -> None:
    """Seconds as a plain number: an old name of `stop_grace_period`, which counts where both are given."""
    seconds = scope.integer(node, "stop_timeout", 0, 2**31)
    if "stop_grace_period" not in draft.keys and seconds is not None:
        draft.stop_grace = float(seconds)


def _scale(scope: Scope, node: Node, draft: Draft) -> None:
    draft.replicas = _or_one(scope.integer(node, "scale", 0, MOST_REPLICAS))


def _or_one(count: int | None) -> int:
    return 1 if count is None else count


def _profiles(scope: Scope, node: Node, draft: Draft) -> None:
    draft.profiles = scope.texts(node, "profiles")


def _extends(scope: Scope, node: Node, draft: Draft) -> None:
    """What a service extends is part of it by now. Where the key is still there, something was wrong with it."""
    scope.problems.skipped += 1


def _use(scope: Scope, node: Node, draft: Draft) -> None:
    """`use: postgres:16`, or a mapping with `entry`, `version` and the entry's settings."""
    settings: dict[str, str] = {}
    if isinstance(node, Mapping):
        entries = scope.mapping(node, "use")
        texts = {key: scope.text(entry.value, f"{key} of use") for key, entry in entries.items()}
        name, version = texts.pop("entry", None), texts.pop("version", None)
        settings = {key: text for key, text in texts.items() if text is not None}
        if "entry" not in entries:
            scope.problems.add(node.place, "use does not say which entry", "Write `entry: postgres`.")
    else:
        name = scope.text(node, "use")
        name, version = _entry_and_version(name) if name else (None, None)
    if name:
        draft.use = Use(name, version, settings, node.place)


def _entry_and_version(text: str) -> tuple[str, str | None]:
    """The version stands after the last colon, unless that is part of a path."""
    name, colon, version = text.rpartition(":")
    return (name, version) if colon and "/" not in version else (text, None)


def _runtime(scope: Scope, node: Node, draft: Draft) -> None:
    """devbox's own `runtime`; what is neither of its values is the OCI runtime of a container, as in Compose."""
    text = scope.text(node, "runtime")
    if text in _OWN_RUNTIMES:
        draft.runtime = text
    elif draft.is_container:
        draft.options["runtime"] = text
    else:
        draft.runtime = scope.choice(node, "runtime", _OWN_RUNTIMES)


def _oci_runtime(scope: Scope, node: Node, draft: Draft) -> None:
    draft.options["runtime"] = scope.text(node, "runtime")


def _ignored(scope: Scope, node: Node, draft: Draft) -> None:
    """A key whose having no effect nobody needs to be told."""


def _health(scope: Scope, node: Node, draft: Draft) -> None:
    health.health(scope, node, draft)


def _healthcheck(scope: Scope, node: Node, draft: Draft) -> None:
    if "health" not in draft.keys:
        health.healthcheck(scope, node, draft)


def _requires(scope: Scope, node: Node, draft: Draft) -> None:
    draft.requires = scope.texts(node, "requires")


def _open(scope: Scope, node: Node, draft: Draft) -> None:
    draft.open_path = scope.text(node, "open")


def _tasks(scope: Scope, node: Node, draft: Draft) -> None:
    for name, entry in scope.mapping(node, "tasks").items():
        argv = arguments(scope, entry.value, f"the task {name}")
        if argv:
            draft.tasks.append(TaskSpec(name, argv))


def _reload(scope: Scope, node: Node, draft: Draft) -> None:
    text = scope.choice(node, "reload", tuple(Reload))
    draft.reload = Reload(text) if text in tuple(Reload) else Reload.RESTART


def _on_demand(scope: Scope, node: Node, draft: Draft) -> None:
    draft.on_demand = scope.boolean(node, "on_demand") is True


def _idle_timeout(scope: Scope, node: Node, draft: Draft) -> None:
    draft.idle_timeout = scope.seconds(node, "idle_timeout")


def _local(scope: Scope, node: Node, draft: Draft) -> None:
    """`local: {command: ..., working_dir: ..., environment: ...}`: what can run in a container's place."""
    entries = scope.mapping(node, "local", ("command", "working_dir", "environment"))
    if "command" not in entries:
        if isinstance(node, Mapping):
            scope.problems.add(node.place, "local does not say which command")
        return
    command = arguments(scope, entries["command"].value, "command of local")
    place = scope.text(entries["working_dir"].value, "working_dir of local") if "working_dir" in entries else "."
    env = environment.environment(scope, entries["environment"].value) if "environment" in entries else {}
    if command:
        draft.local = Local(command, str((scope.base(node.place) / (place or ".")).absolute()), env)


OWN: dict[str, Reader] = {
    "metrics": balance.metrics,
    "balance": balance.balance,
    "use": _use,
    "runtime": _runtime,
    "health": _health,
    "watch": watching.watch,
    "tasks": _tasks,
    "open": _open,
    "seed": seeding.seed,
    "requires": _requires,
    "reload": _reload,
    "local": _local,
    "on_demand": _on_demand,
    "idle_timeout": _idle_timeout,
}
"""devbox's own keys."""

COMPOSE: dict[str, Reader] = {
    **container.READERS,
    "attach": _ignored,
    "image": _image,
    "build": builds.build,
    "command": _command,
    "entrypoint": _entrypoint,
    "working_dir": _working_dir,
    "environment": _environment,
    "env_file": _env_file,
    "extends": _extends,
    "ports": _ports,
    "depends_on": _depends_on,
    "healthcheck": _healthcheck,
    "restart": _restart,
    "stop_signal": _stop_signal,
    "stop_grace_period": _stop_grace_period,
    "stop_timeout": _stop_timeout,
    "scale": _scale,
    "deploy": deploy,
    "develop": watching.develop,
    "profiles": _profiles,
    "runtime": _oci_runtime,
}
"""The keys of the Compose Specification that are acted on."""

NOT_CARRIED = frozenset(key for key in idle.SERVICE if "." not in key)
"""The other keys of the Compose Specification, valid and without effect."""
