# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Planning in memory: the rules alone, without any request.

    python -m tests.bench.planning [--nodes 1000 10000]

What is asked for, and what Ironic and Cinder would answer, is there as JSON. The processor time is that from JSON to each node's plan, the memory that of all.
"""

from __future__ import annotations

import argparse
import resource
import time

from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet.nodes import observe, plan, wanted
from ansible_collections.bfv.openstack.plugins.module_utils._engine.fleet.stage import whole
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.node import connector, target
from ansible_collections.bfv.openstack.plugins.module_utils._engine.resources.node import record as baremetal_node

from . import nodes
from .raw import Json
from .table import show

CASES = {"new": "deployed", "in order": "deployed", "to be undeployed": "undeployed"}
PARAMS = {"concurrency": 8, "iqn_prefix": "iqn.2017-08.org.openstack.", "power_off": False, "volumes_on_undeploy": "keep"}


def answers(job: Json, deployed: bool) -> dict[str, list[Json]]:
    """What Ironic says of the job's nodes."""
    found: dict[str, list[Json]] = {"nodes": [], "connectors": [], "targets": []}
    for number, (name, want) in enumerate(job["nodes"].items()):
        uuid = f"6d0a4a4e-0000-4000-8000-{number:012}"
        found["nodes"].append(_node(name, uuid, deployed))
        if deployed:
            records = {"node_uuid": uuid, "extra": {}}
            initiator = f"{PARAMS['iqn_prefix']}{uuid}"
            found["connectors"].append({**records, "uuid": f"c{uuid[1:]}", "type": "iqn", "connector_id": initiator})
            found["targets"].append({**records, "uuid": f"7{uuid[1:]}", **want})
    return found


def _node(name: str, uuid: str, deployed: bool) -> Json:
    return {
        **dict.fromkeys(baremetal_node.FIELDS),
        "uuid": uuid,
        "name": name,
        "driver": "fake-hardware",
        "power_state": "power on" if deployed else "power off",
        "provision_state": "active" if deployed else "available",
        "maintenance": False,
        "storage_interface": "external" if deployed else "noop",
        "boot_interface": "ipxe",
        "deploy_interface": "direct",
        "properties": {"capabilities": "boot_mode:uefi,iscsi_boot:True" if deployed else "boot_mode:uefi"},
        "instance_info": {} if deployed else {"image_source": nodes.IMAGE},
    }


def changes(entries: list[Json], state: str, answered: dict[str, list[Json]]) -> int:
    """From what is asked for and what was answered to the plans: how many nodes would change."""
    wants, malformed = wanted.read({**PARAMS, "nodes": entries, "state": state})
    seen = {one.name: one for one in map(baremetal_node.from_api, answered["nodes"])}
    connectors = {one.node_uuid: one for one in map(connector.from_api, answered["connectors"])}
    targets = {one.node_uuid: one for one in map(target.from_api, answered["targets"])}
    taken = connector.by_key(connectors.values())
    plans = []
    for want in wants:
        uuid = seen[want.node].uuid
        records = [tuple(filter(None, [ones.get(uuid)])) for ones in (connectors, targets)]
        found = observe.NodeFound(node=seen[want.node], connectors=records[0], taken=taken, targets=records[1])
        plans.append(whole("", plan.plan(want, found)))
    assert not malformed
    return sum(one.changed for one in plans)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, nargs="+", default=[1000, 10000])
    given = parser.parse_args()
    rows: list[list[object]] = []
    for count in given.nodes:
        job = nodes.job({}, [f"rack-{number:05}" for number in range(count)])
        for case, state in CASES.items():
            answered = answers(job, deployed=case != "new")
            started = time.process_time()
            changed = changes(job["fleet"], state, answered)
            seconds = time.process_time() - started
            rows.append([f"{count} nodes, {case}", changed, seconds, seconds / count * 1e6])
    show("planning, no input or output", ["nodes", "would change", "CPU s", "CPU us/node"], rows)
    print(f"It took {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MiB.")


if __name__ == "__main__":
    main()
