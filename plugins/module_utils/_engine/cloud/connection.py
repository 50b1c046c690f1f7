# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The clouds of one run: connected when first asked, each service once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import Any

from ..values.errors import Invalid, Refused
from ..values.ironic import Ironic
from ..values.plan import Request
from . import microversions
from .errors import Rejected, translated
from .patience import PATIENCE, Patient
from .sdk_log import Log
from .service import Json, Service

try:
    import openstack
except ImportError:  # run.py refuses to start without it, and says how to get it
    openstack = None  # type: ignore[assignment]

AVAILABLE = bool(openstack)

# What a cloud given as a dict says itself, and openstack.cloud's options say otherwise.
_OPTIONS = {
    "auth": "auth",
    "auth_type": "auth_type",
    "region_name": "region_name",
    "validate_certs": "verify",
    "ca_cert": "cacert",
    "client_cert": "cert",
    "client_key": "key",
    "api_timeout": "api_timeout",
}
_connected: list[Any] = []
_SHARED = ("interface", "validate_certs", "ca_cert", "client_cert", "client_key", "api_timeout")


class Cloud:
    """The services as the module's options name them.

    Cinder and Glance may be reached as somebody else (``volume_cloud``): Ironic's admins have system scope, which Cinder and
    Glance know nothing of.
    """

    def __init__(self, params: Mapping[str, Any]) -> None:
        self._params = params
        self._patience = float(params.get("timeout") or PATIENCE)
        self._removes_only_when_off = False

    @cached_property
    def baremetal(self) -> Service:
        proxy = _reach(self._main, "baremetal", "Ironic", "bare metal")
        with translated("reach Ironic"):
            microversions.check("Ironic", proxy.get_endpoint_data(), microversions.BAREMETAL)
        return Service(proxy, "Ironic", microversions.BAREMETAL, self._patience)

    @property
    def ironic(self) -> Ironic:
        """What is known by now of this Ironic: its answers tell what no microversion does."""
        return Ironic(self.baremetal.newest, self._removes_only_when_off)

    @cached_property
    def block_storage(self) -> Service:
        proxy = _reach(self._volumes, "block_storage", "Cinder", "block storage")
        with translated("reach Cinder"):
            microversions.check("Cinder", proxy.get_endpoint_data(), microversions.BLOCK_STORAGE)
        return Service(proxy, "Cinder", microversions.BLOCK_STORAGE, self._patience)

    @cached_property
    def image(self) -> Service:
        return Service(_reach(self._volumes, "image", "Glance", "image"), "Glance", None, self._patience)

    @property
    def project(self) -> str:
        """The id of the project that volumes, images and servers are made in. Raises Refused where the user comes without one."""
        self.check_project()
        return str(self._project)

    def check_project(self) -> None:
        """Refuse to make, or to look for by name, what belongs to a project, where the user comes without one."""
        if not self._project:
            raise Refused(
                "Failed to work with volumes, images and servers: the cloud's user comes without a project, as Ironic's admins with system "
                "scope do. Name a cloud that has one (volume_cloud, or cloud where the module works with these alone)."
            )

    @cached_property
    def _project(self) -> str | None:
        with translated("sign in"):
            project: str | None = self._volumes.current_project_id
        return project

    @cached_property
    def compute(self) -> Service:
        proxy = _reach(self._volumes, "compute", "Nova", "compute")
        with translated("reach Nova"):
            microversions.check("Nova", proxy.get_endpoint_data(), microversions.COMPUTE)
        return Service(proxy, "Nova", microversions.COMPUTE, self._patience)

    @cached_property
    def network(self) -> Service:
        return Service(_reach(self._volumes, "network", "Neutron", "network"), "Neutron", None, self._patience)

    def send(self, request: Request) -> Json:
        """One write, to the service that it names."""
        services = {
            "baremetal": lambda: self.baremetal,
            "block_storage": lambda: self.block_storage,
            "compute": lambda: self.compute,
            "network": lambda: self.network,
            "image": lambda: self.image,
        }
        try:
            return services[request.service]().send(request)
        except Rejected as error:
            self._removes_only_when_off |= request.method == "DELETE" and error.wants_power_off
            raise

    @cached_property
    def _main(self) -> Any:
        return _connect(self._params.get("cloud"), self._params, self._patience)

    @cached_property
    def _volumes(self) -> Any:
        other = self._params.get("volume_cloud")
        if other is None:
            return self._main
        # Who it is differs; how the services are reached does not. A whole configuration says that itself.
        shared = ("interface",) if isinstance(other, Mapping) else _SHARED
        return _connect(other, {name: self._params.get(name) for name in shared}, self._patience)


