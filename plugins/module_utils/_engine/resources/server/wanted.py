# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is asked for of a server, and of the disk that it boots from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ...values import block_devices, nova_text
from ...values.block_device_item import FIELDS, quoted
from ...values.errors import Invalid
from ...values.identifiers import is_uuid
from ..volume.record import new_mark
from . import networks
from .record import REPLACES


@dataclass(frozen=True)
class Boot:
    """What the server boots from: a volume that is there, or one that is made from an image or a snapshot."""

    volume: str | None = None
    image: str | None = None
    snapshot: str | None = None
    size: int | None = None
    volume_type: str | None = None
    volume_name: str | None = None
    delete_on_termination: bool | None = None
    device_type: str | None = None
    disk_bus: str | None = None
    tag: str | None = None


@dataclass(frozen=True)
class Wanted:
    """The server that is asked for. None leaves alone."""

    name: str | None = None
    id: str | None = None
    state: str = "present"
    flavor: str | None = None
    boot: Boot = Boot()
    block_devices: tuple[Mapping[str, Any], ...] = ()
    networks: str | list[dict[str, str]] = "auto"
    key_name: str | None = None
    security_groups: tuple[str, ...] | None = None
    user_data: str | None = field(default=None, repr=False)
    config_drive: bool | None = None
    availability_zone: str | None = None
    metadata: Mapping[str, str | None] | None = None
    tags: tuple[str, ...] | None = None  # in order, each once
    description: str | None = None
    scheduler_hints: Mapping[str, object] | None = None
    on_flavor_change: str = "fail"
    on_image_change: str = "fail"
    on_boot_volume_change: str = "fail"
    recreate: str = "never"
    boot_volume_on_delete: str = "as_attached"
    other_volumes: str = "keep"
    replace_may_lose: tuple[str, ...] = ()
    flavor_denylist: tuple[str, ...] = ()
    image_size_limit: int | None = None
    mark: str = field(default_factory=new_mark, compare=False)  # of a volume that this run makes

    @property
    def label(self) -> str:
        return self.id or self.name or ""

    @property
    def boots(self) -> bool:
        """Whether it is said what a new server boots from."""
        return bool(self.boot.volume or self.boot.image or self.boot.snapshot)

    @property
    def disk_name(self) -> str:
        """The name of the volume that is made for the server."""
        return self.boot.volume_name or f"{self.name}-boot"


def wanted(params: Mapping[str, Any]) -> Wanted:
    """What a module's options ask for. Raises Invalid."""
    given = {name: params[name] for name in Wanted.__dataclass_fields__ if params.get(name) is not None}
    want = Wanted(**{**given, "boot": Boot(**(params.get("boot") or {})), "block_devices": (), "networks": "auto"})
    where = f"Failed to read server {want.label}"
    if not want.label:
        raise Invalid("Failed to read the server: neither name nor id is given. Give one of them.")
    if want.id and not is_uuid(want.id):
        raise Invalid(f'{where}: id "{want.id}" is not a UUID. Give it as Nova shows it, or the name.')
    _check_words(want, where)
    sources = [kind for kind in ("volume", "image", "snapshot") if getattr(want.boot, kind)]
    if len(sources) > 1:
        raise Invalid(f"{where}: boot has {' and '.join(sources)}. Give one of them.")
    devices, boot = _devices(params, want.boot, where)
    texts: dict[str, str | None] = {
        str(key): None if value is None else str(value) for key, value in (want.metadata or {}).items()
    }
    _said(where, lambda: nova_text.check_metadata(texts))
    if want.description:
        description = want.description
        _said(where, lambda: nova_text.check_description(description))
    _said(where, lambda: nova_text.check_tags([str(tag) for tag in want.tags or ()]))
    if REPLACES in texts:
        raise Invalid(f"{where}: metadata has {REPLACES}, which is this collection's own. Leave it out.")
    return replace(
        want,
        boot=boot,
        block_devices=tuple(devices),
        networks=networks.wanted(params.get("networks") or "auto", want.label),
        security_groups=None if want.security_groups is None else tuple(want.security_groups),
        flavor_denylist=tuple(want.flavor_denylist),
        replace_may_lose=tuple(want.replace_may_lose),
        tags=None if want.tags is None else tuple(sorted({str(tag) for tag in want.tags})),
        metadata=texts if want.metadata is not None else None,
    )


def _check_words(want: Wanted, where: str) -> None:
    """The words of the boot disk, which have the rules of every other disk's, and its name."""
    if want.name is not None:
        name = want.name
        _said("Failed to read the server", lambda: nova_text.check_name(name))
    for key in ("device_type", "disk_bus", "tag"):
        value = getattr(want.boot, key)
        if value is None:
            continue
        try:
            FIELDS[key](value)
        except Invalid as problem:
            raise Invalid(f"{where}: boot.{key} {quoted(value)} {problem}") from None
    if want.boot.volume_name is not None and want.boot.volume_name != want.boot.volume_name.strip():
        name = want.boot.volume_name
        raise Invalid(f"{where}: boot.volume_name {quoted(name)} has blanks at an end, which Cinder takes away. Leave them out.")
    if (want.boot.image or want.boot.snapshot) and len(want.disk_name) > nova_text.LENGTH:
        raise Invalid(
            f"{where}: its boot volume would have a name of {len(want.disk_name)} characters. Give a shorter boot.volume_name."
        )


def _said(where: str, check: Callable[[], None]) -> None:
    """Say whose the problem is that the check finds."""
    try:
        check()
    except Invalid as problem:
        raise Invalid(f"{where}: {problem}") from None


def _devices(params: Mapping[str, Any], boot: Boot, where: str) -> tuple[list[dict[str, object]], Boot]:
    """The further disks, and the boot disk where it is one of them: the old grammars name it by its device."""
    try:
        devices = block_devices.block_devices(params.get("block_devices") or ())
        if boot.volume or boot.image or boot.snapshot:
            placeholder = {"source_type": "volume", "destination_type": "volume", "uuid": "boot", "boot_index": 0}
            return block_devices.boot_order([placeholder, *devices])[1:], boot
        # what a new server boots from is asked for when one is made
        ordered = block_devices.boot_order(devices, needs_root=False)
    except Invalid as error:
        raise Invalid(f"{where}: {error}") from None
    root = next((one for one in ordered if one.get("boot_index") == 0), None)
    if root is None or root["source_type"] == "blank" or root["destination_type"] != "volume":
        return ordered, boot
    rest = [one for one in ordered if one is not root]
    shared = {name: root.get(name) for name in ("delete_on_termination", "device_type", "disk_bus", "tag", "volume_type")}
    source = {str(root["source_type"]): str(root["uuid"])}
    return rest, Boot(**source, size=root.get("volume_size"), **shared)  # type: ignore[arg-type]  # block_devices has checked their types
