# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state machines: which tasks and deeds come after one another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.bfv.openstack.tests.unit import deeds
from ansible_collections.bfv.openstack.tests.unit.fake_cinder import Json, uuid_of
from ansible_collections.bfv.openstack.tests.unit.laws.laws import obey, obey_at_once
from ansible_collections.bfv.openstack.tests.unit.laws.ledger import Ledger
from ansible_collections.bfv.openstack.tests.unit.laws.world import FAILURES, FAIR, NODES, Task, Watched, Weather, a_world
from ansible_collections.bfv.openstack.tests.unit.nova_records import ATTACHED
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

WEATHER = st.one_of(
    st.just(FAIR),
    st.builds(Weather, st.sampled_from(["killed", "lost"]), st.integers(min_value=1, max_value=12)),
    st.builds(Weather, st.sampled_from(sorted(FAILURES))),
)
NAMES = st.sampled_from(["root", "root", "data", "ROOT"])
IMAGES = st.sampled_from(["debian", "fedora"])
TYPES = st.sampled_from(["lvm", "fast", "lvm", "fast", uuid_of("volume type lvm"), "unknown"])
WHICH = st.integers(min_value=0, max_value=5)


def some(**options: Any) -> Any:
    """Some of these options."""
    return st.fixed_dictionaries({}, optional=options)


def _unless_held(deed: Callable[[Json], object]) -> Callable[[Watched, Json, Json], object]:
    """Of volumes that nobody holds."""
    return lambda _cloud, volume, _other: None if volume["attachments"] else deed(volume)


# What other people do to one volume, where there is another one.
TO_VOLUMES: dict[str, Callable[[Watched, Json, Json], object]] = {
    "restore a backup": lambda cloud, volume, _: deeds.restore(cloud, deeds.back_up(cloud, volume)),
    "copy its marks": lambda _, volume, other: deeds.copy_marks(volume, other),
    "migrate": lambda _, volume, __: deeds.migrate(volume),
    "migrate to another zone": lambda _, volume, __: deeds.migrate(volume, "az1"),
    "forget its image": lambda _, volume, __: deeds.forget_image(volume),
    "call it like the other": lambda _, volume, other: volume.update(name=other["name"]),
    "call it in capitals": lambda _, volume, __: volume.update(name=volume["name"].upper()),
    "take a snapshot": lambda cloud, volume, _: deeds.snapshot(cloud, volume),
    "back it up": lambda cloud, volume, _: deeds.back_up(cloud, volume, "backup of root"),
    "attach": _unless_held(lambda volume: deeds.attach_elsewhere(volume, uuid_of("somebody's machine"))),
    "attach without a device": _unless_held(lambda volume: deeds.attach_elsewhere(volume, uuid_of("somebody's machine"), None)),
    "detach": lambda _, volume, __: deeds.detach(volume, uuid_of("somebody's machine")),
    "reserve": _unless_held(deeds.reserve),
    **{
        f"set its status to {status}": _unless_held(lambda volume, status=status: volume.update(status=status))  # type: ignore[misc]
        for status in ("error", "error_extending", "error_deleting", "error_restoring", "maintenance", "available")
    },
}


def _set(**fields: object) -> Callable[[Watched, Json], object]:
    return lambda _cloud, server: server.update(fields)


# What other people do to one server.
TO_SERVERS: dict[str, Callable[[Watched, Json], object]] = {
    "lock": _set(locked=True),
    "unlock": _set(locked=False),
    "rename": _set(name="db"),
    "call it in capitals": lambda _, server: server.update(name=server["name"].upper()),
    "edit its metadata": lambda _, server: server["metadata"].update(owner="somebody"),
    "describe it": _set(description="theirs", tags=["theirs"]),
    "resize it": lambda cloud, server: deeds.resize(server, "large"),
    "shelve it": lambda cloud, server: deeds.act(cloud, server, "shelve"),
    "unshelve it": lambda cloud, server: deeds.act(cloud, server, "unshelve"),
    "pause it": lambda cloud, server: deeds.act(cloud, server, "pause"),
    "stop it": lambda cloud, server: deeds.act(cloud, server, "os-stop"),
    "break it": lambda _, server: server.update(status="ERROR", fault={"message": "Something broke."}),
    "attach a volume": lambda _, __: None,
    "give it user data": _set(_user_data="dGhlaXJz"),
    "let its disk go with it": lambda _, server: [one.update(delete_on_termination=True) for one in server[ATTACHED]],
}


