"""The map of a mesh as boxes and lines: what needs what, from left to right. Pure: worked out here, drawn elsewhere.

Services stand in columns: whatever is needed stands to the right of all that need it. A line that has to pass a column
keeps a place there. Between two columns each service that is needed has an upright of its own, which all lines to it
join. Needs that follow from others (web needs orders, orders needs db) are left out, so that fifty services stay
readable.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import pairwise

UP, DOWN, LEFT, RIGHT, ARROW = 1, 2, 4, 8, 16
_LINES = " ╵╷│╴┘┐┤╶└┌├─┴┬┼"


def drawn(directions: int) -> str:
    """The character for the directions in which lines leave a cell."""
    return "▸" if directions & ARROW else _LINES[directions]


_SWEEPS = 6


@dataclass(frozen=True, slots=True)
class Box:
    """Where the box of a service is, borders included."""

    x: int
    y: int
    width: int
    height: int

    @property
    def middle(self) -> int:
        return self.y + self.height // 2


@dataclass(frozen=True, slots=True)
class Plan:
    """A map: boxes by the name of the service, and for each drawn need the cells of its line, with directions."""

    width: int
    height: int
    boxes: Mapping[str, Box]
    lines: Mapping[tuple[str, str], Mapping[tuple[int, int], int]]

    def cells(self, wanted: Collection[tuple[str, str]] | None = None) -> dict[tuple[int, int], int]:
        """The lines of these needs (None: all) laid over each other."""
        cells: dict[tuple[int, int], int] = {}
        for need, line in self.lines.items():
            if wanted is None or need in wanted:
                for cell, directions in line.items():
                    cells[cell] = cells.get(cell, 0) | directions
        return cells


@dataclass(slots=True)
class _Stop:
    """A place in a column: a service, or a line on its way (`name` empty)."""

    name: str
    height: int
    y: float = 0.0


def plan_map(needs: Mapping[str, Collection[str]], width: int = 40, *, tall: bool = True) -> Plan:
    """The map of services with what each needs. `tall` boxes have borders; others are one row high.

    `width` is how far those that stand for themselves may reach; the others take what they take.
    """
    direct = _reduced({name: {need for need in wanted if need in needs} for name, wanted in needs.items()})
    alone = [name for name in direct if not direct[name] and not any(name in wanted for wanted in direct.values())]
    joined = {name: wanted for name, wanted in direct.items() if name not in alone}
    columns, routes = _columns(joined, 3 if tall else 1)
    _order(columns, routes)
    _place(columns, routes)
    return _draw(columns, routes, alone, (width, 3 if tall else 1))


def _reduced(needs: dict[str, set[str]]) -> dict[str, set[str]]:
    """The needs without those that follow from others."""
    beyond: dict[str, set[str]] = {}

    def reach(name: str, path: tuple[str, ...] = ()) -> set[str]:
        if name not in beyond and name not in path:
            further = (reach(need, (*path, name)) | {need} for need in needs[name])
            beyond[name] = set().union(*further)
        return beyond.get(name, set())

    for name in needs:
        reach(name)
    return {
        name: {need for need in wanted if not any(need in beyond[other] for other in wanted - {need})}
        for name, wanted in needs.items()
    }


_Columns = list[list[_Stop]]
_Routes = dict[tuple[str, str], list[_Stop]]


def _columns(needs: dict[str, set[str]], height: int) -> tuple[_Columns, _Routes]:
    depth: dict[str, int] = {}

    def deep(name: str, path: tuple[str, ...] = ()) -> int:
        if name not in depth and name not in path:
            depth[name] = 1 + max((deep(need, (*path, name)) for need in needs[name]), default=-1)
        return depth.get(name, 0)

    for name in needs:
        deep(name)
    last = max(depth.values(), default=0)
    columns: _Columns = [[] for _ in range(last + 1)] if needs else []
    stops = {name: _Stop(name, height) for name in sorted(needs)}
    for name, stop in stops.items():
        columns[last - depth[name]].append(stop)
    routes: _Routes = {}
    for name in sorted(needs):
        for need in sorted(needs[name]):
            between = [_Stop("", 1) for _ in range(depth[name] - depth[need] - 1)]
            for place, stop in enumerate(between, last - depth[name] + 1):
                columns[place].append(stop)
            routes[name, need] = [stops[name], *between, stops[need]]
    return columns, routes


def _neighbours(routes: _Routes) -> dict[int, list[_Stop]]:
    near: dict[int, list[_Stop]] = {}
    for route in routes.values():
        for one, other in pairwise(route):
            near.setdefault(id(one), []).append(other)
            near.setdefault(id(other), []).append(one)
    return near


def _order(columns: _Columns, routes: _Routes) -> None:
    """Sort each column by where its neighbours stand, to and fro, so that few lines cross."""
    near = _neighbours(routes)
    for column in columns:
        for place, stop in enumerate(column):
            stop.y = place
    for sweep in range(_SWEEPS):
        for column in columns if sweep % 2 else reversed(columns):
            column.sort(key=lambda stop: _mean([each.y for each in near.get(id(stop), [])], stop.y))
            for place, stop in enumerate(column):
                stop.y = place * 10 / max(1, len(column) - 1) if len(column) > 1 else 5


def _mean(values: list[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _place(columns: _Columns, routes: _Routes) -> None:
    """Give every stop its row: near its neighbours, in the order of its column, one row apart."""
    near = _neighbours(routes)
    for column in columns:
        _stack(column, [0.0] * len(column))
    for sweep in range(_SWEEPS):
        for column in columns if sweep % 2 else reversed(columns):
            wished = [
                _mean([_middle(each) for each in near.get(id(stop), [])], _middle(stop)) - stop.height // 2
                for stop in column
            ]
            _stack(column, wished)
    top = min((stop.y for column in columns for stop in column), default=0.0)
    for column in columns:
        for stop in column:
            stop.y = round(stop.y - top)


def _stack(column: list[_Stop], wished: list[float]) -> None:
    """Put stops where they wish to be, or as near as those above leave room; all moved up by half of what that cost."""
    end = float("-inf")
    for stop, wish in zip(column, wished, strict=True):
        stop.y = round(max(wish, end))
        end = stop.y + stop.height + (1 if stop.height == 1 and stop.name == "" else 0)
    cost = sum(stop.y - wish for stop, wish in zip(column, wished, strict=True)) / max(1, len(column))
    for stop in column:
        stop.y = round(stop.y - cost)


def _middle(stop: _Stop) -> float:
    return stop.y + stop.height // 2


def _draw(columns: _Columns, routes: _Routes, alone: list[str], room: tuple[int, int]) -> Plan:
    widths = [max((len(stop.name) + 4 for stop in column if stop.name), default=1) for column in columns]
    tracks = [_tracks(routes, column) for column in columns]
    boxes: dict[str, Box] = {}
    lefts, x = [], 0
    for column, width, uprights in zip(columns, widths, tracks, strict=True):
        lefts.append(x)
        for stop in column:
            if stop.name:
                boxes[stop.name] = Box(x, int(stop.y), width, stop.height)
        x += width + (len(uprights) * 2 + 2 if uprights else 0)
    lines = {
        need: _line(route, columns, lefts, widths, tracks) for need, route in routes.items()
    }  # fmt: skip
    bottom = max((box.y + box.height for box in boxes.values()), default=-1) + 1
    bottom = max(bottom, max((y + 2 for line in lines.values() for _, y in line), default=0))
    _put_alone(boxes, sorted(alone), max(x, room[0]), bottom, room[1])
    cells = [cell for line in lines.values() for cell in line]
    width = max([0, *(box.x + box.width for box in boxes.values()), *(x + 1 for x, _ in cells)])
    height = max([0, *(box.y + box.height for box in boxes.values()), *(y + 1 for _, y in cells)])
    return Plan(width, height, boxes, lines)


def _tracks(routes: _Routes, column: list[_Stop]) -> dict[int, int]:
    """The stops that lines from this column go to, each with the number of its upright."""
    here = {id(stop) for stop in column}
    targets = {id(after): after for route in routes.values() for before, after in pairwise(route) if id(before) in here}
    ordered = sorted(targets.values(), key=lambda stop: stop.y)
    return {id(stop): number for number, stop in enumerate(ordered)}


def _line(
    route: list[_Stop], columns: _Columns, lefts: list[int], widths: list[int], tracks: list[dict[int, int]]
) -> dict[tuple[int, int], int]:
    cells: dict[tuple[int, int], int] = {}
    place = next(number for number, column in enumerate(columns) if any(stop is route[0] for stop in column))
    for offset, (before, after) in enumerate(pairwise(route)):
        column = place + offset
        begin = lefts[column] + (widths[column] if before.name else 0)
        upright = lefts[column] + widths[column] + 1 + tracks[column][id(after)] * 2
        y, to = int(_middle(before)), int(_middle(after))
        _across(cells, begin, upright, y)
        _along(cells, upright, y, to)
        _across(cells, upright, lefts[column + 1] - (1 if after.name else 0), to)
        if before.name:
            cells[begin, y] |= LEFT
        if after.name:
            cells[lefts[column + 1] - 1, to] |= ARROW
    return cells


def _across(cells: dict[tuple[int, int], int], left: int, right: int, y: int) -> None:
    for x in range(left, right + 1):
        directions = (LEFT if x > left else 0) | (RIGHT if x < right else 0)
        cells[x, y] = cells.get((x, y), 0) | directions


def _along(cells: dict[tuple[int, int], int], x: int, one: int, other: int) -> None:
    top, bottom = min(one, other), max(one, other)
    for y in range(top, bottom + 1):
        directions = (UP if y > top else 0) | (DOWN if y < bottom else 0)
        cells[x, y] = cells.get((x, y), 0) | directions


def _put_alone(boxes: dict[str, Box], names: list[str], width: int, y: int, height: int) -> None:
    """Below the rest, in rows: those that neither need nor are needed."""
    x = 0
    for name in names:
        if x and x + len(name) + 4 > width:
            x, y = 0, y + height
        boxes[name] = Box(x, y, len(name) + 4, height)
        x += len(name) + 5
