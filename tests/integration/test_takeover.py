# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A spare takes over: of a host only baremetal_deploy_node is changed, and its disk boots on another node."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest

from .lab import IMAGE, LUN, SYSTEM, Json, Lab, Node
from .proxy import Proxy
from .runs import Ansible, Run, task
from .waiting import until

DEPLOY = "bfv.openstack.deploy"
UNDEPLOY = "bfv.openstack.undeploy"
TASK = "Bring the node where it should be"
SECRET = "of-a-lun-that-moves"


class Host:
    """One host of an inventory, whose machine may change."""

    def __init__(self, lab: Lab, ansible: Ansible, interface: str, new_proxy: Callable[[], Proxy]) -> None:
        self.lab, self.ansible, self.interface, self.new_proxy = lab, ansible, interface, new_proxy
        self.old, self.spare = lab.nodes(f"{interface}-old", f"{interface}-spare")
        self.disk = lab.name(f"{interface}-web")
        self.variables: Json = {
            "cinder": {"baremetal_deploy_volumes": [{"name": self.disk, "image": IMAGE}]},
            "external": {
                "baremetal_deploy_storage_interface": "external",
                "baremetal_deploy_targets": [
                    {
                        "volume_id": str(uuid4()),
                        **LUN,
                        "target_iqn": f"iqn.2010-10.org.example:array.{uuid4()}",
                        "target_lun": lab.release.lun,
                        "chap_username": "web",
                        "chap_password": SECRET,
                    }
                ],
            },
        }[interface]

    def run(self, node: Node, *arguments: str, playbook: str = DEPLOY, environment: Json | None = None) -> Run:
        inventory = self.ansible.inventory({"web": {**self.variables, "baremetal_deploy_node": node.name}})
        return self.ansible.playbook(playbook, "-i", str(inventory), *arguments, environment=environment)

    def counted(self, node: Node, *arguments: str) -> tuple[Run, list[str]]:
        proxy = self.new_proxy()
        return self.run(node, *arguments, environment=proxy.environment), proxy.writes

    def initiators(self, node: Node) -> list[str]:
        return [one["connector_id"] for one in self.lab.connectors(node)]

    def state(self, node: Node) -> str:
        return str(self.lab.look(node)["provision_state"])


@pytest.fixture
def host(request: pytest.FixtureRequest, lab: Lab, ansible: Ansible, new_proxy: Callable[[], Proxy]) -> Host:
    host = Host(lab, ansible, request.param, new_proxy)
    run = host.run(host.old)
    assert run.code == 0, run.text
    return host


@pytest.mark.parametrize("host", ["cinder", "external"], indirect=True)
def test_the_spare_takes_over_from_a_node_that_is_seen_off(host: Host) -> None:
    names = host.initiators(host.old)
    (was,) = host.lab.targets(host.old)
    asked = ("-e", "baremetal_deploy_takeover=powered_off")

    check, written = host.counted(host.spare, *asked, "--check", "--diff")
    assert (check.code, written) == (0, []), check.text
    run = host.run(host.spare, *asked, "--diff")
    assert run.code == 0, run.text
    assert SECRET not in run.text + check.text
    assert run.hosts(TASK)["web"]["actions"] == check.hosts(TASK)["web"]["actions"]
    (now,) = host.lab.targets(host.spare)
    assert (host.state(host.spare), host.initiators(host.spare), now["uuid"]) == ("active", names, was["uuid"])
    assert (host.lab.targets(host.old), host.initiators(host.old)) == ([], [])
    assert host.lab.look(host.old)["power_state"] == "power off"
    until("the old node to be undeployed", lambda: host.state(host.old) == "available")
    assert host.lab.boot_script(host.old) == ""
    assert names[0] in host.lab.boot_script(host.spare)
    if volumes := host.lab.volumes(host.disk):
        (volume,) = volumes
        assert [one["server_id"] for one in volume["attachments"]] == [host.spare.uuid]

    again, written = host.counted(host.spare, *asked)
    assert (again.code, again.recap["web"]["changed"], written) == (0, 0, []), again.text
    assert host.run(host.spare, playbook=UNDEPLOY).code == 0


