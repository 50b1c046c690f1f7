# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Room first: what all nodes of a run make together is seen before the first volume, in the quota and in Cinder's pools."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet.fleet import Result
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import Invalid
from ansible_collections.bfv.openstack.tests.unit.fake_cinder import a_pool, a_type, virtual_free
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import (
    FakeCloud,
    Json,
    a_node,
    a_volume,
    an_image,
    managed,
    uuid_of,
)
from hypothesis import given, settings
from hypothesis import strategies as st

NODES = [f"bm-{number}" for number in range(5)]


def fresh(*volumes: Json) -> FakeCloud:
    return FakeCloud(nodes=[a_node(name) for name in NODES], images=[an_image()], volumes=volumes)


def rooted(name: str, **volume: Any) -> Json:
    return {"node": name, "volumes": [{"name": f"{name}-root", "size": 10, "bootable": True, "volume_type": "lvm", **volume}]}


def run(cloud: FakeCloud, *nodes: Json, **params: Any) -> Result:
    return managed(cloud, list(nodes), state="prepared", **params)


def messages(result: Result) -> dict[str, str]:
    return {outcome.name: outcome.msg for outcome in result.outcomes}


# What is refused


@pytest.mark.parametrize("check_mode", [True, False])
def test_three_of_five_fit_and_nothing_is_made(check_mode: bool) -> None:
    cloud = fresh()
    cloud.limits["volumes"] = 3
    result = run(cloud, *map(rooted, NODES), check_mode=check_mode)
    assert set(messages(result).values()) == {
        "Failed to make the volumes of this run: of the project's quota 3 volumes are left, and 5 are needed. Raise the quota or remove "
        "what is not needed. There is room for 3 of 5 nodes, and not for bm-3, bm-4."
    }
    assert result.room["lacking"] == ["bm-3", "bm-4"]
    assert cloud.writes == []


def test_a_node_that_makes_nothing_goes_on() -> None:
    cloud = fresh(a_volume("bm-0-root"))
    cloud.limits["volumes"] = 2
    said = messages(run(cloud, *map(rooted, NODES[:3])))
    assert (said["bm-0"], "room for 1 of 2 nodes, and not for bm-2." in said["bm-1"]) == ("", True)
    assert [one for one in cloud.writes if one.path == "/volumes"] == []


def test_a_node_that_is_refused_for_another_reason_takes_no_room() -> None:
    cloud = fresh()
    cloud.limits["volumes"] = 1
    said = messages(run(cloud, rooted("bm-0", volume_type="gone"), rooted("bm-1")))
    assert ("Cinder shows no volume type gone" in said["bm-0"], said["bm-1"]) == (True, "")


def test_a_node_on_its_way_needs_no_room_and_is_in_nobodys_way() -> None:
    cloud = FakeCloud(nodes=[a_node("bm-0", provision_state="deploying"), a_node("bm-1")])
    cloud.limits["volumes"] = 1
    result = managed(cloud, [rooted("bm-0", image="gone"), rooted("bm-1")], check_mode=True)
    assert (messages(result), result.room["volumes"]) == ({"bm-0": "", "bm-1": ""}, 1)


def test_of_many_nodes_ten_are_named() -> None:
    cloud = FakeCloud(nodes=[a_node(f"bm-{number:02}") for number in range(14)])
    cloud.limits["volumes"] = 1
    said = messages(run(cloud, *(rooted(f"bm-{number:02}") for number in range(14))))["bm-00"]
    assert said.endswith(
        "There is room for 1 of 14 nodes, and not for " + ", ".join(f"bm-{n:02}" for n in range(1, 11)) + " and 3 more."
    )


def test_a_golden_volume_counts_once_for_all() -> None:
    cloud = fresh()
    cloud.limits["volumes"] = 3
    nodes = [rooted(name, image="debian") for name in NODES[:3]]
    assert "4 are needed" in messages(run(cloud, *nodes, golden=True))["bm-0"]
    cloud.limits["volumes"] = 4
    assert set(messages(run(cloud, *nodes, golden=True)).values()) == {""}


def test_growing_takes_room_too() -> None:
    cloud = fresh(*(a_volume(f"{name}-root") for name in NODES[:2]))
    cloud.limits["gigabytes"] = 25
    result = run(cloud, *(rooted(name, size=14) for name in NODES[:2]))
    assert "5 GiB are left, and 8 are needed" in messages(result)["bm-0"]
    assert (result.room["volumes"], result.room["gigabytes"]) == (0, 8)
    assert cloud.writes == []


def test_where_room_for_one_of_each_two_is_enough_that_is_said() -> None:
    cloud = fresh(*(another(name) for name in NODES[:2]))
    cloud.limits["gigabytes"] = 25
    said = messages(run(cloud, *(rooted(name, recreate="on_drift") for name in NODES[:2])))["bm-0"]
    assert "There is room for 0 of 2 nodes" in said
    assert said.endswith("recreate_order=delete_first permits to delete the old one before.")


