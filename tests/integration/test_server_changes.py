# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server's life with bfv.openstack.bfv_server: changed in place, replaced around its disk, and removed with or without it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from .lab import IMAGE, NETWORK, PROJECT, Json, Lab
from .proxy import Proxy
from .runs import Ansible, Run, Task, cli_task, task

pytestmark = [pytest.mark.full, pytest.mark.extra]

SMALL, MEDIUM = "bfv.small", "bfv.medium"
DEVICES = "os-extended-volumes:volumes_attached"


def server(title: str, /, check: bool = False, proxy: str | None = None, **options: object) -> Task:
    return task(title, "bfv.openstack.bfv_server", check=check, proxy=proxy, cloud=PROJECT, **options)


@dataclass(frozen=True)
class Story:
    """One server's life, told in one playbook."""

    name: str
    run: Run
    images: list[str]
    data: Json  # a volume that is attached on the way
    unchanging: Proxy  # second runs, check mode and refusals

    def disk(self, title: str) -> str:
        return str(self.run[title]["volume"]["id"])

    def id(self, title: str) -> str:
        return str(self.run[title]["server"]["id"])

    def addresses(self, title: str) -> list[str]:
        return list(self.run[title]["server"]["addresses"])


@pytest.fixture(scope="module")
def story(lab: Lab, ansible: Ansible, new_proxy: Callable[[], Proxy], tmp_path_factory: pytest.TempPathFactory) -> Story:
    folder = tmp_path_factory.mktemp("images")
    name, unchanging = lab.name("web"), new_proxy()
    names = [lab.name("image") for _number in range(3)]
    images = [lab.image(image, folder) for image in names]
    data = lab.volume(lab.name("data"))
    first, second, third = ({"image": image} for image in names)

    def wish(title: str, /, flavor: str = SMALL, quiet: bool = False, **options: object) -> Task:
        options = {
            "name": name,
            "flavor": flavor,
            "boot": first,
            "networks": NETWORK,
            "replace_may_lose": ["user_data"],
            **options,
        }
        return server(title, proxy=unchanging.url if quiet else None, **options)

    def twice(title: str, /, **options: object) -> list[Task]:
        return [wish(title, **options), wish(f"{title} again", quiet=True, **options)]

    disks = [{"source_type": "volume", "uuid": data["name"], "delete_on_termination": False}]
    leaving = {**first, "delete_on_termination": True}
    tasks = (
        wish("create", metadata={"role": "web", "old": "x"}),
        wish("check change", quiet=True, check=True, boot=leaving, block_devices=disks, state="stopped"),
        *twice("leaving", boot=leaving, metadata={"role": "db", "old": None}),
        *twice("attach", block_devices=disks),
        *twice("stop", state="stopped"),
        wish("leave stopped", quiet=True),
        *twice("start", state="started"),
        wish("other flavor", flavor=MEDIUM, quiet=True),
        wish("check resize", flavor=MEDIUM, on_flavor_change="resize", quiet=True, check=True),
        *twice("resize", flavor=MEDIUM, on_flavor_change="resize"),
        cli_task("resized", "openstack", "server", "show", name, cloud=PROJECT),
        wish("check replace", on_flavor_change="replace", block_devices=disks, quiet=True, check=True),
        *twice("replace", on_flavor_change="replace", block_devices=disks),
        wish("other image", boot=second, quiet=True),
        *twice("reimage", boot=second, on_image_change="reimage"),
        *twice("replace for the image", boot=third, on_image_change="replace", block_devices=disks),
    )
    return Story(name, ansible.tasks(*tasks), images, data, unchanging)


STEPS = ("leaving", "attach", "stop", "start", "resize", "replace", "reimage", "replace for the image")


@pytest.mark.parametrize("step", STEPS)
def test_a_second_run_changes_nothing(story: Story, step: str) -> None:
    done, again = story.run[step], story.run[f"{step} again"]
    assert not done["failed"], done.get("msg")
    assert done["changed"]
    assert not again["changed"], again
    assert "warnings" not in again
    assert {key: again[key] for key in ("server", "volume")} == {key: done[key] for key in ("server", "volume")}


