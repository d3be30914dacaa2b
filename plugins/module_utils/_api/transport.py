# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP: the only file that imports the requests library.

A single attempt is a plain C(requests) call; a subclass of urllib3's C(Retry) decides on another one. The import is
guarded because documentation tools import this file without requests being installed.
"""

from __future__ import annotations

import ipaddress
import os
import random
import re
import ssl
import time
import traceback
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import unquote, urlsplit

from .answers import LOST, NEVER_SENT, REPEATABLE, TOO_MANY, Body, Proof, is_problem, rule_of
from .errors import ConfigurationError, OutcomeUnknown, TransportError, places
from .failures import explain, is_plain_text
from .rate_limiter import RateLimiter
from .retry_after import retry_after
from .text import BoundExceeded, Value, parse_json, printable, redact

try:
    from requests import Session
    from requests.adapters import HTTPAdapter
    from requests.utils import get_environ_proxies
    from urllib3 import disable_warnings
    from urllib3.exceptions import DecodeError, HTTPError, InsecureRequestWarning, MaxRetryError
    from urllib3.util.retry import Retry
except Exception:  # With an incompatible pyOpenSSL, for example, it is an AttributeError.
    REQUESTS_IMPORT_ERROR: str | None = traceback.format_exc()
    Retry = Session = object  # type: ignore[assignment,misc]
else:
    REQUESTS_IMPORT_ERROR = None

#: Longest wait, in seconds, that a server may ask for; with a longer one the task fails.
LONGEST_WAIT = 120
#: Limits of numeric options; with larger numbers the operating system or the service gives up.
_BOUNDS = {
    "timeout": (1, 3600),
    "max_retries": (0, 20),
    "requests_per_minute": (0, 1_000_000),
    "concurrency": (1, 100),
}
#: Content types that a message may name; any other header value is text of the server.
_KINDS = frozenset(
    {"application/json", "application/problem+json", "text/html", "text/plain", "application/xml", "text/xml"}
)
#: Size of the pieces in which a body is read, in bytes.
_PIECE = 1 << 16


@dataclass(frozen=True)
class Bounds:
    """Bounds of what is read, far beyond any tenant, so that no service can keep a run busy forever or fill the memory.

    :param answer_bytes: the body of an answer, decoded.
    :param list_pages: the pages of a list.
    :param list_bytes: the bodies of all pages of a list together.
    :param seconds: the time for the body of an answer, and for all pages of a list together.
    """

    answer_bytes: int = 32 << 20
    list_pages: int = 5_000
    list_bytes: int = 512 << 20
    seconds: float = 1_800

    def excess_of(self, pages: int, size: int, seconds: float) -> str:
        """Return, as a clause, the bound that a list exceeds if it has another page; empty without such a bound.

        :param size: the bytes of its pages so far.
        :param seconds: how long these took.
        """
        if pages >= self.list_pages:
            return f"the list has more than {self.list_pages:,} pages"
        if size >= self.list_bytes:
            return f"the list is longer than {self.list_bytes:,} bytes"
        return f"the list is not complete after {self.seconds:,} seconds" if seconds >= self.seconds else ""


@dataclass(frozen=True)
class Connection:
    """Address, credentials and limits of a connection; never shown whole, because it holds the secrets.

    C(timeout) is in seconds, for connecting and for each wait for data. C(requests_per_minute) 0 means no limit.
    """

    base_url: str
    api_key: str = field(repr=False)
    api_secret: str = field(repr=False)
    validate_certs: bool = True
    ca_path: str | None = None
    timeout: int = 30
    max_retries: int = 4
    requests_per_minute: int = 900
    concurrency: int = 8
    bounds: Bounds = Bounds()

    def __post_init__(self) -> None:
        """Validate the options.

        :raises ConfigurationError: an option cannot work or would leak; the message holds no secret.
        """
        missing = [name for name in ("api_key", "api_secret") if not (getattr(self, name) or "").strip()]
        if missing:
            names = " and ".join(missing)
            raise ConfigurationError(
                "connect to Cakewalk",
                f"{names} {'is' if len(missing) == 1 else 'are'} not set",
                f"Set {' and '.join(map(places, missing))}. "
                "An admin creates a key and its secret in the developer settings of Cakewalk.",
                option=missing[0],
            )
        for name in ("api_key", "api_secret"):
            value = getattr(self, name)
            if not value.isascii() or not value.isprintable() or " " in value:
                raise _unusable(name, "it holds white space, or characters that are not printable ASCII")
        for name, (least, most) in _BOUNDS.items():
            if not least <= getattr(self, name) <= most:
                raise _unusable(name, f"it is {getattr(self, name)} and must be from {least} to {most}")
        if self.ca_path and not os.path.exists(self.ca_path):  # noqa: PTH110 - a module process pays for each import
            raise _unusable("ca_path", f"there is no file or folder {printable(self.ca_path)!r}")
        self._check_base_url()

    @property
    def is_loopback(self) -> bool:
        """Whether C(base_url) points to this machine."""
        host = urlsplit(self.base_url).hostname or ""
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"

    def _check_base_url(self) -> None:
        if not self.base_url.isprintable() or " " in self.base_url:
            # Parsers disagree on these, so the host that is checked might differ from the host that is called.
            raise _unusable("base_url", "it holds white space or control characters")
        try:
            parts = urlsplit(self.base_url)
            parts.port  # noqa: B018 - reading it is what checks it
        except ValueError:
            raise _unusable("base_url", "it is not a URL") from None
        if parts.username is not None or parts.password is not None:
            raise _unusable("base_url", "it holds a user name or password")
        if "?" in self.base_url or "#" in self.base_url:
            raise _unusable("base_url", "it holds a query or fragment")
        if not parts.hostname or parts.scheme not in ("https", "http"):
            raise _unusable("base_url", "it does not start with https:// and a host name")
        if not _is_host(parts.hostname):
            raise _unusable("base_url", "there can be no such host")
        if parts.scheme == "http" and not self.is_loopback:
            raise _unusable("base_url", "plain http would show the key and secret to everyone on the way; use https")
        if parts.path.rstrip("/").endswith(("/api", "/api/v1")):
            raise _unusable("base_url", "it ends with /api/v1, which is added automatically")


@dataclass(frozen=True)
class Response:
    """A response of the server: C(headers) by lower-case name, C(content) raw.

    C(after_loss) is true if the answer to an earlier attempt of the same request was lost. A refusal then does not mean
    that nothing was done. C(excess) is the bound that the body exceeds, and C(content) then only its beginning.
    C(received) is the time of this machine at which the headers came, in seconds since 1970.
    """

    status: int
    headers: Mapping[str, str]
    content: bytes
    after_loss: bool = False
    excess: str = ""
    received: float = 0.0

    def json(self) -> Any:
        """Return the body.

        :raises BoundExceeded: the body is too long, came too slowly, or is nested too deeply.
        :raises ValueError: the body is not JSON.
        """
        if self.excess:
            raise BoundExceeded(self.excess)
        return parse_json(self.content)

    @property
    def body(self) -> Body:
        """The kind of the body. The login page of a proxy may also answer 200."""
        if not self.content:
            return Body.EMPTY
        try:
            document = self.json()
        except ValueError:
            return Body.OTHER
        return Body.PROBLEM if is_problem(document, self.headers.get("content-type", "")) else Body.JSON

    def described(self) -> str:
        """Return the content type and size of the body, for messages that cannot show it."""
        kind = self.headers.get("content-type", "").split(";")[0].strip().lower()
        return f"{kind if kind in _KINDS else 'of no usual type'}, {len(self.content)} bytes"


class Retries(Retry):
    """The rules for repeating a request, by the table of answers.

    Every error but a failed connection counts as a lost answer; urllib3 repeats a POST after some of them.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("allowed_methods", REPEATABLE)
        kwargs.setdefault("backoff_factor", 0.5)
        super().__init__(*args, **kwargs)

    def should_retry_response(self, method: str, response: Response) -> bool:
        """Return whether to repeat the request after this response."""
        if not self.total or (retry_after(response.headers) or 0) > LONGEST_WAIT:
            return False
        return method in rule_of(response.status).resent

    def should_retry_error(self, method: str, cause: Exception) -> bool:
        """Return whether to repeat the request after this error."""
        if not self.total or _is_bad_certificate(cause) or is_plain_text(cause):
            return False
        return method in (NEVER_SENT if self.never_sent(cause) else LOST).resent

    def never_sent(self, cause: Exception | None) -> bool:
        """Return whether the request was certainly not sent: no connection was made."""
        return cause is not None and (bool(self._is_connection_error(cause)) or _is_bad_certificate(cause))

    def pause(self, response: Response | None) -> float:
        """Return the seconds to wait before the next attempt: as the server asks, or else growing, with jitter."""
        asked = retry_after(response.headers) if response else None
        if asked is not None:
            return asked
        least = 1.0 if response is not None and response.status == TOO_MANY else 0.0
        return max(least, float(self.get_backoff_time())) * random.uniform(1.0, 1.25)