class World(RuleBasedStateMachine):
    """A cloud, its ledger, and what both are told of each step."""

    def __init__(self) -> None:
        super().__init__()
        self.cloud = a_world()
        self.ledger = Ledger()

    def obey(self, module: str, options: Json, weather: Weather, *, as_fleet: bool = False) -> None:
        obey(self.cloud, self.ledger, Task(module, options, as_fleet), weather)

    def one(self, which: int) -> Json:
        """One of the volumes that are there."""
        return list(self.cloud.volumes.values())[which % len(self.cloud.volumes)]


def there_are_volumes(world: World) -> bool:
    return bool(world.cloud.volumes)


class Volumes(World):
    """Runs of bfv_volume, and what people do with volumes."""

    @rule(
        name=NAMES,
        source=st.one_of(
            st.builds(lambda image: {"image": image}, IMAGES),
            st.just({"size": 4}),
            st.builds(lambda image, prune: {"image": image, "via_golden": True, "prune_golden": prune}, IMAGES, st.booleans()),
            st.sampled_from([{"snapshot": "snapshot of root"}, {"volume": "data"}, {"backup": "backup of root"}]),
        ),
        more=some(
            size=st.sampled_from([4, 12, 12]),
            volume_type=TYPES,
            availability_zone=st.sampled_from(["nova", "az1", "nova", "nowhere"]),
            recreate=st.sampled_from(["never", "on_error", "on_drift"]),
            recreate_order=st.sampled_from(["create_first", "delete_first"]),
            retype=st.booleans(),
            cascade=st.booleans(),
            metadata=st.sampled_from([{"role": "web"}, {"role": None}]),
            bootable=st.booleans(),
        ),
        weather=WEATHER,
    )
    def a_run_wants_a_volume(self, name: str, source: Json, more: Json, weather: Weather) -> None:
        self.obey("volume", {"name": name, **source, **more}, weather)

    @rule(
        names=st.tuples(NAMES, NAMES),
        source=st.sampled_from([{"image": "debian"}, {"image": "debian", "via_golden": True}, {"size": 4}]),
        more=some(recreate=st.sampled_from(["on_error", "on_drift"]), volume_type=st.sampled_from(["lvm", "fast"])),
        removes=st.booleans(),
        order=st.lists(st.integers(min_value=0, max_value=1), max_size=12),
    )
    def two_runs_are_at_work_at_once(
        self, names: tuple[str, str], source: Json, more: Json, removes: bool, order: list[int]
    ) -> None:
        second = {"name": names[1], "state": "absent"} if removes else {"name": names[1], **source, **more}
        tasks = (Task("volume", {"name": names[0], **source, **more}), Task("volume", second))
        obey_at_once(self.cloud, self.ledger, order, *tasks)

    @rule(name=NAMES, cascade=st.booleans(), weather=WEATHER)
    def a_run_removes_a_name(self, name: str, cascade: bool, weather: Weather) -> None:
        self.obey("volume", {"name": name, "state": "absent", "cascade": cascade}, weather)

    @precondition(there_are_volumes)
    @rule(
        which=WHICH,
        more=some(
            name=NAMES,
            size=st.just(14),
            volume_type=st.sampled_from(["lvm", "fast"]),
            retype=st.booleans(),
            recreate=st.just("on_drift"),
        ),
    )
    def a_run_changes_an_id(self, which: int, more: Json) -> None:
        self.obey("volume", {"id": self.one(which)["id"], **more}, FAIR)

    @precondition(there_are_volumes)
    @rule(which=WHICH, weather=WEATHER)
    def a_run_removes_an_id(self, which: int, weather: Weather) -> None:
        self.obey("volume", {"id": self.one(which)["id"], "state": "absent"}, weather)

    # What other people do

    @rule(
        name=NAMES, image=st.sampled_from(["debian", "fedora", None]), status=st.sampled_from(["available", "available", "error"])
    )
    def somebody_makes_a_volume(self, name: str, image: str | None, status: str) -> None:
        fields: Json = {"volume_image_metadata": {"image_id": uuid_of(image)}} if image else {"bootable": "false"}
        deeds.make_volume(self.cloud, name, status=status, **fields)
        self.cloud.look()

    @precondition(there_are_volumes)
    @rule(deed=st.sampled_from(sorted(TO_VOLUMES)), which=WHICH, other=WHICH)
    def somebody_is_at_a_volume(self, deed: str, which: int, other: int) -> None:
        TO_VOLUMES[deed](self.cloud, self.one(which), self.one(other))
        self.cloud.look()

    @rule(name=IMAGES, deactivate=st.booleans(), double=st.booleans())
    def somebody_rotates_images(self, name: str, deactivate: bool, double: bool) -> None:
        deeds.retire_image(self.cloud, name, deactivate=deactivate)
        deeds.upload(self.cloud, name)
        if double:
            deeds.upload(self.cloud, name)

    @rule(
        volumes=st.sampled_from([-1, 2]),
        gigabytes=st.sampled_from([-1, 20]),
        drops=st.booleans(),
        fallback=st.booleans(),
        renamed=st.sampled_from([("lvm", "gold"), ("gold", "lvm"), ("fast", "Fast"), ("Fast", "fast")]),
    )
    def an_admin_is_at_work(self, volumes: int, gigabytes: int, drops: bool, fallback: bool, renamed: tuple[str, str]) -> None:
        deeds.rename_type(self.cloud, *renamed)
        self.cloud.limits.update(volumes=volumes, gigabytes=gigabytes)
        self.cloud.drops_filters = drops
        self.cloud.zone_fallback = fallback


