# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hunt: secrets of every kind in every option that may hold one, through every module, and none of them in what it gives back.

tests/clients hunts through Ansible itself, tests/integration on real services.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.parameters import PASS_VARS
from ansible.module_utils.testing import patch_module_args
from ansible_collections.bfv.openstack.plugins.module_utils._engine import run
from ansible_collections.bfv.openstack.plugins.module_utils._engine.cloud.errors import rejected
from ansible_collections.bfv.openstack.plugins.module_utils._engine.cloud.wait import Rounds
from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet import fleet
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources import settle
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.plan import Request
from ansible_collections.bfv.openstack.tests.unit.fake_cloud import FakeCloud, a_node, a_volume, an_image
from ansible_collections.bfv.openstack.tests.unit.fake_nova import a_flavor, a_network, a_server
from ansible_collections.bfv.openstack.tests.unit.scripted import answer
from ansible_collections.bfv.openstack.tests.unit.seeds import CHANGES, SHAPES, URLS, Seeds, Shape, clouds

Json = dict[str, Any]

SETTINGS: Json = {"_ansible_tracebacks_for": []}
SETTINGS.update({"_ansible_inject_invocation": True} if "inject_invocation" in PASS_VARS else {})

# In the echo a service repeats what it was sent, and does nothing.
RUNS = ("check", "echo", "change", "again", "wrong option", "wrong value")
FAIL = ("echo", "wrong option", "wrong value")


@pytest.fixture
def task(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Runs a module in one of the ways of RUNS; gives all that it printed."""
    cloud = FakeCloud(
        nodes=[a_node()],
        volumes=[a_volume("web")],
        images=[an_image()],
        flavors=[a_flavor()],
        networks=[a_network()],
        servers=[a_server("db", "web")],
    )
    monkeypatch.setattr(run, "Cloud", lambda _params: cloud)
    for waits in (settle, fleet):
        monkeypatch.setattr(waits, "Rounds", lambda timeout: Rounds(timeout, cloud.clock, cloud.sleep))

    def echo(request: Request) -> Json:
        said = f"{json.dumps(request.body)} and {request.body} do not fit"
        raise rejected(request.what, "the fake", answer({"badRequest": {"message": said}}, 400), request.body)

    logged: list[str] = []  # to the system's log, where every user may read it
    monkeypatch.setattr(AnsibleModule, "log", lambda _module, msg, log_args=None: logged.append(f"{msg} {log_args}"))

    def run_task(module: str, way: str, options: Json) -> str:
        wrong = {"wrong option": {"unknown": "x"}, "wrong value": {"timeout": "x"}}.get(way, {})
        modes = {"_ansible_check_mode": way == "check", "_ansible_diff": True, **SETTINGS}
        main = import_module(f"ansible_collections.bfv.openstack.plugins.modules.{module}").main
        with monkeypatch.context() as patch, patch_module_args({**options, **wrong, **modes}):
            if way == "echo":
                patch.setattr(cloud, "send", echo)
            with pytest.raises(SystemExit):
                main()
        printed = capsys.readouterr()
        result = json.loads(printed.out)
        # With it a module tells Ansible 2.22 what to hide: it is in no result.
        result.pop("_ansible_new_secrets", None)
        assert bool(result.get("failed")) is (way in FAIL or module == "baremetal_fleet"), result
        return json.dumps(result, ensure_ascii=False) + json.dumps(result) + printed.err + "".join(logged)

    return run_task


def hunts() -> Iterator[Any]:
    for module, (shape, make) in itertools.product(CHANGES, SHAPES.items()):
        yield pytest.param(module, make, CHANGES[module], id=f"{module}-{shape}")
    for shape, make in URLS.items():
        yield pytest.param(
            "volume_connector", make, lambda seed: {"node": "bm-0", "extra": {"image": seed()}}, id=f"URL with {shape}"
        )


@pytest.mark.parametrize(("module", "make", "options"), list(hunts()))
def test_secret_hunt(
    task: Callable[..., str],
    record_property: Callable[[str, object], None],
    module: str,
    make: Shape,
    options: Callable[[Seeds], Json],
) -> None:
    seeds = Seeds(make)
    given = {**options(seeds), **clouds(seeds)}
    shown = {way: seeds.found(task(module, way, given)) for way in RUNS}
    record_property("secrets seeded", len(seeds.cores) * len(RUNS))
    record_property("secrets found", sum(map(len, shown.values())))
    assert {way: cores for way, cores in shown.items() if cores} == {}
