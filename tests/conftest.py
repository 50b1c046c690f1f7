# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


def pytest_configure() -> None:
    """Refuse to test a copy: `make venv` puts this repository, and nothing else, on the path as bfv.openstack."""
    try:
        spec = find_spec("ansible_collections.bfv.openstack")
    except ModuleNotFoundError:
        spec = None
    places = [Path(place).resolve() for place in spec.submodule_search_locations or ()] if spec else []
    if places[:1] != [REPOSITORY]:
        raise pytest.UsageError(f"bfv.openstack is imported from {places or 'nowhere'}, not from {REPOSITORY}: run `make venv`.")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What the hunts for secrets (``pytest -k secret_hunt``) have seeded, and found again."""
    reports = [report for reports in terminalreporter.stats.values() for report in reports if hasattr(report, "user_properties")]
    seeded, found = (
        sum(count for report in reports for name, count in report.user_properties if name == f"secrets {what}")
        for what in ("seeded", "found")
    )
    if seeded:
        terminalreporter.write_line(f"secrets: {found} of {seeded} found")
