# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inputs of an image and their digest. Two builds with the same digest make the same image, but for newer packages."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from bfv_image.plan import Plan


def checksum(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as image:
        while chunk := image.read(1024**2):
            digest.update(chunk)
    return digest.hexdigest()


def tree_digest(folder: Path) -> str:
    """Return the digest of all files below a folder: names, contents, who may execute them, and where links point."""
    digest = hashlib.sha256()
    for place, folders, files in os.walk(folder):
        # Python's cache comes and goes.
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        for name in sorted(files):
            path = Path(place, name)
            digest.update(f"{path.relative_to(folder)}\0{os.access(path, os.X_OK)}\0".encode())
            digest.update(path.read_bytes() if path.is_file() else os.readlink(path).encode())
            digest.update(b"\0")
    return digest.hexdigest()


def local_image(plan: Plan) -> dict[str, str]:
    """Return the digest of the cloud image that the plan starts from, if it is a file: another one may come under its name."""
    name = plan.environment.get("DIB_LOCAL_IMAGE")
    if not name:
        return {}
    return {"local image": checksum(Path(name))}


def find_inputs(plan: Plan, version: str, elements: dict[str, Path]) -> dict[str, Any]:
    """Return all that decides what is in the image: of the plan, of diskimage-builder, and of the elements' folders."""
    return {
        "diskimage-builder": version,
        "elements": {name: tree_digest(path) for name, path in elements.items()},
        "environment": plan.environment,
        "architecture": plan.architecture,
        "format": plan.format,
        "packages": sorted(plan.packages),
        "serial": plan.serial,
        "size": plan.size,
        **local_image(plan),
    }


def digest_of(inputs: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()


def differences(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Return the names of the inputs that differ, such as "environment DIB_RELEASE" or "packages"."""
    names = []
    for key in sorted(old.keys() | new.keys()):
        before, after = old.get(key), new.get(key)
        if isinstance(before, dict) and isinstance(after, dict):
            names += [f"{key} {name}" for name in sorted(before.keys() | after.keys()) if before.get(name) != after.get(name)]
        elif before != after:
            names.append(key)
    return names
