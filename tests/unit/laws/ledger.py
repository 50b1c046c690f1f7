# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run did to the things that were there before it, and whether its task lets it.

The rules are written down here once more, from the law and the documented options alone: nothing is imported of the engine, and
no mark is believed. Who made what is what this file has seen being made.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.bfv.openstack.tests.unit.fake_cinder import Json, shown
from ansible_collections.bfv.openstack.tests.unit.laws.world import Task, Watched
from ansible_collections.bfv.openstack.tests.unit.nova_records import ATTACHED, TASK

KINDS = ("volumes", "snapshots", "backups", "images", "volume_types", "nodes", "connectors", "targets")
GONE, OVERWRITTEN, STOPPED, DETACHED, CHANGED = "gone", "overwritten", "stopped", "without a disk of its own", "changed"
# What time changes of a volume that is at work.
_AT_WORK = ("creating", "downloading", "restoring-backup", "extending", "detaching", "retyping", "deleting")
_ON_THE_WAY = ("deploying", "deleting", "cleaning")

Records = dict[str, Json]
Allowed = dict[str, set[str]]


@dataclass
class Picture:
    """Everything that is there at a moment, by id."""

    things: dict[str, Records]

    def __getitem__(self, kind: str) -> Records:
        return self.things[kind]

    @property
    def everything(self) -> Records:
        return {id: one for records in self.things.values() for id, one in records.items()}

    def named(self, kind: str, reference: str) -> list[Json]:
        """Of a kind what a reference means exactly: that id, or else all of that name."""
        records = self.things[kind]
        if reference in records:
            return [records[reference]]
        return [one for one in records.values() if one["name"] == reference]

    def meant(self, kind: str, reference: str) -> set[str]:
        """The ids that a reference to a source may mean: of images of a name only the active ones, where there are such."""
        named = self.named(kind, reference)
        active = [one for one in named if kind == "images" and one["status"] == "active"]
        return {one["id"] for one in active or named}


def picture(cloud: Watched) -> Picture:
    things = {kind: {id: _all_of(one) for id, one in getattr(cloud, kind).items()} for kind in KINDS}
    things["servers"] = {id: _all_of(one) for id, one in cloud.compute.servers.items()}
    things["ports"] = {id: _all_of(one) for id, one in cloud.network.ports.items()}
    return Picture(things)


def _all_of(record: Json) -> Json:
    kept = {key: record[key] for key in ("_content", "_root", "_root_device") if key in record}
    return {**shown(record), **kept}


