#!/usr/bin/python
# Copyright: The bfv.openstack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: boot_checkpoint
short_description: Save all disks of a server or a node under one name, and go back to them
version_added: 1.0.0
author:
  - The bfv.openstack contributors (@bfv-openstack)
description:
  - Takes a snapshot of each volume of a machine, in use too, under one name. Of a server these are the volumes that Nova has attached, its boot volume
    first; of a bare-metal node those of its volume targets that Cinder has made.
  - A checkpoint is complete, or not there. A run that is broken off leaves a rest that no later run fills up, since snapshots that were taken at
    different times are no state that the machine was ever in. The next run takes a whole new set, and then deletes the rest.
  - Without O(quiesce) each disk is saved at its own instant, as a machine leaves it whose power fails. Disks that belong together, such as those of
    a volume group, may then not agree.
  - What cannot be saved whole is refused before the first snapshot. That is a machine with a local boot disk, one whose boot volume is not certain, a volume
    that is not available or in use, and a quota of snapshots that is too small. Local disks beside the boot volume are no part of a checkpoint.
  - Checkpoints belong to the name of a server, and to the UUID of a node. A server that was made anew around its disks, or got other ones, therefore has
    its checkpoints; one that was renamed has those of its new name.
  - The snapshots are found by their metadata (C(bfv_checkpoint...)). Only what this collection made under that very id is deleted; a copy of the
    metadata on another snapshot counts for nothing. Each snapshot that goes stands in the diff, and in RV(actions) in check mode too, with its id.
  - The snapshots of an array that Cinder does not know are the array's own. A node with the storage interface C(external) is refused.
extends_documentation_fragment:
  - bfv.openstack.connection
  - bfv.openstack.connection.module
  - bfv.openstack.attributes
  - bfv.openstack.attributes.action_group
