# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What our site has other than the conf.py that antsibull-docs writes; tools/docs_site.sh appends it to that one."""

import zlib
from pathlib import Path

pygments_style = "default"
pygments_dark_style = "monokai"
antsibull_ext_color_scheme = "default-autodark"
html_title = "bfv.openstack"
html_static_path = ["static"]
html_css_files = ["site.css"]


def inventory(labels: str) -> bytes:
    """The labels as Sphinx wants them of another site (https://sphobjinv.readthedocs.io/en/stable/syntax.html)."""
    lines = [line.split() for line in labels.splitlines() if not line.startswith("#")]
    entries = "".join(f"{name} {kind} -1 {page} -\n" for kind, name, page in lines)
    head = "# Sphinx inventory version 2\n# Project: Ansible\n# Version: devel\n# The remainder of this file is compressed using zlib.\n"
    return head.encode() + zlib.compress(entries.encode())


here = Path(__file__).parent
(here / "ansible.inv").write_bytes(inventory((here / "ansible_labels.txt").read_text()))
intersphinx_mapping = {
    "ansible_devel": ("https://docs.ansible.com/projects/ansible/devel/", "../ansible.inv")
}  # from rst, where the pages are
