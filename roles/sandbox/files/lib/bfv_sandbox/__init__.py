# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0
"""What the role `sandbox` runs inside its virtual environment."""
