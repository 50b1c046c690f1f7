# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Break every guard of a step that destroys, one at a time, and see whether a unit test fails.

    python tools/mutate_guards.py            all guards; ends with a table, and with 1 where a mutant survived
    python tools/mutate_guards.py permits    those of the files whose path has that word

A guard is what keeps a destroying request from being sent: its permits, what must still hold of the record, and the conditions of
the functions that are named below. It is broken by leaving out a check, by never refusing, by leaving out one part of a condition,
and by comparing without case, where both sides may have one. The tests run on a copy in .cache/mutants, so that nothing here is ever left broken.
"""

from __future__ import annotations

import ast
import copy
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import Queue

ROOT = Path(__file__).resolve().parent.parent
ENGINE = "plugins/module_utils/_engine"
PLACE = ROOT / ".cache/mutants"
SIDE_BY_SIDE = 2
PATIENCE = (
    5  # a mutant that takes so many times as long as what is not broken, and a minute, runs for ever, and is killed as well
)
# What is not compared without case. Numbers, truths and times, by the last of their names: ``disks`` tells whether each goes with its server,
# a node's power state is one of Ironic's words, and what a request changes one of this collection's own.
NO_TEXT = ("size", "multiattach", "disks", "time", "power_state", "started", "changes")
# Options with choices, of which no other spelling is taken; a connector's identifier is auto, or what its type permits.
CHOICES = (
    "want.state",
    "want.write",
    "want.recreate_order",
    "want.type",
    "want.connector_id",
    "connector.AUTO",
    "want.takeover.mode",
    "want.takeover.initiator",
)
# Attributes and keys that hold an id as a service tells it, beside those that end with _id or _uuid: where both sides do, both are lower case.
IDS = ("id", "uuid", "root", "volume", "server")
# The last word on those that no other test kills: random sequences, from the fixed seed.
LAWS = "tests/unit/test_state_machine.py -k fixed"

# The files with guards, the functions in them ("*" for all), and the tests that know them.
GUARDS: tuple[tuple[str, str, str], ...] = (
    ("values/permits.py", "*", "tests/unit/values/test_permits.py tests/unit/resources/test_settle.py"),
    ("values/references.py", "*", "tests/unit/values/test_references.py tests/unit/resources/volume"),
    ("resources/settle.py", "take note due forgive", "tests/unit/resources/test_settle.py tests/unit/resources/volume"),
    ("cloud/service.py", "send check_still", "tests/unit/cloud/test_service.py"),
    ("resources/volume/moment.py", "_check_free _left attached", "tests/unit/resources/volume/test_moment.py"),
    ("resources/volume/this_run.py", "*", "tests/unit/resources/volume/test_this_run.py"),
    ("iscsi/plan.py", "may_fill plan _fill _sow", "tests/unit/iscsi"),
    ("iscsi/writing.py", "*", "tests/unit/iscsi"),
    ("resources/volume/removal.py", "*", "tests/unit/resources/volume"),
    ("resources/volume/recreation.py", "*", "tests/unit/resources/volume tests/unit/fleet"),
    ("resources/volume/drift.py", "*", "tests/unit/resources/volume"),
    ("resources/volume/found.py", "standing", "tests/unit/resources/volume"),
    ("resources/volume/golden.py", "elect outdated _is_of _has_own_name", "tests/unit/resources/volume tests/unit/fleet"),
    (
        "resources/volume/needs.py",
        "check check_change check_room use_of use_of_change _obstacles _too_large type_of used_by _check_quota",
        "tests/unit/resources/volume",
    ),
    (
        "resources/volume/record.py",
        "read is_ours is_new mark is_made_by is_made_here only read_marked",
        "tests/unit/resources/volume",
    ),
    ("resources/server/requests.py", "*", "tests/unit/resources/server"),
    ("resources/server/root.py", "of check", "tests/unit/resources/server"),
    ("resources/server/resize.py", "plan_verdict", "tests/unit/resources/server"),
    ("resources/server/removal.py", "*", "tests/unit/resources/server"),
    (
        "resources/server/replacement.py",
        "_checked_root _check_exchange _noted _permitted_losses _check_ports plan_end _last",
        "tests/unit/resources/server",
    ),
    ("resources/server/change.py", "_plan_surplus _check_at_rest _check_boot_volume plan_reimage", "tests/unit/resources/server"),
    ("resources/server/detachment.py", "*", "tests/unit/resources/server"),
    ("resources/server/power.py", "_shelve", "tests/unit/resources/server"),
    ("resources/server/release.py", "plan_release", "tests/unit/resources/server"),
    ("resources/server/holds.py", "*", "tests/unit/resources/server"),
    ("resources/server/rivals.py", "*", "tests/unit/resources/server"),
    ("resources/server/plan.py", "_plan_race _first", "tests/unit/resources/server"),
    (
        "resources/checkpoint/record.py",
        "is_ours is_new is_doubled is_lost read gathered delete",
        "tests/unit/resources/checkpoint",
    ),
    ("resources/checkpoint/found.py", "_check_only", "tests/unit/resources/checkpoint"),
    ("resources/checkpoint/removal.py", "*", "tests/unit/resources/checkpoint"),
    ("resources/checkpoint/creation.py", "_check_lost _gone _rests _rest", "tests/unit/resources/checkpoint"),
    ("resources/checkpoint/quiesce.py", "check is_noted stop", "tests/unit/resources/checkpoint"),
    ("resources/checkpoint/revert.py", "_plan _begin _end _back", "tests/unit/resources/checkpoint"),
    ("resources/checkpoint/record.py", "chosen of_checkpoint", "tests/unit/resources/checkpoint"),
    ("resources/checkpoint/places.py", "is_fresh is_to_be_written is_written is_taken", "tests/unit/resources/checkpoint"),
    ("resources/checkpoint/node_anew.py", "_taken _fresh _in_place _newest", "tests/unit/resources/checkpoint"),
    ("resources/checkpoint/node_revert.py", "plan_node_revert _check_losses _undeploy", "tests/unit/resources/checkpoint"),
    (
        "resources/node/record.py",
        "may_update_records may_delete_records when_off _power_off named still",
        "tests/unit/resources/node tests/unit/fleet",
    ),
    ("resources/node/connector.py", "_plan_absence _delete", "tests/unit/resources/node"),
    ("resources/node/target.py", "_plan_absence _delete taken_away", "tests/unit/resources/node"),
    ("resources/node/deployment.py", "plan _plan_undeployment", "tests/unit/resources/node tests/unit/fleet"),
    (
        "fleet/nodes/plan.py",
        "_plan_deployment _plan_redeployment _can_stand_beside _plan_undeployment _plan_disconnection _plan_release _keeps",
        "tests/unit/fleet",
    ),
    ("fleet/sources.py", "*", "tests/unit/fleet/test_sources.py"),
    ("fleet/nodes/claims.py", "*", "tests/unit/fleet/test_takeover.py tests/unit/fleet/test_volumes_on_undeploy.py"),
    (
        "fleet/nodes/observe.py",
        "disks _disk_of_cinder may_begin",
        "tests/unit/fleet/test_takeover.py tests/unit/fleet/test_volumes_on_undeploy.py",
    ),
    ("fleet/nodes/shared.py", "refuse_second refuse_held refuse_taken_over", "tests/unit/fleet"),
    (
        "fleet/servers/shared.py",
        "refuse_second refuse_held _going _asked_for refuse_without_room",
        "tests/unit/fleet/test_servers.py",
    ),
    ("fleet/nodes/takeover.py", "*", "tests/unit/fleet/test_takeover_guards.py tests/unit/fleet/test_takeover.py"),
    ("fleet/nodes/holders.py", "*", "tests/unit/fleet/test_holders.py tests/unit/fleet/test_takeover.py"),
    (
        "resources/node/handover.py",
        "*",
        "tests/unit/resources/node/test_handover.py tests/unit/fleet/test_takeover_guards.py tests/unit/fleet/test_takeover.py",
    ),
    ("fleet/nodes/drift.py", "unseen _volumes", "tests/unit/fleet"),
)


@dataclass(frozen=True)
class Mutant:
    """One guard, broken in one way. ``source`` is the whole file."""

    path: str
    line: int
    how: str
    tests: str
    source: str


def mutants(word: str) -> Iterator[Mutant]:
    """Every mutant of the files whose path has the word."""
    for name, functions, tests in GUARDS:
        path = ROOT / ENGINE / name
        if word not in name:
            continue
        tree = ast.parse(path.read_text())
        wanted = functions.split()
        found = [one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef) and (one.name in wanted or wanted == ["*"])]
        if gone := set(wanted) - {"*"} - {one.name for one in found}:
            sys.exit(f"{name} has no {', '.join(sorted(gone))} any more: put right what GUARDS names.")
        for function in found:
            for line, how, broken in _broken(tree, function):
                yield Mutant(f"{ENGINE}/{name}", line, f"{function.name}: {how}", tests, broken)


def _broken(tree: ast.Module, function: ast.FunctionDef) -> Iterator[tuple[int, str, str]]:
    """Each way to break one of the function's guards: where, how, and the file that comes of it."""
    for node in ast.walk(function):
        for how, new in _ways(node):
            yield getattr(node, "lineno", function.lineno), how, _with(tree, node, new)


