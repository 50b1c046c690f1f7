# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Configuration files of OpenStack services as text: read as oslo.config reads them, changed without touching a line of others.

What is set leaves a mark, and what it takes the place of stays beside it as a comment. So a file can be had back as it was,
and a second run sees what was there without the first. The mark has a digest of what was set: a line that somebody has changed by
hand since is somebody else's, and stays.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from .errors import Invalid
from .secrets import MASK, is_secret

Name = tuple[str, str]  # section and option

_SECTION = "# bfv.openstack, section:"  # the next line is a header that was not there
_SET = "# bfv.openstack, set: "  # its name, and a digest; the next line is an option of ours
_WAS = "# bfv.openstack, was: "  # the rest of this line was there
HEADER = "# Made by bfv.openstack.conductor_config.\n"
# Of release 0.1.0, whose files had no marks: all of them is ours.
_UNMARKED = "# Written by bfv.openstack.conductor_config. What is changed here by hand is lost.\n"
_TEMPLATE = (("{{", "}}"), ("{%", "%}"), ("{#", "#}"))  # what Jinja puts something in the place of


@dataclass(frozen=True)
class Option:
    """An option where it stands: ``first`` is its first line and ``end`` the line behind its last, counted from 0."""

    section: str
    name: str
    value: str
    first: int
    end: int

    @property
    def key(self) -> Name:
        return key(self.section, self.name)


def key(section: str, name: str) -> Name:
    """How oslo.config knows an option: of a section's name only DEFAULT is told apart by its case."""
    return (section if section == "DEFAULT" else section.lower(), name)


def options(text: str) -> list[Option]:
    """All options of a file in their order. Raises Invalid where oslo.config could not read it."""
    found: list[Option] = []
    section, open_option = "", False
    for number, line in enumerate(_lines(text)):
        stripped = line.rstrip()
        if not stripped:
            open_option = False
        elif stripped[0] in " \t":
            if not open_option:
                raise Invalid(f"line {number + 1} begins with a blank and continues nothing")
            last = found.pop()
            found.append(Option(last.section, last.name, f"{last.value}\n{stripped.lstrip()}", last.first, number + 1))
        elif stripped[0] == "[":
            if len(stripped) < 3 or stripped[-1] != "]":
                raise Invalid(f"line {number + 1} begins with [ and is no section")
            section, open_option = stripped[1:-1], False
        elif stripped[0] in "#;":
            open_option = False
        else:
            found.append(_option(section, stripped, number))
            open_option = True
    return found


def _option(section: str, line: str, number: int) -> Option:
    name, separator, value = re.match(r"([^:=]*)([:=]?)(.*)", line, re.DOTALL).groups()  # type: ignore[union-attr]
    if not separator or not name.strip() or not section:
        raise Invalid(f"line {number + 1} is no option of a section")  # what it is may be a password
    value = value.strip()
    if value and value[0] == value[-1] and value[0] in "\"'":
        value = value[1:-1]
    return Option(section, name.strip(), value, number, number + 1)


def effective(texts: Iterable[str]) -> dict[Name, str]:
    """What holds when a service reads these files in this order: the last one wins."""
    return {option.key: option.value for text in texts for option in options(text)}


def words(value: str) -> list[str]:
    """A list as oslo.config writes it."""
    return [word for word in (part.strip() for part in value.replace("\n", ",").split(",")) if word]


def united(found: Collection[str], wanted: Collection[str]) -> list[str]:
    """What is there in its order, and behind it what is missing."""
    return list(dict.fromkeys([*found, *wanted]))


def written(value: object, *, literally: bool) -> str:
    """A value as it stands in a file. ``literally`` is for passwords: no $ in them stands for another option."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return ",".join(str(item) for item in value)
    text = str(value)
    if "\n" in text or "\r" in text:
        raise Invalid("a value has more than one line")
    if literally:
        if "\\$" in text:
            raise Invalid(r"oslo.config cannot read a value that holds \$")  # it takes \$ for a $, wherever it stands
        text = text.replace("$", "$$")
        if text != text.strip() or (text and text[0] == text[-1] and text[0] in "\"'"):
            text = f'"{text}"'  # oslo.config takes off the spaces around a value, and one pair of quotes
    return text


def is_made(text: str) -> bool:
    """Whether this collection made the file."""
    return text.replace("\r\n", "\n").startswith((HEADER, _UNMARKED))


def is_empty(text: str) -> bool:
    """Whether nobody has anything in a file."""
    return not text.replace("\r\n", "\n").removeprefix(HEADER).strip()


def with_options(text: str, wanted: Mapping[Name, str]) -> str:
    """The file with these options set, whatever an earlier run has set in it. Everything else stays where it is."""
    text = without_options(text)
    for (section, name), value in wanted.items():
        text = _with_option(text, section, name, value)
    return text


def _with_option(text: str, section: str, name: str, value: str) -> str:
    lines = _lines(text)
    end = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    line = f"{name} = {value}{end}"
    ours = [f"{_SET}{name} {_digest(line)}{end}", line]
    there = [option for option in options(text) if option.key == key(section, name)]
    if there:
        # All of them become comments: the last one counts, and ours takes its place.
        lines[there[-1].end : there[-1].end] = ours
        for option in there:
            lines[option.first : option.end] = [f"{_WAS}{line}" for line in lines[option.first : option.end]]
        return "".join(lines)
    place = _place(text, lines, section, name)
    if place is None:
        return "".join([*lines, end, f"{_SECTION}{end}", f"[{section}]{end}", *ours])
    lines[place:place] = ours
    return "".join(lines)


def _place(text: str, lines: list[str], section: str, name: str) -> int | None:
    """Where a new option of a section goes: behind its sample, else behind the section's last option or its header."""
    place, inside = None, False
    ends = {option.first: option.end for option in options(text)}
    for number, line in enumerate(lines):
        if line.startswith("["):
            inside = key(line.strip()[1:-1], "") == key(section, "")
            if inside:
                place = number + 1
        elif inside and re.match(rf"#\s?{re.escape(name)}\s*=", line):
            return number + 1
        elif inside and number in ends:
            place = ends[number]
    return place


