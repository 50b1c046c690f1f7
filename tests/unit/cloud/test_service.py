# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.cloud import wait
from ansible_collections.bfv.openstack.plugins.module_utils._engine.cloud.errors import Rejected, Unanswered
from ansible_collections.bfv.openstack.plugins.module_utils._engine.cloud.service import Service
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import BfvError, Refused
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.plan import Request, Still
from ansible_collections.bfv.openstack.tests.unit.scripted import Proxy, answer
from keystoneauth1.exceptions import ConnectFailure, ConnectTimeout
from requests import Response

CREATE = Request("create the target", "baremetal", "POST", "/volume/targets", "target", body={"boot_index": 0})


def a_service(proxy: Proxy) -> Service:
    return Service(proxy, "Ironic", "1.33")


def a_conflict(said: str) -> Response:
    return answer({"error_message": {"faultstring": said}}, 409)


def a_lock() -> Response:
    return a_conflict("Node x is locked by host y, please retry")


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    taken: list[float] = []
    monkeypatch.setattr(wait.time, "sleep", taken.append)
    return taken


# Reading


def test_the_microversion_is_asked_for_by_number() -> None:
    proxy = Proxy(answer({"uuid": "x"}))
    assert a_service(proxy).read("/nodes/x", "read node x") == {"uuid": "x"}
    assert proxy.options[0]["microversion"] == "1.33"


def test_what_is_not_there_is_none() -> None:
    assert a_service(Proxy(answer({}, 404))).find("/nodes/x", "read node x") is None


@pytest.mark.parametrize("status", [400, 403, 500])
def test_what_cannot_be_read_is_an_error(status: int) -> None:
    with pytest.raises(Rejected, match="Failed to read node x: Ironic says «no"):
        a_service(Proxy(answer("no", status))).find("/nodes/x", "read node x")


def test_a_page_that_is_not_json_is_an_error_too() -> None:
    with pytest.raises(BfvError, match="Failed to read node x"):
        a_service(Proxy(answer("<html>Welcome to nginx</html>"))).read("/nodes/x", "read node x")


def test_pages_are_followed_by_next() -> None:
    proxy = Proxy(
        answer({"nodes": [{"uuid": "a"}], "next": "https://behind.a.proxy/v1/nodes?limit=1&marker=a&fields=uuid"}),
        answer({"nodes": [{"uuid": "b"}]}),
    )
    assert [one["uuid"] for one in a_service(proxy).list("/nodes", "nodes", "read the nodes", fields="uuid")] == ["a", "b"]
    assert proxy.asked == [("GET", "/nodes")] * 2
    assert [asked["params"] for asked in proxy.options] == [{"fields": "uuid"}, {"fields": "uuid", "limit": "1", "marker": "a"}]


def test_pages_are_followed_by_cinders_links() -> None:
    links = [{"rel": "self", "href": "/x"}, {"rel": "next", "href": "/v3/volumes/detail?marker=a&name=r"}]
    proxy = Proxy(
        answer({"volumes": [{"id": "a"}], "volumes_links": links}), answer({"volumes": [{"id": "b"}], "volumes_links": []})
    )
    assert [one["id"] for one in a_service(proxy).list("/volumes/detail", "volumes", "read", name="r")] == ["a", "b"]
    assert proxy.options[1]["params"] == {"name": "r", "marker": "a"}


def test_glances_links_are_followed_as_well() -> None:
    proxy = Proxy(answer({"images": [{"id": "a"}], "next": "/v2/images?marker=a"}), answer({"images": []}))
    assert len(list(a_service(proxy).list("/images", "images", "read"))) == 1
    assert proxy.options[1]["params"] == {"marker": "a"}


@pytest.mark.parametrize("link", ["/v1/nodes?marker=b", "/v1/nodes?marker=a", "/v1/nodes"])
def test_field_x10_a_page_that_leads_back_ends_and_says_so(link: str) -> None:
    first = answer({"nodes": [{"uuid": "a"}], "next": "/v1/nodes?marker=a"})
    second = answer({"nodes": [{"uuid": "b"}], "next": "/v1/nodes?marker=b"})
    proxy = Proxy(first, second, *[answer({"nodes": [], "next": link})] * 5)
    with pytest.raises(
        BfvError, match="Failed to read the nodes: Ironic's link to the next page leads back to one that was read"
    ):
        list(a_service(proxy).list("/nodes", "nodes", "read the nodes"))
    assert len(proxy.asked) == 3


