# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The right to destroy: who gets a permit, and what is not sent without one."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values import permits
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import Refused
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.permits import Permit
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.plan import Request

ENGINE = Path(permits.__file__).parents[1]


def request(method: str, path: str, body: Any = None, **fields: Any) -> Request:
    return Request(fields.pop("what", "do it to ID"), "any", method, path, "record", body=body, **fields)


# What destroys


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("DELETE", "/volumes/ID", None),
        ("DELETE", "/volumes/ID?cascade=true", None),
        ("DELETE", "/servers/ID", None),
        ("DELETE", "/snapshots/ID", None),
        ("DELETE", "/backups/ID", None),
        ("DELETE", "/images/ID", None),
        ("DELETE", "/attachments/ID", None),
        ("DELETE", "/volume/targets/ID", None),
        ("DELETE", "/volume/connectors/ID", None),
        ("POST", "/servers/ID/action", {"rebuild": {"imageRef": "x"}}),
        ("POST", "/servers/ID/action", {"confirmResize": None}),
        ("POST", "/servers/ID/action", {"revertResize": None}),
        ("POST", "/servers/ID/action", {"os-stop": None}),
        ("POST", "/servers/ID/action", {"resize": {"flavorRef": "x"}}),  # which powers it off
        ("POST", "/servers/ID/action", {"forceDelete": None}),
        ("POST", "/volumes/ID/action", {"os-reimage": {}}),
        ("POST", "/volumes/ID/action", {"revert": {}}),
        ("POST", "/volumes/ID/action", {"os-force_delete": {}}),
        ("PUT", "/servers/S/os-volume_attachments/ID", {"volumeAttachment": {"delete_on_termination": True}}),
        ("PUT", "/nodes/ID/states/power", {"target": "power off"}),
        ("PUT", "/nodes/ID/states/power", {"target": "soft power off"}),
        ("PUT", "/nodes/ID/states/provision", {"target": "deleted"}),
        ("PUT", "/nodes/ID/states/provision", {"target": "rebuild"}),
    ],
)
def test_what_destroys_a_thing_is_known_by_method_and_path(method: str, path: str, body: Any) -> None:
    destroys = request(method, path, body)
    assert permits.victim(destroys) == "ID"
    with pytest.raises(Refused, match="has no permit for it"):
        permits.check(destroys)
    permits.check(replace(destroys, permits=(permits.created("ID", ["ID"]),)))


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/volumes/ID", None),
        ("POST", "/volumes", {"volume": {}}),
        ("PUT", "/volumes/ID", {"volume": {"name": "x"}}),
        ("POST", "/volumes/ID/metadata", {"metadata": {}}),
        ("DELETE", "/volumes/ID/metadata/key", None),
        ("DELETE", "/servers/ID/metadata/a%2Fb", None),
        ("DELETE", "/servers/ID/tags/web", None),
        ("POST", "/volumes/ID/action", {"os-extend": {"new_size": 2}}),
        ("POST", "/servers/ID/action", {"os-start": None}),
        ("POST", "/servers/ID/os-volume_attachments", {"volumeAttachment": {"volumeId": "x"}}),
        ("PUT", "/servers/S/os-volume_attachments/ID", {"volumeAttachment": {"delete_on_termination": False}}),
        ("PUT", "/servers/S/os-volume_attachments/ID", {"volumeAttachment": None}),
        ("PUT", "/nodes/ID/states/power", {"target": "power on"}),
        ("PUT", "/nodes/ID/states/provision", {"target": "active"}),
        ("PATCH", "/volume/targets/ID", []),
    ],
)
def test_what_destroys_nothing_needs_no_permit(method: str, path: str, body: Any) -> None:
    assert permits.victim(request(method, path, body)) is None
    permits.check(request(method, path, body))


def test_whatever_else_is_deleted_needs_a_permit_too() -> None:
    assert permits.victim(request("DELETE", "/servers/S/os-interface/P")) == "/servers/S/os-interface/P"


def test_a_disk_is_taken_from_its_server_by_a_permit_for_it() -> None:
    assert permits.victim(request("DELETE", "/servers/S/os-volume_attachments/V")) == "V"


