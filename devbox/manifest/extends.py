"""`extends`: a service on top of another one, of the same file or of another one, which may extend a third."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from devbox.manifest.assemble import has_marks
from devbox.manifest.files import Files, is_remote, located
from devbox.manifest.merge import extend, merge, without_marks
from devbox.manifest.parse import MOST_NODES
from devbox.manifest.source import Place, Problems, display_name, nearest
from devbox.manifest.tree import Entry, Mapping, Node, Scalar, Sequence
from devbox.manifest.values import shown
from devbox.manifest.variables import Interpolator

KEYS = ("service", "file")
_LONGEST_CHAIN = 100


@dataclass(frozen=True, slots=True, eq=False)
class _Home:
    """Services that can be extended: those of one document, or of another file, whose `name` messages give."""

    services: Mapping
    directory: Path
    marked: bool
    replaced: Callable[[Node], Node]
    """Interpolates a node; what nobody extends in another file need not be valid here."""
    name: str = ""


_Link = tuple[_Home, str, Place]
"""One step of a chain: the service, and where it says what it extends."""


class Extender:
    """Puts what services extend into them, in one document."""

    def __init__(self, files: Files, interpolator: Interpolator, problems: Problems) -> None:
        self._files, self._interpolator, self._problems = files, interpolator, problems
        self._homes: dict[Path, _Home | None] = {}
        self._done: dict[tuple[_Home, str], Node] = {}
        self._room = MOST_NODES

    def document(self, document: Mapping) -> Mapping:
        """A document that is interpolated already, with every service standing on what it extends."""
        entry = document.entries["services"]
        if not isinstance(entry.value, Mapping):
            return document
        source = document.place.source
        home = _Home(entry.value, source.directory, has_marks(document), lambda node: node)
        entries = {name: Entry(each.key, self._service(home, name, ())) for name, each in entry.value}
        services = Mapping(entry.value.place, entries, entry.value.tag)
        return document.having("services", Entry(entry.key, services))

    def _service(self, home: _Home, name: str, chain: tuple[_Link, ...]) -> Node:
        key = (home, name)
        if key not in self._done:
            self._done[key] = self._extended(home, name, chain)
        return self._done[key]

    def _extended(self, home: _Home, name: str, chain: tuple[_Link, ...]) -> Node:
        node = home.replaced(home.services.entries[name].value)
        if not isinstance(node, Mapping) or "extends" not in node.entries:
            return node
        said = node.entries["extends"].value
        own = node.without("extends")
        chain = (*chain, (home, name, said.place))
        target = self._target(home, said)
        if target is None or not self._may_follow(target, chain):
            # What is wrong has been said; the key stays, so that nobody wonders at what the service lacks.
            return node.having("extends", Entry(node.entries["extends"].key, Scalar(said.place, "", faulty=True)))
        base = self._service(*target, chain)
        if not isinstance(base, Mapping):
            return own
        extended = extend(without_marks(base) if target[0].marked else base, own)
        self._room -= _size(extended, self._room)
        if self._room < 0:
            self._problems.add(said.place, f"what services extend comes to more than {MOST_NODES:,} values")
            self._problems.raise_if_any()
        return extended

    # --- what is named

    def _target(self, home: _Home, said: Node) -> tuple[_Home, str] | None:
        """The service that `extends` names; None when there is none, with the reason among the problems."""
        service, file = said, None
        if isinstance(said, Mapping):
            for key, entry in said:
                if key not in KEYS and not key.startswith("x-"):
                    self._problems.add(entry.key, f"extends has no key {shown(key)}", nearest(key, KEYS))
            if "service" not in said.entries:
                self._problems.add(said.place, "extends does not say which service", "Write `service: name`.")
                return None
            service, file = said.entries["service"].value, said.get("file")
        name = self._text(service, "extends", "a text or a mapping" if service is said else "a text")
        there: _Home | None = home
        if file is not None and not (isinstance(file, Scalar) and file.is_null):
            path = self._text(file, "file", "a text")
            there = self._other(home.directory, path, file.place) if path is not None else None
        if name is None or there is None:
            return None
        if name in there.services.entries:
            return there, name
        where = f" in {there.name}" if there.name else ""
        message = f"there is no service {name}{where} to extend"
        self._problems.add(service.place, message, nearest(name, there.services.entries))
        return None

    def _text(self, node: Node, what: str, wanted: str) -> str | None:
        if isinstance(node, Scalar) and node.faulty:
            return None
        if isinstance(node, Scalar) and not node.is_null:
            if node.template is None or not node.template.references:
                return node.text
            self._problems.add(node.place, f"{what} cannot hold a reference to a service")
            return None
        self._problems.add(node.place, f"{what} must be {wanted}, this is {node.kind}")
        return None

    def _other(self, directory: Path, text: str, place: Place) -> _Home | None:
        """The services of another file."""
        path = located(directory, text)
        if is_remote(text):
            self._problems.add(place, f"{shown(text)} is not on this machine", "Fetch it, and name the copy.")
            return None
        if path not in self._homes:
            self._homes[path] = self._read(path, place)
        return self._homes[path]

    def _read(self, path: Path, place: Place) -> _Home | None:
        documents = self._files.documents(path, place=place)
        if documents is None:
            return None
        name = display_name(path)
        if not documents:
            self._problems.add(place, f"{name} is empty")
            return None
        tree, replaced = documents[0], self._interpolator.tree
        if len(documents) > 1:
            # What stands for the same thing is known only once variables are replaced.
            tree, replaced = self._interpolator.mapping(tree), lambda node: node
            for document in documents[1:]:
                tree = merge(tree, self._interpolator.mapping(document))
        services = tree.get("services")
        if not isinstance(services, Mapping):
            self._problems.add(place, f"{name} has no services")
            return None
        return _Home(services, path.parent, any(map(has_marks, documents)), replaced, name)

    # --- chains

    def _may_follow(self, target: tuple[_Home, str], chain: tuple[_Link, ...]) -> bool:
        """Whether a chain may go on to `target`: it must not have been there, and must not be endless."""
        place = chain[-1][2]
        steps = [(home, name) for home, name, _ in chain]
        if target in steps:
            circle = [*steps[steps.index(target) :], target]
            words = " -> ".join(f"{name} ({home.name})" if home.name else name for home, name in circle)
            alone = len(circle) == 2
            message = f"{target[1]} extends itself" if alone else f"services extend one another: {words}"
            self._problems.add(place, message)
            return False
        if len(chain) > _LONGEST_CHAIN:
            self._problems.add(place, f"this extends through more than {_LONGEST_CHAIN} services")
            return False
        return True


def _size(node: Node, most: int) -> int:
    """How many values a node comes to, as far as that is not more than `most` by much."""
    count, waiting = 0, [node]
    while waiting and count <= most:
        each = waiting.pop()
        count += 1
        if isinstance(each, Mapping):
            waiting.extend(entry.value for _, entry in each)
        elif isinstance(each, Sequence):
            waiting.extend(each.items)
    return count
