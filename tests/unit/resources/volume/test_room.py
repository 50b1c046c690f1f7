# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a volume and its change need and use up is looked at before it is asked for."""

from __future__ import annotations

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.volume import needs, record
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.volume import plan as volume
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import Invalid, Refused
from ansible_collections.bfv.openstack.tests.unit.fake_cinder import Json, a_type, a_volume, an_image, uuid_of
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import FakeCloud, planned, settle


@pytest.mark.parametrize(
    "unknown",
    ["slate", "FAST", "LVM"],
    ids=["no such type", "a name of another case, which MariaDB would find", "its own type's name in another case"],
)
def test_a_type_that_is_not_there_is_refused_before_the_retype(unknown: str) -> None:
    cloud = FakeCloud(volumes=[a_volume()])
    with pytest.raises(
        Refused, match=f"Failed to change volume root: Cinder shows no volume type {unknown} to this project, but fast"
    ):
        planned(cloud, volume, name="root", volume_type=unknown, retype=True)
    assert planned(cloud, volume, name="root", volume_type=unknown).warnings  # without retype it is a difference, and only told


def test_types_whose_names_differ_in_case_alone_are_two() -> None:
    cloud = FakeCloud(volumes=[a_volume(size=10)], volume_types=[a_type("lvm"), a_type("LVM")])
    cloud.limits["gigabytes_lvm"] = 10
    assert planned(cloud, volume, name="root", volume_type="LVM", size=11, retype=True).changed
    cloud.limits["gigabytes_LVM"] = 10
    with pytest.raises(Refused, match="10 GiB of type LVM are left, and 11 are needed"):
        planned(cloud, volume, name="root", volume_type="LVM", size=11, retype=True)


@pytest.mark.parametrize(
    "options", [{"volume_type": "fast"}, {"retype": True}, {"volume_type": "lvm", "retype": True}, {"size": 10}], ids=str
)
def test_what_a_project_may_have_is_read_only_for_what_asks_for_more(options: Json) -> None:
    cloud = FakeCloud(volumes=[a_volume(size=10)])
    planned(cloud, volume, name="root", **options)
    assert not [path for path in cloud.reads if path.startswith(("/types", "/os-quota-sets"))]


def test_a_size_above_the_quota_is_refused_before_the_volume_grows() -> None:
    cloud = FakeCloud(volumes=[a_volume(size=10)])
    cloud.limits["gigabytes"] = 20
    with pytest.raises(Refused, match="Failed to change volume root: of the project's quota 10 GiB are left, and 11 are needed"):
        planned(cloud, volume, name="root", size=21)
    settle(cloud, volume, name="root", size=20)
    assert [one["size"] for one in cloud.volumes.values()] == [20]


def test_field_s13_a_zone_that_is_not_there_is_refused_before_a_volume_is_made() -> None:
    cloud = FakeCloud()
    cloud.zones["az2"] = False
    for zone in ("nowhere", "az2"):
        with pytest.raises(Refused, match=rf"availability zone {zone} is not one of Cinder's that work \(az1, nova\)"):
            planned(cloud, volume, name="root", size=1, availability_zone=zone)
    assert planned(FakeCloud(volumes=[a_volume()]), volume, name="root", availability_zone="nowhere").warnings


def test_field_s13_a_type_is_bound_to_its_zones() -> None:
    cloud = FakeCloud()
    cloud.volume_types[a_type("fast")["id"]]["extra_specs"] = {"RESKEY:availability_zones": "az1, az3"}
    with pytest.raises(Refused, match="volume type fast is bound to availability zone az1, az3, and the volume is to be in nova"):
        planned(cloud, volume, name="root", size=1, volume_type="fast", availability_zone="nova")
    for options in ({}, {"availability_zone": "az1"}):
        assert planned(cloud, volume, name="root", size=1, volume_type="fast", **options).changed
    cloud.zones["az1"] = False
    with pytest.raises(Refused, match="and the volume is to be in another one"):
        planned(cloud, volume, name="root", size=1, volume_type="fast")


