# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a refusal becomes: its class, what it says to people, and the facts for programs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api import errors
from ansible_collections.cakewalk.access.plugins.module_utils._api.catalog import (
    GROUPS,
    USERS,
    members,
)
from ansible_collections.cakewalk.access.plugins.module_utils._api.client import Client
from ansible_collections.cakewalk.access.plugins.module_utils._api.transport import Connection
from ansible_collections.cakewalk.access.plugins.module_utils._api.writes import add_members, remove_members
from contract.fixtures import CONNOR, ERIN, writes
from contract.wire import Cut, Wire, answer, in_turn, page
from sandbox.process import Sandbox

NOBODY = "00000000-0000-4000-8000-000000000000"
CANARY_KEY, CANARY_SECRET = "canary-key-tweets", "canary-secret-sings"
#: Escape, bell, newline, right-to-left override, zero-width space, line separator, tag letter.
_TRICKS = "\x1b[31m\x07\n\u202e\u200b\u2028\U000e0041"


def add(tenant: Sandbox, client: Client, name: str = "Engineering", email: str = CONNOR) -> Any:
    """Add somebody to a group."""
    actor = tenant.find("users", tenant.acting_user)
    with client.writing():
        client.send(
            add_members(tenant.find("groups", name), [tenant.find("users", email)], actor, implicitly_approve=False)
        )


def refused(error: type[errors.CakewalkError], do: Callable[[], Any]) -> Any:
    """Return the error of exactly this class with which something ends."""
    with pytest.raises(error) as caught:
        do()
    assert caught.value.__class__ is error
    return caught.value


def test_400_says_what_the_service_names(tenant: Sandbox, client: Client) -> None:
    error = refused(errors.ApiError, lambda: add(tenant, client, "Okta Everyone"))
    assert str(error) == (
        "Could not add 1 person to the group 'Okta Everyone': the server answered 400 Bad Request: The group Okta "
        "Everyone is synced and cannot be edited. Change it in the source directory of the group."
    )
    facts = error.facts()
    assert facts.pop("path") == f"/api/v1/UsersGroups/{tenant.find('groups', 'Okta Everyone')['id']}/Users"
    assert facts.pop("instance", None) is None
    assert facts == {
        "kind": "refused",
        "status": 400,
        "title": "Bad Request",
        "detail": "The group Okta Everyone is synced and cannot be edited.",
        "method": "POST",
    }


@pytest.mark.parametrize("wrong", ["api_key", "api_secret"])
def test_401_points_to_the_credentials(connect: Callable[..., Client], wrong: str) -> None:
    error = refused(errors.Unauthorized, lambda: connect(**{wrong: "guess"}).rows(USERS.listing))
    assert str(error) == (
        "Could not read the users: the server answered 401 Unauthorized: The API key or secret is missing or wrong. "
        "Check `api_key` and `api_secret` (CAKEWALK_API_KEY, CAKEWALK_API_SECRET), and that they belong to `base_url`."
    )
    assert error.facts() == {
        "kind": "unauthorized",
        "status": 401,
        "title": "Unauthorized",
        "detail": "The API key or secret is missing or wrong.",
        "method": "GET",
        "path": "/api/v1/Users",
    }


def test_403_of_a_read_only_key_says_how_to_get_another(tenant: Sandbox, connect: Callable[..., Client]) -> None:
    client = connect(api_key=tenant.read_only_key, api_secret=tenant.read_only_secret)
    assert client.rows(members(tenant.find("groups", "Engineering")))
    error = refused(errors.Forbidden, lambda: add(tenant, client))
    assert (
        "the server answered 403 Forbidden operation: This API key is read-only and cannot perform write operations. "
        "If the key is read-only, create one with read and write access"
    ) in str(error)
    assert (error.facts()["kind"], error.status) == ("forbidden", 403)


@pytest.mark.parametrize(("status", "kind"), [("400", "refused"), ("403", "forbidden"), ("409", "refused")])
@pytest.mark.parametrize("name", ["Okta Everyone", "Dynamic Berlin"])
def test_a_group_that_refuses_writes_is_named_in_every_dialect(
    tenant: Sandbox, client: Client, name: str, status: str, kind: str
) -> None:
    tenant.configure(read_only_group=status)
    with pytest.raises(
        errors.ApiError, match=f"the group '{name}': the server answered {status} .* cannot be edited"
    ) as caught:
        add(tenant, client, name)
    assert (caught.value.kind, caught.value.status) == (kind, int(status))


def test_404_says_what_there_is_not(tenant: Sandbox, client: Client) -> None:
    error = refused(errors.NotFound, lambda: client.record(GROUPS.record(NOBODY)))
    assert str(error).startswith(f"Could not read the group {NOBODY}: the server answered 404 Not Found: ")
    assert str(error).endswith("Check `base_url` and the id. Somebody may have removed it meanwhile.")
    assert (error.facts()["kind"], error.facts()["method"]) == ("not_found", "GET")