def test_second_runs_check_mode_and_refusals_write_nothing(story: Story) -> None:
    assert story.unchanging.writes == []


def test_check_mode_tells_what_would_change(story: Story) -> None:
    change = story.run["check change"]
    assert change["changed"]
    assert change["server"] == {**story.run["create"]["server"], "ports": []}  # which are read when all is done
    after = change["diff"]["after"]
    assert after["status"] == "SHUTOFF"
    assert after["volumes"] == [
        {"id": story.disk("create"), "delete_on_termination": True},
        {"id": story.data["id"], "delete_on_termination": False},
    ]
    assert story.run["check resize"]["diff"]["after"]["flavor"] == MEDIUM
    assert story.run["check replace"]["diff"]["after"]["flavor"] == SMALL


def test_details_are_changed_in_place(story: Story) -> None:
    changed = story.run["leaving"]["server"]
    assert changed["id"] == story.id("create")
    assert changed["metadata"] == {"role": "db"}
    assert changed["volumes"] == [{"id": story.disk("create"), "delete_on_termination": True}]


def test_a_volume_is_attached_to_the_running_server(story: Story, lab: Lab) -> None:
    attached = story.run["attach"]["server"]
    assert attached["id"] == story.id("create")
    assert [one["id"] for one in attached["volumes"]] == [story.disk("create"), story.data["id"]]


def test_a_server_is_stopped_and_started(story: Story) -> None:
    statuses = [story.run[step]["server"]["status"] for step in ("stop", "leave stopped", "start")]
    assert statuses == ["SHUTOFF", "SHUTOFF", "ACTIVE"]


@pytest.mark.parametrize(("step", "option"), [("other flavor", "on_flavor_change"), ("other image", "on_image_change")])
def test_what_takes_a_permission_is_refused_without_it(story: Story, step: str, option: str) -> None:
    refused = story.run[step]
    assert refused["failed"]
    assert option in refused["msg"]
    assert "\n" not in refused["msg"]


def test_a_resize_is_confirmed_and_keeps_the_server(story: Story) -> None:
    resized = story.run["resize"]
    assert (resized["server"]["status"], resized["server"]["flavor"]) == ("ACTIVE", MEDIUM)
    assert resized["server"]["id"] == story.id("create")
    assert story.disk("resize") == story.disk("create")
    shown = story.run.shown("resized")
    assert (shown["status"], shown["flavor"]["name"]) == ("ACTIVE", MEDIUM)


def test_a_replaced_server_keeps_its_disks_and_addresses(story: Story) -> None:
    replaced = story.run["replace"]["server"]
    assert replaced["id"] != story.id("resize")
    assert (replaced["status"], replaced["flavor"]) == ("ACTIVE", SMALL)
    assert replaced["addresses"] == story.addresses("create") != []
    goes = {one["id"]: one["delete_on_termination"] for one in replaced["volumes"]}
    assert goes == {story.disk("create"): True, story.data["id"]: False}


def test_a_replacement_leaves_no_notes(story: Story, lab: Lab) -> None:
    (disk,) = lab.volumes(story.run["replace for the image"]["volume"]["name"])
    assert [key for key in disk["metadata"] if key.startswith("bfv_note")] == []


def test_a_reimage_keeps_the_server_and_its_volume(story: Story) -> None:
    reimaged = story.run["reimage"]
    assert reimaged["server"]["id"] == story.id("replace")
    assert reimaged["server"]["addresses"] == story.addresses("create")
    assert story.disk("reimage") == story.disk("create")
    assert reimaged["volume"]["image_id"] == story.images[1]


def test_a_replacement_for_an_image_makes_a_new_disk_and_keeps_the_address(story: Story, lab: Lab) -> None:
    replaced = story.run["replace for the image"]
    assert replaced["server"]["id"] != story.id("reimage")
    assert replaced["server"]["addresses"] == story.addresses("create")
    assert replaced["volume"]["image_id"] == story.images[2]
    ids = {one["id"] for one in lab.volumes(replaced["volume"]["name"])}
    assert ids == {replaced["volume"]["id"]}  # the old one would have gone with the server


