# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One item of Nova's block_device_mapping_v2: its fields, in order and in form, and Nova's rules on them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from .errors import Invalid
from .text import plain

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


def checked(given: Mapping[str, object]) -> dict[str, object]:
    """The item in form, without what is not set. Raises Invalid where Nova would refuse it, or drop a part of it."""
    item: dict[str, object] = {}
    for key, value in given.items():
        if value is not None:
            try:
                item[key] = FIELDS[key](value)
            except Invalid as problem:
                raise Invalid(f"{key} {quoted(value)} {problem}") from None
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
    return in_order(item)


def _check_source(item: Mapping[str, object]) -> None:
    source = item["source_type"]
    if source == "blank" and "uuid" in item:
        raise Invalid(
            f"a blank disk is made from nothing. Leave out {quoted(item['uuid'])}, or say what it is by the source type."
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


def in_order(item: Mapping[str, object]) -> dict[str, object]:
    """The item with its keys in the order of Nova's documentation."""
    return {key: item[key] for key in FIELDS if key in item}


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
    if not isinstance(value, str) or not _DEVICE_NAME.fullmatch(value) or not bare(value):
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


FIELDS: Mapping[str, Callable[[object], object]] = {
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
IDS = {"volume_id": "volume", "image_id": "image", "snapshot_id": "snapshot"}


def shown(item: object) -> str:
    """What a person wrote, for a message of one line."""
    if isinstance(item, Mapping):
        return "{" + _line(", ".join(f"{key}: {value}" for key, value in item.items())) + "}"
    return quoted(item)


def quoted(value: object) -> str:
    """A value, for a message of one line."""
    return f'"{_line(str(value))}"'


def _line(text: str) -> str:
    return plain(text if len(text) <= 120 else f"{text[:117]}...")


def bare(device_name: object) -> str:
    """A device's name without /dev/."""
    return str(device_name or "").removeprefix("/dev/")
