"""`devbox cp`: files to and from services."""

from __future__ import annotations

import os
import shutil

from devbox.cli.arguments import Arguments
from devbox.cli.diagnostics import DONE
from devbox.cli.replicas import placed, running, service_and_path
from devbox.domain.errors import UsageError
from devbox.domain.spec import ProcessRun


def run(args: Arguments) -> int:
    source, target = service_and_path(args.source), service_and_path(args.target)
    if (source is None) == (target is None):
        raise UsageError("cp copies between a service and this machine", hint="Write SERVICE:PATH for one of the two.")
    project = args.project()
    service, path = source or target or ("", "")
    unit, ref = running(placed(project.client(), service, args.index))
    if isinstance(unit.spec.run, ProcessRun):
        inside = os.path.join(unit.spec.run.working_dir, path)
        _copy(inside, args.target) if source else _copy(args.source, inside)
        return DONE
    from devbox.runtimes.docker.session import engine_session

    with engine_session(project.name(), project.environment) as session:
        if source:
            session.copy_from(ref.id, path, args.target, follow=args.follow_link)
        else:
            session.copy_to(ref.id, args.source, path, follow=args.follow_link)
    return DONE


def _copy(source: str, target: str) -> None:
    """A file, or a folder with all that is in it; into the target where that is a folder."""
    if not os.path.isdir(source):
        shutil.copy2(source, target)
        return
    inside = os.path.join(target, os.path.basename(os.path.abspath(source))) if os.path.isdir(target) else target
    shutil.copytree(source, inside, dirs_exist_ok=True, symlinks=True)
