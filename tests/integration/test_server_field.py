# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the field did to servers and their disks, on real services: nothing is lost that the task does not name or permit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from .lab import IMAGE, PROJECT, Json, Lab
from .runs import Ansible, Run, Task, task
from .waiting import until

pytestmark = [pytest.mark.full, pytest.mark.long]

SMALL, MEDIUM = "bfv.small", "bfv.medium"
DEVICES = "os-extended-volumes:volumes_attached"
TO_COME = "(known when the server is there)"


def server(title: str, /, check: bool = False, **options: object) -> Task:
    return task(title, "bfv.openstack.bfv_server", check=check, cloud=PROJECT, **options)


def volumes(lab: Lab) -> dict[str, Json]:
    """All volumes of the project by their ids."""
    return {one["id"]: one for one in lab.cinder.list("/volumes/detail", "volumes")}


def bootable(lab: Lab, what: str, **body: object) -> Json:
    (image,) = lab.glance.list("/images", "images", name=IMAGE)
    return lab.volume(lab.name(what), imageRef=image["id"], **body)


def look(lab: Lab, server_id: str) -> Json:
    return lab.nova("GET", f"/servers/{server_id}")["server"]  # type: ignore[no-any-return]


# S1, S2: marks and names


@pytest.fixture(scope="module")
def kept(lab: Lab, ansible: Ansible) -> tuple[Run, Json, str]:
    """S1 as a playbook: a server, its disk kept, another disk under the same name, and a stop."""
    other, name = bootable(lab, "other"), lab.name("dr")
    common = {"name": name, "flavor": SMALL, "networks": "none"}
    run = ansible.tasks(
        server("from an image", **common, boot={"image": IMAGE}),
        server("remove", name=name, state="absent", boot_volume_on_delete="keep"),
        server("from a volume", **common, boot={"volume": other["id"]}),
        server("check stop", check=True, **common, boot={"volume": other["id"]}, state="stopped"),
        server("stop", **common, boot={"volume": other["id"]}, state="stopped"),
        server("alone", name=name),
    )
    return run, other, name


def test_field_s1_both_disks_are_there_at_the_end(kept: tuple[Run, Json, str], lab: Lab) -> None:
    run, other, _name = kept
    assert [title for title in ("from an image", "remove", "from a volume", "stop", "alone") if run[title]["failed"]] == []
    there = volumes(lab)
    assert (there[run["from an image"]["volume"]["id"]]["status"], there[other["id"]]["status"]) == ("available", "in-use")
    stopped = f"stop server {run['stop']['server']['name']} ({run['stop']['server']['id']})"
    assert run["check stop"]["actions"] == run["stop"]["actions"] == [stopped]


def test_field_s2_an_id_decides_and_a_name_beside_it_renames(kept: tuple[Run, Json, str], lab: Lab, ansible: Ansible) -> None:
    run, other, name = kept
    one, new = run["stop"]["server"]["id"], f"{name}-renamed"
    renamed = ansible.tasks(
        server("check", check=True, id=one, name=new), server("rename", id=one, name=new), server("again", id=one, name=new)
    )
    assert renamed["check"]["actions"] == renamed["rename"]["actions"] == [f"rename server {name} ({one}) to {new}"]
    assert (look(lab, one)["name"], renamed["again"]["changed"]) == (new, False)
    assert set(volumes(lab)) >= {other["id"], run["from an image"]["volume"]["id"]}


# D7, D8, D9: which disk it is


def test_field_d7_only_what_was_seen_attached_as_root_goes(lab: Lab, ansible: Ansible) -> None:
    old, new = bootable(lab, "old-root"), bootable(lab, "new-root")
    name = lab.server(lab.name("moved"), old["id"])["name"]
    gone = {"name": name, "state": "absent", "boot": {"volume": new["id"]}, "boot_volume_on_delete": "delete"}
    run = ansible.tasks(server("check", check=True, **gone), server("remove", **gone), server("again", **gone))
    assert run["check"]["actions"] == run["remove"]["actions"]
    assert not run["remove"]["failed"], run["remove"]["msg"]
    assert run["again"]["changed"] is False
    assert (old["id"] in volumes(lab), volumes(lab)[new["id"]]["status"]) == (False, "available")


