# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server that goes back to a checkpoint. Pure.

Cinder reverts a volume in place only while nobody has it (cinder/volume/api.py, revert_to_snapshot), which a server's boot disk never is. So
new volumes are made of the snapshots first. Then the server is stopped, a safety checkpoint is taken of what it was, its old further disks
are detached, since a machine must not see two disks with the same file systems, and it is made anew around the new ones as in every
exchange of a boot disk. The old disks are kept, and give their names to the new ones.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from ...values import permits
from ...values.errors import Refused
from ...values.plan import Plan, Request, Step, each_once
from ..server import blueprint, requests, states
from ..server import plan as servers
from ..server.record import TO_COME, Server
from ..volume import needs as volume_needs
from ..volume.record import Volume, called
from . import anew, places, succession
from .anew import Anew, Disk
from .creation import plan_safety
from .found import Found
from .record import chosen
from .wanted import Wanted


def plan_revert(want: Wanted, found: Found, made: Collection[str]) -> Plan:
    """Raises Refused before anything is changed, or when a server that was stopped runs again."""
    try:
        return _plan(want, found, made)
    except Refused:
        undone = _back(want, found)
        if undone is None:
            raise
        return undone


def _plan(want: Wanted, found: Found, made: Collection[str]) -> Plan:
    what = f"revert {found.label} to checkpoint {want.name}"
    checkpoint = chosen(found.checkpoints, want.name, what)
    new, server = found.anew, found.server
    if new is None or not new.origin:
        raise Refused(f"Failed to {what}: Nova shows no {found.label}. Check the name, and the project.")
    at_work = [one for one in (server, *_of(new).servers) if one and (one.is_busy or one.is_going)]
    if at_work:
        waiting = f"server {at_work[0].name} ({at_work[0].status}) to come to rest"
        return Plan(_subject(want, found), _view(found), _view(found), waiting=waiting)
    # the server's own plans take an unused disk of this run for one that another run was faster than: the new disks are not theirs
    made = set(made)
    others = made - {one.id for disk in new.disks for one in disk.found.volumes} - {want.mark}
    if server is None:
        if not all(disk.found.volumes for disk in new.disks):
            raise Refused(
                f"Failed to {what}: another task replaces it, and has not made the new one yet. Run that task again first."
            )
        taken_over = _taken_over(want, found, new, Server(TO_COME, found.name, ""), made)
        return _in_turn(want, found, new, made, [_exchange(want, found, new, made, others), taken_over])
    root = found.root_disk
    if root and anew.has_gone_back(root, checkpoint):
        return _end(want, found, server, root, new, made, others)
    return _begin(want, found, server, new, made, others, what)


# Until the old server goes


def _begin(
    want: Wanted,
    found: Found,
    server: Server,
    new: Anew,
    made: Collection[str],
    others: Collection[str],
    what: str,
) -> Plan:
    """What of it all is due, and what follows."""
    if server.status not in ("ACTIVE", "SHUTOFF"):
        raise Refused(f"Failed to {what}: {states.why(server.status, server.id)}")
    requests.check_unlocked(server, what)
    _check_losses(want, server, what)
    lacking = [disk.expected(made) for disk in new.disks if not disk.found.volumes]
    if new.needs:
        volume_needs.check_room([volume_needs.use_of(one, new.needs) for one in lacking], new.needs, what)
    disks = [disk.plan(made) for disk in new.disks]
    stop = servers.plan(servers.Wanted(name=server.name, state="stopped"), _of(new), others)
    stages = [stop, *_saved(want, found, server, new, made), *_detached(server, found, new, others)]
    exchange = _exchange(want, found, new, made, others)
    taken_over = _taken_over(want, found, new, replace(server, id=TO_COME), made)
    return _in_turn(want, found, new, made, [_together(disks), *stages, exchange, taken_over])


def _check_losses(want: Wanted, server: Server, what: str) -> None:
    lost = {
        name: words for name, words in blueprint.losses(server, servers.Wanted()).items() if name not in want.replace_may_lose
    }
    if lost:
        raise Refused(
            f"Failed to {what}: the new server would not have {' and '.join(lost.values())}. "
            f"Permit the loss (replace_may_lose: [{', '.join(lost)}])."
        )


def _together(plans: list[Plan]) -> Plan:
    """The new disks, which are made at once."""
    open_ones = [plan for plan in plans if not plan.settled]
    return Plan(
        "",
        {},
        {},
        each_once(step for plan in open_ones for step in plan.steps),
        ", ".join(plan.waiting for plan in open_ones if plan.waiting),
        tuple(line for plan in plans for line in plan.warnings),
        tuple(request for plan in open_ones for request in plan.then),
    )


def _in_turn(want: Wanted, found: Found, new: Anew, made: Collection[str], stages: list[Plan]) -> Plan:
    """The first stage that is not settled. All behind it is foreseen."""
    first, *rest = [stage for stage in stages if not stage.settled]
    then = (*first.then, *(request for stage in rest for request in (*stage.requests, *stage.then)))
    warnings = tuple(dict.fromkeys(line for stage in stages for line in stage.warnings))
    there = {"volumes": [_told(disk, new, made) for disk in new.disks]}
    return Plan(_subject(want, found), _view(found), there, first.steps, first.waiting, warnings, then, _kept(found, new))


