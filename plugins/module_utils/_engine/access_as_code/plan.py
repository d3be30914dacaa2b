# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The changes of all sections of the code, as one plan with one hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from ..._api.catalog import APPS, GROUPS, USERS, address_of, permission_levels, permission_levels_of
from ..._api.errors import CakewalkError
from ..._api.operations import Step
from ..._api.text import pluralize, printable
from ..core.guardrails import check_removals, check_share
from ..core.lookup import Index, Row, folded_reference
from ..core.message import message_of
from ..core.plan import ApplyResult, Plan, StepResult
from ..core.plan_header import plan_header
from ..core.tenant import Tenant
from ..core.terms import TermState
from ..core.timestamps import utc
from ..storage.ledger import ANCHORS
from . import rules, time_limits
from .anchors import check_anchors
from .dated_access import notable
from .leavers import leaver_lines
from .named_people import has_expired, has_terms, without_renewed
from .plan_text import change_lines, summary
from .roster import Roster, problems_of_rules
from .roster_changes import RosterCopy, changes_between
from .roster_plan import RosterPlan, with_roster
from .rules import RulesPlan
from .section import SectionPlan
from .sections import accesses, custom_fields, groups, policies
from .source import CodeRefused, SourceCode
from .yaml_writer import dump_yaml

#: The version of what the hash covers; an approval is for a plan of this version only.
FORMAT = 2
#: The sections of the code, in the order of plans; each is planned with the changes of the sections before it.
SECTIONS = (groups, accesses, custom_fields, policies)
#: Those whose entries can have terms.
DATED_SECTIONS = (groups, accesses)
#: Options that limit a run, and are approved with the plan.
GUARDRAILS = (
    *("acting_user", "protected_users", "max_removals", "max_removal_percent", "allow_inactive", "retry_declined"),
    *("max_assignments", "enforce", "ledger_max_age", "strict_rules", "max_roster_shrink"),
)
_TENANT = "The ids of some apps, which identify the tenant: if it has none of them, the code is refused."


class PlanMoved(CakewalkError):
    """The plan is not the approved plan."""

    kind = "plan_moved"


class NotApproved(CakewalkError):
    """The code is not the approved code."""

    kind = "not_approved"


class Drifted(CakewalkError):
    """The tenant differs from its code."""

    kind = "drift"


