# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Access of users to apps: from the entries of a task to a decision for each user, without a single request.

Access is the state, and a request only the means. So a decision depends on the held levels first, then on the open
requests, and only access that neither of them covers takes a step.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from ..._api.catalog import USERS, named, owner_of, permission_levels_of, person, shows_owner
from ..._api.errors import CakewalkError, ConfigurationError
from ..._api.operations import member
from ..._api.text import printable, summarize
from ..core.access_requests import CHANGE, GRANT, REMOVE, Requests, of_type
from ..core.entries import entries_of, users_of
from ..core.lookup import Index, Resolver, Row, ids_of, label, labelled
from ..core.plan import State

GRANTED, ABSENT, RECORDED, DECLINED = "granted", "absent", "recorded", "declined"
REQUESTED, CHANGING, REMOVING = "requested", "level_change_requested", "removal_requested"
CONFLICT = "conflicting_request"
#: All outcomes, in the order of the summary.
OUTCOMES = (GRANTED, RECORDED, REQUESTED, CHANGING, REMOVING, ABSENT, DECLINED, CONFLICT)
_OUTCOME_OF = {GRANT: REQUESTED, CHANGE: CHANGING, REMOVE: REMOVING}


class ConflictingRequests(CakewalkError):
    """Open requests ask for the opposite, and nothing in the API can cancel a request."""

    kind = "conflicting_request"


@dataclass(frozen=True)
class AccessEntry:
    """The users that a task names for an app, and their level, as written; C(state) is present or absent.

    :param is_expiry: whether they are absent because their time is over.
    """

    app: str
    users: tuple[str, ...]
    level: str | None
    state: str
    is_expiry: bool = False


class AppState:
    """An app as it was read: its levels, its holders with their levels, and the requests of the tenant."""

    def __init__(self, app: Row, accesses: Sequence[Row], levels: Sequence[Row], requests: Requests) -> None:
        self.app = app
        self.levels = Index(permission_levels_of(app), levels)
        self.holders = Index(USERS, [row["user"] for row in accesses])
        self.requests = requests
        self._rows = accesses
        self._held: dict[str, dict[str, Row | None]] = {}
        self._marks: dict[str, list[Any]] = {}
        for row in accesses:
            level_id = str(member(row, "permissionLevel.id") or "").lower()
            self._held.setdefault(row["user"]["id"].lower(), {})[level_id] = row.get("permissionLevel")
            self._marks.setdefault(row["user"]["id"].lower(), []).append(row.get("isOwner"))

    @cached_property
    def owners(self) -> set[str]:
        """The ids of the people who own the app, as its record and its access rows show them."""
        owner = owner_of(self.app)
        return {user_id for user_id, marks in self._marks.items() if True in marks} | ids_of([owner] if owner else [])

    def is_owned_by(self, user: Row) -> bool | None:
        """Return whether a person owns the app; C(None) if their access, or without access the record, does not say."""
        user_id = user["id"].lower()
        if user_id in self.owners:
            return True
        marks = self._marks.get(user_id)
        is_shown = all(mark is False for mark in marks) if marks else shows_owner(self.app)
        return False if is_shown else None

    def is_owned_only_by(self, owner: Row) -> bool | None:
        """Return whether nobody but an owner owns the app; C(None) if that is not shown."""
        owner_id = owner["id"].lower()
        if self.owners - {owner_id}:
            return False
        marks = [mark for user_id, marks in self._marks.items() if user_id != owner_id for mark in marks]
        return True if shows_owner(self.app) and all(mark is False for mark in marks) else None

    @property
    def levels_held(self) -> dict[str, Row]:
        """The levels that people hold, by id."""
        return {level["id"].lower(): level for row in self._rows if (level := row.get("permissionLevel"))}

    def with_requests(self, requests: Requests) -> AppState:
        """Return the same app with the requests of a later read."""
        return AppState(self.app, self._rows, list(self.levels.by_id.values()), requests)

    def held_by(self, user: Row) -> Mapping[str, Row | None]:
        """Return the held levels by id, empty without access; in an app without levels, the id is empty."""
        return self._held.get(user["id"].lower(), {})


