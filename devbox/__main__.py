"""`devbox`, the script, and `python -m devbox`."""

import signal
import sys


def main() -> int:
    """Run devbox. Ctrl-C while it is still being imported ends it without a word, as there is nothing to tidy up."""
    raises = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if raises:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from devbox.cli.main import main as run

    if raises:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    return run()


if __name__ == "__main__":
    sys.exit(main())
