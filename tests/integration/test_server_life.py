# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server's whole life on real Nova: another boot disk and back, shelved and back, its further disks, its tags and description, and what is returned of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from .lab import IMAGE, NETWORK, PROJECT, Json, Lab
from .proxy import Proxy
from .runs import Ansible, Run, Task, task

pytestmark = [pytest.mark.full, pytest.mark.extra]

SMALL = "bfv.small"


def server(title: str, /, check: bool = False, proxy: str | None = None, **options: object) -> Task:
    return task(title, "bfv.openstack.bfv_server", check=check, proxy=proxy, cloud=PROJECT, **options)


def done(run: Run, title: str) -> Json:
    """What a task returned that did not fail, whose second run changed nothing."""
    again = run[f"{title} again"]
    assert not run[title]["failed"], run[title]["msg"]
    assert (again["failed"], again["changed"], again["actions"]) == (False, False, []), again
    assert set(again) - {"warnings"} == set(run[title]) - {"warnings"}
    return run[title]


def foreseen(run: Run, title: str) -> None:
    """Check mode said what the run did, but for the id of what was to come."""
    said = [
        action.replace("(known when the server is there)", run[title]["server"]["id"])
        for action in run[f"{title} check"]["actions"]
    ]
    assert said == run[title]["actions"]


def thrice(title: str, quiet: Proxy, **options: object) -> list[Task]:
    return [
        server(f"{title} check", check=True, proxy=quiet.url, **options),
        server(title, **options),
        server(f"{title} again", proxy=quiet.url, **options),
    ]


# Another boot disk


@dataclass(frozen=True)
class Exchange:
    """A server that boots from another disk, and from its own again."""

    run: Run
    own: Json
    other: Json
    data: Json
    quiet: Proxy


@pytest.fixture(scope="module")
def exchange(lab: Lab, ansible: Ansible, new_proxy: Callable[[], Proxy]) -> Exchange:
    name, quiet = lab.name("exchanged"), new_proxy()
    (image,) = lab.glance.list("/images", "images", name=IMAGE)
    own, other = (lab.volume(lab.name(what), imageRef=image["id"]) for what in ("own", "other"))
    data = lab.volume(lab.name("data"))
    disks = [{"volume_id": data["name"]}]
    leaving = {"volume": own["name"], "delete_on_termination": True}
    wish = {"name": name, "flavor": SMALL, "networks": NETWORK, "replace_may_lose": ["user_data"], "block_devices": disks}
    there = {**wish, "boot": {"volume": other["name"]}, "on_boot_volume_change": "replace"}
    back = {**wish, "boot": {"volume": own["id"]}, "on_boot_volume_change": "replace", "boot_volume_on_delete": "delete"}
    run = ansible.tasks(
        server("create", boot=leaving, metadata={"role": "db"}, **wish),
        server("refused", proxy=quiet.url, boot={"volume": other["name"]}, **wish),
        server("not bootable", proxy=quiet.url, **{**there, "boot": {"volume": data["name"]}, "block_devices": []}),
        *thrice("there", quiet, **there),
        *thrice("back", quiet, **back),
    )
    return Exchange(run, own, other, data, quiet)


def test_another_boot_disk_is_refused_without_permission_and_where_it_cannot_be(exchange: Exchange) -> None:
    assert not exchange.run["create"]["failed"], exchange.run["create"]["msg"]
    assert "on_boot_volume_change: replace" in exchange.run["refused"]["msg"]
    assert "is one of its further disks" in exchange.run["not bootable"]["msg"]


@pytest.mark.parametrize(("title", "before"), [("there", "create"), ("back", "there")])
def test_the_disk_is_exchanged_and_all_else_stays(title: str, before: str, exchange: Exchange) -> None:
    now, was = done(exchange.run, title), exchange.run[before]
    foreseen(exchange.run, title)
    old, new = (exchange.own, exchange.other) if title == "there" else (exchange.other, exchange.own)
    assert now["kept_boot_volume"] == exchange.run[f"{title} check"]["kept_boot_volume"] == {"id": old["id"], "name": old["name"]}
    assert exchange.run[f"{title} again"]["kept_boot_volume"] is None
    assert [one["id"] for one in now["server"]["volumes"]] == [new["id"], exchange.data["id"]]
    assert now["server"]["volumes"][0]["delete_on_termination"] is False
    assert now["server"]["addresses"] == was["server"]["addresses"]
    assert (now["server"]["metadata"], now["server"]["id"] == was["server"]["id"]) == ({"role": "db"}, False)


def test_both_disks_are_there_after_all_of_it(exchange: Exchange, lab: Lab) -> None:
    ones = [lab.cinder("GET", f"/volumes/{one['id']}")["volume"] for one in (exchange.own, exchange.other)]
    assert [one["status"] for one in ones] == ["in-use", "available"]
    assert [key for one in ones for key in one["metadata"] if key.startswith("bfv_note")] == []


def test_check_mode_refusals_and_second_runs_of_an_exchange_write_nothing(exchange: Exchange) -> None:
    assert exchange.quiet.writes == []


# Shelved, and back


