"""`environment` and `env_file`, and which values are nobody's business."""

from __future__ import annotations

import re

from devbox.domain.spec import EnvVar, Origin, Template
from devbox.manifest import variables
from devbox.manifest.source import Place, display_name, nearest_file
from devbox.manifest.tree import Mapping, Node, Scalar
from devbox.manifest.values import Scope, shown

_SECRET_NAME = re.compile(
    r"PASSW(OR)?D|PASSPHRASE|PASS(?![A-Z])|(?<![A-Z])PW(?![A-Z])|SECRET|TOKEN|CREDENTIAL"
    r"|(API|ACCESS|PRIVATE|AUTH|SIGNING|ENCRYPTION)_?KEY"
)
_FILE_NAME = re.compile(r"_(FILE|PATH|DIR|URL|TTL|EXPIRY|ISSUER)\Z")
_CREDENTIALS = re.compile(r"\w://[^/\s:@]*:[^/\s@]+@")
_KNOWN_FORMS = re.compile(
    r"\b(?:(?:sk|rk)_(?:live|test)_|gh[opsru]_|github_pat_|glpat-|npm_|xox[abeprs]-)[\w-]{10}|\bAKIA[0-9A-Z]{16}\b"
    r"|\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.|-----BEGIN [A-Z ]*PRIVATE KEY-----"
)
"""What tokens of well-known services, JSON web tokens and private keys look like, whatever their variable is called."""


def looks_secret(name: str, value: str) -> bool:
    """Whether a variable's name says that it is a secret, or its value an address with a password or a token."""
    upper = name.upper()
    by_name = _SECRET_NAME.search(upper) is not None and not _FILE_NAME.search(upper)
    return by_name or _CREDENTIALS.search(value) is not None or _KNOWN_FORMS.search(value) is not None


def environment(scope: Scope, node: Node) -> dict[str, EnvVar]:
    """The variables of a mapping or a list. A name with no value takes it from devbox's own environment."""
    found: dict[str, EnvVar] = {}
    for name, entry in scope.by_name(node, "environment").items():
        if not name or "\0" in name or "=" in name:
            scope.problems.add(entry.key, f"{shown(name)} is not the name of a variable")
            continue
        variable = _variable(scope, name, entry.key, entry.value)
        if variable is not None:
            found[name] = variable
    return found


def _variable(scope: Scope, name: str, key: Place, value: Node) -> EnvVar | None:
    if isinstance(value, Scalar) and value.is_null:
        return _passed_on(scope, name, key)
    template = scope.template(value, f"the variable {name}")
    if template is None:
        return None
    secret = (isinstance(value, Scalar) and value.secret) or looks_secret(name, str(template))
    return EnvVar(name, template, secret, key.origin)


def _passed_on(scope: Scope, name: str, key: Place) -> EnvVar | None:
    """A variable with no value of its own: devbox's, or none at all where devbox has none."""
    value = scope.variables.get(name)
    if value is None:
        return None
    secret = scope.variables.is_secret(name) or looks_secret(name, value)
    return EnvVar(name, Template.of(value), secret, key.origin)


def env_files(scope: Scope, node: Node) -> dict[str, EnvVar]:
    """The variables of every file named; later files win."""
    found: dict[str, EnvVar] = {}
    for item in scope.items(node, "env_file") if not isinstance(node, Mapping) else (node,):
        found |= _env_file(scope, item, found)
    return found


def _env_file(scope: Scope, item: Node, earlier: dict[str, EnvVar]) -> dict[str, EnvVar]:
    required, raw, path_node = True, False, item
    if isinstance(item, Mapping):
        entries = scope.mapping(item, "env_file", ("path", "required", "format"))
        if "path" not in entries:
            scope.problems.add(item.place, "an env_file needs a path")
            return {}
        path_node = entries["path"].value
        if "required" in entries:
            required = scope.boolean(entries["required"].value, "required") is not False
        raw = "format" in entries and scope.choice(entries["format"].value, "format", ("raw",)) == "raw"
    text = scope.text(path_node, "env_file")
    if text is None:
        return {}
    path = scope.base(item.place) / text
    if not required and not path.is_file():
        scope.problems.looked_at.add(path.absolute())
        return {}
    if not path.exists() and not (hint := nearest_file(path)):
        hint = f"Create it, or write {{path: {text}, required: false}} if there need not be one."
        scope.problems.looked_at.add(path.absolute())
        scope.problems.add(path_node.place, f"cannot read {display_name(path)}: No such file or directory", hint)
        return {}
    known = {name: str(variable.value) for name, variable in earlier.items()}
    values = variables.read_file(path, scope.variables, scope.problems, path_node.place, raw, earlier=known)
    hidden = path.name.startswith(".env")
    # The line of each is looked up by whoever asks where a value comes from.
    origin = Origin(str(path.absolute()), 0, 0)
    return {
        name: EnvVar(name, Template.of(value), hidden or looks_secret(name, value), origin)
        for name, value in values.items()
    }
