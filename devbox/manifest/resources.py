"""The manifest's top-level `networks`, `volumes`, `secrets` and `configs`, and what services make of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from devbox.domain.container import FileContent, NetworkSpec, VolumeSpec
from devbox.manifest.draft import Draft, FileUse, Wanted
from devbox.manifest.mounts import file_mode
from devbox.manifest.networks import DEFAULT, external_name, network
from devbox.manifest.source import Place, nearest
from devbox.manifest.tree import Mapping as Tree
from devbox.manifest.tree import Node
from devbox.manifest.values import Scope

SECRETS_FOLDER = "/run/secrets"

Pairs = tuple[tuple[str, str], ...]

FILE_KEYS = (
    "name",
    "file",
    "environment",
    "content",
    "external",
    "labels",
    "driver",
    "driver_opts",
    "template_driver",
)
USE_KEYS = ("source", "target", "uid", "gid", "mode")
VOLUME_KEYS = ("name", "driver", "driver_opts", "external", "labels")


@dataclass(frozen=True, slots=True)
class Content:
    """An entry of the top-level `secrets` or `configs`: a host file, or a text. `place` is where it stands."""

    place: Place
    file: str | None = None
    text: str | None = None
    missing: str = ""
    environment: str = ""
    external: bool = False


@dataclass(slots=True)
class Resources:
    """Everything beside the services, by key."""

    project: str
    networks: dict[str, NetworkSpec] = field(default_factory=dict)
    volumes: dict[str, VolumeSpec] = field(default_factory=dict)
    secrets: dict[str, Content] = field(default_factory=dict)
    configs: dict[str, Content] = field(default_factory=dict)


def secrets(scope: Scope, node: Node, draft: Draft) -> None:
    """`secrets` of a service."""
    _file_uses(scope, node, draft.secrets, "secrets")


def configs(scope: Scope, node: Node, draft: Draft) -> None:
    """`configs` of a service."""
    _file_uses(scope, node, draft.configs, "configs")


def _file_uses(scope: Scope, node: Node, found: list[FileUse], what: str) -> None:
    for item in scope.items(node, what):
        if not isinstance(item, Tree):
            if (text := scope.text(item, f"an item of {what}")) is not None:
                found.append(FileUse(text, item.place))
            continue
        entries = scope.mapping(item, f"an item of {what}", USE_KEYS)
        texts = {
            key: scope.text(entries[key].value, key) or ""
            for key in ("source", "target", "uid", "gid")
            if key in entries
        }
        if "source" not in entries:
            scope.problems.add(item.place, f"an item of {what} needs a source", f"source is a key of the {what} below.")
            continue
        mode = file_mode(scope, entries["mode"].value) if "mode" in entries else None
        place = entries["source"].value.place
        found.append(
            FileUse(texts["source"], place, texts.get("target", ""), texts.get("uid", ""), texts.get("gid", ""), mode)
        )


def read(scope: Scope, tree: Tree, project: str) -> Resources:
    """The resources that a manifest declares."""
    found = Resources(project)
    for key, entry in _section(scope, tree, "networks"):
        found.networks[key] = network(scope, project, key, entry)
    for key, entry in _section(scope, tree, "volumes"):
        found.volumes[key] = _volume(scope, project, key, entry)
    for key, entry in _section(scope, tree, "secrets"):
        found.secrets[key] = _content(scope, key, entry, "secret")
    for key, entry in _section(scope, tree, "configs"):
        found.configs[key] = _content(scope, key, entry, "config")
    return found


def _section(scope: Scope, tree: Tree, key: str) -> Iterable[tuple[str, Node]]:
    node = tree.get(key)
    if node is None:
        return
    for name, entry in scope.mapping(node, key).items():
        if not name.startswith("x-"):
            yield name, entry.value


def _volume(scope: Scope, project: str, key: str, node: Node) -> VolumeSpec:
    entries = scope.mapping(node, f"the volume {key}", VOLUME_KEYS)
    external, name = external_name(scope, entries, key, project)
    driver = (scope.text(entries["driver"].value, "driver") or "") if "driver" in entries else ""
    options = scope.pairs(entries["driver_opts"].value, "driver_opts") if "driver_opts" in entries else ()
    if options and driver in ("", "local"):
        options = host_device(scope, entries["driver_opts"].value, options)
    labels = scope.pairs(entries["labels"].value, "labels") if "labels" in entries else ()
    return VolumeSpec(key, name, external, driver, options, labels)


def host_device(scope: Scope, node: Node, options: Pairs) -> Pairs:
    """The options of a volume that binds a directory of the host, with the absolute path of that."""
    given = dict(options)
    if "bind" not in given.get("o", "").split(",") or not given.get("device"):
        return options
    device = scope.path(node.place, given["device"])
    return tuple({**given, "device": device}.items())


def _content(scope: Scope, key: str, node: Node, what: str) -> Content:
    entries = scope.mapping(node, f"the {what} {key}", FILE_KEYS)
    sources = [name for name in ("file", "environment", "content", "external") if name in entries]
    if len(sources) != 1:
        said = f"says {' and '.join(sources)}" if sources else "does not say where it comes from"
        scope.problems.add(
            node.place, f"the {what} {key} {said}", "Give it exactly one of file, environment or content."
        )
        return Content(node.place)
    value = entries[sources[0]].value
    text = scope.text(value, sources[0]) if sources[0] != "external" else None
    if sources[0] == "file" and text is not None:
        return Content(node.place, file=scope.path(value.place, text))
    if sources[0] == "environment" and text is not None:
        known = scope.variables.get(text)
        return Content(node.place, text=known or "", missing=text if known is None else "", environment=text)
    if sources[0] == "external":
        external = isinstance(value, Tree) or scope.boolean(value, "external") is not False
        return Content(entries["external"].key, external=external)
    return Content(node.place, text=text or "")


# --- what services make of them


def check_uses(scope: Scope, draft: Draft, resources: Resources) -> None:
    """Every network and volume that a service names must be declared."""
    _check(scope, draft, draft.network_uses, {DEFAULT, *resources.networks}, "network")
    _check(scope, draft, draft.volume_uses, resources.volumes, "volume")


def _check(scope: Scope, draft: Draft, uses: Iterable[Wanted], known: Iterable[str], what: str) -> None:
    names = set(known)
    for use in uses:
        if use.name not in names:
            near = nearest(use.name, names)
            hint = (
                near if near.startswith("Did") else f"Declare it at the end of the file: {what}s: {{{use.name}: {{}}}}"
            )
            scope.problems.add(use.place, f"{draft.name} uses the {what} {use.name}, which is not declared", hint)


def files(scope: Scope, draft: Draft, resources: Resources) -> tuple[FileContent, ...]:
    """A service's secrets and configs as files in its container."""
    hidden = [_file(scope, use, resources.secrets, "secret", secret_target(use)) for use in draft.secrets]
    shown = [_file(scope, use, resources.configs, "config", use.target or f"/{use.source}") for use in draft.configs]
    return tuple(each for each in (*hidden, *shown) if each is not None)


