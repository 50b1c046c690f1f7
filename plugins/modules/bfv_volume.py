#!/usr/bin/python
# Copyright: The bfv.openstack contributors
# Apache License 2.0 (see LICENSE) or, at your option, GNU General Public License v3.0+ (https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: bfv_volume
short_description: Manage a Cinder volume that a machine can boot from
version_added: 0.1.0
author:
  - The bfv.openstack contributors (@bfv-openstack)
description:
  - Creates a volume from an image, or a blank one, and returns when it is available and bootable.
  - Changes the description, the metadata, the bootable flag and the size of a volume that is there. What is left out stays as it is.
  - A volume grows, but never shrinks. What it was made from, its type and its availability zone cannot be changed;
    the module warns when they differ from what is asked for.
  - Names in Cinder are not unique. A name that matches more than one volume is refused.
extends_documentation_fragment:
  - bfv.openstack.connection
  - bfv.openstack.attributes
  - bfv.openstack.attributes.action_group
options:
  name:
    description:
      - Name of the volume. At least one of O(name) and O(id) is needed, and a volume is only created by a name.
    type: str
  id:
    description:
      - Id of a volume that is there. Together with it O(name) renames the volume.
    type: str
  state:
    description:
      - Whether the volume is there. A volume that is attached is not removed.
    type: str
    choices: [present, absent]
    default: present
  image:
    description:
      - Name or id of the image to make the volume from. A volume without one is made blank.
    type: str
  size:
    description:
      - Size in GiB.
      - For a new volume from an image it can be left out, and is computed from the image's minimum disk and virtual size.
    type: int
  volume_type:
    description:
      - Name or id of the volume type. Cinder's default when left out.
    type: str
  availability_zone:
    description:
      - Availability zone of the volume. Cinder's default when left out.
    type: str
  description:
    description:
      - Description of the volume.
    type: str
  metadata:
    description:
      - Metadata by name. A value of V(null) removes the name; names that are not given stay.
    type: dict
  bootable:
    description:
      - Whether a machine may boot from the volume. A volume from an image is bootable by itself.
    type: bool
  scheduler_hints:
    description:
      - Hints for Cinder's scheduler when the volume is created.
    type: dict
  timeout:
    description:
      - The longest time, in seconds, that the module waits for the volume. The conversion of a large image takes its time.
      - The volume goes on growing ready in the cloud, and the next run waits for it again.
    type: int
    default: 3600
seealso:
  - module: bfv.openstack.volume_target
  - module: openstack.cloud.image
"""

EXAMPLES = r"""
- name: Make a volume to boot from
  bfv.openstack.bfv_volume:
    cloud: storage-project
    name: rack3-node07-root
    image: debian-13-iscsi
    size: 20

- name: Grow it
  bfv.openstack.bfv_volume:
    cloud: storage-project
    name: rack3-node07-root
    size: 40

- name: Make a blank volume for data
  bfv.openstack.bfv_volume:
    cloud: storage-project
    name: rack3-node07-data
    size: 100
    volume_type: ssd

- name: Remove a volume
  bfv.openstack.bfv_volume:
    cloud: storage-project
    name: rack3-node07-data
    state: absent
"""

RETURN = r"""
volume:
  description: The volume as it is now, or in check mode as it was. V(null) where there is none.
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
      sample: rack3-node07-root
    status:
      description: Cinder's status of the volume.
      type: str
      sample: available
    size:
      description: Size in GiB.
      type: int
      sample: 20
    bootable:
      description: Whether a machine may boot from the volume.
      type: bool
      sample: true
    volume_type:
      description: Name of the volume type.
      type: str
      sample: ssd
    availability_zone:
      description: Availability zone of the volume.
      type: str
      sample: nova
    description:
      description: Description of the volume.
      type: str
      sample:
    metadata:
      description: Metadata by name.
      type: dict
      sample: {}
    image_id:
      description: Id of the image that the volume was made from, V(null) where it was made otherwise.
      type: str
      sample: 2f8b1a5e-54be-4c0c-8cf5-7bd0dbd44a44
    multiattach:
      description: Whether the volume may be attached more than once.
      type: bool
      sample: false
    attached_to:
      description: Ids of the servers, or of the bare-metal nodes, that the volume is attached to.
      type: list
      elements: str
      sample: []
"""

from ansible_collections.bfv.openstack.plugins.module_utils.options import LONG, STATE, VOLUME, Options
from ansible_collections.bfv.openstack.plugins.module_utils.resources import volume
from ansible_collections.bfv.openstack.plugins.module_utils.run import run

OPTIONS: Options = {**VOLUME, **STATE, **LONG}


def main() -> None:
    run(OPTIONS, volume, required_one_of=[("name", "id")])


if __name__ == "__main__":
    main()
