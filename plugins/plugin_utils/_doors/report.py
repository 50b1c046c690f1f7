# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of a fleet's run: one HTML file that needs no network, no script and nothing beside it."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from ...module_utils._engine.values.text import plain
from . import report_machines, report_times
from .report_machines import Kind, Wanted

_MOST_LINKS = 40  # as many as the kernel follows


class ReportError(Exception):
    """Why there is no report, in one line."""


def check(path: str) -> None:
    """Find out before a run whether its report can be written after it. Raises ReportError."""
    _create(path, "")


def write(
    path: str, kind: Kind, result: Mapping[str, object], wanted: Wanted, *, finished: datetime | None, foreseen: bool = False
) -> None:
    """Write the report of a fleet's result, in one instant: a reader sees the old file or the new one.

    ``wanted`` is what was asked for, ``finished`` when the run ended, ``foreseen`` whether it was in check mode. The same input makes the
    same file. Raises ReportError.
    """
    _create(path, render(kind, result, wanted, finished=finished, foreseen=foreseen))


def render(kind: Kind, result: Mapping[str, object], wanted: Wanted, *, finished: datetime | None, foreseen: bool = False) -> str:
    """The page. All that comes from the cloud or from an inventory is escaped, and only what is known by name is shown."""
    machines = report_machines.machines(kind, result, wanted, foreseen=foreseen)
    summary = report_machines.summary(kind, result, machines, wanted, foreseen=foreseen)
    return _template().render(
        foreseen=foreseen,
        noun=kind.NOUN,
        module=kind.MODULE,
        columns=kind.COLUMNS,
        phases=kind.phases(summary.gone),
        summary=summary,
        machines=machines,
        failures=report_machines.failures(machines),
        times=report_times.times(kind, result),
        finished=finished,
    )


@cache
def _template() -> Template:
    # autoescape for every name: Jinja's select_autoescape() would not take .html.j2 for HTML.
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["lines"] = lambda text: Markup("\n").join(escape(plain(line)) for line in text.split("\n"))
    environment.filters["duration"] = report_times.duration
    return environment.get_template("report.html.j2")


def _shown(value: object) -> object:
    """A text of the run as characters that can be read. Markup is the template's own."""
    return plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _create(path: str, page: str) -> None:
    """Write the page beside its place and put it there; an empty page only tries."""
    try:
        place = _followed(path, Path(os.path.abspath(os.path.expandvars(os.path.expanduser(path)))))
        mode = _mode_of_replaceable(path, place)
        beside = place.with_name(f".report-{secrets.token_hex(8)}.tmp")
        try:
            # Not tempfile: it makes files that only their owner may read, whatever the umask says.
            with beside.open("x", encoding="utf-8") as stream:
                if mode is not None:
                    os.fchmod(stream.fileno(), mode)
                stream.write(page)
            if page:
                beside.replace(place)
        finally:
            with suppress(OSError):
                beside.unlink()
    except (OSError, ValueError) as error:  # ValueError: a null byte
        raise ReportError(f"Failed to write the report {path!r}: {getattr(error, 'strerror', None) or error}.") from None


def _followed(path: str, place: Path) -> Path:
    """The file that a link leads to. A link of somebody else is not followed: its owner would choose what is replaced."""
    for _link in range(_MOST_LINKS):
        link = next((one for one in (*reversed(place.parents), place) if one.is_symlink()), None)
        if link is None:
            return place
        if (owner := link.lstat().st_uid) not in (0, os.geteuid()):
            raise ReportError(
                f"Failed to write the report {path}: {link} is a link of somebody else (user {owner}). Name the file itself."
            )
        place = Path(os.path.normpath(link.parent / link.readlink() / place.relative_to(link)))
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))


def _mode_of_replaceable(path: str, place: Path) -> int | None:
    """The mode of the report that is there, which the next one keeps."""
    if not place.parent.is_dir():
        raise ReportError(
            f"Failed to write the report {path}: there is no folder {place.parent}. Create it, or name another file."
        )
    try:
        mode = place.stat().st_mode
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(mode):  # a rename would put a file where a folder, or a device such as /dev/null, was
        raise ReportError(f"Failed to write the report {path}: it is there, and not a file. Name a file.")
    return stat.S_IMODE(mode)
