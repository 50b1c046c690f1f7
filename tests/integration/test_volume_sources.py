# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""bfv.openstack.bfv_volume with volumes that come from snapshots and volumes, differ from what is asked for, or are in error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from .lab import IMAGE, PROJECT, Lab
from .proxy import Answer, Proxy, Request
from .runs import Ansible, Run, Task, cli, cli_task, task

GIB = 1024  # MiB


def volume(title: str, /, check: bool = False, proxy: str | None = None, **options: object) -> Task:
    return task(title, "bfv.openstack.bfv_volume", check=check, proxy=proxy, cloud=PROJECT, **options)


def twice(title: str, **options: object) -> list[Task]:
    return [volume(title, **options), volume(f"{title} again", **options)]


@dataclass(frozen=True)
class Sources:
    """Volumes made from snapshots and volumes, and what the command line client shows of them."""

    run: Run
    base: dict[str, Any]
    snapshot: str
    checks: Proxy


@pytest.fixture(scope="module")
def sources(lab: Lab, ansible: Ansible, new_proxy: Callable[[], Proxy]) -> Sources:
    (image,) = lab.glance.list("/images", "images", name=IMAGE)
    base = lab.volume(lab.name("base"), imageRef=image["id"], size=2)
    blank = lab.volume(lab.name("blank"))
    snapshot_name, checks = lab.name("snapshot"), new_proxy()
    snapshot = lab.snapshot(base["id"], snapshot_name)
    by_snapshot, clone, of_blank, by_neighbour, by_cli = map(
        lab.name, ("by-snapshot", "clone", "of-blank", "neighbour", "by-cli")
    )
    cli(PROJECT, "openstack", "volume", "create", "--snapshot", snapshot, by_cli)
    run = ansible.tasks(
        volume("check snapshot", check=True, proxy=checks.url, name=by_snapshot, snapshot=snapshot_name),
        *twice("snapshot", name=by_snapshot, snapshot=snapshot_name),
        cli_task("snapshot's volume", "openstack", "volume", "show", by_snapshot, cloud=PROJECT),
        *twice("clone", name=clone, volume=base["name"], size=3),
        cli_task("clone's volume", "openstack", "volume", "show", clone, cloud=PROJECT),
        volume("clone of a blank one", name=of_blank, volume=blank["id"]),
        volume("below the snapshot", name=lab.name("small"), snapshot=snapshot, size=1, proxy=checks.url),
        volume("unknown snapshot", name=lab.name("none"), snapshot="it-nothing", proxy=checks.url),
        volume("unknown backup", name=lab.name("none"), backup="it-nothing", proxy=checks.url),
        volume("two sources", name=lab.name("none"), image=IMAGE, snapshot=snapshot, proxy=checks.url),
        task("neighbour", "openstack.cloud.volume", cloud=PROJECT, name=by_neighbour, volume=base["name"], size=2),
        volume("made by the neighbour", name=by_neighbour, volume=base["name"], size=2),
        volume("made by the client", name=by_cli, snapshot=snapshot_name),
        volume("held", name=base["name"], state="absent", proxy=checks.url),
    )
    return Sources(run, base, snapshot, checks)


def test_a_volume_from_a_snapshot_has_its_size_and_boots(sources: Sources) -> None:
    made = sources.run["snapshot"]
    assert made["changed"]
    assert (made["volume"]["size"], made["volume"]["status"], made["volume"]["bootable"]) == (2, "available", True)
    shown = sources.run.shown("snapshot's volume")
    assert (shown["id"], shown["snapshot_id"]) == (made["volume"]["id"], sources.snapshot)


def test_a_clone_may_be_larger_than_its_source(sources: Sources) -> None:
    made = sources.run["clone"]
    assert (made["volume"]["size"], made["volume"]["bootable"]) == (3, True)
    shown = sources.run.shown("clone's volume")
    assert (shown["id"], shown["source_volid"], shown["size"]) == (made["volume"]["id"], sources.base["id"], 3)


def test_a_clone_of_a_blank_volume_is_not_bootable(sources: Sources) -> None:
    made = sources.run["clone of a blank one"]
    assert not made["failed"], made.get("msg")
    assert (made["volume"]["size"], made["volume"]["bootable"]) == (1, False)


