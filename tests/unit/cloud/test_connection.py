# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils.cloud import connection
from ansible_collections.bfv.openstack.plugins.module_utils.cloud.connection import Cloud
from ansible_collections.bfv.openstack.plugins.module_utils.values.errors import BfvError, Invalid
from ansible_collections.bfv.openstack.plugins.module_utils.values.plan import Request
from ansible_collections.bfv.openstack.tests.unit.scripted import Proxy, answer
from openstack import exceptions as sdk_errors


class Service(Proxy):
    def __init__(self, name: str, newest: tuple[int, int] = (3, 99)) -> None:
        super().__init__(answer({"from": name}), answer({"from": name}))
        self.newest = newest

    def get_endpoint_data(self) -> SimpleNamespace:
        return SimpleNamespace(max_microversion=self.newest, url="http://cloud")


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The settings of every connection that is made."""
    made: list[dict[str, Any]] = []

    def connect(**settings: Any) -> SimpleNamespace:
        made.append(settings)
        number = len(made)
        return SimpleNamespace(**{name: Service(f"{name} {number}") for name in ("baremetal", "block_storage", "image")})

    monkeypatch.setattr(connection.openstack, "connect", connect)
    return made


def test_a_cloud_is_named_and_its_parts_replaced(connected: list[dict[str, Any]]) -> None:
    params = {
        "cloud": "site",
        "auth": {"username": "me"},
        "region_name": "east",
        "validate_certs": False,
        "ca_cert": "ca.pem",
        "timeout": 9,
    }
    assert Cloud({**params, "client_cert": "me.pem", "client_key": "me.key", "api_timeout": 5, "interface": "internal"}).baremetal
    assert connected == [
        {
            "cloud": "site",
            "auth": {"username": "me"},
            "region_name": "east",
            "verify": False,
            "cacert": "ca.pem",
            "cert": "me.pem",
            "key": "me.key",
            "api_timeout": 5,
            "interface": "internal",
        }
    ]


def test_what_is_not_given_is_left_to_the_environment(connected: list[dict[str, Any]]) -> None:
    assert Cloud({"cloud": None, "auth": None, "interface": "public"}).baremetal
    assert connected == [{"interface": "public"}]


def test_a_dict_is_a_whole_configuration(connected: list[dict[str, Any]]) -> None:
    assert Cloud({"cloud": {"auth": {"username": "me"}, "interface": "admin"}, "interface": "public"}).baremetal
    assert connected == [{"auth": {"username": "me"}, "interface": "admin"}]


@pytest.mark.parametrize("option", ["auth", "region_name", "validate_certs", "client_key"])
def test_nothing_can_be_given_beside_a_dict(connected: list[dict[str, Any]], option: str) -> None:
    with pytest.raises(Invalid, match=f"so {option} cannot be given beside it"):
        assert Cloud({"cloud": {"auth": {}}, option: "x", "interface": "public"}).baremetal


def test_nothing_is_connected_before_it_is_asked(connected: list[dict[str, Any]]) -> None:
    Cloud({"cloud": "site"})
    assert connected == []


def test_all_services_share_one_connection(connected: list[dict[str, Any]]) -> None:
    cloud = Cloud({"cloud": "site"})
    said = [service.read("/", "read") for service in (cloud.baremetal, cloud.block_storage, cloud.image, cloud.baremetal)]
    assert said == [{"from": "baremetal 1"}, {"from": "block_storage 1"}, {"from": "image 1"}, {"from": "baremetal 1"}]
    assert len(connected) == 1


def test_cinder_and_glance_may_be_reached_as_somebody_else(connected: list[dict[str, Any]]) -> None:
    cloud = Cloud({"cloud": "admin", "volume_cloud": "project", "interface": "public"})
    said = [service.read("/", "read") for service in (cloud.baremetal, cloud.block_storage, cloud.image)]
    assert said == [{"from": "baremetal 1"}, {"from": "block_storage 2"}, {"from": "image 2"}]
    assert [settings["cloud"] for settings in connected] == ["admin", "project"]


@pytest.mark.parametrize("service", ["baremetal", "block_storage"])
def test_a_write_goes_to_the_service_that_it_names(connected: list[dict[str, Any]], service: str) -> None:
    assert Cloud({"cloud": "site"}).send(Request("do it", service, "POST", "/x", "volume")) == {"from": f"{service} 1"}


@pytest.mark.parametrize(("service", "newest"), [("baremetal", (1, 32)), ("block_storage", (3, 46))])
def test_an_old_service_is_refused(monkeypatch: pytest.MonkeyPatch, service: str, newest: tuple[int, int]) -> None:
    monkeypatch.setattr(
        connection.openstack, "connect", lambda **_settings: SimpleNamespace(**{service: Service(service, newest)})
    )
    with pytest.raises(BfvError, match="Update the service"):
        getattr(Cloud({"cloud": "site"}), service)


@pytest.mark.parametrize(
    ("cloud", "words"),
    [("site", "the configuration of cloud 'site'"), ({"auth": {"password": "hunter2"}}, "the cloud's configuration")],
)
def test_an_unknown_cloud_gives_one_clear_line(monkeypatch: pytest.MonkeyPatch, cloud: object, words: str) -> None:
    def connect(**_settings: Any) -> None:
        raise sdk_errors.ConfigException("Cloud was not found.")

    monkeypatch.setattr(connection.openstack, "connect", connect)
    with pytest.raises(BfvError, match=f"Failed to read {words}: Cloud was not found") as caught:
        assert Cloud({"cloud": cloud}).baremetal
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("debug", [True, False])
def test_the_sdk_writes_its_log_to_a_file(monkeypatch: pytest.MonkeyPatch, debug: bool) -> None:
    settings: dict[str, Any] = {}
    monkeypatch.setattr(connection.openstack, "enable_logging", lambda **given: settings.update(given))
    connection.log_to("sdk.log", debug=debug)
    assert settings == {"debug": debug, "http_debug": debug, "path": "sdk.log"}
