# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a project may have, where it is known in part."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.volume import needs, record
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.volume.needs import Needs, Use, VolumeType
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import Refused
from ansible_collections.bfv.openstack.tests.unit.fake_cinder import a_volume

LVM = VolumeType("a-type", "lvm")
NEEDS = Needs((LVM,), ("nova",), largest=10)
VOLUME = record.from_api(a_volume(size=1, status="in-use", multiattach=True))


def test_a_change_alone_needs_no_new_volume() -> None:
    needs.check([Use({"gigabytes": 1})], NEEDS, "change it")


def test_a_volume_without_a_type_needs_none_where_the_default_is_not_shown() -> None:
    needs.check([needs.use_of(replace(VOLUME, volume_type=""), NEEDS)], NEEDS, "make it")


def test_a_type_that_nobody_shows_is_no_reason_to_detach_a_volume() -> None:
    needs.check_change(VOLUME, replace(VOLUME, volume_type=""), NEEDS, "change it")


def test_a_volume_grows_no_larger_than_one_may_be() -> None:
    with pytest.raises(Refused, match="Failed to change it: a volume of this project may have 10 GiB, and 11 are needed"):
        needs.check_change(VOLUME, replace(VOLUME, size=11), NEEDS, "change it")
