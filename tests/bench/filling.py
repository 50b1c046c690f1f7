# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of iscsi_lun writes, without all that it looks at before and after: for fill.py.

python -m tests.bench.filling IMAGE '[{"portals": ..., "iqn": ..., "lun": ..., "chap_username": ..., "chap_password": ...}, ...]'
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible_collections.bfv.openstack.plugins.module_utils._engine.iscsi import image, login
from ansible_collections.bfv.openstack.plugins.module_utils._engine.iscsi.address import Address
from ansible_collections.bfv.openstack.plugins.module_utils._engine.iscsi.disk import Disk
from ansible_collections.bfv.openstack.plugins.module_utils._engine.iscsi.found import FIRST
from ansible_collections.bfv.openstack.plugins.module_utils._engine.iscsi.programs import Copier, Deadline

INITIATOR = "iqn.2010-10.org.example:bench"


def write(source: image.Image, lun: dict[str, Any]) -> None:
    deadline = Deadline(3600)
    place = Address(tuple(lun["portals"]), lun["iqn"], lun["lun"], INITIATOR, lun["chap_username"], lun["chap_password"])
    (path,) = login.paths(place, deadline)
    if path.unit is None:
        raise SystemExit(path.why)
    disk = Disk(place, path.portal, path.unit, Copier(place.password, deadline))
    disk.fill("fill the LUN", source, FIRST, lambda _percent: None, is_zero=True)


def main() -> None:
    source, luns = image.find(sys.argv[1]), json.loads(sys.argv[2])
    with ThreadPoolExecutor(len(luns)) as pool:
        list(pool.map(lambda lun: write(source, lun), luns))


if __name__ == "__main__":
    main()