@pytest.mark.parametrize("made", ["snapshot again", "clone again", "made by the neighbour", "made by the client"])
def test_what_is_there_is_recognised_as_it_is(sources: Sources, made: str) -> None:
    assert not sources.run[made]["failed"], sources.run[made].get("msg")
    assert not sources.run[made]["changed"]
    assert "warnings" not in sources.run[made]


def test_check_mode_tells_of_the_size_to_come(sources: Sources) -> None:
    would = sources.run["check snapshot"]
    assert would["changed"]
    assert would["volume"] is None
    assert would["diff"]["after"]["size"] == 2


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("below the snapshot", ("size is 1 GiB", "needs 2 GiB")),
        ("unknown snapshot", ("snapshot it-nothing", "Check the name")),
        ("unknown backup", ("backup it-nothing", "Check the name")),
        ("two sources", ("image and snapshot", "Give one source")),
        ("held", ("it has snapshots", "sources-snapshot", "cascade=true")),
    ],
)
def test_what_cannot_work_is_refused_with_the_remedy(sources: Sources, case: str, words: tuple[str, ...]) -> None:
    refused = sources.run[case]
    assert refused["failed"]
    assert [word for word in words if word not in refused["msg"]] == []
    assert "\n" not in refused["msg"]


def test_neither_check_mode_nor_a_refusal_writes(sources: Sources) -> None:
    assert sources.checks.writes == []


@dataclass(frozen=True)
class Changes:
    """Volumes that differ from what is asked for, are in error, or are held."""

    run: Run
    differing: str  # the id of the volume that came from elsewhere
    ours: str  # the id of one that was made here
    broken: str  # the id of the one in error
    held: str
    refusals: Proxy


@pytest.fixture(scope="module")
def other_type(lab: Lab) -> Iterator[str]:
    """A volume type on the same backend."""
    (known,) = (one for one in lab.cinder_admin.list("/types", "volume_types") if one["name"] == "tgt")
    body = {"volume_type": {"name": lab.name("type"), "extra_specs": known["extra_specs"]}}
    made = lab.cinder_admin("POST", "/types", body)["volume_type"]
    yield made["name"]
    lab.clear()  # a type that has volumes stays
    lab.cinder_admin("DELETE", f"/types/{made['id']}")


@pytest.fixture(scope="module")
def changes(
    lab: Lab, ansible: Ansible, new_proxy: Callable[[], Proxy], other_type: str, tmp_path_factory: pytest.TempPathFactory
) -> Changes:
    large = lab.name("large")
    lab.image(large, tmp_path_factory.mktemp("images"), mebibytes=GIB + 1)
    differing, held = (lab.volume(lab.name(what)) for what in ("differing", "held"))
    broken = lab.volume(lab.name("broken"), metadata={"bfv_made": "new"})  # as a run leaves it whose volume could not be made
    lab.set_status(broken["id"], "error")
    ours = lab.volume(lab.name("ours"), volume_type=other_type)
    lab.cinder("POST", f"/volumes/{ours['id']}/metadata", {"metadata": {"bfv_made": ours["id"]}})
    lab.snapshot(held["id"], lab.name("held-snapshot"))
    refusals, too_large = new_proxy(), new_proxy()

    def refuse(request: Request) -> Answer | None:
        """As clouds do whose hypervisor takes no large disks."""
        if request.method != "POST" or not request.path.endswith("/volumes"):
            return None
        body = b'{"preconditionFailed": {"code": 412, "message": "Image is too large."}}'
        return Answer(412, (("Content-Type", "application/json"),), body)

    too_large.instead = refuse
    run = ansible.tasks(
        volume("drift", name=differing["name"], image=IMAGE, volume_type=other_type, proxy=refusals.url),
        *twice("retype", name=differing["name"], volume_type=other_type, retype=True),
        cli_task("retyped", "openstack", "volume", "show", differing["id"], cloud=PROJECT),
        *twice("not ours", name=differing["name"], size=1, volume_type="tgt", recreate="on_drift"),
        *twice("recreate on drift", name=ours["name"], size=1, volume_type="tgt", recreate="on_drift"),
        volume("in error", name=broken["name"], size=1, proxy=refusals.url),
        volume("check recreate", check=True, name=broken["name"], size=1, recreate="on_error", proxy=refusals.url),
        *twice("recreate on error", name=broken["name"], size=1, recreate="on_error"),
        *twice("cascade", name=held["name"], state="absent", cascade=True),
        volume("above the limit", name=lab.name("none"), image=large, image_size_limit=1, proxy=refusals.url),
        volume("within the limit", name=lab.name("within"), image=large, image_size_limit=2),
        volume("too large for the cloud", name=lab.name("none"), image=large, proxy=too_large.url),
    )
    return Changes(run, differing["id"], ours["id"], broken["id"], held["name"], refusals)


