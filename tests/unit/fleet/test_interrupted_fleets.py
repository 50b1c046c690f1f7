# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs for several nodes that end at any instant - redeployments, golden volumes, nodes that go - and the run that finishes them."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.cloud.errors import Rejected
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import Json, a_node, an_image, manage
from ansible_collections.bfv.openstack.tests.unit.mortal import Killed, Mortal

NAMES = ["bm-0", "bm-1"]


NEW: Json = {"image": "trixie", "recreate": "on_drift"}
LUN: Json = {
    "volume_id": "on the array",
    "target_iqn": "iqn.2010-10.org.example:array",
    "target_portal": "192.0.2.10:3260",
}


def nodes(volume: Json | None = None, **more: Any) -> list[Json]:
    made = volume or {"image": "debian"}
    return [
        {"node": name, "storage_interface": "cinder", "iscsi_boot": True, "volumes": [{"name": f"{name}-root", **made}], **more}
        for name in NAMES
    ]


def of_array() -> list[Json]:
    return [
        {**one, "storage_interface": "external", "targets": [{**LUN, "target_lun": number}]} for number, one in enumerate(nodes())
    ]


# What was there before, what is asked for, and with which options.
STORIES: dict[str, tuple[list[Json], list[Json], Json]] = {
    "golden": ([], nodes(), {"golden": True}),
    "unvalidated": ([], nodes(), {"validate": False}),
    "another boot interface": (nodes(), nodes(boot_interface="http-ipxe"), {"on_drift": "redeploy"}),
    "another storage": (nodes(), of_array(), {"on_drift": "redeploy"}),
    "another image": (nodes(), nodes(NEW), {"on_drift": "redeploy"}),
    "another image, golden": (nodes(), nodes(NEW), {"on_drift": "redeploy", "golden": True}),
    "absent": (nodes(), nodes(), {"state": "absent", "volumes_on_undeploy": "delete"}),
    "absent, volumes kept": (nodes(), nodes(), {"state": "absent"}),
}


def before(story: str) -> Mortal:
    cloud = Mortal(
        nodes=[a_node(name, storage_interface="noop", properties={}) for name in NAMES], images=[an_image(), an_image("trixie")]
    )
    was, _now, options = STORIES[story]
    assert not any(one.failed for one in manage(cloud, was, golden=options.get("golden", False), concurrency=1).values())
    cloud.instants = 0
    return cloud


def seen(cloud: Mortal) -> tuple[Any, ...]:
    """All that counts of what is there, without the ids of what was made."""
    volumes = {one["id"]: one["name"] for one in cloud.volumes.values()}
    return (
        sorted(
            (one["name"], one["provision_state"], one["storage_interface"], one["boot_interface"]) for one in cloud.nodes.values()
        ),
        sorted(
            (one["name"], one["status"], one["bootable"], str(one.get("volume_image_metadata"))) for one in cloud.volumes.values()
        ),
        sorted((one["node_uuid"], one["boot_index"], volumes.get(one["volume_id"], "")) for one in cloud.targets.values()),
        sorted(one["node_uuid"] for one in cloud.connectors.values()),
    )


@pytest.mark.parametrize(
    ("elapsed", "end"), [(0, Killed()), (5, Rejected("do it", "the fake", 403, "Forbidden"))], ids=["killed", "an error"]
)
@pytest.mark.parametrize("story", STORIES)
def test_what_is_left_is_finished_by_the_next_run(story: str, elapsed: int, end: BaseException) -> None:
    _was, now, options = STORIES[story]
    whole = before(story)
    whole.end = end
    assert [one.msg for one in manage(whole, now, concurrency=1, **options).values()] == ["", ""]
    assert whole.instants
    for instant in range(1, whole.instants + 1):
        cloud = before(story)
        cloud.breaks_at, cloud.end = instant, end
        with suppress(Killed):
            broken = manage(cloud, now, concurrency=1, **options)
            assert any(one.failed for one in broken.values()) or cloud.instants < instant
        for _round in range(elapsed):
            cloud.tick()
        after = manage(cloud, now, concurrency=1, **options)
        assert ([one.msg for one in after.values()], seen(cloud)) == (["", ""], seen(whole)), f"ended at instant {instant}"
        cloud.writes.clear()
        last = manage(cloud, now, concurrency=1, **options)
        assert ([one.changed for one in last.values()], cloud.writes) == ([False, False], []), f"ended at instant {instant}"
