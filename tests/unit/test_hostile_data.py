# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hostile and odd data: what a broken or malicious service, tenant or caller could send, and once broke something."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from urllib.parse import urlsplit

import pytest
import requests
from ansible_collections.cakewalk.access.plugins.module_utils._api import catalog
from ansible_collections.cakewalk.access.plugins.module_utils._api.client import Client
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import (
    ConfigurationError,
    OutcomeUnknown,
    ProtocolError,
    ServerError,
)
from ansible_collections.cakewalk.access.plugins.module_utils._api.operations import Step, is_usable_id
from ansible_collections.cakewalk.access.plugins.module_utils._api.paging import page_of
from ansible_collections.cakewalk.access.plugins.module_utils._api.problems import error_of
from ansible_collections.cakewalk.access.plugins.module_utils._api.transport import (
    Retries,
    Transport,
    _passwords,
    wait_asked,
)
from ansible_collections.cakewalk.access.plugins.module_utils._engine.membership import (
    Edit,
    Questions,
    Wish,
    by_label,
    decide,
)
from ansible_collections.cakewalk.access.plugins.module_utils._engine.rails import RailHit
from ansible_collections.cakewalk.access.plugins.module_utils._engine.references import Finder, LookupFailed
from ansible_collections.cakewalk.access.plugins.module_utils._engine.selection import Selection
from ansible_collections.cakewalk.access.plugins.module_utils._module.entry import _diff
from unit.people import Tenant, connection, group, membership, options, reply, uid, user, users
from urllib3.exceptions import ProxyError, SSLError

ADA = user(1, "ada@example.com")
BEN = user(2, "ben@example.com")
CREW, TEAM = group(1, "Crew"), group(2, "Team")


@pytest.mark.parametrize("first_answer", [b"", b"HTTP/1.1 503 x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"])
@pytest.mark.parametrize("method", ["DELETE", "PUT", "PATCH"])
def test_a_lost_answer_stays_lost_when_the_retry_cannot_connect(method: str, first_answer: bytes) -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def serve_once() -> None:
        peer, _address = listener.accept()
        listener.close()
        peer.recv(65536)
        peer.sendall(first_answer)
        peer.close()

    threading.Thread(target=serve_once, daemon=True).start()
    port = listener.getsockname()[1]
    client = Client(connection(f"http://127.0.0.1:{port}", max_retries=1))
    with client.writing(), pytest.raises(OutcomeUnknown) as lost:
        client.send(Step("remove ben", method, "/api/v1/UsersGroups/1/Users/2"))
    assert "not sent." not in str(lost.value)


@pytest.mark.parametrize("status", [505, 507, 520, 522, 524, 529, 599])
def test_every_5xx_is_trouble(status: int) -> None:
    assert isinstance(error_of("x", "POST", "/", reply(status), str), ServerError)
    assert Retries(total=1).answered("DELETE", reply(status))


def _told(key: str, body: object = b"", **headers: str) -> str:
    transport = Transport(connection(api_key=key))
    error = error_of("x", "GET", "/", reply(400, body, **headers), transport.safe)
    return f"{error} {error.facts()}"


def test_content_type_that_repeats_the_key() -> None:
    with pytest.raises(ProtocolError) as broken:
        page_of("the users", reply(200, b"<", content_type="text/canary-key"))
    assert "canary-key" not in str(broken.value)  # Reply.described() never passes Transport.safe()


def test_errors_member_that_repeats_a_key_that_json_escapes() -> None:
    assert r"can\"ary" not in _told('can"ary', {"errors": {"x": 'can"ary'}})


def test_detail_of_another_type_that_repeats_a_key_that_repr_escapes() -> None:
    assert "ary" not in _told("can\\ary", {"detail": ["can\\ary"]})


@pytest.mark.parametrize("value", ["1 Jan 99999 00:00:00", "1 Jan 2024 0:0:" + "9" * 400])
def test_no_retry_after_raises(value: str) -> None:
    wait_asked(reply(429, retry_after=value))


@pytest.mark.parametrize("out", ["ben@example.com", "BEN@example.com", BEN["id"]])
def test_somebody_to_be_there_and_not_is_refused_whether_or_not_a_member(out: str) -> None:
    tenant = Tenant([ADA, BEN], [CREW])
    entries = [membership(CREW, ["ben@example.com"]), membership(CREW, [out], "absent")]
    with pytest.raises(ConfigurationError, match="is to be a member and not to be one"):
        tenant.decide(options(memberships=entries, acting_user=ADA["email"]))


def test_an_assumed_id_does_not_hide_what_was_read() -> None:
    known = users(ADA, complete=False).assuming([ADA["id"]])
    assert known.matches(ADA["id"]) == [ADA]


def test_an_acting_user_given_by_id_who_is_added_by_id_may_act() -> None:
    params = options(group="Crew", users=[ADA["id"]], acting_user=ADA["id"], allow_inactive=True)
    wish = Wish(CREW, (ADA["id"],), (), exact=False)
    questions = Questions([wish], [users()], params)
    people = users(ADA, complete=False).assuming(questions.assumed)  # what Cakewalk.people reads: one record
    decision = decide([wish], [users()], people, questions, params, catalog.UserStatuses())
    assert decision.actor == ADA  # ConfigurationError: the status of this person is None


def test_no_edit_is_lost_between_names() -> None:
    twin = group(5, "Crew")
    mimic = group(6, f"Crew ({CREW['id']})")
    edits = [Edit(each, users(), [BEN], [], [], []) for each in (CREW, twin, mimic)]
    assert len(by_label(edits)) == 3


def test_tenant_text_in_a_diff_is_visible_text() -> None:
    (part,) = _diff({"Crew\x1b[2J": ["a@b\n+root@example.com\u202e"]}, {"Crew\x1b[2J": []})
    assert part["before"].count("\n") == 1
    assert part["before"].rstrip("\n").isprintable()
    assert part["before_header"].isprintable()


