# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""The report of a fleet's run: one HTML file that needs no network, no script and nothing beside it."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from . import report_nodes, report_times


class ReportError(Exception):
    """Why there is no report, in one line."""


def check(path: str) -> None:
    """Find out before a run whether its report can be written after it. Raises ReportError."""
    _create(path, "")


def write(path: str, result: Mapping[str, object], *, state: str, finished: datetime | None) -> None:
    """Write the report of a result of the module baremetal_fleet, in one instant: a reader sees the old file or the new one.

    ``state`` is what was asked for, ``finished`` when the run ended. The same input makes the same file. Raises ReportError.
    """
    _create(path, render(result, state=state, finished=finished))


def render(result: Mapping[str, object], *, state: str, finished: datetime | None) -> str:
    """The page. All that comes from the cloud or from an inventory is escaped, and only what is known by name is shown."""
    nodes = report_nodes.nodes(result, state)
    return _template().render(
        summary=report_nodes.summary(result, nodes, state),
        nodes=nodes,
        failures=report_nodes.failures(nodes),
        times=report_times.times(result),
        finished=finished,
    )


@cache
def _template() -> Template:
    # autoescape for every name: Jinja's select_autoescape() would not take .html.j2 for HTML.
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["duration"] = report_times.duration
    return environment.get_template("report.html.j2")


def _create(path: str, page: str) -> None:
    """Write the page beside its place and put it there; an empty page only tries."""
    try:
        place = Path(os.path.realpath(os.path.expandvars(os.path.expanduser(path))))  # of a link, the file that it leads to
        _check_replaceable(path, place)
        beside = place.with_name(f".report-{secrets.token_hex(8)}.tmp")
        try:
            # Not tempfile: it makes files that only their owner may read, whatever the umask says.
            beside.write_text(page, encoding="utf-8", errors="backslashreplace")
            if page:
                beside.replace(place)
        finally:
            with suppress(OSError):
                beside.unlink()
    except (OSError, ValueError) as error:  # ValueError: a null byte
        raise ReportError(f"Failed to write the report {path!r}: {getattr(error, 'strerror', None) or error}.") from None


def _check_replaceable(path: str, place: Path) -> None:
    if not place.parent.is_dir():
        raise ReportError(
            f"Failed to write the report {path}: there is no folder {place.parent}. Create it, or name another file."
        )
    try:
        mode = place.stat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode):  # a rename would put a file where a folder, or a device such as /dev/null, was
        raise ReportError(f"Failed to write the report {path}: it is there, and not a file. Name a file.")
