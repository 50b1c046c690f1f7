# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The disk behind a LUN: read, written and compared in parts."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from .address import Address
from .image import Image
from .login import Unit
from .programs import Copier, Told, in_memory, memory, part, zeros

_AT_ONCE = 4  # comparisons
_MIB = 1024**2

Begin = Callable[[str, int], Told]  # of what is done next, and to how many bytes: who is told how far it is


@dataclass(frozen=True)
class Disk:
    """A LUN through the first of its portals that answers."""

    place: Address
    portal: str
    unit: Unit
    copier: Copier

    @property
    def name(self) -> str:
        return f"{self.place.name} at {self.portal}"

    def read(self, start: int, size: int) -> bytes:
        """Some bytes of it; fewer at its end."""
        return _read(self.copier, self._device, start, min(size, self.unit.size - start), f"read {self.name}")

    def write(self, what: str, start: int, data: bytes) -> None:
        with memory(data) as file:
            self.copier.copy(what, in_memory(file), part(self._device, start, len(data)), files=[file])

    def is_zero(self, told: Told) -> bool:
        """Whether all of it reads as zeros. Reads up to the first byte that is none, and the whole disk where there is none."""
        return self._is_same(f"see whether {self.name} is blank", lambda _start, size: zeros(size), 0, self.unit.size, told)

    def clear(self, what: str, start: int) -> None:
        """Zeros from there to the end."""
        size = self.unit.size - start
        self.copier.copy(what, zeros(size), part(self._device, start, size))

    def fill(self, what: str, image: Image, start: int, told: Told, *, is_zero: bool) -> None:
        """Write the image from there on. ``is_zero``: nothing is on the disk, so that only the image's data need to be written."""
        size = image.size - start
        source, sink = part(image.disk, start, size), part(self._device, start, size)
        self.copier.copy(what, source, sink, is_zero=is_zero, told=told)

    def has(self, what: str, image: Image, start: int, end: int, told: Told | None = None) -> bool:
        """Whether it is as the image is between these bytes."""
        return self._is_same(what, lambda first, size: part(image.disk, first, size), start, end, told)

    def _is_same(self, what: str, other: Callable[[int, int], Any], start: int, end: int, told: Told | None) -> bool:
        """Compare in several pieces at once: one session alone waits for each answer before it asks for the next bytes."""
        pieces = list(_pieces(start, end))
        done = dict.fromkeys(pieces, 0.0)

        def compare(piece: tuple[int, int]) -> bool:
            def piece_told(percent: float) -> None:
                done[piece] = percent
                if told:
                    told(sum(done.values()) / len(done))

            return self.copier.is_same(what, part(self._device, *piece), other(*piece), piece_told)

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return all(pool.map(compare, pieces))

    @property
    def _device(self) -> dict[str, Any]:
        return self.place.block_device(self.portal)


def _pieces(start: int, end: int) -> Iterator[tuple[int, int]]:
    """First byte and size of each of some pieces of about the same size."""
    size = max(-(-(end - start) // _AT_ONCE // _MIB) * _MIB, _MIB)
    for first in range(start, end, size):
        yield first, min(size, end - first)


def read_image(image: Image, copier: Copier, start: int, size: int) -> bytes:
    """Some bytes of the disk that is in an image; fewer at its end."""
    return _read(copier, image.disk, start, min(size, image.size - start), f"read image {image.path}")


def _read(copier: Copier, device: dict[str, Any], start: int, size: int, what: str) -> bytes:
    if size <= 0:
        return b""
    with memory(size=size) as file:
        copier.copy(what, part(device, start, size), in_memory(file), files=[file])
        return os.pread(file, size, 0)
