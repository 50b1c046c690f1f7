# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The laws, held against one run in a world: what it may destroy, what it said beforehand, and what the next run finds."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from ansible_collections.bfv.openstack.tests.unit.laws.ledger import Ledger, Picture, picture
from ansible_collections.bfv.openstack.tests.unit.laws.world import (
    FAIR,
    RESOURCES,
    Task,
    Told,
    Watched,
    Weather,
    check,
    rest,
    run,
)
from ansible_collections.bfv.openstack.tests.unit.mortal import at_once
from ansible_collections.bfv.openstack.tests.unit.nova_records import ATTACHED

_MADE = ("volumes", "servers")  # what runs make
_NEVER = re.compile(r"to be (released|detached from .*): it has not come true")
TALLY: Counter[str] = Counter()  # what the runs came to, to be seen that they come to something


def _kind_of(told: Told) -> str:
    if told.killed:
        return "killed"
    if told.error:
        return "failed on the way" if told.actions else "refused"
    return "destroyed something" if told.destroys else "changed something" if told.actions else "changed nothing"


def obey(cloud: Watched, ledger: Ledger, task: Task, weather: Weather = FAIR) -> None:
    """Run the task in check mode, then in this weather, then again; each law is asserted."""
    rest(cloud)
    cloud.gone_down.clear()
    before = picture(cloud)
    foreseen = check(cloud, task)
    assert picture(cloud).things == before.things, "check mode changed something"
    told = run(cloud, task, weather)
    TALLY[_kind_of(told)] += 1
    _nothing_of_others(cloud, ledger, [task], before)
    after_run = picture(cloud)
    if weather == FAIR and not cloud.dead:  # that a controller does not answer, only the run finds out
        _as_foreseen(foreseen, told, before, after_run)
    rest(cloud)
    again = run(cloud, task)
    _nothing_of_others(cloud, ledger, [task], after_run, begun=before)
    if told.killed or told.error:
        _finished_or_named(cloud, task, before, told, again)
    else:
        assert not again.error, f"the second run fails where the first did not: {again.error}"
        assert not again.changed, f"the second run changes something: {again.actions}"


def obey_at_once(cloud: Watched, ledger: Ledger, order: list[int], *tasks: Task) -> None:
    """Runs at once, of one module: whose turn it is, ``order`` says. Then each once more, alone."""
    made = ("servers",) if tasks[0].module == "server" else _MADE  # beside the disk of a server lie those that it had before
    rest(cloud)
    before = picture(cloud)
    at_once(cloud, RESOURCES[tasks[0].module], order, *(dict(task.options) for task in tasks))
    _nothing_of_others(cloud, ledger, tasks, before, begun=_between(before, tasks))
    rest(cloud)
    for task in tasks:
        before_again = picture(cloud)
        again = run(cloud, task)
        _nothing_of_others(cloud, ledger, [task], before_again)
        unnamed = sorted(id for id in _left(before, picture(cloud), made) if id not in again.error)
        assert not unnamed, f"{unnamed} is left, and the next run says {again.error or again.actions}"


def _between(before: Picture, tasks: Sequence[Task]) -> Picture:
    """What is there when those of the runs have ended that remove a server, and the others see that it is not there."""
    removed = {task.options["name"] for task in tasks if task.module == "server" and task.options.get("state") == "absent"}
    servers = {id: one for id, one in before["servers"].items() if one["name"] not in removed}
    return Picture({**before.things, "servers": servers})


def _nothing_of_others(
    cloud: Watched, ledger: Ledger, tasks: Sequence[Task], before: Picture, begun: Picture | None = None
) -> None:
    """Law 1. Whatever the runs may not destroy is there afterwards, unchanged."""
    after = picture(cloud)
    wrongs = ledger.wrongs(cloud, tasks, before, after, begun)
    ledger.note(before, after)
    assert not wrongs, "; ".join(wrongs)
    assert set(_doubles(after)) <= set(_doubles(before)), "a disk was given to a second server"
    for task in tasks:
        _disks_are_ready(cloud, task)


def _doubles(seen: Picture) -> Iterator[tuple[str, str]]:
    """The volumes that two servers have, with each of these."""
    for volume in seen["volumes"].values():
        has = [one["id"] for one in seen["servers"].values() if volume["id"] in (disk["id"] for disk in one[ATTACHED])]
        if len(has) > 1 and not volume["multiattach"]:
            yield from ((volume["id"], one) for one in has)


def _disks_are_ready(cloud: Watched, task: Task) -> None:
    """Whoever deploys a machine anew has its new disks before the machine goes down."""
    if task.options.get("state", "deployed") != "deployed" or task.module != "fleet":
        return
    for node, sound in cloud.gone_down:
        for entry in task.options["nodes"]:
            for volume in entry["volumes"] if entry["node"] == node else ():
                ready = "id" in volume or volume["name"] in sound or volume.get("recreate_order") == "delete_first"
                assert ready, f"{node} went down while there was no sound volume {volume['name']}"


def _as_foreseen(foreseen: Told, told: Told, before: Picture, after: Picture) -> None:
    """Law 2. Check mode says what the run does, and each thing that goes stands with its id in what is said.

    That somebody never lets go of a volume, or a server never does, only the run finds out, which waits for it: up to there it does
    what was foreseen.
    """
    if _NEVER.search(told.error) and not foreseen.error:
        foreseen = replace(foreseen, actions=foreseen.actions[: len(told.actions)], changed=bool(told.actions), error=told.error)
    assert told.error == foreseen.error, (
        f"check mode said {foreseen.error or foreseen.actions}, and the run did {told.actions}: {told.error}"
    )
    assert _same(foreseen.actions, told.actions), f"check mode foresaw {foreseen.actions}, and the run did {told.actions}"
    assert told.changed == foreseen.changed
    said = " ".join(foreseen.destroys)
    parts = {*before["targets"], *before["ports"]}  # which Ironic and Nova take away with their node and server
    for id in set(before.everything) - set(after.everything) - parts:
        assert id in said, f"{id} is gone, and the diff says {foreseen.destroys}"


def _same(foreseen: list[str], done: list[str]) -> bool:
    """Whether the same was done as was foreseen: an id of what is to come is not known before."""
    words = [
        re.sub(r"\\\(known\\ when\\ the\\ \w+\\ is\\ there\\\)(\\ \d+)?", r"[0-9a-f-]{36}", re.escape(one)) for one in foreseen
    ]
    return len(words) == len(done) and all(re.fullmatch(word, one) for word, one in zip(words, done, strict=True))


def _finished_or_named(cloud: Watched, task: Task, before: Picture, told: Told, again: Told) -> None:
    """A run that failed leaves nothing that the next does not finish or name."""
    if not again.error:
        third = run(cloud, task)
        assert (third.error, third.actions) == ("", []), f"after the run that finished it: {third.actions} {third.error}"
        return
    unnamed = sorted(id for id in _left(before, picture(cloud)) if id not in again.error)
    assert not unnamed, f"{unnamed} is left, and the next run says {again.error}"


def _left(before: Picture, after: Picture, kinds: Sequence[str] = _MADE) -> Iterator[str]:
    """What lies about: new things that are in error, or beside another one of their name. Golden volumes serve every later run."""
    for kind in kinds:
        names = Counter(one["name"] for one in after[kind].values())
        for id, one in after[kind].items():
            new = id not in before[kind] and not one["name"].startswith("golden-")
            if new and (one["status"].lower().startswith("error") or names[one["name"]] > 1):
                yield id
