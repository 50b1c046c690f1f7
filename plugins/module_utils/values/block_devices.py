# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

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
from collections.abc import Callable, Iterable, Mapping, Sequence

from .errors import Invalid

# nova/objects/fields.py of Nova 34, without the device type fs: libvirt's driver makes a disk of it.
SOURCE_TYPES = ("volume", "image", "snapshot", "blank")
DESTINATION_TYPES = ("volume", "local")
DEVICE_TYPES = ("disk", "cdrom", "lun", "floppy")
DISK_BUSES = ("fdc", "ide", "sata", "scsi", "usb", "virtio", "xen", "lxc", "uml")

_TRUE = frozenset(("true", "1", "on", "yes"))  # what Nova's schema takes, in any case
_FALSE = frozenset(("false", "0", "off", "no"))
_SIZE_MAX = 0x7FFFFFFF  # a signed integer in Nova's database
_DEVICE_NAME = re.compile(r"[a-zA-Z0-9._/-]{1,255}")  # of the schema, too
_TAG = re.compile(r"[^,/]{1,60}")

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
        device = _bare(item.get("device_name"))
        # nova --block-device-mapping keeps the last of them, and forgets the others.
        if device and seen.setdefault(device, number) != number:
            raise Invalid(f"Block devices {seen[device]} and {number} are both named {device}: give each its own device name.")
    return converted


def boot_order(items: Sequence[Mapping[str, object]], root_device: str = "vda") -> list[dict[str, object]]:
    """The items of block_devices() with a boot_index each: 0 for the boot disk, -1 for what is not booted from.

    An item without boot_index is the boot disk if it is named as the root device (that of the image, or vda), as in Nova's first
    version of the mapping. Where a server boots from an image, its item (image to local, boot_index 0) has to be among the items.
    Raises Invalid where Nova would refuse the boot sequence.
    """
    ordered = [_with_boot_index(item, root_device) for item in items]
    numbers: dict[int, int] = {}
    for number, item in enumerate(ordered, start=1):
        index = item.get("boot_index")
        if isinstance(index, int) and index >= 0 and numbers.setdefault(index, number) != number:
            raise Invalid(
                f"Block devices {numbers[index]}, {_shown(items[numbers[index] - 1])}, and {number}, {_shown(items[number - 1])}, "
                f"both have boot index {index} (the device name {_bare(root_device)} stands for 0): Nova wants each index once. "
                "Give disks that are not booted from boot_index -1."
            )
    if 0 not in numbers:
        raise Invalid(
            "No block device is the boot disk, and Nova refuses a server without one. "
            f"Give the disk to boot from boot_index 0, or the device name {_bare(root_device)}."
        )
    if len(numbers) <= max(numbers):
        given = ", ".join(str(index) for index in sorted(numbers))
        raise Invalid(f"The boot indexes {given} leave one out, and Nova wants 0, 1, 2 and so on. Number them anew.")
    return ordered


def _with_boot_index(item: Mapping[str, object], root_device: str) -> dict[str, object]:
    if "boot_index" in item or "no_device" in item:
        return dict(item)
    # A blank disk named vda is no boot disk: so does Nova's from_legacy_mapping().
    is_root = item.get("source_type") != "blank" and _bare(item.get("device_name")) == _bare(root_device)
    return _in_order({**item, "boot_index": 0 if is_root else -1})


def _bare(device_name: object) -> str:
    return str(device_name or "").removeprefix("/dev/")


def _converted(item: object, which: str) -> dict[str, object]:
    try:
        if isinstance(item, str):
            return _checked(_from_text(item.strip()))
        if isinstance(item, Mapping):
            return _checked(_from_mapping(item))
        raise Invalid(f"it is neither text nor a dictionary. Write {_MAPPING}, or the fields of Nova's API as a dictionary.")
    except Invalid as problem:
        raise Invalid(f"{which} {_shown(item)}: {problem}") from None


# The ways to write a disk


def _from_mapping(given: Mapping[object, object]) -> dict[str, object]:
    if "volume" in given:
        return _from_blueprint(given)
    fields: dict[str, object] = {}
    ids: dict[str, object] = {}
    for key, value in given.items():
        if key in _FIELDS:
            fields[str(key)] = value
        elif key in _IDS:
            ids[str(key)] = value
        else:
            raise Invalid(f"{_quoted(key)} is not a key of a block device. {_advice(key)}")
    for key, value in ids.items():
        if value is not None:
            _add_id(fields, _IDS[key], key, value)
    return fields


