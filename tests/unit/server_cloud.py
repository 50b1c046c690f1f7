# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A project in which servers are at home, for the tests of servers."""

from __future__ import annotations

from typing import Any, TypeVar

from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet import fleet
from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet.outcome import Outcome
from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet.servers import kind as servers_kind
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.server import plan as server
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import (
    FakeCloud,
    Json,
    a_snapshot,
    a_volume,
    an_image,
    in_its_time,
    settle,
    uuid_of,
)
from ansible_collections.bfv.openstack.tests.unit.fake_nova import a_flavor, a_group, a_network, bare_metal

Cloud = TypeVar("Cloud", bound=FakeCloud)

WEB: Json = {"name": "web", "flavor": "small", "boot": {"image": "debian"}}


def a_project(*volumes: Json, cls: type[Cloud] = FakeCloud, **records: Any) -> Cloud:  # type: ignore[assignment]
    """Flavors, a network, an image; and the volumes and records that are given."""
    return cls(
        **{
            "volumes": volumes,
            "images": [an_image(), an_image("fedora")],
            "snapshots": [a_snapshot()],
            "flavors": [a_flavor("small"), a_flavor("large"), bare_metal("metal")],
            "networks": [a_network(), a_network("storage", project_id=uuid_of("others"))],  # by RBAC, or since it is external
            "keypairs": ["operations"],
            "security_groups": [a_group(), a_group("web")],
            **records,
        }
    )


def with_server(*volumes: Json, cls: type[Cloud] = FakeCloud, options: Json | None = None, **records: Any) -> Cloud:  # type: ignore[assignment]
    """A project with the server that the options ask for, as this collection makes it."""
    cloud = a_project(*volumes, cls=cls, **records)
    settle(cloud, server, **{**WEB, **(options or {})})
    cloud.writes.clear()
    cloud.reads.clear()
    return cloud


def managed(cloud: FakeCloud, servers: list[Json], *, check_mode: bool = False, **params: Any) -> fleet.Result:
    """What the module server_fleet does with these servers, in the time of the fake."""
    given = {"state": "present", "concurrency": 4, "timeout": 60, "wait": True, "servers": servers, **params}
    with in_its_time(cloud):
        return fleet.manage(cloud, servers_kind, given, check_mode=check_mode)  # type: ignore[arg-type]


def manage(cloud: FakeCloud, servers: list[Json], *, check_mode: bool = False, **params: Any) -> dict[str, Outcome]:
    """What became of each of the servers, by its name."""
    return {one.name: one for one in managed(cloud, servers, check_mode=check_mode, **params).outcomes}


def the_server(cloud: FakeCloud) -> Json:
    (found,) = cloud.compute.servers.values()
    return found


def _root_first(server: Json) -> list[Json]:
    """Nova tells the volumes in the order in which they were asked for."""
    return sorted(server["os-extended-volumes:volumes_attached"], key=lambda one: one["id"] != server["_root"])


def disks(cloud: FakeCloud, one: Json | None = None) -> list[str]:
    """The names of the server's volumes, the root first."""
    return [cloud.volumes[disk["id"]]["name"] for disk in _root_first(one or the_server(cloud))]


def goes(cloud: FakeCloud) -> list[bool]:
    """The delete_on_termination of the server's volumes, the root first."""
    return [one["delete_on_termination"] for one in _root_first(the_server(cloud))]


def addresses(cloud: FakeCloud) -> list[str]:
    return [ip["ip_address"] for port in cloud.network.of(the_server(cloud)) for ip in port["fixed_ips"]]


def blank(name: str, **fields: Any) -> Json:
    """A volume for data."""
    return a_volume(name, bootable="false", **fields)
