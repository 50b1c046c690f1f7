# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a conductor's configuration should be: which options to set in one of its files, without touching the others."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..values import oslo_config
from ..values.errors import Invalid, Refused
from ..values.oslo_config import Name
from ..values.secrets import MASK

KINDS = ("storage", "boot")
_INTERFACES = {("DEFAULT", name) for kind in KINDS for name in (f"enabled_{kind}_interfaces", f"default_{kind}_interface")}


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
    own: bool  # the managed file is one that this collection makes

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
        return self.holding(None if text is None else oslo_config.without_options(text))

    @property
    def texts(self) -> dict[str, list[str]]:
        """What Ironic is asked about: the texts of the files that there are, and their paths."""
        there = [(file.text, file.path) for file in self.files if file.text is not None]
        return {"texts": [text for text, _path in there], "paths": [path for _text, path in there]}

    @property
    def options(self) -> dict[Name, str]:
        found: dict[Name, str] = {}
        for file in self.files:
            found.update(file.options)
        return found


def check(files: Files) -> None:
    """Raise Refused where the managed file is somebody else's."""
    text = files.managed.text
    if files.own and text and not oslo_config.is_made(text):
        raise Refused(
            f"Failed to configure {files.path}: somebody else wrote this file. Choose another name, or manage single options in it."
        )
    line = oslo_config.template_line(oslo_config.without_options(text or ""))
    if line:
        raise Refused(
            f"Failed to configure {files.path}: it is a Jinja template (line {line}), and what it says is known only when it has become a file. "
            "Set the options in it yourself, or name another file that is read with it (kolla-ansible merges ironic/ironic-conductor.conf too)."
        )


def check_literal(path: str, wanted: Mapping[Name, str]) -> None:
    """Raise Refused where a value in a file that Jinja reads means something to Jinja."""
    for (section, name), value in wanted.items():
        if oslo_config.is_template(value):
            raise Refused(
                f"Failed to configure {path}: the value of [{section}] {name} holds one of the signs {{{{ {{% {{#, for which Jinja takes the "
                "rest of the file. Give another one."
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
    """The managed file's new text, None where nobody has anything in it. What its other lines say already is not said again."""
    bare = files.bare.managed
    missing = {name: value for name, value in wanted.items() if not _same(name, value, bare.options.get(oslo_config.key(*name)))}
    if not missing and oslo_config.is_empty(bare.text or ""):
        return None
    return oslo_config.with_options(bare.text or (oslo_config.HEADER if files.own else ""), missing)


def _same(name: Name, value: str, there: str | None) -> bool:
    if there is None:
        return False
    if name[1].startswith("enabled_"):
        return oslo_config.words(there) == oslo_config.words(value)
    return there == _read(name, value)


def _read(name: Name, value: str) -> str:
    """A written value as oslo.config reads it."""
    return oslo_config.effective([f"[{name[0]}]\n{name[1]} = {value}\n"])[oslo_config.key(*name)]


def obstacles(files: Files, wanted: Mapping[Name, str], environment: Collection[str] = ()) -> list[str]:
    """Options that the conductor's environment sets, or another file once more behind the managed one."""
    found = [
        f"{option} is set in the conductor's environment as well, which wins over every file. Take it out there"
        for option in (f"[{section}] {name}" for section, name in (oslo_config.key(*name) for name in wanted))
        if option in environment
    ]
    for name, value in wanted.items():
        key = oslo_config.key(*name)
        last = next((file for file in reversed(files.files) if key in file.options), None)
        if last and last.path != files.path and not _same(name, value, last.options[key]):
            found.append(
                f"[{name[0]}] {name[1]} is set in {last.path} as well, which Ironic reads after {files.path}. Set it there"
            )
    return found


def diff(before: File, after: File, clear: Collection[Name] = (), secrets: Collection[Name] = ()) -> dict[str, str]:
    """What changes in the managed file of what is ours: no line of others, no secret.

    Shown are the values of interfaces, and of options that the task gives in ``clear`` and that are no secret: what an earlier task has
    set may have been one.
    """
    had, has = oslo_config.ours(before.text or ""), oslo_config.ours(after.text or "")
    may_be_shown = {*_INTERFACES, *(oslo_config.key(*name) for name in clear)} - {oslo_config.key(*name) for name in secrets}
    hidden = (had.keys() | has.keys()) - may_be_shown
    now = oslo_config.shown(after.text or "", hidden)
    for name, value in now.items():
        if value == MASK and had.get(name) != has[name]:
            now[name] = f"{MASK} (new)"
    return {
        "before_header": before.path,
        "after_header": after.path,
        "before": _listed(oslo_config.shown(before.text or "", hidden)),
        "after": _listed(now),
    }


def _listed(options: Mapping[Name, str]) -> str:
    return "".join(f"[{section}] {name} = {value}\n" for (section, name), value in options.items())


def actions(before: File, after: File) -> tuple[str, ...]:
    """What is written, in words."""
    had, has = oslo_config.ours(before.text or ""), oslo_config.ours(after.text or "")
    taken = [
        f"take back [{name[0]}] {name[1]} in {before.path}"
        for name, value in had.items()
        if name not in has and value is not None
    ]
    given = [f"set [{name[0]}] {name[1]} in {before.path}" for name in has if had.get(name) != has[name]]
    gone = [f"remove {before.path}"] if after.text is None else []
    rest = [f"write {before.path} anew"] if not (taken or given or gone) and before.text != after.text else []
    return (*taken, *given, *gone, *rest)
