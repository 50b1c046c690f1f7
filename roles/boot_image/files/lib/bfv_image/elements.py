# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What diskimage-builder says of its elements. The only file that knows its insides."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

from diskimage_builder import element_dependencies, paths

from bfv_image.plan import Plan

PROBLEMS = (
    element_dependencies.AlreadyProvidedException,
    element_dependencies.InvalidElementDir,
    element_dependencies.MissingElementException,
    element_dependencies.MissingOSException,
)


class ElementsError(Exception):
    """The elements of a plan do not exist, or do not fit together."""


def version() -> str:
    return importlib.metadata.version("diskimage-builder")


def find(plan: Plan) -> dict[str, Path]:
    """Return all elements that the plan's elements need, with their folders, in the order of their names."""
    folders = [*map(str, plan.elements_path), paths.get_path("elements")]
    names = [*(["base"] if plan.base else []), *plan.elements]
    try:
        found = element_dependencies.get_elements(names, ":".join(folders))
    except PROBLEMS as error:
        raise ElementsError(f"diskimage-builder cannot use the elements {' '.join(names)}: {error}") from error
    return {name: Path(path) for name, path in sorted(found)}
