# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of a fleet of servers: what is other than for nodes (test_report.py)."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime

import pytest
from ansible_collections.bfv.openstack.plugins.plugin_utils._doors import report, report_servers, report_times
from ansible_collections.bfv.openstack.plugins.plugin_utils._doors.report_machines import Wanted
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import FakeCloud, Json, uuid_of
from ansible_collections.bfv.openstack.tests.unit.report_page import TAGS, Page
from ansible_collections.bfv.openstack.tests.unit.server_cloud import a_project, managed

FINISHED = datetime(2026, 11, 20, 18, 42, 7, tzinfo=UTC)
NONE = "\N{EN DASH}"
PRESENT = Wanted("present", {})
HOSTILE = """<script>alert('x')</script>"'><img src=//192.0.2.1/x onerror=alert(1)></style></title>{{ 7*7 }}"""


def entry(name: str, **options: object) -> Json:
    """A server with a disk to boot from, and one for its data."""
    return {
        "name": name,
        "flavor": "small",
        "boot": {"volume": f"{name}-root", "delete_on_termination": True},
        "volumes": [{"name": f"{name}-root", "image": "debian", "size": 5}, {"name": f"{name}-data", "size": 2}],
        "block_devices": [{"volume_id": f"{name}-data"}],
        **options,
    }


def a_result(cloud: FakeCloud, servers: list[Json], *, check_mode: bool = False, **params: object) -> Json:
    """What the module returns of a run with these servers."""
    run = managed(cloud, servers, check_mode=check_mode, **params)
    changed = any(one.changed for one in run.outcomes)
    return {
        "changed": changed,
        "seconds": run.seconds,
        "room": run.room,
        "servers": {one.name: one.result() for one in run.outcomes},
    }


@pytest.fixture
def cloud() -> FakeCloud:
    return a_project()


@pytest.fixture
def result(cloud: FakeCloud) -> Json:
    """The run in which web-1 was made."""
    return a_result(cloud, [entry("web-1")])


def page(result: Json, wanted: Wanted = PRESENT, *, foreseen: bool = False) -> Page:
    return Page(report.render(report_servers, result, wanted, finished=FINISHED, foreseen=foreseen))


def of_each(result: Json, **differing: Json) -> Json:
    """The result of web-1 for several servers, each with what differs of it."""
    (one,) = result["servers"].values()
    return {**result, "servers": {name: {**deepcopy(one), **other} for name, other in differing.items()}}


def showing(status: str) -> Json:
    return {"server": {"name": "web-1", "status": status}, "history": []}


# What boots from which volume


def test_a_row_tells_from_what_a_server_boots(result: Json, cloud: FakeCloud) -> None:
    boot, data = (row for row in page(result).rows("web-1") if len(row) == 7)
    (server,) = cloud.compute.servers.values()
    root = next(one for one in cloud.volumes.values() if one["name"] == "web-1-root")
    assert boot == [
        f"✓ changed: web-1 ACTIVE {server['id']}",
        "small",
        "boot",
        f"web-1-root {root['id']} deleted with the server",
        "5 GiB",
        f"image {uuid_of('debian')}",
        "192.0.2.10 internal",
    ]
    assert (data[2], data[3].split()[0], data[3].split()[2:], data[4:6]) == ("data", "web-1-data", [], ["2 GiB", NONE])


def test_the_headings_are_those_of_servers(result: Json) -> None:
    shown = page(result)
    assert shown.of("h2") == [
        "Volumes that the run makes",
        "What boots from which volume",
        "Time of each server",
        "What was done",
    ]
    assert shown.of("h1") == ["web-1 is present"]
    assert "bfv.openstack.server_fleet" in shown.text
    assert "node" not in shown.text.lower()


def test_what_is_attached_and_not_known_of_cinder_is_told_by_its_id(result: Json) -> None:
    other = uuid_of("other")
    result["servers"]["web-1"]["server"]["volumes"].append({"id": other, "delete_on_termination": False})
    (row,) = [row for row in page(result).rows("web-1") if len(row) == 7 and other in row[3]]
    assert row[2:6] == ["data", other, NONE, NONE]


def test_a_removed_server_has_a_row(cloud: FakeCloud) -> None:
    a_result(cloud, [entry("web-1")])
    shown = page(a_result(cloud, [entry("web-1")], state="absent"), Wanted("absent", {}))
    assert shown.of("h1") == ["web-1 is absent"]
    assert "What the servers have now" in shown.of("h2")
    assert shown.rows("web-1")[0] == ["✓ changed: web-1 not there", NONE, NONE, "none", NONE, NONE, "none"]


