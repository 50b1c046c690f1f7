# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One look at a cloud for many: each question is asked once, and what each asks of its own is found in one list."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.cloud.shared_look import SharedLook
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.server import record as server
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.volume import record as volume
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.volume import source
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import BfvError, Unusable
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import FakeCloud, Json, a_volume, an_image, uuid_of
from ansible_collections.bfv.openstack.tests.unit.fake_nova import a_server

NAMES = ("web.1", "web-1", "db")


def a_cloud() -> FakeCloud:
    volumes: list[Json] = [a_volume(name, metadata={"role": name}) for name in NAMES]
    return FakeCloud(volumes=volumes, servers=[a_server(one, one) for one in NAMES], images=[an_image()])


def look_at(cloud: FakeCloud, in_bulk: bool = True) -> SharedLook:
    return SharedLook(cloud, in_bulk=in_bulk)  # type: ignore[arg-type]


@pytest.mark.parametrize("in_bulk", [True, False], ids=["in bulk", "singly"])
def test_what_is_found_is_what_each_would_find_alone(in_bulk: bool) -> None:
    cloud = a_cloud()
    look = look_at(cloud, in_bulk=in_bulk)
    for name in (*NAMES, "WEB-1", "none"):
        assert volume.read(look, name=name) == volume.read(cloud, name=name)  # type: ignore[arg-type]
        assert volume.read(look, id=uuid_of(name)) == volume.read(cloud, id=uuid_of(name))  # type: ignore[arg-type]
        assert volume.read_marked(look, "role", name) == volume.read_marked(cloud, "role", name)  # type: ignore[arg-type]
        assert server.read(look, name=name) == server.read(cloud, name=name)  # type: ignore[arg-type]


def test_one_list_answers_for_all_of_them() -> None:
    cloud = a_cloud()
    look = look_at(cloud)
    for name in NAMES:
        assert volume.read(look, name=name)
        assert volume.read(look, id=uuid_of(name))
        assert server.read(look, name=name)
    assert Counter(cloud.reads) == {"/volumes/detail": 1, "/servers/detail": 1}


def test_what_the_list_does_not_have_is_asked_for_by_its_id() -> None:
    cloud = a_cloud()
    cloud.list_misses.add(uuid_of("db"))
    look = look_at(cloud)
    assert [one.name for one in volume.read(look, id=uuid_of("db"))] == ["db"]


def test_a_question_is_asked_once_by_many_at_once() -> None:
    cloud = a_cloud()
    look = look_at(cloud)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _number: source.observe(look, "image", "debian"), range(32)))
    assert len(set(found)) == 1
    assert len(cloud.reads) == 1


def test_an_error_is_everybodys() -> None:
    cloud = a_cloud()
    look = look_at(cloud)
    for _time in range(2):
        with pytest.raises(Unusable, match="find image hurd"):
            source.observe(look, "image", "hurd")
    asked = len(cloud.reads)
    with pytest.raises(BfvError):
        source.observe(look, "image", "hurd")
    assert len(cloud.reads) == asked


def test_another_look_asks_anew() -> None:
    cloud = a_cloud()
    assert volume.read(look_at(cloud), name="db")
    del cloud.volumes[uuid_of("db")]
    assert not volume.read(look_at(cloud), name="db")
