# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The "external array": blank LUNs for nodes that boot without Cinder. external_array.py SETTINGS

tgtd keeps nothing, so this is run whenever the sandbox is started.
"""

import os
import sys

from bfv_sandbox import test_image
from bfv_sandbox.settings import Settings, changed
from bfv_sandbox.tgt import Tgtd

# Out of the way of the targets that Cinder makes at the same time.
FIRST_TARGET = 60000


def main() -> None:
    settings = Settings(sys.argv[1])
    folder = settings.base / "data" / "array"
    folder.mkdir(parents=True, exist_ok=True)
    image = settings.cache / test_image.NAME
    if not image.exists():
        test_image.write(image)
        changed("made the test image")
    tgtd = Tgtd(str(settings.run / "tgtd"))
    for lun in settings["array"]:
        disk = folder / f"{lun['name']}.raw"
        if not disk.exists():
            disk.touch()
            os.truncate(disk, lun["gibibytes"] << 30)
        if tgtd.export(lun["iqn"], str(disk), (lun["chap_username"], lun["chap_password"]), FIRST_TARGET):
            changed(f"exported {lun['iqn']}")


if __name__ == "__main__":
    main()
