# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils.cloud import microversions
from ansible_collections.bfv.openstack.plugins.module_utils.values.errors import BfvError


@pytest.mark.parametrize("newest", [(1, 33), (1, 115), (2, 0), None, ()])
def test_a_server_that_is_new_enough_or_tells_nothing_is_used(newest: object) -> None:
    microversions.check("Ironic", SimpleNamespace(max_microversion=newest, url="http://ironic"), "1.33")


def test_a_server_that_tells_nothing_at_all_is_used() -> None:
    microversions.check("Ironic", None, "1.33")


@pytest.mark.parametrize("newest", [(1, 32), (1, 4), (0, 99)])
def test_an_old_server_is_refused_with_both_numbers(newest: tuple[int, int]) -> None:
    with pytest.raises(BfvError, match=rf"Ironic at http://ironic: .* up to {newest[0]}\.{newest[1]}, .* needs 1\.33\. Update"):
        microversions.check("Ironic", SimpleNamespace(max_microversion=newest, url="http://ironic"), "1.33")
