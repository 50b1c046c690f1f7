# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""S16: servers in the statuses that real Nova can be brought to. Check mode says what the run does, and each advice is followed once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import openstack
import pytest

from .keeping_nova import keeping_nova
from .lab import ADMIN, IMAGE, PROJECT, Api, Json, Lab
from .runs import Ansible, Task, task
from .waiting import until

pytestmark = [pytest.mark.full, pytest.mark.long]

SMALL, MEDIUM = "bfv.small", "bfv.medium"
PATIENCE = 240  # seconds, on a busy machine
# What brings a server there, the status that it then has, and what brings it back.
SET_ASIDE = {
    "paused": ("pause", "PAUSED", "unpause"),
    "suspended": ("suspend", "SUSPENDED", "resume"),
    "shelved": ("shelve", "SHELVED_OFFLOADED", "unshelve"),
}


def server(title: str, /, check: bool = False, **options: object) -> Task:
    return task(title, "bfv.openstack.bfv_server", check=check, cloud=PROJECT, **options)


def look(lab: Lab, server_id: str) -> Json:
    return lab.nova("GET", f"/servers/{server_id}")["server"]  # type: ignore[no-any-return]


def act(lab: Lab, server_id: str, action: str, status: str, how: Json | None = None) -> None:
    """Somebody does it to the server."""
    lab.nova("POST", f"/servers/{server_id}/action", {action: how})

    def has_come() -> bool:
        seen = look(lab, server_id)
        return bool(seen["status"] == status and seen["OS-EXT-STS:task_state"] is None)

    until(f"server {server_id} to be {status}", has_come, PATIENCE)


@pytest.fixture(scope="module")
def one(lab: Lab, ansible: Ansible) -> Json:
    """The server to which all of it happens."""
    name = lab.name("one")
    made = ansible.tasks(server("create", name=name, flavor=SMALL, boot={"image": IMAGE}, networks="none"))["create"]
    assert not made["failed"], made["msg"]
    return made["server"]  # type: ignore[no-any-return]


@pytest.mark.parametrize("what", SET_ASIDE)
def test_field_s16_a_server_that_was_set_aside_is_brought_where_the_task_wants_it(
    what: str, one: Json, lab: Lab, ansible: Ansible
) -> None:
    action, status, back = SET_ASIDE[what]
    act(lab, one["id"], action, status)
    wish = {"name": one["name"], "state": "started"}
    run = ansible.tasks(
        server("present", name=one["name"]), server("check", check=True, **wish), server("run", **wish), server("again", **wish)
    )
    assert (run["present"]["failed"], run["present"]["changed"], run["present"]["server"]["status"]) == (False, False, status)
    assert not run["run"]["failed"], run["run"]["msg"]
    assert run["check"]["actions"] == run["run"]["actions"] == [f"{back} server {one['name']} ({one['id']})"]
    assert (look(lab, one["id"])["status"], run["again"]["changed"]) == ("ACTIVE", False)

    act(lab, one["id"], action, status)
    wish = {"name": one["name"], "state": "stopped", "metadata": {"role": what}}
    run = ansible.tasks(server("check", check=True, **wish), server("run", **wish), server("again", **wish))
    assert not run["run"]["failed"], run["run"]["msg"]
    assert run["check"]["actions"] == run["run"]["actions"]
    assert [words.partition(" ")[0] for words in run["run"]["actions"]] == [back, "set", "stop"]
    assert (look(lab, one["id"])["status"], run["again"]["changed"]) == ("SHUTOFF", False)
    act(lab, one["id"], "os-start", "ACTIVE")


# Advices


def advised(msg: str, server_id: str) -> list[str]:
    """The commands of the client that a message names for the server."""
    return re.findall(rf"openstack server ([a-z -]+) {server_id}", msg)


def follow(lab: Lab, refused: Json, status: str = "ACTIVE") -> None:
    """Do what a refusal advises: the last command that it names."""
    assert refused["failed"]
    assert refused["actions"] == []
    words, server_id = re.findall(r"openstack server ([a-z ]+) ([0-9a-f-]{36})", refused["msg"])[-1]
    action = {"resize revert": "revertResize", "resize confirm": "confirmResize"}.get(words, words)
    if action in ("lock", "unlock"):
        lab.nova("POST", f"/servers/{server_id}/action", {action: None})
    else:
        act(lab, server_id, action, status)


@pytest.mark.parametrize(
    ("what", "wish"),
    [
        ("paused", {"flavor": MEDIUM, "on_flavor_change": "resize"}),
        ("suspended", {"block_devices": [{"volume_id": "{data}"}]}),
        ("shelved", {"metadata": {"advised": "yes"}}),
    ],
)
def test_field_s16_the_advice_for_a_server_that_was_set_aside_can_be_followed(
    what: str, wish: Json, one: Json, lab: Lab, ansible: Ansible
) -> None:
    if "block_devices" in wish:
        wish = {"block_devices": [{"volume_id": lab.volume(lab.name("data"))["id"]}]}
    action, status, _back = SET_ASIDE[what]
    act(lab, one["id"], action, status)
    run = ansible.tasks(server("check", check=True, name=one["name"], **wish), server("refused", name=one["name"], **wish))
    assert run["check"]["msg"] == run["refused"]["msg"]
    assert f"its status is {status}" in run["refused"]["msg"]
    follow(lab, run["refused"])
    done = ansible.tasks(server("done", name=one["name"], **wish))["done"]
    assert (done["failed"], done["changed"]) == (False, True), done["msg"]


