"""`devbox doctor`: what is wrong with this machine or this project's place on it, and how to mend it."""

from __future__ import annotations

import json
from dataclasses import asdict

from devbox.cli.arguments import Arguments
from devbox.cli.checkup import examine
from devbox.cli.diagnostics import DONE, FAILED, say


def run(args: Arguments) -> int:
    findings = []
    for finding in examine(args.project()):
        findings.append(finding)
        if args.format == "text":
            print(f"{'✓' if finding.ok else '✗'} {finding.what}: {finding.seen}")
            if not finding.ok and finding.mend:
                print(f"    {finding.mend}")
    if args.format == "json":
        print(json.dumps([asdict(finding) for finding in findings], indent=2, ensure_ascii=False))
    bad = sum(not finding.ok for finding in findings)
    say(f"\n{bad} of {len(findings)} want mending." if bad else "\nNothing stands in the way.")
    return FAILED if bad else DONE
