# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server's disks as people write them, and as the items of Nova's block_device_mapping_v2.

A disk is written in one of these ways, told apart by their form:

    {source_type: volume, uuid: ..., boot_index: 0}    an item of the API; volume_id, image_id and snapshot_id, too
    {volume: {id: ..., mountpoint: vda}}               Nova's blueprint of 2011: boot from this volume
    vda=<id>:<type>:<size>:<delete>                    nova and openstack --block-device-mapping
    source=image,id=...,dest=volume,size=20            nova --block-device
    source_type=image,uuid=...,volume_size=20          openstack --block-device
    /dev/vdb=vol-<UUID>:<size>:<delete>                euca-run-instances -b

The clients and Nova drop some of what they do not understand. Here it is refused. Sizes are in GiB, except for a local disk with
guest_format swap: Nova counts that one in MiB.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from .block_device_item import FIELDS, IDS, bare, checked, in_order, quoted, shown
from .errors import Invalid

# What `nova --block-device` calls the fields of the API.
_NOVA_KEYS = {
    "id": "uuid",
    "source": "source_type",
    "dest": "destination_type",
    "bootindex": "boot_index",
    "size": "volume_size",
    "shutdown": "delete_on_termination",
    "device": "device_name",
    "type": "device_type",
    "bus": "disk_bus",
    "format": "guest_format",
    "tag": "tag",
    "volume_type": "volume_type",
}
_OPENSTACK_KEYS = frozenset(_NOVA_KEYS.values())
_SHUTDOWN = {"remove": True, "preserve": False}

_MAPPING = "<device>=<id>:<type>:<size>:<delete>"
# Three parts instead of four, and no type. Should a volume be called vol-0003, vdb=vol-0003:volume says so.
_EC2 = re.compile(
    r"(none|(?P<local>ephemeral[0-9]+)"
    r"|(?P<prefix>vol|snap)-([0-9a-f]{1,17}|(?P<uuid>[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})))"
    r"(:(?P<size>[0-9]*)(:(?P<delete>(?i:true|false)?))?)?"
)


def block_device(item: object) -> dict[str, object]:
    """One disk as an item for Nova, with the keys that are set: text, whole numbers and booleans.

    The uuid may be a name: whoever sends the item to Nova has to find the id first. A key with the value None is not set.
    Raises Invalid, in one line.
    """
    return _converted(item, "Block device")


def block_devices(items: Iterable[object]) -> list[dict[str, object]]:
    """All disks of a server, as block_device() does; two of them with one device name are refused."""
    converted = [_converted(item, f"Block device {number},") for number, item in enumerate(items, start=1)]
    seen: dict[str, int] = {}
    for number, item in enumerate(converted, start=1):
        device = bare(item.get("device_name"))
        # nova --block-device-mapping keeps the last of them, and forgets the others.
        if device and seen.setdefault(device, number) != number:
            raise Invalid(f"Block devices {seen[device]} and {number} are both named {device}: give each its own device name.")
    return converted


def boot_order(
    items: Sequence[Mapping[str, object]], root_device: str = "vda", *, needs_root: bool = True
) -> list[dict[str, object]]:
    """The items of block_devices() with a boot_index each: 0 for the boot disk, -1 for what is not booted from.

    An item without boot_index is the boot disk if it is named as the root device (that of the image, or vda), as in Nova's first
    version of the mapping. Where a server boots from an image, its item (image to local, boot_index 0) has to be among the items.
    Further disks of a server that has its boot disk already need none among them (``needs_root``).
    Raises Invalid where Nova would refuse the boot sequence.
    """
    ordered = [_with_boot_index(item, root_device) for item in items]
    numbers: dict[int, int] = {}
    for number, item in enumerate(ordered, start=1):
        index = item.get("boot_index")
        if isinstance(index, int) and index >= 0 and numbers.setdefault(index, number) != number:
            raise Invalid(
                f"Block devices {numbers[index]}, {shown(items[numbers[index] - 1])}, and {number}, {shown(items[number - 1])}, "
                f"both have boot index {index} (the device name {bare(root_device)} stands for 0): Nova wants each index once. "
                "Give disks that are not booted from boot_index -1."
            )
    if 0 not in numbers and needs_root:
        raise Invalid(
            "No block device is the boot disk, and Nova refuses a server without one. "
            f"Give the disk to boot from boot_index 0, or the device name {bare(root_device)}."
        )
    if len({0, *numbers}) <= max(numbers, default=0):
        given = ", ".join(str(index) for index in sorted(numbers))
        raise Invalid(f"The boot indexes {given} leave one out, and Nova wants 0, 1, 2 and so on. Number them anew.")
    return ordered