def test_field_s16_the_advice_for_a_locked_server_can_be_followed(one: Json, lab: Lab, ansible: Ansible) -> None:
    lab.nova("POST", f"/servers/{one['id']}/action", {"lock": {"locked_reason": "audit"}})
    wishes: tuple[Json, ...] = ({"state": "stopped"}, {"metadata": {"locked": "no"}}, {"state": "started"})
    run = ansible.tasks(
        *(server(f"{number}", name=one["name"], **wish) for number, wish in enumerate(wishes)),
        server("absent", name=one["name"], state="absent"),
        server("fate", name=one["name"], boot={"delete_on_termination": True}),
    )
    for title in ("0", "1", "absent"):
        assert "it is locked («audit»). Unlock it first" in run[title]["msg"]
        assert run[title]["actions"] == []
    assert (run["2"]["failed"], run["fate"]["failed"], run["fate"]["changed"]) == (False, False, True)
    follow(lab, run["0"])
    again = ansible.tasks(*(server(f"{number}", name=one["name"], **wish) for number, wish in enumerate(wishes)))
    assert [again[f"{number}"]["failed"] for number in range(len(wishes))] == [False, False, False]


@contextmanager
def host_that_rescues() -> Iterator[None]:
    """Nova rescues a server that runs from a volume where its host says that it can (nova/compute/api.py, rescue). The fake driver can,
    and does not say so: an administrator does. Nova takes that back when it looks again (nova/compute/resource_tracker.py, _get_traits).
    """
    placement = Api(openstack.connect(cloud=ADMIN).placement, "1.6")
    (host,) = placement.list("/resource_providers", "resource_providers", name="fake")
    traits = f"/resource_providers/{host['uuid']}/traits"
    before = placement("GET", traits)
    placement("PUT", traits, {**before, "traits": [*before["traits"], "COMPUTE_RESCUE_BFV"]})
    yield
    after = placement("GET", traits)
    placement("PUT", traits, {**after, "traits": [one for one in after["traits"] if one != "COMPUTE_RESCUE_BFV"]})


def test_field_s16_the_advice_for_a_server_in_rescue_can_be_followed(one: Json, lab: Lab, ansible: Ansible) -> None:
    # Nova reads no more of the image than what it says of its disk.
    medium = {"disk_format": "raw", "container_format": "bare", "hw_rescue_bus": "virtio", "hw_rescue_device": "disk"}
    image = lab.glance("POST", "/images", {"name": lab.name("rescue"), **medium})["id"]
    with host_that_rescues():
        act(lab, one["id"], "rescue", "RESCUE", {"rescue_image_ref": image})
    wish = {"name": one["name"], "state": "started", "metadata": {"rescued": "yes"}}
    run = ansible.tasks(
        server("present", name=one["name"]),
        server("metadata", name=one["name"], metadata=wish["metadata"]),
        server("check", check=True, **wish),
        server("run", **wish),
    )
    assert (run["present"]["failed"], run["present"]["changed"], run["present"]["server"]["status"]) == (False, False, "RESCUE")
    assert "its status is RESCUE. Somebody repairs it" in run["metadata"]["msg"]
    assert run["check"]["msg"] == run["run"]["msg"]
    follow(lab, run["run"])
    done = ansible.tasks(server("done", **wish))["done"]
    assert (done["failed"], done["changed"]) == (False, True), done["msg"]


def test_field_s16_the_advices_for_a_server_that_was_deleted_and_is_kept_can_be_followed(
    lab: Lab, ansible: Ansible, tmp_path: Path
) -> None:
    root = lab.volume(lab.name("kept-root"))
    lab.act(lab.cinder, root["id"], "os-set_bootable", {"bootable": True})
    one = lab.server(lab.name("kept"), root["id"])["id"]

    def delete() -> None:
        nova("DELETE", f"/servers/{one}")
        until("the server to be kept", lambda: look(lab, one)["status"] == "SOFT_DELETED", PATIENCE)

    with keeping_nova(tmp_path) as nova:
        try:
            delete()
            run = ansible.tasks(server("check", check=True, id=one, state="started"), server("run", id=one, state="started"))
            assert "its status is SOFT_DELETED. It was deleted, and Nova keeps it for a while" in run["run"]["msg"]
            assert (run["run"]["actions"], run["check"]["msg"]) == ([], run["run"]["msg"])
            act(lab, one, advised(run["run"]["msg"], one)[0], "ACTIVE")
            done = ansible.tasks(server("done", id=one, state="started"))["done"]
            assert (done["failed"], done["server"]["status"]) == (False, "ACTIVE"), done["msg"]
            delete()
            left = ansible.tasks(server("absent", id=one, state="absent"))["absent"]
        finally:
            lab.nova("POST", f"/servers/{one}/action", {"forceDelete": None})
    (told,) = left["warnings"]
    assert (left["failed"], left["changed"], advised(told, one)) == (False, False, ["delete --force"])
    until(
        "the volume to be free", lambda: lab.cinder("GET", f"/volumes/{root['id']}")["volume"]["status"] == "available", PATIENCE
    )


