"""`devbox completion`: what bash, zsh and fish need, made of the parser itself, so that it knows every flag."""

from __future__ import annotations

import argparse

from devbox.cli.arguments import Arguments, make_parser

_SERVICES = "devbox config --services 2>/dev/null"


def run(args: Arguments) -> int:
    print({"bash": _bash, "zsh": _zsh, "fish": _fish}[args.shell]())
    return 0


def _commands() -> dict[str, argparse.ArgumentParser]:
    (commands,) = [a for a in make_parser()._actions if isinstance(a, argparse._SubParsersAction)]
    return dict(commands.choices)


def _shown(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return [action for action in parser._actions if action.option_strings and action.help != argparse.SUPPRESS]


def _flags(parser: argparse.ArgumentParser) -> str:
    return " ".join(flag for action in _shown(parser) for flag in action.option_strings)


def _bash() -> str:
    commands = _commands()
    cases = "\n".join(f'    {name}) flags="{_flags(parser)}" ;;' for name, parser in commands.items())
    return f"""# devbox completion bash: `eval "$(devbox completion bash)"`
_devbox() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} command="" flags="{_flags(make_parser())}" i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${{COMP_WORDS[i]}} in
      -f | --file | -p | --project-name | --project-directory | --profile | --env-file | --ansi | --progress) ((i++)) ;;
      -*) ;;
      *) command=${{COMP_WORDS[i]}}; break ;;
    esac
  done
  case $command in
    "") if [[ $word != -* ]]; then COMPREPLY=($(compgen -W "{" ".join(commands)}" -- "$word")); return; fi ;;
{cases}
  esac
  if [[ $word == -* ]]; then
    COMPREPLY=($(compgen -W "$flags" -- "$word"))
  else
    COMPREPLY=($(compgen -W "$({_SERVICES})" -- "$word"))
  fi
}}
complete -o default -F _devbox devbox"""


def _zsh() -> str:
    return f"autoload -U +X bashcompinit && bashcompinit\n{_bash()}"


def _fish() -> str:
    lines = ["# devbox completion fish: `devbox completion fish | source`", "complete -c devbox -f"]
    for name, parser in _commands().items():
        summary = _quoted(parser.description or "")
        lines.append(f"complete -c devbox -n __fish_use_subcommand -a {name} -d {summary}")
        lines += [_fish_flag(name, action) for action in _shown(parser)]
    names = f'complete -c devbox -n "not __fish_use_subcommand" -a "({_SERVICES})"'
    return "\n".join([*lines, names])


def _fish_flag(command: str, action: argparse.Action) -> str:
    words = [f'complete -c devbox -n "__fish_seen_subcommand_from {command}"']
    words += [f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}" for flag in action.option_strings]
    words += [f"-d {_quoted(action.help or '')}"]
    return " ".join(words + (["-r"] if action.nargs != 0 else []))


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