def _add_id(fields: dict[str, object], source: str, key: str, value: object) -> None:
    for field, wanted in (("source_type", source), ("uuid", value)):
        found = fields.get(field)
        if found is not None and found != wanted:
            raise Invalid(f"{key} {_quoted(value)} contradicts {field} {_quoted(found)}. Leave out one of them.")
        fields[field] = wanted


def _advice(key: object) -> str:
    if isinstance(key, str) and key in _NOVA_KEYS:
        return f"Write {_NOVA_KEYS[key]}, as Nova's API does."
    return f"Known are {', '.join((*_FIELDS, *_IDS))}."


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
        raise Invalid(f"{_quoted(':'.join(parts[4:]))} is more than the four parts of {_MAPPING}. Leave it out.")
    source_id, source, size, delete = parts + [""] * (4 - len(parts))
    if not source_id:
        raise Invalid(f"there is no id after the =. Write {_MAPPING}.")
    if source.startswith("snap"):  # all that the nova client looks at: it takes every other text for a volume
        source = "snapshot"
    elif source not in ("", "volume", "image"):
        raise Invalid(f"the type {_quoted(source)} is not known. Write volume, snapshot or image, as in {_MAPPING}.")
    if size.lower() in ("true", "false"):
        raise Invalid(f"the size is {_quoted(size)}, the third part of {_MAPPING}. Write it after one more colon, as the fourth.")
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
            f"{_quoted(match[1])} is an id of EC2, which means nothing to Nova. Write the id that OpenStack gave to the {source}, "
            f"or its name, as {_MAPPING.replace('<type>', source)}."
        )
    return {**fields, "uuid": match["uuid"].lower(), "source_type": source, "destination_type": "volume"}


