# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Machines beside their records: what runs on which disk, and to which disk a boot script would lead a machine that is switched on."""

from __future__ import annotations

from typing import Any

from ansible_collections.bfv.openstack.tests.unit.fake_cloud import FakeCloud, Json


class Machines(FakeCloud):
    """No two of them ever run on one disk, nor would if somebody pressed a button."""

    def __init__(self, **records: Any) -> None:
        super().__init__(**records)
        self.running: dict[str, str] = {}
        self.scripts: dict[str, str] = {}

    def disk_of(self, node: Json) -> str:
        """The disk that a node is to boot from."""
        targets = [one for one in self.targets.values() if one["node_uuid"] == node["uuid"] and one["boot_index"] == 0]
        return str(targets[0]["volume_id"]) if targets else ""

    def leads_elsewhere(self, node: Json) -> bool:
        """Whether another machine would boot the disk that a node boots from, were it switched on."""
        return self.disk_of(node) in (disk for other, disk in self.scripts.items() if other != node["name"])

    def deployed(self, node: Json) -> None:
        """Ironic has written the boot script, and switched the machine on."""
        if disk := self.disk_of(node):
            self.scripts[node["name"]] = disk
            self.boot(node)

    def boot(self, node: Json) -> None:
        """The machine is switched on: it runs the script that is there for it."""
        name = node["name"]
        if disk := self.scripts.get(name):
            others = {other: one for other, one in self.running.items() if other != name}
            assert disk not in others.values(), f"{disk} is to run on {name}, and runs already: {others}"
            self.running[name] = disk

    def switched(self, node: Json) -> None:
        """Somebody has switched the machine on or off, which Ironic has seen."""
        if node["power_state"] == "power on":
            self.boot(node)
        else:
            self.running.pop(node["name"], None)

    def unplug(self, node: Json) -> None:
        """The board is dead, its controller too, and Ironic has noticed."""
        self.dead.add(node["name"])
        self.running.pop(node["name"], None)
        node.update(power_state=None, fault="power failure", maintenance=True)

    def repair(self, node: Json) -> None:
        """The board is another one, and off."""
        if node["name"] in self.dead:
            self.dead.discard(node["name"])
            node.update(power_state="power off", fault=None, maintenance=False)

    def _move(self, node: Json) -> None:
        was = node["provision_state"]
        super()._move(node)
        if was == "deleting":
            self.scripts.pop(node["name"], None)
        if node["power_state"] == "power off":
            self.running.pop(node["name"], None)
        if was == "deploying" and node["provision_state"] == "active":
            assert not self.leads_elsewhere(node), f"the disk of {node['name']} is booted by {self.scripts} as well"
            self.deployed(node)
