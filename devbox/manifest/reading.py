"""From files to the whole mesh, or to everything that is wrong with them."""

from __future__ import annotations

import functools
import gc
import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ParamSpec, Required, TypedDict, TypeVar, Unpack

from devbox.domain.container import MountKind, NetworkSpec, VolumeSpec
from devbox.domain.errors import ManifestError, Problem
from devbox.domain.spec import AppSpec, ContainerRun, ServiceSpec
from devbox.manifest import balance, build, idle, ports, references, resources, services
from devbox.manifest.assemble import Assembler, Project, project_of
from devbox.manifest.backing import Backing
from devbox.manifest.draft import Draft
from devbox.manifest.files import Files
from devbox.manifest.interpolate import Variables
from devbox.manifest.locate import STDIN
from devbox.manifest.name import choose_name, project_directory
from devbox.manifest.networks import DEFAULT
from devbox.manifest.resources import Resources
from devbox.manifest.source import Place, Problems, Source, display_name
from devbox.manifest.tree import Mapping as Tree
from devbox.manifest.tree import Node, Scalar
from devbox.manifest.values import Scope
from devbox.manifest.variables import Interpolator, read_variables

_P = ParamSpec("_P")
_R = TypeVar("_R")

_RUNS = frozenset({"image", "build", "command", "use"})
TOP_LEVEL = ("name", "version", "services", "networks", "volumes", "secrets", "configs", "include", "models")


