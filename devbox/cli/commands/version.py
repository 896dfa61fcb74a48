"""`devbox version`."""

from __future__ import annotations

import devbox
from devbox.cli.arguments import Arguments


def run(args: Arguments) -> int:
    print(devbox.__version__ if getattr(args, "short", False) else f"devbox {devbox.__version__}")
    return 0
