# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What nobody needs any more, and what is not told since somebody may."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
import yaml
from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet.nodes import gathered, leftovers
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.checkpoint import plan as boot_checkpoint
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import Invalid, Refused
from ansible_collections.bfv.openstack.plugins.modules import bfv_info
from ansible_collections.bfv.openstack.tests.unit.fake_cinder import an_attachment
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import (
    FakeCloud,
    Json,
    a_connector,
    a_node,
    a_snapshot,
    a_target,
    a_volume,
    an_image,
    attached,
    settle,
    uuid_of,
)
from ansible_collections.bfv.openstack.tests.unit.fake_nova import a_server

WEB, GONE = uuid_of("server web"), uuid_of("server gone")
EVERYTHING = ("nodes", "leftovers")


def told(fake: FakeCloud, /, *gather: str, **params: Any) -> list[Json]:
    want = gathered.wanted({"gather": gather or EVERYTHING, "cloud": "ironic", "volume_cloud": "project", **params})
    found = gathered.observe(fake, want)  # type: ignore[arg-type]
    assert fake.writes == []
    result: Any = gathered.result(want, found)["leftovers"]
    return result  # type: ignore[no-any-return]


def kinds(fake: FakeCloud, /, *gather: str, **params: Any) -> list[tuple[str, str]]:
    return [(one["kind"], one["name"]) for one in told(fake, *gather, **params)]


def ours(name: str, **fields: Any) -> Json:
    """A volume that this collection made."""
    return a_volume(name, **{**fields, "metadata": {"bfv_made": uuid_of(name), **fields.get("metadata", {})}})


def cast_of(image: str, **fields: Any) -> Json:
    """The golden volume of an image."""
    name = f"golden-{uuid_of(image)}"
    return ours(name, metadata={"bfv_golden_image_id": uuid_of(image), "bfv_golden_image": image}, **fields)


def held(name: str, holder: str, device: str | None = "/dev/vda") -> Json:
    """A volume that somebody has attached, and that attachment."""
    return {
        "volumes": [a_volume(name, **attached(holder, device))],
        "attachments": [{**an_attachment(name, holder), "status": "attached"}],
    }


# Attachments


def test_an_attachment_of_a_server_that_is_gone_is_left_over() -> None:
    (one,) = told(FakeCloud(**held("root", GONE)), "leftovers")
    assert (one["kind"], one["name"]) == ("attachment", "root")
    assert GONE in one["why"]
    id = uuid_of(f"attachment of root for {GONE}")
    assert one["command"] == f"openstack --os-cloud project --os-volume-api-version 3.27 volume attachment delete {id}"


def test_a_reservation_for_a_server_that_never_came_about_is_left_over() -> None:
    volume = a_volume(status="reserved", updated_at="2026-01-01T00:00:00")
    cloud = FakeCloud(volumes=[volume], attachments=[an_attachment("root", GONE)])
    assert kinds(cloud, "leftovers") == [("attachment", "root")]


@pytest.mark.parametrize("updated_at", [None, "2999-01-01T00:00:00"])
def test_a_reservation_that_was_just_made_may_be_of_a_server_that_comes(updated_at: str | None) -> None:
    cloud = FakeCloud(volumes=[a_volume(status="reserved", updated_at=updated_at)], attachments=[an_attachment("root", GONE)])
    assert told(cloud, "leftovers") == []


def test_an_attachment_that_tells_no_holder_is_left_alone() -> None:
    volume = a_volume(status="reserved", updated_at="2026-01-01T00:00:00")
    assert told(FakeCloud(volumes=[volume], attachments=[an_attachment("root", None)])) == []


def test_what_a_server_that_is_there_holds_is_in_use() -> None:
    assert told(FakeCloud(servers=[a_server("web", id=WEB)], **held("root", WEB))) == []


def test_a_server_that_only_its_id_finds_is_there() -> None:
    """That of another project: an administrator's list leaves it out."""
    cloud = FakeCloud(servers=[a_server("web", id=WEB)], **held("root", WEB))
    cloud.compute.list = lambda *args, **query: iter(())  # type: ignore[method-assign]
    assert told(cloud) == []


