# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers as a fleet: the rules of bfv_server and bfv_volume for many at once, with requests that do not grow with them."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import Invalid
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import FakeCloud, Json, a_volume
from ansible_collections.bfv.openstack.tests.unit.server_cloud import a_project, blank, manage, managed

SOME, MANY = 3, 6  # up to four are asked for one by one

each = pytest.mark.parametrize("number", [SOME, MANY], ids=["singly", "in bulk"])


def entry(name: str, **options: Any) -> Json:
    """A server on a volume that is made from an image."""
    root = {"name": f"{name}-root", "image": "debian", "size": 20}
    return {"name": name, "flavor": "small", "boot": {"volume": f"{name}-root"}, "volumes": [root], **options}


def entries(number: int, **options: Any) -> list[Json]:
    return [entry(f"web-{index}", **options) for index in range(number)]


def booted(number: int, **options: Any) -> FakeCloud:
    """A project with such servers."""
    cloud = a_project()
    outcomes = manage(cloud, entries(number, **options))
    assert [one.msg for one in outcomes.values()] == [""] * number
    cloud.writes.clear()
    cloud.reads.clear()
    return cloud


@each
def test_each_server_boots_from_its_own_volume(number: int) -> None:
    cloud = a_project()
    outcomes = manage(cloud, entries(number))
    assert [(one.msg, one.changed) for one in outcomes.values()] == [("", True)] * number
    boots = {one["name"]: cloud.volumes[one["_root"]]["name"] for one in cloud.compute.servers.values()}
    assert boots == {f"web-{index}": f"web-{index}-root" for index in range(number)}
    assert {one["status"] for one in cloud.compute.servers.values()} == {"ACTIVE"}


@each
def test_a_second_run_changes_nothing_and_tells_the_same_keys(number: int) -> None:
    cloud = a_project()
    first = {name: one.result() for name, one in manage(cloud, entries(number)).items()}
    cloud.writes.clear()
    second = {name: one.result() for name, one in manage(cloud, entries(number)).items()}
    assert cloud.writes == []
    assert not any(one["changed"] or one["failed"] for one in second.values())
    assert [list(one) for one in first.values()] == [list(one) for one in second.values()]
    for name, one in second.items():
        for key in ("server", "volume", "kept_boot_volume", "volumes", "differs"):
            assert one[key] == first[name][key], key
        assert one["server"]["ports"], "they are read at the end"  # type: ignore[index]


def test_a_second_run_asks_as_much_for_many_as_for_some() -> None:
    asked = []
    for number in (MANY, 3 * MANY):
        cloud = booted(number)
        manage(cloud, entries(number))
        asked.append(Counter(cloud.reads))
    assert asked[0] == asked[1]
    assert sum(asked[0].values()) <= 8


@each
def test_check_mode_foresees_what_a_run_does(number: int) -> None:
    cloud = a_project()
    foreseen = {name: one.actions for name, one in manage(cloud, entries(number), check_mode=True).items()}
    assert cloud.writes == []
    done = {name: one.actions for name, one in manage(cloud, entries(number)).items()}
    assert foreseen == done


def test_a_golden_volume_is_made_once_for_all() -> None:
    cloud = a_project()
    golden = {"image": "debian", "via_golden": True}
    ones = [entry(f"web-{index}", volumes=[{"name": f"web-{index}-root", **golden}]) for index in range(MANY)]
    foreseen = [action for one in manage(cloud, ones, check_mode=True).values() for action in one.actions]
    outcomes = manage(cloud, ones)
    assert [one.msg for one in outcomes.values()] == [""] * MANY
    assert foreseen == [action for one in outcomes.values() for action in one.actions]
    assert sum(one["name"].startswith("golden-") for one in cloud.volumes.values()) == 1
    cloud.writes.clear()
    assert not any(one.changed for one in manage(cloud, ones).values())
    assert cloud.writes == []


def test_a_server_that_fails_stops_no_other() -> None:
    cloud = a_project()
    outcomes = manage(cloud, [entry("bad", flavor="none such"), *entries(MANY)])
    assert [name for name, one in outcomes.items() if one.failed] == ["bad"]
    assert "flavor none such" in outcomes["bad"].msg
    assert not any(one["name"].startswith("bad") for one in cloud.volumes.values()), "it is refused before its volume is made"


