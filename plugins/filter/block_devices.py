# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter block_devices. It is documented in block_devices.yml."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ansible.errors import AnsibleFilterError

from ..module_utils._engine.values import block_devices as values
from ..module_utils._engine.values.errors import Invalid


def block_devices(disks: object, boot_order: bool = True, root_device: str = "vda") -> list[dict[str, object]]:
    """A server's disks, or a single one, in any of the ways to write them, as items of Nova's block_device_mapping_v2."""
    if isinstance(disks, (str, Mapping)):
        disks = [disks]
    if not isinstance(disks, Sequence):
        raise AnsibleFilterError(
            "bfv.openstack.block_devices wants a list of disks, or a single disk as text or as a dictionary."
        )
    try:
        items = values.block_devices(disks)
        return values.boot_order(items, root_device) if boot_order else items
    except Invalid as problem:
        raise AnsibleFilterError(str(problem)) from problem


class FilterModule:
    """What Ansible looks for in this file."""

    def filters(self) -> dict[str, Callable[..., object]]:
        return {"block_devices": block_devices}
