# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values import secrets
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    "name",
    [
        "chap_password",
        "auth_password",
        "Secret",
        "ADMIN_PASSWD",
        "x_auth_token",
        "discovery_auth_password",
        "adminPass",
        "user_data",
    ],
)
def test_names_of_secrets_are_known(name: str) -> None:
    assert secrets.is_secret(name)


@pytest.mark.parametrize("name", ["auth_username", "target_lun", "auth_method", "name", 7])
def test_other_names_are_shown(name: object) -> None:
    assert not secrets.is_secret(name)


def test_secrets_are_masked_however_deep() -> None:
    properties = {"target_lun": 1, "auth_password": "hunter2", "more": [{"secret": 42}], "pair": ({"token": "t"},)}
    masked = {"target_lun": 1, "auth_password": "******", "more": [{"secret": "******"}], "pair": [{"token": "******"}]}
    assert secrets.mask(properties) == masked


def test_a_missing_secret_is_shown_as_missing() -> None:
    assert secrets.mask({"auth_password": None}) == {"auth_password": None}


def test_every_secret_is_told_to_ansible() -> None:
    params = {
        "nodes": [{"targets": [{"chap_password": "hunter2", "properties": {"secret": 42}}]}],
        "auth": {"password": "letmein", "username": "admin"},
        "metadata": {"tokens": ["one", {"any": "two"}]},
    }
    assert set(secrets.secret_values(params)) == {"hunter2", "42", "letmein", "one", "two"}


def test_who_and_where_are_no_secrets_of_a_login() -> None:
    shown = {
        "auth_url": "http://keystone",
        "username": "admin",
        "project_name": "web",
        "user_domain_id": "default",
        "system_scope": "all",
    }
    hidden = {"password": "letmein", "token": "t", "passcode": "123", "token_id": "u", "anything": "else"}
    assert set(secrets.secret_values({"auth": {**shown, **hidden}})) == set(hidden.values())
    assert secrets.mask({"auth": {**shown, **hidden}}) == {"auth": {**shown, **dict.fromkeys(hidden, "******")}}
    assert list(secrets.secret_values({"auth": None})) == []


@pytest.mark.parametrize(
    "name", ["project", "project-name", "user", "user_domain", "identity_provider", "protocol", "discovery_endpoint"]
)
def test_field_r2_names_within_a_login_are_no_secrets(name: str) -> None:
    assert list(secrets.secret_values({"cloud": {"auth": {name: "demo"}}})) == []
    assert secrets.mask({"cloud": {"auth": {name: "demo"}}}) == {"cloud": {"auth": {name: "demo"}}}


def test_a_login_that_cannot_be_read_is_a_secret_as_a_whole() -> None:
    assert list(secrets.secret_values({"auth": "password=letmein"})) == ["password=letmein"]


def test_in_a_patch_the_path_says_what_the_value_is() -> None:
    patch = [
        {"op": "replace", "path": "/properties/auth_password", "value": "hunter2"},
        {"op": "add", "path": "/name", "value": "x"},
    ]
    assert list(secrets.secret_values(patch)) == ["hunter2"]


@pytest.mark.parametrize(
    ("url", "passwords"),
    [
        ("http://user:pw@192.0.2.9/debian.raw", {"pw"}),
        ("rabbit://u:P1@h1:5672,u:P2@h2:5672//", {"P1", "P2"}),
        ("mysql+pymysql://ironic:ab/cd@h/db", {"ab/cd"}),
        ("mysql+pymysql://ironic:ab%2Fcd@h/db", {"ab%2Fcd", "ab/cd"}),
        ("http://192.0.2.9:8080/debian.raw", set()),
        ("iqn.2010-10.org.example:array", set()),
    ],
)
def test_the_passwords_of_urls_are_secrets_whatever_the_option(url: str, passwords: set[str]) -> None:
    assert set(secrets.secret_values({"image": url})) == passwords


@pytest.mark.parametrize("value", [None, "", True, False])
def test_what_is_no_secret_text_is_not_hidden_everywhere(value: object) -> None:
    assert list(secrets.secret_values({"chap_password": value})) == []


@pytest.mark.parametrize("value", ["on_create", "always", "on_change"])
def test_the_words_of_update_password_are_not_hidden_everywhere(value: str) -> None:
    assert list(secrets.secret_values({"targets": [{"update_password": value}]})) == []


def test_a_digest_is_that_of_its_password_only() -> None:
    kept = secrets.digest("hunter2", "5a17")
    assert secrets.matches("hunter2", kept)
    assert not secrets.matches("hunter3", kept)
    assert not secrets.matches("hunter2", kept.replace("5a17", "5a18"))


def test_a_digest_does_not_tell_the_password() -> None:
    assert "hunter2" not in secrets.digest("hunter2", "salt")


@pytest.mark.parametrize("kept", [None, "", 7, "scrypt:", "******", "caf\u00e9"])
def test_what_is_no_digest_never_matches(kept: object) -> None:
    assert not secrets.matches("hunter2", kept)


_json = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text("abc")),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["name", "password", "lun"]), inner, max_size=3)
    ),
    max_leaves=8,
)


_properties = st.dictionaries(st.sampled_from(["name", "password", "lun"]), _json, max_size=3)


@given(_properties)
def test_nothing_secret_is_left_after_masking(value: dict[str, object]) -> None:
    assert set(secrets.secret_values(secrets.mask(value))) <= {secrets.MASK}


@given(_properties)
def test_masking_twice_is_masking_once(value: dict[str, object]) -> None:
    assert secrets.mask(secrets.mask(value)) == secrets.mask(value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://user:pw@192.0.2.9/debian.raw", "http://192.0.2.9/debian.raw"),
        ("https://swift.example.org/v1/a/c/o?temp_url_sig=abc", "https://swift.example.org/v1/a/c/o"),
        ("1f1b0518-b3df-523d-a560-8e557d724864", "1f1b0518-b3df-523d-a560-8e557d724864"),
        ("", ""),
    ],
)
def test_an_image_is_shown_without_its_credentials(url: str, shown: str) -> None:
    assert secrets.without_credentials(url) == shown
