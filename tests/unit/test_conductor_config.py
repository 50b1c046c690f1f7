# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""bfv.openstack.conductor_config, with files on this machine and an Ironic that gives canned answers."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.bfv.openstack.plugins.module_utils.conductor import run

Json = dict[str, Any]
Run = Callable[..., Json]

IRONIC = """\
# Of the operator.
[DEFAULT]
host = conductor-0
enabled_storage_interfaces = cinder,noop
enabled_boot_interfaces = pxe

[database]
connection = mysql://ironic:hunter2@192.0.2.1/ironic
"""
DEFAULTS = {
    "host": "conductor-0",
    "enabled_storage_interfaces": ["cinder", "noop"],
    "default_storage_interface": "noop",
    "enabled_boot_interfaces": ["pxe"],
    "default_boot_interface": None,
}
# Stands for Ironic's Python: writes down what it is asked, and answers what the test has put beside it.
FAKE_PYTHON = """\
import json, pathlib, sys
here = pathlib.Path(__file__).parent
asked = json.load(sys.stdin)
(here / "asked").write_text(json.dumps(asked))
(here / "argv").write_text(" ".join(sys.argv))
answer = json.loads((here / "answer").read_text())
if "touched" not in asked:
    answer.pop("problems")
print(json.dumps(answer))
"""


class Place:
    """A conductor's files."""

    def __init__(self, folder: Path) -> None:
        self.main = folder / "ironic.conf"
        self.main.write_text(IRONIC)
        self.main.chmod(0o640)
        self.folder = folder / "ironic.conf.d"
        self.folder.mkdir()
        self.own = self.folder / "50-bfv.conf"
        self._answers = folder / "python"
        self._answers.mkdir()
        (self._answers / "fake.py").write_text(FAKE_PYTHON)
        self.answer()

    def answer(self, **changes: object) -> None:
        (self._answers / "answer").write_text(json.dumps({**DEFAULTS, "problems": [], "warnings": [], **changes}))

    @property
    def asked(self) -> Json:
        asked: Json = json.loads((self._answers / "asked").read_text())
        return asked

    @property
    def argv(self) -> str:
        return (self._answers / "argv").read_text()

    @property
    def python(self) -> list[str]:
        return [sys.executable, str(self._answers / "fake.py")]

    @property
    def names(self) -> list[str]:
        return sorted(path.name for path in (*self.main.parent.iterdir(), *self.folder.iterdir()) if path.is_file())


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def task(place: Place, capsys: pytest.CaptureFixture[str]) -> Run:
    def run_module(path: Path | None = None, check: bool = False, **options: Any) -> Json:
        path = path or place.own
        arguments = {"path": str(path), "read": [str(place.main), str(place.folder)], "python": place.python, **options}
        if path == place.own:
            arguments.update(own=True, create=True, mode="0640")
        arguments.update(_ansible_check_mode=check, _ansible_diff=True)
        with patch_module_args(arguments), pytest.raises(SystemExit):
            run.run()
        printed = capsys.readouterr()
        # Beside Ansible's own plugins (the tests of others load them) a module prints its warnings itself.
        return {**json.loads(printed.out), "text": " ".join(f"{printed.out} {printed.err}".split())}

    return run_module


def test_what_is_enabled_stays_enabled(task: Run, place: Place) -> None:
    result = task(storage_interfaces=["external"], boot_interfaces=["ipxe", "pxe"])
    assert result["changed"]
    assert result["enabled_storage_interfaces"] == ["cinder", "noop", "external"]
    assert result["enabled_boot_interfaces"] == ["pxe", "ipxe"]
    assert "enabled_storage_interfaces = cinder,noop,external\n" in place.own.read_text()
    assert place.main.read_text() == IRONIC


def test_a_default_is_enabled_as_well(task: Run, place: Place) -> None:
    task(default_storage_interface="external", boot_interfaces=[])
    assert "enabled_storage_interfaces = cinder,noop,external\ndefault_storage_interface = external\n" in place.own.read_text()
    assert "boot" not in place.own.read_text()


def test_the_default_that_is_there_is_enabled_where_it_was_not(task: Run, place: Place) -> None:
    place.answer(enabled_storage_interfaces=["cinder"], default_boot_interface="http")
    task(storage_interfaces=["external"], boot_interfaces=["ipxe"])
    assert "enabled_storage_interfaces = cinder,external,noop\n" in place.own.read_text()
    assert "enabled_boot_interfaces = pxe,ipxe,http\n" in place.own.read_text()


