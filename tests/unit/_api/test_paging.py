# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages: what makes them believable, and the cursor that leads to the next."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, urlsplit

import pytest
import requests
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import ProtocolError
from ansible_collections.cakewalk.access.plugins.module_utils._api.paging import data_of, page_of, record_of
from hypothesis import example, given
from hypothesis import strategies as st
from unit.people import BASE_URL, reply, uid

_LINKS = [
    "/api/v1/Users?{}",
    "/OpenApiBFF/api/v1/Users?{}",
    "https://internal.example.net:8443/api/v1/Users?{}",
    "//internal.example.net/api/v1/Users?{}",
    "?{}",
    "Users?pageSize=100&{}",
    "/api/v1/Users?{}&page[size]=100&status=Active",
    "/api/v1/Users?{}#more",
]
_NAMES = {
    "cursor": "cursor",
    "page[cursor]": "page[cursor]",
    "page%5Bcursor%5D": "page[cursor]",
    "page%5bcursor%5d": "page[cursor]",
}
_CURSORS = st.text(min_size=1)
#: What may stand in a query as it is (RFC 3986), percent and ampersand apart; plus is the one that forms read as space.
_RAW_CURSORS = st.text(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$'()*,;:@/?+=", min_size=1, max_size=80
)


def cursor_of(link: object) -> tuple[str, str] | None:
    return page_of("the users", reply(200, {"data": [], "links": {"next": link}})).cursor


def sent(cursor: tuple[str, str] | None) -> list[tuple[str, str]]:
    """Return the parameters that a server reads from the request for the page at this cursor."""
    assert cursor is not None
    url = requests.Request("GET", f"{BASE_URL}/api/v1/Users", params=[cursor]).prepare().url
    return parse_qsl(urlsplit(str(url)).query, keep_blank_values=True)


@given(_CURSORS, st.sampled_from(_LINKS), st.sampled_from(sorted(_NAMES)), st.sampled_from([quote, quote_plus]))
@example("a+b/c==", "?{}", "cursor", quote)
@example(" ", "?{}", "cursor", quote_plus)
@example("\x00\r\n", "?{}", "cursor", quote)
def test_percent_encoded_cursors_come_out_as_they_were(cursor: str, link: str, name: str, encode: Any) -> None:
    taken = cursor_of(link.format(f"{name}={encode(cursor, safe='')}"))
    assert taken == (_NAMES[name], cursor)
    assert sent(taken) == [taken]


@given(_RAW_CURSORS, st.sampled_from(_LINKS), st.sampled_from(sorted(_NAMES)))
@example("eyJwYWdlIjoyfQ==", "/api/v1/Users?{}", "cursor")
@example("a+b/c==", "/api/v1/Users?{}", "page[cursor]")
def test_the_server_reads_from_our_request_what_it_reads_from_its_own_link(raw: str, link: str, name: str) -> None:
    meant = parse_qsl(f"{name}={raw}")
    assert sent(cursor_of(link.format(f"{name}={raw}"))) == meant


@pytest.mark.parametrize("links", [{}, {"next": None}, {"self": "/api/v1/Users?cursor=x"}])
def test_without_a_next_link_it_is_the_last_page(links: dict[str, Any]) -> None:
    page = page_of("the users", reply(200, {"data": [{"id": uid(1)}], "links": links}))
    assert page.cursor is None
    assert page.rows == [{"id": uid(1)}]


@pytest.mark.parametrize(
    "link",
    [
        "",
        "/api/v1/Users",
        "/api/v1/Users?",
        "/api/v1/Users?cursor",
        "/api/v1/Users?cursor=",
        "/api/v1/Users?page=2",
        "/api/v1/Users?CURSOR=abc",
        "/api/v1/Users#cursor=abc",
        "cursor=abc",
        "/api/v1/Users?cursor=a&cursor=b",
        "/api/v1/Users?cursor=a&page[cursor]=a",
        "https://[broken?cursor=abc",
        2,
        True,
        False,
        ["/api/v1/Users?cursor=abc"],
        {"href": "/api/v1/Users?cursor=abc"},
        "/api/v1/Users?cursor=%FF",
        "/api/v1/Users?cursor=abc%C3",
        "/api/v1/Users?cursor=\ud800",
    ],
)
def test_a_next_link_that_leads_nowhere_is_an_error_and_not_the_end(link: object) -> None:
    with pytest.raises(ProtocolError) as broken:
        cursor_of(link)
    assert str(broken.value) == (
        "Could not read the users: 'links.next' has no usable cursor. "
        "Run again. If the error stays, check `base_url`, and whether a proxy changes the answers."
    )


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "the answer is not JSON (of no usual type, 0 bytes)"),
        (b'{"data": [], "links": {', "the answer is not JSON (of no usual type, 23 bytes)"),
        (b"\xff\xfe\xfd", "the answer is not JSON (of no usual type, 3 bytes)"),
        (b"[" * 100_000, "the answer exceeds a limit: it is nested deeper than 64 levels"),
        ([], "the answer lacks 'data' or 'links'"),
        (None, "the answer lacks 'data' or 'links'"),
        ({"data": []}, "the answer lacks 'data' or 'links'"),
        ({"links": {}}, "the answer lacks 'data' or 'links'"),
        ({"data": [], "links": None}, "the answer lacks 'data' or 'links'"),
        ({"data": [], "links": []}, "the answer lacks 'data' or 'links'"),
        ({"data": None, "links": {}}, "'data' is not a list of records"),
        ({"data": {"id": "x"}, "links": {}}, "'data' is not a list of records"),
        ({"data": "none", "links": {}}, "'data' is not a list of records"),
        ({"data": [{"id": "x"}, None], "links": {}}, "'data' is not a list of records"),
        ({"data": [["x"]], "links": {}}, "'data' is not a list of records"),
    ],
)
def test_what_is_no_page_is_an_error_and_never_an_empty_list(body: Any, reason: str) -> None:
    with pytest.raises(ProtocolError) as broken:
        page_of("the users", reply(200, body))
    assert broken.value.cause == reason
    assert broken.value.facts() == {"kind": "protocol"}


@pytest.mark.parametrize(
    ("content_type", "described"),
    [
        ("text/html; charset=utf-8", "text/html"),
        ("TEXT/HTML", "text/html"),
        ("canary-key", "of no usual type"),
        ("text/\x1b[2J", "of no usual type"),
    ],
)
def test_a_login_page_is_described_by_its_kind_if_that_is_known(content_type: str, described: str) -> None:
    with pytest.raises(ProtocolError) as broken:
        data_of("the users", reply(200, b"<html>", content_type=content_type))
    assert broken.value.cause == f"the answer is not JSON ({described}, 6 bytes)"


@pytest.mark.parametrize(
    "data", [None, [], [{"id": "x"}], "x", {}, {"id": None}, {"id": 7}, {"id": ".."}, {"name": "Engineering"}], ids=repr
)
def test_a_record_without_an_id_is_an_error(data: Any) -> None:
    with pytest.raises(ProtocolError, match="Could not read the group 7: the answer has no record with an id"):
        record_of("the group 7", reply(200, {"data": data, "links": {}}))


@pytest.mark.parametrize("links", [{}, {"next": None}, {"next": "nowhere"}])
def test_a_record_needs_no_next_link(links: dict[str, Any]) -> None:
    record = {"id": uid(1), "unknownMember": {"kept": ["as", "it", "is"]}}
    assert record_of("the group 7", reply(200, {"data": record, "links": links})) == record
