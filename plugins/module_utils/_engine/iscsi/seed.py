# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The node's own data as a config drive: built by openstacksdk, in the form that Nova's and Ironic's metadata have."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from ..values import disk_layout, identifiers
from ..values.errors import Invalid, Refused

try:
    from openstack.baremetal import configdrive
except ImportError:  # run_lun.py says how to get it where a seed is asked for
    configdrive = None  # type: ignore[assignment]

AVAILABLE = bool(configdrive)

# RFC 1123 section 2.1, and the 64 characters of the kernel.
_HOST_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,62}[A-Za-z0-9])?", re.ASCII)
_KEY = re.compile(r"\S+ +[A-Za-z0-9+/]{16,}={0,3}( .*)?")
_NUMBERED = "key-{}"


@dataclass(frozen=True)
class Seed:
    """What a node is told of itself. ``digest`` is that of all of it."""

    metadata: Mapping[str, object] = field(repr=False)
    user_data: str | None = field(repr=False)
    network: Mapping[str, object] | None
    vendor_data: Mapping[str, object] | None = field(repr=False)
    digest: str


def wanted(given: Mapping[str, Any], of: str) -> Seed:
    """The seed that a task asks for. ``of`` tells apart two disks with the same seed. Raises Invalid."""
    what = "Failed to read seed"
    name, keys = given.get("hostname"), given.get("ssh_keys") or []
    if name is not None and not _HOST_NAME.fullmatch(name):
        raise Invalid(f'{what}: hostname is "{name}". Write letters, digits, - and dots, 64 characters at the most.')
    for key in keys:
        if not _KEY.fullmatch(key.strip()):
            raise Invalid(
                f'{what}: ssh_keys has "{key[:40]}", which is no public key. Give the text of a .pub file, such as "ssh-ed25519 AAAA...".'
            )
    try:
        own = identifiers.uuid(given["uuid"]) if given.get("uuid") else ""
    except Invalid as error:
        raise Invalid(f"{what}: uuid: {error}.") from None
    user_data = given.get("user_data")
    if user_data is not None and not isinstance(user_data, str):
        if not isinstance(user_data, Mapping):
            raise Invalid(f"{what}: user_data is neither text nor a dictionary of cloud-config. Give one of them.")
        user_data = f"#cloud-config\n{json.dumps(user_data, sort_keys=True)}\n"  # JSON is YAML
    metadata = {
        **({"hostname": name, "name": name} if name is not None else {}),
        **({"public_keys": {_NUMBERED.format(number): key.strip() for number, key in enumerate(keys)}} if keys else {}),
        **({"meta": given["meta"]} if given.get("meta") else {}),
    }
    network, vendor_data = given.get("network"), given.get("vendor_data")
    content = json.dumps([own, metadata, user_data, network, vendor_data], sort_keys=True)
    # cloud-init does what it does once for each instance: another seed is another instance, or it would have no effect.
    id = own or str(uuid5(NAMESPACE_OID, f"{of} {content}"))
    return Seed({"uuid": id, **metadata}, user_data, network, vendor_data, hashlib.sha256(f"{id} {content}".encode()).hexdigest())


def build(seed: Seed, room: int) -> bytes:
    """The config drive. Raises Refused where it has more bytes than there is room for."""
    what = "Failed to build the seed's config drive"
    try:
        packed = configdrive.build(
            dict(seed.metadata),
            user_data=seed.user_data.encode() if seed.user_data is not None else None,
            network_data=seed.network,
            vendor_data=seed.vendor_data,
        )
    except RuntimeError as error:  # the SDK's: none of the programs is there, or one failed
        raise Refused(
            f"{what}: {' '.join(str(error).split())} (Debian and Ubuntu: genisoimage; Fedora: genisoimage; SUSE: xorriso). Nothing was written."
        ) from error
    built = gzip.decompress(base64.b64decode(packed))
    if len(built) > room:
        raise Refused(
            f"{what}: it has {len(built)} bytes, and the partition for it has {room}. Nothing was written. "
            "Have what is long in user_data fetched from somewhere else."
        )
    return disk_layout.stamp(built, seed.digest)
