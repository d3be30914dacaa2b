# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What modules say about refused objects is told without secrets."""

from __future__ import annotations

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.text import redact
from ansible_collections.cakewalk.access.plugins.plugin_utils._awx import _without_values

KEY = '-----BEGIN KEY-----\nü"MC4CAQ\n-----END KEY-----\n'


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            f"Unable to create credential C: {{'inputs': {{'key': ['Invalid key: {KEY[:30]!r}...']}}}}",
            "Unable to create credential C: AWX refuses inputs, key",
        ),
        ("Request to /api/v2/credentials/ returned 0 items", "Request to /api/v2/credentials/ returned 0 items"),
    ],
)
def test_a_refusal_names_the_fields_without_what_is_said_about_them(said: str, told: str) -> None:
    assert _without_values(said) == told


def test_a_secret_of_several_lines_is_hidden_however_it_is_spelled() -> None:
    for text in (KEY, repr({"key": KEY}), f"{KEY!r}"):
        assert "MC4CAQ" not in redact(text, [KEY])
