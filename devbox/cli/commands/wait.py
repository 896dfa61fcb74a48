"""`devbox wait`: until services have ended."""

from __future__ import annotations

from devbox.cli.arguments import Arguments
from devbox.cli.diagnostics import FAILED, say
from devbox.control.protocol import Bye, Changed, Frame, Row, Snapshot
from devbox.domain.codec import decode
from devbox.domain.errors import ControlError, UsageError
from devbox.domain.status import Phase

_ENDED = frozenset({Phase.COMPLETED, Phase.FAILED})


def run(args: Arguments) -> int:
    """Print the exit code of each replica as it ends; the exit code is that of the first one that failed."""
    client = args.project().client()
    left = set(args.services)
    result = 0
    for item in client.lines("/v1/frames", measure="0"):
        frame: Frame = decode(Frame, item)  # type: ignore[arg-type]
        if isinstance(frame, Bye):
            raise ControlError(f"the mesh ended while waiting: {frame.reason}")
        if isinstance(frame, Snapshot) and (unknown := left - {row.service for row in frame.rows}):
            raise UsageError(f"no such service: {min(unknown)}")
        rows = frame.rows if isinstance(frame, Snapshot | Changed) else ()
        for row in rows:
            if row.service in left and _has_ended(row):
                left.discard(row.service)
                result = result or _said(row)
        if not left:
            return result
    raise ControlError("the supervisor ended while waiting")


def _has_ended(row: Row) -> bool:
    """Whether nothing of it runs, and nothing will: one that is held has not started yet."""
    return row.status.phase in _ENDED or (row.status.phase is Phase.IDLE and row.status.hold is None)


def _said(row: Row) -> int:
    if row.exit_code is not None:
        print(row.exit_code)
        return row.exit_code
    say(f"{row.name}: {row.note or 'ended without an exit code'}")
    return 0 if row.status.phase is not Phase.FAILED else FAILED
