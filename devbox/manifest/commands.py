"""`command` and `entrypoint`: a list of arguments, or a text that is split into words as a shell would split it."""

from __future__ import annotations

import re
import shlex

from devbox.domain.spec import Reference, Template
from devbox.manifest.interpolate import joined
from devbox.manifest.tree import Node, Scalar, Sequence
from devbox.manifest.values import Scope

LONGEST = 128 * 1024
"""What Linux takes as one argument (MAX_ARG_STRLEN in execve(2))."""

_MARK = re.compile("\0(\\d+)\0")


def arguments(scope: Scope, node: Node, what: str) -> tuple[Template, ...] | None:
    """The arguments a node stands for; None when it says nothing or is wrong."""
    if isinstance(node, Sequence):
        found = [scope.template(item, f"an argument of {what}") for item in node.items]
        return tuple(template for template in found if template is not None)
    if isinstance(node, Scalar) and node.is_null and not node.faulty:
        return None
    template = scope.template(node, what) if isinstance(node, Scalar) else None
    if template is None:
        if not isinstance(node, Scalar):
            scope.wrong(node, what, "a text or a list")
        return None
    if len(str(template)) > LONGEST:
        scope.problems.add(node.place, f"{what} is longer than {LONGEST // 1024} KiB, which no program can be given")
        return None
    try:
        return split(template)
    except ValueError:
        scope.problems.add(node.place, f"a quote in {what} is opened and not closed")
        return None


def split(template: Template) -> tuple[Template, ...]:
    """The words of a template; a reference is never split. Raises ValueError for an open quote."""
    references = template.references
    numbers = iter(range(len(references)))
    text = "".join(part if isinstance(part, str) else f"\0{next(numbers)}\0" for part in template.parts)
    return tuple(_restored(word, references) for word in shlex.split(text))


def _restored(word: str, references: tuple[Reference, ...]) -> Template:
    pieces = _MARK.split(word)
    parts = [references[int(piece)] if number % 2 else piece for number, piece in enumerate(pieces)]
    return Template(joined(parts))
