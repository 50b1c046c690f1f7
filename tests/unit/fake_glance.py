# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Glance does with what is written to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.plan import Request
from ansible_collections.bfv.openstack.tests.unit.fake_cinder import uuid_of

Json = dict[str, Any]


def write(images: dict[str, Json], request: Request, **of_new: object) -> Json:
    """The answer to a write, and the images after it. A new image gets further fields, such as its owner."""
    body: Any = request.body
    id = request.path.split("/")[2] if request.path != "/images" else ""
    if request.method == "POST":
        made = {"id": uuid_of(f"image {len(images)}"), "protected": False, "created_at": "2026-12-01T00:00:00Z", **of_new, **body}
        images[made["id"]] = {**made, "status": "queued"}
        return dict(images[made["id"]])
    if request.method == "DELETE":
        assert not images[id]["protected"]
        del images[id]
    elif request.method == "PUT":
        assert images[id]["status"] == "queued"
        images[id].update(status="active", _bytes=Path(request.file).read_bytes())
    else:
        for change in body:
            name = change["path"][1:]
            assert (change["op"] == "replace") == (name in images[id])
            images[id][name] = change["value"]
    return {}
