# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""What a new server refers to: its flavor, networks, key pair and security groups. Read, and refused, before anything is changed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..cloud.connection import Cloud
from ..values.errors import Invalid, Refused


@dataclass(frozen=True)
class Flavor:
    """A flavor, as far as a server needs it."""

    id: str
    name: str
    bare_metal: bool = False


def read_flavor(cloud: Cloud, flavor: str) -> Flavor:
    """The one flavor of that name or id."""
    every = cloud.compute.list("/flavors/detail", "flavors", "read the flavors")
    found: Flavor = _one("flavor", flavor, [_flavor(one) for one in every if flavor in (one["id"], one["name"])])
    return found


def _flavor(one: Mapping[str, Any]) -> Flavor:
    return Flavor(one["id"], one["name"], is_bare_metal(one.get("extra_specs", {})))


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


def wanted_networks(given: object, label: str) -> str | list[dict[str, str]]:
    """The networks as they are asked for: auto, none, or a list of dicts of network, port and fixed_ip. Raises Invalid."""
    if given in ("auto", "none"):
        return str(given)
    items: list[Any] = given if isinstance(given, list) else [given]
    networks: list[Any] = [{"network": item} if isinstance(item, str) else item for item in items]
    for one in networks:
        if (
            not isinstance(one, Mapping)
            or not set(one) <= {"network", "port", "fixed_ip"}
            or ("network" in one) == ("port" in one)
        ):
            raise Invalid(
                f"Failed to read server {label}: networks has «{one}». Write auto, none, a network's name, or a dict of network or port, and fixed_ip."
            )
    return [dict(one) for one in networks]


def read_networks(cloud: Cloud, wanted: str | list[dict[str, str]]) -> str | list[dict[str, str]]:
    """The networks and ports by their ids, as Nova takes them."""
    if isinstance(wanted, str):
        return wanted
    return [_network(cloud, one) for one in wanted]


def _network(cloud: Cloud, one: Mapping[str, str]) -> dict[str, str]:
    kind = "port" if "port" in one else "network"
    found = list(cloud.network.list(f"/{kind}s", f"{kind}s", f"read {kind} {one[kind]}", fields=["id", "name"]))
    chosen = _one(kind, one[kind], [item for item in found if one[kind] in (item["id"], item["name"])])
    item = {"port" if kind == "port" else "uuid": chosen["id"]}
    return {**item, "fixed_ip": one["fixed_ip"]} if "fixed_ip" in one else item


def check_key(cloud: Cloud, key: str) -> None:
    """Refuse a key pair that the user does not have."""
    if cloud.compute.find(f"/os-keypairs/{key}", f"read key pair {key}") is None:
        raise Refused(
            f"Failed to find key pair {key}: Nova shows none of that name to this user. Create it first (openstack.cloud.keypair)."
        )


def check_security_groups(cloud: Cloud, wanted: Iterable[str]) -> None:
    """Refuse a security group that is not there, or is there twice."""
    found = list(cloud.network.list("/security-groups", "security_groups", "read the security groups", fields=["id", "name"]))
    for group in wanted:
        _one("security group", group, [item for item in found if group in (item["id"], item["name"])])


def _one(kind: str, name: str, matches: list[Any]) -> Any:
    if not matches:
        raise Refused(f"Failed to find {kind} {name}: the cloud shows none of that name or id. Check the name, and the project.")
    if len(matches) > 1:
        raise Refused(f"Failed to find {kind} {name}: {len(matches)} have that name. Give the id.")
    return matches[0]
