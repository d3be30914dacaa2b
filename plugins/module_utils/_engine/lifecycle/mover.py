# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Movers: add people to new groups, wait for the access that these give, and only then end the old memberships."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Any

from ..._api.catalog import (
    GROUPS,
    REQUESTS,
    USERS,
    StatusTable,
    accesses,
    is_synced,
    members,
    named,
    person,
)
from ..._api.errors import CakewalkError, ConfigurationError
from ..._api.operations import Listing, Resource, Step
from ..._api.text import printable, summarize
from ..._api.writes import add_members
from ..access.approvers import approvers, by_approvers
from ..core.access_requests import CHANGE, GRANT, Requests, of_type
from ..core.entries import check_addresses, entries_of
from ..core.guardrails import check_bypass, check_share
from ..core.lookup import Index, Resolver, Row, ids_of, label
from ..core.message import counted
from ..core.people import acting_user
from ..core.plan import ApplyResult, Plan, StepStatus
from ..core.plan_header import plan_header
from ..core.tenant import Tenant
from ..core.wait import PAUSES, Wait, WaitTimedOut, check_timeout
from ..groups.membership import (
    MembershipChange,
    MembershipEntry,
    not_members,
    plan_memberships,
    read_count,
    read_default_apps,
    refuse_groups,
    removals_of,
    states_of,
)
from .people_result import people_result, person_result, remark_of

Entry = dict[str, Any]

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
        missing = {name: [_line(entry["user"], row) for entry in incomplete for row in entry[name]] for name in _LISTS}
        errors = dict.fromkeys(message.rstrip(".") for entry in incomplete for message in entry["errors"])
        return cls(
            f"move {summarize(printable(person(entry['user'])) for entry in incomplete)}",
            summarize([*missing["waiting"], *missing["by_hand"], *errors], separator="; "),
            "People stay in their old groups until the access of the new ones is listed. 'people' says what to do. Run "
            "again then: a run continues where this one stopped.",
            **{name: len(lines) for name, lines in missing.items()},
            failed=sum(bool(entry["errors"]) for entry in incomplete),
        )


@dataclass(frozen=True)
class AccessDelta:
    """Apps that a move affects.

    :param gains: only the new groups give the app, and the person has no access to it.
    :param keeps: old and new groups give the app.
    :param may_lose: only the old groups give the app, and the person has access to it.
    :param required: the new groups give the app, whether the person has access to it or not.
    :param missing: required apps to which the person has no access.
    """

    gains: list[Row]
    keeps: list[Row]
    may_lose: list[Row]
    required: list[Row]
    missing: list[Row]

    def as_result(self) -> Entry:
        """Return the apps as modules return them, by id and name."""
        lists = {"gains": self.gains, "keeps": self.keeps, "may_lose": self.may_lose, "required": self.required}
        return {name: _listed(apps) for name, apps in lists.items()}


def access_delta(
    user: Row, joined: Iterable[Row], left: Iterable[Row], holders: Mapping[str, Collection[str]]
) -> AccessDelta:
    """Return the access that a move changes.

    :param joined: default apps of the groups to join.
    :param left: default apps of the groups to leave.
    :param holders: the ids of the people with access to each of these apps, by the id of the app, all in lower case.
    """
    new, old = ({app["id"].lower(): app for app in apps} for apps in (joined, left))
    held = {app_id for app_id in {**new, **old} if user["id"].lower() in holders[app_id]}
    return AccessDelta(
        gains=[new[app_id] for app_id in sorted(new.keys() - old.keys() - held)],
        keeps=[new[app_id] for app_id in sorted(new.keys() & old.keys())],
        may_lose=[old[app_id] for app_id in sorted((old.keys() - new.keys()) & held)],
        required=[new[app_id] for app_id in sorted(new)],
        missing=[new[app_id] for app_id in sorted(new.keys() - held)],
    )


