# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs of the role boot_image that need neither diskimage-builder nor root."""

from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

LIB = Path(__file__).resolve().parents[2] / "roles" / "boot_image" / "files" / "lib"
sys.path.insert(0, str(LIB))

from bfv_image import inputs, prune  # noqa: E402
from bfv_image.plan import Plan, parse  # noqa: E402

DIGESTS = ("aaaaaaaaaaaa", "bbbbbbbbbbbb", "cccccccccccc")


def plan(folder: Path, **changes: Any) -> Plan:
    wanted = {
        "name": "disk",
        "directory": str(folder),
        "work": str(folder / ".work"),
        "format": "raw",
        "architecture": "amd64",
        "elements": ["debian-minimal", "vm"],
        "elements_path": [],
        "packages": ["vim", "git"],
        "environment": {"DIB_RELEASE": "bookworm"},
        "base": False,
        "size": 0,
        "serial": "",
        "shims": "",
        "timeout": 60,
    }
    return parse(json.dumps(wanted | changes))


def element(folder: Path) -> Path:
    hook = folder / "install.d" / "50-hook"
    hook.parent.mkdir(parents=True)
    hook.write_text("#!/bin/sh\n")
    hook.chmod(0o755)
    return hook


def digest(wanted: Plan, **changes: Any) -> str:
    return inputs.digest_of(inputs.find_inputs(wanted, changes.get("version", "3.43.0"), changes.get("elements", {})))


@pytest.mark.parametrize(
    "changes",
    [
        {"environment": {"DIB_RELEASE": "trixie"}},
        {"environment": {"DIB_RELEASE": "bookworm", "DIB_GRUB_TIMEOUT": "1"}},
        {"packages": ["vim"]},
        {"format": "qcow2"},
        {"serial": "2026-12"},
        {"size": 4},
    ],
)
def test_what_reaches_the_image_changes_the_digest(tmp_path: Path, changes: dict[str, Any]) -> None:
    assert digest(plan(tmp_path, **changes)) != digest(plan(tmp_path))


@pytest.mark.parametrize(
    "changes",
    [{"timeout": 5}, {"shims": "/role/shims"}, {"work": "/elsewhere"}, {"directory": "/elsewhere"}, {"packages": ["git", "vim"]}],
)
def test_what_does_not_reach_the_image_leaves_the_digest(tmp_path: Path, changes: dict[str, Any]) -> None:
    assert digest(plan(tmp_path, **changes)) == digest(plan(tmp_path))


def test_another_local_image_of_that_name_changes_the_digest(tmp_path: Path) -> None:
    image = tmp_path / "image.qcow2"
    wanted = plan(tmp_path, environment={"DIB_LOCAL_IMAGE": str(image)})
    image.write_text("first")
    before = digest(wanted)
    image.write_text("other")
    assert digest(wanted) != before


def test_another_diskimage_builder_changes_the_digest(tmp_path: Path) -> None:
    assert digest(plan(tmp_path), version="3.44.0") != digest(plan(tmp_path))


def test_a_changed_hook_changes_the_digest(tmp_path: Path) -> None:
    hook = element(tmp_path / "own")
    before = inputs.tree_digest(tmp_path / "own")
    hook.write_text("#!/bin/sh\ntrue\n")
    assert inputs.tree_digest(tmp_path / "own") != before


def test_a_hook_that_may_not_be_executed_changes_the_digest(tmp_path: Path) -> None:
    hook = element(tmp_path / "own")
    before = inputs.tree_digest(tmp_path / "own")
    hook.chmod(hook.stat().st_mode & ~(stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH))
    assert inputs.tree_digest(tmp_path / "own") != before


def test_a_renamed_hook_changes_the_digest(tmp_path: Path) -> None:
    hook = element(tmp_path / "own")
    before = inputs.tree_digest(tmp_path / "own")
    hook.rename(hook.with_name("60-hook"))
    assert inputs.tree_digest(tmp_path / "own") != before


def test_the_place_of_an_element_leaves_the_digest(tmp_path: Path) -> None:
    element(tmp_path / "here" / "own")
    element(tmp_path / "there" / "own")
    (tmp_path / "there" / "own" / "__pycache__").mkdir()
    (tmp_path / "there" / "own" / "__pycache__" / "hook.pyc").touch()
    assert inputs.tree_digest(tmp_path / "here" / "own") == inputs.tree_digest(tmp_path / "there" / "own")


def test_a_link_to_nothing_is_an_input_as_well(tmp_path: Path) -> None:
    element(tmp_path / "own")
    before = inputs.tree_digest(tmp_path / "own")
    (tmp_path / "own" / "link").symlink_to("/nowhere")
    assert inputs.tree_digest(tmp_path / "own") != before