def another(name: str, size: int = 10) -> Json:
    """A volume that this collection made, of a type that is not asked for."""
    id = uuid_of(f"{name}-root")
    return a_volume(f"{name}-root", size=size, volume_type="slow", metadata={"bfv_made": id})


# The pools


def test_an_admin_sees_the_pools_run_out_before() -> None:
    cloud = fresh()
    cloud.pools = {"host@lvm#one": a_pool(free_capacity_gb=25.0)}
    result = run(cloud, *map(rooted, NODES))
    assert set(messages(result).values()) == {
        "Failed to make the volumes of this run: no pool of Cinder's has room for 10 GiB more of type lvm (host@lvm#one: 5 GiB). "
        "Make room there, or give another type. There is room for 2 of 5 nodes, and not for bm-2, bm-3, bm-4."
    }
    assert cloud.writes == []


def test_a_type_has_the_pools_of_its_backend() -> None:
    cloud = fresh()
    cloud.volume_types[a_type("lvm")["id"]]["extra_specs"] = {"volume_backend_name": "lvm"}
    cloud.pools = {"host@lvm#one": a_pool(free_capacity_gb=5.0), "host@other#one": a_pool("other")}
    assert "host@lvm#one: 5 GiB)" in messages(run(cloud, rooted("bm-0")))["bm-0"]
    assert messages(run(cloud, rooted("bm-0", volume_type="fast"))) == {"bm-0": ""}


def test_clones_come_to_be_beside_their_golden_volume() -> None:
    cloud = fresh()
    cloud.pools = {"host@lvm#one": a_pool(free_capacity_gb=30.0), "host@lvm#two": a_pool(free_capacity_gb=28.0)}
    nodes = [rooted(name, image="debian") for name in NODES[:3]]
    said = messages(run(cloud, *nodes, golden=True))["bm-0"]
    assert "for 10 GiB more of type lvm (host@lvm#one: 7 GiB)" in said
    assert "room for 2 of 3 nodes, and not for bm-2." in said
    assert set(messages(run(cloud, *nodes)).values()) == {""}


POOLS = st.builds(
    a_pool,
    total_capacity_gb=st.one_of(st.integers(0, 40).map(float), st.sampled_from(["infinite", "unknown"])),
    free_capacity_gb=st.one_of(st.integers(0, 40).map(float), st.sampled_from(["infinite", "unknown"])),
    provisioned_capacity_gb=st.integers(0, 40),
    max_over_subscription_ratio=st.sampled_from(["auto", "0.5", "1.0", "1.5"]),
    reserved_percentage=st.sampled_from([0, 10, 100]),
    thin_provisioning_support=st.booleans(),
)


@given(pool=POOLS, thick=st.booleans(), size=st.integers(1, 60))
def test_a_pool_takes_what_cinders_scheduler_would_let_it_take(pool: Json, thick: bool, size: int) -> None:
    cloud = fresh()
    if thick:
        cloud.volume_types[a_type("lvm")["id"]]["extra_specs"] = {"provisioning:type": "thick"}
    fits = virtual_free(pool, thick=thick) >= size
    cloud.pools = {"host@lvm#one": pool}
    assert (messages(run(cloud, rooted("bm-0", size=size)))["bm-0"] == "") is fits


# Exactly then


class Blind(FakeCloud):
    """Tells nothing of what is left, so that nothing is foreseen: what there is no room for fails."""

    def quota(self) -> Json:
        return {}

    def _find(self, path: str, **query: object) -> Json | None:
        if path.startswith("/scheduler-stats"):
            there, self.pools = self.pools, None
            try:
                return super()._find(path, **query)
            finally:
                self.pools = there
        return super()._find(path, **query)


SIZES = st.integers(3, 8)
THERE = {"there": {}, "grows": {"size": 9}, "anew": {"recreate": "on_drift"}}
LIMITS = st.fixed_dictionaries(
    {},
    optional={
        "volumes": st.integers(0, 8),
        "gigabytes": st.integers(0, 50),
        "volumes_lvm": st.integers(0, 6),
        "gigabytes_lvm": st.integers(0, 40),
    },
)


