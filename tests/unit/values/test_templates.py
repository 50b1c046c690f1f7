# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from ansible_collections.bfv.openstack.plugins.module_utils._engine.values import templates
from hypothesis import given
from hypothesis import strategies as st

ID = "3f5b3b0e-0000-4000-8000-000000000001"
PARTS = ("{{", "}}", "{%", "%}", "{#", "#}", "\\", "\n", '"', "'", "raw", "6*7", " ", "é", "🖴", "a")


@given(st.lists(st.sampled_from(PARTS)).map("".join))
def test_what_a_cloud_says_is_the_same_text_when_it_has_been_a_template(text: str) -> None:
    literal = trust_as_template(str(templates.literal(text)))
    templar = Templar(DataLoader(), variables={"host": {"variable": [literal]}})
    assert templar.template(literal) == text
    assert templar.template(trust_as_template("{{ host.variable }}")) == [text]


def test_texts_are_literals_however_deep_and_placeholders_stay() -> None:
    told = {"a": ["{{ 1 }}", {"b": "{% x %}", "n": 7}], "chap_password": "{{ vault_a_chap_password }}"}
    made = templates.literal(told)
    assert made == {
        "a": ["{{ '{' }}{ 1 }}", {"b": "{{ '{' }}% x %}", "n": 7}],
        "chap_password": "{{ vault_a_chap_password }}",
    }


@pytest.mark.parametrize(
    ("owner", "variable"),
    [
        ("bm", "vault_bm_chap_password"),
        ("rack3-node07", "vault_rack3_node07_chap_password"),
        ("bm-0.example.org", "vault_bm_0__example__org_chap_password"),
        # two nodes must not share one
        ("bm_0", f"vault_{ID.replace('-', '_')}_chap_password"),
        ("bm--0", f"vault_{ID.replace('-', '_')}_chap_password"),
        (ID, f"vault_{ID.replace('-', '_')}_chap_password"),
    ],
)
def test_each_owner_has_a_variable_of_its_own(owner: str, variable: str) -> None:
    assert templates.placeholder(owner, ID, "chap_password") == f"{{{{ {variable} | default(omit) }}}}"
    assert variable.isidentifier()