@dataclass(frozen=True)
class AccessDecision:
    """The outcome for the access of a user to an app.

    :param level: the wanted level, C(None) if the app has no levels or the access is removed.
    :param step: the type of the request to open (as in the API), C(recorded) to record access, or C(None).
    :param request: the request that the outcome depends on, if any.
    """

    app_state: AppState
    user: Row
    level: Row | None
    outcome: str
    step: str | None = None
    request: Row | None = None

    @property
    def app(self) -> Row:
        """The app."""
        return self.app_state.app

    @property
    def takes(self) -> bool:
        """Whether the step takes something away: a level change takes the old level."""
        return self.step in (REMOVE, CHANGE)

    @property
    def level_id(self) -> str:
        """The id of the wanted level in lower case, empty without a level."""
        return _id_of(self.level)

    def before(self) -> list[str]:
        """Return the access before the step as a line for the diff, without access no line."""
        levels = self.app_state.held_by(self.user).values()
        held = ", ".join(label(level) if level else "access" for level in levels)
        return [f"{person(self.user)}: {held}"] if held else []

    def after(self) -> list[str]:
        """Return the access after the step; requested access is never shown as held."""
        wanted = label(self.level) if self.level else "access"
        done = f"{'removal' if self.step == REMOVE else wanted} {'recorded' if self.step == RECORDED else 'requested'}"
        return [f"{line} ({done})" for line in self.before()] or [f"{person(self.user)}: {done}"]


def entries_of_task(params: Mapping[str, Any]) -> list[AccessEntry]:
    """Return the entries of a task; an entry without C(state) inherits the state of the task.

    :raises ConfigurationError: a list of users is missing or holds a blank, or an option does not go with absent.
    """
    entries = []
    for entry in entries_of(params, "accesses", "app"):
        action = f"use the entry about the app {printable(entry['app'])!r}"
        state, users = entry["state"] or params["state"], users_of(entry, action)
        if state == "absent" and entry["permission_level"] is not None:
            raise ConfigurationError(
                action,
                "a permission level is named, and access can only be removed as a whole",
                "Leave out `permission_level`, or ask for the level that is to stay with the state present.",
                option="permission_level",
            )
        if state == "absent" and params["method"] == "direct":
            raise ConfigurationError(
                action,
                "the state is absent, and access cannot be removed directly",
                "Use the method request, which asks for the removal.",
                option="method",
            )
        entries.append(AccessEntry(entry["app"], users, entry["permission_level"], state))
    return entries


