#!/usr/bin/python
# Copyright: The bfv.openstack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: bfv_server
short_description: Manage a server that boots from a volume
version_added: 0.1.0
author:
  - The bfv.openstack contributors (@bfv-openstack)
description:
  - Creates a server that boots from a volume of Cinder, which is there already or is made, and named, from an image or a snapshot first.
  - Changes a server that is there in place, or replaces it around its disk where
    O(on_flavor_change), O(on_image_change), O(on_boot_volume_change) or O(recreate) permits that.
  - A replacement starts from the server as it is. Its key pair, security groups, metadata, tags, description, availability zone, config drive and
    server group come along, with its ports and all their fixed addresses, groups and address pairs, its floating addresses, and its further volumes.
    Options of the task win over these, except O(networks).
    The diff tells what is carried over and what is lost.
    The new server gets another id, and its ports other MAC addresses unless they were there before it.
  - Nothing is deleted that the task does not name or permit. Which volume a server boots from is what Nova says; where that is not certain, whatever
    would destroy, replace or overwrite a disk is refused. Each server and volume that goes stands in the diff, and in RV(actions) in check mode too.
  - While a server is replaced or removed, a note about it is kept in the metadata of its boot volume (C(bfv_note_...)). A run that was broken off is
    finished by the next one, and what was switched for it is switched back where the server stays.
  - Nova offers the node of a bare-metal server that is gone to no other one until it has seen that Ironic has cleaned it. One that takes its place and
    finds no valid host is therefore deleted and asked for again, every 20 seconds, until there is a node or O(timeout) is over.
  - What a new server refers to (flavor, networks, key pair, security groups, volumes, zone, server group, quota) is looked up before anything is
    changed. A server that is there needs none of it, and is left as it is where its image or flavor has gone.
  - A volume that is reserved for a server which never came about is let go before it is used. One that is reserved for another server is refused.
  - A server that was made in another way, for example with M(openstack.cloud.server), is recognised by its name.
extends_documentation_fragment:
  - bfv.openstack.connection
  - bfv.openstack.connection.module
  - bfv.openstack.attributes
  - bfv.openstack.attributes.action_group
