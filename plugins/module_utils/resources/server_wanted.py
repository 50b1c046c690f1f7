# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""What is asked for of a server, and of the disk that it boots from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..values import block_devices
from ..values.errors import Invalid
from ..values.identifiers import is_uuid
from . import server_needs, volume

BOOT_OF = "bfv_boot_of"  # marks a volume that was made for a server, in its metadata


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
    scheduler_hints: Mapping[str, object] | None = None
    on_flavor_change: str = "fail"
    on_image_change: str = "fail"
    recreate: str = "never"
    boot_volume_on_delete: str = "as_attached"
    flavor_denylist: tuple[str, ...] = ()
    image_size_limit: int | None = None

    @property
    def label(self) -> str:
        return self.id or self.name or ""

    @property
    def disk(self) -> volume.Wanted:
        """The boot volume in the terms of volumes."""
        boot = self.boot
        if boot.volume:
            return volume.Wanted(id=boot.volume) if is_uuid(boot.volume) else volume.Wanted(name=boot.volume)
        return volume.Wanted(
            name=boot.volume_name or f"{self.name}-boot",
            image=boot.image,
            snapshot=boot.snapshot,
            size=boot.size,
            volume_type=boot.volume_type,
            metadata={BOOT_OF: self.name or ""},
            image_size_limit=self.image_size_limit,
        )


def wanted(params: Mapping[str, Any]) -> Wanted:
    """What a module's options ask for. Raises Invalid."""
    given = {name: params[name] for name in Wanted.__dataclass_fields__ if params.get(name) is not None}
    want = Wanted(**{**given, "boot": Boot(**(params.get("boot") or {})), "block_devices": (), "networks": "auto"})
    where = f"Failed to read server {want.label}"
    if not want.label:
        raise Invalid("Failed to read the server: neither name nor id is given. Give one of them.")
    if want.id and not is_uuid(want.id):
        raise Invalid(f'{where}: id "{want.id}" is not a UUID. Give it as Nova shows it, or the name.')
    sources = [kind for kind in ("volume", "image", "snapshot") if getattr(want.boot, kind)]
    if len(sources) > 1:
        raise Invalid(f"{where}: boot has {' and '.join(sources)}. Give one of them.")
    devices, boot = _devices(params, want.boot, where)
    texts = {str(key): None if value is None else str(value) for key, value in (want.metadata or {}).items()}
    return replace(
        want,
        boot=boot,
        block_devices=tuple(devices),
        networks=server_needs.wanted_networks(params.get("networks") or "auto", want.label),
        security_groups=None if want.security_groups is None else tuple(want.security_groups),
        flavor_denylist=tuple(want.flavor_denylist),
        metadata=texts if want.metadata is not None else None,
    )


def _devices(params: Mapping[str, Any], boot: Boot, where: str) -> tuple[list[dict[str, object]], Boot]:
    """The further disks, and the boot disk where it is one of them: the old grammars name it by its device."""
    try:
        devices = block_devices.block_devices(params.get("block_devices") or ())
        if boot.volume or boot.image or boot.snapshot:
            placeholder = {"source_type": "volume", "destination_type": "volume", "uuid": "boot", "boot_index": 0}
            return block_devices.boot_order([placeholder, *devices])[1:], boot
        ordered = block_devices.boot_order(devices) if devices else []
    except Invalid as error:
        raise Invalid(f"{where}: {error}") from None
    root = next((one for one in ordered if one.get("boot_index") == 0), None)
    if root is None or root["source_type"] == "blank" or root["destination_type"] != "volume":
        return ordered, boot
    rest = [one for one in ordered if one is not root]
    shared = {name: root.get(name) for name in ("delete_on_termination", "device_type", "disk_bus", "tag", "volume_type")}
    source = {str(root["source_type"]): str(root["uuid"])}
    return rest, Boot(**source, size=root.get("volume_size"), **shared)  # type: ignore[arg-type]  # block_devices has checked their types
