# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is to have access to which app, and what that takes: pure, without a single request.

Access is the state, a request only the means. So what is held is looked at first, then what is asked for already, and
only what neither answers becomes a step.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..._api.catalog import USERS, named, permission_levels_of
from ..._api.errors import CakewalkError, ConfigurationError
from ..._api.operations import member
from ..._api.text import printable, summarize
from ..core.access_requests import CHANGE, GRANT, REMOVE, Requests, of_type
from ..core.entries import entries_of
from ..core.lookup import Index, Resolver, Row, label, labelled, person

GRANTED, ABSENT, RECORDED, DECLINED = "granted", "absent", "recorded", "declined"
REQUESTED, CHANGING, REMOVING, CONFLICT = (
    "requested",
    "level_change_requested",
    "removal_requested",
    "conflicting_request",
)
#: All that can become of somebody's access, in the order in which they are counted.
OUTCOMES = (GRANTED, RECORDED, REQUESTED, CHANGING, REMOVING, ABSENT, DECLINED, CONFLICT)
_MEANS = {GRANT: REQUESTED, CHANGE: CHANGING, REMOVE: REMOVING}


class ConflictingRequests(CakewalkError):
    """Open requests want the opposite, and nothing in the API can cancel one."""

    kind = "conflicting_request"


@dataclass(frozen=True)
class AccessEntry:
    """What one entry of a task says of one app, with people and level as they were written."""

    app: str
    users: tuple[str, ...]
    level: str | None
    state: str


class AppState:
    """An app as it was read: its levels, who holds which of them, and what is requested."""

    def __init__(self, app: Row, accesses: Sequence[Row], levels: Sequence[Row], requests: Requests) -> None:
        self.app = app
        self.levels = Index(permission_levels_of(app), levels)
        self.holders = Index(USERS, [row["user"] for row in accesses])
        self.requests = requests
        self._held: dict[str, dict[str, Row | None]] = {}
        for row in accesses:
            level = row.get("permissionLevel")
            self._held.setdefault(row["user"]["id"].lower(), {})[
                str(member(row, "permissionLevel.id") or "").lower()
            ] = level

    def held_by(self, who: Row) -> Mapping[str, Row | None]:
        """Return the levels that somebody holds, by id; the one of an app without levels has none. Empty: no access."""
        return self._held.get(who["id"].lower(), {})


@dataclass(frozen=True)
class AccessDecision:
    """What becomes of the access of one person to one app.

    :param level: the wanted level, C(None) where the app has none or the access is to go.
    :param step: the type of the request to open (as the wire calls it), C(recorded) to record it, or C(None).
    :param request: the request that the outcome hangs on, if there is one.
    """

    estate: AppState
    who: Row
    level: Row | None
    outcome: str
    step: str | None = None
    request: Row | None = None

    @property
    def takes(self) -> bool:
        """Whether the step takes something away: a level change takes the old level."""
        return self.step in (REMOVE, CHANGE)

    def before(self) -> str:
        """Return what is held, for the diff."""
        held = self.estate.held_by(self.who)
        words = ", ".join(label(level) if level else "access" for level in held.values()) or "no access"
        return f"{person(self.who)}: {words}"

    def after(self) -> str:
        """Return what is held once the step was taken: what is requested is never shown as held."""
        wanted = label(self.level) if self.level else "access"
        change = {GRANT: f"{wanted} requested", CHANGE: f"{wanted} requested", REMOVE: "removal requested"}
        if self.step == RECORDED:
            return f"{person(self.who)}: {wanted} recorded"
        return self.before() + (f" ({change[self.step]})" if self.step else "")


def claims_of(params: Mapping[str, Any]) -> list[AccessEntry]:
    """Return the claims of a task, from its single or its bulk form; an entry inherits what it does not say.

    :raises ConfigurationError: users are missing or blank, or a level is named where access is to go.
    """
    return [_claim(entry, params) for entry in entries_of(params, "accesses", "app")]