def _ways(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    if isinstance(node, ast.If) and any(isinstance(one, (ast.Raise, ast.Return, ast.Expr, ast.Continue)) for one in node.body):
        yield f"never: {_short(node.test)}", _changed(node, test=ast.Constant(False))
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and "check" in ast.unparse(node.value.func):
        yield f"left out: {_short(node.value)}", ast.Pass()
    if isinstance(node, ast.BoolOp):
        for index, part in enumerate(node.values):
            rest = [one for one in node.values if one is not part]
            left = rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)
            yield f"without part {index + 1}: {_short(part)}", left
    if isinstance(node, ast.comprehension):
        for part in node.ifs:
            yield f"without if: {_short(part)}", _changed(node, ifs=[one for one in node.ifs if one is not part])
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], (ast.Eq, ast.NotEq)):
        sides = (node.left, node.comparators[0])
        if _has_case(*sides):
            left, right = (ast.parse(f"str({ast.unparse(one)}).casefold()", mode="eval").body for one in sides)
            yield f"without case: {_short(node)}", ast.Compare(left, node.ops, [right])
    if isinstance(node, ast.Call) and any(keyword.arg == "still" for keyword in node.keywords):
        yield f"without still: {_short(node)}", _changed(node, keywords=[one for one in node.keywords if one.arg != "still"])


