# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors for refusals: from the response of the server to a message with a hint."""

from __future__ import annotations

import http
import re
from collections.abc import Callable, Mapping
from typing import Any

from .answers import Body, Proof
from .errors import (
    ApiError,
    Forbidden,
    NotFound,
    OutcomeUnknown,
    Queued,
    RateLimited,
    Redirected,
    ServerError,
    Unauthorized,
)
from .retry_after import retry_after
from .transport import Response

_KINDS: dict[int, tuple[type[ApiError], str]] = {
    401: (
        Unauthorized,
        "Check `api_key` and `api_secret` (CAKEWALK_API_KEY, CAKEWALK_API_SECRET), and that they belong to `base_url`.",
    ),
    403: (
        Forbidden,
        "If the key is read-only, create one with read and write access in the developer settings of Cakewalk. The "
        "access level of a key cannot be changed. If a synced group is the reason, change it in its own directory.",
    ),
    404: (NotFound, "Check `base_url` and the id. Somebody may have removed it meanwhile."),
    429: (RateLimited, "Run again later, or lower `requests_per_minute`. Other programs may use the same key."),
}
#: An id in a path.
_ID = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
#: What nginx, Apache and Go answer to plain text where they speak TLS.
_WANTS_TLS = re.compile(rb"HTTPS port|SSL-enabled server port|HTTP request to an HTTPS server")
_OTHER = (ApiError, "Correct what the server names, and run again.")
_TROUBLE = (ServerError, "The service has a problem. Run again later.")
_REDIRECT = (
    Redirected,
    "Redirects are not followed, because the credentials would be sent along. Set `base_url` to the final address.",
)


def error_of(action: str, method: str, path: str, response: Response, safe: Callable[[object], str]) -> ApiError:
    """Return the error for an unsuccessful response.

    :param action: what was being done, and to what.
    :param safe: makes text of the server printable.
    """
    problem = problem_of(response)
    title = safe(_text(problem, "title") or _phrase(response.status))
    details = [_text(problem, "detail"), *_texts(problem.get("errors"))]
    detail = safe("; ".join(text for text in details if text and text != title))
    words = f"the server answered {response.status} {_contradiction(response)}{title}"
    words += f": {detail.rstrip('.')}" if detail else ""
    wait = retry_after(response.headers)
    if wait:
        words += f"; it asks clients to wait {wait:.0f} seconds"
    kind, remedy = _kind_of(response)
    if kind is NotFound and not any(map(_ID.fullmatch, path.split("/"))):
        remedy = "Check `base_url`. The API is not at this address."
    if response.status == 400 and _WANTS_TLS.search(response.content):
        words, remedy = f"{words}; it speaks TLS", "Write https:// in `base_url`."
    return kind(
        action,
        words,
        remedy,
        status=response.status,
        title=title,
        detail=detail or None,
        instance=safe(_text(problem, "instance")) or None,
        method=method,
        path=path,
    )


def lost(error: ApiError, proof: Proof) -> OutcomeUnknown:
    """Return the error for a write whose outcome is unknown, because its answer proves nothing, or nothing yet."""
    return (Queued if proof is Proof.QUEUED else OutcomeUnknown)(
        error.action,
        f"{error.cause}, so it is not known whether the write was carried out",
        "It is not sent again automatically. Look in Cakewalk whether it was carried out.",
        **{name: value for name, value in error.facts().items() if name != "kind"},
    )


def problem_of(response: Response) -> Mapping[str, Any]:
    """Return the problem document (RFC 9457) of a response, or an empty one."""
    try:
        problem = response.json()
    except ValueError:
        return {}
    return problem if isinstance(problem, dict) else {}


def _text(problem: Mapping[str, Any], name: str) -> str:
    value = problem.get(name)
    return value if isinstance(value, str) else ""


def _texts(errors: object, depth: int = 4) -> list[str]:
    """Return the texts in the C(errors) that ASP.NET adds to a problem document: lists of texts by field."""
    if isinstance(errors, str):
        return [errors]
    if isinstance(errors, dict) and depth:
        return [f"{field}: {text}" for field, value in errors.items() for text in _texts(value, depth - 1)]
    return [text for value in errors for text in _texts(value, depth - 1)] if isinstance(errors, list) and depth else []


def _kind_of(response: Response) -> tuple[type[ApiError], str]:
    if 300 <= response.status < 400:
        return _REDIRECT
    return _TROUBLE if response.status >= 500 else _KINDS.get(response.status, _OTHER)


def _contradiction(response: Response) -> str:
    """Return what the body of a success is instead, before the title in a message; empty for other answers."""
    if not 200 <= response.status < 300:
        return ""
    if response.body is Body.PROBLEM:
        return "with a problem, "
    return f"without JSON ({response.described()}), " if response.body is Body.OTHER else ""


def _phrase(status: int) -> str:
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return "(no standard meaning)"