BOOT = st.builds(
    lambda source, more: {**source, **more},
    st.sampled_from([{"image": "debian"}, {"image": "debian"}, {"image": "fedora"}, {"volume": "root"}, {"volume": "web-boot"}]),
    some(delete_on_termination=st.booleans(), volume_name=st.just("root")),
)


SERVER = some(
    flavor=st.sampled_from(["small", "small", "large"]),
    state=st.sampled_from(["present", "started", "stopped", "shelved"]),
    on_flavor_change=st.sampled_from(["fail", "resize", "replace", "replace"]),
    on_image_change=st.sampled_from(["fail", "reimage", "replace", "replace"]),
    on_boot_volume_change=st.sampled_from(["fail", "replace", "replace"]),
    boot_volume_on_delete=st.sampled_from(["keep", "delete", "as_attached"]),
    recreate=st.sampled_from(["never", "on_error"]),
    metadata=st.sampled_from([{"role": "web"}, {"role": None}]),
    tags=st.sampled_from([[], ["web", "blue"]]),
    description=st.sampled_from(["", "The front page"]),
    block_devices=st.sampled_from([[], [{"volume_id": "data"}], [{"volume_id": "data", "delete_on_termination": True}]]),
    other_volumes=st.sampled_from(["keep", "detach"]),
    replace_may_lose=st.just(["user_data", "local_disks"]),
)


