# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""bfv.openstack.bfv_volume with Cinder and Glance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

import pytest

from .lab import IMAGE, PROJECT, Lab
from .proxy import Proxy
from .runs import Ansible, Run, Task, cli, cli_task, task

MODULE = "bfv.openstack.bfv_volume"
GIB = 1024  # MiB


def volume(title: str, /, check: bool = False, proxy: str | None = None, **options: object) -> Task:
    return task(title, MODULE, check=check, proxy=proxy, cloud=PROJECT, **options)


@dataclass(frozen=True)
class Story:
    """One volume's life, told in one playbook."""

    name: str
    run: Run
    checks: Proxy  # what the tasks in check mode asked


@pytest.fixture(scope="module")
def story(lab: Lab, ansible: Ansible, new_proxy: Callable[[], Proxy]) -> Story:
    name, checks = lab.name("root"), new_proxy()
    new = {"name": name, "image": IMAGE, "description": "first", "metadata": {"rack": "3", "room": "a"}}
    other = {
        "name": name,
        "size": 2,
        "description": "second",
        "metadata": {"rack": None, "room": "b", "row": 7},
        "bootable": False,
    }
    show = ("openstack", "volume", "show", name)
    run = ansible.tasks(
        volume("check create", check=True, proxy=checks.url, **new),
        volume("create", **new),
        volume("create again", **new),
        cli_task("after create", *show, cloud=PROJECT),
        volume("check change", check=True, proxy=checks.url, **other),
        volume("change", **other),
        volume("change again", **other),
        cli_task("after change", *show, cloud=PROJECT),
        volume("shrink", name=name, size=1),
        volume("leave alone", name=name),
        volume("check remove", check=True, proxy=checks.url, name=name, state="absent"),
        volume("remove", name=name, state="absent"),
        volume("remove again", name=name, state="absent"),
    )
    return Story(name, run, checks)


def test_check_mode_tells_of_a_creation(story: Story) -> None:
    would = story.run["check create"]
    assert would["changed"]
    assert would["volume"] is None
    assert would["diff"]["before"] == {}
    assert would["diff"]["after"]["size"] == 1


def test_a_new_volume_is_available_and_bootable_at_once(story: Story) -> None:
    created = story.run["create"]
    assert created["changed"]
    assert (created["volume"]["status"], created["volume"]["bootable"]) == ("available", True)
    assert created["volume"]["metadata"] == {"rack": "3", "room": "a", "bfv_made": created["volume"]["id"]}


def test_a_second_run_changes_nothing_and_returns_the_same(story: Story) -> None:
    for first, second in (("create", "create again"), ("change", "change again"), ("remove", "remove again")):
        assert not story.run[second]["changed"]
        assert story.run[second].keys() == story.run[first].keys()
        assert story.run[second]["volume"] == story.run[first]["volume"]


def test_the_cli_shows_the_volume_that_was_made(story: Story) -> None:
    shown, ours = story.run.shown("after create"), story.run["create"]["volume"]
    assert shown["id"] == ours["id"]
    assert (shown["name"], shown["size"], shown["description"]) == (story.name, 1, "first")
    assert (shown["status"], str(shown["bootable"]).lower()) == ("available", "true")
    assert shown["properties"] == {"rack": "3", "room": "a", "bfv_made": shown["id"]}
    assert shown["volume_image_metadata"]["image_id"] == ours["image_id"]
    assert (shown["type"], shown["availability_zone"]) == (ours["volume_type"], ours["availability_zone"])


def test_the_cli_shows_the_changes(story: Story) -> None:
    shown = story.run.shown("after change")
    assert story.run["change"]["changed"]
    assert shown["id"] == story.run["create"]["volume"]["id"]
    assert (shown["size"], shown["description"], str(shown["bootable"]).lower()) == (2, "second", "false")


def test_metadata_is_merged_and_null_removes_a_key(story: Story) -> None:
    changed = story.run.shown("after change")
    assert changed["properties"] == {"room": "b", "row": "7", "bfv_made": changed["id"]}


def test_check_mode_shows_the_volume_as_it_was(story: Story) -> None:
    would = story.run["check change"]
    assert would["changed"]
    assert would["volume"] == story.run["create"]["volume"]
    assert (would["diff"]["before"]["size"], would["diff"]["after"]["size"]) == (1, 2)
    assert story.run["check remove"]["changed"]
    assert story.run["check remove"]["volume"] == story.run["change"]["volume"]


def test_check_mode_makes_no_writing_request(story: Story) -> None:
    assert story.checks.writes == []
    assert story.checks.counts["GET block-storage /v3/volumes/detail"] == 3


def test_a_volume_is_never_shrunk(story: Story) -> None:
    refused = story.run["shrink"]
    assert refused["failed"]
    assert "cannot shrink" in refused["msg"]
    assert "2 GiB" in refused["msg"]


def test_what_is_left_out_stays(story: Story) -> None:
    assert not story.run["leave alone"]["changed"]
    assert story.run["leave alone"]["volume"] == story.run["change"]["volume"]


def test_a_removed_volume_is_gone(story: Story, lab: Lab) -> None:
    assert story.run["remove"]["changed"]
    assert story.run["remove"]["volume"] is None
    assert lab.volumes(story.name) == []


@dataclass(frozen=True)
class Cases:
    """Volumes and images that are there, and what the module makes of them."""

    run: Run
    refusals: Proxy  # what the tasks that are refused asked


