# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Leavers: end memberships, request the removal of access, wait for it, and prove what is left."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from ..._api.catalog import REQUESTS, USERS, StatusTable, accesses, person
from ..._api.errors import ApiError, CakewalkError, ConfigurationError, OutcomeUnknown
from ..._api.operations import Listing, Resource, Step
from ..._api.text import pluralize, printable, summarize
from ..._api.writes import remove_members, request_removal
from ..access.approvers import approvers
from ..access.evaluation import REMOVING, AccessDecision, AppState, states_of
from ..access.planning import check_purpose
from ..core.access_requests import Requests, progress_of
from ..core.entries import check_addresses, entries_of
from ..core.guardrails import LimitExceeded, ProtectedUsers, check_removals, check_share
from ..core.lookup import Resolver, Row, folded_email, label, labelled
from ..core.people import acting_user
from ..core.plan import ApplyResult, NotApplied, Plan, StepStatus
from ..core.plan_header import plan_header
from ..core.tenant import Tenant
from ..core.timestamps import now
from ..core.wait import PAUSES, Wait, WaitTimedOut, check_timeout
from .footprint import Footprint, Holdings, StableFootprints, read_holdings, read_until_stable
from .leaver_report import Outcome, Proofs, SomethingLeft, left_after, outcome_of, plan_lines, predicted, to_remove
from .people_result import people_result, remark_of


@dataclass(frozen=True)
class LeavingPerson:
    """A person who leaves, with the purpose of the requests, and other accounts with the same address."""

    user: Row
    purpose: str
    others: list[Row]


def plan_leavers(params: Mapping[str, Any], tenant: Tenant) -> Plan:
    """Return the plan for the people of a task of C(cakewalk_leaver).

    :raises CakewalkError: something must not happen, or cannot be meant. Nothing was changed.
    """
    check_timeout(params["wait_timeout"])
    leavers, actor = leavers_of(params, tenant)
    tenant.warnings += list(_warnings(leavers))
    holdings = read_holdings(tenant, [leaver.user for leaver in leavers], params["retry_declined"])
    run = _Offboarding(params, tenant, leavers, actor, holdings)
    run.check_guardrails()
    return run.end_memberships()


def leavers_of(params: Mapping[str, Any], tenant: Tenant) -> tuple[list[LeavingPerson], Row]:
    """Return the people who leave, and the acting user.

    :raises LookupFailed: one of them, or a protected person, does not exist or is ambiguous.
    :raises ConfigurationError: an address is not confirmed, a person is named twice, or the acting user may not act.
    :raises LimitExceeded: one of them is protected.
    """
    entries = entries_of(params, "people", "user")
    check_addresses([entry["user"] for entry in entries], "user")
    if not entries:
        raise ConfigurationError("find the people who leave", "people is empty", "Name them.", option="people")
    actor_reference = [params["acting_user"]] if params["acting_user"] else []
    references = [*(entry["user"] for entry in entries), *params["protected_users"], *actor_reference]
    # The proof names the other accounts of an address, so a list that lacks one of them is not enough.
    directory, resolver = tenant.index(USERS, references, is_stable=True), Resolver()
    users = [resolver.find(entry["user"], directory) for entry in entries]
    protection = ProtectedUsers([*params["protected_users"], *actor_reference], [directory])
    protection.look_up(directory, resolver)
    people = tenant.people(actor_reference)
    actor = acting_user(params["acting_user"], people, tenant, resolver)
    resolver.check()
    leavers = []
    for entry, user in zip(entries, users, strict=True):
        purpose = entry["purpose"] or params["purpose"]
        check_purpose(purpose)
        if user is not None:
            others = [row for row in directory.matches(person(user)) if row["id"] != user["id"]]
            leavers.append(LeavingPerson(user, purpose, others))
    _refuse_unconfirmed([(leaver, entry["confirm"]) for leaver, entry in zip(leavers, entries, strict=True)])
    protection.refuse([leaver.user["id"] for leaver in leavers], "all groups and apps")
    return leavers, actor