def _from_pairs(text: str) -> dict[str, object]:
    pairs: dict[str, object] = {}
    for pair in text.split(","):
        key, equals, value = (part.strip() for part in pair.partition("="))
        if not equals:
            raise Invalid(f"{_quoted(pair)} is not key=value. Write a dictionary where a value holds a comma.")
        if key in pairs:
            raise Invalid(f"the key {_quoted(key)} comes twice. Leave out one of them.")
        if not value:
            raise Invalid(f"the key {_quoted(key)} has no value. Give it one, or leave it out.")
        pairs[key] = value
    for key in pairs:
        if key not in _NOVA_KEYS and key not in _OPENSTACK_KEYS:
            raise Invalid(
                f"{_quoted(key)} is not a key of a block device. Known are {', '.join(_NOVA_KEYS)}, or the names of Nova's API."
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
            raise Invalid(f"shutdown {_quoted(pairs['shutdown'])} is not known. Write remove or preserve.")
        fields["delete_on_termination"] = _SHUTDOWN[str(pairs["shutdown"])]
    return fields


def _with_defaults(fields: dict[str, object], image_to: str) -> dict[str, object]:
    """The two clients' defaults: they differ in where an image goes."""
    source = fields.setdefault("source_type", "blank")
    destination = fields.setdefault("destination_type", {"image": image_to, "blank": "local"}.get(str(source), "volume"))
    if destination == "local":
        fields.setdefault("delete_on_termination", True)
    return fields


# The fields of an item, and Nova's rules on them


def _checked(given: Mapping[str, object]) -> dict[str, object]:
    item: dict[str, object] = {}
    for key, value in given.items():
        if value is not None:
            try:
                item[key] = _FIELDS[key](value)
            except Invalid as problem:
                raise Invalid(f"{key} {_quoted(value)} {problem}") from None
    if item.pop("no_device", False):
        if set(item) != {"device_name"}:
            raise Invalid("no_device takes away what the image maps to a device name. Give device_name, and no other key.")
        return {**item, "no_device": True}
    if "source_type" not in item:
        raise Invalid(f"there is no source_type. Write one of {', '.join(SOURCE_TYPES)}, or volume_id, image_id or snapshot_id.")
    # Nova has no default, and drops a disk without a destination.
    item.setdefault("destination_type", "local" if item["source_type"] == "blank" else "volume")
    _check_source(item)
    _check_destination(item)
    return _in_order(item)


def _check_source(item: Mapping[str, object]) -> None:
    source = item["source_type"]
    if source == "blank" and "uuid" in item:
        raise Invalid(
            f"a blank disk is made from nothing. Leave out {_quoted(item['uuid'])}, or say what it is by the source type."
        )
    if source != "blank" and "uuid" not in item:
        raise Invalid(f"nothing says which {source}. Give its id or name as uuid.")
    if source == "volume" and "volume_type" in item:
        raise Invalid("an existing volume keeps its type, and Nova refuses volume_type for it. Leave it out.")


def _check_destination(item: Mapping[str, object]) -> None:
    source = item["source_type"]
    if item["destination_type"] == "volume":
        if source in ("image", "blank") and "volume_size" not in item:
            raise Invalid("Nova makes a new volume for it, and has to know how large. Give its size in GiB.")
        return
    if source in ("volume", "snapshot"):
        raise Invalid(f"a {source} cannot become a local disk. Leave out the destination, or write volume.")
    if source == "image" and item.get("boot_index") != 0:
        raise Invalid(
            "Nova maps an image to a local disk only as the boot disk. Write the destination volume and a size, or boot index 0."
        )
    if "volume_type" in item:
        raise Invalid("a local disk has no volume_type. Leave it out, or write the destination volume.")


def _in_order(item: Mapping[str, object]) -> dict[str, object]:
    return {key: item[key] for key in _FIELDS if key in item}


def _one_of(*known: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        if not isinstance(value, str) or value not in known:
            raise Invalid(f"is not known. Write one of {', '.join(known)}.")
        return value

    return read


def _text(value: object) -> str:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value  # YAML reads the name 12 as a number
    if not isinstance(text, str) or not text or text != text.strip() or not text.isprintable() or len(text) > 255:
        raise Invalid("is not usable. Write plain text of 1 to 255 characters, without spaces around it.")
    return text


def _device_name(value: object) -> str:
    if not isinstance(value, str) or not _DEVICE_NAME.fullmatch(value) or not _bare(value):
        raise Invalid("is not a device name. Write one such as vda or /dev/vda.")
    return value


def _tag(value: object) -> str:
    text = _text(value)
    if not _TAG.fullmatch(text):
        raise Invalid("is not a tag. Write up to 60 characters, without commas and slashes.")
    return text


def _flag(value: object) -> bool:
    text = str(value).lower()
    if text not in _TRUE and text not in _FALSE:
        raise Invalid("is neither true nor false. Write one of them, or 1 or 0.")
    return text in _TRUE


def _size(value: object) -> int:
    if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,10}", str(value)) or not 0 < int(str(value)) <= _SIZE_MAX:
        raise Invalid("is not a size. Write a whole number of GiB, 1 or more.")
    return int(str(value))


def _boot_index(value: object) -> int:
    if isinstance(value, bool) or not re.fullmatch(r"-?[0-9]{1,4}", str(value)):
        raise Invalid("is not a boot index. Write 0 for the boot disk, 1, 2 and so on for the next, -1 for the others.")
    return int(str(value))


_FIELDS: Mapping[str, Callable[[object], object]] = {
    "uuid": _text,
    "source_type": _one_of(*SOURCE_TYPES),
    "destination_type": _one_of(*DESTINATION_TYPES),
    "boot_index": _boot_index,
    "volume_size": _size,
    "delete_on_termination": _flag,
    "device_name": _device_name,
    "device_type": _one_of(*DEVICE_TYPES),
    "disk_bus": _one_of(*DISK_BUSES),
    "guest_format": _text,
    "no_device": _flag,
    "tag": _tag,
    "volume_type": _text,
}
_IDS = {"volume_id": "volume", "image_id": "image", "snapshot_id": "snapshot"}


def _shown(item: object) -> str:
    if isinstance(item, Mapping):
        return "{" + _line(", ".join(f"{key}: {value}" for key, value in item.items())) + "}"
    return _quoted(item)


def _quoted(value: object) -> str:
    return f'"{_line(str(value))}"'


def _line(text: str) -> str:
    short = text if len(text) <= 120 else f"{text[:117]}..."
    return "".join(letter if letter.isprintable() else "?" for letter in short)