def test_swapping_two_holders_of_one_address_shows_in_the_diff() -> None:
    twin = user(3, "ben@example.com")
    tenant = Tenant([ADA, BEN, twin], [CREW], {CREW["id"]: [BEN]})
    (edit,) = tenant.decide(options(group="Crew", users=[twin["id"]], state="exact", acting_user=ADA["id"])).edits
    assert edit.changed
    assert edit.before() != edit.after()


@pytest.mark.parametrize("proxy", ["http://ada:pa[ss@proxy:3128", "http://ada:pa]ss@proxy:3128"])
def test_a_proxy_with_brackets_in_its_password_is_no_traceback(proxy: str) -> None:
    _passwords({"https": proxy})


def test_the_password_of_a_proxy_without_a_scheme_is_known() -> None:
    assert "canary" in _passwords({"https": "ada:canary@proxy:3128"})


def test_an_ambiguous_name_shows_no_control_characters() -> None:
    finder = Finder()
    finder.find("x@example.com", users({"id": "a\x1b[2J", "email": "x@example.com"}, user(2, "x@example.com")))
    with pytest.raises(LookupFailed) as failed:
        finder.check()
    assert str(failed.value).isprintable()


def test_messages_of_many_misses_and_holders_are_cut() -> None:
    finder = Finder()
    for number in range(5_000):
        finder.find(f"nobody{number}@example.com", users())
    with pytest.raises(LookupFailed) as failed:
        finder.check()
    assert len(str(failed.value)) < 20_000
    finder = Finder()
    finder.find("x@example.com", users(*(user(number, "x@example.com") for number in range(5_000))))
    with pytest.raises(LookupFailed) as failed:
        finder.check()
    assert len(str(failed.value)) < 20_000


def test_every_error_can_be_restated() -> None:
    finder = Finder()
    finder.find("x@example.com", users())
    with pytest.raises(LookupFailed) as failed:
        finder.check()
    assert str(failed.value.restated("b", "c")) == "Could not tell who or what is meant: b. c"


@pytest.mark.parametrize("cursor", ["%FF", "abc%C3", "%80%81"])
def test_a_cursor_is_taken_as_it_is_or_not_at_all(cursor: str) -> None:
    body = {"data": [], "links": {"next": f"/api/v1/Users?cursor={cursor}"}}
    try:
        taken = page_of("the users", reply(200, body)).cursor
    except ProtocolError:
        return
    url = str(requests.Request("GET", "https://tenant.example.com/", params=[taken]).prepare().url)
    assert urlsplit(url).query == f"cursor={cursor}"


def test_a_blank_reference_means_nobody() -> None:
    service_account = {"id": uid(9), "email": "", "statusName": "Active"}
    tenant = Tenant([ADA, service_account], [CREW], {CREW["id"]: [ADA, service_account]})
    (edit,) = tenant.decide(options(group="Crew", users=[""], state="absent")).edits
    assert edit.removed == []
    assert Selection(users(service_account), None).unique == {}


def test_ten_thousand_given_ids_take_no_seconds() -> None:
    wish = Wish(CREW, tuple(uid(number) for number in range(10_000)), (), exact=False)
    began = time.process_time()
    Questions([wish], [users()], options(allow_inactive=True))
    assert time.process_time() - began < 1


def test_ten_thousand_misses_take_no_seconds() -> None:
    began = time.process_time()
    Selection(users(), [f"nobody{number}@example.com" for number in range(10_000)])
    assert time.process_time() - began < 1


def test_a_protected_person_is_known_by_the_id_that_another_roster_shows() -> None:
    tenant = Tenant([ADA, BEN], [CREW, TEAM], {TEAM["id"]: [BEN]})
    params = options(group="Crew", users=[BEN["id"]], state="absent", protected_users=["ben@example.com"])
    entries = [membership(CREW, [BEN["id"]], "absent"), membership(TEAM, [])]
    with pytest.raises(RailHit):
        tenant.decide({**params, "group": None, "users": None, "memberships": entries})


def test_no_known_status_lets_leavers_act() -> None:
    statuses = catalog.UserStatuses()
    assert not statuses.extended({"may_act": sorted(statuses.inactive)}).may_act & statuses.inactive


def test_a_bad_certificate_of_a_proxy_is_final_and_never_sent() -> None:
    inner = SSLError(ssl.SSLCertVerificationError("certificate verify failed"))
    cause = ProxyError("Unable to connect to proxy", inner)
    assert Retries(total=1).never_sent(cause)
    assert not Retries(total=1).unanswered("GET", cause)


def test_groups_without_a_name_are_told_by_id() -> None:
    nameless = {"id": uid(1009), "name": None, "type": "Dynamic"}
    tenant = Tenant([ADA, BEN], [nameless])
    with pytest.raises(RailHit) as stopped:
        tenant.decide(options(group=uid(1009), users=[BEN["email"]], acting_user=ADA["email"]))
    assert stopped.value.facts()["groups"] == [uid(1009)]


@pytest.mark.parametrize("identifier", ["\ud800", "..", ".", "a/b", "a b", "", None, 7, "x" * 65])
def test_an_id_that_cannot_be_one_segment_of_a_path_is_none(identifier: object) -> None:
    assert catalog.USERS.listing.key_of({"id": identifier}) is None
    assert not is_usable_id(identifier)


@pytest.mark.parametrize("host", ["*.example.com", ".example.com"])
def test_a_host_that_cannot_be_is_a_configuration_error(host: str) -> None:
    with pytest.raises(ConfigurationError, match="there can be no such host"):
        Client(connection(f"https://{host}"))
