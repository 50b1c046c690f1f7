# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values.hiding import Hiding
from hypothesis import given
from hypothesis import strategies as st

ODD = "se\"c/r%e t\n'ü"


@pytest.mark.parametrize(
    "written",
    [
        ODD,
        json.dumps(ODD)[1:-1],
        json.dumps(ODD, ensure_ascii=False)[1:-1],
        repr(ODD)[1:-1],
        quote(ODD),
        quote(ODD, safe=""),
        quote_plus(ODD),
        base64.b64encode(ODD.encode()).decode(),
        " ".join(ODD.split()),
    ],
)
def test_a_secret_is_hidden_however_it_is_written(written: str) -> None:
    assert Hiding([ODD]).text(f"Bad value: «{written}».") == "Bad value: «********»."


def test_of_two_secrets_the_longer_is_hidden_first() -> None:
    assert Hiding(["pass", "password1"]).text("password1 and pass") == "******** and ********"


def test_names_and_what_is_no_text_stay() -> None:
    value = {"demo": ["my demo", ("x", None, True, 1.5)], 4: {"lun": 4711}}
    assert Hiding(["demo", "47"]).value(value) == {"demo": ["my ********", ["x", None, True, 1.5]], 4: {"lun": 4711}}


def test_a_number_that_is_a_secret_is_hidden() -> None:
    assert Hiding(["4711"]).value({"lun": 4711, "size": 47110}) == {"lun": "********", "size": 47110}


@pytest.mark.parametrize("secret", ["", " ", "\n"])
def test_nothing_is_no_secret(secret: str) -> None:
    assert Hiding([secret]).text("as it\n is") == "as it\n is"


def test_text_that_is_no_unicode_is_no_trouble() -> None:
    assert Hiding(["\udce4x"]).text("a \udce4x") == "a ********"


@given(st.text(min_size=1), st.text(), st.text())
def test_a_secret_never_stays(secret: str, before: str, after: str) -> None:
    shown = Hiding([secret]).text(before + secret + after)
    assert not secret.strip() or secret not in shown.replace("********", "")
