"""What a person wants the panel to be like: theme and keys, from a file of their own.

<config>/devbox/panel.yaml, where <config> is $XDG_CONFIG_HOME, else ~/.config
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Preferences:
    """`keys` has the names of bindings with the keys they shall have. `problems` says in words what makes no sense."""

    theme: str = ""
    keys: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    def checked(self, themes: Iterable[str], bindings: Iterable[str]) -> Preferences:
        """What of it there is; the rest in words."""
        themes, bindings = list(themes), list(bindings)
        problems = [*self.problems]
        if self.theme and self.theme not in themes:
            problems.append(f"There is no theme {self.theme}. {_near(self.theme, themes)}")
        problems += [
            f"There is no key named {name}. {_near(name, bindings)}" for name in self.keys if name not in bindings
        ]
        keys = {name: key for name, key in self.keys.items() if name in bindings}
        return Preferences(self.theme if self.theme in themes else "", keys, tuple(problems))


def preferences_file(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the file is looked for."""
    xdg = environ.get("XDG_CONFIG_HOME")
    return (Path(xdg) if xdg else Path.home() / ".config") / "devbox" / "panel.yaml"


def load_preferences(path: Path) -> Preferences:
    """What the file says; nothing where there is none. Whatever is wrong with it is told, and never ends a panel."""
    import yaml

    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Preferences()
    except (OSError, UnicodeDecodeError) as error:
        return Preferences(problems=(f"{path} cannot be read: {error}",))
    except yaml.YAMLError as error:
        return Preferences(problems=(f"{path} is no YAML: {' '.join(str(error).split())}",))
    return _read(data, path)


def _read(data: object, path: Path) -> Preferences:
    if data is None:
        return Preferences()
    if not isinstance(data, dict):
        return Preferences(problems=(f"{path} must hold `theme:` and `keys:`.",))
    problems = [f"{path}: {key} means nothing here. There are: theme, keys." for key in data if key not in _KNOWN]
    theme, keys = data.get("theme") or "", data.get("keys") or {}
    if not isinstance(theme, str):
        problems.append(f"{path}: theme must be a name.")
        theme = ""
    if not isinstance(keys, dict):
        problems.append(f"{path}: keys must hold names with keys, such as `restart: ctrl+r`.")
        keys = {}
    return Preferences(theme, {str(name): _key(key) for name, key in keys.items()}, tuple(problems))


def _key(value: object) -> str:
    """A key, or a list of them, as Textual has them. `1` is a number to YAML, and a key here."""
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _near(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, 1)
    return f"Did you mean {near[0]}?" if near else f"There are: {', '.join(sorted(known))}."


_KNOWN = ("theme", "keys")