@pytest.mark.parametrize("host", ["cinder", "external"], indirect=True)
def test_somebody_says_that_the_other_machine_is_off(host: Host) -> None:
    names = host.initiators(host.old)
    mode = ("-e", "baremetal_deploy_takeover=confirmed")

    refused, written = host.counted(host.spare, *mode, "-e", '{"baremetal_deploy_takeover_confirmed": ["another"]}')
    assert (refused.code, written) == (2, []), refused.text
    assert "takeover_confirmed does not name it" in refused.text
    named = f'{{"baremetal_deploy_takeover_confirmed": ["{host.old.name}"]}}'
    run = host.run(host.spare, *mode, "-e", named)
    assert run.code == 0, run.text
    old = host.lab.look(host.old)
    assert (old["maintenance"], old["provision_state"] != "active") == (True, True)
    assert "its machine was said to be off" in old["maintenance_reason"]
    assert (host.state(host.spare), host.initiators(host.spare)) == ("active", names)
    assert (host.lab.targets(host.old), host.lab.boot_script(host.old)) == ([], "")
    again, written = host.counted(host.spare, *mode, "-e", named)
    assert (again.code, again.recap["web"]["changed"], written) == (0, 0, []), again.text
    assert host.run(host.spare, playbook=UNDEPLOY).code == 0


@pytest.mark.parametrize("host", ["cinder", "external"], indirect=True)
def test_without_permission_nothing_is_written(host: Host) -> None:
    refused, written = host.counted(host.spare)
    assert (refused.code, written) == (2, []), refused.text
    told = {
        "cinder": f"is attached to {host.old.uuid}",
        "external": f"is the disk of node {host.old.name} as well, which is active",
    }
    assert told[host.interface] in refused.text
    assert host.state(host.old) == "active"


@pytest.mark.parametrize("host", ["cinder"], indirect=True)
def test_the_spares_for_a_takeover_are_told_with_what_keeps_the_others(host: Host) -> None:
    lab = host.lab
    unfit = lab.nodes("small", "bios", "repaired", "on", "reserved", "wired")
    small, bios, repaired, on, reserved, wired = unfit
    lab.patch(small, "/resource_class", "it-small")
    lab.patch(bios, "/properties/capabilities", "boot_mode:bios")
    lab.ironic("PUT", f"/nodes/{repaired.uuid}/maintenance", {"reason": "new memory"})
    lab.power(on, "power on")
    body = {"name": lab.name("reservation"), "resource_class": "it", "candidate_nodes": [reserved.name]}
    allocation = lab.ironic_now("POST", "/allocations", body)["uuid"]
    until("the allocation", lambda: lab.look(reserved)["instance_uuid"] == allocation)
    for port in lab.ironic.list("/ports", "ports", node=wired.uuid):
        lab.ironic("DELETE", f"/ports/{port['uuid']}")
    words = {
        host.spare.name: [],
        small.name: ["its resource class is it-small, and that of node"],
        bios.name: ["its boot mode is bios, and that of node"],
        repaired.name: ["it is in maintenance."],
        on.name: ["its power state is power on."],
        reserved.name: [f"allocation {allocation} has it."],
        wired.name: ["it has no port, by which it would boot."],
    }
    asked, narrowed = host.new_proxy(), host.new_proxy()
    run = host.ansible.tasks(
        task("all", "bfv.openstack.bfv_info", cloud=SYSTEM, spares_for=host.old.name, proxy=asked.url),
        task("some", "bfv.openstack.bfv_info", cloud=SYSTEM, spares_for=host.old.uuid, nodes=[small.name], proxy=narrowed.url),
        task("nobody", "bfv.openstack.bfv_info", cloud=SYSTEM, spares_for=lab.name("nobody")),
        task("none", "bfv.openstack.bfv_info", cloud=SYSTEM, spares_for=host.spare.name),
        arguments=("-vvv",),
    )
    told = {one["name"]: one for one in run["all"]["spares"] if one["name"] in words}
    assert told.keys() == words.keys()
    for name, expected in words.items():
        reasons = told[name]["reasons"]
        assert [word in reason for word, reason in zip(expected, reasons, strict=True)] == [True] * len(expected), (name, reasons)
        assert told[name]["fits"] == (not expected)
    assert [one["name"] for one in run["some"]["spares"]] == [small.name]
    assert not asked.writes + narrowed.writes
    assert "Failed to find node" in run["nobody"]["msg"]
    assert "storage interface noop ignores the volume targets" in run["none"]["msg"]
    lab.ironic_now("DELETE", f"/allocations/{allocation}")

    run = host.run(host.spare, "-e", "baremetal_deploy_takeover=powered_off")
    assert run.code == 0, run.text
    assert host.run(host.spare, playbook=UNDEPLOY).code == 0
