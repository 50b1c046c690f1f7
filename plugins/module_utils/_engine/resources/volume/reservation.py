# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who has reserved a volume. Cinder shows of a volume only who has attached it; who has only reserved it, its attachments tell."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ...cloud.connection import Cloud
from .record import Volume

# cinder/volume/api.py: attachments reserve with the first, Ironic and os-reserve with the second, which leaves no attachment.
RESERVED = ("reserved", "attaching")


def known(cloud: Cloud, volumes: Iterable[Volume]) -> tuple[Volume, ...]:
    """The volumes, those that are reserved with the ids of their attachments and of what these are for: one request for each."""
    return tuple(replace(one, reserved_by=read(cloud, one.id)) if one.status in RESERVED else one for one in volumes)


def read(cloud: Cloud, volume: str) -> tuple[tuple[str, str], ...]:
    """The attachments of a volume: the id of each, and of what it is for; empty where that is not told."""
    what = f"read who has reserved volume {volume}"
    listed = cloud.block_storage.list("/attachments/detail", "attachments", what, volume_id=volume)
    return tuple((one["id"], one["instance"] or "") for one in listed if one["volume_id"] == volume)
