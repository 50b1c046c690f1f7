#!/usr/bin/python
# Copyright: The bfv.openstack contributors
# Apache License 2.0 (see LICENSE) or, at your option, GNU General Public License v3.0+ (https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: bfv_server
short_description: Manage a server that boots from a volume
version_added: 0.1.0
author:
  - The bfv.openstack contributors (@bfv-openstack)
description:
  - Creates a server that boots from a volume of Cinder, which is there already or is made, and named, from an image or a snapshot first.
  - Changes a server that is there in place, or replaces it around its disk where O(on_flavor_change) or O(on_image_change) permits that.
  - What a new server refers to (flavor, networks, key pair, security groups, volumes) is looked up before anything is changed.
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
    type: str
  id:
    description:
      - Id of a server that is there.
    type: str
  state:
    description:
      - V(present) leaves it open whether the server runs, V(started) and V(stopped) do not.
    type: str
    choices: [present, absent, started, stopped]
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
        description: Name or id of a bootable volume.
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
        description: Name of the volume that is made. It is the server's name and C(-boot) when left out.
        type: str
      delete_on_termination:
        description: Whether the volume is deleted together with the server. Changed in place. A new server keeps its volume when it is left out.
        type: bool
      device_type:
        description: The kind of device that the server sees.
        type: str
        choices: [disk, cdrom, lun]
      disk_bus:
        description: The bus that the server sees the disk on, for example V(virtio) or V(scsi).
        type: str
      tag:
        description: A tag by which the server finds the disk in its metadata.
        type: str
  block_devices:
    description:
      - Further disks. Each is an item of Nova's C(block_device_mapping_v2), or a text in one of the grammars of C(nova), C(openstack) and the EC2 tools;
        see P(bfv.openstack.block_devices#filter).
      - Volumes that a server does not have are attached to it. Other disks are made with a new server only. What else is attached is left alone.
    type: list
    elements: raw
    default: []
  networks:
    description:
      - V(auto), V(none), the name or id of a network, or a list of names and of dictionaries with C(network) or C(port), and C(fixed_ip).
      - Used for a new server only.
    type: raw
    default: auto
  key_name:
    description:
      - Name of the key pair of a new server.
    type: str
  security_groups:
    description:
      - Names of the security groups of a new server.
    type: list
    elements: str
  user_data:
    description:
      - User data of a new server, as text.
    type: str
  config_drive:
    description:
      - Whether a new server gets a config drive. Bare-metal servers that boot from a volume cannot have one.
    type: bool
  availability_zone:
    description:
      - Availability zone of a new server.
    type: str
  metadata:
    description:
      - Metadata by name. A value of V(null) removes the name; names that are not given stay.
    type: dict
  scheduler_hints:
    description:
      - Hints for Nova's scheduler when the server is created.
    type: dict
  on_flavor_change:
    description:
      - What to do with a server of another flavor.
      - V(resize) has Nova resize it, and confirms that.
      - V(replace) deletes the server, keeps its disks, its ports and its fixed addresses, and creates it anew with the new flavor.
    type: str
    choices: [fail, resize, replace]
    default: fail
  on_image_change:
    description:
      - What to do with a server whose boot volume was made from another image. Either way the content of the disk is lost.
      - V(reimage) has Nova write the image onto the volume. V(replace) deletes the server and its boot volume and creates both anew.
    type: str
    choices: [fail, reimage, replace]
    default: fail
  recreate:
    description:
      - Whether a server in the status C(ERROR) is replaced around its disk.
    type: str
    choices: [never, on_error]
    default: never
  boot_volume_on_delete:
    description:
      - What becomes of the boot volume with O(state=absent). V(as_attached) leaves it to its delete_on_termination.
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

- name: Move its disk under a larger flavor, with the same address
  bfv.openstack.bfv_server:
    cloud: storage-project
    name: web-1
    flavor: general-8
    on_flavor_change: replace
    boot:
      image: debian-13

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

- name: Remove the server and keep its disk
  bfv.openstack.bfv_server:
    cloud: storage-project
    name: web-1
    state: absent
    boot_volume_on_delete: keep
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
    metadata:
      description: Metadata by name.
      type: dict
      sample: {}
    volumes:
      description: The attached volumes, and whether each is deleted with the server.
      type: list
      elements: dict
      sample:
        - id: 05a3cf39-1c1f-4b0b-9d4f-ad8d86f0ae61
          delete_on_termination: false
    key_name:
      description: Name of the key pair.
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
"""

from ansible_collections.bfv.openstack.plugins.module_utils.options import LONG, SERVER, Options
from ansible_collections.bfv.openstack.plugins.module_utils.resources import server
from ansible_collections.bfv.openstack.plugins.module_utils.run import run

OPTIONS: Options = {**SERVER, **LONG}


def main() -> None:
    run(OPTIONS, server, required_one_of=[("name", "id")])


if __name__ == "__main__":
    main()
