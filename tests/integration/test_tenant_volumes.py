# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A tenant asks bfv_info for the volumes that he can boot from, and who holds them: without a word to Ironic."""

from __future__ import annotations

import pytest

from .lab import PROJECT, Lab
from .proxy import Proxy
from .runs import Ansible, task

pytestmark = pytest.mark.full


def test_a_tenant_sees_his_bootable_volumes_and_their_servers(lab: Lab, ansible: Ansible, proxy: Proxy) -> None:
    held, free, data = (lab.volume(lab.name(what)) for what in ("held", "free", "data"))
    for one in (held, free):
        lab.act(lab.cinder, one["id"], "os-set_bootable", {"bootable": True})
    server = lab.server(lab.name("server"), held["id"])
    run = ansible.tasks(task("info", "bfv.openstack.bfv_info", cloud=PROJECT, gather=["volumes"], proxy=proxy.url))
    assert not run["info"]["failed"], run["info"].get("msg")
    told = {one["id"]: one["holders"] for one in run["info"]["volumes"]}
    assert (told[free["id"]], data["id"] in told) == ([], False)
    (holder,) = told[held["id"]]
    assert (holder["id"], holder["kind"], holder["name"]) == (server["id"], "server", server["name"])
    assert (run["info"]["nodes"], proxy.writes, [one for one in proxy.requests if one.service == "baremetal"]) == ([], [], [])
