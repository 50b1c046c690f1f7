# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""The clouds of one run: connected when first asked, each service once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import Any

from ..values.errors import Invalid
from ..values.plan import Request
from . import microversions
from .errors import translated
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

    @cached_property
    def baremetal(self) -> Service:
        with translated("reach Ironic"):
            proxy = self._main.baremetal
            microversions.check("Ironic", proxy.get_endpoint_data(), microversions.BAREMETAL)
        return Service(proxy, "Ironic", microversions.BAREMETAL)

    @cached_property
    def block_storage(self) -> Service:
        with translated("reach Cinder"):
            proxy = self._volumes.block_storage
            microversions.check("Cinder", proxy.get_endpoint_data(), microversions.BLOCK_STORAGE)
        return Service(proxy, "Cinder", microversions.BLOCK_STORAGE)

    @cached_property
    def image(self) -> Service:
        with translated("reach Glance"):
            return Service(self._volumes.image, "Glance", None)

    @cached_property
    def compute(self) -> Service:
        with translated("reach Nova"):
            proxy = self._volumes.compute
            microversions.check("Nova", proxy.get_endpoint_data(), microversions.COMPUTE)
        return Service(proxy, "Nova", microversions.COMPUTE)

    @cached_property
    def network(self) -> Service:
        with translated("reach Neutron"):
            return Service(self._volumes.network, "Neutron", None)

    def send(self, request: Request) -> Json:
        """One write, to the service that it names."""
        services = {
            "baremetal": lambda: self.baremetal,
            "block_storage": lambda: self.block_storage,
            "compute": lambda: self.compute,
        }
        return services[request.service]().send(request)

    @cached_property
    def _main(self) -> Any:
        return _connect(self._params.get("cloud"), self._params)

    @cached_property
    def _volumes(self) -> Any:
        other = self._params.get("volume_cloud")
        if other is None:
            return self._main
        # Who it is differs; how the services are reached does not. A whole configuration says that itself.
        shared = ("interface",) if isinstance(other, Mapping) else _SHARED
        return _connect(other, {name: self._params.get(name) for name in shared})


def _connect(cloud: object, params: Mapping[str, Any]) -> Any:
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
    with translated(f"read the configuration of cloud {cloud!r}" if isinstance(cloud, str) else "read the cloud's configuration"):
        connected = openstack.connect(**{name: value for name, value in settings.items() if value is not None})
    _connected.append(connected)
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
    """Have the SDK write its log to a file; for debugging with every request, but those of volume targets."""
    openstack.enable_logging(debug=debug, http_debug=debug, path=path)
