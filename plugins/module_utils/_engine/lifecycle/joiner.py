# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Joiners: wait for people in the directory, add them to groups, and request extra access."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..._api.catalog import (
    APPS,
    GROUPS,
    REQUESTS,
    USERS,
    accesses,
    is_dynamic,
    named,
    permission_levels,
)
from ..._api.errors import CakewalkError, ConfigurationError
from ..._api.operations import Listing, Resource, Step
from ..._api.text import pluralize, printable, summarize
from ..._api.writes import add_members
from ..access import evaluation
from ..access.approvers import approvers
from ..access.evaluation import AccessEntry, AccessEvaluator, AppState, conflict_of
from ..access.planning import AccessPlan, check_purpose, plan_access, read_app_states, request_step
from ..core.access_requests import Requests
from ..core.entries import check_addresses, entries_of
from ..core.guardrails import check_bypass
from ..core.lookup import Index, LookupFailed, Resolver, Row, folded_reference, ids_of, is_uuid
from ..core.people import acting_user, check_receivers
from ..core.plan import ApplyResult, Plan, StepStatus
from ..core.plan_header import plan_header
from ..core.tenant import Tenant
from ..core.wait import Wait, WaitTimedOut, check_timeout
from ..groups.membership import (
    MembershipChange,
    MembershipEntry,
    plan_memberships,
    read_default_apps,
    refuse_groups,
    states_of,
)
from .joiner_report import JoiningPerson, NotJoined, outcome_of, plan_lines
from .people_result import people_result, remark_of

#: Refusals that may be about one person of several, so the others of the same request are tried one by one.
_MAY_BE_ABOUT_ONE = frozenset({400, 403, 404, 409, 413, 422})


def plan_joiners(params: Mapping[str, Any], tenant: Tenant) -> Plan:
    """Return the plan for the people of a task of C(cakewalk_joiner).

    :raises CakewalkError: something must not happen, or cannot be meant. Nothing was changed.
    """
    check_timeout(params["wait_timeout"])
    if params["journal_path"] is None:
        raise ConfigurationError(
            "record the writes",
            "`journal_path` is not set",
            "Set `journal_path` (`joiner_record_path` in the role) to the absolute path of a file.",
            option="journal_path",
        )
    if params["implicitly_approve_requests"]:
        check_bypass("implicitly_approve_requests", params["bypass_reason"])
    return _Onboarding(params, tenant, people_of(params)).begin()


def people_of(params: Mapping[str, Any]) -> list[JoiningPerson]:
    """Return the people of a task, with their groups and extra access.

    :raises ConfigurationError: nobody is named, a person is named twice, or an option has the wrong form.
    """
    people = []
    for entry in entries_of(params, "people", "user"):
        purpose = entry["purpose"] or params["purpose"]
        check_purpose(purpose)
        groups = dict.fromkeys(entry["groups"] or ())
        accesses = [(access["app"], access["permission_level"] or None) for access in entry["accesses"] or ()]
        people.append(JoiningPerson(entry["user"], tuple(groups), tuple(dict.fromkeys(accesses)), purpose))
    references = [joiner.reference for joiner in people]
    check_addresses(references, "user")
    folded = list(map(folded_reference, references))
    names = [
        (joiner.reference, name)
        for joiner in people
        for name in (joiner.reference, *joiner.group_names, *(app for app, _level in joiner.extra))
    ]
    problems = [
        *([] if people else ["people is empty"]),
        *(f"an entry of {printable(reference)!r} is blank" for reference, name in names if not name.strip()),
        *(f"{printable(name)} is named twice" for name in dict.fromkeys(folded) if folded.count(name) > 1),
    ]
    if problems:
        raise ConfigurationError(
            "tell who joins",
            summarize(dict.fromkeys(problems), separator="; "),
            "Name each person once, and leave no entry blank.",
            option="people",
        )
    return people


def can_appear(reference: str) -> bool:
    """Return whether a person who is not in the directory may appear under this reference."""
    return "@" in reference or is_uuid(reference)