@dataclass(frozen=True)
class Move:
    """A person who moves.

    :param joins: the groups to be in afterwards.
    :param leaves: the groups not to be in afterwards.
    :param added: the groups to which the person must be added.
    :param removed: the groups from which the person must be removed.
    """

    user: Row
    joins: list[Row]
    leaves: list[Row]
    added: list[Row] = field(default_factory=list)
    removed: list[Row] = field(default_factory=list)
    delta: AccessDelta = field(default_factory=lambda: AccessDelta([], [], [], [], []))

    @property
    def id(self) -> str:
        """The id of the person, in lower case."""
        return str(self.user["id"]).lower()

    def lines(self) -> list[str]:
        """Return the move for people, a line for each group and app."""
        removed = ids_of(self.removed)
        parts = [
            *(f"joins {label(group)}" for group in self.added),
            *(f"leaves {label(group)}" for group in self.removed),
            *(f"is not a member of {label(group)}" for group in self.leaves if group["id"].lower() not in removed),
            *(f"is to gain {label(app)}" for app in self.delta.gains),
            *(f"keeps {label(app)}, which old and new groups give" for app in self.delta.keeps),
            *(f"may lose {label(app)}, which only old groups give" for app in self.delta.may_lose),
        ]
        return [printable(f"{person(self.user)}: {part}") for part in parts or ["nothing changes"]]


def plan_moves(params: Mapping[str, Any], tenant: Tenant) -> Plan:
    """Return the plan for the people of a task of C(cakewalk_mover).

    :raises CakewalkError: something must not happen, or cannot be meant. Nothing was changed.
    """
    check_options(params)
    moves, actor = moves_of(params, tenant)
    # From here on everybody is named by id, so that a rename in the middle changes nothing.
    options = {**params, "acting_user": actor["id"] or None, "allow_inactive": False}
    changes, _actor, warnings = plan_memberships(_entries(moves), options, tenant)
    refuse_synced(changes)
    check_share(removals_of(changes), read_count(changes), params["max_removal_percent"])
    # The result shows groups that the person left before; a warning would appear in every second run.
    tenant.warnings += [warning for warning in warnings if warning not in not_members(changes)]
    apps = read_default_apps(changes, tenant)
    return _Moving(options, tenant, _completed(moves, changes, apps, tenant), actor, changes, apps).join()


def check_options(params: Mapping[str, Any]) -> None:
    """Check the options of a task before anything is read.

    :raises ConfigurationError: with all problems of all people.
    """
    check_timeout(params["wait_timeout"])
    if params["implicitly_approve_requests"]:
        check_bypass("implicitly_approve_requests", params["bypass_reason"])
    if not params["journal_path"]:
        raise ConfigurationError(
            "record what is written",
            "`journal_path` is not set",
            "Set `journal_path` (`mover_record_path` in the role) to the absolute path of a file.",
            option="journal_path",
        )
    entries = entries_of(params, "people", "user")
    if not entries:
        raise ConfigurationError("find the people who move", "people is empty", "Name them.", option="people")
    check_addresses([entry["user"] for entry in entries], "user")
    problems = []
    for entry in entries:
        groups = [*_groups_of(entry, params, "joins"), *_groups_of(entry, params, "leaves")]
        if not entry["user"].strip():
            problems.append("a user is blank")
        elif not groups or not all(name.strip() for name in groups):
            problems.append(f"{printable(entry['user'])}: no group is named, or a blank one")
    if problems:
        raise ConfigurationError(
            "move people between groups",
            summarize(problems, separator="; "),
            "Name each person, and the groups to join or to leave.",
            option="joins",
        )


def moves_of(params: Mapping[str, Any], tenant: Tenant) -> tuple[list[Move], Row]:
    """Return the moves of a task, without what they change, and the acting user.

    :raises LookupFailed: people or groups do not exist or are ambiguous; with all of them.
    :raises ConfigurationError: people are named twice, or are to join and to leave a group, or the acting user may not
        act.
    """
    entries = entries_of(params, "people", "user")
    pairs = [(_groups_of(entry, params, "joins"), _groups_of(entry, params, "leaves")) for entry in entries]
    references = [*(entry["user"] for entry in entries), *filter(None, [params["acting_user"]])]
    people = tenant.people(list(dict.fromkeys(references)))
    names = list(dict.fromkeys(name for joins, leaves in pairs for name in [*joins, *leaves]))
    groups, resolver = tenant.index(GROUPS, names), Resolver()
    moves = []
    for entry, (joins, leaves) in zip(entries, pairs, strict=True):
        user = resolver.find(entry["user"], people)
        move = Move(user or {"id": ""}, resolver.find_all(joins, groups), resolver.find_all(leaves, groups))
        moves.append(move)
    actor = acting_user(params["acting_user"], people, tenant, resolver)
    problems = list(_contradictions(moves))
    if problems:
        raise ConfigurationError(
            "move people between groups",
            summarize(problems, separator="; "),
            "Nothing was changed. Name each person once, and each group in one of the lists.",
            option="people",
        )
    return moves, actor


