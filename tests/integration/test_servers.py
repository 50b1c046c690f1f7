# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""bfv.openstack.bfv_server with Nova: every way to boot a server from a volume, by our module, by its neighbour and by the clients."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from .lab import IMAGE, NETWORK, PROJECT, Json, Lab
from .proxy import Proxy
from .runs import Ansible, Run, Task, cli, cli_task, task

pytestmark = pytest.mark.full

FLAVOR = "bfv.small"


def server(title: str, /, check: bool = False, proxy: str | None = None, **options: object) -> Task:
    return task(title, "bfv.openstack.bfv_server", check=check, proxy=proxy, cloud=PROJECT, **options)


@dataclass(frozen=True)
class Servers:
    """Servers of each kind, made in one playbook, and what is there of them at the end."""

    run: Run
    names: dict[str, str]
    disks: dict[str, Json]  # the volumes that were there before, by what they are for
    checks: Proxy
    second: Proxy
    seen: dict[str, Json] = field(default_factory=dict)  # by Nova


@pytest.fixture(scope="module")
def roomy(lab: Lab) -> Iterator[str]:
    """A flavor with room for local disks."""
    flavor = {"name": lab.name("roomy"), "ram": 64, "vcpus": 1, "disk": 0, "OS-FLV-EXT-DATA:ephemeral": 1, "swap": 64}
    made = lab.nova_admin("POST", "/flavors", {"flavor": flavor})["flavor"]
    yield made["name"]
    lab.nova_admin("DELETE", f"/flavors/{made['id']}")


@pytest.fixture(scope="module")
def servers(lab: Lab, ansible: Ansible, new_proxy: Callable[[], Proxy], roomy: str) -> Servers:
    (image,) = lab.glance.list("/images", "images", name=IMAGE)
    kinds = ("image", "volume", "snapshot", "neighbour", "cli-volume", "cli-image")
    names = {kind: lab.name(kind) for kind in kinds}
    bootable = {"imageRef": image["id"]}
    wanted = {"volume": bootable, "cli-volume": bootable, "by name": {}, "by id": {}}
    with ThreadPoolExecutor(4) as pool:
        volumes = [pool.submit(lab.volume, lab.name("disk"), **body) for body in wanted.values()]
        disks = dict(zip(wanted, (one.result() for one in volumes), strict=True))
    snapshot = lab.name("snapshot")
    lab.snapshot(disks["volume"]["id"], snapshot)
    key, group = lab.name("key"), lab.name("group")
    lab.key(key)
    lab.neutron("POST", "/security-groups", {"security_group": {"name": group}})

    by_cli = ("openstack", "server", "create", "--wait", "--flavor", FLAVOR, "--network", NETWORK)
    with ThreadPoolExecutor(2) as pool:
        ways = {"cli-volume": ("--volume", disks["cli-volume"]["id"]), "cli-image": ("--image", IMAGE, "--boot-from-volume", "1")}
        list(pool.map(lambda way: cli(PROJECT, *by_cli, *ways[way], names[way]), ways))

    checks, second = new_proxy(), new_proxy()
    from_image = {
        "name": names["image"],
        "flavor": FLAVOR,
        "boot": {"image": IMAGE, "size": 2, "delete_on_termination": False},
        "networks": NETWORK,
        "key_name": key,
        "security_groups": [group],
        "user_data": "#!/bin/sh\n",
        "metadata": {"role": "web", "old": "x"},
    }
    from_volume = {
        "name": names["volume"],
        "flavor": roomy,
        "boot": {"volume": disks["volume"]["name"], "delete_on_termination": True},
        "networks": "none",
        "block_devices": [
            {"source_type": "volume", "uuid": disks["by name"]["name"], "tag": "data", "delete_on_termination": True},
            f"vdc={disks['by id']['id']}:::0",
            "source=blank,dest=volume,size=1,shutdown=remove",
            f"source_type=image,uuid={image['id']},destination_type=volume,volume_size=1,device_type=cdrom,delete_on_termination=true",
            "source=blank,dest=local,size=1",
            "source=blank,dest=local,format=swap,size=1",
        ],
    }
    from_snapshot = {
        "name": names["snapshot"],
        "flavor": FLAVOR,
        "boot": {"snapshot": snapshot, "volume_name": lab.name("named"), "volume_type": "tgt"},
        "networks": "none",
    }
    by_neighbour = {
        "name": names["neighbour"],
        "flavor": FLAVOR,
        "image": IMAGE,
        "boot_from_volume": True,
        "volume_size": 1,
        "network": NETWORK,
        "auto_ip": False,
    }

    def again(kind: str, **options: object) -> Task:
        options = {"flavor": FLAVOR, "networks": NETWORK, **options}
        return server(f"{kind} again", name=names[kind], proxy=second.url, **options)

    run = ansible.tasks(
        server("check image", check=True, proxy=checks.url, **from_image),
        server("image", **from_image),
        server("image again", proxy=second.url, **from_image),
        cli_task("the server", "openstack", "server", "show", names["image"], cloud=PROJECT),
        server("check volume", check=True, proxy=checks.url, **from_volume),
        server("volume", **from_volume),
        server("volume again", proxy=second.url, **from_volume),
        cli_task("its volumes", "openstack", "server", "volume", "list", names["volume"], cloud=PROJECT),
        server("snapshot", **from_snapshot),
        server("snapshot again", proxy=second.url, **from_snapshot),
        task("neighbour", "openstack.cloud.server", cloud=PROJECT, **by_neighbour),
        again("neighbour", boot={"image": IMAGE}),
        again("cli-volume", boot={"volume": disks["cli-volume"]["id"], "delete_on_termination": False}),
        again("cli-image", boot={"image": IMAGE}),
    )
    seen = {kind: one for kind, name in names.items() for one in lab.servers(name)}
    return Servers(run, names, disks, checks, second, seen)


