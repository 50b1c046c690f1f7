# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a line of progress is shown, and how."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible import constants
from ansible.plugins.loader import callback_loader
from ansible.utils.display import Display
from ansible_collections.bfv.openstack.plugins.plugin_utils._doors import progress

LIKE_DEFAULT = "from ansible.plugins.callback.default import CallbackModule as Default\nclass CallbackModule(Default): pass\n"
OF_ITS_OWN = "from ansible.plugins.callback import CallbackBase\nclass CallbackModule(CallbackBase): pass\n"


@pytest.fixture
def callbacks(tmp_path: Path) -> None:
    documentation = "DOCUMENTATION = '''\nname: {}\ntype: stdout\nextends_documentation_fragment: [default_callback, result_format_callback]\n'''\n"
    for name, code in (("bfv_like_default", LIKE_DEFAULT), ("bfv_of_its_own", OF_ITS_OWN)):
        (tmp_path / f"{name}.py").write_text(documentation.format(name) + code)
    callback_loader.add_directory(str(tmp_path))


@pytest.mark.usefixtures("callbacks")
@pytest.mark.parametrize(
    ("callback", "welcome"),
    [
        ("default", True),
        ("minimal", True),
        ("bfv_like_default", True),
        ("oneline", False),
        ("bfv_of_its_own", False),
    ],
)
def test_lines_are_shown_where_lines_are_printed(monkeypatch: pytest.MonkeyPatch, callback: str, welcome: bool) -> None:
    monkeypatch.setattr(constants, "DEFAULT_STDOUT_CALLBACK", callback)
    assert progress.are_lines_welcome() is welcome


@pytest.mark.parametrize(("verbosity", "shown"), [(0, True), (1, False)])
def test_details_are_shown_with_v_only(capsys: pytest.CaptureFixture[str], verbosity: int, shown: bool) -> None:
    assert Display().verbosity == 0
    progress.tell("bm-0: deploying", verbosity)
    assert capsys.readouterr().out == ("bm-0: deploying\n" if shown else "")


def test_what_is_for_vv_is_not_shown_with_v(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Display(), "verbosity", 1)
    progress.tell("bm-0: deploying", 1)
    progress.tell("This run makes 1 volume", 2)
    assert "deploying" in (shown := capsys.readouterr().out)
    assert "This run makes" not in shown
    monkeypatch.setattr(Display(), "verbosity", 2)
    progress.tell("This run makes 1 volume", 2)
    assert "This run makes" in capsys.readouterr().out


def test_a_line_holds_no_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    progress.tell("bm-0\x1b[2J: \rfailed\nat \u00e4", 0)
    assert capsys.readouterr().out == "bm-0?[2J: ?failed?at \u00e4\n"


def test_lines_that_belong_together_stay_lines_each_without_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    progress.tell_together(["bm-0: power off\nnode", "bm-0: deploy node"])
    assert capsys.readouterr().out == "bm-0: power off?node\nbm-0: deploy node\n"
    progress.tell_together([])
    assert capsys.readouterr().out == ""
