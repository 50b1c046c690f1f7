# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Opens a page in headless Chromium, and tells how it looks there."""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass
from pathlib import Path

from ..chromium import CONTRAST, chromium

# Runs in a copy of the page that has no policy against it, within a frame of the wanted width (Chromium's own windows are 500 wide at least).
_LOOK = (
    f"<script>{CONTRAST}"
    + """
function seen(rows) { return [...document.querySelectorAll(rows)].filter(row => row.offsetHeight).length; }
onload = () => {
  const texts = [...document.querySelectorAll("body *")].filter(one => [...one.childNodes].some(node => node.nodeType === 3 && node.data.trim()));
  const shown = texts.filter(one => one.tagName !== "SCRIPT" && one.tagName !== "title" && one.getClientRects().length);
  const before = seen(".boots tbody tr");
  const failed = document.getElementById("only-failed");
  if (failed) failed.click();
  parent.postMessage({
    wider: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    contrast: Math.min(...shown.map(contrast)),
    loaded: performance.getEntriesByType("resource").map(one => one.name),
    dark: luminance(getComputedStyle(document.body).backgroundColor) < 0.1,
    rows: before,
    failed: seen(".boots tbody tr"),
  }, "*");
};
</script>
"""
)
_FRAME = """<body><iframe src="{page}" style="border: 0; width: {width}px; height: 2000px"></iframe>
<script>onmessage = told => document.body.textContent = JSON.stringify(told.data);</script>"""


@dataclass(frozen=True)
class Look:
    """How a page looks."""

    wider: int  # than the screen, in pixels
    contrast: float  # the lowest of all texts, as WCAG 2 counts it
    loaded: list[str]  # whatever it asked for beside itself
    dark: bool
    rows: int  # of the table of what boots from what
    failed: int  # of these, when only those that failed are asked for


def look(page: Path, width: int, dark: bool) -> Look:
    """Open a copy of the page that measures itself."""
    text, policies = re.subn(r"<meta http-equiv=[^>]*>", "", page.read_text(encoding="utf-8"))
    assert policies == 1
    copy = page.with_name(f"measured-{page.name}")
    copy.write_text(text.replace("</body>", f"{_LOOK}</body>"), encoding="utf-8")
    frame = page.with_name(f"frame-{page.name}")
    frame.write_text(_FRAME.format(page=copy.as_uri(), width=width), encoding="utf-8")
    dom = chromium(frame, "--dump-dom", "--virtual-time-budget=5000", f"--blink-settings=preferredColorScheme={0 if dark else 1}")
    told = re.search(r"<body>(\{.*\})", dom.stdout, re.DOTALL)
    assert told, dom.stdout + dom.stderr
    return Look(**json.loads(html.unescape(told[1])))


def complaints(page: Path) -> list[str]:
    """What the browser has to say about the page itself, such as that its policy forbids to load something."""
    ended = chromium(page, "--dump-dom", "--enable-logging=stderr")
    return [line for line in ended.stderr.splitlines() if "CONSOLE" in line]