def _contradictions(moves: Iterable[Move]) -> Iterator[str]:
    seen: set[str] = set()
    for move in moves:
        if move.id in seen:
            yield f"{printable(person(move.user))} is named twice"
        seen.add(move.id)
        both = ids_of(move.joins) & ids_of(move.leaves)
        if both:
            groups = summarize(named(group) for group in move.joins if group["id"].lower() in both)
            yield f"{printable(person(move.user))} should be a member of {groups}, and should not be one"


def _groups_of(entry: Mapping[str, Any], params: Mapping[str, Any], option: str) -> list[str]:
    return list(entry[option] if entry[option] is not None else params[option] or ())


def _entries(moves: Iterable[Move]) -> list[MembershipEntry]:
    """Return the memberships that moves want, two entries at most for a group."""
    users: dict[tuple[str, str], list[str]] = {}
    for move in moves:
        for state, groups in (("present", move.joins), ("absent", move.leaves)):
            for group in groups:
                users.setdefault((group["id"], state), []).append(move.user["id"])
    return [MembershipEntry(group_id, tuple(ids), state) for (group_id, state), ids in users.items()]


def _completed(
    moves: Iterable[Move], changes: Sequence[MembershipChange], apps: Mapping[str, Sequence[Row]], tenant: Tenant
) -> list[Move]:
    """Return moves with what they change: memberships, and access to the apps that the groups give."""
    by_id = {app["id"].lower(): app for rows in apps.values() for app in rows}
    rows_of = zip(by_id, tenant.read(map(accesses, by_id.values())), strict=True)
    holders = {app_id: ids_of(row["user"] for row in rows) for app_id, rows in rows_of}
    change_of = {change.group["id"].lower(): change for change in changes}
    completed = []
    for move in moves:
        joins, leaves = ([change_of[group["id"].lower()] for group in groups] for groups in (move.joins, move.leaves))
        joined = [app for change in joins for app in apps[change.group["id"]]]
        left = [app for change in leaves for app in apps[change.group["id"]]]
        added = [change.group for change in joins if move.id in ids_of(change.added)]
        removed = [change.group for change in leaves if move.id in ids_of(change.removed)]
        delta = access_delta(move.user, joined, left, holders)
        completed.append(replace(move, added=added, removed=removed, delta=delta))
    return completed


def refuse_synced(changes: Iterable[MembershipChange]) -> None:
    """Raise C(LimitExceeded) if a person would be removed from a group whose record shows that it is synced."""
    refuse_groups(
        [change.group for change in changes if change.removed and is_synced(change.group)],
        "remove people from",
        "another directory decides who is a member of a synced group",
        "Take the person out there",
    )


