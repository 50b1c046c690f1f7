# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path

import pytest
from ansible_collections.bfv.openstack.plugins.plugin_utils._doors import report, report_nodes, report_times
from ansible_collections.bfv.openstack.plugins.plugin_utils._doors.report_machines import Wanted
from ansible_collections.bfv.openstack.plugins.plugin_utils._doors.report_reading import natural
from ansible_collections.bfv.openstack.tests.unit.fleet_result import (
    Json,
    a_node,
    a_result,
    a_target,
    a_volume,
    identity,
    unchanged,
)
from ansible_collections.bfv.openstack.tests.unit.report_page import TAGS, Page
from hypothesis import given, settings
from hypothesis import strategies as st

FINISHED = datetime(2026, 11, 20, 18, 42, 7, tzinfo=UTC)
NONE = "\N{EN DASH}"
HOSTILE = """<script>alert('x')</script>"'><img src=//192.0.2.1/x onerror=alert(1)></style></title>&amp;{{ 7*7 }}"""
DEPLOYED = Wanted("deployed", {})


def render(result: Json, wanted: Wanted = DEPLOYED, *, finished: datetime | None = FINISHED, foreseen: bool = False) -> str:
    return report.render(report_nodes, result, wanted, finished=finished, foreseen=foreseen)


def page(result: Json, state: str = "deployed") -> Page:
    return Page(render(result, Wanted(state, {})))


def foreseen(result: Json) -> Page:
    return Page(render(result, foreseen=True))


# The headline


@pytest.mark.parametrize(
    ("nodes", "state", "headline"),
    [
        ([a_node("bm-0")], "deployed", "bm-0 is deployed"),
        ([a_node("bm-0", msg="Broken.")], "deployed", "bm-0 failed"),
        ([a_node("bm-0"), unchanged("bm-1")], "deployed", "All 2 nodes are deployed"),
        ([a_node("bm-0"), unchanged("bm-1"), a_node("bm-2", msg="Broken.")], "deployed", "2 of 3 nodes are deployed, 1 failed"),
        ([a_node("bm-0", msg="Broken."), a_node("bm-1", msg="Broken.")], "deployed", "0 of 2 nodes are deployed, 2 failed"),
        ([a_node("bm-0"), a_node("bm-1", node={"name": "bm-1", "provision_state": "deploying"})], "deployed", "1 of 2 nodes is deployed, 1 under way"),
        ([a_node("bm-0"), a_node("bm-1", volumes=[a_volume("root", "downloading")])], "prepared", "1 of 2 nodes is prepared, 1 under way"),
        ([a_node("bm-0", node={"name": "bm-0", "provision_state": "available"})], "undeployed", "bm-0 is undeployed"),
        ([a_node("bm-0", node={"name": "bm-0", "provision_state": "cleaning"})], "undeployed", "bm-0 is under way"),
        ([], "deployed", "No node was looked at"),
    ],
)  # fmt: skip
def test_the_headline_says_what_became_of_the_fleet(nodes: list[Json], state: str, headline: str) -> None:
    shown = page(a_result(*nodes), state)
    assert shown.of("h1") == [headline]
    assert shown.of("title")[0] == headline


TO_COME: Json = {"history": [], "node": {"name": "bm-0", "provision_state": "available"}}


@pytest.mark.parametrize(
    ("nodes", "headline"),
    [
        ([a_node("bm-0", **TO_COME)], "bm-0 would be changed"),
        ([a_node("bm-0", msg="Broken.")], "bm-0 would be refused"),
        ([unchanged("bm-0")], "bm-0 is deployed as asked for"),
        ([a_node("bm-0", **{**TO_COME, "changed": False, "node": {"name": "bm-0", "provision_state": "cleaning"}})], "bm-0 is under way"),
        ([unchanged("bm-0"), unchanged("bm-1")], "All 2 nodes are deployed as asked for"),
        ([a_node("bm-0", **TO_COME), unchanged("bm-1")], "Of 2 nodes 1 would be changed"),
        ([a_node("bm-0", **TO_COME), unchanged("bm-1"), a_node("bm-2", msg="Broken.")], "Of 3 nodes 1 would be changed, 1 would be refused"),
        ([], "No node was looked at"),
    ],
)  # fmt: skip
def test_a_report_of_check_mode_says_what_would_become_of_the_fleet(nodes: list[Json], headline: str) -> None:
    assert foreseen(a_result(*nodes)).of("h1") == [headline]