def _told(disk: Disk, new: Anew, made: Collection[str]) -> str:
    one = disk.expected(made)
    return succession.told(one, new.old_of(one), str(disk.want.snapshot))


def _kept(found: Found, new: Anew) -> dict[str, object]:
    """The old disks: those that the server has still, and those whose places the new ones take."""
    ours = {one.id for disk in new.disks for one in disk.found.volumes}
    ones = {one.id: one for one in (*new.olds.values(), *found.disks) if one.id not in ours}
    return {"kept_volumes": succession.described(ones.values(), new.olds)}


def _saved(want: Wanted, found: Found, server: Server, new: Anew, made: Collection[str]) -> Iterator[Plan]:
    """The safety checkpoint. Where Cinder refuses it, the server that was stopped for it is started again."""
    if not new.safety:
        return
    plan = plan_safety(replace(want, name=new.safety, state="present"), found, made)
    if new.ran and server.status == "SHUTOFF":
        steps: list[Step] = [replace(one, undo=_start(server)) if isinstance(one, Request) else one for one in plan.steps]
        plan = replace(plan, steps=tuple(steps))
    yield plan


def _detached(server: Server, found: Found, new: Anew, others: Collection[str]) -> Iterator[Plan]:
    """Detach the old further disks, when the server is stopped."""
    if len(server.disks) > 1:
        off = _seen_as(_of(new), status="SHUTOFF")
        yield servers.plan(servers.Wanted(name=server.name, other_volumes="detach"), off, others)


def _exchange(want: Wanted, found: Found, new: Anew, made: Collection[str], others: Collection[str]) -> Plan:
    """The server with its new disks, in the place of the old one, as it will be when that is stopped and has its root alone."""
    wish = anew.wanted(new, found.name, want.replace_may_lose, made, "started" if new.ran else "present")
    seen = anew.with_new_disks(_of(new), [disk.expected(made) for disk in new.disks])
    if found.server is not None:
        only = {id: goes for id, goes in found.server.disks.items() if id == found.root}
        return servers.plan(wish, _seen_as(seen, status="SHUTOFF", disks=only), others)
    return servers.plan(wish, seen, others)


def _of(new: Anew) -> servers.Found:
    return new.exchange or servers.Found()


def _seen_as(found: servers.Found, **fields: object) -> servers.Found:
    seen = replace(found.servers[0], **fields)  # type: ignore[arg-type]
    return replace(found, servers=(seen, *found.servers[1:]))


# When the new one is there


def _end(
    want: Wanted,
    found: Found,
    server: Server,
    root: Volume,
    new: Anew,
    made: Collection[str],
    others: Collection[str],
) -> Plan:
    """What the new server and its disks are still to get of the old ones. Once they have that, it has gone back, and is left as it is."""
    if places.is_done(root):
        return Plan(_subject(want, found), _view(found), _view(found))
    wish = anew.wanted(new, server.name, want.replace_may_lose, (), "started" if new.ran else "present")
    return _in_turn(want, found, new, made, [servers.plan(wish, _of(new), others), _taken_over(want, found, new, server, made)])


def _taken_over(want: Wanted, found: Found, new: Anew, server: Server, made: Collection[str]) -> Plan:
    """The names, and which disks go with the server: last of all, so that a server which does not start takes no disk along. Then it is noted."""
    permit = requests.named(found.name, [server])
    steps: list[Request] = []
    for one in (disk.expected(made) for disk in new.disks):
        if old := new.old_of(one):
            steps += succession.exchange_names(one, old)
        if one.metadata.get(succession.GOES) == "yes" and not server.disks.get(one.id):
            steps.append(requests.set_fate(server, one.id, True, permits.part(one.id, server.id, permit)))
    return Plan("", {}, {}, (*steps, places.finish(new.disks[0].expected(made), found.label, want.name)))


# Where it goes no further


def _back(want: Wanted, found: Found) -> Plan | None:
    """What comes before a refusal, where a run has stopped the server, which still has all of its disks: it runs again."""
    server, new = found.server, found.anew
    if server is None or new is None or not (new.ran and new.is_begun) or new.origin != server.id:
        return None
    if server.status != "SHUTOFF" or server.locked or len(server.disks) != new.volumes:
        return None
    view = _view(found)
    start = replace(_start(server), once=True)
    return Plan(_subject(want, found), view, view, (start,), f"server {server.name} to be started")


def _start(server: Server) -> Request:
    return requests.act(server, f"start server {server.name} ({server.id}) again", {"os-start": None})


def _subject(want: Wanted, found: Found) -> str:
    return f"checkpoint {want.name} of {found.label}"


def _view(found: Found) -> dict[str, object]:
    return {"volumes": [called(one) for one in found.disks]}
