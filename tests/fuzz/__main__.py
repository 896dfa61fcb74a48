"""`python -m tests.fuzz`: reads mutated manifests, each to a mesh or to errors; ends with 1 at the first fault."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

from tests.fuzz.reading import Fault, run

log = logging.getLogger("fuzz")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=100_000, help="manifests to read")
    parser.add_argument("--seconds", type=float, default=240.0, help="the longest it may take")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    logging.basicConfig(format="%(message)s", level=logging.INFO)
    try:
        done = run(args.seed, args.count, args.seconds)
    except Fault as fault:
        folder = Path(f"fuzz-{args.seed}")
        for name, data in fault.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
        log.error("%s\nthe manifest is in %s", fault, folder)
        return 1
    log.info("%s manifests read, each to a mesh or to errors: %s", f"{done.read:,}", done)
    return 0


sys.exit(main())
