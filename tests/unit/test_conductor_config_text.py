# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Configuration files as text: nothing of others is lost, nothing of ours is left."""

from __future__ import annotations

import re

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values import oslo_config
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.errors import Invalid
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.oslo_config import (
    effective,
    is_made,
    options,
    ours,
    shown,
    template_line,
    united,
    with_options,
    without_credentials,
    without_options,
    words,
    written,
)
from hypothesis import given
from hypothesis import strategies as st

ENABLED = ("DEFAULT", "enabled_storage_interfaces")
PASSWORD = ("cinder", "password")
FILE = """\
# Of the operator.
[DEFAULT]
#enabled_storage_interfaces = cinder,noop
debug: true
enabled_boot_interfaces = ipxe,
    pxe
; the list ends here

[database]
connection = mysql+pymysql://ironic:hunter2@192.0.2.1/ironic
"""
VALUE = "cinder,noop,external"
UNMARKED = "# Written by bfv.openstack.conductor_config. What is changed here by hand is lost.\n"


def test_options_are_read_as_oslo_config_reads_them() -> None:
    assert effective([FILE]) == {
        ("DEFAULT", "debug"): "true",
        ("DEFAULT", "enabled_boot_interfaces"): "ipxe,\npxe",
        ("database", "connection"): "mysql+pymysql://ironic:hunter2@192.0.2.1/ironic",
    }


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("a = b = c", "b = c"),
        ("a : b", "b"),
        ("a=:b", ":b"),
        ('a = "b "', "b "),
        ("a = 'b", "'b"),
        ("a =", ""),
        ("a = b # c", "b # c"),
    ],
)
def test_a_value_ends_where_oslo_config_ends_it(line: str, value: str) -> None:
    assert effective([f"[s]\n{line}\n"]) == {("s", "a"): value}


def test_the_last_file_and_the_last_line_win() -> None:
    assert effective(["[a]\nb=1\nb=2\n", "[A]\nb=3\n", "[default]\nb=4\n"]) == {("a", "b"): "3", ("default", "b"): "4"}


@pytest.mark.parametrize("text", ["a=b\n", "[a]\nb\n", "[a\nb=c\n", "[]\n", "[a]\n b=c\n", "[a]\n=c\n", "[a]\nb=c\n\n d\n"])
def test_what_oslo_config_cannot_read_is_refused_with_its_line(text: str) -> None:
    with pytest.raises(Invalid, match=r"line \d"):
        options(text)


def test_an_unreadable_line_does_not_show_its_secret() -> None:
    with pytest.raises(Invalid) as refused:
        options("password = hunter2\n")
    assert "hunter2" not in str(refused.value)


def test_a_new_option_goes_behind_its_sample() -> None:
    lines = with_options(FILE, {ENABLED: VALUE}).splitlines()
    place = lines.index("#enabled_storage_interfaces = cinder,noop")
    assert lines[place + 2] == f"enabled_storage_interfaces = {VALUE}"


def test_a_new_option_without_a_sample_goes_behind_the_last_of_its_section() -> None:
    lines = with_options(FILE, {("DEFAULT", "my_ip"): "192.0.2.2"}).splitlines()
    assert lines.index("my_ip = 192.0.2.2") == lines.index("    pxe") + 2


def test_a_new_section_comes_last() -> None:
    text = with_options(FILE, {PASSWORD: "secret"})
    assert text.startswith(FILE)
    assert re.search(r"\[cinder\]\n# bfv.openstack, set: password [0-9a-f]{16}\npassword = secret\n$", text)


def test_what_an_option_takes_the_place_of_stays_as_a_comment() -> None:
    text = with_options(FILE, {("DEFAULT", "enabled_boot_interfaces"): "http-ipxe"})
    assert "# bfv.openstack, was: enabled_boot_interfaces = ipxe,\n# bfv.openstack, was:     pxe\n" in text
    assert effective([text])["DEFAULT", "enabled_boot_interfaces"] == "http-ipxe"


def test_a_second_run_changes_nothing_and_another_value_replaces_ours() -> None:
    wanted = {ENABLED: VALUE, PASSWORD: "one"}
    once = with_options(FILE, wanted)
    assert with_options(once, wanted) == once
    assert with_options(once, {PASSWORD: "two"}) == with_options(FILE, {PASSWORD: "two"})


def test_removal_leaves_what_others_have_put_in_since() -> None:
    text = with_options(FILE, {PASSWORD: "one"})
    theirs = text.replace("[database]\n", "[database]\nmax_retries = 3\n") + "# a note\naction_retries = 5\n"
    left = without_options(theirs)
    assert "max_retries = 3" in left
    assert left.endswith("[cinder]\n# a note\naction_retries = 5\n")
    assert "password" not in left


