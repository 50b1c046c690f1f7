# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests make in the sandbox, straight by its APIs, and how it goes away again.

All of it, what the modules make too, has a name that begins with the lab's prefix: that is how it is found and removed.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import subprocess
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import openstack
from openstack.connection import Connection
from openstack.exceptions import raise_from_response

from .releases import RELEASES, Release
from .waiting import until

Json = dict[str, Any]

# Two runs of the tests in one sandbox need two, of which none begins with the other.
PREFIX = os.environ.get("LAB_PREFIX", f"it{os.environ.get('PYTEST_XDIST_WORKER', '')}-")
PROJECT = "sandbox"
NETWORK = "sandbox"
ADMIN = "sandbox-admin"
SYSTEM = "sandbox-system"
IMAGE = "bfv-test"
BACKUP_SECONDS = 240  # for a GiB: all of it is read and hashed
LUN = {"target_iqn": "iqn.2010-10.org.example:array.it", "target_portal": "192.0.2.10:3260", "target_lun": 0}


def a_lun() -> Json:
    """A LUN that no other node has."""
    return {**LUN, "target_iqn": f"iqn.2010-10.org.example:array.{uuid4()}"}


@dataclass(frozen=True)
class Node:
    """A node of the lab."""

    uuid: str
    name: str


class Api:
    """One service in raw JSON. A status that is not a success is an error."""

    def __init__(self, proxy: Any, microversion: str | None) -> None:
        self._proxy = proxy
        self._microversion = microversion

    def __call__(self, method: str, path: str, body: object = None, **options: Any) -> Json:
        if body is not None:
            options["json"] = body
        # one that rests is closed by the service after a while, at times just when it is used again
        options["headers"] = {"Connection": "close", **options.get("headers", {})}
        response = self._proxy.request(path, method, microversion=self._microversion, **options)
        raise_from_response(response)
        return response.json() if response.content and "json" in response.headers.get("Content-Type", "") else {}

    def list(self, path: str, key: str, **query: object) -> list[Json]:
        return self("GET", path, params=query)[key]