def _uncollected(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Has a function run without the cyclic garbage collector.

    A manifest becomes a great many small objects, none of them garbage; going through them over and over took half of
    the time.
    """

    @functools.wraps(function)
    def run(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        if not gc.isenabled():
            return function(*args, **kwargs)
        gc.disable()
        try:
            return function(*args, **kwargs)
        finally:
            gc.enable()

    return run


def no_engine() -> bool:
    """What to pass as `engine` where there is none."""
    return False


@dataclass(frozen=True, slots=True)
class Reading:
    """A manifest that was read without a problem: the mesh it stands for, and what that was made of."""

    app: AppSpec
    tree: Tree
    scope: Scope
    drafts: Mapping[str, Draft]
    sources: tuple[Path, ...] = ()
    """Every file that counts, or would if it were there: those named, included, extended, and those of variables."""


def load(files: Sequence[Path], **asked: Unpack[Asked]) -> AppSpec:
    """The mesh that `files` describe, later ones on top of earlier ones. Raises ManifestError with every problem."""
    return read(files, **asked).app


class Asked(TypedDict, total=False):
    """What else goes into the reading of a manifest.

    `given` holds files that are not on disk. The profiles of the services in `targets` are active too. `engine` says
    whether a container engine answers; it is called once at most, and only for a `use:` that leaves the choice.
    `secrets(service, name)` gives the kept password of a service, `data_dir(service)` the absolute path of the
    directory for a process's data.
    """

    project: str | None
    directory: Path | None
    environment: Required[Mapping[str, str]]
    env_files: Sequence[Path]
    profiles: Sequence[str]
    targets: Sequence[str]
    given: Mapping[Path, bytes] | None
    engine: Callable[[], bool]
    secrets: Required[Callable[[str, str], str]]
    data_dir: Required[Callable[[str], str]]


@_uncollected
def read(
    files: Sequence[Path],
    *,
    project: str | None = None,
    directory: Path | None = None,
    environment: Mapping[str, str],
    env_files: Sequence[Path] = (),
    profiles: Sequence[str] = (),
    targets: Sequence[str] = (),
    given: Mapping[Path, bytes] | None = None,
    engine: Callable[[], bool] = no_engine,
    secrets: Callable[[str, str], str],
    data_dir: Callable[[str], str],
) -> Reading:
    """What `files` say, whole, with what it was made of; the arguments are those of `Asked`."""
    problems = Problems()
    root = project_directory(files, directory)
    reader = Files(problems, given)
    documents = _read_all(files, root, reader, problems)
    variables = read_variables(environment, env_files, root, problems)
    name = choose_name(project, variables.known, _written_name(documents, variables), root)
    variables = replace(variables, environment={**environment, "COMPOSE_PROJECT_NAME": name})
    whole = project_of(documents, variables, root, reader, problems)
    interpolator = Interpolator(variables, whole.services, problems)
    tree = Assembler(reader, interpolator, problems).tree(whole)
    scope = Scope(problems, variables, root)
    _check_project(scope, tree)
    path = environment.get("PATH", "")
    backing = Backing(problems, _folders(root, files, whole), path, engine, secrets, data_dir)
    declared = resources.read(scope, tree, name)
    mesh = _Mesh(scope, backing, declared, path, profiles, targets)
    found = mesh.build(tree, interpolator)
    problems.raise_if_any()
    absolute = tuple(str(file if file == STDIN else file.absolute()) for file in files)
    networks, volumes = _used(found, declared)
    app = AppSpec(name, str(root), absolute, found, tuple(problems.notes), networks, volumes)
    return Reading(app, tree, scope, mesh.drafts, tuple(sorted(problems.looked_at)))


def read_as_written(
    files: Sequence[Path],
    *,
    directory: Path | None = None,
    environment: Mapping[str, str],
    env_files: Sequence[Path] = (),
    given: Mapping[Path, bytes] | None = None,
) -> Tree:
    """The files laid on one another, with what they include and extend, and with their variables left as they are.

    What variables are there counts for the names of included and extended files alone. Raises ManifestError.
    """
    from devbox.manifest.unreplaced import Unreplaced

    problems = Problems()
    root = project_directory(files, directory)
    reader = Files(problems, given)
    documents = _read_all(files, root, reader, problems)
    variables = read_variables(environment, env_files, root, problems)
    whole = project_of(documents, variables, root, reader, problems)
    tree = Assembler(reader, Unreplaced(variables, problems), problems).tree(whole)
    problems.raise_if_any()
    return tree


def _used(
    services: Sequence[ServiceSpec], declared: Resources
) -> tuple[tuple[NetworkSpec, ...], tuple[VolumeSpec, ...]]:
    """The networks and volumes that some container uses."""
    runs = [service.run for service in services if isinstance(service.run, ContainerRun)]
    networks = {attachment.network for run in runs for attachment in run.networks}
    if any(not run.networks and not run.options.network_mode for run in runs):
        networks.add(DEFAULT)
    volumes = {mount.source for run in runs for mount in run.mounts if mount.kind is MountKind.VOLUME}
    given = {DEFAULT: NetworkSpec(DEFAULT, f"{declared.project}_{DEFAULT}"), **declared.networks}
    return (
        tuple(given[key] for key in sorted(networks)),
        tuple(declared.volumes[key] for key in sorted(volumes) if key),
    )


def _read_all(files: Sequence[Path], root: Path, reader: Files, problems: Problems) -> list[Tree]:
    if not files:
        hint = "Write a devbox.yaml or a compose.yaml, or name a file with -f."
        raise ManifestError([Problem("devbox.yaml", 0, 0, "there is no manifest here", hint)])
    # Relative paths start from the project's directory, whichever of its files they are in.
    read = [reader.documents(file if file == STDIN else file.absolute(), root) for file in files]
    if None in read:
        # What is missing from one file would make the others look wrong.
        problems.raise_if_any()
    found = [document for documents in read for document in documents or ()]
    if not found:
        source = Source(files[0], "<stdin>" if files[0] == STDIN else display_name(files[0].absolute()))
        problems.add(Place(source), "the file is empty", "A manifest has at least `services:` with one service.")
        problems.raise_if_any()
    return found


def _written_name(documents: Sequence[Tree], variables: Variables) -> str | None:
    """The name that the manifest gives itself, if it can be read; what is wrong with it is said later."""
    quiet = Interpolator(variables, (), Problems())
    nodes = [quiet.tree(node) for document in documents if (node := document.get("name")) is not None]
    names = [node.text for node in nodes if isinstance(node, Scalar) and not node.is_null and not node.faulty]
    return names[-1] if names else None


def _folders(root: Path, files: Sequence[Path], project: Project) -> list[Path]:
    """The directories whose entries can be used."""
    return list(dict.fromkeys([root, *(file.absolute().parent for file in files), *sorted(project.directories)]))


def _check_project(scope: Scope, tree: Tree) -> None:
    """The keys of the top level."""
    lost = [
        key for key, entry in tree if key not in TOP_LEVEL and not key.startswith("x-") and _is_service(entry.value)
    ]
    for key in lost:
        words = f'the manifest has no key "{key}"'
        scope.problems.add(tree.entries[key].key, words, "A service stands under `services:`, indented.")
    scope.mapping(tree.without(*lost), "the manifest", TOP_LEVEL)
    for place, path, why in idle.found(tree, idle.TOP):
        scope.problems.note(place, f"{path} has no effect: {why}")
    if "name" in tree.entries:
        scope.text(tree.entries["name"].value, "name")


def _is_service(node: Node) -> bool:
    """Whether this says what a service says."""
    return isinstance(node, Tree) and not _RUNS.isdisjoint(node.entries)


class _Mesh:
    """Builds the services of one manifest."""

    def __init__(
        self,
        scope: Scope,
        backing: Backing,
        declared: Resources,
        path: str,
        profiles: Sequence[str],
        targets: Sequence[str],
    ) -> None:
        self._scope, self._backing, self._declared = scope, backing, declared
        # Where programs are looked for: last where the Python that runs devbox lies, as for the processes it starts.
        self._path = os.pathsep.join(part for part in (path, os.path.dirname(sys.executable)) if part)
        self._profiles = frozenset(profiles or scope.texts_of_variable("COMPOSE_PROFILES"))
        self._targets = targets
        self.drafts: Mapping[str, Draft] = {}

    def build(self, tree: Tree, interpolator: Interpolator) -> tuple[ServiceSpec, ...]:
        problems = self._scope.problems
        every = {draft.name: draft for draft in services.drafts(self._scope, self._services(tree))}
        wanted = [every[name] for name in self._targets if name in every and not self._is_active(every[name])]
        self._profiles |= {profile for draft in wanted for profile in draft.profiles}
        inactive = {name: draft for name, draft in every.items() if not self._is_active(draft)}
        gone = {name: why for name, draft in every.items() if name not in inactive and (why := self._missing(draft))}
        for name, why in gone.items():
            if every[name].provider is None:
                problems.remark(why)
        drafts = {name: draft for name, draft in every.items() if name not in inactive and name not in gone}
        self.drafts = drafts
        references.check_dependencies(drafts, interpolator.services, inactive, problems)
        jobs = references.completed(drafts.values())
        made = {name: self._spec(draft, jobs) for name, draft in drafts.items()}
        specs = {name: spec for name, spec in made.items() if spec is not None}
        references.check(interpolator.uses, specs, problems)
        balance.check(drafts, specs, problems)
        ports.note_shared(specs.values(), drafts, problems)
        references.check_implied(drafts, specs, problems)
        references.check_cycles(drafts, specs, problems)
        absent = gone | {name: f"the profile of {name} is not active" for name in inactive}
        return tuple(self._finished(spec, absent) for spec in specs.values())

    def _services(self, tree: Tree) -> Tree:
        node = tree.get("services")
        if isinstance(node, Tree):
            # `services: {}` is what `devbox config` prints where the profile of none is active.
            return node
        if node is None or (isinstance(node, Scalar) and node.is_null):
            entry = tree.entries.get("services")
            place = entry.key if entry else tree.place
            if not self._scope.problems.found:
                self._scope.problems.add(place, "the manifest has no services", "Add one under `services:`.")
        else:
            self._scope.wrong(node, "services", "a mapping")
        return Tree(tree.place)

    def _is_active(self, draft: Draft) -> bool:
        return not draft.profiles or "*" in self._profiles or not self._profiles.isdisjoint(draft.profiles)

    def _missing(self, draft: Draft) -> str:
        """Why a service is left out: it has a provider, or a program that it requires is not on PATH."""
        if draft.provider is not None:
            return f"{draft.name} is left out: devbox runs no providers"
        absent = [program for program in draft.requires if shutil.which(program, path=self._path) is None]
        if not absent:
            return ""
        verb = "is" if len(absent) == 1 else "are"
        return f"{draft.name} is left out: {' and '.join(absent)} {verb} not on PATH"

    def _spec(self, draft: Draft, jobs: frozenset[str]) -> ServiceSpec | None:
        spec = build.spec(self._scope, draft, self._backing, self._declared, jobs)
        return spec and references.with_needs(draft, spec)

    def _finished(self, spec: ServiceSpec, absent: Mapping[str, str]) -> ServiceSpec:
        spec = references.hide_secrets(spec, self._backing.secret_exports)
        return references.without(spec, absent, self._scope.problems.remark)