@dataclass
class Ledger:
    """Who made what. ``made`` are the ids of what runs made; all else is somebody's."""

    made: set[str] = field(default_factory=set)

    def note(self, before: Picture, after: Picture) -> None:
        """Of what came during a run, all was made by it: nobody else was at work."""
        self.made |= set(after.everything) - set(before.everything)

    def wrongs(
        self, cloud: Watched, tasks: Iterable[Task], before: Picture, after: Picture, begun: Picture | None = None
    ) -> list[str]:
        """What the runs of these tasks did to what was there and may not have done, in words.

        ``begun`` is what was there when a run began that these finish: they may do what that might.
        """
        allowed: Allowed = {}
        for task in tasks:
            for seen in (before, begun) if begun else (before,):
                _add(allowed, _RULES[task.module](self, cloud, task.options, seen))
        wrong = []
        for kind, records in before.things.items():
            for id, was in records.items():
                for deed, how in _deeds(kind, was, after[kind].get(id)):
                    if deed not in allowed.get(id, ()):
                        wrong.append(f"{kind.removesuffix('s')} {was.get('name') or ''} {id} is {deed} ({how})")
        return wrong

    # The rules of each module: what of the things that were there it may do what to

    def volume(self, cloud: Watched, want: Mapping[str, Any], before: Picture) -> Allowed:
        ones = sorted(before.named("volumes", want.get("id") or want["name"]), key=lambda one: (one["created_at"], one["id"]))
        allowed = self._golden(want, before)
        if want.get("state") == "absent":
            if len(ones) == 1:
                allowed[ones[0]["id"]] = {GONE, CHANGED}
                allowed |= self._snapshots(want, before, ones[0])
            return allowed
        if len(ones) == 1 or (len(ones) == 2 and self._succeeds(ones[1], ones[0])):
            allowed[ones[-1]["id"]] = {CHANGED}
            if self._is_made_anew(cloud, want, before, ones[0]) and not want.get("id"):
                allowed[ones[0]["id"]] = {GONE, CHANGED}
                allowed |= self._snapshots(want, before, ones[0])
        return allowed

    def _snapshots(self, want: Mapping[str, Any], before: Picture, volume: Json) -> Allowed:
        mine = [one["id"] for one in before["snapshots"].values() if one["volume_id"] == volume["id"]]
        return {id: {GONE} for id in mine} if want.get("cascade") else {}

    def _succeeds(self, new: Json, old: Json) -> bool:
        return new["id"] in self.made and new["metadata"].get("bfv_replaces") == old["id"]

    def _is_made_anew(self, cloud: Watched, want: Mapping[str, Any], before: Picture, volume: Json) -> bool:
        if volume["id"] not in self.made or want.get("recreate", "never") == "never":
            return False
        if volume["status"] == "error":
            return volume["id"] not in cloud.were_available
        return want["recreate"] == "on_drift" and bool(self._differs(want, before, volume))

    @staticmethod
    def _differs(want: Mapping[str, Any], before: Picture, volume: Json) -> list[str]:
        """What is known to be otherwise than the task wants it, and cannot be changed."""
        origins = {
            "image": (volume.get("volume_image_metadata") or {}).get("image_id"),
            "snapshot": volume["snapshot_id"],
            "volume": volume["source_volid"],
        }
        differs = []
        for kind, origin in origins.items():
            if want.get(kind) and origin and origin not in before.meant(f"{kind}s", want[kind]):
                differs.append(kind)
        if want.get("volume_type") and not want.get("retype"):
            differs += ["type"] * (want["volume_type"] not in (volume["volume_type"], volume["volume_type_id"]))
        if want.get("availability_zone"):
            differs += ["zone"] * (want["availability_zone"] != volume["availability_zone"])
        return differs

    def _golden(self, want: Mapping[str, Any], before: Picture) -> Allowed:
        """Golden volumes are the collection's own tools: those that it made."""
        if not want.get("via_golden"):
            return {}
        images = before.meant("images", want["image"])
        allowed: Allowed = {}
        for one in before["volumes"].values():
            image = one["metadata"].get("bfv_golden_image_id")
            if one["id"] not in self.made or not image or not one["name"].startswith(f"golden-{image}"):
                continue
            allowed[one["id"]] = {CHANGED}
            if want.get("prune_golden") and (image not in images or one["metadata"].get("bfv_made", "").startswith("new")):
                allowed[one["id"]].add(GONE)
        return allowed

    # Servers

    def server(self, cloud: Watched, want: Mapping[str, Any], before: Picture) -> Allowed:
        ones = before.named("servers", want.get("id") or want["name"])
        allowed: Allowed = self._notes(want, before)
        if not ones and want.get("on_image_change") == "reimage" and "name" in want:
            # booted from again, it is the new server's root, and has another image than the task asks for
            name = (want.get("boot") or {}).get("volume_name") or f"{want['name']}-boot"
            _add(allowed, {one["id"]: {OVERWRITTEN} for one in before.named("volumes", name) if one["id"] in self.made})
        if not ones and "name" in want:
            # its disk's making failed: recreate=on_error makes that anew
            disks = before.named("volumes", (want.get("boot") or {}).get("volume_name") or f"{want['name']}-boot")
            _add(allowed, {disk["id"]: {GONE, CHANGED} for disk in disks if self._is_made_anew(cloud, want, before, disk)})
        if len(ones) != 1:
            return allowed
        (one,) = ones
        flags = {disk["id"]: disk["delete_on_termination"] for disk in one[ATTACHED]}
        for disk in flags:
            allowed[disk] = {CHANGED}  # it is attached, detached, noted on
        allowed[one["id"]] = {CHANGED}
        _add(allowed, {port["id"]: {CHANGED, GONE} for port in before["ports"].values() if port["device_id"] == one["id"]})
        if want.get("state") == "absent":
            return self._removed(want, one, flags, allowed)
        if want.get("state") in ("stopped", "shelved"):
            allowed[one["id"]].add(STOPPED)
        if want.get("other_volumes") == "detach":
            allowed[one["id"]].add(DETACHED)
        return self._changed(want, before, one, allowed)

    @staticmethod
    def _removed(want: Mapping[str, Any], one: Json, flags: Mapping[str, bool], allowed: Allowed) -> Allowed:
        fate = {"keep": False, "delete": True}.get(want.get("boot_volume_on_delete", "as_attached"))
        allowed[one["id"]].add(GONE)
        for disk, goes in flags.items():
            if goes if fate is None or disk != one["_root"] else fate:
                allowed[disk].add(GONE)
        return allowed

    def _changed(self, want: Mapping[str, Any], before: Picture, one: Json, allowed: Allowed) -> Allowed:
        root = before["volumes"].get(one["_root"] or "")
        images = before.meant("images", (want.get("boot") or {}).get("image") or "")
        has = ((root or {}).get("volume_image_metadata") or {}).get("image_id")
        another = bool(root and images and has and has not in images)
        flavor = want.get("flavor") not in (None, one["flavor"]["original_name"])
        failed = one["status"] == "ERROR" and want.get("recreate") == "on_error"
        if root and another and want.get("on_image_change") == "reimage":
            allowed[root["id"]].add(OVERWRITTEN)
        if root and another and want.get("on_image_change") == "replace":
            allowed[one["id"]].add(GONE)
            fate = {"keep": False, "delete": True}.get(want.get("boot_volume_on_delete", "as_attached"))
            goes = any(disk["delete_on_termination"] for disk in one[ATTACHED] if disk["id"] == root["id"])
            if goes if fate is None else fate:
                allowed[root["id"]].add(GONE)  # it would have gone with its server, or the task lets it go
        if root and self._exchanges(want, before, root):
            allowed[one["id"]].add(GONE)  # its disk never goes, whatever was to become of that
        if failed or (flavor and want.get("on_flavor_change") == "replace"):
            allowed[one["id"]].add(GONE)
        if flavor and want.get("on_flavor_change") == "resize":
            allowed[one["id"]].add(STOPPED)
        return allowed

    @staticmethod
    def _exchanges(want: Mapping[str, Any], before: Picture, root: Json) -> bool:
        named = (want.get("boot") or {}).get("volume")
        permitted = want.get("on_boot_volume_change") == "replace"
        return bool(named) and permitted and root["id"] not in before.meant("volumes", named)

    @staticmethod
    def _notes(want: Mapping[str, Any], before: Picture) -> Allowed:
        """The disks that the task names are attached; and what a run noted on a disk of a server of that name, another one clears."""
        boot, devices = want.get("boot") or {}, want.get("block_devices") or ()
        names = {boot.get("volume"), *(one.get("volume_id") for one in devices)}
        names.add(boot.get("volume_name") or (f"{want.get('name')}-boot" if boot.get("image") or boot.get("snapshot") else None))
        named = {one["id"]: {CHANGED} for name in names if name for one in before.named("volumes", name)}
        notes = {id: _note_on(one) for id, one in before["volumes"].items() if _note_on(one)}
        # what an unfinished replacement for an image was to let go, a task that permits the same lets go; never what was exchanged
        finishes = want.get("on_image_change") == "replace" and want.get("boot_volume_on_delete") != "keep"
        goes = {id for id, text in notes.items() if finishes and '"kept":true' not in text}
        return {**{id: {CHANGED, GONE} if id in goes else {CHANGED} for id in notes}, **named}

    # Checkpoints

    def checkpoint(self, cloud: Watched, want: Mapping[str, Any], before: Picture) -> Allowed:
        """Of the snapshots that runs made for a machine of that name: those that the task names, or that it keeps no longer."""
        node = bool(want.get("node"))
        ones = before.named("nodes", want["node"]) if node else before.named("servers", want["server"])
        of = f"node {ones[0]['uuid']}" if node and ones else f"server {ones[0]['name'] if len(ones) == 1 else want.get('server')}"
        sets: dict[str, list[Json]] = {}
        for one in before["snapshots"].values():
            if one["id"] in self.made and one["metadata"].get("bfv_checkpoint_of") == of:
                sets.setdefault(one["metadata"]["bfv_checkpoint_set"], []).append(one)
        mine = [each for each in sets.values() if each[0]["metadata"]["bfv_checkpoint"] == want["name"]]
        absent = want.get("state") == "absent"
        allowed: Allowed = {
            one["id"]: {CHANGED, *([GONE] if absent or not _was_complete(each) else [])} for each in mine for one in each
        }
        others = sorted(
            (each for each in sets.values() if each not in mine), key=lambda each: min(one["created_at"] for one in each)
        )
        complete = [each for each in others if _is_complete(each)]
        used = {one["snapshot_id"] for one in before["volumes"].values()}
        if want.get("keep") and len(complete) >= want["keep"] - 1:
            kept = complete[len(complete) - (want["keep"] - 1) :]
            for each in others[: others.index(kept[0]) if kept else len(others)]:
                if _was_complete(each) and not used & {one["id"] for one in each}:
                    _add(allowed, {one["id"]: {GONE, CHANGED} for one in each})  # its status, where Cinder cannot delete it
        if want.get("state") == "reverted":
            goes_back = self._node_goes_back if node else self._goes_back
            return goes_back(cloud, want, ones, sets.values(), before)
        if not absent and len(ones) == 1 and not node:  # it is stopped, started, and that is noted on its disk
            allowed[ones[0]["id"]] = {CHANGED, *([STOPPED] if want.get("quiesce") else [])}
            _add(allowed, {disk["id"]: {CHANGED} for disk in ones[0][ATTACHED]})
        return allowed

    def _goes_back(
        self, cloud: Watched, want: Mapping[str, Any], ones: list[Json], sets: Iterable[list[Json]], before: Picture
    ) -> Allowed:
        """A server is made anew around other disks. None of its own goes, or is written onto; nor does a snapshot, but rests of this."""
        allowed: Allowed = self._notes({}, before)
        _add(allowed, self._on_the_way_back(cloud, want, sets, before))
        for one in ones if len(ones) == 1 else []:
            _add(allowed, {one["id"]: {CHANGED, STOPPED, DETACHED, GONE}})
            _add(allowed, {disk["id"]: {CHANGED} for disk in one[ATTACHED]})
            _add(allowed, {port["id"]: {CHANGED, GONE} for port in before["ports"].values() if port["device_id"] == one["id"]})
        return allowed

    def _on_the_way_back(self, cloud: Watched, want: Mapping[str, Any], sets: Iterable[list[Json]], before: Picture) -> Allowed:
        """New disks, of which one whose making failed is made anew, and rests of a safety checkpoint."""
        allowed: Allowed = {}
        for one in before["volumes"].values():
            if "bfv_reverted_to" in one["metadata"]:
                failed = one["id"] in self.made and one["status"] == "error" and one["id"] not in cloud.were_available
                _add(allowed, {one["id"]: {CHANGED, *([GONE] if failed else [])}})
        for each in sets:
            is_safety = each[0]["metadata"]["bfv_checkpoint"].startswith(f"before-{want['name']}-")
            if is_safety and not _was_complete(each):
                _add(allowed, {one["id"]: {CHANGED, GONE} for one in each})
        return allowed

    def _node_goes_back(
        self, cloud: Watched, want: Mapping[str, Any], ones: list[Json], sets: Iterable[list[Json]], before: Picture
    ) -> Allowed:
        """A node is deployed from other disks. None of its own goes; without safety it is written onto, by the newest of its snapshots."""
        sets = list(sets)
        allowed = self._on_the_way_back(cloud, want, sets, before)
        for node in ones:
            targets = self._targets(before, node)
            _add(allowed, {node["uuid"]: {CHANGED, STOPPED}})
            _add(allowed, {one["uuid"]: {CHANGED, GONE} for one in targets})
            _add(allowed, {one["volume_id"]: {CHANGED} for one in targets})  # Ironic attaches and detaches
            named = {one["volume_id"] for one in targets}
            others = {one["volume_id"] for one in before["targets"].values()} - named
            own = {id for id, one in before["volumes"].items() if id in named or "bfv_reverted_to" in one["metadata"]}
            mine = [one for each in sets for one in each if one["metadata"]["bfv_checkpoint"] == want["name"]]
            for one in mine if not want["safety"] else []:
                _add(allowed, {one["id"]: {CHANGED}})
                of_it = [other for other in before["snapshots"].values() if other["volume_id"] == one["volume_id"]]
                if one["volume_id"] in own - others and one["created_at"] == max(other["created_at"] for other in of_it):
                    _add(allowed, {one["volume_id"]: {OVERWRITTEN, CHANGED}})
        return allowed

    # Nodes

    def connector(self, cloud: Watched, want: Mapping[str, Any], before: Picture) -> Allowed:
        allowed: Allowed = {}
        for node in before.named("nodes", want["node"]):
            for one in before["connectors"].values():
                if one["node_uuid"] == node["uuid"] and one["type"] == want.get("type", "iqn"):
                    allowed[one["uuid"]] = {CHANGED, GONE}
            allowed[node["uuid"]] = self._power(want, node)
        return allowed

    def target(self, cloud: Watched, want: Mapping[str, Any], before: Picture) -> Allowed:
        allowed: Allowed = {}
        for node in before.named("nodes", want["node"]):
            if not node["instance_uuid"]:
                allowed = {
                    one["uuid"]: {CHANGED, GONE} for one in self._targets(before, node) if one["boot_index"] == want["boot_index"]
                }
            allowed[node["uuid"]] = self._power(want, node)
        return allowed

    @staticmethod
    def _power(want: Mapping[str, Any], node: Json) -> set[str]:
        """A node is powered off by permission, and never where a machine may run on it."""
        free = node["provision_state"] in _FREE and not node["instance_uuid"]
        return {STOPPED, CHANGED} if want.get("power_off") and free else set()

    @staticmethod
    def _targets(before: Picture, node: Json) -> list[Json]:
        return [one for one in before["targets"].values() if one["node_uuid"] == node["uuid"]]

    def fleet(self, cloud: Watched, want: Mapping[str, Any], before: Picture) -> Allowed:
        allowed: Allowed = {}
        for entry in want["nodes"]:
            for node in before.named("nodes", entry["node"]):
                if not node["instance_uuid"]:
                    _add(allowed, self._node(cloud, want, entry, node, before))
                    _add(allowed, self._taken_over(want, entry, node, before))
        return allowed

    def _taken_over(self, want: Mapping[str, Any], entry: Json, node: Json, before: Picture) -> Allowed:
        """Of another node that has a disk of the entry: that disk, what leads to it, its initiator, and its machine. Nothing of it goes."""
        mode, allowed = want.get("takeover", "never"), Allowed()
        disks = {one["id"] for volume in entry["volumes"] for one in before.named("volumes", volume.get("id") or volume["name"])}
        was = {uuid for one in self._targets(before, node) for uuid in one["extra"].get("bfv_taken_from", "").split(",")}
        for other in before["nodes"].values():
            targets = [one for one in self._targets(before, other) if one["volume_id"] in disks]
            held = {end["server_id"] for disk in disks for end in before["volumes"][disk]["attachments"]}
            has = targets or other["uuid"] in held | was
            named = mode == "powered_off" or (mode == "confirmed" and other["name"] in want["takeover_confirmed"])
            if has and named and other["uuid"] != node["uuid"] and not other["instance_uuid"] and not other["protected"]:
                iqns = [
                    one for one in before["connectors"].values() if one["node_uuid"] == other["uuid"] and one["type"] == "iqn"
                ]
                _add(allowed, {other["uuid"]: {CHANGED, STOPPED}})
                _add(allowed, {one["uuid"]: {CHANGED} for one in (*targets, *iqns)})
                _add(allowed, {disk: {CHANGED} for disk in disks})
        return allowed

    def _node(self, cloud: Watched, want: Mapping[str, Any], entry: Json, node: Json, before: Picture) -> Allowed:
        state = want.get("state", "deployed")
        going = state in ("undeployed", "absent")
        targets = self._targets(before, node)
        allowed: Allowed = {node["uuid"]: {CHANGED}}
        if going or (state == "deployed" and want.get("on_drift") == "redeploy"):
            allowed[node["uuid"]].add(STOPPED)
        allowed[node["uuid"]] |= self._power(want, node)
        _add(allowed, {one["uuid"]: {CHANGED, GONE} for one in targets})
        _add(allowed, {one["volume_id"]: {CHANGED} for one in targets})  # Ironic attaches and detaches
        for one in before["connectors"].values():
            if one["node_uuid"] == node["uuid"] and (not going or one["connector_id"] == f"{_IQN}{node['uuid']}"):
                allowed[one["uuid"]] = {CHANGED, GONE} if state != "undeployed" else set()
        for volume in entry.get("volumes", ()):
            if not going:
                _add(allowed, self.volume(cloud, {**volume, "via_golden": want.get("golden") and "image" in volume}, before))
            elif want.get("volumes_on_undeploy") == "delete":
                _add(allowed, self._released(volume, node, before))
        return allowed

    def _released(self, want: Json, node: Json, before: Picture) -> Allowed:
        """With its node goes a volume that was made here, is named by its name, and that no other node's target names."""
        ones = before.named("volumes", want.get("id") or want["name"])
        others = {one["volume_id"] for one in before["targets"].values() if one["node_uuid"] != node["uuid"]}
        if len(ones) != 1 or want.get("id") or ones[0]["id"] not in self.made or others & {ones[0]["id"], ones[0]["name"]}:
            return {}
        return {ones[0]["id"]: {GONE, CHANGED}, **self._snapshots(want, before, ones[0])}