@pytest.mark.parametrize(
    "wrong",
    [
        {"permits": (permits.created("OTHER", ["OTHER"]),)},  # for another thing
        {"permits": (permits.foreseen("ID", "later"),)},  # not proven yet
        {"permits": (permits.created("ID", ["ID"]),), "what": "delete it"},  # does not say which
    ],
)
def test_a_permit_is_for_one_thing_that_is_named_and_proven(wrong: Any) -> None:
    with pytest.raises(Refused, match="an error of this collection"):
        permits.check(request("DELETE", "/volumes/ID", **wrong))


# Who gets one


def test_what_this_run_made_may_go() -> None:
    assert permits.created("a", {"a", "b"}).id == "a"
    with pytest.raises(Refused, match="this run did not make it"):
        permits.created("c", {"a", "b"})


@pytest.mark.parametrize(("made", "mark"), [((), "new 1"), (("new 1",), "new 2"), (("new 1",), None), (("new 1",), "")])
def test_what_has_the_mark_of_a_request_without_an_answer_may_go(made: tuple[str, ...], mark: str | None) -> None:
    assert permits.created("a", {"b", "new 1"}, "new 1").id == "a"
    with pytest.raises(Refused, match="this run did not make it"):
        permits.created("a", made, mark)


@pytest.mark.parametrize("label", ["root", "1"])
def test_what_the_task_names_may_go(label: str) -> None:
    assert permits.named(label, [("1", "root"), ("2", "web")]).id == "1"


@pytest.mark.parametrize("label", ["ROOT", "roo", "", "twice"])
def test_what_matches_never_or_twice_is_not_named(label: str) -> None:
    with pytest.raises(Refused, match=r"[02] have that name or id"):
        permits.named(label, [("1", "root"), ("2", "twice"), ("3", "twice")])


def test_of_an_id_the_name_of_another_thing_means_nothing() -> None:
    assert permits.named("2", [("1", "2"), ("2", "root")]).id == "2"


def test_a_part_goes_with_what_it_belongs_to() -> None:
    node = permits.named("bm-0", [("n", "bm-0")])
    assert permits.part("t", "n", node).id == "t"
    for owner in ("m", "N"):  # an id is what it is, to the letter
        with pytest.raises(Refused, match=f"it belongs to {owner}, and not to n"):
            permits.part("t", owner, node)


@pytest.mark.parametrize("seen", [None, "other", "V"])
def test_the_root_is_what_the_service_calls_so(seen: str | None) -> None:
    assert permits.root("v", "v", "boot_volume_on_delete").id == "v"
    with pytest.raises(Refused, match="does not call it the root"):
        permits.root("v", seen, "boot_volume_on_delete")


@pytest.mark.parametrize("attached", [{}, {"v": False}, {"w": True}])
def test_what_goes_along_with_a_server_is_what_nova_takes_along(attached: dict[str, bool]) -> None:
    server = permits.named("web", [("s", "web")])
    assert permits.goes_along("v", {"v": True}, server).id == "v"
    with pytest.raises(Refused):
        permits.goes_along("v", attached, server)


@pytest.mark.parametrize(
    ("by", "replaces", "is_ours"),
    [("new", None, True), ("new", "other", True), ("new", "OLD", True), ("new", "old", False), ("old", "old", True)],
)
def test_what_is_replaced_goes_for_what_says_so_itself_and_is_ours(by: str, replaces: str | None, is_ours: bool) -> None:
    for other in ("new", "OLD"):
        assert permits.replaced("old", other, replaces="old", is_ours=True, option="recreate").id == "old"
    with pytest.raises(Refused, match="does not take its place"):
        permits.replaced("old", by, replaces=replaces, is_ours=is_ours, option="recreate")


def test_what_was_not_made_here_is_not_outdated() -> None:
    assert permits.outdated("v", is_ours=True, option="prune_golden").id == "v"
    with pytest.raises(Refused, match="did not make it"):
        permits.outdated("v", is_ours=False, option="prune_golden")


def test_a_snapshot_is_written_over_its_own_volume_alone_and_only_with_a_right_to_it() -> None:
    snapshot = permits.part("s", "checkpoint", permits.named("checkpoint", [("checkpoint", None)]))
    assert permits.written_over("v", "v", snapshot, "safety: false") == permits.Permit(
        "v", "snapshot s is of it (safety: false), and it belongs to checkpoint, and the task names it"
    )
    for other in ("other", "V"):
        with pytest.raises(Refused, match=f"snapshot s is of {other}"):
            permits.written_over("v", other, snapshot, "safety: false")


