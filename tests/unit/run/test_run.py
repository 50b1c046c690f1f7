# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from ansible.module_utils.common.parameters import PASS_VARS
from ansible.module_utils.testing import patch_module_args
from ansible_collections.bfv.openstack.plugins.module_utils._engine import run
from ansible_collections.bfv.openstack.plugins.module_utils._engine.cloud.errors import Rejected
from ansible_collections.bfv.openstack.plugins.module_utils._engine.cloud.wait import Rounds
from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet import fleet
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources import settle
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.plan import Request
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import (
    FakeCloud,
    Json,
    a_connector,
    a_node,
    a_target,
    a_volume,
    an_image,
    uuid_of,
)
from ansible_collections.bfv.openstack.tests.unit.fake_nova import a_flavor, a_network, a_server

Run = Callable[..., Json]

CHAP = {
    "volume_id": "05a3cf39-1c1f-4b0b-9d4f-ad8d86f0ae61",
    "target_iqn": "iqn.2010-10.org.example:array",
    "target_portal": "192.0.2.10:3260",
    "target_lun": 1,
    "chap_username": "bm-0",
    "chap_password": "hunter2",
    "properties": {"secret": "s3same"},
}
# Of every module a change of one resource, and where its result is.
CHANGES: dict[str, tuple[str, Json]] = {
    "bfv_volume": ("volume", {"name": "root", "image": "debian"}),
    "bfv_image": ("image", {"name": "disk", "digest": "3" * 64, "file": __file__}),
    "bfv_server": ("server", {"name": "web", "flavor": "small", "boot": {"image": "debian"}}),
    "boot_checkpoint": ("checkpoint", {"server": "db", "name": "friday"}),
    "baremetal_node_storage": ("node", {"node": "bm-0", "storage_interface": "external"}),
    "volume_connector": ("connector", {"node": "bm-0"}),
    "volume_target": ("target", {"node": "bm-0", "volume": "web"}),
    "server_fleet": ("servers", {"servers": [{"name": "web", "flavor": "small", "boot": {"image": "debian"}}]}),
    "baremetal_fleet": ("nodes", {"nodes": [{"node": "bm-0", "volumes": [{"name": "root", "image": "debian"}]}]}),
}
# What Ansible tells each module. From 2.21 on the invocation is in a result only where the setting INJECT_INVOCATION wants it.
SETTINGS: Json = {"_ansible_tracebacks_for": []}
SETTINGS.update({"_ansible_inject_invocation": True} if "inject_invocation" in PASS_VARS else {})
each_module = pytest.mark.parametrize("module", sorted(CHANGES))


@pytest.fixture
def cloud() -> FakeCloud:
    return FakeCloud(
        nodes=[a_node()],
        volumes=[a_volume("web")],
        images=[an_image()],
        flavors=[a_flavor()],
        networks=[a_network()],
        servers=[a_server("db", "web")],
    )


@pytest.fixture
def task(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], cloud: FakeCloud) -> Run:
    """Run a module as Ansible does, on the fake; gives what it prints, as JSON and under "text" as it is."""
    monkeypatch.setattr(run, "Cloud", lambda _params: cloud)
    for waits in (settle, fleet):
        monkeypatch.setattr(waits, "Rounds", lambda timeout: Rounds(timeout, cloud.clock, cloud.sleep))

    def run_task(module: str, *, check_mode: bool = False, diff: bool = False, **options: Any) -> Json:
        modes = {"_ansible_check_mode": check_mode, "_ansible_diff": diff, **SETTINGS}
        main = import_module(f"ansible_collections.bfv.openstack.plugins.modules.{module}").main
        with patch_module_args({**options, **modes}), pytest.raises(SystemExit):
            main()
        printed = capsys.readouterr()
        result = json.loads(printed.out)
        # With it a module tells Ansible 2.22 what to hide: it is in no result.
        result.pop("_ansible_new_secrets", None)
        # Beside Ansible's own plugins (the filters' tests load them) a module prints its warnings itself.
        return {**result, "text": " ".join(f"{json.dumps(result)} {printed.err}".split())}

    return run_task


@each_module
def test_a_change_is_made_once(task: Run, cloud: FakeCloud, module: str) -> None:
    key, options = CHANGES[module]
    first, second = task(module, **options), task(module, **options)
    assert (first["changed"], second["changed"]) == (True, False)
    assert first[key] == second[key] or module in ("baremetal_fleet", "server_fleet")  # of each machine what was done
    assert first.keys() == second.keys()


@each_module
def test_check_mode_sends_nothing_and_says_what_would_change(task: Run, cloud: FakeCloud, module: str) -> None:
    key, options = CHANGES[module]
    result = task(module, **options, check_mode=True)
    assert (result["changed"], key in result, cloud.writes) == (True, True, [])


