"""What a person does to a service from the panel: the command that is sent, and the words that tell of it."""

from __future__ import annotations

from devbox.control.protocol import Action, Command, Control, Goal, Recreate, Row, Verdict
from devbox.domain.errors import DevboxError
from devbox.domain.status import Intent, Phase
from devbox.views.tui.choice import Choice

_ENDED = (Phase.COMPLETED, Phase.FAILED)

DOING = {
    Action.RESTART: "Restarting",
    Action.STOP: "Stopping",
    Action.START: "Starting",
    Action.FRESH: "Deleting the data of",
    Action.RUN_LOCAL: "Running as a process of this machine:",
    Action.RUN_CONTAINER: "Running in its container:",
}


def runs(row: Row) -> bool:
    """Whether stopping it is what the stop key means here; otherwise it is starting."""
    return row.status.intent is Intent.RUN and row.status.phase not in _ENDED


def recreation(service: str, by: str) -> Command:
    """Have every instance of a service made anew, changed or not."""
    return Command(Action.UP, (service,), by=by, goal=Goal.STARTED, recreate=Recreate.ALWAYS)


def takeover(by: str) -> Command:
    """Have the manifest that was saved last taken over."""
    return Command(Action.FOLLOW, by=by, goal=Goal.STARTED)


def failure(command: Command) -> str:
    """The title over what went wrong with a command."""
    if command.action is Action.FOLLOW:
        return "Could not take over all of the saved manifest"
    return f"Could not {command.action} {', '.join(command.services)}"


def ways_to_remake(row: Row) -> list[Choice]:
    """The lines of the restart menu for a service."""
    choices = [
        Choice("restart", "r", "restart"),
        Choice("recreate", "c", "recreate: anew, changed or not"),
    ]
    if row.runtime != "process":
        choices.append(Choice("rebuild", "b", "rebuild its image, then recreate"))
    if row.keeps_data:
        sure = f"Really delete the data of {row.service}?"
        choices.append(Choice(Action.FRESH, "f", "fresh: delete its data, start with none", sure))
    if row.other_form == "process":
        choices.append(
            Choice(Action.RUN_LOCAL, "l", "run-local: as a process of this machine, in place of the container")
        )
    elif row.other_form == "container":
        choices.append(Choice(Action.RUN_CONTAINER, "l", "run-container: in its container again"))
    return choices


async def carry_out(control: Control, command: Command) -> str:
    """Have it done; what went wrong in words, empty when nothing did."""
    try:
        verdict = await control.command(command)
    except DevboxError as error:
        return _sentences(error.message, error.hint)
    return unmet_words(verdict)


def unmet_words(verdict: Verdict) -> str:
    """What a verdict says is not as it was asked for."""
    return "\n".join(_sentences(f"{unmet.service}: {unmet.reason}", unmet.hint) for unmet in verdict.unmet)


def _sentences(message: str, hint: str) -> str:
    return f"{message}\n{hint}" if hint else message
