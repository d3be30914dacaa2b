# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report about people who leave: what waits for others, what somebody must do by hand, and the proof."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ..._api.catalog import person
from ..._api.errors import CakewalkError
from ..._api.text import pluralize, printable, summarize
from ..access.evaluation import CONFLICT, DECLINED, REMOVING
from ..core.lookup import Row, candidate
from ..core.plan import ApplyResult
from ..core.timestamps import now
from ..storage.private_file import PrivateFile
from .footprint import NOT_MANAGED, UNCLEAR, Entry, Footprint, Holdings, StableFootprints

#: What access is called that no request removes, why it is left, and what to do, by its outcome.
_STAYS = {
    NOT_MANAGED: (
        "unmanaged_access",
        "the app is not managed, so Cakewalk removes nothing there",
        "Remove the account in the app itself.",
    ),
    CONFLICT: ("access", "an open request asks for the opposite", "Cancel or decide that request in Cakewalk."),
    DECLINED: (
        "access",
        "the request to remove it was declined",
        "Ask the people who declined it, or run again with retry_declined.",
    ),
    UNCLEAR: (
        "access",
        "a request about it has an unknown status",
        "Say under known_statuses what the status means, and run again.",
    ),
}
_TAKE_OUT = "Remove the person in that directory."
_NEW_OWNER = "Name another owner in Cakewalk."
_CANCEL = "Cancel or decline the request in Cakewalk."
_EXPLAIN = "Look at the request in Cakewalk; known_statuses can say what its status means."
_RUN_AGAIN = "Look at the errors, and run again."


class SomethingLeft(CakewalkError):
    """Something is left of people who leave."""

    kind = "left"

    @classmethod
    def of(cls, people: Sequence[Entry], listed_at: str) -> SomethingLeft | None:
        """Return the error about people who still have something, or whose proof failed; C(None) without any."""
        incomplete = [entry for entry in people if not entry["complete"]]
        if not incomplete:
            return None
        waiting = [entry for entries in incomplete for entry in entries["waiting"]]
        by_hand = [entry for entries in incomplete for entry in entries["by_hand"]]
        errors = [message for entries in incomplete for message in entries["errors"]]
        parts = [
            *([f"{_removals(len(waiting))} ({summarize(map(_named, waiting))})"] if waiting else []),
            *([f"{_need_hand(len(by_hand))} ({summarize(map(_named, by_hand))})"] if by_hand else []),
            *(error.rstrip(".") for error in dict.fromkeys(errors)),
        ]
        orphans = [entry["name"] for entry in by_hand if entry.get("is_only_owner")]
        owners = f" The person is the only owner of {summarize(map(printable, orphans))}." if orphans else ""
        return cls(
            f"take everything from {summarize(printable(entry['user']['email']) for entry in incomplete)}",
            f"as Cakewalk listed at {listed_at}, {'; '.join(parts)}",
            f"'people' says for whom each thing waits, and what to do by hand.{owners} Run again later: a run opens no "
            "request twice.",
            waiting=len(waiting),
            by_hand=len(by_hand),
        )


def _removals(number: int) -> str:
    return f"{pluralize(number, 'thing waits', 'things wait')} for others"


def _need_hand(number: int) -> str:
    return f"{pluralize(number, 'thing needs', 'things need')} somebody by hand"


def _named(entry: Entry) -> str:
    waits_for = f", waits for {', '.join(map(printable, entry['waits_for']))}" if entry.get("waits_for") else ""
    return f"{entry['what'].replace('_', ' ')} {printable(entry['name'])!r}{waits_for}"


@dataclass(frozen=True)
class Outcome:
    """Everything that is left of a person: what waits for others, and what somebody must do by hand.

    :param is_complete: whether nothing is left; in a dry run, once all requests are approved.
    """

    waiting: list[Entry]
    by_hand: list[Entry]
    is_complete: bool


