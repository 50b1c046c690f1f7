# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One chain more: a server of Nova, on bare metal, on a volume of the role's image; and then on another volume, with the same address.

Our playbooks only prepare the node. Nova finds it by its resource class, makes its volume target, and has Ironic deploy it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from ..integration.lab import NETWORK, PROJECT, Json
from ..integration.runs import Ansible
from . import stories
from .lab import Lab
from .report import Report
from .stories import DEPLOY, Story

pytestmark = pytest.mark.extra

NAME = "nova-bios"
PLAYBOOK = "bfv.openstack.server"
TASK = "Bring the server where it should be"
# Of the role sandbox: the flavor asks for one node of the resource class.
FLAVOR, RESOURCE_CLASS = "bfv.baremetal", "baremetal"
FIRST, SECOND = f"{NAME}-boot", f"{NAME}-repaired"
MADE, EXCHANGED, REMOVED = "make the volume, boot the server", "give it another volume", "remove the server"


@dataclass(frozen=True)
class Chain:
    """What was seen after each step, by the step's name."""

    story: Story
    instances: dict[str, str | None] = field(default_factory=dict)  # the server that Ironic has on the node
    volumes: dict[str, dict[str, Json]] = field(default_factory=dict)  # by name

    def server(self, what: str) -> Json:
        """The server as the module returned it."""
        server: Json = self.story.runs[what][TASK]["server"]
        return server

    def target(self, what: str) -> str:
        """The volume that the node's only target names."""
        (target,) = self.story.targets[what]
        return str(target["volume_id"])


@pytest.fixture(scope="module")
def chain(the_lab: Lab, glance_image: str, ansible: Ansible, report: Report) -> Chain:
    story = stories.begin(the_lab, ansible, report, NAME, RESOURCE_CLASS)
    chain = Chain(story)
    # Neutron gives the server the address that the machine gets by DHCP.
    networks = [{"network": NETWORK, "fixed_ip": story.machine.model.address}]
    here = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}

    def server(what: str, wish: Json, *arguments: str, volumes: tuple[Json, ...] = ()) -> None:
        host = {"server_deploy_options": {"flavor": FLAVOR, "networks": networks, **wish}, "server_deploy_volumes": volumes}
        groups = {"servers": {"hosts": {NAME: host}, "vars": {"server_deploy_cloud": PROJECT, **here}}}
        story.play(what, PLAYBOOK, {}, "-i", str(ansible.file("servers.json", groups)), *arguments)
        chain.instances[what] = the_lab.cloud.look(story.node)["instance_uuid"]
        chain.volumes[what] = {name: volume for name in (FIRST, SECOND) for volume in the_lab.cloud.volumes(name)}

    story.play("prepare the node", DEPLOY, {"baremetal_deploy_state": "prepared"})
    with story.step("wait until Nova knows it"):
        the_lab.cloud.until_nova_knows(story.node)
    server(MADE, {"boot": {"image": glance_image}})
    story.boot("boot")
    with story.step("make the initramfs anew"):
        story.inside.wait()
        story.inside.run("sudo update-initramfs -u && sync")  # the machine is only switched off
    story.reboot("switch off and on")
    story.boot("boot with the new initramfs")
    other = {"boot": {"volume": SECOND}, "on_boot_volume_change": "replace", "replace_may_lose": ["user_data"]}
    server(EXCHANGED, other, volumes=({"name": SECOND, "image": glance_image},))
    story.boot("boot from the other volume")
    report.tell(NAME, f"root disk: {FIRST} ({chain.target(MADE)}), then {SECOND} ({chain.target(EXCHANGED)})")
    server(REMOVED, {}, "-e", "server_deploy_state=absent")
    return chain


def test_the_server_is_on_the_node(chain: Chain) -> None:
    assert chain.server(MADE)["status"] == "ACTIVE"
    assert chain.instances[MADE] == chain.server(MADE)["id"]
    assert chain.story.states[MADE] == "active"


def test_the_root_disk_is_the_volume_and_nova_made_the_target(chain: Chain) -> None:
    assert chain.story.targets["prepare the node"] == []
    assert chain.story.markers["boot"]["transport"] == "iscsi"
    assert chain.target(MADE) == chain.volumes[MADE][FIRST]["id"]


def test_cinder_exports_it_to_the_initiator_of_the_connector(chain: Chain) -> None:
    (connector,) = chain.story.lab.cloud.connectors(chain.story.node)
    assert {marker["initiator"] for marker in chain.story.markers.values()} == {connector["connector_id"]}


def test_a_new_initramfs_boots_from_the_volume(chain: Chain) -> None:
    assert chain.story.markers["boot with the new initramfs"]["boots"] == "2"


def test_then_the_root_disk_is_the_other_volume(chain: Chain) -> None:
    # Each disk counts for itself: from the first one this would be the third start.
    assert chain.story.markers["boot from the other volume"]["boots"] == "1"
    assert chain.story.markers["boot from the other volume"]["transport"] == "iscsi"
    assert chain.target(EXCHANGED) == chain.volumes[EXCHANGED][SECOND]["id"]


def test_it_is_another_server_with_the_same_address(chain: Chain) -> None:
    before, after = (chain.server(what) for what in (MADE, EXCHANGED))
    assert after["id"] != before["id"]
    assert after["addresses"] == before["addresses"] == [chain.story.machine.model.address]
    assert chain.instances[EXCHANGED] == after["id"]


def test_the_first_volume_is_kept_and_named(chain: Chain) -> None:
    first = chain.volumes[EXCHANGED][FIRST]
    assert chain.story.runs[EXCHANGED][TASK]["kept_boot_volume"] == {"id": first["id"], "name": FIRST}
    assert first["status"] == "available"


def test_a_server_that_is_removed_leaves_both_volumes_and_a_free_node(chain: Chain) -> None:
    assert [chain.volumes[REMOVED][name]["status"] for name in (FIRST, SECOND)] == ["available", "available"]
    assert (chain.story.states[REMOVED], chain.story.targets[REMOVED], chain.instances[REMOVED]) == ("available", [], None)
    assert not chain.story.on[REMOVED]
