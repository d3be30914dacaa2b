# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the documentation leaves open, and the rewriting of validated answers into each way it may be.

The default of every question is the vendor's own sample where there is one. Some questions are about rules (what
happens to a member who is added again): the domain reads them. The others are about form: the service gives the
default, and :func:`translate` rewrites it after it was validated against the contract.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cache
from http import HTTPStatus
from typing import Any, Literal, get_args, get_type_hints
from urllib.parse import quote

from .answer import Answer
from .contract import Operation
from .records import APPROVED, CANCELLED, DECLINED, PENDING

#: The header by which a refusal tells which question decides its status; it never leaves the sandbox.
QUESTION_HEADER = "x-sandbox-question"

_BFF_ROOT = "/api/v1/OpenApiBFF/"
_PLAIN_ROOT = "/api/v1/"
_OTHER_HOST = "https://bff.example.com"

_SHOWING_TASKS = ("listTasks", "getTask")
_FILTERED = {"listTasks": {"status"}, "listRequests": {"status", "requestType", "lastUpdatedFrom"}}

#: The words of C(other) for tasks and for requests; the documented C(Approved) of tasks has no other one.
_OTHER_WORDS = {PENDING: "AwaitingDecision", DECLINED: "Rejected", CANCELLED: "Withdrawn"}
_SPELLINGS = {"status": _OTHER_WORDS, "requestStatus": {**_OTHER_WORDS, APPROVED: "Fulfilled"}}


@dataclass(frozen=True)
class Dialect:
    """One field for each open question; the first word is the default.

    :param links: C(bff) puts the C(OpenApiBFF) segment of the vendor's sample into links, C(plain) the path that was
        called, C(absolute) a URL on another host.
    :param cursor_name: under which name the link carries the cursor, and under which alone it is heard.
    :param next: the last page's C(links.next) is null or absent.
    :param record_next: likewise for single records; C(link) repeats the record's own address.
    :param readd_member: adding somebody who is a member already: accepted, or refused as a whole with this status.
    :param remove_non_member: removing somebody who is no member: accepted, or refused.
    :param read_only_group: the refusal of writes to synced and dynamic groups.
    :param same_policy: assigning the policy that is assigned already.
    :param taken_review_name: the refusal of an access review whose name exists.
    :param implicit_approval: whether C(implicitlyApproveRequests) carries requests through to the access (C(granted))
        or only through their reviews (C(action)).
    :param removal_requests: whether removing a member opens removal requests for the group's default apps.
    :param write_status: the status of successful writes; C(documented) is what the contract names.
    :param write_body: the body of successful writes: as in the contract, none, or always the data and links envelope.
    :param extra_fields: whether objects carry members that no document knows.
    :param unknown_values: whether some, or all, statuses, roles and types are words that no document knows.
    :param group_kind: whether group records show their kind in C(type); C(bare) shows id and name only.
    :param key_form: form of the webhook key: PEM text, JSON with the PEM in C(publicKey), or base64 DER text.
    :param webhook_body: whether a delivery is an array of events or one bare event.
    :param deprecation: whether removing a member answers with C(Deprecation) and C(Sunset) headers.
    :param status_words: how the statuses of tasks and requests are spelt: as in our documents (C(Pending)), in capitals
        (C(PENDING)), or in other words (C(AwaitingDecision), C(Rejected), C(Withdrawn), and C(Fulfilled) for requests).
    :param filters: whether the filters of GET /Tasks and GET /Requests, all inferred, do anything; C(userId) does.
    :param existing_access: recording an access for somebody who has one to this app: replaced, or refused as a whole.
    :param duplicate_request: the refusal of a request that is open already.
    :param field_by: how a write names a person or a choice: by label, name or e-mail, by id, or by either.
    :param action_step: whether tasks show C(isActionStep): as it is, not at all, or always as null.
    :param access_delay: whether what an approved request changed is listed at once or from the third reading on.
    :param agent: what the vendor's agent does with an action task of its own: nothing yet, the work, or it leaves the
        work to people.
    """

    links: Literal["bff", "plain", "absolute"] = "bff"
    cursor_name: Literal["cursor", "page[cursor]"] = "cursor"
    next: Literal["null", "absent"] = "null"
    record_next: Literal["null", "absent", "link"] = "null"
    readd_member: Literal["201", "400", "409"] = "201"
    remove_non_member: Literal["404", "204"] = "404"
    read_only_group: Literal["400", "403", "409"] = "400"
    same_policy: Literal["204", "409"] = "204"
    taken_review_name: Literal["409", "400"] = "409"
    implicit_approval: Literal["granted", "action"] = "granted"
    removal_requests: Literal["none", "open"] = "none"
    write_status: Literal["documented", "200", "201", "204"] = "documented"
    write_body: Literal["documented", "none", "envelope"] = "documented"
    extra_fields: Literal["none", "some"] = "none"
    unknown_values: Literal["none", "some", "all"] = "none"
    group_kind: Literal["type", "hidden", "bare"] = "type"
    key_form: Literal["pem", "json", "der"] = "pem"
    webhook_body: Literal["array", "object"] = "array"
    deprecation: Literal["none", "headers"] = "none"
    status_words: Literal["plain", "upper", "other"] = "plain"
    filters: Literal["heard", "ignored"] = "heard"
    existing_access: Literal["update", "409"] = "update"
    duplicate_request: Literal["409", "400"] = "409"
    field_by: Literal["either", "label", "id"] = "either"
    action_step: Literal["shown", "hidden", "null"] = "shown"
    access_delay: Literal["none", "late"] = "none"
    agent: Literal["idle", "carries_out", "falls_back"] = "idle"

    def __post_init__(self) -> None:
        for question, words in questions().items():
            word = getattr(self, question)
            if word not in words:
                raise ValueError(f"{question} must be one of {', '.join(words)}, not {word!r}")


