# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Flavors and servers as Nova keeps them. What begins with an underscore it shows to nobody, or to admins alone."""

from __future__ import annotations

from typing import Any

from ansible_collections.bfv.openstack.tests.unit.fake_cinder import Json, uuid_of

ATTACHED = "os-extended-volumes:volumes_attached"
TASK = "OS-EXT-STS:task_state"


def a_flavor(name: str = "small", **extra_specs: str) -> Json:
    sizes = {"vcpus": 1, "ram": 512, "disk": 0, "OS-FLV-EXT-DATA:ephemeral": 0, "swap": 0}
    return {"id": uuid_of(f"flavor {name}"), "name": name, "extra_specs": extra_specs, **sizes}


def of_flavor(flavor: Json) -> Json:
    """A server's flavor as it is shown within the server: without its id (microversion 2.47)."""
    names = {"OS-FLV-EXT-DATA:ephemeral": "ephemeral", "name": "original_name"}
    return {names.get(key, key): value for key, value in flavor.items() if key != "id"}


def bare_metal(name: str = "metal") -> Json:
    return {**a_flavor(name), "extra_specs": {"resources:CUSTOM_BAREMETAL": "1", "resources:VCPU": "0"}}


def a_server(name: str = "web", *volumes: str, flavor: Json | None = None, going: tuple[str, ...] = (), **fields: Any) -> Json:
    """A server with volumes, those of ``going`` with delete_on_termination; it boots from the first."""
    attached = [{"id": uuid_of(one), "delete_on_termination": one in going} for one in volumes]
    server = {
        "id": uuid_of(f"server {name}"),
        "name": name,
        "status": "ACTIVE",
        "tenant_id": uuid_of("project").replace("-", ""),
        "flavor": of_flavor(flavor or a_flavor()),
        TASK: None,
        "key_name": None,
        "OS-EXT-AZ:availability_zone": "nova",
        "metadata": {},
        "description": None,
        "tags": [],
        "locked": False,
        "security_groups": [{"name": "default"}],
        "addresses": {},
        "config_drive": "",
        "image": "" if volumes else {"id": uuid_of("debian")},
        ATTACHED: attached,
        "_root": attached[0]["id"] if attached else None,
        "_root_device": "/dev/vda",
        "_user_data": None,
        **fields,
    }
    name_devices(server)
    return server


def name_devices(server: Json) -> None:
    """The root is at the server's root device; the others get the letters behind it in the order in which they came."""
    taken = {one.get("_device") for one in server[ATTACHED]} | {server["_root_device"]}
    if not server["_root"] and not server["image"]:
        server["_root"] = next((one["id"] for one in server[ATTACHED]), None)
    free = (name for letter in "abcdefgh" if (name := f"/dev/vd{letter}") not in taken)
    for one in server[ATTACHED]:
        if "_device" not in one:
            one["_device"] = server["_root_device"] if one["id"] == server["_root"] else next(free)


def is_metal(server: Json) -> bool:
    return any(key.startswith("resources:CUSTOM_") for key in server["flavor"]["extra_specs"])
