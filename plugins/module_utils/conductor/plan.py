# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""What a conductor's configuration should be: which options to set in one of its files, without touching the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..values import oslo_config
from ..values.errors import Invalid, Refused
from ..values.oslo_config import Name

KINDS = ("storage", "boot")


@dataclass(frozen=True)
class File:
    """A file of the configuration. ``text`` is None where there is none."""

    path: str
    text: str | None

    @property
    def options(self) -> dict[Name, str]:
        try:
            return oslo_config.effective([self.text or ""])
        except Invalid as problem:
            raise Invalid(f"Failed to read {self.path}: {problem}.") from problem


@dataclass(frozen=True)
class Files:
    """All files of a conductor in the order in which it reads them, and the one that is managed."""

    files: tuple[File, ...]
    path: str
    own: bool  # the managed file holds nothing else

    @property
    def managed(self) -> File:
        return next(file for file in self.files if file.path == self.path)

    def holding(self, text: str | None) -> Files:
        """The same files with another text in the managed one."""
        return replace(self, files=tuple(replace(file, text=text) if file.path == self.path else file for file in self.files))

    @property
    def bare(self) -> Files:
        """The files as they are without what is managed."""
        text = self.managed.text
        return self.holding(None if self.own or text is None else oslo_config.without_options(text))

    @property
    def texts(self) -> list[str]:
        return [file.text for file in self.files if file.text is not None]

    @property
    def options(self) -> dict[Name, str]:
        found: dict[Name, str] = {}
        for file in self.files:
            found.update(file.options)
        return found


def check(files: Files) -> None:
    """Raise Refused where the managed file is somebody else's."""
    text = files.managed.text
    if files.own and text and not oslo_config.is_rendered(text):
        raise Refused(
            f"Failed to configure {files.path}: somebody else wrote this file. Choose another name, or manage single options in it."
        )


def enabled_and_default(ironic: Mapping[str, Any], params: Mapping[str, Any]) -> dict[Name, object]:
    """The interfaces: what is enabled stays, what is asked for comes behind it, and the default is always among them."""
    wanted: dict[Name, object] = {}
    for kind in KINDS:
        asked, default = params[f"{kind}_interfaces"] or [], params[f"default_{kind}_interface"]
        if not asked and not default:
            continue
        found = ironic[f"enabled_{kind}_interfaces"]
        if found is None:
            raise Refused(
                f"Failed to add to enabled_{kind}_interfaces: no file sets it, and Ironic's default is unknown without its Python. "
                f"Give python, or set enabled_{kind}_interfaces in a file."
            )
        needed = [name for name in (default or ironic[f"default_{kind}_interface"],) if name]
        wanted["DEFAULT", f"enabled_{kind}_interfaces"] = oslo_config.united(found, [*asked, *needed])
        if default:
            wanted["DEFAULT", f"default_{kind}_interface"] = default
    return wanted


def lines(values: Mapping[Name, object], *, literally: bool = False) -> dict[Name, str]:
    """The values as they are to be written."""
    written: dict[Name, str] = {}
    for (section, name), value in values.items():
        try:
            written[section, name] = oslo_config.written(value, literally=literally)
        except Invalid as problem:
            raise Invalid(f"Failed to set [{section}] {name}: {problem}.") from problem
    return written


def flat(sections: Mapping[str, Any], what: str) -> dict[Name, object]:
    """Options by section and name."""
    found: dict[Name, object] = {}
    for section, values in sections.items():
        if not isinstance(values, Mapping):
            raise Invalid(f"Failed to read {what}: {section} holds no options. Give them as a dictionary.")
        for name, value in values.items():
            if value is not None:
                found[str(section), str(name)] = value
    return found


def with_options(files: Files, wanted: Mapping[Name, str]) -> str | None:
    """The managed file's new text. What its other lines say already is not said again."""
    if files.own:
        return oslo_config.rendered(wanted) if wanted else None
    bare = files.bare.managed
    missing = {name: value for name, value in wanted.items() if not _same(name, value, bare.options.get(oslo_config.key(*name)))}
    if not missing and not (bare.text or "").strip():
        return None
    return oslo_config.with_options(bare.text or "", missing)


def _same(name: Name, value: str, there: str | None) -> bool:
    if there is None:
        return False
    if name[1].startswith("enabled_"):
        return oslo_config.words(there) == oslo_config.words(value)
    return there == _read(name, value)


def _read(name: Name, value: str) -> str:
    """A written value as oslo.config reads it."""
    return oslo_config.effective([oslo_config.rendered({name: value})])[oslo_config.key(*name)]


def obstacles(files: Files, wanted: Mapping[Name, str]) -> list[str]:
    """Options that another file sets once more, behind the managed one."""
    found: list[str] = []
    for name, value in wanted.items():
        key = oslo_config.key(*name)
        last = next((file for file in reversed(files.files) if key in file.options), None)
        if last and last.path != files.path and not _same(name, value, last.options[key]):
            found.append(f"[{name[0]}] {name[1]} is set in {last.path} as well, which Ironic reads after {files.path}")
    return found


def diff(before: File, after: File) -> dict[str, str]:
    """What changes in the managed file, without secrets."""
    had = before.options
    new = {name for name, value in after.options.items() if had.get(name) != value}
    return {
        "before_header": before.path,
        "after_header": after.path,
        "before": oslo_config.masked(before.text or ""),
        "after": oslo_config.masked(after.text or "", new),
    }