def _claim(entry: Mapping[str, Any], params: Mapping[str, Any]) -> AccessEntry:
    attempt = f"use the accesses given for the app {printable(entry['app'])!r}"
    state, users = entry["state"] or params["state"], entry["users"]
    if users is None:
        raise ConfigurationError(attempt, "users is null or missing", "Give a list.", option="users")
    if not all(user.strip() for user in users):
        raise ConfigurationError(attempt, "an entry is blank", "Remove it, or fill it in.", option="users")
    if state == "absent" and entry["permission_level"] is not None:
        raise ConfigurationError(
            attempt,
            "a permission level is named, and access can only be removed as a whole",
            "Leave out permission_level, or ask for the level that is to stay with the state present.",
            option="permission_level",
        )
    if state == "absent" and params["method"] == "direct":
        raise ConfigurationError(
            attempt,
            "the state is absent, and nothing can remove an access directly",
            "Use the method request, which asks for the removal.",
            option="method",
        )
    return AccessEntry(entry["app"], tuple(users), entry["permission_level"], state)


class AccessEvaluator:
    """Judges all that a task says, app by app, and keeps what must not be taken further.

    :param direct: whether access is recorded past approval.
    :param retry: whether what was declined is asked for again.
    """

    def __init__(self, direct: bool, retry: bool) -> None:
        self._direct = direct
        self._retry = retry
        self.finder = Resolver()

    def judge(
        self, estate: AppState, claims: Sequence[AccessEntry], people: Index
    ) -> tuple[list[AccessDecision], list[str]]:
        """Return what becomes of each person in an app, and whom an absent entry names though nobody knows them.

        :raises ConfigurationError: somebody is to have access and not, or two levels.
        """
        wants: dict[str, tuple[Row, Row | None, str]] = {}
        unknown: list[str] = []
        for claim in claims:
            level = self._level(estate, claim) if claim.state == "present" else None
            # Of a level that is a problem already nothing more can be said about anybody.
            is_open = claim.state == "present" and level is None and (claim.level is not None or estate.levels.by_id)
            for reference in claim.users:
                if claim.state == "absent" and not self._is_known(reference, estate, people):
                    unknown.append(reference)
                    continue
                who = self.finder.find(reference, estate.holders, people)
                if who is None or is_open:
                    continue
                want = (who, level, claim.state)
                if wants.setdefault(who["id"].lower(), want)[1:] != want[1:]:
                    raise _contradiction(estate, who)
        return [case for want in wants.values() if (case := self._case(estate, *want))], list(dict.fromkeys(unknown))

    @staticmethod
    def _is_known(reference: str, estate: AppState, people: Index) -> bool:
        return bool(estate.holders.matches(reference) or people.matches(reference))

    def _level(self, estate: AppState, claim: AccessEntry) -> Row | None:
        """Return the wanted level; that an app has levels and none is named, or the reverse, is a problem."""
        known = estate.levels.by_id.values()
        if claim.level is not None and known:
            return self.finder.find(claim.level, estate.levels)
        where = f"the app {named(estate.app)}"
        if claim.level is not None:
            message = f"{where} has no permission levels, and {printable(claim.level)!r} is asked for"
            self.finder.report(claim.level, "not_found", message)
        elif known:
            names = summarize(repr(printable(label(level))) for level in known)
            self.finder.report(
                label(estate.app), "no_level", f"{where} has the permission levels {names}, and none is asked for"
            )
        return None

    def _case(self, estate: AppState, who: Row, level: Row | None, state: str) -> AccessDecision | None:
        judge = self._absent if state == "absent" else self._present
        return judge(estate, who, level)

    def _present(self, estate: AppState, who: Row, level: Row | None) -> AccessDecision | None:
        held = estate.held_by(who)
        wanted = level["id"].lower() if level else ""
        requests = estate.requests.about(who, estate.app)
        matching = of_type(requests, (GRANT, CHANGE), wanted)
        others = [one for one in requests if one not in matching]
        if wanted in held:
            # Another level that is granted beside the wanted one takes nothing away.
            others = [one for one in others if one.get("requestType") != GRANT]
            return self._settled(estate, who, level, others) or AccessDecision(estate, who, level, GRANTED)
        if self._is_unclear(estate, who, [*matching, *others]):
            return None
        against = estate.requests.under_way(others + (matching if self._direct else []), held)
        if against:
            return AccessDecision(estate, who, level, CONFLICT, request=against[-1])
        under_way = estate.requests.under_way(matching, held)
        if under_way:
            return AccessDecision(estate, who, level, _MEANS[under_way[-1]["requestType"]], request=under_way[-1])
        if held and (self._direct or len(held) > 1 or level is None):
            self._several(estate, who, held)
            return None
        if self._direct:
            return AccessDecision(estate, who, level, RECORDED, RECORDED)
        return self._asked(estate, who, level, CHANGE if held else GRANT, matching)

    def _absent(self, estate: AppState, who: Row, _level: Row | None) -> AccessDecision | None:
        requests = estate.requests.about(who, estate.app)
        removals = of_type(requests, (REMOVE,))
        opposite = [one for one in requests if one not in removals]
        held = estate.held_by(who)
        if not held:
            return self._settled(estate, who, None, opposite) or AccessDecision(estate, who, None, ABSENT)
        if self._is_unclear(estate, who, [*opposite, *removals]):
            return None
        against, under_way = (estate.requests.under_way(one, held) for one in (opposite, removals))
        if against:
            return AccessDecision(estate, who, None, CONFLICT, request=against[-1])
        if under_way:
            return AccessDecision(estate, who, None, REMOVING, request=under_way[-1])
        return self._asked(estate, who, None, REMOVE, removals)

    def _settled(self, estate: AppState, who: Row, level: Row | None, opposite: Sequence[Row]) -> AccessDecision | None:
        """Return the conflict that awaits somebody whose access is as it should be now, if there is one."""
        self._is_unclear(estate, who, opposite)
        against = estate.requests.under_way(opposite, estate.held_by(who))
        return AccessDecision(estate, who, level, CONFLICT, request=against[-1]) if against else None

    def _asked(
        self, estate: AppState, who: Row, level: Row | None, kind: str, earlier: Sequence[Row]
    ) -> AccessDecision:
        """Return the request to open, unless the last one of its kind was declined."""
        same = of_type(earlier, (kind,))
        if same and estate.requests.class_of(same[-1]) == "declined" and not self._retry:
            return AccessDecision(estate, who, level, DECLINED, request=same[-1])
        return AccessDecision(estate, who, level, _MEANS[kind], kind)

    def _is_unclear(self, estate: AppState, who: Row, requests: Iterable[Row]) -> bool:
        """Report requests of which nobody knows what they are: they may be open, and then none must be sent beside."""
        unknown = estate.requests.unknown(requests)
        for request in unknown:
            status, kind = printable(request.get("requestStatus")), printable(request.get("requestType"))
            self.finder.report(
                request["id"],
                "unknown_status",
                f"the request {printable(request['id'])}, a {kind} with the status {status!r}, may be an open one "
                "about "
                f"{printable(person(who))} and {named(estate.app)}",
                status=status,
            )
        return bool(unknown)

    def _several(self, estate: AppState, who: Row, held: Mapping[str, Row | None]) -> None:
        names = summarize(repr(printable(label(level))) if level else "access" for level in held.values())
        what = "recording another" if self._direct else "a change"
        self.finder.report(
            person(who),
            "other_level",
            f"{printable(person(who))} holds {names} of the app {named(estate.app)}, and what {what} does to that is "
            "not "
            "known",
        )


