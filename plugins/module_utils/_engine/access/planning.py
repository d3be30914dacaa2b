# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what becomes of people's access to what is done: who is looked up, which rails hold, steps and waiting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any

from ..._api.catalog import APPS, REQUESTS, StatusTable, UserStatuses, accesses, named, permission_levels
from ..._api.errors import CakewalkError, ConfigurationError
from ..._api.operations import Step
from ..._api.text import printable, summarize
from ..._api.writes import record_accesses, request_access, request_level, request_removal
from ..core.access_requests import CHANGE, GRANT, REMOVE, Requests, of_type
from ..core.guardrails import ProtectedUsers, check_bypass, check_removals, refuse_self_approval
from ..core.lookup import Index, Resolver, Row, ids_of, is_uuid, label, person
from ..core.people import acting_user, check_receivers
from ..core.tenant import Tenant
from ..core.wait import PAUSES, check_timeout
from .evaluation import (
    ABSENT,
    CHANGING,
    DECLINED,
    GRANTED,
    RECORDED,
    REMOVING,
    REQUESTED,
    AccessDecision,
    AccessEntry,
    AccessEvaluator,
    AppState,
    conflict_of,
)

Claimed = tuple[AppState, Sequence[AccessEntry]]
#: How long a purpose may be (the page of GrantAccess).
_PURPOSE = 1024
_AWAITED = {REQUESTED: GRANTED, CHANGING: GRANTED, REMOVING: ABSENT}


def check_options(params: Mapping[str, Any]) -> None:
    """Refuse options that contradict each other, or bypass approval for no reason.

    :raises ConfigurationError: they do.
    """
    direct = params["method"] == "direct"
    if direct != params["bypass_approval"]:
        raise ConfigurationError(
            f"use the method {params['method']}",
            "bypass_approval is not set, and direct recording bypasses approval"
            if direct
            else "bypass_approval is set",
            "Set bypass_approval: true with the method direct, and only there.",
            option="bypass_approval",
        )
    if direct:
        check_bypass("bypass_approval", params["bypass_reason"])
    check_purpose(params["purpose"])
    check_timeout(params["wait_timeout"])


def check_purpose(purpose: str | None) -> None:
    """Refuse a purpose that the service would not take.

    :raises ConfigurationError: it is blank or too long.
    """
    if purpose is not None and not (purpose.strip() and len(purpose) <= _PURPOSE):
        raise ConfigurationError(
            "use purpose", "it is blank or too long", f"Give from 1 to {_PURPOSE} characters.", option="purpose"
        )


def read_app_states(tenant: Tenant, claims: Sequence[AccessEntry]) -> list[Claimed]:
    """Read each app that a task names, its accesses and levels, and all requests, each once; return it with its claims.

    :raises LookupFailed: an app does not exist, or its name is held by several.
    """
    register = tenant.index(APPS, [claim.app for claim in claims])
    finder = Resolver()
    by_app: dict[str, tuple[Row, list[AccessEntry]]] = {}
    for claim in claims:
        app = finder.find(claim.app, register)
        if app is not None:
            by_app.setdefault(app["id"], (app, []))[1].append(claim)
    finder.check()
    apps = [app for app, _claims in by_app.values()]
    found = tenant.read([REQUESTS, *(listing(app) for app in apps for listing in (accesses, permission_levels))])
    requests = Requests(found[0], tenant.request_statuses, datetime.now(timezone.utc))
    rows = iter(found[1:])
    return [(AppState(app, next(rows), next(rows), requests), its_claims) for app, its_claims in by_app.values()]


class LookupRequirements:
    """What the apps leave open: known before anybody is looked up, so that the directory is read once or not at all.

    C(references) are the people to look up: all addresses, since only the directory shows whether two people have one,
    and ids that may be given access. Once it is read anyway, or somebody may lose something, who acts and who is
    protected is looked up too. C(assumed) are ids taken as given: for removals, and for additions where nothing is left
    to look up.
    """

    def __init__(self, claimed: Sequence[Claimed], params: Mapping[str, Any]) -> None:
        actor = [params["acting_user"]] if params["acting_user"] else []
        self.protection = ProtectedUsers(
            [*params["protected_users"], *actor], [estate.holders for estate, _claims in claimed]
        )
        named_so = [
            (estate, claim, reference) for estate, claims in claimed for claim in claims for reference in claim.users
        ]
        addresses = [reference for _estate, _claim, reference in named_so if not is_uuid(reference)]
        unheld = [
            (claim.state, reference)
            for estate, claim, reference in named_so
            if is_uuid(reference) and not estate.holders.matches(reference)
        ]
        self.assumed = sorted(
            {reference for state, reference in unheld if state == "absent" or params["allow_inactive"]}
        )
        asked = addresses + [reference for _state, reference in unheld if reference not in self.assumed]
        may_take = bool(addresses) or any(_may_take(estate, claim) for estate, claim, _reference in named_so)
        asked += actor if may_take or any(state == "present" for state, _reference in unheld) else []
        asked += self.protection.unmatched if may_take else []
        self.references = list(dict.fromkeys(asked))


