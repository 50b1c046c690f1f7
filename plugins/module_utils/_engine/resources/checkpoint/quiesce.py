# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server that is stopped while its snapshots are taken, and started again when they are available. Pure.

That a run has stopped it is noted on its boot disk before, with the server's id: so that the next run starts it where this one is broken
off, and no run starts a server that somebody else has stopped.
"""

from __future__ import annotations

from dataclasses import replace

from ...values.errors import Refused
from ...values.paths import path_of
from ...values.plan import Plan, Request
from ..server import requests, states
from ..server.record import Server
from ..volume.record import Volume, called
from .found import Found
from .phase import Phase, in_turn
from .removal import described
from .wanted import Wanted

QUIESCED = "bfv_checkpoint_quiesced"  # in the metadata of the boot disk: the server's id, and the checkpoint's name
_OFF = ("SHUTOFF", "SHELVED", "SHELVED_OFFLOADED")


def check(want: Wanted, server: Server, what: str) -> None:
    """Refuse first what Nova would refuse, and a status in which nobody knows what the machine has in its memory. Raises Refused."""
    if not want.quiesce or server.status in _OFF:
        return
    if server.status != "ACTIVE":
        raise Refused(f"Failed to {what} with quiesce: {states.why(server.status, server.id)}")
    requests.check_unlocked(server, what)


def is_noted(found: Found) -> bool:
    """Whether a run has stopped the server for a checkpoint, or was about to."""
    disk, server = found.root_disk, found.server
    return bool(disk and server and disk.metadata.get(QUIESCED, "").startswith(f"{server.id} "))


def _to_stop(want: Wanted, found: Found) -> tuple[Server, Volume] | None:
    """The server that this run is about to stop, and its root disk, which has the note."""
    server, disk = found.server, found.root_disk
    return (server, disk) if want.quiesce and server and disk and server.status == "ACTIVE" else None


def stop(want: Wanted, found: Found) -> Phase:
    """Note that, and stop the server. Nova lets the machine shut down by itself, for a while (shutdown_timeout of nova.conf)."""
    to_stop = _to_stop(want, found)
    if to_stop is None:
        return Phase()
    server, disk = to_stop
    body = {"metadata": {QUIESCED: f"{server.id} {want.name}"}}
    what = f"note on volume {called(disk)} that server {server.name} is stopped for checkpoint {want.name}"
    note = Request(what, "block_storage", "POST", path_of("volumes", disk.id, "metadata"), "volume", disk.id, body)
    words = f"stop server {server.name} ({server.id}) for checkpoint {want.name}"
    off = requests.destructive(server, requests.named(str(want.server), [server]), words, {"os-stop": None})
    noted = disk.metadata.get(QUIESCED) == body["metadata"][QUIESCED]
    return Phase((off,) if noted else (note, off), f"server {server.name} to be stopped")


def start(server: Server) -> Request:
    return requests.act(
        server, f"start server {server.name} ({server.id}), which was stopped for a checkpoint", {"os-start": None}
    )


def started(want: Wanted, found: Found, *, is_taken: bool) -> tuple[Phase, Phase]:
    """The server runs again, and then the note goes. ``is_taken``: the checkpoint is there, so that nothing is stopped any more."""
    server, disk = found.server, found.root_disk
    to_come = not is_taken and _to_stop(want, found) is not None
    if server is None or disk is None or not (is_noted(found) or to_come):
        return Phase(), Phase()
    if server.status == "SHUTOFF" or to_come:
        requests.check_unlocked(server, f"start server {server.name}")
        return Phase((start(server),), f"server {server.name} to be started"), Phase((_forget(disk),))
    return Phase(), Phase((_forget(disk),)) if server.status == "ACTIVE" else Phase()


def _forget(disk: Volume) -> Request:
    what = f"remove {QUIESCED} from the metadata of volume {called(disk)}"
    return Request(what, "block_storage", "DELETE", path_of("volumes", disk.id, "metadata", QUIESCED), "volume", disk.id)


def back(want: Wanted, found: Found) -> Plan | None:
    """What comes before a refusal, where a run has stopped the server: it runs again. None where it does, or cannot be started."""
    server = found.server
    if server is None or not is_noted(found) or server.locked:
        return None
    here = described(found.checkpoints)
    phases = started(replace(want, quiesce=False), found, is_taken=True)
    busy = Phase(waiting=f"server {server.name} ({server.status}) to come to rest" if server.is_busy else "")
    plan = in_turn(f"checkpoint {want.name} of {found.label}", here, here, (busy, *phases))
    return None if plan.settled else plan