def test_a_report_of_check_mode_never_says_that_something_was_done() -> None:
    nodes = [a_node("bm-0", **TO_COME), unchanged("bm-1"), a_node("bm-2", msg="Broken.", actions=[])]
    shown = foreseen(a_result(*nodes))
    assert shown.of("h2") == [
        "What would be refused and why",
        "What boots from which volume",
        "Time of each node",
        "What would be done",
    ]
    assert "Check mode, nothing was done" in shown.text
    assert "Nothing would be changed of these:" in shown.text
    assert "deploy node bm-0" in shown.text
    assert "when they were taken" not in shown.text


@pytest.mark.parametrize("state", [False, True])
def test_what_is_left_as_it_is_is_told(state: bool) -> None:
    result = a_result(a_node("bm-0", differs=["volume bm-0-root: volume_type is lvm, and ssd is wanted"]), unchanged("bm-1"))
    shown = Page(render(result, foreseen=state))
    assert shown.of("h2")[-1] == "What is not as asked for, and is left as it is"
    assert shown.rows("bm-0")[-1][1] == "volume bm-0-root: volume_type is lvm, and ssd is wanted"
    assert "left as it is" not in page(a_result(a_node("bm-0"))).text


def test_a_run_without_nodes_tells_why() -> None:
    shown = page({"changed": False, "msg": "Failed to read the nodes: no such cloud."})
    assert "Failed to read the nodes: no such cloud." in shown.text


def test_the_state_the_duration_and_the_end_are_told() -> None:
    shown = page(a_result(a_node("bm-0"), seconds=185.2))
    assert "state wanted: deployed" in shown.text
    assert "3 min 05 s" in shown.text
    assert "2026-11-20 18:42:07 UTC" in shown.text


def test_a_time_that_is_not_known_is_left_out() -> None:
    assert "inished" not in Page(render(a_result(a_node("bm-0")), finished=None)).text


# What failed


def test_failed_nodes_come_first_with_the_reason_in_full() -> None:
    reason = "Failed to deploy node bm-1: Ironic says «" + "very long " * 200 + "».\nSecond line."
    shown = page(a_result(a_node("bm-0"), a_node("bm-1", msg=reason)))
    assert shown.of("h2")[0] == "What failed and why"
    assert reason in [data for _tag, data in shown.texts]


def test_nodes_that_failed_for_the_same_reason_are_told_together() -> None:
    reason = "Failed to deploy node {0}: volume {1} of {0} is in use."
    nodes = [a_node(name, msg=reason.format(name, identity(name))) for name in ("bm-1", "bm-2", "bm-11")]
    shown = page(a_result(*nodes, a_node("bm-3", msg="Failed to deploy node bm-3: it is in maintenance.")))
    assert shown.of("h3") == ["3 nodes, for the same reason", "bm-3"]
    assert [node for node in ("bm-1", "bm-2", "bm-11") if node not in shown.of("li")] == []


def test_what_stopped_the_run_comes_before_the_nodes_that_it_stopped() -> None:
    stopped = [
        a_node(f"bm-{number}", begins=9, msg=f"Failed to go on with node bm-{number}: 1 nodes have failed.") for number in (0, 1)
    ]
    shown = page(a_result(*stopped, a_node("bm-2", msg="Failed to deploy node bm-2: it is in maintenance.")))
    assert shown.of("h3") == ["bm-2", "2 nodes, for the same reason"]


# What boots from which volume