def _with_boot_index(item: Mapping[str, object], root_device: str) -> dict[str, object]:
    if "boot_index" in item or "no_device" in item:
        return dict(item)
    # A blank disk named vda is no boot disk: so does Nova's from_legacy_mapping().
    is_root = item.get("source_type") != "blank" and bare(item.get("device_name")) == bare(root_device)
    return in_order({**item, "boot_index": 0 if is_root else -1})


def _converted(item: object, which: str) -> dict[str, object]:
    try:
        if isinstance(item, str):
            return checked(_from_text(item.strip()))
        if isinstance(item, Mapping):
            return checked(_from_mapping(item))
        raise Invalid(f"it is neither text nor a dictionary. Write {_MAPPING}, or the fields of Nova's API as a dictionary.")
    except Invalid as problem:
        raise Invalid(f"{which} {shown(item)}: {problem}") from None


# The ways to write a disk


def _from_mapping(given: Mapping[object, object]) -> dict[str, object]:
    if "volume" in given:
        return _from_blueprint(given)
    fields: dict[str, object] = {}
    ids: dict[str, object] = {}
    for key, value in given.items():
        if key in FIELDS:
            fields[str(key)] = value
        elif key in IDS:
            ids[str(key)] = value
        else:
            raise Invalid(f"{quoted(key)} is not a key of a block device. {_advice(key)}")
    for key, value in ids.items():
        if value is not None:
            _add_id(fields, IDS[key], key, value)
    return fields


def _add_id(fields: dict[str, object], source: str, key: str, value: object) -> None:
    for field, wanted in (("source_type", source), ("uuid", value)):
        found = fields.get(field)
        if found is not None and found != wanted:
            raise Invalid(f"{key} {quoted(value)} contradicts {field} {quoted(found)}. Leave out one of them.")
        fields[field] = wanted


def _advice(key: object) -> str:
    if isinstance(key, str) and key in _NOVA_KEYS:
        return f"Write {_NOVA_KEYS[key]}, as Nova's API does."
    return f"Known are {', '.join((*FIELDS, *IDS))}."


def _from_blueprint(given: Mapping[object, object]) -> dict[str, object]:
    volume = given["volume"]
    if len(given) > 1 or not isinstance(volume, Mapping) or not {"id"} <= set(volume) <= {"id", "mountpoint"}:
        raise Invalid("volume has to stand alone, with an id and a mountpoint. Write volume_id to give a volume any other key.")
    return {"uuid": volume["id"], "source_type": "volume", "boot_index": 0, "device_name": volume.get("mountpoint")}


def _from_text(text: str) -> dict[str, object]:
    key, equals, value = text.partition("=")
    if not equals:
        raise Invalid(f"there is no = in it. Write {_MAPPING}, key=value,key=value, or a dictionary.")
    if key.strip() in _NOVA_KEYS or key.strip() in _OPENSTACK_KEYS or "," in text or "=" in value:
        return _from_pairs(text)
    ec2 = _EC2.fullmatch(value)
    return {**(_from_ec2(ec2) if ec2 else _from_parts(value.split(":"))), "device_name": key}