@st.composite
def runs(draw: st.DrawFn) -> tuple[list[Json], list[Json], Json, dict[str, Json] | None, bool]:
    """What is there, what is wanted, the limits, the pools, and whether golden volumes are."""
    with_pools, golden = draw(st.booleans()), draw(st.booleans())
    there, nodes = [], []
    for name in NODES[: draw(st.integers(1, 5))]:
        kind = draw(st.sampled_from(["new", "there", *([] if with_pools else ["grows", "anew", "anew before"])]))
        size, volume_type = draw(SIZES), draw(st.sampled_from(["lvm", "fast"]))
        options: Json = {"size": size, "volume_type": volume_type, **THERE.get(kind.partition(" ")[0], {})}
        if kind == "anew before":
            options["recreate_order"] = "delete_first"
        if kind.startswith("anew"):
            there.append(another(name, draw(SIZES)))
        elif kind != "new":
            there.append(a_volume(f"{name}-root", size=size, volume_type=volume_type))
        if golden:
            options["image"] = "debian"
        nodes.append(rooted(name, **options))
    pools = {f"host@lvm#{at}": one for at, one in enumerate(draw(st.lists(POOLS, min_size=1, max_size=2)))}
    return there, nodes, draw(LIMITS), pools if with_pools else None, golden


@settings(max_examples=300, deadline=None)
@given(runs())
def test_a_run_is_refused_exactly_when_it_would_have_failed_for_want_of_room(
    drawn: tuple[list[Json], list[Json], Json, dict[str, Json] | None, bool],
) -> None:
    there, nodes, limits, pools, golden = drawn
    ends = []
    for kind in (FakeCloud, Blind):
        cloud = kind(nodes=[a_node(name) for name in NODES], images=[an_image()], volumes=there)
        cloud.limits.update(limits)
        cloud.pools = None if pools is None else {name: dict(one) for name, one in pools.items()}
        ends.append((cloud, messages(run(cloud, *nodes, golden=golden, concurrency=1))))
    (seen, said), (_blind, would_say) = ends
    refused = {msg for msg in said.values() if msg}
    assert bool(refused) is any(would_say.values()), (said, would_say)
    assert not refused or all("There is room for" in msg for msg in refused)
    assert not refused or [one for one in seen.writes if one.changes == "volume"] == []


# What is told


def told(result_of: Any) -> list[str]:
    return list(result_of.room["told"])


def test_the_sums_are_told_with_vv() -> None:
    cloud = fresh(a_volume("other", size=7))
    cloud.limits.update(volumes=10, gigabytes=100, gigabytes_ssd=60)
    cloud.pools = {"host@lvm#one": a_pool()}
    lines: list[tuple[str, int]] = []
    nodes = [rooted("bm-0", volume_type="ssd"), rooted("bm-1", volume_type="ssd", size=20), rooted("bm-2")]
    result = run(cloud, *nodes, tell=lambda line, verbosity: lines.append((line, verbosity)), volume_prices={"ssd": 0.11})
    assert [line for line, verbosity in lines if verbosity == 2] == told(result)
    assert told(result) == [
        "This run makes 3 volumes, 40 GiB (of type lvm 1 volume, 10 GiB; of type ssd 2 volumes, 30 GiB).",
        "Left of the project's quota before it: 93 GiB, 60 GiB of type ssd, 9 volumes.",
        "Room in Cinder's pools before it: host@lvm#one 100 GiB.",
        "It costs 3.30 a month, charged at the current rates; 10 GiB of it have no price.",
    ]
    assert result.room["types"] == {"lvm": {"volumes": 1, "gigabytes": 10}, "ssd": {"volumes": 2, "gigabytes": 30}}
    assert result.room["monthly"] == 3.3


def test_a_volume_without_a_type_counts_for_the_default_one() -> None:
    cloud = fresh()
    assert run(cloud, rooted("bm-0", volume_type=None), volume_prices={"lvm": "2"}).room["monthly"] == 20


def test_where_nothing_is_made_nothing_is_told_and_nothing_more_is_asked() -> None:
    cloud = fresh()
    run(cloud, rooted("bm-0", recreate="on_drift"))
    cloud.reads.clear()
    result = run(cloud, rooted("bm-0", recreate="on_drift"), volume_prices={"lvm": 1})
    assert result.room == {
        "volumes": 0, "gigabytes": 0, "types": {}, "left": None, "pools": None, "monthly": 0, "lacking": [], "told": [],
    }  # fmt: skip
    assert {path for path in cloud.reads if path.startswith(("/types", "/os-", "/scheduler-stats", "/limits"))} == set()


def test_what_is_left_is_asked_with_one_request_each() -> None:
    cloud = fresh()
    run(cloud, *map(rooted, NODES))
    asked = Counter(path.removesuffix(cloud.project) for path in cloud.reads)
    for path in ("/types", "/types/default", "/os-quota-sets/", "/os-availability-zone", "/scheduler-stats/get_pools"):
        assert asked[path] == 1, path


@pytest.mark.parametrize("price", ["much", -1, None, float("nan"), True], ids=str)
def test_a_price_is_a_number(price: object) -> None:
    with pytest.raises(Invalid, match="Failed to read volume_prices: the price of ssd is «"):
        run(fresh(), rooted("bm-0"), volume_prices={"ssd": price})
