# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""bfv.openstack.conductor_config, with files on this machine and an Ironic that gives canned answers."""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.bfv.openstack.plugins.module_utils._engine.conductor import ask_ironic, files, run

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
        result = json.loads(printed.out)
        # With it a module tells Ansible 2.22 what to hide: it is in no result.
        result.pop("_ansible_new_secrets", None)
        # Beside Ansible's own plugins (the tests of others load them) a module prints its warnings itself.
        return {**result, "text": " ".join(f"{json.dumps(result)} {printed.err}".split())}

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
    lines = place.own.read_text().splitlines()
    assert "enabled_storage_interfaces = cinder,noop,external" in lines
    assert "default_storage_interface = external" in lines
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
    assert place.asked.keys() == {"texts", "paths", "diff"}  # nothing to check


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
    assert second["diff"]["after"] == "[cinder] password = ****** (new)\n"
    assert place.own.stat().st_mode & 0o777 == 0o640


def test_no_line_of_others_is_shown(task: Run, place: Place) -> None:
    result = task(path=place.main, storage_interfaces=["external"])
    assert result["diff"]["before"] == ""
    assert result["diff"]["after"] == "[DEFAULT] enabled_storage_interfaces = cinder,noop,external\n"


def test_somebody_elses_drop_in_is_refused(task: Run, place: Place) -> None:
    place.own.write_text("[DEFAULT]\ndebug = true\n")
    assert "somebody else wrote this file" in task(storage_interfaces=["external"])["msg"]


def test_an_option_that_the_environment_sets_is_named(task: Run, place: Place) -> None:
    refused = task(storage_interfaces=["external"], environment=["[DEFAULT] enabled_storage_interfaces", "[cinder] auth_url"])
    assert (
        "[DEFAULT] enabled_storage_interfaces is set in the conductor's environment as well, which wins over every file"
        in refused["msg"]
    )
    assert not place.own.exists()
    assert task(storage_interfaces=["external"], environment=["[cinder] auth_url"])["changed"]


def test_a_file_that_ironic_reads_later_and_says_otherwise_is_named(task: Run, place: Place) -> None:
    later = place.folder / "99-local.conf"
    later.write_text("[DEFAULT]\nenabled_storage_interfaces = noop\n")
    assert f"is set in {later} as well" in task(storage_interfaces=["external"])["msg"]
    later.write_text("[DEFAULT]\nenabled_storage_interfaces = cinder, noop, external\n")
    assert task(storage_interfaces=["external"])["changed"]
    task(state="settled")
    later.write_text("[DEFAULT]\nenabled_storage_interfaces = noop\n")
    assert f"is set in {later} as well" in task(storage_interfaces=["external"])["msg"]  # though there is nothing to write


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


def edit(path: Path, line: str = "# a note\n[conductor]\nworkers_pool_size = 50\n") -> str:
    """Somebody adds to a file; its new text."""
    path.write_text(path.read_text() + line)
    return path.read_text()


both = pytest.mark.parametrize("where", ["own", "main"])


@both
@pytest.mark.parametrize("check", [True, False])
def test_field_d15_an_interrupted_change_of_a_file_that_was_edited_since_is_not_put_back(
    task: Run, place: Place, where: str, check: bool
) -> None:
    path = getattr(place, where)
    task(path=path, storage_interfaces=["external"], secrets={"cinder": {"password": "geheim"}})
    edited, names = edit(path), place.names
    result = task(path=path, state="restored", check=check)
    assert result["msg"].startswith(f"Failed to put back {path}: somebody has edited it since it was changed.")
    assert (result["changed"], result["actions"], path.read_text(), place.names) == (False, [], edited, names)
    shown = "[DEFAULT] enabled_storage_interfaces = cinder,noop,external\n[cinder] password = ******\n"
    assert (result["diff"]["before"], result["diff"]["after"]) == (shown, "")
    assert "geheim" not in result["text"]
    assert "workers_pool_size" not in result["text"]
    # The advice: compare, and settle.
    assert task(path=path, state="settled")["changed"]
    assert not task(path=path, state="restored")["changed"]
    assert path.read_text() == edited


@both
def test_field_d15_absent_takes_our_lines_and_leaves_those_of_others(task: Run, place: Place, where: str) -> None:
    path = getattr(place, where)
    task(path=path, storage_interfaces=["external"], boot_interfaces=["ipxe"])
    task(path=path, state="settled")
    path.write_text(
        path.read_text().replace("cinder,noop,external", "cinder,noop,external,fake") + "[conductor]\nworkers_pool_size = 50\n"
    )
    check = task(path=path, state="absent", check=True)
    result = task(path=path, state="absent")
    assert result["actions"] == check["actions"] == [f"take back [DEFAULT] enabled_boot_interfaces in {path}"]
    left = path.read_text()
    assert "\nenabled_storage_interfaces = cinder,noop,external,fake\n" in left
    assert left.endswith("[conductor]\nworkers_pool_size = 50\n")
    assert "bfv.openstack, " not in left
    assert "ipxe" not in left


