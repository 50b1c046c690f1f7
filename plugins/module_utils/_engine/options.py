# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules' options as Ansible wants them described. What the single modules and the fleet share stands here once."""

from __future__ import annotations

from typing import Any

from .fleet.nodes import wanted
from .iscsi.plan import BLANK, WRITE
from .resources.node import connector
from .values import connectors

Options = dict[str, dict[str, Any]]

# Names, aliases and defaults are those of openstack.cloud.
CONNECTION: Options = {
    "cloud": {"type": "raw"},
    "volume_cloud": {"type": "raw"},
    "auth_type": {"type": "str"},
    # Not no_log: who and where would be hidden as well, in all that ansible-core 2.22 prints. module.py hides the rest.
    "auth": {"type": "dict"},
    "region_name": {"type": "str"},
    "validate_certs": {"type": "bool", "aliases": ["verify"]},
    "ca_cert": {"type": "str", "aliases": ["cacert"]},
    "client_cert": {"type": "str", "aliases": ["cert"]},
    "client_key": {"type": "str", "no_log": False, "aliases": ["key"]},
    "wait": {"type": "bool", "default": True},
    "timeout": {"type": "int", "default": 180},
    "api_timeout": {"type": "int"},
    "interface": {"type": "str", "default": "public", "choices": ["admin", "internal", "public"], "aliases": ["endpoint_type"]},
    "sdk_log_path": {"type": "str"},
    "sdk_log_level": {"type": "str", "default": "INFO", "choices": ["INFO", "DEBUG"]},
}
STATE: Options = {"state": {"type": "str", "choices": ["present", "absent"], "default": "present"}}
NODE: Options = {"node": {"type": "str", "required": True}}
POWER_OFF: Options = {"power_off": {"type": "bool", "default": False}}
WITHOUT_NOVA: Options = {"without_nova": {"type": "bool", "default": False}}
IQN_PREFIX: Options = {"iqn_prefix": {"type": "str", "default": connector.IQN_PREFIX}}
LONG: Options = {"timeout": {"type": "int", "default": 3600}}
IMAGE: Options = {
    **LONG,
    "name": {"type": "str", "required": True},
    "digest": {"type": "str", "required": True},
    "file": {"type": "path", "required": True},
    "disk_format": {"type": "str", "default": "raw"},
    "min_disk": {"type": "int"},
    "visibility": {"type": "str", "choices": ["private", "shared", "community", "public"], "default": "private"},
    "properties": {"type": "dict", "default": {}},
    "keep": {"type": "int", "default": 0},
}

NODE_STORAGE: Options = {
    "storage_interface": {"type": "str", "choices": ["cinder", "external", "noop", "reset"]},
    "boot_interface": {"type": "str"},
    "capabilities": {"type": "dict"},
    "iscsi_boot": {"type": "bool"},
    "fibre_channel_boot": {"type": "bool"},
    "boot_mode": {"type": "str", "choices": ["bios", "uefi"]},
}
CONNECTOR: Options = {
    "type": {"type": "str", "choices": list(connectors.TYPES), "default": "iqn"},
    "connector_id": {"type": "str", "default": connector.AUTO},
    "extra": {"type": "dict"},
}
TARGET: Options = {
    "boot_index": {"type": "int", "default": 0},
    "volume_type": {"type": "str", "choices": ["iscsi", "fibre_channel"]},
    "volume": {"type": "str"},
    "volume_id": {"type": "str"},
    "target_iqn": {"type": "str"},
    "target_portal": {"type": "str"},
    "target_portals": {"type": "list", "elements": "str"},
    "target_lun": {"type": "int"},
    "chap_username": {"type": "str"},
    "chap_password": {"type": "str", "no_log": True},
    "properties": {"type": "dict"},
    "update_password": {"type": "str", "choices": ["on_create", "always", "on_change"], "default": "on_create", "no_log": False},
    "extra": {"type": "dict"},
}
TARGET_OF_FLEET: Options = {**TARGET, "shared": {"type": "bool", "default": False}}
LUN: Options = {
    "portals": {"type": "list", "elements": "str"},
    "iqn": {"type": "str"},
    "lun": {"type": "int"},
    "chap_username": {"type": "str"},
    "chap_password": {"type": "str", "no_log": True},
    "initiator_name": {"type": "str"},
    "volume": {"type": "str"},
    "image": {"type": "path"},
    "write": {"type": "str", "choices": list(WRITE), "default": BLANK},
    "verify": {"type": "bool", "default": True},
    "in_use": {"type": "bool", "default": False},
    "seed": {
        "type": "dict",
        "options": {
            "hostname": {"type": "str"},
            "ssh_keys": {"type": "list", "elements": "str", "no_log": False},
            "user_data": {"type": "raw", "no_log": True},
            "network": {"type": "dict"},
            "meta": {"type": "dict"},
            "vendor_data": {"type": "dict"},
            "uuid": {"type": "str"},
        },
    },
    **LONG,
}
VOLUME: Options = {
    "name": {"type": "str"},
    "id": {"type": "str"},
    "image": {"type": "str"},
    "snapshot": {"type": "str"},
    "volume": {"type": "str"},
    "backup": {"type": "str"},
    "size": {"type": "int"},
    "volume_type": {"type": "str"},
    "availability_zone": {"type": "str"},
    "description": {"type": "str"},
    "metadata": {"type": "dict"},
    "bootable": {"type": "bool"},
    "scheduler_hints": {"type": "dict"},
    "image_size_limit": {"type": "int"},
    "recreate": {"type": "str", "choices": ["never", "on_error", "on_drift"], "default": "never"},
    "recreate_order": {"type": "str", "choices": ["create_first", "delete_first"], "default": "create_first"},
    "retype": {"type": "bool", "default": False},
    "migration_policy": {"type": "str", "choices": ["never", "on-demand"], "default": "on-demand"},
}
GOLDEN: Options = {"via_golden": {"type": "bool", "default": False}, "prune_golden": {"type": "bool", "default": False}}
TAKEOVER: Options = {
    "takeover": {"type": "str", "choices": list(wanted.TAKEOVER), "default": wanted.NEVER},
    "takeover_confirmed": {"type": "list", "elements": "str"},
    "takeover_initiator": {"type": "str", "choices": list(wanted.INITIATOR), "default": wanted.KEEP},
}
CHECKPOINT: Options = {
    "server": {"type": "str"},
    "node": {"type": "str"},
    "name": {"type": "str", "required": True},
    "keep": {"type": "int"},
    "quiesce": {"type": "bool", "default": False},
    "state": {"type": "str", "choices": ["present", "reverted", "absent"], "default": "present"},
    "safety": {"type": "bool", "default": True},
    "replace_may_lose": {
        "type": "list",
        "elements": "str",
        "choices": ["user_data", "local_disks", "config_drive", "instance", "vifs"],
        "default": [],
    },
    **WITHOUT_NOVA,
}

