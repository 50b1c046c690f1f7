# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""bfv.openstack.volume_target with Ironic and Cinder."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

import pytest

from .lab import LUN, PROJECT, SYSTEM, Json, Lab, Node
from .proxy import Proxy
from .releases import MASK
from .runs import Ansible, Run, Task, cli_task, task

MODULE = "bfv.openstack.volume_target"


def target(title: str, /, check: bool = False, proxy: str | None = None, **options: object) -> Task:
    return task(title, MODULE, check=check, proxy=proxy, cloud=SYSTEM, volume_cloud=PROJECT, **options)


@dataclass(frozen=True)
class Story:
    """One target's life."""

    run: Run
    node: Node
    password: str
    checks: Proxy
    change: Proxy


@pytest.fixture(scope="module")
def story(lab: Lab, ansible: Ansible, new_proxy: Callable[[], Proxy]) -> Story:
    node = lab.node()
    lab.set_up(node)
    checks, change, password = new_proxy(), new_proxy(), f"chap-{secrets.token_hex(8)}"
    new = {
        "node": node.name,
        "volume_id": str(uuid4()),
        **LUN,
        "target_lun": "0",
        "chap_username": node.name,
        "chap_password": password,
    }
    other = {"node": node.uuid, "target_portal": "192.0.2.11:3260", "target_lun": 7, "extra": {"array": "a"}}
    shown = ("baremetal", "volume", "target", "list", "--node", node.uuid, "--long")
    run = ansible.tasks(
        target("check create", check=True, proxy=checks.url, **new),
        target("create", **new),
        target("create again", **new),
        cli_task("after create", *shown, cloud=SYSTEM),
        target("check change", check=True, proxy=checks.url, **other),
        target("change", proxy=change.url, **other),
        target("change again", **other),
        cli_task("after change", *shown, cloud=SYSTEM),
        target("check remove", check=True, proxy=checks.url, node=node.name, state="absent"),
        target("remove", node=node.name, state="absent"),
        target("remove again", node=node.name, state="absent"),
    )
    return Story(run, node, password, checks, change)


def test_a_second_run_changes_nothing_and_returns_the_same(story: Story) -> None:
    for first, second in (("create", "create again"), ("change", "change again"), ("remove", "remove again")):
        assert story.run[first]["changed"]
        assert not story.run[second]["changed"]
        assert story.run[second].keys() == story.run[first].keys()
        assert story.run[second]["target"] == story.run[first]["target"]


def as_shown(created: Json, story: Story, lab: Lab) -> Json:
    """What Ironic shows of the properties that we show: an older one in clear."""
    return {**created["properties"], "auth_password": lab.release.chap_password(story.password)}


def test_the_cli_shows_the_target_that_was_made(story: Story, lab: Lab) -> None:
    (shown,), created = story.run.shown("after create"), story.run["create"]["target"]
    assert {name: shown[name] for name in created} == {**created, "properties": as_shown(created, story, lab)}
    assert (shown["volume_type"], shown["boot_index"]) == ("iscsi", 0)


def test_a_lun_that_is_given_as_text_arrives_as_a_number(story: Story) -> None:
    (shown,) = story.run.shown("after create")
    assert shown["properties"]["target_lun"] == 0
    assert isinstance(shown["properties"]["target_lun"], int)


def test_the_cli_shows_the_changes_and_the_rest_stays(story: Story, lab: Lab) -> None:
    (shown,), created = story.run.shown("after change"), story.run["create"]["target"]
    assert (shown["uuid"], shown["volume_id"]) == (created["uuid"], created["volume_id"])
    assert shown["properties"] == {**as_shown(created, story, lab), "target_portal": "192.0.2.11:3260", "target_lun": 7}
    assert shown["extra"] == {"array": "a"}


def test_a_powered_off_nodes_target_is_changed_in_place(story: Story) -> None:
    assert [written.split()[0] for written in story.change.writes] == ["PATCH"]


def test_check_mode_tells_of_the_changes_and_shows_what_was(story: Story) -> None:
    assert story.run["check create"]["changed"]
    assert story.run["check create"]["target"] is None
    assert story.run["check create"]["diff"]["after"]["properties"]["target_lun"] == 0
    assert story.run["check change"]["changed"]
    assert story.run["check change"]["target"] == story.run["create"]["target"]
    assert story.run["check remove"]["changed"]
    assert story.run["check remove"]["target"] == story.run["change"]["target"]