def test_fail_after_ends_the_run() -> None:
    cloud = a_project()
    outcomes = manage(cloud, [entry("bad", flavor="none such"), *entries(MANY)], fail_after="1")
    assert all(one.failed for one in outcomes.values())
    assert "1 server has failed" in outcomes["web-0"].msg
    assert not cloud.compute.servers


def test_one_volume_is_not_given_to_two_servers() -> None:
    cloud = a_project(a_volume("root"))
    ones = [entry(name, boot={"volume": "root"}, volumes=[]) for name in ("a", "b")]
    outcomes = manage(cloud, ones)
    assert outcomes["a"].msg == ""
    assert "volume root" in outcomes["b"].msg
    assert "server a as well" in outcomes["b"].msg


def test_names_that_differ_in_case_alone_are_two_servers() -> None:
    outcomes = manage(a_project(a_volume("root")), [entry(name, boot={"volume": "root"}, volumes=[]) for name in ("web", "WEB")])
    assert "server web as well" in outcomes["WEB"].msg


def test_a_server_that_goes_has_no_claim_on_its_volume() -> None:
    cloud = a_project(a_volume("root"))
    ones = [entry(name, boot={"volume": "root"}, volumes=[]) for name in ("a", "b")]
    manage(cloud, ones[:1])
    outcomes = manage(cloud, [{**ones[0], "state": "absent"}, ones[1]])
    assert outcomes["a"].msg == ""
    assert "asked for by" not in outcomes["b"].msg


@each
def test_a_disk_goes_with_the_server_whose_own_entry_names_it(number: int) -> None:
    boot = {"delete_on_termination": True}
    ones = [{**one, "boot": {**one["boot"], **boot}} for one in entries(number)]
    cloud = a_project()
    manage(cloud, ones)
    outcomes = manage(cloud, [{**one, "state": "absent"} for one in ones])
    assert [one.msg for one in outcomes.values()] == [""] * number
    assert cloud.volumes == {}


def test_a_volume_that_is_made_belongs_to_one_server() -> None:
    outcomes = manage(a_project(), [entry("a"), entry("b", volumes=[{"name": "a-root", "image": "debian"}])])
    assert outcomes["a"].msg == ""
    assert "volume a-root is asked for twice (server a)" in outcomes["b"].msg


def test_a_server_is_named_once() -> None:
    cloud = booted(1)
    (there,) = cloud.compute.servers.values()
    with pytest.raises(Invalid, match="server web-0 is there twice"):
        manage(cloud, [entry("web-0"), entry("web-0")])
    with pytest.raises(Invalid, match="entry 2 has neither name nor id"):
        manage(cloud, [entry("web-0"), {"flavor": "small"}])
    outcomes = manage(cloud, [entry("web-0"), {"id": there["id"]}])
    assert "is also there as web-0" in outcomes[there["id"]].msg


def test_new_servers_that_the_quota_has_no_room_for_together_are_refused_before_anything_is_made() -> None:
    cloud = a_project()
    cloud.compute.limits["instances"] = MANY - 1
    outcomes = manage(cloud, entries(MANY))
    assert all(f"{MANY} servers, of which the project's quota has {MANY - 1} left" in one.msg for one in outcomes.values())
    assert cloud.writes == []


def test_of_one_server_without_room_no_others_are_told() -> None:
    cloud = a_project()
    cloud.compute.limits["instances"] = 0
    (outcome,) = manage(cloud, entries(1)).values()
    assert outcome.msg
    assert "new servers of this run" not in outcome.msg


def test_servers_that_are_there_need_no_room() -> None:
    cloud = booted(SOME)
    cloud.compute.limits["instances"] = SOME + 1
    outcomes = manage(cloud, entries(SOME + 1))
    assert [one.msg for one in outcomes.values()] == [""] * (SOME + 1)


def test_volumes_that_there_is_no_room_for_together_are_refused_before_the_first() -> None:
    cloud = a_project()
    cloud.limits["gigabytes"] = 20 * MANY - 1
    result = managed(cloud, entries(MANY))
    assert all(f"There is room for {MANY - 1} of {MANY} servers" in one.msg for one in result.outcomes)
    assert result.room["lacking"] == [f"web-{MANY - 1}"]
    assert cloud.writes == []


