# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fill the cloud through its APIs.

seed.py SETTINGS identity   projects, users, roles and the catalogue
seed.py SETTINGS cloud      wait until all services work together; volume type, image, nodes, flavors, network
"""

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import Any

import openstack
from keystoneauth1.exceptions import ConnectFailure
from openstack.connection import Connection
from openstack.exceptions import HttpException

from bfv_sandbox import test_image
from bfv_sandbox.settings import Settings, changed, fail, fail_service, wait_for
from bfv_sandbox.supervise import MAX_STARTS, Supervisor

DOMAIN = "default"
IMAGE = "bfv-test"
VOLUME_TYPE = "tgt"
NETWORK = "sandbox"
FLAVORS: dict[str, dict[str, Any]] = {
    # The root disk is a volume: the flavors bring none.
    "bfv.small": {"vcpus": 1, "ram": 64, "disk": 0},
    "bfv.medium": {"vcpus": 2, "ram": 128, "disk": 0},
    "bfv.baremetal": {"vcpus": 1, "ram": 1024, "disk": 10},
}
FLAVOR_SPECS = {
    # A node has no VCPU, MEMORY_MB and DISK_GB in placement, only one of its resource class.
    "bfv.baremetal": {
        "resources:CUSTOM_BAREMETAL": "1",
        "resources:VCPU": "0",
        "resources:MEMORY_MB": "0",
        "resources:DISK_GB": "0",
    },
}
# A newly enrolled node goes through these states; the verb leads to the next one.
WAY_TO_AVAILABLE = {"enroll": "manage", "manageable": "provide"}


def connect(settings: Settings, cloud: str) -> Connection:
    return openstack.connect(**settings["clouds"][cloud])


# Identity


def seed_identity(settings: Settings) -> None:
    identity = connect(settings, "sandbox-admin").identity
    projects = {project.name: project for project in identity.projects()}
    users = {user.name: user for user in identity.users()}
    roles = {role.name: role for role in identity.roles()}

    for name in ("service", "sandbox"):
        if name not in projects:
            projects[name] = identity.create_project(name=name, domain_id=DOMAIN)
            changed(f"created project {name}")
        if name not in users:
            users[name] = identity.create_user(
                name=name,
                password=settings["passwords"][name],
                domain_id=DOMAIN,
                default_project_id=projects[name].id,
            )
            changed(f"created user {name}")

    wanted = {
        ("service", "service", "admin"),
        ("service", "service", "service"),
        ("sandbox", "sandbox", "member"),
        ("sandbox", "sandbox", "reader"),
        ("sandbox", "admin", "admin"),
    }
    found = {
        (assignment.scope["project"]["id"], assignment.user["id"], assignment.role["id"])
        for assignment in identity.role_assignments()
        if assignment.user and "project" in assignment.scope
    }
    for project, user, role in sorted(wanted):
        if (projects[project].id, users[user].id, roles[role].id) not in found:
            identity.assign_project_role_to_user(projects[project], users[user], roles[role])
            changed(f"gave user {user} the role {role} in project {project}")
    seed_catalog(settings, identity)


def seed_catalog(settings: Settings, identity: Any) -> None:
    services = {service.type: service for service in identity.services()}
    endpoints = {(endpoint.service_id, endpoint.interface): endpoint for endpoint in identity.endpoints()}
    for kind, url in settings["catalog"].items():
        if kind not in services:
            services[kind] = identity.create_service(type=kind, name=kind)
            changed(f"created service {kind}")
        for interface in ("public", "internal"):
            endpoint = endpoints.get((services[kind].id, interface))
            if endpoint is None:
                identity.create_endpoint(service_id=services[kind].id, interface=interface, url=url, region_id=settings["region"])
                changed(f"created the {interface} endpoint of {kind}")
            elif endpoint.url != url:
                identity.update_endpoint(endpoint, url=url)
                changed(f"updated the {interface} endpoint of {kind}")


# Readiness: a service that answers need not work yet


def wait_until_working(settings: Settings, admin: Connection, system: Connection) -> None:
    supervisor = Supervisor(settings)
    processes = supervisor.processes()

    def alive_since_start(service: str, reported: str | None) -> bool:
        """Whether a heartbeat is younger than the process: the database keeps those of dead processes."""
        if reported is None:
            return False
        heartbeat = datetime.fromisoformat(reported)
        heartbeat = heartbeat if heartbeat.tzinfo else heartbeat.replace(tzinfo=UTC)
        return heartbeat.timestamp() >= processes[service]["start"]

    def ironic_works() -> bool:
        # The SDK's conductors leave out the time.
        conductors = system.baremetal.get("/conductors?detail=true", microversion="1.49").json()["conductors"]
        if not any(alive_since_start("ironic", conductor["updated_at"]) for conductor in conductors):
            return False
        return any(driver.name == "fake-hardware" and driver.hosts for driver in system.baremetal.drivers())

    def cinder_works() -> bool:
        # The scheduler lists a pool only after cinder-volume has set up the driver and made all exports.
        # Without details, which Cinder cannot give when its services share a process.
        return bool(admin.block_storage.get("/scheduler-stats/get_pools").json()["pools"])

    def backups_work() -> bool:
        # It tells the scheduler of itself as often as it reports that it is alive.
        services = admin.block_storage.get("/os-services?binary=cinder-backup").json()["services"]
        return any(alive_since_start("cinder-backup", each["updated_at"]) for each in services)

    def nova_works(binary: str, host: str, service: str) -> bool:
        return any(
            each.binary == binary and each.host == host and alive_since_start(service, each.updated_at)
            for each in admin.compute.services()
        )

    cinder = "cinder" if "cinder" in settings.services else "cinder-volume"
    checks = {"ironic": ironic_works, cinder: cinder_works}
    if "cinder-backup" in settings.services:
        checks["cinder-backup"] = backups_work
    if "nova-api" in settings.services:
        checks["nova-conductor"] = lambda: nova_works("nova-conductor", "sandbox", "nova-conductor")
        checks["nova-scheduler"] = lambda: nova_works("nova-scheduler", "sandbox", "nova-scheduler")
        checks["nova-compute-fake"] = lambda: nova_works("nova-compute", "fake", "nova-compute-fake")
        checks["nova-compute-ironic"] = lambda: nova_works("nova-compute", "ironic", "nova-compute-ironic")
    for service, works in checks.items():
        # A process that ends again and again is not waited for.
        starts: set[int] = set()
        if not wait_for(partial(is_ready, settings, supervisor, service, works, starts), settings["timeout"]):
            fail_service(settings, service, f"runs, but does not work after {settings['timeout']} s")


def is_ready(settings: Settings, supervisor: Supervisor, service: str, works: Callable[[], bool], starts: set[int]) -> bool:
    """Whether the service works. `starts` collects when its process was started, over all the looks."""
    starts.add(supervisor.rpc.getProcessInfo(service)["start"])
    if len(starts) > MAX_STARTS:
        fail_service(settings, service, "ends soon after each start")
    return answers_yes(works)


def answers_yes(works: Callable[[], bool]) -> bool:
    try:
        return works()
    except (HttpException, ConnectFailure):
        return False  # not yet


# Storage


def seed_volume_type(admin: Connection) -> None:
    if admin.block_storage.find_type(VOLUME_TYPE) is None:
        admin.block_storage.create_type(name=VOLUME_TYPE, extra_specs={"volume_backend_name": VOLUME_TYPE})
        changed(f"created volume type {VOLUME_TYPE}")


def seed_image(settings: Settings, admin: Connection) -> None:
    for image in admin.image.images(name=IMAGE):
        if image.status == "active":
            return
        admin.image.delete_image(image)  # left by an interrupted upload
    admin.create_image(
        IMAGE,
        filename=str(settings.cache / test_image.NAME),
        disk_format="qcow2",
        container_format="bare",
        visibility="public",
        min_disk=1,
        wait=True,
    )
    changed(f"uploaded image {IMAGE}")


# Nodes


def seed_nodes(settings: Settings, system: Connection) -> list[str]:
    """Enroll the nodes that are missing; returns the names of those that became available."""
    baremetal = system.baremetal
    nodes = {node.name: node for node in baremetal.nodes(fields=["uuid", "name", "provision_state"])}
    names = [f"bm-{number}" for number in range(settings["nodes"])]
    unfinished = [name for name in names if name not in nodes or nodes[name].provision_state in WAY_TO_AVAILABLE]
    if not unfinished:
        return []
    ports = {port.address for port in baremetal.ports()}

    def seed(name: str) -> None:
        number = int(name.removeprefix("bm-"))
        node = nodes.get(name) or baremetal.create_node(
            name=name,
            driver="fake-hardware",
            resource_class="baremetal",
            properties={
                "cpus": 1,
                "memory_mb": 1024,
                "local_gb": 10,
                "cpu_arch": "x86_64",
                "capabilities": "boot_mode:uefi",
            },
            # Any value will do: fake hardware never boots them, but the deploy and boot interfaces ask for them.
            driver_info={"deploy_kernel": "file:///dev/null", "deploy_ramdisk": "file:///dev/null"},
        )
        address = f"52:54:00:{number >> 16 & 0xFF:02x}:{number >> 8 & 0xFF:02x}:{number & 0xFF:02x}"
        if address not in ports:
            baremetal.create_port(node_id=node.id, address=address, pxe_enabled=True)
        make_available(baremetal, node)
        changed(f"enrolled node {name}")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(seed, unfinished))
    return unfinished


def make_available(baremetal: Any, node: Any) -> None:
    state = node.provision_state

    def moved() -> bool:
        nonlocal node
        node = baremetal.get_node(node.id)
        return node.provision_state != state and not node.target_provision_state

    while state in WAY_TO_AVAILABLE:
        baremetal.set_node_provision_state(node, WAY_TO_AVAILABLE[state])
        if not wait_for(moved, 60):
            fail(f"Node {node.name} stays in state {node.provision_state}: {node.last_error}")
        state = node.provision_state
        if state == "manageable":
            # Fake power has no state at first, and Nova does not schedule to a node without one.
            baremetal.set_node_power_state(node, "power off")
            if not wait_for(lambda: baremetal.get_node(node.id).power_state == "power off", 60):
                fail(f"Node {node.name} does not take the power state.")


# Compute


def seed_flavors(admin: Connection) -> None:
    found = {flavor.name for flavor in admin.compute.flavors()}
    for name, size in FLAVORS.items():
        if name not in found:
            flavor = admin.compute.create_flavor(name=name, **size)
            admin.compute.create_flavor_extra_specs(flavor, FLAVOR_SPECS.get(name, {}))
            changed(f"created flavor {name}")


def seed_network(sandbox: Connection) -> None:
    network = next(iter(sandbox.network.networks(name=NETWORK)), None)
    if network is None:
        network = sandbox.network.create_network(name=NETWORK)
        changed(f"created network {NETWORK}")
    if not list(sandbox.network.subnets(network_id=network.id)):
        sandbox.network.create_subnet(
            network_id=network.id, name=NETWORK, ip_version=4, cidr="192.0.2.0/24", gateway_ip=None, enable_dhcp=False
        )
        changed(f"created subnet {NETWORK}")


def wait_until_schedulable(settings: Settings, admin: Connection, nodes: list[str]) -> None:
    """Wait until new nodes are in placement and their hosts in a cell: before that Nova finds no valid host."""

    def mapped() -> bool:
        # The API leaves out hosts that are in no cell. Bare-metal nodes have names like UUIDs.
        names = {hypervisor.name for hypervisor in admin.compute.hypervisors()}
        return "fake" in names and len(names) > 1

    def placed() -> bool:
        resources = f"CUSTOM_BAREMETAL:1&limit={len(nodes)}"
        answer = admin.placement.get(f"/allocation_candidates?resources={resources}", microversion="1.34")
        return len(answer.json()["allocation_requests"]) >= len(nodes)

    if not wait_for(mapped, settings["timeout"]):
        fail_service(settings, "nova-scheduler", "has not mapped the compute hosts to a cell")
    if not wait_for(placed, settings["timeout"]):
        fail_service(settings, "nova-compute-ironic", "has not reported the nodes to placement")


def seed_cloud(settings: Settings) -> None:
    admin = connect(settings, "sandbox-admin")
    system = connect(settings, "sandbox-system")
    wait_until_working(settings, admin, system)
    seed_volume_type(admin)
    seed_image(settings, admin)
    nodes = seed_nodes(settings, system)
    if "nova-api" in settings.services:
        seed_flavors(admin)
        seed_network(connect(settings, "sandbox"))
        if nodes:
            wait_until_schedulable(settings, admin, nodes)


def main() -> None:
    settings = Settings(sys.argv[1])
    {"identity": seed_identity, "cloud": seed_cloud}[sys.argv[2]](settings)


if __name__ == "__main__":
    main()
