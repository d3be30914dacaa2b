# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a connection refuses before any request leaves."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import ConfigurationError
from ansible_collections.cakewalk.access.plugins.module_utils._api.transport import Connection
from hypothesis import given
from hypothesis import strategies as st
from unit.people import BASE_URL, KEY, SECRET, connection

_PLAIN = "plain http would show the key and secret to everyone on the way; use https"
_NO_HOST = "it does not start with https:// and a host name"
_USER = "it holds a user name or password"
_QUERY = "it holds a query or fragment"
_NO_URL = "it is not a URL"
_INVISIBLE = "it holds white space or control characters"
_CREDENTIAL = "it holds white space, or characters that are not printable ASCII"


def places(name: str) -> str:
    return f"`{name}` (variable `cakewalk_{name}`, environment variable CAKEWALK_{name.upper()})"


@pytest.mark.parametrize(
    ("base_url", "reason"),
    [
        ("http://tenant.example.com", _PLAIN),
        ("HTTP://TENANT.EXAMPLE.COM", _PLAIN),
        ("http://10.0.0.1", _PLAIN),
        ("http://0.0.0.0", _PLAIN),
        ("http://127.0.0.1.example.com", _PLAIN),
        ("http://localhost.example.com", _PLAIN),
        ("http://[2001:db8::1]", _PLAIN),
        ("https://ada@tenant.example.com", _USER),
        ("https://ada:canary-password@tenant.example.com", _USER),
        ("https://@tenant.example.com", _USER),
        ("http://127.0.0.1@tenant.example.com", _USER),
        ("https://tenant.example.com?key=canary", _QUERY),
        ("https://tenant.example.com/#top", _QUERY),
        ("https://tenant.example.com/?", _QUERY),
        ("https://tenant.example.com#", _QUERY),
        ("tenant.example.com", _NO_HOST),
        ("//tenant.example.com", _NO_HOST),
        ("ftp://tenant.example.com", _NO_HOST),
        ("file:///etc/passwd", _NO_HOST),
        ("https://", _NO_HOST),
        ("https:///api", _NO_HOST),
        ("https://:8443", _NO_HOST),
        ("", _NO_HOST),
        ("https://tenant.example.com:https", _NO_URL),
        ("https://tenant.example.com:65536", _NO_URL),
        ("https://[::1", _NO_URL),
        (" https://tenant.example.com", _INVISIBLE),
        ("https://tenant.example.com\n", _INVISIBLE),
        ("https://tenant .example.com", _INVISIBLE),
        ("http://local\thost", _INVISIBLE),
        ("https://tenant.example.com\x00", _INVISIBLE),
        ("https://tenant\u200b.example.com", _INVISIBLE),
    ],
)
def test_addresses_that_would_leak_or_cannot_work(base_url: str, reason: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        connection(base_url)
    assert str(refused.value) == f"Could not use `base_url`: {reason}. Correct {places('base_url')}."
    assert refused.value.facts() == {"kind": "configuration", "option": "base_url"}


@pytest.mark.parametrize(
    ("base_url", "loopback"),
    [
        ("https://open-api.getcakewalk.io", False),
        ("https://tenant.example.com:8443/behind/a/proxy/", False),
        ("https://[2001:db8::1]", False),
        ("https://localhost", True),
        ("http://localhost:8080", True),
        ("http://LOCALHOST", True),
        ("http://127.0.0.1:8080", True),
        ("http://127.8.8.8", True),
        ("http://[::1]:8080", True),
    ],
)
def test_addresses_that_are_fine(base_url: str, loopback: bool) -> None:
    assert connection(base_url).is_loopback is loopback


@pytest.mark.parametrize("name", ["api_key", "api_secret"])
@pytest.mark.parametrize(
    "value", ["with space", "canary\n", "canary\tcanary", "\x00canary", "canäry", "\x7fcanary", "canary\r\nX: y"]
)
def test_credentials_that_cannot_go_into_a_header(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        connection(**{name: value})
    assert str(refused.value) == f"Could not use `{name}`: {_CREDENTIAL}. Correct {places(name)}."
    assert refused.value.facts() == {"kind": "configuration", "option": name}


@pytest.mark.parametrize("blank", [None, "", " \t"])
@pytest.mark.parametrize("missing", [["api_key"], ["api_secret"], ["api_key", "api_secret"]])
def test_missing_credentials_are_named_with_all_places_where_they_can_be_set(
    missing: list[str], blank: str | None
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        connection(**dict.fromkeys(missing, blank))
    verb = "is" if len(missing) == 1 else "are"
    assert str(refused.value) == (
        f"Could not connect to Cakewalk: {' and '.join(missing)} {verb} not set. "
        f"Set {' and '.join(map(places, missing))}. "
        "An admin creates a key and its secret in the developer settings of Cakewalk."
    )
    assert refused.value.facts() == {"kind": "configuration", "option": missing[0]}


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1))
def test_credentials_of_printable_characters_are_taken(value: str) -> None:
    taken = connection(api_key=value, api_secret=value)
    assert (taken.api_key, taken.api_secret) == (value, value)


@pytest.mark.parametrize(
    ("name", "value", "bounds"),
    [
        ("timeout", 0, "1 to 3600"),
        ("timeout", -1, "1 to 3600"),
        ("timeout", 10**12, "1 to 3600"),
        ("max_retries", -1, "0 to 20"),
        ("requests_per_minute", -1, "0 to 1000000"),
        ("concurrency", 0, "1 to 100"),
        ("concurrency", 10**12, "1 to 100"),
    ],
)
def test_numbers_out_of_bounds(name: str, value: int, bounds: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        connection(**{name: value})
    expected = f"Could not use `{name}`: it is {value} and must be from {bounds}. Correct {places(name)}."
    assert str(refused.value) == expected


def test_certificates_must_exist(tmp_path: Path) -> None:
    assert connection(ca_path=str(tmp_path))
    with pytest.raises(ConfigurationError) as refused:
        connection(ca_path=str(tmp_path / "missing\n.pem"))
    assert "Could not use `ca_path`: there is no file or folder" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_secrets_are_not_shown() -> None:
    shown = repr(Connection(BASE_URL, KEY, SECRET))
    assert KEY not in shown
    assert SECRET not in shown