def test_field_d8_a_data_disk_that_was_a_boot_disk_is_not_the_root(lab: Lab, ansible: Ansible) -> None:
    name = lab.name("two-disks")
    root, old = bootable(lab, "root"), bootable(lab, "once-root", metadata={"bfv_boot_of": name})
    lab.cinder("POST", f"/volumes/{old['id']}/metadata", {"metadata": {"bfv_made": old["id"]}})
    one = lab.server(name, root["id"])["id"]
    lab.nova("POST", f"/servers/{one}/os-volume_attachments", {"volumeAttachment": {"volumeId": old["id"]}})
    until("the old disk to be attached", lambda: volumes(lab)[old["id"]]["status"] == "in-use")
    run = ansible.tasks(server("remove", name=name, state="absent", boot_volume_on_delete="delete"))
    assert not run["remove"]["failed"], run["remove"]["msg"]
    assert (root["id"] in volumes(lab), volumes(lab)[old["id"]]["status"]) == (False, "available")


def test_field_d9_a_volume_of_that_name_that_was_not_made_for_the_server_is_refused(lab: Lab, ansible: Ansible) -> None:
    name = lab.name("taken")
    (image,) = lab.glance.list("/images", "images", name=IMAGE)
    theirs = lab.volume(f"{name}-boot", imageRef=image["id"], metadata={"bfv_boot_of": name})
    common = {"name": name, "flavor": SMALL, "networks": "none"}
    run = ansible.tasks(
        server("taken over", **common, boot={"image": IMAGE}), server("named", **common, boot={"volume": f"{name}-boot"})
    )
    assert run["taken over"]["failed"]
    assert "was not made for this server. Name it as boot.volume" in run["taken over"]["msg"]
    assert run["taken over"]["actions"] == []
    assert run["named"]["volume"]["id"] == theirs["id"]
    assert volumes(lab)[theirs["id"]]["metadata"] == theirs["metadata"]


def test_a_disk_that_somebody_let_go_of_in_cinder_alone_is_no_other_servers(lab: Lab, ansible: Ansible) -> None:
    """Cinder shows it as available, and Nova would boot a second machine from it (found while looking for the kinds of S and D)."""
    disk = bootable(lab, "let-go")
    one = lab.server(lab.name("runs"), disk["id"])
    lab.act(lab.cinder_admin, disk["id"], "os-reset_status", {"status": "available", "attach_status": "detached"})
    assert (volumes(lab)[disk["id"]]["status"], volumes(lab)[disk["id"]]["attachments"]) == ("available", [])
    second = {"name": lab.name("second"), "flavor": SMALL, "networks": "none", "boot": {"volume": disk["id"]}}
    run = ansible.tasks(
        server("check", check=True, **second),
        server("boot", **second),
        task("fleet", "bfv.openstack.server_fleet", cloud=PROJECT, servers=[second]),
    )
    for title in ("check", "boot"):
        assert f"is a disk of server {one['name']} ({one['id']}, ACTIVE) as well" in run[title]["msg"]
        assert run[title]["actions"] == []
    assert "is a disk of server" in run["fleet"]["servers"][second["name"]]["msg"]
    assert not [found for found in lab.nova.list("/servers", "servers") if found["name"] == second["name"]]


# D11, D12: what is for good comes last


@pytest.fixture(scope="module")
def huge(lab: Lab) -> Iterator[str]:
    """A flavor that no host fits."""
    body = {"flavor": {"name": lab.name("huge"), "vcpus": 4096, "ram": 2**20, "disk": 0}}
    flavor = lab.nova_admin("POST", "/flavors", body)["flavor"]
    yield flavor["name"]
    lab.nova_admin("DELETE", f"/flavors/{flavor['id']}")


def test_field_d11_the_old_disk_is_there_if_the_new_server_ends_in_error(
    lab: Lab, ansible: Ansible, huge: str, tmp_path: Path
) -> None:
    second = lab.name("image")
    lab.image(second, tmp_path)
    name = lab.name("exchanged")
    wish: Json = {"name": name, "networks": "sandbox", "replace_may_lose": ["user_data"], "boot_volume_on_delete": "delete"}
    other = {**wish, "boot": {"image": second}, "on_image_change": "replace", "on_flavor_change": "replace"}
    run = ansible.tasks(
        server("create", **wish, flavor=SMALL, boot={"image": IMAGE}),
        server("exchange", **other, flavor=huge),
    )
    old = run["create"]["volume"]["id"]
    assert run["exchange"]["failed"]
    assert "it is in ERROR" in run["exchange"]["msg"]
    assert volumes(lab)[old]["status"] == "available"
    again = ansible.tasks(
        server("finish", **other, flavor=SMALL, recreate="on_error"), server("again", **other, flavor=SMALL, recreate="on_error")
    )
    assert not again["finish"]["failed"], again["finish"]["msg"]
    assert again["finish"]["server"]["addresses"] == run["create"]["server"]["addresses"] != []
    assert again["finish"]["volume"]["id"] != old
    assert again["again"]["changed"] is False
    until("the old disk to be gone", lambda: old not in volumes(lab))
    assert [key for one in lab.volumes(f"{name}-boot") for key in one["metadata"] if key.startswith("bfv_note")] == []


