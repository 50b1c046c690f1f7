#!/usr/bin/python
# Copyright: The bfv.openstack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: server_fleet
short_description: Boot a list of servers from volumes
version_added: 1.0.0
author:
  - The bfv.openstack contributors (@bfv-openstack)
description:
  - Brings a list of servers, each with its volumes, to where they are wanted, or removes the servers.
  - It applies the very rules of M(bfv.openstack.bfv_volume) and M(bfv.openstack.bfv_server), but reads all servers with a handful of requests,
    takes the steps of several at once, and waits for all of them with one list of the servers and one of the volumes a round.
  - Each server is planned as a whole before anything of it is changed. A server that fails stops no other.
    When all have ended the module fails if a server failed, and RV(servers) tells what became of each.
  - Before the first volume it is seen whether there is room for all volumes that O(servers[].volumes) make together, and for all new servers in the
    project's quota of servers, cores, memory and ports. Where it is not enough nothing is made for any of those that need it.
  - A volume that is not multiattach, and a port, can be asked for by one server only. The second one that does fails before anything is changed.
  - A run that was interrupted is completed by the next one. So is one with O(wait=false), which takes the steps that can be taken at once;
    a volume that is being made needs further runs.
  - While it runs it says what happens to each server, and after each round how far the fleet has come. See M(bfv.openstack.baremetal_fleet) for
    where these lines are shown.
extends_documentation_fragment:
  - bfv.openstack.connection
  - bfv.openstack.connection.module
  - bfv.openstack.attributes
  - bfv.openstack.attributes.action_group
