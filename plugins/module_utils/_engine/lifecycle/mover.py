# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Movers: add people to new groups, wait for the access that these give, and only then end the old memberships."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..._api.catalog import REQUESTS, USERS, is_synced, members, person
from ..._api.errors import CakewalkError
from ..._api.operations import Listing, Step
from ..._api.text import printable, summarize
from ..._api.writes import add_members
from ..access.approvers import approvers
from ..core.access_requests import Requests
from ..core.guardrails import check_share
from ..core.lookup import Index, Row, ids_of
from ..core.message import counted
from ..core.plan import ApplyResult, Plan, StepStatus
from ..core.plan_header import plan_header
from ..core.tenant import Tenant
from ..core.wait import WaitTimedOut
from ..groups.membership import (
    MembershipChange,
    not_members,
    plan_memberships,
    read_count,
    read_default_apps,
    refuse_groups,
    removals_of,
    states_of,
)
from .moves import AccessDelta, Move, check_options, completed, memberships, moves_of
from .new_access import Entry, NewAccess, line_of
from .people_result import named_rows, people_result, person_result, remark_of

#: Refusals of a request for several people that may concern only some of them.
_BATCH_REFUSALS = frozenset({400, 403, 404, 409, 413, 422})
#: The lists of what is missing, in the result for a person.
_LISTS = ("waiting", "by_hand")


class MoveIncomplete(CakewalkError):
    """People who are not in all their new groups, or still in old groups."""

    kind = "incomplete"

    @classmethod
    def of(cls, people: Sequence[Entry]) -> MoveIncomplete | None:
        """Return the error about people whose move is incomplete; C(None) without any."""
        incomplete = [entry for entry in people if not entry["complete"]]
        if not incomplete:
            return None
        missing = {
            name: [line_of(entry["user"], row) for entry in incomplete for row in entry[name]] for name in _LISTS
        }
        errors = dict.fromkeys(message.rstrip(".") for entry in incomplete for message in entry["errors"])
        return cls(
            f"move {summarize(printable(person(entry['user'])) for entry in incomplete)}",
            summarize([*missing["waiting"], *missing["by_hand"], *errors], separator="; "),
            "People stay in their old groups until the access of the new ones is listed. 'people' says what to do. Run "
            "again then: a run continues where this one stopped.",
            **{name: len(lines) for name, lines in missing.items()},
            failed=sum(bool(entry["errors"]) for entry in incomplete),
        )


def plan_moves(params: Mapping[str, Any], tenant: Tenant) -> Plan:
    """Return the plan for the people of a task of C(cakewalk_mover).

    :raises CakewalkError: something must not happen, or cannot be meant. Nothing was changed.
    """
    check_options(params)
    moves, actor = moves_of(params, tenant)
    # From here on everybody is named by id, so that a rename in the middle changes nothing.
    options = {**params, "acting_user": actor["id"] or None, "allow_inactive": False}
    changes, _actor, warnings = plan_memberships(memberships(moves), options, tenant)
    refuse_synced(changes)
    check_share(removals_of(changes), read_count(changes), params["max_removal_percent"])
    # The result shows groups that the person left before; a warning would appear in every second run.
    tenant.warnings += [warning for warning in warnings if warning not in not_members(changes)]
    apps = read_default_apps(changes, tenant)
    return _Moving(options, tenant, completed(moves, changes, apps, tenant), actor, changes, apps).join()


def refuse_synced(changes: Iterable[MembershipChange]) -> None:
    """Raise C(LimitExceeded) if a person would be removed from a group whose record shows that it is synced."""
    refuse_groups(
        [change.group for change in changes if change.removed and is_synced(change.group)],
        "remove people from",
        "another directory decides who is a member of a synced group",
        "Take the person out there",
    )


