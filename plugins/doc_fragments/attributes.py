# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

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
  action:
    support: full
    description:
      - The module runs within Ansible's worker process, without a process of its own, where that gives the same result. This takes less than a
        tenth of the CPU.
      - It runs as any other module where the connection is not local, with C(become) or C(async), with an C(environment) of other variables than
        those of the cloud (C(OS_*)), of proxies and of certificates, where C(ansible_python_interpreter) names another Python than the one that
        runs Ansible, and where the libraries that it needs cannot be imported by that one. With C(-vvv) Ansible says why.
      - The variable C(bfv_in_process), or else the environment variable E(BFV_IN_PROCESS), turns this off with V(false).
  async:
    support: full
    description:
      - The module can be run with the C(async) keyword.
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

    ROLE_TASK = r"""
attributes:
  action:
    support: full
    description:
      - It is an action plugin, which runs on the controller.
  async:
    support: none
    description:
      - The task cannot be run with the C(async) keyword.
  check_mode:
    support: full
    description:
      - In check mode nothing is changed, and the result is what would be.
  diff_mode:
    support: full
    description:
      - In diff mode each host has what is different of its machine. Secrets never appear in it.
  idempotent:
    support: full
    description:
      - A second run with the same variables changes nothing, as long as nobody else has changed the cloud.
"""