def test_a_second_run_changes_nothing(task: Run, place: Place) -> None:
    wanted: Json = {"storage_interfaces": ["external"], "secrets": {"cinder": {"password": "geh$im"}}}
    first = task(**wanted)
    task(state="settled")
    second = task(**wanted)
    assert (first["changed"], second["changed"]) == (True, False)
    assert first.keys() == second.keys()
    assert place.asked.keys() == {"texts"}  # nothing to check


def test_check_mode_changes_nothing_and_checks(task: Run, place: Place) -> None:
    result = task(storage_interfaces=["external"], check=True)
    assert result["changed"]
    assert place.names == ["ironic.conf"]
    assert "enabled_storage_interfaces = cinder,noop,external" in place.asked["after"]
    assert "+" not in result["diff"]["before"]
    assert "enabled_storage_interfaces" in result["diff"]["after"]


@pytest.mark.parametrize("where", ["own", "main"])
def test_what_ironic_refuses_never_reaches_the_file(task: Run, place: Place, where: str) -> None:
    place.answer(problems=["storage interface externel is not installed"])
    result = task(path=getattr(place, where), storage_interfaces=["externel"])
    assert result["failed"]
    assert result["msg"].endswith("which was left as it is: storage interface externel is not installed.")
    assert place.names == ["ironic.conf"]
    assert place.main.read_text() == IRONIC


def test_what_was_wrong_before_is_a_warning(task: Run, place: Place) -> None:
    place.answer(warnings=["DEFAULT/nonsense is not part of the sample config"])
    result = task(storage_interfaces=["external"])
    assert result["changed"]
    assert "nonsense" in result["text"]


def test_the_file_itself_keeps_its_comments_its_order_and_its_mode(task: Run, place: Place) -> None:
    task(path=place.main, storage_interfaces=["external"])
    lines = place.main.read_text().splitlines()
    assert [line for line in IRONIC.splitlines() if line not in lines] == ["enabled_storage_interfaces = cinder,noop"]
    assert "# bfv.openstack, was: enabled_storage_interfaces = cinder,noop" in lines
    assert place.main.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("where", ["own", "main"])
def test_absent_takes_back_what_was_set(task: Run, place: Place, where: str) -> None:
    path = getattr(place, where)
    task(path=path, storage_interfaces=["external"], options={"cinder": {"auth_type": "none"}})
    task(path=path, state="settled")
    result = task(path=path, state="absent")
    assert result["changed"]
    task(path=path, state="settled")
    assert place.names == ["ironic.conf"]
    assert place.main.read_text() == IRONIC
    assert not task(path=path, state="absent")["changed"]


@pytest.mark.parametrize("where", ["own", "main"])
def test_a_change_can_be_taken_back_until_it_is_settled(task: Run, place: Place, where: str) -> None:
    path = getattr(place, where)
    task(path=path, storage_interfaces=["external"])
    (kept,) = (path.parent / name for name in place.names if name.endswith(".bfv-before"))
    assert kept.stat().st_mode & 0o777 == (0o600 if where == "own" else 0o640)
    task(path=path, storage_interfaces=["fake"])  # what is kept is what worked
    assert task(path=path, state="restored")["changed"]
    assert place.names == ["ironic.conf"]
    assert place.main.read_text() == IRONIC
    assert not task(path=path, state="restored")["changed"]


def test_a_file_that_is_put_back_has_its_owner_and_mode_again(task: Run, place: Place) -> None:
    override = place.main.parent / "override.conf"
    task(path=override, create=True, mode="0640", storage_interfaces=["external"])
    task(path=override, state="settled")
    before = override.stat()
    task(path=override, state="absent")
    assert not override.exists()
    task(path=override, state="restored")
    after = override.stat()
    assert (after.st_mode & 0o777, after.st_uid, after.st_gid) == (0o640, before.st_uid, before.st_gid)


def test_a_new_file_is_nobody_elses_to_read_without_a_mode(task: Run, place: Place) -> None:
    override = place.main.parent / "override.conf"
    task(path=override, create=True, secrets={"cinder": {"password": "geheim"}})
    assert override.stat().st_mode & 0o777 == 0o600


def test_a_run_after_an_interrupted_one_asks_for_the_restart_again(task: Run) -> None:
    assert not task(storage_interfaces=["external"])["interrupted"]
    again = task(storage_interfaces=["external"])
    assert (again["changed"], again["interrupted"]) == (True, True)
    assert task(state="settled")["changed"]
    assert not task(storage_interfaces=["external"])["changed"]
    assert not task(state="settled")["changed"]


