# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is to be in which group: set arithmetic over people, without a single request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..._api.catalog import GROUPS, USERS, UserStatuses, is_dynamic, members, named
from ..._api.errors import ConfigurationError
from ..._api.text import printable, summarize
from ..core.entries import entries_of
from ..core.guardrails import LimitExceeded, ProtectedUsers, check_bypass, check_removals, refuse_self_approval
from ..core.lookup import Index, Resolver, Row, ids_of, is_uuid, label, labelled, person
from ..core.people import acting_user, check_receivers
from ..core.tenant import Tenant


@dataclass(frozen=True)
class MembershipEntry:
    """What one entry of a task says of one group: C(state) is present, absent or exact."""

    group: str
    users: tuple[str, ...]
    state: str


@dataclass(frozen=True)
class DesiredMembers:
    """All that a task says of one group, with people as they were written."""

    group: Row
    add: tuple[str, ...]
    remove: tuple[str, ...]
    exact: bool


@dataclass(frozen=True)
class MembershipChange:
    """What changes in one group; C(roster) holds its members as they were read."""

    group: Row
    roster: Index
    added: list[Row]
    removed: list[Row]
    kept: list[Row]
    not_members: list[str]

    @property
    def changed(self) -> bool:
        """Whether anybody is added or removed."""
        return bool(self.added or self.removed)

    def before(self) -> list[str]:
        """Return the members before, as a sorted list of e-mail addresses, with ids where two have the same one."""
        return self._named(self.roster.by_id.values())

    def after(self) -> list[str]:
        """Return the members after, likewise."""
        gone = ids_of(self.removed)
        stay = [row for identifier, row in self.roster.by_id.items() if identifier not in gone]
        return self._named([*stay, *self.added])

    def _named(self, rows: Iterable[Row]) -> list[str]:
        holders = Counter(map(person, [*self.roster.by_id.values(), *self.added]))
        return sorted(person(row) if holders[person(row)] == 1 else f"{person(row)} ({row['id']})" for row in rows)


@dataclass(frozen=True)
class MembershipPlan:
    """What a task does: an edit for each group, in whose name (C(None) where nobody is added), and what to warn of."""

    edits: list[MembershipChange]
    actor: Row | None
    warnings: list[str]


def entries_of_task(params: Mapping[str, Any]) -> list[MembershipEntry]:
    """Return the claims of a task, from its single or its bulk form; an entry without C(state) inherits the task's.

    :raises ConfigurationError: a list of users is missing or holds a blank, one that is authoritative is empty, or
        approval is to be bypassed for no reason.
    """
    if params["implicitly_approve_requests"]:
        check_bypass("implicitly_approve_requests", params["bypass_reason"])
    entries = entries_of(params, "memberships", "group")
    return [_claim(entry, entry["state"] or params["state"], params["allow_empty"]) for entry in entries]


def desired_members(claims: Iterable[MembershipEntry], groups: Index) -> list[DesiredMembers]:
    """Return one wish for each group, however often and in whatever spelling it is named.

    :raises LookupFailed: a group does not exist, or its name is held by several.
    :raises ConfigurationError: an authoritative entry is not the only one for its group.
    """
    finder = Resolver()
    by_group: dict[str, tuple[Row, list[MembershipEntry]]] = {}
    for claim in claims:
        group = finder.find(claim.group, groups)
        if group is not None:
            by_group.setdefault(group["id"], (group, []))[1].append(claim)
    finder.check()
    return [_wish(group, its_claims) for group, its_claims in by_group.values()]


