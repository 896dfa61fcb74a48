"""The keeper: parent of a project's host processes.

It is a program of its own (`python -I -S keeper.py SOCKET RECORDS`), small and with nothing to fail in, so that
services outlive a supervisor that dies: it starts processes, reaps them, remembers how they ended and signals them. As
their parent it can signal without a race, for a child that was not yet reaped keeps its pid.

It speaks lines of JSON over a Unix socket. Requests carry a number `n`, answers repeat it:

    {"n": 1, "op": "spawn", "id": "api-1.x", "argv": [...], "env": {...}, "cwd": "...",
     "stdout": "...", "stderr": "...", "record": {...}}
        -> {"n": 1, "record": {...}} or {"n": 1, "error": "...", "errno": 2}
    {"n": 2, "op": "signal", "id": "api-1.x", "signal": 15}
        -> {"n": 2, "sent": 3}
    {"n": 3, "op": "sweep", "id": "api-1.x", "signal": 15, "grace": 2}
        -> {"n": 3, "swept": 1}, once nothing is left of it
    {"n": 4, "op": "list"}
        -> {"n": 4, "records": [...]}
    {"n": 5, "op": "forget", "id": "api-1.x"}
        -> {"n": 5}
    {"n": 6, "op": "quit"}
        -> {"n": 6}, and ends if it has no children

Unasked it sends {"exit": {record}, "clean": true} to whoever is connected; with `clean` the instance left nothing that
would have to be swept. A record is kept as a file in RECORDS as well, so that a
new keeper finds the processes again when this one is killed; it then watches them without being their parent, and their
exit codes are unknown.
"""

from __future__ import annotations

import errno
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time

TYPE_CHECKING = False  # importing `typing` would double the time that a keeper takes to start
if TYPE_CHECKING:
    from typing import Any

    Record = dict[str, Any]

MARKER = "DEVBOX_INSTANCE"
IDLE_LIFE = 5.0
"""Seconds after which a keeper with no children and nobody connected ends."""

PR_SET_CHILD_SUBREAPER = 36  # prctl(2)
MAX_REQUEST = 16 * 1024 * 1024


def start_ticks(pid: int) -> str:
    """What tells a process from a later one with its pid: its start time in ticks since boot, or "" where unknown."""
    fields = _stat(pid)
    return fields[19] if fields else ""


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the command name: state, ppid, pgrp, session, ... (proc(5))."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].decode("ascii", "replace").split()
    except OSError:
        return []


def _ended(pid: int) -> bool:
    fields = _stat(pid)
    return not fields or fields[0] in "ZX"


def _marker(pid: int) -> str:
    """The instance a process was started for, as its environment says; "" for one that is none of ours."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            for entry in file.read().split(b"\0"):
                if entry.startswith(MARKER.encode() + b"="):
                    return entry.partition(b"=")[2].decode("utf-8", "replace")
    except OSError:
        return ""
    return ""


def _children() -> set[int] | None:
    """The children of this process; None where the kernel does not say."""
    try:
        with open(f"/proc/self/task/{os.getpid()}/children") as file:
            return {int(pid) for pid in file.read().split()}
    except OSError:
        return None


def _descendants(roots: set[int]) -> list[int]:
    """These processes and all below them, read from each one's threads."""
    found, todo = set(), list(roots)
    while todo:
        pid = todo.pop()
        if pid in found:
            continue
        found.add(pid)
        try:
            threads = os.listdir(f"/proc/{pid}/task")
        except OSError:
            continue
        for thread in threads:
            try:
                with open(f"/proc/{pid}/task/{thread}/children") as file:
                    todo += map(int, file.read().split())
            except OSError:
                continue
    return sorted(found)


def _every_pid() -> list[int]:
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return []


def _signal_exactly(pid: int, number: int, ticks: str) -> bool:
    """Signal `pid` only if it is still the process that started at `ticks`; through a pidfd, so without a race."""
    try:
        handle = os.pidfd_open(pid)
    except (OSError, AttributeError):
        return False
    try:
        if start_ticks(pid) != ticks:
            return False
        signal.pidfd_send_signal(handle, number)
        return True
    except OSError:
        return False
    finally:
        os.close(handle)