@dataclass(frozen=True)
class TenantPlan:
    """The plan of all sections together.

    :param params: the options of the task.
    """

    code: SourceCode
    total: SectionPlan
    params: Mapping[str, Any]
    roster: RosterPlan | None = None
    rules: RulesPlan | None = None

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The steps of all sections."""
        return tuple(reversible.step for reversible in self.total.steps)

    @property
    def differing(self) -> list[str]:
        """Lines about what is known to differ from the code."""
        return [*sorted(change.name for change in self.total.changes if change.is_known), *self.total.unmet]

    def drift(self, tenant: Tenant) -> dict[str, Any]:
        """Return where the tenant and its code differ, and what the API does not show.

        These are no differences: members that an additive entry does not name, undecided requests, and groups without
        an entry. Policies cannot be read; they differ if the ledger has another policy.
        """
        return {
            "in_sync": not self.differing,
            "differing": self.differing,
            "left_alone": self.left,
            "expired": self.expired_lines,
            "not_in_code": groups.not_in_code(self.code, tenant),
            "not_verifiable": list(self.total.unverifiable),
        }

    def drifted(self) -> Drifted | None:
        """Return the error for a plan with differences."""
        if not self.differing:
            return None
        return Drifted(
            "find the tenant as the code says",
            f"{pluralize(len(self.differing), 'thing differs', 'things differ')}; 'plan' shows each",
            "Bring the tenant back with mode: apply, or correct the code.",
            differing=self.differing,
        )

    @cached_property
    def left(self) -> list[str]:
        """Lines about what is left alone, leavers and people who wait included."""
        waiting = self.roster.waiting_lines if self.roster else ()
        return [*self.total.left, *leaver_lines(self.total.leavers), *waiting]

    @cached_property
    def lines(self) -> list[str]:
        """The plan, for people; its header first, since an approval is for these options."""
        total = self.total
        again = [f"sent again: {line}" for line in total.again]
        end = summary(self.steps, len(total.removals), len(self.left))
        if self.code.only_expired and not self.steps:
            end = f"Nothing to do: {self._nothing_ends}."
        roster = self.roster.notes if self.roster else ()
        return [
            *self.header,
            "",
            *change_lines(total.changes),
            *again,
            *self.left,
            *roster,
            *self.term_lines,
            *self.rule_lines,
            end,
        ]

    @property
    def rule_lines(self) -> list[str]:
        """Lines about access rules that are violated already."""
        return self.rules.lines if self.rules else []

    @property
    def header(self) -> list[str]:
        """The first lines of the plan, with the limit of a roster, and the time if the code has terms."""
        shrink = self.params["max_roster_shrink"]
        return [
            *plan_header(self.params),
            *([f"Roster: at most {shrink} % of its people may be missing"] if self.roster else []),
            *([f"Time: {utc(self.code.time)}, by the service"] if self.code.time else []),
        ]

    @property
    def digests(self) -> dict[str, str]:
        """The digests that an approval is about, by the name of the option that takes each."""
        digest = {"code_digest": code_digest(self.code, self.params)} if self.code.time else {}
        return {**digest, "plan_hash": self.hash}

    @cached_property
    def term_lines(self) -> list[str]:
        """Lines about what begins later, expires within C(expires_within) days, or expired."""
        if self.code.time is None:
            return []
        time, days = self.code.time, self.params["expires_within"]
        return [access.line(time) for access in notable(self.total.dated, time, days)]

    @property
    def terms_result(self) -> dict[str, Any]:
        """The time of the plan, and what has a term, as data; empty for code without terms."""
        time = self.code.time
        if time is None:
            return {}
        return {"time": utc(time), "terms": [access.as_result(time) for access in self.total.dated]}

    @property
    def roster_result(self) -> dict[str, Any]:
        """The facts about the roster, as data; empty for code without one."""
        return {"roster": self.roster.as_result()} if self.roster else {}

    @property
    def expired_lines(self) -> list[str]:
        """Lines about people who still have access that expired."""
        time = self.code.time
        held = [access for access in self.total.dated if access.is_held] if time else []
        return [access.line(time) for access in held if time and access.person.term.state_at(time) is TermState.EXPIRED]

    @property
    def text(self) -> str:
        """The plan as a file: its lines, and its hash."""
        digests = [f"{name}: {value}" for name, value in self.digests.items()]
        return "\n".join([*self.lines, "", *digests]) + "\n"

    @property
    def message(self) -> str:
        """The plan in one sentence."""
        return message_of(ApplyResult(list(map(StepResult, self.steps)), [Plan(remark=self.remark)], is_dry_run=True))

    def remark(self, _applied: ApplyResult) -> str:
        """Return what a plan that changes nothing finds, as a clause."""
        if any(step.changes for step in self.steps):
            return ""
        if self.code.only_expired:
            return self._nothing_ends
        left = f"{pluralize(len(self.left), 'thing is', 'things are')} left alone, as 'plan' says"
        return left if self.left else f"the {'rest of the ' if self.steps else ''}tenant is as the code says"

    @property
    def not_found(self) -> set[str]:
        """The people whose access expired, and who are not in the directory, so their names may be misspelt."""
        unknown = [access.person for access in self.total.dated if not access.is_known]
        time = self.code.time
        return {
            folded_reference(one.reference) for one in unknown if time and one.term.state_at(time) is TermState.EXPIRED
        }

    @property
    def _nothing_ends(self) -> str:
        """The reason why a plan of what time demands has no steps, as a clause."""
        if self.not_found:
            people = pluralize(len(self.not_found), "person", "people")
            verb = "is" if len(self.not_found) == 1 else "are"
            return f"{people} whose access expired {verb} not found in the directory"
        return "what expired is left alone" if self.expired_lines else "nobody has expired access"

    @cached_property
    def hash(self) -> str:
        """The digest of everything that an approval is about."""
        content = {
            "format": FORMAT,
            "version": self.params["source"]["version"],
            "base_url": address_of(self.params["base_url"]),
            "code": self.code.sections,
            "touched": self.total.touched,
            "steps": sorted(map(_identity, self.steps)),
            "guardrails": {name: self.params[name] for name in GUARDRAILS},
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def check_guardrails(self, read: int = 0) -> None:
        """Check the removals of all sections, see C(check_removals) and C(check_share), and the access rules.

        :param read: the number of memberships and access rows, if more were read than for this plan.
        :raises RulesViolated: see C(RulesPlan.check).
        """
        is_exact = any(entry["mode"] == "exact" for entry in self.code.data("groups"))
        check_removals(sorted(self.total.removals), self.params["max_removals"], is_exact)
        check_share(sorted(self.total.removals), max(read, self.total.read), self.params["max_removal_percent"])
        if self.rules:
            self.rules.check(self.params["strict_rules"])

    def approved(self) -> tuple[Step, ...]:
        """Return the steps if this is the approved plan.

        A plan that changes nothing needs no approval; without it nothing is sent again either.

        :raises PlanMoved: another plan was approved, and this one changes something.
        """
        if self.params["plan_hash"] == self.hash:
            return self.steps
        if not any(step.changes for step in self.steps):
            return ()
        raise PlanMoved(
            "carry out the plan",
            f"code, tenant, options or version changed since it was approved; its hash is {self.hash}, not "
            f"{printable(self.params['plan_hash'])}",
            "Nothing was changed. Plan again, and have the new plan approved.",
            plan_hash=self.hash,
        )


def code_digest(code: SourceCode, params: Mapping[str, Any]) -> str:
    """Return the digest of the code alone, which stays the same while time goes by and the tenant changes."""
    roster = Roster.of(params["source"].get("roster"))
    content = {
        "format": FORMAT,
        "base_url": address_of(params["base_url"]),
        "code": code.written or code.sections,
        **({"roster": roster.content} if roster else {}),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def code_of(params: Mapping[str, Any]) -> SourceCode:
    """Return the code of a task, or raise C(CodeRefused) if it contradicts itself."""
    code = SourceCode(params["source"]["code"], params["source"]["positions"])
    problems = [problem for section in (*SECTIONS, rules, time_limits) for problem in section.problems_of(code)]
    problems += problems_of_rules(code, Roster.of(params["source"].get("roster")))
    if problems:
        raise CodeRefused(problems)
    return code


def exported_files(params: Mapping[str, Any], tenant: Tenant) -> dict[str, str]:
    """Return the current state of the tenant as code, whose plan changes nothing: the text of each file, by name."""
    tenant.rests_on_absence = True
    exported = {section.SECTION: tenant.scrubbed(section.exported(params, tenant)) for section in SECTIONS}
    anchors = sorted(tenant.index(APPS).by_id)[:ANCHORS]
    names = tenant.scrubbed(tenant.names())
    texts = {name: dump_yaml({name: entries}, comments, names) for name, (entries, comments) in exported.items()}
    return {
        "tenant.yml": dump_yaml({"tenant": {"anchors": anchors}}, [_TENANT], names),
        **{f"{name}.yml": text for name, text in texts.items()},
    }


def check_approved(params: Mapping[str, Any]) -> None:
    """Raise C(NotApproved) if the digest of the code is not the approved one."""
    digest = code_digest(code_of(params), params)
    if digest != params["code_digest"]:
        raise NotApproved(
            "end expired access",
            f"the digest of the code is {digest}, and {printable(params['code_digest'])} was approved",
            "Nothing was changed. Plan the code, have the plan approved, and apply it. Then give its `code_digest`.",
            code_digest=digest,
        )


def tenant_plan(
    params: Mapping[str, Any], tenant: Tenant, only_expired: bool = False, whole: SectionPlan | None = None
) -> TenantPlan:
    """Compare the tenant with its code, and return the plan.

    :param only_expired: whether to plan nothing but the removals that time demands.
    :param whole: a plan of everything, if it is known: what it postpones is postponed here, too.
    :raises CakewalkError: the code cannot be planned; references in the message have their file and line.
    :raises ClockRefused: the code has terms, and the time is not known well enough.
    """
    code = code_of(params)
    check_anchors(code.sections["tenant"]["anchors"], params["base_url"], tenant)
    of_roster = _roster_plan(code, params, tenant, only_expired)
    code = of_roster.code if of_roster else code
    time = tenant.time() if has_terms(code) else None
    code = replace(code, time=time, only_expired=only_expired)
    total = SectionPlan(indirect_access=whole.indirect_access) if whole else SectionPlan()
    if not only_expired:
        # A term that is too long must end in time nevertheless.
        _check_time_limits(code, tenant)
    if time is not None and has_expired(code, time):
        # Time must not take what another entry gives, so the lists must prove who is meant.
        users, apps = tenant.index(USERS, is_stable=True), tenant.index(APPS)
        named_groups = tenant.index(GROUPS, [entry["group"] for entry in code.data("groups")])
        code, renewed = without_renewed(code, time, users, named_groups, apps, lambda app: _levels_of(app, tenant))
        total += SectionPlan(left=tuple(renewed))
    try:
        for section in SECTIONS if not only_expired else DATED_SECTIONS:
            total += section.section_plan(code, params, tenant, total)
    except CakewalkError as error:
        raise code.with_positions(error) from None
    # What time demands, and a report on drift, do not depend on rules.
    rules_plan = _rules_plan(code, params, tenant, total) if params["mode"] in ("plan", "apply") else None
    return TenantPlan(code, total, params, of_roster, rules_plan)


def _check_time_limits(code: SourceCode, tenant: Tenant) -> None:
    """Check the terms as they are written: of people who were renewed, those that are over count, too."""
    try:
        time_limits.check_time_limits(code, tenant)
    except CakewalkError as error:
        raise code.with_positions(error) from None


def _rules_plan(code: SourceCode, params: Mapping[str, Any], tenant: Tenant, total: SectionPlan) -> RulesPlan | None:
    """Return what the changes make of the access rules of the code, C(None) without rules."""
    return rules.plan_rules(code, tenant, total.access_changes, Roster.of(params["source"].get("roster")))


def _roster_plan(code: SourceCode, params: Mapping[str, Any], tenant: Tenant, only_expired: bool) -> RosterPlan | None:
    """Return what the rules of the code make of its roster, or C(None) without a roster.

    The list of people must prove who is not in it, since an exact group removes everybody else.

    :raises ClockRefused: the time is not known well enough, and people come and go by it.
    :raises RosterShrank: too many people are missing, compared with the roster that was last applied.
    :raises WrongTenant: that roster was applied to another tenant.
    """
    roster, found = (params["source"].get(name) for name in ("roster", "roster_before"))
    roster = Roster.of(roster)
    if roster is None:
        return None
    app_ids, base_url, time = tenant.index(APPS, is_whole=True).by_id, address_of(params["base_url"]), tenant.time()
    changes = None
    if found:
        before = RosterCopy.of(found)
        before.check_tenant(params["roster_copy_path"], base_url, app_ids)
        changes = changes_between(code, before, roster, time)
        # The roster was approved with the code if only what expired is removed.
        if not only_expired:
            before.check_shrink(roster, params["max_roster_shrink"], time)
            changes.check_losses(before, params["max_roster_shrink"])
    directory = tenant.index(USERS, is_stable=True)
    # What keeps the whole code from being planned must not keep access from ending.
    plan = with_roster(code, roster, directory, tenant.user_statuses.inactive, is_strict=not only_expired)
    tenant.warnings += plan.unknown_values
    copy = RosterCopy(roster, base_url, tuple(sorted(app_ids)[:ANCHORS]), time)
    return replace(plan, changes=changes, copy=copy)


def expiry_plan(params: Mapping[str, Any], tenant: Tenant) -> tuple[TenantPlan, list[str], int]:
    """Return the plan of the removals that time demands, lines about what else the code demands, and how much was read.

    What keeps the whole code from being planned must not keep access from ending, so it is only a line.

    :raises NotApproved: the code is not the approved one.
    :raises CakewalkError: see C(tenant_plan).
    """
    check_approved(params)
    warnings = list(tenant.warnings)
    whole: TenantPlan | None = None
    not_done = []
    try:
        whole = tenant_plan(params, tenant)
    except CakewalkError as error:
        not_done.append(str(error))
    # These warnings are about the whole plan, which does not happen here.
    tenant.warnings[:] = warnings
    plan = tenant_plan(params, tenant, only_expired=True, whole=whole.total if whole else None)
    tenant.warnings += _broken_rules(plan, tenant)
    demanded = {_identity(step) for step in plan.steps}
    others = [step for step in whole.steps if step.changes] if whole else []
    not_done += [printable(step.action) for step in others if _identity(step) not in demanded]
    return plan, not_done, whole.total.read if whole else 0


def _broken_rules(plan: TenantPlan, tenant: Tenant) -> list[str]:
    """Return warnings about rules that a plan of what time demands breaks: a group that needs two may have one left.

    No rule keeps access from ending, since its end was approved.
    """
    try:
        found = _rules_plan(plan.code, plan.params, tenant, plan.total) if plan.steps else None
    except CakewalkError as error:
        return [f"It is not known whether the access rules still hold without the expired access. {error}"]
    return found.warnings if found else []


def _levels_of(app: Row, tenant: Tenant) -> Index:
    """Return the permission levels of an app."""
    return Index(permission_levels_of(app), tenant.read_stable([permission_levels(app)])[0])


def _identity(step: Step) -> str:
    """Return what is sent by a step, as text."""
    return json.dumps([step.method, step.path, step.body], sort_keys=True)
