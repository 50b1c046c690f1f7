# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""No way out of a module shows a secret of its options, on any ansible-core; and what only looks like one is shown."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.parameters import PASS_VARS
from ansible.module_utils.testing import patch_module_args
from ansible_collections.bfv.openstack.plugins.module_utils._engine import options
from ansible_collections.bfv.openstack.plugins.module_utils._engine.cloud.service import Service
from ansible_collections.bfv.openstack.plugins.module_utils._engine.conductor import run as conductor
from ansible_collections.bfv.openstack.plugins.module_utils._engine.module import Module
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values import secrets
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import BfvError
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.plan import Request
from ansible_collections.bfv.openstack.tests.unit.scripted import answer

Json = dict[str, Any]

SECRET = "hunter2/% \"s'"
OPTIONS: options.Options = {**options.CONNECTION, **options.TARGET}
GIVEN: Json = {
    "cloud": {"auth": {"username": "demo", "password": SECRET, "anything": f"else-{SECRET}"}},
    "auth": {"username": "demo", "project_name": "demo", "password": SECRET},
    "properties": {"auth_username": "demo", "auth_password": SECRET, "more": [{"token": SECRET}]},
    "extra": {"image": "http://demo:hunter3@images"},
}
SETTINGS: Json = {"_ansible_tracebacks_for": []}
SETTINGS.update({"_ansible_inject_invocation": True} if "inject_invocation" in PASS_VARS else {})


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Callable[..., Json]:
    """What a module prints that does no more than the given thing."""

    def run(do: Callable[[Module], None], **given: Any) -> Json:
        with patch_module_args({**GIVEN, **SETTINGS, **given}), pytest.raises(SystemExit):
            do(Module(OPTIONS, mutually_exclusive=[("volume", "volume_id")]))
        printed = capsys.readouterr()
        result: Json = json.loads(printed.out)
        # With it a module tells Ansible 2.22 what to hide: it is in no result.
        result.pop("_ansible_new_secrets", None)
        # Beside Ansible's own plugins (the tests of others load them) a module prints its warnings itself.
        return {**result, "printed": " ".join(printed.err.split())}

    return run


def is_clean(result: Json) -> bool:
    text = json.dumps(result)
    return not [secret for secret in ("hunter2", "hunter3") if secret in text]


def test_field_r2_secrets_within_dictionaries_are_hidden_and_names_are_not(printed: Callable[..., Json]) -> None:
    def end(module: Module) -> None:
        module.exit_json(name="demo", said=f"password {SECRET} of demo", deep=[{"url": "http://demo:hunter3@images"}])

    result = printed(end)
    assert (result["name"], result["said"]) == ("demo", "password ******** of demo")
    assert result["deep"] == [{"url": "http://demo:********@images"}]
    assert is_clean(result)
    given = result["invocation"]["module_args"]
    assert given["auth"] == {"username": "demo", "project_name": "demo", "password": "******"}
    assert given["cloud"]["auth"] == {"username": "demo", "password": "******", "anything": "******"}
    assert given["properties"] == {"auth_username": "demo", "auth_password": "******", "more": [{"token": "******"}]}


def fail(module: Module) -> None:
    try:
        raise ValueError(f"no such thing as {SECRET}")
    except ValueError as error:
        module.fail_json(msg=str(error))


def test_field_r2_secrets_are_in_no_error(printed: Callable[..., Json]) -> None:
    result = printed(fail)
    assert (result["failed"], result["msg"]) == (True, "no such thing as ********")
    assert is_clean(result)


def test_what_a_task_does_not_say_is_no_part_of_its_invocation(capsys: pytest.CaptureFixture[str]) -> None:
    entry: Json = {
        "type": "list",
        "elements": "dict",
        "options": {"name": {"type": "str"}, "size": {"type": "int"}, "more": {"type": "dict"}},
    }
    given = {"volumes": [{"name": "root", "more": {"none": None}}]}
    with patch_module_args({**given, **SETTINGS}), pytest.raises(SystemExit):
        Module({"volumes": entry, "volume": {"type": "str"}}).exit_json()
    assert json.loads(capsys.readouterr().out)["invocation"]["module_args"] == given


