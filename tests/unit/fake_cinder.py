# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""Cinder and Glance as dictionaries: who may change what in which status, and what time brings."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterable
from copy import deepcopy
from typing import Any
from urllib.parse import unquote
from uuid import NAMESPACE_DNS, uuid5

from ansible_collections.bfv.openstack.plugins.module_utils.cloud.errors import Rejected
from ansible_collections.bfv.openstack.plugins.module_utils.values.plan import Request

Json = dict[str, Any]

BUSY = ("restoring-backup", "extending", "detaching", "retyping")
DELETABLE = ("available", "error", "error_restoring", "error_extending", "error_managing")
GIB = 2**30


def uuid_of(name: str) -> str:
    return str(uuid5(NAMESPACE_DNS, name))


def a_volume(name: str = "root", **fields: Any) -> Json:
    return {
        "id": uuid_of(name),
        "name": name,
        "status": "available",
        "size": 10,
        "bootable": "true",
        "volume_type": "lvm",
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


def of_image(name: str = "debian") -> Json:
    """What a volume made from that image has more."""
    return {"volume_image_metadata": {"image_id": uuid_of(name)}}


def attached(server: str, device: str = "/dev/vda") -> Json:
    """What an attached volume has more."""
    return {"status": "in-use", "attachments": [{"server_id": server, "device": device}]}


def an_image(name: str = "debian", **fields: Any) -> Json:
    return {"id": uuid_of(name), "name": name, "status": "active", "min_disk": 3, "size": 2**20, **fields}


def a_snapshot(name: str = "friday", volume: str = "root", **fields: Any) -> Json:
    return {"id": uuid_of(name), "name": name, "volume_id": uuid_of(volume), "status": "available", "size": 10, **fields}


def a_backup(name: str = "tape", **fields: Any) -> Json:
    return {"id": uuid_of(name), "name": name, "status": "available", "size": 10, **fields}


def by_id(records: Iterable[Json]) -> dict[str, Json]:
    return {record.get("uuid") or record["id"]: deepcopy(record) for record in records}


class FakeCinder:
    """Volumes, and what they are made from."""

    writes: list[Request]

    def __init__(self, **records: Iterable[Json]) -> None:
        self.volumes = by_id(records.get("volumes", ()))
        self.snapshots = by_id(records.get("snapshots", ()))
        self.backups = by_id(records.get("backups", ()))
        self.images = by_id(records.get("images", ()))
        self.volumes_end_in = "available"
        self.retypes_fail = False
        self.made = 0  # counts what was made, for ids and times of their own

    def tick_volumes(self) -> None:
        for volume in list(self.volumes.values()):
            status = volume["status"]
            if status == "deleting":
                del self.volumes[volume["id"]]
            elif status == "creating":
                volume["status"] = "downloading"
            elif status == "downloading" or status in BUSY:
                volume.update(volume.pop("_becomes", {"status": self.volumes_end_in}))

    def send_volume(self, request: Request, uuid: str, rest: list[str]) -> Json:
        body: Any = request.body
        if not uuid:
            return {"volume": self._create_volume(request, deepcopy(body["volume"]))}
        uuid, _mark, query = uuid.partition("?")
        if uuid not in self.volumes:
            raise Rejected(request.what, "Cinder", 404, f"Volume {uuid} could not be found.")
        volume = self.volumes[uuid]
        if request.method == "DELETE" and not rest:
            self._delete_volume(request, volume, cascade=query == "cascade=true")
        elif request.method == "DELETE":
            if unquote(rest[1]) not in volume["metadata"]:
                raise Rejected(request.what, "Cinder", 404, "Metadata item was not found.")
            del volume["metadata"][unquote(rest[1])]
        elif rest == ["metadata"]:
            volume["metadata"].update(body["metadata"])
        elif "volume" in body:
            volume.update(body["volume"])
        elif "os-set_bootable" in body:
            volume["bootable"] = str(body["os-set_bootable"]["bootable"]).lower()
        else:
            self._work(request, volume, body)
        return {}

    def _work(self, request: Request, volume: Json, body: Json) -> None:
        """What takes Cinder some time, and ends in the status of before."""
        if volume["status"] not in ("available", "in-use"):
            raise Rejected(request.what, "Cinder", 400, f"Volume status must be available or in-use, not {volume['status']}.")
        if "os-retype" in body:
            new = {} if self.retypes_fail else {"volume_type": body["os-retype"]["new_type"]}
            volume.update(status="retyping", _becomes={"status": volume["status"], **new})
        else:
            volume.update(status="extending", _becomes={"status": volume["status"], "size": body["os-extend"]["new_size"]})

    def _delete_volume(self, request: Request, volume: Json, *, cascade: bool) -> None:
        snapshots = [one["id"] for one in self.snapshots.values() if one["volume_id"] == volume["id"]]
        if volume["status"] not in DELETABLE or volume["attachments"] or (snapshots and not cascade):
            words = f"Volume status must be available or error, not {volume['status']}, and it must not have snapshots."
            raise Rejected(request.what, "Cinder", 400, words)
        for snapshot in snapshots:
            del self.snapshots[snapshot]
        volume["status"] = "deleting"

    def _create_volume(self, request: Request, wanted: Json) -> Json:
        self.made += 1
        made = a_volume(wanted["name"], id=uuid_of(f"volume {self.made}"), status="creating", bootable="false")
        made.update({key: value for key, value in wanted.items() if key in made})
        made["created_at"] = f"2026-01-02T00:00:00.{self.made:06}"
        becomes: Json = {"status": self.volumes_end_in}
        needs = 1
        if "imageRef" in wanted:
            image = self.images[wanted["imageRef"]]
            needs = max(image["min_disk"] or 0, math.ceil((image["size"] or 0) / GIB), 1)
            # shown only when the image is on the volume
            becomes.update(bootable="true", volume_image_metadata={"image_id": image["id"]})
        for key, kind in (("snapshot_id", "snapshots"), ("source_volid", "volumes"), ("backup_id", "backups")):
            if key in wanted:
                source = getattr(self, kind)[wanted[key]]
                if source["status"] not in ("available", "in-use"):
                    raise Rejected(request.what, "Cinder", 400, f"Originating status {source['status']} is not valid.")
                needs = source["size"]
                made.update(self._copied(self.volumes.get(source.get("volume_id", source["id"]), source)))
        if made["size"] < needs:
            raise Rejected(request.what, "Cinder", 400, f"Volume size {made['size']}GB cannot be smaller than {needs}GB.")
        made["_becomes"] = becomes
        self.volumes[made["id"]] = made
        return deepcopy(made)

    @staticmethod
    def _copied(source: Json) -> Json:
        """What a new volume has of the volume that it comes from, at once."""
        return {key: deepcopy(source[key]) for key in ("bootable", "volume_image_metadata") if key in source}


def has_metadata(volume: Json, query: object) -> bool:
    """Cinder's filter ``metadata``: a literal of Python."""
    wanted = ast.literal_eval(str(query)) if query else {}
    return all(volume["metadata"].get(key) == value for key, value in wanted.items())
