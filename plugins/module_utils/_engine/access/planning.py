# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the entries of a task about access to its plan: reads, lookups, guardrails, steps and result."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import filterfalse
from typing import Any

from ..._api.catalog import APPS, REQUESTS, accesses, named, permission_levels, person
from ..._api.errors import ConfigurationError
from ..._api.operations import Listing, Step
from ..._api.text import printable, summarize
from ..._api.writes import record_accesses, request_access, request_level, request_removal
from ..core.access_requests import CHANGE, REMOVE, Requests
from ..core.guardrails import ProtectedUsers, check_bypass, check_removals, refuse_self_approval
from ..core.lookup import Index, Resolver, Row, ids_of, is_uuid, label, spelling_hint
from ..core.message import counted
from ..core.people import DEMANDED, acting_user, check_receivers
from ..core.plan import ApplyResult, StepStatus
from ..core.tenant import Tenant
from ..core.wait import check_timeout
from . import evaluation
from .evaluation import DECLINED, RECORDED, AccessDecision, AccessEntry, AccessEvaluator, AppState
from .waiting import AWAITED

#: An app with the entries about it.
AppEntries = tuple[AppState, Sequence[AccessEntry]]
#: An app, its decisions, and the references under absent that match no user.
EvaluatedApp = tuple[AppState, list[AccessDecision], list[str]]
#: The maximum length of a purpose (the page of GrantAccess).
_PURPOSE = 1024
#: Why recording access needs an acting user, although the API of the vendor takes none there.
_RECORDS = "nobody may record access for themselves, so it must be known who does"
#: How people without a step are, for the message of the result: of one and of several.
_IN_PLACE = (
    ((evaluation.GRANTED,), "has access to", "have access to"),
    ((evaluation.ABSENT,), "has no access to", "have no access to"),
    (tuple(AWAITED), "has an open request for", "have open requests for"),
    ((DECLINED,), "was declined access to", "were declined access to"),
)


def check_options(params: Mapping[str, Any]) -> None:
    """Raise a C(ConfigurationError) if options contradict each other, or a bypass of approval has no reason."""
    direct = params["method"] == "direct"
    if direct != params["bypass_approval"]:
        missing = "`bypass_approval` is not set, and direct recording bypasses approval"
        raise ConfigurationError(
            f"use the method {params['method']}",
            missing if direct else "`bypass_approval` is set",
            "Set `bypass_approval: true` with the method direct, and only there.",
            option="bypass_approval",
        )
    if direct:
        check_bypass("bypass_approval", params["bypass_reason"])
    check_purpose(params["purpose"])
    check_timeout(params["wait_timeout"])


def check_purpose(purpose: str | None) -> None:
    """Raise a C(ConfigurationError) if the option C(purpose) is blank or too long."""
    if purpose is not None and not (purpose.strip() and len(purpose) <= _PURPOSE):
        raise ConfigurationError(
            "use purpose", "it is blank or too long", f"Give from 1 to {_PURPOSE} characters.", option="purpose"
        )


def read_app_states(tenant: Tenant, entries: Sequence[AccessEntry]) -> list[AppEntries]:
    """Read each app that entries name, its access and levels, and all requests.

    The lists are read until they prove what is not listed, if the outcome for a user rests on that. It does where a
    user has no access yet, or may lose something.

    :raises LookupFailed: an app does not exist, or its name is ambiguous.
    """
    resolver = Resolver()
    apps = resolver.group(entries, lambda entry: entry.app, tenant.index(APPS, [entry.app for entry in entries]))
    resolver.check()
    listings = [listing(app) for app, _entries in apps for listing in (accesses, permission_levels)]

    def states() -> list[AppEntries]:
        request_rows, *rows = tenant.read([REQUESTS, *listings])
        requests = Requests(request_rows, tenant.request_statuses, tenant.time_or_none())
        pairs = zip(rows[::2], rows[1::2], strict=True)
        return [
            (AppState(app, access_rows, levels, requests), its_entries)
            for (app, its_entries), (access_rows, levels) in zip(apps, pairs, strict=True)
        ]

    unproved = {
        listing: None
        for app_state, its_entries in states()
        for entry in its_entries
        for listing in _unproved(app_state, entry)
    }
    tenant.read_stable(unproved)
    return states()


