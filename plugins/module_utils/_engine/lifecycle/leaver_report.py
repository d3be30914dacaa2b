# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report about people who leave: what waits for others, what somebody must do by hand, and the proof."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ..._api.catalog import person
from ..._api.errors import CakewalkError
from ..._api.text import printable, summarize
from ..access.approvers import by_approvers
from ..access.evaluation import CONFLICT, DECLINED, REMOVING
from ..core.access_requests import CHANGE, GRANT, REMOVE
from ..core.lookup import Row, candidate
from ..core.plan import ApplyResult
from ..core.timestamps import moment, now
from ..storage.private_file import PrivateFile
from .footprint import NOT_MANAGED, UNCLEAR, Entry, Footprint, Holdings, StableFootprints
from .people_result import left_of, person_result

#: What access is called that no request removes, why it is left, and what to do, by its outcome.
_STAYS = {
    NOT_MANAGED: (
        "unmanaged_access",
        "the app is not managed, so Cakewalk removes nothing there",
        "Remove the person's account in '{name}' itself.",
    ),
    CONFLICT: (
        "access",
        "an open request asks for the opposite",
        "Cancel or decide the open request about '{name}' in Cakewalk, and run again.",
    ),
    DECLINED: (
        "access",
        "the request to remove it was declined",
        "Ask the people who declined to remove the access to '{name}', or run again with `retry_declined`.",
    ),
    UNCLEAR: (
        "access",
        "a request about it has an unknown status",
        "Say under `known_statuses` what the status of the request about '{name}' means, and run again.",
    ),
}
_SYNCED = "another directory decides who is a member"
_TAKE_OUT = "Remove the person from '{name}' in the directory that decides who is a member."
_NEW_OWNER = "Name another owner of '{name}' in Cakewalk."
_FIRST_OWNER = "Name another owner of '{name}' in Cakewalk: the person is the only one."
#: Why an ownership is left, by whether the person is the only owner.
_OWNS = {
    True: "the person is the only owner",
    False: "the person is one of the owners",
    None: "the person is an owner, and it is not shown whether there are others",
}
_CANCEL = "Cancel or decline the {name} in Cakewalk."
_EXPLAIN = "Look at the {name} in Cakewalk; `known_statuses` can say what its status means."
_GRANTED = "Look at the {name} in Cakewalk: make sure that it no longer gives access."
_RUN_AGAIN = "Look at the errors about '{name}', and run again."
#: What requests ask for, for people.
_ASKED = {GRANT: "request for access to", CHANGE: "request for another level of", REMOVE: "request to remove access to"}


class SomethingLeft(CakewalkError):
    """Something is left of people who leave."""

    kind = "left"

    @classmethod
    def of(cls, people: Sequence[Entry], listed_at: str) -> SomethingLeft | None:
        """Return the error about people who still have something, or whose proof failed; C(None) without any."""
        incomplete = [entry for entry in people if not entry["complete"]]
        if not incomplete:
            return None
        pairs = [(printable(entries["user"]["email"]), entries) for entries in incomplete]
        whose = {name: f"{name}: " if len(pairs) > 1 else "" for name, _entries in pairs}
        waiting = [f"{whose[name]}{_progress(entry)}" for name, entries in pairs for entry in entries["waiting"]]
        by_hand = [f"{whose[name]}{printable(entry['do'])}" for name, entries in pairs for entry in entries["by_hand"]]
        errors = [message for entries in incomplete for message in entries["errors"]]
        parts = [
            *left_of(incomplete),
            *(error.rstrip(".") for error in dict.fromkeys(errors)),
        ]
        hints = [
            *([f"Waiting: {summarize(waiting, separator='; ')}."] if waiting else []),
            *([f"By hand: {summarize(by_hand, separator=' ')}"] if by_hand else []),
            "Run again later: a run opens no request twice.",
        ]
        return cls(
            f"finish the offboarding of {summarize(whose)}",
            f"as Cakewalk listed at {listed_at}, {'; '.join(parts)}",
            " ".join(hints),
            waiting=len(waiting),
            by_hand=len(by_hand),
        )


def _progress(entry: Entry) -> str:
    """Return what something waits for, as a clause."""
    if entry["what"] != "access":
        return f"the {printable(entry['name'])}: {entry['why']}"
    return f"the removal of access to {printable(entry['name'])!r} waits for approval{by_approvers(entry['waits_for'])}"


