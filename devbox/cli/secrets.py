"""Passwords that the manifest leaves open: made once for a project's data, and kept as long as the data."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path

_BYTES = 18


class SecretStore:
    """The generated secrets of one project, in a file that only its owner may read."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def get(self, service: str, name: str) -> str:
        """The secret `name` of a service; made on first use."""
        known = self._read()
        key = f"{service}.{name}"
        if key not in known:
            known[key] = secrets.token_urlsafe(_BYTES)
            self._write(known)
        return known[key]

    def _read(self) -> dict[str, str]:
        try:
            known: dict[str, str] = json.loads(self._file.read_text())
        except FileNotFoundError:
            return {}
        return known

    def _write(self, known: dict[str, str]) -> None:
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = self._file.with_suffix(".new")
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            json.dump(known, file)
        new.replace(self._file)
