"""The supervisor: one background process for each project. Wires the engine to its runtimes and its socket.

`python -m devbox.cli.supervisor PROJECT FD`: says `ready` or `locked` on the file descriptor FD once it knows.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import gc
import importlib
import json
import logging
import os
import shutil
import socket
import sys
import time
from pathlib import Path
from types import FrameType
from typing import NoReturn

import uvicorn

from devbox.cli.following import Following
from devbox.control.local import LocalControl
from devbox.control.server import make_app
from devbox.domain.event import SpecApplied, SupervisorStopping
from devbox.domain.places import Places
from devbox.engine.forms import Forms
from devbox.engine.journal import Journal
from devbox.engine.logs import LogStore
from devbox.engine.loop import Engine, Turn
from devbox.engine.ports import PortBook
from devbox.engine.watch.mesh import Watching
from devbox.runtimes.base import Runtime
from devbox.runtimes.door.link import PorterLink
from devbox.runtimes.process.ports import is_free
from devbox.runtimes.process.runtime import ProcessRuntime

_LINGER = 1
"""Seconds that open streams get to take their last frames."""

log = logging.getLogger("devbox.supervisor")


class _Server(uvicorn.Server):
    """uvicorn's server, which waits to be told to end; its own looks ten times a second whether it was."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._told = asyncio.Event()

    def end(self) -> None:
        self.should_exit = True
        self._told.set()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        asyncio.get_running_loop().call_soon_threadsafe(self._told.set)

    async def main_loop(self) -> None:
        await self._told.wait()


class Supervisor:
    """One project's engine with its socket, from start to end."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._journal = Journal(places.journal)
        runtime = ProcessRuntime(places, os.environ)
        runtimes: dict[str, Runtime] = {runtime.name: runtime}
        if self._uses_docker.exists():
            runtimes["docker"] = self._docker()
        self._engine = Engine(
            runtimes,
            {"docker": self._docker},
            self._journal,
            LogStore(places.logs, runtime.logs),
            PortBook(places.project, places.run / "ports.json", is_free),
            places.seeds,
            forms=Forms(places.run / "forms.json"),
            porter=PorterLink(places.door_socket, places.run / "doors.log"),
        )
        self._engine.listen(self._remember_files)
        self._control = LocalControl(self._engine, places.project, os.getpid(), self._stop)
        self._following = Following(self._control)
        self._watching = Watching(self._engine)
        self._remove_data: bool | None = None
        config = uvicorn.Config(
            make_app(self._control, self._following),
            log_config=None,
            access_log=False,
            lifespan="off",
            loop="asyncio",
            http="h11",
            ws="none",
            timeout_graceful_shutdown=_LINGER,
        )
        self._server = _Server(config)

    @property
    def _uses_docker(self) -> Path:
        """A file that tells a later supervisor that this project has containers."""
        return self._places.run / "docker"

    def _docker(self) -> Runtime:
        from devbox.runtimes.docker.runtime import DockerRuntime

        self._uses_docker.touch()
        return DockerRuntime(self._places, os.environ)

    async def run(self, listener: socket.socket) -> None:
        """Serve until told to stop or signalled. When told so by `down`, nothing of the project's run is left."""
        engine = asyncio.create_task(self._engine.run())
        engine.add_done_callback(self._engine_ended)
        # Probes need it in a moment; by then it is there, and nobody has waited for it.
        warming = asyncio.get_running_loop().run_in_executor(None, importlib.import_module, "httpx")
        await self._server.serve(sockets=[listener])
        await self._following.close()
        self._control.say_bye("the supervisor ends")
        await self._watching.close()
        engine.cancel()
        await asyncio.gather(engine, warming, return_exceptions=True)
        self._clean_up()

    def _engine_ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("the engine failed", exc_info=error)
            self._server.end()

    def _stop(self, by: str, remove_data: bool) -> None:
        self._remove_data = remove_data or bool(self._remove_data)
        self._engine.post(SupervisorStopping(by))
        self._control.say_bye(by)
        self._server.end()

    def _remember_files(self, turn: Turn) -> None:
        """Write down which files the project came from, so that later commands find it by them."""
        if not any(isinstance(event.body, SpecApplied) for event in turn.events) or self._engine.app is None:
            return
        about = {
            "project": self._places.project,
            "files": list(self._engine.app.files),
            "pid": os.getpid(),
            "started_at": time.time(),
        }
        _write(self._places.about, json.dumps(about))

    def _clean_up(self) -> None:
        if self._remove_data is None:
            return
        if self._places.socket_dir != self._places.run:
            shutil.rmtree(self._places.socket_dir, ignore_errors=True)
        shutil.rmtree(self._places.run, ignore_errors=True)
        if self._remove_data:
            shutil.rmtree(self._places.data, ignore_errors=True)
            self._places.secrets.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self._places.home.rmdir()


def _write(path: Path, text: str) -> None:
    new = path.with_suffix(".new")
    new.write_text(text)
    new.replace(path)


def take_lock(places: Places) -> int | None:
    """The lock that makes this process the project's only supervisor, as an open file; None when another has it."""
    while True:
        places.run.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(places.lock, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            return None
        # An ending supervisor removes the file with its lock held: what we locked must still be there.
        with contextlib.suppress(FileNotFoundError):
            if os.stat(places.lock).st_ino == os.fstat(handle).st_ino:
                return handle
        os.close(handle)


def listen(places: Places) -> socket.socket:
    """The socket, in place of one that a killed supervisor left. Only its owner may open it."""
    places.socket_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    places.socket.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)
    try:
        listener.bind(str(places.socket))
    finally:
        os.umask(mask)
    listener.listen(128)
    return listener


def _say(handle: int, word: str) -> None:
    """Tell whoever started us. Somebody who has gone away meanwhile may be followed by others."""
    with contextlib.suppress(BrokenPipeError), os.fdopen(handle, "w") as pipe:
        pipe.write(f"{word}\n")


def main() -> NoReturn:
    """Run a supervisor for the project named on the command line."""
    project, word_to = sys.argv[1], int(sys.argv[2])
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.INFO)
    for chatty in ("httpx", "watchfiles"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    places = Places.of(project)
    lock = take_lock(places)
    if lock is None:
        _say(word_to, "locked")
        sys.exit()
    listener = listen(places)
    supervisor = Supervisor(places)
    _say(word_to, "ready")
    gc.freeze()
    asyncio.run(supervisor.run(listener))
    os.close(lock)
    logging.shutdown()
    # Everything that this process had was freed; `down` shall not wait for a tenth of a second of freeing modules.
    os._exit(0)


if __name__ == "__main__":
    main()
