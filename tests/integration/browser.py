# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Opens a page in headless Chromium, and tells how it looks there."""

from __future__ import annotations

import html
import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
NEED = REPOSITORY / "tools" / "need.sh"

# Runs in a copy of the page that has no policy against it, within a frame of the wanted width (Chromium's own windows are 500 wide at least).
_LOOK = """
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
  const style = getComputedStyle(element);
  const [dark, light] = [luminance(element.ownerSVGElement ? style.fill : style.color), luminance(background(element))].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}
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
    dom = _chromium(
        frame, "--dump-dom", "--virtual-time-budget=5000", f"--blink-settings=preferredColorScheme={0 if dark else 1}"
    )
    told = re.search(r"<body>(\{.*\})", dom.stdout, re.DOTALL)
    assert told, dom.stdout + dom.stderr
    return Look(**json.loads(html.unescape(told[1])))


def complaints(page: Path) -> list[str]:
    """What the browser has to say about the page itself, such as that its policy forbids to load something."""
    ended = _chromium(page, "--dump-dom", "--enable-logging=stderr")
    return [line for line in ended.stderr.splitlines() if "CONSOLE" in line]


def _chromium(page: Path, *options: str) -> subprocess.CompletedProcess[str]:
    subprocess.run([NEED, "chromium:chromium"], check=True)
    # It asks for updates of its own: with these rules it finds no host at all. Its sandbox needs a user that is not root.
    quiet = ["--headless", "--no-sandbox", "--disable-gpu", "--no-proxy-server", "--host-resolver-rules=MAP * ~NOTFOUND"]
    profile = f"--user-data-dir={page.parent / 'chromium'}"
    command = ["chromium", *quiet, profile, "--window-size=1400,2000", *options, page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
