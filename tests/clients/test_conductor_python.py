# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""conductor_config with the oldest Python that a conductor's host may have."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.bfv.openstack.tests.integration.runs import Ansible, task

REPOSITORY = Path(__file__).resolve().parents[2]
PYTHON = REPOSITORY / ".cache" / "clients" / "conductor" / "bin" / "python"
SECRET = "hunter2-of-a-conductor"


def test_conductor_config_runs_on_it_and_shows_no_secret(tmp_path: Path) -> None:
    file = tmp_path / "ironic.conf"
    file.write_text("[DEFAULT]\nenabled_storage_interfaces = noop\n")
    options = {"path": str(file), "storage_interfaces": ["external"], "secrets": {"cinder": {"password": SECRET}}}
    module = "bfv.openstack.conductor_config"
    run = Ansible(tmp_path).tasks(
        task("first", module, **options),
        task("settle", module, path=str(file), state="settled"),
        task("second", module, **options),
        arguments=["--diff", "-vvvv", "-e", f"ansible_python_interpreter={PYTHON}"],
    )
    assert [run[title]["changed"] for title in ("first", "second")] == [True, False], run["first"].get("msg")
    assert f"password = {SECRET}" in file.read_text()
    assert str(PYTHON) in run.text
    assert [line for line in run.text.splitlines() if SECRET in line] == []
    assert SECRET not in str(run.records)
    assert "DEPRECATION" not in run.text