def resize_to_small(lab: Lab, one: Json) -> None:
    """Somebody begins it."""
    (small,) = (flavor["id"] for flavor in lab.nova.list("/flavors", "flavors") if flavor["name"] == SMALL)
    lab.nova("POST", f"/servers/{one['id']}/action", {"resize": {"flavorRef": small}})
    until("the resize to wait for its confirmation", lambda: look(lab, one["id"])["status"] == "VERIFY_RESIZE", PATIENCE)


def test_field_s16_the_advices_for_a_resize_of_somebody_can_be_followed(one: Json, lab: Lab, ansible: Ansible) -> None:
    resize_to_small(lab, one)
    run = ansible.tasks(
        server("metadata", name=one["name"], metadata={"resized": "no"}), server("stop", name=one["name"], state="stopped")
    )
    assert "its status is VERIFY_RESIZE" in run["metadata"]["msg"]
    follow(lab, run["stop"])
    wish = {"name": one["name"], "flavor": MEDIUM, "state": "stopped", "metadata": {"resized": "no"}}
    done = ansible.tasks(server("stop", **wish))["stop"]
    assert (done["failed"], done["server"]["status"]) == (False, "SHUTOFF"), done["msg"]

    resize_to_small(lab, one)
    wish = {"name": one["name"], "metadata": {"resized": "yes"}}
    refused = ansible.tasks(server("metadata", **wish))["metadata"]
    assert advised(refused["msg"], one["id"]) == ["resize confirm", "resize revert"]
    act(lab, one["id"], "confirmResize", "SHUTOFF")
    done = ansible.tasks(server("metadata", **wish))["metadata"]
    assert (done["failed"], done["server"]["flavor"]) == (False, SMALL), done["msg"]


def test_field_s16_absent_works_where_a_server_was_set_aside(one: Json, lab: Lab, ansible: Ansible) -> None:
    act(lab, one["id"], "shelve", "SHELVED_OFFLOADED")
    gone = {"name": one["name"], "state": "absent", "boot_volume_on_delete": "keep"}
    run = ansible.tasks(server("check", check=True, **gone), server("run", **gone), server("again", **gone))
    assert not run["run"]["failed"], run["run"]["msg"]
    assert run["check"]["actions"] == run["run"]["actions"]
    assert (lab.servers(one["name"]), run["again"]["changed"]) == ([], False)


@pytest.fixture(scope="module")
def error_server(lab: Lab) -> Iterator[Json]:
    """A server that no host could take, and its disk."""
    body = {"flavor": {"name": lab.name("huge"), "vcpus": 4096, "ram": 2**20, "disk": 0}}
    flavor = lab.nova_admin("POST", "/flavors", body)["flavor"]
    (image,) = lab.glance.list("/images", "images", name=IMAGE)
    disk = {"source_type": "volume", "destination_type": "volume", "boot_index": 0}
    root = lab.volume(lab.name("failed-root"), imageRef=image["id"])
    wanted = {"name": lab.name("failed"), "flavorRef": flavor["id"], "networks": "none"}
    made_of = {"block_device_mapping_v2": [{**disk, "uuid": root["id"]}]}
    one = lab.nova("POST", "/servers", {"server": {**wanted, **made_of}})["server"]["id"]
    until("the server to fail", lambda: look(lab, one)["status"] == "ERROR", PATIENCE)
    yield {**look(lab, one), "root": root}
    lab.nova_admin("DELETE", f"/flavors/{flavor['id']}")


def test_field_s16_the_advice_for_a_server_in_error_can_be_followed(lab: Lab, ansible: Ansible, error_server: Json) -> None:
    root = error_server["root"]
    wish = {"name": error_server["name"], "flavor": SMALL, "on_flavor_change": "replace", "state": "stopped", "networks": "none"}
    run = ansible.tasks(server("refused", **wish))
    assert "it is in ERROR, and Nova says «No valid host was found." in run["refused"]["msg"]
    assert f"volume {root['name']} ({root['id']})" in run["refused"]["msg"]
    again = ansible.tasks(server("anew", **wish, recreate="on_error", replace_may_lose=["user_data"]))["anew"]
    assert not again["failed"], again["msg"]
    assert (again["server"]["status"], again["volume"]["id"]) == ("SHUTOFF", root["id"])
