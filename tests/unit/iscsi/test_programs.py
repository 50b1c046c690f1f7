# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is asked of the programs, with programs in their place that tell how they were called."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.iscsi import programs
from ansible_collections.bfv.openstack.plugins.module_utils._engine.iscsi.address import Address
from ansible_collections.bfv.openstack.plugins.module_utils._engine.iscsi.programs import Copier, Deadline, TooLate
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import BfvError, Refused

SECRET = "a-word-that-nobody-sees"
PLACE = Address(("127.0.0.1:3260",), "iqn.2010-10.org.example:a", 1, "iqn.2010-10.org.example:node", "user", SECRET)


def program(folder: Path, name: str, script: str) -> None:
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(file.stat().st_mode | stat.S_IEXEC)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where programs are looked for first. setpriv runs what it is given."""
    program(tmp_path, "setpriv", 'shift 2; exec "$@"')
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path


def test_a_password_is_in_no_argument(folder: Path) -> None:
    program(
        folder,
        "iscsi-inq",
        f'echo "$@" > {folder}/arguments; echo "$LIBISCSI_CHAP_USERNAME $LIBISCSI_CHAP_PASSWORD" > {folder}/environment',
    )
    programs.libiscsi("iscsi-inq", PLACE, "127.0.0.1:3260", Deadline(60))
    arguments = (folder / "arguments").read_text()
    assert SECRET not in arguments
    assert "iscsi://127.0.0.1:3260/iqn.2010-10.org.example:a/1" in arguments
    assert (folder / "environment").read_text().strip() == f"user {SECRET}"


def test_qemu_reads_the_password_from_memory(folder: Path) -> None:
    program(folder, "qemu-img", f'echo "$@" > {folder}/arguments; cat "${{3##*file=}}" > {folder}/secret')
    Copier(SECRET, Deadline(60)).copy("write", {"driver": "null-co"}, PLACE.block_device("127.0.0.1:3260"))
    assert SECRET not in (folder / "arguments").read_text()
    assert (folder / "secret").read_text() == SECRET
    assert "SECRET" not in os.environ


def test_without_chap_nothing_is_said_of_it(folder: Path) -> None:
    program(folder, "qemu-img", f'echo "$@" > {folder}/arguments')
    Copier(None, Deadline(60)).copy("write", {"driver": "null-co"}, {"driver": "null-co"})
    assert "secret" not in (folder / "arguments").read_text()


def test_progress_is_told(folder: Path) -> None:
    program(folder, "qemu-img", r'printf "    (12.50/100%%)\r"; sleep 0.2; printf "    (99.00/100%%)\r"; sleep 0.2')
    told: list[float] = []
    Copier(None, Deadline(60)).copy("write", {}, {}, told=told.append)
    assert told[0] == 12.5
    assert told[-1] == 99.0


def test_a_program_that_takes_too_long_is_ended(folder: Path) -> None:
    program(folder, "qemu-img", f"echo $$ > {folder}/pid; exec sleep 100")
    with pytest.raises(TooLate, match=r"Failed to write: it took longer than 0 s. Raise timeout"):
        Copier(None, Deadline(0.4)).copy("write", {}, {})
    assert not Path("/proc", (folder / "pid").read_text().strip()).exists()


def test_the_last_words_of_a_program_are_told_without_what_it_was_told(folder: Path) -> None:
    program(folder, "qemu-img", """echo "qemu-img: Could not open 'json:{\\"a\\": 1}': iSCSI: Failed to connect" >&2; exit 1""")
    with pytest.raises(BfvError, match=r"Failed to write: qemu-img says «iSCSI: Failed to connect». Look at the array"):
        Copier(None, Deadline(60)).copy("write", {}, {})


def test_a_comparison_has_three_ends(folder: Path) -> None:
    for status, same in ((0, True), (1, False)):
        program(folder, "qemu-img", f"exit {status}")
        assert Copier(None, Deadline(60)).is_same("compare", {}, {}) is same
    program(folder, "qemu-img", "exit 2")
    with pytest.raises(BfvError, match="it said nothing"):
        Copier(None, Deadline(60)).is_same("compare", {}, {})


def test_a_driver_that_is_not_installed_is_named_with_its_package(folder: Path) -> None:
    program(folder, "qemu-img", """echo "qemu-img: Could not open 'json:{}': Unknown driver 'iscsi'" >&2; exit 1""")
    with pytest.raises(
        Refused, match=r"no driver for iSCSI. Install qemu-utils and qemu-block-extra \(Debian and Ubuntu\), qemu-img and"
    ):
        Copier(None, Deadline(60)).copy("write", {}, {})


def test_programs_that_are_missing_are_named_with_their_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(
        Refused, match=r"qemu-img and iscsi-inq and setpriv cannot be found on this host. Install .*libiscsi-bin and util-linux"
    ):
        programs.check()


def test_a_file_in_memory_has_its_size_and_no_name() -> None:
    with programs.memory(b"abc", size=10) as file:
        assert os.pread(file, 20, 0) == b"abc" + bytes(7)
        assert os.fstat(file).st_nlink == 0
