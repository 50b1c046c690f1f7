# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a new server is refused for, before its disk or anything else is made."""

from __future__ import annotations

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.server import plan as server
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import Invalid, Refused
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import (
    Json,
    a_snapshot,
    a_volume,
    an_image,
    attached,
    of_image,
    planned,
    uuid_of,
)
from ansible_collections.bfv.openstack.tests.unit.fake_nova import a_flavor, a_group, a_network, a_server
from ansible_collections.bfv.openstack.tests.unit.server_cloud import (
    WEB,
    a_project,
    blank,
)

# Refused before anything is written


OURS: Json = {"metadata": {"bfv_boot_of": "web", "bfv_made": uuid_of("web-boot")}}
REFUSED: list[tuple[Json, Json, str]] = [
    # records, options, words
    ({}, {"flavor": None}, "no flavor is given"),
    ({}, {"boot": {}}, "it has nothing to boot from"),
    ({}, {"name": None, "id": uuid_of("x")}, "Nova shows none with that id"),
    ({}, {"id": uuid_of("x")}, "Nova shows none with that id"),
    ({}, {"flavor": "huge"}, "Failed to find flavor huge: the cloud shows none"),
    ({"flavors": [a_flavor(), {**a_flavor(), "id": "x"}]}, {}, "Failed to find flavor small: 2 have that name. Give the id"),
    ({}, {"flavor_denylist": ["^la", "^sm"]}, r"flavor small cannot boot from a volume \(flavor_denylist has «\^sm»\)"),
    ({}, {"boot": {"image": "hurd"}}, "Failed to find image hurd"),
    ({}, {"block_devices": ["source=image,id=hurd,dest=volume,size=5"]}, "Failed to find image hurd"),
    ({"images": [an_image(), an_image(id=uuid_of("y"))]}, {}, "2 images have that name"),
    ({}, {"boot": {"image": "debian", "size": 2}}, "size is 2 GiB, and image debian needs 3 GiB"),
    ({}, {"image_size_limit": 2}, "image_size_limit is 2 GiB"),
    ({"snapshots": []}, {"boot": {"snapshot": "friday"}}, "Failed to find snapshot friday"),
    ({"snapshots": [a_snapshot(status="error")]}, {"boot": {"snapshot": "friday"}}, "its status is error"),
    ({}, {"boot": {"volume": "root"}}, "Cinder shows no volume root"),
    ({}, {"boot": {"volume": uuid_of("root")}}, "Cinder shows no"),
    ({"volumes": [a_volume(bootable="false")]}, {"boot": {"volume": "root"}}, "volume root is not bootable"),
    ({"volumes": [a_volume(**attached("other"))]}, {"boot": {"volume": "root"}}, "attached to other and is not multiattach"),
    (
        {"volumes": [a_volume()], "servers": [a_server("db", "root")]},
        {"boot": {"volume": "root"}},
        rf"volume root \({uuid_of('root')}\) is a disk of server db \({uuid_of('server db')}, ACTIVE\)",
    ),
    (
        {"volumes": [a_volume("web-boot", **OURS, **of_image())], "servers": [a_server("was-web", "web-boot")]},
        {},
        "volume web-boot .* is a disk of server was-web",
    ),
    (
        {"volumes": [blank("data")], "servers": [a_server("db", "x", "data")]},
        {"block_devices": ["vdb=data"]},
        "volume data .* is a disk of server db .*openstack volume set --state in-use --attached",
    ),
    ({"volumes": [a_volume(status="error")]}, {"boot": {"volume": "root"}}, "status is error|has status error"),
    ({"volumes": [a_volume(), a_volume(id=uuid_of("y"))]}, {"boot": {"volume": "root"}}, "2 volumes have that name"),
    ({"volumes": [a_volume("web-boot", **OURS, status="error")]}, {}, "status is error|has status error"),
    ({"volumes": [a_volume("web-boot", **OURS, bootable="false")]}, {}, "volume web-boot is not bootable"),
    ({"volumes": [a_volume("web-boot", **OURS, **of_image(), **attached("other"))]}, {}, "attached to other"),
    ({}, {"block_devices": ["vdb=data"]}, "Cinder shows no volume data"),
    ({"volumes": [blank("data", **attached("other"))]}, {"block_devices": ["vdb=data"]}, "attached to other"),
    ({"volumes": [blank("data"), blank("data", id="y")]}, {"block_devices": ["vdb=data"]}, "2 volumes have that name"),
    ({}, {"networks": "dmz"}, "Failed to find network dmz"),
    ({"networks": [a_network(), {**a_network(), "id": "y"}]}, {"networks": "internal"}, "Failed to find network internal: 2"),
    ({}, {"networks": [{"port": "eth7"}]}, "Failed to find port eth7"),
    ({}, {"key_name": "mine"}, "Failed to find key pair mine"),
    ({}, {"security_groups": ["default", "db"]}, "Failed to find security group db"),
    ({"security_groups": [a_group(), a_group(id="y")]}, {"security_groups": ["default"]}, "security group default: 2"),
    ({}, {"flavor": "metal", "config_drive": True}, "bare metal, and a node that boots from a volume gets no config drive"),
    (
        {"volumes": [a_volume(multiattach=True)]},
        {"flavor": "metal", "boot": {"volume": "root"}},
        "bare metal, which cannot use the multiattach volume root",
    ),
    ({"servers": [a_server(), a_server(id="y")]}, {}, "2 servers have that name"),
]


@pytest.mark.parametrize(("records", "options", "words"), REFUSED)
def test_what_cannot_work_is_refused_before_anything_is_written(records: Json, options: Json, words: str) -> None:
    cloud = a_project(**records)
    with pytest.raises(Refused, match=words):
        planned(cloud, server, **{**WEB, **options})
    assert cloud.writes == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"name": None}, "neither name nor id"),
        ({"id": "web"}, "is not a UUID"),
        ({"boot": {"image": "debian", "volume": "root"}}, "boot has volume and image"),
        ({"networks": [{"net": "x"}]}, "networks has"),
        ({"networks": [{"network": "x", "port": "y"}]}, "networks has"),
        ({"networks": [7]}, "networks has"),
    ],
)
def test_malformed_options_are_refused_before_any_request(options: Json, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        server.wanted({**WEB, **options})


def test_user_data_is_in_no_representation() -> None:
    assert "hunter2" not in repr(server.wanted({**WEB, "user_data": "password: hunter2"}))
