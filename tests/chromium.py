# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Headless Chromium, and how a page in it counts the contrast of its texts."""

from __future__ import annotations

import subprocess
from pathlib import Path

NEED = Path(__file__).resolve().parents[1] / "tools" / "need.sh"

# luminance() and contrast() of WCAG 2, for a script of the page.
CONTRAST = """
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
"""


def chromium(page: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Open a page; what it wrote is in ``stdout`` and ``stderr``."""
    subprocess.run([NEED, "chromium:chromium"], check=True)
    # It asks for updates of its own: with these rules it finds no host at all. Its sandbox needs a user that is not root.
    quiet = ["--headless", "--no-sandbox", "--disable-gpu", "--no-proxy-server", "--host-resolver-rules=MAP * ~NOTFOUND"]
    profile = f"--user-data-dir={page.parent / 'chromium'}"
    command = ["chromium", *quiet, profile, "--window-size=1500,2000", *options, page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, check=True)
