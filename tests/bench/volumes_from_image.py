# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Volumes from one image, through a golden volume, against one conversion for each. Run by `make bench`.

    python -m tests.bench.volumes_from_image [--volumes 10] [--gibibytes 1]

Cinder converts an image of qcow2 for each volume that is made from it, one at a time on a backend. Both ways are one task of
bfv.openstack.bfv_volume in a loop, with and without via_golden. What reaches Cinder is counted by a proxy, not by what the module says:
a POST with imageRef is a conversion, one with source_volid a clone.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from ..integration.lab import PROJECT, Lab
from ..integration.proxy import Proxy
from ..integration.runs import Ansible
from .sandbox import sandbox

PREFIX = "bench-"
MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class Measured:
    """One way to make the volumes."""

    way: str
    conversions: int
    clones: int
    seconds: float


def upload(lab: Lab, folder: Path, gibibytes: int) -> str:
    """The name of a new image in qcow2. Half of the disk is content that neither compresses nor repeats, in pieces all over it."""
    name, raw, qcow2 = lab.name("image"), folder / "disk.raw", folder / "disk.qcow2"
    with raw.open("wb") as disk:
        for _piece in range(gibibytes * 512):
            disk.write(os.urandom(MEBIBYTE))
            disk.seek(MEBIBYTE, os.SEEK_CUR)
        disk.truncate(gibibytes * 1024 * MEBIBYTE)
    subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, qcow2], check=True)
    raw.unlink()
    image = lab.glance("POST", "/images", {"name": name, "disk_format": "qcow2", "container_format": "bare"})["id"]
    with qcow2.open("rb") as content:
        headers = {"Content-Type": "application/octet-stream"}
        lab.glance("PUT", f"/images/{image}/file", data=content, headers=headers)
    qcow2.unlink()
    return name


def measure(ansible: Ansible, way: str, image: str, volumes: int, via_golden: bool) -> Measured:
    """Make the volumes in one run, and remove them again, but for the golden one."""
    lab = Lab(f"{PREFIX}{way.replace(' ', '-')}-")
    task = {
        "bfv.openstack.bfv_volume": {"cloud": PROJECT, "name": "{{ item }}", "image": image, "via_golden": via_golden},
        "loop": [f"{lab.prefix}{number}" for number in range(volumes)],
    }
    play = ansible.file("play.yml", [{"hosts": "localhost", "gather_facts": False, "tasks": [task]}])
    with Proxy(lab.services) as proxy:
        started = time.monotonic()
        run = ansible.start(str(play), environment=proxy.environment)
        output = "".join(run.process.communicate())
        seconds = time.monotonic() - started
    if run.process.returncode:
        raise SystemExit(output)
    lab.clear()
    posts = [one for one in proxy.requests if one.method == "POST" and one.path.endswith("/volumes")]
    sources = Counter(key for post in posts for key, source in json.loads(post.body)["volume"].items() if source)
    return Measured(way, sources["imageRef"], sources["source_volid"], seconds)


def show(ways: list[Measured], volumes: int) -> None:
    print(f"{'way':<20}  {'conversions':>11}  {'clones':>6}  {'seconds':>8}  {'seconds/volume':>14}")
    for one in ways:
        print(f"{one.way:<20}  {one.conversions:>11}  {one.clones:>6}  {one.seconds:>8.1f}  {one.seconds / volumes:>14.1f}")
    golden, single = ways
    print(f"golden / image by image: {golden.seconds / single.seconds:.2f} of the time")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--volumes", type=int, default=10)
    parser.add_argument("--gibibytes", type=int, default=1, help="of the image")
    given = parser.parse_args()

    with sandbox():
        lab = Lab(PREFIX)
        lab.clear()  # what an interrupted benchmark left
        try:
            with tempfile.TemporaryDirectory() as folder:
                image = upload(lab, Path(folder), given.gibibytes)
                print(f"{given.volumes} volumes from one image of {given.gibibytes} GiB", flush=True)
                ansible = Ansible(Path(folder))
                ways = [("through a golden one", True), ("image by image", False)]
                show([measure(ansible, way, image, given.volumes, golden) for way, golden in ways], given.volumes)
        finally:
            lab.clear()


if __name__ == "__main__":
    main()