@each
def test_absent_removes_the_servers_and_leaves_the_volumes(number: int) -> None:
    cloud = booted(number)
    ones = entries(number)
    foreseen = {name: one.actions for name, one in manage(cloud, ones, state="absent", check_mode=True).items()}
    outcomes = manage(cloud, ones, state="absent")
    assert {name: one.actions for name, one in outcomes.items()} == foreseen
    assert not cloud.compute.servers
    assert len(cloud.volumes) == number
    assert not any(one.changed for one in manage(cloud, ones, state="absent").values())


@each
@pytest.mark.parametrize("fate", ["delete", "as_attached"])
@pytest.mark.parametrize(
    "wish",
    [
        {"boot": {"volume": "web-0-root"}, "volumes": []},
        {"block_devices": [{"volume_id": "web-0-root"}]},
        {"volumes": [{"name": "db-root", "image": "debian"}, {"name": "web-0-root", "image": "debian"}]},
        {"volumes": [{"name": "db-root", "volume": "web-0-root"}]},
    ],
    ids=["to boot from", "as a further disk", "as its own", "to make its own of it"],
)
def test_a_disk_that_another_server_is_to_have_does_not_go_with_its_own(number: int, fate: str, wish: Json) -> None:
    cloud = a_project()
    manage(cloud, entries(number, boot_volume_on_delete=fate))
    disk = next(one["id"] for one in cloud.volumes.values() if one["name"] == "web-0-root")
    server = next(one for one in cloud.compute.servers.values() if one["name"] == "web-0")
    server["os-extended-volumes:volumes_attached"] = [{"id": disk, "delete_on_termination": fate == "as_attached"}]
    outcomes = manage(cloud, [{"name": "web-0", "state": "absent", "boot_volume_on_delete": fate}, entry("db", **wish)])
    assert disk in cloud.volumes
    assert f"volume web-0-root ({disk}), which is to go with it, is asked for by server db" in outcomes["web-0"].msg
    assert not outcomes["web-0"].changed


def test_a_disk_that_another_server_is_to_have_does_not_go_when_its_own_gets_a_new_one() -> None:
    cloud = a_project()
    web = {"name": "web", "flavor": "small", "boot": {"image": "debian"}}
    manage(cloud, [web])
    disk = next(iter(cloud.volumes))
    anew = {**web, "boot": {"image": "fedora"}, "on_image_change": "replace", "replace_may_lose": ["user_data"]}
    anew["boot_volume_on_delete"] = "delete"
    other = {"name": "db", "flavor": "small", "boot": {"volume": disk}}
    outcomes = manage(cloud, [anew, other])
    assert f"({disk}), which is to go with it, is asked for by server db" in outcomes["web"].msg
    assert manage(cloud, [anew])["web"].msg == ""
    assert disk not in cloud.volumes


@pytest.mark.parametrize(
    ("image", "how", "fate", "asked"),
    [
        ("fedora", "replace", "delete", "data"),
        ("fedora", "reimage", "delete", "root"),
        ("fedora", "replace", "keep", "root"),
        ("debian", "replace", "delete", "root"),
    ],
    ids=["a further disk", "written over", "kept", "the same image"],
)
def test_what_does_not_go_with_a_server_is_no_reason_to_refuse_it(image: str, how: str, fate: str, asked: str) -> None:
    cloud = a_project(blank("data"))
    data = next(iter(cloud.volumes))
    web = {"name": "web", "flavor": "small", "boot": {"image": "debian"}}
    manage(cloud, [{**web, "block_devices": [{"volume_id": data, "delete_on_termination": True}]}])
    disks = {"data": data, "root": next(one for one in cloud.volumes if one != data)}
    anew = {
        **web,
        "boot": {"image": image},
        "on_image_change": how,
        "replace_may_lose": ["user_data"],
        "boot_volume_on_delete": fate,
    }
    other = {"name": "db", "flavor": "small", "boot": {"volume": disks[asked]}}
    assert "which is to go with it" not in manage(cloud, [anew, other])["web"].msg


@pytest.mark.parametrize(
    "wish",
    [
        {"boot": {"volume": "web-0-root"}, "volumes": []},
        {"volumes": [{"name": "db-root", "volume": "web-0-root"}]},
        {"volumes": [{"name": "db-root", "image": "debian"}, {"name": "web-0-root", "size": 20}]},
    ],
    ids=["to boot from", "to make its own of it", "as its own"],
)
def test_a_disk_of_which_another_entry_could_not_be_looked_at_stays(wish: Json) -> None:
    cloud = booted(2)
    bad = entry("db", flavor="none such", **wish)
    outcomes = manage(cloud, [{"name": "web-0", "state": "absent", "boot_volume_on_delete": "delete"}, bad])
    assert "web-0-root" in [one["name"] for one in cloud.volumes.values()]
    assert all(one.failed for one in outcomes.values())


