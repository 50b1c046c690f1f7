# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state machine of nodes that take over from each other, and of machines that die and are switched on again."""

from __future__ import annotations

from ansible_collections.bfv.openstack.tests.unit.fake_cinder import Json
from ansible_collections.bfv.openstack.tests.unit.laws.machine import NODE, WEATHER, Fleets, some
from ansible_collections.bfv.openstack.tests.unit.laws.world import FAIR, NODES, Weather
from hypothesis import strategies as st
from hypothesis.stateful import rule


class Takeovers(Fleets):
    """Runs that let one node take over from the other beside all that befalls fleets. One of them runs from the disk that both may ask for."""

    def __init__(self) -> None:
        super().__init__()
        self.obey("fleet", {"nodes": [{"node": "bm-0", "volumes": [{"name": "root", "image": "debian"}]}]}, FAIR)
        (self.disk,) = self.cloud.volumes

    @rule(
        node=NODE,
        mode=st.sampled_from(["never", "powered_off", "powered_off", "confirmed", "confirmed"]),
        ready=st.sampled_from([True, True, False]),
        right=st.sampled_from([True, True, False]),
        more=some(
            takeover_initiator=st.sampled_from(["keep", "own"]),
            state=st.sampled_from(["prepared", "deployed", "deployed"]),
            power_off=st.booleans(),
        ),
        weather=WEATHER,
    )
    def a_spare_takes_over(self, node: str, mode: str, ready: bool, right: bool, more: Json, weather: Weather) -> None:
        (other,) = (name for name in NODES if name != node)
        if ready:
            self.cloud.repair(self.node(node))
        if mode == "confirmed":
            more = {**more, "takeover_confirmed": [other if right else "bm-7"]}
        if mode == "confirmed" and right:
            self.cloud.unplug(self.node(other))  # what is said is so
        entry = {"node": node, "storage_interface": "cinder", "iscsi_boot": True, "volumes": [{"id": self.disk}]}
        self.obey("fleet", {"nodes": [entry], "takeover": mode, **more}, weather)

    @rule(node=NODE, deed=st.sampled_from(["unplug", "repair", "repair", "switch on", "switch off", "protect", "let go"]))
    def somebody_is_at_a_machine(self, node: str, deed: str) -> None:
        record = self.node(node)
        if deed == "unplug":
            self.cloud.unplug(record)
        elif deed == "repair":
            self.cloud.repair(record)
        elif deed in ("protect", "let go"):
            record["protected"] = deed == "protect"
        elif node not in self.cloud.dead:
            record["power_state"] = f"power {deed.rpartition(' ')[2]}"
            self.cloud.switched(record)