class MembershipLookups:
    """What the rosters leave open: known before anybody is looked up, so that the directory is read once or not at all.

    C(references) are the people to look up; a task that changes nothing has none. C(assumed) are ids taken as given.
    """

    def __init__(self, wishes: Sequence[DesiredMembers], rosters: Sequence[Index], params: Mapping[str, Any]) -> None:
        actor = [params["acting_user"]] if params["acting_user"] else []
        self.protection = ProtectedUsers([*params["protected_users"], *actor], rosters)
        self.removing = any(map(self._may_remove, wishes, rosters))
        joining = [
            reference
            for wish, roster in zip(wishes, rosters, strict=True)
            for reference in wish.add
            if not roster.matches(reference)
        ]
        assumed = {reference for reference in joining if params["allow_inactive"] and is_uuid(reference)}
        self.assumed = sorted(assumed)
        asked = [reference for reference in joining if reference not in assumed]
        asked += actor if joining else []
        asked += self.protection.unmatched if self.removing else []
        self.references = list(dict.fromkeys(asked))

    def _may_remove(self, wish: DesiredMembers, roster: Index) -> bool:
        """Tell whether anybody goes, as far as the roster alone can tell; looking people up can only save some."""
        if any(roster.matches(reference) for reference in wish.remove):
            return True
        wanted = ids_of(row for reference in wish.add for row in roster.matches(reference))
        return wish.exact and not all(
            identifier in wanted or self.protection.covers(row) for identifier, row in roster.by_id.items()
        )


def decide(
    wishes: Sequence[DesiredMembers],
    rosters: Sequence[Index],
    people: Index,
    questions: MembershipLookups,
    params: Mapping[str, Any],
    statuses: UserStatuses,
) -> MembershipPlan:
    """Return what the task does, having held it against every rail.

    :param people: where those are found whom no roster shows.
    :raises LookupFailed: people who do not exist, are ambiguous, or on their way out.
    :raises RailHit: the task would remove, grant or approve what it must not.
    :raises ConfigurationError: C(acting_user) is missing or may not act, or somebody is both to be there and not.
    """
    finder = Resolver()
    if questions.removing:
        questions.protection.look_up(people, finder)
    edits = [
        _edit(wish, roster, people, questions.protection, finder) for wish, roster in zip(wishes, rosters, strict=True)
    ]
    added = list({row["id"]: row for edit in edits for row in edit.added}.values())
    warnings = [] if params["allow_inactive"] else check_receivers(added, statuses, finder)
    actor = acting_user(params["acting_user"], people, statuses, finder) if added else None
    finder.check()
    _refuse_dynamic(edits)
    removals = sorted((label(edit.group), person(row)) for edit in edits for row in edit.removed)
    check_removals(removals, params["max_removals"], any(wish.exact for wish in wishes))
    if actor is not None and params["implicitly_approve_requests"]:
        warnings += _bypass(edits, actor, params["allow_self_approval"], params["bypass_reason"])
    return MembershipPlan(edits, actor, warnings + not_members(edits))


def by_label(edits: Iterable[MembershipChange]) -> dict[str, MembershipChange]:
    """Return the edits that change something by the name of their group, with its id where two have the same name."""
    return labelled([edit for edit in edits if edit.changed], lambda edit: edit.group)


def _claim(entry: Mapping[str, Any], state: str, allow_empty: bool) -> MembershipEntry:
    attempt = f"use the members given for the group {printable(entry['group'])!r}"
    users = entry["users"]
    if users is None:
        raise ConfigurationError(attempt, "users is null or missing", "Give a list.", option="users")
    if not all(user.strip() for user in users):
        raise ConfigurationError(attempt, "an entry is blank", "Remove it, or fill it in.", option="users")
    if state == "exact" and not users and not allow_empty:
        raise ConfigurationError(
            attempt,
            "the list is empty and the state is exact, which would remove everybody",
            "If that is meant, set allow_empty: true.",
            option="users",
        )
    return MembershipEntry(entry["group"], tuple(users), state)


def _wish(group: Row, claims: Sequence[MembershipEntry]) -> DesiredMembers:
    exact = any(claim.state == "exact" for claim in claims)
    if exact and len(claims) > 1:
        raise ConfigurationError(
            f"plan the group {named(group)}",
            f"it is named {len(claims)} times, and one entry is exact",
            "Let one entry own the group, or use present and absent only.",
            option="memberships",
        )
    add = [user for claim in claims if claim.state != "absent" for user in claim.users]
    remove = [user for claim in claims if claim.state == "absent" for user in claim.users]
    return DesiredMembers(group, tuple(dict.fromkeys(add)), tuple(dict.fromkeys(remove)), exact)