class PeopleAppear(Wait):
    """Waits until people are in the directory.

    The vendor's directory syncs every two hours (the help page on joiners), so the pauses grow to a minute.
    """

    action = "see everybody in the directory"
    pauses: Sequence[float] = (1.0, 5.0, 15.0, 30.0, 60.0)
    proves_absence = False

    def __init__(self, references: Sequence[str], timeout: int) -> None:
        self.timeout = timeout
        self.sources: Sequence[Listing | Resource] = [USERS.listing]
        self._references = references

    def missing(self, found: Sequence[Any]) -> list[str]:
        """Return a line for each person who is missing."""
        directory = Index(USERS, found[0])
        missing = [reference for reference in self._references if not directory.matches(reference)]
        return [f"nobody has the address or id {printable(reference)!r}" for reference in missing]


class _Onboarding:
    """One run for all people of a task, stage by stage."""

    def __init__(self, params: Mapping[str, Any], tenant: Tenant, joiners: Sequence[JoiningPerson]) -> None:
        #: With those options of the modules for groups and access that this module does not have.
        self._params = {
            **params,
            "method": "request",
            "retry_declined": False,
            "allow_inactive": False,
            "max_removals": None,
        }
        self._header = plan_header(params)
        self._tenant = tenant
        self._joiners = joiners
        #: The people whose turn it is: those who were there at the beginning, then those who appeared.
        self._turn: list[JoiningPerson] = []
        self._default_apps: dict[str, list[Row]] = {}
        #: The state of each app of extra access, by the app as written.
        self._app_states: dict[str, AppState] = {}
        #: The people of each step, and its group or app, by the identity of the step.
        self._subjects: dict[int, tuple[list[JoiningPerson], Row]] = {}
        self._has_waited = False

    def begin(self) -> Plan:
        """Refuse what can be refused, and return the first stage.

        :raises CakewalkError: the run is refused. Nothing was changed.
        """
        self._actor = self._look_up()
        self._turn = [joiner for joiner in self._joiners if joiner.user]
        problems: list[dict[str, Any]] = []
        changes: list[MembershipChange] = []
        try:
            changes = self._changes(self._joiners)
        except LookupFailed as error:
            problems += error.facts()["problems"]
        for joiner in self._turn:
            try:
                joiner.decisions = self._access_plan(joiner).decisions
            except LookupFailed as error:
                problems += error.facts()["problems"]
        if problems:
            raise LookupFailed(list({problem["message"]: problem for problem in problems}.values()))
        conflict = conflict_of(decision for joiner in self._turn for decision in joiner.decisions)
        if conflict:
            raise conflict
        groups = {group["id"]: group for joiner in self._joiners if not joiner.user for group in joiner.groups}
        refuse_groups(
            [group for group in groups.values() if is_dynamic(group)],
            "change the members of",
            "a rule decides who is a member of a dynamic group",
            "Change the rule in Cakewalk",
        )
        self._default_apps = read_default_apps(changes, self._tenant)
        stage = self._add(changes)
        lines = plan_lines(self._joiners, self._default_apps, self._params["wait_timeout"])
        return replace(stage, result={"plan": [*self._header, *lines]})

    def _look_up(self) -> Row:
        """Find everybody and everything that the task names, and return the acting user.

        :raises LookupFailed: with all problems of all people.
        :raises ConfigurationError: the acting user may not act, or a person is named twice.
        """
        tenant, joiners = self._tenant, self._joiners
        actor = self._params["acting_user"]
        evaluator = AccessEvaluator(direct=False, retry=False)
        resolver = evaluator.resolver
        people = tenant.people([*(joiner.reference for joiner in joiners), *([actor] if actor else [])])
        for joiner in joiners:
            if people.matches(joiner.reference) or not can_appear(joiner.reference):
                joiner.user = resolver.find(joiner.reference, people)
            else:
                joiner.near = people.near(joiner.reference)
        group_names = list(dict.fromkeys(name for joiner in joiners for name in joiner.group_names))
        app_names = list(dict.fromkeys(name for joiner in joiners for name, _level in joiner.extra))
        groups, apps = tenant.indexes([(GROUPS, group_names), (APPS, app_names)])
        for joiner in joiners:
            joiner.groups = resolver.find_all(joiner.group_names, groups)
        resolver.find_all(app_names, apps)
        self._app_states = self._read_app_states(name for name in app_names if len(apps.matches(name)) == 1)
        for name, app_state in self._app_states.items():
            levels = {level for joiner in joiners for app, level in joiner.extra if app == name}
            evaluator.evaluate(app_state, [AccessEntry(name, (), level, "present") for level in levels], people)
        found = acting_user(actor, people, tenant, resolver)
        resolver.check()
        for joiner in joiners:
            joiner.wanted = self._wanted(joiner)
            joiner.extra = tuple((app["id"], level["id"] if level else None) for app, level in joiner.wanted)
        # From here on everything is named by id, so that a rename during the wait leads nowhere else.
        self._app_states = {app_state.app["id"]: app_state for app_state in self._app_states.values()}
        self._params["acting_user"] = found["id"] or None
        users = [joiner.user for joiner in joiners if joiner.user]
        if len(ids_of(users)) < len(users):
            raise ConfigurationError(
                "tell who joins", "a person is named by address and by id", "Name each person once.", option="people"
            )
        return found

    def _read_app_states(self, names: Iterable[str]) -> dict[str, AppState]:
        """Read apps, with all requests."""
        entries = [AccessEntry(name, (), None, "present") for name in names]
        if entries:
            # A request that is not listed would be opened twice.
            self._tenant.read_stable([REQUESTS])
        states = read_app_states(self._tenant, entries) if entries else []
        return {entry.app: app_state for app_state, its_entries in states for entry in its_entries}

    def _wanted(self, joiner: JoiningPerson) -> list[tuple[Row, Row | None]]:
        """Return the extra access of a person, as pairs of app and level.

        :raises ConfigurationError: one app is wanted at two levels.
        """
        wanted: dict[str, tuple[Row, Row | None]] = {}
        for name, level_name in joiner.extra:
            app_state = self._app_states[name]
            level = app_state.levels.matches(level_name)[0] if level_name else None
            if wanted.setdefault(app_state.app["id"], (app_state.app, level))[1] != level:
                raise ConfigurationError(
                    f"plan the access of {printable(joiner.reference)} to the app {named(app_state.app)}",
                    "it is asked for at two levels",
                    "Name one level.",
                    option="accesses",
                )
        return list(wanted.values())

    def _changes(self, joiners: Iterable[JoiningPerson]) -> list[MembershipChange]:
        """Return the change of each group that people join, which nobody joins who is not there yet."""
        users: dict[str, list[str]] = {}
        for joiner in joiners:
            for name in (group["id"] for group in joiner.groups):
                users.setdefault(name, []).extend([joiner.user["id"]] if joiner.user else [])
        entries = [MembershipEntry(name, tuple(its_users), "present") for name, its_users in users.items()]
        changes, _actor, warnings = plan_memberships(entries, self._params, self._tenant)
        self._warn(warnings)
        return changes

    def _access_plan(self, joiner: JoiningPerson) -> AccessPlan:
        """Return the plan for the extra access of a person who is there."""
        by_app: dict[str, tuple[AppState, list[AccessEntry]]] = {}
        for name, level in joiner.extra:
            app_state = self._app_states[name]
            users = (joiner.user["id"],) if joiner.user else ()
            entry = AccessEntry(name, users, level, "present")
            by_app.setdefault(app_state.app["id"], (app_state, []))[1].append(entry)
        plan = plan_access(list(by_app.values()), {**self._params, "purpose": joiner.purpose}, self._tenant)
        self._warn(plan.warnings)
        return plan

    def _add(self, changes: Sequence[MembershipChange]) -> Plan:
        """Return the stage that adds people to groups, with one request for each group."""
        steps = []
        for change in changes:
            ids = ids_of(change.added)
            added = [joiner for joiner in self._turn if joiner.user and joiner.user["id"].lower() in ids]
            for joiner in added:
                joiner.added.add(change.group["id"].lower())
            for step in change.steps(self._actor, self._params["implicitly_approve_requests"]):
                ignored = _MAY_BE_ABOUT_ONE if len(added) > 1 else frozenset()
                steps.append(self._step(replace(step, ignored_statuses=ignored), added, change.group))
        return Plan(
            *states_of(changes, self._default_apps, self._params["implicitly_approve_requests"]),
            tuple(steps),
            carries_on=True,
            then=self._add_one_by_one,
        )

    def _add_one_by_one(self, applied: ApplyResult) -> Plan:
        """Return the stage that adds the people of refused requests one by one, if there are any."""
        approves = self._params["implicitly_approve_requests"]
        steps = []
        for result in applied.having(StepStatus.REFUSED):
            joiners, group = self._subjects.pop(id(result.step), ([], {}))
            for joiner in joiners:
                step = add_members(group, [joiner.user or {}], self._actor, approves)
                steps.append(self._step(step, [joiner], group))
        if not steps:
            return self._request_access(applied)
        return Plan(steps=tuple(steps), carries_on=True, then=self._request_access)

    def _request_access(self, applied: ApplyResult) -> Plan:
        """Return the stage that requests extra access for the people who were added to all their groups.

        The requests are read again after the groups, so that those which followed from the groups are not opened twice.
        """
        self._take_failures(applied)
        if not applied.is_dry_run:
            self._decide_again()
        steps = [
            self._step(request_step(decision, self._actor, joiner.purpose), [joiner], decision.app)
            for joiner in self._turn
            for decision in joiner.decisions
            if decision.step
        ]
        states = evaluation.states_of(decision for joiner in self._turn for decision in joiner.decisions)
        return Plan(*states, tuple(steps), carries_on=True, then=self._wait)

    def _decide_again(self) -> None:
        """Decide about extra access from a fresh read, unless nothing changed since the first one."""
        ready = [joiner for joiner in self._turn if joiner.extra and not joiner.errors]
        for joiner in self._turn:
            joiner.decisions = joiner.decisions if joiner in ready else []
        if not ready or not (self._has_waited or any(joiner.added for joiner in self._turn)):
            return
        apps = [app_state.app for app_state in self._app_states.values()]
        self._tenant.forget([REQUESTS, *map(accesses, apps), *map(permission_levels, apps)])
        try:
            self._app_states = self._read_app_states(self._app_states)
        except CakewalkError as error:
            for joiner in ready:
                joiner.decisions = []
                joiner.errors.append(str(error))
            return
        for joiner in ready:
            joiner.decisions = []
            try:
                joiner.decisions = self._access_plan(joiner).decisions
            except CakewalkError as error:
                joiner.errors.append(str(error))
            conflict = conflict_of(joiner.decisions)
            if conflict:
                joiner.errors.append(str(conflict))

    def _wait(self, applied: ApplyResult) -> Plan:
        """Return the stage that waits for the people who are missing, if there are any."""
        missing = [joiner.reference for joiner in self._joiners if not joiner.user]
        if self._has_waited or applied.is_dry_run or not missing or not self._params["wait_timeout"]:
            return self._conclude(applied)
        self._has_waited = True
        return Plan(wait=PeopleAppear(missing, self._params["wait_timeout"]), carries_on=True, then=self._arrive)

    def _arrive(self, applied: ApplyResult) -> Plan:
        """Return the stage that adds the people who appeared, from a fresh read of everything."""
        self._take_failures(applied)
        missing = [joiner for joiner in self._joiners if not joiner.user]
        problems = [problem for problem in applied.problems if not isinstance(problem, WaitTimedOut)]
        taken = ids_of(joiner.user for joiner in self._joiners if joiner.user)
        self._tenant.forget()
        self._turn = []
        try:
            actors = filter(None, [self._params["acting_user"]])
            people = self._tenant.people([*(joiner.reference for joiner in missing), *actors])
            for joiner in missing:
                if self._has_arrived(joiner, people, problems, taken):
                    self._turn.append(joiner)
            self._turn = self._acceptable(self._turn)
            changes = self._changes(self._turn)
        except CakewalkError as error:
            for joiner in missing:
                joiner.errors += [] if joiner.errors else [str(error)]
                joiner.failed |= ids_of(joiner.groups)
            return self._conclude(applied)
        return self._add(changes) if self._turn else self._conclude(applied)

    def _acceptable(self, joiners: Sequence[JoiningPerson]) -> list[JoiningPerson]:
        """Return the people whose extra access can be requested by now; the others get an error, and no group.

        :raises CakewalkError: the apps cannot be read.
        """
        if any(joiner.extra for joiner in joiners):
            self._app_states = self._read_app_states(self._app_states)
        acceptable = []
        for joiner in joiners:
            try:
                joiner.decisions = self._access_plan(joiner).decisions
                conflict = conflict_of(joiner.decisions)
                if conflict:
                    raise conflict
            except CakewalkError as error:
                joiner.decisions = []
                joiner.errors.append(str(error))
                joiner.failed |= ids_of(joiner.groups)
            else:
                acceptable.append(joiner)
        return acceptable

    def _has_arrived(
        self, joiner: JoiningPerson, people: Index, problems: Sequence[CakewalkError], taken: set[str]
    ) -> bool:
        """Return whether a person appeared and may join, or note why not.

        :param taken: the ids of the people who are there; this person's is added.
        """
        if not people.matches(joiner.reference):
            near = f"; similar: {', '.join(map(printable, people.near(joiner.reference)))}" if joiner.near else ""
            seconds = pluralize(self._params["wait_timeout"], "second", "seconds")
            missing = f"{printable(joiner.reference)} is not in the directory after {seconds}{near}"
            joiner.errors += [str(problem) for problem in problems] or [missing]
            return False
        resolver = Resolver()
        joiner.user = resolver.find(joiner.reference, people)
        if joiner.user:
            self._warn(check_receivers([joiner.user], self._tenant.user_statuses, resolver))
            if joiner.user["id"].lower() in taken:
                message = f"{printable(joiner.reference)} is named twice, by address and by id"
                resolver.report(joiner.reference, "ambiguous", message)
            taken.add(joiner.user["id"].lower())
        try:
            resolver.check()
        except LookupFailed as error:
            joiner.errors.append(str(error))
            joiner.failed |= ids_of(joiner.groups)
            return False
        return True

    def _conclude(self, applied: ApplyResult) -> Plan:
        """Return the last plan: the outcome for each person, and the error if somebody did not join."""
        self._take_failures(applied)
        requests = self._latest_requests(applied)
        approves = self._params["implicitly_approve_requests"]
        people = [
            outcome_of(joiner, self._default_apps, requests, applied.is_dry_run, approves) for joiner in self._joiners
        ]
        self._name_approvers(people)
        missing = sum(entry["user"]["id"] is None for entry in people)
        published = {"record_path": self._params["journal_path"]}
        facts = people_result("joiner", people, ("waiting", "by_hand"), published, missing=missing)
        is_bypassed = approves and any(joiner.added for joiner in self._joiners)
        facts |= {
            "bypassed_approval": is_bypassed,
            "bypass_reason": self._params["bypass_reason"] if is_bypassed else None,
        }
        error = None if applied.is_dry_run else NotJoined.of(people)
        return Plan(result=facts, unmet=error, remark=lambda applied: remark_of(people, applied.is_dry_run))

    def _latest_requests(self, applied: ApplyResult) -> Requests | None:
        """Return the requests after the run, or C(None) with a warning if they cannot be read."""
        states = list(self._app_states.values())
        if states and (applied.is_dry_run or not applied.steps):
            return states[0].requests
        self._tenant.forget([REQUESTS])
        try:
            (rows,) = self._tenant.read([REQUESTS])
        except CakewalkError as error:
            if applied.is_dry_run or not applied.steps:
                raise
            self._warn([f"The requests could not be read after the run, so 'waiting' lacks some of them. {error}"])
            return None
        return Requests(rows, self._tenant.request_statuses)

    def _name_approvers(self, people: Iterable[dict[str, Any]]) -> None:
        """Add the people who must decide to everything that waits for a request."""
        waiting = {id(entry): entry for row in people for entry in row["waiting"] if entry["request_id"]}
        ids = {str(entry["id"]).lower() for entry in waiting.values()}
        apps = [app for joiner in self._joiners for app, _level in joiner.wanted]
        apps += [app for rows in self._default_apps.values() for app in rows]
        users = [joiner.user for joiner in self._joiners if joiner.user]
        found = approvers(
            self._tenant,
            {str(entry["request_id"]).lower() for entry in waiting.values()},
            users,
            [app for app in apps if app["id"].lower() in ids],
        )
        for entry in waiting.values():
            entry["waits_for"] = found.get(str(entry["request_id"]).lower(), [])

    def _step(self, step: Step, joiners: list[JoiningPerson], place: Row) -> Step:
        """Note the people of a step and its group or app, and return the step."""
        self._subjects[id(step)] = joiners, place
        return step

    def _take_failures(self, applied: ApplyResult) -> None:
        """Give each person the errors of the steps that failed, or were not tried."""
        failed = () if applied.is_dry_run else applied.having(StepStatus.FAILED, StepStatus.PENDING)
        for result in failed:
            joiners, place = self._subjects.pop(id(result.step), ([], {}))
            for joiner in joiners:
                joiner.failed.add(place["id"].lower())
                joiner.errors.append(str(result.error or f"Not tried: {result.step.action}."))

    def _warn(self, warnings: Iterable[str]) -> None:
        self._tenant.warnings += [warning for warning in warnings if warning not in self._tenant.warnings]
