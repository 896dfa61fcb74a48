"""`up` in the foreground: the panel on a terminal, merged logs elsewhere. Ctrl-C ends it all, twice at once."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from devbox.cli.arguments import Arguments
from devbox.cli.commands.down import take_down
from devbox.cli.commands.up import Wanted, bring_up, say_notes
from devbox.cli.diagnostics import DONE, FAILED, INTERRUPTED, colour_wanted, report, say
from devbox.cli.launch import ensure_supervisor
from devbox.cli.verdicts import say_unmet
from devbox.control.client import Client
from devbox.control.protocol import Action, Bye, Changed, Command, Frame, Goal, PendingChanged, Row, Snapshot
from devbox.domain.codec import decode
from devbox.domain.errors import DevboxError
from devbox.domain.log import LogChunk
from devbox.domain.places import Places
from devbox.domain.status import Phase
from devbox.views.plain import LogPrinter, remarks
from devbox.views.progress import Pace

_GRACEFUL = Command(Action.DOWN, by="Ctrl-C")
_AT_ONCE = Command(Action.DOWN, by="Ctrl-C, twice", signal="SIGKILL", grace=0.0)


def merged_logs(wanted: Wanted, places: Places, command: Command, args: Arguments) -> int:
    """Bring a mesh up and print everything it says until it ends or Ctrl-C."""
    with _terminate_like_interrupt():
        try:
            ensure_supervisor(places)
            session = _Session(wanted, places, args)
            session.start(command)
            return session.follow()
        except KeyboardInterrupt:
            take_down_unless_interrupted(places)
            return INTERRUPTED


def panel(wanted: Wanted, places: Places, command: Command) -> int:
    """Bring a mesh up behind the panel; what becomes of it when the panel closes, the person says."""
    ensure_supervisor(places)
    client = Client(places.socket, places.project)
    # The panel shows how the start goes, so nobody waits for it here.
    bring_up(client, wanted, replace(command, goal=Goal.NOTHING))
    _say_addresses(client)
    return attach(places)


def attach(places: Places) -> int:
    """The panel on a mesh that runs."""
    import devbox.views.tui as tui
    from devbox.control.stream import StreamingControl

    control = StreamingControl(places.socket, places.project)
    choice = tui.run(control, project=places.project, argv=(sys.executable, "-m", "devbox"))
    if choice is tui.Quit.STOP:
        say(f"stopping {places.project} …")
        return DONE if take_down(places, Command(Action.DOWN, by="q in the panel")).ok else FAILED
    say(f"{places.project} goes on running: `devbox attach` comes back, `devbox down` takes it away.")
    with contextlib.suppress(DevboxError):
        _say_addresses(Client(places.socket, places.project))
    return DONE


def _say_addresses(client: Client) -> None:
    """What a browser opens."""
    for row in client.get("/v1/state")["rows"]:
        if row["url"]:
            say(f"  {row['service']}: {row['url']}")


def take_down_unless_interrupted(places: Places) -> None:
    """Take everything away gracefully; a Ctrl-C meanwhile has it killed."""
    say("\nstopping … (Ctrl-C again kills)")
    graceful = threading.Thread(target=_take_down_quietly, args=(places, _GRACEFUL), daemon=True)
    graceful.start()
    try:
        graceful.join()
    except KeyboardInterrupt:
        say("killing …")
        _take_down_quietly(places, _AT_ONCE)


def _take_down_quietly(places: Places, command: Command) -> None:
    if not places.run.exists():
        return
    # A mesh that is already gone, or going at another's word, is what was wanted.
    with contextlib.suppress(DevboxError):
        # The supervisor may have been on its way up when the interrupt came: it must not be left behind.
        ensure_supervisor(places)
        say_unmet(take_down(places, command))


@contextlib.contextmanager
def _terminate_like_interrupt() -> Iterator[None]:
    """SIGTERM means what Ctrl-C means, so that whoever runs devbox in a script is left with nothing behind."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class _Session:
    """One foreground `up` without a panel."""

    def __init__(self, wanted: Wanted, places: Places, args: Arguments) -> None:
        self._wanted, self._places = wanted, places
        self._client = Client(places.socket, places.project)
        self._printer = LogPrinter(
            sys.stdout,
            [service.name for service in wanted.app.services],
            colour=colour_wanted(sys.stdout.isatty(), args.ansi),
        )
        self._rows: dict[str, Row] = {}
        self._pace = Pace()
        self._up_done = threading.Event()
        self._deciding = threading.Lock()
        self._ending = False
        self._interrupted = False
        self._result_before_down = DONE
        self._lines = self._client.lines("/v1/logs", follow="1", frames="1", tail="0")

    def start(self, command: Command) -> None:
        """Ask for the mesh, with the stream already open, so that not a line is missed."""
        self._take(next(self._lines))
        threading.Thread(target=self._bring_up, args=(command,), daemon=True).start()

    def follow(self) -> int:
        """Print what comes, until the mesh is taken away or has ended by itself; the exit code."""
        try:
            for item in self._lines:
                if item["is"] == Bye.__name__:
                    return self._result()
                self._take(item)
                self._end_if_all_ended()
        except KeyboardInterrupt:
            self._interrupted = True
            raise
        say(f"the supervisor of {self._places.project} ended; its services go on: `devbox up -d` brings it back.")
        return FAILED

    def _bring_up(self, command: Command) -> None:
        try:
            verdict = bring_up(self._client, self._wanted, command)
            say_unmet(verdict)
            if verdict.ok:
                self._say_ready()
        except DevboxError as error:
            # After Ctrl-C it is no news that the mesh is going.
            if not self._interrupted:
                report(error)
        finally:
            self._up_done.set()
            self._end_if_all_ended()

    def _say_ready(self) -> None:
        state = self._client.get("/v1/state")
        rows = state["rows"]
        say_notes(state["notes"], known=self._wanted.app.notes)
        say(f"devbox │ everything is ready ({len(rows)} replicas); Ctrl-C stops it")
        for row in rows:
            if row["url"]:
                say(f"devbox │ {row['service']}: open {row['url']}")

    def _take(self, item: dict[str, Any]) -> None:
        if item["is"] == LogChunk.__name__:
            self._printer.chunk(decode(LogChunk, item))
            return
        frame: Frame = decode(Frame, item)  # type: ignore[arg-type]
        if isinstance(frame, Snapshot | Changed):
            self._rows |= {row.name: row for row in frame.rows}
        if isinstance(frame, Changed):
            for service, line in self._pace.lines(frame.events):
                say(f"devbox │ {service}: {line}")
        if isinstance(frame, Changed | PendingChanged):
            for remark in remarks(frame):
                say(f"devbox │ {remark}")

    def _all_ended(self) -> bool:
        ended = (Phase.COMPLETED, Phase.FAILED)
        return bool(self._rows) and all(
            row.status.phase in ended or (row.status.hold is not None and row.status.phase is Phase.IDLE)
            for row in self._rows.values()
        )

    def _end_if_all_ended(self) -> None:
        """Once everything has ended by itself, take away what is left, while its last lines are still coming."""
        with self._deciding:
            if self._ending or not self._up_done.is_set() or not self._all_ended():
                return
            self._ending = True
        down = Command(Action.DOWN, by="everything has ended")
        self._result_before_down = FAILED if self._failed() else DONE
        threading.Thread(target=_take_down_quietly, args=(self._places, down), daemon=False).start()

    def _failed(self) -> bool:
        return any(row.status.phase is not Phase.COMPLETED for row in self._rows.values())

    def _result(self) -> int:
        return self._result_before_down if self._ending else DONE
