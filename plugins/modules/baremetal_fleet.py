#!/usr/bin/python
# Copyright: The bfv.openstack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: baremetal_fleet
short_description: Deploy a list of bare-metal nodes from volumes
version_added: 0.1.0
author:
  - The bfv.openstack contributors (@bfv-openstack)
description:
  - Brings a list of Ironic nodes to where they boot from their volumes, or back.
  - For each node it makes the volumes, sets the storage interface, the boot interface and the capabilities, registers the connectors,
    makes the targets, removes C(image_source), has Ironic validate the node, storage included, deploys it and waits.
  - It applies the same rules as the modules for single resources, but reads all nodes with a handful of requests,
    and waits for all of them with one request a round.
  - Each node is planned as a whole before anything of it is changed. A node that fails stops no other.
    When all have ended the module fails if a node failed, and RV(nodes) tells what became of each.
  - Before the first volume it is seen whether there is room for all that the nodes' plans make together. That is the project's quota, in all and
    by type, and for a user who may see Cinder's pools their room, as Cinder's scheduler counts it. Where it is not enough nothing is made - the
    nodes that need new or larger volumes fail, and are told how many of them fit and which do not. RV(room) and C(-vv) tell the sums.
  - A run that was interrupted is completed by the next one. So is one with O(wait=false), which takes the steps that can be taken at once;
    a volume that is being made, or a node that is being deployed, needs further runs.
  - While it runs it says what happens to each node, and after each round how far the fleet has come.
    These lines are plain text. They are there where the module runs within Ansible's worker process (see the attribute C(action)), and where
    the stdout callback prints lines - Ansible's own and those made from it do, C(ansible.posix.json) does not. There are none with C(no_log).
    Ansible keeps its output back where it goes into a pipe or a file; the environment variable E(PYTHONUNBUFFERED=1) ends that.
extends_documentation_fragment:
  - bfv.openstack.connection
  - bfv.openstack.connection.module
  - bfv.openstack.attributes
  - bfv.openstack.attributes.action_group
  - bfv.openstack.without_nova