def conflict_of(cases: Iterable[AccessDecision]) -> ConflictingRequests | None:
    """Return the error that names everybody of whom an open request wants the opposite."""
    against = [case for case in cases if case.outcome == CONFLICT and case.request]
    if not against:
        return None
    words = [
        f"{printable(person(case.who))} and {named(case.estate.app)}: {printable(case.request['requestType'])} "
        f"{printable(case.request['id'])} is {printable(case.request['requestStatus'])}"
        for case in against
        if case.request
    ]
    return ConflictingRequests(
        "reach what is asked for",
        f"open requests want something else: {summarize(words, separator='; ')}",
        "Nothing was sent about these people. The API cannot cancel a request: cancel or decide it in Cakewalk, then "
        "run again.",
        requests=[case.request["id"] for case in against if case.request],
    )


def diff_of(cases: Iterable[AccessDecision]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Return what those hold for whom something is done, before and after, by the name of the app."""
    by_app: dict[str, list[AccessDecision]] = {}
    for case in sorted(cases, key=lambda one: person(one.who)):
        if case.step:
            by_app.setdefault(case.estate.app["id"], []).append(case)
    named_apps = labelled(by_app.values(), lambda cases: cases[0].estate.app)
    before = {name: [case.before() for case in changing] for name, changing in named_apps.items()}
    after = {name: [case.after() for case in changing] for name, changing in named_apps.items()}
    return before, after


def _contradiction(estate: AppState, who: Row) -> ConfigurationError:
    return ConfigurationError(
        f"plan the access of {printable(person(who))} to the app {named(estate.app)}",
        "it is asked for twice, in different ways",
        "Take the person out of one of the lists.",
        option="accesses",
        references=[who["id"], person(who)],
    )
