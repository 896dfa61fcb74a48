"""`include`: other projects as a part of this one, each with its own directory and variables."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from devbox.manifest.assemble import Project, make_project
from devbox.manifest.files import MOST_FILES, Files, is_remote, located
from devbox.manifest.interpolate import Variables
from devbox.manifest.merge import named, shape
from devbox.manifest.source import Place, Problems, display_name, nearest
from devbox.manifest.tree import Entry, Mapping, Node, Scalar, Sequence
from devbox.manifest.values import shown
from devbox.manifest.variables import Interpolator, read_file

KEYS = ("path", "project_directory", "env_file")
_RESOURCES = ("services", "networks", "volumes", "secrets", "configs", "models")
_ON_DISK = ("build", "env_file", "label_file", "volumes", "develop", "working_dir", "watch", "seed", "credential_spec")
_DEEPEST = 30


@dataclass(frozen=True, slots=True)
class _Asked:
    """One entry of `include`, with every path absolute."""

    paths: tuple[Path, ...]
    directory: Path
    env_files: tuple[Path, ...]
    """None named: the `.env` of the directory, if it has one."""
    place: Place
    env_place: Place | None


class Includer:
    """Reads the projects that documents include, each once for one set of variables."""

    def __init__(self, files: Files, problems: Problems) -> None:
        self._files, self._problems = files, problems
        self._known: dict[object, Project | None] = {}

    def projects(
        self, document: Mapping, variables: Variables, directory: Path, chain: tuple[Path, ...] = ()
    ) -> tuple[Project, ...]:
        """What a document of the project in `directory` includes. Raises ManifestError if some of it is missing."""
        node = document.get("include")
        if node is None or (isinstance(node, Scalar) and node.is_null):
            return ()
        chain = (*chain, document.place.source.path)
        faults = len(self._problems.found)
        asked = self._entries(Interpolator(variables, (), self._problems).tree(node), directory)
        found = [self._project(each, variables, chain) for each in asked]
        if len(self._problems.found) > faults:
            # What is missing here would make the rest look wrong.
            self._problems.raise_if_any()
        return tuple(project for project in found if project is not None)

    def _project(self, asked: _Asked, variables: Variables, chain: tuple[Path, ...]) -> Project | None:
        if asked.paths[0] in chain:
            circle = [*chain[chain.index(asked.paths[0]) :], asked.paths[0]]
            words = " -> ".join(map(display_name, circle))
            alone = len(circle) == 2
            message = f"{display_name(circle[0])} includes itself" if alone else f"files include one another: {words}"
            self._problems.add(asked.place, message)
            return None
        if len(chain) > _DEEPEST:
            self._problems.add(asked.place, f"this is included through more than {_DEEPEST} files")
            return None
        variables = self._variables(asked, variables)
        key = (asked.paths, asked.directory, tuple(variables.files.items()))
        if len(self._known) > MOST_FILES:
            self._problems.add(asked.place, f"these are more than {MOST_FILES} projects, each with its own variables")
            self._problems.raise_if_any()
        if key not in self._known:
            self._known[key] = self._read(asked, variables, chain)
        return self._known[key]

    def _read(self, asked: _Asked, variables: Variables, chain: tuple[Path, ...]) -> Project | None:
        read = [self._files.documents(path, asked.directory, asked.place) for path in asked.paths]
        documents = [document for each in read for document in each or ()]
        if None in read or not documents:
            return None
        included = tuple(self.projects(document, variables, asked.directory, chain) for document in documents)
        return make_project(documents, variables, included)

    def _variables(self, asked: _Asked, outer: Variables) -> Variables:
        """The variables of an included project: those of the outer one win over its own files."""
        paths = asked.env_files
        if not paths and asked.env_place is None:
            default = asked.directory / ".env"
            self._problems.looked_at.add(default)
            paths = (default,) if default.is_file() else ()
        values: dict[str, str] = {}
        for path in paths:
            values |= read_file(path, outer, self._problems, asked.env_place, earlier=values)
        return replace(outer, files={**values, **outer.files}) if values else outer

    # --- what is written

    def _entries(self, node: Node, directory: Path) -> list[_Asked]:
        if not isinstance(node, Sequence):
            self._problems.add(node.place, f"include must be a list, this is {node.kind}", "Write `- path`.")
            return []
        return [asked for item in node if (asked := self._entry(item, directory)) is not None]

    def _entry(self, item: Node, directory: Path) -> _Asked | None:
        if not isinstance(item, Mapping):
            paths = self._paths(item, "an item of include", directory)
            return _Asked(paths, paths[0].parent, (), item.place, None) if paths else None
        for key, entry in item:
            if key not in KEYS and not key.startswith("x-"):
                self._problems.add(entry.key, f"include has no key {shown(key)}", nearest(key, KEYS))
        if "path" not in item.entries:
            self._problems.add(item.place, "include does not say which path", "Write `path: other/compose.yaml`.")
            return None
        path, base, env_file = (item.get(key) for key in KEYS)
        paths = self._paths(path, "path", directory)
        bases = self._paths(base, "project_directory", directory)
        env_files = tuple(file for file in self._paths(env_file, "env_file", directory) if str(file) != "/dev/null")
        if not paths or path is None:
            return None
        env_place = None if env_file is None or _is_null(env_file) else env_file.place
        return _Asked(paths, bases[0] if bases else paths[0].parent, env_files, path.place, env_place)

    def _paths(self, node: Node | None, what: str, directory: Path) -> tuple[Path, ...]:
        """The paths that a text or a list of texts stands for."""
        if node is None or (what != "path" and _is_null(node)):
            return ()
        several = isinstance(node, Sequence) and what in ("path", "env_file")
        items = node.items if isinstance(node, Sequence) and several else (node,)
        if not items:
            self._problems.add(node.place, f"{what} is an empty list")
        found = [self._path(item, what, directory) for item in items]
        return tuple(path for path in found if path is not None) if None not in found else ()

    def _path(self, node: Node, what: str, directory: Path) -> Path | None:
        if isinstance(node, Scalar) and (node.faulty or (node.template and node.template.references)):
            # That no service is known here has been said.
            return None
        if not isinstance(node, Scalar) or node.is_null or not node.text:
            kind = node.kind if not isinstance(node, Scalar) or node.is_null else "an empty text"
            wanted = "a text or a mapping" if what.startswith("an item") else "a text"
            self._problems.add(node.place, f"{what} must be {wanted}, this is {kind}")
            return None
        if is_remote(node.text):
            hint = "Fetch it, and name the copy."
            self._problems.add(node.place, f"{shown(node.text)} is not on this machine", hint)
            return None
        return located(directory, node.text)


def _is_null(node: Node) -> bool:
    return isinstance(node, Scalar) and node.is_null


# --- putting it in


def with_resources(own: Mapping, included: Mapping, given: Variables, problems: Problems) -> Mapping:
    """A document with the services, networks and so on of an included project.

    `given` are variables that the included project has and the one around it does not.
    """
    for section in _RESOURCES:
        theirs = included.entries.get(section)
        if theirs is not None and isinstance(theirs.value, Mapping) and theirs.value.entries:
            ours = own.entries.get(section)
            value = _together(section, ours.value if ours else None, theirs.value, given, problems)
            own = own.having(section, Entry(ours.key if ours else theirs.key, value))
    return own


def _together(section: str, ours: Node | None, theirs: Mapping, given: Variables, problems: Problems) -> Node:
    """The resources of both. What both have must be the same."""
    if ours is not None and not isinstance(ours, Mapping) and not _is_null(ours):
        return ours
    entries = dict(ours.entries) if isinstance(ours, Mapping) else {}
    for name, entry in theirs:
        filled = Entry(entry.key, _filled(section, entry.value, given)) if given.files else entry
        known = entries.setdefault(name, filled)
        if known is not filled and not _same(section, known, filled):
            what = section.removesuffix("s")
            hint = "Give one another name, or what differs as an override: `path: [included.yaml, override.yaml]`."
            problems.add(known.key, f"the {what} {name} is also in {entry.key}, and says something else there", hint)
    return Mapping(ours.place if ours else theirs.place, entries)


def _same(section: str, one: Entry, other: Entry) -> bool:
    """Whether two resources mean the same: they say so, and from the same directory if they name files."""
    if shape(one.value) != shape(other.value):
        return False
    if one.key.source.directory == other.key.source.directory or not isinstance(one.value, Mapping):
        return True
    keys = one.value.entries
    if section == "services":
        return "image" in keys and not any(key in keys for key in _ON_DISK)
    return "file" not in keys


def _filled(section: str, node: Node, given: Variables) -> Node:
    """A resource with the values of variables that it names, and that only the project it belongs to has."""
    entry = node.entries.get("environment") if isinstance(node, Mapping) else None
    if entry is None or not isinstance(node, Mapping):
        return node
    if section in ("secrets", "configs"):
        value = given.get(entry.value.text) if isinstance(entry.value, Scalar) else None
        if value is None:
            return node
        return node.without("environment").having("content", Entry(entry.key, _text(entry.value.place, value)))
    variables = named(entry.value, "environment") if section == "services" else node
    if section != "services" or not isinstance(variables, Mapping):
        return node
    entries = {name: Entry(each.key, _given(name, each.value, given)) for name, each in variables}
    return node.having("environment", Entry(entry.key, replace(variables, entries=entries)))


def _given(name: str, node: Node, given: Variables) -> Node:
    value = given.get(name) if _is_null(node) else None
    return node if value is None else _text(node.place, value)


def _text(place: Place, value: str) -> Scalar:
    return Scalar(place, value, plain=False, secret=True)