@pytest.fixture(scope="module")
def shelved(lab: Lab, ansible: Ansible, new_proxy: Callable[[], Proxy]) -> Run:
    name, quiet, data = lab.name("shelved"), new_proxy(), lab.volume(lab.name("data"))
    wish = {
        "name": name,
        "flavor": SMALL,
        "boot": {"image": IMAGE},
        "networks": NETWORK,
        "block_devices": [{"volume_id": data["name"]}],
    }
    run = ansible.tasks(
        server("create", **wish),
        *thrice("shelve", quiet, **wish, state="shelved"),
        server("left", proxy=quiet.url, **wish),
        *thrice("back", quiet, **wish, state="stopped"),
        *thrice("shelve it stopped", quiet, **wish, state="shelved"),
        *thrice("start", quiet, **wish, state="started"),
    )
    assert quiet.writes == []
    return run


@pytest.mark.parametrize(
    ("title", "verbs", "status"),
    [
        ("shelve", ["shelve"], "SHELVED_OFFLOADED"),
        ("back", ["unshelve", "stop"], "SHUTOFF"),
        ("shelve it stopped", ["shelve"], "SHELVED_OFFLOADED"),
        ("start", ["unshelve"], "ACTIVE"),
    ],
)
def test_a_server_is_shelved_and_comes_back_with_all_that_is_its_own(
    title: str, verbs: list[str], status: str, shelved: Run
) -> None:
    first, now = shelved["create"]["server"], done(shelved, title)
    foreseen(shelved, title)
    assert [words.partition(" ")[0] for words in now["actions"]] == verbs
    assert now["server"]["status"] == status
    for key in ("id", "volumes", "addresses"):
        assert now["server"][key] == first[key]


def test_present_leaves_a_shelved_server_shelved(shelved: Run) -> None:
    left = shelved["left"]
    assert (left["failed"], left["changed"], left["server"]["status"]) == (False, False, "SHELVED_OFFLOADED")


def test_a_bare_metal_server_is_refused_before_it_is_made(lab: Lab, ansible: Ansible, metal: str) -> None:
    wish = {"name": lab.name("metal"), "flavor": metal, "boot": {"image": IMAGE}, "networks": "none", "state": "shelved"}
    run = ansible.tasks(server("check", check=True, **wish), server("run", **wish))
    assert run["check"]["msg"] == run["run"]["msg"]
    assert "Nova's driver for Ironic does not shelve" in run["run"]["msg"]
    assert (run["run"]["actions"], lab.servers(wish["name"]), lab.volumes(f"{wish['name']}-boot")) == ([], [], [])


@pytest.fixture(scope="module")
def metal(lab: Lab) -> Iterator[str]:
    """A flavor that only nodes offer."""
    made = lab.nova_admin("POST", "/flavors", {"flavor": {"name": lab.name("flavor"), "ram": 64, "vcpus": 1, "disk": 0}})[
        "flavor"
    ]
    specs = {"resources:CUSTOM_IT_SERVER_LIFE": "1", "resources:VCPU": "0", "resources:MEMORY_MB": "0", "resources:DISK_GB": "0"}
    lab.nova_admin("POST", f"/flavors/{made['id']}/os-extra_specs", {"extra_specs": specs})
    yield made["name"]
    lab.nova_admin("DELETE", f"/flavors/{made['id']}")


# Further disks


@dataclass(frozen=True)
class Detached:
    """A server of whose disks others are detached: while it runs, and while it is shelved."""

    run: Run
    volumes: dict[str, Json]
    quiet: Proxy


@pytest.fixture(scope="module")
def detached(lab: Lab, ansible: Ansible, new_proxy: Callable[[], Proxy]) -> Detached:
    name, quiet = lab.name("detached"), new_proxy()
    volumes = {what: lab.volume(lab.name(what)) for what in ("stays", "live", "shelved")}
    disks = [{"volume_id": one["name"], "delete_on_termination": True} for one in volumes.values()]
    wish = {"name": name, "flavor": SMALL, "boot": {"image": IMAGE}, "networks": "none"}
    run = ansible.tasks(
        server("create", **wish, block_devices=disks),
        server("kept", proxy=quiet.url, **wish, block_devices=disks[:1]),
        *thrice("live", quiet, **wish, block_devices=[disks[0], disks[2]], other_volumes="detach"),
        server("shelve", **wish, block_devices=disks[:1], state="shelved"),
        *thrice("shelved", quiet, **wish, block_devices=disks[:1], other_volumes="detach"),
    )
    return Detached(run, volumes, quiet)


@pytest.mark.parametrize("title", ["live", "shelved"])
def test_another_disk_is_detached_and_not_deleted_though_it_would_have_gone_with_its_server(
    title: str, detached: Detached, lab: Lab
) -> None:
    now, volume = done(detached.run, title), detached.volumes[title]
    foreseen(detached.run, title)
    assert [words.partition(" ")[0] for words in now["actions"]] == ["keep", "detach"]
    assert volume["id"] not in [one["id"] for one in now["server"]["volumes"]]
    assert lab.cinder("GET", f"/volumes/{volume['id']}")["volume"]["status"] == "available"


