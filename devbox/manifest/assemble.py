"""From a project's files to one tree: read, interpolated, what they include and extend put in, laid on one another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from devbox.manifest.files import Files
from devbox.manifest.interpolate import Variables
from devbox.manifest.merge import marks, merge, without_marks, without_repetition
from devbox.manifest.source import Problems
from devbox.manifest.tree import Entry, Mapping
from devbox.manifest.variables import Interpolator


@dataclass(frozen=True, slots=True, eq=False)
class Project:
    """The documents of a project, and for each of them what it includes, which are projects of their own."""

    documents: tuple[Mapping, ...]
    variables: Variables
    included: tuple[tuple[Project, ...], ...] = ()
    services: frozenset[str] = frozenset()
    """The names of all services, of those included too."""
    directories: frozenset[Path] = frozenset()
    """Where relative paths start from, in those included too."""


def project_of(
    documents: Sequence[Mapping], variables: Variables, directory: Path, files: Files, problems: Problems
) -> Project:
    """The project that documents describe; what they include is read on the way, from `directory` on."""
    included: tuple[tuple[Project, ...], ...] = ()
    if any("include" in document.entries for document in documents):
        from devbox.manifest.include import Includer

        includer = Includer(files, problems)
        included = tuple(includer.projects(document, variables, directory) for document in documents)
    return make_project(documents, variables, included)


def make_project(
    documents: Sequence[Mapping], variables: Variables, included: tuple[tuple[Project, ...], ...] = ()
) -> Project:
    """A project of documents and what each of them includes."""
    names = {name for document in documents for name in _services(document).entries}
    names.update(name for projects in included for project in projects for name in project.services)
    directories = {document.place.source.directory for document in documents}
    directories.update(path for projects in included for project in projects for path in project.directories)
    return Project(tuple(documents), variables, included, frozenset(names), frozenset(directories))


class Assembler:
    """Makes one tree of a project."""

    def __init__(self, files: Files, interpolator: Interpolator, problems: Problems) -> None:
        self._files, self._interpolator, self._problems = files, interpolator, problems
        self._known: dict[int, tuple[Project, Mapping]] = {}

    def tree(self, project: Project) -> Mapping:
        """The tree of a project, in which each list names each thing once."""
        tree = self._tree(project, self._interpolator)
        services = tree.entries.get("services")
        if services is None or not isinstance(services.value, Mapping):
            return tree
        entry = Entry(services.key, without_repetition(services.value))
        return tree.having("services", entry)

    def _tree(self, project: Project, interpolator: Interpolator) -> Mapping:
        known = self._known.get(id(project))
        if known is None:
            known = self._known[id(project)] = (project, self._laid_on_one_another(project, interpolator))
        return known[1]

    def _laid_on_one_another(self, project: Project, interpolator: Interpolator) -> Mapping:
        result = Mapping(project.documents[0].place)
        for number, document in enumerate(project.documents):
            node = interpolator.mapping(document.without("include") if "include" in document.entries else document)
            marked = has_marks(document)
            if marked:
                result = merge(result, marks(node))
            if project.included:
                node = self._with_included(node, project.included[number], interpolator)
            if _extends(node):
                from devbox.manifest.extends import Extender

                node = Extender(self._files, interpolator, self._problems).document(node)
            result = merge(result, node) if result.entries else node
            if marked:
                result = without_marks(result)
        return result

    def _with_included(self, own: Mapping, included: Sequence[Project], interpolator: Interpolator) -> Mapping:
        from devbox.manifest.include import with_resources

        for project in included:
            tree = self._tree(project, interpolator.for_project(project.variables))
            own = with_resources(own, tree, interpolator.only_of(project.variables), self._problems)
        return own


def _services(document: Mapping) -> Mapping:
    node = document.get("services")
    return node if isinstance(node, Mapping) else Mapping(document.place)


def _extends(document: Mapping) -> bool:
    """Whether any service extends another."""
    return any(
        isinstance(entry.value, Mapping) and "extends" in entry.value.entries for _, entry in _services(document)
    )


def has_marks(document: Mapping) -> bool:
    """Whether anything may be marked `!reset` or `!override`."""
    return any("!reset" in line or "!override" in line for line in document.place.source.lines)
