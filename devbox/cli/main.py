"""`devbox`: reads the command line, runs one command, ends with its exit code."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from typing import Protocol

from devbox.cli.arguments import Arguments, parse
from devbox.cli.diagnostics import INTERRUPTED, report
from devbox.domain.errors import DevboxError


class CommandModule(Protocol):
    """What a module of `devbox.cli.commands` has."""

    def run(self, args: Arguments) -> int:
        """Carry out the command; its exit code."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that `argv` (None: the process's arguments) asks for."""
    args = parse(sys.argv[1:] if argv is None else argv)
    module: CommandModule = importlib.import_module(f"devbox.cli.commands.{args.module}")
    try:
        return module.run(args)
    except DevboxError as error:
        return report(error)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has seen enough (`devbox logs | head`).
        sys.stderr.close()
        return 0


if __name__ == "__main__":
    sys.exit(main())
