# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers from volumes by a script with openstacksdk and threads, as somebody writes it who knows it well: two lists, and then only what is missing.

python -m tests.bench.contestants.servers_sdk JOB STATE [THREADS]

Nothing but the names is compared, no failure is handled, and nothing is reported.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import openstack

from ..raw import Json

THREADS = 8


def main(job: Json, state: str, threads: int) -> None:
    cloud = openstack.connect(**job["cloud"])
    servers = {one.name: one for one in cloud.compute.servers()}
    volumes = {one.name: one for one in cloud.block_storage.volumes()}

    def boot(name: str) -> None:
        if name in servers:
            return
        volume = volumes.get(f"{name}-root") or cloud.block_storage.create_volume(
            name=f"{name}-root", size=job["size"], image_id=image.id
        )
        volume = cloud.block_storage.wait_for_status(volume, "available", interval=1)
        server = cloud.compute.create_server(
            name=name,
            flavor_id=flavor.id,
            networks=[{"uuid": network.id}],
            block_device_mapping=[
                {"source_type": "volume", "destination_type": "volume", "uuid": volume.id, "boot_index": 0},
            ],
        )
        cloud.compute.wait_for_server(server, interval=1)

    def remove(name: str) -> None:
        if server := servers.get(name):
            cloud.compute.delete_server(server)
            cloud.compute.wait_for_delete(server, interval=1)
        if volume := volumes.get(f"{name}-root"):
            cloud.block_storage.delete_volume(volume)
            cloud.block_storage.wait_for_delete(volume, interval=1)

    if state == "present":
        image = cloud.image.find_image(job["image"], ignore_missing=False)
        flavor = cloud.compute.find_flavor(job["flavor"], ignore_missing=False)
        network = cloud.network.find_network(job["network"], ignore_missing=False)
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(boot if state == "present" else remove, job["names"]))


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), sys.argv[2], THREADS)
