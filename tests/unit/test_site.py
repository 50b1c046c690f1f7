# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook site has a play of its own for the conductors, since Ansible warns of a group that is missing. It must do the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

PLAYBOOKS = Path(__file__).resolve().parents[2] / "playbooks"


def plays(name: str) -> list[dict[str, Any]]:
    return yaml.safe_load((PLAYBOOKS / f"{name}.yml").read_text(encoding="utf-8"))


def test_the_site_does_the_conductors_as_their_own_playbook_does() -> None:
    (own,) = plays("conductors")
    here = plays("site")[0]
    assert "groups.conductors" in here.pop("hosts")
    assert (own.pop("hosts"), here.pop("tags")) == ("conductors", "conductors")
    assert here == own