def _unproved(app_state: AppState, entry: AccessEntry) -> list[Listing]:
    """Return the lists that decide about an entry by what they do not show."""
    if all(map(app_state.holders.matches, entry.users)):
        return [REQUESTS] if _may_take(app_state, entry) else []
    # Who holds another level may be protected, and a request that is not listed would be opened twice.
    return [REQUESTS, accesses(app_state.app)]


@dataclass(frozen=True)
class AccessPlan:
    """The decisions of a task by app, the acting user if there are steps, and warnings."""

    apps: list[EvaluatedApp]
    actor: Row | None
    warnings: list[str]

    @property
    def decisions(self) -> list[AccessDecision]:
        """The decisions of all apps."""
        return [decision for _app, decisions, _unknown in self.apps for decision in decisions]

    def steps(self, purpose: str | None) -> list[Step]:
        """Return the steps: one request for each user, or one recording for each app and level."""
        steps: list[Step] = []
        for app_state, decisions, _unknown in self.apps:
            recorded: dict[str, list[AccessDecision]] = {}
            for decision in decisions:
                if decision.step == RECORDED:
                    recorded.setdefault(decision.level_id, []).append(decision)
                elif decision.step and self.actor is not None:
                    steps.append(request_step(decision, self.actor, purpose or ""))
            steps += [
                record_accesses(app_state.app, [decision.user for decision in same_level], same_level[0].level)
                for same_level in recorded.values()
            ]
        return steps

    def concluded(self) -> AccessPlan:
        """Return the plan after a wait: with access, and with the ids of the requests that brought it."""

        def conclude(decision: AccessDecision) -> AccessDecision:
            outcome = AWAITED.get(decision.outcome)
            # The status that was read before the wait is out of date.
            request = {"id": decision.request["id"]} if decision.request else None
            return replace(decision, outcome=outcome, request=request) if outcome else decision

        apps = [(app_state, list(map(conclude, decisions)), unknown) for app_state, decisions, unknown in self.apps]
        return replace(self, apps=apps)

    def opened(self, applied: ApplyResult) -> AccessPlan:
        """Return the plan with the ids of the requests that its steps opened."""
        ids = {result.step.postcondition: result.request_id for result in applied.steps if result.request_id}

        def with_request(decision: AccessDecision) -> AccessDecision:
            if not decision.step or decision.step == RECORDED or self.actor is None:
                return decision
            identifier = ids.get(request_step(decision, self.actor, "").postcondition)
            return replace(decision, request={"id": identifier}) if identifier else decision

        apps = [(app_state, list(map(with_request, decisions)), unknown) for app_state, decisions, unknown in self.apps]
        return replace(self, apps=apps)

    def updated(self, requests: Mapping[str, Row]) -> AccessPlan:
        """Return the plan with these requests, which were read later, by their ids in lower case."""

        def update(decision: AccessDecision) -> AccessDecision:
            request = decision.request and requests.get(decision.request["id"].lower())
            return replace(decision, request=request) if request else decision

        apps = [(app_state, list(map(update, decisions)), unknown) for app_state, decisions, unknown in self.apps]
        return replace(self, apps=apps)

    def report(self, params: Mapping[str, Any], applied: ApplyResult, awaited: Mapping[str, Row]) -> dict[str, Any]:
        """Return the result of C(cakewalk_app_access) once its steps are applied; empty if one of them failed.

        :param awaited: the requests as the wait saw them at last, by their ids in lower case.
        """
        if applied.having(StepStatus.FAILED, StepStatus.PENDING):
            return {}
        opened = self.opened(applied).updated(awaited)
        return (opened.concluded() if params["wait"] and applied.goal_reached else opened).result(params)

    def remark(self, waited: bool) -> str:
        """Return what was in place before the steps, and whether the requested access is by now, as a clause."""
        clauses = ["the access is as requested by now"] if waited else []
        for outcomes, one, several in _IN_PLACE:
            found = [decision for decision in self.decisions if decision.outcome in outcomes and not decision.step]
            users = {decision.user["id"]: person(decision.user) for decision in found}
            apps = {decision.app["id"]: label(decision.app) for decision in found}
            verb = one if len(users) == 1 else several
            clauses += [f"{counted('people', users)} {verb} {counted('apps', apps)}"] if found else []
        return "; ".join(clauses)

    def result(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return the result of C(cakewalk_app_access)."""
        outcomes = [decision.outcome for decision in self.decisions]
        steps = [decision.step for decision in self.decisions if decision.step]
        # In the bulk form, access that needed nothing is only counted.
        hidden = () if params["app"] is not None else (evaluation.GRANTED, evaluation.ABSENT)
        entries = [
            {
                "app": label(app_state.app),
                "app_id": app_state.app["id"],
                "users": [
                    _user_result(decision)
                    for decision in sorted(decisions, key=lambda decision: person(decision.user))
                    if decision.outcome not in hidden
                ],
                "not_found": unknown,
            }
            for app_state, decisions, unknown in self.apps
        ]
        return {
            "accesses": [entry for entry in entries if not hidden or entry["users"] or entry["not_found"]],
            "summary": {outcome: outcomes.count(outcome) for outcome in evaluation.OUTCOMES},
            **({"bypassed_approval": RECORDED in steps} if steps else {}),
            **({"bypass_reason": params["bypass_reason"]} if RECORDED in steps else {}),
        }


def plan_access(
    apps: Sequence[AppEntries],
    params: Mapping[str, Any],
    tenant: Tenant,
    has_left: Callable[[str, Index, Index], bool] | None = None,
) -> AccessPlan:
    """Return the plan of a task. The directory is read only if the apps leave a question open.

    :param params: the options of C(cakewalk_app_access) without its entries.
    :param has_left: whether a person, looked up among the holders and in the directory, must not be given access.
    :raises LookupFailed: a user or level does not exist or is ambiguous, a user is inactive, or a request is unclear.
    :raises LimitExceeded: a guardrail forbids a step.
    :raises ConfigurationError: C(acting_user) or C(purpose) is missing, or entries contradict each other.
    """
    actors = [params["acting_user"]] if params["acting_user"] else []
    holders = [app_state.holders for app_state, _entries in apps]
    protected = ProtectedUsers([*params["protected_users"], *actors], holders)
    references, assumed = lookups(apps, params, protected)
    people = tenant.people(references).assuming(assumed)
    if has_left is not None:
        apps = [
            (app_state, [_without_leavers(entry, app_state.holders, people, has_left) for entry in entries])
            for app_state, entries in apps
        ]

    evaluator = AccessEvaluator(params["method"] == "direct", params["retry_declined"])
    evaluated = [(app_state, *evaluator.evaluate(app_state, entries, people)) for app_state, entries in apps]
    stepping = [decision for _app, decisions, _unknown in evaluated for decision in decisions if decision.step]
    if any(decision.takes for decision in stepping):
        protected.look_up(people, evaluator.resolver)
    gaining = list({decision.user["id"]: decision.user for decision in stepping if decision.step != REMOVE}.values())
    statuses = tenant.user_statuses
    warnings = [] if params["allow_inactive"] else check_receivers(gaining, statuses, evaluator.resolver)
    why = _RECORDS if params["method"] == "direct" else DEMANDED
    actor = acting_user(params["acting_user"], people, tenant, evaluator.resolver, why) if stepping else None
    evaluator.resolver.check()
    for (app_state, decisions, _unknown), (_app, entries) in zip(evaluated, apps, strict=True):
        absent = [user for entry in entries if entry.state == "absent" for user in entry.users]
        losing = [decision.user["id"] for decision in decisions if decision.takes]
        protected.refuse([*absent, *losing], f"the app {named(app_state.app)}")
    removals = [(label(decision.app), person(decision.user)) for decision in stepping if decision.step == REMOVE]
    check_removals(sorted(removals), params["max_removals"], authoritative=False)
    if actor is not None:
        _require_purpose(stepping, params["purpose"])
        warnings += _bypass(stepping, actor, params)
    return AccessPlan(evaluated, actor, warnings + _warnings(evaluated))


def _without_leavers(
    entry: AccessEntry, holders: Index, people: Index, has_left: Callable[[str, Index, Index], bool]
) -> AccessEntry:
    def is_left_out(user: str) -> bool:
        # Of people who should be absent, only those matter who expired and are deleted since.
        is_deleted = entry.is_expiry and not holders.matches(user) and not people.matches(user)
        return (entry.state == "present" or is_deleted) and has_left(user, holders, people)

    return replace(entry, users=tuple(filterfalse(is_left_out, entry.users)))


def lookups(
    apps: Iterable[AppEntries], params: Mapping[str, Any], protected: ProtectedUsers
) -> tuple[list[str], list[str]]:
    """Return the references to look up, and the ids to take as given.

    Addresses are looked up, because only the directory shows whether two people share an address. Ids are looked up if
    they may be given access, or if their time is over, since they may be misspelt. So are the acting
    user and protected users if a user may lose something.
    """
    named_users = [(app_state, entry, user) for app_state, entries in apps for entry in entries for user in entry.users]
    addresses = [user for _app, _entry, user in named_users if not is_uuid(user)]
    unheld = [(entry, user) for app, entry, user in named_users if is_uuid(user) and not app.holders.matches(user)]
    gaining = {user for entry, user in unheld if entry.state == "present"}
    over = {user for entry, user in unheld if entry.is_expiry}
    assumed = {user for _entry, user in unheld if params["allow_inactive"] or user not in gaining} - over
    references = addresses + [user for _entry, user in unheld if user not in assumed]
    may_take = bool(addresses) or any(_may_take(app_state, entry) for app_state, entries in apps for entry in entries)
    references += [params["acting_user"]] if params["acting_user"] and (may_take or gaining) else []
    references += protected.unmatched if may_take else []
    return list(dict.fromkeys(references)), sorted(assumed)


def _may_take(app_state: AppState, entry: AccessEntry) -> bool:
    """Return whether a user may lose something, judged by the app alone."""
    held = [app_state.held_by(row) for reference in entry.users for row in app_state.holders.matches(reference)]
    if entry.state == "absent":
        return bool(held)
    wanted = ids_of(app_state.levels.matches(entry.level)) if entry.level is not None else {""}
    return any(not wanted & levels.keys() for levels in held)


def request_step(decision: AccessDecision, actor: Row, purpose: str) -> Step:
    """Return the step that opens the request of a decision."""
    app, before = decision.app, decision.app_state.requests.ids
    if decision.step == REMOVE:
        return request_removal(app, decision.user, actor, purpose, before)
    if decision.step == CHANGE and decision.level is not None:
        return request_level(app, decision.user, decision.level, actor, purpose, before)
    return request_access(app, decision.user, decision.level, actor, purpose, before)


def _user_result(decision: AccessDecision) -> dict[str, Any]:
    request = decision.request
    return {
        "user": person(decision.user),
        "user_id": decision.user["id"],
        "outcome": decision.outcome,
        "permission_level": label(decision.level) if decision.level else None,
        "held": sorted(label(level) for level in decision.app_state.held_by(decision.user).values() if level),
        "request_id": request["id"] if request else None,
        "request_status": request.get("requestStatus") if request else None,
    }


def _require_purpose(stepping: Iterable[AccessDecision], purpose: str | None) -> None:
    requesting = [decision.user for decision in stepping if decision.step != RECORDED]
    if requesting and purpose is None:
        raise ConfigurationError(
            f"request changes of access for {summarize(printable(person(user)) for user in requesting)}",
            "`purpose` is not set, and approvers read it",
            "Set `purpose`.",
            option="purpose",
        )


def _bypass(stepping: Iterable[AccessDecision], actor: Row, params: Mapping[str, Any]) -> list[str]:
    """Return the warning about bypassed approval, if access is recorded.

    :raises LimitExceeded: the acting user would record their own access.
    """
    recorded = [decision for decision in stepping if decision.step == RECORDED]
    if not recorded:
        return []
    own = [label(decision.app) for decision in recorded if decision.user["id"].lower() == actor["id"].lower()]
    if own and not params["allow_self_approval"]:
        raise refuse_self_approval(
            f"record access of {printable(person(actor))} to {summarize(map(printable, own))}", apps=own
        )
    apps = summarize(dict.fromkeys(named(decision.app) for decision in recorded))
    users = summarize(dict.fromkeys(printable(person(decision.user)) for decision in recorded))
    return [
        f"Approval is bypassed by {printable(person(actor))}, reason {printable(params['bypass_reason'])!r}: "
        f"access to {apps} is recorded for {users}."
    ]


def _warnings(apps: Iterable[EvaluatedApp]) -> list[str]:
    """Return warnings about references under absent that match no user, and about declined requests."""
    missing, unknown, declined = [], [], []
    for app_state, decisions, references in apps:
        where = named(app_state.app)
        missing += references
        unknown += [f"{printable(reference)!r} ({where})" for reference in references]
        users = [decision.user for decision in decisions if decision.outcome == DECLINED]
        declined += [f"{printable(person(user))} ({where})" for user in users]
    warnings = []
    if unknown:
        names = summarize(unknown)
        warnings.append(
            f"Nobody has these addresses, so there was nothing to remove: {names}. {spelling_hint(missing)}."
        )
    if declined:
        warnings.append(f"Declined before, and not asked for again without `retry_declined`: {summarize(declined)}.")
    return warnings
