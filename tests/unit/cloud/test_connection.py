# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.cloud import connection, sdk_log
from ansible_collections.bfv.openstack.plugins.module_utils._engine.cloud.connection import Cloud
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import BfvError, Invalid, Refused
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.plan import Request
from ansible_collections.bfv.openstack.tests.unit.scripted import Proxy, answer
from openstack import exceptions as sdk_errors
from requests import Session


class Configuration:
    """What the SDK read of a cloud, and the catalogue that Keystone gave it."""

    def __init__(self, *missing: str, region: str | None = "east") -> None:
        self._missing, self._region = missing, region

    def get_session_endpoint(self, service_type: str) -> str | None:
        return None if service_type in self._missing else "http://cloud"

    def get_region_name(self, service_type: str) -> str | None:
        return self._region

    def get_interface(self, service_type: str) -> str:
        return "public"


def a_connection(**parts: object) -> SimpleNamespace:
    return SimpleNamespace(**{"config": Configuration(), "session": SimpleNamespace(session=Session()), **parts})


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
        return a_connection(**{name: Service(f"{name} {number}") for name in ("baremetal", "block_storage", "image")})

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
    monkeypatch.setattr(connection.openstack, "connect", lambda **_settings: a_connection(**{service: Service(service, newest)}))
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


@pytest.mark.parametrize("more", [{"passwrd": "hunter2"}, {"client_secret": "hunter2"}])
def test_a_mistyped_name_within_auth_is_told(more: dict[str, str]) -> None:
    auth = {"auth_url": "http://192.0.2.1", "username": "demo", "password": "x", "project_name": "demo"}
    with pytest.raises(Invalid) as caught:
        assert Cloud({"auth": {**auth, **more}}).baremetal
    assert str(caught.value) == (
        f"Failed to read the cloud's configuration: auth has {next(iter(more))}, which its auth_type does not know. Correct it, or leave it out."
    )


@pytest.mark.parametrize("debug", [True, False])
def test_the_sdk_writes_its_log_to_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, debug: bool) -> None:
    settings: dict[str, Any] = {}
    monkeypatch.setattr(connection.openstack, "enable_logging", lambda **given: settings.update(given))
    connection.log_to(str(tmp_path / "sdk.log"), debug=debug)
    (log,) = settings.pop("handlers")
    assert (settings, log.baseFilename) == ({"debug": debug, "http_debug": debug}, str(tmp_path / "sdk.log"))
    log.close()


@pytest.mark.parametrize("there", [True, False])
def test_field_x6_the_log_is_its_owners_alone(tmp_path: Path, there: bool) -> None:
    path = tmp_path / "sdk.log"
    if there:
        path.write_text("before\n")
        path.chmod(0o644)
    log = sdk_log.Log(str(path))
    log.emit(logging.makeLogRecord({"msg": 'REQ: curl -d \'{"server": {"user_data": "IyEv", "name": "web"}}\''}))
    log.close()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text().splitlines()[-1] == 'REQ: curl -d \'{"server": {"user_data": "******", "name": "web"}}\''
    assert path.read_text().startswith("before\n") is there


def test_field_x6_the_log_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_text("x")
    (tmp_path / "sdk.log").symlink_to(tmp_path / "theirs")
    with pytest.raises(Refused, match=r"Failed to write the log of the SDK: .* that is no link \(sdk_log_path\)"):
        connection.log_to(str(tmp_path / "sdk.log"), debug=True)
    assert (tmp_path / "theirs").read_text() == "x"


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ('{"adminPass": "geheim", "id": "1"}', '{"adminPass": "******", "id": "1"}'),
        ('{"auth_password": "ge\\"he\'im"}', '{"auth_password": "******"}'),
        ("{'password': 'geheim', 'x': 'y'}", "{'password': \"******\", 'x': 'y'}"),
        ('{"contents": "geheim"}', '{"contents": "******"}'),
        ('{"name": "geheim"}', '{"name": "geheim"}'),
    ],
)
def test_field_x6_a_line_of_the_log_has_no_secret(line: str, shown: str) -> None:
    assert sdk_log.masked(line) == shown


SERVICES = {
    "baremetal": "Ironic: this cloud has no bare metal service",
    "block_storage": "Cinder: this cloud has no block storage service",
    "image": "Glance: this cloud has no image service",
    "compute": "Nova: this cloud has no compute service",
    "network": "Neutron: this cloud has no network service",
}


@pytest.mark.parametrize(("service", "words"), SERVICES.items())
@pytest.mark.parametrize(("region", "where"), [("east", "region east, interface public"), (None, "interface public")])
def test_field_m2_a_service_that_the_cloud_does_not_have_is_named(
    monkeypatch: pytest.MonkeyPatch, service: str, words: str, region: str | None, where: str
) -> None:
    configuration = Configuration(service.replace("_", "-"), region=region)
    monkeypatch.setattr(connection.openstack, "connect", lambda **_settings: a_connection(config=configuration))
    with pytest.raises(Refused, match=rf"Failed to reach {words} \({where}\)\. Name a cloud"):
        getattr(Cloud({"cloud": "site"}), service)


def test_field_r6_a_user_without_a_project_is_told_which_cloud_to_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection.openstack, "connect", lambda **_settings: a_connection(current_project_id=None))
    with pytest.raises(Refused, match=r"comes without a project, .*volume_cloud"):
        assert Cloud({"cloud": "site"}).project
    with pytest.raises(Refused, match=r"comes without a project, .*volume_cloud"):
        Cloud({"cloud": "site"}).check_project()
