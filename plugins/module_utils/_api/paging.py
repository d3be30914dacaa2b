# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages of a list: validation of a page, and the cursor of the next one.

A broken page ends the task: members would be removed by accident if an incomplete list were taken for a complete one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from .errors import ProtocolError
from .operations import is_usable_id
from .text import BoundExceeded
from .transport import Response

_REMEDY = "Run again. If the error stays, check `base_url`, and whether a proxy changes the answers."
#: Both names occur on the vendor's pagination page; every reference page says C(cursor).
CURSOR_NAMES = ("cursor", "page[cursor]")


@dataclass(frozen=True)
class Page:
    """The rows of a page and the query parameter of the next one, C(None) on the last page."""

    rows: list[dict[str, Any]]
    cursor: tuple[str, str] | None


@dataclass(frozen=True)
class Reading:
    """The rows of a list as they were read.

    :param is_stable: whether the rows prove what is not listed, too, because they fitted one page, or two readings
        agreed. A single reading of several pages may miss a row that moved from one page to another.
    """

    rows: list[dict[str, Any]]
    is_stable: bool


def data_of(what: str, response: Response) -> tuple[Any, Mapping[str, Any]]:
    """Return C(data) and C(links) of the vendor's envelope (its page "pagination").

    :param what: what was read, in words.
    :raises ProtocolError: the body is not JSON, or not this envelope.
    """
    try:
        body = response.json()
    except BoundExceeded as error:
        raise broken(what, f"the answer exceeds a limit: {error}") from None
    except ValueError:
        raise broken(what, f"the answer is not JSON ({response.described()})") from None
    if not isinstance(body, dict) or "data" not in body or not isinstance(body.get("links"), dict):
        raise broken(what, "the answer lacks 'data' or 'links'")
    return body["data"], body["links"]


def record_of(what: str, response: Response) -> dict[str, Any]:
    """Return the single record in C(response).

    :raises ProtocolError: the answer has no record, or a record without an id.
    """
    data, _links = data_of(what, response)
    if not isinstance(data, dict) or not is_usable_id(data.get("id")):
        raise broken(what, "the answer has no record with an id")
    return data


def page_of(what: str, response: Response) -> Page:
    """Return the page in C(response).

    :raises ProtocolError: C(data) is not a list of objects, or C(links.next) holds no usable cursor.
    """
    data, links = data_of(what, response)
    if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
        raise broken(what, "'data' is not a list of records")
    return Page(data, _cursor_of(what, links.get("next")))


def broken(what: str, reason: str) -> ProtocolError:
    """Return the error for an answer that cannot be trusted."""
    return ProtocolError(f"read {what}", reason, _REMEDY)


def _cursor_of(what: str, link: object) -> tuple[str, str] | None:
    """Return the cursor in C(links.next), with the parameter name that the link uses.

    The rest of the link is ignored: the vendor's samples show links with another path or host than the request had.
    """
    if link is None:
        return None
    try:
        pairs = parse_qsl(urlsplit(link).query, errors="strict") if isinstance(link, str) else []
        "".join(value for _name, value in pairs).encode("utf-8")
    except ValueError:
        pairs = []
    cursors = [(name, value) for name, value in pairs if name in CURSOR_NAMES]
    if len(cursors) != 1:
        raise broken(what, "'links.next' has no usable cursor")
    return cursors[0]
