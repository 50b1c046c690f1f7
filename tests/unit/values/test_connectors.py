# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values import connectors
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import Invalid

UUID = "1be26c0b-03f2-4d2e-ae87-c02d7f33c123"
GOOD = {
    "iqn": ("iqn.2010-10.com.example:a", "iqn.2010-10.com.example:a"),
    "ip": ("2001:DB8::1", "2001:db8::1"),
    "mac": ("52-54-00-12-AB-CD", "52:54:00:12:ab:cd"),
    "wwnn": ("50:01:43:80:24:21:3f:aa", "5001438024213faa"),
    "wwpn": ("5001438024213FAA", "5001438024213faa"),
    "port": (UUID.upper(), UUID),
    "portgroup": (UUID, UUID),
}


def test_the_types_are_those_of_ironics_client() -> None:
    assert set(connectors.TYPES) == {"iqn", "ip", "mac", "wwnn", "wwpn", "port", "portgroup"} == set(GOOD)


@pytest.mark.parametrize(("connector_type", "text", "form"), [(name, *pair) for name, pair in GOOD.items()])
def test_each_type_has_its_form(connector_type: str, text: str, form: str) -> None:
    assert connectors.identifier(connector_type, text) == form
    assert connectors.canonical(connector_type, text) == form


@pytest.mark.parametrize("connector_type", connectors.TYPES)
def test_an_identifier_of_another_type_is_refused(connector_type: str) -> None:
    with pytest.raises(Invalid):
        connectors.identifier(connector_type, "bm-0")


@pytest.mark.parametrize(("connector_type", "text"), [("mac", "eth0"), ("nvme", "nqn.2014-08.org.example:x")])
def test_what_another_client_stored_is_compared_as_it_is(connector_type: str, text: str) -> None:
    assert connectors.canonical(connector_type, text) == text