def test_a_row_tells_from_what_a_node_boots() -> None:
    ((node, storage, index, volume, size, target, connector), *_rest) = page(a_result(a_node("bm-0"))).rows("bm-0")
    assert node == "✓ changed: bm-0 active"
    assert storage == "cinder boot: ipxe"
    assert (index, size) == ("0", "20 GiB")
    assert volume == f"bm-0-root {identity('bm-0-root')}"
    assert target == f"192.0.2.10:3260, LUN 1, CHAP iqn.2010-10.org.openstack:volume-{identity('bm-0-root')}"
    assert connector == f"iqn.2017-08.org.openstack.{identity('bm-0')}"


@pytest.mark.parametrize(
    ("properties", "told"),
    [
        (
            {"target_iqn": "iqn.2010-10.org.example:a", "target_portal": "[2001:db8::1]:3260", "target_lun": 0},
            "[2001:db8::1]:3260, LUN 0 iqn.2010-10.org.example:a",
        ),
        (
            {
                "target_iqns": ["iqn.2010-10.org.example:a", "iqn.2010-10.org.example:b"],
                "target_portals": ["192.0.2.1:3260", "192.0.2.2:3260"],
                "target_luns": [1, 2],
                "target_iqn": "iqn.2010-10.org.example:a",
                "target_portal": "192.0.2.1:3260",
                "target_lun": 1,
            },
            "192.0.2.1:3260, LUN 1 iqn.2010-10.org.example:a 192.0.2.2:3260, LUN 2 iqn.2010-10.org.example:b",
        ),
        (
            {"target_iqn": "iqn.2010-10.org.example:a", "target_portals": ["192.0.2.1:3260", "192.0.2.2:3260"], "target_lun": 1},
            "192.0.2.1:3260, LUN 1 iqn.2010-10.org.example:a 192.0.2.2:3260, LUN 1 iqn.2010-10.org.example:a",
        ),
        ({"target_wwn": ["50014380186b3f65"], "target_lun": 3}, "LUN 3 50014380186b3f65"),
        (
            {"target_wwn": ["50014380186b3f65", "50014380186b3f67"], "target_lun": 3},
            "LUN 3 50014380186b3f65 LUN 3 50014380186b3f67",
        ),
        ({"auth_password": "******"}, "no address known"),
    ],
)
def test_a_target_is_told_as_its_driver_writes_it(properties: Json, told: str) -> None:
    ((*_before, target, _connector), *_rest) = page(a_result(a_node("bm-0", targets=[a_target("root", **properties)]))).rows(
        "bm-0"
    )
    assert target == told


def test_a_node_with_several_volumes_has_a_row_for_each_the_boot_volume_first() -> None:
    targets = [a_target("data", 10), a_target("root", 0), a_target("swap", 2)]
    node = a_node(
        "bm-0", targets=targets, volumes=[a_volume(name) for name in ("data", "root", "spare", "root", "swap")], history=[]
    )
    rows = [row for row in page(a_result(node)).rows("bm-0") if len(row) == 7]
    shown = [(row[2], row[3].split()[0]) for row in rows]
    assert shown == [("0", "root"), ("2", "swap"), ("10", "data"), (NONE, "spare")]
    assert rows[-1][5] == "no target"


def test_a_node_without_volumes_and_one_that_is_not_there_have_a_row() -> None:
    gone = {"changed": False, "failed": True, "msg": "Failed to find node bm-9.", "actions": [], "node": None}
    shown = page({"nodes": {"bm-0": a_node("bm-0", targets=[], volumes=[], connectors=[]), "bm-9": gone}})
    assert shown.rows("bm-0")[0][2:] == [NONE, "none", NONE, "none", "none"]
    assert shown.rows("bm-9")[0][0].endswith("bm-9 not found")


