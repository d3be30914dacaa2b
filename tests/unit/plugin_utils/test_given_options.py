# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a module sees of the options that a task gives: by value."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
from ansible.utils.unsafe_proxy import wrap_var
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import ConfigurationError
from ansible_collections.cakewalk.access.plugins.module_utils._module.arguments import CONNECTION, WRITING
from ansible_collections.cakewalk.access.plugins.plugin_utils._given_options import completed, given

DAY, NOW = date(2026, 1, 1), datetime(2026, 1, 1, 10, 30)
SPEC: dict[str, Any] = {
    **CONNECTION,
    **WRITING,
    "text": {"type": "str"},
    "file": {"type": "path"},
    "number": {"type": "int"},
    "flag": {"type": "bool"},
    "texts": {"type": "list", "elements": "str"},
    "any": {"type": "raw"},
    "facts": {"type": "dict", "options": {"text": {"type": "str"}}},
    "fields": {"type": "dict"},
    "due_date": {"type": "str"},
    "free": {"type": "list", "elements": "dict"},
    "access": {
        "type": "list",
        "elements": "dict",
        "options": {
            "app": {"type": "str", "required": True},
            "level": {"type": "str"},
            "users": {"type": "list", "elements": "str"},
        },
    },
}
#: The name of an option, what a task gives for it, and what the module gets.
GIVEN = [
    ("text", "a", "a"),
    ("text", " a ", " a "),
    ("number", 0, 0),
    ("number", "7", "7"),
    ("flag", False, False),
    ("flag", "no", "no"),
    ("any", [], []),
    ("any", {}, {}),
    ("unknown", " a\nb ", " a\nb "),
    ("texts", [], []),
    ("texts", ["a", " b ", "", None], ["a", " b ", "", None]),
    ("texts", "a", ["a"]),
    ("texts", "a b", ["a b"]),
    ("texts", " a \r\n\r\n b,c ,, \rd\n", ["a", "b", "c", "d"]),
    ("texts", '["a, b", "c"]', ["a, b", "c"]),
    ("texts", ' [ "a" ]\n', ["a"]),
    ("texts", "[]", []),
    ("texts", "[a, b]", ["[a", "b]"]),
    ("texts", "[" * 100_000, ["[" * 100_000]),
    ("texts", {"a": 1}, {"a": 1}),
    ("facts", {"text": "", "more": None}, {"text": "", "more": None}),
    ("facts", '{"text": null}', '{"text": null}'),
    ("free", "a: b\nc", ["a: b", "c"]),
    ("access", "GitHub: Admin", [{"app": "GitHub", "level": "Admin"}]),
    ("access", "GitHub:Admin\r\n\n  Figma \n", [{"app": "GitHub", "level": "Admin"}, {"app": "Figma"}]),
    ("access", "GitHub:", [{"app": "GitHub"}]),
    ("access", ": Admin", [{"level": "Admin"}]),
    ("access", "Ops: Tools: Admin, EU", [{"app": "Ops: Tools", "level": "Admin, EU"}]),
    ("access", "app=GitHub level=Admin", ["app=GitHub level=Admin"]),
    ("access", '{"app": "GitHub"}\nFigma', ['{"app": "GitHub"}', {"app": "Figma"}]),
    ("access", '[{"app": "GitHub"}, "Figma"]', [{"app": "GitHub"}, {"app": "Figma"}]),
    ("access", ["GitHub: Admin", {"app": " A: B "}], [{"app": "GitHub", "level": "Admin"}, {"app": " A: B "}]),
    ("access", [{"app": "A", "level": " ", "users": None}, {"app": ""}], [{"app": "A"}, {}]),
    ("access", [{"app": "A", "users": "a\nb,c"}], [{"app": "A", "users": ["a", "b", "c"]}]),
    ("access", [{"app": "0"}, 5, None], [{"app": "0"}, 5, None]),
    ("due_date", DAY, DAY),
    ("fields", {"Cost": 461, "Seats": 1.5, "Flag": True}, {"Cost": 461, "Seats": 1.5, "Flag": True}),
    ("api_key", "", ""),
    ("api_secret", " ", " "),
    ("base_url", "", ""),
]
#: The name of an option, and what a task gives for it that Ansible would take for something else.
REFUSED = [
    *((name, value) for name in ("text", "file", "api_key") for value in ([], ["a"], ("a",), {}, {"a": "b"})),
    *((name, value) for name in ("text", "file", "texts", "api_key") for value in (0, 0o715, 1.10, True, DAY, NOW)),
    *(("texts", ["a", value]) for value in (0, False, DAY)),
    ("access", [{"app": 0}]),
    ("access", [{"app": "a", "users": [5]}]),
    ("facts", {"text": 5}),
    ("fields", {"Renewal": DAY}),
    ("fields", {"Renewal": NOW}),
    ("fields", {0o715: "a"}),
    ("texts", ["a", ["b"]]),
    ("texts", [{"a": "b"}]),
    ("texts", '["a", ["b"]]'),
    ("access", [{"app": ["a"]}]),
    ("access", [{"app": "a", "users": [["b"]]}]),
    ("number", True),
    ("number", False),
    ("protected_users", ["a", None]),
    ("protected_users", [" "]),
]
NOT_GIVEN = [None, "", " \t\r\n"]