def test_a_disk_that_two_others_ask_for_stays_as_well() -> None:
    cloud = a_project(blank("data"))
    data = next(iter(cloud.volumes))
    manage(cloud, [entry("web", block_devices=[{"volume_id": "data", "delete_on_termination": True}])])
    others = [entry(name, block_devices=[{"volume_id": "data"}]) for name in ("a", "b")]
    outcomes = manage(cloud, [others[0], {"name": "web", "state": "absent"}, others[1]])
    assert (data in cloud.volumes, outcomes["web"].changed) == (True, False)


@pytest.mark.parametrize("other", [{"state": "absent"}, {}], ids=["goes as well", "has its own"])
def test_a_disk_that_no_other_server_is_to_have_goes(other: Json) -> None:
    cloud = booted(2)
    outcomes = manage(cloud, [{"name": "web-0", "state": "absent", "boot_volume_on_delete": "delete"}, entry("web-1", **other)])
    assert not any(one.failed for one in outcomes.values())
    assert [one["name"] for one in cloud.volumes.values()] == ["web-1-root"]


def test_of_entries_that_mean_one_server_none_is_begun() -> None:
    """In whatever order they stand: one of them may remove what another is to keep."""
    cloud = booted(1)
    server = next(iter(cloud.compute.servers))
    ones = [{"id": server, "state": "absent"}, {"name": "web-0"}]
    for order in (ones, ones[::-1]):
        outcomes = manage(cloud, order)
        assert all("is also there as" in one.msg for one in outcomes.values())
    assert cloud.writes == []


def test_an_entry_may_have_a_state_of_its_own() -> None:
    cloud = booted(2)
    manage(cloud, [entry("web-0", state="absent"), entry("web-1", state="stopped")])
    assert [(one["name"], one["status"]) for one in cloud.compute.servers.values()] == [("web-1", "SHUTOFF")]


def test_a_disk_that_is_made_is_attached_to_a_server_that_is_there() -> None:
    cloud = booted(MANY)
    data = {"block_devices": [{"volume_id": "data"}]}
    root = {"name": "web-0-root", "image": "debian", "size": 20}
    changed = [entry("web-0", **data, volumes=[root, {"name": "data", "size": 5}]), *entries(MANY)[1:]]
    foreseen = manage(cloud, changed, check_mode=True)["web-0"].actions
    outcomes = manage(cloud, changed)
    assert [one.msg for one in outcomes.values()] == [""] * MANY
    assert len(foreseen) == len(outcomes["web-0"].actions)
    assert [name for name, one in outcomes.items() if one.changed] == ["web-0"]


def test_what_does_not_fit_is_told_and_left() -> None:
    cloud = booted(2)
    outcomes = manage(cloud, [entry("web-0", key_name="operations"), entry("web-1")])
    assert outcomes["web-0"].differs == ("key_name is none, and operations is wanted",)
    assert outcomes["web-0"].plan.warnings
    assert not outcomes["web-0"].changed


def test_a_blank_volume_that_a_server_would_boot_from_is_refused_in_check_mode_too() -> None:
    cloud = a_project(blank("empty"))
    ones = [entry("web", boot={"volume": "empty"}, volumes=[])]
    for check_mode in (True, False):
        assert "is not bootable" in manage(cloud, ones, check_mode=check_mode)["web"].msg
    assert cloud.writes == []


def test_servers_that_nova_still_lists_when_they_are_gone_are_waited_for_with_lists_alone() -> None:
    asked = []
    for lingers in (3, 8):
        cloud = booted(MANY, boot_volume_on_delete="delete")
        cloud.compute.lingers = lingers
        manage(cloud, entries(MANY, boot_volume_on_delete="delete"), state="absent")
        assert not cloud.compute.servers
        asked.append(Counter(path for path in cloud.reads if path not in ("/servers/detail", "/volumes/detail", "/snapshots")))
    assert asked[0] == asked[1]


def test_no_requests_are_sent_while_nobody_waits_any_more() -> None:
    cloud = booted(MANY)
    manage(cloud, entries(MANY, description="new"))
    assert Counter(cloud.reads)["/servers/detail"] <= 3
