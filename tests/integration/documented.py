# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What RETURN of a module promises, beside what a value really is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import yaml

Json = dict[str, Any]

TYPES: dict[str, tuple[type, ...]] = {
    "bool": (bool,),
    "dict": (dict,),
    "float": (float, int),
    "int": (int,),
    "list": (list,),
    "str": (str,),
}
MISSING = object()
# What every result may have, whatever the module.
ANSIBLE = {"changed", "deprecations", "diff", "failed", "invocation", "warnings"}
# Here `contains` tells of each value, and the keys are names of machines.
BY_NAME = ("baremetal_fleet.nodes", "server_fleet.servers")
SAME_AS = re.compile(r"as M\(bfv\.openstack\.(\w+)\) returns|RV\(bfv\.openstack\.(\w+)#module:(\w+)\)")


def returned(module: str) -> Json:
    """RETURN of a module."""
    text = import_module(f"ansible_collections.bfv.openstack.plugins.modules.{module}").RETURN
    documentation: Json = yaml.safe_load(text)
    return documentation


@dataclass(frozen=True)
class Part:
    """A value of a result, with its path and what is documented of it: one of the two may be missing."""

    path: str
    about: Json | None
    value: Any = MISSING

    @property
    def is_promised(self) -> bool:
        return self.about is not None and self.about.get("returned", "always") in ("always", "success")

    @property
    def is_of_its_type(self) -> bool:
        if self.value is MISSING:
            return True
        if self.about is None:
            return False
        if self.value is None:
            return "(null)" in str(self.about["description"])
        elements = self.value if self.about["type"] == "list" and isinstance(self.value, list) else []
        return type(self.value) in TYPES[self.about["type"]] and all(
            type(one) in TYPES[self.about["elements"]] for one in elements
        )


def parts(documentation: Json, values: Json, path: str) -> Iterator[Part]:
    """All that is documented or there, at any depth."""
    for name in sorted(documentation.keys() | values.keys()):
        part = Part(f"{path}.{name}", documentation.get(name), values.get(name, MISSING))
        yield part
        inner = contained(part.path, part.about) if part.about else None
        for value in _inside(part) if inner else ():
            yield from parts(inner or {}, value, part.path)


def promised(documentation: Json, path: str) -> Iterator[Part]:
    """All that is documented, at any depth, without another module's."""
    for name, about in documentation.items():
        yield Part(f"{path}.{name}", about)
        yield from promised(about.get("contains", {}), f"{path}.{name}")


def sampled(part: Part) -> Iterator[Part]:
    """What is in the sample, which may leave out keys."""
    if part.about and "sample" in part.about:
        path, _dot, name = part.path.rpartition(".")
        yield from parts({name: part.about}, {name: part.about["sample"]}, path)


def contained(path: str, about: Json) -> Json | None:
    """What is documented of the keys inside, here or where another module returns the same. None where any key may be."""
    same = SAME_AS.search(str(about["description"]))
    if "contains" in about or not same:
        return about.get("contains")
    module = same[1] or same[2]
    key = same[3] or path.rpartition(".")[2].removesuffix("s")
    return contained(f"{module}.{key}", returned(module)[key])


def _inside(part: Part) -> list[Json]:
    if part.path in BY_NAME and isinstance(part.value, dict):
        return list(part.value.values())
    several = part.value if isinstance(part.value, list) else [part.value]
    return [one for one in several if isinstance(one, dict)]
