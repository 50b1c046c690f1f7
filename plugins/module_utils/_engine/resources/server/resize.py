# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Another flavor for a server that is there, by Nova's own resize. Pure."""

from __future__ import annotations

from dataclasses import replace

from ...values.errors import Refused
from ...values.plan import Plan
from . import needs, record, requests, states
from .found import Found, differs_in_flavor, named
from .record import Server
from .stage import Stage
from .wanted import Wanted


def plan_resize(want: Wanted, server: Server, found: Found) -> Stage | None:
    """The resize, where another flavor is wanted. Raises Refused."""
    if not differs_in_flavor(server, found) or found.flavor is None:
        return None
    subject, flavor = f"server {want.label}", found.flavor
    if want.on_flavor_change == "fail":
        raise Refused(
            f"Failed to set up {subject}: its flavor is {server.flavor}, and {flavor.name} is wanted. "
            "Permit the change with on_flavor_change: resize, or replace (delete the server, keep its disk and addresses, create it anew)."
        )
    what = f"resize {record.called(server)}"
    requests.check_unlocked(server, what)
    if server.status not in ("ACTIVE", "SHUTOFF"):
        raise Refused(f"Failed to {what}: {states.why(server.status, server.id)}")
    needs.check_flavor(flavor, want.flavor_denylist, what)
    needs.check_limits(found.limits, flavor, server.vcpus, server.ram, what)
    words = f"resize server {server.name} ({server.id}) from {server.flavor} to {flavor.name}"
    request = requests.destructive(server, named(want, found), words, {"resize": {"flavorRef": flavor.id}})
    request = replace(request, once=True)
    plan = Plan(subject, record.described(server), _after(server, flavor.name), (request,), f"{subject} to be resized")
    resized = replace(server, status="VERIFY_RESIZE", flavor=flavor.name, is_shut_down=server.status == "SHUTOFF")
    return Stage(plan, replace(found, servers=(resized,)))


def plan_verdict(want: Wanted, server: Server, found: Found) -> Stage | None:
    """Confirm a resize where the task asks for exactly that one. None where it asks for nothing of the kind. Raises Refused.

    A resize that somebody else began is his to confirm or to revert: either is for good.
    """
    subject = f"server {want.label}"
    if want.flavor is not None and want.on_flavor_change == "resize" and not differs_in_flavor(server, found):
        requests.check_unlocked(server, f"confirm the resize of {subject}")
        words = f"confirm the resize of server {server.name} ({server.id})"
        request = requests.destructive(server, named(want, found), words, {"confirmResize": None})
        confirmed = replace(server, status="SHUTOFF" if server.is_shut_down else "ACTIVE")
        view = record.described(server)
        plan = Plan(subject, view, record.described(confirmed), (request,), f"{subject} to come to rest")
        return Stage(plan, replace(found, servers=(confirmed,)))
    if want.state == "present" and not differs_in_flavor(server, found):
        return None
    raise Refused(
        f"Failed to set up {subject}: it was resized to {server.flavor}, and that waits for a decision, which this task does not ask for. "
        f"Confirm it (flavor: {server.flavor} with on_flavor_change: resize), or revert it (openstack server resize revert {server.id})."
    )


def _after(server: Server, flavor: str) -> dict[str, object]:
    return record.described(replace(server, flavor=flavor))