class AccessEvaluator:
    """Evaluates the entries of a task app by app, and collects their problems in C(resolver).

    :param direct: whether access is recorded without approval.
    :param retry: whether declined requests are repeated.
    """

    def __init__(self, direct: bool, retry: bool) -> None:
        self._direct = direct
        self._retry = retry
        self.resolver = Resolver()

    def evaluate(
        self, app_state: AppState, entries: Sequence[AccessEntry], people: Index
    ) -> tuple[list[AccessDecision], list[str]]:
        """Return a decision for each user of an app, and the references under absent that match no user.

        :raises ConfigurationError: a user should have access and not, or two levels.
        """
        wanted: dict[str, tuple[Row, Row | None, str]] = {}
        unknown: list[str] = []
        for entry in entries:
            level = self._level(app_state, entry) if entry.state == "present" else None
            # The level is a problem already, so nothing can be decided for the users of this entry.
            is_open = entry.state == "present" and level is None and (entry.level is not None or app_state.levels.by_id)
            for reference in entry.users:
                is_known = app_state.holders.matches(reference) or people.matches(reference)
                if entry.state == "absent" and not is_known:
                    unknown.append(reference)
                    continue
                user = self.resolver.find(reference, app_state.holders, people)
                if user is None or is_open:
                    continue
                want = (user, level, entry.state)
                if wanted.setdefault(user["id"].lower(), want)[1:] != want[1:]:
                    raise ConfigurationError(
                        f"plan the access of {printable(person(user))} to the app {named(app_state.app)}",
                        "it is asked for twice, in different ways",
                        "Take the person out of one of the lists.",
                        option="accesses",
                        references=[user["id"], person(user)],
                    )
        decisions = [self._decision(app_state, *want) for want in wanted.values()]
        return [decision for decision in decisions if decision], list(dict.fromkeys(unknown))

    def _level(self, app_state: AppState, entry: AccessEntry) -> Row | None:
        """Return the wanted level; it is a problem if only the app or only the entry has levels."""
        known = app_state.levels.by_id.values()
        if entry.level is not None and known:
            return self.resolver.find(entry.level, app_state.levels)
        where = f"the app {named(app_state.app)}"
        if entry.level is not None:
            message = f"{where} has no permission levels, so it cannot give {printable(entry.level)!r}"
            self.resolver.report(entry.level, "not_found", message)
        elif known:
            names = summarize(repr(printable(label(level))) for level in known)
            message = f"{where} has the permission levels {names}, and the task names none of them"
            self.resolver.report(label(app_state.app), "no_level", message)
        return None

    def _decision(self, app_state: AppState, user: Row, level: Row | None, state: str) -> AccessDecision | None:
        """Return the decision for a user, or C(None) and report a problem."""
        decision = partial(AccessDecision, app_state, user, level)
        held, wanted, removes = app_state.held_by(user), _id_of(level), state == "absent"
        requests = app_state.requests.about(user, app_state.app)
        matching = of_type(requests, (REMOVE,)) if removes else of_type(requests, (GRANT, CHANGE), wanted)
        others = [request for request in requests if request not in matching]
        is_settled = not held if removes else wanted in held
        if is_settled and not removes:
            # A grant of another level takes nothing away.
            others = [request for request in others if request.get("requestType") != GRANT]
        if self._is_unclear(app_state, user, others if is_settled else requests) and not is_settled:
            return None
        # Recording access does not answer a request, so even a request for the same access is in conflict.
        against = others + matching if self._direct and not is_settled else others
        conflicts = app_state.requests.under_way(against, held)
        if conflicts:
            return decision(CONFLICT, request=conflicts[-1])
        if is_settled:
            return decision(ABSENT if removes else GRANTED)
        under_way = app_state.requests.under_way(matching, held)
        if under_way:
            return decision(_OUTCOME_OF[under_way[-1]["requestType"]], request=under_way[-1])
        if held and not removes and (self._direct or len(held) > 1 or level is None):
            self._report_levels(app_state, user, held)
            return None
        if self._direct:
            return decision(RECORDED, RECORDED)
        step = REMOVE if removes else CHANGE if held else GRANT
        same = of_type(matching, (step,))
        if same and app_state.requests.class_of(same[-1]) == "declined" and not self._retry:
            return decision(DECLINED, request=same[-1])
        return decision(_OUTCOME_OF[step], step)

    def _is_unclear(self, app_state: AppState, user: Row, requests: Iterable[Row]) -> bool:
        """Return whether a request is unclear, and report it: it may be open, and then no other may be sent."""
        unknown = app_state.requests.unknown(requests)
        for request in unknown:
            status, request_type = printable(request.get("requestStatus")), printable(request.get("requestType"))
            self.resolver.report(
                request["id"],
                "unknown_status",
                f"the request {printable(request['id'])}, a {request_type} with the status {status!r}, may be an open "
                f"one about {printable(person(user))} and {named(app_state.app)}",
                status=status,
            )
        return bool(unknown)

    def _report_levels(self, app_state: AppState, user: Row, held: Mapping[str, Row | None]) -> None:
        names = summarize(repr(printable(label(level))) if level else "access" for level in held.values())
        effect = "recording another level" if self._direct else "a change of level"
        self.resolver.report(
            person(user),
            "other_level",
            f"{printable(person(user))} holds {names} of the app {named(app_state.app)}, and it is not known what "
            f"{effect} does to that",
        )


def conflict_of(decisions: Iterable[AccessDecision]) -> ConflictingRequests | None:
    """Return the error about all users with an open request for the opposite."""
    conflicts = [(decision, decision.request or {}) for decision in decisions if decision.outcome == CONFLICT]
    if not conflicts:
        return None
    descriptions = [
        f"{printable(person(decision.user))} and {named(decision.app)}: {printable(request['requestType'])} "
        f"{printable(request['id'])} is {printable(request['requestStatus'])}"
        for decision, request in conflicts
    ]
    return ConflictingRequests(
        "reach what is asked for",
        f"open requests want something else: {summarize(descriptions, separator='; ')}",
        "Nothing was sent about these people. The API cannot cancel a request: cancel or decide it in Cakewalk, then "
        "run again.",
        requests=[request["id"] for _decision, request in conflicts],
    )


def states_of(decisions: Iterable[AccessDecision]) -> tuple[State, State]:
    """Return the access to apps before and after the steps, for users with a step."""
    by_app: dict[str, list[AccessDecision]] = {}
    for decision in decisions:
        if decision.step:
            by_app.setdefault(decision.app["id"], []).append(decision)
    apps = labelled(by_app.values(), lambda its_decisions: its_decisions[0].app)
    by_header = {f"Access to {name}": its_decisions for name, its_decisions in apps.items()}
    before = {header: [line for decision in its for line in decision.before()] for header, its in by_header.items()}
    return before, {
        header: [line for decision in its for line in decision.after()] for header, its in by_header.items()
    }


def _id_of(level: Row | None) -> str:
    return str(level["id"]).lower() if level else ""