def test_check_mode_makes_no_writing_request(story: Story) -> None:
    assert story.checks.writes == []
    assert story.checks.counts["GET baremetal /v1/volume/targets"] == 3


def test_a_removed_target_is_gone(story: Story, lab: Lab) -> None:
    assert story.run["remove"]["target"] is None
    assert lab.targets(story.node) == []


def test_the_password_is_masked_wherever_the_target_is_shown(story: Story) -> None:
    assert story.run["create"]["target"]["properties"]["auth_password"] == MASK
    assert story.run["check create"]["diff"]["after"]["properties"]["auth_password"] == MASK
    assert story.password not in story.run.text
    # What the command line client shows is Ironic's own answer.
    assert story.password not in str([record for record in story.run.records if not record["task"].startswith("after ")])


@dataclass(frozen=True)
class Passwords:
    """A password on its way through the ways of updating it."""

    run: Run
    kept: Proxy  # what the tasks asked that keep the password
    last: str
    boot_script: str


@pytest.fixture(scope="module")
def passwords(lab: Lab, ansible: Ansible, new_proxy: Callable[[], Proxy]) -> Passwords:
    node = lab.node()
    lab.set_up(node)
    kept = new_proxy()
    first, second, third, last = (f"chap-{number}-{secrets.token_hex(8)}" for number in range(4))

    def given(title: str, password: str, update: str, proxy: Proxy | None = None) -> Task:
        return target(title, proxy=proxy.url if proxy else None, node=node.name, chap_password=password, update_password=update)

    run = ansible.tasks(
        target("create", node=node.name, volume_id=str(uuid4()), **LUN, chap_username="it", chap_password=first),
        given("on_create", second, "on_create", kept),
        given("always", second, "always"),
        given("always again", second, "always"),
        given("on_change without a digest", third, "on_change"),
        given("on_change, same", third, "on_change", kept),
        given("on_change, other", last, "on_change"),
        given("on_change, same again", last, "on_change", kept),
    )
    lab.provision(node, "active", "active")
    return Passwords(run, kept, last, lab.boot_script(node))


@pytest.mark.parametrize(
    ("case", "changed"),
    [
        ("create", True),
        ("on_create", False),
        ("always", True),
        ("always again", True),
        ("on_change without a digest", True),
        ("on_change, same", False),
        ("on_change, other", True),
        ("on_change, same again", False),
    ],
)
def test_a_password_is_written_when_update_password_says_so(passwords: Passwords, lab: Lab, case: str, changed: bool) -> None:
    assert not passwords.run[case]["failed"], passwords.run[case]["msg"]
    if case == "always again":
        changed = lab.release.masks_chap  # one that Ironic shows is compared
    assert passwords.run[case]["changed"] is changed


def test_a_password_that_stays_is_not_written(passwords: Passwords) -> None:
    assert passwords.kept.writes == []
    assert passwords.kept.counts["GET baremetal /v1/volume/targets"] == 3


def test_the_node_boots_with_the_last_password(passwords: Passwords) -> None:
    assert f"set password {passwords.last}" in passwords.boot_script


@dataclass(frozen=True)
class Cases:
    """Nodes in several states, and what the module makes of them."""

    run: Run
    powered: Node
    manageable: Node
    refusals: Proxy
    replaced: Proxy


