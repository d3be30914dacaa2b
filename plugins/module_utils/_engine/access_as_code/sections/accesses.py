# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The section C(accesses) of the code: who is to have access to which app, by requests that the policies decide."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ...._api.catalog import APPS, USERS, named
from ...._api.errors import CakewalkError, ConfigurationError
from ...._api.text import printable
from ...access import planning
from ...access.evaluation import (
    ABSENT,
    CONFLICT,
    DECLINED,
    GRANTED,
    AccessDecision,
    AccessEntry,
    AccessEvaluator,
    AppState,
    claims_of,
    conflict_of,
    diff_of,
)
from ...access.planning import AccessPlan, AccessWait, LookupRequirements, check_purpose, read_app_states, steps_of
from ...core.access_requests import REMOVE
from ...core.lookup import Row, label, person, reference_to
from ...core.tenant import Tenant
from ..section import ExportedSection, ReversibleStep, SectionPlan, Undo
from ..source import SourceCode, SourceEntry, folded, problem

SECTION = "accesses"
#: What holds of every access that comes from code, as in C(groups.py).
_FIXED = {
    "method": "request",
    "bypass_approval": False,
    "bypass_reason": None,
    "allow_self_approval": False,
    "max_removals": sys.maxsize,
    "state": "present",
}
#: What is to be known where nothing is asked for.
_WHY = {
    CONFLICT: ", which wants something else: a run does the rest, and then fails",
    DECLINED: ", and is not asked for again without retry_declined",
}
_STAYS = Undo(reason="nothing in the API cancels a request")


def problems_of(code: SourceCode) -> Iterator[dict[str, str]]:
    """Return what is wrong in itself, whatever the tenant holds."""
    seen: dict[tuple[str, str], str] = {}
    for one in code.entries(SECTION):
        try:
            _claim(one)
        except ConfigurationError as error:
            yield problem(code.at(one), error.cause)
        for number, reference in enumerate(one.entry["users"]):
            here = code.at(one, "users", number)
            first = seen.setdefault((one.entry["app"], folded(reference)), here)
            if first != here:
                yield problem(
                    here,
                    f"{printable(reference)!r} is named for the app {printable(one.entry['app'])!r} twice, {first}",
                )


def section_plan(
    code: SourceCode, params: Mapping[str, Any], tenant: Tenant, earlier: Sequence[SectionPlan]
) -> SectionPlan:
    """Return what the section changes.

    Where the same plan has somebody join or leave a group that gives an app, the service may open a request for that by
    itself. So none is sent beside it, and the next plan, which finds that request, does what is left.

    :raises CakewalkError: see C(access_decision.decide).
    """
    check_purpose(params["purpose"])
    claims = [_claim(one) for one in code.entries(SECTION)]
    if not claims:
        return SectionPlan()
    options = {**params, **_FIXED}
    claimed = read_app_states(tenant, claims)
    questions = LookupRequirements(claimed, options)
    people = tenant.people(questions.references).assuming(questions.assumed)
    decision = planning.decide(claimed, people, questions, options, tenant.user_statuses)
    tenant.warnings += decision.warnings
    follows = {about: words for part in earlier for about, words in part.follows.items()}
    put_off, decision = _put_off(decision, follows)
    before, after = diff_of(decision.all_cases)
    return SectionPlan(
        before={_called(name): state for name, state in before.items()},
        after={_called(name): state for name, state in after.items()},
        acts=tuple(ReversibleStep(step, _STAYS) for step in steps_of(decision, claimed, params["purpose"])),
        touched=_touched(decision),
        removals=tuple(
            (label(case.estate.app), person(case.who)) for case in decision.all_cases if case.step == REMOVE
        ),
        read=sum(len(estate.holders.by_id) for estate, _claims in claimed),
        left=(
            *(
                _told(case)
                for case in decision.all_cases
                if case.step is None and case.outcome not in (GRANTED, ABSENT)
            ),
            *(
                f"{printable(person(case.who))} and the app {named(case.estate.app)}: left to {follows[_about(case)]}, "
                f"which this plan changes and which gives that app; plan again once it is applied"
                for case in put_off
            ),
        ),
        unmet=tuple(_told(case) for case in decision.all_cases if case.outcome in (CONFLICT, DECLINED)),
        error=conflict_of(decision.all_cases),
    )


