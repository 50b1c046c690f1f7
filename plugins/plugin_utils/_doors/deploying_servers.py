# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hosts of the role server_deploy, which are servers of Nova (see deploying.py)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .deploying import Json

ROLE = "server_deploy"
MODULE = "bfv.openstack.server_fleet"
NOUN = "server"
NAME = "name"
OF_RUN = ("cloud", "volume_prices", "fail_after", "report", "concurrency", "wait", "timeout")

_OLD = re.compile(r"bfv_server(_(defaults|volumes|state|cloud|serial))?")


def entry(host: str, asked: Json) -> Json:
    """The host's options before those that all servers have, and the state of the command line before both."""
    volumes = {"volumes": asked["volumes"]} if asked.get("volumes") else {}
    state = {"state": asked["state"]} if "state" in asked else {}
    return {"name": host, **(asked.get("defaults") or {}), **(asked.get("options") or {}), **volumes, **state}


def refusal(host: str, variables: Mapping[str, Any]) -> str:
    """Variables by the names that they had before: left alone they would boot nothing, or something else."""
    old = sorted(name for name in variables if _OLD.fullmatch(name))
    if not old:
        return ""
    return (
        f"Failed to read the variables of {host}: {', '.join(old)} {'are' if len(old) > 1 else 'is'} of release 0.1.0. Nothing was changed. "
        "Since 1.0.0 bfv_server is server_deploy_options, and any other bfv_server_NAME is server_deploy_NAME."
    )
