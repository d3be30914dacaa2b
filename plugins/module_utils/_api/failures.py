# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Causes of failed connections, in words for people: from the error of a library to a cause and a hint."""

from __future__ import annotations

import errno
import http.client
import re
import socket
import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit

from .text import pluralize

_UNREACHABLE = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN)
#: OpenSSL's reasons for an answer that is not TLS. It took them from the first bytes of an answer in plain text.
_PLAIN_TEXT = (
    "WRONG_VERSION_NUMBER",
    "HTTP_REQUEST",
    "UNKNOWN_PROTOCOL",
    "PACKET_LENGTH_TOO_LONG",
    "RECORD_LAYER_FAILURE",
)
#: The first two bytes of a TLS alert (RFC 8446), which is the answer to a request in plain text.
_ALERT = "\x15\x03"
_BAD_PROXY = ("ProxySchemeUnknown", "InvalidSchema", "InvalidProxyURL")
_BROKEN = ("DecodeError", "IncompleteRead", "InvalidChunkLength")


def explain(cause: BaseException, base_url: str, proxy: str | None, timeout: int) -> tuple[str, str] | None:
    """Return why a request got no answer, and what to do, or C(None) for an error that is not known.

    :param proxy: the URL of the proxy on the way, if there is one.
    :param timeout: of the connection, in seconds.
    """
    seconds = pluralize(timeout, "second", "seconds")
    errors = list(_chain(cause))
    names = {type(error).__name__ for error in errors}
    is_proxy = "ProxyError" in names
    host, where = _address(proxy if is_proxy and proxy else base_url)
    place = f"the proxy {where}" if is_proxy else where
    check = "Correct HTTPS_PROXY, or set NO_PROXY." if is_proxy else "Check `base_url`."
    if names.intersection(_BAD_PROXY):
        return (
            "the proxy of the environment has no scheme that is supported",
            "Begin HTTPS_PROXY with http:// or https://.",
        )
    tls = next((error for error in errors if isinstance(error, ssl.SSLError)), None)
    if isinstance(tls, ssl.SSLCertVerificationError):
        return (
            f"the certificate of {where} is not trusted ({tls.verify_message.rstrip('.')})",
            "Check `base_url`, or set `ca_path` to the CA certificate of the service.",
        )
    if tls and getattr(tls, "reason", None) in _PLAIN_TEXT:
        return (
            f"the service does not speak TLS at {where}",
            "Correct the port in `base_url`. Use http:// only for a service on this machine.",
        )
    if tls and getattr(tls, "library", None) in ("X509", "PEM"):
        return "the file in `ca_path` holds no certificate", "Give a file with CA certificates in PEM format."
    if tls:
        reason = (getattr(tls, "reason", None) or "no reason is known").replace("_", " ").lower()
        return f"no TLS connection to {where} was possible ({reason})", check
    if any(isinstance(error, socket.gaierror) for error in errors):
        return f"the host name {host!r} cannot be resolved", f"{check} Check the network and DNS, too."
    if any(isinstance(error, ConnectionRefusedError) for error in errors):
        return f"the connection to {place} was refused", f"{check} Check that the service is running on this port."
    if any(isinstance(error, OSError) and error.errno in _UNREACHABLE for error in errors):
        return f"{place} cannot be reached", f"{check} Check the network, too."
    if "ConnectTimeoutError" in names:
        return (
            f"{place} accepted no connection within {seconds}",
            f"{check} Check the network, or raise `timeout`.",
        )
    if any(isinstance(error, TimeoutError) for error in errors) or "ReadTimeoutError" in names:
        return f"{place} did not answer within {seconds}", "Run again later, or raise `timeout`."
    refusal = re.search(r"Tunnel connection failed: (\d{3})", str(cause))
    if refusal:
        return f"{place} refused to connect to the service (status {refusal[1]})", check
    line = next((error for error in errors if isinstance(error, http.client.BadStatusLine)), None)
    if line and not isinstance(line, http.client.RemoteDisconnected):
        if str(line).startswith(_ALERT):
            return f"the service speaks TLS at {where}", "Write https:// in `base_url`."
        return f"the service does not speak HTTP at {where}", "Correct host and port in `base_url`."
    if any(isinstance(error, ConnectionError) for error in errors):
        hint = " If the service speaks TLS, write https:// in it." if base_url.startswith("http:") else ""
        return (
            f"{place} closed the connection before its answer was complete",
            f"Run again later, or check `base_url`.{hint}",
        )
    if names.intersection(_BROKEN):
        return (
            f"the answer of {place} is damaged",
            "Run again later. If it happens again, check `base_url` and proxies.",
        )
    return None


def is_plain_text(cause: BaseException) -> bool:
    """Return whether the service answered in plain text where TLS was expected, so that no retry can help."""
    return any(
        isinstance(error, ssl.SSLError) and getattr(error, "reason", None) in _PLAIN_TEXT for error in _chain(cause)
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Return an error and all that it wraps, as urllib3 and requests wrap errors."""
    pending, seen = [error], set()
    while pending:
        current = pending.pop(0)
        if id(current) not in seen:
            seen.add(id(current))
            yield current
            inner = (*current.args, getattr(current, "reason", None), current.__cause__, current.__context__)
            pending += [part for part in inner if isinstance(part, BaseException)]


def _address(url: str) -> tuple[str, str]:
    """Return the host of a URL, and host and port, without a user name or password."""
    parts = urlsplit(url if "//" in url else f"//{url}")
    host = parts.hostname or ""
    return host, f"{f'[{host}]' if ':' in host else host}:{parts.port or (80 if parts.scheme == 'http' else 443)}"
