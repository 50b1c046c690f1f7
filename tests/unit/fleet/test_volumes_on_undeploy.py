# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which volumes go with their nodes: those that this collection made, that the task names, and that nobody else does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet.nodes import shared, wanted
from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet.nodes.observe import NodeFound
from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet.outcome import Outcome
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.node import record as node
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.volume.record import from_api
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import Refused
from ansible_collections.bfv.openstack.tests.unit.deeds import back_up, make_volume, restore
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import (
    FakeCloud,
    Json,
    a_node,
    a_target,
    a_volume,
    an_image,
    manage,
    uuid_of,
)

pytestmark = pytest.mark.usefixtures("reading")

SERVER = uuid_of("server")


def entry(**more: Any) -> Json:
    return {
        "node": "bm-0",
        "storage_interface": "cinder",
        "iscsi_boot": True,
        "volumes": [{"name": "root", "image": "debian"}],
        **more,
    }


def running(**more: Any) -> FakeCloud:
    cloud = FakeCloud(nodes=[a_node(), a_node("bm-1")], images=[an_image()])
    (outcome,) = manage(cloud, [entry(**more)]).values()
    assert outcome.msg == ""
    cloud.writes.clear()
    return cloud


def root(cloud: FakeCloud) -> Json:
    return next(one for one in cloud.volumes.values() if one["name"] == "root")


def gone(cloud: FakeCloud, wanted: Json | None = None, **options: Any) -> Outcome:
    given = {"state": "undeployed", "volumes_on_undeploy": "delete", **options}
    (outcome,) = manage(cloud, [wanted or entry()], **given).values()
    return outcome


def by_id(cloud: FakeCloud) -> Json:
    return entry(volumes=[{"id": root(cloud)["id"]}])


def unmarked(cloud: FakeCloud) -> Json:
    root(cloud)["metadata"].clear()
    return entry()


def with_anothers_mark(cloud: FakeCloud) -> Json:
    root(cloud)["metadata"]["bfv_made"] = uuid_of("the original")
    return entry()


def never_seen_available(cloud: FakeCloud) -> Json:
    root(cloud)["metadata"]["bfv_made"] = "new"
    return entry()


def named_elsewhere(by: str) -> Callable[[FakeCloud], Json]:
    def name_it(cloud: FakeCloud) -> Json:
        target = a_target("bm-1", volume_id=root(cloud)[by])
        cloud.targets[target["uuid"]] = target
        return entry()

    return name_it


KEPT: dict[str, tuple[Callable[[FakeCloud], Json], str]] = {
    "by id": (by_id, "it is named by its id"),
    "unmarked": (unmarked, "this collection did not make it"),
    "another's mark": (with_anothers_mark, "this collection did not make it"),
    "never seen available": (never_seen_available, "this collection did not make it"),
    "another node's target, by its id": (named_elsewhere("id"), f"a volume target of node {uuid_of('bm-1')} names it as well"),
    "another node's target, by its name": (
        named_elsewhere("name"),
        f"a volume target of node {uuid_of('bm-1')} names it as well",
    ),
}


@pytest.mark.parametrize("why", KEPT)
@pytest.mark.parametrize("state", ["undeployed", "absent"])
def test_field_d17_what_is_not_certainly_its_own_is_kept_and_told(why: str, state: str) -> None:
    spoil, words = KEPT[why]
    cloud = running()
    wanted = spoil(cloud)
    kept = root(cloud)["id"]
    told = gone(cloud, wanted, state=state, check_mode=True)
    for outcome in (told, gone(cloud, wanted, state=state)):
        (warning,) = [one for one in outcome.plan.warnings if kept in one]
        assert words in warning
        assert kept not in str(outcome.plan.destroys)
    assert kept in cloud.volumes
    assert outcome.actions == told.actions
    assert outcome.msg == ""
    assert cloud.nodes[uuid_of("bm-0")]["provision_state"] == "available"
    assert not any(request.method == "DELETE" and "/volumes" in request.path for request in cloud.writes)


def test_what_is_its_own_goes_and_stands_in_the_diff_with_its_id() -> None:
    cloud = running()
    volume, other = root(cloud)["id"], make_volume(cloud, "other")["id"]
    outcome = gone(cloud)
    assert [line.partition(":")[0] for line in outcome.diff["after"]["destroys"]] == [uuid_of("bm-0"), volume]  # type: ignore[index]
    assert list(cloud.volumes) == [other]


def test_field_d17_two_of_a_name_are_refused_before_anything() -> None:
    cloud = running()
    restore(cloud, back_up(cloud, root(cloud)))
    for check_mode in (True, False):
        assert "2 volumes have that name" in gone(cloud, check_mode=check_mode).msg
    assert (cloud.writes, len(cloud.volumes)) == ([], 2)


def test_field_d17_what_somebody_else_holds_is_refused_before_anything() -> None:
    cloud = running()
    root(cloud)["attachments"].append({"server_id": SERVER, "device": "/dev/vdb"})
    assert SERVER in gone(cloud).msg
    assert cloud.writes == []


class Attached(FakeCloud):
    """As soon as the node has let go of the volume, a server takes it."""

    def _move(self, node: Json) -> None:
        was = node["provision_state"]
        super()._move(node)
        if (was, node["provision_state"]) == ("cleaning", "available"):
            root(self).update(status="in-use", attachments=[{"server_id": SERVER, "device": "/dev/vda"}])


