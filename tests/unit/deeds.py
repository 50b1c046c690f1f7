# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What other people do with a cloud, while no run looks: each deed as the real service lets it happen."""

from __future__ import annotations

from contextlib import suppress
from copy import deepcopy
from typing import Any

from ansible_collections.bfv.openstack.plugins.module_utils._engine.cloud.errors import Rejected
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.plan import Request
from ansible_collections.bfv.openstack.tests.unit.fake_cinder import (
    Json,
    a_backup,
    a_snapshot,
    a_volume,
    an_end,
    an_image,
    of_backup,
    uuid_of,
)
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import FakeCloud, a_connector, a_target
from ansible_collections.bfv.openstack.tests.unit.nova_records import a_flavor, of_flavor


def _next(cloud: FakeCloud, kind: str) -> Json:
    """The id and the time of a thing that somebody makes now."""
    cloud.made += 1
    return {"id": uuid_of(f"{kind} of somebody {cloud.made}"), "created_at": f"2026-01-02T00:00:00.{cloud.made:06}"}


# Volumes


def make_volume(cloud: FakeCloud, name: str, **fields: Any) -> Json:
    """A volume of somebody."""
    made = a_volume(name, **{**_next(cloud, "volume"), **fields})
    cloud.volumes[made["id"]] = made
    return made


def copy_marks(volume: Json, onto: Json) -> None:
    """Somebody copies the metadata of one volume onto another."""
    onto["metadata"].update(deepcopy(volume["metadata"]))


def back_up(cloud: FakeCloud, volume: Json, name: str = "") -> Json:
    """A backup of a volume, with its name and marks."""
    made = a_backup(name or f"backup of {volume['name']} {cloud.made}", volume)
    made.update(_next(cloud, "backup"))
    cloud.backups[made["id"]] = made
    return made


def restore(cloud: FakeCloud, backup: Json) -> Json:
    """Restore a backup to a new volume, which gets the name, the description and all metadata of the original.

    cinder/backup/api.py makes a volume of the default type named restore_backup_ID; cinder/backup/driver.py, _restore_vol_base_meta,
    then gives it the original's name, since it looks as if it was made for that.
    """
    named = {key: backup["_of"].get(key) for key in ("name", "description")}
    new: Json = {"bootable": "false", "size": backup["size"], **named, **of_backup(backup)}
    return make_volume(cloud, new.pop("name") or f"restore_backup_{backup['id']}", **new)


def snapshot(cloud: FakeCloud, volume: Json) -> Json:
    made = a_snapshot(
        f"snapshot of {volume['name']}", **{**_next(cloud, "snapshot"), "volume_id": volume["id"], "size": volume["size"]}
    )
    cloud.snapshots[made["id"]] = made
    return made


def migrate(volume: Json, zone: str | None = None) -> None:
    """Move a volume to another backend: the record keeps its id, and loses the snapshot or volume that it was made from.

    cinder/volume/manager.py, _migrate_volume_generic, makes a volume without these and with the zone of the other backend;
    cinder/objects/volume.py, finish_volume_migration, then swaps the records. What image it was made from stays.
    """
    volume.update(source_volid=None, snapshot_id=None, availability_zone=zone or volume["availability_zone"])


def forget_image(volume: Json) -> None:
    """Somebody removes the properties that a volume has of its image (os-unset_image_metadata)."""
    volume.pop("volume_image_metadata", None)


def attach_elsewhere(volume: Json, holder: str, device: str | None = "/dev/vdb") -> None:
    """Somebody's machine holds the volume; without a device where an attachment tells none."""
    volume["attachments"].append(an_end(holder, device))
    volume["status"] = "in-use"


def detach(volume: Json, holder: str) -> None:
    volume["attachments"] = [one for one in volume["attachments"] if one["server_id"] != holder]
    if volume["status"] == "in-use" and not volume["attachments"]:
        volume["status"] = "available"