def build_secrets(scope: Scope, uses: Iterable[FileUse], resources: Resources) -> tuple[tuple[str, str], ...]:
    """The secrets of a build by id: a file, or `env:NAME`."""
    found = []
    for use in uses:
        file = _file(scope, use, resources.secrets, "secret", "")
        if file is not None:
            found.append((use.target or use.source, file.file or f"env:{file.environment}"))
    return tuple(found)


def secret_target(use: FileUse) -> str:
    """Where a secret stands in a container."""
    if use.target.startswith("/"):
        return use.target
    return f"{SECRETS_FOLDER}/{use.target or use.source}"


def _file(scope: Scope, use: FileUse, known: Mapping[str, Content], what: str, target: str) -> FileContent | None:
    content = known.get(use.source)
    if content is None:
        hint = nearest(use.source, known)
        if not hint.startswith("Did"):
            hint = f"Declare it at the end of the file: {what}s: {{{use.source}: {{file: ./{use.source}}}}}"
        scope.problems.add(use.place, f"there is no {what} {use.source}", hint)
        return None
    if content.external:
        words = f"the {what} {use.source} is external, and so a swarm's: who uses it does not start here"
        scope.problems.note(content.place, words)
    if content.missing:
        hint = f"Set {content.missing} in the environment or in .env."
        scope.problems.add(content.place, f"the {what} {use.source} needs {content.missing}, which is not set", hint)
    if content.file is not None and (use.uid or use.gid or use.mode is not None) and target:
        words = f"uid, gid and mode of the {what} {use.source} have no effect: its file is mounted as it is"
        scope.problems.note(use.place, words)
    return FileContent(
        target=target,
        file=content.file,
        content=content.text,
        uid=use.uid,
        gid=use.gid,
        mode=use.mode,
        secret=what == "secret",
        source=use.source,
        environment=content.environment,
        external=content.external,
    )