class Lab:
    """The sandbox's services, and the things that the tests made of them."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix

    @cached_property
    def _project(self) -> Connection:
        return openstack.connect(cloud=PROJECT)

    @cached_property
    def _system(self) -> Connection:
        return openstack.connect(cloud=SYSTEM)

    @cached_property
    def ironic(self) -> Api:
        return Api(self._system.baremetal, "1.33")

    @cached_property
    def ironic_now(self) -> Api:
        """Ironic with what came later: allocations, protected and retired nodes."""
        return Api(self._system.baremetal, "1.65")

    @cached_property
    def cinder(self) -> Api:
        return Api(self._project.block_storage, "3.47")

    @cached_property
    def cinder_admin(self) -> Api:
        return Api(openstack.connect(cloud=ADMIN).block_storage, "3.47")

    @cached_property
    def glance(self) -> Api:
        return Api(self._project.image, None)

    @cached_property
    def glance_admin(self) -> Api:
        return Api(openstack.connect(cloud=ADMIN).image, None)

    @cached_property
    def nova(self) -> Api:
        return Api(self._project.compute, "2.93")

    @cached_property
    def nova_admin(self) -> Api:
        return Api(openstack.connect(cloud=ADMIN).compute, "2.93")

    @cached_property
    def neutron(self) -> Api:
        return Api(self._project.network, None)

    @cached_property
    def services(self) -> dict[str, str]:
        """The services' names by host and port."""
        urls = {
            "identity": self._project.config.get_auth_args()["auth_url"],
            "baremetal": self._system.baremetal.get_endpoint(),
            "block-storage": self._project.block_storage.get_endpoint(),
            "image": self._project.image.get_endpoint(),
        }
        if self.has_servers:
            urls |= {"compute": self._project.compute.get_endpoint(), "network": self._project.network.get_endpoint()}
        return {urlsplit(url).netloc: name for name, url in urls.items()}

    @cached_property
    def release(self) -> Release:
        """What the sandbox's release of OpenStack does."""
        settings = Path(os.environ["OS_CLIENT_CONFIG_FILE"]).parent / "etc" / "sandbox.json"
        return RELEASES[json.loads(settings.read_text(encoding="utf-8"))["release"]]

    @cached_property
    def has_servers(self) -> bool:
        """Whether the sandbox has Nova: the small one has not."""
        return any(service.type == "compute" for service in openstack.connect(cloud=ADMIN).identity.services())

    def name(self, what: str) -> str:
        """A name that nothing has yet."""
        return f"{self.prefix}{what}-{secrets.token_hex(3)}"

    # Nodes

    def nodes(self, *whats: str) -> list[Node]:
        """Nodes that are available, powered off, and ready to be set up for booting from volumes."""
        with ThreadPoolExecutor(4) as pool:
            return list(pool.map(self.node, whats))

    def node(self, what: str = "node") -> Node:
        """One such node."""
        name = self.name(what)
        body = {
            "name": name,
            "driver": "fake-hardware",
            "resource_class": "it",
            "properties": {"cpus": 1, "memory_mb": 64, "local_gb": 1, "cpu_arch": "x86_64", "capabilities": "boot_mode:uefi"},
            # Any value will do: fake hardware boots neither, but the interfaces ask for them.
            "driver_info": {"deploy_kernel": "file:///dev/null", "deploy_ramdisk": "file:///dev/null"},
        }
        node = Node(self.ironic("POST", "/nodes", body)["uuid"], name)
        self.ironic("POST", "/ports", {"node_uuid": node.uuid, "address": f"52:54:01:{secrets.token_bytes(3).hex(':')}"})
        self.provision(node, "manage", "manageable")
        self.power(node, "power off")
        self.provision(node, "provide", "available")
        return node

    def look(self, node: Node | str) -> Json:
        """The node as Ironic shows it."""
        return self.ironic("GET", f"/nodes/{node if isinstance(node, str) else node.uuid}")

    def patch(self, node: Node, path: str, value: object) -> None:
        self.ironic("PATCH", f"/nodes/{node.uuid}", [{"op": "add", "path": path, "value": value}])

    def provision(self, node: Node, target: str, *ends: str) -> str:
        """Have Ironic bring the node to another state, and say to which of the possible ends it came."""
        self.ironic("PUT", f"/nodes/{node.uuid}/states/provision", {"target": target})
        return until(f"node {node.name} {target}", lambda: self._at_rest(node, ends))

    def _at_rest(self, node: Node, ends: Iterable[str]) -> str:
        seen = self.look(node)
        state = seen["provision_state"]
        assert state in ends or not state.endswith("failed"), f"node {node.name} is {state}: {seen['last_error']}"
        return state if state in ends and not seen["reservation"] else ""

    def power(self, node: Node, target: str) -> None:
        self.ironic("PUT", f"/nodes/{node.uuid}/states/power", {"target": target})
        until(f"node {node.name} {target}", lambda: self.look(node)["power_state"] == target)

    @staticmethod
    def database(statement: str) -> None:
        """Change Ironic behind its back, where hardware or a conductor would have to go wrong. Its conductor reads each node from there."""
        socket = Path(os.environ["OS_CLIENT_CONFIG_FILE"]).parent / "run" / "mariadb.sock"
        subprocess.run(["mariadb", f"--socket={socket}", "--user=root", "ironic", "--execute", statement], check=True)

    def connectors(self, node: Node) -> list[Json]:
        return self.ironic.list("/volume/connectors", "connectors", node=node.uuid, detail=True)

    def targets(self, node: Node) -> list[Json]:
        return self.ironic.list("/volume/targets", "targets", node=node.uuid, detail=True)

    def connector(self, node: Node, connector_id: str, kind: str = "iqn") -> Json:
        body = {"node_uuid": node.uuid, "type": kind, "connector_id": connector_id}
        return self.ironic("POST", "/volume/connectors", body)

    def target(self, node: Node, volume_id: str, **properties: object) -> Json:
        """A target to boot from."""
        body = {"node_uuid": node.uuid, "volume_type": "iscsi", "boot_index": 0, "volume_id": volume_id, "properties": properties}
        return self.ironic("POST", "/volume/targets", body)

    def set_up(self, node: Node, storage: str = "external") -> None:
        """Set the node up for booting from iSCSI volumes."""
        self.patch(node, "/storage_interface", storage)
        self.patch(node, "/properties/capabilities", "boot_mode:uefi,iscsi_boot:True")
        self.connector(node, f"iqn.2017-08.org.openstack.{node.uuid}")

    def deploy(self, node: Node) -> None:
        """Deploy the node from a LUN outside of Cinder. Fake hardware never looks whether the LUN is there."""
        self.set_up(node)
        self.target(node, str(uuid4()), **a_lun())
        self.provision(node, "active", "active")

    def boot_script(self, node: Node) -> str:
        """The iPXE script by which the node boots, as Ironic wrote it; empty where it wrote none."""
        script = Path(os.environ["OS_CLIENT_CONFIG_FILE"]).parent / "ironic" / "http" / node.uuid / "config"
        return script.read_text(encoding="utf-8") if script.exists() else ""

    def until_nova_knows(self, node: Node) -> None:
        """Nova's compute service tells Placement of a new node now and then, and its scheduler puts it into a cell: before, no server comes to it."""
        placement = Api(openstack.connect(cloud=ADMIN).placement, "1.14")

        def offered() -> bool:
            if not placement.list("/resource_providers", "resource_providers", uuid=node.uuid):
                return False
            inventory = placement("GET", f"/resource_providers/{node.uuid}/inventories")["inventories"]
            free = any(one["reserved"] == 0 for name, one in inventory.items() if name.startswith("CUSTOM_"))
            # the API leaves out what is in no cell
            return free and any(
                one["hypervisor_hostname"] == node.uuid for one in self.nova_admin.list("/os-hypervisors", "hypervisors")
            )

        until(f"Nova to know node {node.name}", offered, 180)

    # Volumes and images

    def volumes(self, name: str) -> list[Json]:
        return self.cinder.list("/volumes/detail", "volumes", name=name)

    def volume(self, name: str, **body: object) -> Json:
        """A volume that is available; a blank one of 1 GiB if nothing else is said."""
        volume = self.cinder("POST", "/volumes", {"volume": {"name": name, "size": 1, **body}})["volume"]
        return until(f"volume {name}", lambda: self._available(volume["id"]))

    def _available(self, volume_id: str) -> Json:
        seen = self.cinder("GET", f"/volumes/{volume_id}")["volume"]
        return seen if seen["status"] == "available" else {}

    def attach(self, volume_id: str, holder: str) -> None:
        """Attach the volume as Nova or Ironic does."""
        self.act(self.cinder, volume_id, "os-reserve", {})
        self.act(self.cinder, volume_id, "os-attach", {"instance_uuid": holder, "mountpoint": "/dev/vda"})

    def set_status(self, volume_id: str, status: str) -> None:
        self.act(self.cinder_admin, volume_id, "os-reset_status", {"status": status})

    @staticmethod
    def act(cinder: Api, volume_id: str, action: str, body: Json) -> None:
        cinder("POST", f"/volumes/{volume_id}/action", {action: body})

    def image(self, name: str, folder: Path | None = None, mebibytes: int = 1, min_disk: int = 0) -> str:
        """The id of a new image: an empty disk of that size, or none at all without a folder to make it in."""
        body = {"name": name, "disk_format": "qcow2", "container_format": "bare", "min_disk": min_disk}
        image = self.glance("POST", "/images", body)["id"]
        if folder:
            file = folder / f"{name}.qcow2"
            subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", file, f"{mebibytes}M"], check=True)
            headers = {"Content-Type": "application/octet-stream"}
            self.glance("PUT", f"/images/{image}/file", data=file.read_bytes(), headers=headers)
        return image

    def snapshot(self, volume_id: str, name: str) -> str:
        """The id of a new snapshot of a volume."""
        body = {"snapshot": {"name": name, "volume_id": volume_id, "force": True}}
        made = self.cinder("POST", "/snapshots", body)["snapshot"]["id"]
        until(f"snapshot {name}", lambda: self.cinder("GET", f"/snapshots/{made}")["snapshot"]["status"] == "available")
        return made

    def backup(self, volume_id: str, name: str) -> Json:
        """A new backup of a volume."""
        made = self.cinder("POST", "/backups", {"backup": {"name": name, "volume_id": volume_id, "force": True}})["backup"]["id"]
        return until(f"backup {name}", lambda: self._available_backup(made), BACKUP_SECONDS)

    def _available_backup(self, backup_id: str) -> Json:
        seen = self.cinder("GET", f"/backups/{backup_id}")["backup"]
        assert seen["status"] != "error", seen["fail_reason"]
        return seen if seen["status"] == "available" else {}

    def restore(self, backup_id: str) -> Json:
        """A new volume from a backup, as `openstack volume backup restore` makes it: with the name and metadata of the original."""
        made = self.cinder("POST", f"/backups/{backup_id}/restore", {"restore": {}})["restore"]["volume_id"]
        # First the volume is made, and is available for a moment; the backup says when it has been restored.
        until(f"restored volume {made}", lambda: self._available_backup(backup_id) and self._available(made), BACKUP_SECONDS)
        return self._available(made)

    @staticmethod
    def disk(volume_id: str) -> Path:
        """The file in which the sandbox keeps a volume."""
        return Path(os.environ["OS_CLIENT_CONFIG_FILE"]).parent / "data" / "cinder" / "volumes" / f"volume-{volume_id}"

    # Servers

    def servers(self, name: str) -> list[Json]:
        return [server for server in self.nova.list("/servers/detail", "servers", name=f"^{name}$") if server["name"] == name]

    def server(self, name: str, volume_id: str, goes: bool = False, flavor: str = "bfv.small", networks: object = "none") -> Json:
        """A server that runs from the volume, made as Nova's guide says."""
        (flavor_id,) = (one["id"] for one in self.nova.list("/flavors", "flavors") if one["name"] == flavor)
        disk = {"source_type": "volume", "destination_type": "volume", "uuid": volume_id, "boot_index": 0}
        body = {
            "name": name,
            "flavorRef": flavor_id,
            "networks": networks,
            "block_device_mapping_v2": [{**disk, "delete_on_termination": goes}],
        }
        made = self.nova("POST", "/servers", {"server": body})["server"]["id"]
        return until(f"server {name}", lambda: self._at_work(made))

    def _at_work(self, server_id: str) -> Json:
        seen = self.nova("GET", f"/servers/{server_id}")["server"]
        assert seen["status"] != "ERROR", seen["fault"]
        return seen if seen["status"] == "ACTIVE" else {}

    def key(self, name: str) -> None:
        """A key pair: the form counts, nobody logs in with it."""
        blob = b"\x00\x00\x00\x0bssh-ed25519\x00\x00\x00\x20" + secrets.token_bytes(32)
        public = f"ssh-ed25519 {base64.b64encode(blob).decode()}"
        self.nova("POST", "/os-keypairs", {"keypair": {"name": name, "type": "ssh", "public_key": public}})

    def act_on_server(self, server_id: str, action: Json) -> None:
        self.nova_admin("POST", f"/servers/{server_id}/action", action)

    # Clearing up

    def clear(self) -> None:
        """Remove all that has a name with the lab's prefix, whatever state it is in."""
        if self.has_servers:
            self._clear_servers()
        self._each(lambda one: self.cinder("DELETE", f"/snapshots/{one['id']}"), self.cinder.list("/snapshots", "snapshots"))
        until("the lab's snapshots to be gone", lambda: not self._mine(self.cinder.list("/snapshots", "snapshots")))
        self._each(self._remove_backup, self.cinder.list("/backups", "backups"))
        self._each(self._remove_node, self.ironic.list("/nodes", "nodes", fields="uuid,name,provision_state"))
        self._each(self._remove_volume, self.cinder.list("/volumes/detail", "volumes"))
        self._each(lambda image: self.glance("DELETE", f"/images/{image['id']}"), self.glance.list("/images", "images"))
        until("the lab's volumes to be gone", lambda: not self._mine(self.cinder.list("/volumes", "volumes")))

    def _clear_servers(self) -> None:
        for server in self._mine(self.nova.list("/servers", "servers")):
            self.nova("DELETE", f"/servers/{server['id']}")
        until("the lab's servers to be gone", lambda: not self._mine(self.nova.list("/servers", "servers")))
        for pair in self.nova.list("/os-keypairs", "keypairs"):
            for one in self._mine([pair["keypair"]]):
                self.nova("DELETE", f"/os-keypairs/{one['name']}")
        for kind in ("ports", "networks", "security-groups"):
            path = f"/{kind}"
            self._each(
                lambda one, path=path: self.neutron("DELETE", f"{path}/{one['id']}"),
                self.neutron.list(path, kind.replace("-", "_")),
            )

    def _each(self, remove: Callable[[Json], object], things: Iterable[Json]) -> None:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(remove, self._mine(things)))

    def _mine(self, things: Iterable[Json]) -> list[Json]:
        """The lab's among them. A golden volume is named by its image's id, and tells the image's name in its metadata.

        A safety checkpoint has a name of its own, with that of the checkpoint that was gone back to in it.
        """
        return [thing for thing in things if any(name.startswith(self.prefix) for name in _names(thing))]

    def _remove_node(self, seen: Json) -> None:
        node = Node(seen["uuid"], seen["name"])
        if seen["provision_state"] in ("active", "deploy failed", "wait call-back", "error"):
            self.provision(node, "deleted", "available", "error")
        self.ironic("PUT", f"/nodes/{node.uuid}/maintenance", {})
        self.ironic("DELETE", f"/nodes/{node.uuid}")

    def _remove_backup(self, backup: Json) -> None:
        until(f"backup {backup['name']} to be at rest", lambda: self._at_rest_backup(backup["id"]), BACKUP_SECONDS)
        self.cinder("DELETE", f"/backups/{backup['id']}")

    def _at_rest_backup(self, backup_id: str) -> bool:
        return self.cinder("GET", f"/backups/{backup_id}")["backup"]["status"] in ("available", "error")

    def _remove_volume(self, volume: Json) -> None:
        for attachment in volume["attachments"]:
            self.act(self.cinder_admin, volume["id"], "os-detach", {"attachment_id": attachment["attachment_id"]})
        if volume["status"] == "deleting":
            return
        self.set_status(volume["id"], "available")
        self.cinder("DELETE", f"/volumes/{volume['id']}?cascade=true")  # a checkpoint of a guide has the name that it has there


def _names(thing: Json) -> list[str]:
    marks = thing.get("metadata", {})
    return [(thing["name"] or "").removeprefix("before-"), marks.get("bfv_golden_image", "")]