def test_what_a_node_that_is_there_holds_is_in_use_by_whichever_id() -> None:
    active = {"provision_state": "active", "storage_interface": "cinder"}
    for holder, fields in ((uuid_of("bm-0"), {}), (uuid_of("allocation"), {"instance_uuid": uuid_of("allocation")})):
        nodes = [a_node(**active, **fields)]
        assert told(FakeCloud(nodes=nodes, **held("root", holder, "ironic_mountpoint"))) == []


def test_whether_a_node_is_gone_only_who_has_seen_all_can_tell() -> None:
    records = held("root", uuid_of("bm-gone"), "ironic_mountpoint")
    assert kinds(FakeCloud(nodes=[a_node()], **records)) == [("attachment", "root")]
    assert told(FakeCloud(nodes=[a_node()], **records), "leftovers") == []
    assert told(FakeCloud(nodes=[a_node()], **records), nodes=["bm-0"]) == []
    assert told(FakeCloud(nodes=[a_node()], **records), filters={"driver": "fake-hardware"}) == []


# Connectors and targets


def set_up(volumes: list[Json] | None = None, **fields: Any) -> FakeCloud:
    """A node with a connector and a target."""
    return FakeCloud(
        nodes=[a_node(**fields)],
        connectors=[a_connector()],
        targets=[a_target()],
        volumes=[a_volume()] if volumes is None else volumes,
    )


def test_a_node_that_is_prepared_has_nothing_left_over() -> None:
    assert told(set_up()) == []


@pytest.mark.parametrize(
    "fields", [{"retired": True}, {"storage_interface": "noop"}, {"retired": True, "provision_state": "manageable"}]
)
def test_what_a_node_keeps_that_uses_none_of_it_is_left_over(fields: Json) -> None:
    connector, target = told(set_up(**fields))
    assert (connector["kind"], target["kind"]) == ("connector", "target")
    assert {connector["name"], target["name"]} == {"bm-0"}
    assert connector["command"] == f"openstack --os-cloud ironic baremetal volume connector delete {connector['id']}"
    assert target["command"] == f"openstack --os-cloud ironic baremetal volume target delete {target['id']}"
    assert "iqn.2024-01.org.example:bm-0" in connector["why"]


@pytest.mark.parametrize("state", ["active", "deploying", "cleaning", "rescue", "a state of a later release"])
def test_what_a_machine_may_run_with_is_left_alone(state: str) -> None:
    assert told(set_up(retired=True, storage_interface="noop", provision_state=state)) == []


def test_what_nova_has_made_of_its_node_is_left_alone() -> None:
    cloud = set_up(retired=True, instance_uuid=WEB)
    cloud.compute.servers = {WEB: a_server("web", id=WEB)}
    assert told(cloud) == []


def test_a_target_to_a_volume_that_is_gone_or_elsewhere_is_left_over() -> None:
    (gone,) = told(set_up([]))
    assert (gone["kind"], gone["id"]) == ("target", uuid_of("target of bm-0 root"))
    assert "Cinder shows no such volume" in gone["why"]
    elsewhere = set_up([a_volume(**attached(uuid_of("bm-1"), "ironic_mountpoint"))])
    elsewhere.nodes[uuid_of("bm-1")] = a_node("bm-1", provision_state="active")
    (one,) = told(elsewhere)
    assert "attached to bm-1" in one["why"]


def test_a_volume_that_may_be_shared_or_is_no_volume_of_cinder_is_not_elsewhere() -> None:
    other = attached(uuid_of("bm-1"), "ironic_mountpoint")
    shared = set_up([a_volume(multiattach=True, **other)])
    shared.nodes[uuid_of("bm-1")] = a_node("bm-1", provision_state="active")
    assert told(shared) == []
    assert told(set_up([], storage_interface="external")) == []


def test_a_node_that_is_on_has_to_be_switched_off_first() -> None:
    assert all("Switch it off first" in one["why"] for one in told(set_up(retired=True, power_state="power on")))
    assert not any("Switch it off first" in one["why"] for one in told(set_up(retired=True)))