def _from_parts(parts: list[str]) -> dict[str, object]:
    if len(parts) > 4:
        raise Invalid(f"{quoted(':'.join(parts[4:]))} is more than the four parts of {_MAPPING}. Leave it out.")
    source_id, source, size, delete = parts + [""] * (4 - len(parts))
    if not source_id:
        raise Invalid(f"there is no id after the =. Write {_MAPPING}.")
    if source.startswith("snap"):  # all that the nova client looks at: it takes every other text for a volume
        source = "snapshot"
    elif source not in ("", "volume", "image"):
        raise Invalid(f"the type {quoted(source)} is not known. Write volume, snapshot or image, as in {_MAPPING}.")
    if size.lower() in ("true", "false"):
        raise Invalid(f"the size is {quoted(size)}, the third part of {_MAPPING}. Write it after one more colon, as the fourth.")
    return {
        "uuid": source_id,
        "source_type": source or "volume",
        "destination_type": "volume",
        "volume_size": size or None,
        "delete_on_termination": delete or None,
    }


def _from_ec2(match: re.Match[str]) -> dict[str, object]:
    fields: dict[str, object] = {"volume_size": match["size"] or None, "delete_on_termination": match["delete"] or None}
    if match["local"]:
        if (match["delete"] or "").lower() == "false":
            raise Invalid(f"the local disk {match['local']} goes with its server. Leave out the false, or use a volume.")
        return {**fields, "source_type": "blank", "destination_type": "local", "delete_on_termination": True}
    if not match["prefix"]:
        return {**fields, "no_device": True}
    source = "volume" if match["prefix"] == "vol" else "snapshot"
    if not match["uuid"]:
        raise Invalid(
            f"{quoted(match[1])} is an id of EC2, which means nothing to Nova. Write the id that OpenStack gave to the {source}, "
            f"or its name, as {_MAPPING.replace('<type>', source)}."
        )
    return {**fields, "uuid": match["uuid"].lower(), "source_type": source, "destination_type": "volume"}


def _from_pairs(text: str) -> dict[str, object]:
    pairs: dict[str, object] = {}
    for pair in text.split(","):
        key, equals, value = (part.strip() for part in pair.partition("="))
        if not equals:
            raise Invalid(f"{quoted(pair)} is not key=value. Write a dictionary where a value holds a comma.")
        if key in pairs:
            raise Invalid(f"the key {quoted(key)} comes twice. Leave out one of them.")
        if not value:
            raise Invalid(f"the key {quoted(key)} has no value. Give it one, or leave it out.")
        pairs[key] = value
    for key in pairs:
        if key not in _NOVA_KEYS and key not in _OPENSTACK_KEYS:
            raise Invalid(
                f"{quoted(key)} is not a key of a block device. Known are {', '.join(_NOVA_KEYS)}, or the names of Nova's API."
            )
    of_nova = [key for key in pairs if key not in _OPENSTACK_KEYS]
    of_openstack = [key for key in pairs if key not in _NOVA_KEYS]
    if of_nova and of_openstack:
        raise Invalid(
            f"{of_nova[0]} is a key of the nova client, {of_openstack[0]} one of the openstack client. Write those of one client."
        )
    return _with_defaults(pairs if of_openstack else _of_nova(pairs), image_to="volume" if of_openstack else "local")


def _of_nova(pairs: Mapping[str, object]) -> dict[str, object]:
    fields = {_NOVA_KEYS[key]: value for key, value in pairs.items()}
    if "shutdown" in pairs:
        if pairs["shutdown"] not in _SHUTDOWN:
            raise Invalid(f"shutdown {quoted(pairs['shutdown'])} is not known. Write remove or preserve.")
        fields["delete_on_termination"] = _SHUTDOWN[str(pairs["shutdown"])]
    return fields


def _with_defaults(fields: dict[str, object], image_to: str) -> dict[str, object]:
    """The two clients' defaults: they differ in where an image goes."""
    source = fields.setdefault("source_type", "blank")
    destination = fields.setdefault("destination_type", {"image": image_to, "blank": "local"}.get(str(source), "volume"))
    if destination == "local":
        fields.setdefault("delete_on_termination", True)
    return fields