def left_after(footprint: Footprint) -> Outcome:
    """Return what is left after a run."""
    waiting, by_hand = _requests_left(footprint)
    for access in footprint.accesses:
        if access["outcome"] == REMOVING and access["request_id"]:
            waiting.append(_waiting("access", access, f"the request to remove it is {access['request_status']}"))
        elif access["outcome"] == REMOVING:
            by_hand.append(_by_hand("access", access, "its removal is not requested", _RUN_AGAIN))
    memberships = [
        _by_hand("membership", group, "it is still listed", _RUN_AGAIN)
        for group in footprint.groups
        if not group["synced"]
    ]
    by_hand = [*memberships, *_staying(footprint), *by_hand]
    return Outcome(waiting, by_hand, is_complete=not waiting and not by_hand)


def predicted(footprint: Footprint) -> Outcome:
    """Return what a run would leave, from the footprint before it."""
    waiting, by_hand = _requests_left(footprint)
    waiting += [
        _waiting(
            "access",
            access,
            f"the request to remove it is {access['request_status']}"
            if access["request_id"]
            else "its removal would be requested, and wait for approval",
        )
        for access in footprint.accesses
        if access["outcome"] == REMOVING
    ]
    by_hand = [*_staying(footprint), *by_hand]
    return Outcome(waiting, by_hand, is_complete=not by_hand and all(entry["what"] == "access" for entry in waiting))


def _staying(footprint: Footprint) -> list[Entry]:
    """Return what no run can remove."""
    return [
        *(
            _by_hand("synced_membership", group, "another directory decides who is a member", _TAKE_OUT)
            for group in footprint.groups
            if group["synced"]
        ),
        *(
            _by_hand(_STAYS[access["outcome"]][0], access, *_STAYS[access["outcome"]][1:])
            for access in footprint.accesses
            if access["outcome"] in _STAYS
        ),
        *(
            {
                **_by_hand(
                    "ownership",
                    app,
                    "the person is the only owner" if app["is_only_owner"] else "the person is one of the owners",
                    _NEW_OWNER,
                ),
                "is_only_owner": app["is_only_owner"],
            }
            for app in footprint.ownerships
        ),
    ]


def _requests_left(footprint: Footprint) -> tuple[list[Entry], list[Entry]]:
    """Return the requests that may still give access: those that only need time, and those that somebody must stop."""
    waiting, by_hand = [], []
    for request in footprint.requests:
        name = f"{request['request_type']} for {request['app'] or 'an unknown app'} ({request['status']})"
        entry = {**request, "name": name, "request_id": request["id"]}
        if not request["is_known"]:
            why = "its status, its type or its person is unknown"
            by_hand.append(_by_hand("unclear_request", entry, why, _EXPLAIN))
        elif request["gives"] and request["is_decided"]:
            why = "it was granted a moment ago, and the access is not listed yet; run again in a quarter of an hour"
            waiting.append(_waiting("open_grant", entry, why))
        elif request["gives"]:
            by_hand.append(_by_hand("open_grant", entry, "it may still give access", _CANCEL))
    return waiting, by_hand


def _waiting(what: str, entry: Entry, why: str) -> Entry:
    return {**_entry(what, entry, why), "since": entry["since"], "waits_for": []}


def _by_hand(what: str, entry: Entry, why: str, action: str) -> Entry:
    return {**_entry(what, entry, why), "do": action}


def _entry(what: str, entry: Entry, why: str) -> Entry:
    levels = f" ({', '.join(entry['levels'])})" if entry.get("levels") else ""
    return {
        "what": what,
        "id": entry["id"],
        "name": f"{entry['name']}{levels}",
        "request_id": entry.get("request_id"),
        "why": why,
    }


def outcome_of(
    user: Row, outcome: Outcome | None, footprint: Footprint, errors: Sequence[str], others: Iterable[Row]
) -> Entry:
    """Return the entry of a person in the result.

    :param outcome: what is left; C(None) if no two reads agree about it, or it could not be read.
    :param footprint: the last known footprint.
    """
    if outcome is None:
        errors = [*errors, *([] if errors else ["No two reads in a row agreed. Run again after a while."])]
    return {
        "user": {"id": user["id"], "email": person(user), "status": user.get("statusName")},
        "complete": bool(outcome and outcome.is_complete),
        "waiting": outcome.waiting if outcome else [],
        "by_hand": outcome.by_hand if outcome else [],
        "errors": list(errors),
        "tasks": footprint.tasks,
        "other_accounts": [candidate(other) for other in others],
    }


