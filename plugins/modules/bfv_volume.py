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
  - Creates a volume from an image, a snapshot, another volume or a backup, or a blank one, and returns when it is available and bootable.
  - Changes the description, the metadata, the bootable flag, the size and, where O(retype) permits it, the type of a volume that is there.
    What is left out stays as it is.
  - A volume grows, but never shrinks. What it was made from and its availability zone cannot be changed;
    the module warns when they differ from what is asked for, or creates the volume anew where O(recreate) permits it.
  - Names in Cinder are not unique. A name that matches more than one volume is refused.
  - A volume that the module makes has its name in the metadata C(bfv_made_as) as well. Of two that two runs made at the same time both runs take the same,
    and the other one is deleted.
extends_documentation_fragment:
  - bfv.openstack.connection
  - bfv.openstack.connection.module
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
      - Name or id of the image to make the volume from.
      - At most one of O(image), O(snapshot), O(volume) and O(backup) can be given. A volume without any of them is made blank.
    type: str
  snapshot:
    description:
      - Name or id of the volume snapshot to make the volume from.
    type: str
  volume:
    description:
      - Name or id of the volume to clone.
    type: str
  backup:
    description:
      - Name or id of the backup to make the volume from. Cinder does not tell afterwards what a volume was restored from, so that it is not compared.
    type: str
  size:
    description:
      - Size in GiB.
      - For a new volume it can be left out when it is made from something. From an image it is computed by the minimum disk and the virtual size.
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
  image_size_limit:
    description:
      - The size in GiB above which this cloud makes no volumes from images. A larger image is refused before the request.
    type: int
  via_golden:
    description:
      - Whether to convert the image only once. The first volume of an image and a type makes a golden volume, from which this one and all later ones
        are cloned, since Cinder converts one image at a time on a backend.
      - The golden volume is named C(golden-), the id of the image and the type. Another image of the same name makes another golden volume.
    type: bool
    default: false
  prune_golden:
    description:
      - Whether to delete the golden volumes of older images of the same name, once the volume is ready.
    type: bool
    default: false
  recreate:
    description:
      - When to delete the volume, with all that is on it, and create it anew.
      - V(on_error) does it when Cinder says that it is in error; V(on_drift) also when it differs in what cannot be changed.
        A volume that is attached is never deleted.
    type: str
    choices: [never, on_error, on_drift]
    default: never
  retype:
    description:
      - Whether to change the type of a volume that is there. Cinder may have to move its data.
    type: bool
    default: false
  cascade:
    description:
      - Whether O(state=absent) deletes the volume's snapshots as well. They hold it otherwise.
    type: bool
    default: false
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

- name: Make the disks of a rack, with one conversion of the image
  bfv.openstack.bfv_volume:
    cloud: storage-project
    name: "{{ item }}-root"
    image: debian-13-iscsi
    via_golden: true
  loop: [rack3-node01, rack3-node02, rack3-node03]

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
    snapshot_id:
      description: Id of the snapshot that the volume was made from, V(null) where it was made otherwise.
      type: str
      sample:
    source_volid:
      description: Id of the volume that the volume was cloned from, V(null) where it was made otherwise.
      type: str
      sample:
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

OPTIONS: Options = {
    **VOLUME,
    "via_golden": {"type": "bool", "default": False},
    "prune_golden": {"type": "bool", "default": False},
    "cascade": {"type": "bool", "default": False},
    **STATE,
    **LONG,
}


def main() -> None:
    run(OPTIONS, volume, required_one_of=[("name", "id")])


if __name__ == "__main__":
    main()
