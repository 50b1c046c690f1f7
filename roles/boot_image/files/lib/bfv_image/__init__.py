# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs of the role boot_image. They run on the builder, with the Python that has diskimage-builder."""