def test_404_without_an_id_is_a_wrong_address(connect: Callable[..., Client]) -> None:
    with Wire(in_turn(answer(404))) as wire:
        error = refused(errors.NotFound, lambda: connect(base_url=wire.url).rows(USERS.listing))
    assert str(error).endswith("Check `base_url`. The API is not at this address.")


@pytest.mark.parametrize(
    "page",
    [
        b"<h1>400 Bad Request</h1>The plain HTTP request was sent to HTTPS port",
        b"Reason: You're speaking plain HTTP to an SSL-enabled server port.",
        b"Client sent an HTTP request to an HTTPS server.",
    ],
    ids=["nginx", "Apache", "Go"],
)
def test_400_of_a_service_that_speaks_tls_says_so(connect: Callable[..., Client], page: bytes) -> None:
    with Wire(in_turn(answer(400, page, {"Content-Type": "text/html"}))) as wire:
        error = refused(errors.ApiError, lambda: connect(base_url=wire.url).rows(USERS.listing))
    assert str(error).endswith("400 Bad Request; it speaks TLS. Write https:// in `base_url`.")


def test_404_of_a_removal(tenant: Sandbox, client: Client) -> None:
    step = remove_members(tenant.find("groups", "Engineering"), [tenant.find("users", CONNOR)])[0]
    with client.writing():
        error = refused(errors.NotFound, lambda: client.send(step))
    assert f"Could not remove {CONNOR} from the group 'Engineering': the server answered 404" in str(error)


def test_409_is_refused_with_the_words_of_the_service(tenant: Sandbox, client: Client) -> None:
    tenant.configure(readd_member="409")
    error = refused(errors.ApiError, lambda: add(tenant, client, email=ERIN))
    assert f"the server answered 409 Conflict: Already members of Engineering: {ERIN}. Correct" in str(error)
    assert (error.facts()["kind"], error.facts()["status"]) == ("refused", 409)


def test_429_says_how_long_the_service_wants_to_wait(tenant: Sandbox, client: Client) -> None:
    tenant.fault("listUsers", 429, retry_after=3600)
    error = refused(errors.RateLimited, lambda: client.rows(USERS.listing))
    assert str(error) == (
        "Could not read the users: the server answered 429 Too Many Requests: A fault that was asked for; it asks "
        "clients to wait 3600 seconds. Run again later, or lower `requests_per_minute`. Other programs may use the "
        "same key."
    )
    assert error.kind == "rate_limited"


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_trouble_of_the_service_on_a_read(tenant: Sandbox, connect: Callable[..., Client], status: int) -> None:
    tenant.fault("listUsers", status)
    error = refused(errors.ServerError, lambda: connect(max_retries=0).rows(USERS.listing))
    assert f"Could not read the users: the server answered {status} " in str(error)
    assert str(error).endswith("The service has a problem. Run again later.")
    assert (error.kind, error.status) == ("server_error", status)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_trouble_of_the_service_on_a_write_leaves_the_outcome_unknown(
    tenant: Sandbox, client: Client, status: int
) -> None:
    tenant.fault("addUsersToGroup", status)
    error = refused(errors.OutcomeUnknown, lambda: add(tenant, client))
    assert "so it is not known whether the write was carried out" in str(error)
    facts = error.facts()
    assert (facts["kind"], facts["status"], facts["method"]) == ("outcome_unknown", status, "POST")


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (402, errors.ApiError, "402 Payment Required"),
        (499, errors.ApiError, "499 (no standard meaning)"),
        (501, errors.ServerError, "501 Not Implemented"),
        (599, errors.ServerError, "599 (no standard meaning)"),
    ],
)
def test_other_refusals_are_told_by_their_number(
    connect: Callable[..., Client], status: int, kind: type[errors.ApiError], words: str
) -> None:
    with Wire(in_turn(answer(status))) as wire:
        client = connect(base_url=wire.url, max_retries=0)
        error = refused(kind, lambda: client.rows(USERS.listing))
    assert f"Could not read the users: the server answered {words}. " in str(error)


def test_a_lost_answer_to_a_write_says_so(tenant: Sandbox, client: Client) -> None:
    tenant.fault("addUsersToGroup", "drop_after")
    error = refused(errors.OutcomeUnknown, lambda: add(tenant, client))
    assert "the request was sent but its answer was lost: 127.0.0.1:" in str(error)
    facts = error.facts()
    assert (facts["kind"], facts["method"], facts["path"][-6:]) == ("outcome_unknown", "POST", "/Users")


def test_a_read_without_any_answer(tenant: Sandbox, client: Client) -> None:
    tenant.fault("listUsers", "drop_before", count=2)
    error = refused(errors.TransportError, lambda: client.rows(USERS.listing))
    place = tenant.url.removeprefix("http://")
    assert f"{place} closed the connection before its answer was complete. Run again later" in str(error)
    assert error.facts() == {"kind": "transport", "method": "GET", "path": "/api/v1/Users"}


