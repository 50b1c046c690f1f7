#!/usr/bin/python
# Copyright: The bfv.openstack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

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
  - What a new volume needs is looked at before anything is written, in check mode too. That is the source and its status, the zone, the type and the zones
    it is bound to, the project's quota, in all, of the type and for one volume, and the room in Cinder's pools for a user who may see them.
  - Names in Cinder are not unique. A name that matches more than one volume is refused, with the id, size, age and holder of each.
  - Nothing is deleted but the volume that the task names, what this very run made, and what O(recreate) and O(prune_golden) permit; each stands in the diff
    with its id. Two runs that make the same volume at the same time both end with the one that was made first; the run that was later deletes its own.
  - A volume that the module makes has its own id in the metadata C(bfv_made). A restored backup has a copy of its original's metadata, and so
    another volume's id in it; that is how the two are told apart.
extends_documentation_fragment:
  - bfv.openstack.connection
  - bfv.openstack.connection.module
  - bfv.openstack.attributes
  - bfv.openstack.attributes.action_group
options:
  name:
    description:
      - Name of the volume. At least one of O(name) and O(id) is needed, and a volume is only created by a name.
      - Cinder cuts blanks and line ends off both ends of a name, so that one that has them is refused.
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
      - Name or id of the image to make the volume from. Only a volume that is to be made needs it. One that is there stays as it is when its image
        is deactivated, deleted, hidden or uploaded once more since; the module warns where it cannot be compared.
      - A name means the one active image that Glance lists to the project. A deactivated one, one whose upload has not ended, and a hidden one
        do not count. A community image counts where nothing else of the name is active, since anybody may give one any name. Two active images
        of a name are refused with their ids. An id means any image that the project may see.
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
      - Name or id of the backup to make the volume from. Cinder puts the metadata of the backup's volume in the place of the new one's; the module
        then takes away the marks of this collection that came with it, and sets O(metadata) again.
      - Cinder notes the backup in the metadata C(src_backup_id) where its own backup service restores it. Another one than the wanted is told in a
        warning, and nothing is made anew for it.
    type: str
  size:
    description:
      - Size in GiB.
      - For a new volume it can be left out when it is made from something. From an image it is computed by the minimum disk and the virtual size.
        Of an image that is compressed or sparse (such as C(qcow2)), and has neither of the two, nobody knows how large it is, and the size is asked for.
    type: int
  volume_type:
    description:
      - Name or id of the volume type. Cinder's default when left out, or that of the volume or snapshot that the new one is made from.
      - A volume that several machines are to attach needs a type whose extra spec C(multiattach) is C(<is> True). RV(volume.multiattach) tells it.
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
      - Whether to delete the golden volumes of older images of the same name, and those whose making failed, once the volume is ready.
      - Only what this collection made as a golden volume, under the id that it has now, and what nobody holds is deleted.
    type: bool
    default: false
  recreate:
    description:
      - When to make the volume anew, and to delete the old one with all that is on it.
      - V(on_error) does it when the volume could not be made and was never available. Any other error says nothing of what is on a volume, and is refused.
      - V(on_drift) also does it when a volume that this module made differs in what cannot be changed. What Cinder does not show,
        such as the image of a volume that was migrated, is no difference.
      - Type, zone, source, quota and snapshots are looked at before anything is changed. A volume that is attached is never made anew.
    type: str
    choices: [never, on_error, on_drift]
    default: never
  recreate_order:
    description:
      - Whether the old volume is deleted when the new one is there, or before. V(delete_first) is for a quota or a backend without room for both.
      - With V(create_first) a run that was broken off between the two is finished by the next one.
    type: str
    choices: [create_first, delete_first]
    default: create_first
    version_added: 1.0.0
  retype:
    description:
      - Whether to change the type of a volume that is there. O(migration_policy) says whether its data may be moved for it.
      - Between a type that is multiattach and one that is not, only a volume that nobody holds is changed.
    type: bool
    default: false
  migration_policy:
    description:
      - What O(retype) may do where the new type is on another backend. V(on-demand) has Cinder move the data there, V(never) only changes
        the type where the data can stay, and Cinder leaves the volume as it was otherwise, which fails the task.
    type: str
    choices: [never, on-demand]
    default: on-demand
    version_added: 1.0.0
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

- name: Make a volume from a snapshot, with a description and metadata
  bfv.openstack.bfv_volume:
    cloud: storage-project
    name: db-2-root
    snapshot: db-1-root-friday
    description: Boot disk of db-2
    metadata:
      owner: operations

- name: Make a volume from a backup
  bfv.openstack.bfv_volume:
    cloud: storage-project
    name: db-1-restored
    backup: db-1-root-monday

- name: Move a volume to another type, on whatever backend that is
  bfv.openstack.bfv_volume:
    cloud: storage-project
    name: db-1-root
    volume_type: ssd
    retype: true
    migration_policy: on-demand
    timeout: 3600

- name: Make a volume, and make it anew where an earlier run could not
  bfv.openstack.bfv_volume:
    cloud: storage-project
    name: rack3-node07-root
    image: debian-13-iscsi
    recreate: on_error

- name: Make a disk anew from each month's image, in a quota without room for two, and delete older golden volumes
  bfv.openstack.bfv_volume:
    cloud: storage-project
    name: kiosk-root
    image: kiosk
    via_golden: true
    prune_golden: true
    recreate: on_drift # all that is on the old volume is lost
    recreate_order: delete_first

- name: Make a data volume on another backend than that of another volume
  bfv.openstack.bfv_volume:
    cloud: storage-project
    name: db-2-data
    size: 100
    scheduler_hints:
      different_host: [05a3cf39-1c1f-4b0b-9d4f-ad8d86f0ae61]

- name: Rename a volume onto which an installer has written, and let machines boot from it
  bfv.openstack.bfv_volume:
    cloud: storage-project
    id: 8dcf68f9-0321-42f3-a3dc-b861b9335a9b
    name: db-3-root
    bootable: true

- name: Remove a volume with its snapshots
  bfv.openstack.bfv_volume:
    cloud: storage-project
    name: rack3-node07-root
    state: absent
    cascade: true
"""

RETURN = r"""
actions:
  description: What was written, in words, in this order; in check mode what would be. What destroys something names it by its id.
  returned: always
  type: list
  elements: str
  sample:
    - create volume rack3-node07-root (20 GiB, from image debian-13-iscsi)
    - note in volume rack3-node07-root that it was made here
  version_added: 1.0.0
differs:
  description:
    - What of the volume is not as the task has it, and is left as it is, since Cinder does not change it or the task does not permit that. In words.
    - What nobody knows is no difference; a warning tells it.
  returned: success
  type: list
  elements: str
  sample: ["volume_type is lvm, and ssd is wanted"]
  version_added: 1.0.0
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
      description: Description of the volume. V(null) where there is none.
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

from ansible_collections.bfv.openstack.plugins.module_utils._engine.options import GOLDEN, LONG, STATE, VOLUME, Options
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.volume import plan as volume
from ansible_collections.bfv.openstack.plugins.module_utils._engine.run import run

OPTIONS: Options = {
    **VOLUME,
    **GOLDEN,
    "cascade": {"type": "bool", "default": False},
    **STATE,
    **LONG,
}


def main() -> None:
    run(OPTIONS, volume, required_one_of=[("name", "id")])


if __name__ == "__main__":
    main()