def test_nodes_are_in_the_order_of_their_numbers() -> None:
    assert sorted(["bm-10", "bm-9", "bm-010", "bm-2a", "bm", "bm-" + 5000 * "1"], key=natural) == [
        "bm", "bm-2a", "bm-9", "bm-010", "bm-10", "bm-" + 5000 * "1",
    ]  # fmt: skip


def test_a_node_that_was_asked_for_by_its_uuid_is_told_with_its_name() -> None:
    uuid = identity("bm-0")
    assert page({"nodes": {uuid: a_node("bm-0")}}).rows(uuid)[0][0].endswith(f"{uuid} bm-0, active")


# What was done, and when


def test_the_steps_are_told_with_their_times() -> None:
    steps = page(a_result(a_node("bm-0"))).rows("bm-0")[-1][1]
    assert steps.startswith("0.5 s create volume bm-0-root (20 GiB, from image debian-13-iscsi)")
    assert "5.5 s deploy node bm-0" in steps


def test_nodes_of_which_nothing_was_changed_are_named() -> None:
    shown = page(a_result(a_node("bm-0"), unchanged("bm-1")))
    assert "Nothing was changed of this:" in shown.text
    assert "bm-1" in shown.of("li")


def test_a_bar_has_the_phases_of_a_deployment() -> None:
    times = report_times.times(report_nodes, a_result(a_node("bm-0", begins=1.5), seconds=12.5))
    assert times is not None
    (row,) = times.rows
    assert [(one.phase, round(one.left, 1), round(one.seconds, 1)) for one in row.segments] == [
        ("volumes", 12.0, 4.0),
        ("storage", 44.0, 0.4),
        ("deployment", 47.2, 6.6),
    ]
    assert (row.seconds, row.landing) == (11, 100)


@pytest.mark.parametrize(
    ("before", "after", "phase"),
    [
        ("waits for volume deploy node x (creating) to become available", "set up the storage of node bm-0: x", "volumes"),
        ("waits for golden volume debian-13 (creating) to become available", "create volume bm-0-root (1 GiB, blank)", "volumes"),
        ("create volume a", "grow the size from 1 to 2 GiB of volume bm-0-root", "volumes"),
        ("create volume a", "power off node bm-0", "storage"),
        ("waits for node bm-0 to be powered off", "remove volume target 0 of node bm-0", "storage"),
        ("deploy node bm-0", "change the mac connector of node bm-0 from a to b", "storage"),
        ("create volume target 0 of node bm-0", "deploy node bm-0", "deployment"),
        ("waits for node bm-0 (deploying) to come to rest", "undeploy node bm-0", "deployment"),
        ("create volume a", "Failed to deploy node bm-0: storage of node bm-0", "deployment"),
        ("waits for what another run does", "deployed", "other"),
        ("undeploy node bm-0", "undeployed", "deployment"),
        ("waits for volumes", "set up the storage of node bm-0: x", "volumes"),
        ("waits for connectors", "create volume target 0 of node bm-0", "storage"),
    ],
)
def test_a_phase_is_told_by_how_a_note_begins(before: str, after: str, phase: str) -> None:
    history = [{"at": 0, "what": before}, {"at": 1, "what": after}]
    times = report_times.times(report_nodes, {"nodes": {"bm-0": {"history": history}}})
    assert times is not None
    assert [one.phase for one in times.rows[0].segments] == [phase]


def test_the_plot_names_the_median_and_the_longest_node() -> None:
    refused = a_node("bm-3", history=[{"at": 0.1, "what": "Failed to find image x."}])
    nodes = [a_node("bm-0"), a_node("bm-1"), a_node("bm-2", begins=1), refused, unchanged("bm-4")]
    nodes[2]["history"][-1]["at"] = 52.0
    assert "3 of 5 nodes had something to do. Median 11 s, longest 51 s (bm-2)." in page(a_result(*nodes)).text


