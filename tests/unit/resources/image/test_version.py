# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Versions of an image in Glance: nothing goes but what is certainly one of them, and that last."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.cloud.errors import Unanswered
from ansible_collections.bfv.openstack.plugins.module_utils._engine.cloud.service import check_still
from ansible_collections.bfv.openstack.plugins.module_utils._engine.cloud.wait import Rounds
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources import settle
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.image import version
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.settle import Settling
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import BfvError, Invalid, Refused
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.plan import Plan, Request
from ansible_collections.bfv.openstack.tests.unit import fake_glance

Json = dict[str, Any]
OURS, THEIRS = "project-ours", "project-theirs"
ONE, TWO, THREE = ("1" * 64, "2" * 64, "3" * 64)


def long_name(digest: str, name: str = "disk") -> str:
    return f"{name}-{digest[:12]}"


class FakeGlance:
    """Glance, and the cloud that leads to it. Its lists drop every filter; a hook may do something before a write."""

    def __init__(self, *images: Json) -> None:
        self.images = {image["id"]: dict(image) for image in images}
        self.project = OURS
        self.before: Callable[[Request], None] = lambda request: None
        self.after: Callable[[Request], None] = lambda request: None
        self.written: list[str] = []

    @property
    def image(self) -> FakeGlance:
        return self

    def list(self, path: str, key: str, what: str, **query: object) -> Iterator[Json]:
        return iter([dict(image) for image in self.images.values()])

    def find(self, path: str, what: str, **query: object) -> Json | None:
        return self.images.get(path.removeprefix("/images/"))

    def send(self, request: Request) -> Json:
        self.before(request)
        answer = self._do(request)
        self.after(request)
        return answer

    def _do(self, request: Request) -> Json:
        check_still(self, request)
        self.written.append(request.what)
        assert request.method != "POST" or request.body["id"] not in self.images
        return fake_glance.write(self.images, request, owner=OURS)


def an_image(id: str, name: str = "disk", digest: str = "", **fields: Any) -> Json:
    """An image of ours; a version where it has a digest."""
    image = {
        "id": id,
        "name": name,
        "status": "active",
        "owner": OURS,
        "protected": False,
        "visibility": "private",
        "min_disk": 3,
    }
    return {**image, "created_at": "2026-11-01T00:00:00Z", **({"bfv_image_digest": digest} if digest else {}), **fields}


def two_versions() -> tuple[Json, Json]:
    return (
        an_image("first", long_name(ONE), ONE, created_at="2026-09-01T00:00:00Z"),
        an_image("second", "disk", TWO, created_at="2026-10-01T00:00:00Z"),
    )


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    file = tmp_path / "disk.raw"
    file.write_bytes(b"the disk")
    return file


@pytest.fixture(autouse=True)
def _no_time_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(settle, "Rounds", lambda timeout: Rounds(timeout, lambda: sum(slept), slept.append))


def settling(cloud: FakeGlance, file: Path, digest: str = THREE, **options: Any) -> Settling[Any]:
    params = {"name": "disk", "digest": digest, "file": str(file), "disk_format": "raw", "min_disk": 3}
    params = {**params, "visibility": "private", "properties": {}, "keep": 0, **options}
    want = version.wanted(params)
    return Settling(cloud, lambda: version.observe(cloud, want), lambda found, made: version.plan(want, found, made))  # type: ignore[arg-type]


def upload(cloud: FakeGlance, file: Path, digest: str = THREE, **options: Any) -> Settling[Any]:
    """One run. What check mode says before is what it does, and a second run does nothing."""
    foreseen = settling(cloud, file, digest, **options).plan
    run = settling(cloud, file, digest, **options)
    run.run(0)
    assert foreseen.actions == run.way.actions
    assert not settling(cloud, file, digest, **options).plan.changed
    return run


def names(cloud: FakeGlance) -> dict[str, str]:
    return {image["id"]: image["name"] for image in cloud.images.values()}


