# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The section C(accesses): which people have access to which apps, by requests that the policies decide."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import filterfalse
from typing import Any

from ...._api.catalog import APPS, USERS, named, person
from ...._api.errors import CakewalkError
from ...._api.text import printable
from ...access.evaluation import (
    ABSENT,
    CONFLICT,
    DECLINED,
    GRANTED,
    AccessDecision,
    AccessEntry,
    AccessEvaluator,
    AppState,
    conflict_of,
    entries_of_task,
    states_of,
)
from ...access.planning import AppEntries, check_purpose, plan_access, read_app_states
from ...access_rules.held import AccessChange
from ...core.access_requests import REMOVE, progress_of
from ...core.lookup import Index, Row, folded_reference, ids_of, label, reference_to
from ...core.tenant import Tenant
from ...core.terms import ALWAYS, TermState
from ..dated_access import DatedAccess, expiry_of
from ..leavers import Leavers
from ..named_people import (
    NamedPerson,
    losing_people,
    people_by_state,
    people_of,
    position_of,
    positions_of_people,
    problems_of_absences,
    problems_of_terms,
    references_of,
    unknown_absences,
)
from ..roster_plan import notes_of_rules
from ..section import (
    FIXED_OPTIONS,
    NOT_UNDOABLE,
    ExportedSection,
    ReversibleStep,
    SectionPlan,
    StateChange,
    sorted_rows,
)
from ..source import SourceCode, SourceEntry, problem, repeated

SECTION = "accesses"
#: Why no request is opened, by outcome.
_REASONS = {
    CONFLICT: ", and asks for something else. A run applies the rest of the plan, and then fails",
    DECLINED: ", and is not asked for again without `retry_declined`",
}


def problems_of(code: SourceCode) -> Iterator[dict[str, str]]:
    """Yield the contradictions within the section; they do not depend on the tenant."""
    for entry in code.entries(SECTION):
        blank = [
            problem(entry.at("users", number), f"a person is blank, for the app {printable(entry.data['app'])!r}")
            for number, reference in enumerate(references_of(entry.data, "users"))
            if not reference.strip()
        ]
        yield from blank or entry.refused_by(_check_entry)
        problems = list(problems_of_terms(entry, "users"))
        yield from problems
        if entry.data["state"] == "absent" and not problems and any(map(_has_term, people_of(entry, "users"))):
            yield problem(entry.at(), "from and until have no effect with the state absent")
        yield from problems_of_absences(entry, "users")
    users = (
        ((entry.data["app"], folded_reference(reference)), (entry, number, reference))
        for entry in code.entries(SECTION)
        for number, reference in enumerate(references_of(entry.data, "users"))
    )
    for (entry, number, reference), (first, first_number, _first) in repeated(users):
        cause = f"{printable(reference)!r} is named for the app {printable(entry.data['app'])!r} twice"
        yield problem(entry.at("users", number), f"{cause}, {first.at('users', first_number)}")