def test_a_failure_is_marked_where_it_happened_by_more_than_a_colour() -> None:
    shown = page(a_result(a_node("bm-0", msg="Broken.")))
    (said,) = (attributes["aria-label"] for tag, attributes in shown.elements if tag == "svg" and attributes.get("role"))
    assert said == "volumes 4.0 s; storage interface, connectors, targets 0.4 s; deployment 6.6 s; failed"
    assert ("text", "✗") in shown.texts


def test_many_nodes_are_one_picture_and_the_longest_have_bars() -> None:
    nodes = [a_node(f"bm-{number}", begins=number, msg="Broken." if number % 10 == 0 else "") for number in range(100)]
    nodes[42]["history"][-1]["at"] += 30
    times = report_times.times(report_nodes, a_result(*nodes))
    assert times is not None
    assert times.picture is not None
    assert {phase: path.count("z") for phase, path in times.picture.paths.items()} == {
        "volumes": 100,
        "storage": 100,
        "deployment": 100,
    }
    assert times.picture.failed.count("z") == 10
    assert (times.count, len(times.rows), times.rows[0].name, times.rows[0].begin) == (100, 25, "bm-42", 0)
    assert {one.landing for one in times.rows[:1]} == {100}


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0, "0.0 s"), (9.94, "9.9 s"), (9.96, "10 s"), (60, "1 min"), (185.4, "3 min 05 s"), (3599.9, "1 h"), (3720, "1 h 02 min"), (90000, "25 h")],
)  # fmt: skip
def test_a_duration_reads_as_people_write_it(seconds: float, told: str) -> None:
    assert report_times.duration(seconds) == told


@pytest.mark.parametrize("seconds", [0.0, 0.05, 0.9, 12.5, 61, 3000, 86400 * 3])
def test_the_scale_has_a_handful_of_lines_from_zero_on(seconds: float) -> None:
    times = report_times.times(
        report_nodes, {"seconds": seconds, "nodes": {"bm-0": {"history": 2 * [{"at": 0, "what": "deployed"}]}}}
    )
    assert times is not None
    places = [place for place, _told in times.scale.ticks]
    assert places[0] == 0
    assert len(places) <= 7
    assert max(places) <= 100.001


# Hostile input and secrets


def everywhere(value: object, hostile: str) -> object:
    """The value with all of its texts replaced."""
    if isinstance(value, dict):
        return {key: everywhere(inner, hostile) for key, inner in value.items()}
    if isinstance(value, list):
        return [everywhere(inner, hostile) for inner in value]
    return hostile if isinstance(value, str) else value


@pytest.mark.parametrize("failed", [True, False])
def test_what_the_cloud_says_is_text_and_nothing_else(failed: bool) -> None:
    one = everywhere(a_node("bm-0"), HOSTILE)
    assert isinstance(one, dict)
    one |= {
        "failed": failed,
        "targets": [{**one["targets"][0], "properties": {**one["targets"][0]["properties"], "target_lun": HOSTILE}}],
        "volumes": [{**one["volumes"][0], "size": HOSTILE}],
    }
    shown = page({"seconds": 1, "nodes": {HOSTILE: one, "bm-1": one}}, state=HOSTILE)
    assert {tag for tag, _attributes in shown.elements} <= TAGS
    names = {name for _tag, attributes in shown.elements for name in attributes}
    assert [name for name in names if name.startswith("on") or name in ("src", "href", "action")] == []
    assert sum(HOSTILE in data for _tag, data in shown.texts) > 10


scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9)
names = st.sampled_from(
    ["history", "at", "what", "targets", "volumes", "node", "actions", "failed", "properties", "id", "target_luns"]
)
shapes = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4), max_leaves=12
)


@settings(max_examples=50)
@given(st.dictionaries(st.text(max_size=9), shapes, max_size=3))
def test_a_result_of_any_shape_makes_a_page(nodes: Json) -> None:
    text = render({"nodes": nodes}, finished=None)
    assert {tag for tag, _attributes in Page(text).elements} <= TAGS


