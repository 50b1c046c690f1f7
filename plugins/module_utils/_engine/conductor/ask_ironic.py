# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A program for the Python that Ironic is installed in: what Ironic makes of configuration files that nobody has written yet.

It reads JSON from its standard input and writes JSON to its standard output. The files exist in memory alone, so that nothing is
left behind, and it works in a container as well. It imports nothing of the collection: its text is all that goes there.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

INTERFACES = ("storage", "boot")
_NOISE = re.compile(r" from LocationInfo\(.*\)(?= is not valid)")


MEMORY = "/proc/self/fd/"
own_paths: dict[str, str] = {}  # of the files in memory, by their paths there


def in_memory(text: str, own_path: str) -> tuple[str, int]:
    """The path of a file that this process and its children can read, and nobody else."""
    number = os.memfd_create("configuration", 0)
    with os.fdopen(number, "w", encoding="utf-8", errors="surrogateescape", closefd=False) as stream:
        stream.write(text)
    own_paths[f"{MEMORY}{number}"] = own_path
    return f"{MEMORY}{number}", number


def told(problem: object) -> str:
    """What oslo.config says, with the files' own paths, and without the line that it could not read: that may be of a password."""
    text = re.sub(rf"{MEMORY}\d+", lambda found: own_paths.get(found[0], found[0]), str(problem))
    return re.sub(r"(:\d+, [^:']*): '.*'", r"\1", text)


def points(group: str) -> list[Any]:
    """A group of entry points. Python 3.9 knows no argument ``group``."""
    found: Any = entry_points()
    return list(found.select(group=group) if hasattr(found, "select") else found.get(group, ()))


def names(group: str) -> list[str]:
    """The names of a group of entry points."""
    return sorted({point.name for point in points(group)})


def loaded(texts: list[str], paths: list[str]) -> Any:
    """Ironic's configuration as it would start with these files."""
    conf = import_module("ironic.conf").CONF
    files = [path for path, _number in map(in_memory, texts, paths)]
    conf([], project="ironic", default_config_files=files, default_config_dirs=[])
    return conf


def described(conf: Any) -> dict[str, Any]:
    """What the role builds on."""
    answer: dict[str, Any] = {
        "host": conf.host,
        "installed": {kind: names(f"ironic.hardware.interfaces.{kind}") for kind in INTERFACES},
    }
    for kind in INTERFACES:
        answer[f"enabled_{kind}_interfaces"] = conf[f"enabled_{kind}_interfaces"]
        answer[f"default_{kind}_interface"] = conf[f"default_{kind}_interface"]
    return answer


def problems_of_values(conf: Any, touched: list[list[str]]) -> Iterator[str]:
    """Values that Ironic could not use, of the options that are set."""
    for section, name in touched:
        group = conf if section == "DEFAULT" else conf.get(section)
        try:
            if name in group:
                group[name]
        except ValueError as problem:
            yield f"[{section}] {name}: {_NOISE.sub('', told(problem))}"


def problems_of_credentials(conf: Any, section: str) -> Iterator[str]:
    """What is missing to sign in at another service."""
    loading = import_module("keystoneauth1.loading")
    exceptions = import_module("keystoneauth1.exceptions")
    try:
        if loading.load_auth_from_conf_options(conf, section) is None:
            yield f"[{section}]: no auth_type"
        elif conf[section].auth_type == "none" and not conf[section].endpoint_override:
            yield f"[{section}]: auth_type is none, and endpoint_override is missing"
    except (exceptions.ClientException, ValueError) as problem:
        yield f"[{section}]: {told(problem)}"


def problems_of_interfaces(conf: Any) -> Iterator[str]:
    """Names that are not installed, and defaults that are not enabled: with these a conductor does not come up."""
    for kind in INTERFACES:
        enabled, default = conf[f"enabled_{kind}_interfaces"], conf[f"default_{kind}_interface"]
        installed = names(f"ironic.hardware.interfaces.{kind}")
        for name in enabled:
            if name not in installed:
                yield f"{kind} interface {name} is not installed; there are {', '.join(installed)}"
        if default and default not in enabled:
            yield f"default_{kind}_interface {default} is not among the enabled {', '.join(enabled)}"


def spaces() -> list[str]:
    """The namespaces of the options that Ironic may be given."""
    return [name for name in names("oslo.config.opts") if re.match(r"ironic(\.|$)|oslo\.|keystonemiddleware", name)]


def declared_secret() -> list[list[str]]:
    """The sections and names of all options that are declared to be secret, their former ones too."""
    found: set[tuple[str, str]] = set()
    for point in points("oslo.config.opts"):
        if point.name not in spaces():
            continue
        for group, options in point.load()():
            section = getattr(group, "name", group) or "DEFAULT"
            for option in options:
                if option.secret:
                    found.add((section, option.dest))
                    found.update((old.group or section, old.name or option.dest) for old in option.deprecated_opts)
    return sorted(map(list, found))


def errors_of_validator(text: str, own_path: str) -> list[str]:
    """What oslo-config-validator says is wrong with a file."""
    path, number = in_memory(text, own_path)
    call = "import sys; from oslo_config.validator import main; sys.exit(main())"
    argv = [sys.executable, "-I", "-c", call, "--input-file", path]
    for space in spaces():
        argv += ["--namespace", space]
    # An AnsibleModule has run_command, and there is none on this floor.
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, pass_fds=[number], check=False)  # pylint: disable=ansible-bad-function
    said = told(done.stdout.decode(errors="replace")).splitlines()
    errors = [re.sub(r"^ERROR:[^:]*:", "", line) for line in said if line.startswith("ERROR:")]
    return errors or ([f"oslo-config-validator: {said[-1] if said else 'no answer'}"] if done.returncode else [])


def main() -> None:
    asked = json.load(sys.stdin)
    config = import_module("oslo_config.cfg")
    try:
        conf = loaded(asked["texts"], asked["paths"])
        answer = described(conf)
        if asked.get("diff"):
            answer["secrets"] = declared_secret()
        if "touched" in asked:
            problems = [*problems_of_interfaces(conf), *problems_of_values(conf, asked["touched"])]
            if any(section == "cinder" for section, _name in asked["touched"]):
                problems += problems_of_credentials(conf, "cinder")
            # What was wrong before is not the fault of this change.
            before = errors_of_validator(asked["before"], asked["path"])
            problems += [error for error in errors_of_validator(asked["after"], asked["path"]) if error not in before]
            answer["problems"], answer["warnings"] = problems, before
    except (config.Error, ValueError) as problem:
        answer = {"problems": [told(problem)], "warnings": []}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