def test_field_d17_what_was_attached_meanwhile_stays() -> None:
    cloud = running()
    cloud.__class__ = Attached
    assert SERVER in gone(cloud).msg
    assert root(cloud)["attachments"]


class Claimed(FakeCloud):
    """While the node is cleaned, the volume becomes the disk of another node."""

    def _move(self, node: Json) -> None:
        super()._move(node)
        if node["provision_state"] == "cleaning":
            target = a_target("bm-1", volume_id=root(self)["id"])
            self.targets[target["uuid"]] = target


def test_field_d17_what_another_node_got_meanwhile_stays() -> None:
    cloud = running()
    cloud.__class__ = Claimed
    assert (gone(cloud).msg, [one["name"] for one in cloud.volumes.values()]) == ("", ["root"])


@pytest.mark.parametrize("provision_state", ["available", "active"])
def test_field_d17_a_node_of_nova_loses_no_volume(provision_state: str) -> None:
    cloud = running()
    cloud.targets.clear()
    root(cloud).update(status="available", attachments=[])
    cloud.nodes[uuid_of("bm-0")].update(instance_uuid=SERVER, provision_state=provision_state)
    assert "belongs to Nova" in gone(cloud).msg
    assert cloud.writes == []


@pytest.mark.parametrize("state", ["undeployed", "absent"])
def test_field_d17_what_no_task_deletes_two_nodes_may_name(state: str) -> None:
    cloud = running()
    nodes = [entry(volumes=[{"name": "another", "image": "debian"}]), {**entry(), "node": "bm-1"}]
    assert [one.msg for one in manage(cloud, nodes, state=state, volumes_on_undeploy="keep").values()] == ["", ""]


def test_field_d17_a_node_that_cannot_be_found_keeps_no_other_from_going() -> None:
    cloud = running()
    nodes = [{**entry(volumes=[{"name": "another", "image": "debian"}]), "node": "bm-7"}, entry()]
    done = manage(cloud, nodes, state="undeployed", volumes_on_undeploy="delete")
    assert ("Failed to find node bm-7" in done["bm-7"].msg, done["bm-0"].msg) == (True, "")


def two_on(volume: Json) -> tuple[FakeCloud, list[Json]]:
    """Two nodes whose targets name one volume."""
    cloud = FakeCloud(nodes=[a_node(), a_node("bm-1")], volumes=[volume])
    wanted = {"storage_interface": "cinder", "iscsi_boot": True, "targets": [{"volume_id": volume["id"]}]}
    return cloud, [{"node": name, **wanted} for name in ("bm-0", "bm-1")]


@pytest.mark.parametrize("shared", [True, False])
def test_only_a_multiattach_volume_is_the_disk_of_two_nodes(shared: bool) -> None:
    cloud, nodes = two_on(a_volume("root", multiattach=shared))
    done = manage(cloud, nodes, state="prepared")
    assert (done["bm-0"].msg, "is asked for by node bm-0 as well" in done["bm-1"].msg) == ("", not shared)


@pytest.mark.parametrize("deletes", [True, False])
def test_only_where_a_volume_is_to_go_it_may_not_be_the_disk_of_another_node(deletes: bool) -> None:
    disk = from_api(a_volume())
    nodes = [{"node": "bm-0", "volumes": []}, {"node": "bm-1", "volumes": [{"name": "root"}]}]
    wants, _malformed = wanted.read({"state": "undeployed", "concurrency": 1, "nodes": nodes})
    found = {
        "bm-0": NodeFound(node.from_api(a_node())),
        "bm-1": NodeFound(
            node.from_api(a_node("bm-1")), volumes={"root": (disk,)}, claims={disk.id: frozenset({uuid_of("bm-0")})}
        ),
    }
    judged = shared.refuse_held([replace(want, deletes_volumes=deletes) for want in wants], found)
    assert [isinstance(judged[name], Refused) for name in ("bm-0", "bm-1")] == [deletes, deletes]


def test_a_volume_that_stays_may_be_the_disk_of_another_node() -> None:
    cloud, (first, second) = two_on(a_volume("root", multiattach=True))
    nodes = [first, {**second, "targets": None, "volumes": [{"name": "root"}]}]
    for _run in range(2):
        assert [one.msg for one in manage(cloud, nodes, state="prepared").values()] == ["", ""]


@pytest.mark.parametrize("state", ["undeployed", "absent"])
def test_two_nodes_with_one_disk_may_both_go(state: str) -> None:
    cloud, nodes = two_on(a_volume("root"))
    assert [one.msg for one in manage(cloud, nodes, state=state).values()] == ["", ""]


@pytest.mark.parametrize("state", ["undeployed", "absent"])
def test_field_d17_the_disk_of_a_node_that_is_undeployed_as_well_is_refused(state: str) -> None:
    cloud = running()
    disk = root(cloud)["id"]
    nodes = [entry(volumes=[{"name": "another", "image": "debian"}]), {**entry(), "node": "bm-1"}]
    options: Json = {"state": state, "volumes_on_undeploy": "delete"}
    foreseen = manage(cloud, nodes, check_mode=True, **options)
    done = manage(cloud, nodes, **options)
    again = manage(cloud, nodes, **options)
    assert [one.msg for one in done.values()] == [one.msg for one in foreseen.values()] == [one.msg for one in again.values()]
    for one in done.values():
        assert f"volume root ({disk}), which is to be deleted with node bm-1, is the disk of node bm-0." in one.msg
    assert (disk in cloud.volumes, cloud.writes) == (True, [])
