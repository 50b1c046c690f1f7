# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remove old versions of an image: all but the newest ones.

python -m bfv_image.prune KEEP [--dry-run] < PLAN

The version that the image's link points to always stays, and so does what has no manifest of this role. Says "changed: ..." for each version that it removes.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from bfv_image.plan import Plan, read

DIGEST = "[0-9a-f]{12}"


def versions(plan: Plan) -> list[Path]:
    """Return the images of this name and format, newest first. Images of other names may begin with this one."""
    pattern = re.compile(rf"{re.escape(plan.name)}-{DIGEST}\.{plan.format}")
    found = [path for path in plan.directory.iterdir() if pattern.fullmatch(path.name) and is_ours(path, plan)]
    return sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)


def is_ours(image: Path, plan: Plan) -> bool:
    """Whether this role built the image: the manifest beside it names it by its whole digest."""
    manifest = image.with_name(f"{image.name}.json")
    if image.is_symlink() or not image.is_file() or not manifest.is_file():
        return False
    try:
        told = json.loads(manifest.read_text())
    except ValueError:
        return False
    return (
        isinstance(told, dict) and told.get("name") == plan.name and image.stem == f"{plan.name}-{str(told.get('digest'))[:12]}"
    )


def superfluous(plan: Plan, keep: int) -> list[Path]:
    current = (plan.directory / f"{plan.name}.{plan.format}").resolve()
    # The folder may be reached by a link: compare the files, not their names.
    old = [image for image in versions(plan) if image.resolve() != current]
    return old[max(keep - 1, 0) :]


def remove(image: Path) -> None:
    """Remove an image first, and then what describes it: an image without its manifest would pass for a complete one."""
    image.unlink()
    for name in (f"{image.name}.sha256", f"{image.name}.json", f"{image.stem}.log"):
        image.with_name(name).unlink(missing_ok=True)


def main() -> None:
    plan = read()
    for image in superfluous(plan, int(sys.argv[1])):
        if "--dry-run" not in sys.argv:
            remove(image)
        print(f"changed: removed {image}")


if __name__ == "__main__":
    main()