def _may_take(estate: AppState, claim: AccessEntry) -> bool:
    """Tell whether somebody may lose something, as far as the app alone can tell."""
    held = [estate.held_by(row) for reference in claim.users for row in estate.holders.matches(reference)]
    if claim.state == "absent":
        return bool(held)
    wanted = ids_of(estate.levels.matches(claim.level)) if claim.level is not None else {""}
    return any(not wanted & levels.keys() for levels in held)


@dataclass(frozen=True)
class AccessPlan:
    """What a task does: what becomes of each person in each app, in whose name, and what to warn of.

    :param unknown: by app whom an absent entry names though nobody knows them.
    """

    cases: dict[str, list[AccessDecision]]
    unknown: dict[str, list[str]]
    actor: Row | None
    warnings: list[str]

    @property
    def all_cases(self) -> list[AccessDecision]:
        """The cases of all apps."""
        return [case for cases in self.cases.values() for case in cases]


def decide(
    claimed: Sequence[Claimed],
    people: Index,
    questions: LookupRequirements,
    params: Mapping[str, Any],
    statuses: UserStatuses,
) -> AccessPlan:
    """Return what the task does, having held it against every rail.

    :raises LookupFailed: somebody or something does not exist, is ambiguous, on the way out, or not clear.
    :raises RailHit: the task would take or give what it must not.
    :raises ConfigurationError: C(acting_user) or C(purpose) is missing, or somebody is named in contradiction.
    """
    judge = AccessEvaluator(params["method"] == "direct", params["retry_declined"])
    judged = {estate.app["id"]: judge.judge(estate, claims, people) for estate, claims in claimed}
    decision = AccessPlan(
        {app: cases for app, (cases, _unknown) in judged.items()},
        {app: unknown for app, (_cases, unknown) in judged.items()},
        None,
        [],
    )
    stepping = [case for case in decision.all_cases if case.step]
    if any(case.takes for case in stepping):
        questions.protection.look_up(people, judge.finder)
    gaining = list({case.who["id"]: case.who for case in stepping if case.step != REMOVE}.values())
    warnings = [] if params["allow_inactive"] else check_receivers(gaining, statuses, judge.finder)
    actor = acting_user(params["acting_user"], people, statuses, judge.finder) if stepping else None
    judge.finder.check()
    for estate, claims in claimed:
        named_out = [reference for claim in claims if claim.state == "absent" for reference in claim.users]
        losing = [case.who["id"] for case in decision.cases[estate.app["id"]] if case.takes]
        questions.protection.refuse([*named_out, *losing], f"the app {named(estate.app)}")
    removals = [(label(case.estate.app), person(case.who)) for case in stepping if case.step == REMOVE]
    check_removals(sorted(removals), params["max_removals"], authoritative=False)
    if actor is not None:
        _require_purpose(stepping, params["purpose"])
        warnings += _bypass(stepping, actor, params)
    return AccessPlan(decision.cases, decision.unknown, actor, warnings + _told(claimed, decision))


def steps_of(decision: AccessPlan, claimed: Sequence[Claimed], purpose: str | None) -> list[Step]:
    """Return the steps that a decision takes: one request a person, or one recording for each app and level."""
    steps: list[Step] = []
    actor = decision.actor
    for estate, _claims in claimed:
        recorded: dict[str, list[AccessDecision]] = {}
        for case in decision.cases[estate.app["id"]]:
            if case.step == RECORDED:
                recorded.setdefault(case.level["id"] if case.level else "", []).append(case)
            elif case.step and actor is not None:
                steps.append(_request(case, actor, purpose or ""))
        steps += [
            record_accesses(estate.app, [case.who for case in cases], cases[0].level) for cases in recorded.values()
        ]
    return steps


def _request(case: AccessDecision, actor: Row, purpose: str) -> Step:
    app, before = case.estate.app, case.estate.requests.ids
    if case.step == REMOVE:
        return request_removal(app, case.who, actor, purpose, before)
    if case.step == CHANGE and case.level is not None:
        return request_level(app, case.who, case.level, actor, purpose, before)
    return request_access(app, case.who, case.level, actor, purpose, before)


class RequestDeclined(CakewalkError):
    """What was waited for will not come: its request was declined or withdrawn."""

    kind = "declined"


