# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server that is to be started, stopped or shelved, from whatever status it is in. Pure."""

from __future__ import annotations

from dataclasses import replace

from ...values.errors import Refused
from ...values.plan import Plan, Request
from . import record, requests, states
from .found import Found, named
from .record import Server
from .stage import Stage
from .wanted import Wanted

_VERBS = {"ACTIVE": "start", "SHUTOFF": "stop"}


def plan_way_back(want: Wanted, server: Server, found: Found) -> Stage | None:
    """Bring back a server that was set aside (paused, suspended, shelved), where the task says whether it runs. Raises Refused.

    A paused server keeps its work in the machine, a suspended or shelved one its disk: Nova stops neither as it is.
    """
    verb = states.way_back(server.status, want.state)
    if not verb:
        return None
    requests.check_unlocked(server, f"{verb} server {server.name}")
    request = replace(requests.act(server, f"{verb} server {server.name} ({server.id})", {verb: None}), once=True)
    back = replace(server, status="ACTIVE")
    waiting = f"server {server.name} ({server.status}) to be ACTIVE"
    plan = Plan(f"server {want.label}", record.described(server), record.described(back), (request,), waiting)
    return Stage(plan, replace(found, servers=(back, *found.servers[1:])))


def switch(want: Wanted, server: Server, found: Found) -> tuple[list[Request], str]:
    """What starts, stops or shelves the server, and what is waited for then. Raises Refused in a status from which Nova does not."""
    wanted = states.STATUS.get(want.state, server.status)
    if wanted == server.status:
        return [], ""
    if want.state == "shelved":
        return [_shelve(want, server, found)], f"server {server.name} to be shelved"
    verb, waiting = _VERBS[wanted], f"server {server.name} to be {want.state}"
    if server.status not in _VERBS:
        raise Refused(f"Failed to {verb} server {server.name}: {states.why(server.status, server.id)}")
    requests.check_unlocked(server, f"{verb} server {server.name}")
    if verb == "start":
        return [requests.act(server, f"start server {server.name}", {"os-start": None})], waiting
    words = f"stop server {server.name} ({server.id})"
    return [requests.destructive(server, named(want, found), words, {"os-stop": None})], waiting


def _shelve(want: Wanted, server: Server, found: Found) -> Request:
    """Shelve the server, or take it off its host where it is shelved there. Raises Refused.

    Of a server that boots from a volume Nova does both at once, as there is no image to make (nova/compute/api.py, shelve). One on a
    local disk stays on its host for the cloud's shelved_offload_time; to take it off before is for administrators (policies/shelve.py).
    """
    what = f"shelve server {server.name}"
    if server.bare_metal:
        raise Refused(
            f"Failed to {what}: it is bare metal, and Nova's driver for Ironic does not shelve: its node would be given away. Use state: stopped."
        )
    if server.status not in (*_VERBS, "SHELVED"):
        raise Refused(f"Failed to {what}: {states.why(server.status, server.id)}")
    requests.check_unlocked(server, what)
    called = f"server {server.name} ({server.id})"
    is_shelved = server.status == "SHELVED"
    words, action = (f"take {called} off its host", "shelveOffload") if is_shelved else (f"shelve {called}", "shelve")
    return replace(requests.destructive(server, named(want, found), words, {action: None}), once=True)


def doubts(want: Wanted, server: Server) -> list[str]:
    """What is told of the status where it may not be what it seems.

    Nova looks at its hypervisors from time to time, and then stops a server whose machine has gone off by itself
    (nova/compute/manager.py, _sync_instance_power_state). Until then it refuses to start it.
    """
    if not states.is_known(server.status):
        return [f"its status is {server.status}, which this collection does not know"]
    if want.state == "started" and server.status == "ACTIVE" and server.is_shut_down:
        return ["its status is ACTIVE, and its machine has gone off, which Nova will see in a while"]
    return []
