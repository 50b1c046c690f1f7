#!/usr/bin/python
# Copyright: The bfv.openstack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: iscsi_lun
short_description: Check and fill a LUN that a machine is to boot from
version_added: 1.0.0
author:
  - The bfv.openstack contributors (@bfv-openstack)
description:
  - Logs in to a LUN as its machine will, and tells whether it answers and what is on it. Where it does not answer, it tells the cause in the array's terms.
  - Writes an image to a LUN on which nothing is, and the machine's own data (a config drive) into the partition that the image has for it.
  - It needs no cloud. With O(volume) the LUN is that of a volume in Cinder, which is attached to this host for a moment.
  - The host that runs the module has to reach the portals, and needs C(qemu-img) with its iSCSI driver, C(libiscsi)'s programs and C(setpriv). (Debian
    and Ubuntu have them in C(qemu-utils), C(qemu-block-extra), C(libiscsi-bin) and C(util-linux), Fedora in C(qemu-img), C(qemu-block-iscsi) and
    C(libiscsi-utils).) A seed needs C(genisoimage) or C(xorriso) too. No initiator of the kernel is used, and no root is needed.
  - A disk that holds something is written to only with O(write=anew). A disk is blank when all of it reads as zeros; that is looked at where its first
    MiB is blank, and then takes as long as to read the disk.
  - While an image is written the disk cannot be booted, since its first sectors come last. What a run left that ended too early is written again by
    the next one with the same image, unless something else has come to the first MiB of the disk since.
extends_documentation_fragment:
  - bfv.openstack.connection
  - bfv.openstack.connection.module
  - bfv.openstack.attributes
  - bfv.openstack.attributes.action_group
attributes:
  check_mode:
    support: partial
    details:
      - With O(volume) nothing is attached in check mode, so that nothing is told of what is on the disk.