def destroyed(plan: Plan) -> list[str]:
    return [line.partition(":")[0] for line in plan.destroys]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"keep": -1}, "keep is -1. Give 0 or more"),  # it would stand for the oldest versions
        ({"min_disk": -1}, "min_disk is -1"),
        ({"name": ""}, "its name has 0 characters"),
        ({"name": "d" * 243}, "its name has 243 characters. Give 1 to 242"),
        ({"properties": {"name": "x", "a": "b"}}, "properties has name, which options of their own say"),
        ({"properties": {"bfv_image_digest": ONE}}, "properties has bfv_image_digest"),
    ],
)
def test_field_s13_what_glance_would_not_take_is_refused_before_any_request(disk: Path, options: Json, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        settling(FakeGlance(), disk, **options)
    assert settling(FakeGlance(), disk, name="d" * 242).plan.changed


def test_an_image_gets_its_name_when_it_is_complete(disk: Path) -> None:
    cloud = FakeGlance()
    upload(cloud, disk, properties={"os_type": "linux", "hw_vif": 2})
    assert cloud.written == [
        f"create image {long_name(THREE)}",
        f"upload {disk} to image {long_name(THREE)}",
        f"rename image {long_name(THREE)} to disk",
    ]
    (made,) = cloud.images.values()
    assert (made["name"], made["status"], made["os_type"], made["hw_vif"]) == ("disk", "active", "linux", "2")
    assert made["_bytes"] == b"the disk"


def test_the_former_one_goes_last(disk: Path) -> None:
    cloud = FakeGlance(*two_versions())
    plan = settling(cloud, disk, keep=1).plan
    assert destroyed(plan) == ["second", "first"]
    upload(cloud, disk, keep=1)
    assert cloud.written[2:] == [
        f"rename image second to {long_name(TWO)}",
        f"rename image {long_name(THREE)} to disk",
        "delete image second (disk)",
        f"delete image first ({long_name(ONE)})",
    ]
    assert list(names(cloud).values()) == ["disk"]


@pytest.mark.parametrize(("keep", "left"), [(0, 3), (3, 3), (2, 2)])
def test_the_newest_stay(disk: Path, keep: int, left: int) -> None:
    cloud = FakeGlance(*two_versions())
    upload(cloud, disk, keep=keep)
    assert len(cloud.images) == left
    assert "second" in cloud.images


def test_a_former_version_takes_the_name_again(disk: Path) -> None:
    cloud = FakeGlance(*two_versions())
    upload(cloud, disk, ONE)
    assert names(cloud) == {"first": "disk", "second": long_name(TWO)}


def test_what_differs_of_the_image_that_is_there_is_changed(disk: Path) -> None:
    cloud = FakeGlance(an_image("it", "disk", THREE, min_disk=1, os_type="windows"))
    run = upload(cloud, disk, properties={"os_type": "linux", "os_distro": "debian"})
    assert run.way.actions == ["change min_disk, os_distro, os_type of image disk"]
    assert (cloud.images["it"]["min_disk"], cloud.images["it"]["os_distro"]) == (3, "debian")


# What is not certainly ours. Each of them once as the same version, once as a former one.
STRANGERS: dict[str, Json] = {
    "of another project": {"owner": THEIRS, "visibility": "public"},
    "shared by another project": {"owner": THEIRS, "visibility": "shared"},
    "of another name": {"name": "other"},
    "of a longer name": {"name": "disk-2"},
    "of another case": {"name": "Disk"},
    "of another digest's name": {"name": long_name("f" * 64)},
    "an upload that is queued": {"status": "queued"},
    "an upload that is saving": {"status": "saving"},
    "an upload that is importing": {"status": "importing"},
}


@pytest.mark.parametrize("digest", [THREE, ONE])
@pytest.mark.parametrize("stranger", STRANGERS)
def test_field_d14_what_is_not_certainly_ours_stays_as_it_is(disk: Path, stranger: str, digest: str) -> None:
    theirs = an_image("theirs", **{"name": long_name(digest), "digest": digest, **STRANGERS[stranger]})
    cloud = FakeGlance(theirs, *two_versions())
    upload(cloud, disk, keep=1)
    assert cloud.images.pop("theirs") == theirs
    assert list(names(cloud).values()) == ["disk"]
    told = any(one.startswith("image theirs (") for one in settling(cloud_with(cloud, theirs), disk, keep=1).plan.warnings)
    assert told is ("upload" in stranger)


def cloud_with(cloud: FakeGlance, image: Json) -> FakeGlance:
    return FakeGlance(*cloud.images.values(), image)


@pytest.mark.parametrize(
    "fields",
    [{"owner": THEIRS, "visibility": "public", "bfv_image_digest": ONE}, {"owner": THEIRS, "visibility": "shared"}, {}],
)
def test_field_d14_an_image_of_the_name_that_is_not_ours_is_refused_before_anything(disk: Path, fields: Json) -> None:
    theirs = an_image("theirs", **fields)
    cloud = FakeGlance(theirs)
    with pytest.raises(Refused, match=r"Glance has an image of that name .* \(theirs\)"):
        upload(cloud, disk)
    assert (cloud.written, cloud.images) == ([], {"theirs": theirs})


@pytest.mark.parametrize(("name", "digest"), [("disk", ONE), (long_name(THREE), THREE)])
def test_field_d14_a_deactivated_version_is_told_and_left(disk: Path, name: str, digest: str) -> None:
    cloud = FakeGlance(an_image("off", name, digest, status="deactivated"))
    with pytest.raises(Refused, match=r"image off .* has been deactivated by somebody"):
        upload(cloud, disk)
    assert cloud.written == []


def test_field_d14_a_deactivated_former_version_is_not_pruned(disk: Path) -> None:
    cloud = FakeGlance(an_image("off", long_name(ONE), ONE, status="deactivated"), two_versions()[1])
    upload(cloud, disk, keep=1)
    assert "off" in cloud.images
    assert "second" not in cloud.images


def test_field_d14_a_protected_version_is_renamed_and_stays(disk: Path) -> None:
    first, second = two_versions()
    cloud = FakeGlance(first, {**second, "protected": True})
    upload(cloud, disk, keep=1)
    assert names(cloud)["second"] == long_name(TWO)
    assert "first" not in cloud.images


def test_field_d14_nothing_goes_where_the_new_image_does_not_become_active(disk: Path) -> None:
    def no_room(request: Request) -> None:
        if request.method == "PUT":
            raise Refused("Failed to upload: no room.")

    cloud = FakeGlance(*two_versions())
    before = dict(cloud.images)
    cloud.before = no_room
    with pytest.raises(Refused, match="no room"):
        upload(cloud, disk, keep=1)
    assert cloud.images == before


def test_field_d14_a_run_whose_upload_fails_deletes_what_it_began_and_nothing_else(disk: Path) -> None:
    tried: list[str] = []

    def lost(request: Request) -> None:
        if request.method == "PUT":
            tried.append(request.key)
            raise Unanswered("The connection was lost.")

    other = an_image("other", long_name(THREE), THREE, status="queued")
    cloud = FakeGlance(other)
    cloud.before = lost
    run = settling(cloud, disk)
    with pytest.raises(BfvError, match="lost"):
        run.run(0)
    assert tried
    assert "other" not in tried
    assert cloud.images == {"other": other}
    assert f"delete image {tried[0]} ({long_name(THREE)}), whose upload failed" in run.way.actions


class Losing:
    """Loses the answers to the first requests of one method."""

    def __init__(self, method: str, times: int = 1) -> None:
        self.method, self.left = method, times

    def __call__(self, request: Request) -> None:
        if request.method == self.method and self.left:
            self.left -= 1
            raise Unanswered(f"Failed to {request.what}: no connection (reset).")


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_field_b12_a_lost_answer_makes_no_second_image(disk: Path, method: str, moment: str, times: int) -> None:
    cloud = FakeGlance(*two_versions())
    losing = Losing(method, times)
    setattr(cloud, moment, losing)
    run = settling(cloud, disk, keep=1)
    run.run(3600)
    assert losing.left == 0 or moment == "after"
    assert list(names(cloud).values()) == ["disk"]
    assert [one["_bytes"] for one in cloud.images.values()] == [b"the disk"]
    foreseen = settling(FakeGlance(*two_versions()), disk, keep=1).plan.actions
    assert [one.partition(" (")[0] for one in run.way.actions] == [one.partition(" (")[0] for one in foreseen]
    assert cloud.written.count(f"create image {long_name(THREE)}") == 1


def test_field_b12_an_upload_that_is_never_answered_is_given_up_and_undone(disk: Path) -> None:
    cloud = FakeGlance()
    cloud.before = Losing("PUT", 100)
    with pytest.raises(Unanswered, match=r"Failed to upload .*reset"):
        settling(cloud, disk).run(3600)
    assert cloud.images == {}


def test_field_d14_the_loser_of_a_race_removes_its_own(disk: Path) -> None:
    """Another run has uploaded the same version meanwhile."""
    theirs = an_image("faster", "disk", THREE)

    def meanwhile(request: Request) -> None:
        if request.method == "PUT":
            cloud.images["faster"] = theirs

    cloud = FakeGlance()
    cloud.before = meanwhile
    run = settling(cloud, disk)
    run.run(0)
    assert cloud.images == {"faster": theirs}
    assert len([one for one in run.way.actions if one.startswith("delete image ")]) == 1


@pytest.mark.parametrize("change", [{"protected": True}, {"status": "deactivated"}])
def test_field_d14_what_has_changed_since_it_was_looked_at_stays(disk: Path, change: Json) -> None:
    """Somebody protects an old version, or takes it out of use, a moment before it would be deleted."""

    def meanwhile(request: Request) -> None:
        if request.method == "DELETE":
            cloud.images["first"].update(change)

    cloud = FakeGlance(two_versions()[0])
    cloud.before = meanwhile
    settling(cloud, disk, keep=1).run(0)
    assert "first" in cloud.images


def test_a_digest_that_is_too_short_is_refused(disk: Path) -> None:
    with pytest.raises(Invalid, match="less than 12 characters"):
        settling(FakeGlance(), disk, "0123")
