"""`python -m tests.fuzz`: reads mutated manifests, each to a mesh or to errors; ends with 1 at the first fault."""

from __future__ import annotations

import argparse
import logging
import sys
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from tests.fuzz.reading import Done, Fault, run

log = logging.getLogger("fuzz")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=100_000, help="manifests to read")
    parser.add_argument("--seconds", type=float, default=240.0, help="the longest it may take")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1, help="processes that share the work")
    args = parser.parse_args()
    logging.basicConfig(format="%(message)s", level=logging.INFO)
    try:
        done = _shared(args) if args.jobs > 1 else run(args.seed, args.count, args.seconds)
    except Fault as fault:
        folder = Path(f"fuzz-{args.seed}")
        for name, data in fault.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
        log.error("%s\nthe manifest is in %s", fault, folder)
        return 1
    log.info("%s manifests read, each to a mesh or to errors: %s", f"{done.read:,}", done)
    return 0


def _shared(args: argparse.Namespace) -> Done:
    """The work of one run, done by several processes, each with a seed of its own."""
    share = -(-args.count // args.jobs)
    seeds = range(args.seed * 1000, args.seed * 1000 + args.jobs)
    # Whoever is still at work when one finds a fault is ended with the pool.
    with get_context("fork").Pool(args.jobs) as pool:
        return sum(pool.imap_unordered(partial(run, count=share, seconds=args.seconds), seeds), Done())


sys.exit(main())
