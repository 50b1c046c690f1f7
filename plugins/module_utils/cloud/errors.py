# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: Apache-2.0

"""What a service or the SDK says when it fails, in one line: what was tried, who says what, what to do next."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..values.errors import BfvError

try:
    from keystoneauth1 import exceptions as keystone_errors
    from openstack import exceptions as sdk_errors
    from requests import exceptions as http_errors
except ImportError:  # run.py refuses to start without them, and says how to get them
    keystone_errors = sdk_errors = http_errors = None  # type: ignore[assignment]


class Rejected(BfvError):
    """A service answered with an error status."""

    of_record = True  # whether what was asked for concerned a record that is there already

    def __init__(self, what: str, service: str, status: int, said: str) -> None:
        self.status = status
        self.said = said
        super().__init__(_sentence(what, f"{service} says «{said}»", _advice(service, status, said)))

    @property
    def is_lock(self) -> bool:
        """A conflict that goes away by itself. Ironic's other conflicts share the status, and only the text tells them apart."""
        return self.status == 409 and " is locked by host " in self.said


class Unanswered(BfvError):
    """The connection was lost: of a write, nobody knows whether it was done."""


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
    return ""


def _for_scope(service: str, advice: str) -> str:
    # The system scope, with which Ironic's admins come, owns neither volumes nor images.
    if advice is _ROLE and service in ("Cinder", "Glance"):
        return f"{advice}, in a project. Where cloud is an admin's of Ironic, name the project's with volume_cloud"
    return advice


def rejected(what: str, service: str, response: Any) -> Rejected:
    """The error of a response with a status of 400 or more."""
    return Rejected(what, service, response.status_code, _said(response))


def _said(response: Any) -> str:
    """The service's own words. Ironic wraps them in JSON within JSON, the others in one object named after the fault."""
    try:
        body = response.json()
    except ValueError:
        return _one_line(response.text) or f"HTTP {response.status_code} {response.reason}"
    if isinstance(body, dict) and isinstance(body.get("error_message"), str):
        try:
            body = json.loads(body["error_message"])
        except ValueError:
            return _one_line(body["error_message"])
    return _one_line(_message(body)) or f"HTTP {response.status_code} {response.reason}"


def _message(body: Any) -> str:
    if isinstance(body, str):
        return body
    if not isinstance(body, dict):
        return ""
    for key in ("faultstring", "message", "title"):
        if body.get(key):
            return str(body[key])
    return next((found for found in map(_message, body.values()) if found), "")


def _one_line(text: str) -> str:
    text = re.sub(r"<title>(.*?)</title>(?=.*\1)", " ", text, flags=re.DOTALL)  # many pages repeat it as their headline
    text = re.sub(r"<[^<>]+>", " ", text)  # some proxies answer in HTML
    text = re.sub(r"HTTPS?ConnectionPool\(.*?: ([^:]*?)[\"')]*$", r"\1", text, flags=re.DOTALL)  # of urllib3's nest only the core
    return " ".join(text.split())[:500]


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turn what keystoneauth, the SDK and requests raise into one line. ``what`` ends the words "Failed to"."""
    try:
        yield
    except keystone_errors.Unauthorized as error:
        raise BfvError(_sentence(what, f"Keystone says «{_one_line(str(error))}»", _SIGN_IN)) from error
    except (keystone_errors.ConnectFailure, keystone_errors.DiscoveryFailure, http_errors.ConnectionError) as error:
        raise Unanswered(
            _sentence(what, f"no connection ({_one_line(str(error))})", "Check that the service runs and its address is right")
        ) from error
    except sdk_errors.NotSupported as error:  # the service's own page of versions could not be read, or is another's
        raise BfvError(_sentence(what, _one_line(str(error)), "Check that the service runs and its address is right")) from error
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
    except (keystone_errors.ClientException, sdk_errors.SDKException, http_errors.RequestException) as error:
        raise BfvError(_sentence(what, _one_line(str(error)), "")) from error


def _sentence(what: str, why: str, advice: str) -> str:
    line = f"Failed to {what}: {why.rstrip('. ')}."
    return f"{line} {advice}." if advice else line
