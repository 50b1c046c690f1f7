# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a service or the SDK says when it fails, in one line: what was tried, who says what, what to do next."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..values import secrets
from ..values.errors import BfvError
from ..values.hiding import Hiding
from .patience import GATEWAY_TIMEOUT, PASSING, TOO_MANY, is_passing, retry_after

try:
    from keystoneauth1 import exceptions as keystone_errors
    from openstack import exceptions as sdk_errors
    from requests import exceptions as http_errors
except ImportError:  # run.py refuses to start without them, and says how to get them
    keystone_errors = sdk_errors = http_errors = None  # type: ignore[assignment]


class Rejected(BfvError):
    """A service answered with an error status."""

    of_record = True  # whether what was asked for concerned a record that is there already
    new = ""  # the kind of the record that was to be made

    def __init__(self, what: str, service: str, status: int, said: str, later: float | None = None) -> None:
        self.status = status
        self.said = said
        self.later = later  # after how many seconds the service wants to be asked again, where it says so
        super().__init__(_sentence(what, f"{service} says «{said}»", _advice(service, status, said)))

    @property
    def is_crowded_out(self) -> bool:
        """Whether there was no room for a new volume just then (cinder/exception.py, QuotaError)."""
        return self.status == 413 and self.new == "volume"

    @property
    def is_lock(self) -> bool:
        """A conflict that goes away by itself. Ironic's other conflicts share the status, and only the text tells them apart."""
        return self.status == 409 and " is locked by host " in self.said

    @property
    def wants_power_off(self) -> bool:
        """Ironic's refusal of a change while a machine is on (ironic/conductor/manager.py, update_volume_target and others)."""
        return self.status == 400 and bool(re.search(r'"volume (?:connector|target) (?:update|deletion)" can not be', self.said))


class Unanswered(BfvError):
    """The connection was lost, or the answer cannot be read: of a write, nobody knows whether it was done."""


class TooLate(Unanswered):
    """The answer did not come in time."""


def is_at_work(error: BfvError) -> bool:
    """Whether the service may still be doing what it was asked for: it was the client, or a gateway, that waited no longer."""
    return isinstance(error, TooLate) or (isinstance(error, Rejected) and error.status == GATEWAY_TIMEOUT)


def is_unclear(error: BfvError) -> bool:
    """Whether the request may have been done, or may be done the next time: another look tells."""
    return isinstance(error, Unanswered) or (isinstance(error, Rejected) and error.status in PASSING)


def may_pass(error: BfvError) -> bool:
    """Whether the same read may be answered a while later."""
    return is_unclear(error) or (isinstance(error, Rejected) and error.status == TOO_MANY)


_READ, _SHOWN = 4000, 500  # characters of what a service says
_DEEPEST = 5  # objects within objects
_ADDRESS = "Check that the service runs and its address is right"
_SIGN_IN = "Check the user, the password and the project or system scope"
_ROLE = "Use a cloud whose user has the role for it"

# What to do next, by the words of the service. The first that fits is taken.
_ADVICE = (
    (r" is locked by host ", "Something else is working on the node: run again when it has finished"),
    (r"state transition is in progress", "Run again when the transition has ended"),
    (r"No tenant network is available|quota|Limit ?Exceeded|exceed", "Raise the project's quota or remove what is not needed"),
    (r"system[ _]?scope|not authorized|Policy doesn't allow|requires? .*role|disallowed by policy", _ROLE),
)


def _advice(service: str, status: int, said: str) -> str:
    for words, advice in _ADVICE:
        if re.search(words, said, re.IGNORECASE):
            return _for_scope(service, advice)
    if status == 401:
        return _SIGN_IN
    if status == 403:
        return _for_scope(service, _ROLE)
    if status == 412:
        return "The cloud refuses images of this size: tell it with image_size_limit, and use a snapshot or a volume"
    if status == 406:
        return "The service is older than the microversion that this collection asks for"
    if status == TOO_MANY:
        return "The service wants fewer requests: run again later, or with a longer timeout"
    return ""


def _for_scope(service: str, advice: str) -> str:
    # The system scope, with which Ironic's admins come, owns neither volumes nor images.
    if advice is _ROLE and service in ("Cinder", "Glance"):
        return f"{advice}, in a project. Where cloud is an admin's of Ironic, name the project's with volume_cloud"
    return advice


def rejected(what: str, service: str, response: Any, sent: object = None) -> Rejected:
    """The error of a response with a status of 400 or more, without the secrets of what was sent."""
    return Rejected(what, service, response.status_code, _said(response, sent), retry_after(response))


