# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils.cloud import service as services
from ansible_collections.bfv.openstack.plugins.module_utils.cloud.errors import Rejected
from ansible_collections.bfv.openstack.plugins.module_utils.cloud.service import Service
from ansible_collections.bfv.openstack.plugins.module_utils.values.errors import BfvError
from ansible_collections.bfv.openstack.plugins.module_utils.values.plan import Request
from ansible_collections.bfv.openstack.tests.unit.scripted import Proxy, answer
from keystoneauth1.exceptions import ConnectFailure
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
    monkeypatch.setattr(services.time, "sleep", taken.append)
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


def test_a_busy_service_is_asked_again_when_reading() -> None:
    proxy = Proxy(answer({}))
    a_service(proxy).read("/nodes", "read the nodes")
    assert proxy.options[0]["retriable_status_codes"] == [503]
    assert proxy.options[0]["status_code_retries"] > 0


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


@pytest.mark.parametrize(("path", "logged"), [("/volume/targets", False), ("/volume/targets/x", False), ("/nodes/x", True)])
def test_the_debug_log_never_sees_a_target(path: str, logged: bool) -> None:
    proxy = Proxy(answer({}))
    a_service(proxy).read(path, "read it")
    assert proxy.options[0]["log"] is logged