class Servers(World):
    """Runs of bfv_server, and what people do with servers and their volumes."""

    def __init__(self) -> None:
        super().__init__()
        for name in ("root", "data"):
            deeds.make_volume(self.cloud, name, volume_image_metadata={"image_id": uuid_of("debian")})
        self.cloud.look()

    def server(self, which: int) -> Json:
        return list(self.cloud.compute.servers.values())[which % len(self.cloud.compute.servers)]

    @rule(
        name=st.sampled_from(["web", "web", "web", "WEB"]),
        boot=BOOT,
        more=SERVER,
        weather=WEATHER,
        as_fleet=st.booleans(),
    )
    def a_run_wants_a_server(self, name: str, boot: Json, more: Json, weather: Weather, as_fleet: bool) -> None:
        boot = {key: value for key, value in boot.items() if key != "volume_name" or "image" in boot}
        self.obey("server", {"name": name, "flavor": "small", "boot": boot, **more}, weather, as_fleet=as_fleet)

    @rule(
        names=st.tuples(st.just("web"), st.sampled_from(["web", "web", "WEB"])),
        boot=BOOT,
        more=st.tuples(SERVER, SERVER),
        removes=st.booleans(),
        order=st.lists(st.integers(min_value=0, max_value=1), max_size=20),
    )
    def two_runs_are_at_work_at_once(
        self, names: tuple[str, str], boot: Json, more: tuple[Json, Json], removes: bool, order: list[int]
    ) -> None:
        stays = {"volume": boot["volume"]} if "volume" in boot else {"image": boot["image"]}
        runs = [{"name": name, "flavor": "small", **one, "boot": stays} for name, one in zip(names, more, strict=True)]
        for one in runs:  # the ledger does not know when one run lets a disk go with its server, and when the other removes that
            one["block_devices"] = [{"volume_id": disk["volume_id"]} for disk in one.get("block_devices", ())]
        first, second = runs[0], {"name": names[1], "state": "absent"} if removes else runs[1]
        obey_at_once(self.cloud, self.ledger, order, Task("server", first), Task("server", second))

    @rule(
        name=st.sampled_from(["web", "web", "WEB"]),
        boot=BOOT,
        fate=st.sampled_from(["keep", "delete", "as_attached"]),
        weather=WEATHER,
        as_fleet=st.booleans(),
    )
    def a_run_removes_a_server(self, name: str, boot: Json, fate: str, weather: Weather, as_fleet: bool) -> None:
        boot = {key: value for key, value in boot.items() if key != "volume_name" or "image" in boot}
        wish = {"name": name, "state": "absent", "boot": boot, "boot_volume_on_delete": fate}
        self.obey("server", wish, weather, as_fleet=as_fleet)

    @precondition(lambda self: bool(self.cloud.compute.servers))
    @rule(
        which=WHICH,
        more=some(
            name=st.sampled_from(["web", "db"]),
            state=st.sampled_from(["started", "stopped", "shelved", "absent"]),
            boot=st.sampled_from([{"volume": "root"}, {"delete_on_termination": True}]),
            other_volumes=st.sampled_from(["keep", "detach"]),
        ),
        weather=WEATHER,
    )
    def a_run_names_a_server_by_its_id(self, which: int, more: Json, weather: Weather) -> None:
        self.obey("server", {"id": self.server(which)["id"], **more}, weather)

    @rule(name=st.sampled_from(["root", "data", "web-boot", "WEB-BOOT"]), image=IMAGES)
    def somebody_makes_a_volume(self, name: str, image: str) -> None:
        deeds.make_volume(self.cloud, name, volume_image_metadata={"image_id": uuid_of(image)})
        self.cloud.look()

    @precondition(there_are_volumes)
    @rule(deed=st.sampled_from(sorted(TO_VOLUMES)), which=WHICH, other=WHICH)
    def somebody_is_at_a_volume(self, deed: str, which: int, other: int) -> None:
        TO_VOLUMES[deed](self.cloud, self.one(which), self.one(other))
        self.cloud.look()

    @precondition(lambda self: bool(self.cloud.compute.servers))
    @rule(deed=st.sampled_from(sorted(TO_SERVERS)), which=WHICH, volume=WHICH)
    def somebody_is_at_a_server(self, deed: str, which: int, volume: int) -> None:
        TO_SERVERS[deed](self.cloud, self.server(which))
        if deed == "attach a volume" and self.cloud.volumes:
            deeds.attach(self.cloud, self.server(which), self.one(volume))

    @precondition(lambda self: bool(self.cloud.compute.servers))
    @rule(which=WHICH)
    def somebody_lets_go_of_the_disks_of_a_server_in_cinder_alone(self, which: int) -> None:
        for one in self.server(which)[ATTACHED]:
            if volume := self.cloud.volumes.get(one["id"]):
                deeds.let_go(volume)

    @rule(deactivate=st.booleans(), shows_admins=st.booleans())
    def an_admin_is_at_work(self, deactivate: bool, shows_admins: bool) -> None:
        deeds.retire_image(self.cloud, "debian", deactivate=deactivate)
        if all(one["name"] != "debian" or one["status"] != "active" for one in self.cloud.images.values()):
            deeds.upload(self.cloud, "debian")
        self.cloud.compute.shows_admins = shows_admins


# What other people do to one snapshot.
TO_SNAPSHOTS: dict[str, Callable[[Watched, Json, Json], object]] = {
    "copy its marks": lambda _, snapshot, other: deeds.copy_marks(snapshot, other),
    "make a volume of it": lambda cloud, snapshot, _: deeds.make_volume(cloud, "of a snapshot", snapshot_id=snapshot["id"]),
    "delete it": lambda cloud, snapshot, _: cloud.snapshots.pop(snapshot["id"]),
    **{
        f"set its status to {status}": lambda _, snapshot, __, status=status: snapshot.update(status=status)  # type: ignore[misc]
        for status in ("error", "error_deleting", "backing-up", "available")
    },
}
CHECKPOINT = st.sampled_from(["friday", "friday", "monday", "tuesday"])