def _has_case(*sides: ast.expr) -> bool:
    """Whether the sides of a comparison may differ in case alone: names and metadata may, since people write them."""
    words = [ast.unparse(one) for one in sides]
    if any(
        isinstance(one, ast.Constant) or "len(" in word or word.endswith(".lower()")
        for one, word in zip(sides, words, strict=True)
    ):
        return False
    if any(word in CHOICES for word in words) or any(_last_name(one) in NO_TEXT for one in sides):
        return False
    return not all(_is_id(one) for one in sides)


def _is_id(side: ast.expr) -> bool:
    if isinstance(side, ast.Subscript) and isinstance(side.slice, ast.Constant):  # of a service's own JSON
        name = str(side.slice.value)
    elif isinstance(side, ast.Attribute) and not ast.unparse(side).startswith("want."):
        name = side.attr
    elif isinstance(side, ast.Name) and side.id == "uuid":  # of a node; a mere id may be a word of the task's
        name = side.id
    else:
        return False
    return name in IDS or name.endswith(("_id", "_uuid"))


def _last_name(side: ast.AST) -> str:
    """That of an attribute, or of the mapping that something is got from."""
    if isinstance(side, ast.Call) and isinstance(side.func, ast.Attribute) and side.func.attr == "get":
        return _last_name(side.func.value)
    return side.id if isinstance(side, ast.Name) else side.attr if isinstance(side, ast.Attribute) else ""


