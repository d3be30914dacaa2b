# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates and proxies: what is trusted, and which way requests take."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.catalog import USERS
from ansible_collections.cakewalk.access.plugins.module_utils._api.client import Client
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import (
    ConfigurationError,
    OutcomeUnknown,
    TransportError,
)
from ansible_collections.cakewalk.access.plugins.module_utils._api.operations import Step
from contract.certificates import self_signed
from contract.wire import Cut, Wire, answer, in_turn, page
from sandbox.process import Sandbox

#: A name that never resolves (RFC 6761), so that only a proxy can reach it.
_FAR = "cakewalk.invalid"
#: An address of this machine that is not taken for one.
_NEAR = "127.1"
_EMPTY = answer(200, page())
Pair = tuple[Path, ssl.SSLContext]


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """Certificate file and server context for 127.0.0.1."""
    return self_signed(tmp_path_factory.mktemp("here"), "127.0.0.1")


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """The same for a host that only a proxy reaches."""
    return self_signed(tmp_path_factory.mktemp("far"), _FAR)


def add_nobody(client: Client) -> None:
    """Send a POST."""
    with client.writing():
        client.send(Step("add nobody", "POST", "/api/v1/UsersGroups/1/Users", {}))


def read(client: Client) -> list[dict[str, Any]]:
    """Send a GET."""
    return client.rows(USERS.listing)


@pytest.mark.parametrize("exchange", [read, add_nobody])
def test_a_certificate_of_nobody_is_refused_at_once(
    connect: Callable[..., Client], here: Pair, exchange: Callable[[Client], Any]
) -> None:
    untrusted = pytest.raises(TransportError, match=r"is not trusted \(self.signed certificate\)\. .*`ca_path`")
    with Wire(in_turn(_EMPTY), tls=here[1]) as wire, untrusted as caught:
        exchange(connect(base_url=wire.url, max_retries=4))
    assert not isinstance(caught.value, OutcomeUnknown)
    assert wire.connections == 1
    assert wire.requests == []


def test_a_certificate_of_another_host_is_refused(connect: Callable[..., Client], far: Pair) -> None:
    with Wire(in_turn(_EMPTY), tls=far[1]) as wire, pytest.raises(TransportError, match="is not trusted"):
        read(connect(base_url=wire.url, ca_path=str(far[0])))
    assert (wire.connections, wire.requests) == (1, [])


def test_ca_path_names_whom_to_trust(connect: Callable[..., Client], here: Pair) -> None:
    with Wire(in_turn(_EMPTY), tls=here[1]) as wire:
        assert read(connect(base_url=wire.url, ca_path=str(here[0]))) == []


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_the_bundle_of_the_environment_is_trusted(
    connect: Callable[..., Client], here: Pair, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, str(here[0]))
    with Wire(in_turn(_EMPTY), tls=here[1]) as wire:
        assert read(connect(base_url=wire.url)) == []


@pytest.mark.parametrize(("in_option", "trusted"), [(0, True), (1, False)])
def test_ca_path_wins_over_the_environment(
    connect: Callable[..., Client],
    here: Pair,
    far: Pair,
    monkeypatch: pytest.MonkeyPatch,
    in_option: int,
    trusted: bool,
) -> None:
    files = [str(here[0]), str(far[0])]
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", files[1 - in_option])
    with Wire(in_turn(_EMPTY), tls=here[1]) as wire:
        client = connect(base_url=wire.url, ca_path=files[in_option])
        if trusted:
            assert read(client) == []
        else:
            with pytest.raises(TransportError, match="is not trusted"):
                read(client)