options:
  portals:
    description:
      - Addresses and ports at which the array's target listens, such as V(192.0.2.10:3260). All of them have to lead to the same disk.
      - Each is tried. The first that answers is read from and written to.
    type: list
    elements: str
  iqn:
    description:
      - iSCSI name of the array's target.
    type: str
  lun:
    description:
      - Logical unit number of the disk.
    type: int
  chap_username:
    description:
      - User name for CHAP.
    type: str
  chap_password:
    description:
      - Password for CHAP. It is in no argument of a program and in no file.
    type: str
  initiator_name:
    description:
      - The name under which to log in, that of the node that will boot from the LUN, so that the array's access list is tried as well.
      - This host's own where it is left out (C(/etc/iscsi/initiatorname.iscsi)), or a made-up one.
    type: str
  volume:
    description:
      - Name or id of a volume in Cinder, in place of O(portals), O(iqn) and O(lun). It must be C(available), and its backend has to speak iSCSI.
      - An ordinary member of the volume's project may attach it. It is let go at the end. What a run left that was killed is let go by the next run on the same
        host, and told elsewhere.
    type: str
  image:
    description:
      - Path of a raw or qcow2 image on the host that runs the module. Where there is a file with C(.sha256) behind its name, the image is compared with it.
    type: path
  write:
    description:
      - V(blank) writes the image to a disk on which nothing is, and leaves every other disk as it is.
      - V(anew) writes it wherever the disk is not as the image is, B(whatever is on it).
      - V(never) writes nothing.
    type: str
    choices: [never, blank, anew]
    default: blank
  verify:
    description:
      - Whether to read back what was written, and to compare it with the image.
    type: bool
    default: true
  validate_certs:
    description:
      - Whether to verify the certificates of the cloud. (O(verify) is no alias of this here.)
    type: bool
    aliases: []
  seed:
    description:
      - The machine's own data, as cloud-init's data source C(ConfigDrive) reads them. The image needs a partition for them, labelled C(config-2), such as
        the role P(bfv.openstack.boot_image#role) makes with C(boot_image_seed_partition).
      - It is written where another one is there. A config drive of somebody else is replaced with O(write=anew) only.
    type: dict
    suboptions:
      hostname:
        description: Host name of the machine.
        type: str
      ssh_keys:
        description: Public keys of the user that cloud-init sets up.
        type: list
        elements: str
      user_data:
        description: User data, as text, or as a dictionary of cloud-config.
        type: raw
      network:
        description: The network as OpenStack's C(network_data.json) describes it. Images of this collection leave the interface of the root disk alone.
        type: dict
      meta:
        description: Further metadata by name, which the machine finds below C(meta).
        type: dict
      vendor_data:
        description: Vendor data, as C(vendor_data2.json).
        type: dict
      uuid:
        description:
          - The instance's id. cloud-init does most of its work once for each. When left out it is made of the LUN, the initiator and the seed, so that
            another seed takes effect.
        type: str
  in_use:
    description:
      - Says that a machine runs from the LUN. Then a run that would write to it fails. No initiator can see whether another one is logged in.
    type: bool
    default: false
  timeout:
    description:
      - How many seconds the run may take.
    type: int
    default: 3600
seealso:
  - module: bfv.openstack.volume_target
  - module: bfv.openstack.bfv_volume
  - ref: ansible_collections.bfv.openstack.docsite.guide_array
    description: An array, from empty LUNs to machines.
"""

EXAMPLES = r"""
- name: See whether a node's LUN answers, and what is on it
  bfv.openstack.iscsi_lun:
    portals: [192.0.2.10:3260, 198.51.100.10:3260]
    iqn: iqn.2010-10.org.example:array.rack3-node08
    lun: 1
    chap_username: rack3-node08
    chap_password: "{{ vault_chap_password }}"
    initiator_name: iqn.2017-08.org.openstack.1be26c0b-03f2-4d2e-ae87-c02d7f33c123
  register: lun

- name: Write an image to it where it is blank, and the node's own data
  bfv.openstack.iscsi_lun:
    portals: [192.0.2.10:3260]
    iqn: iqn.2010-10.org.example:array.rack3-node08
    lun: 1
    image: /var/lib/bfv/images/bfv-debian-bookworm-bios.raw
    seed:
      hostname: rack3-node08
      ssh_keys: ["{{ lookup('ansible.builtin.file', '~/.ssh/id_ed25519.pub') }}"]

- name: Write the node's own data into a volume of Cinder that has the image already
  bfv.openstack.iscsi_lun:
    cloud: storage-project
    volume: rack3-node07-root
    seed:
      hostname: rack3-node07

- name: Write an image over whatever is on a LUN from which nothing runs, with a network and cloud-init's own data
  bfv.openstack.iscsi_lun:
    portals: [192.0.2.10:3260]
    iqn: iqn.2010-10.org.example:array.rack3-node08
    lun: 1
    image: /var/lib/bfv/images/bfv-debian-bookworm-bios.raw
    write: anew
    timeout: 1800
    seed:
      hostname: rack3-node08
      meta:
        rack: "3"
      network:
        links:
          - {id: data, type: phy, ethernet_mac_address: "52:54:00:0a:0b:0c"}
        networks:
          - {id: data, link: data, type: ipv4, ip_address: 198.51.100.28, netmask: 255.255.255.0}
      user_data:
        packages: [chrony]

- name: Look at the LUN of a machine that runs, and be sure that nothing is written
  bfv.openstack.iscsi_lun:
    portals: [192.0.2.10:3260]
    iqn: iqn.2010-10.org.example:array.rack3-node08
    lun: 1
    in_use: true
"""

RETURN = r"""
actions:
  description: What was written, in words, in this order; in check mode what would be.
  returned: always
  type: list
  elements: str
  sample:
    - "write the node's own data to partition 2 of LUN 1 of iqn.2010-10.org.example:array.rack3-node08 at 192.0.2.10:3260"
reachable:
  description: Whether the LUN answers at one of its portals.
  returned: when it was looked at
  type: bool
  sample: true
cause:
  description:
    - Why the first portal does not lead to the LUN, where none does. V(null) otherwise.
    - One of V(nobody_listens), V(no_answer), V(unknown_host), V(chap_refused), V(not_admitted), V(no_such_target) (or the array's access list hides it),
      V(no_such_lun), V(not_a_disk), V(too_many_sessions), V(array_unavailable), V(refused).
  returned: when it was looked at
  type: str
  sample: null
why:
  description: The same for all portals, in words. V(null) where one leads to the LUN.
  returned: when it was looked at
  type: str
  sample: null
paths:
  description: Each portal by itself.
  returned: when it was looked at
  type: list
  elements: dict
  contains:
    portal:
      description: The portal.
      type: str
      sample: 192.0.2.10:3260
    reachable:
      description: Whether the LUN answers there.
      type: bool
      sample: false
    cause:
      description: Why it does not, as a word (RV(cause)). V(null) where it does.
      type: str
      sample: chap_refused
    why:
      description: Why it does not, in words. V(null) where it does.
      type: str
      sample: the array at 192.0.2.10:3260 refuses user rack3-node08 or the password (CHAP) (login status 0x0201)
volume:
  description: Id of the volume in Cinder.
  returned: with O(volume)
  type: str
  sample: 05a3cf39-1c1f-4b0b-9d4f-ad8d86f0ae61
size:
  description: Size of the disk in bytes.
  returned: when it is reachable
  type: int
  sample: 10737418240
block_size:
  description: Size of its logical blocks in bytes.
  returned: when it is reachable
  type: int
  sample: 512
vendor:
  description: Vendor, as the LUN tells it.
  returned: when it is reachable
  type: str
  sample: IET
product:
  description: Product, as the LUN tells it.
  returned: when it is reachable
  type: str
  sample: VIRTUAL-DISK
serial:
  description: Serial number, as the LUN tells it. Empty where it tells none.
  returned: when it is reachable
  type: str
  sample: beaf11
blank:
  description: Whether all of it reads as zeros.
  returned: when it is reachable
  type: bool
  sample: false
unfinished:
  description: SHA-256 of an image that an earlier run did not write whole. V(null) where there is none.
  returned: when it is reachable
  type: str
  sample: null
partition_table:
  description: The kind of the partition table, V(gpt) or V(dos). V(null) where there is none.
  returned: when it is reachable
  type: str
  sample: gpt
boot_modes:
  description:
    - Which firmwares could boot it. V(bios) where it has boot code in its first sector, V(uefi) where it has a firmware partition with a FAT file system.
  returned: when it is reachable
  type: list
  elements: str
  sample: [bios, uefi]
seed_partition:
  description: The partition for a config drive. V(null) where there is none.
  returned: when it is reachable
  type: dict
  contains:
    number:
      description: Its number.
      type: int
      sample: 2
    start:
      description: Its first byte.
      type: int
      sample: 2097152
    size:
      description: Its size in bytes.
      type: int
      sample: 67108864
    content:
      description: What is in it, V(empty), V(seed) for one that this module wrote, V(unfinished) where a run ended too early, V(foreign) for anything else.
      type: str
      sample: seed
digest:
  description: SHA-256 of the image that this run wrote. V(null) where it wrote none.
  returned: when it was looked at
  type: str
  sample: 2b5bd38ab0be5e8f7a9ab2f2b4a5cf3ea7ad1bb0d21a7f3c6d0a36b6a1f4d8e7
"""

from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet.journal import Tell
from ansible_collections.bfv.openstack.plugins.module_utils._engine.options import LUN
from ansible_collections.bfv.openstack.plugins.module_utils._engine.run_lun import run


def main(tell: Tell | None = None) -> None:
    run(
        LUN,
        tell,
        mutually_exclusive=[("volume", one) for one in ("portals", "iqn", "lun", "chap_username", "chap_password")],
        required_one_of=[("volume", "iqn")],
        required_by={"iqn": ("portals", "lun"), "portals": ("iqn",), "lun": ("iqn",)},
    )


if __name__ == "__main__":
    main()
