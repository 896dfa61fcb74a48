"""`devbox build`, `pull`, `push` and `images`."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from devbox.cli.arguments import Arguments
from devbox.cli.diagnostics import DONE, FAILED, say
from devbox.domain.errors import DevboxError, StepError, UsageError
from devbox.domain.spec import AppSpec, ContainerRun, ServiceSpec, Unit, UnitKey
from devbox.runtimes.base import Report
from devbox.runtimes.docker.session import EngineSession, UsedImage, engine_session
from devbox.views.progress import Pace
from devbox.views.words import age, size

_AT_ONCE = 4


def run(args: Arguments) -> int:
    if args.command == "images":
        return _images(args)
    project = args.project()
    app = project.load(args.services)
    specs = chosen(app, args.services)
    with engine_session(app.project, project.environment) as session:
        if args.command == "build":
            return build(session, _with_build_flags(specs, args), quiet=args.quiet)
        if args.command == "push":
            names = [s.run.image for s in specs if isinstance(s.run, ContainerRun) and s.run.build is not None]
            return _each(names, lambda name, report: session.push(name, report), quiet=args.quiet)
        return pull(session, specs, quiet=args.quiet, ignore_failures=args.ignore_pull_failures)


def chosen(app: AppSpec, names: Sequence[str]) -> list[ServiceSpec]:
    """The services of these names (none: all). Raises UsageError for one that is not there."""
    known = {service.name for service in app.services}
    if unknown := [name for name in names if name not in known]:
        raise UsageError(f"no such service: {unknown[0]}", hint=f"There are: {', '.join(sorted(known))}.")
    return [service for service in app.services if not names or service.name in names]


def build(session: EngineSession, specs: Sequence[ServiceSpec], *, quiet: bool = False) -> int:
    """Build the images of services that say how, side by side, each image once."""
    units = {
        spec.run.image: Unit(UnitKey(spec.name), spec, "")
        for spec in specs
        if isinstance(spec.run, ContainerRun) and spec.run.build is not None
    }
    if not units and not quiet:
        say("no service has a build")

    def act(image: str, report: Report) -> None:
        session.build(units[image], report)

    return _each(list(units), act, quiet=quiet, on_interrupt=session.end_builds)


def pull(
    session: EngineSession, specs: Sequence[ServiceSpec], *, quiet: bool = False, ignore_failures: bool = False
) -> int:
    """Pull the images of services that are not built here."""
    platforms = {
        s.run.image: s.run.options.platform
        for s in specs
        if isinstance(s.run, ContainerRun) and s.run.build is None and s.run.options.pull_policy != "never"
    }
    code = _each(list(platforms), lambda name, report: session.pull(name, platforms[name], report), quiet=quiet)
    return DONE if ignore_failures else code


def ensure(session: EngineSession, specs: Sequence[ServiceSpec], *, quiet: bool = False) -> int:
    """Have the images of services here as their pull policies ask for."""
    units = {spec.run.image: Unit(UnitKey(spec.name), spec, "") for spec in specs if isinstance(spec.run, ContainerRun)}
    return _each(list(units), lambda image, report: session.ensure(units[image], report), quiet=quiet)


def _with_build_flags(specs: Sequence[ServiceSpec], args: Arguments) -> list[ServiceSpec]:
    """The services with what the flags say of their builds."""
    given = tuple((name, value) for name, _, value in (each.partition("=") for each in args.build_arg or ()))
    found = []
    for spec in specs:
        if isinstance(spec.run, ContainerRun) and spec.run.build is not None:
            build_args = tuple({**dict(spec.run.build.args), **dict(given)}.items())
            changed = replace(
                spec.run.build,
                args=build_args,
                no_cache=args.no_cache or spec.run.build.no_cache,
                pull=args.pull or spec.run.build.pull,
            )
            spec = replace(spec, run=replace(spec.run, build=changed))
        found.append(spec)
    return found


def _each(
    names: Sequence[str],
    act: Callable[[str, Report], None],
    *,
    quiet: bool,
    on_interrupt: Callable[[], None] = lambda: None,
) -> int:
    """Do something for each image, side by side; every failure is told with its last output."""
    lock = threading.Lock()

    def one(name: str) -> bool:
        pace = Pace()

        def report(text: str, done: int | None, total: int | None) -> None:
            line = pace.line(name, text, done, total, time.monotonic())
            if line is not None and not quiet:
                with lock:
                    say(line if name in line else f"{name:<20} {line}")

        try:
            act(name, report)
        except StepError as error:
            with lock:
                say(f"devbox: {error.message}")
                for line in error.failure.tail:
                    say(f"  | {line}")
                if error.failure.hint:
                    say(f"  {error.failure.hint}")
            return False
        except DevboxError as error:
            with lock:
                say(f"devbox: {error.message}")
            return False
        return True

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        try:
            return DONE if all(list(pool.map(one, names))) else FAILED
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            on_interrupt()
            raise


def _images(args: Arguments) -> int:
    project = args.project()
    with engine_session(project.name(), project.environment) as session:
        found = [each for each in session.images() if not args.services or each.service in args.services]
    if args.quiet:
        sys.stdout.writelines(f"{each}\n" for each in dict.fromkeys(image.id for image in found))
    elif args.format == "json":
        sys.stdout.writelines(f"{json.dumps(_as_json(each))}\n" for each in found)
    else:
        _print_images(found)
    return DONE


def _as_json(image: UsedImage) -> dict[str, object]:
    return {
        "ContainerName": image.container,
        "Service": image.service,
        "Repository": image.repository,
        "Tag": image.tag,
        "ID": image.id,
        "Size": image.size,
        "Created": image.created,
    }


def _print_images(found: Sequence[UsedImage]) -> None:
    from devbox.views.table import columns

    now = time.time()
    head = ("CONTAINER", "REPOSITORY", "TAG", "IMAGE ID", "SIZE", "AGE")
    rows = [
        (i.container, i.repository, i.tag, i.id, size(i.size), age(now - i.created) if i.created else "-")
        for i in found
    ]
    print(columns(head, rows))