def test_what_fails_below_http_is_said_plainly(
    connect: Callable[..., Client], tenant: Sandbox, here: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty.pem").touch()

    def failure(base_url: str, max_retries: int = 0, **options: Any) -> str:
        with pytest.raises(TransportError) as caught:
            read(connect(base_url=base_url, max_retries=max_retries, **options))
        return str(caught.value)

    place = tenant.url.removeprefix("http://")
    plain = "Correct the port in `base_url`. Use http:// only for a service on this machine."
    begun = time.monotonic()
    assert failure(f"https://{place}", max_retries=20).endswith(f": the service does not speak TLS at {place}. {plain}")
    assert time.monotonic() - begun < 10, "it is not tried again"
    # An alert of TLS, as OpenSSL sends it; servers close the connection next, and some do nothing else.
    with Wire(lambda _request: b"\x15\x03\x01\x00\x02\x02\x16") as wire:
        assert failure(wire.url).endswith("speaks TLS at " + wire.url[7:] + ". Write https:// in `base_url`.")
    with Wire(lambda _request: Cut(b"")) as wire:
        assert "write https:// in it" in failure(wire.url)
    with Wire(lambda _request: b"SSH-2.0-OpenSSH_9\r\n") as wire:
        assert "does not speak HTTP at 127.0.0.1" in failure(wire.url)
    with Wire(lambda _request: answer(200, b"no gzip", {"Content-Encoding": "gzip"})) as wire:
        assert f"the answer of {wire.url[7:]} is damaged" in failure(wire.url)
    with Wire(in_turn(_EMPTY), tls=here[1]) as wire:
        assert "the file in `ca_path` holds no certificate" in failure(wire.url, ca_path=str(tmp_path / "empty.pem"))
    silent = socket.create_server(("127.0.0.1", 0))
    assert "did not answer within 1 second. Run again" in failure(
        f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=1
    )
    assert f"the host name '{_FAR}' cannot be resolved. Check `base_url`." in failure(f"https://{_FAR}")
    for proxy, words in (
        ("http://ada:word@proxy.invalid:1", "the host name 'proxy.invalid' cannot be resolved. Correct HTTPS_PROXY"),
        (f"http://ada:word@{place}", f"the proxy {place} refused to connect to the service (status "),
        ("ftp://ada:word@proxy.invalid", "Begin HTTPS_PROXY with http:// or https://."),
    ):
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        message = failure(f"https://{_FAR}")
        assert words in message
        assert "word" not in message.replace(words, "")


@pytest.mark.parametrize("missing", [True, False])
def test_validate_certs_false_holds_whatever_bundle_the_environment_names(
    connect: Callable[..., Client], here: Pair, far: Pair, monkeypatch: pytest.MonkeyPatch, missing: bool
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere.pem" if missing else str(far[0]))
    with Wire(in_turn(_EMPTY), tls=here[1]) as wire:
        assert read(connect(base_url=wire.url, validate_certs=False)) == []


def test_a_bundle_that_does_not_exist_is_named(connect: Callable[..., Client], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CURL_CA_BUNDLE", "/nowhere.pem")
    with pytest.raises(ConfigurationError, match=r"`CURL_CA_BUNDLE`: it names '/nowhere\.pem', which does not exist"):
        connect()


@pytest.mark.parametrize("host", ["*.example.com", ".example.com", "a" * 64 + "\u00e9.example.com"])
def test_a_host_that_cannot_exist_is_refused_at_once(connect: Callable[..., Client], host: str) -> None:
    with pytest.raises(ConfigurationError, match="`base_url`: there can be no such host"):
        connect(base_url=f"https://{host}")


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_a_proxy_carries_what_it_cannot_read(
    connect: Callable[..., Client], tenant: Sandbox, far: Pair, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with Wire(in_turn(_EMPTY), tunnel=far[1]) as proxy:
        monkeypatch.setenv(name, proxy.url)
        assert read(connect(base_url=f"https://{_FAR}", ca_path=str(far[0]))) == []
    outside, inside = proxy.requests
    assert (outside.method, outside.target) == ("CONNECT", f"{_FAR}:443")
    assert (inside.method, inside.target) == ("GET", "/api/v1/Users")
    assert inside.headers["x-api-secret"] == tenant.api_secret
    assert not {"x-api-key", "x-api-secret"} & outside.headers.keys()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_loopback_ignores_proxies(
    connect: Callable[..., Client], tenant: Sandbox, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    with Wire(in_turn(answer(502))) as proxy:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"):
            monkeypatch.setenv(name, proxy.url)
        assert len(read(connect(base_url=tenant.url.replace("127.0.0.1", host)))) == 60
    assert proxy.connections == 0


@pytest.mark.parametrize("excepted", [True, False])
def test_no_proxy_is_honoured(
    connect: Callable[..., Client], here: Pair, monkeypatch: pytest.MonkeyPatch, excepted: bool
) -> None:
    with Wire(in_turn(_EMPTY), tls=here[1]) as wire, Wire(in_turn(_EMPTY), tunnel=here[1]) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", f"example.com,{_NEAR}" if excepted else "example.com")
        assert read(connect(base_url=f"https://{_NEAR}:{wire.port}", validate_certs=False)) == []
    assert (wire.connections, proxy.connections) == ((1, 0) if excepted else (0, 1))


def test_the_password_of_a_proxy_is_not_told(connect: Callable[..., Client], monkeypatch: pytest.MonkeyPatch) -> None:
    with Wire(in_turn(b"HTTP/1.1 407 not with s3cr$t or s3cr%24t\r\ncontent-length: 0\r\n\r\n")) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("//", "//robot:s3cr%24t@"))
        with pytest.raises(TransportError, match="407") as caught:
            read(connect(base_url=f"https://{_FAR}", max_retries=0))
    assert proxy.requests[0].headers["proxy-authorization"].startswith("Basic ")
    assert "s3cr" not in f"{caught.value}{caught.value.facts()}"


def test_a_proxy_that_is_down_means_that_nothing_was_sent(
    connect: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Wire(in_turn(_EMPTY)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    with pytest.raises(TransportError, match="The request was not sent") as caught:
        add_nobody(connect(base_url=f"https://{_FAR}"))
    assert caught.value.__class__ is TransportError


@pytest.mark.parametrize("proxy", ["http://", "http://ada:word@", "ada:word@"])
def test_a_proxy_without_a_host_is_a_mistake(
    connect: Callable[..., Client], monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(ConfigurationError, match="use the proxy of the environment") as wrong:
        connect(base_url="https://tenant.example.com")
    assert "word" not in str(wrong.value)