# Golden volumes and old disks


def test_a_golden_volume_is_used_as_long_as_its_image_has_its_name() -> None:
    assert told(FakeCloud(images=[an_image()], volumes=[cast_of("debian")])) == []
    assert told(FakeCloud(images=[an_image(os_hidden=True)], volumes=[cast_of("debian")])) == []


@pytest.mark.parametrize("images", [[], [an_image(name="debian-old", id=uuid_of("debian"))], [an_image(status="deactivated")]])
def test_a_golden_volume_of_an_image_that_nobody_uses_is_left_over(images: list[Json]) -> None:
    (one,) = told(FakeCloud(images=images, volumes=[cast_of("debian")]))
    assert (one["kind"], one["id"]) == ("golden_volume", cast_of("debian")["id"])
    assert one["command"] == f"openstack --os-cloud project volume delete {one['id']}"


def test_a_golden_volume_that_could_not_be_made_is_left_over() -> None:
    failed = {**cast_of("debian"), "status": "error"}
    failed["metadata"]["bfv_made"] = "new"
    assert kinds(FakeCloud(images=[an_image()], volumes=[failed])) == [("golden_volume", failed["name"])]


@pytest.mark.parametrize("fields", [attached(WEB), {"status": "creating"}, {"name": "mine"}])
def test_a_golden_volume_that_somebody_uses_or_named_is_left_alone(fields: Json) -> None:
    cloud = FakeCloud(servers=[a_server("web", id=WEB)], volumes=[{**cast_of("debian"), **fields}])
    assert told(cloud) == []


def test_a_copy_of_a_golden_volume_is_none() -> None:
    copy = cast_of("debian")
    copy["metadata"]["bfv_made"] = uuid_of("another")
    assert told(FakeCloud(volumes=[copy])) == []


@pytest.mark.parametrize("key", ["bfv_replaces", "bfv_reverted_instead", "rollout_of"])
def test_a_disk_whose_place_another_took_is_left_over(key: str) -> None:
    new = ours("new", metadata={key: uuid_of("old")}, **attached(WEB))
    (one,) = told(FakeCloud(servers=[a_server("web", id=WEB)], volumes=[a_volume("old"), new]))
    assert (one["kind"], one["name"]) == ("old_disk", "old")
    assert uuid_of("new") in one["why"]
    assert WEB in one["why"]


OLD = a_volume("old")
NEW = ours("new", metadata={"bfv_replaces": uuid_of("old")}, **attached(WEB))


@pytest.mark.parametrize(
    "records",
    [
        {"volumes": [OLD, {**NEW, "status": "available", "attachments": []}]},  # it has not taken over yet
        {"volumes": [OLD, {**NEW, "metadata": {"bfv_replaces": uuid_of("old")}}]},  # a mark that somebody copied
        {"volumes": [{**OLD, **attached(WEB)}, NEW]},
        {"volumes": [{**OLD, "status": "downloading"}, NEW]},
        {"volumes": [OLD, NEW], "snapshots": [a_snapshot(volume="old")]},
        {"volumes": [OLD, NEW], "nodes": [a_node()], "targets": [a_target(volume="old")]},
    ],
    ids=["not yet", "copied", "attached", "busy", "snapshot", "target"],
)
def test_a_disk_that_somebody_may_need_is_left_alone(records: Json) -> None:
    assert told(FakeCloud(servers=[a_server("web", id=WEB)], **records)) == []


# Checkpoints


def saved(*names: str) -> FakeCloud:
    cloud = FakeCloud(nodes=[a_node()], connectors=[a_connector()], targets=[a_target()], volumes=[a_volume()])
    for name in names:
        settle(cloud, boot_checkpoint, node="bm-0", name=name)
    cloud.writes.clear()
    return cloud


