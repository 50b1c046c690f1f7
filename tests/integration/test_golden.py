# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Volumes of one image by way of a golden volume: the image is converted once, whatever the number of volumes."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from .lab import PROJECT, Json, Lab
from .proxy import Answer, Proxy, Request
from .runs import Ansible, Run, Task, task


def volume(title: str, /, proxy: str, **options: object) -> Task:
    return task(title, "bfv.openstack.bfv_volume", proxy=proxy, cloud=PROJECT, via_golden=True, **options)


def created(proxy: Proxy) -> list[Json]:
    """The volumes that were asked for."""
    asked = [one for one in proxy.requests if one.method == "POST" and one.path.endswith("/volumes")]
    return [json.loads(one.body)["volume"] for one in asked]


def golden(lab: Lab, image: str) -> list[Json]:
    """The golden volumes of the image."""
    volumes = lab.cinder.list("/volumes/detail", "volumes")
    return [one for one in volumes if one["metadata"].get("bfv_golden_image") == image and one["status"] != "deleting"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("images")


@dataclass(frozen=True)
class Story:
    """Three volumes of one image, and one more when another image of that name has taken its place."""

    image: str
    names: list[str]
    first: Run
    golden: list[Json]  # after the first run
    renewed: Run
    images: list[str]
    making: Proxy
    again: Proxy
    renewing: Proxy


@pytest.fixture(scope="module")
def story(lab: Lab, ansible: Ansible, new_proxy: Callable[[], Proxy], folder: Path) -> Story:
    image, names = lab.name("image"), [lab.name(f"root-{number}") for number in range(4)]
    old = lab.image(image, folder)
    making, again, renewing = new_proxy(), new_proxy(), new_proxy()
    first = ansible.tasks(
        *(
            volume(name, making.url, name=name, image=image, size=size)
            for name, size in zip(names[:3], (None, 2, None), strict=True)
        ),
        *(volume(f"{name} again", again.url, name=name, image=image) for name in names[:3]),
    )
    before = golden(lab, image)
    lab.glance("DELETE", f"/images/{old}")
    new = lab.image(image, folder, mebibytes=2)
    renewed = ansible.tasks(
        volume("renew", renewing.url, name=names[3], image=image, prune_golden=True),
        volume("renew again", renewing.url, name=names[3], image=image, prune_golden=True),
        volume("old", again.url, name=names[0], image=image),
    )
    return Story(image, names, first, before, renewed, [old, new], making, again, renewing)


def test_three_volumes_take_one_conversion(story: Story) -> None:
    asked = created(story.making)
    (kept,) = story.golden
    assert [one["name"] for one in asked if "imageRef" in one] == [kept["name"]]
    assert [(one["name"], one["source_volid"]) for one in asked if "imageRef" not in one] == [
        (name, kept["id"]) for name in story.names[:3]
    ]


def test_a_clone_is_like_a_volume_from_the_image(story: Story) -> None:
    for name, size in zip(story.names[:3], (1, 2, 1), strict=True):
        made = story.first[name]
        assert made["changed"], made.get("msg")
        assert (made["volume"]["status"], made["volume"]["bootable"], made["volume"]["size"]) == ("available", True, size)
        assert made["volume"]["image_id"] == story.images[0]


def test_a_golden_volume_is_marked(story: Story) -> None:
    (kept,) = story.golden
    marks = {"bfv_golden_image_id": story.images[0], "bfv_golden_image": story.image}
    assert kept["metadata"].items() >= marks.items()


def test_a_second_run_changes_nothing(story: Story) -> None:
    assert [story.first[f"{name} again"]["changed"] for name in story.names[:3]] == [False] * 3
    assert story.again.writes == []


def test_another_image_of_the_name_makes_another_golden_volume(story: Story, lab: Lab) -> None:
    assert story.renewed["renew"]["volume"]["image_id"] == story.images[1]
    assert [one["imageRef"] for one in created(story.renewing) if "imageRef" in one] == [story.images[1]]
    assert "image" in story.renewed["old"]["warnings"][0]


def test_pruning_removes_the_golden_volume_of_the_older_image(story: Story, lab: Lab) -> None:
    assert [one["metadata"]["bfv_golden_image_id"] for one in golden(lab, story.image)] == [story.images[1]]
    assert not story.renewed["renew again"]["changed"]


def test_two_runs_at_once_keep_one_golden_volume(
    lab: Lab, ansible: Ansible, new_proxy: Callable[[], Proxy], folder: Path
) -> None:
    image, names = lab.name("shared"), [lab.name("twin"), lab.name("twin")]
    lab.image(image, folder)
    meeting = threading.Barrier(2)

    def go_together(request: Request) -> Answer | None:
        """Neither run may see the other's golden volume before it asks for its own."""
        if request.method == "POST" and request.path.endswith("/volumes") and b"imageRef" in request.body:
            meeting.wait(60)
        return None

    proxies = [new_proxy(), new_proxy()]
    runs = []
    for name, proxy in zip(names, proxies, strict=True):
        proxy.instead = go_together
        play = ansible.file("play.yml", [_play(volume("make", proxy.url, name=name, image=image))])
        runs.append(ansible.start(str(play)))
    for one in runs:
        stdout, stderr = one.process.communicate(timeout=400)
        assert one.process.returncode == 0, stdout + stderr
    assert [len(lab.volumes(name)) for name in names] == [1, 1]
    ansible.tasks(*(volume("again", proxies[0].url, name=name, image=image) for name in names))
    assert len(golden(lab, image)) == 1


def _play(*tasks: Task) -> Json:
    return {"hosts": "localhost", "gather_facts": False, "tasks": [{**one, "ignore_errors": False} for one in tasks]}
