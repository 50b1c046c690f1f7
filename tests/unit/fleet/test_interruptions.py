# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.cloud.errors import Rejected
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import (
    FakeCloud,
    Json,
    a_connector,
    a_node,
    a_target,
    a_volume,
    an_image,
    manage,
)
from ansible_collections.bfv.openstack.tests.unit.mortal import Killed, Mortal
from hypothesis import given, settings
from hypothesis import strategies as st

WANTED: Json = {
    "node": "bm-0",
    "storage_interface": "cinder",
    "iscsi_boot": True,
    "volumes": [{"name": "root", "image": "debian"}, {"name": "more", "size": 5, "bootable": True}],
}


def before(state: str) -> Mortal:
    """A cloud in which all is still to be done."""
    cloud = Mortal(nodes=[a_node(storage_interface="noop", properties={})], images=[an_image()])
    if state == "undeployed":
        assert not any(one.failed for one in manage(cloud, [WANTED]).values())
    cloud.instants = 0
    return cloud


def outcome(cloud: FakeCloud) -> tuple[Any, ...]:
    (node,) = cloud.nodes.values()
    volumes = sorted((one["name"], one["status"], one["bootable"]) for one in cloud.volumes.values())
    targets = sorted(one["boot_index"] for one in cloud.targets.values())
    return node["provision_state"], node["storage_interface"], volumes, targets, len(cloud.connectors)


@pytest.mark.parametrize("end", [Killed(), Rejected("do it", "the fake", 403, "Forbidden")])
@pytest.mark.parametrize("state", ["deployed", "undeployed"])
@pytest.mark.parametrize("elapsed", [0, 5])
def test_a_run_that_ends_at_any_instant_is_completed_by_the_next(state: str, elapsed: int, end: BaseException) -> None:
    options = {"state": state, "volumes_on_undeploy": "delete"}
    whole = before(state)
    whole.end = end
    assert not any(one.failed for one in manage(whole, [WANTED], **options).values())
    for instant in range(1, whole.instants + 1):
        cloud = before(state)
        cloud.breaks_at, cloud.end = instant, end
        with suppress(Killed):
            (broken,) = manage(cloud, [WANTED], **options).values()
            assert broken.failed
        for _round in range(elapsed):
            cloud.tick()
        (after,) = manage(cloud, [WANTED], **options).values()
        assert (after.msg, outcome(cloud)) == ("", outcome(whole)), f"ended at instant {instant}"


def maybe_one(record: st.SearchStrategy[Json]) -> st.SearchStrategy[list[Json]]:
    return st.lists(record, max_size=1)


def fields(**strategies: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries({}, optional=strategies)


clouds = st.builds(
    FakeCloud,
    nodes=st.lists(
        fields(
            provision_state=st.sampled_from(
                [
                    "available",
                    "manageable",
                    "enroll",
                    "active",
                    "deploying",
                    "deploy failed",
                    "deleting",
                    "cleaning",
                    "error",
                    "clean failed",
                    "rescue",
                ]
            ),
            power_state=st.sampled_from(["power off", "power on", None]),
            storage_interface=st.sampled_from(["cinder", "noop", "external"]),
            properties=st.sampled_from(
                [{}, {"capabilities": "iscsi_boot:true"}, {"capabilities": "boot_mode:uefi, iscsi_boot:no"}]
            ),
            instance_info=st.sampled_from([{}, {"image_source": ""}]),
            instance_uuid=st.sampled_from([None, None, None, "nova"]),
            maintenance=st.sampled_from([False, False, True]),
        ).map(lambda some: a_node(**some)),
        min_size=1,
        max_size=1,
    ),
    images=st.just([an_image()]),
    volumes=maybe_one(
        fields(
            status=st.sampled_from(["available", "creating", "downloading", "in-use", "deleting", "error"]),
            bootable=st.sampled_from(["true", "false"]),
            attachments=st.sampled_from([[], [{"server_id": "other", "device": "/dev/vda"}]]),
        ).map(lambda some: a_volume(**some))
    ),
    connectors=maybe_one(st.builds(a_connector)),
    targets=maybe_one(st.builds(a_target, volume=st.sampled_from(["root", "other"]))),
)


more = st.fixed_dictionaries(
    {
        "state": st.sampled_from(["prepared", "deployed", "undeployed", "absent"]),
        "power_off": st.booleans(),
        "volumes_on_undeploy": st.sampled_from(["keep", "delete"]),
        "on_drift": st.sampled_from(["fail", "redeploy"]),
        "golden": st.booleans(),
    }
)


@settings(max_examples=200)
@given(clouds, more, st.sampled_from(["never", "on_error", "on_drift"]))
def test_from_any_state_a_run_either_fails_or_is_the_last_that_is_needed(cloud: FakeCloud, options: Json, recreate: str) -> None:
    wanted = {**WANTED, "volumes": [{**WANTED["volumes"][0], "recreate": recreate}]}
    (told,) = manage(cloud, [wanted], **options, check_mode=True).values()
    assert cloud.writes == []
    (first,) = manage(cloud, [wanted], **options).values()
    assert first.changed == bool(cloud.writes)
    if told.failed:
        assert (first.msg, cloud.writes) == (told.msg, [])
    cloud.writes.clear()
    (second,) = manage(cloud, [wanted], **options).values()
    assert (second.failed, cloud.writes) == (first.failed, [])