@pytest.fixture(scope="module")
def cases(lab: Lab, ansible: Ansible, new_proxy: Callable[[], Proxy], tmp_path_factory: pytest.TempPathFactory) -> Cases:
    folder = tmp_path_factory.mktemp("images")
    large = lab.name("large")
    lab.image(large, folder, mebibytes=GIB + 1)
    demanding = lab.name("demanding")
    lab.image(demanding, folder, min_disk=3)
    twin_image, twin, used, blank, creating = map(lab.name, ("twin-image", "twin", "used", "blank", "creating"))
    for _number in range(2):
        lab.image(twin_image, folder)
        lab.volume(twin)
    lab.attach(lab.volume(used)["id"], str(uuid4()))
    refusals = new_proxy()

    def refused(title: str, /, **options: object) -> Task:
        return volume(title, proxy=refusals.url, **options)

    run = ansible.tasks(
        volume("size from virtual size", name=lab.name("virtual"), image=large),
        volume("size from min_disk", name=lab.name("min-disk"), image=demanding),
        refused("below min_disk", name=lab.name("small"), image=demanding, size=2),
        refused("below virtual size", name=lab.name("small"), image=large, size=1),
        refused("image that is not active", name=lab.name("twin"), image=lab.image(lab.name("queued"))),
        refused("two images of the name", name=lab.name("new"), image=twin_image),
        refused("two volumes of the name", name=twin),
        refused("remove one of two volumes", name=twin, state="absent"),
        refused("remove a volume in use", name=used, state="absent"),
        refused("blank without a size", name=lab.name("new")),
        refused("unknown id", id=str(uuid4())),
        volume("blank", name=blank, size=1),
        volume("blank again", name=blank, size=1),
        volume("set bootable", name=blank, bootable=True),
        volume("set bootable again", name=blank, bootable=True),
        volume("no waiting", name=creating, image=large, wait=False),
        volume("goes on waiting", name=creating, image=large),
    )
    return Cases(run, refusals)


def test_the_size_is_computed_from_the_virtual_size(cases: Cases) -> None:
    assert cases.run["size from virtual size"]["volume"]["size"] == 2  # a file of a few KiB holds a disk of 1025 MiB


def test_the_size_is_computed_from_min_disk(cases: Cases) -> None:
    assert cases.run["size from min_disk"]["volume"]["size"] == 3


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("below min_disk", ("size is 2 GiB", "needs 3 GiB", "min_disk 3 GiB")),
        ("below virtual size", ("size is 1 GiB", "needs 2 GiB")),
        ("image that is not active", ("queued", "active")),
        ("two images of the name", ("2 images", "Give the id")),
        ("two volumes of the name", ("2 volumes", "Give the id")),
        ("remove one of two volumes", ("2 volumes", "Give the id")),
        ("remove a volume in use", ("attached to", "Detach it")),
        ("blank without a size", ("needs a size",)),
        ("unknown id", ("none with that id",)),
    ],
)
def test_what_cannot_work_is_refused_with_the_remedy(cases: Cases, case: str, words: tuple[str, ...]) -> None:
    refused = cases.run[case]
    assert refused["failed"]
    assert not refused["changed"]
    assert [word for word in words if word not in refused["msg"]] == []


def test_refusals_come_before_any_writing_request(cases: Cases) -> None:
    assert cases.refusals.writes == []
    assert cases.refusals.counts["GET image /v2/images"] == 3


def test_a_blank_volume_is_made_and_found_again(cases: Cases) -> None:
    assert cases.run["blank"]["changed"]
    assert cases.run["blank"]["volume"]["bootable"] is False
    assert cases.run["blank"]["volume"]["image_id"] is None
    assert not cases.run["blank again"]["changed"]


def test_a_blank_volume_is_made_bootable_once(cases: Cases) -> None:
    assert cases.run["set bootable"]["changed"]
    assert cases.run["set bootable"]["volume"]["bootable"] is True
    assert not cases.run["set bootable again"]["changed"]


def test_without_waiting_the_module_returns_a_volume_on_its_way(cases: Cases) -> None:
    assert cases.run["no waiting"]["changed"]
    assert cases.run["no waiting"]["volume"]["status"] in ("creating", "downloading")


def test_the_next_run_goes_on_waiting_for_the_same_volume(cases: Cases, lab: Lab) -> None:
    there = cases.run["goes on waiting"]
    assert there["actions"] == [f"note in volume {there['volume']['name']} that it was made here"]
    assert there["volume"]["id"] == cases.run["no waiting"]["volume"]["id"]
    assert (there["volume"]["status"], there["volume"]["bootable"]) == ("available", True)
    assert len(lab.volumes(there["volume"]["name"])) == 1


def test_a_run_waits_as_long_as_cinder_says_creating(lab: Lab, ansible: Ansible, proxy: Proxy) -> None:
    there = lab.volume(lab.name("slow"))
    lab.set_status(there["id"], "creating")
    looks = "GET block-storage /v3/volumes/detail"

    def available_at_the_third_look(request: object) -> None:
        if proxy.counts[looks] == 3:
            lab.set_status(there["id"], "available")

    proxy.instead = available_at_the_third_look
    run = ansible.tasks(volume("wait", name=there["name"], proxy=proxy.url))
    assert run["wait"]["volume"]["status"] == "available"
    assert not run["wait"]["changed"]
    assert proxy.counts[looks] == 3
    assert proxy.writes == []


def test_a_wait_that_is_too_short_says_so_and_leaves_the_volume(lab: Lab, ansible: Ansible) -> None:
    there = lab.volume(lab.name("stuck"))
    lab.set_status(there["id"], "creating")
    run = ansible.tasks(volume("wait", name=there["name"], timeout=1))
    assert run["wait"]["failed"]
    assert "within 1 s" in run["wait"]["msg"]
    assert "Run again" in run["wait"]["msg"]
    assert cli(PROJECT, "openstack", "volume", "show", there["id"])["status"] == "creating"
