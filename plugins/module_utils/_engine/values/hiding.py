# Copyright: The bfv.openstack contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets out of texts and structures. Each ansible-core does this in another way, and none with what a service echoes."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

HIDDEN = "********"


class Hiding:
    """Hides some secrets wherever they stand: as they are, and as services, encoders and our own errors write them."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets for form in _forms(secret)}
        self._forms = sorted(filter(str.strip, forms), key=len, reverse=True)  # one may be a part of another

    def text(self, text: str) -> str:
        """The text without the secrets."""
        for form in self._forms:
            text = text.replace(form, HIDDEN)
        return text

    def value(self, value: Any) -> Any:
        """The structure without the secrets. Names stay: a secret is no name, and an equal one is that of something else."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {name: self.value(inner) for name, inner in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.value(inner) for inner in value]
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return HIDDEN if str(value) in self._forms else value
        return value


def _forms(secret: str) -> set[str]:
    coded = secret.encode(errors="surrogatepass")
    in_json = (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1])
    in_urls = (quote(coded), quote(coded, safe=""), quote_plus(coded))
    in_one_line = (secret.strip(), " ".join(secret.split()))  # as errors are
    in_base64 = base64.b64encode(coded).decode()  # as Nova takes user data
    return {secret, repr(secret)[1:-1], in_base64, *in_json, *in_urls, *in_one_line}