class Proofs:
    """The proof of each person: what Cakewalk listed before and after the run, the writes, and what is left.

    It says what Cakewalk listed, not whether the person can still sign in to an app: only the app knows.
    A proof exists from before the first write, so that a killed run leaves one, which says that it did not end.

    :param others: other accounts with the address of each person, by the id of the person.
    :param user_of: the person of each step, by the identity of the step; filled as stages are planned.
    """

    def __init__(
        self, params: Mapping[str, Any], actor: str, others: Mapping[str, Sequence[Row]], user_of: Mapping[int, Row]
    ) -> None:
        self._folder = str(params["proof_dir"])
        self._about = {"tenant": str(params["base_url"]).rstrip("/"), "actor": actor}
        self._others = others
        self._user_of = user_of
        self._name = f"{''.join(filter(str.isalnum, now()))}-{secrets.token_hex(6)}"
        self._documents: dict[str, dict[str, Any]] = {}
        self._paths: dict[str, str] = {}
        self._after: StableFootprints | None = None
        self._is_concluded = False

    def before(self, users: Sequence[Row], footprints: Mapping[str, Footprint], holdings: Holdings) -> None:
        """Take what was listed before the first write."""
        for user in users:
            user_id = user["id"].lower()
            self._paths[user_id] = f"{self._folder}/leaver-{user_id}-{self._name}.json"
            listed = _listed(footprints[user_id], holdings.looked_from, holdings.looked_until, 1)
            self._documents[user_id] = {
                **self._about,
                "user": {"id": user["id"], "email": person(user), "status": user.get("statusName")},
                "other_accounts": [candidate(other) for other in self._others[user_id]],
                "statement": "The run did not end, so nothing is proved. The journal holds its writes.",
                "complete": False,
                "before": listed,
                "after": None,
                "writes": [],
                "waiting": [],
                "by_hand": [],
                "errors": [],
            }

    def after(self, after: StableFootprints) -> None:
        """Take what was listed after the last write."""
        self._after = after

    def footprint_of(self, user: Row) -> Footprint | None:
        """Return the footprint after the last write, if there is one."""
        return self._after.footprints.get(user["id"].lower()) if self._after else None

    def begin(self) -> None:
        """Write the proofs of a run that has not ended."""
        self._write()

    def conclude(self, people: Iterable[Entry], applied: ApplyResult) -> dict[str, str]:
        """Take the outcome of each person, and return the SHA-256 of each proof, by its path."""
        self._is_concluded = True
        self._take_writes(applied)
        digests = {}
        for entry in people:
            user_id = str(entry["user"]["id"]).lower()
            document = self._documents[user_id]
            footprint = self._after.footprints.get(user_id) if self._after else None
            if self._after and footprint:
                until = self._after.holdings.looked_until
                document["after"] = _listed(footprint, self._after.looked_from, until, 2)
                document["statement"] = f"As Cakewalk listed at {until}."
            else:
                document["statement"] = "What is left could not be read, so nothing is proved."
            document |= {name: entry[name] for name in ("complete", "waiting", "by_hand", "errors")}
            digests[self._paths[user_id]] = hashlib.sha256(self._text(user_id).encode()).hexdigest()
        return digests

    def end(self, applied: ApplyResult) -> None:
        """Write the proofs of the run as it ended.

        :raises FileRefused: a proof cannot be written.
        """
        if not self._is_concluded:
            self._take_writes(applied)
        if self._is_concluded or applied.steps:
            self._write()

    def _take_writes(self, applied: ApplyResult) -> None:
        for document in self._documents.values():
            document |= {"run": applied.run, "writes": []}
        for result in applied.steps:
            user = self._user_of[id(result.step)]
            write = {**result.as_result(), "status": result.status.name.lower()}
            self._documents[user["id"].lower()]["writes"].append(write)

    def _write(self) -> None:
        for user_id, path in self._paths.items():
            PrivateFile(path, "the proof", "It holds JSON. Move it away.").write(self._text(user_id))

    def _text(self, user_id: str) -> str:
        return json.dumps(self._documents[user_id], indent=2) + "\n"


def _listed(footprint: Footprint, looked_from: str, looked_until: str, looks: int) -> Entry:
    return {**asdict(footprint), "looked_from": looked_from, "looked_until": looked_until, "looks": looks}
