# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Room first: what a whole run needs is seen before its first volume, in a project's quota and in Cinder's pools, on real services."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from .lab import ADMIN, SYSTEM, Json, Lab, Node
from .projects import Project, limit
from .projects import project as new_project
from .proxy import Proxy
from .runs import Ansible, Run, Task, task
from .waiting import until

FLEET = "bfv.openstack.baremetal_fleet"
DEPLOY = "bfv.openstack.deploy"
ASKED_FOR_ROOM = ("/types", "/os-quota-sets", "/os-availability-zone", "/scheduler-stats", "/limits")


@pytest.fixture(scope="module")
def project(lab: Lab) -> Iterator[Project]:
    with new_project(lab) as made:
        yield made


def rooted(node: Node, **volume: object) -> Json:
    return {"node": node.name, "storage_interface": "cinder", "iscsi_boot": True, "volumes": [disk(node, **volume)]}


def disk(node: Node, **volume: object) -> Json:
    return {"name": f"{node.name}-root", "size": 1, "bootable": True, "volume_type": "tgt", **volume}


def fleet(name: str, project: Project, nodes: list[Node], **options: object) -> Task:
    given = {"cloud": SYSTEM, "volume_cloud": project.cloud, "state": "prepared", "nodes": list(map(rooted, nodes))}
    return task(name, FLEET, **{**given, **options})


@dataclass(frozen=True)
class Seen:
    nodes: list[Node]
    refused: Run
    refused_writes: list[str]
    made: Run
    again: Run
    again_asked: list[str]
    page: str


@pytest.fixture(scope="module")
def seen(lab: Lab, ansible: Ansible, new_proxy: Callable[[], Proxy], project: Project) -> Seen:
    """Five nodes want a volume where the quota has room for three; then for five; and once more, when all is there."""
    nodes = lab.nodes("a", "b", "c", "d", "e")
    page: Path = ansible.folder / "room.html"
    limit(lab, project, volumes=3)
    first, second, third = new_proxy(), new_proxy(), new_proxy()
    tasks = [fleet("check", project, nodes, check=True), fleet("run", project, nodes)]
    refused = ansible.tasks(*tasks, environment=first.environment)
    limit(lab, project, volumes=5)
    try:
        priced = {"volume_prices": {"tgt": 0.11}, "report": str(page)}
        made = ansible.tasks(fleet("run", project, nodes, **priced), arguments=("--diff", "-vv"), environment=second.environment)
        again = ansible.tasks(fleet("run", project, nodes), environment=third.environment)
    finally:
        ansible.tasks(fleet("back", project, nodes, state="absent", volumes_on_undeploy="delete"))
    asked = list(third.counts)
    return Seen(nodes, refused, first.writes, made, again, asked, page.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ["check", "run"])
def test_a_quota_for_three_of_five_is_refused_before_anything_is_written(seen: Seen, name: str) -> None:
    result = seen.refused[name]
    lacking = [node.name for node in seen.nodes[3:]]
    said = {node["msg"] for node in result["nodes"].values()}
    assert result["failed"]
    assert said == {
        "Failed to make the volumes of this run: of the project's quota 3 volumes are left, and 5 are needed. Raise the quota or remove "
        f"what is not needed. There is room for 3 of 5 nodes, and not for {', '.join(lacking)}."
    }
    assert said.pop() in result["msg"]
    assert result["room"]["lacking"] == lacking
    assert seen.refused_writes == []


def test_a_quota_for_five_of_five_is_enough(seen: Seen) -> None:
    result = seen.made["run"]
    assert (result["changed"], result.get("failed", False), result["room"]["left"]["volumes"]) == (True, False, 5)
    assert [len(node["volumes"]) for node in result["nodes"].values()] == [1] * 5


def test_the_sums_and_the_price_are_told_with_vv_and_in_the_report(seen: Seen) -> None:
    told = seen.made["run"]["room"]["told"]
    assert told[0] == "This run makes 5 volumes, 5 GiB (of type tgt 5 volumes, 5 GiB)."
    assert "5 volumes" in told[1]
    assert told[-1] == "It costs 0.55 a month, charged at the current rates."
    assert [line in seen.made.stdout for line in told] == [True] * len(told)
    assert [line.replace("'", "&#39;") in seen.page for line in told] == [True] * len(told)


def test_the_role_tells_the_same(lab: Lab, ansible: Ansible) -> None:
    node = lab.node("role")
    hosts = {node.name: {"baremetal_deploy_volumes": [disk(node)]}}
    inventory = ansible.inventory(hosts, baremetal_deploy_volume_prices={"tgt": 0.11})
    run = ansible.playbook(DEPLOY, "-i", str(inventory), "--check", "-vv")
    assert run.code == 0, run.text
    assert "This run makes 1 volume, 1 GiB (of type tgt 1 volume, 1 GiB).\n" in run.stdout
    assert "It costs 0.11 a month, charged at the current rates.\n" in run.stdout


def test_where_nothing_is_made_no_quota_is_asked_for(seen: Seen) -> None:
    result = seen.again["run"]
    assert (result["changed"], result["room"]["told"]) == (False, [])
    assert [one for one in seen.again_asked if any(path in one for path in ASKED_FOR_ROOM)] == []


def test_quota_and_pools_are_seen_by_an_admin_and_what_is_too_large_for_a_pool_cinder_does_not_make(
    lab: Lab, ansible: Ansible
) -> None:
    (pool,) = lab.cinder_admin("GET", "/scheduler-stats/get_pools?detail=true")["pools"]
    seen = pool["capabilities"]
    room = int(seen["total_capacity_gb"] * float(seen["max_over_subscription_ratio"]) - seen["provisioned_capacity_gb"])
    node = lab.node("large")
    asked = {"cloud": SYSTEM, "volume_cloud": ADMIN, "state": "prepared"}
    run = ansible.tasks(
        task("fits", FLEET, **asked, nodes=[rooted(node, size=room // 2)], check=True),
        task("too large", FLEET, **asked, nodes=[rooted(node, size=room + 1000)]),
        task("alone", "bfv.openstack.bfv_volume", cloud=ADMIN, **disk(node, size=room + 1000)),
    )
    assert (run["fits"].get("failed", False), list(run["fits"]["room"]["pools"])) == (False, [pool["name"]])
    for name in ("too large", "alone"):
        assert f"no pool of Cinder's has room for {room + 1000} GiB more of type tgt ({pool['name']}: " in run[name]["msg"]
    body = {"name": lab.name("large"), "size": room + 1000, "volume_type": "tgt"}
    volume = lab.cinder_admin("POST", "/volumes", {"volume": body})["volume"]["id"]
    try:
        status = until(
            "the scheduler's word",
            lambda: {"creating": ""}.get(word := lab.cinder_admin("GET", f"/volumes/{volume}")["volume"]["status"], word),
        )
    finally:
        lab.cinder_admin("DELETE", f"/volumes/{volume}")
    assert status == "error"
