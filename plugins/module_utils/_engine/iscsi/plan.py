# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is to be written to a LUN: an image, and the node's own data. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..values import permits
from ..values.disk_layout import Partition
from ..values.errors import Refused
from ..values.permits import Permit
from ..values.plan import Plan, Step
from .address import Address
from .disk import Disk
from .found import Found, Place, Source
from .seed import Seed

NEVER, BLANK, ANEW = WRITE = ("never", "blank", "anew")


@dataclass(frozen=True)
class Wanted:
    """What a task asks for. ``in_use``: a machine runs from the LUN."""

    place: Address
    image: str | None = None
    seed: Seed | None = None
    write: str = BLANK
    verify: bool = True
    in_use: bool = False

    @property
    def writes(self) -> bool:
        return self.write != NEVER and bool(self.image or self.seed)


@dataclass(frozen=True)
class Fill(Step):
    """Write the image. ``is_blank``: nothing is on the disk."""

    what: str
    source: Source
    permit: Permit
    is_blank: bool

    @property
    def destroys(self) -> list[str]:
        return [] if self.is_blank else [_destroyed(self)]


@dataclass(frozen=True)
class Sow(Step):
    """Write the node's own data into their partition."""

    what: str
    partition: Partition
    seed: Seed
    permit: Permit
    is_empty: bool

    @property
    def destroys(self) -> list[str]:
        return [] if self.is_empty else [_destroyed(self)]


def _destroyed(step: Fill | Sow) -> str:
    return f"{step.permit.id}: {step.what}, since {step.permit.why}"


def may_fill(want: Wanted, found: Found) -> bool:
    """Whether an image may be written as far as what is on the disk goes."""
    return want.writes and (found.is_blank or bool(found.unfinished) or want.write == ANEW)


def plan(want: Wanted, found: Found) -> Plan:
    """What to write. Raises Refused."""
    if found.disk is None:
        if want.writes:
            raise Refused(
                f"Failed to write {want.place.name}: {'; '.join(path.why for path in found.paths)}. Nothing was written."
            )
        return Plan(want.place.name, {}, {})
    fill = _fill(want, found, found.disk)
    sow = _sow(want, found, found.disk, fill)
    steps = tuple(step for step in (fill, sow) if step)
    if steps and want.in_use:
        raise Refused(
            f"Failed to {steps[0].what}: a machine runs from it (in_use), and two who write to one disk destroy it. Nothing was written. "
            "Switch the machine off."
        )
    return Plan(want.place.name, _shown(found), _after(found, fill, sow), steps, warnings=tuple(_warnings(found)))


def _after(found: Found, fill: Fill | None, sow: Sow | None) -> dict[str, object]:
    after = _shown(found)
    if fill:
        content = fill.source.content
        after |= {"blank": False, "unfinished": "", "image": fill.source.digest, "boot_modes": list(content.boot_modes)}
        after["seed"] = _content(content.seed)
    if sow:
        after["seed"] = "the task's seed"
    return after


def actions(of: Plan) -> list[str]:
    return [step.what for step in of.steps if isinstance(step, (Fill, Sow))]


def _fill(want: Wanted, found: Found, disk: Disk) -> Fill | None:
    source = found.source
    if source is None or source.is_there or not may_fill(want, found):
        return None
    what = f"write image {source.image.path} (SHA-256 {source.digest}) to {disk.name}"
    if source.image.size > disk.unit.size:
        raise Refused(
            f"Failed to {what}: the image has {source.image.size} bytes, and the LUN {disk.unit.size}. Nothing was written. Have the LUN made larger."
        )
    if not source.has_layout:
        raise Refused(
            f"Failed to {what}: its partition table is for blocks of 512 bytes, and the LUN has blocks of {disk.unit.block}, so that nothing "
            "would boot from it. Nothing was written. Have the LUN made with blocks of 512 bytes."
        )
    if found.unfinished and not source.is_begun and want.write != ANEW:  # permits.fillable says so as well, without the way out
        raise Refused(
            f"Failed to {what}: an earlier run began to write an image there (SHA-256 {found.unfinished}) and did not end it, and this is another one, or "
            "something else has come to the disk since. Nothing was written. Take that image, or write: anew where nothing on the disk is needed."
        )
    permit = permits.fillable(disk.name, blank=found.is_blank, unfinished=source.is_begun, anew=want.write == ANEW)
    return Fill(what, source, permit, found.is_blank)


def _sow(want: Wanted, found: Found, disk: Disk, fill: Fill | None) -> Sow | None:
    if want.seed is None or want.write == NEVER:
        return None
    place = fill.source.content.seed if fill else found.content.seed
    if place is None:
        held = f"image {fill.source.image.path}" if fill else f"{disk.name}, as it is,"
        raise Refused(
            f"Failed to write the node's own data to {disk.name}: {held} has no partition for a config drive (label config-2). Nothing was written. "
            "Build the image with boot_image_seed_partition."
        )
    if place.stamp == want.seed.digest:
        return None
    number, content = place.partition.number, "empty" if fill else place.content  # what this run writes itself may go
    what = f"write the node's own data to partition {number} of {disk.name}"
    if content == "foreign" and want.write != ANEW:  # permits.sown says so as well, without the way out
        raise Refused(
            f"Failed to {what}: there is a config drive that this collection did not write. Nothing was written. Leave out the seed, or write: anew."
        )
    permit = permits.sown(f"partition {number} of {disk.name}", content=content, anew=want.write == ANEW)
    return Sow(what, place.partition, want.seed, permit, is_empty=content == "empty")


def _shown(found: Found) -> dict[str, object]:
    return {
        "blank": found.is_blank,
        "unfinished": found.unfinished,
        "image": "",
        "boot_modes": list(found.content.boot_modes),
        "seed": _content(found.content.seed),
    }


def _content(place: Place | None) -> str:
    return place.content if place else "none"


def _warnings(found: Found) -> Iterator[str]:
    for path in found.paths:
        if not path.unit:
            yield f"{path.why}. Until it answers, the machine has one path less."


def result(found: Found, digest: str | None) -> Mapping[str, object]:
    """What the module tells. ``digest`` is that of the image that this run wrote."""
    paths = [
        {"portal": path.portal, "reachable": bool(path.unit), "cause": path.cause or None, "why": path.why or None}
        for path in found.paths
    ]
    first = found.paths[0]
    told: dict[str, object] = {
        "reachable": found.disk is not None,
        "cause": None if found.disk else first.cause,
        "why": None if found.disk else "; ".join(path.why for path in found.paths),
        "paths": paths,
        "digest": digest,
    }
    if found.disk is None:
        return told
    unit, seed = found.disk.unit, found.content.seed
    return {
        **told,
        "size": unit.size,
        "block_size": unit.block,
        "vendor": unit.vendor,
        "product": unit.product,
        "serial": unit.serial,
        "blank": found.is_blank,
        "unfinished": found.unfinished or None,
        "partition_table": found.content.layout.table,
        "boot_modes": list(found.content.boot_modes),
        "seed_partition": seed
        and {
            "number": seed.partition.number,
            "start": seed.partition.start,
            "size": seed.partition.size,
            "content": seed.content,
        },
    }