class Checkpoints(Servers):
    """Runs of boot_checkpoint beside those of bfv_server, and what people do with snapshots."""

    def __init__(self) -> None:
        super().__init__()
        disks = {"boot": {"image": "debian"}, "block_devices": [{"volume_id": "data"}]}
        self.obey("server", {"name": "web", "flavor": "small", **disks}, FAIR)

    @rule(
        server=st.sampled_from(["web", "web", "WEB", "db"]),
        name=CHECKPOINT,
        more=some(keep=st.sampled_from([1, 2, 3]), quiesce=st.booleans()),
        weather=WEATHER,
    )
    def a_run_wants_a_checkpoint(self, server: str, name: str, more: Json, weather: Weather) -> None:
        self.obey("checkpoint", {"server": server, "name": name, **more}, weather)

    @rule(
        server=st.sampled_from(["web", "web", "web", "WEB"]),
        name=CHECKPOINT,
        safety=st.booleans(),
        may_lose=st.sampled_from([["user_data"], ["user_data"], []]),
        weather=WEATHER,
    )
    def a_run_goes_back(self, server: str, name: str, safety: bool, may_lose: list[str], weather: Weather) -> None:
        back = {"state": "reverted", "safety": safety, "replace_may_lose": may_lose}
        self.obey("checkpoint", {"server": server, "name": name, **back}, weather)

    @rule(server=st.sampled_from(["web", "web", "WEB"]), name=CHECKPOINT, weather=WEATHER)
    def a_run_removes_a_checkpoint(self, server: str, name: str, weather: Weather) -> None:
        self.obey("checkpoint", {"server": server, "name": name, "state": "absent"}, weather)

    @rule(
        names=st.tuples(CHECKPOINT, CHECKPOINT),
        keep=st.sampled_from([None, None, 1, 2]),
        removes=st.booleans(),
        order=st.lists(st.integers(min_value=0, max_value=1), max_size=12),
    )
    def two_runs_are_at_work_at_once(self, names: tuple[str, str], keep: int | None, removes: bool, order: list[int]) -> None:
        # what one of two names keeps depends on when the other one came
        keep = keep if names[0] == names[1] else None
        second = {"state": "absent"} if removes else {"keep": keep}
        tasks = (
            Task("checkpoint", {"server": "web", "name": names[0], "keep": keep}),
            Task("checkpoint", {"server": "web", "name": names[1], **second}),
        )
        obey_at_once(self.cloud, self.ledger, order, *tasks)

    @precondition(lambda self: bool(self.cloud.snapshots))
    @rule(deed=st.sampled_from(sorted(TO_SNAPSHOTS)), which=WHICH, other=WHICH)
    def somebody_is_at_a_snapshot(self, deed: str, which: int, other: int) -> None:
        ones = list(self.cloud.snapshots.values())
        TO_SNAPSHOTS[deed](self.cloud, ones[which % len(ones)], ones[other % len(ones)])
        self.cloud.look()

    @rule(snapshots=st.sampled_from([-1, -1, 2]))
    def an_admin_limits_snapshots(self, snapshots: int) -> None:
        self.cloud.limits["snapshots"] = snapshots


NODE = st.sampled_from(NODES)
ENTRY = st.builds(
    lambda node, own, image, more: {
        "node": node,
        "volumes": [{"name": f"{node}-root" if own else "root", "image": image, **more}],
    },
    NODE,
    st.sampled_from([True, True, False]),
    IMAGES,
    some(
        size=st.just(12),
        recreate=st.sampled_from(["never", "on_error", "on_drift"]),
        recreate_order=st.sampled_from(["create_first", "create_first", "delete_first"]),
        volume_type=st.sampled_from(["lvm", "fast"]),
    ),
)