options:
  servers:
    description:
      - The servers, each with the options of M(bfv.openstack.bfv_server) and its volumes.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the server. One of O(servers[].name) and O(servers[].id) is needed.
        type: str
      id:
        description: Id of a server that is there.
        type: str
      state:
        description: See M(bfv.openstack.bfv_server). O(state) where it is left out.
        type: str
        choices: [present, absent, started, stopped, shelved]
      flavor:
        description: See M(bfv.openstack.bfv_server).
        type: str
      boot:
        description: See M(bfv.openstack.bfv_server).
        type: dict
        suboptions:
          volume:
            description: See M(bfv.openstack.bfv_server).
            type: str
          image:
            description: See M(bfv.openstack.bfv_server).
            type: str
          snapshot:
            description: See M(bfv.openstack.bfv_server).
            type: str
          size:
            description: See M(bfv.openstack.bfv_server).
            type: int
          volume_type:
            description: See M(bfv.openstack.bfv_server).
            type: str
          volume_name:
            description: See M(bfv.openstack.bfv_server).
            type: str
          delete_on_termination:
            description: See M(bfv.openstack.bfv_server).
            type: bool
          device_type:
            description: See M(bfv.openstack.bfv_server).
            type: str
            choices: [disk, cdrom, lun]
          disk_bus:
            description: See M(bfv.openstack.bfv_server).
            type: str
          tag:
            description: See M(bfv.openstack.bfv_server).
            type: str
      block_devices:
        description: See M(bfv.openstack.bfv_server).
        type: list
        elements: raw
        default: []
      other_volumes:
        description: See M(bfv.openstack.bfv_server).
        type: str
        choices: [keep, detach]
        default: keep
      networks:
        description: See M(bfv.openstack.bfv_server).
        type: raw
        default: auto
      key_name:
        description: See M(bfv.openstack.bfv_server).
        type: str
      security_groups:
        description: See M(bfv.openstack.bfv_server).
        type: list
        elements: str
      user_data:
        description: See M(bfv.openstack.bfv_server).
        type: str
      config_drive:
        description: See M(bfv.openstack.bfv_server).
        type: bool
      availability_zone:
        description: See M(bfv.openstack.bfv_server).
        type: str
      metadata:
        description: See M(bfv.openstack.bfv_server).
        type: dict
      tags:
        description: See M(bfv.openstack.bfv_server).
        type: list
        elements: str
      description:
        description: See M(bfv.openstack.bfv_server).
        type: str
      scheduler_hints:
        description: See M(bfv.openstack.bfv_server).
        type: dict
      on_flavor_change:
        description: See M(bfv.openstack.bfv_server).
        type: str
        choices: [fail, resize, replace]
        default: fail
      on_image_change:
        description: See M(bfv.openstack.bfv_server).
        type: str
        choices: [fail, reimage, replace]
        default: fail
      on_boot_volume_change:
        description: See M(bfv.openstack.bfv_server).
        type: str
        choices: [fail, replace]
        default: fail
      recreate:
        description: See M(bfv.openstack.bfv_server).
        type: str
        choices: [never, on_error]
        default: never
      replace_may_lose:
        description: See M(bfv.openstack.bfv_server).
        type: list
        elements: str
        choices: [user_data, local_disks]
        default: []
      boot_volume_on_delete:
        description: See M(bfv.openstack.bfv_server).
        type: str
        choices: [as_attached, keep, delete]
        default: as_attached
      flavor_denylist:
        description: See M(bfv.openstack.bfv_server).
        type: list
        elements: str
        default: []
      image_size_limit:
        description: See M(bfv.openstack.bfv_server).
        type: int
      volumes:
        description:
          - Volumes of Cinder that are made before the server, and that its O(servers[].boot) and O(servers[].block_devices) name.
          - Several may be made from one image, and from one golden volume (O(servers[].volumes[].via_golden)), which is made once.
          - Those of a server that is to be absent are left alone.
        type: list
        elements: dict
        suboptions:
          name:
            description: Name of the volume. One of O(servers[].volumes[].name) and O(servers[].volumes[].id) is needed.
            type: str
          id:
            description: Id of a volume that is there.
            type: str
          image:
            description: See M(bfv.openstack.bfv_volume).
            type: str
          snapshot:
            description: See M(bfv.openstack.bfv_volume).
            type: str
          volume:
            description: See M(bfv.openstack.bfv_volume).
            type: str
          backup:
            description: See M(bfv.openstack.bfv_volume).
            type: str
          size:
            description: See M(bfv.openstack.bfv_volume).
            type: int
          volume_type:
            description: See M(bfv.openstack.bfv_volume).
            type: str
          availability_zone:
            description: See M(bfv.openstack.bfv_volume).
            type: str
          description:
            description: See M(bfv.openstack.bfv_volume).
            type: str
          metadata:
            description: See M(bfv.openstack.bfv_volume).
            type: dict
          bootable:
            description: See M(bfv.openstack.bfv_volume).
            type: bool
          scheduler_hints:
            description: See M(bfv.openstack.bfv_volume).
            type: dict
          image_size_limit:
            description: See M(bfv.openstack.bfv_volume).
            type: int
          recreate:
            description: See M(bfv.openstack.bfv_volume).
            type: str
            choices: [never, on_error, on_drift]
            default: never
          recreate_order:
            description: See M(bfv.openstack.bfv_volume).
            type: str
            choices: [create_first, delete_first]
            default: create_first
          retype:
            description: See M(bfv.openstack.bfv_volume).
            type: bool
            default: false
          migration_policy:
            description: See M(bfv.openstack.bfv_volume).
            type: str
            choices: [never, on-demand]
            default: on-demand
          via_golden:
            description: See M(bfv.openstack.bfv_volume).
            type: bool
            default: false
          prune_golden:
            description: See M(bfv.openstack.bfv_volume).
            type: bool
            default: false
  state:
    description:
      - The state of those servers that have no O(servers[].state) of their own. See O(bfv.openstack.bfv_server#module:state).
    type: str
    choices: [present, absent, started, stopped, shelved]
    default: present
  fail_after:
    description:
      - Stops the run when so many servers have failed, as a number such as V(3) or as a part of O(servers) such as V(10%).
      - Then no further step is taken. What was begun is waited for. The others fail with that reason, and the next run goes on with them.
      - Left out, the run never stops early.
    type: str
  report:
    description:
      - Path of a file on the controller, to which the result is written as an HTML page.
      - It tells what each server boots from, what was done, what failed and why, and how long each server took. Else it is as
        O(bfv.openstack.baremetal_fleet#module:report).
    type: path
  volume_prices:
    description:
      - What a GiB costs a month, by volume type. It is multiplied with what the run makes, and told with that (RV(room), C(-vv), O(report)).
    type: dict
  concurrency:
    description:
      - How many servers are worked on at the same time.
    type: int
    default: 8
  timeout:
    description:
      - The longest time, in seconds, that the module waits for all servers together.
    type: int
    default: 3600
seealso:
  - module: bfv.openstack.bfv_server
  - module: bfv.openstack.bfv_volume
  - module: bfv.openstack.baremetal_fleet
"""

EXAMPLES = r"""
- name: Boot three servers, each from a volume of its own
  bfv.openstack.server_fleet:
    cloud: storage-project
    servers:
      - name: web-1
        flavor: general-2
        networks: internal
        boot:
          volume: web-1-root
        volumes:
          - name: web-1-root
            image: debian-13
            size: 20
            via_golden: true
      - name: web-2
        flavor: general-2
        networks: internal
        boot:
          volume: web-2-root
        volumes:
          - name: web-2-root
            image: debian-13
            size: 20
            via_golden: true
      - name: db-1
        flavor: general-8
        networks: internal
        boot:
          image: debian-13
          size: 20
        block_devices:
          - volume_id: db-1-data
        volumes:
          - name: db-1-data
            size: 100

- name: Give two servers repaired disks and keep the old ones, sixteen servers at a time
  bfv.openstack.server_fleet:
    cloud: storage-project
    concurrency: 16
    timeout: 1800
    servers:
      - name: web-1
        boot:
          volume: web-1-repaired
        on_boot_volume_change: replace
        replace_may_lose: [user_data]
        tags: [repaired, web]
      - name: web-2
        boot:
          volume: web-2-repaired
        on_boot_volume_change: replace
        replace_may_lose: [user_data]
        tags: [repaired, web]

- name: Remove two servers, and stop when one cannot be removed
  bfv.openstack.server_fleet:
    cloud: storage-project
    servers:
      - name: web-1
      - name: web-2
        boot_volume_on_delete: delete
    state: absent
    fail_after: "1"
"""

RETURN = r"""
seconds:
  description: How long the run took.
  returned: always, unless no server could be looked at
  type: float
  sample: 12.4
room:
  description: What the run makes of volumes, and what was left for them, as in RV(bfv.openstack.baremetal_fleet#module:room).
  returned: always, unless no server could be looked at
  type: dict
  sample: {volumes: 3, gigabytes: 140}
servers:
  description:
    - What became of each server, by its O(servers[].name), or by its O(servers[].id) where that alone is given.
  returned: always, unless no server could be looked at
  type: dict
  contains:
    changed:
      description: Whether anything of the server or its volumes was changed, or would be in check mode.
      type: bool
      sample: true
    failed:
      description: Whether the server failed.
      type: bool
      sample: false
    msg:
      description: Why it failed. Empty if it did not.
      type: str
      sample: ""
    actions:
      description:
        - What was written, in words, in this order; in check mode what would be. What destroys something names it by its id.
        - Of what serves several servers, a golden volume, one server tells.
      type: list
      elements: str
      sample:
        - create volume web-1-root (20 GiB, from image debian-13)
        - create server web-1 from volume web-1-root
    differs:
      description: What of the server and its volumes is not as asked for, and is left as it is. See RV(bfv.openstack.bfv_server#module:differs).
      type: list
      elements: str
      sample: ["key_name is none, and operations is wanted"]
    server:
      description: The server as M(bfv.openstack.bfv_server) returns it. V(null) where there is none.
      type: dict
      sample: {name: web-1, status: ACTIVE, addresses: [192.0.2.17]}
    volume:
      description: The boot volume as M(bfv.openstack.bfv_volume) returns it. V(null) where there is none.
      type: dict
      sample: {name: web-1-root, status: in-use, size: 20}
    kept_boot_volume:
      description: See RV(bfv.openstack.bfv_server#module:kept_boot_volume). V(null) where none was exchanged.
      type: dict
      sample:
    volumes:
      description: Those of O(servers[].volumes) as M(bfv.openstack.bfv_volume) returns them.
      type: list
      elements: dict
      sample: []
    history:
      description: What happened to the server and when, in seconds since the run began. Empty in check mode, and where there was nothing to do.
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
          sample: create server web-1 from volume web-1-root
"""

from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet.journal import Tell
from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet.servers import kind as servers
from ansible_collections.bfv.openstack.plugins.module_utils._engine.options import GOLDEN, LONG, SERVER, VOLUME, Options
from ansible_collections.bfv.openstack.plugins.module_utils._engine.run import run_fleet

STATES = SERVER["state"]["choices"]
OPTIONS: Options = {
    "servers": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            **SERVER,
            "state": {"type": "str", "choices": STATES},
            "volumes": {"type": "list", "elements": "dict", "options": {**VOLUME, **GOLDEN}},
        },
    },
    "state": {"type": "str", "choices": STATES, "default": "present"},
    "fail_after": {"type": "str"},
    "report": {"type": "path"},
    "volume_prices": {"type": "dict"},
    "concurrency": {"type": "int", "default": 8},
    **LONG,
}


def main(tell: Tell | None = None) -> None:
    run_fleet(OPTIONS, servers, tell)


if __name__ == "__main__":
    main()