@each_module
def test_a_diff_is_shown_only_where_it_is_asked_for(task: Run, module: str) -> None:
    _key, options = CHANGES[module]
    assert "diff" not in task(module, **options, check_mode=True)
    diff = task(module, **options, check_mode=True, diff=True)["diff"]
    (only,) = diff if isinstance(diff, list) else [diff]
    assert only["before"] != only["after"]


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize(
    ("module", "options"),
    [
        ("volume_target", {"node": "bm-0", **CHAP}),
        ("baremetal_fleet", {"nodes": [{"node": "bm-0", "storage_interface": "external", "targets": [CHAP]}]}),
    ],
)
def test_no_secret_is_ever_printed(task: Run, module: str, options: Json, check_mode: bool) -> None:
    site = {"auth": {"auth_url": "http://keystone", "username": "me", "password": "letmein"}}
    result = task(module, cloud=site, **options, check_mode=check_mode, diff=True)
    assert (result["changed"], result.get("failed", False)) == (True, False)
    assert [secret for secret in ("hunter2", "s3same", "letmein") if secret in result["text"]] == []


def test_no_secret_is_printed_by_a_failure(task: Run, cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(request: Request) -> Json:
        raise Rejected(request.what, "Ironic", 400, "Bad property auth_password: hunter2")

    monkeypatch.setattr(cloud, "send", refuse)
    result = task("volume_target", node="bm-0", **CHAP)
    assert "Ironic says «Bad property auth_password: *" in result["msg"]
    assert "hunter2" not in result["text"]


def test_of_a_login_only_the_secrets_are_hidden(task: Run) -> None:
    auth = {"auth_url": "http://keystone", "project_name": "web", "password": "letmein", "anything": "else"}
    result = task("bfv_volume", auth=auth, name="web-letmein-else", size=1, check_mode=True, diff=True)
    assert result["diff"]["after"]["name"] == "web-********-********"
    assert "letmein" not in result["text"]


def test_a_secret_that_is_also_a_name_is_hidden(task: Run) -> None:
    result = task("bfv_volume", auth={"username": "admin", "password": "admin"}, name="admin", size=1, check_mode=True)
    assert "admin" not in result["text"]


@pytest.mark.parametrize("update_password", ["always", "on_change"])
def test_words_that_are_no_secret_are_printed(task: Run, update_password: str) -> None:
    result = task("volume_target", node="bm-0", volume="web", update_password=update_password)
    assert result["invocation"]["module_args"]["update_password"] == update_password


@pytest.mark.parametrize(
    ("module", "options", "words"),
    [
        ("volume_connector", {"node": "bm-0", "connector_id": "bm-0"}, "is not an iSCSI name"),
        ("volume_connector", {"node": "bm-7"}, "Failed to find node bm-7"),
        ("volume_target", {"node": "bm-0", "properties": {"target_lun": "0x1"}}, "is not a LUN"),
        ("volume_target", {"node": "bm-0", "volume": "web", "volume_id": "x"}, "mutually exclusive"),
        ("baremetal_node_storage", {"node": "bm-0", "capabilities": {"boot mode": "x"}}, "is not a capability"),
        ("bfv_image", {"name": "disk", "digest": "3" * 64}, "missing required arguments: file"),
        ("bfv_image", {"name": "disk", "digest": "3", "file": __file__}, "has less than 12 characters"),
        ("bfv_volume", {"size": 1}, "one of the following is required"),
        ("bfv_volume", {"name": "root", "size": 0}, "above zero"),
        ("bfv_volume", {"name": "root", "image": "debian", "snapshot": "x"}, "Give one source"),
        ("bfv_server", {"flavor": "small"}, "one of the following is required"),
        ("bfv_server", {"name": "web", "flavor": "small"}, "nothing to boot from"),
        ("bfv_server", {"name": "web", "block_devices": ["vdb"]}, "there is no = in it"),
        ("bfv_server", {"name": "web", "networks": {"net": "x"}}, "networks has"),
        ("bfv_server", {"name": "web", "flavor": "small", "boot": {"image": "hurd"}}, "Failed to find image hurd"),
        ("boot_checkpoint", {"server": "db"}, "missing required arguments: name"),
        ("boot_checkpoint", {"name": "friday"}, "one of the following is required"),
        ("boot_checkpoint", {"name": "friday", "server": "db", "node": "bm-0"}, "mutually exclusive"),
        ("boot_checkpoint", {"name": "friday", "server": "db", "keep": 0}, "Give 1 or more"),
        ("boot_checkpoint", {"name": "friday", "server": "cache"}, "Nova shows no server cache"),
        ("baremetal_fleet", {"nodes": [{"node": "bm-0"}, {"node": "bm-0"}]}, "is there twice"),
        ("server_fleet", {"servers": [{"name": "web"}, {"name": "web"}]}, "is there twice"),
        ("server_fleet", {"servers": [{"flavor": "small"}]}, "entry 1 has neither name nor id"),
        ("server_fleet", {"servers": [], "concurrency": 0}, "one server at least must be worked on"),
        ("server_fleet", {"servers": [], "fail_after": "some"}, "neither a number of servers nor a percentage"),
    ],
)
def test_bad_input_gives_one_line_and_changes_nothing(
    task: Run, cloud: FakeCloud, module: str, options: Json, words: str
) -> None:
    result = task(module, **options)
    assert (result["failed"], result.get("changed", False), cloud.writes) == (True, False, [])
    assert words in result["msg"]
    assert "Traceback" not in result["text"]


def test_a_failure_after_a_change_says_that_there_was_one(task: Run, cloud: FakeCloud) -> None:
    cloud.volumes_end_in = "error"
    result = task("bfv_volume", name="root", image="debian")
    assert (result["failed"], result["changed"], "status is error" in result["msg"]) == (True, True, True)


def test_without_wait_the_result_is_what_is_there_then(task: Run) -> None:
    assert task("bfv_volume", name="root", image="debian", wait=False)["volume"]["status"] == "creating"


@pytest.mark.parametrize(
    ("module", "volume", "words"),
    [
        ("bfv_volume", {"volume_type": "fast"}, "volume_type is lvm"),
        ("baremetal_fleet", {"availability_zone": "az1"}, "zone is nova"),
    ],
)
def test_warnings_reach_the_person(task: Run, module: str, volume: Json, words: str) -> None:
    named = {"name": "web", **volume}
    options = named if module == "bfv_volume" else {"nodes": [{"node": "bm-0", "volumes": [named]}]}
    assert words in task(module, **options)["text"]


@pytest.mark.parametrize(
    ("module", "key", "options"),
    [
        ("volume_connector", "connector", {"node": "bm-0"}),
        ("bfv_volume", "volume", {"name": "web"}),
        ("boot_checkpoint", "checkpoint", {"server": "db", "name": "friday"}),
        ("bfv_server", "server", {"name": "web", "flavor": "small", "boot": {"image": "debian"}}),
    ],
)
def test_what_was_removed_is_null(task: Run, module: str, key: str, options: Json) -> None:
    task(module, **options)
    assert task(module, **options, state="absent")[key] is None


# bfv_server


def test_a_server_and_its_boot_volume_are_returned(task: Run) -> None:
    result = task("bfv_server", name="web", flavor="small", boot={"image": "debian"})
    assert (result["server"]["status"], result["server"]["addresses"]) == ("ACTIVE", ["192.0.2.10"])
    assert result["server"]["volumes"] == [{"id": result["volume"]["id"], "delete_on_termination": False}]
    assert (result["volume"]["name"], result["volume"]["attached_to"]) == ("web-boot", [result["server"]["id"]])


def test_the_keys_of_a_server_are_the_same_on_every_run_and_in_check_mode(task: Run, cloud: FakeCloud) -> None:
    options: Json = {"name": "web", "flavor": "small", "boot": {"image": "debian"}}
    first = task("bfv_server", **options)
    again, check = task("bfv_server", **options), task("bfv_server", **options, check_mode=True)
    change = task("bfv_server", **options, state="shelved", check_mode=True)
    assert [one["server"].keys() for one in (again, check, change)] == [first["server"].keys()] * 3
    assert [len(one["server"]["ports"]) for one in (first, again, check, change)] == [1, 1, 1, 0]
    assert {one["kept_boot_volume"] for one in (first, again, check, change)} == {None}


def test_the_disk_that_another_one_was_exchanged_for_is_returned(task: Run, cloud: FakeCloud) -> None:
    made = task("bfv_server", name="web", flavor="small", boot={"image": "debian"})
    cloud.volumes[uuid_of("other")] = a_volume("other")
    wish: Json = {
        "name": "web",
        "boot": {"volume": "other"},
        "on_boot_volume_change": "replace",
        "replace_may_lose": ["user_data"],
    }
    kept = {"id": made["volume"]["id"], "name": "web-boot"}
    for check_mode, expected in ((True, kept), (False, kept), (False, None)):
        assert task("bfv_server", **wish, check_mode=check_mode)["kept_boot_volume"] == expected


def test_the_drift_of_a_server_reaches_the_person(task: Run) -> None:
    options: Json = {"name": "web", "flavor": "small", "boot": {"image": "debian"}}
    task("bfv_server", **options)
    assert "key_name is none, and mine is wanted" in task("bfv_server", **options, key_name="mine")["text"]


def test_without_wait_a_server_is_begun_and_finished_by_the_next_run(task: Run, cloud: FakeCloud) -> None:
    options: Json = {"name": "web", "flavor": "small", "boot": {"image": "debian"}}
    assert task("bfv_server", **options, wait=False)["server"] is None
    assert [one["status"] for one in cloud.volumes.values() if one["name"] == "web-boot"] == ["creating"]
    assert task("bfv_server", **options)["server"]["status"] == "ACTIVE"
    assert len(cloud.volumes) == 2


# baremetal_node_storage


def test_validation_is_reported(task: Run, cloud: FakeCloud) -> None:
    cloud.connectors = {one["uuid"]: one for one in [a_connector()]}
    result = task("baremetal_node_storage", node="bm-0", validate=True)
    assert result["validation"]["storage"] == {"result": True, "reason": None}
    assert "validation" not in task("baremetal_node_storage", node="bm-0")


def test_a_storage_that_is_not_in_order_fails_and_keeps_the_change(task: Run) -> None:
    result = task("baremetal_node_storage", node="bm-0", boot_mode="bios", validate=True)
    assert "storage validation says" in result["msg"]
    assert (result["failed"], result["changed"]) == (True, True)


def test_a_node_that_would_be_changed_is_not_validated_in_check_mode(task: Run, cloud: FakeCloud) -> None:
    assert "validation" not in task("baremetal_node_storage", node="bm-0", boot_mode="bios", validate=True, check_mode=True)
    assert not any(path.endswith("/validate") for path in cloud.reads)


# baremetal_fleet


def test_a_fleet_fails_when_a_node_fails_and_tells_of_all(task: Run, cloud: FakeCloud) -> None:
    cloud.targets = {one["uuid"]: one for one in [a_target(volume="web")]}
    nodes = [{"node": "bm-0", "volumes": [{"name": "web"}]}, {"node": "bm-7"}]
    result = task("baremetal_fleet", nodes=nodes, diff=True)
    assert result["msg"].startswith("1 of 2 nodes failed (bm-7): Failed to find node bm-7")
    assert (result["failed"], result["changed"]) == (True, True)
    assert {name: (node["failed"], node["changed"]) for name, node in result["nodes"].items()} == {
        "bm-0": (False, True),
        "bm-7": (True, False),
    }
    assert [diff["after_header"] for diff in result["diff"]] == ["node bm-0"]


def test_a_fleet_that_cannot_be_looked_at_fails_at_once(task: Run, cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(_path: str, what: str, **_query: object) -> Json:
        raise Rejected(what, "Ironic", 503, "busy")

    monkeypatch.setattr(cloud, "find", unreachable)
    assert "Failed to read node bm-0" in task("baremetal_fleet", nodes=[{"node": "bm-0"}])["msg"]


# What every module shares


@pytest.mark.parametrize(("where", "package"), [("connection", "openstacksdk"), ("identifiers", "netaddr")])
def test_a_missing_library_is_named(task: Run, monkeypatch: pytest.MonkeyPatch, where: str, package: str) -> None:
    monkeypatch.setattr(getattr(run, where), "AVAILABLE", False)
    assert package in task("volume_connector", node="bm-0")["msg"]


@pytest.mark.parametrize(("level", "debug"), [("INFO", False), ("DEBUG", True)])
def test_the_sdk_logs_where_it_is_told_to(task: Run, monkeypatch: pytest.MonkeyPatch, level: str, debug: bool) -> None:
    logs: list[tuple[str, bool]] = []
    monkeypatch.setattr(run.connection, "log_to", lambda path, debug: logs.append((path, debug)))
    task("volume_connector", node="bm-0")
    task("volume_connector", node="bm-0", sdk_log_path="sdk.log", sdk_log_level=level)
    assert logs == [("sdk.log", debug)]


@each_module
def test_field_m3_every_module_takes_the_cloud_of_the_volumes(task: Run, module: str) -> None:
    result = task(module, **CHANGES[module][1], cloud="admin", volume_cloud="project", check_mode=True)
    assert (result["changed"], result.get("failed", False)) == (True, False)


@each_module
def test_the_connection_options_have_the_aliases_of_openstack_cloud(task: Run, module: str) -> None:
    aliases = {"verify": False, "cacert": "ca", "cert": "c", "key": "k", "endpoint_type": "internal"}
    given = task(module, **CHANGES[module][1], **aliases, check_mode=True)["invocation"]["module_args"]
    assert (given["validate_certs"], given["ca_cert"], given["client_cert"], given["interface"]) == (False, "ca", "c", "internal")
