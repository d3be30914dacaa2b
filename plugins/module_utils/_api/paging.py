# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One page of a list: what makes it believable, and where the next one is.

Whatever is broken ends the task. An incomplete list that passes for a whole one is how members get removed by accident.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from .errors import ProtocolError
from .operations import is_usable_id
from .transport import Response

_REMEDY = "Nothing was changed. Run again; if it stays so, the service or base_url is not what it should be."
#: Both names occur on the vendor's pagination page; every reference page says C(cursor).
CURSOR_NAMES = ("cursor", "page[cursor]")


@dataclass(frozen=True)
class Page:
    """The rows of one page and the query parameter that leads to the next; C(None) on the last."""

    rows: list[dict[str, Any]]
    cursor: tuple[str, str] | None


def data_of(what: str, reply: Response) -> tuple[Any, Mapping[str, Any]]:
    """Return C(data) and C(links) of the vendor's envelope (its page "pagination").

    :param what: what was read, in words.
    :raises ProtocolError: the body is not JSON, or not that envelope.
    """
    try:
        body = reply.json()
    except ValueError:
        raise broken(what, f"the answer is not JSON ({reply.described()})") from None
    if not isinstance(body, dict) or "data" not in body or not isinstance(body.get("links"), dict):
        raise broken(what, "the answer lacks 'data' or 'links'")
    return body["data"], body["links"]


def record_of(what: str, reply: Response) -> dict[str, Any]:
    """Return the single record in C(reply).

    :raises ProtocolError: there is none, or it has no id.
    """
    data, _links = data_of(what, reply)
    if not isinstance(data, dict) or not is_usable_id(data.get("id")):
        raise broken(what, "the answer holds no record with an id")
    return data


def page_of(what: str, reply: Response) -> Page:
    """Return the page in C(reply).

    :raises ProtocolError: C(data) is no list of objects, or C(links.next) leads nowhere.
    """
    data, links = data_of(what, reply)
    if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
        raise broken(what, "'data' is not a list of records")
    return Page(data, _cursor_of(what, links.get("next")))


def broken(what: str, reason: str) -> ProtocolError:
    """Return the error for an answer that cannot be trusted."""
    return ProtocolError(f"read {what}", reason, _REMEDY)


def _cursor_of(what: str, link: object) -> tuple[str, str] | None:
    """Take the cursor out of C(links.next), under the name that the link uses.

    Only the cursor, because the vendor's samples show links with another path or host than the one that was called.
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
        raise broken(what, "'links.next' holds no usable cursor")
    return cursors[0]