def test_a_disk_that_was_exchanged_is_told(result: Json) -> None:
    result["servers"]["web-1"]["kept_boot_volume"] = {"id": uuid_of("old"), "name": "web-1-old"}
    (row,) = [row for row in page(result).rows("web-1") if len(row) == 7 and "web-1-old" in row[3]]
    assert row[2] == "kept"


def test_a_floating_address_is_told_as_one(result: Json) -> None:
    on = {"internal": [{"address": "192.0.2.10", "kind": "fixed"}, {"address": "192.0.2.77", "kind": "floating"}]}
    result["servers"]["web-1"]["server"]["networks"] = on
    assert page(result).rows("web-1")[0][6] == "192.0.2.10 internal 192.0.2.77 internal, floating"


def test_a_server_that_was_asked_for_by_its_id_is_told_with_its_name(result: Json) -> None:
    (one,) = result["servers"].values()
    name = one["server"]["id"]
    assert f"{name} web-1, ACTIVE" in page({**result, "servers": {name: one}}).rows(name)[0][0]


# What became of it


@pytest.mark.parametrize(
    ("state", "status", "headline"),
    [
        ("present", "ACTIVE", "web-1 is present"),
        ("present", "SHUTOFF", "web-1 is present"),
        ("present", "BUILD", "web-1 is under way"),
        ("started", "ACTIVE", "web-1 is started"),
        ("started", "SHUTOFF", "web-1 is under way"),
        ("stopped", "SHUTOFF", "web-1 is stopped"),
        ("stopped", "ACTIVE", "web-1 is under way"),
        ("shelved", "SHELVED_OFFLOADED", "web-1 is shelved"),
        ("shelved", "SHELVED", "web-1 is under way"),
        ("absent", "ACTIVE", "web-1 is under way"),
    ],
)
def test_a_server_is_where_it_was_wanted_or_under_way(result: Json, state: str, status: str, headline: str) -> None:
    assert page(of_each(result, **{"web-1": showing(status)}), Wanted(state, {})).of("h1") == [headline]


def test_a_server_whose_volumes_are_being_made_is_under_way(cloud: FakeCloud) -> None:
    assert page(a_result(cloud, [entry("web-1")], wait=False)).of("h1") == ["web-1 is under way"]


def test_servers_with_states_of_their_own_are_held_against_those(result: Json) -> None:
    options = {"servers": [{"name": "web-1"}, {"name": "web-2", "state": "stopped"}, {"id": "3", "state": "stopped"}, {}]}
    wanted = Wanted("present", report_servers.own_states(options))
    assert wanted.own == {"web-2": "stopped", "3": "stopped"}
    shown = page(of_each(result, **{"web-1": {}, "web-2": showing("SHUTOFF")}), wanted)
    assert shown.of("h1") == ["All 2 servers are as asked for"]
    assert "state wanted: present, stopped" in shown.text
    assert page(of_each(result, **{"web-1": {}, "web-2": {}}), wanted).of("h1") == ["1 of 2 servers is as asked for, 1 under way"]


def test_servers_that_failed_for_one_reason_are_told_together(cloud: FakeCloud) -> None:
    ones = [entry("web-1"), entry("web-2", flavor="none-such"), entry("web-3", flavor="none-such")]
    result = a_result(cloud, ones)
    shown = page(result)
    assert shown.of("h1") == ["1 of 3 servers is present, 2 failed"]
    assert shown.of("h3") == ["2 servers, for the same reason"]
    assert result["servers"]["web-2"]["msg"] in shown.of("p")


def test_what_nova_says_went_wrong_is_told(result: Json) -> None:
    broken = {"failed": True, "msg": "Broken.", "server": {"status": "ERROR", "fault": "No valid host was found."}}
    assert "Now: ERROR, No valid host was found. 5 steps" in page(of_each(result, **{"web-1": broken})).text