def missing_access(
    move: Move, apps: Iterable[Row], requests: Requests, before: Collection[str]
) -> tuple[list[Entry], list[Entry], bool]:
    """Return the access that a person waits for, the access that somebody must see to, and whether waiting is over.

    A declined or cancelled request ends the wait. If the person is added to a group, a request from before decides
    nothing, because an addition opens new requests.

    :param apps: required apps to which the person has no access.
    :param before: the ids of the requests from before the first write, in lower case.
    """
    waiting: list[Entry] = []
    by_hand: list[Entry] = []
    is_over = False
    for app in apps:
        newest = next(iter(of_type(requests.about(move.user, app), (GRANT, CHANGE))[-1:]), None)
        status = requests.class_of(newest) if newest else None
        is_older = newest is not None and str(newest["id"]).lower() in before
        is_decided = status in ("declined", "cancelled") and not (is_older and move.added)
        is_unrequested = newest is None and not move.added
        why = f"the request is {printable(newest.get('requestStatus'))}" if newest else "no request is listed"
        if is_decided:
            action = "Ask the people who decided it, or request the access again, and run again."
        elif is_unrequested:
            action = "Request the access, for example with `cakewalk_app_access`, and run again."
        elif status == "granted":
            action = "Run again in a while: the request is approved, and the access is not listed yet."
        else:
            action = "Have the request decided and carried out, and run again."
        entry = {
            **_entry("access", app, why, action),
            "request_id": newest["id"] if newest else None,
            "request_status": newest.get("requestStatus") if newest else None,
            "since": newest.get("createdAt") if newest else None,
        }
        (by_hand if is_decided or is_unrequested else waiting).append(entry)
        is_over = is_over or is_decided
    return waiting, by_hand, is_over