def plan_lines(user: Row, footprint: Footprint) -> list[str]:
    """Return what a run does about each thing that a person has, a line for each, whatever names hold."""

    def access(entry: Entry) -> str:
        name = _with_levels(entry)
        if entry["outcome"] in _STAYS:
            return f"keeps access to {name}: {_STAYS[entry['outcome']][1]}"
        if entry["request_id"]:
            return f"waits for the removal of access to {name}, which is requested (status {entry['request_status']})"
        return f"loses access to {name} once its removal is requested and approved"

    unseen = [app["name"] for app in footprint.unseen_ownerships]
    lines = [
        *(
            f"stays in the group {group['name']}: {_SYNCED}" if group["synced"] else f"leaves the group {group['name']}"
            for group in footprint.groups
        ),
        *map(access, footprint.accesses),
        *(
            f"stays {'the only owner' if app['is_only_owner'] else 'an owner'} of the app {app['name']}"
            for app in footprint.ownerships
        ),
        *([f"may own apps whose owner is not shown: {summarize(unseen)}"] if unseen else []),
        *(
            f"is the subject of the {_asked(request)}, request {request['id']}"
            for request in footprint.requests
            if request["id"] not in {access["request_id"] for access in footprint.accesses}
        ),
        *(f"has the task {task['id']} ({task['type']}, {task['status']})" for task in footprint.tasks),
    ]
    return [f"{printable(person(user))}: {printable(line)}" for line in lines or ["has nothing"]]


def _asked(request: Entry) -> str:
    request_type = printable(request["request_type"])
    asked = _ASKED.get(request_type, f"{request_type} about")
    facts = map(printable, filter(None, (request["permission_level"], request["status"])))
    return f"{asked} {request['app'] or 'an unknown app'} ({', '.join(facts)})"


@dataclass(frozen=True)
class Outcome:
    """Everything that is left of a person: what waits for others, and what somebody must do by hand.

    :param is_complete: whether nothing is left; in a dry run, once all requests are approved.
    """

    waiting: list[Entry]
    by_hand: list[Entry]
    is_complete: bool


def to_remove(footprint: Footprint) -> set[str]:
    """Return the ids of the groups to leave, and of the apps whose removal is still to be requested."""
    requested = [access for access in footprint.accesses if access["outcome"] == REMOVING and access["request_id"]]
    return {entry["id"] for entry in [*footprint.groups, *footprint.accesses] if entry not in requested}


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
        *(_by_hand("synced_membership", group, _SYNCED, _TAKE_OUT) for group in footprint.groups if group["synced"]),
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
                    _OWNS[app["is_only_owner"]],
                    _FIRST_OWNER if app["is_only_owner"] else _NEW_OWNER,
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
        entry = {**request, "name": _asked(request), "request_id": request["id"]}
        if not request["is_known"]:
            why = "its status, its type or its person is unknown"
            by_hand.append(_by_hand("unclear_request", entry, why, _EXPLAIN))
        elif request["gives"] and request["is_decided"] and moment(request["updated_at"]) is None:
            why = "it was granted at a time that is not shown, and the access is not listed"
            by_hand.append(_by_hand("open_grant", entry, why, _GRANTED))
        elif request["gives"] and request["is_decided"]:
            why = "it was granted a moment ago, and the access is not listed yet; run again in a quarter of an hour"
            waiting.append(_waiting("open_grant", entry, why))
        elif request["gives"]:
            by_hand.append(_by_hand("open_grant", entry, "it may still give access", _CANCEL))
    return waiting, by_hand


def _waiting(what: str, entry: Entry, why: str) -> Entry:
    return {**_entry(what, entry, why), "since": entry["since"], "waits_for": []}


def _by_hand(what: str, entry: Entry, why: str, action: str) -> Entry:
    return {**_entry(what, entry, why), "do": action.format(name=printable(entry["name"], 80))}


def _entry(what: str, entry: Entry, why: str) -> Entry:
    return {
        "what": what,
        "id": entry["id"],
        "name": _with_levels(entry),
        "request_id": entry.get("request_id"),
        "why": why,
    }


def _with_levels(entry: Entry) -> str:
    return f"{entry['name']} ({', '.join(entry['levels'])})" if entry.get("levels") else str(entry["name"])


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
        "user": person_result(user),
        "complete": bool(outcome and outcome.is_complete and not errors),
        "waiting": outcome.waiting if outcome else [],
        "by_hand": outcome.by_hand if outcome else [],
        "errors": list(errors),
        "tasks": footprint.tasks,
        "unseen_ownerships": footprint.unseen_ownerships,
        "other_accounts": [candidate(other) for other in others],
    }


class Proofs:
    """The proof of each person: what Cakewalk listed before and after the run, the writes, and what is left.

    It says what Cakewalk listed, not whether the person can still sign in to an app: only the app knows.
    A proof exists from before the first write, so that a killed run leaves one, which says that it did not end.

    :param others: other accounts with the address of each person, by the id of the person.
    :param user_of: the person of each step, by the identity of the step; filled as stages are planned.
    :param scrubbed: returns a value without the credentials.
    """

    def __init__(
        self,
        params: Mapping[str, Any],
        actor: str,
        others: Mapping[str, Sequence[Row]],
        user_of: Mapping[int, Row],
        scrubbed: Callable[[Any], Any],
    ) -> None:
        self._scrubbed = scrubbed
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
                "user": person_result(user),
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
        return json.dumps(self._scrubbed(self._documents[user_id]), indent=2) + "\n"


def _listed(footprint: Footprint, looked_from: str, looked_until: str, looks: int) -> Entry:
    return {**asdict(footprint), "looked_from": looked_from, "looked_until": looked_until, "looks": looks}
