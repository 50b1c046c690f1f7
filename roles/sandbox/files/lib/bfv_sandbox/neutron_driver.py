# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Neutron mechanism driver that binds every port on every host: there are no agents and no wires."""

import importlib

from neutron_lib.api.definitions import portbindings
from neutron_lib.plugins.ml2 import api

# Lists of ports use a relation that this module adds; without routers nothing else imports it.
importlib.import_module("neutron.db.models.port_forwarding")


class AnyBindMechanismDriver(api.MechanismDriver):
    def initialize(self):
        pass

    @property
    def connectivity(self):
        return portbindings.CONNECTIVITY_L2

    def bind_port(self, context):
        segment = context.segments_to_bind[0]
        context.set_binding(segment[api.ID], portbindings.VIF_TYPE_OTHER, {}, status="ACTIVE")
