# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The section C(policies): which policies decide about requests, compared with the ledger."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from ...._api.catalog import APPS, REQUEST_TYPE_NAMES, permission_levels_of
from ...._api.catalog import policies as policies_for
from ...._api.errors import CakewalkError, ConfigurationError
from ...._api.text import printable, summarize
from ...core.lookup import label, labelled, reference_to
from ...core.tenant import Tenant
from ...policies.assignments import AT_APP, Assignment, check_options, plan_assignments, states_of
from ...policies.rules import Rule, rules_of
from ...policies.selectors import Selector
from ...storage.ledger import FileLedger
from ..section import ExportedSection, ReversibleStep, SectionPlan, StateChange
from ..source import SourceCode

SECTION = "policies"
_UNKNOWN = (
    "Which policies are assigned is unknown: the API does not show it, and no ledger records it. List those that "
    "should govern."
)
_FROM_LEDGER = (
    "As this collection assigned them last, by its ledger. Whether somebody assigned others since cannot be read."
)


def problems_of(code: SourceCode) -> Iterator[dict[str, str]]:
    """Yield the contradictions within the section; they do not depend on the tenant."""
    for entry in code.entries(SECTION):
        yield from entry.refused_by(lambda data: rules_of({"assignments": [data]}))


def section_plan(code: SourceCode, params: Mapping[str, Any], tenant: Tenant, earlier: SectionPlan) -> SectionPlan:
    """Return the changes of the section, as far as the ledger shows, see C(plan_assignments)."""
    options = {**params, "assignments": code.data(SECTION), "ledger_field": None}
    if not options["assignments"]:
        return SectionPlan()
    check_options(options)
    rules = rules_of(options)
    try:
        assignments, ledger = plan_assignments(rules, options, tenant)
    except ConfigurationError as error:
        raise _with_positions(error, code) from None
    sent = [assignment for assignment in assignments if assignment.sent]
    return SectionPlan(
        changes=tuple(_changes(assignments)),
        steps=tuple(_reversible_step(assignment, tenant) for assignment in sent),
        touched=({"/".join(assignment.entry.key): _policy_before(assignment) for assignment in sent},),
        left=_selections_by_changing_fields(rules, earlier.fields_set),
        again=tuple(_line(assignment) for assignment in sent if not assignment.changed),
        unverifiable=tuple(map(_line, assignments)),
        ledgers=(ledger,) if ledger else (),
    )


def exported(params: Mapping[str, Any], tenant: Tenant) -> ExportedSection:
    """Return the section as the ledger has it, without assignments of what the tenant no longer has."""
    apps = tenant.index(APPS)
    path = params["ledger_path"]
    ledger = FileLedger.read(path, params["base_url"], apps.by_id) if path else None
    entries, comments = [], []
    for (_kind, app_id, level_id, wire_type), stored in ledger.entries("policy") if ledger else ():
        app = apps.by_id.get(app_id)
        request_type = REQUEST_TYPE_NAMES.get(wire_type)
        if app is None or request_type is None:
            comments.append(f"Left out: {wire_type} of an app that is gone, {app_id}.")
            continue
        levels = tenant.index(permission_levels_of(app)) if level_id else None
        level = levels.by_id.get(level_id) if levels else None
        policies = tenant.index(policies_for(request_type))
        policy = policies.by_id.get(str(stored.value.get("policy_id")))
        if policy is None or (levels and level is None):
            gone = "a policy" if policy is None else "a level"
            comments.append(f"Left out: {request_type} of {label(app)}, {gone} of which is gone.")
            continue
        at = {"permission_level": reference_to(level, levels)} if level and levels else {}
        target = {"app": reference_to(app, apps), **at, "request_type": request_type}
        entries.append({**target, "policy": reference_to(policy, policies)})
    return entries, (_FROM_LEDGER if entries else _UNKNOWN, *comments)


def _line(assignment: Assignment) -> str:
    return f"{assignment.entry}: {printable(label(assignment.entry.policy))}"


def _changes(assignments: Sequence[Assignment]) -> Iterator[StateChange]:
    """Yield the change of each app; levels of an app whose own policy changes may keep theirs, which a note says."""
    changed = [assignment.entry for assignment in assignments if assignment.changed]
    apps = labelled({entry.app["id"]: entry.app for entry in changed}.values(), lambda app: app)
    with_own_policy = {entry.app["id"] for entry in changed if entry.level is None}
    before, after = states_of(assignments)
    for name, app in apps.items():
        notes = [AT_APP] if app["id"] in with_own_policy else []
        header = f"Policy of {name}"
        yield StateChange(header, before[header], after[header], notes, is_known=bool(before[header]))


def _selections_by_changing_fields(rules: Sequence[Rule], fields_set: Collection[str]) -> tuple[str, ...]:
    """Return a line for each custom field that selects apps and that the same plan sets."""
    fields = dict.fromkeys(rule.app.field or "" for rule in rules if isinstance(rule.app, Selector))
    return tuple(
        f"the custom field {printable(field)!r}, by which a policy selects apps, is taken as it is before this plan; "
        "plan again once it is applied"
        for field in fields
        if field in fields_set or field.lower() in fields_set
    )


def _policy_before(assignment: Assignment) -> Any:
    return assignment.stored.value.get("policy_id") if assignment.stored else None


def _reversible_step(assignment: Assignment, tenant: Tenant) -> ReversibleStep:
    """Return the step of an assignment; it is undone by assigning the policy that the ledger has."""
    entry, step = assignment.entry, assignment.step()
    if not assignment.changed:
        return ReversibleStep(step)
    if not assignment.stored:
        return ReversibleStep(step, reason="it is not known which policy governed before")
    before, request_type = str(_policy_before(assignment)), entry.rule.request_type
    if before.lower() not in tenant.index(policies_for(request_type)).by_id:
        return ReversibleStep(step, reason="the policy that governed before is gone")
    level = {"permission_level": entry.level["id"]} if entry.level else {}
    back = {"request_type": request_type, "policy": before}
    return ReversibleStep(step, SECTION, {"app": entry.app["id"], **level, **back})


def _with_positions(error: ConfigurationError, code: SourceCode) -> CakewalkError:
    """Return the error of a tie with the positions of its entries."""
    entries = code.entries(SECTION)
    numbers = [number for tie in error.facts().get("ties", ()) for number in tie["entries"]]
    positions = list(dict.fromkeys(entries[number - 1].at() for number in numbers))
    return error.restated(f"{error.cause} ({summarize(positions)})", error.hint) if positions else error
