# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Opens all pages of the site in headless Chromium, one after the other, and tells how each looks there."""

from __future__ import annotations

import html
import json
import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]

# Pages of files may not look into each other, so that each one measures itself and tells the page around it.
MEASURE = """
<script>
function channels(colour) { return colour.match(/[\\d.]+/g).map(Number); }
function luminance(colour) {
  const [r, g, b] = channels(colour).map(c => c / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
function background(element) {
  for (let at = element; at; at = at.parentElement) {
    const colour = getComputedStyle(at).backgroundColor, [,,, alpha] = channels(colour);
    if (alpha === undefined || alpha === 1) return colour;
  }
  return "rgb(255, 255, 255)";
}
function contrast(element) {
  const lights = [luminance(getComputedStyle(element).color), luminance(background(element))];
  return (Math.max(...lights) + 0.05) / (Math.min(...lights) + 0.05);
}
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
    dom = _chromium(
        frame, "--dump-dom", "--virtual-time-budget=120000", f"--blink-settings=preferredColorScheme={0 if dark else 1}"
    )
    told = re.search(r"<body>(\{.*\})", dom, re.DOTALL)
    assert told, dom[-2000:]
    return {page: Look(**look) for page, look in json.loads(html.unescape(told[1])).items()}


def _chromium(page: Path, *options: str) -> str:
    subprocess.run([REPOSITORY / "tools" / "need.sh", "chromium:chromium"], check=True)
    # It asks for updates of its own: with these rules it finds no host at all. Its sandbox needs a user that is not root.
    quiet = ["--headless", "--no-sandbox", "--disable-gpu", "--no-proxy-server", "--host-resolver-rules=MAP * ~NOTFOUND"]
    profile = f"--user-data-dir={page.parent / 'chromium'}"
    command = ["chromium", *quiet, profile, "--window-size=1500,1000", *options, page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, check=True).stdout
