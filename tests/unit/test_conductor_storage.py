# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role conductor_storage tells of a conductor's log."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from ansible_collections.bfv.openstack.tests.unit.programs import ansible

ROLE = Path(__file__).resolve().parents[2] / "roles" / "conductor_storage"


def test_secrets_are_hidden_where_one_begins_with_another(tmp_path: Path) -> None:
    tell = {"ansible.builtin.debug": {"var": "conductor_storage_reason"}}
    playbook = tmp_path / "play.json"
    playbook.write_text(
        json.dumps(
            [{"hosts": "localhost", "gather_facts": False, "vars_files": [str(ROLE / "vars" / "main.yml")], "tasks": [tell]}]
        )
    )
    known = {
        "conductor_storage_all_secrets": {
            "cinder": {"password": "it-se"},
            "keystone_authtoken": {"password": "it-secret", "x": ""},
        },
        "conductor_storage_log": {"stdout_lines": ["2026-01-01 10:00:00 1 ERROR ironic [-] refused it-secret and it-se"]},
    }
    command = [ansible("ansible-playbook"), str(playbook), "--extra-vars", json.dumps(known)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    assert "Its log says: refused ****** and ******." in done.stdout
