# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Say which image a plan asks for, and whether it is there. Changes nothing.

python -m bfv_image.inspect < PLAN
"""

from __future__ import annotations

import json
import sys
from typing import Any

from bfv_image import elements, inputs
from bfv_image.plan import Plan, Version, read


def reasons(version: Version, wanted: dict[str, Any]) -> list[str]:
    """Return why the image has to be built: nothing if it is there, else what differs from the newest one of this name."""
    if version.image.exists():
        return []
    if not version.link.exists():
        return [f"there is no {version.link.name}"]
    manifest = version.link.with_name(f"{version.link.resolve().name}.json")
    if not manifest.exists():
        return [f"{version.link.name} is not known"]
    return inputs.differences(json.loads(manifest.read_text())["inputs"], wanted)


def inspect(plan: Plan) -> dict[str, Any]:
    wanted = inputs.find_inputs(plan, elements.version(), elements.find(plan))
    version = plan.version(inputs.digest_of(wanted))
    if version.obstacle:
        raise OSError(f"{version.obstacle}. Choose another boot_image_name or boot_image_dir.")
    return {
        "digest": version.digest,
        "elements": list(wanted["elements"]),
        "image": str(version.image),
        "log": str(version.log),
        "reasons": reasons(version, wanted),
    }


def main() -> None:
    try:
        print(json.dumps(inspect(read())))
    except (elements.ElementsError, OSError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
