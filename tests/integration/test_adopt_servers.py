# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A project's servers become an inventory, of which a run changes nothing; and a node of Nova stays Nova's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from .adoption import Adoption, adoption
from .lab import IMAGE, NETWORK, PROJECT, SYSTEM, Json, Lab
from .runs import Ansible, Run, cli, task

pytestmark = [pytest.mark.full, pytest.mark.extra]

FLAVOR = "bfv.small"
RESOURCE_CLASS = "adopt-server"
SECRET = "hunter2-of-the-front-page"


@dataclass(frozen=True)
class Servers:
    names: Mapping[str, str]
    adoption: Adoption
    text: str
    before: Json
    runs: tuple[Run, ...]
    after: Json

    def host(self, lab: Lab, kind: str) -> str:
        """A name with a blank is none of a host."""
        name = self.names[kind]
        return str(lab.servers(name)[0]["id"]) if " " in name else name


def seen(lab: Lab, name: str) -> Json:
    """The server as Nova shows it."""
    (server,) = lab.servers(name)
    return server


@contextmanager
def a_flavor(lab: Lab, disk: int = 0, **specs: str) -> Iterator[str]:
    body = {"name": lab.name("flavor"), "ram": 64, "vcpus": 1, "disk": disk}
    made = lab.nova_admin("POST", "/flavors", {"flavor": body})["flavor"]
    if specs:
        lab.nova_admin("POST", f"/flavors/{made['id']}/os-extra_specs", {"extra_specs": specs})
    try:
        yield made["name"]
    finally:
        lab.nova_admin("DELETE", f"/flavors/{made['id']}")


@pytest.fixture(scope="module")
def local(lab: Lab) -> Iterator[str]:
    """A flavor with a local disk, without which Nova boots no image from one."""
    with a_flavor(lab, disk=1) as name:
        yield name


@pytest.fixture(scope="module")
def metal(lab: Lab) -> Iterator[str]:
    """A flavor that only the lab's node offers."""
    none = dict.fromkeys(("resources:VCPU", "resources:MEMORY_MB", "resources:DISK_GB"), "0")
    with a_flavor(lab, **{"resources:CUSTOM_ADOPT_SERVER": "1"}, **none) as name:
        yield name


@pytest.fixture(scope="module")
def servers(lab: Lab, ansible: Ansible, local: str) -> Servers:
    names = {kind: lab.name(kind) for kind in ("ours", "neighbour", "cli", "stopped", "shelved", "local")}
    names["blank"] = f"{names['cli']} two"
    key, data = lab.name("key"), lab.name("data")
    lab.key(key)
    lab.volume(data)
    by_cli = ("openstack", "server", "create", "--wait", "--network", NETWORK, "--flavor")
    from_image = ("--image", IMAGE, "--boot-from-volume", "1")
    cli(PROJECT, *by_cli, FLAVOR, *from_image, names["cli"])
    cli(PROJECT, *by_cli, FLAVOR, *from_image, names["blank"])
    cli(PROJECT, *by_cli, local, "--image", IMAGE, names["local"])

    def server(kind: str, **options: object) -> Json:
        wanted = {"flavor": FLAVOR, "networks": NETWORK, "boot": {"image": IMAGE}, **options}
        return task(kind, "bfv.openstack.bfv_server", cloud=PROJECT, name=names[kind], **wanted)

    everything = {
        "boot": {"image": IMAGE, "delete_on_termination": True},
        "block_devices": [{"volume_id": data}],
        "key_name": key,
        "security_groups": ["default"],
        "metadata": {"role": "web", "db_password": SECRET},
        "tags": ["blue"],
        "user_data": SECRET,
    }
    by_neighbour = {"image": IMAGE, "boot_from_volume": True, "volume_size": 1, "network": NETWORK, "auto_ip": False}
    neighbour = {"cloud": PROJECT, "name": names["neighbour"], "flavor": FLAVOR, "terminate_volume": True, **by_neighbour}
    made = ansible.tasks(
        server("ours", **everything),
        server("stopped", state="stopped", networks="none"),
        server("shelved", state="shelved"),
        task("neighbour", "openstack.cloud.server", **neighbour),
    )
    assert made.recap["localhost"]["ignored"] == 0, made.text

    lab.nova("PUT", f"/servers/{seen(lab, names['ours'])['id']}", {"server": {"description": "The {{ front }} page"}})
    adopts = adoption(ansible, "nova_bfv", cloud=PROJECT)
    text = adopts.write()
    before = {kind: seen(lab, name) for kind, name in names.items()}
    hosts = [one for one in adopts.groups["servers"] if one.startswith(lab.prefix) or one == before["blank"]["id"]]
    limit = ("--limit", ",".join(hosts))
    runs = tuple(adopts.play("bfv.openstack.server", *limit) for _look in ("first", "second"))
    return Servers(names, adopts, text, before, runs, {kind: seen(lab, name) for kind, name in names.items()})