@pytest.mark.parametrize("kind", ["image", "volume", "snapshot"])
def test_a_new_server_runs(servers: Servers, kind: str) -> None:
    made = servers.run[kind]
    assert not made["failed"], made.get("msg")
    assert made["changed"]
    assert made["server"]["status"] == "ACTIVE"
    assert made["volume"]["status"] == "in-use"
    assert made["server"]["volumes"][0]["id"] == made["volume"]["id"]


@pytest.mark.parametrize("kind", ["image", "volume", "snapshot"])
def test_a_second_run_changes_nothing_and_returns_the_same(servers: Servers, kind: str) -> None:
    again = servers.run[f"{kind} again"]
    assert not again["changed"]
    assert "warnings" not in again
    assert {key: again[key] for key in ("server", "volume")} == {key: servers.run[kind][key] for key in ("server", "volume")}


@pytest.mark.parametrize("kind", ["neighbour", "cli-volume", "cli-image"])
def test_a_server_that_was_made_otherwise_is_recognised_as_it_is(servers: Servers, kind: str) -> None:
    found = servers.run[f"{kind} again"]
    assert not found["failed"], found.get("msg")
    assert not found["changed"]
    assert "warnings" not in found
    assert found["server"]["id"] == servers.seen[kind]["id"]
    assert found["volume"]["id"] == servers.seen[kind]["os-extended-volumes:volumes_attached"][0]["id"]


def test_a_second_run_writes_nothing(servers: Servers) -> None:
    assert servers.second.writes == []


def test_check_mode_tells_and_writes_nothing(servers: Servers) -> None:
    for kind in ("image", "volume"):
        would = servers.run[f"check {kind}"]
        assert not would["failed"], would.get("msg")
        assert would["changed"]
        assert would["server"] is None
        assert would["diff"]["after"]["name"] == servers.names[kind]
    assert servers.checks.writes == []


def test_the_client_shows_the_server_as_asked_for(servers: Servers) -> None:
    shown, ours = servers.run.shown("the server"), servers.run["image"]
    assert (shown["id"], shown["status"]) == (ours["server"]["id"], "ACTIVE")
    assert shown["flavor"]["name"] == ours["server"]["flavor"] == FLAVOR
    assert shown["properties"] == ours["server"]["metadata"] == {"role": "web", "old": "x"}
    assert shown["key_name"] == ours["server"]["key_name"]
    assert [group["name"] for group in shown["security_groups"]] == ours["server"]["security_groups"]
    assert [one for many in shown["addresses"].values() for one in many] == ours["server"]["addresses"]
    assert [one["id"] for one in shown["volumes_attached"]] == [ours["volume"]["id"]]


def test_the_boot_volume_is_named_and_sized(servers: Servers, lab: Lab) -> None:
    (disk,) = lab.volumes(f"{servers.names['image']}-boot")
    assert (disk["size"], disk["bootable"], disk["id"]) == (2, "true", servers.run["image"]["volume"]["id"])
    assert servers.run["snapshot"]["volume"]["snapshot_id"]
    assert "named" in servers.run["snapshot"]["volume"]["name"]


def test_a_boot_volume_stays_unless_it_is_said_otherwise(servers: Servers) -> None:
    goes = {kind: servers.run[kind]["server"]["volumes"][0]["delete_on_termination"] for kind in ("image", "volume", "snapshot")}
    assert goes == {"image": False, "volume": True, "snapshot": False}


def test_further_disks_of_every_grammar_are_there(servers: Servers) -> None:
    shown = {one["Volume ID"]: one for one in servers.run.shown("its volumes")}
    ours = {one["id"]: one["delete_on_termination"] for one in servers.run["volume"]["server"]["volumes"]}
    assert set(shown) == set(ours)
    assert len(ours) == 5  # root, by name, by id, blank and cdrom; the local disks are no volumes
    named, by_id = servers.disks["by name"]["id"], servers.disks["by id"]["id"]
    assert (ours[named], shown[named]["Tag"]) == (True, "data")
    assert ours[by_id] is False


def test_an_idempotent_run_makes_few_requests(lab: Lab, ansible: Ansible, servers: Servers, proxy: Proxy) -> None:
    """A token with Keystone's version document, one discovery of each service whose version is not in the catalogue, and five reads."""
    options = {"name": servers.names["image"], "flavor": FLAVOR, "boot": {"image": IMAGE}, "networks": NETWORK}
    run = ansible.tasks(server("idle", proxy=proxy.url, state="started", **options))
    assert not run["idle"]["changed"]
    reads = {
        "GET compute /v2.1/servers/detail": 1,
        "GET block-storage /v3/volumes/detail": 1,
        "GET image /v2/images": 1,
        "GET network /v2.0/ports": 1,
        "GET network /v2.0/floatingips": 1,
    }
    assert {request: proxy.counts[request] for request in reads} == reads
    rest = proxy.counts - type(proxy.counts)(reads)
    assert rest.pop("POST identity /v3/auth/tokens") == 1
    rest["GET block-storage /v3/"] -= 1  # Cinder wants a token for its version document, and keystoneauth asks without one first
    by_service = {request.split()[1]: count for request, count in rest.items()}
    assert by_service == dict.fromkeys(("identity", "compute", "block-storage", "image"), 1)
    assert all(request.startswith("GET ") for request in rest)