def test_removal_is_no_obstacle_to_an_option_of_ours_that_somebody_has_removed() -> None:
    text = with_options(FILE, {ENABLED: VALUE})
    assert without_options(text.replace(f"enabled_storage_interfaces = {VALUE}\n", "")) == FILE


@pytest.mark.parametrize("edited", [f"enabled_storage_interfaces = {VALUE}\n  fake\n", "enabled_storage_interfaces = fake\n"])
def test_field_d15_an_option_of_ours_that_somebody_has_changed_is_theirs(edited: str) -> None:
    text = with_options(FILE, {ENABLED: VALUE, PASSWORD: "one"})
    theirs = text.replace(f"enabled_storage_interfaces = {VALUE}\n", edited)
    assert without_options(theirs) == FILE.replace("cinder,noop\n", f"cinder,noop\n{edited}", 1)
    assert ours(theirs) == {ENABLED: None, PASSWORD: "one"}
    again = with_options(theirs, {ENABLED: VALUE})
    assert "".join(f"# bfv.openstack, was: {line}" for line in edited.splitlines(keepends=True)) in again
    assert without_options(again) == without_options(theirs)


def test_marks_of_the_first_release_have_no_digest_and_their_options_are_ours() -> None:
    text = re.sub("(?m)^(# bfv.openstack, set: [a-z_]+) .*$", r"\1", with_options(FILE, {ENABLED: VALUE, PASSWORD: "one"}))
    assert "set: password\n" in text
    assert without_options(text) == FILE


def test_a_file_that_the_first_release_made_is_all_ours() -> None:
    text = f"{UNMARKED}\n[DEFAULT]\nenabled_storage_interfaces = noop\n"
    assert is_made(text)
    assert without_options(text) == ""
    assert ours(text) == {ENABLED: "noop"}


NAMES = st.sampled_from(["a", "b_c", "password", "d"])
SECTIONS = st.sampled_from(["DEFAULT", "cinder", "Cinder", "x"])
VALUES = st.text(st.characters(exclude_categories=["C", "Z"]), max_size=6)
CHUNKS = st.one_of(
    st.just("\n"),
    st.just("# a comment\n"),
    st.builds("#{} = sample\n".format, NAMES),
    st.builds("{} = {}\n".format, NAMES, VALUES),
    st.builds("{} = {}\n   more\n".format, NAMES, VALUES),
    st.builds("[{}]\n".format, SECTIONS),
)
TEXTS = st.lists(CHUNKS, max_size=12).map(lambda chunks: "[x]\n" + "".join(chunks))
SECRETS = VALUES.filter(lambda value: r"\$" not in value).map(lambda value: written(value, literally=True))
WANTED = st.dictionaries(st.tuples(SECTIONS, NAMES), SECRETS, max_size=4).map(
    lambda wanted: {oslo_config.key(*name): value for name, value in wanted.items()}
)


@given(TEXTS, WANTED)
def test_any_file_can_be_had_back_as_it_was(text: str, wanted: dict[tuple[str, str], str]) -> None:
    assert without_options(with_options(text, wanted)) == text


@given(TEXTS, WANTED)
def test_what_is_set_holds_and_all_else_stays(text: str, wanted: dict[tuple[str, str], str]) -> None:
    given = effective([with_options("", wanted)])
    assert effective([with_options(text, wanted)]) == {**effective([text]), **given}


@given(TEXTS, WANTED, WANTED)
def test_a_later_run_leaves_no_trace_of_an_earlier_one(
    text: str, first: dict[tuple[str, str], str], then: dict[tuple[str, str], str]
) -> None:
    assert with_options(with_options(text, first), then) == with_options(text, then)


def test_a_file_without_an_end_gets_one() -> None:
    assert without_options(with_options("[a]\nb = c", {("a", "d"): "e"})) == "[a]\nb = c\n"


def test_a_file_of_its_own_holds_the_options_by_section() -> None:
    text = with_options(oslo_config.HEADER, {ENABLED: VALUE, PASSWORD: "one", ("DEFAULT", "debug"): "true"})
    assert is_made(text)
    assert not is_made(FILE)
    assert text.count("[DEFAULT]") == 1
    assert effective([text]) == {ENABLED: VALUE, PASSWORD: "one", ("DEFAULT", "debug"): "true"}
    assert oslo_config.is_empty(without_options(text))


