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


def make_parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    parser = _Parser(prog="devbox", description="Run a whole service mesh on a laptop, and see why a part is not well.")
    _global_flags(parser, top=True)
    parser.add_argument("-v", "--version", action="store_true", help="show the version and end")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)
    for name, (summary, module, define) in _COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary, conflict_handler="resolve")
        # Added first: where a command has a use of its own for -f or -p, as in Compose, that one counts.
        _global_flags(command, top=False)
        define(command)
        command.set_defaults(module=module, command=name)
    return parser


def parse(argv: Sequence[str]) -> Arguments:
    """The arguments of one call. Ends the process on `--help`, `--version` and bad usage."""
    parser = make_parser()
    own, program = _split(argv)
    args = parser.parse_args(own, Arguments(argv=program))
    if args.version:
        args.module = "version"
    elif not args.command:
        parser.print_help(sys.stderr)
        sys.exit(BAD_USAGE)
    return args


def _split(argv: Sequence[str]) -> tuple[Sequence[str], list[str]]:
    """The words for devbox, and those of the command that `run-local` is given after them."""
    end = list(argv).index("--") if "--" in argv else len(argv)
    return (argv[:end], list(argv[end + 1 :])) if "run-local" in argv[:end] else (argv, [])


def _global_flags(parser: argparse.ArgumentParser, *, top: bool) -> None:
    """The flags that every command has. After the command they are not in its help, and keep what stood before it."""

    def add(*names: str, text: str, default: str | None = None, **options: Any) -> None:
        if top:
            parser.add_argument(*names, help=text, default=default, **options)
        else:
            parser.add_argument(*names, help=argparse.SUPPRESS, default=argparse.SUPPRESS, **options)

    styles = ("auto", "tty", "plain", "json", "quiet")
    add("-f", "--file", action="append", metavar="FILE", text="manifest; repeatable")
    add("-p", "--project-name", metavar="NAME", text="the project's name")
    add("--project-directory", metavar="DIR", text="what relative paths start from")
    add("--profile", action="append", metavar="NAME", text="profile to enable; repeatable")
    add("--env-file", action="append", metavar="FILE", text="file with variables; repeatable")
    add("--ansi", choices=("auto", "always", "never"), default="auto", text="colour: auto, always or never")
    add("--progress", choices=styles, default="auto", text=f"how progress is shown: {', '.join(styles)}")


_ORPHANS = "remove the project's containers that other tools made too; what the manifest drops goes anyway"
_WATCHES = "accepted for Compose's sake: what a service has watched is watched anyway"

_Define = Callable[[argparse.ArgumentParser], None]