class Transport:
    """Sends requests for one connection; safe to share between threads."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rate_limiter = RateLimiter(connection.requests_per_minute)
        self._session = _session(connection)
        self._secrets = (connection.api_key, connection.api_secret, *_passwords(self._session.proxies))

    def cancel(self) -> None:
        """Send no more requests; those under way finish."""
        self._rate_limiter.cancel()

    def safe(self, text: object, limit: int = 300) -> str:
        """Return text of the server for a message: printable, short, without the credentials."""
        return printable(self.scrubbed(str(text)), limit)

    def scrubbed(self, value: Value) -> Value:
        """Return a text, or JSON, without the credentials."""
        return redact(value, self._secrets)

    def send(
        self,
        action: str,
        method: str,
        path: str,
        query: list[tuple[str, str]] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Response:
        """Send a request, repeat it where that is safe, and return the last response, whatever its status.

        :param action: what is being done, and to what, for the error.
        :raises TransportError: no connection could be made, or no read got an answer.
        :raises OutcomeUnknown: a write was sent, but its answer was lost.
        :raises Cancelled: after C(cancel()).
        """
        retries = Retries(total=self._connection.max_retries)
        was_lost = False
        while True:
            response, cause = self._try(method, path, query, body)
            if response is not None and not retries.should_retry_response(method, response):
                return replace(response, after_loss=was_lost)
            if cause is not None and not retries.should_retry_error(method, cause):
                raise self._failure(action, method, path, cause, retries.never_sent(cause) and not was_lost)
            proof = rule_of(response.status).proof if response else None
            was_lost = was_lost or (proof is Proof.NOTHING if proof else not retries.never_sent(cause))
            retries = retries.increment(method, path, error=cause)
            pause = retries.pause(response)
            if response is not None and response.status == TOO_MANY:
                self._rate_limiter.hold(pause)
            else:
                self._rate_limiter.wait(pause)

    def _try(
        self, method: str, path: str, query: list[tuple[str, str]] | None, body: Mapping[str, Any] | None
    ) -> tuple[Response, None] | tuple[None, Exception]:
        self._rate_limiter.acquire()
        try:
            with self._session.request(
                method,
                self._connection.base_url.rstrip("/") + path,
                params=query,
                json=body,
                timeout=self._connection.timeout,
                allow_redirects=False,
                stream=True,
            ) as answer:
                received = time.time()
                # The final answer follows an informational one on this connection, which therefore ends unread.
                is_final = answer.status_code >= 200
                content, excess = _body_of(answer, self._connection.bounds) if is_final else (b"", "")
        except (OSError, HTTPError, ValueError) as error:
            return None, _cause(error)
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Response(answer.status_code, headers, content, excess=excess, received=received), None

    def _failure(self, action: str, method: str, path: str, cause: Exception, never_sent: bool) -> TransportError:
        base_url = self._connection.base_url
        proxies = self._session.proxies
        words, hint = explain(
            cause, base_url, proxies.get("https") or proxies.get("all"), self._connection.timeout
        ) or (
            f"no answer came from {base_url} ({type(cause).__name__}: {cause})",
            "Check `base_url`, the network, proxies and certificates (`validate_certs`, `ca_path`).",
        )
        words = self.safe(words)
        if never_sent or method == "GET":
            sent = "" if method == "GET" else " The request was not sent."
            return TransportError(action, words, f"{hint}{sent}", method=method, path=path)
        return OutcomeUnknown(
            action,
            f"the request was sent but its answer was lost: {words}",
            "It is not sent again automatically. Look in Cakewalk whether it was carried out.",
            method=method,
            path=path,
        )


class _Session(Session):
    """A session that ignores redirects: requests parses their target even with C(allow_redirects=False)."""

    def get_redirect_target(self, resp: Any) -> None:
        """Return no target."""
        return


def _session(connection: Connection) -> _Session:
    """Return a session that uses only proxies and certificate bundles of the environment.

    With C(trust_env), requests would read netrc, and REQUESTS_CA_BUNDLE would override C(validate_certs: false).

    :raises ConfigurationError: the proxy or the certificate bundle of the environment is not valid.
    """
    session = _Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    if not connection.is_loopback:
        session.proxies = dict(get_environ_proxies(connection.base_url))
        if not all(url.rpartition("@")[2].rpartition("//")[2].strip("/") for url in session.proxies.values()):
            raise ConfigurationError(
                "use the proxy of the environment", "it names no host", "Correct HTTPS_PROXY, or set NO_PROXY."
            )
    if not connection.validate_certs:
        session.verify = False
        disable_warnings(InsecureRequestWarning)
    else:
        session.verify = connection.ca_path or _bundle_of_environment() or True
    session.mount("https://", HTTPAdapter(pool_maxsize=connection.concurrency))
    session.mount("http://", HTTPAdapter(pool_maxsize=connection.concurrency))
    session.headers.update(
        {
            "User-Agent": "ansible-collection-cakewalk.access",
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            "X-API-KEY": connection.api_key,
            "X-API-SECRET": connection.api_secret,
        }
    )
    return session


def _body_of(answer: Any, bounds: Bounds) -> tuple[bytes, str]:
    """Return the decoded body of an answer, and the bound that the body exceeds; then it is only the beginning.

    The body is decoded here, because urllib3 decodes whatever a piece holds, which can be a thousand times its size.
    """
    end = time.monotonic() + bounds.seconds
    is_gzip = answer.headers.get("content-encoding", "").strip().lower() in ("gzip", "x-gzip")
    decoder = zlib.decompressobj(wbits=31) if is_gzip else None
    content = bytearray()
    received = 0
    for piece in _pieces(answer.raw):
        received += len(piece)
        try:
            content += decoder.decompress(piece, bounds.answer_bytes + 1 - len(content)) if decoder else piece
        except zlib.error as error:
            raise DecodeError("the body is not the gzip that it should be") from error
        if max(received, len(content)) > bounds.answer_bytes:
            return bytes(content[: bounds.answer_bytes] or piece), f"it is longer than {bounds.answer_bytes:,} bytes"
        if time.monotonic() > end:
            return bytes(content or piece), f"it is not complete after {bounds.seconds:,} seconds"
    return bytes(content), ""


def _pieces(raw: Any) -> Iterator[bytes]:
    """Yield the body of an answer as it arrives; before urllib3 2.1, only in whole pieces, so these are small."""
    if not hasattr(raw, "read1"):
        yield from raw.stream(_PIECE >> 6, decode_content=False)
        return
    while piece := raw.read1(_PIECE, decode_content=False):
        yield piece


def _bundle_of_environment() -> str | None:
    """Return the certificate bundle that REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names.

    :raises ConfigurationError: the bundle does not exist.
    """
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        bundle = os.environ.get(name)
        if bundle and not os.path.exists(bundle):  # noqa: PTH110 - see Connection
            raise ConfigurationError(
                f"use `{name}`",
                f"it names {printable(bundle)!r}, which does not exist",
                "Correct it, or set `ca_path`.",
            )
        if bundle:
            return bundle
    return None


def _is_host(name: str) -> bool:
    """Return whether C(name) is a valid host name, so that no retries are spent on an invalid one."""
    try:
        return re.fullmatch(r"[0-9a-z_.:-]+", name.encode("idna").decode("ascii").lower()) is not None
    except UnicodeError:
        return False


def _cause(error: Exception) -> Exception:
    """Return the urllib3 error that requests wrapped; its type shows whether a connection was made."""
    inner = error.args[0] if error.args and isinstance(error.args[0], Exception) else error
    return inner.reason if isinstance(inner, MaxRetryError) and inner.reason else inner


def _is_bad_certificate(cause: Exception) -> bool:
    """Return whether the server's certificate was refused: nothing was sent then, and a retry cannot help."""
    if isinstance(cause, ssl.SSLCertVerificationError):
        return True
    return any(isinstance(part, Exception) and _is_bad_certificate(part) for part in cause.args)


def _passwords(proxies: Mapping[str, str]) -> list[str]:
    """Return the passwords in proxy URLs, raw and decoded, because errors may quote these URLs.

    They are cut out by hand: the URLs may have no scheme, or brackets that a parser refuses.
    """
    logins = [url.rpartition("@")[0].rpartition("//")[2] for url in proxies.values()]
    found = [login.partition(":")[2] for login in logins]
    return found + [unquote(password) for password in found]


def _unusable(name: str, reason: str) -> ConfigurationError:
    return ConfigurationError(f"use `{name}`", reason, f"Correct {places(name)}.", option=name)
