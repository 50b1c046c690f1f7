# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The conductor that runs on a host, as systemd and the kernel tell: its unit, its Python, the files that it reads, and where it logs.

What a process was started with tells more than its unit: a unit may start a shell or an init script (Debian's), which adds the options.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from ..values.errors import Refused
from ..values.oslo_config import Name

# Debian and Ubuntu; the Red Hat family; Ironic in one process, as Bifrost and the Ironic of Metal3 start it.
UNITS = ("ironic-conductor", "openstack-ironic-conductor", "ironic")
PROPERTIES = ("Id", "LoadState", "ActiveState", "MainPID", "User", "ExecStart", "Environment")
_TITLE = re.compile(r"^\S+: master process \[(.*)\]$")  # oslo.service gives a process that has children such a title
_ARGUMENTS = re.compile(r"argv\[\]=(.*?) ;")  # of ExecStart in systemctl show
_OPTION = re.compile(r"^OS_([A-Z0-9_]+?)__([A-Z0-9_]+)=")  # oslo.config's source of the environment
_PROJECT = "/etc/ironic"


@dataclass(frozen=True)
class Unit:
    """What systemd says of a unit. ``pid`` is 0 where it does not run."""

    name: str
    is_there: bool
    is_active: bool = False
    pid: int = 0
    user: str = ""
    starts: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()


def unit(name: str, shown: str) -> Unit:
    """A unit out of the lines of ``systemctl show``."""
    told = dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
    arguments = _ARGUMENTS.search(told.get("ExecStart", ""))
    return Unit(
        name,
        told.get("LoadState") == "loaded",
        told.get("ActiveState") in ("active", "activating", "reloading"),
        int(told.get("MainPID") or 0),
        told.get("User") or "root",
        tuple(arguments[1].split()) if arguments else (),
        tuple(shlex.split(told.get("Environment", ""))),
    )


def only(units: Sequence[Unit]) -> Unit:
    """The conductor's unit: the one that is there, or of several the one that runs. Raises Refused."""
    names = " or ".join(one.name for one in units)
    there = [one for one in units if one.is_there]
    running = [one for one in there if one.is_active]
    if len(running) == 1 or len(there) == 1:
        return (running or there)[0]
    if not there:
        raise Refused(
            f"Failed to find the conductor: systemd knows no unit {names}. Name it (service), or restart the conductor by a command of your own."
        )
    state = "run" if running else "are there, and none of them runs"
    ones = " and ".join(one.name for one in running or there)
    raise Refused(f"Failed to find the conductor: units {ones} {state}. Name the one that is meant (service).")


def command(cmdline: str) -> tuple[str, ...]:
    """The words of a process's command line, as /proc tells it."""
    title = _TITLE.match(cmdline.replace("\0", " ").strip())
    return tuple(title[1].split()) if title else tuple(word for word in cmdline.split("\0") if word)


def values(words: Sequence[str], *options: str) -> list[str]:
    """What follows one of the options, each time that one is given."""
    found: list[str] = []
    for number, word in enumerate(words):
        name, sign, value = word.partition("=")
        if name in options:
            found += [value] if sign else words[number + 1 : number + 2]
    return found


def program(words: Sequence[str]) -> str:
    """The path of Ironic's own program, which may stand behind that of Python."""
    return next((word for word in words if PurePosixPath(word).name.startswith("ironic")), words[0] if words else "")


def config_files(words: Sequence[str]) -> list[str]:
    """The files that it reads, as it was told, or those that oslo.config looks for (oslo_config/cfg.py, find_config_files)."""
    return values(words, "--config-file") or [f"{_PROJECT}/{name}.conf" for name in _names(words)]


def config_dirs(words: Sequence[str]) -> list[str]:
    return values(words, "--config-dir") or [f"{_PROJECT}/{name}.conf.d" for name in _names(words)]


def reads(words: Sequence[str]) -> list[str]:
    """All of these in the order in which oslo.config reads them; the last value of an option is the one that counts.

    Files that a conductor is told of come behind the folders that it looks for by itself (oslo_config/cfg.py, _parse_config_files): a drop-in
    in ``ironic.conf.d`` changes nothing of what such a file sets.
    """
    usual = [*config_files(words), *config_dirs(words)]
    told = values(words, "--config-file", "--config-dir")
    return [*(one for one in usual if one not in told), *told]


def is_of_program(path: str, words: Sequence[str]) -> bool:
    """Whether a file or folder is looked for under the program's own name."""
    return path not in values(words, "--config-file", "--config-dir") and PurePosixPath(path).name.partition(".")[0] != "ironic"


def _names(words: Sequence[str]) -> list[str]:
    """The project, and a program that is not called like it."""
    return list(dict.fromkeys(("ironic", PurePosixPath(program(words)).name or "ironic")))


def set_by_environment(environment: Iterable[str]) -> list[Name]:
    """The options that the environment sets, which win over every file (oslo_config/sources/_environment.py)."""
    matches = (_OPTION.match(line) for line in environment)
    return sorted({(match[1] if match[1] == "DEFAULT" else match[1].lower(), match[2].lower()) for match in matches if match})


def log_file(words: Sequence[str], options: Mapping[Name, str]) -> str | None:
    """The file that it logs into, or None where it writes to its output, and so to the journal (oslo_log/log.py, _get_log_file_path)."""

    def told(name: str) -> str:
        given = values(words, f"--{name}")
        return given[-1] if given else options.get(("DEFAULT", name.replace("-", "_")), "")

    file, folder = told("log-file"), told("log-dir")
    if file:
        return str(PurePosixPath(folder, file))
    return str(PurePosixPath(folder, f"{PurePosixPath(program(words)).name}.log")) if folder else None