ADOPTED = ("ours", "neighbour", "cli", "blank", "stopped", "shelved")


def test_a_run_with_what_is_there_changes_nothing(servers: Servers, lab: Lab) -> None:
    hosts = {servers.host(lab, kind): (0, 0) for kind in ADOPTED}
    for run in servers.runs:
        assert run.code == 0, run.text
        assert {host: (count["changed"], count["failed"]) for host, count in run.recap.items()} == hosts
        assert "left as it was" not in run.text  # no difference is warned of
    assert servers.after == servers.before


def test_each_server_is_told_as_it_is(servers: Servers, lab: Lab) -> None:
    told = {kind: servers.adoption.groups["servers"][servers.host(lab, kind)] for kind in ADOPTED}
    assert {one["server_deploy_cloud"] for one in told.values()} == {PROJECT}
    options = {kind: one["server_deploy_options"] for kind, one in told.items()}
    assert options["ours"]["boot"] == {"volume": f"{servers.names['ours']}-boot", "delete_on_termination": True}
    assert [one["volume_id"].startswith(lab.prefix) for one in options["ours"]["block_devices"]] == [True]
    assert (options["ours"]["metadata"], options["ours"]["tags"]) == ({"role": "web"}, ["blue"])
    assert options["neighbour"]["boot"]["delete_on_termination"] is True
    assert options["blank"]["name"] == servers.names["blank"]
    assert [options[kind]["state"] for kind in ("ours", "stopped", "shelved")] == ["started", "stopped", "shelved"]
    assert options["stopped"]["networks"] == "none"


def test_a_server_on_a_local_disk_is_left_alone(servers: Servers) -> None:
    left = servers.adoption.groups["ungrouped"][servers.names["local"]]
    assert left == {"server_deploy_left_alone": "it boots from a local disk, and not from a volume"}


def test_the_file_has_no_secret_and_no_template_of_the_clouds(servers: Servers) -> None:
    assert SECRET not in servers.text
    assert "{{ front }}" not in servers.text
    assert "{ front }} page" in servers.text


def test_a_node_of_nova_stays_novas(lab: Lab, ansible: Ansible, metal: str) -> None:
    node = lab.node("metal")
    lab.patch(node, "/resource_class", RESOURCE_CLASS)
    lab.set_up(node, "cinder")
    lab.until_nova_knows(node)
    name = lab.name("server")
    options = {"flavor": metal, "boot": {"image": IMAGE, "delete_on_termination": True}, "networks": "none"}
    booted = ansible.tasks(task("boot", "bfv.openstack.bfv_server", cloud=PROJECT, name=name, **options))
    assert not booted["boot"]["failed"], booted.text

    nodes = adoption(
        ansible,
        "ironic",
        cloud=SYSTEM,
        volume_cloud=PROJECT,
        deploy_variables=True,
        filters={"resource_class": RESOURCE_CLASS},
    )
    nodes.write()
    (told,) = nodes.groups["ungrouped"].values()
    assert "the node belongs to Nova" in told["baremetal_deploy_left_alone"]
    before = lab.look(node)["updated_at"], lab.targets(node)
    ended = nodes.play("bfv.openstack.deploy")
    assert ended.recap == {}  # no host matches

    servers = adoption(ansible, "nova_bfv", cloud=PROJECT)
    servers.write()
    run = servers.play("bfv.openstack.server", "--limit", name)
    assert (run.code, run.recap[name]["changed"]) == (0, 0), run.text
    assert (lab.look(node)["updated_at"], lab.targets(node)) == before
    removed = ansible.tasks(task("remove", "bfv.openstack.bfv_server", cloud=PROJECT, name=name, state="absent"))
    assert removed["remove"]["changed"], removed.text