def _edit(
    wish: DesiredMembers, roster: Index, people: Index, protection: ProtectedUsers, finder: Resolver
) -> MembershipChange:
    """Return what changes in one group; C(finder) collects references that mean nobody, or several."""
    wanted = finder.find_all(wish.add, roster, people)
    wanted_ids = ids_of(wanted)
    matched = {reference: bool(roster.matches(reference)) for reference in wish.remove}
    named_out = finder.find_all([reference for reference, found in matched.items() if found], roster)
    protection.refuse(wish.remove, f"the group {named(wish.group)}")
    joining = Index(USERS, wanted)
    both = [reference for reference in wish.remove if joining.matches(reference)]
    if both:
        raise ConfigurationError(
            f"plan the group {named(wish.group)}",
            f"{summarize(map(printable, both))} is to be a member and not to be one",
            "Take the person out of one of the lists.",
            option="memberships",
            references=both,
        )
    unwanted = [row for identifier, row in roster.by_id.items() if wish.exact and identifier not in wanted_ids]
    return MembershipChange(
        group=wish.group,
        roster=roster,
        added=[row for row in wanted if row["id"].lower() not in roster.by_id],
        removed=named_out + [row for row in unwanted if not protection.covers(row)],
        kept=[row for row in unwanted if protection.covers(row)],
        not_members=[reference for reference, found in matched.items() if not found],
    )


def refuse_groups(groups: Sequence[Row], attempt: str, why: str, remedy: str) -> None:
    """Refuse to change groups about which somebody else decides.

    :param attempt: what cannot be done with them, as words that end before their names.
    :raises RailHit: there are such groups.
    """
    if groups:
        raise LimitExceeded(
            f"{attempt} {summarize(map(named, groups))}",
            why,
            f"Nothing was changed. {remedy}, or leave the group out.",
            groups=[label(group) for group in groups],
        )


def _refuse_dynamic(edits: Iterable[MembershipChange]) -> None:
    refuse_groups(
        [edit.group for edit in edits if edit.changed and is_dynamic(edit.group)],
        "change the members of",
        "a rule decides who is a member of a dynamic group",
        "Change the rule in Cakewalk",
    )


def _bypass(edits: Iterable[MembershipChange], actor: Row, allow_self_approval: bool, reason: str) -> list[str]:
    """Return the warning that approval is bypassed; refuse that somebody bypasses it for the own access."""
    growing = [edit for edit in edits if edit.added]
    own = [edit.group for edit in growing if actor["id"].lower() in ids_of(edit.added)]
    if own and not allow_self_approval:
        raise refuse_self_approval(
            f"add {printable(person(actor))} to {summarize(map(named, own))}", groups=[label(group) for group in own]
        )
    where = summarize(named(edit.group) for edit in growing)
    return [
        f"Approval is bypassed by {printable(person(actor))}, reason {printable(reason)!r}: "
        f"the access requests that follow from additions to {where} are approved at once."
    ]


def not_members(edits: Iterable[MembershipChange]) -> list[str]:
    """Return a warning that names whom an absent entry names in vain: it may be a typing error."""
    vain = [f"{printable(name)!r} ({named(edit.group)})" for edit in edits for name in edit.not_members]
    return [f"Not members, so there was nothing to remove; check the spelling: {summarize(vain)}."] if vain else []


def plan_memberships(claims: Sequence[MembershipEntry], params: Mapping[str, Any], tenant: Tenant) -> MembershipPlan:
    """Read each group that the claims name, its members, and who else is meant; return what is to be done.

    :param params: the options of C(cakewalk_group_member) beside the claims themselves.
    :raises CakewalkError: see C(decide).
    """
    wishes = desired_members(claims, tenant.index(GROUPS, [claim.group for claim in claims]))
    rosters = [Index(USERS, rows) for rows in tenant.read(members(wish.group) for wish in wishes)]
    questions = MembershipLookups(wishes, rosters, params)
    people = tenant.people(questions.references).assuming(questions.assumed)
    return decide(wishes, rosters, people, questions, params, tenant.user_statuses)


def removals_of(edits: Iterable[MembershipChange]) -> list[tuple[str, str]]:
    """Return from where who would be removed, as pairs of names."""
    return [(label(edit.group), person(row)) for edit in edits for row in edit.removed]


def read_count(edits: Iterable[MembershipChange]) -> int:
    """Return how many memberships were read."""
    return sum(len(edit.roster.by_id) for edit in edits)
