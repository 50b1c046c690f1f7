# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""The modules' options as Ansible wants them described. What the single modules and the fleet share stands here once."""

from __future__ import annotations

from typing import Any

from .resources import connector
from .values import connectors

Options = dict[str, dict[str, Any]]

# Names, aliases and defaults are those of openstack.cloud.
CONNECTION: Options = {
    "cloud": {"type": "raw"},
    "auth_type": {"type": "str"},
    "auth": {"type": "dict", "no_log": True},
    "region_name": {"type": "str"},
    "validate_certs": {"type": "bool", "aliases": ["verify"]},
    "ca_cert": {"type": "str", "aliases": ["cacert"]},
    "client_cert": {"type": "str", "aliases": ["cert"]},
    "client_key": {"type": "str", "no_log": True, "aliases": ["key"]},
    "wait": {"type": "bool", "default": True},
    "timeout": {"type": "int", "default": 180},
    "api_timeout": {"type": "int"},
    "interface": {"type": "str", "default": "public", "choices": ["admin", "internal", "public"], "aliases": ["endpoint_type"]},
    "sdk_log_path": {"type": "str"},
    "sdk_log_level": {"type": "str", "default": "INFO", "choices": ["INFO", "DEBUG"]},
}
VOLUME_CLOUD: Options = {"volume_cloud": {"type": "raw"}}
STATE: Options = {"state": {"type": "str", "choices": ["present", "absent"], "default": "present"}}
NODE: Options = {"node": {"type": "str", "required": True}}
POWER_OFF: Options = {"power_off": {"type": "bool", "default": False}}
IQN_PREFIX: Options = {"iqn_prefix": {"type": "str", "default": connector.IQN_PREFIX}}
LONG: Options = {"timeout": {"type": "int", "default": 3600}}

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
    "target_lun": {"type": "int"},
    "chap_username": {"type": "str"},
    "chap_password": {"type": "str", "no_log": True},
    "properties": {"type": "dict"},
    "update_password": {"type": "str", "choices": ["on_create", "always", "on_change"], "default": "on_create", "no_log": False},
    "extra": {"type": "dict"},
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
    "retype": {"type": "bool", "default": False},
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
}

SERVER: Options = {
    "name": {"type": "str"},
    "id": {"type": "str"},
    "state": {"type": "str", "choices": ["present", "absent", "started", "stopped"], "default": "present"},
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
    "networks": {"type": "raw", "default": "auto"},
    "key_name": {"type": "str", "no_log": False},
    "security_groups": {"type": "list", "elements": "str"},
    "user_data": {"type": "str"},
    "config_drive": {"type": "bool"},
    "availability_zone": {"type": "str"},
    "metadata": {"type": "dict"},
    "scheduler_hints": {"type": "dict"},
    "on_flavor_change": {"type": "str", "choices": ["fail", "resize", "replace"], "default": "fail"},
    "on_image_change": {"type": "str", "choices": ["fail", "reimage", "replace"], "default": "fail"},
    "recreate": {"type": "str", "choices": ["never", "on_error"], "default": "never"},
    "boot_volume_on_delete": {"type": "str", "choices": ["as_attached", "keep", "delete"], "default": "as_attached"},
    "flavor_denylist": {"type": "list", "elements": "str", "default": []},
    "image_size_limit": {"type": "int"},
}
