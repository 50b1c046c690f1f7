# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values import identifiers
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import Invalid
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.identifiers import Portal
from hypothesis import example, given
from hypothesis import strategies as st

UUID = "1be26c0b-03f2-4d2e-ae87-c02d7f33c123"


@pytest.mark.parametrize(
    "name",
    [
        "iqn.2017-08.org.openstack.1be26c0b-03f2-4d2e-ae87-c02d7f33c123",
        "iqn.2010-10.com.example:vol-X",
        "iqn.2001-04.com.example:storage:disk2.sys1.xyz",
        "IQN.2001-04.COM.Example:Disk_1",
        "iqn.1987-05.com.cisco",
        "eui.02004567A425678D",
        "naa.52004567BA64678D",
        "naa.62004567BA64678D0123456789ABCDEF",
        "iqn.2001-04.com.example:" + "x" * 199,
    ],
)
def test_an_iscsi_name_stays_as_it_is(name: str) -> None:
    assert identifiers.iscsi_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        UUID,
        "",
        "iqn.",
        "iqn.2010-10",
        "iqn.2010-13.com.example:x",
        "iqn.2010-00.com.example:x",
        "iqn.10-10.com.example:x",
        "iqn.2010-10.com.example:",
        "iqn.2010-10.com.example:a b",
        "iqn.2010-10.com.example:a/b",
        "iqn.2010-10..com",
        " iqn.2010-10.com.example:x",
        "iqn.2010-10.com.example:x\n",
        "eui.123",
        "eui.02004567A425678DFF",
        "eu\u0131.02004567A425678D",
        "naa.52004567BA64678",
        "naa.52004567BA64678D0123",
        "iqn.2001-04.com.example:" + "x" * 200,
        None,
        7,
    ],
)
def test_what_is_no_iscsi_name_is_refused(name: object) -> None:
    with pytest.raises(Invalid):
        identifiers.iscsi_name(name)


@pytest.mark.parametrize("text", ["52:54:00:12:AB:cd", "52-54-00-12-ab-cd", "5254.0012.abcd", "52540012abcd"])
def test_a_mac_address_gets_ironics_form(text: str) -> None:
    assert identifiers.mac(text) == "52:54:00:12:ab:cd"


@pytest.mark.parametrize(
    "text", ["1", "52:54:0:a:b:c", "52:54:00:12:ab", "52:54:00:12:ab:cd:ef", "52:54:00:12:ab:cg", "5001438024213faa", 12]
)
def test_what_is_no_mac_address_is_refused(text: object) -> None:
    with pytest.raises(Invalid):
        identifiers.mac(text)


@pytest.mark.parametrize("text", ["5001438024213faa", "50:01:43:80:24:21:3F:AA", "50-01-43-80-24-21-3f-aa"])
def test_a_wwn_gets_the_form_of_os_brick(text: str) -> None:
    assert identifiers.wwn(text) == "5001438024213faa"


@pytest.mark.parametrize(
    "text",
    ["5001438024213fa", "50:01:43:80:24:21:3f", "50 01 43 80 24 21 3f aa", "52:54:00:12:ab:cd", None],
)
def test_what_is_no_wwn_is_refused(text: object) -> None:
    with pytest.raises(Invalid):
        identifiers.wwn(text)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [("192.0.2.10", "192.0.2.10"), ("2001:DB8:0:0::10", "2001:db8::10"), ("::1", "::1")],
)
def test_an_ip_address_gets_its_canonical_form(text: str, canonical: str) -> None:
    assert identifiers.ip_address(text) == canonical


@pytest.mark.parametrize(
    "text", ["10", "192.0.2", "010.0.0.1", "0x7f000001", "192.0.2.256", "[::1]", "192.0.2.1:3260", "fe80::1%eth0", "host"]
)
def test_what_is_no_ip_address_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        identifiers.ip_address(text)


@pytest.mark.parametrize("text", [UUID, UUID.upper(), UUID.replace("-", "")])
def test_a_uuid_gets_its_canonical_form(text: str) -> None:
    assert identifiers.uuid(text) == UUID


@pytest.mark.parametrize(
    "text", ["", "root", UUID[:-1], UUID + "0", "0x" + UUID.replace("-", "")[:30], "1_2" * 10 + "12", "\uff11" * 32]
)
def test_what_is_no_uuid_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        identifiers.uuid(text)


@pytest.mark.parametrize(("text", "is_one"), [(UUID, True), (UUID.upper(), False), ("root", False), ("", False), (None, False)])
def test_only_the_form_of_the_services_counts_as_an_id(text: object, is_one: bool) -> None:
    assert identifiers.is_uuid(text) is is_one