class AccessWait:
    """Waits until the access pages show what was asked for; a part of C(waiting.Wait)."""

    action = "see the accesses as they are asked for"
    pauses = PAUSES

    def __init__(self, cases: Sequence[AccessDecision], timeout: int, statuses: StatusTable) -> None:
        self.timeout = timeout
        self._cases = [case for case in cases if case.outcome in _AWAITED or case.step == RECORDED]
        self._known = frozenset(one for case in self._cases for one in case.estate.requests.ids)
        self._apps = {case.estate.app["id"]: case.estate.app for case in self._cases}
        self._statuses = statuses
        self.sources = [REQUESTS, *(accesses(app) for app in self._apps.values())]
        self.awaits = bool(self._cases)
        self.needs_second_read = any(case.outcome == REMOVING for case in self._cases)

    def missing(self, found: Sequence[Any]) -> list[str]:
        """Return whose access is not as asked for yet, with the status of the request.

        :raises Refused: a request was declined or withdrawn.
        """
        requests = Requests(found[0], self._statuses, datetime.now(timezone.utc))
        estates = {
            identifier: AppState(app, rows, [], requests)
            for (identifier, app), rows in zip(self._apps.items(), found[1:], strict=True)
        }
        open_cases = [case for case in self._cases if not self._is_there(case, estates[case.estate.app["id"]])]
        words = [(case, self._request_of(case, requests)) for case in open_cases]
        refused = [
            self.words_of(*one) for one in words if one[1] and requests.class_of(one[1]) in ("declined", "cancelled")
        ]
        if refused:
            raise _refused(refused)
        return [self.words_of(*one) for one in words]

    @staticmethod
    def _is_there(case: AccessDecision, estate: AppState) -> bool:
        held = estate.held_by(case.who)
        if case.outcome == REMOVING:
            return not held
        return (case.level["id"].lower() if case.level else "") in held

    def _request_of(self, case: AccessDecision, requests: Requests) -> Row | None:
        """Return the request that is to bring it about: where one was sent, one that was not there before."""
        types = (REMOVE,) if case.outcome == REMOVING else (GRANT, CHANGE)
        level_id = None if case.outcome == REMOVING else (case.level["id"].lower() if case.level else "")
        same = of_type(requests.about(case.who, case.estate.app), types, level_id)
        same = [one for one in same if not case.step or str(one["id"]).lower() not in self._known]
        return same[-1] if same else None

    @staticmethod
    def words_of(case: AccessDecision, request: Row | None) -> str:
        """Return whose access is waited for, and how far which request is."""
        status = "no request is listed"
        if request:
            status = f"the request {printable(request['id'])} is {printable(request.get('requestStatus'))}"
        return f"{printable(person(case.who))} and {named(case.estate.app)}: {status}"


def unmet_of(cases: Sequence[AccessDecision], wait: bool) -> CakewalkError | None:
    """Return what keeps a task from reaching what is asked for: conflicts, and to wait for what was declined."""
    declined = [case for case in cases if case.outcome == DECLINED and case.request]
    if not (wait and declined):
        return conflict_of(cases)
    refused = [AccessWait.words_of(case, case.request) for case in declined]
    return conflict_of(cases) or _refused(refused)


def _refused(refused: list[str]) -> RequestDeclined:
    return RequestDeclined(
        AccessWait.action,
        f"it will not come: {summarize(refused, separator='; ')}",
        "Ask those who decided. With retry_declined a run asks again.",
        refused=refused,
    )


def concluded(case: AccessDecision) -> AccessDecision:
    """Return a case that was waited for as the next run would find it: with access, and without an open request."""
    outcome = _AWAITED.get(case.outcome)
    return replace(case, outcome=outcome, request=None) if outcome else case


def _require_purpose(stepping: Sequence[AccessDecision], purpose: str | None) -> None:
    asking = [case for case in stepping if case.step != RECORDED]
    if asking and purpose is None:
        raise ConfigurationError(
            f"request what is missing for {summarize(printable(person(case.who)) for case in asking)}",
            "purpose is not set, and whoever approves a request reads it",
            "Set purpose.",
            option="purpose",
        )


def _bypass(stepping: Sequence[AccessDecision], actor: Row, params: Mapping[str, Any]) -> list[str]:
    """Return the warning that approval is bypassed; refuse that somebody bypasses it for the own access."""
    recorded = [case for case in stepping if case.step == RECORDED]
    if not recorded:
        return []
    own = [label(case.estate.app) for case in recorded if case.who["id"].lower() == actor["id"].lower()]
    if own and not params["allow_self_approval"]:
        raise refuse_self_approval(
            f"record access of {printable(person(actor))} to {summarize(map(printable, own))}", apps=own
        )
    where = summarize(dict.fromkeys(named(case.estate.app) for case in recorded))
    return [
        f"Approval is bypassed by {printable(person(actor))}, reason {printable(params['bypass_reason'])!r}: "
        f"access to {where} is recorded for "
        f"{summarize(dict.fromkeys(printable(person(case.who)) for case in recorded))}."
    ]


def _told(claimed: Sequence[Claimed], decision: AccessPlan) -> list[str]:
    """Return warnings that name whom an absent entry names in vain, and who was declined before."""
    vain = [
        f"{printable(reference)!r} ({named(estate.app)})"
        for estate, _claims in claimed
        for reference in decision.unknown[estate.app["id"]]
    ]
    declined = [
        f"{printable(person(case.who))} ({named(case.estate.app)})"
        for case in decision.all_cases
        if case.outcome == DECLINED
    ]
    warnings = (
        [f"Nobody has these addresses, so there was nothing to remove; check the spelling: {summarize(vain)}."]
        if vain
        else []
    )
    if declined:
        warnings.append(f"Declined before, and not asked for again without retry_declined: {summarize(declined)}.")
    return warnings
