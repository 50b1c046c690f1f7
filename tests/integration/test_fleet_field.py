# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the field does to fleets, on the real Ironic and Cinder: no machine goes down, and no disk goes, that is not the task's to take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

import pytest

from .lab import ADMIN, PROJECT, SYSTEM, Json, Lab, Node
from .proxy import Proxy
from .runs import Ansible, Run, Task, task

pytestmark = pytest.mark.extra


def fleet(title: str, *entries: Json, check: bool = False, proxy: str | None = None, **options: object) -> Task:
    given = {"cloud": SYSTEM, "volume_cloud": PROJECT, "nodes": list(entries), **options}
    return task(title, "bfv.openstack.baremetal_fleet", check=check, proxy=proxy, **given)


def of_cinder(node: Node, **more: object) -> Json:
    volumes = [{"name": f"{node.name}-root", "size": 1, "bootable": True}]
    return {"node": node.name, "storage_interface": "cinder", "iscsi_boot": True, "volumes": volumes, **more}


def written(proxy: Proxy) -> list[str]:
    return proxy.writes


@dataclass(frozen=True)
class Disks:
    """A machine that runs from a volume, which is then renamed."""

    node: Node
    run: Run
    proxy: Proxy
    volume: str


@pytest.fixture(scope="module")
def renamed(lab: Lab, ansible: Ansible, new_proxy: Callable[[], Proxy]) -> Disks:
    node, proxy = lab.node("renamed"), new_proxy()
    first = ansible.tasks(fleet("deploy", of_cinder(node)))
    assert first.code == 0, first.text
    (volume,) = (one["id"] for one in lab.volumes(f"{node.name}-root"))
    lab.cinder("PUT", f"/volumes/{volume}", {"volume": {"name": f"{node.name}-of-2025"}})
    redeploy = {"on_drift": "redeploy", "proxy": proxy.url}
    run = ansible.tasks(
        fleet("check", of_cinder(node), check=True, **redeploy),
        fleet("redeploy", of_cinder(node), **redeploy),
        fleet("fail", of_cinder(node), proxy=proxy.url),
        fleet("another cloud", of_cinder(node), **{**redeploy, "volume_cloud": ADMIN}),
        fleet("by its new name", of_cinder(node, volumes=[{"name": f"{node.name}-of-2025"}]), **redeploy),
    )
    return Disks(node, run, proxy, volume)


@pytest.mark.parametrize("title", ["check", "redeploy", "fail", "another cloud"])
def test_field_d10_a_volume_that_was_renamed_takes_no_machine_down(renamed: Disks, title: str) -> None:
    name = renamed.node.name
    result = renamed.run[title]
    assert f"its volume target 0 is volume {renamed.volume}" in result["msg"]
    assert f"there is no volume {name}-root: it may have been renamed" in result["msg"]
    assert result["nodes"][name]["actions"] == []


def test_field_d10_the_machine_runs_on_and_has_its_disk(renamed: Disks, lab: Lab) -> None:
    assert written(renamed.proxy) == []
    assert lab.look(renamed.node)["provision_state"] == "active"
    held = lab.cinder("GET", f"/volumes/{renamed.volume}")["volume"]
    assert [one["server_id"] for one in held["attachments"]] == [renamed.node.uuid]
    assert lab.volumes(f"{renamed.node.name}-root") == []


def test_under_its_new_name_it_is_no_difference(renamed: Disks) -> None:
    result = renamed.run["by its new name"]
    assert (result["failed"], result["changed"]) == (False, False)


def test_field_d10_a_new_disk_is_ready_before_the_machine_goes_down(lab: Lab, ansible: Ansible, proxy: Proxy) -> None:
    node = lab.node("anew")
    first, second = (lab.volume(f"{node.name}-{number}") for number in ("first", "second"))
    for source in (first, second):
        lab.act(lab.cinder, source["id"], "os-set_bootable", {"bootable": True})

    def entry(source: Json) -> Json:
        return of_cinder(node, volumes=[{"name": f"{node.name}-root", "volume": source["name"], "recreate": "on_drift"}])

    deployed = ansible.tasks(fleet("deploy", entry(first)))
    assert not deployed["deploy"]["failed"], deployed.text
    (old,) = (one["id"] for one in lab.volumes(f"{node.name}-root"))
    run = ansible.tasks(
        fleet("check", entry(second), check=True, on_drift="redeploy"),
        fleet("redeploy", entry(second), on_drift="redeploy"),
        fleet("again", entry(second), on_drift="redeploy", proxy=proxy.url),
    )
    told, done = (run[title]["nodes"][node.name]["actions"] for title in ("check", "redeploy"))
    (new,) = lab.volumes(f"{node.name}-root")
    assert told == done
    assert done == [
        f"create volume {node.name}-root (1 GiB, from volume {second['name']}, in the place of {old})",
        f"note in volume {node.name}-root that it was made here",
        f"undeploy node {node.name} ({node.uuid})",
        f"create volume target 0 of node {node.name} with volume {node.name}-root",
        f"deploy node {node.name}",
        f"delete volume {node.name}-root ({old})",
    ]
    assert lab.look(node)["provision_state"] == "active"
    assert [one["server_id"] for one in new["attachments"]] == [node.uuid]
    assert new["id"] != old
    assert written(proxy) == []