def test_what_is_named_and_the_root_stay_attached(detached: Detached) -> None:
    last = detached.run["shelved"]
    assert [one["id"] for one in last["server"]["volumes"]] == [last["volume"]["id"], detached.volumes["stays"]["id"]]
    assert (detached.run["kept"]["failed"], detached.run["kept"]["changed"], detached.quiet.writes) == (False, False, [])


# Tags and description


@pytest.fixture(scope="module")
def labelled(lab: Lab, ansible: Ansible, new_proxy: Callable[[], Proxy]) -> Run:
    name, quiet = lab.name("labelled"), new_proxy()
    wish = {"name": name, "flavor": SMALL, "boot": {"image": IMAGE}, "networks": "none"}
    replacing = {"flavor": "bfv.medium", "on_flavor_change": "replace", "replace_may_lose": ["user_data"]}
    most = [f"tag {number} {'x' * 52}"[:60] for number in range(50)]
    run = ansible.tasks(
        *thrice("create", quiet, **wish, tags=["web", "blue"], description="The front page"),
        server("left", proxy=quiet.url, **wish),
        *thrice("change", quiet, **wish, tags=["green"], description="Ä page of 255 letters: " + "y" * 232),
        *thrice("replace", quiet, **{**wish, **replacing}),
        *thrice("most", quiet, name=name, tags=most),
        *thrice("remove", quiet, name=name, tags=[], description=""),
    )
    assert quiet.writes == []
    return run


@pytest.mark.parametrize(
    ("title", "tags", "begins"),
    [
        ("create", ["blue", "web"], "The front"),
        ("change", ["green"], "Ä page"),
        ("replace", ["green"], "Ä page"),
        ("remove", [], ""),
    ],
)
def test_tags_and_description_are_what_the_task_says_and_come_along(
    title: str, tags: list[str], begins: str, labelled: Run
) -> None:
    now = done(labelled, title)
    foreseen(labelled, title)
    assert now["server"]["tags"] == tags
    assert (now["server"]["description"] or "").startswith(begins)


def test_as_many_tags_as_nova_takes_are_taken(labelled: Run) -> None:
    assert len(done(labelled, "most")["server"]["tags"]) == 50


def test_tags_and_description_that_are_not_named_are_left(labelled: Run) -> None:
    assert (labelled["left"]["changed"], labelled["left"]["server"]["tags"]) == (False, ["blue", "web"])


# What is returned


@pytest.fixture(scope="module")
def returned(lab: Lab, ansible: Ansible) -> tuple[Run, Json]:
    """A server with a port that was given and one that Nova made, and the given port."""
    (network,) = lab.neutron.list("/networks", "networks", name=NETWORK)
    port = lab.neutron("POST", "/ports", {"port": {"name": lab.name("port"), "network_id": network["id"]}})["port"]
    wish = {"name": lab.name("returned"), "flavor": SMALL, "boot": {"image": IMAGE}, "networks": [{"port": port["id"]}, NETWORK]}
    run = ansible.tasks(
        server("check of none", check=True, **wish),
        server("create", **wish),
        server("again", **wish),
        server("check", check=True, **wish, state="shelved"),
        server("absent", name=wish["name"], state="absent", boot_volume_on_delete="delete"),
    )
    return run, port


def test_ports_and_addresses_are_those_of_neutron(returned: tuple[Run, Json]) -> None:
    run, port = returned
    assert not run["create"]["failed"], run["create"]["msg"]
    seen = run["create"]["server"]
    given, made = seen["ports"]
    assert (given["id"], given["name"], given["mac_address"]) == (port["id"], port["name"], port["mac_address"])
    assert given["fixed_ips"] == [one["ip_address"] for one in port["fixed_ips"]]
    assert [one["network"] for one in (given, made)] == [NETWORK, NETWORK]
    assert [one["floating_ips"] for one in (given, made)] == [[], []]
    assert sorted([*given["fixed_ips"], *made["fixed_ips"]]) == seen["addresses"]
    told = {one["address"]: one for one in seen["networks"][NETWORK]}
    assert sorted(told) == seen["addresses"]
    for one in (given, made):
        for ip in one["fixed_ips"]:
            assert told[ip] == {
                "address": ip,
                "version": 6 if ":" in ip else 4,
                "kind": "fixed",
                "mac_address": one["mac_address"],
            }


def test_the_image_the_fault_and_the_lock_are_returned(returned: tuple[Run, Json], lab: Lab) -> None:
    seen = returned[0]["create"]["server"]
    (image,) = lab.glance.list("/images", "images", name=IMAGE)
    assert (seen["image"], seen["fault"], seen["locked"]) == (image["id"], None, False)


def test_the_same_is_returned_again_and_its_keys_in_check_mode(returned: tuple[Run, Json]) -> None:
    run, _port = returned
    assert run["again"]["server"] == run["create"]["server"]
    assert set(run["check"]["server"]) == set(run["create"]["server"])
    assert run["check"]["server"]["ports"] == []
    for title in ("check of none", "absent"):
        assert run[title]["server"] is None
        assert {"server", "volume", "kept_boot_volume", "actions"} <= set(run[title])