options:
  server:
    description:
      - Name or id of the server. One of O(server) and O(node) is needed.
      - With O(state=absent) the server may be gone. Its name is needed then.
    type: str
  node:
    description:
      - Name or UUID of the bare-metal node. Its volumes are read with O(volume_cloud), where Ironic is reached with system scope.
      - With O(state=absent) the node may be gone. Its UUID is needed then.
    type: str
  name:
    description:
      - Name of the checkpoint, which its snapshots have too. It has 1 to 100 letters, digits, blanks within and some signs (dot, colon, at, plus, minus,
        underscore).
      - Each machine has its own; two machines may have checkpoints of one name.
    type: str
    required: true
  state:
    description:
      - V(present) takes the checkpoint where there is none of that name. One that is there stays as it is, and the module warns where the machine has
        other volumes by now.
      - A checkpoint that was complete, and of which a snapshot is gone or in error, is neither taken anew nor deleted, but refused.
      - V(absent) deletes its snapshots. It is refused, before anything is deleted, where Cinder would not delete one of them. Where a volume was made of a
        snapshot, the backend alone knows whether it still needs that; such a snapshot is deleted first, and where the backend keeps it, the task fails
        and the others stay.
      - V(reverted) brings a machine back to what was on its disks. New volumes are made of the snapshots first.
      - A server has the same ports and addresses then. It is stopped, its old further volumes are detached, and it is deleted and made anew around the
        new ones, as M(bfv.openstack.bfv_server) does it with O(bfv.openstack.bfv_server#module:on_boot_volume_change=replace). It runs again where it
        ran before.
      - A node that is C(active) is undeployed when the new volumes are there and the safety checkpoint is complete. Ironic deletes its volume targets
        with the deployment; they are made anew at the same places in the boot order, with the notes (C(extra)) that they had when the checkpoint was
        taken, and the node is deployed again. Its connectors stay. A node that is C(available) gets the targets, and is not deployed.
      - With O(safety=false) Cinder writes the snapshots onto a node's own volumes, where it can. That is where they are the newest ones of their
        volumes, these have not grown, and no target of another node names them. What was written since is gone then. A safety checkpoint would itself
        be the newest, so with O(safety=true) there are new volumes always. A server always gets new volumes.
      - The old volumes are kept, and named in RV(kept_volumes). The new ones are of the size that the snapshots have. They take the names of the old ones,
        so that tasks and inventories find them, and each old one gets C(-kept-) and the first eight signs of its id behind its name. What names a volume by
        its id goes on meaning the old one. The description of a volume, metadata that people gave it, its tag at the server, and whether it is deleted
        with the server are those of the old one too.
      - A machine that boots from a volume which was made of this checkpoint for it, or onto which it was written, has gone back, and is left as it is,
        whatever is on its disks by now.
        To go back to the same checkpoint once more, go back to another one (such as its safety checkpoint) first.
      - It is refused, before anything is written, of a server that is locked, or in another status than C(ACTIVE) and C(SHUTOFF), where the
        quota has no room for the new volumes and the safety checkpoint, and where the new server could not be made, or would lose what
        O(replace_may_lose) does not permit. A node is refused that would not be deployed again. It is in maintenance, protected, retired, or a server
        of Nova, its connectors, capabilities or ports are not in order, or Ironic's own validation says no.
      - A run that was broken off is finished by the next one. One that fails before the old volumes are detached starts the server again.
    type: str
    choices: [present, reverted, absent]
    default: present
  keep:
    description:
      - How many complete checkpoints the machine may have, the one that the task names among them. When that one is there, the oldest beyond the number are
        deleted. All stay when it is left out.
      - A checkpoint of which a volume was made stays, and so does one that Cinder would not delete; the module warns about them.
    type: int
  quiesce:
    description:
      - Whether to stop a server that runs before the snapshots are taken, and to start it when all of them are available. One that is off stays off.
      - Nova lets the machine shut down by itself, and after a while (C(shutdown_timeout) of the cloud's C(nova.conf)) turns it off.
      - That a run has stopped the server is noted in the metadata of its boot volume (C(bfv_checkpoint_quiesced)) until it runs again. A run that was
        broken off is finished by the next one, and a task that fails starts the server before. A task that has waited in vain for the snapshots (O(timeout))
        leaves it stopped, and the next run starts it when they are there.
      - A locked server is refused, and one that is paused, suspended or being rescued. For nodes it is refused. Power the node off before the task instead.
    type: bool
    default: false
  safety:
    description:
      - Whether O(state=reverted) takes a checkpoint of what the machine is before, when it is stopped. Its name is C(before-), that of the checkpoint
        that is gone back to, and a number. O(name) has up to 88 characters then.
    type: bool
    default: true
  replace_may_lose:
    description:
      - What O(state=reverted) may lose of the machine, since nobody can read it to give it back. Without it such a machine is refused.
      - V(user_data) of a server is shown to administrators only. V(local_disks) are those of a flavor with an ephemeral disk.
      - V(config_drive), V(instance) and V(vifs) are a node's. Ironic forgets its config drive, and its C(instance_uuid) with the allocation behind it, when
        the node is undeployed, and detaches its VIFs. The ports of the networking service stay, with their addresses; attach them again where the node
        needs them (C(openstack baremetal node vif attach)).
    type: list
    elements: str
    choices: [user_data, local_disks, config_drive, instance, vifs]
    default: []
  without_nova:
    description:
      - For O(state=reverted) of a node, whether no Nova uses the cloud's nodes. A node with an C(instance_uuid) that is no allocation of Ironic's counts as
        Nova's otherwise, and is refused. Go back with its O(server) instead.
    type: bool
    default: false
  timeout:
    description:
      - The longest time, in seconds, that the module waits.
      - The snapshots go on growing ready in the cloud, and the next run waits for them again.
    type: int
    default: 3600
seealso:
  - module: bfv.openstack.bfv_server
  - module: bfv.openstack.bfv_volume
  - module: openstack.cloud.volume_snapshot
"""

EXAMPLES = r"""
- name: Save a server before its upgrade
  bfv.openstack.boot_checkpoint:
    cloud: storage-project
    server: db-1
    name: before-upgrade

- name: Save it every night while it is off, and keep a week of that
  bfv.openstack.boot_checkpoint:
    cloud: storage-project
    server: db-1
    name: "night {{ ansible_facts.date_time.date }}"
    quiesce: true
    keep: 7

- name: Save a bare-metal node
  bfv.openstack.boot_checkpoint:
    cloud: infrastructure
    volume_cloud: storage-project
    node: rack3-node07
    name: before-upgrade

- name: Go back after an upgrade that failed
  bfv.openstack.boot_checkpoint:
    cloud: storage-project
    server: db-1
    name: before-upgrade
    state: reverted
    replace_may_lose: [user_data]

- name: Go back with a bare-metal node, on new volumes
  bfv.openstack.boot_checkpoint:
    cloud: infrastructure
    volume_cloud: storage-project
    node: rack3-node07
    name: before-upgrade
    state: reverted

- name: Go back in place, and keep nothing of what was written since
  bfv.openstack.boot_checkpoint:
    cloud: infrastructure
    volume_cloud: storage-project
    node: rack3-node07
    name: before-upgrade
    state: reverted
    safety: false

- name: Remove a checkpoint
  bfv.openstack.boot_checkpoint:
    cloud: storage-project
    server: db-1
    name: before-upgrade
    state: absent
"""

RETURN = r"""
actions:
  description: What was written, in words, in this order; in check mode what would be. What destroys something names it by its id.
  returned: always
  type: list
  elements: str
  sample:
    - take snapshot before-upgrade of volume db-1-boot (05a3cf39-1c1f-4b0b-9d4f-ad8d86f0ae61, 20 GiB)
    - note in the snapshot of volume 05a3cf39-1c1f-4b0b-9d4f-ad8d86f0ae61 that its checkpoint is complete
checkpoint:
  description: The checkpoint as it is now, or in check mode as it was. V(null) where there is none that is complete.
  returned: success
  type: dict
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
      description: Whether all of its snapshots are there.
      type: bool
      sample: true
    snapshots:
      description: Its snapshots, that of the boot volume first.
      type: list
      elements: dict
      contains:
        id:
          description: Id of the snapshot.
          type: str
          sample: 7f1b6a0e-2b3c-4f57-9a53-3c1f0c1d2e3f
        volume_id:
          description: Id of the volume that it was taken of.
          type: str
          sample: 05a3cf39-1c1f-4b0b-9d4f-ad8d86f0ae61
        status:
          description: Cinder's status of the snapshot.
          type: str
          sample: available
        size:
          description: Size of the volume at that time, in GiB.
          type: int
          sample: 20
        order:
          description: Place of the volume among the machine's disks. It boots from V(0).
          type: int
          sample: 0
kept_volumes:
  description: The volumes that a machine had before it went back, which are kept; in check mode those that would be. Empty where nothing was exchanged.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: Id of the volume.
      type: str
      sample: 05a3cf39-1c1f-4b0b-9d4f-ad8d86f0ae61
    name:
      description: Name of the volume, as it is called when another one has its place.
      type: str
      sample: db-1-boot-kept-05a3cf39
  sample: []
checkpoints:
  description: Names of all complete checkpoints of the machine, the oldest first.
  returned: success
  type: list
  elements: str
  sample: [before-upgrade]
"""

from ansible_collections.bfv.openstack.plugins.module_utils._engine.options import CHECKPOINT, LONG, Options
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.checkpoint import plan as checkpoint
from ansible_collections.bfv.openstack.plugins.module_utils._engine.run import run

OPTIONS: Options = {**CHECKPOINT, **LONG}


def main() -> None:
    run(OPTIONS, checkpoint, required_one_of=[("server", "node")], mutually_exclusive=[("server", "node")])


if __name__ == "__main__":
    main()