def _changed(node: ast.AST, **fields: object) -> ast.AST:
    new = copy.copy(node)
    for name, value in fields.items():
        setattr(new, name, value)
    return new


def _with(tree: ast.Module, old: ast.AST, new: ast.AST) -> str:
    """The file with one node in the place of another."""

    class Swap(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> ast.AST:
            return (
                new if node is old else _changed(node, **{name: _visited(self, value) for name, value in ast.iter_fields(node)})
            )

    return ast.unparse(ast.fix_missing_locations(Swap().visit(tree)))


def _visited(swap: ast.NodeTransformer, value: object) -> object:
    if isinstance(value, list):
        return [swap.visit(one) if isinstance(one, ast.AST) else one for one in value]
    return swap.visit(value) if isinstance(value, ast.AST) else value


def _short(node: ast.AST) -> str:
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 90 else f"{text[:87]}..."


def _copies() -> Queue[Path]:
    """Copies of what git knows or would add, each with a path that makes it bfv.openstack."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    copies: Queue[Path] = Queue()
    for number in range(SIDE_BY_SIDE):
        place = PLACE / str(number) / "ansible_collections/bfv/openstack"
        shutil.rmtree(PLACE / str(number), ignore_errors=True)
        for name in listed.stdout.splitlines():
            if (ROOT / name).is_file():
                (place / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, place / name)
        copies.put(place)
    return copies


def _passes(place: Path, tests: list[str], limit: float | None = None) -> bool:
    """Whether no test fails, within so many seconds."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", *tests]
    environment = {**os.environ, "PYTHONPATH": str(place.parents[2]), "LAW_SHRINK": "0"}
    try:
        return (
            subprocess.run(command, cwd=place, env=environment, capture_output=True, check=False, timeout=limit).returncode == 0
        )
    except subprocess.TimeoutExpired:
        return False


def limits(place: Path, tests: Iterable[str]) -> dict[str, float]:
    """For how many seconds each of these may run on a mutant. Ends the program where one fails of what is not broken."""
    found = {}
    for one in dict.fromkeys(tests):
        began = time.monotonic()
        if not _passes(place, one.split()):
            sys.exit(f"{one} fails on what is not broken: a mutant that it kills would prove nothing.")
        found[one] = 60 + PATIENCE * (time.monotonic() - began)
    return found


def survives(copies: Queue[Path], mutant: Mutant, limit: Mapping[str, float]) -> bool:
    """Whether no test fails."""
    place = copies.get()
    file = place / mutant.path
    sound = file.read_text()
    try:
        file.write_text(mutant.source)
        alive = all(_passes(place, tests.split(), limit[tests]) for tests in (mutant.tests, LAWS))
    finally:
        file.write_text(sound)
        copies.put(place)
    print("SURVIVED" if alive else "killed  ", f"{mutant.path.removeprefix(ENGINE + '/')}:{mutant.line}", mutant.how, flush=True)
    return alive


def main() -> int:
    found = list(mutants(sys.argv[1] if len(sys.argv) > 1 else ""))
    copies, began = _copies(), time.monotonic()
    limit = limits(copies.queue[0], [*(one.tests for one in found), LAWS])
    print(f"{len(found)} mutants")
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        alive = list(pool.map(lambda one: survives(copies, one, limit), found))
    print(f"\n{'file':44}{'mutants':>8}{'killed':>8}")
    for path in dict.fromkeys(one.path for one in found):
        of = [lives for one, lives in zip(found, alive, strict=True) if one.path == path]
        print(f"{path.removeprefix(ENGINE + '/'):44}{len(of):8}{of.count(False):8}")
    print(f"{'':44}{len(alive):8}{alive.count(False):8}   {time.monotonic() - began:.0f} s")
    return 1 if any(alive) else 0


if __name__ == "__main__":
    sys.exit(main())