def let_go(volume: Json) -> None:
    """Somebody detaches the volume in Cinder alone (os-force_detach, os-reset_status): the machine that has it is at work on it still."""
    if volume["status"] == "in-use":
        volume.update(attachments=[], status="available")


def reserve(volume: Json) -> None:
    """An attachment that never was completed: what a server's creation leaves that Nova refused (field case S12)."""
    volume["status"] = "reserved"


def rename_type(cloud: FakeCloud, old: str, new: str) -> None:
    """An admin renames a volume type: its id stays, and every volume shows the new name."""
    for one in cloud.volume_types.values():
        if one["name"] == old:
            one["name"] = new
    for volume in cloud.volumes.values():
        if volume["volume_type"] == old:
            volume["volume_type"] = new


# Images


def upload(cloud: FakeCloud, name: str) -> Json:
    """One more image of the name: the weekly rotation of public images."""
    made = an_image(name, **_next(cloud, "image"))
    cloud.images[made["id"]] = made
    return made


def retire_image(cloud: FakeCloud, name: str, *, deactivate: bool = False) -> None:
    """The images of the name go, or are deactivated."""
    for image in [one for one in cloud.images.values() if one["name"] == name]:
        if deactivate:
            image["status"] = "deactivated"
        else:
            del cloud.images[image["id"]]


# Servers


def act(cloud: FakeCloud, server: Json, action: str) -> None:
    """Somebody who may does it to the server, where Nova lets him; and it has come to its end."""
    locked, server["locked"] = server["locked"], False
    with suppress(Rejected):
        cloud.compute.send(
            Request(action, "compute", "POST", f"/servers/{server['id']}/action", "server", server["id"], {action: None})
        )
    server["locked"] = locked
    for _round in range(3):
        cloud.tick()


def attach(cloud: FakeCloud, server: Json, volume: Json) -> None:
    """Somebody attaches a volume to the server, where Nova lets him."""
    wanted = {"volumeAttachment": {"volumeId": volume["id"], "delete_on_termination": False}}
    path = f"/servers/{server['id']}/os-volume_attachments"
    with suppress(Rejected):
        cloud.compute.send(Request("attach", "compute", "POST", path, "server", server["id"], wanted))


def resize(server: Json, flavor: str) -> None:
    """Somebody has resized the server, and it waits for his verdict."""
    if server["status"] in ("ACTIVE", "SHUTOFF"):
        server.update(
            status="VERIFY_RESIZE", _before=server["flavor"], _rest=server["status"], flavor=of_flavor(a_flavor(flavor))
        )


# Nodes


def add_target(cloud: FakeCloud, node: Json, volume: Json, boot_index: int = 0) -> None:
    """Somebody names a volume for a node, where there is none in that place."""
    theirs = [one for one in cloud.targets.values() if one["node_uuid"] == node["uuid"]]
    if all(one["boot_index"] != boot_index for one in theirs):
        made = a_target(node["name"], uuid=_next(cloud, "target")["id"], volume_id=volume["id"], boot_index=boot_index)
        cloud.targets[made["uuid"]] = made


def deploy(cloud: FakeCloud, node: Json, instance: str | None = None) -> bool:
    """Somebody deploys a node from the volume that its target leads to, where Ironic and Cinder do; Nova does it for an instance."""
    leads_to = [one["volume_id"] for one in cloud.targets.values() if one["node_uuid"] == node["uuid"] and one["boot_index"] == 0]
    volume = cloud.volumes.get(leads_to[0]) if leads_to else None
    if node["provision_state"] != "available" or volume is None or volume["status"] != "available":
        return False
    node.update(provision_state="active", power_state="power on", instance_uuid=instance)
    attach_elsewhere(volume, instance or node["uuid"], "ironic_mountpoint")
    return True


def give_initiator(cloud: FakeCloud, node: Json, name: str) -> None:
    """Somebody registers an initiator of his own."""
    made = a_connector(node["name"], f"iqn.2024-01.org.example:{name}", uuid=_next(cloud, "connector")["id"])
    cloud.connectors[made["uuid"]] = made
