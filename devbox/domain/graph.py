"""The order that dependencies impose."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter


def find_cycle(needs: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """One cycle as a path `a, b, a` in which each name needs the next, or () where there is none."""
    try:
        TopologicalSorter({name: list(on) for name, on in needs.items()}).prepare()
    except CycleError as exc:
        path: list[str] = exc.args[1]
        return tuple(reversed(path))
    return ()


def with_needs(names: Iterable[str], needs: Mapping[str, Iterable[str]]) -> frozenset[str]:
    """`names` and everything they depend on, directly or not."""
    found: set[str] = set()
    todo = list(names)
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo.extend(needs.get(name, ()))
    return frozenset(found)


def dependents(name: str, needs: Mapping[str, Iterable[str]]) -> frozenset[str]:
    """Everything that depends on `name`, directly or not."""
    found: set[str] = set()
    todo = [name]
    while todo:
        current = todo.pop()
        for other, on in needs.items():
            if current in on and other not in found:
                found.add(other)
                todo.append(other)
    return frozenset(found)