def test_the_whole_problem_document_is_told(connect: Callable[..., Client]) -> None:
    problem = {
        "type": "https://example.com/problems/1",
        "title": "One or more validation errors occurred.",
        "detail": "Look here",
        "instance": "/api/v1/Users#7",
        "errors": {"userIds": ["must not be empty"]},
    }
    with Wire(in_turn(answer(400, problem))) as wire:
        error = refused(errors.ApiError, lambda: connect(base_url=wire.url).rows(USERS.listing))
    assert "400 One or more validation errors occurred.: Look here; userIds: must not be empty. Corr" in str(error)
    assert error.facts()["instance"] == "/api/v1/Users#7"


@pytest.mark.parametrize(
    "body", [b"<h1>no</h1>", b"", [1], "no", {"title": None, "detail": {"a": 1}}, {"title": ["x"]}]
)
def test_a_problem_in_no_known_form_is_still_an_error(connect: Callable[..., Client], body: Any) -> None:
    with Wire(in_turn(answer(403, body))) as wire:
        error = refused(errors.Forbidden, lambda: connect(base_url=wire.url).rows(USERS.listing))
    assert "the server answered 403 " in str(error)
    assert error.facts()["status"] == 403


@pytest.mark.parametrize("member", ["title", "detail", "instance", "errors"])
@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 429, 500])
def test_what_a_hostile_service_writes_is_shown_and_not_obeyed(
    connect: Callable[..., Client], status: int, member: str
) -> None:
    text = f"{_TRICKS} {CANARY_KEY} {CANARY_SECRET} {'x' * 5000}"
    problem = {member: {"field": [text]} if member == "errors" else text}
    with Wire(in_turn(answer(status, problem))) as wire, pytest.raises(errors.ApiError) as caught:
        connect(base_url=wire.url, api_key=CANARY_KEY, api_secret=CANARY_SECRET, max_retries=0).rows(USERS.listing)
    assert wire.requests[0].headers["x-api-key"] == CANARY_KEY
    told = f"{caught.value} {caught.value.facts()} {caught.value.args}"
    assert told.isprintable()
    assert "canary" not in told
    assert "********" in told
    assert "\\u202e" in told
    assert len(str(caught.value)) < 1_500


@pytest.mark.parametrize("place", ["cursor", "status line", "header", "location", "content type", "retry after"])
def test_no_other_part_of_an_answer_carries_the_credentials_into_an_error(
    connect: Callable[..., Client], place: str
) -> None:
    canaries = f"{CANARY_KEY}{CANARY_SECRET}"
    sent = {
        "cursor": answer(200, page({"name": canaries}, following=f"/Users?after={canaries}")),
        "status line": Cut(f"HTTP/1.1 2{canaries} {canaries}\r\n\r\n".encode()),
        "header": Cut(f"HTTP/1.1 200 OK\r\ncontent-length: {canaries}\r\n\r\n".encode()),
        "content type": answer(200, b"<", {"content-type": f"text/{canaries}"}),
        "retry after": answer(429, headers={"retry-after": canaries}),
        "location": answer(302, headers={"location": f"https://example.com/{canaries}"}),
    }[place]
    with Wire(in_turn(sent)) as wire, pytest.raises(errors.CakewalkError) as caught:
        connect(base_url=wire.url, api_key=CANARY_KEY, api_secret=CANARY_SECRET, max_retries=0).rows(USERS.listing)
    assert "canary" not in f"{caught.value} {caught.value.facts()} {caught.value.args}"


def test_a_secret_is_found_however_the_service_escapes_it(connect: Callable[..., Client]) -> None:
    secret = 'canary"quoted\\back'
    problem = dict.fromkeys(("title", "detail", "instance"), secret) | {"errors": {secret: [secret]}}
    with Wire(in_turn(answer(400, problem))) as wire, pytest.raises(errors.ApiError) as caught:
        connect(base_url=wire.url, api_secret=secret).rows(USERS.listing)
    assert "canary" not in f"{caught.value} {caught.value.facts()} {caught.value.args}"


def test_names_in_the_tenant_are_shown_and_not_obeyed(connect: Callable[..., Client]) -> None:
    row = {"id": NOBODY, "name": f"Sales{_TRICKS}"}
    with Wire(in_turn(answer(404))) as wire, pytest.raises(errors.NotFound) as caught:
        connect(base_url=wire.url).rows(members(row))
    assert str(caught.value).isprintable()
    assert "the members of the group 'Sales" in str(caught.value)


def test_a_connection_does_not_show_its_secrets() -> None:
    assert "canary" not in repr(Connection("https://example.com", CANARY_KEY, CANARY_SECRET))


def test_nothing_is_written_outside_of_writing(tenant: Sandbox, client: Client) -> None:
    step = remove_members(tenant.find("groups", "Engineering"), [tenant.find("users", ERIN)])[0]
    with pytest.raises(errors.WriteRefused, match="this part of the run may only read") as caught:
        client.send(step)
    assert caught.value.facts() == {"kind": "write_refused"}
    with pytest.raises(RuntimeError), client.writing():
        raise RuntimeError
    with pytest.raises(errors.WriteRefused):
        client.send(step)
    assert writes(tenant) == []