class NewAccess(Wait):
    """Waits until people are listed in all their new groups, with access to all apps that these give.

    Access counts at any level, because the API does not show which level a group gives. What a person still waits for,
    and what somebody must see to, is in C(waiting) and C(by_hand), by the id of the person.

    :param moves: the moves to wait for.
    :param before: the ids of the requests from before the first write, in lower case.
    """

    action = "see the new access"
    pauses: Sequence[float] = PAUSES
    proves_absence = False

    def __init__(self, moves: Iterable[Move], before: Collection[str], timeout: int, statuses: StatusTable) -> None:
        self.timeout = timeout
        self.arrived: set[str] = set()
        self.waiting: dict[str, list[Entry]] = {}
        self.by_hand: dict[str, list[Entry]] = {}
        self._before = before
        self._statuses = statuses
        self._await(list(moves))

    @property
    def remaining(self) -> set[str]:
        """The ids of the people whose access neither came nor was refused."""
        return {move.id for move in self._moves}

    def _await(self, moves: Sequence[Move]) -> None:
        """Read only lists that concern these moves from now on."""
        self._moves = moves
        self._groups = {group["id"].lower(): group for move in moves for group in move.joins}
        self._apps = {app["id"].lower(): app for move in moves for app in move.delta.required}
        self.sources: Sequence[Listing | Resource] = [
            REQUESTS,
            *map(members, self._groups.values()),
            *map(accesses, self._apps.values()),
        ]

    def missing(self, found: Sequence[Any]) -> list[str]:
        """Return a line for each group and app that is missing, with the request that should bring access."""
        requests = Requests(found[0], self._statuses, datetime.now(timezone.utc))
        member_rows, access_rows = found[1 : 1 + len(self._groups)], found[1 + len(self._groups) :]
        member_ids = {key: ids_of(rows) for key, rows in zip(self._groups, member_rows, strict=True)}
        pairs = zip(self._apps, access_rows, strict=True)
        holders = {key: ids_of(row["user"] for row in rows) for key, rows in pairs}
        remaining, lines = [], []
        for move in self._moves:
            groups = [group for group in move.joins if move.id not in member_ids[group["id"].lower()]]
            apps = [app for app in move.delta.required if move.id not in holders[app["id"].lower()]]
            waiting, by_hand, is_over = missing_access(move, apps, requests, self._before)
            waiting += [_entry("membership", group, "it is not listed", "Run again in a while.") for group in groups]
            self.waiting[move.id], self.by_hand[move.id] = waiting, by_hand
            if not waiting and not by_hand:
                self.arrived.add(move.id)
            elif not is_over:
                remaining.append(move)
                lines += [_line(move.user, entry) for entry in [*waiting, *by_hand]]
        self._await(remaining)
        return lines


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
        self._requests = Requests(rows, tenant.request_statuses, datetime.now(timezone.utc))
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
            and (applied.is_dry_run or move.id not in self._awaited or move.id in self._wait.arrived)
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
            assumed = [
                f"{printable(person(entry['user']))} to {printable(waiting['name'])!r}"
                for entry in people
                for waiting in entry["waiting"]
            ]
            self._tenant.warnings += (
                [f"Check mode assumes that this is granted: {summarize(assumed)}."] if assumed else []
            )
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
        entries = _entries(replace(move, joins=[]) for move in moves)
        self._tenant.forget(members(group) for move in moves for group in move.leaves)
        changes, _actor, _warnings = plan_memberships(entries, self._params, self._tenant)
        refuse_synced(changes)
        check_share(removals_of(changes), read_count(self._changes), self._params["max_removal_percent"])
        return changes

    def _predicted_removals(self) -> list[MembershipChange]:
        """Return the removals as they were planned before the first write, after the additions."""
        return [
            replace(change, members=Index(USERS, [*change.members.by_id.values(), *change.added]), added=[])
            for change in self._changes
            if change.removed
        ]

    def _outcome(self, move: Move, done: Collection[tuple[str, str]], errors: list[str], is_dry_run: bool) -> Entry:
        """Return the entry of a person in the result."""
        waiting, by_hand = self._wait.waiting.get(move.id, []), self._wait.by_hand.get(move.id, [])
        if is_dry_run and move.id in self._awaited:
            waiting, by_hand, _is_over = missing_access(move, move.delta.missing, self._requests, self._requests.ids)
        stays = bool(move.removed) and move.id not in self._leaving
        is_done = _is_in_all(move, done) and not stays and not by_hand and not errors
        return {
            "user": person_result(move.user),
            "complete": is_done and (is_dry_run or not waiting),
            "joined": _listed(group for group in move.added if _key(group, move.user) in done),
            "left": _listed(group for group in move.removed if _key(group, move.user) in done),
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

    def _wait_for(self, moves: Iterable[Move]) -> NewAccess:
        return NewAccess(moves, self._requests.ids, self._params["wait_timeout"], self._tenant.request_statuses)

    def _addition(self, group: Row, users: list[Row]) -> Step:
        step = add_members(group, users, self._actor, self._params["implicitly_approve_requests"])
        # A refusal of several people may concern only some of them.
        return self._noted(replace(step, ignored_statuses=_BATCH_REFUSALS) if len(users) > 1 else step, group, users)

    def _noted(self, step: Step, group: Row, users: list[Row]) -> Step:
        """Note the group and the people of a step, and return the step."""
        self._about[id(step)] = group, users
        return step


def _remark(people: Sequence[Entry], is_dry_run: bool) -> str:
    """Return what people wait for, and in a dry run that removals follow only if it is granted, as a clause."""
    apps = {entry["id"]: entry["name"] for row in people for entry in row["waiting"]} if is_dry_run else {}
    follows = f"; removals from old groups wait for access to {counted('apps', apps)}"
    return remark_of(people, is_dry_run) + (follows if apps else "")


def _is_in_all(move: Move, done: Collection[tuple[str, str]]) -> bool:
    """Return whether a person is in all new groups, by the memberships that were added."""
    return all(_key(group, move.user) in done for group in move.added)


def _key(group: Row, user: Row) -> tuple[str, str]:
    return group["id"].lower(), user["id"].lower()


def _entry(what: str, row: Row, why: str, action: str) -> Entry:
    return {
        "what": what,
        "name": label(row),
        "id": row["id"],
        "request_id": None,
        "request_status": None,
        "since": None,
        "why": why,
        "waits_for": [],
        "do": action,
    }


def _line(user: Row, entry: Entry) -> str:
    """Return what a person waits for, for messages."""
    whose, what = printable(person(user)), "the group" if entry["what"] == "membership" else "access to"
    why = printable(entry["why"])
    if entry["request_id"]:
        since = f" since {printable(entry['since'])}" if entry["since"] else ""
        by = f" and waits for approval{by_approvers(entry['waits_for'])}" if entry["waits_for"] else ""
        why = f"{why}{since}{by} (request {printable(entry['request_id'])})"
    return f"{what} {printable(entry['name'])!r} for {whose}: {why}"


def _listed(rows: Iterable[Row]) -> list[Entry]:
    return [{"id": row["id"], "name": label(row)} for row in rows]
