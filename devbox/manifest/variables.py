"""Variables in a tree of nodes: found, replaced, and each error at its place within the text."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from collections.abc import Sequence as Files
from dataclasses import replace
from pathlib import Path

from devbox.domain.spec import Reference
from devbox.manifest import dotenv
from devbox.manifest.interpolate import BadForm, Variables, interpolate
from devbox.manifest.locate import default_env_files
from devbox.manifest.parse import lines_of, read_text
from devbox.manifest.source import Place, Problems, Source, display_name, nearest
from devbox.manifest.tree import Entry, Node, Scalar, Sequence
from devbox.manifest.tree import Mapping as Tree

LARGEST_VARIABLES = 1024 * 1024


def read_variables(
    environment: Mapping[str, str], env_files: Files[Path], directory: Path, problems: Problems
) -> Variables:
    """The variables a manifest may use: the environment, and `.env` or the files that stand in its place."""
    paths = list(env_files) or default_env_files(environment, [directory])
    if not env_files:
        problems.looked_at.add((directory / ".env").absolute())
    variables, values = Variables(environment), dict[str, str]()
    for path in paths:
        values |= read_file(path, variables, problems, earlier=values)
    return replace(variables, files=values)


def read_file(
    path: Path,
    variables: Variables,
    problems: Problems,
    place: Place | None = None,
    raw: bool = False,
    earlier: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The variables in a file; `place` is where the manifest asks for it.

    What its values refer to is looked up in `variables`, in the file, and in what `earlier` files said. A file that
    many services name is read once.
    """
    memo, path = variables.memo, path.absolute()
    problems.looked_at.add(path)
    source = Source(path, display_name(path))
    if path not in memo.texts:
        memo.texts[path] = read_text(source, problems, place, LARGEST_VARIABLES)
    text = memo.texts[path]
    if text is None:
        return {}
    depends = frozenset(earlier.items()) if earlier and "$" in text else None
    key = (path, raw, variables, depends)
    if key not in memo.values:
        memo.room -= len(text)
        if memo.room < 0:
            problems.add(place or Place(source), f"with {source.name} these are more variables than are read at most")
            return {}
        memo.values[key] = _parsed(source, text, variables, problems, raw, earlier)
    return memo.values[key]


def _parsed(
    source: Source, text: str, variables: Variables, problems: Problems, raw: bool, earlier: Mapping[str, str] | None
) -> dict[str, str]:
    if raw:
        return dotenv.parse_raw(text, variables.known)
    source = Source(source.path, source.name, lines_of(text))
    return dotenv.parse(source, text, variables.known, problems, earlier)


_VARIABLE = re.compile(r"(?<!\$)(?:\$\$)*\$\{?([A-Za-z_][A-Za-z0-9_]*)(?![A-Za-z0-9_.-]*\.[A-Za-z0-9_-]+\})")


def names_in(node: Node) -> Iterator[str]:
    """The variables in a value as it is written, those within others too."""
    if isinstance(node, Tree):
        for _, entry in node:
            yield from names_in(entry.value)
    elif isinstance(node, Sequence):
        for item in node:
            yield from names_in(item)
    elif node.template is not None:
        for line in node.place.text.splitlines():
            yield from _VARIABLE.findall(line)


MOST_REFERENCES = 200
"""References that one text may hold."""
MOST_TEXT = 32 * 1024 * 1024
"""Characters that the texts of a project may come to with their variables replaced."""


class Interpolator:
    """Replaces the variables in trees. `uses` collects the references on the way, each with its place."""

    def __init__(self, variables: Variables, services: Collection[str], problems: Problems) -> None:
        self.variables, self.services, self._problems = variables, services, problems
        self._done: dict[int, tuple[Node, Node]] = {}
        self.uses: list[tuple[Reference, Place]] = []
        self._written = [0]

    def for_project(self, variables: Variables) -> Interpolator:
        """One with other variables, for a part of the same mesh."""
        if variables is self.variables:
            return self
        other = Interpolator(variables, self.services, self._problems)
        other.uses, other._written = self.uses, self._written
        return other

    def only_of(self, variables: Variables) -> Variables:
        """Those of the variables of an included project that have no value here."""
        known = self.variables
        return Variables({}, {name: value for name, value in variables.files.items() if known.get(name) is None})

    def tree(self, node: Node) -> Node:
        """The node with its variables replaced; what an alias repeats is worked on once."""
        if isinstance(node, Scalar):
            return self._scalar(node) if "$" in node.text else node
        known = self._done.get(id(node))
        if known is None:
            # The node is kept too, so that its id stays its own.
            known = self._done[id(node)] = (node, self._replaced(node))
        return known[1]

    def mapping(self, node: Tree) -> Tree:
        """A mapping with its variables replaced; the same one where there are none."""
        changed = {
            key: Entry(entry.key, value) for key, entry in node if (value := self.tree(entry.value)) is not entry.value
        }
        return replace(node, entries={**node.entries, **changed}) if changed else node

    def _replaced(self, node: Tree | Sequence) -> Node:
        if isinstance(node, Tree):
            return self.mapping(node)
        items = tuple(map(self.tree, node.items))
        same = all(one is other for one, other in zip(items, node.items, strict=True))
        return node if same else replace(node, items=items)

    def _scalar(self, node: Scalar) -> Scalar:
        try:
            found = interpolate(node.text, self.variables, self.services)
        except BadForm as exc:
            self._problems.add(node.place.find(exc.fragment), exc.message, exc.hint)
            return replace(node, faulty=True)
        for name in dict.fromkeys(found.unset):
            self._problems.note(node.place, f"the variable {name} is not set and stands for an empty text")
        template = found.template
        if len(template.references) > MOST_REFERENCES:
            self._problems.add(node.place, f"these are more than {MOST_REFERENCES} references in one text")
            return replace(node, faulty=True)
        for reference in dict.fromkeys(template.references):
            self._use(reference, node.place.find(str(reference)))
        text = str(template)
        self._written[0] += len(text)
        if self._written[0] > MOST_TEXT:
            self._problems.add(node.place, f"with its variables the manifest is longer than {MOST_TEXT:,} characters")
            self._problems.raise_if_any()
        return replace(node, text=text, template=template, secret=found.secret)

    def _use(self, reference: Reference, place: Place) -> None:
        if reference.service in self.services:
            self.uses.append((reference, place))
            return
        message = f"there is no service {reference.service} for {reference}"
        self._problems.add(place, message, nearest(reference.service, self.services))