def test_field_d15_a_later_run_keeps_what_was_edited_after_an_interrupted_one(task: Run, place: Place) -> None:
    task(path=place.main, storage_interfaces=["external"])
    edited = edit(place.main)
    result = task(path=place.main, storage_interfaces=["external", "fake"])
    assert "was edited by hand after a run that was interrupted" in result["text"]
    assert "workers_pool_size = 50" in place.main.read_text()
    task(path=place.main, state="restored")
    assert place.main.read_text() == edited
    assert place.names == ["ironic.conf"]


def test_field_d15_what_two_interrupted_runs_wrote_is_put_back_without_asking(task: Run, place: Place) -> None:
    for interfaces in (["external"], ["fake"], ["external"]):
        task(path=place.main, storage_interfaces=interfaces)
    assert task(path=place.main, state="restored")["actions"] == [f"put back {place.main} as it was"]
    assert place.main.read_text() == IRONIC


def test_field_d15_a_run_that_was_killed_before_it_wrote_is_no_edit(task: Run, place: Place) -> None:
    """Killed when it had kept the file, with or without the digest of what was to come."""
    task(path=place.main, storage_interfaces=["external"])
    for left in ("", "0123\n"):
        place.main.with_name("ironic.conf.bfv-before").write_text(IRONIC)
        place.main.with_name("ironic.conf.bfv-written").write_text(left)
        place.main.write_text(IRONIC)
        assert task(path=place.main, state="restored")["changed"]
        assert place.names == ["ironic.conf"]


def test_field_d15_a_link_is_refused_and_what_it_points_at_stays(task: Run, place: Place) -> None:
    link = place.main.with_name("link.conf")
    link.symlink_to(place.main)
    for state in ("present", "absent", "settled", "restored"):
        assert "it is a link to" in task(path=link, state=state, storage_interfaces=["external"])["msg"]
    assert link.is_symlink()
    assert place.main.read_text() == IRONIC


def test_field_d15_what_is_kept_is_no_link_of_others(task: Run, place: Place) -> None:
    theirs = place.main.with_name("theirs")
    theirs.write_text("[DEFAULT]\n")
    place.main.with_name("ironic.conf.bfv-before").symlink_to(theirs)
    assert task(path=place.main, state="restored")["failed"]
    assert task(path=place.main, storage_interfaces=["external"])["failed"]
    assert place.main.read_text() == IRONIC


