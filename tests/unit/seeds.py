# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets to seed, written in many ways, into every option that may hold one."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Callable
from typing import Any

Json = dict[str, Any]
Shape = Callable[[str], str]

# How a secret is written. Where it has a core in it (a word that stands nowhere else), not even that may be shown.
SHAPES: dict[str, Shape] = {
    "plain": lambda core: core,
    "quotes": lambda core: f'it\'s "{core}"',
    "slashes and percents": lambda core: f"%41/{core}%2F?&=+#",
    "JSON": lambda core: json.dumps({"key": [core, "\u00e4"]}),
    "lines": lambda core: f"-----BEGIN-----\n{core}\n\t{core}\r\n-----END-----\n",
    "blanks": lambda core: f"  {core}  ",
    "base64": lambda core: base64.b64encode(core.encode() * 3).decode(),
    "long": lambda core: core * 30,
}
URLS: dict[str, Shape] = {
    "one host": lambda core: f"https://demo:{core}@images.example.org/disk.raw",
    "hosts": lambda core: f"rabbit://demo:{core}@one:5672,demo:{core}@two:5672//",
    "a slash": lambda core: f"mysql+pymysql://demo:{core}/%2F@db.example.org/ironic?charset=utf8",
}


class Seeds:
    """Makes secrets, and counts them."""

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        self._numbers = itertools.count(1001)
        self.cores: list[str] = []

    def __call__(self) -> Any:
        self.cores.append(f"zq{next(self._numbers)}xk")
        return self._shape(self.cores[-1])

    def found(self, text: str) -> list[str]:
        return [core for core in self.cores if any(form in text for form in (core, base64.b64encode(core.encode() * 3).decode()))]


def login(seed: Seeds) -> Json:
    who = {"auth_url": "http://keystone", "username": "demo", "project_name": "demo", "user_domain_id": "default"}
    names = ("password", "token", "passcode", "application_credential_secret", "client_secret", "access_key", "anything")
    return {**who, **{name: seed() for name in names}}


def clouds(seed: Seeds) -> Json:
    return {
        "cloud": {"auth": login(seed), "password": seed()},
        "volume_cloud": {"auth": login(seed), "profile": {"secret": seed()}},
        "auth": login(seed),
    }


def notes(seed: Seeds) -> Json:
    return {"note": "demo", "password": seed(), "deep": [{"api_token": seed()}, ["x", {"x_secret": {"any": seed()}}]]}


def target(seed: Seeds) -> Json:
    return {
        "volume_id": "05a3cf39-1c1f-4b0b-9d4f-ad8d86f0ae61",
        "target_iqn": "iqn.2010-10.org.example:array",
        "target_portal": "192.0.2.10:3260",
        "target_lun": 1,
        "chap_username": "demo",
        "chap_password": seed(),
        "properties": {"discovery_auth_password": seed(), "more": [{"token": seed()}]},
        "extra": notes(seed),
    }


# Of each module a change, with secrets wherever an option takes what its user likes.
CHANGES: dict[str, Callable[[Seeds], Json]] = {
    "bfv_volume": lambda seed: {"name": "root", "size": 1, "metadata": {"password": seed(), "token": seed(), "note": "demo"}},
    "bfv_image": lambda seed: {"name": "disk", "digest": "3" * 64, "file": __file__, "properties": {"x_secret": seed()}},
    "bfv_server": lambda seed: {
        "name": "web",
        "flavor": "small",
        "boot": {"image": "debian"},
        "user_data": f"#!/bin/sh\nchpasswd <<< root:{seed()}\n",
        "metadata": {"admin_password": seed(), "note": "demo"},
    },
    "server_fleet": lambda seed: {
        "servers": [
            {
                "name": "web",
                "flavor": "small",
                "boot": {"volume": "web-root"},
                "user_data": f"#!/bin/sh\nchpasswd <<< root:{seed()}\n",
                "metadata": {"admin_password": seed(), "note": "demo"},
                "volumes": [{"name": "web-root", "image": "debian", "metadata": {"token": seed()}}],
            }
        ]
    },
    "boot_checkpoint": lambda _seed: {"server": "db", "name": "friday"},
    "baremetal_node_storage": lambda _seed: {"node": "bm-0", "storage_interface": "external", "capabilities": {"note": "demo"}},
    "volume_connector": lambda seed: {"node": "bm-0", "extra": notes(seed)},
    "volume_target": lambda seed: {"node": "bm-0", **target(seed)},
    "baremetal_fleet": lambda seed: {
        "nodes": [
            {"node": "bm-0", "storage_interface": "external", "targets": [target(seed)], "connectors": [{"extra": notes(seed)}]},
            {"node": "bm-7", "targets": [target(seed)]},
        ]
    },
}
# Of the module that asks an array, and no cloud: nobody listens there.
LUN: dict[str, Callable[[Seeds], Json]] = {
    "iscsi_lun": lambda seed: {
        "portals": ["127.0.0.1:9"],
        "iqn": "iqn.2010-10.org.example:array",
        "lun": 1,
        "chap_username": "demo",
        "chap_password": seed(),
        "seed": {"user_data": {"chpasswd": seed(), "deep": [seed()]}, "meta": notes(seed), "vendor_data": {"password": seed()}},
    },
}
