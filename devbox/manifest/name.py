"""What a project is called. Most manifests tell without being read as a whole, and a broken one tells too."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

_MOST_READ = 10 * 1024 * 1024
_SIMPLE = re.compile(r"name:[ \t]+(?:([\w.-]+)|\"([\w. -]*)\"|'([\w. -]*)')[ \t]*(?:[ \t]#.*)?\r?")
_FLOW_OR_QUOTED = ("{", '"', "'", "?", "---", "%")


def normalised(name: str) -> str:
    """A project name as Compose makes it: lower case letters, digits, `-` and `_`, and no `-` or `_` in front."""
    return re.sub(r"[^a-z0-9_-]", "", name.lower()).lstrip("_-")


def choose_name(asked: str | None, environment: Mapping[str, str], written: str | None, directory: Path) -> str:
    """-p beats COMPOSE_PROJECT_NAME, which beats `name:`, which beats the name of the directory."""
    candidates: Sequence[str | None] = (asked, environment.get("COMPOSE_PROJECT_NAME"), written, directory.name)
    return next((name for candidate in candidates if candidate and (name := normalised(candidate))), "default")


def project_directory(files: Sequence[Path], directory: Path | None) -> Path:
    """The directory a project is in: the one given, or that of its first file that is not the standard input."""
    if directory is not None:
        return directory.absolute()
    return next((file.absolute().parent for file in files if str(file) != "-"), None) or Path.cwd()


def project_name(
    files: Sequence[Path],
    *,
    project: str | None = None,
    directory: Path | None = None,
    environment: Mapping[str, str],
    env_files: Sequence[Path] = (),
    given: Mapping[Path, bytes] | None = None,
) -> str:
    """What the project of these files is called. Never raises: a manifest may be broken and its mesh still run."""
    root = project_directory(files, directory)
    if project or environment.get("COMPOSE_PROJECT_NAME"):
        return choose_name(project, environment, None, root)
    texts = [_text(file, given or {}) for file in files]
    lines = [_name_line(text) for text in texts]
    simple = [_SIMPLE.fullmatch(line) for line in lines if line]
    if env_files or (root / ".env").exists() or not all(simple) or any(map(_is_unusual, texts)):
        return _read_in_full(texts, files, root, environment, env_files)
    written = simple[-1] if simple else None
    name = next((group for group in written.groups() if group is not None), None) if written else None
    return choose_name(None, environment, name, root)


def _text(file: Path, given: Mapping[Path, bytes]) -> str:
    if file in given:
        return given[file].decode(errors="replace").removeprefix("\ufeff")
    try:
        with open(file, encoding="utf-8", errors="replace") as opened:
            return opened.read(_MOST_READ).removeprefix("\ufeff")
    except OSError:
        return ""


def _name_line(text: str) -> str:
    """The line in which a mapping of the top level, written in the usual way, has its `name`."""
    at = 0 if text.startswith("name:") else text.find("\nname:") + 1
    if not text.startswith("name:", at):
        return ""
    line, _, rest = text[at:].partition("\n")
    goes_on = rest[:1].isspace() and not rest.startswith(("\n", "\r"))
    return f"{line}\n" if goes_on else line


def _is_unusual(text: str) -> bool:
    """Whether the top level may be written in a way in which `name` does not begin a line."""
    first = next((line for line in text.split("\n", 50)[:50] if line.strip() and not line.startswith("#")), "")
    return first.lstrip().startswith(_FLOW_OR_QUOTED)


def _read_in_full(
    texts: Sequence[str],
    files: Sequence[Path],
    root: Path,
    environment: Mapping[str, str],
    env_files: Sequence[Path],
) -> str:
    from devbox.manifest.parse import parse
    from devbox.manifest.source import Problems, Source
    from devbox.manifest.tree import Scalar
    from devbox.manifest.variables import Interpolator, read_variables

    problems = Problems()
    variables = read_variables(environment, env_files, root, problems)
    written = None
    for file, text in zip(files, texts, strict=True):
        line = _name_line(text)
        # A name that stands on a line of its own is found in a file that is broken elsewhere, too.
        for tree in (
            parse(Source(file.absolute(), file.name), line if _SIMPLE.fullmatch(line) else text, problems) or ()
        ):
            node = tree.get("name")
            replaced = Interpolator(variables, (), problems).tree(node) if node else None
            written = replaced.text if isinstance(replaced, Scalar) and replaced.text else written
    return choose_name(None, {**variables.files, **environment}, written, root)
