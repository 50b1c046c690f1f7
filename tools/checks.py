# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Count the checks of `make test`.

    python tools/checks.py run NAME COMMAND...   run a check, keep its result, exit as it did
    python tools/checks.py table NAME...         print how many tests of these checks passed and failed
    python tools/checks.py summary               print `N passed, N failed` of all checks since `make test` began

A check counts once. pytest counts each of its tests: it leaves a JUnit file NAME.xml beside the results.

With CHECKS_SIDE_BY_SIDE set, what a check prints goes to NAME.log beside the results, and is shown in one piece when the check has ended.
"""

from __future__ import annotations

import fcntl
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree

RESULTS = Path(__file__).resolve().parent.parent / ".cache" / "results"


def count(junit: Path, success: bool) -> tuple[int, int]:
    """How many tests passed and failed. A failure that no test stands for, such as an interrupted run, counts as one."""
    if not junit.exists():
        return (1, 0) if success else (0, 1)
    totals = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
    for suite in ElementTree.parse(junit).iter("testsuite"):
        for key in totals:
            totals[key] += int(suite.get(key, "0"))
    failed = totals["failures"] + totals["errors"]
    passed = totals["tests"] - failed - totals["skipped"]
    return passed, failed if success or failed else 1


def failures(junit: Path) -> list[str]:
    """The tests that failed, each with the first line of its reason."""
    if not junit.exists():
        return []
    found = []
    for case in ElementTree.parse(junit).iter("testcase"):
        for trouble in (*case.iter("failure"), *case.iter("error")):
            reason = (trouble.get("message") or "").strip().splitlines()[:1]
            found.append(": ".join([f"{case.get('classname')}::{case.get('name')}", *reason]))
    return found


@contextmanager
def the_only_one_to_print() -> Iterator[None]:
    with (RESULTS / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
        sys.stdout.flush()


def execute(name: str, command: list[str]) -> int:
    if "CHECKS_SIDE_BY_SIDE" not in os.environ:
        return subprocess.run(command, check=False).returncode
    log = RESULTS / f"{name}.log"
    print(f"==> {name}: to follow it: tail -f {log}", flush=True)
    with log.open("w") as output:
        code = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, check=False).returncode
    with the_only_one_to_print(), log.open(encoding="utf-8", errors="replace") as printed:
        print(f"=== {name}")
        shutil.copyfileobj(printed, sys.stdout)
    return code


def run(name: str, command: list[str]) -> int:
    RESULTS.mkdir(parents=True, exist_ok=True)
    junit = RESULTS / f"{name}.xml"
    junit.unlink(missing_ok=True)
    print(f"==> {name}: {' '.join(command)}", flush=True)
    started = time.monotonic()
    code = execute(name, command)
    passed, failed = count(junit, code == 0)
    (RESULTS / f"{name}.count").write_text(f"{passed} {failed}\n")
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    took = f"{time.monotonic() - started:.0f} s, {used.ru_utime + used.ru_stime:.0f} s of CPU"
    print(f"--- {name}: {'ok' if code == 0 else 'FAILED'}, {took}", flush=True)
    return code


def table(names: list[str]) -> int:
    """Print what the checks have counted, a line each; one that has not run failed."""
    print(f"{'':24}{'passed':>8}{'failed':>8}")
    failed = 0
    for name in names:
        path = RESULTS / f"{name}.count"
        good, bad = map(int, path.read_text().split()) if path.exists() else (0, 1)
        failed += bad
        print(f"{name:24}{good:8}{bad:8}")
    return 1 if failed else 0


def summary() -> int:
    passed = failed = 0
    for path in sorted(RESULTS.glob("*.count")):
        good, bad = map(int, path.read_text().split())
        passed += good
        failed += bad
        if bad:
            print(f"Failed: {path.stem}")
            for line in failures(path.with_suffix(".xml")):
                print(f"  {line}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["summary"]:
            sys.exit(summary())
        case ["table", *names]:
            sys.exit(table(names))
        case ["run", name, *command]:
            sys.exit(run(name, command))