_UNKNOWN = re.compile(r"unexpected keyword argument '(\w+)'")


def _reach(connected: Any, service: str, name: str, kind: str) -> Any:
    """The SDK's proxy of a service. Raises Refused where the cloud has none: the SDK takes that for one without supported versions."""
    with translated(f"reach {name}"):
        config, service_type = connected.config, service.replace("_", "-")
        if config.get_session_endpoint(service_type) is None:
            region, interface = config.get_region_name(service_type), config.get_interface(service_type)
            where = f"{f'region {region}, ' if region else ''}interface {interface}"
            raise Refused(
                f"Failed to reach {name}: this cloud has no {kind} service ({where}). Name a cloud, or a region of it, that has one."
            )
        return getattr(connected, service)


def _connect(cloud: object, params: Mapping[str, Any], patience: float) -> Any:
    given = {name: params[name] for name in _OPTIONS if params.get(name) is not None}
    interface = params.get("interface")
    if isinstance(cloud, Mapping):
        if given:
            raise Invalid(
                f"cloud is a whole configuration, so {', '.join(given)} cannot be given beside it. Put it into the dict."
            )
        settings = {"interface": interface, **cloud}
    elif cloud is not None and not isinstance(cloud, str):
        raise Invalid(
            "Failed to read the cloud's configuration: cloud is neither a name of clouds.yaml nor a dictionary. Give one."
        )
    else:
        settings = {"cloud": cloud, "interface": interface, **{_OPTIONS[name]: value for name, value in given.items()}}
    what = f"read the configuration of cloud {cloud!r}" if isinstance(cloud, str) else "read the cloud's configuration"
    try:
        with translated(what):
            connected = openstack.connect(**{name: value for name, value in settings.items() if value is not None})
    except TypeError as error:  # the SDK hands all of auth to keystoneauth's plugin, whatever its names are
        if not (name := _UNKNOWN.search(str(error))):
            raise
        raise Invalid(
            f"Failed to {what}: auth has {name[1]}, which its auth_type does not know. Correct it, or leave it out."
        ) from None
    _connected.append(connected)
    http: Any = connected.session.session
    for prefix, adapter in list(http.adapters.items()):
        http.mount(prefix, Patient(adapter, patience))
    return connected


@contextmanager
def closed_after() -> Iterator[None]:
    """Close what is connected within the block: the items of a loop share a process, which may have so many sockets open."""
    before = len(_connected)
    try:
        yield
    finally:
        for connected in _connected[before:]:
            with suppress(openstack.exceptions.SDKException):  # it has no session, for want of credentials
                connected.session.session.close()  # the SDK's own close() leaves the sockets of its proxies open
        del _connected[before:]


def log_to(path: str, *, debug: bool) -> None:
    """Have the SDK write its log to a file; for debugging with every request, but those of volume targets. Raises Refused."""
    try:
        log = Log(path)
    except OSError as error:
        raise Refused(
            f"Failed to write the log of the SDK: {error.strerror} ({path}). Give a file of your own that is no link (sdk_log_path)."
        ) from error
    openstack.enable_logging(debug=debug, http_debug=debug, handlers=[log])
