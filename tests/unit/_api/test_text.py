# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text of others in messages: visible, short, free of secrets."""

from __future__ import annotations

import json
import unicodedata
from urllib.parse import quote

import pytest
import yaml
from ansible_collections.cakewalk.access.plugins.module_utils._api.text import (
    by_usable_key,
    has_invisible,
    is_usable_key,
    look,
    pluralize,
    printable,
    redact,
    summarize,
)
from ansible_collections.cakewalk.access.plugins.module_utils._engine.access_as_code.yaml_writer import dump_yaml
from hypothesis import example, given
from hypothesis import strategies as st

_ANYTHING = st.text(st.characters(), max_size=60)  # lone surrogates among them: JSON can hold them
_BIDIRECTIONAL = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


@given(_ANYTHING, st.integers(1, 80))
@example(_BIDIRECTIONAL, 80)
@example("\x1b[2J\r\n\x85\u2028\u2029\u200b\ufeff\ud800\U000e0041", 80)
def test_nothing_invisible_gets_through_and_nothing_is_longer_than_the_limit(text: str, limit: int) -> None:
    shown = printable(text, limit)
    assert {unicodedata.category(char) for char in shown}.isdisjoint({"Cc", "Cf", "Cs", "Zl", "Zp"})
    assert set(shown).isdisjoint(_BIDIRECTIONAL)
    assert len(shown) <= limit
    shown.encode()


@given(st.text(st.characters(exclude_categories=["C", "Z"]), max_size=60))
def test_visible_text_stays_as_it_is(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Entwicklung & Café", "Entwicklung & Café"),
        ("a\nb\tc\x1b[31m", r"a\nb\tc\x1b[31m"),
        ("\u202eelif", r"\u202eelif"),
        ("zero\u200bwidth", r"zero\u200bwidth"),
        ("\ud800", r"\ud800"),
        (None, "None"),
        (4, "4"),
        ("x" * 300, "x" * 300),
        ("x" * 301, "x" * 299 + "…"),
        ("x" * 295 + "\u202e", "x" * 295 + r"\u20"[:4] + "…"),
    ],
)
def test_what_is_shown(text: object, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize(
    ("text", "secrets", "left"),
    [
        ("key and secret", ["key", "secret"], "******** and ********"),
        ("abcdef", ["abc", "abcdef"], "********"),
        ("twice twice", ["twice"], "******** ********"),
        ("nothing to hide", ["", "other"], "nothing to hide"),
        ("nothing known", [], "nothing known"),
    ],
)
def test_secrets_are_replaced_the_longest_first(text: str, secrets: list[str], left: str) -> None:
    assert redact(text, secrets) == left


@pytest.mark.parametrize("secret", ['pa"ss\\w0rd-xyz', "a'b\"c\\d", "a+b%/", "plain", "123"])
def test_a_secret_is_found_in_every_spelling_and_in_no_number(secret: str) -> None:
    spellings = [secret, json.dumps(secret)[1:-1], dump_yaml({"x": f"{secret}!"}), repr(secret), quote(secret, safe="")]
    assert all("********" in redact(f"<{spelling}>", [secret]) for spelling in spellings)
    hidden = {"x ******** y": ["********", {"n": 123, "b": True, "z": None}]}
    assert redact({f"x {secret} y": [secret, {"n": 123, "b": True, "z": None}]}, [secret]) == hidden


@given(st.text(), st.lists(st.text(st.characters(exclude_characters="*"), min_size=1), max_size=3))
def test_no_secret_is_left(text: str, secrets: list[str]) -> None:
    assert not any(secret in redact(text, secrets) for secret in secrets)


@pytest.mark.parametrize(("number", "words"), [(0, "0 people"), (1, "1 person"), (2, "2 people")])
def test_counting(number: int, words: str) -> None:
    assert pluralize(number, "person", "people") == words


@pytest.mark.parametrize(
    ("number", "words"),
    [(0, ""), (1, "0"), (3, "0, 1, 2"), (4, "0, 1, 2 and 1 more"), (9, "0, 1, 2 and 6 more")],
)
def test_long_enumerations_are_cut(number: int, words: str) -> None:
    assert summarize(map(str, range(number)), limit=3) == words
    assert summarize(map(str, range(number)), limit=3, separator="; ") == words.replace(", ", "; ")


@pytest.mark.parametrize(
    ("name", "usable"),
    [
        *((name, True) for name in ("GitHub", "items", "ansible_facts", "7", "null", "{{ x }}", "- a: b", "a" * 1021)),
        *((name, True) for name in ("می\u200cروم", "\U0001f469\u200d\U0001f4bb", "é" * 300)),
        *((name, False) for name in ("", " ", "\u3000", "a" * 1022, '"' * 103, "__ansible_type", "_ansible_no_log")),
        *((name, False) for name in ("\ud800", "a\nb", "\x00", "\x7f", "\x85", "\u2028", "\u202eelif", "\ufeff")),
    ],
)
def test_which_names_can_be_keys(name: str, usable: bool) -> None:
    assert is_usable_key(name) is usable
    assert by_usable_key([(name, 1)]) == (({name: 1}, []) if usable else ({}, [(name, 1)]))


@given(_ANYTHING | st.text(st.sampled_from('ab"\\\u200c\U000e0100\ue000'), min_size=80, max_size=1200))
def test_yaml_reads_back_every_usable_key(name: str) -> None:
    if is_usable_key(name):
        assert yaml.safe_load(dump_yaml({"fields": {name: "x"}})) == {"fields": {name: "x"}}


@pytest.mark.parametrize(
    ("text", "as_name", "as_words"),
    [
        *((text, False, False) for text in ("", "erin@example.com", "m\u00fc@x.example", "Human Resources", "\u6587")),
        *((text, True, False) for text in ("\u0645\u06cc\u200c\u0631", "\U0001f469\u200d\U0001f4bb", "\u2764\ufe0f")),
        *((f"a{char}b", True, True) for char in "\u200b\u00ad\u202e\ufeff\u00a0\u3000\u2028\n\x00\x85\ud800\ue000"),
        *((f"a{char}b", True, True) for char in "\u034f\u3164\ufe00\U000e0100\U000e0041"),
    ],
)
def test_what_looks_like_another_text_has_something_invisible(text: str, as_name: bool, as_words: bool) -> None:
    assert (has_invisible(text), has_invisible(text, is_words=True)) == (as_name, as_words)


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        *(("Extern", other, True) for other in ("extern", " Extern", "EXTERN", "Ex\u00adtern", "\uff25xtern")),
        *(("Caf\u00e9", other, True) for other in ("Cafe\u0301", "CAF\u00c9", "CAFE\u0301", "Cafe\u200b\u0301")),
        *(("stra\u00dfe", other, True) for other in ("STRASSE", "Stra\u1e9ee")),
        *(("Extern", other, False) for other in ("Intern", "Ext", "Ext\u00e9rn")),
    ],
)
def test_what_people_take_for_the_same(one: str, other: str, alike: bool) -> None:
    assert (look(one) == look(other)) is alike
