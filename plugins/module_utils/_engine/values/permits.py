# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The right to destroy, as a value.

A request that destroys something carries a Permit for each thing that goes, and is refused without (``check``). Only the
functions of this file make one, and each wants the proof: the run created the thing itself, the task names it, or the service
calls it the root of what the task names and an option says what becomes of it. A name or a mark helps to find a thing; it never
permits to destroy it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from . import references
from .errors import Refused


@dataclass(frozen=True)
class Permit:
    """That the thing of this id may go, and why."""

    id: str
    why: str
    proven: bool = True


class Destructive(Protocol):
    """What is looked at of a request."""

    @property
    def what(self) -> str: ...
    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def body(self) -> object: ...
    @property
    def permits(self) -> tuple[Permit, ...]: ...


def created(id: str, made: Collection[str], mark: str | None = None) -> Permit:
    """For what this run made. ``made`` are the ids of the answers to its own requests, and the marks of those that had none.

    ``mark`` is one that the thing has of nobody but the request that made it.
    """
    if id not in made and mark not in made:
        raise _unproven(id, "this run did not make it")
    return Permit(id, "this run made it")


def named(label: str, matches: Iterable[tuple[str, str | None]], option: str = "") -> Permit:
    """For what the task names, by its id or by a name that matches once. ``matches`` are the ids and names of all that may be meant."""
    found = references.matching(label, matches, lambda one: one)
    if len(found) != 1:
        raise _unproven(label, f"{len(found)} have that name or id")
    return Permit(found[0][0], f"the task names it ({option})" if option else "the task names it")


def part(id: str, owner: str, of: Permit) -> Permit:
    """For what belongs to a thing that the task names: a record of a node. ``owner`` is the id that the record itself tells."""
    if owner != of.id:
        raise _unproven(id, f"it belongs to {owner}, and not to {of.id}")
    return Permit(id, f"it belongs to {of.id}, and {of.why}")


def root(id: str, seen: str | None, option: str) -> Permit:
    """For the disk that the service calls the root of what the task names, where an option says what becomes of it."""
    if id != seen:
        raise _unproven(id, "the service does not call it the root")
    return Permit(id, f"the service calls it the root, and {option} says what becomes of it")


def goes_along(id: str, attached: Mapping[str, bool], of: Permit) -> Permit:
    """For a disk that the service itself removes with its server. ``attached`` tells of each disk whether it goes along."""
    if not attached.get(id):
        raise _unproven(id, "it does not go with its server")
    return Permit(id, f"it goes with {of.id} (delete_on_termination), and {of.why}")


def replaced(id: str, by: str, *, replaces: str | None, is_ours: bool, option: str) -> Permit:
    """For what the task has made anew: the new one is there, is this collection's own, and says itself whose place it takes."""
    if replaces != id or not is_ours or by == id:
        raise _unproven(id, f"{by} does not take its place")
    return Permit(id, f"{by} takes its place ({option})")


def written_over(id: str, of: str, snapshot: Permit, option: str) -> Permit:
    """For a disk onto which its own snapshot is written. ``of`` is the volume that the service calls the snapshot's."""
    if id != of:
        raise _unproven(id, f"snapshot {snapshot.id} is of {of}")
    return Permit(id, f"snapshot {snapshot.id} is of it ({option}), and {snapshot.why}")


def outdated(id: str, *, is_ours: bool, option: str) -> Permit:
    """For what this collection made for itself under that very id, and an option lets go when it is of no more use."""
    if not is_ours:
        raise _unproven(id, "this collection did not make it")
    return Permit(id, f"this collection made it for itself ({option})")


def fillable(id: str, *, blank: bool, unfinished: bool, anew: bool) -> Permit:
    """For a disk that an image is written to: nothing is on it, or what this collection began to write there, or the task says so."""
    if blank:
        return Permit(id, "nothing is on it: all of it was read")
    if unfinished:
        return Permit(id, "a run that ended too early has begun to write it")
    if not anew:
        raise _unproven(id, "it holds something")
    return Permit(id, "the task names it (write: anew)")


def sown(id: str, *, content: str, anew: bool) -> Permit:
    """For the partition of a config drive, by what is in it: nothing, or a seed of this collection, or the task says so."""
    if content in ("empty", "seed", "unfinished"):
        return Permit(id, "it is for the node's own data, and has nothing else")
    if not anew:
        raise _unproven(id, "it has a config drive that this collection did not write")
    return Permit(id, "the task names it (write: anew)")