class _Moving:
    """One run for all people of a task, stage by stage; what a stage needs is the success of the stage before it."""

    def __init__(
        self,
        params: Mapping[str, Any],
        tenant: Tenant,
        moves: Sequence[Move],
        actor: Row,
        changes: Sequence[MembershipChange],
        apps: Mapping[str, Sequence[Row]],
    ) -> None:
        self._params = params
        self._tenant = tenant
        self._moves = moves
        self._actor = actor
        self._changes = changes
        self._default_apps = apps
        #: The moves whose access must be listed before the person leaves a group.
        awaited = [move for move in moves if params["wait"] and move.removed and (move.added or move.delta.missing)]
        self._awaited = {move.id: move for move in awaited}
        rows = tenant.read([REQUESTS])[0] if any(move.delta.missing for move in awaited) else []
        self._requests = Requests(rows, tenant.request_statuses, tenant.time_or_none() if rows else None)
        self._wait = self._wait_for(())
        #: The ids of the people who leave their old groups.
        self._leaving: set[str] = set()
        #: Why the removals could not be planned.
        self._unplanned: CakewalkError | None = None
        #: The group and the people of each step, by the identity of the step.
        self._about: dict[int, tuple[Row, list[Row]]] = {}

    def join(self) -> Plan:
        """Return the first stage: all additions, a request for each group."""
        additions = [replace(change, removed=[]) for change in self._changes if change.added]
        steps = [self._addition(change.group, change.added) for change in additions]
        header = plan_header({**self._params, "acting_user": person(self._actor)})
        plan = [*header, *(line for move in self._moves for line in move.lines())]
        bypass = {"bypassed_approval": self._params["implicitly_approve_requests"]} if steps else {}
        if bypass.get("bypassed_approval"):
            bypass["bypass_reason"] = self._params["bypass_reason"]
        return Plan(
            *states_of(additions, self._default_apps, self._params["implicitly_approve_requests"]),
            tuple(steps),
            {"plan": plan, **bypass},
            carries_on=True,
            then=self.join_individually,
        )

    def join_individually(self, applied: ApplyResult) -> Plan:
        """Return the stage that repeats refused additions of several people, person by person."""
        refused = [self._about[id(result.step)] for result in applied.having(StepStatus.REFUSED)]
        steps = [self._addition(group, [user]) for group, users in refused for user in users]
        return (
            Plan(steps=tuple(steps), carries_on=True, then=self.await_access) if steps else self.await_access(applied)
        )

    def await_access(self, applied: ApplyResult) -> Plan:
        """Return the stage that waits for the access of everybody who is in all new groups."""
        done = self._done(applied)
        awaited = [move for move in self._awaited.values() if _is_in_all(move, done)]
        self._wait = self._wait_for(awaited)
        if applied.is_dry_run:
            self._wait.foresee(self._requests)
        if applied.is_dry_run or not awaited:
            return self.leave(applied)
        return Plan(wait=self._wait, carries_on=True, then=self.leave)

    def leave(self, applied: ApplyResult) -> Plan:
        """Return the stage that removes people from their old groups, from fresh reads, if their access is there."""
        done = self._done(applied)
        leaving = [
            move
            for move in self._moves
            if move.removed
            and _is_in_all(move, done)
            and (move.id not in self._awaited or move.id in self._wait.arrived)
        ]
        self._leaving = {move.id for move in leaving}
        try:
            if not applied.is_dry_run:
                leaving = self._still_there(leaving)
                self._leaving = {move.id for move in leaving}
            changes = self._predicted_removals() if applied.is_dry_run else self._removals(leaving)
        except CakewalkError as error:
            self._unplanned, changes = error, []
        steps = [
            self._noted(step, change.group, [user])
            for change in changes
            for user, step in zip(change.removed, change.steps(None, approve=False), strict=True)
        ]
        return Plan(
            *states_of(changes, {}, approves=False),
            tuple(steps),
            carries_on=True,
            then=self.conclude,
        )

    def conclude(self, applied: ApplyResult) -> Plan:
        """Return the last plan: the result for each person, and the error if somebody did not move."""
        done, errors = self._done(applied), self._errors(applied)
        people = [self._outcome(move, done, errors.get(move.id, []), applied.is_dry_run) for move in self._moves]
        self._name_approvers(people)
        if applied.is_dry_run:
            self._tenant.warnings += _predictions(people)
        error = None if applied.is_dry_run else MoveIncomplete.of(people)
        facts = {"record_path": self._params["journal_path"]}
        lists = ("joined", "left", "waiting", "by_hand")
        result = people_result("mover", people, lists, facts)
        return Plan(result=result, unmet=error, remark=lambda applied: _remark(people, applied.is_dry_run))

    def _still_there(self, moves: Sequence[Move]) -> list[Move]:
        """Return the moves of people who are still in all new groups, and have their access.

        :raises CakewalkError: that cannot be read.
        """
        if not moves:
            return []
        # Without a wait, only the memberships count.
        nothing = AccessDelta([], [], [], [], [])
        look = self._wait_for(moves if self._params["wait"] else [replace(move, delta=nothing) for move in moves])
        self._tenant.forget(source for source in look.sources if isinstance(source, Listing))
        if look.missing(self._tenant.read(look.sources)):
            look.missing(self._tenant.read_stable(source for source in look.sources if isinstance(source, Listing)))
        staying = []
        for move in moves:
            if look.waiting[move.id] or look.by_hand[move.id]:
                staying.append(move)
                self._wait.waiting[move.id], self._wait.by_hand[move.id] = look.waiting[move.id], look.by_hand[move.id]
        return [move for move in moves if move not in staying]

    def _removals(self, moves: Sequence[Move]) -> list[MembershipChange]:
        """Return the removals from the old groups, from fresh reads.

        :raises CakewalkError: they cannot be read, or a guardrail forbids them by now.
        """
        if not moves:
            return []
        entries = memberships(replace(move, joins=[]) for move in moves)
        self._tenant.forget(members(group) for move in moves for group in move.leaves)
        changes, _actor, _warnings = plan_memberships(entries, self._params, self._tenant)
        refuse_synced(changes)
        check_share(removals_of(changes), read_count(self._changes), self._params["max_removal_percent"])
        return changes

    def _predicted_removals(self) -> list[MembershipChange]:
        """Return the removals as they were planned before the first write, after the additions."""
        return [
            replace(
                change,
                members=Index(USERS, [*change.members.by_id.values(), *change.added]),
                added=[],
                removed=[user for user in change.removed if user["id"].lower() in self._leaving],
            )
            for change in self._changes
            if self._leaving & ids_of(change.removed)
        ]

    def _outcome(self, move: Move, done: Collection[tuple[str, str]], errors: list[str], is_dry_run: bool) -> Entry:
        """Return the entry of a person in the result."""
        waiting, by_hand = self._wait.waiting.get(move.id, []), self._wait.by_hand.get(move.id, [])
        stays = bool(move.removed) and move.id not in self._leaving
        is_done = _is_in_all(move, done) and not stays and not by_hand and not errors
        return {
            "user": person_result(move.user),
            "complete": is_done and (is_dry_run or not waiting),
            "joined": named_rows(group for group in move.added if _key(group, move.user) in done),
            "left": named_rows(group for group in move.removed if _key(group, move.user) in done),
            **move.delta.as_result(),
            "waiting": waiting,
            "by_hand": by_hand,
            "errors": errors,
        }

    def _errors(self, applied: ApplyResult) -> dict[str, list[str]]:
        """Return why something that the run had to do is not done, by the id of the person."""
        errors: dict[str, list[str]] = {}
        for result in [] if applied.is_dry_run else applied.having(StepStatus.FAILED, StepStatus.PENDING):
            message = str(result.error) if result.error else f"Not tried: {result.step.action}."
            for user in self._about[id(result.step)][1]:
                errors.setdefault(user["id"].lower(), []).append(message)
        problems = [str(problem) for problem in applied.problems if not isinstance(problem, WaitTimedOut)]
        for user_id in self._wait.remaining:
            errors.setdefault(user_id, []).extend(problems)
        for user_id in self._leaving if self._unplanned else ():
            errors.setdefault(user_id, []).append(str(self._unplanned))
        return errors

    def _name_approvers(self, people: Iterable[Entry]) -> None:
        """Add the people who must decide to the entries of requests that wait for a decision."""
        pairs = [(entry["user"], waiting) for entry in people for waiting in entry["waiting"] if waiting["request_id"]]
        users = {user["id"]: user for user, _waiting in pairs}
        apps = {waiting["id"]: waiting for _user, waiting in pairs}
        requests = {str(waiting["request_id"]).lower() for _user, waiting in pairs}
        found = approvers(self._tenant, requests, users.values(), apps.values())
        for _user, waiting in pairs:
            waiting["waits_for"] = found.get(str(waiting["request_id"]).lower(), [])

    def _done(self, applied: ApplyResult) -> set[tuple[str, str]]:
        """Return the ids of group and person of each membership that was added or ended, in a dry run of all."""
        results = applied.steps if applied.is_dry_run else applied.having(StepStatus.DONE, StepStatus.ALREADY)
        pairs = [self._about[id(result.step)] for result in results]
        return {_key(group, user) for group, users in pairs for user in users}

    def _wait_for(self, moves: Sequence[Move]) -> NewAccess:
        time = self._tenant.time_or_none() if moves else None
        return NewAccess(moves, self._requests.ids, self._params["wait_timeout"], self._tenant.request_statuses, time)

    def _addition(self, group: Row, users: list[Row]) -> Step:
        step = add_members(group, users, self._actor, self._params["implicitly_approve_requests"])
        # A refusal of several people may concern only some of them.
        return self._noted(replace(step, ignored_statuses=_BATCH_REFUSALS) if len(users) > 1 else step, group, users)

    def _noted(self, step: Step, group: Row, users: list[Row]) -> Step:
        """Note the group and the people of a step, and return the step."""
        self._about[id(step)] = group, users
        return step