@pytest.mark.parametrize(
    ("limits", "size", "words"),
    [
        ({"volumes": 1}, 1, "no volume is left"),
        ({"gigabytes": 12}, 3, "2 GiB are left, and 3 are needed"),
        ({"volumes_lvm": 1}, 1, "no volume of type lvm is left"),
        ({"gigabytes_lvm": 12}, 3, "2 GiB of type lvm are left, and 3 are needed"),
        ({"per_volume_gigabytes": 20}, 21, "a volume of this project may have 20 GiB, and 21 are needed"),
        ({"volumes": 1, "gigabytes": 10}, 1, "0 GiB are left, and 1 are needed and no volume is left"),
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "named", [{"volume_type": "lvm"}, {"volume_type": a_type("lvm")["id"]}, {}], ids=["name", "id", "default"]
)
def test_field_s13_a_quota_is_looked_at_before_a_volume_is_made(limits: Json, size: int, words: str, named: Json) -> None:
    cloud = FakeCloud(volumes=[a_volume()])
    cloud.limits.update(limits)
    with pytest.raises(Refused, match=f"Failed to create volume data: .*{words}"):
        planned(cloud, volume, name="data", size=size, **named)
    assert cloud.writes == []
    cloud.limits.update({name: most + 100 for name, most in limits.items()})
    settle(cloud, volume, name="data", size=size, **named)
    assert len(cloud.volumes) == 2


def test_field_s13_a_clone_counts_for_the_type_of_its_source() -> None:
    cloud = FakeCloud(volumes=[a_volume("base", volume_type="fast")])
    cloud.limits["volumes_fast"] = 1
    with pytest.raises(Refused, match="no volume of type fast is left"):
        planned(cloud, volume, name="data", volume="base")
    assert planned(cloud, volume, name="data", volume="base", volume_type="lvm").changed


def test_field_s13_a_golden_volume_counts_beside_the_first_that_is_made_of_it() -> None:
    cloud = FakeCloud(images=[an_image()])
    cloud.limits["volumes"] = 1
    with pytest.raises(Refused, match="1 volumes are left, and 2 are needed"):
        planned(cloud, volume, name="root", image="debian", via_golden=True)
    cloud.limits["volumes"] = 2
    settle(cloud, volume, name="root", image="debian", via_golden=True)


@pytest.mark.parametrize("status", ["available", "in-use"])
def test_field_s13_the_quota_of_the_new_type_is_looked_at_before_a_retype(status: str) -> None:
    cloud = FakeCloud(volumes=[a_volume(status=status)])
    cloud.limits["gigabytes_fast"] = 9
    with pytest.raises(Refused, match=r"Failed to change volume root: .*9 GiB of type fast are left, and 10 are needed"):
        planned(cloud, volume, name="root", volume_type="fast", retype=True)


def test_a_volume_in_use_does_not_become_multiattach() -> None:
    cloud = FakeCloud(volumes=[a_volume(status="in-use"), a_volume("free")])
    cloud.volume_types[a_type("fast")["id"]]["extra_specs"] = {"multiattach": "<is> True"}
    with pytest.raises(Refused, match=r"of the types lvm and fast one is multiattach, .* its status is in-use"):
        planned(cloud, volume, name="root", volume_type="fast", retype=True)
    assert planned(cloud, volume, name="free", volume_type="fast", retype=True).changed


def test_a_type_is_multiattach_as_cinder_spells_it() -> None:
    """cinder/volume/volume_types.py takes no other word for it."""
    cloud = FakeCloud(volumes=[a_volume(status="in-use")])
    cloud.volume_types[a_type("fast")["id"]]["extra_specs"] = {"multiattach": "<is> true"}
    assert planned(cloud, volume, name="root", volume_type="fast", retype=True).changed


def test_only_what_a_type_counts_by_itself_is_needed_for_a_retype() -> None:
    cloud = FakeCloud(volumes=[a_volume(size=10)])
    cloud.limits.update(volumes=1, gigabytes=10)
    assert planned(cloud, volume, name="root", volume_type="fast", retype=True).changed


def test_a_user_who_may_not_see_the_quota_gets_what_the_limits_tell() -> None:
    cloud = FakeCloud(volumes=[a_volume()])
    cloud.limits["volumes"] = 1
    cloud.hides_quota = True
    with pytest.raises(Refused, match="no volume is left"):
        planned(cloud, volume, name="data", size=1)


def test_what_is_made_together_is_counted_together() -> None:
    cloud = FakeCloud()
    cloud.limits.update(volumes=3, gigabytes_fast=15)
    have = needs.read(cloud)
    new = [record.from_api(a_volume(f"root-{number}", volume_type="fast", size=5)) for number in range(4)]
    uses = [needs.use_of(one, have) for one in new]
    assert needs.check_room(uses[:3], have, "make them").left == {"volumes": 0, "gigabytes_fast": 0}
    with pytest.raises(
        Refused, match=r"make them: .*15 GiB of type fast are left, and 20 are needed and 3 volumes are left, and 4 are needed"
    ):
        needs.check_room(uses, have, "make them")
    needs.check_room([*uses[:3], needs.use_of(new[3], have, goes=new[0])], have, "make them")


def test_what_goes_before_a_volume_frees_room_for_that_alone() -> None:
    cloud = FakeCloud()
    cloud.limits.update(volumes=0, gigabytes=5)
    have = needs.read(cloud)
    small, large = (record.from_api(a_volume(name, size=size)) for name, size in (("small", 5), ("large", 10)))
    in_its_place = needs.use_of(small, have, goes=large)
    assert needs.check_room([in_its_place], have, "make it")
    with pytest.raises(Refused, match="no volume is left"):
        needs.check_room([in_its_place, needs.use_of(small, have)], have, "make both")


# What is written


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"name": "root "}, r'name "root " begins or ends with a blank or a line end'),
        ({"name": "root\n"}, r'name "root\\n" begins or ends'),
        ({"name": "\troot"}, "begins or ends"),
        ({"name": "\u00a0root"}, "begins or ends"),
        ({"id": uuid_of("root"), "name": "new "}, "begins or ends"),
        ({"name": "r" * 256}, "name has 256 characters, and Cinder takes 255"),
        ({"description": "d" * 256}, "description has 256 characters"),
        ({"volume_type": "t" * 256}, "volume_type has 256 characters"),
        ({"availability_zone": "z" * 256}, "availability_zone has 256 characters"),
        ({"size": 2**31}, "size 2147483648 is not a number of GiB"),
        ({"metadata": {"a+b": 1}}, r'the key "a\+b", and Cinder takes 1 to 255'),
        ({"metadata": {"k" * 256: 1}}, "and Cinder takes 1 to 255"),
        ({"metadata": {"a\n": 1}}, "and Cinder takes 1 to 255"),
        ({"metadata": {"": 1}}, 'the key "". Give another'),
        ({"metadata": {"..": None}}, r'the key "\.\."'),
        ({"metadata": {".": 1}}, r'the key "\."'),
        ({"metadata": {"a": "v" * 256}}, "the value of metadata a has 256 characters"),
    ],
)
@pytest.mark.parametrize("state", ["present", "absent"])
def test_field_s13_what_cinder_would_not_take_is_refused_before_any_request(options: Json, words: str, state: str) -> None:
    with pytest.raises(Invalid, match=words) as refused:
        volume.wanted({"name": "root", "size": 1, "state": state, **options})
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "options",
    [
        {"name": "r" * 255},
        {"name": "a b"},
        {"description": "d" * 255 + "\n"},
        {"metadata": {"a b/c:d.e_f-9": "+\u00fc"}},
        {"metadata": {"a+b": None}},
    ],
    ids=str,
)
def test_what_cinder_takes_is_taken(options: Json) -> None:
    assert volume.wanted({"name": "root", **options})


def test_a_description_is_compared_as_cinder_keeps_it() -> None:
    cloud = FakeCloud(volumes=[a_volume(description="of the web")])
    assert not planned(cloud, volume, name="root", description="of the web\n").changed


@pytest.mark.parametrize(("options", "policy"), [({}, "on-demand"), ({"migration_policy": "never"}, "never")])
def test_whether_a_retype_may_move_the_data_is_said(options: Json, policy: str) -> None:
    (request,) = planned(FakeCloud(volumes=[a_volume()]), volume, name="root", volume_type="fast", retype=True, **options).steps
    assert request.body == {"os-retype": {"new_type": "fast", "migration_policy": policy}}