options:
  name:
    description:
      - Name of the server. At least one of O(name) and O(id) is needed, and a server is only created by a name.
      - Beside O(id) it renames the server.
    type: str
  id:
    description:
      - Id of a server that is there. Nothing is looked up by the name then.
    type: str
  state:
    description:
      - V(present) leaves it open whether the server runs, the others do not.
      - V(shelved) takes the server off its host, so that it uses nothing there, and keeps its disks, ports and addresses for it. The module knows it since
        1.0.0. Its machine shuts down; one that is paused or suspended runs again for that first. Of a server that boots from a volume nothing else is
        to be done. One on a local disk may stay on its host for a while, and only administrators take it off before. A bare-metal server is refused.
      - V(started) and V(stopped) first bring back a server that is paused, suspended or shelved. One that is being rescued, waits for a verdict on
        its resize, or is locked, is refused with what to do. A status that this module does not know is told, and the server is left alone.
    type: str
    choices: [present, absent, started, stopped, shelved]
    default: present
  flavor:
    description:
      - Name or id of the flavor. Needed for a new server.
    type: str
  boot:
    description:
      - What the server boots from. One of its O(boot.volume), O(boot.image) and O(boot.snapshot) is needed for a new server,
        unless O(block_devices) names the boot disk.
    type: dict
    suboptions:
      volume:
        description: Name or id of a bootable volume. What becomes of a server that boots from another one O(on_boot_volume_change) says.
        type: str
      image:
        description: Name or id of an image to make the boot volume from.
        type: str
      snapshot:
        description: Name or id of a volume snapshot to make the boot volume from.
        type: str
      size:
        description: Size of the volume that is made, in GiB. Computed from its source when left out.
        type: int
      volume_type:
        description: Volume type of the volume that is made.
        type: str
      volume_name:
        description:
          - Name of the volume that is made. It is the server's name and C(-boot) when left out.
          - A volume of that name that was made for the server by this module, and kept, is booted again. Any other one is refused. To boot from
            that, name it as O(boot.volume).
        type: str
      delete_on_termination:
        description: Whether the volume is deleted together with the server. Changed in place. A new server keeps its volume when it is left out.
        type: bool
      device_type:
        description: The kind of device that the server sees.
        type: str
        choices: [disk, cdrom, lun]
      disk_bus:
        description:
          - The bus that the server sees the disk on, for example V(virtio) or V(scsi). Nova knows V(fdc), V(ide), V(sata), V(scsi), V(usb), V(virtio),
            V(xen), V(lxc) and V(uml).
        type: str
      tag:
        description: A tag by which the server finds the disk in its metadata. Up to 60 characters, without commas and slashes.
        type: str
  block_devices:
    description:
      - Further disks. Each is an item of Nova's C(block_device_mapping_v2), or a text in one of the grammars of C(nova), C(openstack) and the EC2 tools;
        see P(bfv.openstack.block_devices#filter).
      - Volumes that a server does not have are attached to it; none of them needs to be the boot disk then. Other disks are made with a new server only,
        and a server that is there and has too few is warned about. What else is attached is for O(other_volumes).
    type: list
    elements: raw
    default: []
  other_volumes:
    description:
      - What becomes of volumes that are attached to the server, and that O(block_devices) does not name.
      - V(detach) detaches them, one after the other, and never deletes one. Whatever delete_on_termination one had is switched off before, since Nova
        deletes such a volume when it detaches it from a shelved server. The boot volume is never detached.
      - It is refused in a status in which Nova detaches nothing, of a locked and of a bare-metal server, where Nova does not tell for certain which
        volume is the root, and where some of them may be disks of O(block_devices) that Nova made itself.
    type: str
    choices: [keep, detach]
    default: keep
    version_added: 1.0.0
  networks:
    description:
      - V(auto), V(none), the name or id of a network, or a list of names and of dictionaries with C(network) or C(port), and C(fixed_ip).
      - Used for a new server only. One that takes the place of another one gets the ports of that. A server that is there is compared, and warned about.
    type: raw
    default: auto
  key_name:
    description:
      - Name of the key pair of a new server.
    type: str
  security_groups:
    description:
      - Names of the security groups of a new server. Ports that are there before it keep their own.
    type: list
    elements: str
  user_data:
    description:
      - User data of a new server, as text of up to 49149 bytes.
      - It often holds passwords, so it is shown nowhere.
    type: str
  config_drive:
    description:
      - Whether a new server gets a config drive. Bare-metal servers that boot from a volume cannot have one.
    type: bool
  availability_zone:
    description:
      - Availability zone of a new server, or C(zone:host) or C(zone:host:node) for who may choose a host.
    type: str
  metadata:
    description:
      - Metadata by name. A value of V(null) removes the name; names that are not given stay.
    type: dict
  tags:
    description:
      - The tags of the server, exactly these, in any order. An empty list removes all.
      - Nova takes up to 50, each of 1 to 60 characters without commas and slashes, and changes none of a server that is shelved, rescued or in error.
    type: list
    elements: str
    version_added: 1.0.0
  description:
    description:
      - A text about the server, of up to 255 printable characters in one line. An empty one removes it.
    type: str
    version_added: 1.0.0
  scheduler_hints:
    description:
      - Hints for Nova's scheduler when the server is created. A C(group) may be given by its name.
    type: dict
  on_flavor_change:
    description:
      - What to do with a server of another flavor.
      - V(resize) has Nova resize it, and confirms that. A resize to another flavor, which somebody else began, is neither confirmed nor reverted.
      - V(replace) deletes the server, keeps its disks, its ports and its fixed addresses, and creates it anew with the new flavor.
    type: str
    choices: [fail, resize, replace]
    default: fail
  on_image_change:
    description:
      - What to do with a server whose boot volume was made from another image.
      - V(reimage) has Nova write the image onto the volume, whose content is lost.
      - V(replace) makes a new boot volume, deletes the server, and creates it anew with that. The old volume stays until the new server is active.
        Then it goes where O(boot_volume_on_delete) is V(delete), or is V(as_attached) and the volume would have gone with the server.
    type: str
    choices: [fail, reimage, replace]
    default: fail
  on_boot_volume_change:
    description:
      - What to do with a server that boots from another volume than O(boot.volume).
      - V(replace) exchanges the disk. The server is deleted, and created anew from the other one, with its ports, addresses and further disks.
        The old disk is always kept, whatever its delete_on_termination and O(boot_volume_on_delete) say, and is named in RV(kept_boot_volume).
        The other disk goes with the server only where O(boot.delete_on_termination) says so.
      - The other disk must be there once by that name or id, available and bootable. One that is reserved, attached elsewhere, or a further disk of
        the same server is refused before anything is changed.
      - Where Nova does not tell for certain which of its volumes a server boots from, one of these is only warned about.
    type: str
    choices: [fail, replace]
    default: fail
    version_added: 1.0.0
  recreate:
    description:
      - Whether a server in the status C(ERROR) is replaced around its disk, which stays as it is.
      - It also permits to make the boot volume of a new server anew, where this module began to make it and that failed.
    type: str
    choices: [never, on_error]
    default: never
  replace_may_lose:
    description:
      - What a server that is replaced may lose, since it cannot be read back. Without the permission such a replacement is refused.
      - V(user_data) is needed where O(user_data) is not given, unless Nova shows to this user, as to administrators, that the server has none.
      - V(local_disks) is needed where the flavor has an ephemeral disk.
    type: list
    elements: str
    choices: [user_data, local_disks]
    default: []
    version_added: 1.0.0
  boot_volume_on_delete:
    description:
      - What becomes of the boot volume with O(state=absent), and of the old one with O(on_image_change=replace).
        V(as_attached) leaves it to its delete_on_termination.
      - Only the volume goes that Nova calls the root of the server that is there. One with snapshots is refused first.
    type: str
    choices: [as_attached, keep, delete]
    default: as_attached
  flavor_denylist:
    description:
      - Regular expressions of the names of flavors that cannot boot from a volume on this cloud.
    type: list
    elements: str
    default: []
  image_size_limit:
    description:
      - The size in GiB above which this cloud makes no volumes from images. A larger image is refused before the request.
    type: int
  timeout:
    description:
      - The longest time, in seconds, that the module waits for the volume and the server together.
    type: int
    default: 3600
seealso:
  - module: bfv.openstack.bfv_volume
  - module: openstack.cloud.server
"""

EXAMPLES = r"""
- name: Boot a server from an image, on a volume of its own
  bfv.openstack.bfv_server:
    cloud: storage-project
    name: web-1
    flavor: general-2
    boot:
      image: debian-13
      size: 20
      volume_type: ssd
    networks: internal
    key_name: operations
    description: The front page
    tags: [blue, web]

- name: Move its disk under a larger flavor, with the same address
  bfv.openstack.bfv_server:
    cloud: storage-project
    name: web-1
    flavor: general-8
    on_flavor_change: replace
    replace_may_lose: [user_data]

- name: Boot from a volume that is there, with a disk written as for the nova client
  bfv.openstack.bfv_server:
    cloud: storage-project
    name: db-1
    flavor: general-8
    boot:
      volume: db-1-root
      delete_on_termination: false
    block_devices:
      - vdb=8dcf68f9-0321-42f3-a3dc-b861b9335a9b:::0

- name: Give it a repaired disk, with the same ports and addresses, and keep the old one
  bfv.openstack.bfv_server:
    cloud: storage-project
    name: db-1
    boot:
      volume: db-1-repaired
    on_boot_volume_change: replace
    replace_may_lose: [user_data]

- name: Take it off its host over the weekend
  bfv.openstack.bfv_server:
    cloud: storage-project
    name: db-1
    state: shelved

- name: Let it have exactly one further disk, and detach any other
  bfv.openstack.bfv_server:
    cloud: storage-project
    name: db-1
    block_devices:
      - volume_id: db-1-data
    other_volumes: detach

- name: Remove the server and keep its disk
  bfv.openstack.bfv_server:
    cloud: storage-project
    name: web-1
    state: absent
    boot_volume_on_delete: keep

- name: Boot a server from a snapshot, with what only a new server can be given
  bfv.openstack.bfv_server:
    cloud: storage-project
    name: web-2
    flavor: general-2
    boot:
      snapshot: web-1-root-friday
      volume_name: web-2-root
      disk_bus: virtio
    networks: internal
    security_groups: [default, web]
    availability_zone: nova
    config_drive: true
    user_data: "{{ lookup('ansible.builtin.file', 'web.cloud-config') }}"
    metadata:
      role: web
    scheduler_hints:
      group: web-apart

- name: Boot a server with a data disk that Nova makes, at an address of your choice and at a port of your own
  bfv.openstack.bfv_server:
    cloud: storage-project
    name: db-2
    flavor: general-8
    boot:
      image: debian-13
      size: 20
      tag: root
    block_devices:
      - source_type: blank
        destination_type: volume
        volume_size: 100
        tag: data
        delete_on_termination: false
    networks:
      - network: internal
        fixed_ip: 192.0.2.21
      - port: db-2-storage

- name: Refuse what this cloud cannot boot before anything is made
  bfv.openstack.bfv_server:
    cloud: storage-project
    name: web-3
    flavor: general-2
    boot:
      image: debian-13
    flavor_denylist: ["^standard"]
    image_size_limit: 126

- name: Rename a server
  bfv.openstack.bfv_server:
    cloud: storage-project
    id: 6d1f3a52-7c0e-4d8b-9b1a-2f4e5d6c7b8a
    name: web-old

- name: Boot a server from the image of this month, on a new disk, and keep the old one
  bfv.openstack.bfv_server:
    cloud: storage-project
    name: web-1
    boot:
      image: debian-13-november
    on_image_change: replace
    boot_volume_on_delete: keep
    replace_may_lose: [user_data]

- name: Build a server that Nova has given up again, around its disk
  bfv.openstack.bfv_server:
    cloud: storage-project
    name: web-1
    recreate: on_error
    replace_may_lose: [user_data]
"""

RETURN = r"""
server:
  description: The server as it is now, or in check mode as it was. V(null) where there is none.
  returned: success
  type: dict
  contains:
    id:
      description: Id of the server.
      type: str
      sample: 3cf7e5c8-8b1c-4d02-a8a8-6f2c2b4c2d9e
    name:
      description: Name of the server.
      type: str
      sample: web-1
    status:
      description: Nova's status of the server.
      type: str
      sample: ACTIVE
    flavor:
      description: Name of the flavor.
      type: str
      sample: general-2
    addresses:
      description: The server's IP addresses.
      type: list
      elements: str
      sample: [192.0.2.17]
    networks:
      description: The server's addresses by the name of their network, as Nova tells them.
      type: dict
      sample:
        internal:
          - address: 192.0.2.17
            version: 4
            kind: fixed
            mac_address: fa:16:3e:5b:1c:07
          - address: 203.0.113.7
            version: 4
            kind: floating
            mac_address: fa:16:3e:5b:1c:07
      version_added: 1.0.0
    ports:
      description:
        - The server's ports, in its own order, as Neutron tells them when all is settled. In check mode they are only told where nothing would change.
      type: list
      elements: dict
      contains:
        id:
          description: Id of the port.
          type: str
          sample: 6a1f4d0e-0d3a-4b6c-9a3b-0f0f7f0f5b11
        name:
          description: Name of the port. One that Nova made has none.
          type: str
          sample: ""
        mac_address:
          description: MAC address of the port.
          type: str
          sample: fa:16:3e:5b:1c:07
        network:
          description: Name of the port's network. V(null) where the port has no address.
          type: str
          sample: internal
        network_id:
          description: Id of the port's network.
          type: str
          sample: 0c8f2a4e-6f57-4a55-8b53-2d9a7f6f7c33
        fixed_ips:
          description: The fixed addresses of the port.
          type: list
          elements: str
          sample: [192.0.2.17]
        floating_ips:
          description: The floating addresses that lead to the port.
          type: list
          elements: str
          sample: [203.0.113.7]
      version_added: 1.0.0
    image:
      description: Id of the image that the boot volume was made from. V(null) where Cinder tells none.
      type: str
      sample: 8dcf68f9-0321-42f3-a3dc-b861b9335a9b
      version_added: 1.0.0
    fault:
      description: What Nova says went wrong with the server. V(null) where it says nothing.
      type: str
      sample: No valid host was found.
      version_added: 1.0.0
    locked:
      description: Whether the server is locked.
      type: bool
      sample: false
      version_added: 1.0.0
    description:
      description: The text about the server. V(null) where there is none.
      type: str
      sample: The front page
      version_added: 1.0.0
    tags:
      description: The tags, in alphabetical order.
      type: list
      elements: str
      sample: [blue, web]
      version_added: 1.0.0
    metadata:
      description: Metadata by name.
      type: dict
      sample: {}
    volumes:
      description: The attached volumes.
      type: list
      elements: dict
      contains:
        id:
          description: Id of the volume.
          type: str
          sample: 05a3cf39-1c1f-4b0b-9d4f-ad8d86f0ae61
        delete_on_termination:
          description: Whether it is deleted with the server.
          type: bool
          sample: false
    key_name:
      description: Name of the key pair. V(null) where there is none.
      type: str
      sample: operations
    availability_zone:
      description: Availability zone.
      type: str
      sample: nova
    security_groups:
      description: Names of the security groups.
      type: list
      elements: str
      sample: [default]
volume:
  description: The boot volume as M(bfv.openstack.bfv_volume) returns it. V(null) where there is none.
  returned: success
  type: dict
  sample: {name: web-1-boot, status: in-use, size: 20}
kept_boot_volume:
  description:
    - The boot volume that another one was exchanged for (O(on_boot_volume_change=replace)), on the run that did so or finished it, and in check mode
      on the one that would. It is a volume of its own from then on.
    - V(null) where none was exchanged.
  returned: success
  type: dict
  contains:
    id:
      description: Id of the volume.
      type: str
      sample: 05a3cf39-1c1f-4b0b-9d4f-ad8d86f0ae61
    name:
      description: Name of the volume.
      type: str
      sample: db-1-root
  version_added: 1.0.0
differs:
  description:
    - What of the server is not as the task has it, and is left as it is, since it cannot be changed in place. In words, each without the server's name.
    - What nobody knows, such as of an image that is gone, is no difference; a warning tells it.
  returned: success
  type: list
  elements: str
  sample: ["key_name is none, and operations is wanted"]
  version_added: 1.0.0
actions:
  description: What was written, in words, in this order; in check mode what would be. What destroys something names it by its id.
  returned: always
  type: list
  elements: str
  sample:
    - create volume web-1-boot (20 GiB, from image debian-13)
    - note in volume web-1-boot that it was made here
    - create server web-1 from volume web-1-boot
  version_added: 1.0.0
"""

from ansible_collections.bfv.openstack.plugins.module_utils._engine.options import LONG, SERVER, Options
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.server import plan as server
from ansible_collections.bfv.openstack.plugins.module_utils._engine.run import run

OPTIONS: Options = {**SERVER, **LONG}


def main() -> None:
    run(OPTIONS, server, report=server.report, required_one_of=[("name", "id")])


if __name__ == "__main__":
    main()