@pytest.mark.parametrize(
    ("of", "is_there", "why"), [("server", True, "it is of server, which is there"), ("", False, "does not say whose it is")]
)
def test_a_reservation_is_left_over_only_of_a_server_that_is_known_and_not_there(of: str, is_there: bool, why: str) -> None:
    assert permits.left_over("a", of="server", is_there=False).id == "a"
    with pytest.raises(Refused, match=why):
        permits.left_over("a", of=of, is_there=is_there)


def test_permits_are_made_in_one_file_alone() -> None:
    makers = []
    for file in sorted(ENGINE.rglob("*.py")):
        calls = [node.func for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
        if any("Permit" in (getattr(call, "id", ""), getattr(call, "attr", "")) for call in calls):
            makers.append(file.name)
    assert makers == ["permits.py"]


# What is written over a LUN


@pytest.mark.parametrize(
    ("blank", "unfinished", "anew"), [(True, False, False), (False, True, False), (False, False, True), (True, True, True)]
)
def test_an_image_may_be_written_where_nothing_is_or_the_task_says_so(blank: bool, unfinished: bool, anew: bool) -> None:
    assert permits.fillable("LUN", blank=blank, unfinished=unfinished, anew=anew).id == "LUN"


def test_an_image_may_not_be_written_over_what_is_there() -> None:
    with pytest.raises(Refused, match="it holds something"):
        permits.fillable("LUN", blank=False, unfinished=False, anew=False)


@pytest.mark.parametrize(("content", "anew"), [("empty", False), ("seed", False), ("unfinished", False), ("foreign", True)])
def test_a_seed_may_be_written_where_nothing_else_is_or_the_task_says_so(content: str, anew: bool) -> None:
    assert permits.sown("partition", content=content, anew=anew).id == "partition"


def test_a_seed_may_not_be_written_over_somebody_elses() -> None:
    with pytest.raises(Refused, match="did not write"):
        permits.sown("partition", content="foreign", anew=False)


def test_the_attachment_of_a_run_that_has_ended_may_go() -> None:
    assert permits.of_ended_run("held", of="volume", noted="volume", attached="held", ended=True).id == "held"
    with pytest.raises(Refused, match="does not say"):
        permits.of_ended_run("held", of="volume", noted="another", attached="held", ended=True)
    with pytest.raises(Refused, match="does not say that this collection attached it"):
        permits.of_ended_run("held", of="volume", noted="Volume", attached="held", ended=True)
    for other in ("", "another", "Held"):
        with pytest.raises(Refused, match="does not say that this collection attached it"):
            permits.of_ended_run("held", of="volume", noted="volume", attached=other, ended=True)
    with pytest.raises(Refused, match="may not have ended"):
        permits.of_ended_run("held", of="volume", noted="volume", attached="held", ended=False)


def test_a_permit_is_for_one_thing() -> None:
    permits.check_of(Permit("LUN", "why"), "LUN")
    for wrong in (Permit("another", "why"), Permit("LUN", "why", proven=False)):
        with pytest.raises(Refused, match="there is no permit for it"):
            permits.check_of(wrong, "LUN")


def test_a_permit_for_a_name_is_for_no_other_spelling_of_it() -> None:
    with pytest.raises(Refused, match="no permit for it"):
        permits.check_of(permits.Permit("iqn.example:a", "the task names it"), "iqn.example:A")


def test_who_is_in_the_way_is_displaced_for_what_both_have() -> None:
    permit = permits.displaced("node", has=["volume", "other"], wanted=["volume"], option="takeover: powered_off")
    assert (permit.id, permit.why) == ("node", "it has volume, which the task gives to another node (takeover: powered_off)")


@pytest.mark.parametrize("has", [[], ["another"], ["Volume"]])
def test_who_has_nothing_that_is_asked_for_is_not_displaced(has: list[str]) -> None:
    with pytest.raises(Refused, match="it has nothing that is asked for"):
        permits.displaced("node", has=has, wanted=["volume"], option="takeover: powered_off")
