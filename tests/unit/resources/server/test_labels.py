# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tags and description of a server: given at its creation, changed in place, kept where a task does not name them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.server import plan as server
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import Invalid, Refused
from ansible_collections.bfv.openstack.tests.unit import deeds
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import FakeCloud, Json, planned, settle
from ansible_collections.bfv.openstack.tests.unit.server_cloud import WEB, a_project, the_server, with_server

LABELS: Json = {"tags": ["web", "blue"], "description": "The front page"}


def labels(cloud: FakeCloud) -> tuple[list[str], str | None]:
    return the_server(cloud)["tags"], the_server(cloud)["description"]


def changed(cloud: FakeCloud, **options: Any) -> list[str]:
    foreseen = planned(cloud, server, **options).actions
    cloud.writes.clear()
    settle(cloud, server, **options)
    done = [request.what for request in cloud.writes]
    assert done == [action.replace("(known when the server is there)", the_server(cloud)["id"]) for action in foreseen]
    assert planned(cloud, server, **options).changed is False
    return done


def test_a_new_server_has_them_by_the_request_that_makes_it() -> None:
    cloud = a_project()
    actions = changed(cloud, **WEB, **LABELS)
    assert labels(cloud) == (["blue", "web"], "The front page")
    assert not [words for words in actions if "tags" in words or "description" in words]


@pytest.mark.parametrize("nothing", [{}, {"tags": [], "description": ""}])
def test_a_new_server_without_them_has_none(nothing: Json) -> None:
    cloud = a_project()
    changed(cloud, **WEB, **nothing)
    assert labels(cloud) == ([], None)


def test_they_are_changed_in_place_each_by_one_request() -> None:
    cloud = with_server(options={"tags": ["old", "web"], "description": "Something"})
    assert changed(cloud, name="web", **LABELS) == ["describe server web", "set the tags of server web to blue, web"]
    assert labels(cloud) == (["blue", "web"], "The front page")


def test_they_are_removed() -> None:
    cloud = with_server(options=LABELS)
    assert changed(cloud, name="web", tags=[], description="") == [
        "remove the description of server web",
        "remove the tags of server web",
    ]
    assert labels(cloud) == ([], None)


def test_what_is_not_named_is_left_alone() -> None:
    cloud = with_server(options=LABELS)
    assert planned(cloud, server, **WEB).changed is False


@pytest.mark.parametrize("tags", [["blue", "web"], ["web", "blue", "web"]])
def test_the_order_of_tags_does_not_count_nor_one_that_is_named_twice(tags: list[str]) -> None:
    assert planned(with_server(options=LABELS), server, **WEB, tags=tags).changed is False


def test_a_description_that_is_empty_in_another_way_is_no_change() -> None:
    cloud = with_server()
    the_server(cloud)["description"] = ""
    assert planned(cloud, server, **WEB, description="").changed is False


def test_they_stand_in_the_diff() -> None:
    plan = planned(with_server(), server, **WEB, **LABELS)
    assert (plan.before["tags"], plan.after["tags"]) == ([], ["blue", "web"])
    assert (plan.before["description"], plan.after["description"]) == (None, "The front page")


@pytest.mark.parametrize(
    ("options", "end"), [({}, (["blue", "web"], "The front page")), ({"tags": ["green"], "description": ""}, (["green"], None))]
)
def test_the_new_server_of_a_replacement_has_them_and_what_the_task_says_wins(options: Json, end: Any) -> None:
    cloud = with_server(options=LABELS)
    changed(cloud, **{**WEB, "flavor": "large", "on_flavor_change": "replace", "replace_may_lose": ["user_data"], **options})
    assert labels(cloud) == end


def test_of_a_locked_server_both_are_changed_as_nova_does() -> None:
    cloud = with_server()
    the_server(cloud)["locked"] = True
    changed(cloud, name="web", **LABELS)


@pytest.mark.parametrize("action", ["shelve", "rescue"])
def test_tags_are_refused_first_in_a_status_in_which_nova_takes_none(action: str) -> None:
    """nova/api/openstack/compute/server_tags.py, _check_instance_in_valid_state."""
    cloud = with_server()
    deeds.act(cloud, the_server(cloud), action)
    with pytest.raises(Refused, match="Failed to set the tags of server web to a: its status is"):
        planned(cloud, server, name="web", tags=["a"], description="b")
    changed(cloud, name="web", description="b")


WRONG: list[tuple[Json, str]] = [
    ({"tags": ["a,b"]}, 'tags has "a,b"'),
    ({"tags": ["a/b"]}, 'tags has "a/b"'),
    ({"tags": [""]}, 'tags has ""'),
    ({"tags": ["x" * 61]}, "tags has"),
    ({"tags": [f"t{number}" for number in range(51)]}, "51 tags, and Nova takes up to 50"),
    ({"description": "x" * 256}, "description has 256 characters"),
    ({"description": "two\nlines"}, "description .* has characters that Nova does not take"),
    ({"description": "emoji \U0001f600"}, "description .* has characters that Nova does not take"),
]


@pytest.mark.parametrize(("options", "words"), WRONG)
def test_what_nova_would_not_take_is_refused_before_anything_is_read(options: Json, words: str) -> None:
    with pytest.raises(Invalid, match=f"Failed to read server web: .*{words}"):
        server.wanted({**WEB, **options})


def test_the_longest_that_nova_takes_is_taken() -> None:
    changed(a_project(), **WEB, description="x" * 255, tags=["y" * 60, *(f"t{number}" for number in range(49))])