def test_the_inputs_that_differ_are_named() -> None:
    old = {"elements": {"vm": "1", "gone": "1"}, "packages": ["vim"], "serial": ""}
    new = {"elements": {"vm": "2", "new": "1"}, "packages": ["vim"], "serial": "x"}
    assert inputs.differences(old, new) == ["elements gone", "elements new", "elements vm", "serial"]
    assert inputs.differences(old, old) == []


def make_versions(directory: Path, name: str = "disk") -> list[Path]:
    """Make complete versions, the oldest first, with the link to the newest."""
    images = []
    for age, made in enumerate(DIGESTS):
        image = directory / f"{name}-{made}.raw"
        for file in (image, *(directory / f"{image.name}.{kind}" for kind in ("sha256", "json")), image.with_suffix(".log")):
            file.write_text(json.dumps({"name": name, "digest": made * 5}) if file.suffix == ".json" else "")
            os.utime(file, (age, age))
        images.append(image)
    (directory / f"{name}.raw").symlink_to(images[-1].name)
    return images


def test_the_oldest_versions_are_superfluous(tmp_path: Path) -> None:
    oldest, older, _newest = make_versions(tmp_path)
    assert prune.superfluous(plan(tmp_path), 2) == [oldest]
    assert prune.superfluous(plan(tmp_path), 1) == [older, oldest]
    assert prune.superfluous(plan(tmp_path), 3) == []


def test_the_version_in_use_stays_even_if_it_is_the_oldest(tmp_path: Path) -> None:
    oldest, older, newest = make_versions(tmp_path)
    (tmp_path / "disk.raw").unlink()
    (tmp_path / "disk.raw").symlink_to(oldest.name)
    assert prune.superfluous(plan(tmp_path), 1) == [newest, older]


@pytest.mark.parametrize("way", ["link", "disks/../disks"])
def test_the_version_in_use_stays_in_a_folder_that_has_two_names(tmp_path: Path, way: str) -> None:
    (tmp_path / "disks").mkdir()
    (tmp_path / "link").symlink_to("disks")
    oldest, older, newest = make_versions(tmp_path / "disks")
    superfluous = prune.superfluous(plan(tmp_path / way), 1)
    assert [image.resolve() for image in superfluous] == [older, oldest]
    assert newest.exists()


def test_a_link_that_leads_nowhere_is_no_version(tmp_path: Path) -> None:
    oldest = make_versions(tmp_path)[0]
    (tmp_path / "disk-dddddddddddd.raw").symlink_to("nowhere")
    assert prune.superfluous(plan(tmp_path), 2) == [oldest]


def test_images_whose_names_begin_alike_stay(tmp_path: Path) -> None:
    make_versions(tmp_path)
    other = make_versions(tmp_path, "disk-bios")
    (tmp_path / "disk-aaaaaaaaaaaa.qcow2").touch()
    assert not set(prune.superfluous(plan(tmp_path), 1)) & {*other, tmp_path / "disk-aaaaaaaaaaaa.qcow2"}


def test_a_version_goes_with_all_that_belongs_to_it(tmp_path: Path) -> None:
    oldest = make_versions(tmp_path)[0]
    prune.remove(oldest)
    assert not list(tmp_path.glob("disk-aaaaaaaaaaaa*"))
    assert len(list(tmp_path.glob("disk-bbbbbbbbbbbb*"))) == 4


@pytest.mark.parametrize(
    "manifest", [None, "", "[]", '{"name": "disk", "digest": "eeeeeeeeeeeeeeee"}', '{"name": "other", "digest": "aaaaaaaaaaaa"}']
)
def test_field_d14_a_disk_without_a_manifest_of_its_own_stays(tmp_path: Path, manifest: str | None) -> None:
    """Its name alone says nothing."""
    theirs, older, _newest = make_versions(tmp_path)
    beside = theirs.with_name(f"{theirs.name}.json")
    beside.unlink()
    if manifest is not None:
        beside.write_text(manifest)
    assert prune.superfluous(plan(tmp_path), 1) == [older]


@pytest.mark.parametrize("target", [None, "/disks/of/others.raw", "disk-eeee.raw", "disk-aaaaaaaaaaaa.qcow2"])
def test_field_d14_a_disk_that_has_the_name_of_the_link_is_not_replaced(tmp_path: Path, target: str | None) -> None:
    version = plan(tmp_path).version("f" * 64)
    assert version.obstacle == ""
    if target is None:
        version.link.write_text("of a virtual machine")
        assert version.obstacle == f"{version.link} is there, and is no link of this role"
    else:
        version.link.symlink_to(target)
        assert version.obstacle == f"{version.link} is a link to {target}, which this role did not make"


def test_the_link_to_another_version_is_no_obstacle(tmp_path: Path) -> None:
    make_versions(tmp_path)
    assert plan(tmp_path).version("f" * 64).obstacle == ""
