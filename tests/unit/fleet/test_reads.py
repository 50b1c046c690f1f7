# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many requests a run makes: a few nodes are read one by one, many with a handful of lists."""

from __future__ import annotations

from collections import Counter

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet.nodes import lists
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import FakeCloud, Json, a_node, manage, uuid_of
from ansible_collections.bfv.openstack.tests.unit.fleet.test_fleet import ARRAY, deployed, entry, fresh, names

LISTS = {"/images": 1, "/nodes": 1, "/volume/connectors": 1, "/volume/targets": 1, "/volumes/detail": 1}


def of_array(name: str) -> Json:
    return entry(
        name, storage_interface="external", volumes=None, targets=[{**ARRAY, "target_lun": int(name.rpartition("-")[2])}]
    )


def again(number: int, **options: object) -> Counter[str]:
    """What a run without change reads."""
    cloud = deployed(number)
    assert not any(
        outcome.failed or outcome.changed
        for outcome in manage(cloud, [entry(name) for name in names(number)], **options).values()
    )
    return Counter(cloud.reads)


@pytest.mark.parametrize("number", [lists.FEW + 1, 12, 100])
def test_many_nodes_are_read_with_a_handful_of_lists(number: int) -> None:
    assert again(number) == LISTS


def test_a_node_is_read_by_itself() -> None:
    assert again(1) == {"/nodes/bm-0": 1, **dict.fromkeys(LISTS.keys() - {"/nodes"}, 1)}


@pytest.mark.parametrize("number", [2, lists.FEW])
def test_a_few_nodes_are_read_by_lists_where_those_are_short(number: int) -> None:
    assert again(number) == LISTS


@pytest.mark.parametrize("number", [2, lists.FEW])
def test_a_few_nodes_among_many_are_read_by_themselves(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "SHORT", 2)
    of_each = {f"/nodes/{name}": 1 for name in names(number)}
    asked_for_first = {"/nodes": 1, **dict.fromkeys(["/volumes/detail", "/volume/connectors", "/volume/targets"], number + 1)}
    assert again(number) == {**of_each, **asked_for_first, "/images": 1}


def test_what_may_be_most_nodes_of_a_cloud_is_asked_for_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "MANY", 12)
    assert again(12) == LISTS


def test_lists_that_were_asked_for_in_vain_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "MANY", 5)
    cloud = deployed(21)
    manage(cloud, [entry(name) for name in names(5)])
    assert Counter(cloud.reads) == {**LISTS, "/volume/connectors": 1 + 5, "/volume/targets": 1 + 5}


def test_check_mode_reads_no_more() -> None:
    assert again(12, check_mode=True) == LISTS


def test_golden_volumes_take_no_further_request() -> None:
    assert again(12, golden=True) == LISTS


def test_nodes_of_an_array_are_read_without_cinder() -> None:
    cloud = fresh(12)
    nodes = [of_array(name) for name in names(12)]
    manage(cloud, nodes)
    cloud.reads.clear()
    manage(cloud, nodes)
    assert Counter(cloud.reads) == {"/nodes": 1, "/volume/connectors": 1, "/volume/targets": 1}


def test_an_undeployment_needs_no_image() -> None:
    cloud = deployed(12)
    manage(cloud, [entry(name) for name in names(12)], state="undeployed")
    assert "/images" not in cloud.reads


@pytest.mark.parametrize("number", [1, 12])
def test_the_default_of_each_driver_is_read_once(number: int) -> None:
    drivers = ["fake-hardware", "ipmi", "redfish"]
    cloud = FakeCloud(nodes=[a_node(name, driver=drivers[index % 3]) for index, name in enumerate(names(number))])
    manage(cloud, [{"node": name} for name in names(number)], state="absent")
    asked = {path: times for path, times in Counter(cloud.reads).items() if path.startswith("/drivers")}
    assert asked == {f"/drivers/{driver}": 1 for driver in drivers[:number]}


def requests(number: int, **options: object) -> Counter[str]:
    """What is read to deploy so many nodes at once, apart from the validation of each."""
    cloud = fresh(number)
    manage(cloud, [entry(name) for name in names(number)], **options)
    return Counter(path for path in cloud.reads if not path.endswith("/validate"))


@pytest.mark.parametrize("golden", [False, True])
def test_a_round_takes_one_request_however_many_nodes_wait(golden: bool) -> None:
    assert requests(5, golden=golden) == requests(12, golden=golden)


def test_a_redeployment_of_many_takes_as_many_rounds_as_one_of_five() -> None:
    def redeployed(number: int) -> Counter[str]:
        cloud = deployed(number)
        wanted = [entry(name, boot_interface="http-ipxe") for name in names(number)]
        assert not any(outcome.failed for outcome in manage(cloud, wanted, on_drift="redeploy").values())
        again = Counter(path for path in cloud.reads if path in {f"/nodes/{uuid_of(name)}" for name in names(number)})
        assert set(again.values()) == {1}  # each is read again directly before it is undeployed
        return Counter(path for path in cloud.reads if path not in again and not path.endswith("/validate"))

    assert redeployed(5) == redeployed(12)


class Slow(FakeCloud):
    """Nodes stay where they are for a while."""

    def _move(self, node: Json) -> None:
        if self.now > 30:
            super()._move(node)


@pytest.mark.parametrize("state", ["undeployed", "absent"])
def test_while_nodes_are_undeployed_only_they_are_looked_at(state: str) -> None:
    def asked(kind: type[FakeCloud]) -> tuple[Counter[str], int]:
        cloud = deployed(6)
        cloud.__class__ = kind
        cloud.now = 0.0
        manage(cloud, [entry(name) for name in names(6)], state=state)
        return Counter(path for path in cloud.reads if path != "/nodes"), cloud.reads.count("/nodes")

    quick, slow = asked(FakeCloud), asked(Slow)
    assert quick[0] == slow[0]
    assert quick[1] < slow[1]


def test_each_node_is_validated_once_and_not_at_all_where_that_is_off() -> None:
    def validations(**options: object) -> int:
        cloud = fresh(6)
        assert not any(outcome.failed for outcome in manage(cloud, [entry(name) for name in names(6)], **options).values())
        return sum(path.endswith("/validate") for path in cloud.reads)

    assert (validations(), validations(validate=True), validations(validate=False)) == (6, 6, 0)
