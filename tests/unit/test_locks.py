# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is installed of package indexes: nothing but files whose digests are in the locks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
LOCKS = [
    *sorted((REPOSITORY / "requirements").glob("**/*.txt")),
    *sorted((REPOSITORY / "roles").glob("*/files/**/requirements*.txt")),
    *sorted((REPOSITORY / "roles").glob("*/files/requirements/*.txt")),
    REPOSITORY / "tests" / "e2e" / "requirements.txt",
]
INSTALLERS = ["tools/venv.sh", "tools/clients.py", "tests/e2e/lab.py", "roles/boot_image/tasks/venv.yml"]
INSTALLERS.append("roles/sandbox/files/lib/bfv_sandbox/environment.py")


def test_all_locks_are_looked_at() -> None:
    assert {lock.stem for lock in LOCKS} == {
        "dev",
        "collections",
        "oldest",
        "ee",
        "newest",
        "next",
        "publish",
        "requirements",
        "uv",
        "2026.2",
        "2025.1",
        "2024.1",
    }


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: str(lock.relative_to(REPOSITORY)))
def test_field_x9_each_package_of_a_lock_has_its_digests(lock: Path) -> None:
    packages = re.split(r"\n(?=\S)", lock.read_text().strip())
    assert [package for package in packages if not re.search(r" --hash=sha256:[0-9a-f]{64}", package)] == []
    assert "://" not in lock.read_text()


@pytest.mark.parametrize("name", INSTALLERS)
def test_field_x9_whoever_installs_from_a_lock_demands_the_digests(name: str) -> None:
    text = (REPOSITORY / name).read_text()
    installs = re.findall(r"pip\W+(?:install|sync|download)\b", text)
    assert installs
    assert text.count("--require-hashes") >= len(installs)
