# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations


class ModuleDocFragment:
    """What every module of this collection promises."""

    DOCUMENTATION = r"""
attributes:
  check_mode:
    support: full
    description:
      - In check mode the module only reads, and reports what it would change.
  diff_mode:
    support: full
    description:
      - In diff mode the module returns what was and what is, or would be. Secrets never appear in it.
  idempotent:
    support: full
    description:
      - A second run with the same options changes nothing, as long as nobody else has changed the cloud.
"""

    ACTION_GROUP = r"""
attributes:
  action_group:
    support: full
    description:
      - One entry C(group/bfv.openstack.openstack) in C(module_defaults) sets defaults for this module,
        for the others of this collection and for those of C(openstack.cloud).
    membership:
      - bfv.openstack.openstack
"""