@pytest.mark.parametrize(
    ("value", "literally", "text"),
    [
        (True, False, "true"),
        (["a", "b"], False, "a,b"),
        (5, False, "5"),
        ("$my_ip", False, "$my_ip"),
        ("pa$$word", True, "pa$$$$word"),
        (" a ", True, '" a "'),
        ('"a"', True, '""a""'),
        ("'", True, '"\'"'),
    ],
)
def test_values_are_written_so_that_oslo_config_reads_them_back(value: object, literally: bool, text: str) -> None:
    assert written(value, literally=literally) == text


@pytest.mark.parametrize("value", ["a\nb", "a\rb"])
def test_a_value_of_two_lines_could_be_another_option_and_is_refused(value: str) -> None:
    with pytest.raises(Invalid, match="more than one line"):
        written(value, literally=True)


def test_a_secret_that_oslo_config_would_read_as_another_is_refused() -> None:
    with pytest.raises(Invalid, match=r"cannot read a value that holds \\\$"):
        written(r"pa\$word", literally=True)
    assert written(r"$my_ip\$", literally=False) == r"$my_ip\$"


def test_lists_are_united_in_order() -> None:
    assert united(words("cinder, noop,\n fake"), ["external", "noop"]) == ["cinder", "noop", "fake", "external"]


def test_no_password_and_no_line_of_others_is_shown() -> None:
    url = ("database", "connection")
    text = with_options(
        FILE, {PASSWORD: "three", url: "mysql://ironic:hunter3@192.0.2.1/ironic", ("x", "token_file"): "t", ENABLED: VALUE}
    )
    assert shown(text, {("x", "token_file")}) == {
        ENABLED: VALUE,
        url: "mysql://ironic:******@192.0.2.1/ironic",
        PASSWORD: "******",
        ("x", "token_file"): "******",
    }


def test_a_password_that_somebody_has_changed_is_not_shown() -> None:
    text = with_options(FILE, {PASSWORD: "three"}).replace("password = three", "password = four")
    assert shown(text) == {PASSWORD: "(changed by hand)"}


@pytest.mark.parametrize("line", ["#password = hunter2", "; admin_token=hunter2"])
def test_a_password_in_an_unreadable_line_is_not_shown_either(line: str) -> None:
    with pytest.raises(Invalid) as refused:
        options(f"[a]\n{line[1:].strip()}\n\n {line}\n")
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("value", "safe"),
    [
        ("rabbit://u:P1@h1:5672,u:P2@h2:5672//", "rabbit://u:******@h2:5672//"),
        ("mysql+pymysql://ironic:ab/cd@h/db", "mysql+pymysql://ironic:******@h/db"),
        ("mysql://ironic:a@b%c,d:e@h/db", "mysql://ironic:******@h/db"),
        ("mysql://token@h/db?charset=utf8&ssl_key_password=hunter2", "mysql://******@h/db?******"),
        ("redis://:P1@h1:26379?sentinel=h2", "redis://:******@h1:26379?******"),
        ("http://a:1,http://u:P1@b:2", "http://a:******@b:2"),
        ("http://h:6385/v1", "http://h:6385/v1"),
        ("no url, me@host", "no url, me@host"),
    ],
)
def test_field_c1_no_password_of_a_url_is_shown(value: str, safe: str) -> None:
    assert without_credentials(value) == safe


@pytest.mark.parametrize("text", ["[a]\nb = c\n\n hunter2\n", "[a]\nhunter2\n", "[hunter2\n"])
def test_field_c1_an_error_tells_the_line_and_nothing_of_it(text: str) -> None:
    with pytest.raises(Invalid, match=r"^line \d") as refused:
        options(text)
    assert "hunter2" not in str(refused.value)


def with_crlf(text: str) -> str:
    return text.replace("\n", "\r\n")


def test_field_c3_line_ends_stay() -> None:
    wanted = {PASSWORD: "three", ENABLED: VALUE, ("new", "option"): "x"}
    there = with_options(with_crlf(FILE), wanted)
    assert there == with_crlf(with_options(FILE, wanted))
    assert without_options(there) == with_crlf(FILE)
    assert shown(there) == shown(with_options(FILE, wanted))


def test_field_c3_an_editor_that_changes_the_line_ends_changes_no_option_of_ours() -> None:
    assert without_options(with_crlf(with_options(FILE, {PASSWORD: "three"}))) == with_crlf(FILE)


@pytest.mark.parametrize(
    ("line", "is_template"),
    [
        ("{% if inventory_hostname in groups['ironic'] %}", True),
        ("enabled_boot_interfaces = {{ interfaces | join(',') }}", True),
        ("{# a note #}", True),
        ("password = a{#b", False),
        ("password = a}}b{{c", False),
    ],
)
def test_field_c2_what_jinja_would_read_is_known(line: str, is_template: bool) -> None:
    assert template_line(f"[a]\n{line}\n") == (2 if is_template else 0)
