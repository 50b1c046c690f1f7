# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values import capabilities
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import Invalid
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        (None, {}),
        ("", {}),
        ("boot_mode:uefi", {"boot_mode": "uefi"}),
        (" boot_mode : uefi , iscsi_boot:True ,", {"boot_mode": "uefi", "iscsi_boot": "True"}),
        ("a:1,a:2", {"a": "2"}),
        ("secure,a:1", {"a": "1"}),
        ("a:b:c", {"a": "b:c"}),
        ("a:", {"a": ""}),
    ],
)
def test_capabilities_are_read_by_name(text: str | None, parsed: dict[str, str]) -> None:
    assert capabilities.parse(text) == parsed


@pytest.mark.parametrize(("text", "parts"), [(None, []), ("a:1,b:2", []), ("a:1,secure,b:c:d", ["secure", "b:c:d"])])
def test_parts_that_make_ironic_refuse_a_deployment_are_found(text: str | None, parts: list[str]) -> None:
    assert capabilities.malformed(text) == parts


@pytest.mark.parametrize(
    ("text", "wanted", "merged"),
    [
        (None, {"iscsi_boot": True}, "iscsi_boot:True"),
        ("boot_mode:uefi", {"iscsi_boot": True}, "boot_mode:uefi,iscsi_boot:True"),
        ("boot_mode:uefi, iscsi_boot:True", {}, "boot_mode:uefi,iscsi_boot:True"),
        ("a:1,boot_mode:bios,b:2", {"boot_mode": "uefi"}, "a:1,boot_mode:uefi,b:2"),
        ("a:1,b:2,c:3", {"b": None}, "a:1,c:3"),
        ("a:1", {"b": None}, "a:1"),
        ("a:1,b:2,a:3", {"a": 4}, "a:4,b:2"),
        ("secure,a:1", {"a": 2, "secure": "yes"}, "secure:yes,a:2"),
        ("iscsi_boot:true", {"iscsi_boot": True}, "iscsi_boot:true"),
        ("iscsi_boot:1", {"iscsi_boot": True}, "iscsi_boot:1"),
        ("iscsi_boot:off", {"iscsi_boot": False}, "iscsi_boot:off"),
        ("iscsi_boot:true", {"iscsi_boot": False}, "iscsi_boot:False"),
        ("iscsi_boot:true", {"iscsi_boot": "True"}, "iscsi_boot:True"),
    ],
)
def test_capabilities_are_merged(text: str | None, wanted: dict[str, object], merged: str) -> None:
    assert capabilities.merge(text, wanted) == merged


@pytest.mark.parametrize(
    "wanted", [{"": 1}, {"a": ""}, {"a b": 1}, {"a": "b c"}, {"a:b": 1}, {"a": "b:c"}, {"a,b": 1}, {"a": "1,b:2"}, {"a": "b\t"}]
)
def test_what_would_break_the_text_is_refused(wanted: dict[str, object]) -> None:
    with pytest.raises(Invalid, match="is not a capability"):
        capabilities.merge("boot_mode:uefi", wanted)


@pytest.mark.parametrize("spelling", ["false", "F", "no", "N", "Off", "0"])
def test_ironics_spellings_of_false_stay(spelling: str) -> None:
    assert capabilities.merge(f"iscsi_boot:{spelling}", {"iscsi_boot": False}) == f"iscsi_boot:{spelling}"


@pytest.mark.parametrize("spelling", ["true", "True", "YES", "on", "1", "t", "y"])
def test_ironics_spellings_of_true_are_true(spelling: str) -> None:
    assert capabilities.is_true(f"iscsi_boot:{spelling}", "iscsi_boot")


@pytest.mark.parametrize("text", [None, "", "iscsi_boot", "iscsi_boot:False", "iscsi_boot:enabled", "boot_mode:true"])
def test_all_else_is_not(text: str | None) -> None:
    assert not capabilities.is_true(text, "iscsi_boot")


_name = st.text("abc_", min_size=1, max_size=3)
_value = st.text("xyzTrue1", min_size=1, max_size=4)
_wanted = st.dictionaries(_name, st.one_of(st.none(), st.booleans(), _value, st.integers()), max_size=4)
_text = st.one_of(
    st.none(),
    st.text("ab :,", max_size=20),
    st.lists(st.one_of(st.tuples(_name, _value).map(":".join), _name), max_size=5).map(", ".join),
)


@given(_text, _wanted)
def test_what_was_merged_is_there_afterwards(text: str | None, wanted: dict[str, object]) -> None:
    merged = capabilities.parse(capabilities.merge(text, wanted))
    for name, value in wanted.items():
        if isinstance(value, bool):
            assert capabilities.is_true(f"{name}:{merged[name]}", name) is value
        else:
            assert merged.get(name) == (None if value is None else str(value))


def test_a_node_without_capabilities_stays_so_where_none_is_set() -> None:
    assert capabilities.merge(None, {"iscsi_boot": None}) is None


@given(_text, _wanted)
def test_to_merge_again_changes_nothing(text: str | None, wanted: dict[str, object]) -> None:
    once = capabilities.merge(text, wanted)
    assert capabilities.merge(once, wanted) == once


@given(_text, _wanted)
def test_what_is_not_named_stays_in_its_order(text: str | None, wanted: dict[str, object]) -> None:
    def unnamed(capabilities_text: str | None) -> list[str]:
        parts = (capabilities.merge(capabilities_text, {}) or "").split(",")
        return [part for part in parts if part and part.partition(":")[0] not in wanted]

    assert unnamed(capabilities.merge(text, wanted)) == unnamed(text)


@given(_text, _wanted)
def test_no_space_is_ever_written_around_a_part(text: str | None, wanted: dict[str, object]) -> None:
    parts = (capabilities.merge(text, wanted) or "").replace(":", ",").split(",")
    assert [part.strip() for part in parts] == parts


@given(st.dictionaries(_name, _value, max_size=5))
def test_what_is_written_reads_the_same(wanted: dict[str, str]) -> None:
    assert capabilities.parse(capabilities.merge(None, wanted)) == wanted
