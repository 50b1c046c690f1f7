# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Opens all pages of the site in headless Chromium, one after the other, and tells how each looks there."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..chromium import CONTRAST, chromium

# Pages of files may not look into each other, so that each one measures itself and tells the page around it.
MEASURE = (
    f"<script>{CONTRAST}"
    + """
addEventListener("load", () => {
  const pictures = [...document.querySelectorAll("article img")];
  const texts = [...document.querySelectorAll("article *")].filter(
    one => one.getClientRects().length && [...one.childNodes].some(node => node.nodeType === 3 && node.data.trim()));
  const faint = texts.filter(one => contrast(one) < 3);
  parent.postMessage({
    wider: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    pictures: pictures.length,
    broken: pictures.filter(one => !(one.complete && one.naturalWidth)).length,
    faint: [...new Set(faint.map(one => `${one.tagName.toLowerCase()}.${one.className}`))],
    dark: luminance(background(document.body)) < 0.1,
  }, "*");
});
</script>
"""
)
FRAME = """<body><iframe style="border: 0; width: {width}px; height: 900px"></iframe>
<script>
const pages = {pages}, told = {{}}, frame = document.querySelector("iframe");
function next() {{
  if (pages.length) frame.src = pages[0];
  else document.body.textContent = JSON.stringify(told);
}}
onmessage = message => {{ told[pages.shift()] = message.data; next(); }};
next();
</script>"""


@dataclass(frozen=True)
class Look:
    """How a page looks."""

    wider: int  # than the screen, in pixels
    pictures: int
    broken: int  # of these
    faint: list[str]  # what has text of too little contrast
    dark: bool


def looks(site: Path, pages: Iterable[str], width: int, dark: bool) -> dict[str, Look]:
    """How the pages of a copy of the site look, into which this writes."""
    names = sorted(pages)
    for page in names:
        text = (site / page).read_text(encoding="utf-8")
        if MEASURE not in text:
            (site / page).write_text(text.replace("</body>", f"{MEASURE}</body>"), encoding="utf-8")
    frame = site / "frame.html"
    frame.write_text(FRAME.format(pages=json.dumps(names), width=width), encoding="utf-8")
    dom = chromium(
        frame, "--dump-dom", "--virtual-time-budget=120000", f"--blink-settings=preferredColorScheme={0 if dark else 1}"
    ).stdout
    told = re.search(r"<body>(\{.*\})", dom, re.DOTALL)
    assert told, dom[-2000:]
    return {page: Look(**look) for page, look in json.loads(html.unescape(told[1])).items()}