def test_check_mode_tells_what_would_be_done(cloud: FakeCloud) -> None:
    a_result(cloud, [entry("web-1")])
    shown = page(a_result(cloud, [entry("web-1"), entry("web-2")], check_mode=True), foreseen=True)
    assert shown.of("h1") == ["Of 2 servers 1 would be changed"]
    assert "Check mode, nothing was done" in shown.text
    assert "create server web-2 from volume web-2-root" in shown.rows("web-2")[-1][1]
    again = a_result(cloud, [entry("web-1")], check_mode=True)
    assert page(again, foreseen=True).of("h1") == ["web-1 is present as asked for"]
    assert page(again, Wanted("present", {"web-1": "started"}), foreseen=True).of("h1") == ["web-1 is started as asked for"]


def test_what_the_run_makes_and_costs_is_told(cloud: FakeCloud) -> None:
    shown = page(a_result(cloud, [entry("web-1")], volume_prices={"lvm": 0.1, "__DEFAULT__": 0.1}))
    assert [one for one in shown.of("p") if "2 volumes, 7 GiB" in one]


def test_what_differs_is_told(result: Json) -> None:
    shown = page(of_each(result, **{"web-1": {"differs": ["key_name is none, and operations is wanted"]}}))
    assert shown.rows("web-1")[-1][1] == "key_name is none, and operations is wanted"


# When


def test_a_bar_has_the_phases_of_a_server(result: Json) -> None:
    times = report_times.times(report_servers, result)
    assert times is not None
    assert [one.phase for one in times.rows[0].segments] == ["volumes", "deployment"]
    (said,) = (attributes["aria-label"] for tag, attributes in page(result).elements if tag == "svg" and attributes.get("role"))
    assert said is not None
    assert [part.split()[0] for part in said.split("; ")] == ["volumes", "server"]


@pytest.mark.parametrize(
    ("before", "after", "phase"),
    [
        ("waits for golden volume debian (creating) to become available", "create volume server (1 GiB, blank)", "volumes"),
        ("create volume server (1 GiB, blank)", "grow the size from 1 to 2 GiB of volume a", "volumes"),
        ("create volume a", "create server web from volume volume", "deployment"),
        ("waits for server web to become active", "present", "deployment"),
        ("create volume a", "Failed to create server web: volume a is in use.", "deployment"),
        ("stop server web (7)", "set boot.delete_on_termination of server volume", "deployment"),
        ("waits for server web to be shelved", "take server web off its host", "deployment"),
        ("create volume a", "attach volume web-data to server web", "storage"),
        ("waits for volume web-data to be detached from server web", "delete server web (7)", "storage"),
        ("waits for what another run does", "present", "other"),
    ],
)
def test_a_phase_is_told_by_the_first_word_that_tells_it(before: str, after: str, phase: str) -> None:
    history = [{"at": 0, "what": before}, {"at": 1, "what": after}]
    times = report_times.times(report_servers, {"servers": {"web": {"history": history}}})
    assert times is not None
    assert [one.phase for one in times.rows[0].segments] == [phase]


# Hostile input and secrets


def everywhere(value: object) -> object:
    """The value with all of its texts replaced."""
    if isinstance(value, dict):
        return {key: everywhere(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [everywhere(inner) for inner in value]
    return HOSTILE if isinstance(value, str) else value


def test_what_the_cloud_says_is_text_and_nothing_else(result: Json) -> None:
    one = everywhere(result["servers"]["web-1"])
    assert isinstance(one, dict)
    one["server"]["networks"] = {HOSTILE: [{"address": HOSTILE}]}
    shown = page({"seconds": 1, "servers": {HOSTILE: one}})
    assert {tag for tag, _attributes in shown.elements} <= TAGS
    assert sum(HOSTILE in data for _tag, data in shown.texts) > 10


def test_what_is_not_known_by_name_is_not_shown(result: Json) -> None:
    secret = "s3cr3t-value"
    one = result["servers"]["web-1"]
    for record in (one, one["server"], one["volume"], *one["volumes"], *one["server"]["volumes"]):
        record |= {"unknown": secret, "metadata": {"admin_password": secret}, "user_data": secret, "description": secret}
    given = {**result, "invocation": {"module_args": {"user_data": secret}}, "diff": [{"after": secret}]}
    assert secret not in report.render(report_servers, given, PRESENT, finished=FINISHED)


@pytest.mark.parametrize(
    "servers", [{"web": None}, {"web": {"server": [1], "volumes": {"id": 1}, "volume": "x", "history": 3}}, [1]]
)
def test_a_result_of_any_shape_makes_a_page(servers: object) -> None:
    assert {tag for tag, _attributes in page({"servers": servers}).elements} <= TAGS