INFO: Options = {
    "nodes": {"type": "list", "elements": "str"},
    "filters": {
        "type": "dict",
        "options": {
            "ready": {"type": "bool"},
            "storage_interface": {"type": "list", "elements": "str"},
            "provision_state": {"type": "list", "elements": "str"},
            "maintenance": {"type": "bool"},
            "driver": {"type": "str"},
            "resource_class": {"type": "str"},
            "conductor_group": {"type": "str"},
            "owner": {"type": "str"},
            "lessee": {"type": "str"},
        },
    },
    "volumes": {"type": "bool", "default": False},
    "checkpoints": {"type": "bool", "default": False},
    **WITHOUT_NOVA,
}

SERVER: Options = {
    "name": {"type": "str"},
    "id": {"type": "str"},
    "state": {"type": "str", "choices": ["present", "absent", "started", "stopped", "shelved"], "default": "present"},
    "flavor": {"type": "str"},
    "boot": {
        "type": "dict",
        "options": {
            "volume": {"type": "str"},
            "image": {"type": "str"},
            "snapshot": {"type": "str"},
            "size": {"type": "int"},
            "volume_type": {"type": "str"},
            "volume_name": {"type": "str"},
            "delete_on_termination": {"type": "bool"},
            "device_type": {"type": "str", "choices": ["disk", "cdrom", "lun"]},
            "disk_bus": {"type": "str"},
            "tag": {"type": "str"},
        },
    },
    "block_devices": {"type": "list", "elements": "raw", "default": []},
    "other_volumes": {"type": "str", "choices": ["keep", "detach"], "default": "keep"},
    "networks": {"type": "raw", "default": "auto"},
    "key_name": {"type": "str", "no_log": False},
    "security_groups": {"type": "list", "elements": "str"},
    "user_data": {"type": "str", "no_log": True},
    "config_drive": {"type": "bool"},
    "availability_zone": {"type": "str"},
    "metadata": {"type": "dict"},
    "tags": {"type": "list", "elements": "str"},
    "description": {"type": "str"},
    "scheduler_hints": {"type": "dict"},
    "on_flavor_change": {"type": "str", "choices": ["fail", "resize", "replace"], "default": "fail"},
    "on_image_change": {"type": "str", "choices": ["fail", "reimage", "replace"], "default": "fail"},
    "on_boot_volume_change": {"type": "str", "choices": ["fail", "replace"], "default": "fail"},
    "recreate": {"type": "str", "choices": ["never", "on_error"], "default": "never"},
    "replace_may_lose": {"type": "list", "elements": "str", "choices": ["user_data", "local_disks"], "default": []},
    "boot_volume_on_delete": {"type": "str", "choices": ["as_attached", "keep", "delete"], "default": "as_attached"},
    "flavor_denylist": {"type": "list", "elements": "str", "default": []},
    "image_size_limit": {"type": "int"},
}