def test_what_is_not_known_by_name_is_not_shown() -> None:
    secret = "s3cr3t-value"
    one = a_node("bm-0")
    for record in (one, one["node"], one["connectors"][0], one["targets"][0], one["targets"][0]["properties"], one["volumes"][0]):
        record |= {
            "extra": {"note": secret},
            "unknown": secret,
            "auth_password": secret,
            "metadata": {"key": secret},
            "driver_info": secret,
        }
    result = a_result(one, invocation={"module_args": {"chap_password": secret}}, diff=[{"after": secret}])
    assert secret not in render(result)


def test_the_page_loads_nothing_and_runs_nothing() -> None:
    text = render(a_result(a_node("bm-0")))
    assert """content="default-src 'none'; style-src 'unsafe-inline'\"""" in text
    assert re.findall(r"url\((?!#)|@import|https?:|<script|<link", text) == []


# Structure


def test_the_tables_and_headings_can_be_read_aloud() -> None:
    shown = page(a_result(a_node("bm-0"), a_node("bm-1", msg="Broken.")))
    assert [
        attributes for tag, attributes in shown.elements if tag == "th" and attributes.get("scope") not in ("col", "row")
    ] == []
    pictures = [attributes for tag, attributes in shown.elements if tag == "svg"]
    assert [
        one for one in pictures if not (one.get("aria-hidden") == "true" or (one.get("role") == "img" and one.get("aria-label")))
    ] == []
    ids = [attributes["id"] for _tag, attributes in shown.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert [one for _tag, one in shown.elements if "aria-labelledby" in one and one["aria-labelledby"] not in ids] == []


def test_the_same_run_makes_the_same_page() -> None:
    result = a_result(*(a_node(f"bm-{number}", msg="Broken." if number % 3 else "") for number in range(9)))
    turned = deepcopy(result) | {"nodes": dict(reversed(result["nodes"].items()))}
    assert render(result) == render(turned)


def test_a_thousand_nodes_fit_on_a_page_of_two_megabytes() -> None:
    nodes = [a_node(f"rack{number // 40}-node{number % 40}", begins=number / 10) for number in range(1000)]
    text = render(a_result(*nodes))
    assert len(text.encode()) < 2_000_000


# The file


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """Where a report goes. Nothing else may be there in the end."""
    folder = tmp_path / "reports"
    folder.mkdir()
    yield folder / "run.html"
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []


def write(path: Path | str, result: Json | None = None) -> None:
    report.write(str(path), report_nodes, result or a_result(a_node("bm-0")), DEPLOYED, finished=FINISHED)


def test_the_report_replaces_the_one_before(place: Path) -> None:
    place.write_text("the one before")
    report.check(str(place))
    assert place.read_text() == "the one before"
    write(place)
    assert place.read_text(encoding="utf-8") == render(a_result(a_node("bm-0")))


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_the_umask_says_who_may_read_it(place: Path, mask: int, mode: int) -> None:
    before = os.umask(mask)
    try:
        write(place)
    finally:
        os.umask(before)
    assert stat.S_IMODE(place.stat().st_mode) == mode


def test_a_report_that_cannot_be_finished_leaves_the_one_before(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments: object, **_options: object) -> int:
        raise OSError(28, "No space left on device")

    place.write_text("the one before")
    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(report.ReportError, match="No space left on device"):
        write(place)
    assert place.read_text() == "the one before"


def test_a_link_leads_to_the_report_afterwards_too(place: Path) -> None:
    link = place.parent.parent / "latest.html"
    link.symlink_to(place)
    write(link)
    assert link.is_symlink()
    assert place.is_file()


@pytest.mark.parametrize("letter", ["\x1b", "\n", "\r", "\x9b", "\u202e", "\u200b", "\udcff"])
def test_field_x4_nothing_in_it_speaks_to_a_terminal_or_turns_a_line_round(place: Path, letter: str) -> None:
    node = {**a_node("bm-0", msg=f"Failed: {letter}[31m"), "node": f"bm{letter}0"}
    write(place, {"nodes": {f"bm{letter}0": node}})
    text = place.read_text(encoding="utf-8")
    assert "bm?0" in text
    assert letter == "\n" or (letter not in text and "Failed: ?[31m" in text)  # a reason may have several lines


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o604])
def test_field_x4_a_report_keeps_the_mode_of_the_one_before(place: Path, mode: int) -> None:
    place.write_text("the one before")
    place.chmod(mode)
    write(place)
    assert stat.S_IMODE(place.stat().st_mode) == mode


