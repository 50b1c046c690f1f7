# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guides as a reader follows them: the files they show are written, and their commands typed, from top to bottom.

A block of YAML begins with a comment, the file's name. A block ``console`` has commands after ``$`` and what they print. There ``...`` stands
for any lines, and within a line for any part of it. A guide says that a command fails by showing a ``fatal:``. There are no other blocks.
"""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from docutils import nodes
from docutils.core import publish_doctree

from .runs import BIN

GUIDES = Path(__file__).resolve().parents[2] / "docs" / "docsite" / "rst"
_NAME = re.compile(r"# ([\w./-]+)\n")


class UnknownBlockError(Exception):
    """A block of a guide that is neither a file nor commands: nobody would notice when it is wrong."""


@dataclass(frozen=True)
class File:
    """A file that the reader writes."""

    name: str
    text: str


@dataclass(frozen=True)
class Command:
    """A command that the reader types, and what the guide says that it prints; nothing where the guide does not say."""

    line: str
    prints: str = ""

    @property
    def fails(self) -> bool:
        return "fatal: " in self.prints

    def complaint(self, code: int, printed: str) -> str:
        """What is other than in the guide; empty if nothing is."""
        if (code != 0) != self.fails:
            return f"ends with {code}"
        return "" if not self.prints or agree(self.prints.splitlines(), _lines(printed)) else "prints something else"


def agree(shown: list[str], printed: list[str]) -> bool:
    """Whether lines are as shown: ``...`` alone stands for any lines, and within a line for any part of it."""
    passages: list[list[re.Pattern[str]]] = [[]]
    for line in shown:
        if line.strip() == "...":
            passages.append([])
        else:
            passages[-1].append(re.compile(".*".join(map(re.escape, line.split("...")))))
    first, *others = passages
    if not others:
        return len(first) == len(printed) and _begins(printed, first)
    *between, last = others
    rest = printed[len(first) :]
    if not _begins(printed, first):
        return False
    for passage in between:
        start = next((at for at in range(len(rest) + 1) if _begins(rest[at:], passage)), None)
        if start is None:
            return False
        rest = rest[start + len(passage) :]
    return len(rest) >= len(last) and _begins(rest[len(rest) - len(last) :], last)


def _begins(lines: list[str], passage: list[re.Pattern[str]]) -> bool:
    return len(lines) >= len(passage) and all(one.fullmatch(line) for one, line in zip(passage, lines, strict=False))


def _lines(text: str) -> list[str]:
    """Without blank lines at both ends and blanks at the ends of lines, which nobody sees."""
    return [line.rstrip() for line in text.strip("\n").splitlines()]


def steps(guide: str) -> list[File | Command]:
    """What the reader of a guide does, in order."""
    doctree = publish_doctree(guide, settings_overrides={"report_level": 5})
    return [step for block in doctree.findall(nodes.literal_block) for step in _steps(block)]


def _steps(block: nodes.literal_block) -> Iterator[File | Command]:
    text = block.astext()
    language = block["classes"][-1] if block["classes"] else ""
    if language in ("yaml", "yaml+jinja") and (name := _NAME.match(text)):
        yield File(name[1], f"{text}\n")
    elif language == "console" and text.startswith("$ "):
        for one in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
            line, _end, prints = one.replace("\\\n", "").partition("\n")
            yield Command(line, "\n".join(_lines(prints)))
    else:
        raise UnknownBlockError(f"{language or 'literal'} block is neither a file nor commands: {text[:60]!r}")


class Shell:
    """A shell in a folder, for commands that may depend on each other. Nobody sits at it, so it has no terminal."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        names = ("HOME", "LANG", "ANSIBLE_COLLECTIONS_PATH", "PYTHONPATH")
        self._shell = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=folder,
            env={name: os.environ[name] for name in names if name in os.environ}
            | {"PATH": f"{BIN}:{os.environ['PATH']}", "ANSIBLE_NOCOLOR": "true", "PYTHONUNBUFFERED": "1"}
            | environment,
        )

    def run(self, line: str, timeout: float = 1800) -> tuple[int, str]:
        """The exit code of a command and what it printed."""
        assert self._shell.stdin
        assert self._shell.stdout
        end = f"end-{secrets.token_hex(8)}"
        # `eval` keeps a mistake in the line from swallowing the end.
        self._shell.stdin.write(f"eval {_quoted(line)} </dev/null; code=$?; echo; echo {end} $code\n")
        self._shell.stdin.flush()
        alarm = threading.Timer(timeout, self._shell.kill)
        alarm.start()
        printed: list[str] = []
        for text in self._shell.stdout:
            if text.startswith(end):
                alarm.cancel()
                return int(text.split()[1]), "".join(printed)
            printed.append(text)
        raise AssertionError(f"{line!r} did not end within {timeout} s: {''.join(printed)}")

    def close(self) -> None:
        """End it."""
        self._shell.communicate("exit\n")


def _quoted(line: str) -> str:
    return "'" + line.replace("'", "'\\''") + "'"


def follow(guide: str, shell: Shell, instead: Mapping[str, str]) -> str:
    """Do what a guide says, and return what is wrong with it, with all that came before; empty if nothing is.

    ``instead`` has the commands that cannot be run as they are.
    """
    transcript = ""
    for step in steps(guide):
        if isinstance(step, File):
            path = shell.folder / step.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(step.text, encoding="utf-8")
            continue
        code, printed = shell.run(instead.get(step.line, step.line))
        transcript += f"$ {step.line}\n{printed}"
        if complaint := step.complaint(code, printed):
            return f"{transcript}\n{step.line!r} {complaint}. The guide says:\n{step.prints}"
    return ""
