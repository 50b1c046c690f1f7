# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.permits import created
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.plan import Plan, Request, Validate, together

REQUEST = Request("create it", "baremetal", "POST", "/volume/targets", "target", body={"auth_password": "hunter2"})
QUESTION = Validate("uuid", "bm-0", ("storage",))


@pytest.mark.parametrize(
    ("plan", "changed", "settled"),
    [
        (Plan("it", {}, {}), False, True),
        (Plan("it", {"a": 1}, {"a": 1}), False, True),
        (Plan("it", {}, {}, (REQUEST,)), True, False),
        (Plan("it", {}, {"a": 1}, (REQUEST,)), True, False),
        (Plan("it", {}, {}, waiting="it to come"), False, False),
        (Plan("it", {}, {"a": 1}, waiting="it to come"), True, False),
        (Plan("it", {}, {}, (QUESTION,)), False, False),
    ],
)
def test_a_plan_says_what_changes_and_whether_more_is_to_come(plan: Plan, changed: bool, settled: bool) -> None:
    assert (plan.changed, plan.settled) == (changed, settled)


def test_only_writes_are_actions() -> None:
    assert Plan("it", {}, {}, (QUESTION, REQUEST)).actions == ["create it"]


def test_a_body_is_not_in_the_text_of_a_plan() -> None:
    assert "hunter2" not in repr(Plan("it", {}, {}, (REQUEST,)))


def test_a_diff_says_what_it_is_of() -> None:
    diff = Plan("volume root", {"size": 1}, {"size": 2}, (REQUEST,)).diff
    assert diff == {"before_header": "volume root", "after_header": "volume root", "before": {"size": 1}, "after": {"size": 2}}


def test_plans_together_take_all_steps_and_wait_for_all() -> None:
    one = Plan("one", {"a": 1}, {"a": 2}, (REQUEST,), "one to come", ("careful",))
    same = Plan("same", {"b": 1}, {"b": 1})
    two = Plan("two", {}, {}, waiting="two to go", warnings=("mind",))
    both = together("all", [one, same, two])
    assert (both.steps, both.waiting, both.warnings) == ((REQUEST,), "one to come, two to go", ("careful", "mind"))
    assert (both.before, both.after) == ({"one": {"a": 1}}, {"one": {"a": 2}})


def test_nothing_together_is_settled() -> None:
    assert together("all", []).settled
    assert not together("all", []).changed


DELETE = Request(
    "delete volume root (id)", "block_storage", "DELETE", "/volumes/id", "volume", "id", permits=(created("id", ["id"]),)
)


def test_what_will_follow_is_told_and_not_taken() -> None:
    plan = Plan("it", {}, {}, (REQUEST,), "it to come", then=(DELETE,))
    assert (plan.requests, plan.actions) == ([REQUEST], ["create it", "delete volume root (id)"])
    assert together("all", [plan, plan]).then == (DELETE,)


def test_what_will_follow_is_a_change() -> None:
    assert Plan("it", {}, {}, waiting="it to come", then=(DELETE,)).changed


@pytest.mark.parametrize("field", ["steps", "then"])
def test_what_is_destroyed_stands_in_the_diff_with_its_id_and_why(field: str) -> None:
    plan = Plan("volume root", {"size": 1}, {}, **{field: (DELETE,)})  # type: ignore[arg-type]
    assert plan.diff["after"] == {"destroys": ["id: delete volume root (id), since this run made it"]}
    assert together("all", [plan]).destroys == plan.destroys