@pytest.mark.parametrize(("name", "value", "expected"), GIVEN)
def test_options_as_a_module_gets_them(name: str, value: Any, expected: Any) -> None:
    assert given({name: value}, SPEC) == {name: expected}
    assert given(given({name: value}, SPEC), SPEC) == {name: expected}, "the second time it is the same"


@pytest.mark.parametrize("value", NOT_GIVEN)
def test_null_and_blank_are_not_given_whatever_the_type(value: str | None) -> None:
    assert given(dict.fromkeys(["text", "number", "flag", "texts", "any", "facts", "access"], value), SPEC) == {}
    assert given({"texts": "\n, ,\r\n", "access": "\n \r\n"}, SPEC) == {}


@pytest.mark.parametrize(("name", "value"), REFUSED)
def test_what_would_mean_something_by_accident_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"must be text|must be a number|is null or blank"):
        given({name: value}, SPEC)


def test_a_number_is_shown_unless_it_is_a_secret() -> None:
    with pytest.raises(ConfigurationError, match=r"it must be text, not the number 461\. Quote it: YAML"):
        given({"text": 0o715}, SPEC)
    with pytest.raises(ConfigurationError, match=r"it must be text, not a number\. Quote it\.$") as refused:
        given({"api_key": 815}, SPEC)
    assert "815" not in str(refused.value)
    for value, example in ((True, '"yes"'), (1.1, '"1.10"'), (date(2026, 1, 31), '"2026-01-31"'), (45015, "12:30:15")):
        with pytest.raises(ConfigurationError, match="Quote it") as refused:
            given({"text": value}, SPEC)
        assert example in refused.value.hint
        assert ("0715" in refused.value.hint) == (value == 45015)


@pytest.mark.parametrize("name", ["api_key", "api_secret", "base_url", "permission_level", "permission_levels"])
def test_null_is_not_given_but_blank_is_kept_for_the_module_to_refuse(name: str) -> None:
    assert given({name: None}, SPEC) == {}
    assert given({name: ""}, SPEC) == {name: ""}
    assert completed(given({name: ""}, SPEC), {name: "there"}) == {name: ""}


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("text", " a b\n", "a b"),
        ("texts", [" a ", "", None], ["a", "", None]),
        ("texts", " a , b ", ["a", "b"]),
        ("access", [{"app": " A: B ", "users": [" a ", None]}], [{"app": "A: B", "users": ["a", None]}]),
        ("facts", {"text": " a "}, {"text": "a"}),
    ],
)
def test_blanks_around_texts_are_stripped_for_roles(name: str, value: Any, expected: Any) -> None:
    assert given({name: value}, SPEC, strip=True) == {name: expected}


@pytest.mark.parametrize("strip", [True, False])
def test_texts_that_must_not_be_templates_stay_texts(strip: bool) -> None:
    options = wrap_var({"text": "{{ 1 }}", "texts": "{{ 1 }}, b", "access": "x {{ 1 }}: {{ 2 }}"})
    assert given(options, SPEC, strip) == {
        "text": "{{ 1 }}",
        "texts": ["{{ 1 }}", "b"],
        "access": [{"app": "x {{ 1 }}", "level": "{{ 2 }}"}],
    }


@pytest.mark.parametrize(
    ("options", "defaults", "expected"),
    [
        ({}, {"text": "a"}, {"text": "a"}),
        ({"text": "b", "number": 0}, {"text": "a", "number": 1}, {"text": "b", "number": 0}),
        ({"texts": ["b"]}, {"texts": ["a"]}, {"texts": ["b"]}),
        ({"protected_users": ["b", "a"]}, {"protected_users": ["a"]}, {"protected_users": ["a", "b"]}),
        ({"protected_users": []}, {"protected_users": ["a"]}, {"protected_users": ["a"]}),
        ({"protected_users": ["b"]}, {}, {"protected_users": ["b"]}),
        ({"protected_users": []}, {}, {"protected_users": []}),
        ({"protected_users": 5}, {"protected_users": ["a"]}, {"protected_users": ["a", 5]}),
        ({"protected_users": ["a"]}, {"protected_users": {"b": 1}}, {"protected_users": [{"b": 1}, "a"]}),
        ({"protected_users": {"b": 1}}, {}, {"protected_users": {"b": 1}}),
    ],
)
def test_defaults_complete_what_is_not_given_and_protection_adds_up(
    options: dict[str, Any], defaults: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert completed(options, defaults) == expected
