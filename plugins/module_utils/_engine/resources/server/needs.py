# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a new server needs: its flavor, key pair, security groups and quota. Read, and refused, before anything is changed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ...cloud.connection import Cloud
from ...cloud.errors import Rejected
from ...values.errors import Refused
from ...values.paths import path_of
from ..volume.record import Volume


@dataclass(frozen=True)
class Flavor:
    """A flavor, as far as a server needs it. ``ram`` is in MiB."""

    id: str
    name: str
    bare_metal: bool = False
    vcpus: int = 0
    ram: int = 0
    ephemeral: int = 0  # GiB
    swap: int = 0  # MiB


@dataclass(frozen=True)
class Limits:
    """What the project may still have of Nova and Neutron, and how many items of metadata a server. None is without a limit."""

    instances: int | None = None
    vcpus: int | None = None
    ram: int | None = None  # MiB
    metadata: int | None = None
    ports: int | None = None  # read only for a server that gets new ones

    def freed(self, vcpus: int, ram: int) -> Limits:
        """What is left when a server of that size has gone."""
        more = ((self.instances, 1), (self.vcpus, vcpus), (self.ram, ram))
        instances, cpus, memory = (None if left is None else left + one for left, one in more)
        return replace(self, instances=instances, vcpus=cpus, ram=memory)


def read_flavor(cloud: Cloud, flavor: str) -> Flavor:
    """The one flavor of that name or id."""
    every = cloud.compute.list("/flavors/detail", "flavors", "read the flavors")
    found: Flavor = only("flavor", flavor, [_flavor(one) for one in every if flavor in (one["id"], one["name"])])
    return found


def _flavor(one: Mapping[str, Any]) -> Flavor:
    bare_metal = is_bare_metal(one.get("extra_specs", {}))
    local = (one.get("OS-FLV-EXT-DATA:ephemeral", 0), one.get("swap") or 0)  # Nova says no swap as text up to 2.74
    return Flavor(one["id"], one["name"], bare_metal, one.get("vcpus", 0), one.get("ram", 0), *local)


def is_bare_metal(extra_specs: Mapping[str, str]) -> bool:
    """Whether a flavor asks for a custom resource class, which only Ironic's nodes offer."""
    return any(key.startswith("resources:CUSTOM_") for key in extra_specs)


def check_flavor(flavor: Flavor, denylist: Iterable[str], what: str) -> None:
    """Refuse a flavor of which the user says that it cannot boot from a volume."""
    for pattern in denylist:
        if re.search(pattern, flavor.name):
            raise Refused(
                f"Failed to {what}: flavor {flavor.name} cannot boot from a volume (flavor_denylist has «{pattern}»). Take another flavor."
            )


def check_memory(flavor: Flavor, boot: Volume, what: str) -> None:
    """Refuse a flavor with less memory than the image of the boot volume wants (nova/compute/api.py, _validate_flavor_image_nostatus)."""
    if flavor.ram < boot.min_ram:
        raise Refused(
            f"Failed to {what}: its boot volume {boot.name or boot.id} was made from an image that wants {boot.min_ram} MiB of RAM, "
            f"and flavor {flavor.name} has {flavor.ram}. Take a larger flavor."
        )


def read_limits(cloud: Cloud) -> Limits:
    """What is left of the project's quota."""
    seen = cloud.compute.read("/limits", "read the project's limits")["limits"]["absolute"]

    def left(limit: str, used: str = "") -> int | None:
        return None if seen.get(limit, -1) < 0 else seen[limit] - seen.get(used, 0)

    return Limits(
        left("maxTotalInstances", "totalInstancesUsed"),
        left("maxTotalCores", "totalCoresUsed"),
        left("maxTotalRAMSize", "totalRAMUsed"),
        left("maxServerMeta"),
    )


def read_ports(cloud: Cloud) -> int | None:
    """How many ports Neutron lets the project have more. None where it sets no limit, or does not tell."""
    path = path_of("quotas", cloud.project, "details")
    try:
        quota = cloud.network.read(path, "read the project's quota of ports")["quota"]["port"]
    except Rejected as error:
        if error.status not in (403, 404):
            raise
        return None
    return None if quota["limit"] < 0 else quota["limit"] - quota["used"] - quota["reserved"]