@pytest.mark.parametrize("body", [{}, {"nodes": None}, {"nodes": {}}, [], "null", '"nodes"', "1", '{"nodes": [', "[" * 100_000])
def test_field_b12_what_is_no_list_is_an_error(body: object) -> None:
    with pytest.raises(Unanswered, match="Failed to read the nodes: Ironic"):
        list(a_service(Proxy(answer(body))).list("/nodes", "nodes", "read the nodes"))


# Writing


def test_an_answer_without_a_body_is_empty() -> None:
    assert a_service(Proxy(answer(None, 204))).send(CREATE) == {}


def test_the_body_is_sent_as_json() -> None:
    proxy = Proxy(answer({"uuid": "x"}, 201))
    assert a_service(proxy).send(CREATE) == {"uuid": "x"}
    assert (proxy.asked, proxy.options[0]["json"]) == ([("POST", "/volume/targets")], {"boot_index": 0})


def test_a_locked_node_is_tried_again(pauses: list[float]) -> None:
    proxy = Proxy(a_lock(), a_lock(), answer({"uuid": "x"}))
    assert a_service(proxy).send(CREATE) == {"uuid": "x"}
    assert len(pauses) == 2


def test_pauses_grow_and_differ_from_node_to_node(pauses: list[float]) -> None:
    with pytest.raises(Rejected, match="is locked"):
        a_service(Proxy(*[a_lock()] * 6)).send(CREATE)
    assert [2**tries / 2 <= pause <= 2**tries for tries, pause in enumerate(pauses)] == [True] * 5
    assert len({pause / 2**tries for tries, pause in enumerate(pauses)}) == 5


@pytest.mark.parametrize(
    "said",
    [
        "A volume target with boot index '0' for the same node already exists.",
        "can not be updated while a state transition is in progress.",
    ],
)
def test_a_conflict_that_stays_is_not_tried_again(pauses: list[float], said: str) -> None:
    proxy = Proxy(a_conflict(said))
    with pytest.raises(Rejected):
        a_service(proxy).send(CREATE)
    assert (len(proxy.asked), pauses) == (1, [])


@pytest.mark.parametrize("failure", [answer("busy", 503), answer("oops", 500), ConnectFailure("reset")])
def test_a_write_that_may_have_taken_place_is_not_repeated(pauses: list[float], failure: Response | Exception) -> None:
    proxy = Proxy(failure)
    with pytest.raises(BfvError):
        a_service(proxy).send(CREATE)
    assert (len(proxy.asked), pauses) == (1, [])
    assert (proxy.options[0]["status_code_retries"], proxy.options[0]["connect_retries"]) == (0, 0)


@pytest.mark.parametrize("failure", [answer("no answer of the backend", 504), ConnectTimeout("timed out")])
@pytest.mark.parametrize(("request_", "waits"), [(CREATE, [15.0]), (replace(CREATE, method="PATCH", key="x"), [])])
def test_field_b12_what_may_still_be_in_the_making_is_looked_at_later(
    pauses: list[float], failure: Response | Exception, request_: Request, waits: list[float]
) -> None:
    proxy = Proxy(failure)
    with pytest.raises(BfvError):
        a_service(proxy).send(request_)
    assert (len(proxy.asked), pauses) == (1, waits)


@pytest.mark.parametrize(("path", "logged"), [("/volume/targets", False), ("/volume/targets/x", False), ("/nodes/x", True)])
def test_the_debug_log_never_sees_a_target(path: str, logged: bool) -> None:
    proxy = Proxy(answer({}))
    a_service(proxy).read(path, "read it")
    assert proxy.options[0]["log"] is logged


@pytest.mark.parametrize("later", [None, "9"])
def test_field_b12_what_the_service_had_no_time_for_is_tried_again(pauses: list[float], later: str | None) -> None:
    busy = answer({}, 429)
    if later:
        busy.headers["Retry-After"] = later
    proxy = Proxy(busy, busy, answer({"uuid": "x"}, 201))
    assert a_service(proxy).send(CREATE) == {"uuid": "x"}
    assert len(pauses) == 2
    assert min(pauses) >= (9 if later else 0.25)