@dataclass(frozen=True)
class Ends:
    """Servers that are in error or are removed."""

    run: Run
    servers: dict[str, Json]
    checks: Proxy

    def disk(self, what: str) -> str:
        return str(self.servers[what][DEVICES][0]["id"])


@pytest.fixture(scope="module")
def ends(lab: Lab, ansible: Ansible, new_proxy: Callable[[], Proxy]) -> Ends:
    (image,) = lab.glance.list("/images", "images", name=IMAGE)
    (network,) = lab.neutron.list("/networks", "networks", name=NETWORK)
    goes = {"broken": False, "as attached": True, "kept": True, "deleted": False, "left": False}

    def there(what: str) -> Json:
        disk = lab.volume(lab.name("root"), imageRef=image["id"])
        networks = [{"uuid": network["id"]}] if what == "broken" else "none"
        return lab.server(lab.name(what.replace(" ", "-")), disk["id"], goes[what], networks=networks)

    with ThreadPoolExecutor(3) as pool:
        servers = dict(zip(goes, pool.map(there, goes), strict=True))
    lab.act_on_server(servers["broken"]["id"], {"os-resetState": {"state": "error"}})
    checks = new_proxy()

    def removed(what: str, **options: object) -> Task:
        return server(what, name=servers[what]["name"], state="absent", **options)

    broken = {
        "name": servers["broken"]["name"],
        "replace_may_lose": ["user_data"],
        "flavor": SMALL,
        "boot": {"volume": servers["broken"][DEVICES][0]["id"]},
    }
    run = ansible.tasks(
        server("in error", proxy=checks.url, **broken),
        server("check recreate", check=True, proxy=checks.url, recreate="on_error", **broken),
        server("recreate", recreate="on_error", networks="auto", **broken),
        server("recreate again", recreate="on_error", proxy=checks.url, networks="auto", **broken),
        server("check remove", check=True, proxy=checks.url, name=servers["left"]["name"], state="absent"),
        removed("left"),
        removed("as attached"),
        removed("kept", boot_volume_on_delete="keep"),
        removed("deleted", boot_volume_on_delete="delete"),
        server("gone", proxy=checks.url, name=servers["kept"]["name"], state="absent", boot_volume_on_delete="keep"),
    )
    return Ends(run, servers, checks)


def test_a_server_in_error_is_refused_with_the_remedy(ends: Ends) -> None:
    refused = ends.run["in error"]
    assert refused["failed"]
    assert "in ERROR" in refused["msg"]
    assert "recreate=on_error" in refused["msg"]


def test_a_server_in_error_is_made_anew_around_its_disk(ends: Ends, lab: Lab) -> None:
    assert ends.run["check recreate"]["changed"]
    made, before = ends.run["recreate"], ends.servers["broken"]
    assert not made["failed"], made.get("msg")
    assert made["server"]["status"] == "ACTIVE"
    assert made["server"]["id"] != before["id"]
    assert [one["id"] for one in made["server"]["volumes"]] == [ends.disk("broken")]
    assert made["server"]["addresses"] == [one["addr"] for many in before["addresses"].values() for one in many] != []
    assert len(lab.servers(before["name"])) == 1
    assert not ends.run["recreate again"]["changed"]


@pytest.mark.parametrize(("what", "stays"), [("left", True), ("as attached", False), ("kept", True), ("deleted", False)])
def test_a_removed_servers_disk_goes_or_stays_as_asked_for(ends: Ends, lab: Lab, what: str, stays: bool) -> None:
    removed = ends.run[what]
    assert not removed["failed"], removed.get("msg")
    assert removed["changed"]
    assert removed["server"] is None
    assert lab.servers(ends.servers[what]["name"]) == []
    found = [one for one in lab.cinder.list("/volumes/detail", "volumes") if one["id"] == ends.disk(what)]
    assert [one["status"] for one in found] == (["available"] if stays else [])


def test_an_absent_server_is_left_at_that(ends: Ends) -> None:
    assert not ends.run["gone"]["changed"]
    assert ends.run["check remove"]["changed"]
    assert set(ends.run["check remove"]["diff"]["after"]) == {"destroys"}
    assert ends.checks.writes == []