def left_over(id: str, *, of: str, is_there: bool) -> Permit:
    """For the reservation of a thing for a server that the service does not show. ``of`` is the server's id."""
    if not of:
        raise _unproven(id, "the service does not say whose it is")
    if is_there:
        raise _unproven(id, f"it is of {of}, which is there")
    return Permit(id, f"it is of {of}, which is not there")


def of_ended_run(id: str, *, of: str, noted: str, attached: str, ended: bool) -> Permit:
    """For the attachment that a killed run of this collection has left: the volume's own note names it, and its process has ended."""
    if noted != of or attached != id:
        raise _unproven(id, f"{of} does not say that this collection attached it")
    if not ended:
        raise _unproven(id, "the run that made it may not have ended")
    return Permit(id, "a run that was killed has left it")


def displaced(id: str, *, has: Collection[str], wanted: Collection[str], option: str) -> Permit:
    """For a node, or its hold on a disk, that is in the way of another. ``has`` is what the services say of it, ``wanted`` what the task asks for."""
    common = sorted(set(has) & set(wanted))
    if not common:
        raise _unproven(id, "it has nothing that is asked for")
    return Permit(id, f"it has {common[0]}, which the task gives to another node ({option})")


def foreseen(id: str, why: str) -> Permit:
    """For what a later request will destroy, when the proof is there: it is shown, and permits nothing."""
    return Permit(id, why, proven=False)


def _unproven(id: str, why: str) -> Refused:
    return Refused(f"Failed to destroy {id}: {why}. Nothing was changed.")


_UUID = r"([^/?]+)"
# What a path destroys when it is deleted.
_DELETED = re.compile(
    rf"/(?:volumes|servers|attachments|snapshots|backups|images|volume/targets|volume/connectors)/{_UUID}(?:\?.*)?"
)
_ACTION = re.compile(rf"/(?:servers|volumes)/{_UUID}/action")
_NODE_STATE = re.compile(rf"/nodes/{_UUID}/states/(?:power|provision)")
_ATTACHMENT = re.compile(rf"/servers/[^/]+/os-volume_attachments/{_UUID}")
# Nova's and Cinder's actions that overwrite a disk, end a machine's work, or cannot be taken back.
_DESTRUCTIVE_ACTIONS = (
    "rebuild",
    "resize",
    "confirmResize",
    "revertResize",
    "os-stop",
    "forceDelete",
    "shelve",
    "shelveOffload",
    "os-reimage",
    "os-detach",
    "revert",
    "os-force_delete",
    "os-force_detach",
)
# Of a node's power and provision states: those that end its work. A deployment writes to the disk that its targets name.
_OFF = ("power off", "soft power off", "rebooting", "soft rebooting", "deleted", "rebuild")


def victim(request: Destructive) -> str | None:
    """The id of what the request destroys, overwrites or powers off; None where it does nothing of that kind. By method and path alone."""
    body = request.body if isinstance(request.body, Mapping) else {}
    if request.method == "DELETE":
        # All that is deleted counts, but a key of a record's metadata or a tag.
        if re.search(r"/(metadata|tags)/[^/]+$", request.path):
            return None
        match = _DELETED.fullmatch(request.path) or _ATTACHMENT.fullmatch(request.path)
        return match[1] if match else request.path
    if (match := _ACTION.fullmatch(request.path)) and any(action in body for action in _DESTRUCTIVE_ACTIONS):
        return match[1]
    if (match := _NODE_STATE.fullmatch(request.path)) and body.get("target") in _OFF:
        return match[1]
    if match := _ATTACHMENT.fullmatch(request.path):
        return match[1] if (body.get("volumeAttachment") or {}).get("delete_on_termination") else None
    return None


def check(request: Destructive) -> None:
    """Refuse a request that destroys something without a permit for it, or without its id in its words."""
    id = victim(request)
    if id is None:
        return
    if id not in {permit.id for permit in request.permits if permit.proven}:
        raise _unproven(id, f"«{request.what}» has no permit for it, which is an error of this collection")
    if id not in request.what:
        raise _unproven(id, f"«{request.what}» does not name it, which is an error of this collection")


def check_of(permit: Permit, id: str) -> None:
    """Refuse to write where the permit is not of what is written."""
    if not permit.proven or permit.id != id:
        raise _unproven(id, "there is no permit for it, which is an error of this collection")
