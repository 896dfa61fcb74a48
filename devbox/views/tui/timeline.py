"""What happened, as lines: to one service, or to the whole mesh."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import ClassVar

from rich.text import Text

from devbox.domain.event import Event, HealthChanged, InstanceSeen, StepFailed
from devbox.domain.status import Health
from devbox.views.tui.clean import harmless
from devbox.views.tui.logline import name_style
from devbox.views.tui.tailview import TailView

_WIDEST_NAME = 16


def clock(at: float) -> str:
    """A time of day with milliseconds: causes are often only that far apart."""
    seconds, milliseconds = divmod(round(at * 1000), 1000)
    return f"{time.strftime('%H:%M:%S', time.localtime(seconds))}.{milliseconds:03}"


def short_clock(at: float) -> str:
    """A time of day to the second."""
    return time.strftime("%H:%M:%S", time.localtime(at))


class Timeline(TailView):
    """The events of one service (None: of all), latest last."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"event--at", "event--bad"}
    _clock = staticmethod(clock)

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id, words="Nothing has happened since the panel was opened.")
        self._service: str | None = None
        self._name_width = 0
        self._events: list[Event] = []

    @property
    def shown(self) -> range:
        return range(len(self._events))

    def show(self, events: Iterable[Event], service: str | None) -> None:
        """Show these events, as far as they are about `service`."""
        shown = [event for event in events if service in (None, event.service)]
        same = service == self._service and shown[:1] == self._events[:1]
        if same and len(shown) == len(self._events):
            return
        added = len(shown) - len(self._events) if same else 0
        self._service, self._events = service, shown
        self._measure()
        if not same:
            self.start_over()
        self.grew(added)

    def _measure(self) -> None:
        width = min(_WIDEST_NAME, max((len(event.service) for event in self._events), default=0))
        if width != self._name_width:
            self._name_width = width
            self.repaint()

    def text_of(self, number: int) -> Text:
        event = self._events[number]
        text = Text(no_wrap=True)
        text.append(f" {self._clock(event.at)} ", self._part("event--at"))
        if self._service is None:
            text.append(f"{event.service[: self._name_width]:<{self._name_width}} ", name_style(event.service))
        return text.append(harmless(event.describe()), self._part("event--bad") if is_bad(event) else "")


class Recent(Timeline, can_focus=False):
    """The latest events of the whole mesh, to be seen without a key pressed."""

    _clock = staticmethod(short_clock)

    def on_mount(self) -> None:
        self.border_title = "what just happened"


def is_bad(event: Event) -> bool:
    """Whether an event tells of something that went wrong, and is marked."""
    match event.body:
        case InstanceSeen(observed):
            return not observed.alive and not observed.succeeded
        case HealthChanged(health=health):
            return health is Health.UNHEALTHY
        case StepFailed(failure=failure):
            return failure is not None
    return False