def exported(_params: Mapping[str, Any], tenant: Tenant) -> ExportedSection:
    """Return the section for the tenant as it is, without those whom it could not be said of."""
    apps, people = tenant.indexes([(APPS, None), (USERS, None)])
    rows = sorted(apps.by_id.values(), key=lambda row: (label(row), row["id"]))
    claimed = read_app_states(tenant, [AccessEntry(row["id"], (), None, "present") for row in rows])
    entries, comments = [], []
    for estate, _claims in claimed:
        settled, unsettled = _sorted(estate)
        app = reference_to(estate.app, apps)
        levels = sorted(settled.items(), key=lambda pair: label(estate.levels.by_id[pair[0]]) if pair[0] else "")
        for level_id, holders in levels:
            level = {"permission_level": reference_to(estate.levels.by_id[level_id], estate.levels)} if level_id else {}
            entries.append({"app": app, **level, "users": sorted(reference_to(one, people) for one in holders)})
        comments += [
            f"Left out: {printable(person(one))} and the app {named(estate.app)}, {why}." for one, why in unsettled
        ]
    return ExportedSection(entries, tuple(sorted(comments)))


def _claim(one: SourceEntry) -> AccessEntry:
    """Return what an entry says.

    :raises ConfigurationError: see C(accesses.claims_of).
    """
    (claim,) = claims_of({**_FIXED, SECTION: [one.entry]})
    return claim


def _about(case: AccessDecision) -> tuple[str, str]:
    return case.who["id"].lower(), case.estate.app["id"].lower()


def _told(case: AccessDecision) -> str:
    return AccessWait.words_of(case, case.request) + _WHY.get(case.outcome, "")


def _put_off(decision: AccessPlan, follows: Collection[tuple[str, str]]) -> tuple[list[AccessDecision], AccessPlan]:
    """Return the cases whose steps are left to what else follows from the plan, and the decision without them."""
    put_off = [case for case in decision.all_cases if case.step and _about(case) in follows]
    stays = {
        app: [case for case in cases if not case.step or _about(case) not in follows]
        for app, cases in decision.cases.items()
    }
    return put_off, replace(decision, cases=stays)


def _touched(decision: AccessPlan) -> dict[str, Any]:
    """Return what those hold, and what is requested for them, for whom something is done."""
    found: dict[str, dict[str, Any]] = {}
    for case in decision.all_cases:
        if case.step:
            requests = case.estate.requests.about(case.who, case.estate.app)
            found.setdefault(case.estate.app["id"], {})[case.who["id"]] = {
                "held": sorted(case.estate.held_by(case.who)),
                "requests": sorted(f"{one['id']} {one.get('requestStatus')}" for one in requests),
            }
    return found


def _sorted(estate: AppState) -> tuple[dict[str, list[Row]], list[tuple[Row, str]]]:
    """Return by level those of whom code can say what they hold, and the others, with the reason."""
    settled: dict[str, list[Row]] = {}
    unsettled: list[tuple[Row, str]] = []
    for who in estate.holders.by_id.values():
        held = estate.held_by(who)
        why = "who holds several levels" if len(held) > 1 else _why_not(estate, who, next(iter(held)))
        if why:
            unsettled.append((who, why))
        else:
            settled.setdefault(next(iter(held)), []).append(who)
    return settled, unsettled


def _why_not(estate: AppState, who: Row, level_id: str) -> str:
    """Return why code that says what somebody holds would not be fulfilled by that, empty where it would."""
    judge = AccessEvaluator(direct=False, retry=False)
    claim = AccessEntry(estate.app["id"], (who["id"],), level_id or None, "present")
    cases, _unknown = judge.judge(estate, [claim], estate.holders)
    try:
        judge.finder.check()
    except CakewalkError as error:
        return error.cause
    return "" if all(case.outcome == GRANTED for case in cases) else "about whom an open request wants something else"


def _called(name: str) -> str:
    return f"app {name}"