SERVER = str(uuid4())


@dataclass(frozen=True)
class Powered:
    """Nodes that are on: one runs a machine, one was taken by Nova."""

    active: Node
    novas: Node
    run: Run
    proxy: Proxy


@pytest.fixture(scope="module")
def powered(lab: Lab, ansible: Ansible, new_proxy: Callable[[], Proxy]) -> Powered:
    active, novas = lab.nodes("active", "novas")
    lab.deploy(active)
    lab.set_up(novas)
    target = lab.target(novas, str(uuid4()))
    lab.power(novas, "power on")
    lab.patch(novas, "/instance_uuid", SERVER)
    proxy = new_proxy()
    common = {"cloud": SYSTEM, "power_off": True, "proxy": proxy.url}
    tasks = []
    for name, node in (("active", active), ("novas", novas)):
        other = f"iqn.2026-01.org.example:{node.name}"
        connector, volume_target = "bfv.openstack.volume_connector", "bfv.openstack.volume_target"
        tasks += [
            task(f"{name}: change connector", connector, node=node.name, connector_id=other, **common),
            task(f"{name}: remove connector", connector, node=node.name, state="absent", **common),
            task(f"{name}: change target", volume_target, node=node.name, target_lun=7, **common),
            task(f"{name}: remove target", volume_target, node=node.name, state="absent", **common),
            fleet(
                f"{name}: fleet",
                {"node": node.name, "connectors": [{"connector_id": other}]},
                state="prepared",
                power_off=True,
                proxy=proxy.url,
            ),
        ]
    run = ansible.tasks(*tasks)
    assert [one["uuid"] for one in lab.targets(novas)] == [target["uuid"]]
    return Powered(active, novas, run, proxy)


@pytest.mark.parametrize("what", ["change connector", "remove connector", "change target", "remove target", "fleet"])
@pytest.mark.parametrize(("whose", "words"), [("active", "active"), ("novas", SERVER)], ids=["active", "novas"])
def test_field_d13_no_machine_is_powered_off_for_a_record(powered: Powered, what: str, whose: str, words: str) -> None:
    result = powered.run[f"{whose}: {what}"]
    assert result["failed"]
    assert words in result["msg"]


def test_field_d13_both_run_on(powered: Powered, lab: Lab) -> None:
    assert written(powered.proxy) == []
    assert [lab.look(node)["power_state"] for node in (powered.active, powered.novas)] == ["power on", "power on"]
    assert len(lab.connectors(powered.active)) == len(lab.connectors(powered.novas)) == 1


def test_field_d17_only_its_own_volumes_go(lab: Lab, ansible: Ansible) -> None:
    node, other = lab.nodes("leaves", "other")
    own, shared, unmarked = (f"{node.name}-{what}" for what in ("own", "shared", "unmarked"))
    given = lab.volume(f"{node.name}-given")["id"]
    there = lab.volume(unmarked)["id"]
    volumes = [{"name": own, "size": 1, "bootable": True}, {"name": shared, "size": 1}, {"name": unmarked}, {"id": given}]
    entry = {"node": node.name, "storage_interface": "cinder", "iscsi_boot": True, "volumes": volumes}
    assert ansible.tasks(fleet("prepare", entry, state="prepared")).code == 0
    ids = {name: lab.volumes(name)[0]["id"] for name in (own, shared)}
    lab.target(other, ids[shared])
    going = {"state": "undeployed", "volumes_on_undeploy": "delete"}
    run = ansible.tasks(
        fleet("check", entry, check=True, **going), fleet("undeploy", entry, **going), fleet("again", entry, **going)
    )
    assert run.code == 0, run.text
    told, done = (run[title]["nodes"][node.name]["actions"] for title in ("check", "undeploy"))
    assert told == done
    assert [action for action in done if action.startswith("delete volume")] == [f"delete volume {own} ({ids[own]})"]
    left = {one["id"] for one in lab.cinder.list("/volumes/detail", "volumes") if one["name"].startswith(node.name)}
    assert left == {ids[shared], there, given}
    warnings = " ".join(run["undeploy"]["warnings"])
    for id, why in ((ids[shared], f"target of node {other.uuid}"), (there, "did not make it"), (given, "named by its id")):
        assert id in warnings
        assert why in warnings
    assert run["again"]["changed"] is False