@pytest.fixture(scope="module")
def cases(lab: Lab, ansible: Ansible, new_proxy: Callable[[], Proxy]) -> Cases:
    node, powered, manageable, cinder = lab.nodes("node", "powered", "manageable", "cinder")
    for one in (node, powered, manageable):
        lab.set_up(one)
        lab.target(one, str(uuid4()), **LUN, auth_username="it", auth_password="old")
    lab.set_up(cinder, "cinder")
    lab.provision(manageable, "manage", "manageable")
    lab.power(powered, "power on")
    lab.power(manageable, "power on")
    lab.patch(node, "/instance_uuid", str(uuid4()))
    used, blank, free = map(lab.name, ("used", "blank", "free"))
    holder = str(uuid4())
    lab.attach(lab.volume(used)["id"], holder)
    lab.volume(blank)
    lab.act(lab.cinder, lab.volume(free)["id"], "os-set_bootable", {"bootable": True})
    refusals, replaced = new_proxy(), new_proxy()

    def refused(title: str, /, **options: object) -> Task:
        return target(title, proxy=refusals.url, **options)

    run = ansible.tasks(
        refused("of Nova's node", node=node.name, target_lun=3),
        refused("remove of Nova's node", node=node.name, state="absent"),
        refused("powered on", node=powered.name, target_lun=3),
        refused("remove, powered on", node=powered.name, state="absent"),
        target("powered off for it", node=powered.name, target_lun=3, power_off=True),
        target("manageable without the password", proxy=replaced.url, node=manageable.name, target_lun=3),
        target("manageable", proxy=replaced.url, node=manageable.name, target_lun=3, chap_password="new"),
        refused("second without CHAP", node=powered.name, boot_index=1, volume_id=str(uuid4()), **LUN),
        refused("without a LUN", node=powered.name, boot_index=1, volume_id=str(uuid4()), target_portal="192.0.2.10"),
        refused("in use", node=cinder.name, volume=used),
        refused("not bootable", node=cinder.name, volume=blank),
        refused("two ways to name it", node=cinder.name, volume=free, volume_id=str(uuid4())),
        target("by name", node=cinder.name, volume=free),
        target("by name again", node=cinder.name, volume=free),
    )
    return Cases(run, powered, manageable, refusals, replaced)


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("of Nova's node", ("belongs to Nova",)),
        ("remove of Nova's node", ("belongs to Nova",)),
        ("powered on", ("power on", "power_off=true")),
        ("remove, powered on", ("power on", "power_off=true")),
        ("second without CHAP", ("Give chap_username and chap_password",)),
        ("without a LUN", ("target_iqn", "target_lun")),
        ("in use", ("attached to", "Detach it there")),
        ("not bootable", ("is not bootable", "bfv.openstack.bfv_volume")),
        ("two ways to name it", ("volume", "volume_id")),
    ],
)
def test_what_cannot_work_is_refused_with_the_remedy(cases: Cases, case: str, words: tuple[str, ...]) -> None:
    refused = cases.run[case]
    assert refused["failed"]
    assert not refused["changed"]
    assert [word for word in words if word not in refused["msg"]] == []


def test_refusals_come_before_any_writing_request(cases: Cases) -> None:
    assert cases.refusals.writes == []
    assert cases.refusals.counts["GET baremetal /v1/volume/targets"] >= 7


def test_power_off_permits_to_power_the_node_off(cases: Cases, lab: Lab) -> None:
    assert cases.run["powered off for it"]["changed"]
    assert lab.targets(cases.powered)[0]["properties"]["target_lun"] == 3
    assert lab.look(cases.powered)["power_state"] == "power off"


def test_in_manageable_a_target_is_made_anew_and_the_power_stays_on(cases: Cases, lab: Lab) -> None:
    done = lab.release.changes_powered_on
    assert cases.run["manageable"]["changed"] is done
    assert not done or [written.split()[0] for written in cases.replaced.writes] == ["DELETE", "POST"]
    (there,) = lab.targets(cases.manageable)
    lun, password = (3, "new") if done else (0, "old")
    assert there["properties"] == {
        **LUN,
        "target_lun": lun,
        "auth_username": "it",
        "auth_password": lab.release.chap_password(password),
    }
    assert lab.look(cases.manageable)["power_state"] == "power on"


def test_a_password_that_ironic_does_not_show_has_to_be_given(cases: Cases, lab: Lab) -> None:
    refused = cases.run["manageable without the password"]
    assert refused["failed"]
    assert not refused["changed"]
    words = ("only Ironic knows", "auth_password") if lab.release.masks_chap else ()
    assert [word for word in words if word not in refused["msg"]] == []


def test_a_volume_of_cinder_is_found_by_its_name(cases: Cases) -> None:
    assert cases.run["by name"]["changed"]
    assert len(cases.run["by name"]["target"]["volume_id"]) == 36
    assert not cases.run["by name again"]["changed"]


