"""`use:`: which entry of the catalogue, and whether it runs in a container or as a process of the host."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from devbox.manifest.draft import Draft, Use
from devbox.manifest.source import Problems, nearest

if TYPE_CHECKING:
    from devbox.catalogue import Asked, Entry, Pieces


class Backing:
    """Turns `use:` into the pieces of a service.

    `engine` says whether a container engine answers; it is asked once at most. `secrets(service, name)` is a kept
    password, `data_dir(service)` the directory for a process's data, `path` what PATH says.
    """

    def __init__(
        self,
        problems: Problems,
        folders: Sequence[Path],
        path: str,
        engine: Callable[[], bool],
        secrets: Callable[[str, str], str],
        data_dir: Callable[[str], str],
    ) -> None:
        self._problems, self._folders, self._path = problems, folders, path
        self._engine = functools.cache(engine)
        self._secrets, self._data_dir = secrets, data_dir
        self._entries: dict[str, Entry | None] = {}
        self.secret_exports: dict[str, frozenset[str]] = {}

    def pieces(self, draft: Draft, use: Use) -> Pieces | None:
        """What the entry brings; None with the reason in `problems` where that cannot be."""
        # Only a manifest with a `use:` pays for the catalogue.
        from devbox import catalogue

        entry = self._entry(use)
        if entry is None or not self._settings_are_known(entry, use) or not self._can_balance(entry, draft):
            return None
        asked = catalogue.Asked(
            draft.name,
            use.version,
            {**catalogue.setting_from_environment(entry, _plain_environment(draft)), **use.settings},
            functools.partial(self._secrets, draft.name),
            draft.working_dir or str(draft.place.source.directory),
            self._data_dir(draft.name),
            draft.balance is not None,
        )
        if draft.runtime == "docker" or (draft.runtime is None and self._engine()):
            pieces: Pieces | None = catalogue.as_container(entry, asked)
        else:
            pieces = self._process(draft, use, entry, asked)
        self.secret_exports[draft.name] = pieces.secret_exports if pieces else frozenset()
        return pieces

    def _process(self, draft: Draft, use: Use, entry: Entry, asked: Asked) -> Pieces | None:
        from devbox import catalogue

        why = "" if draft.runtime == "process" else "no container engine answers, and "
        if entry.embedded is None:
            hint = "Start a container engine." if why else "Leave out `runtime: process`."
            self._problems.add(use.place, f"{why}{entry.name} has no embedded form", hint)
            return None
        server = catalogue.find_server(entry.embedded, use.version or entry.version, self._path)
        if server is None:
            hint = f"Run: {entry.embedded.install}" + (" (or start a container engine)" if why else "")
            self._problems.add(use.place, f"{why}{entry.name} is not installed to run as a process", hint)
            return None
        return catalogue.as_process(entry, asked, server)

    def _entry(self, use: Use) -> Entry | None:
        from devbox import catalogue

        if use.entry not in self._entries:
            self._entries[use.entry] = None
            try:
                self._entries[use.entry] = catalogue.load_entry(use.entry, self._folders)
            except catalogue.EntryError as exc:
                hint = nearest(use.entry, catalogue.names(self._folders)) if isinstance(exc, catalogue.NoEntry) else ""
                self._problems.add(use.place.find(use.entry), str(exc), hint)
        return self._entries[use.entry]

    def _settings_are_known(self, entry: Entry, use: Use) -> bool:
        unknown = [name for name in use.settings if name not in entry.settings]
        for name in unknown:
            hint = nearest(name, {"version", *entry.settings})
            self._problems.add(use.place.find(name), f"{entry.name} has no setting {name}", hint)
        return not unknown

    def _can_balance(self, entry: Entry, draft: Draft) -> bool:
        if draft.balance is None or entry.balances:
            return True
        words = f"{entry.name} cannot spread callers over the replicas of {draft.balance.service}"
        self._problems.add(draft.keys["balance"], words, "nginx and traefik can.")
        return False


def _plain_environment(draft: Draft) -> dict[str, str]:
    """The variables that a service is given, but for those that depend on other services."""
    variables = {**draft.file_environment, **draft.environment}
    return {name: str(var.value) for name, var in variables.items() if not var.value.references}