@cache
def questions() -> dict[str, tuple[str, ...]]:
    """Return the words that answer each question, the default first."""
    return {question: get_args(hint) for question, hint in get_type_hints(Dialect).items()}


def heard_query(dialect: Dialect, operation: Operation, query: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the query as the service hears it: the cursor counts only under the name that this dialect uses, and
    filters only where they do anything."""
    if dialect.filters == "ignored":
        query = [(name, value) for name, value in query if name not in _FILTERED.get(operation.id or "", ())]
    renamed = [("cursor" if name == dialect.cursor_name else name, value) for name, value in query if name != "cursor"]
    return query if dialect.cursor_name == "cursor" else renamed


class Noting:
    """A dialect that notes the questions whose answers the rules look up."""

    def __init__(self, dialect: Dialect, notes: set[str]) -> None:
        self._dialect = dialect
        self._notes = notes

    def __getattr__(self, question: str) -> str:
        self._notes.add(question)
        answer: str = getattr(self._dialect, question)
        return answer


def questions_of_form(
    dialect: Dialect, operation: Operation, path: str, query: list[tuple[str, str]], answer: Answer
) -> set[str]:
    """Return the questions of which another answer would have changed what is heard of a query, or said in an answer.

    :param answer: validated, and not yet translated.
    """

    def form(other: Dialect) -> Any:
        said = translate(other, operation, path, deepcopy(answer))
        is_json = said.headers.get("content-type", "").endswith("json")
        headers = {name: value for name, value in said.headers.items() if not name.startswith("content-")}
        return heard_query(other, operation, query), said.status, headers, said.json() if is_json else said.body

    plain = form(dialect)
    return {
        question
        for question, words in questions().items()
        if any(form(replace(dialect, **{question: word})) != plain for word in words)
    }


def spelt(dialect: Dialect, member: str, word: str) -> str:
    """Return how this dialect spells a status.

    :param member: C(status) of a task, or C(requestStatus) of a request.
    """
    if dialect.status_words == "upper":
        return word.upper()
    return _SPELLINGS[member].get(word, word) if dialect.status_words == "other" else word


def translate(dialect: Dialect, operation: Operation, path: str, answer: Answer) -> Answer:
    """Return a validated answer the way this dialect gives it."""
    if question := answer.headers.pop(QUESTION_HEADER, None):
        return _with_status(answer, int(getattr(dialect, question)))
    if answer.status >= HTTPStatus.BAD_REQUEST:
        return answer
    if dialect.deprecation == "headers" and operation.id == "removeUserFromGroup":
        answer.headers |= {"deprecation": "true", "sunset": "Thu, 31 Dec 2026 23:59:59 GMT"}
    if operation.id == "getWebhookPublicKey":
        return _key_in_form(dialect.key_form, answer)
    if operation.writes:
        answer = _written(dialect, path, answer)
    rewrites = _rewrites(dialect, operation)
    if rewrites and answer.body:
        document = answer.json()
        for rewrite in rewrites:
            rewrite(document)
        answer.set_json(document)
    return answer


def _with_status(answer: Answer, status: int) -> Answer:
    if status != answer.status:
        answer.status = status
        answer.set_json({**answer.json(), "status": status, "title": HTTPStatus(status).phrase})
    return answer


def _key_in_form(form: str, answer: Answer) -> Answer:
    if form == "json":
        answer.set_json({"publicKey": answer.body.decode()})
    elif form == "der":
        lines = answer.body.decode().splitlines()
        der = base64.b64decode("".join(line for line in lines if not line.startswith("-----")))
        answer.body = base64.b64encode(der)
    return answer


def _written(dialect: Dialect, path: str, answer: Answer) -> Answer:
    if dialect.write_status != "documented":
        answer.status = int(dialect.write_status)
    if dialect.write_body == "envelope":
        answer.set_json(
            {"data": answer.json() if answer.body else None, "links": {"self": _linked(path), "next": None}}
        )
    if dialect.write_body == "none" or answer.status == HTTPStatus.NO_CONTENT:
        answer.drop_body()
    return answer


def _linked(path: str) -> str:
    return path.replace(_PLAIN_ROOT, _BFF_ROOT, 1)


def _rewrites(dialect: Dialect, operation: Operation) -> list[Callable[[dict[str, Any]], None]]:
    """Return the edits of the body that this dialect needs, so that the default needs none and parses nothing."""
    rewrites: list[Callable[[dict[str, Any]], None]] = []
    if dialect.group_kind != "type" and operation.id in ("listUsersGroups", "getUsersGroup"):
        hidden = ("type",) if dialect.group_kind == "hidden" else ("type", "syncSource", "externalId")
        rewrites.append(lambda document: _hide(document, hidden))
    if dialect.status_words != "plain" and operation.id in (*_SHOWING_TASKS, "listRequests"):
        rewrites.append(lambda document: _spell(dialect, document))
    if dialect.action_step != "shown" and operation.id in _SHOWING_TASKS:
        rewrites.append(lambda document: _veil_action_step(document, dialect.action_step == "hidden"))
    if dialect.unknown_values != "none":
        rewrites.append(lambda document: _make_unknown(document, dialect.unknown_values == "all"))
    if dialect.extra_fields == "some":
        rewrites.append(_add_fields)
    if (dialect.next, dialect.record_next, dialect.links, dialect.cursor_name) != ("null", "null", "bff", "cursor"):
        rewrites.append(lambda document: _link(dialect, document))
    return rewrites


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for member in list(value.values()):
            yield from _objects(member)
    elif isinstance(value, list):
        for member in value:
            yield from _objects(member)


def _hide(document: dict[str, Any], hidden: tuple[str, ...]) -> None:
    data = document["data"]
    for group in data if isinstance(data, list) else [data]:
        for name in hidden:
            group.pop(name, None)


def _spell(dialect: Dialect, document: dict[str, Any]) -> None:
    for one in _objects(document["data"]):
        for member in _SPELLINGS.keys() & one.keys():
            one[member] = spelt(dialect, member, one[member])


def _veil_action_step(document: dict[str, Any], hidden: bool) -> None:
    for one in _objects(document["data"]):
        if "isActionStep" in one:
            one["isActionStep"] = None
            if hidden:
                del one["isActionStep"]


def _make_unknown(document: dict[str, Any], every: bool) -> None:
    """Replace enum words: of every object, or of those whose id begins with 0 to 4, about a third, always the same."""
    for one in _objects(document.get("data")):
        if every or str(one.get("id", "f"))[0] in "01234":
            for name, word in (
                ("statusName", "Hibernating"),
                ("status", "Hibernating"),
                ("requestStatus", "Hibernating"),
                ("roleName", "Librarian"),
                ("type", "Hologram"),
            ):
                if name in one:
                    one[name] = word
            for name in {"statusId", "roleId"} & one.keys():
                one[name] = 99


def _add_fields(document: dict[str, Any]) -> None:
    for one in list(_objects(document)):
        one["xUnheardOf"] = {"since": "tomorrow", "values": [1, None, "two"]}


def _link(dialect: Dialect, document: dict[str, Any]) -> None:
    links = document.get("links") or {}
    ending = dialect.next if isinstance(document.get("data"), list) else dialect.record_next
    if links.get("next") is None:
        if ending == "absent":
            links.pop("next", None)
        elif ending == "link" and "self" in links:
            links["next"] = links["self"]
    for name in [name for name in ("self", "next") if links.get(name)]:
        links[name] = _rewritten(dialect, links[name])


def _rewritten(dialect: Dialect, link: str) -> str:
    path, mark, cursor = link.partition("?cursor=")
    if dialect.links != "bff":
        path = path.replace(_BFF_ROOT, _PLAIN_ROOT, 1)
    if dialect.links == "absolute":
        path = _OTHER_HOST + path
    return f"{path}?{dialect.cursor_name}={cursor}" if mark else path


def cursor_link(path: str, cursor: str) -> str:
    """Return a link to a further page the way the vendor's sample shows it."""
    return f"{_linked(path)}?cursor={quote(cursor, safe='=')}"


def self_link(path: str) -> str:
    """Return the link of a page or record to itself the way the vendor's sample shows it."""
    return _linked(path)


def deliveries(events: list[dict[str, Any]], dialect: Dialect) -> list[Any]:
    """Return the bodies that tell these events: newer pages of the vendor show an array, older ones a bare object."""
    if dialect.webhook_body == "object":
        return list(events)
    return [[event] for event in events]