def _refuse_unconfirmed(pairs: Sequence[tuple[LeavingPerson, str | None]]) -> None:
    """Raise a C(ConfigurationError) for all people who are not confirmed, or are named twice."""
    seen: set[str] = set()
    problems = []
    for leaver, confirmed in pairs:
        name = printable(person(leaver.user))
        if folded_email(confirmed or "") != folded_email(person(leaver.user)):
            wrong = f"is {printable(confirmed)!r}" if confirmed else "is not set"
            problems.append(f"`confirm` {wrong}, and must repeat {name}")
        if leaver.user["id"] in seen:
            problems.append(f"{name} is named twice")
        seen.add(leaver.user["id"])
    if problems:
        raise ConfigurationError(
            f"offboard {summarize(printable(person(leaver.user)) for leaver, _confirmed in pairs)}",
            summarize(problems, separator="; "),
            "Nothing was changed. Set `confirm` (`leaver_confirm` in the role) to the e-mail address of the person who "
            "leaves, and name each person once.",
            option="confirm",
        )


def _warnings(leavers: Iterable[LeavingPerson]) -> Iterator[str]:
    """Return a warning about other accounts with the address of each person who leaves."""
    for leaver in leavers:
        accounts = [f"{row['id']} ({printable(row.get('statusName'))})" for row in leaver.others]
        if accounts:
            yield (
                f"Other accounts have the address {printable(person(leaver.user))}, too: {summarize(accounts)}. They "
                "are not read, and nothing is taken from them."
            )


class RemovalWait(Wait):
    """Waits until the apps no longer show the access of people.

    A declined or withdrawn request ends the wait for its access only, since the proof reports it.
    """

    action = "see that all access is gone"
    pauses: Sequence[float] = PAUSES
    #: The proof reads twice afterwards.
    proves_absence = False

    def __init__(self, decisions: Sequence[AccessDecision], timeout: int, statuses: StatusTable) -> None:
        self.timeout = timeout
        self._statuses = statuses
        self._await(decisions)

    def _await(self, decisions: Sequence[AccessDecision]) -> None:
        """Read only apps that still show access to remove from now on."""
        self._decisions = decisions
        self._apps = {decision.app["id"]: decision.app for decision in decisions}
        self.sources: Sequence[Listing | Resource] = [REQUESTS, *map(accesses, self._apps.values())]

    def missing(self, found: Sequence[Any]) -> list[str]:
        """Return a line for access that is still there, with the request that should remove it."""
        requests = Requests(found[0], self._statuses)
        pairs = zip(self._apps.items(), found[1:], strict=True)
        states = {app_id: AppState(app, rows, [], requests) for (app_id, app), rows in pairs}
        remaining, lines = [], []
        for decision in self._decisions:
            about = requests.about(decision.user, decision.app)
            is_over = bool(about) and requests.class_of(about[-1]) in ("declined", "cancelled")
            if states[decision.app["id"]].held_by(decision.user) and not is_over:
                remaining.append(decision)
                lines.append(progress_of(decision.user, decision.app, about[-1] if about else None))
        self._await(remaining)
        return lines


