# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""LUNs filled with an image, against what qemu-img alone moves. Run by `make bench`.

    python -m tests.bench.fill [--luns 10] [--mebibytes 1024] [--runs 3]

All LUNs are on a tgtd of this machine and are filled at once, by as many qemu-img as there are LUNs, and by one play with as many
forks. Half of the image is content that neither compresses nor repeats. qemu-img only writes. iscsi_lun sees first that a LUN is
blank, for which it reads all of it, hashes the image, and reads back what it wrote, unless it is told not to: its whole run is shown,
and what of it writes.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from ..integration.array import Array, Lun, running
from . import table
from .filling import INITIATOR
from .measure import BIN, REPOSITORY
from .raw import Json

ADDRESS = "127.61.9.1"
MIB = 1024**2
# The same image to each LUN: convert has no other work, and nothing is looked at.
ALONE = """
for lun in "$@"; do
  qemu-img convert -n --target-is-zero -t writeback -O raw --object "secret,id=chap,file=${lun%%=*}" "$IMAGE" "json:${lun#*=}" &
done
wait
"""


def image(folder: Path, mebibytes: int) -> Path:
    path = folder / "image.raw"
    with path.open("wb") as disk:
        for _piece in range(mebibytes // 2):
            disk.write(os.urandom(MIB))
            disk.seek(MIB, os.SEEK_CUR)
        disk.truncate(mebibytes * MIB)
    return path


def blank(array: Array, folder: Path, name: str, count: int, mebibytes: int) -> list[Lun]:
    luns = []
    for number in range(count):
        disk = folder / f"{name}-{number}.raw"
        disk.touch()
        os.truncate(disk, mebibytes * MIB)
        luns.append(array.export(f"{name}-{number}", disk))
    return luns


def alone(folder: Path, image: Path, luns: Sequence[Lun]) -> Json:
    words = []
    for lun in luns:
        secret = folder / f"{lun.username}.secret"
        secret.write_text(lun.password)
        device = {
            "driver": "iscsi",
            "transport": "tcp",
            "portal": lun.portals[0],
            "target": lun.iqn,
            "lun": lun.address["lun"],
            "user": lun.username,
            "password-secret": "chap",
        }
        words.append(f"{secret}={json.dumps({'driver': 'raw', 'file': device})}")
    return measured(folder, ["bash", "-c", ALONE, "bash", *words], {"IMAGE": str(image)})


def writing(folder: Path, image: Path, luns: Sequence[Lun]) -> Json:
    words = json.dumps([lun.address for lun in luns])
    return measured(folder, [sys.executable, "-m", "tests.bench.filling", image, words], {})


def ours(folder: Path, image: Path, luns: Sequence[Lun], **options: object) -> Json:
    hosts = {f"lun-{number}": lun.address for number, lun in enumerate(luns)}
    here = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    given = {name: f"{{{{ {name} }}}}" for name in luns[0].address}
    task = {"bfv.openstack.iscsi_lun": {**given, "image": str(image), "initiator_name": INITIATOR, **options}}
    hosts_file, play = folder / "hosts.json", folder / "play.json"
    hosts_file.write_text(json.dumps({"all": {"hosts": hosts, "vars": here}}))
    play.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": [task]}]))
    return measured(folder, [BIN / "ansible-playbook", play, "-i", hosts_file, "-f", len(luns)], {})


def measured(folder: Path, command: Sequence[object], environment: dict[str, str]) -> Json:
    result = folder / "measured.json"
    done = subprocess.run(
        [sys.executable, "-I", "-S", Path(__file__).with_name("launch.py"), result, *map(str, command)],
        cwd=REPOSITORY,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stdout)
    found: Json = json.loads(result.read_text())
    return found


WAYS: dict[str, Callable[[Path, Path, Sequence[Lun]], Json]] = {
    "qemu-img convert": alone,
    "what of iscsi_lun writes": writing,
    "iscsi_lun": partial(ours, verify=False),
    "iscsi_lun, read back": partial(ours, verify=True),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--luns", type=int, default=10)
    parser.add_argument("--mebibytes", type=int, default=1024, help="of the image and of each LUN")
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = image(folder, given.mebibytes)
        best: dict[str, Json] = {}
        for _run in range(given.runs):
            for way, fill in WAYS.items():
                with running(folder, [ADDRESS], folder / "array.log") as array:
                    seen = fill(folder, source, blank(array, folder, "lun", given.luns, given.mebibytes))
                if way not in best or seen["seconds"] < best[way]["seconds"]:
                    best[way] = seen
                for file in folder.glob("lun-*.raw"):
                    file.unlink()
        floor = best["qemu-img convert"]["seconds"]
        rows = [
            [
                way,
                one["seconds"],
                given.luns * given.mebibytes / one["seconds"],
                floor / one["seconds"],
                one["cpu"],
                one["mebibytes"],
            ]
            for way, one in best.items()
        ]
        title = f"{given.luns} LUNs of {given.mebibytes} MiB filled at once, best of {given.runs}"
        table.show(title, ["", "seconds", "MiB/s", "of qemu-img alone", "CPU seconds", "MiB of the largest process"], rows)


if __name__ == "__main__":
    main()