@pytest.mark.parametrize("instant", ["while it is written", "before its mode is set"])
def test_field_x5_a_link_that_comes_meanwhile_changes_no_file_of_others(
    task: Run, place: Place, instant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service's user may write to the folder, and is faster than the run."""
    theirs = place.main.parent.parent / "theirs"
    theirs.write_text("somebody's file")
    theirs.chmod(0o600)
    replace, created = os.replace, files.new

    def linked(path: str) -> None:
        Path(path).unlink()
        Path(path).symlink_to(theirs)

    def new(path: str, *more: Any) -> str:
        beside = created(path, *more)
        if path == str(place.main):
            linked(beside)
        return beside

    def replaced(source: str, target: str) -> None:
        replace(source, target)
        if target == str(place.main):
            linked(target)

    if instant == "while it is written":
        monkeypatch.setattr(files, "new", new)
    else:
        monkeypatch.setattr(os, "replace", replaced)
    task(path=place.main, storage_interfaces=["external"], mode="0666")
    assert (theirs.read_text(), theirs.stat().st_mode & 0o777) == ("somebody's file", 0o600)


@pytest.mark.parametrize("unsafe_writes", [True, False])
def test_a_file_that_cannot_be_replaced_is_overwritten_where_that_is_permitted(
    task: Run, place: Place, unsafe_writes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(source: str, target: str) -> None:
        if target == str(place.main):
            raise OSError(errno.EBUSY, "Device or resource busy", target)
        os.rename(source, target)

    monkeypatch.setattr(os, "replace", busy)
    result = task(path=place.main, storage_interfaces=["external"], unsafe_writes=unsafe_writes)
    assert ("external" in place.main.read_text()) is unsafe_writes
    assert result.get("failed", False) is not unsafe_writes
    assert "ironic.conf.bfv-new" not in place.names


@pytest.mark.parametrize(("mode", "then"), [("0600", 0o600), ("u=rw,g=,o=", 0o600), ("g+w", 0o660)])
def test_a_mode_is_set_and_told(task: Run, place: Place, mode: str, then: int) -> None:
    assert task(path=place.main, check=True, mode=mode)["changed"]
    result = task(path=place.main, mode=mode)
    assert result["actions"] == [f"set the owner or the mode of {place.main}"]
    assert place.main.stat().st_mode & 0o777 == then
    assert not task(path=place.main, mode=mode)["changed"]


@both
def test_the_actions_are_the_same_in_check_mode(task: Run, place: Place, where: str) -> None:
    path = getattr(place, where)
    steps: list[tuple[Json, list[str]]] = [
        ({"storage_interfaces": ["external"]}, [f"set [DEFAULT] enabled_storage_interfaces in {path}"]),
        ({"storage_interfaces": ["external"]}, []),
        ({"state": "settled"}, [f"settle {path}"]),
        ({"state": "settled"}, []),
        (
            {"boot_interfaces": ["ipxe"]},
            [f"take back [DEFAULT] enabled_storage_interfaces in {path}", f"set [DEFAULT] enabled_boot_interfaces in {path}"],
        ),
        ({"state": "restored"}, [f"put back {path} as it was"]),
        ({"state": "restored"}, []),
    ]
    for options, actions in steps:
        foreseen = task(path=path, check=True, **options)
        done = task(path=path, **options)
        assert (foreseen["actions"], done["actions"]) == (actions, actions)
        assert foreseen["changed"] == done["changed"]


def test_field_c1_what_oslo_config_declares_secret_is_not_shown(task: Run, place: Place) -> None:
    place.answer(secrets=[["DEFAULT", "odd"]])
    result = task(options={"DEFAULT": {"odd": "geheim", "my_ip": "192.0.2.1"}})
    assert result["diff"]["after"] == "[DEFAULT] odd = ****** (new)\n[DEFAULT] my_ip = 192.0.2.1\n"


@pytest.mark.parametrize("later", [{"state": "absent"}, {"state": "restored"}, {"options": {"DEFAULT": {"my_ip": "192.0.2.1"}}}])
def test_field_c1_a_later_task_does_not_show_what_an_earlier_one_kept_secret(task: Run, later: Json) -> None:
    task(secrets={"DEFAULT": {"odd": "geheim"}})
    result = task(**later)
    assert result["diff"]["before"] == "[DEFAULT] odd = ******\n"
    assert "geheim" not in result["text"]


@pytest.mark.parametrize("line", ["{% if x %}", "enabled_boot_interfaces = {{ x | join(',') }}"])
def test_field_c2_a_jinja_template_is_left_alone(task: Run, place: Place, line: str) -> None:
    place.main.write_text(f"{IRONIC}{line}\n")
    message = task(path=place.main, storage_interfaces=["external"], python=[])["msg"]
    assert f"Failed to configure {place.main}: it is a Jinja template (line 9)" in message
    assert place.main.read_text() == f"{IRONIC}{line}\n"


@pytest.mark.parametrize("value", ["a{#b", "a{{b", "a{%"])
def test_field_c2_a_value_that_would_break_a_template_is_refused(task: Run, place: Place, value: str) -> None:
    message = task(template=True, secrets={"cinder": {"password": value}})["msg"]
    assert "the value of [cinder] password holds one of the signs {{ {% {#" in message
    assert not place.own.exists()
    assert task(secrets={"cinder": {"password": value}})["changed"]


def test_field_c3_a_file_keeps_its_line_ends(task: Run, place: Place) -> None:
    place.main.write_bytes(IRONIC.replace("\n", "\r\n").encode())
    was = place.main.read_bytes()
    task(path=place.main, storage_interfaces=["external"])
    now = place.main.read_bytes()
    assert now.count(b"\n") == now.count(b"\r\n") > was.count(b"\n")
    task(path=place.main, state="restored")
    assert place.main.read_bytes() == was


def test_field_c4_ironic_is_told_the_paths_of_the_files(task: Run, place: Place) -> None:
    task(storage_interfaces=["external"])
    assert place.asked["paths"] == [str(place.main), str(place.own)]
    assert place.asked["path"] == str(place.own)


def test_field_c4_a_problem_names_the_files_own_path_and_no_line() -> None:
    first, _number = ask_ironic.in_memory("[a]\n", "/etc/ironic/ironic.conf")
    more = [ask_ironic.in_memory("[a]\n", f"/etc/ironic/{number}.conf")[0] for number in range(12)]
    assert ask_ironic.told(f"at {first}:33, at {more[-1]}:1") == "at /etc/ironic/ironic.conf:33, at /etc/ironic/11.conf:1"
    said = f"Failed to parse {first}: at {first}:2, Unexpected continuation line: '  hunter2'"
    own = "/etc/ironic/ironic.conf"
    assert ask_ironic.told(said) == f"Failed to parse {own}: at {own}:2, Unexpected continuation line"


def test_field_x3_python_imports_nothing_of_the_folder_that_it_is_started_in(
    task: Run, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place.folder)
    (place.folder / "json.py").write_text("raise SystemExit('of others')")
    message = task(storage_interfaces=["external"], python=[sys.executable])["msg"]
    assert "of others" not in message
    assert "No module named" in message  # that of Ironic, or one that Ironic needs