def test_what_cannot_be_changed_is_reported(changes: Changes) -> None:
    left = changes.run["drift"]
    assert not left["changed"]
    said = " ".join(left["warnings"])
    assert [
        word
        for word in ("does not show whether it was made from image", "volume_type is tgt", "left as it is")
        if word not in said
    ] == []


def test_the_type_is_changed_where_that_is_permitted(changes: Changes, other_type: str) -> None:
    assert changes.run["retype"]["changed"]
    assert changes.run["retype"]["volume"]["id"] == changes.differing
    assert changes.run["retype"]["volume"]["volume_type"] == other_type
    assert changes.run.shown("retyped")["type"] == other_type


def test_a_volume_that_differs_is_made_anew_where_that_is_permitted(changes: Changes, lab: Lab) -> None:
    made = changes.run["recreate on drift"]
    assert made["changed"]
    assert made["volume"]["id"] != changes.ours
    assert (made["volume"]["status"], made["volume"]["volume_type"]) == ("available", "tgt")
    assert [one["id"] for one in lab.volumes(made["volume"]["name"])] == [made["volume"]["id"]]


def test_a_volume_that_was_not_made_here_is_left(changes: Changes) -> None:
    left = changes.run["not ours"]
    assert (left["changed"], left["volume"]["id"]) == (False, changes.differing)
    assert "left as it is" in left["warnings"][0]


def test_a_volume_in_error_is_refused_with_the_remedy(changes: Changes) -> None:
    refused = changes.run["in error"]
    assert refused["failed"]
    assert "status is error" in refused["msg"]
    assert "recreate=on_error" in refused["msg"]


def test_a_volume_in_error_is_made_anew_where_that_is_permitted(changes: Changes, lab: Lab) -> None:
    assert changes.run["check recreate"]["changed"]
    assert changes.run["check recreate"]["volume"]["id"] == changes.broken
    made = changes.run["recreate on error"]
    assert made["changed"]
    assert made["volume"]["status"] == "available"
    assert [one["id"] for one in lab.volumes(made["volume"]["name"])] == [made["volume"]["id"]] != [changes.broken]


def test_cascade_removes_the_snapshots_as_well(changes: Changes, lab: Lab) -> None:
    assert changes.run["cascade"]["changed"]
    assert lab.volumes(changes.held) == []


@pytest.mark.parametrize("task_name", ["retype", "not ours", "recreate on drift", "recreate on error", "cascade"])
def test_a_second_run_changes_nothing(changes: Changes, task_name: str) -> None:
    assert not changes.run[task_name]["failed"], changes.run[task_name].get("msg")
    assert not changes.run[f"{task_name} again"]["changed"]
    assert changes.run[f"{task_name} again"]["volume"] == changes.run[task_name]["volume"]


def test_an_image_above_the_clouds_limit_is_refused_before_the_request(changes: Changes) -> None:
    refused = changes.run["above the limit"]
    assert refused["failed"]
    assert "needs 2 GiB" in refused["msg"]
    assert "image_size_limit is 1 GiB" in refused["msg"]
    assert not changes.run["within the limit"]["failed"]


def test_the_clouds_refusal_of_a_large_image_is_explained(changes: Changes) -> None:
    refused = changes.run["too large for the cloud"]
    assert refused["failed"]
    assert "Image is too large" in refused["msg"]
    assert "image_size_limit" in refused["msg"]


def test_drift_refusals_and_check_mode_write_nothing(changes: Changes) -> None:
    assert changes.refusals.writes == []