def read_zones(cloud: Cloud) -> tuple[str, ...]:
    """The availability zones that work."""
    listed = cloud.compute.read("/os-availability-zone", "read Nova's availability zones")["availabilityZoneInfo"]
    return tuple(one["zoneName"] for one in listed if one["zoneState"]["available"])


def read_server_groups(cloud: Cloud) -> tuple[tuple[str, str], ...]:
    """The ids and names of the project's server groups."""
    listed = cloud.compute.list("/os-server-groups", "server_groups", "read the server groups")
    return tuple((one["id"], one["name"]) for one in listed)


def check_limits(limits: Limits | None, flavor: Flavor, vcpus: int, ram: int, what: str) -> None:
    """Refuse a flavor that is larger than the quota permits beside what the server has already. ``ram`` is in MiB."""
    if limits is None:
        return
    for kind, left, more in (("cores", limits.vcpus, flavor.vcpus - vcpus), ("MiB of RAM", limits.ram, flavor.ram - ram)):
        if left is not None and more > max(left, 0):
            raise Refused(
                f"Failed to {what}: flavor {flavor.name} has {more} {kind} more, and the project's quota has {max(left, 0)} left. "
                "Raise the quota, remove what is not needed, or take a smaller flavor."
            )


def check_instances(limits: Limits | None, what: str) -> None:
    """Refuse one more server than the quota permits."""
    if limits and limits.instances is not None and limits.instances < 1:
        raise Refused(
            f"Failed to {what}: the project's quota has no instance left. Raise the quota, or remove what is not needed."
        )


def check_ports(limits: Limits | None, number: int, what: str) -> None:
    """Refuse more new ports than the project may have (nova/network/neutron.py, validate_networks)."""
    if limits and limits.ports is not None and number > max(limits.ports, 0):
        raise Refused(
            f"Failed to {what}: it gets {number} new {'port' if number == 1 else 'ports'}, and the project's quota has {max(limits.ports, 0)} left. "
            "Raise the quota, remove what is not needed, or name ports that are there."
        )


def check_metadata(limits: Limits | None, number: int, what: str) -> None:
    """Refuse more items of metadata than a server may have."""
    if limits and limits.metadata is not None and number > limits.metadata:
        raise Refused(
            f"Failed to {what}: it would have {number} items of metadata, and the project's quota permits {limits.metadata}. "
            "Leave some out, or remove those that are there (with the value null)."
        )


def read_group_names(cloud: Cloud, wanted: Iterable[str]) -> dict[str, str]:
    """The names of security groups by their ids, as far as they are wanted by their ids."""
    listed = cloud.network.list("/security-groups", "security_groups", "read the security groups", fields=["id", "name"])
    return {one["id"]: one["name"] for one in listed if one["id"] in set(wanted)}


def check_key(cloud: Cloud, key: str) -> None:
    """Refuse a key pair that the user does not have."""
    # paths are shortened by the names . and ..
    if key in (".", "..") or cloud.compute.find(path_of("os-keypairs", key), f"read key pair {key}") is None:
        raise Refused(
            f"Failed to find key pair {key}: Nova shows none of that name to this user. Create it first (openstack.cloud.keypair)."
        )


def check_security_groups(cloud: Cloud, wanted: Iterable[str]) -> None:
    """Refuse a security group that is not there, or is there twice."""
    found = list(cloud.network.list("/security-groups", "security_groups", "read the security groups", fields=["id", "name"]))
    for group in wanted:
        only("security group", group, [item for item in found if group in (item["id"], item["name"])])


def only(kind: str, name: str, matches: list[Any]) -> Any:
    if not matches:
        raise Refused(f"Failed to find {kind} {name}: the cloud shows none of that name or id. Check the name, and the project.")
    if len(matches) > 1:
        raise Refused(f"Failed to find {kind} {name}: {len(matches)} have that name. Give the id.")
    return matches[0]