def test_field_r2_nothing_goes_to_the_systems_log(printed: Callable[..., Json], monkeypatch: pytest.MonkeyPatch) -> None:
    """Ansible has each module write its options there, and says for every task whether it may: not only where one asks for no_log."""
    logged: list[object] = []
    monkeypatch.setattr("ansible.module_utils.basic.has_journal", False)
    monkeypatch.setattr("ansible.module_utils.basic.syslog.syslog", lambda *said: logged.append(said))
    result = printed(lambda module: module.exit_json(name="demo"), _ansible_no_log=False)
    assert (result["name"], logged) == ("demo", [])


def test_field_r2_secrets_are_in_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    told: Json = {}  # to Ansible, which shows a traceback where it is asked for
    monkeypatch.setattr(AnsibleModule, "fail_json", lambda _module, **result: told.update(result))
    with patch_module_args(GIVEN):
        fail(Module(OPTIONS))
    assert "ValueError: no such thing as ********" in told["exception"]
    assert is_clean(told)


def test_field_r2_secrets_are_in_no_warning(printed: Callable[..., Json]) -> None:
    def end(module: Module) -> None:
        module.warn(f"{SECRET} of demo is weak")
        module.exit_json()

    result = printed(end)
    assert "******** of demo is weak" in json.dumps(result)
    assert is_clean(result)


@pytest.mark.parametrize(
    "given",
    [
        {"target_lun": "x"},
        {"unknown": SECRET},
        {"volume": "x", "volume_id": "y"},
        {"auth": f"username=demo password={SECRET}", "boot_index": "x"},
        {"properties": json.dumps({"auth_password": SECRET}), "boot_index": "x"},
        {"auth": f"password:{SECRET}"},
    ],
)
def test_field_r2_options_that_do_not_hold_show_no_secret(printed: Callable[..., Json], given: Json) -> None:
    result = printed(lambda _module: None, **given)
    assert result["failed"]
    assert is_clean(result)


def test_field_r2_nothing_is_called_that_ansible_will_take_away(printed: Callable[..., Json]) -> None:
    for end in (lambda module: module.exit_json(said=SECRET), lambda module: module.fail_json(msg=SECRET)):
        assert "deprecations" not in printed(end)


def test_options_that_ansible_hides_by_their_values_are_those_of_secret_names() -> None:
    hidden = {
        name for spec in (OPTIONS, options.SERVER, conductor.OPTIONS) for name, option in spec.items() if option.get("no_log")
    }
    assert hidden == {"chap_password", "secrets", "user_data"}
    assert all(map(secrets.is_secret, hidden))


# What a service echoes


class Echo:
    """A service that repeats what it was sent, as Nova does with what does not fit its schema."""

    def request(self, _path: str, _method: str, json: Any = None, **_other: object) -> Any:
        (value,) = json["server"].values()
        return answer({"badRequest": {"code": 400, "message": f"Invalid input. Value: {value}. {value!r} is too long."}}, 400)


@pytest.mark.parametrize("length", [10, 470, 5000])
def test_field_s18_the_echo_of_user_data_is_hidden_where_it_is_cut_as_well(length: int) -> None:
    coded = base64.b64encode(b"chpasswd: root:" + b"x" * length).decode()
    request = Request("create server web", "compute", "POST", "/servers", "server", body={"server": {"user_data": coded}})
    with pytest.raises(BfvError) as refused:
        Service(Echo(), "Nova", None).send(request)
    assert "Nova says «Invalid input. Value: ********. '********' is too long" in str(refused.value)


def test_field_s18_an_echo_of_user_data_as_it_was_given_is_hidden(printed: Callable[..., Json]) -> None:
    def end(module: Module) -> None:
        module.fail_json(msg=f"Nova says «{SECRET}, {base64.b64encode(SECRET.encode()).decode()}»")

    assert printed(end)["msg"] == "Nova says «********, ********»"