FIRST, SECOND = LUN["target_portal"], "198.51.100.10:3260"
OF_LUN = {name: value for name, value in LUN.items() if name != "target_portal"}


@dataclass(frozen=True)
class Paths:
    """A target that gets a second path to its LUN, boots by both, and gives one up again."""

    run: Run
    node: Node
    more: Proxy
    refusals: Proxy
    boot_script: str


@pytest.fixture(scope="module")
def paths(lab: Lab, ansible: Ansible, new_proxy: Callable[[], Proxy]) -> Paths:
    node, booted = lab.nodes("paths", "booted")
    for one in (node, booted):
        lab.set_up(one)
    more, refusals = new_proxy(), new_proxy()

    def given(title: str, check: bool = False, proxy: Proxy | None = None, **options: object) -> Task:
        return target(title, check=check, proxy=proxy.url if proxy else None, node=node.name, **options)

    def looked_at(title: str) -> Task:
        return task(title, "bfv.openstack.bfv_info", cloud=SYSTEM, nodes=[node.name])

    both, other = [FIRST, SECOND], "iqn.2010-10.org.example:array.other"
    run = ansible.tasks(
        given("one path", volume_id=str(uuid4()), **LUN),
        given("check several", check=True, target_portals=both),
        given("several", proxy=more, target_portals=both),
        given("several again", target_portals=both),
        given("several by properties", properties={"target_portals": both}),
        looked_at("look at several"),
        given("one portal and several", proxy=refusals, target_portal=FIRST, properties={"target_portals": both}),
        given("a portal twice", proxy=refusals, target_portals=[FIRST, FIRST]),
        given("no portal", proxy=refusals, target_portals=[]),
        given(
            "another IQN", proxy=refusals, target_portals=both, target_iqn=LUN["target_iqn"], properties={"target_iqns": [other]}
        ),
        given("one path again", target_portal=SECOND),
        given("one path once more", target_portal=SECOND),
        looked_at("look at one"),
        target("to boot by", node=booted.name, volume_id=str(uuid4()), **OF_LUN, target_portals=both),
    )
    lab.provision(booted, "active", "active")
    return Paths(run, node, more, refusals, lab.boot_script(booted))


def test_several_portals_take_the_place_of_one_and_the_other_way_round(paths: Paths) -> None:
    several, one = paths.run["several"], paths.run["one path again"]
    assert several["target"]["properties"] == {**OF_LUN, "target_portals": [FIRST, SECOND]}
    assert one["target"]["properties"] == {**OF_LUN, "target_portal": SECOND}
    for case in ("several again", "several by properties", "one path once more"):
        assert (paths.run[case]["failed"], paths.run[case]["changed"]) == (False, False)


def test_the_portal_goes_in_the_request_in_which_the_others_come(paths: Paths) -> None:
    assert [written.split()[0] for written in paths.more.writes] == ["PATCH"]
    diff = paths.run["check several"]["diff"]
    assert diff["before"]["properties"] == LUN
    assert diff["after"]["properties"] == paths.run["several"]["target"]["properties"]


@pytest.mark.parametrize("case", ["look at several", "look at one"])
def test_the_paths_are_no_reason_against_booting(paths: Paths, case: str) -> None:
    (node,) = paths.run[case]["nodes"]
    assert [reason for reason in node["reasons"] if "target" in reason] == []


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("one portal and several", ("target_portal and target_portals are both given",)),
        ("a portal twice", (f'"{FIRST}" is given twice',)),
        ("no portal", ("target_portals", "the list is empty")),
        ("another IQN", ("all of target_portals lead to one target_iqn", "array.other")),
    ],
)
def test_paths_that_cannot_be_meant_are_refused(paths: Paths, case: str, words: tuple[str, ...]) -> None:
    refused = paths.run[case]
    assert refused["failed"]
    assert [word for word in words if word not in refused["msg"]] == []
    assert paths.refusals.writes == []


def test_the_node_boots_by_all_paths_to_the_one_lun(paths: Paths) -> None:
    urls = [f"iscsi:{portal.replace(':', '::')}:0:{LUN['target_iqn']}" for portal in (FIRST, SECOND)]
    assert f"sanhook --drive 0x80 {' '.join(urls)} " in paths.boot_script