def _predictions(people: Iterable[Entry]) -> Iterator[str]:
    """Return what a dry run assumes to be granted, and why people would stay, as warnings."""
    assumed = [
        f"{printable(person(entry['user']))} to {printable(waiting['name'])!r}"
        for entry in people
        for waiting in _awaited_by(entry)
    ]
    if assumed:
        yield f"Check mode assumes that this is granted: {summarize(assumed)}."
    missing = [line_of(entry["user"], row) for entry in people for row in entry["by_hand"]]
    if missing:
        yield (
            f"This would keep people in their old groups: {summarize(missing, separator='; ')}. 'people' says what to "
            "do."
        )


def _awaited_by(entry: Entry) -> list[Entry]:
    """Return the access on which it depends whether a person leaves old groups; nothing for somebody who stays."""
    return [] if entry["by_hand"] else entry["waiting"]


def _remark(people: Sequence[Entry], is_dry_run: bool) -> str:
    """Return what people wait for, and in a dry run that removals follow only if it is granted, as a clause."""
    apps = {entry["id"]: entry["name"] for row in people for entry in _awaited_by(row)} if is_dry_run else {}
    follows = f"; removals from old groups wait for access to {counted('apps', apps)}"
    return remark_of(people, is_dry_run) + (follows if apps else "")


def _is_in_all(move: Move, done: Collection[tuple[str, str]]) -> bool:
    """Return whether a person is in all new groups, by the memberships that were added."""
    return all(_key(group, move.user) in done for group in move.added)


def _key(group: Row, user: Row) -> tuple[str, str]:
    return group["id"].lower(), user["id"].lower()