def become_subreaper() -> bool:
    """Have orphaned descendants become our children (Linux), so that none escapes by forking twice."""
    try:
        import ctypes

        return bool(ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)
    except (ImportError, OSError, AttributeError):
        return False


class Sweep:
    """What is left of an instance after its main process ended, on its way out."""

    def __init__(self, client: Client, n: int, instance: str, number: int, grace: float) -> None:
        self.client, self.n, self.instance, self.number = client, n, instance, number
        self.deadline = time.monotonic() + grace
        self.asked: set[tuple[int, str]] = set()


class Client:
    """One connection, with what was read but not yet understood and what was not yet taken."""

    def __init__(self, conn: socket.socket) -> None:
        self.conn = conn
        self.inbox = b""
        self.outbox = b""


class Keeper:
    """The table of instances and the one loop that serves it."""

    def __init__(self, socket_path: str, records_dir: str) -> None:
        self.socket_path = socket_path
        self.records_dir = records_dir
        self.records: dict[str, Record] = {}
        self.by_pid: dict[int, str] = {}
        self.orphans: dict[int, str] = {}
        self.sweeps: list[Sweep] = []
        self.clients: list[Client] = []
        self.selector = selectors.DefaultSelector()
        self.idle_since = time.monotonic()
        self.running = True
        self.subreaper = become_subreaper()
        os.makedirs(records_dir, mode=0o700, exist_ok=True)

    # --- records

    def _path(self, instance: str) -> str:
        return os.path.join(self.records_dir, f"{instance}.json")

    def _save(self, record: Record) -> None:
        path = self._path(record["id"])
        try:
            with open(f"{path}.new", "w") as file:
                json.dump(record, file)
            os.replace(f"{path}.new", path)
        except OSError as exc:  # a full disk must not take the keeper down
            print(f"cannot save {path}: {exc}", flush=True)

    def load(self) -> None:
        """Take over what an earlier keeper left."""
        for name in sorted(os.listdir(self.records_dir)):
            if not name.endswith(".json"):
                continue
            try:
                with open(os.path.join(self.records_dir, name)) as file:
                    record = json.load(file)
                self.records[record["id"]] = record
            except (OSError, ValueError, KeyError) as exc:
                print(f"cannot read {name}: {exc}", flush=True)
                continue
            if record.get("finished_at") is None:
                self._adopt(record)

    def _adopt(self, record: Record) -> None:
        pid = record["pid"]
        if start_ticks(pid) == record["ticks"] and record["ticks"] and not _ended(pid):
            try:
                handle = os.pidfd_open(pid)
            except OSError:
                handle = -1
            if handle >= 0:
                self.orphans[handle] = record["id"]
                self.selector.register(handle, selectors.EVENT_READ, self._orphan_ended)
                return
        self._finish(record, None)

    def _orphan_ended(self, handle: int) -> None:
        self.selector.unregister(handle)
        os.close(handle)
        self._finish(self.records[self.orphans.pop(handle)], None)

    def _finish(self, record: Record, status: int | None) -> None:
        record["finished_at"] = time.time()
        if status is not None and os.WIFSIGNALED(status):
            record["signal"] = os.WTERMSIG(status)
        elif status is not None:
            record["exit_code"] = os.waitstatus_to_exitcode(status)
        clean = record.get("keeper") == os.getpid() and self._nothing_left()
        # First the word, then the disk: whoever waits for the end goes on meanwhile.
        for client in list(self.clients):
            self._send(client, {"exit": record, "clean": clean})
        self._save(record)

    # --- children

    def reap(self) -> None:
        """Take note of every child that ended."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            instance = self.by_pid.pop(pid, None)
            if instance is not None:
                self._finish(self.records[instance], status)

    def spawn(self, request: Record) -> Record:
        """Start a process in a session of its own, its output appended to two files."""
        instance, env = request["id"], {**request["env"], MARKER: request["id"]}
        files = [os.open(request[s], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600) for s in ("stdout", "stderr")]
        # Taken before: what it writes, it writes after its start, however late we are to look at the clock again.
        started_at = time.time()
        try:
            process = subprocess.Popen(
                request["argv"],
                cwd=request["cwd"],
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=files[0],
                stderr=files[1],
                start_new_session=True,
            )
        finally:
            for file in files:
                os.close(file)
        process.returncode = 0  # reaped here, by waitpid(-1), never by Popen
        record = {
            **request["record"],
            "id": instance,
            "keeper": os.getpid(),
            "pid": process.pid,
            "ticks": start_ticks(process.pid),
            "started_at": started_at,
            "finished_at": None,
            "exit_code": None,
            "signal": None,
        }
        self.records[instance] = record
        self.by_pid[process.pid] = instance
        self._save(record)
        return {"record": record}

    def members(self, instances: set[str]) -> dict[str, list[tuple[int, str]]]:
        """The live processes of each instance with their start ticks: by its marker, or by its session."""
        found: dict[str, list[tuple[int, str]]] = {instance: [] for instance in instances}
        sessions = {str(self.records[i]["pid"]): i for i in instances if self._session_is_ours(self.records.get(i))}
        for pid in self._candidates(instances):
            fields = _stat(pid)
            if not fields or fields[0] in "ZX" or pid == os.getpid():
                continue
            instance = sessions.get(fields[3]) or _marker(pid)
            if instance in found:
                found[instance].append((pid, fields[19]))
        return found

    def _candidates(self, instances: set[str]) -> list[int]:
        """Where to look for members: below their main processes, and below children that are nobody's main process.

        A subreaper inherits what an ended child leaves behind, so anything left of it is a child of ours. To look
        at every process of the machine would take milliseconds that a reload does not have.
        """
        ours = all(i in self.records and self.records[i].get("keeper") == os.getpid() for i in instances)
        children = _children() if self.subreaper and ours else None
        if children is None:
            return _every_pid()
        alive = {self.records[i]["pid"] for i in instances if self.records[i]["finished_at"] is None}
        return _descendants((children - self.by_pid.keys()) | alive)

    def _nothing_left(self) -> bool:
        """Whether every child is the main process of an instance that lives, so that no ended one left anything."""
        children = _children() if self.subreaper else None
        return children is not None and children <= self.by_pid.keys()

    def _session_is_ours(self, record: Record | None) -> bool:
        """Whether the session numbered like the record's pid is still the record's.

        A pid in use as a session id is not given out again; so it is, unless a stranger leads it now.
        """
        return record is not None and start_ticks(record["pid"]) in ("", record["ticks"])

    def signal(self, request: Record) -> Record:
        """Send a signal to the whole group of an instance, and to what left the group."""
        number, instance = request["signal"], request["id"]
        record = self.records.get(instance)
        if record is None or record["finished_at"] is not None:
            return {"sent": 0}
        sent = 0
        if self.by_pid.get(record["pid"]) == instance:
            try:
                os.killpg(record["pid"], number)
                sent = 1
            except OSError:
                sent = 0
        group = str(record["pid"])
        for pid, ticks in self.members({instance})[instance]:
            if sent and (_stat(pid) or ["", "", ""])[2] == group:
                continue
            sent += _signal_exactly(pid, number, ticks)
        return {"sent": sent}

    # --- sweeping

    def sweep_all(self) -> None:
        """Move every sweep on: ask what is left to end, then kill it, then say that it is done."""
        if not self.sweeps:
            return
        members = self.members({sweep.instance for sweep in self.sweeps})
        for sweep in list(self.sweeps):
            left = members[sweep.instance]
            if not left:
                self.sweeps.remove(sweep)
                self._send(sweep.client, {"n": sweep.n, "swept": len(sweep.asked)})
                continue
            late = time.monotonic() >= sweep.deadline
            for each in left:
                if late or each not in sweep.asked:
                    sweep.asked.add(each)
                    _signal_exactly(each[0], signal.SIGKILL if late else sweep.number, each[1])

    # --- talking

    def _send(self, client: Client, message: Record) -> None:
        client.outbox += json.dumps(message).encode() + b"\n"
        self._flush(client)

    def _flush(self, client: Client) -> None:
        try:
            while client.outbox:
                client.outbox = client.outbox[client.conn.send(client.outbox) :]
        except BlockingIOError:
            pass
        except OSError:
            self._drop(client)
            return
        if client in self.clients:
            wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if client.outbox else 0)
            self.selector.modify(client.conn, wanted, lambda _: self._serve(client))

    def _drop(self, client: Client) -> None:
        if client in self.clients:
            self.clients.remove(client)
            self.selector.unregister(client.conn)
            client.conn.close()
            self.sweeps = [sweep for sweep in self.sweeps if sweep.client is not client]

    def _accept(self, listener: socket.socket) -> None:
        conn, _ = listener.accept()
        conn.setblocking(False)
        client = Client(conn)
        self.clients.append(client)
        self.selector.register(conn, selectors.EVENT_READ, lambda _: self._serve(client))

    def _serve(self, client: Client) -> None:
        self._flush(client)
        if client not in self.clients:
            return
        try:
            data = client.conn.recv(1 << 16)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data or len(client.inbox) > MAX_REQUEST:
            self._drop(client)
            return
        *lines, client.inbox = (client.inbox + data).split(b"\n")
        for line in lines:
            self._answer(client, line)

    def _answer(self, client: Client, line: bytes) -> None:
        n = 0
        try:
            request = json.loads(line)
            n = request["n"]
            reply = self._handle(client, request)
        except OSError as exc:
            reply = {"error": exc.strerror or str(exc), "errno": exc.errno, "path": exc.filename}
        except (ValueError, KeyError, TypeError) as exc:
            reply = {"error": f"bad request: {exc!r}", "errno": errno.EINVAL}
        if reply is not None:
            self._send(client, {"n": n, **reply})

    def _handle(self, client: Client, request: Record) -> Record | None:
        match request["op"]:
            case "spawn":
                return self.spawn(request)
            case "signal":
                return self.signal(request)
            case "sweep":
                sweep = Sweep(client, request["n"], request["id"], request["signal"], request["grace"])
                self.sweeps.append(sweep)
                return None
            case "list":
                return {"records": list(self.records.values())}
            case "forget":
                self.records.pop(request["id"], None)
                try:
                    os.unlink(self._path(request["id"]))
                except FileNotFoundError:
                    return {}
                return {}
            case "quit":
                self.running = bool(self.by_pid)
                return {}
            case other:
                raise ValueError(other)

    # --- the loop

    def run(self) -> None:
        """Serve until told to quit, or until nobody needs it any more."""
        wake, woken = socket.socketpair()
        wake.setblocking(False)
        woken.setblocking(False)
        signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self.selector.register(woken, selectors.EVENT_READ, lambda _: woken.recv(4096))
        listener = self._listen()
        while self.running:
            for key, _ in self.selector.select(self._timeout()):
                key.data(key.fileobj)
            self.reap()
            self.sweep_all()
            self._end_if_idle()
        listener.close()
        os.unlink(self.socket_path)

    def _listen(self) -> socket.socket:
        listener = socket.socket(socket.AF_UNIX)
        if os.path.exists(self.socket_path):
            os.unlink(self.socket_path)
        listener.bind(self.socket_path)
        os.chmod(self.socket_path, 0o600)
        listener.listen(16)
        self.selector.register(listener, selectors.EVENT_READ, self._accept)
        os.write(1, b"ready\n")
        return listener

    def _timeout(self) -> float:
        return 0.02 if self.sweeps else IDLE_LIFE

    def _end_if_idle(self) -> None:
        if self.by_pid or self.clients or self.orphans:
            self.idle_since = time.monotonic()
        elif time.monotonic() - self.idle_since >= IDLE_LIFE:
            self.running = False


def main() -> None:
    """Run a keeper until nobody needs it. Terminals that close and Ctrl-C are none of its business."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    keeper = Keeper(sys.argv[1], sys.argv[2])
    keeper.load()
    keeper.run()


if __name__ == "__main__":
    main()
