# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.cloud import microversions
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import BfvError


@pytest.mark.parametrize("newest", [(1, 33), (1, 115), (2, 0), None, ()])
def test_a_server_that_is_new_enough_or_tells_nothing_is_used(newest: object) -> None:
    microversions.check("Ironic", SimpleNamespace(max_microversion=newest, url="http://ironic"), "1.33")


def test_a_server_that_tells_nothing_at_all_is_used() -> None:
    microversions.check("Ironic", None, "1.33")


NEEDED = [
    ("Ironic", microversions.BAREMETAL, "Ironic 9.0 (Pike)"),
    ("Ironic", microversions.BAREMETAL_DETAILS, "Ironic 15.0 (Ussuri)"),
    ("Cinder", microversions.BLOCK_STORAGE, "Cinder 18.0 (Wallaby)"),
    ("Nova", microversions.COMPUTE, "Nova 26.0 (Zed)"),
]


@pytest.mark.parametrize("newest", [(1, 32), (1, 4), (0, 99)])
@pytest.mark.parametrize(("service", "needed", "release"), NEEDED)
def test_field_r8_an_old_server_is_told_the_microversion_and_the_release(
    service: str, needed: str, release: str, newest: tuple[int, int]
) -> None:
    said = f"{service} at http://old: it offers microversions up to {newest[0]}.{newest[1]}, and this needs {needed}, which came with {release}."
    with pytest.raises(BfvError, match=re.escape(said)):
        microversions.check(service, SimpleNamespace(max_microversion=newest, url="http://old"), needed)