_FREE = ("enroll", "manageable", "available", "adopt failed", "deploy failed", "clean failed", "inspect failed", "error")
_IQN = "iqn.2017-08.org.openstack."
_RULES = {
    "volume": Ledger.volume,
    "server": Ledger.server,
    "fleet": Ledger.fleet,
    "connector": Ledger.connector,
    "target": Ledger.target,
    "checkpoint": Ledger.checkpoint,
}


def _was_complete(snapshots: list[Json]) -> bool:
    """Whether a run has seen the whole set available, and noted that in one of them."""
    return any(one["metadata"].get("bfv_made") == one["id"] for one in snapshots)


def _is_complete(snapshots: list[Json]) -> bool:
    whole = len(snapshots) == int(snapshots[0]["metadata"]["bfv_checkpoint_disks"])
    return whole and _was_complete(snapshots) and all(one["status"] not in ("error", "error_deleting") for one in snapshots)


def _note_on(volume: Json) -> str:
    """What a run noted on a disk, in one piece."""
    return "".join(value for key, value in sorted(volume["metadata"].items()) if key.startswith("bfv_note"))


def _add(allowed: Allowed, more: Allowed) -> None:
    for id, deeds in more.items():
        allowed.setdefault(id, set()).update(deeds)


def _deeds(kind: str, was: Json, now: Json | None) -> Iterable[tuple[str, str]]:
    """What was done to a thing: the deed, and how it shows."""
    if _is_going(was):
        return
    if now is None or _is_going(now):
        yield GONE, "nothing is left of it"
        return
    if now.get("_content") != was.get("_content"):
        yield OVERWRITTEN, f"{was.get('_content')} was on it, and {now.get('_content')} is"
    if kind == "servers" and was["status"] == "ACTIVE" and now["status"] in ("SHUTOFF", "SHELVED", "SHELVED_OFFLOADED"):
        yield STOPPED, "it ran"
    if kind == "servers" and now["status"] != "DELETED":
        lost = {disk["id"] for disk in was[ATTACHED]} - {disk["id"] for disk in now[ATTACHED]}
        yield from ((DETACHED, f"it had {disk}") for disk in sorted(lost))
    if kind == "nodes" and _runs(was) and not _runs(now):
        yield STOPPED, f"it was {was['provision_state']}"
    at_work = was.get("status") in _AT_WORK or was.get(TASK) or was.get("provision_state") in _ON_THE_WAY
    differs = [] if at_work else [key for key in {**was, **now} if key != "_content" and was.get(key) != now.get(key)]
    if differs:
        yield CHANGED, ", ".join(f"{key}: {was.get(key)} -> {now.get(key)}" for key in sorted(differs))


def _runs(node: Json) -> bool:
    return bool(node["power_state"] == "power on" and node["provision_state"] != "deleting")


def _is_going(one: Json) -> bool:
    return one.get("status") == "deleting" or one.get(TASK) == "deleting"


def holders(before: Picture, volume: str) -> list[Json]:
    """The servers that have the volume."""
    return [one for one in before["servers"].values() if volume in {disk["id"] for disk in one[ATTACHED]}]
