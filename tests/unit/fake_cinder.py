# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cinder and Glance as dictionaries: who may change what in which status, and what time brings.

What is here and how it is refused is Cinder's own; the places are named beside it (cinder 29). What other people do is in deeds.py.
"""

from __future__ import annotations

import ast
import math
from collections import Counter
from collections.abc import Iterable, Iterator
from copy import deepcopy
from typing import Any
from urllib.parse import unquote
from uuid import NAMESPACE_DNS, uuid5

from ansible_collections.bfv.openstack.plugins.module_utils._engine.cloud.errors import Rejected
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.plan import Request

Json = dict[str, Any]

BUSY = ("restoring-backup", "extending", "detaching", "retyping", "reverting")
DELETABLE = ("available", "error", "error_restoring", "error_extending", "error_managing")
GIB = 2**30
UNLIMITED = -1
TYPES = ("lvm", "fast", "slow", "ssd", "rbd")


def uuid_of(name: str) -> str:
    return str(uuid5(NAMESPACE_DNS, name))


def a_type(name: str = "lvm") -> Json:
    return {"id": uuid_of(f"volume type {name}"), "name": name}


def a_volume(name: str = "root", *, volume_type: str = "lvm", **fields: Any) -> Json:
    return {
        "id": uuid_of(name),
        "name": name,
        "status": "available",
        "size": 10,
        "bootable": "true",
        "volume_type": volume_type,
        "volume_type_id": a_type(volume_type)["id"],
        "availability_zone": "nova",
        "description": None,
        "metadata": {},
        "snapshot_id": None,
        "source_volid": None,
        "created_at": "2026-01-01T00:00:00.000000",
        "multiattach": False,
        "attachments": [],
        **fields,
    }


POOL = "os-vol-host-attr:host"


def a_pool(backend: str = "lvm", **capabilities: Any) -> Json:
    """What a thick backend of 100 GiB reports of its one pool, and nothing is on it."""
    return {
        "volume_backend_name": backend,
        "total_capacity_gb": 100.0,
        "free_capacity_gb": 100.0,
        "provisioned_capacity_gb": 0,
        "max_over_subscription_ratio": "20.0",
        "reserved_percentage": 0,
        "thin_provisioning_support": False,
        **capabilities,
    }


def virtual_free(pool: Json, *, thick: bool = False) -> float:
    """cinder/scheduler/sched_utils.py, calculate_capacity_factors, and filters/capacity_filter.py where it comes to no number."""
    total, free, percent = pool["total_capacity_gb"], pool["free_capacity_gb"], pool["reserved_percentage"]
    if free in ("infinite", "unknown"):
        return math.inf
    if total in ("infinite", "unknown"):
        return -1 if percent else math.inf
    available = total - math.floor(total * percent / 100)
    if pool["thin_provisioning_support"] and not thick:
        ratio = pool["max_over_subscription_ratio"]
        if ratio == "auto":
            used, provisioned = total - free, pool["provisioned_capacity_gb"]
            ratio = 1 + provisioned / (used + 1) if provisioned else 20.0
        return float(available * float(ratio) - pool["provisioned_capacity_gb"]) if float(ratio) >= 1 else -1
    return float(min(available - pool["provisioned_capacity_gb"], free))


def of_image(name: str = "debian") -> Json:
    """What a volume made from that image has more."""
    return {"volume_image_metadata": {"image_id": uuid_of(name)}}


def attached(server: str, device: str | None = "/dev/vda") -> Json:
    """What an attached volume has more. An attachment that somebody made without a device has none (cinder/api/v3/attachments.py)."""
    return {"status": "in-use", "attachments": [an_end(server, device)]}


def an_end(holder: str, device: str | None) -> Json:
    """What a volume tells of one attachment."""
    return {"server_id": holder, "device": device, "attachment_id": uuid_of(f"attachment for {holder}")}


def an_attachment(volume: str, instance: str | None) -> Json:
    """An attachment that was never completed (cinder/api/v3/views/attachments.py, summary)."""
    return {
        "id": uuid_of(f"attachment of {volume} for {instance}"),
        "status": "reserved",
        "instance": instance,
        "volume_id": uuid_of(volume),
    }


def an_image(name: str = "debian", **fields: Any) -> Json:
    return {"id": uuid_of(name), "name": name, "status": "active", "min_disk": 3, "size": 2**20, **fields}


def a_snapshot(name: str = "friday", volume: str = "root", **fields: Any) -> Json:
    return {
        "id": uuid_of(name),
        "name": name,
        "volume_id": uuid_of(volume),
        "status": "available",
        "size": 10,
        "metadata": {},
        "group_snapshot_id": None,
        "created_at": "2026-01-01T00:00:00.000000",
        **fields,
    }


def a_backup(name: str = "tape", of: Json | None = None, **fields: Any) -> Json:
    """A backup; that of a volume holds what the volume was called and marked with at that time."""
    kept = {key: deepcopy((of or {}).get(key)) for key in KEPT_IN_BACKUPS if of and key in of}
    size = of["size"] if of else 10
    return {"id": uuid_of(name), "name": name, "status": "available", "size": size, "_of": kept, **fields}


# cinder/backup/driver.py, _v2_restore_factory
KEPT_IN_BACKUPS = ("name", "description", "metadata", "volume_image_metadata")


def by_id(records: Iterable[Json]) -> dict[str, Json]:
    return {record.get("uuid") or record["id"]: deepcopy(record) for record in records}


def shown(record: Json) -> Json:
    """The record as a service shows it: what the fake notes for itself begins with an underscore."""
    return {key: deepcopy(value) for key, value in record.items() if not key.startswith("_")}


class FakeCinder:
    """Volumes, their snapshots, and what they are made from. ``_content`` of either is what is on it."""

    writes: list[Request]
    reads: list[str]

    def __init__(self, **records: Iterable[Json]) -> None:
        self.volumes = by_id(records.get("volumes", ()))
        self.snapshots = by_id(records.get("snapshots", ()))
        self.backups = by_id(records.get("backups", ()))
        self.images = by_id(records.get("images", ()))
        in_use = [a_type(volume["volume_type"]) for volume in self.volumes.values() if volume["volume_type"]]
        self.ended_connections: list[tuple[str, Json]] = []
        self.attachments = by_id(records.get("attachments", ()))  # those that are not complete: what keeps a volume reserved
        self.volume_types = by_id(records.get("volume_types", [*map(a_type, TYPES), *in_use]))
        self.zones = {"nova": True, "az1": True}  # and whether each is available
        self.zone_fallback = False  # allow_availability_zone_fallback of cinder.conf
        self.limits = {"volumes": UNLIMITED, "gigabytes": UNLIMITED}
        self.hides_quota = False
        self.pools: dict[str, Json] | None = None  # by their names; None where this user may not see them, and all have room
        self.drops_filters = False  # a filter that the service does not know counts as none
        self.list_repeats: set[str] = set()  # ids that a list tells twice: their records moved to the next page meanwhile
        self.list_misses: set[str] = set()  # ids that a list does not tell, once: they moved to a page that was read already
        self.volumes_end_in = "available"
        self.extensions_end_in = ""  # error_extending where the backend fails, or "back" where the scheduler finds no room
        self.retypes_fail = False
        self.deletions_fail = False
        self.snapshots_end_in = "available"
        self.reverts_end_in = "available"
        self.snapshot_deletions = "gone"  # or error_deleting, or busy: the backend keeps what a volume was made of
        self.made = 0  # counts what was made, for ids and times of their own

    # What is read

    def find_in_cinder(self, kind: str, name: str) -> Json | None:
        """The answer to a path that is Cinder's or Glance's, or None where there is no such thing. Cinder knows no names here."""
        if kind == "limits":
            return {"limits": {"rate": [], "absolute": self.absolute_limits()}}
        if kind == "os-quota-sets" and self.hides_quota:
            raise Rejected(
                "read the project's quota", "Cinder", 403, "Policy doesn't allow volume_extension:quotas:show to be performed."
            )
        if kind == "os-quota-sets":
            return {"quota_set": {"id": name, **self.quota()}}
        if kind == "scheduler-stats" and self.pools is None:
            raise Rejected(
                "read Cinder's pools", "Cinder", 403, "Policy doesn't allow scheduler_extension:scheduler_stats:get_pools."
            )
        if kind == "scheduler-stats":
            return {"pools": [{"name": pool, "capabilities": dict(told)} for pool, told in (self.pools or {}).items()]}
        if (kind, name) == ("types", "default"):
            return {"volume_type": deepcopy(next(iter(self.volume_types.values())))}
        if kind == "os-availability-zone":
            return {"availabilityZoneInfo": list(self._shown_zones())}
        if kind == "types":
            kind = "volume_types"
        found = next((one for one in getattr(self, kind).values() if one["id"] == name), None)
        if found is None or kind == "images":
            return shown(found) if found else None
        return {kind.removesuffix("s"): shown(found)}

    def absolute_limits(self) -> Json:
        """cinder/api/views/limits.py and contrib/used_limits.py"""
        used = self._used()
        return {
            "maxTotalVolumes": self.limits["volumes"],
            "totalVolumesUsed": used["volumes"],
            "maxTotalVolumeGigabytes": self.limits["gigabytes"],
            "totalGigabytesUsed": used["gigabytes"],
            "maxTotalSnapshots": self.limits.get("snapshots", UNLIMITED),
            "totalSnapshotsUsed": used["snapshots"],
        }

    def quota(self) -> Json:
        """cinder/api/contrib/quotas.py, with the limits of types by their names (cinder/quota.py, VolumeTypeQuotaEngine)."""
        used = self._used()
        return {name: {"limit": limit, "in_use": used.get(name, 0), "reserved": 0} for name, limit in self.limits.items()}

    def _used(self) -> dict[str, int]:
        used: Counter[str] = Counter()
        for one in self.volumes.values():
            for suffix in ("", f"_{one['volume_type']}"):
                used[f"volumes{suffix}"] += 1
                used[f"gigabytes{suffix}"] += one["size"]
        for one in self.snapshots.values():
            used["snapshots"] += 1
            if one["volume_id"] in self.volumes:
                used[f"snapshots_{self.volumes[one['volume_id']]['volume_type']}"] += 1
        return used

    def _shown_zones(self) -> Iterator[Json]:
        for name, available in self.zones.items():
            yield {"zoneName": name, "zoneState": {"available": available}, "hosts": None}

    def list_in_cinder(self, key: str, query: Json) -> Iterator[Json]:
        """Cinder's and Glance's lists. MariaDB compares without case, so the filters do."""
        if key == "availabilityZoneInfo":
            yield from self._shown_zones()
            return
        for record in list(getattr(self, key).values()):
            asked = {} if self.drops_filters else query
            if any(asked.get(name) is not None and not _alike(asked[name], record.get(name)) for name in ("name", "volume_id")):
                continue
            if not has_metadata(record, asked.get("metadata")):
                continue
            if key == "images" and not _listed_by_glance(record, asked):
                continue
            if record["id"] in self.list_misses:
                self.list_misses.discard(record["id"])
                continue
            yield shown(record)
            if record["id"] in self.list_repeats:
                yield shown(record)

    # Time

    def tick_volumes(self) -> None:
        for volume in list(self.volumes.values()):
            status = volume["status"]
            if status == "deleting" and self.deletions_fail:
                volume["status"] = "error_deleting"
            elif status == "deleting":
                del self.volumes[volume["id"]]
            elif status == "creating":
                volume["status"] = "downloading"
            elif status == "downloading" or status in BUSY:
                volume.update(volume.pop("_becomes", {"status": self.volumes_end_in}))

    def tick_snapshots(self) -> None:
        """cinder/volume/manager.py, create_snapshot and delete_snapshot."""
        for snapshot in list(self.snapshots.values()):
            if snapshot["status"] == "creating":
                snapshot["status"] = self.snapshots_end_in
            elif snapshot["status"] == "restoring" and self.volumes[snapshot["volume_id"]]["status"] != "reverting":
                snapshot["status"] = "available"
            elif snapshot["status"] == "deleting" and self.snapshot_deletions == "error_deleting":
                snapshot["status"] = "error_deleting"
            elif snapshot["status"] == "deleting" and self.snapshot_deletions == "busy" and self._is_used(snapshot):
                snapshot["status"] = "available"  # SnapshotIsBusy
            elif snapshot["status"] == "deleting":
                del self.snapshots[snapshot["id"]]

    def _is_used(self, snapshot: Json) -> bool:
        return any(one["snapshot_id"] == snapshot["id"] for one in self.volumes.values())

    # What is written

    def send_snapshot(self, request: Request, uuid: str, rest: list[str]) -> Json:
        body: Any = request.body
        if not uuid:
            return {"snapshot": self._create_snapshot(request, deepcopy(body["snapshot"]))}
        if uuid not in self.snapshots:
            raise _says(request, 404, f"Snapshot {uuid} could not be found.")
        snapshot = self.snapshots[uuid]
        if request.method == "DELETE":
            if snapshot["status"] not in ("available", "error") or snapshot["group_snapshot_id"]:
                raise _says(request, 400, "Snapshot status must be available or error and Snapshot must not be part of a group.")
            snapshot["status"] = "deleting"
            return {}
        assert rest == ["metadata"]
        snapshot["metadata"].update(body["metadata"])
        return {"metadata": dict(snapshot["metadata"])}

    def _create_snapshot(self, request: Request, wanted: Json) -> Json:
        """cinder/volume/api.py, create_snapshot_in_db; below microversion 3.66 a volume in use needs force (api/v3/snapshots.py)."""
        volume = self.volumes.get(wanted["volume_id"])
        if volume is None:
            raise _says(request, 404, f"Volume {wanted['volume_id']} could not be found.")
        usable = ("available", "in-use") if wanted.get("force") else ("available",)
        if volume["status"] not in usable:
            raise _says(
                request,
                400,
                f"Volume {volume['id']} status must be {', '.join(usable)}, but current status is: {volume['status']}.",
            )
        of_type = sum(self.volumes[one["volume_id"]]["volume_type"] == volume["volume_type"] for one in self.snapshots.values())
        for kind, used in (("snapshots", len(self.snapshots)), (f"snapshots_{volume['volume_type']}", of_type)):
            if used >= self.limits.get(kind, UNLIMITED) != UNLIMITED:
                raise _says(request, 413, f"Maximum number of {kind} allowed ({self.limits[kind]}) exceeded.")
        self.made += 1
        made = a_snapshot(
            wanted["name"],
            id=uuid_of(f"snapshot {self.made}"),
            volume_id=volume["id"],
            status="creating",
            size=volume["size"],
            metadata=wanted.get("metadata") or {},
            created_at=f"2026-01-02T00:00:00.{self.made:06}",
            _content=volume.get("_content"),
        )
        self.snapshots[made["id"]] = made
        return shown(made)

    def send_volume(self, request: Request, uuid: str, rest: list[str]) -> Json:
        body: Any = request.body
        if not uuid:
            return {"volume": self._create_volume(request, deepcopy(body["volume"]))}
        uuid, _mark, query = uuid.partition("?")
        if uuid not in self.volumes:
            raise _says(request, 404, f"Volume {uuid} could not be found.")
        volume = self.volumes[uuid]
        if request.method == "DELETE" and not rest:
            self._delete_volume(request, volume, cascade=query == "cascade=true")
        elif request.method == "DELETE":
            if unquote(rest[1]) not in volume["metadata"]:
                raise _says(request, 404, "Metadata item was not found.")
            del volume["metadata"][unquote(rest[1])]
        elif rest == ["metadata"]:
            volume["metadata"].update(body["metadata"])
            return {"metadata": dict(volume["metadata"])}
        elif "volume" in body:
            volume.update(body["volume"])
        elif "os-set_bootable" in body:
            volume["bootable"] = str(body["os-set_bootable"]["bootable"]).lower()
        elif "os-retype" in body:
            self._retype(request, volume, body["os-retype"]["new_type"])
        elif "revert" in body:
            self._revert(request, volume, body["revert"]["snapshot_id"])
        elif "os-terminate_connection" in body:
            self.ended_connections.append((uuid, body["os-terminate_connection"]["connector"]))
        elif "os-detach" in body:
            self._detach(request, volume, body["os-detach"]["attachment_id"])
        elif "os-extend" in body:
            self._extend(request, volume, body["os-extend"]["new_size"])
        else:
            raise AssertionError(f"the fake knows nothing of {body}")
        return {}

    def delete_attachment(self, request: Request, id: str) -> Json:
        """cinder/volume/api.py, attachment_delete: the last one of a reserved volume makes it available."""
        if id not in self.attachments:
            raise _says(request, 404, f"Volume attachment could not be found with filter: attachment_id = {id}.")
        volume = self.volumes[self.attachments.pop(id)["volume_id"]]
        if volume["status"] == "reserved" and all(one["volume_id"] != volume["id"] for one in self.attachments.values()):
            volume["status"] = "available"
        return {}

    def _detach(self, request: Request, volume: Json, id: str) -> None:
        """cinder/volume/api.py, detach, and cinder/volume/manager.py, detach_volume."""
        left = [one for one in volume["attachments"] if one["attachment_id"] != id]
        if left == volume["attachments"]:
            raise _says(request, 400, f"Volume {volume['id']} is not attached with attachment {id}.")
        volume.update(attachments=left, status="in-use" if left else "available")

    def type_of(self, request: Request, reference: str) -> Json:
        """cinder/objects/volume_type.py, get_by_name_or_id."""
        if reference in self.volume_types:
            return self.volume_types[reference]
        for one in self.volume_types.values():
            if _alike(one["name"], reference):  # the database's comparison again
                return one
        raise _says(request, 404, f"Volume type {reference} could not be found.")

    def _check_at_rest(self, request: Request, volume: Json) -> None:
        if volume["status"] not in ("available", "in-use"):
            raise _says(request, 400, f"Volume status must be available or in-use, not {volume['status']}.")

    def _retype(self, request: Request, volume: Json, reference: str) -> None:
        """cinder/volume/api.py, retype: to the type that it has is refused as well."""
        new = self.type_of(request, reference)
        self._check_at_rest(request, volume)
        if new["id"] == volume["volume_type_id"]:
            raise _says(request, 400, "Retype needs volume to be of another type than the requested one.")
        changed = {} if self.retypes_fail else {"volume_type": new["name"], "volume_type_id": new["id"]}
        volume.update(status="retyping", _becomes={"status": volume["status"], **changed})

    def _revert(self, request: Request, volume: Json, snapshot_id: str) -> None:
        """cinder/api/v3/volumes.py, revert, and cinder/volume/api.py, revert_to_snapshot: what is on it comes with its new status."""
        ones = [one for one in self.snapshots.values() if one["volume_id"] == volume["id"]]
        if not ones or (newest := max(ones, key=lambda one: one["created_at"]))["id"] != snapshot_id:
            words = f"Specified snapshot {snapshot_id} is None or not the latest one of volume {volume['id']}."
            raise _says(request, 400, words)
        if newest["size"] != volume["size"]:
            raise _says(request, 400, f"Can't revert volume {volume['id']}. The volume size must be equal to the snapshot size.")
        if volume["status"] != "available" or newest["status"] != "available":
            raise _says(request, 409, f"Can't revert volume {volume['id']}. Volume's status must be 'available'.")
        newest["status"] = "restoring"
        volume.update(status="reverting", _becomes={"status": self.reverts_end_in})
        if self.reverts_end_in == "available":
            volume["_becomes"]["_content"] = newest.get("_content")

    def _extend(self, request: Request, volume: Json, size: int) -> None:
        """cinder/volume/api.py, _extend; what comes of it cinder/scheduler/manager.py and cinder/volume/manager.py."""
        if size <= volume["size"]:
            raise _says(request, 400, f"New size for extend must be greater than current size ({volume['size']}).")
        self._check_at_rest(request, volume)
        self._check_quota(request, volume["volume_type"], size, volumes=0, gigabytes=size - volume["size"])
        ends = {"": {"status": volume["status"], "size": size}, "back": {"status": volume["status"]}}
        becomes = ends.get(self.extensions_end_in, {"status": self.extensions_end_in})
        volume.update(status="extending", _becomes=becomes)

    def _delete_volume(self, request: Request, volume: Json, *, cascade: bool) -> None:
        snapshots = [one["id"] for one in self.snapshots.values() if one["volume_id"] == volume["id"]]
        if volume["status"] not in DELETABLE or volume["attachments"] or (snapshots and not cascade):
            words = f"Volume status must be available or error, not {volume['status']}, and it must not have snapshots."
            raise _says(request, 400, words)
        for snapshot in snapshots:
            del self.snapshots[snapshot]
        volume["status"] = "deleting"

    def _check_quota(self, request: Request, volume_type: str, size: int, *, volumes: int, gigabytes: int) -> None:
        """cinder/volume/flows/api/create_volume.py, QuotaReserveTask, and cinder/volume/api.py, _extend. ``size`` is that of the whole volume."""
        largest = self.limits.get("per_volume_gigabytes", UNLIMITED)
        if size > largest != UNLIMITED:
            raise _says(request, 413, f"Requested volume size {size}G is larger than maximum allowed limit {largest}G.")
        used = self._used()
        for kind, amount in (("volumes", volumes), ("gigabytes", gigabytes)):
            for name in (kind, f"{kind}_{volume_type}"):
                most = self.limits.get(name, UNLIMITED)
                if most != UNLIMITED and amount and used[name] + amount > most:
                    raise _says(request, 413, f"Requested volume exceeds allowed {name} quota. Quota is {most}.")

    def _zone(self, request: Request, wanted: str | None, source: Json | None) -> str:
        """cinder/volume/flows/api/create_volume.py, _extract_availability_zones."""
        zone = wanted or (source or {}).get("availability_zone") or "nova"
        if zone in self.zones:
            return zone
        if self.zone_fallback:
            return "nova"
        raise _says(request, 400, f"Availability zone '{zone}' is invalid.")

    def _create_volume(self, request: Request, wanted: Json) -> Json:
        kind, source = self._source_of(request, wanted)
        volume_type = self.type_of(request, wanted["volume_type"]) if wanted.get("volume_type") else None
        zone = self._zone(request, wanted.get("availability_zone"), source if kind == "source_volid" else None)
        of = self._copied(kind, source)
        default = next(iter(self.volume_types.values()))
        type_fields = volume_type or {
            "name": of.get("volume_type", default["name"]),
            "id": of.get("volume_type_id", default["id"]),
        }
        if wanted["size"] < self._needs(kind, source):
            raise _says(request, 400, f"Volume size {wanted['size']}GB cannot be smaller than {self._needs(kind, source)}GB.")
        self._check_quota(request, type_fields["name"], wanted["size"], volumes=1, gigabytes=wanted["size"])
        self.made += 1
        made = a_volume(wanted["name"], id=uuid_of(f"volume {self.made}"), status="creating", bootable="false")
        made.update({key: value for key, value in wanted.items() if key in made and key != "volume_type"})
        made.update(volume_type=type_fields["name"], volume_type_id=type_fields["id"], availability_zone=zone)
        made["created_at"] = f"2026-01-02T00:00:00.{self.made:06}"
        made["bootable"] = of.get("bootable", made["bootable"])
        # the image's properties come when the disk is there (cinder/volume/flows/manager/create_volume.py)
        sound = self.volumes_end_in == "available"
        brought = deepcopy({key: of[key] for key in ("volume_image_metadata",) if key in of and sound})
        if source and kind in ("snapshot_id", "source_volid") and source.get("_content"):
            made["_content"] = source["_content"]
        made["_becomes"] = {"status": self.volumes_end_in, **brought, **self._brought(kind, source)}
        if self.pools is not None and not self._schedule(made, source if kind == "source_volid" else None):
            made["_becomes"] = {"status": "error"}  # No valid backend was found
        self.volumes[made["id"]] = made
        return shown(made)

    def _schedule(self, made: Json, source: Json | None) -> bool:
        """cinder/scheduler/filter_scheduler.py: the pool with the most room that fits takes the volume, and that of its source a clone."""
        specs = self.volume_types[made["volume_type_id"]].get("extra_specs", {})
        room = {
            name: virtual_free(pool, thick=specs.get("provisioning:type") == "thick")
            for name, pool in (self.pools or {}).items()
            if specs.get("volume_backend_name") in (None, pool["volume_backend_name"])
            if (source or {}).get(POOL) in (None, name)
        }
        fits = {name: free for name, free in room.items() if free >= made["size"]}
        if not fits:
            return False
        made[POOL] = max(fits, key=lambda name: fits[name])
        pool = (self.pools or {})[made[POOL]]
        pool["provisioned_capacity_gb"] += made["size"]
        if not isinstance(pool["free_capacity_gb"], str):
            pool["free_capacity_gb"] -= made["size"]
        return True

    def _source_of(self, request: Request, wanted: Json) -> tuple[str, Json | None]:
        kinds = {"imageRef": "images", "snapshot_id": "snapshots", "source_volid": "volumes", "backup_id": "backups"}
        for key, kind in kinds.items():
            if key not in wanted:
                continue
            source: Json | None = getattr(self, kind).get(wanted[key])
            if source is None:
                raise _says(request, 400 if key == "imageRef" else 404, f"{wanted[key]} could not be found.")
            usable = ("active",) if key == "imageRef" else ("available", "in-use") if key == "source_volid" else ("available",)
            if source["status"] not in usable:
                raise _says(request, 400, f"Originating status {source['status']} is not valid.")
            return key, source
        return "", None

    def _copied(self, kind: str, source: Json | None) -> Json:
        """The volume of which the new one has the type and, at once, what makes it bootable."""
        if source is None or kind not in ("snapshot_id", "source_volid"):
            return {}
        return self.volumes.get(source["volume_id" if kind == "snapshot_id" else "id"], {})

    @staticmethod
    def _needs(kind: str, source: Json | None) -> int:
        if source is None:
            return 1
        if kind != "imageRef":
            return int(source["size"])
        return max(source["min_disk"] or 0, math.ceil((source.get("virtual_size") or source["size"] or 0) / GIB), 1)

    def _brought(self, kind: str, source: Json | None) -> Json:
        """What a new volume has of its source, once it is there."""
        if source is None or self.volumes_end_in != "available":
            return {}
        if kind == "imageRef":
            return {"bootable": "true", "volume_image_metadata": {"image_id": source["id"]}}
        if kind == "backup_id":
            return of_backup(source)
        return {}


def of_backup(backup: Json) -> Json:
    """What a volume has of a backup that is written onto it: the whole metadata of the original, in place of its own (cinder/backup/driver.py)."""
    kept = {"metadata": {}, **backup["_of"]}
    copied = {key: deepcopy(kept[key]) for key in ("metadata", "volume_image_metadata") if key in kept}
    copied["metadata"]["src_backup_id"] = backup["id"]  # cinder/backup/manager.py, restore_backup
    return {**copied, "bootable": "true"} if "volume_image_metadata" in kept else copied


def _listed_by_glance(image: Json, query: Json) -> bool:
    """glance/db/sqlalchemy/api.py, image_get_all, and glance/api/v2/images.py, index: what is not asked for by name is left out."""
    visibility = image.get("visibility", "shared")
    asked = query.get("visibility")
    if asked is None and visibility == "community":
        return False
    if "id" in query and image["id"] not in str(query["id"]).removeprefix("in:").split(","):
        return False
    hidden = str(query.get("os_hidden", "false")).lower() == "true"
    return asked in (None, "all", visibility) and hidden == bool(image.get("os_hidden"))


def has_metadata(volume: Json, query: object) -> bool:
    """Cinder's filter ``metadata``: a literal of Python."""
    wanted = ast.literal_eval(str(query)) if query else {}
    return all(_alike(volume["metadata"].get(key), value) for key, value in wanted.items())


def _alike(one: object, other: object) -> bool:
    return one == other or (isinstance(one, str) and isinstance(other, str) and one.casefold() == other.casefold())


def _says(request: Request, status: int, words: str) -> Rejected:
    return Rejected(request.what, "Cinder", status, words)
