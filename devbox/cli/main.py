"""`devbox`: reads the command line, runs one command, ends with its exit code."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from typing import Protocol

from devbox.cli.arguments import Arguments, parse
from devbox.cli.diagnostics import DONE, INTERRUPTED, report
from devbox.domain.errors import DevboxError


class CommandModule(Protocol):
    """What a module of `devbox.cli.commands` has."""

    def run(self, args: Arguments) -> int:
        """Carry out the command; its exit code."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that `argv` (None: the process's arguments) asks for."""
    try:
        args = parse(sys.argv[1:] if argv is None else argv)
        module: CommandModule = importlib.import_module(f"devbox.cli.commands.{args.module}")
        code = module.run(args)
        sys.stdout.flush()
        return code
    except DevboxError as error:
        return report(error)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has seen enough (`devbox logs | head`).
        _let_go_of_stdout()
        return DONE
    except OSError as error:
        _let_go_of_stdout()
        where = f": {error.filename}" if error.filename else ""
        return report(DevboxError(f"{error.strerror or error}{where}"))


def _let_go_of_stdout() -> None:
    """Have the interpreter not try once more, at its end, to write what could not be written."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
