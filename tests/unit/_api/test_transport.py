# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a transport takes from its environment, and what it hides."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import ConfigurationError
from ansible_collections.cakewalk.access.plugins.module_utils._api.transport import Transport, _session
from hypothesis import given
from hypothesis import strategies as st
from unit.people import KEY, SECRET, connection, reply

BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*BUNDLES, *PROXIES, *map(str.lower, PROXIES)):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("name", BUNDLES)
@pytest.mark.parametrize(("given_path", "verify"), [(False, "of the environment"), (True, "of the option")])
def test_certificates_of_the_environment_count_where_no_option_names_others(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, given_path: bool, verify: str
) -> None:
    for bundle in ("of the environment", "of the option"):
        (tmp_path / bundle).touch()
    monkeypatch.setenv(name, str(tmp_path / "of the environment"))
    ca_path = str(tmp_path / "of the option") if given_path else None
    assert _session(connection(ca_path=ca_path)).verify == str(tmp_path / verify)
    assert _session(connection(ca_path=ca_path, validate_certs=False)).verify is False


def test_certificates_are_checked_by_default() -> None:
    assert _session(connection()).verify is True


@pytest.mark.parametrize("name", BUNDLES)
def test_a_bundle_that_does_not_exist_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    monkeypatch.setenv(name, str(tmp_path / "missing"))
    with pytest.raises(ConfigurationError, match=f"Could not use `{name}`: it names '"):
        Transport(connection())
    assert Transport(connection(validate_certs=False))


def test_proxies_are_for_others_than_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.com:3128")
    assert _session(connection()).proxies["https"] == "http://proxy.example.com:3128"
    assert _session(connection("https://localhost:8443")).proxies == {}
    monkeypatch.setenv("NO_PROXY", "example.com")
    assert _session(connection()).proxies == {}


def test_nothing_else_is_taken_from_the_environment() -> None:
    assert _session(connection()).trust_env is False


@given(st.text(), st.text())
def test_credentials_are_never_in_what_is_shown(before: str, after: str) -> None:
    shown = Transport(connection()).safe(f"{before}{KEY}{after}{SECRET}")
    assert KEY not in shown
    assert SECRET not in shown
    assert len(shown) <= 300


@pytest.mark.parametrize("scheme", ["http://", "https://", ""])
@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("canary-password", "canary-password"),
        ("canary%2Dpassword", "canary-password"),
        ("canary[password", "canary[password"),
        ("canary:pass]word", "canary:pass]word"),
    ],
)
def test_passwords_of_proxies_are_hidden_too(
    monkeypatch: pytest.MonkeyPatch, scheme: str, written: str, meant: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"{scheme}ada:{written}@proxy.example.com:3128")
    safe = Transport(connection()).safe
    assert safe(f"no way through {written}") == safe(f"no way through {meant}") == "no way through ********"


@pytest.mark.parametrize("proxy", ["http://proxy.example.com:3128", "http://ada@proxy.example.com:3128"])
def test_proxies_without_a_password_hide_nothing(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    assert Transport(connection()).safe(f"no way through {proxy}") == f"no way through {proxy}"


@pytest.mark.parametrize("host", ["*.example.com", ".example.com", "x" * 64 + "\u00e4.com"])
def test_a_host_that_cannot_be_is_a_configuration_error(host: str) -> None:
    with pytest.raises(ConfigurationError, match="Could not use `base_url`: there can be no such host"):
        Transport(connection(f"https://{host}"))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(_JSON)
def test_bodies(body: Any) -> None:
    assert reply(200, body).json() == body


@pytest.mark.parametrize("content", [b"", b"{", b"<html>", b"\xff", b"[" * 100_000, json.dumps("x").encode() + b"x"])
def test_bodies_that_are_no_json(content: bytes) -> None:
    with pytest.raises(ValueError):
        reply(200, content).json()