@pytest.mark.parametrize("which", ["the file", "its folder", "a link that ours leads to"])
def test_field_x4_no_link_of_somebody_else_is_followed(place: Path, which: str, monkeypatch: pytest.MonkeyPatch) -> None:
    place.write_text("somebody's file")
    theirs = place.parent.parent / "theirs"
    theirs.symlink_to(place.parent if which == "its folder" else place)
    ours = place.parent.parent / "ours"
    ours.symlink_to(theirs)
    asked = {"the file": theirs, "its folder": theirs / place.name, "a link that ours leads to": ours}[which]
    own_by(ours, os.geteuid(), monkeypatch)
    own_by(theirs, 4711, monkeypatch)
    for function in (report.check, write):
        with pytest.raises(report.ReportError, match=r"theirs is a link of somebody else \(user 4711\)\. Name the file itself\."):
            function(str(asked))
    assert place.read_text() == "somebody's file"


def own_by(link: Path, user: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let somebody else own a link, as only root could."""
    lstat = Path.lstat

    def told(path: Path) -> os.stat_result:
        found = lstat(path)
        return os.stat_result([*found[:4], user, *found[5:10]]) if path == link else found

    monkeypatch.setattr(Path, "lstat", told)


def test_links_that_lead_in_a_circle_are_refused(place: Path) -> None:
    circle = place.parent.parent / "circle"
    circle.symlink_to(circle)
    with pytest.raises(report.ReportError, match=r"(?i)too many levels of symbolic links"):
        report.check(str(circle))


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("{0}/nowhere/run.html", "there is no folder"),
        ("{0}", "not a file"),
        ("/dev/null", "not a file"),
        ("{0}/" + 300 * "x", "name too long"),
        ("{0}/\0", "null"),
    ],
)
def test_a_place_that_cannot_be_written_is_refused_before_and_after_the_run(place: Path, path: str, reason: str) -> None:
    path = path.format(place.parent)
    for function in (report.check, write):
        with pytest.raises(report.ReportError, match=f"(?i){reason}") as told:
            function(path)
        assert str(told.value).startswith("Failed to write the report ")
        assert "\n" not in str(told.value)


def test_a_folder_that_may_not_be_written_is_refused_before_the_run(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_arguments: object, **_options: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)  # root may write to every folder
    with pytest.raises(report.ReportError, match="Permission denied"):
        report.check(str(place))


# The room


def test_what_the_run_makes_is_told() -> None:
    told = ["This run makes 1 volume, 20 GiB (of type ssd 1 volume, 20 GiB).", HOSTILE]
    shown = page({**a_result(a_node("bm-0")), "room": {"told": told}})
    assert "Volumes that the run makes" in shown.of("h2")
    assert [line in shown.of("p") for line in told] == [True, True]


@pytest.mark.parametrize("room", [{}, {"room": {"told": []}}, {"room": None}], ids=str)
def test_where_nothing_is_made_nothing_is_told_of_it(room: Json) -> None:
    assert "Volumes that the run makes" not in page({**a_result(a_node("bm-0")), **room}).text


def test_nodes_that_are_told_the_same_of_others_failed_for_one_reason() -> None:
    said = "Failed to make the volumes of this run: no room. There is room for 1 of 2 nodes, and not for bm-1."
    shown = page(a_result(a_node("bm-0", msg=said), a_node("bm-1", msg=said)))
    assert "2 nodes, for the same reason" in shown.of("h3")
