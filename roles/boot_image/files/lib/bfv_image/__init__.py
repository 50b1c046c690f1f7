# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0
"""The programs of the role boot_image. They run on the builder, with the Python that has diskimage-builder."""