@pytest.mark.parametrize(("keep", "goes"), [(None, []), (3, []), (2, ["one"]), (1, ["one", "two"]), (0, ["one", "three", "two"])])
def test_checkpoints_beyond_what_is_kept_are_left_over(keep: int | None, goes: list[str]) -> None:
    found = told(saved("one", "two", "three"), keep_checkpoints=keep)
    assert [one["name"] for one in found] == goes
    assert {one["kind"] for one in found} <= {"checkpoint"}


def test_a_checkpoint_goes_by_its_snapshots() -> None:
    cloud = saved("one", "two")
    (one,) = told(cloud, keep_checkpoints=1)
    (first, _second) = sorted(cloud.snapshots.values(), key=lambda one: str(one["created_at"]))
    assert one["command"] == f"openstack --os-cloud project volume snapshot delete {first['id']}"
    assert "node bm-0 has newer ones" in one["why"]


def test_a_checkpoint_that_a_volume_was_made_of_stays() -> None:
    cloud = saved("one", "two")
    first = min(cloud.snapshots.values(), key=lambda one: str(one["created_at"]))
    cloud.volumes[uuid_of("clone")] = a_volume("clone", snapshot_id=first["id"])
    assert told(cloud, keep_checkpoints=1) == []


def test_a_number_of_checkpoints_below_zero_is_refused() -> None:
    with pytest.raises(Invalid, match="keep_checkpoints is -1"):
        told(FakeCloud(), keep_checkpoints=-1)


# All of it


def test_it_comes_by_its_kinds_and_everything_is_documented() -> None:
    cloud = saved("one", "two")
    cloud.nodes[uuid_of("bm-1")] = a_node("bm-1", retired=True)
    cloud.connectors |= {one["uuid"]: one for one in [a_connector("bm-1", "iqn.2024-01.org.example:bm-1")]}
    cloud.targets |= {one["uuid"]: one for one in [a_target("bm-1", "other")]}
    records = held("lost", GONE)
    volumes = [*records["volumes"], cast_of("debian"), OLD, NEW]
    cloud.volumes |= {one["id"]: one for one in volumes}
    cloud.attachments |= {one["id"]: one for one in records["attachments"]}
    cloud.compute.servers = {WEB: a_server("web", id=WEB)}
    found = told(cloud, keep_checkpoints=1)
    assert [one["kind"] for one in found] == list(leftovers.KINDS)
    documented = yaml.safe_load(bfv_info.RETURN)["leftovers"]["contains"]
    assert all(one.keys() == documented.keys() for one in found)


def test_a_name_of_a_cloud_is_no_command() -> None:
    cloud = set_up(retired=True)
    for name in ("a; rm -rf ~", "$(id)"):
        for one in told(cloud, cloud=name):
            assert shlex.split(one["command"])[:3] == ["openstack", "--os-cloud", name]
    assert all("--os-cloud" not in one["command"] for one in told(cloud, cloud={"auth": {}}, volume_cloud=None))


def test_the_number_of_requests_depends_on_what_is_left_over_alone() -> None:
    few, many = (
        FakeCloud(
            servers=[a_server("web", id=WEB)],
            images=[an_image()],
            volumes=[cast_of("debian"), *(a_volume(f"disk-{index}", **attached(WEB)) for index in range(number))],
        )
        for number in (1, 30)
    )
    assert told(few, "leftovers") == told(many, "leftovers") == []
    assert few.reads == many.reads == ["/volumes/detail", "/servers", "/snapshots/detail", "/images"]


def test_a_cloud_without_volumes_tells_what_its_nodes_have_left() -> None:
    cloud = set_up([], storage_interface="external", retired=True)
    cloud.project = ""
    want = gathered.wanted({"gather": EVERYTHING})
    found = gathered.observe(cloud, want)  # type: ignore[arg-type]
    result: Any = gathered.result(want, found)
    assert [one["kind"] for one in result["leftovers"]] == ["connector", "target"]
    (warning,) = gathered.plan(want, found).warnings
    assert "what is left over in Cinder is not told" in warning
    prepared = set_up([], storage_interface="cinder")
    prepared.project = ""
    assert told(prepared) == []
    with pytest.raises(Refused, match="without a project"):
        told(prepared, "leftovers")