def without_options(text: str) -> str:
    """The file without what ``with_options`` has set, as it was before. A last line without an end gets one."""
    if text.startswith(_UNMARKED):
        return ""
    kept: list[str] = []
    lines = _lines(text)
    number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        if line.startswith(_WAS):
            kept.append(line[len(_WAS) :])
        elif line.startswith(_SET):
            number = _behind(lines, number)
        elif line.rstrip() == _SECTION:
            if kept and not kept[-1].strip():
                kept.pop()
            if not _foreign(lines, number + 1):
                number += 1
        else:
            kept.append(line)
    return "".join(kept)


def ours(text: str) -> dict[Name, str | None]:
    """What ``with_options`` has set; None where somebody has changed it since."""
    lines = _lines(text)
    there = {option.first: option for option in options(text)}
    found: dict[Name, str | None] = {}
    for number, option in there.items():
        if text.startswith(_UNMARKED):
            found[option.key] = option.value
        elif number and _marked(lines[number - 1])[0] == option.name:
            found[option.key] = option.value if _behind(lines, number) > number else None
    return found


def _behind(lines: list[str], number: int) -> int:
    """The line behind an option of ours; the same line where somebody has taken it away or changed it."""
    name, digest = _marked(lines[number - 1])
    end = number
    if end < len(lines) and re.match(rf"{re.escape(name)}\s*[:=]", lines[end]):
        end += 1
        while end < len(lines) and lines[end].strip() and lines[end][0] in " \t":
            end += 1
    # Marks of release 0.1.0 have no digest.
    return end if not digest or _digest("".join(lines[number:end])) == digest else number


def _marked(line: str) -> tuple[str, str]:
    """The name and the digest in a mark."""
    name, _blank, digest = line.removeprefix(_SET).strip().partition(" ") if line.startswith(_SET) else ("", "", "")
    return name, digest


def _digest(text: str) -> str:
    text = text.replace("\r\n", "\n")  # an editor may change all ends of a file
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _foreign(lines: list[str], number: int) -> bool:
    """Whether a section that we made has been given more than our options."""
    while number < len(lines) and not lines[number].startswith("["):
        if lines[number].startswith(_SET):
            number = _behind(lines, number + 1)
        elif lines[number].rstrip() == _SECTION or not lines[number].strip():
            number += 1
        else:
            return True
    return False


def shown(text: str, secrets: Collection[Name] = ()) -> dict[Name, str]:
    """What is ours in a file, to be shown: no line of others, and no secret."""
    return {
        name: "(changed by hand)"
        if value is None
        else MASK
        if name in secrets or is_secret(name[1])
        else without_credentials(value)
        for name, value in ours(text).items()
    }


def without_credentials(value: str) -> str:
    """A value without the passwords of its URLs: of a database, or of a message broker with several hosts.

    A password may have all that means something in a URL, and only the last @ is surely none of it. So of several hosts the last is shown,
    and a query not at all: drivers take passwords there.
    """
    scheme, found, rest = value.partition("://")
    if not found:
        return value
    credentials, at, hosts = rest.rpartition("@")
    if at:
        user, colon, _password = credentials.partition(":")
        hosts = f"{user}:{MASK}@{hosts}" if colon else f"{MASK}@{hosts}"
    where, question, _query = hosts.partition("?")
    return f"{scheme}://{where}?{MASK}" if question else f"{scheme}://{where}"


def template_line(text: str) -> int:
    """The first line, counted from 1, in which Jinja would put something in its place; 0 where there is none."""
    for number, line in enumerate(_lines(text)):
        if any(begin in line and end in line.partition(begin)[2] for begin, end in _TEMPLATE):
            return number + 1
    return 0


def is_template(value: str) -> bool:
    """Whether Jinja would take a value for its own, or begin to."""
    return any(begin in value for begin, _end in _TEMPLATE)


def _lines(text: str) -> list[str]:
    """The lines with their ends, and only those ends that oslo.config knows."""
    lines = [f"{line}\n" for line in text.split("\n")]
    if not text or text.endswith("\n"):
        lines.pop()
    return lines