@pytest.mark.parametrize(("value", "lun"), [(0, 0), ("0", 0), (1, 1), ("10", 10), (" 7 ", 7), (65535, 65535)])
def test_a_lun_is_an_integer(value: object, lun: int) -> None:
    assert identifiers.lun(value) == lun
    assert isinstance(identifiers.lun(value), int)


@pytest.mark.parametrize(
    "value",
    [
        True,
        False,
        "0x1",
        "a",
        "",
        None,
        -1,
        "-1",
        65536,
        1.0,
        "1.0",
        "\u0661",
        "\u00b2",
        [1],
        pytest.param("9" * 5000, id="5000 digits"),
    ],
)
def test_what_is_no_lun_is_refused(value: object) -> None:
    with pytest.raises(Invalid):
        identifiers.lun(value)


@pytest.mark.parametrize(
    ("text", "portal"),
    [
        ("192.0.2.1:3260", Portal("192.0.2.1", 3260)),
        ("192.0.2.1", Portal("192.0.2.1")),
        ("Array-1.example.org:860", Portal("array-1.example.org", 860)),
        ("array", Portal("array")),
        ("[2001:db8::1]:3260", Portal("2001:db8::1", 3260)),
        ("[2001:db8::1]", Portal("2001:db8::1")),
        ("2001:DB8::1", Portal("2001:db8::1")),
        ("[2001:DB8:0::0:1]:3260", Portal("2001:db8::1", 3260)),
    ],
)
def test_a_portal_is_a_host_and_a_port(text: str, portal: Portal) -> None:
    assert identifiers.portal(text) == portal


@pytest.mark.parametrize(
    "text",
    [
        "192.0.2.1:3260,1",
        "",
        ":3260",
        "192.0.2.1:",
        "192.0.2.1:0",
        "192.0.2.1:65536",
        "192.0.2.1:iscsi",
        "192.0.2.1:-1",
        "192.0.2:3260",
        "010.0.0.1:3260",
        "[192.0.2.1]:3260",
        "[2001:db8::1:3260",
        "[2001:db8::1]3260",
        "[]:3260",
        "2001:db8::1]:3260",
        "-host:3260",
        "ho st:3260",
        "host..org:3260",
        "iscsi://host:3260",
        "h\u0130st.org:3260",
        "\u212aate:3260",
        pytest.param("host:" + "9" * 5000, id="5000 digits"),
        None,
        3260,
    ],
)
def test_what_is_no_portal_is_refused(text: object) -> None:
    with pytest.raises(Invalid):
        identifiers.portal(text)


def test_the_portal_group_is_named_as_what_to_leave_out() -> None:
    with pytest.raises(Invalid, match="portal group"):
        identifiers.portal("192.0.2.1:3260,1")


def test_only_an_ipv6_portal_is_said_to_be_one() -> None:
    assert identifiers.portal("[2001:db8::1]:3260").is_ipv6
    assert not identifiers.portal("192.0.2.1:3260").is_ipv6


FORMS: list[Callable[[object], object]] = [
    identifiers.iscsi_name,
    identifiers.mac,
    identifiers.wwn,
    identifiers.ip_address,
    identifiers.uuid,
    identifiers.lun,
    lambda text: str(identifiers.portal(text)),
]
_hex = st.text("0123456789abcdefABCDEF")
_near = st.from_regex(r"(iqn\.20[0-9]{2}-[01][0-9]\.|eui\.|naa\.|\[)?[0-9a-fA-F:.-]{0,40}(\]?:[0-9]{0,6})?(,1)?", fullmatch=True)


@given(st.sampled_from(FORMS), st.one_of(st.text(), _hex, _near, st.ip_addresses().map(str), st.uuids().map(str)))
@example(identifiers.lun, "9" * 5000)
@example(FORMS[-1], "\u0130.org")
@example(identifiers.iscsi_name, "\ud800")
def test_any_text_has_a_canonical_form_or_is_invalid(form: Callable[[object], object], text: str) -> None:
    try:
        canonical = form(text)
    except Invalid:
        return
    assert form(canonical) == canonical


@given(
    st.sampled_from(FORMS),
    st.one_of(st.none(), st.booleans(), st.floats(), st.binary(), st.lists(st.integers()), st.dictionaries(st.text(), st.none())),
)
def test_what_is_no_text_is_invalid(form: Callable[[object], object], value: object) -> None:
    with pytest.raises(Invalid):
        form(value)


@given(st.ip_addresses(), st.integers(1, 65535))
def test_every_address_and_port_is_a_portal(address: object, port: int) -> None:
    host = f"[{address}]" if ":" in str(address) else str(address)
    assert identifiers.portal(f"{host}:{port}") == Portal(identifiers.ip_address(str(address)), port)
