# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""An image in a file of this host, that is to be written to a LUN."""

from __future__ import annotations

import hashlib
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..values.errors import Refused
from . import programs

_QCOW2 = b"QFI\xfb"
_DIGEST = 64  # hex digits of SHA-256


@dataclass(frozen=True)
class Image:
    """An image: its file, and the size in bytes of the disk that is in it."""

    path: str
    format: str
    size: int

    @property
    def disk(self) -> dict[str, Any]:
        """As qemu takes it."""
        return {"driver": self.format, "file": {"driver": "file", "filename": self.path}}


def find(path: str) -> Image:
    """The image at a path. Raises Refused where it is none that can be written."""
    what = f"read image {path}"
    if not Path(path).is_file():
        raise Refused(f"Failed to {what}: there is no such file on this host. Name a file of the host that reaches the LUN.")
    # By its content, as boot loaders do. A raw image that pretends to be qcow2 cannot reach other files: these are refused below.
    with open(path, "rb") as file:
        format = "qcow2" if file.read(len(_QCOW2)) == _QCOW2 else "raw"
    command = ["qemu-img", "info", "--output=json", "-f", format, "--", path]
    # An AnsibleModule has run_command, and there is none on this floor.
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)  # pylint: disable=ansible-bad-function
    if done.returncode:
        raise Refused(f"Failed to {what}: it is no {format} image. qemu-img says «{done.stderr.strip().splitlines()[-1]}».")
    told = json.loads(done.stdout)
    for other in (told.get("backing-filename"), told.get("format-specific", {}).get("data", {}).get("data-file")):
        if other:
            raise Refused(
                f"Failed to {what}: it stands on {other}, and is half a disk by itself. Convert it with qemu-img convert."
            )
    return Image(path, format, int(told["virtual-size"]))


def digest(image: Image, deadline: programs.Deadline) -> str:
    """The SHA-256 of the image's file. Raises Refused where FILE.sha256 beside it tells of another one."""
    expected = _expected(image.path)
    sha256 = hashlib.sha256()
    with open(image.path, "rb") as file:
        while piece := file.read(1024**2):
            sha256.update(piece)
            if not deadline.left:
                raise programs.TooLate(
                    f"Failed to read image {image.path}: it took longer than {deadline.seconds:.0f} s. Raise timeout."
                )
    if expected and sha256.hexdigest() != expected:
        raise Refused(
            f"Failed to read image {image.path}: its SHA-256 is {sha256.hexdigest()}, and the file .sha256 beside it says {expected}. "
            "Nothing was written. Copy the image again."
        )
    return sha256.hexdigest()


def _expected(path: str) -> str:
    """What the file beside the image says, or beside the one that a link leads to. Empty where there is none."""
    beside = next((one for one in (Path(f"{path}.sha256"), Path(f"{Path(path).resolve()}.sha256")) if one.exists()), None)
    if beside is None:
        return ""
    words = beside.read_text(errors="replace").split()
    if not words or len(words[0]) != _DIGEST:
        raise Refused(
            f"Failed to read image {path}: {beside} has no SHA-256 in it. Nothing was written. Correct it, or remove it."
        )
    return words[0].lower()
