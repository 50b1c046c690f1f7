# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A bare-metal server that takes the place of another one, and finds no node, for that of the one before is not free at once. Pure.

Nova offers a node again when it has seen that Ironic is through with it, cleaning included, and it looks once a minute
(nova/virt/ironic/driver.py, update_provider_tree; nova/conf/compute.py, update_resources_interval). Until then it finds no valid host, and
shows to nobody but administrators how far the node is. So the new server is deleted and asked for again, until there is a node.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from .record import Server, called
from .stage import Stage

_PAUSE = timedelta(seconds=20)  # between two tries


def once_more(server: Server, now: str, deleted: Stage, anew: Stage) -> Stage:
    """Delete the server and ask for the next one in the same go: without a host it is gone when Nova answers (compute/api.py, _local_delete).

    What asks for the next one has words of its own, since a run makes nothing twice. ``deleted`` and ``anew`` are the two stages.
    """
    asks = [replace(one, what=f"{one.what}, since there was no node for {called(server)}") for one in anew.plan.requests]
    if not any(one.creates and one.changes == "server" for one in asks):
        return deleted
    due = replace(deleted.plan, steps=(*deleted.plan.steps, *asks), waiting=anew.plan.waiting)
    if datetime.fromisoformat(now) - datetime.fromisoformat(server.created_at) < _PAUSE:
        due = replace(due, steps=(), waiting=f"a node to be free for {due.subject}", then=tuple(due.requests))
    return replace(deleted, plan=due, leads_to=anew.leads_to)