def section_plan(code: SourceCode, params: Mapping[str, Any], tenant: Tenant, earlier: SectionPlan) -> SectionPlan:
    """Return the changes of the section.

    A change of group members may make the service open requests for the apps of the group. So the plan opens none for
    the same people and apps. The next plan finds those requests, and does the rest.

    :raises CakewalkError: see C(plan_access).
    """
    check_purpose(params["purpose"])
    entries = code.entries(SECTION)
    sources = {access: entry for entry in entries for access in _access_entries(entry)}
    if code.only_expired:
        sources = _where_something_expired(sources, tenant)
    if not sources:
        return SectionPlan()
    leavers = Leavers.of(params, tenant)
    app_states = read_app_states(tenant, list(sources))
    several = [line for state, accesses in app_states for access in accesses for line in _several_levels(state, access)]
    ending = [(state, [_without_other_levels(state, access) for access in accesses]) for state, accesses in app_states]
    users = tenant.index(USERS) if any(access.is_expiry for access in sources) else Index(USERS, [])
    changing = [(state, _without_changing(state, accesses, users)) for state, accesses in ending]
    if code.only_expired:
        several += [line for pair in zip(ending, changing, strict=True) for line in _changing(*pair)]
        changing = [(state, [access for access in accesses if access.is_expiry]) for state, accesses in changing]
    plan = plan_access(changing, {**params, **FIXED_OPTIONS}, tenant, leavers.has_left)
    tenant.warnings += plan.warnings
    causes = dict(earlier.indirect_access)

    def is_postponed(decision: AccessDecision) -> bool:
        return bool(decision.step) and _key(decision) in causes

    postponed = list(filter(is_postponed, plan.decisions))
    apps = [(state, list(filterfalse(is_postponed, decisions)), unknown) for state, decisions, unknown in plan.apps]
    plan = replace(plan, apps=apps)
    decisions = plan.decisions
    before, after = states_of(decisions)
    unmet = [decision for decision in decisions if decision.outcome in (CONFLICT, DECLINED)]
    idle = [decision for decision in decisions if decision.step is None and decision.outcome not in (GRANTED, ABSENT)]
    left = [_line(decision) for decision in idle] + [
        f"{printable(person(decision.user))} and the app {named(decision.app)}: left to {causes[_key(decision)]}, "
        f"which this plan changes and which gives that app; plan again once it is applied"
        for decision in postponed
    ]
    error = conflict_of(decisions)
    states = {sources[access].path: state for state, accesses in app_states for access in accesses}
    missing = [
        one
        for entry in entries
        if entry.path in states and not code.only_expired
        for one in losing_people(entry, "users")
        if not states[entry.path].holders.matches(one.reference)
    ]
    ended = {
        (state.app["id"], folded_reference(named_person.reference)): named_person
        for state, accesses in app_states
        for access in accesses
        if access.is_expiry
        for named_person in people_by_state(sources[access], "users")[TermState.EXPIRED]
    }
    expired = [
        (decision, ended[decision.app["id"], spelling])
        for decision in decisions
        if decision.step == REMOVE
        for spelling in dict.fromkeys([decision.user["id"].lower(), folded_reference(person(decision.user))])
        if (decision.app["id"], spelling) in ended
    ]
    positions: dict[str, dict[str, str]] = {state.app["id"].lower(): {} for state, _accesses in app_states}
    for state, accesses in app_states:
        for access in accesses:
            positions[state.app["id"].lower()] |= positions_of_people(sources[access], "users")
    app_ids = dict.fromkeys(decision.app["id"] for decision in decisions if decision.step)
    notes = {app_id: [expiry_of(one) for it, one in expired if it.app["id"] == app_id] for app_id in app_ids}
    for entry in entries:
        if entry.path in states and (app_id := states[entry.path].app["id"]) in notes:
            given = [decision.user for decision in decisions if decision.step and decision.app["id"] == app_id]
            notes[app_id] += notes_of_rules(people_of(entry, "users"), given)
    return SectionPlan(
        changes=tuple(
            StateChange(header, lines, after[header], notes[app_id])
            for app_id, (header, lines) in zip(app_ids, before.items(), strict=True)
        ),
        steps=tuple(ReversibleStep(step, reason=NOT_UNDOABLE) for step in plan.steps(params["purpose"])),
        touched=(_touched(decisions),),
        removals=tuple(
            (label(decision.app), person(decision.user)) for decision in decisions if decision.step == REMOVE
        ),
        read=sum(len(state.holders.by_id) for state, _decisions, _unknown in plan.apps),
        access_changes=tuple(
            _access_change(decision, positions) for decision in (*decisions, *postponed) if decision.step
        ),
        left=(*left, *several, *unknown_absences(missing, tenant)),
        unmet=(*map(_line, unmet), *several),
        leavers=tuple(
            leavers.named(
                (named_person.reference, named_person.at)
                for entry in entries
                if entry.data["state"] == "present"
                for named_person in people_of(entry, "users")
            )
        ),
        dated=tuple(
            DatedAccess(
                named_person,
                "app",
                label(states[entry.path].app),
                entry.data["permission_level"],
                is_held=_is_held(states[entry.path], entry.data["permission_level"], named_person.reference),
                is_known=leavers.is_known(named_person.reference, states[entry.path].holders, users),
            )
            for entry in entries
            if entry.path in states
            for named_person in filter(_has_term, people_of(entry, "users"))
        ),
        expired=tuple((label(decision.app), person(decision.user)) for decision, _person in expired),
        errors=(error,) if error else (),
    )