def test_field_b12_a_service_without_time_says_so_in_the_end(pauses: list[float]) -> None:
    busy = answer({}, 429)
    busy.headers["Retry-After"] = "1000"
    with pytest.raises(Rejected, match="wants fewer requests: run again later"):
        a_service(Proxy(busy)).send(CREATE)
    assert pauses == []


def test_field_b12_after_too_many_requests_what_must_hold_is_read_again(pauses: list[float]) -> None:
    proxy = Proxy(answer(AS_IT_WAS), answer({}, 429), answer({**AS_IT_WAS, "instance_uuid": "nova"}))
    with pytest.raises(Refused, match="is nova now"):
        a_service(proxy).send(UNDEPLOY)


@pytest.mark.parametrize("body", ['{"uuid": "x', "<html>Welcome</html>", "[]", "null"])
def test_field_b12_a_write_whose_answer_cannot_be_read_may_have_been_done(body: str) -> None:
    with pytest.raises(Unanswered, match="Failed to create the target: Ironic's answer cannot be read"):
        a_service(Proxy(answer(body, 201))).send(CREATE)


# What cannot be taken back

UNDEPLOY = Request(
    "undeploy node bm-0",
    "baremetal",
    "PUT",
    "/nodes/n/states/provision",
    "node",
    "n",
    body={"target": "deleted"},
    still=Still("/nodes/n", {"provision_state": "active", "instance_uuid": None}),
)
AS_IT_WAS = {"provision_state": "active", "instance_uuid": None}


def test_the_record_is_read_once_more_directly_before() -> None:
    proxy = Proxy(answer(AS_IT_WAS), answer({}))
    a_service(proxy).send(UNDEPLOY)
    assert proxy.asked == [("GET", "/nodes/n"), ("PUT", "/nodes/n/states/provision")]


@pytest.mark.parametrize(
    ("now", "words"),
    [
        ({**AS_IT_WAS, "provision_state": "rescue"}, "its provision_state was active when it was looked at, and is rescue now"),
        ({**AS_IT_WAS, "instance_uuid": "nova"}, "its instance_uuid was none when it was looked at, and is nova now"),
        ({}, "its provision_state was active when it was looked at, and is none now"),
        ({**AS_IT_WAS, "provision_state": "Active"}, "its provision_state was active when it was looked at, and is Active now"),
        ({**AS_IT_WAS, "instance_uuid": "None"}, "its instance_uuid was none when it was looked at, and is None now"),
    ],
)
def test_nothing_is_sent_where_it_is_otherwise_by_now(now: dict[str, object], words: str) -> None:
    proxy = Proxy(answer(now))
    with pytest.raises(Refused, match=f"Failed to undeploy node bm-0: {words}"):
        a_service(proxy).send(UNDEPLOY)
    assert proxy.asked == [("GET", "/nodes/n")]


def test_nothing_is_sent_where_it_is_gone() -> None:
    with pytest.raises(Refused, match="it is gone since it was looked at"):
        a_service(Proxy(answer({}, 404))).send(UNDEPLOY)


def test_a_record_within_an_object_is_compared_there() -> None:
    stop = replace(UNDEPLOY, still=Still("/servers/s", {"status": "ACTIVE"}, "server"))
    proxy = Proxy(answer({"server": {"status": "ACTIVE"}}), answer({}))
    a_service(proxy).send(stop)
    assert len(proxy.asked) == 2


def test_after_a_lock_was_waited_for_it_is_read_again(pauses: list[float]) -> None:
    """Whoever had the lock may have deployed the node for somebody else."""
    proxy = Proxy(answer(AS_IT_WAS), a_lock(), answer({**AS_IT_WAS, "instance_uuid": "nova"}))
    with pytest.raises(Refused, match="is nova now"):
        a_service(proxy).send(UNDEPLOY)
    assert [method for method, _path in proxy.asked] == ["GET", "PUT", "GET"]


def test_the_last_try_after_a_lock_is_no_other(pauses: list[float]) -> None:
    tries = [one for _try in range(5) for one in (answer(AS_IT_WAS), a_lock())]
    proxy = Proxy(*tries, answer({**AS_IT_WAS, "provision_state": "deleting"}))
    with pytest.raises(Refused, match="is deleting now"):
        a_service(proxy).send(UNDEPLOY)
    assert len(pauses) == 5