def _services(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("services", nargs="*", metavar="SERVICE", help="services; none: all of them")


def _some_services(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("services", nargs="+", metavar="SERVICE")


def _run_local(parser: argparse.ArgumentParser) -> None:
    _some_services(parser)
    parser.add_argument("-e", "--env", action="append", metavar="NAME=VALUE", help="a variable; repeatable")
    parser.add_argument("-w", "--workdir", metavar="DIR", help="in this directory; with a command: this one here")
    parser.usage = "%(prog)s [-e NAME=VALUE] [-w DIR] SERVICE... [-- COMMAND...]"
    parser.epilog = "COMMAND and VALUE may refer to services as a manifest does: '${web.port}', '${db.url}'."


def _nothing(_: argparse.ArgumentParser) -> None:
    """A command without arguments of its own."""


def _up(parser: argparse.ArgumentParser) -> None:
    _services(parser)
    parser.add_argument("-d", "--detach", action="store_true", help="start, and leave it running in the background")
    parser.add_argument("--wait", action="store_true", help="wait until everything is healthy; implies -d")
    parser.add_argument("--wait-timeout", type=float, metavar="S", help="wait at most so many seconds")
    parser.add_argument("--timings", action="store_true", help="with -d or --wait: print what the start waited for")
    parser.add_argument("--metrics-port", type=int, metavar="N", help="serve GET /metrics on 127.0.0.1:N too")
    parser.add_argument("--follow-manifest", action="store_true", help="take over the manifest whenever it is saved")
    parser.add_argument("-w", "--watch", action="store_true", help=_WATCHES)
    parser.add_argument("--no-tui", action="store_true", help="merged logs even on a terminal")
    parser.add_argument("--plan", action="store_true", help="print what would happen and why; change nothing")
    builds = parser.add_mutually_exclusive_group()
    builds.add_argument("--build", action="store_true", help="build images first")
    builds.add_argument("--no-build", action="store_true", help="fail where an image would have to be built")
    parser.add_argument("--pull", choices=("always", "missing", "never"), help="when to pull images")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--force-recreate", action="store_true", help="make everything anew, changed or not")
    which.add_argument("--no-recreate", action="store_true", help="leave alone whatever runs, changed or not")
    parser.add_argument("--no-deps", action="store_true", help="not the services that these need")
    parser.add_argument("--remove-orphans", action="store_true", help=_ORPHANS)
    parser.add_argument("--scale", action="append", metavar="SERVICE=N", help="so many replicas; repeatable")


def _down(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-v", "--volumes", action="store_true", help="delete data too")
    parser.add_argument("--rmi", choices=("local", "all"), help="delete images too: those built without a name, or all")
    parser.add_argument("--remove-orphans", action="store_true", help=_ORPHANS)
    _timeout(parser)


def _build(parser: argparse.ArgumentParser) -> None:
    _services(parser)
    parser.add_argument("--build-arg", action="append", metavar="NAME=VALUE", help="a build argument; repeatable")
    parser.add_argument("--no-cache", action="store_true", help="do every step anew")
    parser.add_argument("--pull", action="store_true", help="look for newer base images")
    parser.add_argument("-q", "--quiet", action="store_true", help="say nothing but errors")


def _pull(parser: argparse.ArgumentParser) -> None:
    _services(parser)
    parser.add_argument("-q", "--quiet", action="store_true", help="say nothing but errors")
    parser.add_argument("--ignore-pull-failures", action="store_true", help="go on where an image cannot be had")


def _images(parser: argparse.ArgumentParser) -> None:
    _services(parser)
    _format(parser, "table", "json")
    parser.add_argument("-q", "--quiet", action="store_true", help="ids only")


def _program(parser: argparse.ArgumentParser) -> None:
    """What `exec` and `run` have in common."""
    parser.add_argument("-d", "--detach", action="store_true", help="in the background")
    parser.add_argument("-e", "--env", action="append", metavar="NAME=VALUE", help="a variable; repeatable")
    parser.add_argument("-T", "--no-tty", "--no-TTY", action="store_true", help="without a terminal")
    parser.add_argument("-i", "--interactive", action="store_true", help="accepted for Compose's sake: stdin is joined")
    parser.add_argument("-u", "--user", metavar="USER", help="as this user")
    parser.add_argument("-w", "--workdir", metavar="DIR", help="in this directory")


def _exec(parser: argparse.ArgumentParser) -> None:
    _program(parser)
    parser.add_argument("--privileged", action="store_true", help="with all rights")
    _index(parser)
    parser.add_argument("service", metavar="SERVICE")
    parser.add_argument("argv", nargs=argparse.REMAINDER, metavar="COMMAND", help="none: a shell")


def _run(parser: argparse.ArgumentParser) -> None:
    _program(parser)
    parser.add_argument("--rm", action="store_true", help="remove the container when it ends")
    parser.add_argument("--build", action="store_true", help="build the image first")
    parser.add_argument("--entrypoint", metavar="COMMAND", help="in place of the entrypoint")
    parser.add_argument("--name", metavar="NAME", help="what the container is called")
    parser.add_argument("--no-deps", action="store_true", help="not the services that this one needs")
    parser.add_argument("-p", "--publish", action="append", metavar="PORT", help="publish a port; repeatable")
    parser.add_argument("-P", "--service-ports", action="store_true", help="publish the service's own ports")
    parser.add_argument("-v", "--volume", action="append", metavar="SOURCE:TARGET", help="bind a path; repeatable")
    parser.add_argument("-l", "--label", action="append", metavar="NAME=VALUE", help="a label; repeatable")
    parser.add_argument("--use-aliases", action="store_true", help="answer to the service's names on its networks")
    parser.add_argument("-q", "--quiet", action="store_true", help="no progress")
    parser.add_argument("service", metavar="SERVICE")
    parser.add_argument("argv", nargs=argparse.REMAINDER, metavar="COMMAND", help="none: the service's own")


def _index(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--index", type=int, default=1, metavar="N", help="which replica")


def _cp(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-L", "--follow-link", action="store_true", help="what a link points to, not the link")
    _index(parser)
    parser.add_argument("source", metavar="SOURCE", help="PATH, SERVICE:PATH or - (a tar archive)")
    parser.add_argument("target", metavar="TARGET", help="SERVICE:PATH, PATH or -")


def _port(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("service", metavar="SERVICE")
    parser.add_argument("private_port", nargs="?", type=int, metavar="PORT", help="the service's own port; none: all")
    parser.add_argument("--protocol", choices=("tcp", "udp"), default="tcp")
    _index(parser)


def _stats(parser: argparse.ArgumentParser) -> None:
    _services(parser)
    _format(parser, "table", "json")
    parser.add_argument("--no-stream", action="store_true", help="once, and end")
    parser.add_argument("--sort", choices=("memory", "cpu", "name"), default="memory", help="what comes first")


def _scale(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("services", nargs="+", metavar="SERVICE=N", help="services with their number of replicas")


def _rm(parser: argparse.ArgumentParser) -> None:
    _services(parser)
    parser.add_argument("-f", "--force", action="store_true", help="do not ask")
    parser.add_argument("-s", "--stop", action="store_true", help="stop them first")
    parser.add_argument("-v", "--volumes", action="store_true", help="accepted for Compose's sake: `down` removes them")


def _volumes(parser: argparse.ArgumentParser) -> None:
    _format(parser, "table", "json")
    parser.add_argument("-q", "--quiet", action="store_true", help="names only")


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
    parser.add_argument(
        "-n", "--tail", metavar="N", default="all", help="the last N lines of each replica; of all, with a filter"
    )
    parser.add_argument("-t", "--timestamps", action="store_true", help="when each line was seen")
    parser.add_argument(
        "--since", metavar="TIME", help="only what was seen since then: 10m, 1h30m, 2024-05-01T10:00:00"
    )
    parser.add_argument("--until", metavar="TIME", help="only what was seen until then")
    parser.add_argument("--grep", metavar="RE", help="only lines that match this regular expression")
    parser.add_argument("-i", "--ignore-case", action="store_true", help="with --grep: small and capital letters alike")
    parser.add_argument(
        "--level", metavar="LEVEL", help="only records of this level or graver: debug, info, warn, error"
    )
    parser.add_argument("--no-color", action="store_true", help="no colours")
    parser.add_argument("--no-log-prefix", action="store_true", help="lines as they were written")
    _format(parser, "text", "json")


def _stop(parser: argparse.ArgumentParser) -> None:
    _services(parser)
    _timeout(parser)


def _restart(parser: argparse.ArgumentParser) -> None:
    _stop(parser)
    parser.add_argument("--fresh-data", action="store_true", help="delete the data of the services named, then start")


def _kill(parser: argparse.ArgumentParser) -> None:
    _services(parser)
    parser.add_argument("-s", "--signal", metavar="SIGNAL", default="SIGKILL", help="which signal to send")


def _events(parser: argparse.ArgumentParser) -> None:
    _services(parser)
    _format(parser, "text", "json")
    parser.add_argument("--since", type=int, metavar="SEQ", default=None, help="first what came after event SEQ")
    parser.add_argument("--no-follow", action="store_true", help="what is in the journal, then end")


def _watch(parser: argparse.ArgumentParser) -> None:
    _services(parser)
    _format(parser, "text", "json")
    parser.add_argument("--no-up", action="store_true", help="accepted for Compose's sake: it never starts anything")
    parser.add_argument("--prune", action="store_true", help="accepted for Compose's sake: nothing is left over")


def _config(parser: argparse.ArgumentParser) -> None:
    _format(parser, "yaml", "json")
    parser.add_argument("-q", "--quiet", action="store_true", help="only check")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write to a file")
    parser.add_argument("--no-interpolate", action="store_true", help="leave variables as they are written")
    parser.add_argument("--no-path-resolution", action="store_true", help="leave paths relative")
    parser.add_argument("--no-normalize", action="store_true", help="leave out what goes without saying")
    parser.add_argument("--show-secrets", action="store_true", help="do not mask what looks like a secret")
    pinned = "images by digest: as the engine has them, else as the registry says"
    parser.add_argument("--resolve-image-digests", action="store_true", help=pinned)
    parser.add_argument("--lock-image-digests", action="store_true", help="an override file with those digests only")
    only = parser.add_mutually_exclusive_group()
    for what in ("services", "images", "volumes", "networks", "profiles"):
        only.add_argument(f"--{what}", dest="only", action="store_const", const=what, help=f"names of {what} only")
    only.add_argument("--environment", action="store_true", help="the variables that the manifest may use")
    only.add_argument("--hash", metavar="SERVICE", help="what stands for the content of services; * for all")
    parser.add_argument("services", nargs="*", metavar="SERVICE", help="these services only")


def _task(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("service", metavar="SERVICE")
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("argv", nargs=argparse.REMAINDER, metavar="ARG", help="more arguments for it")
    # What `exec` can be told besides; a task is what the manifest says.
    quiet = not sys.stdin.isatty()
    parser.set_defaults(env=(), user="", workdir="", detach=False, privileged=False, no_tty=quiet)


def _schema(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", nargs="?", choices=("devbox", "compose"), default="devbox", help="for which file")


def _completion(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=("bash", "zsh", "fish"))


def _explain(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", metavar="SERVICE[.KEY]")
    parser.add_argument("--show-secrets", action="store_true", help="do not mask what looks like a secret")
    _format(parser, "text", "json")


def _catalogue(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("show", nargs="?", choices=("show",), metavar="show", help="one entry; without it: all of them")
    parser.add_argument("entry", nargs="?", metavar="NAME", help="which entry")
    _format(parser, "text", "json")


def _ls(parser: argparse.ArgumentParser) -> None:
    _format(parser, "table", "json")
    parser.add_argument("-q", "--quiet", action="store_true", help="names only")


def _why(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("service", metavar="SERVICE")
    _format(parser, "text", "json")


def _serve(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=int, metavar="N", help="on this port of 127.0.0.1; none: a free one")


def _report(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", metavar="FILE", help="where to write it; none: named by project and time")
    parser.add_argument("--since", metavar="TIME", default="15m", help="logs since then; none: the last 15 minutes")


def _open(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("report", metavar="FILE", help="what `devbox report` wrote")


def _timings(parser: argparse.ArgumentParser) -> None:
    _format(parser, "text", "json")


def _doctor(parser: argparse.ArgumentParser) -> None:
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
    "restart": ("stop services and start them again", "act", _restart),
    "kill": ("end services at once, or send them a signal", "act", _kill),
    "pause": ("freeze services", "act", _services),
    "unpause": ("let frozen services go on", "act", _services),
    "run-local": ("run services as processes of this machine, by their `local:` command or another", "act", _run_local),
    "run-container": ("run services in containers again", "act", _some_services),
    "scale": ("give services so many replicas", "act", _scale),
    "rm": ("remove services that are stopped", "rm", _rm),
    "build": ("build images", "images", _build),
    "pull": ("pull images", "images", _pull),
    "push": ("push the images that are built here", "images", _pull),
    "images": ("the images that services run", "images", _images),
    "exec": ("a command beside a service", "exec", _exec),
    "run": ("a service's container for one command", "run", _run),
    "cp": ("copy files to or from a service", "cp", _cp),
    "top": ("the processes of services", "look", _services),
    "port": ("where a port of a service is published", "look", _port),
    "stats": ("what services use, the hogs first", "look", _stats),
    "volumes": ("the volumes of this project", "look", _volumes),
    "wait": ("wait until services end; their exit code", "wait", _some_services),
    "ls": ("the projects on this machine", "ls", _ls),
    "attach": ("the panel on a running mesh", "attach", _nothing),
    "serve": ("the panel in a browser, on this machine only", "serve", _serve),
    "events": ("what happens, as it happens", "events", _events),
    "watch": ("what saved files lead to, as it happens", "watch", _watch),
    "config": ("check the manifest, and print it resolved", "config", _config),
    "task": ("run a task of a service", "task", _task),
    "init": ("write a first devbox.yaml for what is here", "init", _nothing),
    "schema": ("the JSON Schema of a manifest, for editors", "schema", _schema),
    "completion": ("what a shell needs to complete devbox", "completion", _completion),
    "explain": ("where a value comes from, and what it overrode", "explain", _explain),
    "catalogue": ("the backing services that `use:` knows", "catalogue", _catalogue),
    "why": ("why a service is as it is", "why", _why),
    "timings": ("what the last start waited for", "timings", _timings),
    "report": ("one file that says how it all is, for an issue", "report", _report),
    "open": ("a report in the panel", "open", _open),
    "doctor": ("what is wrong with this machine, and what mends it", "doctor", _doctor),
    "version": ("the version", "version", _version),
}