def exported(params: Mapping[str, Any], tenant: Tenant) -> ExportedSection:
    """Return the section for the current state, with comments about access that no entry can describe."""
    apps, people = tenant.indexes([(APPS, None), (USERS, None)])
    leavers = Leavers.of(params, tenant)
    app_states = read_app_states(tenant, [AccessEntry(row["id"], (), None, "present") for row in sorted_rows(apps)])
    entries, comments = [], []
    for state, _entries in app_states:
        app = reference_to(state.app, apps)
        by_level: dict[str, list[str]] = {}
        for user in state.holders.by_id.values():
            held = state.held_by(user)
            level_id = next(iter(held))
            if leavers.is_leaver(user, *people.matches(user["id"])):
                reason = "who has left"
            else:
                reason = "who holds several levels" if len(held) > 1 else _unstable_because(state, user, level_id)
            if reason:
                comments.append(f"Left out: {printable(person(user))} and the app {named(state.app)}, {reason}.")
            else:
                by_level.setdefault(level_id, []).append(reference_to(user, people))
        for level_id in sorted(by_level, key=lambda level_id: label(state.levels.by_id[level_id]) if level_id else ""):
            level = {"permission_level": reference_to(state.levels.by_id[level_id], state.levels)} if level_id else {}
            entries.append({"app": app, **level, "users": sorted(by_level[level_id])})
    return entries, sorted(comments)


def _check_entry(data: Mapping[str, Any]) -> None:
    """Check an entry, see C(entries_of_task)."""
    entries_of_task({**FIXED_OPTIONS, SECTION: [{**data, "users": references_of(data, "users")}]})


def _access_entries(entry: SourceEntry) -> Iterator[AccessEntry]:
    """Yield what an entry says about access at the time of the plan: what should be there, and what expired."""
    by_state = people_by_state(entry, "users")
    active, expired = (
        tuple(person.reference for person in by_state[state]) for state in (TermState.ACTIVE, TermState.EXPIRED)
    )
    data = entry.data
    yield AccessEntry(data["app"], active, data["permission_level"], data["state"])
    if expired:
        yield AccessEntry(data["app"], expired, data["permission_level"], "absent", is_expiry=True)


def _where_something_expired(
    sources: Mapping[AccessEntry, SourceEntry], tenant: Tenant
) -> dict[AccessEntry, SourceEntry]:
    """Return the entries about apps in which something expired: what others give there decides whether it ends."""
    apps = tenant.index(APPS)
    ending = ids_of(row for access in sources if access.is_expiry for row in apps.matches(access.app))
    return {
        access: entry
        for access, entry in sources.items()
        if access.is_expiry or ids_of(apps.matches(access.app)) & ending
    }


def _has_term(named_person: NamedPerson) -> bool:
    return named_person.term != ALWAYS


def _levels_held(state: AppState, level: str | None, reference: str) -> tuple[set[str], set[str]]:
    """Return the ids of the levels that a person holds, and those among them that a level as written means."""
    held = {level_id for row in state.holders.matches(reference) for level_id in state.held_by(row)}
    return held, held if level is None else held & ids_of(state.levels.matches(level))


def _is_held(state: AppState, level: str | None, reference: str) -> bool:
    return bool(_levels_held(state, level, reference)[1])


