# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role `sandbox` runs inside its virtual environment."""
