"""Every command and flag, in one place. Flags follow `docker compose`; what devbox adds is said in the help."""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from devbox.cli.diagnostics import BAD_USAGE, say
from devbox.cli.project import Project, Selection


class Arguments(argparse.Namespace):
    """The parsed command line. `module` names the module of `devbox.cli.commands` that carries the command out."""

    module: str
    command: str
    services: list[str]

    def selection(self) -> Selection:
        return Selection(
            files=tuple(map(Path, self.file or ())),
            project=self.project_name,
            directory=Path(self.project_directory).absolute() if self.project_directory else None,
            profiles=tuple(self.profile or ()),
            env_files=tuple(map(Path, self.env_file or ())),
            ansi=self.ansi,
            progress=self.progress,
        )

    def project(self) -> Project:
        return Project(self.selection())


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        wrong = _WRONG_COMMAND.search(message)
        if wrong is None:
            say(f"devbox: {message}")
            say(f"  `{self.prog} --help` tells what there is.")
        else:
            near = difflib.get_close_matches(wrong[1], _COMMANDS, 1)
            say(f"devbox: there is no command {wrong[1]}")
            say(f"  Did you mean {near[0]}?" if near else f"  There are: {', '.join(_COMMANDS)}.")
        sys.exit(BAD_USAGE)


_WRONG_COMMAND = re.compile(r"argument COMMAND: invalid choice: '([^']*)'")


def parse(argv: Sequence[str]) -> Arguments:
    """The arguments of one call. Ends the process on `--help`, `--version` and bad usage."""
    parser = _Parser(prog="devbox", description="Run a whole service mesh on a laptop, and see why a part is not well.")
    _global_flags(parser, top=True)
    parser.add_argument("-v", "--version", action="store_true", help="show the version and end")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)
    for name, (summary, module, define) in _COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary)
        define(command)
        # `logs -f` follows, as in Compose; everywhere else -f may come after the command as well.
        _global_flags(command, top=False, short_file=name != "logs")
        command.set_defaults(module=module, command=name)
    args = parser.parse_args(argv, Arguments())
    if args.version:
        args.module = "version"
    elif not args.command:
        parser.print_help(sys.stderr)
        sys.exit(BAD_USAGE)
    return args


def _global_flags(parser: argparse.ArgumentParser, *, top: bool, short_file: bool = True) -> None:
    """The flags that every command has. After the command they are not in its help, and keep what stood before it."""

    def add(*names: str, text: str, default: str | None = None, **options: Any) -> None:
        if top:
            parser.add_argument(*names, help=text, default=default, **options)
        else:
            parser.add_argument(*names, help=argparse.SUPPRESS, default=argparse.SUPPRESS, **options)

    file = ("-f", "--file") if short_file else ("--file",)
    styles = ("auto", "tty", "plain", "json", "quiet")
    add(*file, action="append", metavar="FILE", text="manifest; repeatable")
    add("-p", "--project-name", metavar="NAME", text="the project's name")
    add("--project-directory", metavar="DIR", text="what relative paths start from")
    add("--profile", action="append", metavar="NAME", text="profile to enable; repeatable")
    add("--env-file", action="append", metavar="FILE", text="file with variables; repeatable")
    add("--ansi", choices=("auto", "always", "never"), default="auto", text="colour: auto, always or never")
    add("--progress", choices=styles, default="auto", text=f"how progress is shown: {', '.join(styles)}")


_Define = Callable[[argparse.ArgumentParser], None]


