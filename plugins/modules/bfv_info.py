#!/usr/bin/python
# Copyright: The bfv.openstack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: bfv_info
short_description: Tell which bare-metal nodes would boot from their volumes, which would do as a spare, why the others would not, and who holds which volume
version_added: 0.1.0
author:
  - The bfv.openstack contributors (@bfv-openstack)
description:
  - Reads Ironic nodes with their storage set-up, volume connectors and volume targets, and changes nothing.
  - Says of each node whether it is ready to boot from its volume, and if not, every reason, each with what to do about it.
    These are the rules by which the other modules of this collection refuse a node before they change it.
  - A node that is deployed is ready when all is in order for its next boot; another, when a deployment would go through.
    A node whose last deployment failed may well be ready, see RV(nodes[].last_error).
  - A handful of list requests, however many nodes there are. Up to four nodes that are named in O(nodes) are read singly.
  - Lists the project's volumes that one can boot from as well, with who holds them, where O(gather) asks for that. Without nodes in O(gather)
    nothing is asked of Ironic, so that a tenant can use it who has none.
  - Lists what nobody needs any more, each thing with the command that removes it, where O(gather) asks for that. It removes nothing itself.
  - Needs the microversion 1.65 of Ironic (15.0, Ussuri) where nodes are asked for.
extends_documentation_fragment:
  - bfv.openstack.connection
  - bfv.openstack.connection.module
  - bfv.openstack.nodes
  - bfv.openstack.without_nova
  - bfv.openstack.attributes
  - bfv.openstack.attributes.action_group
attributes:
  check_mode:
    description:
      - The module changes nothing in any mode.
  diff_mode:
    support: N/A
    description:
      - The module changes nothing, so there is nothing to compare.
