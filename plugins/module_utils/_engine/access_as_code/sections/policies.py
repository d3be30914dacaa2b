# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The section C(policies) of the code: which policy is to govern what. The API tells of none, only the ledger does."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from ...._api.catalog import APPS, REQUEST_TYPES, permission_levels_of
from ...._api.catalog import policies as policies_for
from ...._api.errors import CakewalkError, ConfigurationError
from ...._api.operations import Step
from ...._api.text import printable, summarize
from ...._api.writes import assign_policy
from ...core.lookup import label, labelled, reference_to
from ...core.tenant import Tenant
from ...policies.assignments import AT_APP, Assignment, assess, check_assignments, check_options, states_of
from ...policies.rules import Rule, decided, rules_of
from ...policies.selectors import Selector
from ...policies.targets import targets_of
from ...storage.ledger import FileLedger
from ..section import ExportedSection, ReversibleStep, SectionPlan, Undo
from ..source import SourceCode, problem

SECTION = "policies"
_UNKNOWN = (
    "Which policies are assigned is unknown: the API does not tell, and no ledger remembers it. List those that are to "
    "govern."
)
_FROM_LEDGER = (
    "As this collection assigned them last, by its ledger. Whether somebody assigned others since cannot be read."
)
_BEFORE_UNKNOWN = Undo(reason="nothing tells which policy governed before")


def problems_of(code: SourceCode) -> Iterator[dict[str, str]]:
    """Return what is wrong in itself, whatever the tenant holds."""
    for one in code.entries(SECTION):
        try:
            rules_of({"assignments": [one.entry]})
        except ConfigurationError as error:
            yield problem(code.at(one), error.cause)


def section_plan(
    code: SourceCode, params: Mapping[str, Any], tenant: Tenant, earlier: Sequence[SectionPlan]
) -> SectionPlan:
    """Return what the section changes, as far as the ledger tells.

    :raises CakewalkError: see C(targets.targets_of), C(slots.decided) and C(assignments.check_assignments).
    """
    options = {**params, "assignments": [one.entry for one in code.entries(SECTION)], "ledger_field": None}
    if not options["assignments"]:
        return SectionPlan()
    check_options(options)
    rules = rules_of(options)
    targets = targets_of(rules, tenant, all_apps=True)
    try:
        slots = decided(targets.claims)
    except ConfigurationError as error:
        raise _located(error, code) from None
    ledger = _ledger(params, targets.apps.by_id)
    planned = assess(slots, ledger, targets.policies, options, datetime.now(timezone.utc))
    check_assignments(planned, params["max_assignments"])
    before, after = states_of(planned)
    return SectionPlan(
        before={_called(name): state for name, state in before.items()},
        after={_called(name): state for name, state in after.items()},
        acts=tuple(ReversibleStep(_step(each), _undo(each)) for each in planned if each.sent),
        touched={
            "/".join(each.claim.key): each.known.value.get("policy_id") if each.known else None
            for each in planned
            if each.sent
        },
        notes=_notes(planned),
        left=_left(rules, {name for part in earlier for name in part.sets}),
        again=tuple(_told(each) for each in planned if each.sent and not each.changed),
        unverifiable=tuple(map(_told, planned)),
        unknown=frozenset(
            _called(name) for name, state in before.items() if all(value == "unknown" for value in state.values())
        ),
        ledger=ledger,
    )


def exported(params: Mapping[str, Any], tenant: Tenant) -> ExportedSection:
    """Return the section as the ledger remembers it, as far as the tenant still has what it is about."""
    apps = tenant.index(APPS)
    ledger = _ledger(params, apps.by_id)
    entries, comments = [], []
    for (_kind, app_id, level_id, wire_type), entry in ledger.entries("policy") if ledger else ():
        app = apps.by_id.get(app_id)
        request_type = next((name for name, wire in REQUEST_TYPES.items() if wire == wire_type), None)
        policy_id = str(entry.value.get("policy_id"))
        if app is None or request_type is None:
            comments.append(f"Left out: {wire_type} of an app that is gone, {app_id}.")
            continue
        levels = tenant.index(permission_levels_of(app)) if level_id else None
        compatible = tenant.index(policies_for(request_type))
        level = levels.by_id.get(level_id) if levels else None
        policy = compatible.by_id.get(policy_id)
        if policy is None or (levels and level is None):
            gone = "a policy" if policy is None else "a level"
            comments.append(f"Left out: {request_type} of {label(app)}, {gone} of which is gone.")
            continue
        at = {"permission_level": reference_to(level, levels)} if level and levels else {}
        entries.append(
            {
                "app": reference_to(app, apps),
                **at,
                "request_type": request_type,
                "policy": reference_to(policy, compatible),
            }
        )
    return ExportedSection(entries, (_FROM_LEDGER if entries else _UNKNOWN, *comments))


def _told(each: Assignment) -> str:
    return f"{each.claim}: {printable(label(each.claim.policy))}"


def _notes(planned: Sequence[Assignment]) -> dict[str, list[str]]:
    """Return what is to be known of apps whose own policies change."""
    changed = [each.claim for each in planned if each.changed]
    apps = labelled({claim.app["id"]: claim.app for claim in changed}.values(), lambda app: app)
    themselves = {claim.app["id"] for claim in changed if claim.level is None}
    return {_called(name): [AT_APP] for name, app in apps.items() if app["id"] in themselves}


def _left(rules: Sequence[Rule], sets: Collection[str]) -> tuple[str, ...]:
    """Return which selections hang on custom fields that the same plan sets: they see what was there before."""
    fields = dict.fromkeys(rule.app.field or "" for rule in rules if isinstance(rule.app, Selector))
    return tuple(
        f"the custom field {printable(field)!r}, by which a policy selects apps, is taken as it is before this plan; "
        "plan again once it is applied"
        for field in fields
        if field in sets or field.lower() in sets
    )


def _ledger(params: Mapping[str, Any], app_ids: Mapping[str, Any]) -> FileLedger | None:
    return FileLedger.read(params["ledger_path"], params["base_url"], app_ids) if params["ledger_path"] else None


def _step(each: Assignment) -> Step:
    claim = each.claim
    return assign_policy(
        claim.app, claim.level, claim.rule.request_type, claim.policy, each.changed, each.entry(with_times=True)
    )


def _undo(each: Assignment) -> Undo:
    """Return what takes an assignment back: the policy that the ledger knew; one that is sent again changed nothing."""
    if not each.changed:
        return Undo()
    if each.known is None:
        return _BEFORE_UNKNOWN
    claim = each.claim
    level = {"permission_level": claim.level["id"]} if claim.level else {}
    policy = {"policy": str(each.known.value.get("policy_id"))}
    return Undo(SECTION, {"app": claim.app["id"], **level, "request_type": claim.rule.request_type, **policy})


def _located(error: ConfigurationError, code: SourceCode) -> CakewalkError:
    """Return the error of a tie with the places of the entries that tie."""
    entries = code.entries(SECTION)
    numbers = [number for tie in error.facts().get("ties", ()) for number in tie["entries"]]
    places = list(dict.fromkeys(code.at(entries[number - 1]) for number in numbers))
    return error.restated(f"{error.cause} ({summarize(places)})", error.hint) if places else error


def _called(name: str) -> str:
    return f"policies of {name}"