def test_field_d12_a_resize_of_somebody_else_is_neither_confirmed_nor_reverted(lab: Lab, ansible: Ansible) -> None:
    one = lab.server(lab.name("resized"), bootable(lab, "root")["id"])
    (medium,) = (flavor["id"] for flavor in lab.nova.list("/flavors", "flavors") if flavor["name"] == MEDIUM)
    lab.nova("POST", f"/servers/{one['id']}/action", {"resize": {"flavorRef": medium}})
    until("the resize to wait for its confirmation", lambda: look(lab, one["id"])["status"] == "VERIFY_RESIZE")
    run = ansible.tasks(
        server("start", name=one["name"], state="started"),
        server("other flavor", name=one["name"], flavor=SMALL, on_flavor_change="resize"),
    )
    for title in ("start", "other flavor"):
        assert run[title]["failed"]
        assert "waits for a decision" in run[title]["msg"]
    assert look(lab, one["id"])["status"] == "VERIFY_RESIZE"
    confirmed = ansible.tasks(server("confirm", name=one["name"], flavor=MEDIUM, on_flavor_change="resize"))
    assert (confirmed["confirm"]["server"]["status"], confirmed["confirm"]["server"]["flavor"]) == ("ACTIVE", MEDIUM)


# S5, S6: replacement from what is


@dataclass(frozen=True)
class Rich:
    """A server with all that can be carried over, and the runs that replace it."""

    before: Json
    port: Json
    data: Json
    root: Json
    group: str
    run: Run


@pytest.fixture(scope="module")
def rich(lab: Lab, ansible: Ansible) -> Iterator[Rich]:
    key, name = lab.name("key"), lab.name("rich")
    lab.key(key)
    groups = [lab.neutron("POST", "/security-groups", {"security_group": {"name": lab.name(one)}}) for one in ("front", "back")]
    names = [one["security_group"]["name"] for one in groups]
    network = lab.neutron("POST", "/networks", {"network": {"name": lab.name("network")}})["network"]["id"]
    for version, cidr in ((4, "198.51.100.0/24"), (6, "2001:db8:5::/64")):
        six = {"ipv6_address_mode": "dhcpv6-stateful", "ipv6_ra_mode": "dhcpv6-stateful"} if version == 6 else {}
        subnet = {"network_id": network, "ip_version": version, "cidr": cidr, "name": lab.name(f"v{version}"), **six}
        lab.neutron("POST", "/subnets", {"subnet": subnet})
    policy = {"server_group": {"name": lab.name("group"), "policy": "soft-anti-affinity"}}
    group = lab.nova("POST", "/os-server-groups", policy)["server_group"]["id"]
    root, data = bootable(lab, "root"), lab.volume(lab.name("data"))
    one = _made(lab, name, key, names, network, group, root, data)
    (port,) = _ports(lab, one)
    body = {"allowed_address_pairs": [{"ip_address": "198.51.100.200"}]}
    lab.neutron("PUT", f"/ports/{port['id']}", {"port": body})
    (port,), before = _ports(lab, one), look(lab, one)
    wish: Json = {"name": name, "flavor": MEDIUM, "on_flavor_change": "replace"}
    run = ansible.tasks(
        server("refused", **wish),
        server("check", check=True, **wish, replace_may_lose=["user_data"]),
        server("replace", **wish, replace_may_lose=["user_data"]),
        server("again", **wish, replace_may_lose=["user_data"]),
    )
    yield Rich(before, port, data, root, group, run)
    lab.nova("DELETE", f"/os-server-groups/{group}")