class _Offboarding:
    """One run for all people of a task, stage by stage."""

    def __init__(
        self,
        params: Mapping[str, Any],
        tenant: Tenant,
        leavers: Sequence[LeavingPerson],
        actor: Row,
        holdings: Holdings,
    ) -> None:
        self._params = params
        self._tenant = tenant
        self._leavers = leavers
        self._users = [leaver.user for leaver in leavers]
        self._actor = actor
        self._before = holdings
        self._footprints = {user["id"].lower(): holdings.footprint_of(user) for user in self._users}
        #: The person of each step, and its group or app, by the identity of the step.
        self._user_of: dict[int, Row] = {}
        self._place_of: dict[int, Row] = {}
        #: Why a stage could not be planned.
        self._problems: list[CakewalkError] = []
        others = {leaver.user["id"].lower(): leaver.others for leaver in leavers}
        self._proofs = Proofs(params, person(actor), others, self._user_of, tenant.scrubbed)
        self._proofs.before(self._users, self._footprints, holdings)
        #: The ids of the apps about whose owners a warning was given.
        self._warned_of: set[str] = set()
        self._warn_of_unseen_owners(self._footprints.values())

    def check_guardrails(self) -> None:
        """Raise C(LimitExceeded) before the first write of a run if there are too many removals."""
        self._check_limits(
            (str(entry["name"]), person(user))
            for user in self._users
            for entries in (
                [group for group in self._of(user).groups if not group["synced"]],
                [access for access in self._of(user).accesses if access["to_request"]],
            )
            for entry in entries
        )

    def _check_limits(self, removals: Iterable[tuple[str, str]]) -> None:
        removals = list(removals)
        check_removals(removals, self._params["max_removals"], authoritative=False)
        check_share(removals, self._before.read, self._params["max_removal_percent"])

    def end_memberships(self) -> Plan:
        """Return the first stage: the removal from all groups about which no other directory decides."""
        members: dict[str, tuple[Row, list[Row]]] = {}
        for user in self._users:
            synced = {group["id"] for group in self._of(user).groups if group["synced"]}
            for group in self._before.groups_of(user):
                if group["id"].lower() not in synced:
                    members.setdefault(group["id"], (group, []))[1].append(user)
        steps: list[Step] = []
        for group, users in members.values():
            for user, step in zip(users, remove_members(group, users), strict=True):
                steps.append(self._step(step, user, group))
        names = labelled(members.values(), lambda pair: pair[0])
        return Plan(
            before={f"Members of {name}": list(map(person, users)) for name, (_group, users) in names.items()},
            after={},
            steps=tuple(steps),
            result={"plan": [*plan_header(self._params), *self._lines()]},
            carries_on=True,
            then=self.request_removals,
            file=self._proofs,
        )

    def request_removals(self, applied: ApplyResult) -> Plan:
        """Return the second stage: requests for the removal of all access, and the wait for it.

        The requests are read again after the groups, so that those which followed from the groups are not opened twice.
        """
        holdings = self._before
        if applied.having(StepStatus.DONE, StepStatus.ALREADY):
            self._tenant.forget([REQUESTS])
        if not applied.is_dry_run:
            try:
                # A removal that is not listed would be requested twice.
                (requests,) = self._tenant.read_stable([REQUESTS])
                time = self._tenant.time_or_none()
                holdings = holdings.with_requests(requests, Requests(requests, self._tenant.request_statuses, time))
            except CakewalkError as error:
                self._problems.append(error)
                return Plan(then=self.prove)
        steps: list[Step] = []
        decisions: list[AccessDecision] = []
        for leaver in self._leavers:
            for decision in holdings.removals_of(leaver.user):
                decisions.append(decision)
                if decision.step:
                    app_state = decision.app_state
                    before = app_state.requests.ids
                    step = request_removal(app_state.app, leaver.user, self._actor, leaver.purpose, before)
                    steps.append(self._step(step, leaver.user, app_state.app))
        try:
            # More requests may be needed by now than before the first write.
            self._check_limits(
                (label(self._place_of[id(step)]), person(self._user_of[id(step)]))
                for step in [*(result.step for result in applied.steps), *steps]
            )
        except LimitExceeded as error:
            hint = "No request was opened. Run again, which reads everything again."
            self._problems.append(error.restated(error.cause, hint))
            return Plan(then=self.prove)
        awaited = [decision for decision in decisions if decision.outcome == REMOVING]
        wait = RemovalWait(awaited, self._params["wait_timeout"], self._tenant.request_statuses)
        return Plan(
            *states_of(decisions),
            tuple(steps),
            carries_on=True,
            wait=wait if awaited and self._params["wait_timeout"] else None,
            then=self.prove,
        )

    def prove(self, applied: ApplyResult) -> Plan:
        """Return the last stage: a second look at everything, or in a dry run what it would show."""
        if applied.is_dry_run:
            left = {user["id"].lower(): predicted(self._of(user)) for user in self._users}
            return self._conclusion(applied, left, self._before.looked_until)
        first = None if applied.steps else self._before
        try:
            after = read_until_stable(self._tenant, self._users, self._params["retry_declined"], first)
        except CakewalkError as error:
            # What ended the wait matters only if the proof does not say what is left.
            self._problems += [problem for problem in applied.problems if not isinstance(problem, WaitTimedOut)]
            self._problems.append(error)
            return self._conclusion(applied, {}, now())
        self._settle(applied, after)
        self._warn_of_unseen_owners(after.footprints.values())
        left = {
            user_id: left_after(footprint_after)
            for user_id, footprint_after in after.footprints.items()
            if user_id not in after.unstable
        }
        self._name_approvers(left, after.holdings)
        self._proofs.after(after)
        return self._conclusion(applied, left, after.holdings.looked_until)

    def _conclusion(self, applied: ApplyResult, left: Mapping[str, Outcome], listed_at: str) -> Plan:
        """Return the last plan: the result for each person, and the error if something is left."""
        people = []
        for leaver in self._leavers:
            user = leaver.user
            results = [result for result in applied.steps if self._user_of.get(id(result.step)) is user]
            failed = [str(result.error) for result in results if result.status is StepStatus.FAILED]
            errors = failed + [str(problem) for problem in self._problems]
            outcome = left.get(user["id"].lower())
            footprint_after = self._proofs.footprint_of(user) or self._of(user)
            people.append(outcome_of(user, outcome, footprint_after, errors, leaver.others))
        proofs = {} if applied.is_dry_run else self._proofs.conclude(people, applied)
        listed = "".join(f"{digest}  {PurePath(path).name}\n" for path, digest in sorted(proofs.items()))
        published = {"proof_dir": self._params["proof_dir"]}
        published |= {"proofs_sha256": hashlib.sha256(listed.encode()).hexdigest()} if proofs else {}
        facts = {
            **people_result("leaver", people, ("waiting", "by_hand", "tasks", "unseen_ownerships"), published),
            "listed_at": listed_at,
            "proofs": [{"path": path, "sha256": digest} for path, digest in proofs.items()],
        }
        error = SomethingLeft.of(people, listed_at) if not applied.is_dry_run else None
        is_failure = error is not None and (self._params["fail_on_left"] or any(entry["errors"] for entry in people))
        return Plan(
            result=facts,
            unmet=error if is_failure else None,
            remark=lambda applied: remark_of(people, applied.is_dry_run),
        )

    def _warn_of_unseen_owners(self, footprints: Iterable[Footprint]) -> None:
        """Warn about apps that people may own, since the lists do not show it; about each app once."""
        apps = {app["id"]: app for footprint in footprints for app in footprint.unseen_ownerships}
        names = [repr(printable(app["name"], 80)) for app_id, app in apps.items() if app_id not in self._warned_of]
        self._warned_of |= apps.keys()
        if names:
            self._tenant.warnings.append(
                f"It is not shown who owns {pluralize(len(names), 'app', 'apps')}: {summarize(names)}. People who "
                "leave may own them. Look in Cakewalk, and name another owner where somebody who leaves is one."
            )

    def _settle(self, applied: ApplyResult, after: StableFootprints) -> None:
        """Count steps that were sent as settled if the goal is reached by now, as by a removal upstream."""
        for result in applied.having(StepStatus.FAILED, StepStatus.DONE):
            user_id = self._user_of[id(result.step)]["id"].lower()
            is_sent = result.error is None or isinstance(result.error, (ApiError, OutcomeUnknown, NotApplied))
            is_over = self._place_of[id(result.step)]["id"].lower() not in to_remove(after.footprints[user_id])
            if is_sent and is_over and user_id not in after.unstable:
                result.status = StepStatus.ALREADY if isinstance(result.error, ApiError) else StepStatus.DONE
                result.error, result.is_verified = None, True

    def _name_approvers(self, left: Mapping[str, Outcome], holdings: Holdings) -> None:
        """Add the people who must decide to the entries of removals that wait for approval."""
        waiting = [entry for outcome in left.values() for entry in outcome.waiting if entry["request_id"]]
        app_ids = {str(entry["id"]).lower() for entry in waiting}
        apps = [app_state.app for app_state in holdings.apps if app_state.app["id"].lower() in app_ids]
        users = [user for user in self._users if left.get(user["id"].lower()) and left[user["id"].lower()].waiting]
        found = approvers(self._tenant, {str(entry["request_id"]).lower() for entry in waiting}, users, apps)
        for entry in waiting:
            entry["waits_for"] = found.get(str(entry["request_id"]).lower(), [])

    def _step(self, step: Step, user: Row, place: Row) -> Step:
        """Note the person and the group or app of a step, and return the step."""
        self._user_of[id(step)], self._place_of[id(step)] = user, place
        return step

    def _of(self, user: Row) -> Footprint:
        return self._footprints[user["id"].lower()]

    def _lines(self) -> list[str]:
        """Return the footprints for people, and purposes that are not that of the task."""
        lines = []
        for leaver in self._leavers:
            lines += plan_lines(leaver.user, self._of(leaver.user))
            if leaver.purpose != self._params["purpose"]:
                lines.append(printable(f"{person(leaver.user)}: purpose {leaver.purpose!r}"))
        return lines