def _said(response: Any, sent: object) -> str:
    """The service's own words. Ironic wraps them in JSON within JSON, the others in one object named after the fault."""
    try:
        body = response.json()
        if isinstance(body, dict) and isinstance(body.get("error_message"), str):
            body = _within(body["error_message"])
    except (ValueError, RecursionError):  # the latter of a page that is nothing but brackets
        body = response.content[:_READ].decode("utf-8", "replace")  # requests would guess the encoding, which takes seconds
    echo = Hiding(secrets.secret_values(sent))  # before the text is cut, which may be in the middle of a secret
    return _one_line(echo.text(_message(body))) or f"HTTP {response.status_code} {response.reason}"


def _within(message: str) -> Any:
    try:
        return json.loads(message)
    except (ValueError, RecursionError):
        return message


def _message(body: Any, depth: int = 0) -> str:
    if isinstance(body, str):
        return body
    if not isinstance(body, dict) or depth > _DEEPEST:
        return ""
    for key in ("faultstring", "message", "title"):
        if body.get(key):
            return str(body[key])
    return next((found for one in body.values() if (found := _message(one, depth + 1))), "")


def _one_line(text: str) -> str:
    """What counts of a text, in one line. Whatever the text, it takes no longer than to read it once."""
    text = _without_title(text[:_READ])
    text = re.sub(r"<[^<>]+>", " ", text)  # some proxies answer in HTML
    head, _pool, nest = text.partition("ConnectionPool(")
    if nest:  # of urllib3's nest only the core
        text = head.removesuffix("HTTPS").removesuffix("HTTP") + nest.rpartition(": ")[2].rstrip("\"')]")
    return " ".join(text.split())[:_SHOWN]


def _without_title(text: str) -> str:
    """Many pages repeat their title as their headline."""
    head, _tag, rest = text.partition("<title>")
    title, end, rest = rest.partition("</title>")
    return f"{head} {rest}" if end and title in rest else text


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turn what keystoneauth, the SDK and requests raise into one line. ``what`` ends the words "Failed to"."""
    try:
        yield
    except keystone_errors.Unauthorized as error:
        raise BfvError(_sentence(what, f"Keystone says «{_one_line(str(error))}»", _SIGN_IN)) from error
    except (keystone_errors.SSLError, http_errors.SSLError) as error:
        kind = Unanswered if "EOF" in str(error) else BfvError  # the other side has hung up
        raise kind(_sentence(what, f"no connection ({_one_line(str(error))})", "Check the address, and ca_cert")) from error
    except keystone_errors.ConnectTimeout as error:  # of any timeout: keystoneauth1/session.py, _send_request
        raise TooLate(_sentence(what, f"no answer in time ({_one_line(str(error))})", _ADDRESS)) from error
    except (keystone_errors.ConnectionError, keystone_errors.DiscoveryFailure) as error:
        raise Unanswered(_sentence(what, f"no connection ({_one_line(str(error))})", _ADDRESS)) from error
    except (
        keystone_errors.HttpServerError,
        keystone_errors.RequestTimeout,
    ) as error:  # of Keystone: what was wanted was not asked
        raise Unanswered(_sentence(what, f"Keystone says «{_one_line(str(error))}»", "Run again when it is well")) from error
    except sdk_errors.NotSupported as error:  # the service's own page of versions could not be read, or is another's
        raise BfvError(_sentence(what, _one_line(str(error)), _ADDRESS)) from error
    except (keystone_errors.EndpointNotFound, sdk_errors.ServiceDisabledException) as error:
        raise BfvError(
            _sentence(what, _one_line(str(error)), "Check the region, the interface and the cloud's catalogue")
        ) from error
    except keystone_errors.MissingRequiredOptions as error:
        raise BfvError(
            _sentence(
                what,
                f"no complete credentials ({_one_line(str(error))})",
                "Name a cloud of clouds.yaml, set auth, or export OS_CLOUD",
            )
        ) from error
    except sdk_errors.ConfigException as error:
        raise BfvError(
            _sentence(
                what,
                _one_line(str(error)),
                "Check the cloud's name, and its entry in clouds.yaml (OS_CLIENT_CONFIG_FILE names the file)",
            )
        ) from error
    except http_errors.RequestException as error:
        if is_passing(error):
            raise Unanswered(_sentence(what, f"no connection ({_one_line(str(error))})", _ADDRESS)) from error
        raise BfvError(_sentence(what, _one_line(str(error)), "")) from error
    except (keystone_errors.ClientException, sdk_errors.SDKException) as error:
        raise BfvError(_sentence(what, _one_line(str(error)), "")) from error


def _sentence(what: str, why: str, advice: str) -> str:
    line = f"Failed to {what}: {why.rstrip('. ')}."
    return f"{line} {advice}." if advice else line