def test_leftovers_of_a_killed_run_are_no_obstacle(task: Run, place: Place) -> None:
    (place.folder / "50-bfv.conf.bfv-new").write_text("half a fi")
    assert task(storage_interfaces=["external"])["changed"]
    task(state="settled")
    assert place.names == ["50-bfv.conf", "ironic.conf"]


def test_a_password_is_never_shown(task: Run, place: Place) -> None:
    first = task(secrets={"cinder": {"password": "geheim-1"}})
    second = task(secrets={"cinder": {"password": "geheim-2"}})
    assert "password = geheim-2" in place.own.read_text()
    assert "geheim" not in json.dumps([first, second])
    assert "geheim" not in place.argv
    assert "password = ****** (new)" in second["diff"]["after"]
    assert place.own.stat().st_mode & 0o777 == 0o640


def test_passwords_of_others_are_not_shown_either(task: Run, place: Place) -> None:
    result = task(path=place.main, storage_interfaces=["external"])
    assert "hunter2" not in json.dumps(result)
    assert "mysql://ironic:******@192.0.2.1/ironic" in result["diff"]["after"]


def test_somebody_elses_drop_in_is_refused(task: Run, place: Place) -> None:
    place.own.write_text("[DEFAULT]\ndebug = true\n")
    assert "somebody else wrote this file" in task(storage_interfaces=["external"])["msg"]


def test_a_file_that_ironic_reads_later_and_says_otherwise_is_named(task: Run, place: Place) -> None:
    later = place.folder / "99-local.conf"
    later.write_text("[DEFAULT]\nenabled_storage_interfaces = noop\n")
    assert f"is set in {later} as well" in task(storage_interfaces=["external"])["msg"]
    later.write_text("[DEFAULT]\nenabled_storage_interfaces = cinder, noop, external\n")
    assert task(storage_interfaces=["external"])["changed"]


def test_an_earlier_drop_in_is_added_to(task: Run, place: Place) -> None:
    (place.folder / "10-local.conf").write_text("[DEFAULT]\nenabled_storage_interfaces = fake\n")
    result = task(python=[], storage_interfaces=["external"])
    assert result["enabled_storage_interfaces"] == ["fake", "external"]


def test_without_ironics_python_the_files_have_to_tell_what_is_enabled(task: Run, place: Place) -> None:
    result = task(python=[], storage_interfaces=["external"], boot_interfaces=["ipxe"])
    assert result["enabled_storage_interfaces"] == ["cinder", "noop", "external"]
    place.main.write_text("[DEFAULT]\nenabled_boot_interfaces = pxe\n")
    assert "enabled_storage_interfaces: no file sets it" in task(python=[], storage_interfaces=["external"])["msg"]


def test_ironics_python_that_does_not_work_is_named(task: Run) -> None:
    command = ["sh", "-c", "echo no module named ironic >&2; exit 1"]
    message = task(python=command, storage_interfaces=["external"])["msg"]
    assert "no module named ironic. Name the Python that Ironic is installed in" in message


def test_an_answer_that_is_none_is_no_traceback(task: Run) -> None:
    assert (
        "its output is not the answer"
        in task(python=["sh", "-c", "cat >/dev/null; echo hello"], storage_interfaces=["external"])["msg"]
    )


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"cinder": {"auth_url": "a\nb = c"}}, "[cinder] auth_url: a value has more than one line"),
        ({"cinder": "password"}, "cinder holds no options"),
    ],
)
def test_what_is_no_option_is_refused(task: Run, options: Json, reason: str) -> None:
    assert reason in task(options=options)["msg"]


def test_a_file_that_cannot_be_read_is_named_with_its_line(task: Run, place: Place) -> None:
    place.main.write_text("[DEFAULT]\nnonsense\n")
    assert task(python=[], storage_interfaces=["external"])["msg"].startswith(f"Failed to read {place.main}: line 2")


def test_a_file_that_is_missing_is_not_made_without_permission(task: Run, place: Place) -> None:
    place.main.unlink()
    assert "there is no such file" in task(path=place.main, storage_interfaces=["external"])["msg"]


def test_an_override_is_made_and_removed(task: Run, place: Place) -> None:
    override = place.main.parent / "override.conf"
    task(path=override, create=True, storage_interfaces=["external"])
    assert "enabled_storage_interfaces = cinder,noop,external" in override.read_text()
    task(path=override, state="settled")
    task(path=override, create=True, state="absent")
    assert not override.exists()