def _services(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("services", nargs="*", metavar="SERVICE", help="services; none: all of them")


def _some_services(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("services", nargs="+", metavar="SERVICE")


def _nothing(_: argparse.ArgumentParser) -> None:
    """A command without arguments of its own."""


def _up(parser: argparse.ArgumentParser) -> None:
    _services(parser)
    parser.add_argument("-d", "--detach", action="store_true", help="start, and leave it running in the background")
    parser.add_argument("--wait", action="store_true", help="wait until everything is healthy; implies -d")
    parser.add_argument("--wait-timeout", type=float, metavar="S", help="wait at most so many seconds")
    parser.add_argument("--no-tui", action="store_true", help="merged logs even on a terminal")
    parser.add_argument("--plan", action="store_true", help="print what would happen and why; change nothing")


def _down(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-v", "--volumes", action="store_true", help="delete data too")
    _timeout(parser)


def _timeout(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-t", "--timeout", type=float, metavar="S", help="seconds to end gracefully before a kill")


def _format(parser: argparse.ArgumentParser, *choices: str) -> None:
    parser.add_argument("--format", choices=choices, default=choices[0], help=" or ".join(choices))


def _ps(parser: argparse.ArgumentParser) -> None:
    _services(parser)
    _format(parser, "table", "json")
    parser.add_argument("-a", "--all", action="store_true", help="stopped ones too")
    parser.add_argument("-q", "--quiet", action="store_true", help="pids only")
    parser.add_argument("--services", dest="names_only", action="store_true", help="names of services only")
    parser.add_argument("--status", action="append", metavar="STATE", help="only those in this state")


def _logs(parser: argparse.ArgumentParser) -> None:
    _services(parser)
    parser.add_argument("-f", "--follow", action="store_true", help="go on as more comes")
    parser.add_argument("-n", "--tail", metavar="N", default="all", help="the last N lines of each replica")
    parser.add_argument("-t", "--timestamps", action="store_true", help="when each line was seen")
    parser.add_argument("--no-color", action="store_true", help="no colours")
    parser.add_argument("--no-log-prefix", action="store_true", help="lines as they were written")
    _format(parser, "text", "json")


def _stop(parser: argparse.ArgumentParser) -> None:
    _services(parser)
    _timeout(parser)


def _kill(parser: argparse.ArgumentParser) -> None:
    _services(parser)
    parser.add_argument("-s", "--signal", metavar="SIGNAL", default="SIGKILL", help="which signal to send")


def _events(parser: argparse.ArgumentParser) -> None:
    _services(parser)
    _format(parser, "text", "json")
    parser.add_argument("--since", type=int, metavar="SEQ", default=None, help="first what came after event SEQ")
    parser.add_argument("--no-follow", action="store_true", help="what is in the journal, then end")


def _config(parser: argparse.ArgumentParser) -> None:
    _format(parser, "yaml", "json")
    parser.add_argument("-q", "--quiet", action="store_true", help="only check")
    parser.add_argument("--services", dest="names_only", action="store_true", help="names of services only")


def _ls(parser: argparse.ArgumentParser) -> None:
    _format(parser, "table", "json")
    parser.add_argument("-q", "--quiet", action="store_true", help="names only")


def _why(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("service", metavar="SERVICE")
    _format(parser, "text", "json")


def _version(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--short", action="store_true", help="the number only")


_COMMANDS: dict[str, tuple[str, str, _Define]] = {
    "up": ("start what is not running, change only what changed, show it", "up", _up),
    "down": ("stop and remove everything of this project", "down", _down),
    "ps": ("what runs, and how it is", "ps", _ps),
    "logs": ("the output of services, merged by time", "logs", _logs),
    "start": ("start services", "act", _services),
    "stop": ("stop services", "act", _stop),
    "restart": ("stop services and start them again", "act", _stop),
    "kill": ("end services at once, or send them a signal", "act", _kill),
    "wait": ("wait until services end; their exit code", "wait", _some_services),
    "ls": ("the projects on this machine", "ls", _ls),
    "attach": ("the panel on a running mesh", "attach", _nothing),
    "events": ("what happens, as it happens", "events", _events),
    "config": ("check the manifest, and print it resolved", "config", _config),
    "why": ("why a service is as it is", "why", _why),
    "version": ("the version", "version", _version),
}
