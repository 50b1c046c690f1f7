#!/usr/bin/python
# Copyright: The bfv.openstack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: bfv_image
short_description: Bring a version of an image into Glance
version_added: 1.0.0
author:
  - The bfv.openstack contributors (@bfv-openstack)
description:
  - Uploads an image once for each O(digest). A new one is uploaded as C(<name>-<first 12 characters of the digest>). When it is complete, the former
    image of the name is renamed to its own long name, the new one gets the name, and only then old versions go (O(keep)).
    So nobody can take half an image, and whoever asks for the name finds exactly one.
  - What is renamed and deleted is certainly a version of this image. It is of the project that the token is of, has the property C(bfv_image_digest), and
    one of the two names that follow from it. Images of other projects, whatever their names and properties, stay, and so do those that are protected.
  - An upload that has not ended may be one that is under way. It is told with its id, and left, unless this very run began it.
    Where its upload fails a run deletes what it began.
  - An image of the name that is none of these is refused before anything is uploaded, and so is a version that somebody has deactivated.
seealso:
  - module: bfv.openstack.bfv_volume
extends_documentation_fragment:
  - bfv.openstack.connection
  - bfv.openstack.connection.module
  - bfv.openstack.attributes
  - bfv.openstack.attributes.action_group
options:
  name:
    description:
      - The name by which the newest version is found.
    type: str
    required: true
  digest:
    description:
      - What tells versions apart, such as a SHA-256 of all that the image is made of. At least 12 characters.
    type: str
    required: true
  file:
    description:
      - The image, on the host that the module runs on.
    type: path
    required: true
  disk_format:
    description:
      - The format of O(file).
    type: str
    default: raw
  min_disk:
    description:
      - The smallest disk that takes the image, in GiB.
    type: int
  visibility:
    description:
      - Who may use the image.
    type: str
    choices: [private, shared, community, public]
    default: private
  properties:
    description:
      - Properties of the image. Others that it has stay.
    type: dict
    default: {}
  keep:
    description:
      - How many versions to keep, the newest one included. V(0) keeps all.
    type: int
    default: 0
  timeout:
    default: 3600
"""

EXAMPLES = r"""
- name: Bring the image of this month into Glance, and keep the last three
  bfv.openstack.bfv_image:
    cloud: mycloud
    name: debian-13-iscsi
    digest: "{{ boot_image_result.digest }}"
    file: "{{ boot_image_result.image }}"
    min_disk: "{{ boot_image_result.min_disk }}"
    properties:
      hw_firmware_type: uefi
    keep: 3

- name: Offer an image in qcow2 to all projects that ask for it by its id
  bfv.openstack.bfv_image:
    cloud: mycloud
    name: debian-13
    digest: 3f0c51d2a7be4c0d9e8f7a6b5c4d3e2f1a0b9c8d7e6f5a4b3c2d1e0f9a8b7c6d
    file: /var/lib/bfv/images/debian-13.qcow2
    disk_format: qcow2
    visibility: community
    timeout: 1800
"""

RETURN = r"""
actions:
  description: What was written, in words, in this order; in check mode what would be. What is deleted is named by its id.
  returned: always
  type: list
  elements: str
  sample:
    - create image debian-13-iscsi-3f0c51d2a7be
    - upload /var/lib/bfv/images/debian-13-iscsi-3f0c51d2a7be.raw to image debian-13-iscsi-3f0c51d2a7be
    - rename image debian-13-iscsi-3f0c51d2a7be to debian-13-iscsi
image:
  description: The version as it is now, or in check mode as it was. V(null) where there is none.
  returned: success
  type: dict
  contains:
    id:
      description: Its id.
      type: str
      sample: 2b1c8f6e-7a5d-4b3c-9f0e-1d2c3b4a5f60
    name:
      description: Its name.
      type: str
      sample: debian-13-iscsi
    status:
      description: Its status.
      type: str
      sample: active
    digest:
      description: Its digest.
      type: str
      sample: 3f0c51d2a7be4c0d9e8f7a6b5c4d3e2f1a0b9c8d7e6f5a4b3c2d1e0f9a8b7c6d
unfinished:
  description: The ids of uploads that have not ended. They were left.
  returned: success
  type: list
  elements: str
  sample: []
"""

from ansible_collections.bfv.openstack.plugins.module_utils._engine.options import IMAGE, Options
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.image import version
from ansible_collections.bfv.openstack.plugins.module_utils._engine.run import run

OPTIONS: Options = IMAGE


def main() -> None:
    run(OPTIONS, version)


if __name__ == "__main__":
    main()