def _made(lab: Lab, name: str, key: str, groups: list[str], network: str, group: str, root: Json, data: Json) -> str:
    """Straight by Nova's API, as somebody does who knows of no Ansible."""
    (flavor,) = (one["id"] for one in lab.nova.list("/flavors", "flavors") if one["name"] == SMALL)
    disk = {"source_type": "volume", "destination_type": "volume"}
    body = {
        "name": name,
        "flavorRef": flavor,
        "networks": [{"uuid": network}],
        "key_name": key,
        "security_groups": [{"name": one} for one in groups],
        "metadata": {"role": "web", "rack": "3"},
        "tags": ["blue", "first"],
        "description": "the first of its kind",
        "block_device_mapping_v2": [
            {**disk, "uuid": root["id"], "boot_index": 0, "delete_on_termination": True},
            {**disk, "uuid": data["id"], "boot_index": -1, "delete_on_termination": True},
        ],
    }
    hints = {"group": group}
    made = lab.nova("POST", "/servers", {"server": body, "os:scheduler_hints": hints})["server"]["id"]
    until(f"server {name}", lambda: look(lab, made)["status"] == "ACTIVE")
    return str(made)


def _ports(lab: Lab, server_id: str) -> list[Json]:
    return lab.neutron.list("/ports", "ports", device_id=server_id)


def test_field_s5_user_data_that_would_be_lost_is_refused_first(rich: Rich) -> None:
    assert rich.run["refused"]["failed"]
    assert "replace_may_lose: [user_data]" in rich.run["refused"]["msg"]
    assert rich.run["refused"]["actions"] == []


def test_field_s5_all_of_the_server_comes_along(rich: Rich, lab: Lab) -> None:
    replaced = rich.run["replace"]
    assert not replaced["failed"], replaced["msg"]
    after = look(lab, replaced["server"]["id"])
    for key in ("key_name", "metadata", "tags", "description", "OS-EXT-AZ:availability_zone", "config_drive", "server_groups"):
        assert after[key] == rich.before[key]
    assert (after["id"] != rich.before["id"], after["flavor"]["original_name"]) == (True, MEDIUM)
    names = [sorted(group["name"] for group in one["security_groups"]) for one in (rich.before, after)]
    assert names[0] == names[1]
    assert {one["id"]: one["delete_on_termination"] for one in after[DEVICES]} == {rich.root["id"]: True, rich.data["id"]: True}
    assert rich.run["again"]["changed"] is False


def test_field_s5_both_addresses_of_the_port_its_groups_and_pairs_come_along(rich: Rich, lab: Lab) -> None:
    (port,) = _ports(lab, rich.run["replace"]["server"]["id"])
    ips = [sorted(one["ip_address"] for one in found["fixed_ips"]) for found in (rich.port, port)]
    assert ips[0] == ips[1]
    assert len(ips[0]) == 2
    assert sorted(port["security_groups"]) == sorted(rich.port["security_groups"])
    assert [one["ip_address"] for one in port["allowed_address_pairs"]] == ["198.51.100.200"]


def test_field_s5_check_mode_says_exactly_what_is_written(rich: Rich) -> None:
    new = rich.run["replace"]["server"]["id"]
    assert [action.replace(new, TO_COME) for action in rich.run["replace"]["actions"]] == rich.run["check"]["actions"]
    after = rich.run["check"]["diff"]["after"]
    assert any("2001:db8:5:" in line for line in after["carries_over"])
    assert any("user data" in line for line in after["loses"])
    assert any(line.startswith(rich.before["id"]) for line in after["destroys"])


def test_field_s5_no_note_stays(rich: Rich, lab: Lab) -> None:
    assert [key for key in volumes(lab)[rich.root["id"]]["metadata"] if key.startswith("bfv_note")] == []


def test_field_s6_a_locked_server_is_refused_before_anything_is_switched(lab: Lab, ansible: Ansible) -> None:
    one = lab.server(lab.name("locked"), bootable(lab, "root")["id"], True)
    lab.nova("POST", f"/servers/{one['id']}/action", {"lock": None})
    wish = {"name": one["name"], "flavor": MEDIUM, "on_flavor_change": "replace", "replace_may_lose": ["user_data"]}
    run = ansible.tasks(
        server("replace", **wish), server("remove", name=one["name"], state="absent", boot_volume_on_delete="keep")
    )
    for title in ("replace", "remove"):
        assert run[title]["failed"]
        assert "Unlock it first" in run[title]["msg"]
        assert run[title]["actions"] == []
    assert look(lab, one["id"])[DEVICES] == one[DEVICES]
    lab.nova("POST", f"/servers/{one['id']}/action", {"unlock": None})