class Fleets(World):
    """Runs of baremetal_fleet, volume_connector and volume_target, and what people do with nodes and their volumes."""

    def node(self, name: str) -> Json:
        return next(one for one in self.cloud.nodes.values() if one["name"] == name)

    @rule(
        entries=st.lists(ENTRY, min_size=1, max_size=2, unique_by=lambda one: one["node"]),
        more=some(
            state=st.sampled_from(["prepared", "deployed", "deployed"]),
            on_drift=st.sampled_from(["fail", "redeploy", "redeploy"]),
            golden=st.booleans(),
            power_off=st.booleans(),
        ),
        weather=WEATHER,
    )
    def a_run_wants_nodes(self, entries: list[Json], more: Json, weather: Weather) -> None:
        self.obey("fleet", {"nodes": entries, **more}, weather)

    @rule(
        entries=st.lists(ENTRY, min_size=1, max_size=2, unique_by=lambda one: one["node"]),
        state=st.sampled_from(["undeployed", "absent"]),
        more=some(volumes_on_undeploy=st.sampled_from(["keep", "delete", "delete"]), power_off=st.booleans()),
        weather=WEATHER,
    )
    def a_run_takes_nodes_down(self, entries: list[Json], state: str, more: Json, weather: Weather) -> None:
        self.obey("fleet", {"nodes": entries, "state": state, **more}, weather)

    @rule(node=NODE, state=st.sampled_from(["present", "absent"]), power_off=st.booleans(), own=st.booleans(), weather=WEATHER)
    def a_run_wants_an_initiator(self, node: str, state: str, power_off: bool, own: bool, weather: Weather) -> None:
        named = {} if own else {"connector_id": f"iqn.2024-01.org.example:{node}"}
        self.obey("connector", {"node": node, "state": state, "power_off": power_off, **named}, weather)

    @rule(
        node=NODE,
        state=st.sampled_from(["present", "absent"]),
        power_off=st.booleans(),
        index=st.sampled_from([0, 1]),
        weather=WEATHER,
    )
    def a_run_wants_a_target(self, node: str, state: str, power_off: bool, index: int, weather: Weather) -> None:
        volume = {"volume": f"{node}-root"} if state == "present" else {}
        self.obey("target", {"node": node, "boot_index": index, "state": state, "power_off": power_off, **volume}, weather)

    @rule(name=st.sampled_from(["root", "bm-0-root", "bm-1-root", "BM-0-ROOT"]), image=IMAGES)
    def somebody_makes_a_volume(self, name: str, image: str) -> None:
        deeds.make_volume(self.cloud, name, volume_image_metadata={"image_id": uuid_of(image)})
        self.cloud.look()

    @precondition(there_are_volumes)
    @rule(deed=st.sampled_from(sorted(TO_VOLUMES)), which=WHICH, other=WHICH)
    def somebody_is_at_a_volume(self, deed: str, which: int, other: int) -> None:
        TO_VOLUMES[deed](self.cloud, self.one(which), self.one(other))
        self.cloud.look()

    @precondition(there_are_volumes)
    @rule(
        node=NODE,
        which=WHICH,
        deed=st.sampled_from(["deploy", "nova", "target", "initiator", "power on", "maintenance", "repaired"]),
    )
    def somebody_is_at_a_node(self, node: str, which: int, deed: str) -> None:
        record, volume = self.node(node), self.one(which)
        if deed in ("deploy", "nova"):
            instance = uuid_of("an instance") if deed == "nova" else None
            deeds.add_target(self.cloud, record, volume)
            if not self.cloud.leads_elsewhere(record) and deeds.deploy(self.cloud, record, instance):
                self.cloud.deployed(record)
        elif deed == "target":
            deeds.add_target(self.cloud, record, volume, 1)
        elif deed == "initiator":
            deeds.give_initiator(self.cloud, record, f"{node}-{len(self.cloud.connectors)}")
        elif deed == "power on":
            record["power_state"] = "power on"
            self.cloud.switched(record)
        else:
            record["maintenance"] = deed == "maintenance"


SAVED = st.sampled_from(["bm-0", "bm-0", "bm-0", "bm-1"])


class NodeCheckpoints(Fleets):
    """Runs of boot_checkpoint for nodes beside those of baremetal_fleet. One node runs, and is saved."""

    def __init__(self) -> None:
        super().__init__()
        self.obey("fleet", {"nodes": [{"node": "bm-0", "volumes": [{"name": "bm-0-root", "image": "debian"}]}]}, FAIR)
        self.obey("checkpoint", {"node": "bm-0", "name": "friday"}, FAIR)

    @rule(node=SAVED, name=CHECKPOINT, keep=st.sampled_from([None, None, 1]), weather=WEATHER)
    def a_run_saves_a_node(self, node: str, name: str, keep: int | None, weather: Weather) -> None:
        self.obey("checkpoint", {"node": node, "name": name, "keep": keep}, weather)

    @rule(node=SAVED, name=CHECKPOINT, safety=st.booleans(), weather=WEATHER)
    def a_node_goes_back(self, node: str, name: str, safety: bool, weather: Weather) -> None:
        self.obey("checkpoint", {"node": node, "name": name, "state": "reverted", "safety": safety}, weather)

    @precondition(there_are_volumes)
    @rule(which=WHICH, other=WHICH)
    def a_machine_writes(self, which: int, other: int) -> None:
        self.one(which)["_content"] = f"written {other}"