options:
  nodes:
    description:
      - The nodes.
    type: list
    elements: dict
    required: true
    suboptions:
      node:
        description: Name or UUID of the node.
        type: str
        required: true
      storage_interface:
        description: >-
          V(cinder) attaches volumes of Cinder, V(external) boots from any iSCSI target, V(noop) ignores volume targets. See
          O(bfv.openstack.baremetal_node_storage#module:storage_interface).
        type: str
        choices: [cinder, external, noop]
      boot_interface:
        description: The node's boot interface. See O(bfv.openstack.baremetal_node_storage#module:boot_interface).
        type: str
      capabilities:
        description: Capabilities to set, by name. They are merged. See O(bfv.openstack.baremetal_node_storage#module:capabilities).
        type: dict
      iscsi_boot:
        description: The capability C(iscsi_boot).
        type: bool
      fibre_channel_boot:
        description: The capability C(fibre_channel_boot).
        type: bool
      boot_mode:
        description: The capability C(boot_mode).
        type: str
        choices: [bios, uefi]
      connectors:
        description:
          - The node's connectors.
          - Left out, it is one of the type V(iqn) with an identifier that is made up. An empty list manages none.
        type: list
        elements: dict
        suboptions:
          type:
            description: What the identifier is. See O(bfv.openstack.volume_connector#module:type).
            type: str
            choices: [iqn, ip, mac, wwnn, wwpn, port, portgroup]
            default: iqn
          connector_id:
            description: The identifier, in the form that its type has. See O(bfv.openstack.volume_connector#module:connector_id).
            type: str
            default: auto
          extra:
            description: Notes to keep with the connector, by name. See O(bfv.openstack.volume_connector#module:extra).
            type: dict
      volumes:
        description:
          - Volumes of Cinder to make for the node where they are not there.
        type: list
        elements: dict
        suboptions:
          name:
            description: Name of the volume. See O(bfv.openstack.bfv_volume#module:name).
            type: str
          id:
            description: Id of a volume that is there. See O(bfv.openstack.bfv_volume#module:id).
            type: str
          image:
            description: Name or id of the image to make the volume from. See O(bfv.openstack.bfv_volume#module:image).
            type: str
          snapshot:
            description: Name or id of the volume snapshot to make the volume from.
            type: str
          volume:
            description: Name or id of the volume to clone.
            type: str
          backup:
            description: Name or id of the backup to make the volume from.
            type: str
          size:
            description: Size in GiB. See O(bfv.openstack.bfv_volume#module:size).
            type: int
          volume_type:
            description: Name or id of the volume type. See O(bfv.openstack.bfv_volume#module:volume_type).
            type: str
          availability_zone:
            description: Availability zone of the volume. See O(bfv.openstack.bfv_volume#module:availability_zone).
            type: str
          description:
            description: Description of the volume. See O(bfv.openstack.bfv_volume#module:description).
            type: str
          metadata:
            description: Metadata by name. See O(bfv.openstack.bfv_volume#module:metadata).
            type: dict
          bootable:
            description: Whether a machine may boot from the volume. See O(bfv.openstack.bfv_volume#module:bootable).
            type: bool
          scheduler_hints:
            description: Hints for Cinder's scheduler when the volume is created. See O(bfv.openstack.bfv_volume#module:scheduler_hints).
            type: dict
          image_size_limit:
            description: The size in GiB above which this cloud makes no volumes from images.
            type: int
          recreate:
            description: When to make the volume anew, and to delete the old one.
            type: str
            choices: [never, on_error, on_drift]
            default: never
          recreate_order:
            description: Whether the old volume is deleted when the new one is there, or before.
            type: str
            choices: [create_first, delete_first]
            default: create_first
            version_added: 1.0.0
          retype:
            description: Whether to change the type of a volume that is there.
            type: bool
            default: false
          migration_policy:
            description: Whether a change of the type may move the data to another backend.
            type: str
            choices: [never, on-demand]
            default: on-demand
            version_added: 1.0.0
      targets:
        description:
          - The node's targets.
          - Left out, they are its O(nodes[].volumes) in their order, the first of them with the boot index 0.
          - Other targets that a node has are removed before it is deployed. Without any target and volume they are left alone.
        type: list
        elements: dict
        suboptions:
          boot_index:
            description: The place in the boot order. See O(bfv.openstack.volume_target#module:boot_index).
            type: int
            default: 0
          volume_type:
            description: How the volume is reached. See O(bfv.openstack.volume_target#module:volume_type).
            type: str
            choices: [iscsi, fibre_channel]
          volume:
            description: Name or id of a volume in Cinder. See O(bfv.openstack.volume_target#module:volume).
            type: str
          volume_id:
            description: Id of the volume as the storage knows it, of 36 characters at the most. See O(bfv.openstack.volume_target#module:volume_id).
            type: str
          target_iqn:
            description: iSCSI name of the storage's target. See O(bfv.openstack.volume_target#module:target_iqn).
            type: str
          target_portal:
            description: >-
              Address and port at which the storage's target listens, such as V(192.0.2.10:3260). See
              O(bfv.openstack.volume_target#module:target_portal).
            type: str
          target_portals:
            description: >-
              The addresses and ports of several paths, in place of O(nodes[].targets[].target_portal). See
              O(bfv.openstack.volume_target#module:target_portals).
            type: list
            elements: str
            version_added: 1.0.0
          target_lun:
            description: Logical unit number of the volume. See O(bfv.openstack.volume_target#module:target_lun).
            type: int
          chap_username:
            description: User name for CHAP. See O(bfv.openstack.volume_target#module:chap_username).
            type: str
          chap_password:
            description: Password for CHAP. See O(bfv.openstack.volume_target#module:chap_password).
            type: str
          properties:
            description: Further properties by name, as Ironic keeps them. See O(bfv.openstack.volume_target#module:properties).
            type: dict
          update_password:
            description: When to write the password of a target that is there. See O(bfv.openstack.volume_target#module:update_password).
            type: str
            choices: [on_create, always, on_change]
            default: on_create
          extra:
            description: Notes to keep with the target, by name. See O(bfv.openstack.volume_target#module:extra).
            type: dict
          shared:
            description:
              - Whether other machines may run from this LUN at the same time, for example because it is only read.
              - Two machines on one disk destroy it. So without this a node is refused whose LUN with O(nodes[].targets[].boot_index=0)
                another node of the task asks for as well, and none is deployed from the disk of a node that may be at work.
              - Other boot indices are not looked at, since a LUN with data may be one of a cluster.
              - Of volumes in Cinder their C(multiattach) says the same.
            type: bool
            default: false
            version_added: 1.0.0
  state:
    description:
      - V(prepared) does everything but the deployment, V(deployed) deploys as well.
      - V(undeployed) undeploys the nodes and removes all targets that Ironic leaves. Connectors and the other settings stay.
      - V(absent) does the same, and takes back the set-up as well. It removes O(nodes[].connectors) and the capabilities C(iscsi_boot) and
        C(fibre_channel_boot), and resets the storage interface to the driver's default. The boot interface and other capabilities stay.
        Of a connector whose identifier is not given, only the one that the module makes by itself is removed; another one is kept, with a warning.
      - A node that is active is deployed again only where O(on_drift) permits it.
    type: str
    choices: [prepared, deployed, undeployed, absent]
    default: deployed
  on_drift:
    description:
      - What to do with a node that is active and boots with something else than what is asked for - another target, connector, storage or
        boot interface, or a volume that O(nodes[].volumes[].recreate) would create anew.
      - V(fail) lets it fail and leaves the machine alone. V(redeploy) undeploys it, which powers it off, sets it up and deploys it again;
        with O(state=deployed) only. Its new volumes are made before that, and a volume whose place another takes is deleted when the machine
        has been deployed from the new one.
      - What cannot be seen is no difference. A node that runs from a volume that Cinder does not show to this user, or from one that is not asked
        for while one that is asked for is not there (it was renamed, or O(volume_cloud) is another), fails and is left alone whatever is
        permitted. Where it is to run from a new volume of another name, make that first (M(bfv.openstack.bfv_volume)).
      - A difference in O(nodes[].targets[].extra) or O(nodes[].connectors[].extra) alone is warned of and left, since nothing boots with it.
    type: str
    choices: [fail, redeploy]
    default: fail
  takeover:
    description:
      - Whether a node may take its disks over from another node that has them, as a spare does whose forerunner has died. That one gives up its hold on the
        volumes, its volume targets and its initiator name become those of this node, and it is undeployed. Then this node is set up and deployed.
      - Two machines that run on one disk destroy it. So nothing is taken with V(never).
      - With V(powered_off) Ironic powers the other node off, and nothing goes on before Ironic has seen it off.
      - V(confirmed) is for a node whose management controller does not answer, so that nobody can see it off. Somebody who knows that its machine is off,
        and stays off, names it in O(takeover_confirmed). It is set into maintenance, and Ironic is told to undeploy it, by which the boot script goes that
        leads it to the disk; where its controller is dead that ends in the state C(error).
      - A node is taken over from as a whole; all disks of its machine have to be asked for. The nodes of Nova, protected nodes, and nodes that are on their
        way from one state to another are left alone, and so are volumes that several machines may have (multiattach).
      - A node that is deployed takes nothing over.
    type: str
    choices: [never, powered_off, confirmed]
    default: never
    version_added: 1.0.0
  takeover_confirmed:
    description:
      - Names or UUIDs of the nodes whose machines are off, and will stay off, as somebody has seen. With O(takeover=confirmed).
    type: list
    elements: str
    version_added: 1.0.0
  takeover_initiator:
    description:
      - Whether a node takes the initiator name over as well, so that an array which knows it lets the new node in, or uses its own.
      - A connector of the type V(iqn) whose O(nodes[].connectors[].connector_id) is given is as it is given.
    type: str
    choices: [keep, own]
    default: keep
    version_added: 1.0.0
  golden:
    description:
      - Whether the volumes from an image are cloned from a golden volume, so that Cinder converts each image once and not for each node.
        See O(bfv.openstack.bfv_volume#module:via_golden).
    type: bool
    default: false
  validate:
    description:
      - Whether Ironic checks each node, its storage included, before it is deployed. It checks the storage nowhere else.
    type: bool
    default: true
  fail_after:
    description:
      - Stops the run when so many nodes have failed, as a number such as V(3) or as a part of O(nodes) such as V(10%).
      - Then no further step is taken. Nodes that are being deployed or undeployed are waited for. The others fail with that reason, and the
        next run goes on with them.
      - Left out, the run never stops early.
    type: str
  report:
    description:
      - Path of a file on the controller, to which the result is written as an HTML page.
      - It tells what each node boots from, what was done, what failed and why, and how long each node took. A file that is there is replaced,
        and its mode kept; a link of somebody else is not followed.
      - In check mode it tells what would be done.
    type: path
  volume_prices:
    description:
      - What a GiB costs a month, by volume type. It is multiplied with what the run makes, and told with that (RV(room), C(-vv), O(report)).
      - What volumes use beside that, such as snapshots, and what is there already is not in it.
    type: dict
    version_added: 1.0.0
  volumes_on_undeploy:
    description:
      - Whether O(state=undeployed) and O(state=absent) keep or delete O(nodes[].volumes).
      - V(delete) deletes those that are given by their names, that this collection made (their metadata C(bfv_made) is their own id), and that no
        volume target of another node names. Others are kept, with a warning. A volume that somebody else holds, that has snapshots or whose name
        is there twice lets the node fail before anything is changed.
    type: str
    choices: [keep, delete]
    default: keep
  concurrency:
    description:
      - How many nodes are worked on at the same time.
      - One process of Ironic's API is busy with V(4). A cloud with several is ready sooner with as many more.
    type: int
    default: 4
  iqn_prefix:
    description:
      - What stands before the node's UUID in an initiator name that is made up, see M(bfv.openstack.volume_connector).
    type: str
    default: iqn.2017-08.org.openstack.
  power_off:
    description:
      - Permits to power a node off where Ironic demands it to change or remove a connector or target. It stays off until it is deployed.
      - Never powers off a node on which a machine may run, see O(bfv.openstack.volume_connector#module:power_off).
    type: bool
    default: false
  timeout:
    description:
      - The longest time, in seconds, that the module waits for all nodes together.
    type: int
    default: 3600
seealso:
  - module: bfv.openstack.bfv_volume
  - module: bfv.openstack.baremetal_node_storage
  - module: bfv.openstack.volume_connector
  - module: bfv.openstack.volume_target
"""

EXAMPLES = r"""
- name: Deploy two nodes, one from Cinder and one from a storage array
  bfv.openstack.baremetal_fleet:
    cloud: baremetal-admin
    volume_cloud: storage-project
    nodes:
      - node: rack3-node07
        storage_interface: cinder
        iscsi_boot: true
        volumes:
          - name: rack3-node07-root
            image: debian-13-iscsi
            size: 20
      - node: rack3-node08
        storage_interface: external
        iscsi_boot: true
        targets:
          - volume_id: 05a3cf39-1c1f-4b0b-9d4f-ad8d86f0ae61
            target_iqn: iqn.2010-10.org.example:array.rack3-node08
            target_portal: 192.0.2.10:3260
            target_lun: 1
            chap_username: rack3-node08
            chap_password: "{{ vault_chap_password }}"

- name: Boot the machine of a board that has died from its disk, on a spare
  bfv.openstack.baremetal_fleet:
    cloud: baremetal-admin
    volume_cloud: storage-project
    takeover: confirmed
    takeover_confirmed: [rack3-node07]
    nodes:
      - node: rack3-spare01
        storage_interface: cinder
        iscsi_boot: true
        volumes:
          - name: rack3-node07-root

- name: Let another node take over a disk when Ironic has powered the old one off, and boot it under its own initiator name
  bfv.openstack.baremetal_fleet:
    cloud: baremetal-admin
    volume_cloud: storage-project
    takeover: powered_off
    takeover_initiator: own
    nodes:
      - node: rack3-node10
        storage_interface: cinder
        iscsi_boot: true
        volumes:
          - name: rack3-node07-root

- name: Set a node up for a LUN behind two portals, and do not deploy it
  bfv.openstack.baremetal_fleet:
    cloud: baremetal-admin
    state: prepared
    nodes:
      - node: rack3-node09
        storage_interface: external
        capabilities: {iscsi_boot: true, boot_mode: uefi}
        connectors:
          - connector_id: iqn.2026-01.org.example:rack3-node09
        targets:
          - volume_id: c0a0d4a5-4f2f-4a3e-8e26-0f6d3c9f7b51
            target_iqn: iqn.2010-10.org.example:array.rack3-node09
            target_portals: [192.0.2.10:3260, 198.51.100.10:3260]
            target_lun: 1
            chap_username: rack3-node09
            chap_password: "{{ vault_chap_password }}"
            update_password: on_change

- name: Undeploy two nodes, and delete the volume of Cinder
  bfv.openstack.baremetal_fleet:
    cloud: baremetal-admin
    volume_cloud: storage-project
    state: undeployed
    volumes_on_undeploy: delete
    nodes:
      - node: rack3-node07
        volumes:
          - name: rack3-node07-root
      - node: rack3-node08
        targets:
          - boot_index: 0

- name: Deploy a rack in large numbers, stop when many nodes fail, and keep a page of it
  bfv.openstack.baremetal_fleet:
    cloud: baremetal-admin
    volume_cloud: storage-project
    golden: true
    concurrency: 16
    fail_after: 10%
    timeout: 3600
    report: /var/www/html/rack3.html
    volume_prices: {ssd: 0.12}
    nodes:
      - node: rack3-node01
        storage_interface: cinder
        boot_interface: http-ipxe
        boot_mode: uefi
        iscsi_boot: true
        volumes:
          - name: rack3-node01-root
            image: debian-13-iscsi
            size: 20
            volume_type: ssd

- name: Boot a node by fibre channel from an array that Cinder drives
  bfv.openstack.baremetal_fleet:
    cloud: baremetal-admin
    volume_cloud: storage-project
    nodes:
      - node: rack4-node01
        storage_interface: cinder
        fibre_channel_boot: true
        connectors:
          - type: wwpn
            connector_id: "50:01:43:80:24:21:3f:aa"
        volumes:
          - name: rack4-node01-root
            image: debian-13
        targets:
          - volume: rack4-node01-root
            volume_type: fibre_channel

- name: Give an active node another boot disk, which powers it off for that
  bfv.openstack.baremetal_fleet:
    cloud: baremetal-admin
    volume_cloud: storage-project
    on_drift: redeploy
    nodes:
      - node: rack3-node07
        storage_interface: cinder
        iscsi_boot: true
        volumes:
          - name: rack3-node07-root-2
            image: debian-13-iscsi
"""

RETURN = r"""
seconds:
  description: How long the run took, in seconds.
  returned: always, unless no node could be looked at
  type: float
  sample: 42.7
room:
  description:
    - What the run makes of volumes, golden ones included, or would make in check mode, and what there was left for it before.
    - Where that is not enough for all, nothing is made, and every node that needs a new or a larger volume fails.
  returned: always, unless no node could be looked at
  type: dict
  version_added: 1.0.0
  contains:
    volumes:
      description: How many new volumes.
      type: int
      sample: 3
    gigabytes:
      description: Their size, and what volumes that are there grow by, in GiB.
      type: int
      sample: 40
    types:
      description: Both by volume type.
      type: dict
      sample: {lvm: {volumes: 1, gigabytes: 10}, ssd: {volumes: 2, gigabytes: 30}}
    left:
      description:
        - What was left of the project's quota, by Cinder's words, as far as it concerns the run. What has no limit is not in it.
        - V(null) where nothing is made.
      type: dict
      sample: {volumes: 9, gigabytes: 93, gigabytes_ssd: 60}
    pools:
      description:
        - The room of Cinder's pools in GiB, as its scheduler counts it for thin volumes; V(null) for a pool without a bound.
        - V(null) where nothing is made, and for a user who may not see them.
      type: dict
      sample: {"storage@lvm#lvm": 812}
    monthly:
      description: What it costs a month, by O(volume_prices). V(null) without these.
      type: float
      sample: 3.3
    lacking:
      description: The nodes that there is no room for beside those before them in O(nodes). Empty where there is room for all.
      type: list
      elements: str
      sample: []
    told:
      description: All of this in words, as it is told with C(-vv). Empty where nothing is made.
      type: list
      elements: str
      sample:
        - "This run makes 3 volumes, 40 GiB (of type lvm 1 volume, 10 GiB; of type ssd 2 volumes, 30 GiB)."
nodes:
  description:
    - What became of each node, by the name that it was asked for.
  returned: always, unless no node could be looked at
  type: dict
  contains:
    changed:
      description: Whether anything of the node was changed, or would be in check mode.
      type: bool
      sample: true
    failed:
      description: Whether the node failed.
      type: bool
      sample: false
    msg:
      description: Why it failed. Empty if it did not.
      type: str
      sample: ""
    actions:
      description:
        - What was written, in words, in this order; in check mode what would be. What destroys something names it by its id.
        - Of what serves several nodes, a golden volume, one node tells.
      type: list
      elements: str
      sample:
        - create volume rack3-node07-root (20 GiB, from image debian-13-iscsi)
        - deploy node rack3-node07
    differs:
      description:
        - What of its volumes is not as asked for, and is left as it is (RV(bfv.openstack.bfv_volume#module:differs)).
        - What of an active node differs otherwise lets it fail, and stands in C(msg).
      type: list
      elements: str
      sample: ["volume rack3-node07-root: volume_type is lvm, and ssd is wanted"]
      version_added: 1.0.0
    node:
      description: The node as M(bfv.openstack.baremetal_node_storage) returns it. V(null) where there is none.
      type: dict
      sample: {name: rack3-node07, provision_state: active, storage_interface: cinder}
    connectors:
      description: The node's connectors as M(bfv.openstack.volume_connector) returns them.
      type: list
      elements: dict
      sample: []
    targets:
      description: The node's targets as M(bfv.openstack.volume_target) returns them. Secrets are masked.
      type: list
      elements: dict
      sample: []
    volumes:
      description: The wanted volumes as M(bfv.openstack.bfv_volume) returns them.
      type: list
      elements: dict
      sample: []
    history:
      description: What happened to the node and when, in seconds since the run began. Empty in check mode, and where there was nothing to do.
      type: list
      elements: dict
      contains:
        at:
          description: When, in seconds since the run began.
          type: float
          sample: 0.812
        what:
          description: What happened.
          type: str
          sample: deploy node rack3-node07
"""

from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet.journal import Tell
from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet.nodes import kind as nodes
from ansible_collections.bfv.openstack.plugins.module_utils._engine.options import (
    CONNECTOR,
    IQN_PREFIX,
    LONG,
    NODE,
    NODE_STORAGE,
    POWER_OFF,
    TAKEOVER,
    TARGET_OF_FLEET,
    VOLUME,
    WITHOUT_NOVA,
    Options,
)
from ansible_collections.bfv.openstack.plugins.module_utils._engine.run import run_fleet

OPTIONS: Options = {
    "nodes": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            **NODE,
            **NODE_STORAGE,
            "storage_interface": {"type": "str", "choices": ["cinder", "external", "noop"]},
            "connectors": {"type": "list", "elements": "dict", "options": CONNECTOR},
            "volumes": {"type": "list", "elements": "dict", "options": VOLUME},
            "targets": {"type": "list", "elements": "dict", "options": TARGET_OF_FLEET},
        },
    },
    "state": {"type": "str", "choices": ["prepared", "deployed", "undeployed", "absent"], "default": "deployed"},
    "on_drift": {"type": "str", "choices": ["fail", "redeploy"], "default": "fail"},
    **TAKEOVER,
    "golden": {"type": "bool", "default": False},
    "validate": {"type": "bool", "default": True},
    "fail_after": {"type": "str"},
    "report": {"type": "path"},
    "volume_prices": {"type": "dict"},
    "volumes_on_undeploy": {"type": "str", "choices": ["keep", "delete"], "default": "keep"},
    "concurrency": {"type": "int", "default": 4},
    **IQN_PREFIX,
    **POWER_OFF,
    **WITHOUT_NOVA,
    **LONG,
}


def main(tell: Tell | None = None) -> None:
    run_fleet(OPTIONS, nodes, tell)


if __name__ == "__main__":
    main()
