# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

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


def in_memory(text: str) -> tuple[str, int]:
    """The path of a file that this process and its children can read, and nobody else."""
    number = os.memfd_create("configuration", 0)
    with os.fdopen(number, "w", encoding="utf-8", errors="surrogateescape", closefd=False) as stream:
        stream.write(text)
    return f"/proc/self/fd/{number}", number


def names(group: str) -> list[str]:
    """The names of a group of entry points. Python 3.9 knows no argument ``group``."""
    found: Any = entry_points()
    points = found.select(group=group) if hasattr(found, "select") else found.get(group, ())
    return sorted({point.name for point in points})


def loaded(texts: list[str]) -> Any:
    """Ironic's configuration as it would start with these files."""
    conf = import_module("ironic.conf").CONF
    files = [path for path, _number in map(in_memory, texts)]
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
            yield f"[{section}] {name}: {_NOISE.sub('', str(problem))}"


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
        yield f"[{section}]: {problem}"


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


def errors_of_validator(text: str) -> list[str]:
    """What oslo-config-validator says is wrong with a file."""
    path, number = in_memory(text)
    spaces = [name for name in names("oslo.config.opts") if re.match(r"ironic(\.|$)|oslo\.|keystonemiddleware", name)]
    call = "import sys; from oslo_config.validator import main; sys.exit(main())"
    argv = [sys.executable, "-c", call, "--input-file", path]
    for space in spaces:
        argv += ["--namespace", space]
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, pass_fds=[number], check=False)
    said = done.stdout.decode(errors="replace").splitlines()
    errors = [re.sub(r"^ERROR:[^:]*:", "", line) for line in said if line.startswith("ERROR:")]
    return errors or ([f"oslo-config-validator: {said[-1] if said else 'no answer'}"] if done.returncode else [])


def main() -> None:
    asked = json.load(sys.stdin)
    config = import_module("oslo_config.cfg")
    try:
        conf = loaded(asked["texts"])
        answer = described(conf)
        if "touched" in asked:
            problems = [*problems_of_interfaces(conf), *problems_of_values(conf, asked["touched"])]
            if any(section == "cinder" for section, _name in asked["touched"]):
                problems += problems_of_credentials(conf, "cinder")
            # What was wrong before is not the fault of this change.
            before = errors_of_validator(asked["before"])
            problems += [error for error in errors_of_validator(asked["after"]) if error not in before]
            answer["problems"], answer["warnings"] = problems, before
    except (config.Error, ValueError) as problem:
        answer = {"problems": [str(problem)], "warnings": []}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
