# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The job by the command line client `baremetal`, one node after the other, as in Ironic's guide.

    python -m tests.bench.contestants.cli JOB STATE

The guide's commands fail when they are run again. Here three of them look first, as a careful script does.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from ..raw import Json

BAREMETAL = Path(sys.executable).with_name("baremetal")


def baremetal(*words: str) -> Any:
    """What the client answers."""
    ended = subprocess.run([BAREMETAL, "--os-cloud", "bench", *words], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(ended.stdout) if "json" in words else None


def one(name: str, want: Json, state: str) -> None:
    node = baremetal("node", "show", name, "-f", "json")
    uuid = node["uuid"]
    capabilities = node["properties"].get("capabilities", "").split(",")
    if node["storage_interface"] != "external" or "iscsi_boot:True" not in capabilities:
        merged = ",".join(filter(None, [*capabilities, "iscsi_boot:True"]))
        baremetal("node", "set", "--storage-interface", "external", "--property", f"capabilities={merged}", name)
    if "image_source" in node["instance_info"]:
        baremetal("node", "unset", "--instance-info", "image_source", name)
    if not baremetal("volume", "connector", "list", "--node", uuid, "-f", "json"):
        initiator = f"iqn.2017-08.org.openstack.{uuid}"
        baremetal("volume", "connector", "create", "--node", uuid, "--type", "iqn", "--connector-id", initiator)
    targets = baremetal("volume", "target", "list", "--node", uuid, "-f", "json")
    if want["volume_id"] not in [target["volume_id"] for target in targets]:
        properties = [word for key, value in want["properties"].items() for word in ("--property", f"{key}={value}")]
        place = ["--type", want["volume_type"], "--boot-index", str(want["boot_index"]), "--volume-id", want["volume_id"]]
        baremetal("volume", "target", "create", "--node", uuid, *place, *properties)
    if state == "deployed" and node["provision_state"] != "active":
        baremetal("node", "deploy", "--wait", "600", name)


def main(job: Json, state: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        clouds = Path(folder) / "clouds.yaml"
        clouds.touch(mode=0o600)
        clouds.write_text(json.dumps({"clouds": {"bench": job["cloud"]}}), encoding="utf-8")  # JSON is YAML
        os.environ["OS_CLIENT_CONFIG_FILE"] = str(clouds)
        for name, want in job["nodes"].items():
            one(name, want, state)


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), sys.argv[2])