def _without_other_levels(state: AppState, access: AccessEntry) -> AccessEntry:
    """Return what expired without people who hold another level, since access is only removed as a whole."""

    def is_theirs(reference: str) -> bool:
        held, meant = _levels_held(state, access.level, reference)
        return held == meant

    return replace(access, users=tuple(filter(is_theirs, access.users))) if access.is_expiry else access


def _without_changing(state: AppState, accesses: Sequence[AccessEntry], users: Index) -> list[AccessEntry]:
    """Return entries about an app without people in what expired who get another level: that takes the old one."""

    def ids(reference: str) -> set[str]:
        return ids_of([*state.holders.matches(reference), *users.matches(reference)])

    given = {one for access in accesses if access.state == "present" for user in access.users for one in ids(user)}
    return [
        replace(access, users=tuple(user for user in access.users if not ids(user) & given))
        if access.is_expiry
        else access
        for access in accesses
    ]


def _changing(before: AppEntries, after: AppEntries) -> Iterator[str]:
    """Yield a line for each person who holds an expired level, and gets another one by a plan of everything."""
    state, accesses = before
    for access, kept in zip(accesses, after[1], strict=True):
        for reference in access.users if access.is_expiry else ():
            if reference not in kept.users and _is_held(state, access.level, reference):
                yield (
                    f"{printable(reference)} and the app {named(state.app)}: {printable(access.level)!r} expired, and "
                    "stays until a plan changes the level"
                )


def _several_levels(state: AppState, access: AccessEntry) -> Iterator[str]:
    """Yield a line for each person who holds an expired level and another one."""
    for reference in access.users if access.is_expiry else ():
        held, meant = _levels_held(state, access.level, reference)
        if meant and held != meant:
            yield (
                f"{printable(reference)} and the app {named(state.app)}: {printable(access.level)!r} expired, and "
                "stays, because the person holds another level too, and access is only removed as a whole"
            )


def _access_change(decision: AccessDecision, positions: Mapping[str, Mapping[str, str]]) -> AccessChange:
    """Return what a person gets or loses, even if the step is postponed, since the next plan has it.

    :param positions: where each app has an entry that names a person, see C(positions_of_people).
    """
    app = decision.app["id"].lower()
    at = position_of(decision.user, positions[app], SECTION)
    return AccessChange(decision.user, at, app=app, level=decision.level_id, is_gain=decision.step != REMOVE)


def _key(decision: AccessDecision) -> tuple[str, str]:
    return decision.user["id"].lower(), decision.app["id"].lower()


def _line(decision: AccessDecision) -> str:
    return progress_of(decision.user, decision.app, decision.request) + _REASONS.get(decision.outcome, "")


def _touched(decisions: Iterable[AccessDecision]) -> dict[str, dict[str, Any]]:
    """Return access and requests by app and person, as far as the plan has a step for them."""
    touched: dict[str, dict[str, Any]] = {}
    for decision in decisions:
        if decision.step:
            requests = decision.app_state.requests.about(decision.user, decision.app)
            touched.setdefault(decision.app["id"], {})[decision.user["id"]] = {
                "held": sorted(decision.app_state.held_by(decision.user)),
                "requests": sorted(f"{request['id']} {request.get('requestStatus')}" for request in requests),
            }
    return touched


def _unstable_because(state: AppState, user: Row, level_id: str) -> str:
    """Return why an entry with the current level of a person would not be fulfilled, empty if it would."""
    evaluator = AccessEvaluator(direct=False, retry=False)
    entry = AccessEntry(state.app["id"], (user["id"],), level_id or None, "present")
    decisions, _unknown = evaluator.evaluate(state, [entry], state.holders)
    try:
        evaluator.resolver.check()
    except CakewalkError as error:
        return error.cause
    is_granted = all(decision.outcome == GRANTED for decision in decisions)
    return "" if is_granted else "because an open request asks for something else"
