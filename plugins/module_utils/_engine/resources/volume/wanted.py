# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is asked for of a volume."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ...values.errors import Invalid
from ...values.identifiers import is_uuid
from .record import NEW, OWN_KEYS, TEXT_LENGTH, new_mark
from .source import KEYS

# cinder/api/schemas/volumes.py and cinder/api/validation/parameter_types.py; a size is an integer of the database.
_LARGEST = 2**31 - 1
_KEY = re.compile(r"[a-zA-Z0-9_:. /-]{1,255}")

CREATE_FIRST, DELETE_FIRST = "create_first", "delete_first"


@dataclass(frozen=True)
class Wanted:
    """The volume that is asked for. None leaves alone. Sizes are in GiB."""

    name: str | None = None
    id: str | None = None
    state: str = "present"
    image: str | None = None
    snapshot: str | None = None
    volume: str | None = None
    backup: str | None = None
    size: int | None = None
    volume_type: str | None = None
    availability_zone: str | None = None
    description: str | None = None
    metadata: Mapping[str, str | None] | None = None
    bootable: bool | None = None
    scheduler_hints: Mapping[str, object] | None = None
    image_size_limit: int | None = None
    via_golden: bool = False
    prune_golden: bool = False
    recreate: str = "never"
    recreate_order: str = CREATE_FIRST
    keeps_old: bool = False  # the old one of a volume that is made anew stays until whoever uses the new one has seen it work
    retype: bool = False
    migration_policy: str = "on-demand"
    cascade: bool = False
    mark: str = field(
        default=NEW, compare=False
    )  # of what is made: where it tells the run, the same at every look; see record.py

    @property
    def source(self) -> tuple[str, str] | None:
        """The kind and the name of what the volume is to be made from."""
        return next(((kind, getattr(self, kind)) for kind in KEYS if getattr(self, kind)), None)

    @property
    def label(self) -> str:
        return self.id or self.name or ""


def wanted(params: Mapping[str, Any]) -> Wanted:
    """What a module's options ask for. Raises Invalid."""
    given = {name: params[name] for name in Wanted.__dataclass_fields__ if params.get(name) is not None}
    want = Wanted(**{"mark": new_mark(), **given})
    if not want.label:
        raise Invalid("Failed to read the volume: neither name nor id is given. Give one of them.")
    if want.id and not is_uuid(want.id):
        raise Invalid(
            f'Failed to read volume {want.label}: id "{want.id}" is not a UUID. Give it as Cinder shows it, or the name.'
        )
    sources = [kind for kind in KEYS if getattr(want, kind)]
    if len(sources) > 1:
        raise Invalid(
            f"Failed to read volume {want.label}: {' and '.join(sources)} are given. Give one source, or none for a blank volume."
        )
    if want.via_golden and not want.image:
        raise Invalid(
            f"Failed to read volume {want.label}: via_golden is for volumes from an image. Give image, or leave via_golden out."
        )
    if want.prune_golden and not want.via_golden:
        raise Invalid(f"Failed to read volume {want.label}: prune_golden needs via_golden. Give both, or leave prune_golden out.")
    if want.size is not None and not 0 < want.size <= _LARGEST:
        raise Invalid(
            f"Failed to read volume {want.label}: size {want.size} is not a number of GiB above zero that Cinder takes."
        )
    _check_texts(want)
    if want.description is not None:
        want = replace(want, description=want.description.strip())  # as Cinder does (cinder/api/openstack/wsgi.py)
    if want.metadata is None:
        return want
    texts = {str(key): None if value is None else str(value) for key, value in want.metadata.items()}  # Cinder keeps text only
    _check_metadata(texts, want.label)
    return replace(want, metadata=texts)


def _check_texts(want: Wanted) -> None:
    """Cinder cuts blanks off a name, and would make another volume at each run, since none has the name that is asked for."""
    for option in ("name", "description", "volume_type", "availability_zone"):
        text = getattr(want, option)
        if text is not None and len(text.strip()) > TEXT_LENGTH:
            raise Invalid(
                f"Failed to read volume {want.label[:TEXT_LENGTH]}: {option} has {len(text.strip())} characters, and Cinder takes {TEXT_LENGTH}. Shorten it."
            )
    if want.name is not None and want.name != want.name.strip():
        raise Invalid(
            f'Failed to read volume {want.name.strip()}: name "{_visible(want.name)}" begins or ends with a blank or a line end, which Cinder cuts off. '
            "Leave it out."
        )


def _visible(text: str) -> str:
    return text.encode("unicode_escape").decode()


def _check_metadata(texts: Mapping[str, str | None], label: str) -> None:
    """What Cinder would not take of metadata. A key that is to go only has to be one that can be asked for."""
    own = sorted(key for key in texts if key.startswith(OWN_KEYS))
    if own:
        raise Invalid(
            f"Failed to read volume {label}: metadata has {', '.join(own)}, and keys that begin with {OWN_KEYS} are this collection's own. "
            "Leave them out."
        )
    for key, value in texts.items():
        if key in ("", ".", ".."):  # an address that ends with it is that of something else
            raise Invalid(f'Failed to read volume {label}: metadata has the key "{key}". Give another one.')
        if value is not None and not _KEY.fullmatch(key):
            raise Invalid(
                f'Failed to read volume {label}: metadata has the key "{_visible(key)}", and Cinder takes 1 to {TEXT_LENGTH} of the characters '
                "a-z, A-Z, 0-9, blank and - _ : . /. Give another one."
            )
        if value is not None and len(value) > TEXT_LENGTH:
            raise Invalid(
                f"Failed to read volume {label}: the value of metadata {key} has {len(value)} characters, and Cinder takes {TEXT_LENGTH}. Shorten it."
            )
