# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""S8-S10, S12, S13, S17: what a server needs at its time, and what is left of servers that never came about, on real services."""

from __future__ import annotations

from uuid import uuid4

import pytest

from .lab import IMAGE, PROJECT, Json, Lab
from .runs import Ansible, Run, Task, task

pytestmark = [pytest.mark.full, pytest.mark.extra]

SMALL = "bfv.small"


def server(title: str, /, check: bool = False, **options: object) -> Task:
    return task(title, "bfv.openstack.bfv_server", check=check, cloud=PROJECT, **options)


def reserve(lab: Lab, volume: Json, server_id: str) -> str:
    """What a server leaves that Nova refused: an attachment that is not complete."""
    body = {"attachment": {"volume_uuid": volume["id"], "instance_uuid": server_id}}
    return str(lab.cinder("POST", "/attachments", body)["attachment"]["id"])


def bootable(lab: Lab, what: str) -> Json:
    (image,) = lab.glance.list("/images", "images", name=IMAGE)
    return lab.volume(lab.name(what), imageRef=image["id"])


@pytest.fixture(scope="module")
def lived(lab: Lab, ansible: Ansible, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Json]:
    """A server's life: its image goes, a volume is attached by a task that names no boot disk, and the server goes by such a task."""
    image, name, group = lab.name("image"), lab.name("lived"), lab.name("spread")
    made = lab.image(image, tmp_path_factory.mktemp("images"))
    data = lab.volume(lab.name("data"))
    reserve(lab, data, str(uuid4()))
    policy = {"server_group": {"name": group, "policy": "soft-anti-affinity"}}
    group_id = lab.nova("POST", "/os-server-groups", policy)["server_group"]["id"]
    wish = {"name": name, "flavor": SMALL, "networks": "none", "boot": {"image": image}, "scheduler_hints": {"group": group}}
    attach = {"name": name, "block_devices": [{"volume_id": data["id"]}]}
    first = ansible.tasks(server("create", **wish))
    lab.glance("DELETE", f"/images/{made}")
    run = ansible.tasks(
        server("image gone", **wish),
        server("attach", **attach),
        server("attach again", **attach),
        server("remove", **attach, state="absent", boot_volume_on_delete="keep"),
    )
    members = lab.nova("GET", f"/os-server-groups/{group_id}")["server_group"]["members"]
    lab.nova("DELETE", f"/os-server-groups/{group_id}")
    assert not first["create"]["failed"], first["create"]["msg"]
    return run, {"data": data, "id": first["create"]["server"]["id"], "members": members, "name": name}


def test_field_s8_a_server_goes_on_when_its_image_has_gone(lived: tuple[Run, Json]) -> None:
    assert (lived[0]["image gone"]["failed"], lived[0]["image gone"]["changed"]) == (False, False), lived[0]["image gone"]
    assert any("was made from image" in warning for warning in lived[0]["image gone"]["warnings"])


def test_field_s9_a_volume_is_attached_and_what_had_reserved_it_is_let_go(lived: tuple[Run, Json]) -> None:
    run, told = lived
    assert not run["attach"]["failed"], run["attach"]["msg"]
    assert [action.partition(" ")[0] for action in run["attach"]["actions"]] == ["let", "attach"]
    assert told["data"]["id"] in [one["id"] for one in run["attach"]["server"]["volumes"]]
    assert run["attach again"]["changed"] is False


def test_field_s10_the_server_is_removed_by_a_task_without_a_boot_disk(lived: tuple[Run, Json], lab: Lab) -> None:
    run, told = lived
    assert not run["remove"]["failed"], run["remove"]["msg"]
    assert lab.servers(told["name"]) == []


def test_field_s12_a_reservation_of_nobody_is_let_go_and_one_of_somebody_is_named(lab: Lab, ansible: Ansible) -> None:
    root, taken = bootable(lab, "root"), bootable(lab, "taken")
    lost = str(uuid4())
    attachment = reserve(lab, root, lost)
    wish: Json = {"name": lab.name("second"), "flavor": SMALL, "networks": "none"}
    run = ansible.tasks(
        server("check", check=True, **wish, boot={"volume": root["id"]}), server("run", **wish, boot={"volume": root["id"]})
    )
    assert not run["run"]["failed"], run["run"]["msg"]
    let_go = f"let go of volume {root['name']}: delete attachment {attachment} of server {lost}, which is not there"
    assert run["check"]["actions"][0] == run["run"]["actions"][0] == let_go
    holder = run["run"]["server"]["id"]
    held = reserve(lab, taken, holder)
    other = ansible.tasks(server("taken", **{**wish, "name": lab.name("third")}, boot={"volume": taken["id"]}))["taken"]
    assert other["failed"]
    assert f"is reserved by attachment {held}, for server {wish['name']} ({holder}, ACTIVE) of project" in other["msg"]
    lab.cinder("DELETE", f"/attachments/{held}")


def test_field_s17_the_advice_for_a_boot_volume_in_error_can_be_followed(lab: Lab, ansible: Ansible) -> None:
    root = bootable(lab, "broken")
    lab.set_status(root["id"], "error")
    wish: Json = {"name": lab.name("from-broken"), "flavor": SMALL, "networks": "none", "boot": {"volume": root["name"]}}
    refused = ansible.tasks(server("refused", **wish, recreate="on_error"))["refused"]
    assert f"openstack volume set --state available {root['id']}, by an administrator" in refused["msg"]
    lab.set_status(root["id"], "available")
    done = ansible.tasks(server("done", **wish))["done"]
    assert not done["failed"], done["msg"]

    name = lab.name("anew")
    failed = lab.volume(f"{name}-boot", metadata={"bfv_made": "new", "bfv_boot_of": name})
    lab.set_status(failed["id"], "error")
    wish = {"name": name, "flavor": SMALL, "networks": "none", "boot": {"image": IMAGE}}
    run = ansible.tasks(server("refused", **wish), server("done", **wish, recreate="on_error"))
    assert "Permit to make it anew (recreate=on_error)" in run["refused"]["msg"]
    assert not run["done"]["failed"], run["done"]["msg"]
    assert [one["id"] for one in lab.volumes(f"{name}-boot")] == [run["done"]["volume"]["id"]] != [failed["id"]]
