# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cinder's API, scheduler and volume service in one process.

oslo.messaging's fake:/ transport works inside one process only; with it no message broker is needed.
Usage: python -m bfv_sandbox.cinder_one_process --config-file cinder.conf
"""

# The first import: Eventlet has to patch the standard library before anything else is imported, and this has it patched
# in the way of its release.
from cinder.cmd.volume import host_opt  # isort: split

import shlex
import sys

import os_brick
from cinder import coordination, objects, rpc, service, utils, version
from cinder.common import config, constants
from oslo_config import cfg
from oslo_log import log
from oslo_privsep import priv_context
from oslo_service.service import ServiceLauncher

CONF = cfg.CONF


def main() -> None:
    objects.register_all()
    CONF(sys.argv[1:], project="cinder", version=version.version_string())
    config.set_middleware_defaults()
    log.setup(CONF, "cinder")
    priv_context.init(root_helper=shlex.split(utils.get_root_helper()))
    os_brick.setup(CONF)
    rpc.init(CONF)
    coordination.COORDINATOR.start()

    services = [service.Service.create(binary=constants.SCHEDULER_BINARY)]
    for backend in CONF.enabled_backends:
        CONF.register_opt(host_opt, group=backend)
        services.append(
            service.Service.create(
                host=f"{CONF.host}@{backend}",
                service_name=backend,
                binary=constants.VOLUME_BINARY,
                coordination=True,
            )
        )
    services.append(service.WSGIService("osapi_volume"))

    launcher = ServiceLauncher(CONF)
    for each in services:
        launcher.launch_service(each)
    launcher.wait()


if __name__ == "__main__":
    main()