options:
  nodes:
    description:
      - Names or UUIDs of nodes. One that Ironic does not show fails the module. Left out, all nodes are read that the user may see.
      - Together with O(filters), those of them that are as every filter says.
    type: list
    elements: str
  gather:
    description:
      - What to tell of. V(nodes) is what O(nodes) and O(filters) are for.
      - V(volumes) are the project's volumes that one can boot from. It takes a list of volumes, and where some are held one of servers.
      - V(leftovers) is what machines, rollouts and broken runs have left in the project, see RV(leftovers). It takes lists of volumes, snapshots,
        servers, and of the images of golden volumes, and one or two requests more for each volume that is held by somebody who is not there.
      - Together with V(nodes), V(leftovers) are also those of the nodes that are told, and where these are all nodes, what a node that is gone has left
        in Cinder. A user who does not see all nodes of the cloud would take those he does not see for gone. Without Cinder, or a project in it,
        they are those of the nodes alone, with a warning.
    type: list
    elements: str
    choices: [nodes, volumes, leftovers]
    default: [nodes]
    version_added: 1.0.0
  keep_checkpoints:
    description:
      - How many checkpoints each machine keeps, as O(bfv.openstack.boot_checkpoint#module:keep) has it. Those that are older are left-overs.
        Without it no checkpoint is one.
    type: int
    version_added: 1.0.0
  spares_for:
    description:
      - Name or UUID of a node whose disks another one is to boot (O(bfv.openstack.baremetal_fleet#module:takeover)). RV(spares) says of each other node
        whether it would do, and why not.
      - A node would do that has the same resource class, or all traits of that node where it has some; whose boot mode and CPU architecture are not other
        ones; that is available, powered off and nobody's; and that would boot from disks of the same kind once it has been set up.
      - The nodes are read then, whatever O(gather) says. Only those that O(nodes) and O(filters) ask for are looked at.
      - Whether that node may be taken over from, a run of M(bfv.openstack.baremetal_fleet) says in check mode.
    type: str
    version_added: 1.0.0
seealso:
  - module: bfv.openstack.baremetal_fleet
  - module: bfv.openstack.baremetal_node_storage
  - module: bfv.openstack.volume_connector
  - module: bfv.openstack.volume_target
  - plugin: bfv.openstack.ironic
    plugin_type: inventory
"""

EXAMPLES = r"""
- name: Look at every node, and at its volume in Cinder
  bfv.openstack.bfv_info:
    cloud: baremetal-admin
    volume_cloud: storage-project
    volumes: true
  register: baremetal

- name: Say why nodes would not boot
  ansible.builtin.debug:
    msg: "{{ item.name }}: {{ item.reasons | join(' ') }}"
  loop: "{{ baremetal.nodes | rejectattr('ready') }}"
  loop_control:
    label: "{{ item.name }}"

- name: Find the nodes of a class that are free and set up
  bfv.openstack.bfv_info:
    cloud: baremetal-admin
    filters:
      provision_state: [available]
      resource_class: baremetal.large
      maintenance: false
      ready: true

- name: See which volumes there are to boot from, and which of them nobody holds
  bfv.openstack.bfv_info:
    cloud: project
    gather: [volumes]
  register: mine

- name: Tell those that are free
  ansible.builtin.debug:
    msg: "{{ mine.volumes | rejectattr('holders') | map(attribute='name') }}"

- name: See what nobody needs any more, and how it is removed
  bfv.openstack.bfv_info:
    cloud: baremetal-admin
    volume_cloud: storage-project
    gather: [nodes, leftovers]
    keep_checkpoints: 7
  register: rest

- name: Tell the commands
  ansible.builtin.debug:
    msg: "{{ item.why }}"
  loop: "{{ rest.leftovers }}"
  loop_control:
    label: "{{ item.command }}"

- name: Find a spare for a node whose board has died
  bfv.openstack.bfv_info:
    cloud: baremetal-admin
    spares_for: rack3-node07
  register: found

- name: Tell those that would do
  ansible.builtin.debug:
    msg: "{{ found.spares | selectattr('fits') | map(attribute='name') }}"

- name: Look at two nodes before their maintenance window
  bfv.openstack.bfv_info:
    cloud: baremetal-admin
    nodes: [rack3-node07, rack3-node08]
"""

RETURN = r"""
actions:
  description: What was written. Nothing ever is, the module only reads.
  returned: always
  type: list
  elements: str
  sample: []
  version_added: 1.0.0
volumes:
  description: The project's volumes that one can boot from, sorted by name. Empty where O(gather) does not ask for them.
  returned: success
  type: list
  elements: dict
  version_added: 1.0.0
  contains:
    id:
      description: Id of the volume.
      type: str
      sample: 05a3cf39-1c1f-4b0b-9d4f-ad8d86f0ae61
    name:
      description: Name of the volume.
      type: str
      sample: web-1-root
    status:
      description: Its status.
      type: str
      sample: in-use
    size:
      description: Its size in GiB.
      type: int
      sample: 20
    bootable:
      description: Whether one can boot from it.
      type: bool
      sample: true
    volume_type:
      description: Name of its type.
      type: str
      sample: ssd
    availability_zone:
      description: Its availability zone.
      type: str
      sample: nova
    description:
      description: Its description. V(null) without one.
      type: str
      sample: null
    metadata:
      description: Its metadata.
      type: dict
      sample: {}
    image_id:
      description: Id of the image that it was made from. V(null) where it was made otherwise.
      type: str
      sample: 8cbd7c80-52a7-4a9f-9b8e-7ad8cbd9a5a7
    snapshot_id:
      description: Id of the snapshot that it was made from. V(null) where it was made otherwise.
      type: str
      sample: null
    source_volid:
      description: Id of the volume that it was made from. V(null) where it was made otherwise.
      type: str
      sample: null
    multiattach:
      description: Whether it can be attached more than once.
      type: bool
      sample: false
    attached_to:
      description: The servers, or the nodes, that it is attached to.
      type: list
      elements: str
      sample: [4a8f1a3e-6d2b-4a55-9a3b-3f6a1c1d2e3f]
    holders:
      description: Who holds it. Empty where nobody does.
      type: list
      elements: dict
      contains:
        id:
          description: Id of the server, or UUID of the node.
          type: str
          sample: 4a8f1a3e-6d2b-4a55-9a3b-3f6a1c1d2e3f
        kind:
          description: V(server) for a server that the project sees, V(node) for a node that O(gather) asks for, V(null) for what is neither.
          type: str
          sample: server
        name:
          description: Its name. V(null) where the kind is.
          type: str
          sample: web-1
        device:
          description: The device by which it is attached. V(null) where nobody told it.
          type: str
          sample: /dev/vda
leftovers:
  description: What nobody needs any more, sorted by kind and name. Empty where O(gather) does not ask for it.
  returned: success
  type: list
  elements: dict
  version_added: 1.0.0
  contains:
    kind:
      description:
        - V(attachment) keeps a volume for a server or node that is not there.
        - V(connector) and V(target) are those of a node that no machine runs on, and that is retired, or has a storage interface that ignores
          them; V(target) also one to a volume that is gone, or is attached to another machine.
        - V(golden_volume) was cast of an image that is gone or has another name by now, or could not be made.
        - V(old_disk) is a volume whose place another one took (O(bfv.openstack.bfv_volume#module:recreate), a replacement, a checkpoint that was gone
          back to), and that runs in a machine by now.
        - V(checkpoint) is one beyond O(keep_checkpoints).
      type: str
      sample: old_disk
    id:
      description: Id of the thing; of a checkpoint, of the set of its snapshots.
      type: str
      sample: 05a3cf39-1c1f-4b0b-9d4f-ad8d86f0ae61
    name:
      description: Name of the thing; of an attachment, of its volume; of a connector or target, of its node.
      type: str
      sample: web-1-boot-kept-05a3cf39
    why:
      description: Why nobody needs it.
      type: str
      sample: web-1-boot (7d1d2c1e-0d0b-4b57-9a44-6f3f0c1f2a3b) took its place, and is attached to 4a8f1a3e-6d2b-4a55-9a3b-3f6a1c1d2e3f
    command:
      description: The command of a shell that removes it, and nothing else.
      type: str
      sample: openstack --os-cloud storage-project volume delete 05a3cf39-1c1f-4b0b-9d4f-ad8d86f0ae61
spares:
  description: The other nodes, sorted by name, and whether each would do as a spare. Empty without O(spares_for).
  returned: success
  type: list
  elements: dict
  version_added: 1.0.0
  contains:
    name:
      description: Name of the node, or its UUID where it has none.
      type: str
      sample: rack3-spare01
    uuid:
      description: UUID of the node.
      type: str
      sample: 6b1d8f0e-52f5-4f4f-9d0c-0a4c2f1e7b21
    fits:
      description: Whether it would do, that is, whether RV(spares[].reasons) is empty.
      type: bool
      sample: false
    reasons:
      description: Every reason why it would not, in one line each.
      type: list
      elements: str
      sample:
        - its resource class is baremetal.small, and that of node rack3-node07 is baremetal.large.
        - its power state is power on. Power it off (baremetal node power off).
nodes:
  description: The nodes, sorted by name. Secrets are masked at any depth.
  returned: success
  type: list
  elements: dict
  contains:
    uuid:
      description: UUID of the node.
      type: str
      sample: 1be26c0b-03f2-4d2e-ae87-c02d7f33c123
    name:
      description: Name of the node, or its UUID where it has none.
      type: str
      sample: rack3-node07
    ready:
      description: Whether it would boot from its volume, that is, whether RV(nodes[].reasons) is empty.
      type: bool
      sample: false
    reasons:
      description: Every reason why it would not, in one line each, with what to do.
      type: list
      elements: str
      sample:
        - "there is no volume target with boot_index 0 to boot from. Make one (bfv.openstack.volume_target)."
    provision_state:
      description: Its provision state.
      type: str
      sample: available
    target_provision_state:
      description: The provision state that it is on the way to. V(null) at rest.
      type: str
      sample: null
    power_state:
      description: Its power state. V(null) where Ironic does not know.
      type: str
      sample: power off
    last_error:
      description: What Ironic says about its last failure. V(null) without one.
      type: str
      sample: null
    maintenance:
      description: Whether it is in maintenance.
      type: bool
      sample: false
    maintenance_reason:
      description: Why it is in maintenance. V(null) where nobody said.
      type: str
      sample: null
    fault:
      description: For which fault Ironic put it into maintenance by itself. V(null) without one.
      type: str
      sample: null
      version_added: 1.0.0
    protected:
      description: Whether it is protected, so that Ironic does not undeploy it.
      type: bool
      sample: false
      version_added: 1.0.0
    protected_reason:
      description: Why it is protected. V(null) where nobody said.
      type: str
      sample: null
      version_added: 1.0.0
    retired:
      description: Whether it is retired, so that Ironic makes it available no more.
      type: bool
      sample: false
      version_added: 1.0.0
    retired_reason:
      description: Why it is retired. V(null) where nobody said.
      type: str
      sample: null
      version_added: 1.0.0
    reservation:
      description: The conductor that has locked it for what it is doing. V(null) where none has.
      type: str
      sample: null
    instance_uuid:
      description: The server of Nova, or the allocation of Ironic, that has it. V(null) without one.
      type: str
      sample: null
    driver:
      description: Its hardware type.
      type: str
      sample: redfish
    storage_interface:
      description: Its storage interface.
      type: str
      sample: cinder
    boot_interface:
      description: Its boot interface.
      type: str
      sample: http-ipxe
    deploy_interface:
      description: Its deploy interface.
      type: str
      sample: direct
    capabilities:
      description: Its capabilities by name.
      type: dict
      sample:
        boot_mode: uefi
        iscsi_boot: "True"
    image_source:
      description: An image that its deployment would write to the local disk. V(null) without one.
      type: str
      sample: null
    properties:
      description: Its properties, as Ironic keeps them.
      type: dict
      sample:
        capabilities: boot_mode:uefi,iscsi_boot:True
        cpu_arch: x86_64
        cpus: 64
        local_gb: 0
        memory_mb: 262144
    resource_class:
      description: Its resource class.
      type: str
      sample: baremetal.large
    conductor_group:
      description: Its conductor group, empty for the default one.
      type: str
      sample: ""
    owner:
      description: Id of the project that owns it. V(null) without one.
      type: str
      sample: null
    lessee:
      description: Id of the project that leases it. V(null) without one.
      type: str
      sample: null
    traits:
      description: Its traits.
      type: list
      elements: str
      sample: [CUSTOM_NVME]
    connectors:
      description: Its volume connectors.
      type: list
      elements: dict
      contains:
        uuid:
          description: UUID of the connector.
          type: str
          sample: 0aa8d4f0-bfb8-4b8e-9d2e-0f1b6a2b1c5e
        node_uuid:
          description: UUID of the node.
          type: str
          sample: 1be26c0b-03f2-4d2e-ae87-c02d7f33c123
        type:
          description: Its type.
          type: str
          sample: iqn
        connector_id:
          description: Its identifier.
          type: str
          sample: iqn.2017-08.org.openstack.1be26c0b-03f2-4d2e-ae87-c02d7f33c123
        extra:
          description: Notes kept with it.
          type: dict
          sample: {}
    targets:
      description: Its volume targets, in their boot order.
      type: list
      elements: dict
      contains:
        uuid:
          description: UUID of the target.
          type: str
          sample: 91eef5c7-b2ac-4d8f-ae09-5b1b3b4e0a66
        node_uuid:
          description: UUID of the node.
          type: str
          sample: 1be26c0b-03f2-4d2e-ae87-c02d7f33c123
        boot_index:
          description: Its place in the boot order.
          type: int
          sample: 0
        volume_type:
          description: How the volume is reached.
          type: str
          sample: iscsi
        volume_id:
          description: Id of the volume.
          type: str
          sample: 05a3cf39-1c1f-4b0b-9d4f-ad8d86f0ae61
        properties:
          description: What Ironic tells the machine about the way to the volume. Secrets are masked.
          type: dict
          sample:
            auth_password: "******"
            auth_username: rack3-node07
            target_iqn: iqn.2010-10.org.example:array.rack3-node07
            target_lun: 1
            target_portal: 192.0.2.10:3260
        extra:
          description: Notes kept with it.
          type: dict
          sample: {}
    volumes:
      description: The volumes of its targets as Cinder shows them. Empty without O(volumes).
      type: list
      elements: dict
      contains:
        id:
          description: Id of the volume.
          type: str
          sample: 05a3cf39-1c1f-4b0b-9d4f-ad8d86f0ae61
        name:
          description: Name of the volume.
          type: str
          sample: rack3-node07-root
        status:
          description: Its status.
          type: str
          sample: in-use
        size:
          description: Its size in GiB.
          type: int
          sample: 20
        bootable:
          description: Whether one can boot from it.
          type: bool
          sample: true
        volume_type:
          description: Name of its type.
          type: str
          sample: ssd
        availability_zone:
          description: Its availability zone.
          type: str
          sample: nova
        description:
          description: Its description. V(null) without one.
          type: str
          sample: null
        metadata:
          description: Its metadata.
          type: dict
          sample: {}
        image_id:
          description: Id of the image that it was made from. V(null) where it was made otherwise.
          type: str
          sample: 8cbd7c80-52a7-4a9f-9b8e-7ad8cbd9a5a7
        snapshot_id:
          description: Id of the snapshot that it was made from. V(null) where it was made otherwise.
          type: str
          sample: null
        source_volid:
          description: Id of the volume that it was made from. V(null) where it was made otherwise.
          type: str
          sample: null
        multiattach:
          description: Whether it can be attached more than once.
          type: bool
          sample: false
        attached_to:
          description: The servers, or the nodes, that it is attached to.
          type: list
          elements: str
          sample: [1be26c0b-03f2-4d2e-ae87-c02d7f33c123]
    checkpoints:
      description: Its checkpoints, the oldest first. Empty without O(checkpoints).
      type: list
      elements: dict
      version_added: 1.0.0
      contains:
        name:
          description: Name of the checkpoint.
          type: str
          sample: before-upgrade
        created_at:
          description: When its first snapshot was taken, in UTC.
          type: str
          sample: "2026-11-26T12:47:31.000000"
        complete:
          description: Whether all of its snapshots are there. What is not complete is the rest of a run that was broken off, or of a checkpoint that was.
          type: bool
          sample: true
"""

from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet.nodes import gathered
from ansible_collections.bfv.openstack.plugins.module_utils._engine.options import INFO, Options
from ansible_collections.bfv.openstack.plugins.module_utils._engine.run import run

GATHER: Options = {
    "gather": {"type": "list", "elements": "str", "choices": ["nodes", "volumes", "leftovers"], "default": ["nodes"]},
    "keep_checkpoints": {"type": "int"},
    "spares_for": {"type": "str"},
}
OPTIONS: Options = {**INFO, **GATHER}


def main() -> None:
    run(OPTIONS, gathered)


if __name__ == "__main__":
    main()
