# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Members of groups: from the entries of a task to the change of each group."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import filterfalse
from typing import Any

from ..._api.catalog import GROUPS, USERS, default_apps, is_dynamic, is_synced, members, named, person
from ..._api.errors import ConfigurationError
from ..._api.operations import Step
from ..._api.text import printable, summarize
from ..._api.writes import add_members, remove_members
from ..core.entries import entries_of, users_of
from ..core.guardrails import LimitExceeded, ProtectedUsers, check_bypass, check_removals, refuse_self_approval
from ..core.lookup import Index, Resolver, Row, ids_of, is_uuid, label, labelled, spelling_hint
from ..core.message import counted
from ..core.people import acting_user, check_receivers
from ..core.plan import State
from ..core.tenant import Tenant


@dataclass(frozen=True)
class MembershipEntry:
    """The users that a task names for a group; C(state) is present, absent or exact.

    :param is_expiry: whether they are absent because their time is over; then it is fine if people who exist are no
        members.
    """

    group: str
    users: tuple[str, ...]
    state: str
    is_expiry: bool = False


#: A group, all entries about it, and its members.
_Group = tuple[Row, Sequence[MembershipEntry], Index]


@dataclass(frozen=True)
class MembershipChange:
    """The change of a group.

    :param members: the members before the change.
    :param kept: protected members that an exact entry does not name.
    :param not_members: references under absent that match no member.
    """

    group: Row
    members: Index
    added: list[Row]
    removed: list[Row]
    kept: list[Row]
    not_members: list[str]

    @property
    def changed(self) -> bool:
        """Whether anybody is added or removed."""
        return bool(self.added or self.removed)

    def before(self) -> list[str]:
        """Return the sorted e-mail addresses of the members before, with ids where two have the same address."""
        return self._named(self.members.by_id.values())

    def after(self) -> list[str]:
        """Return the sorted e-mail addresses of the members after, like C(before)."""
        removed = ids_of(self.removed)
        staying = [row for identifier, row in self.members.by_id.items() if identifier not in removed]
        return self._named([*staying, *self.added])

    def steps(self, actor: Row | None, approve: bool) -> list[Step]:
        """Return one step for all additions, and one for each removal.

        :param actor: the acting user, needed for additions only.
        :param approve: whether to approve the access requests that follow from the additions.
        """
        additions = [add_members(self.group, self.added, actor, approve)] if self.added and actor else []
        return additions + remove_members(self.group, self.removed)

    def _named(self, rows: Iterable[Row]) -> list[str]:
        holders = Counter(map(person, [*self.members.by_id.values(), *self.added]))
        return sorted(person(row) if holders[person(row)] == 1 else f"{person(row)} ({row['id']})" for row in rows)


def entries_of_task(params: Mapping[str, Any]) -> list[MembershipEntry]:
    """Return the entries of a task; an entry without C(state) inherits the state of the task.

    :raises ConfigurationError: a list of users is missing, holds a blank, or would empty a group, or a bypass of
        approval has no reason.
    """
    if params["implicitly_approve_requests"]:
        check_bypass("implicitly_approve_requests", params["bypass_reason"])
    entries = []
    for entry in entries_of(params, "memberships", "group"):
        action = f"use the members given for the group {printable(entry['group'])!r}"
        state, users = entry["state"] or params["state"], users_of(entry, action)
        if state == "exact" and not users and not params["allow_empty"]:
            raise ConfigurationError(
                action,
                "the list is empty and the state is exact, which would remove everybody",
                "If that is meant, set `allow_empty: true`.",
                option="users",
            )
        entries.append(MembershipEntry(entry["group"], users, state))
    return entries


def plan_memberships(
    entries: Sequence[MembershipEntry],
    params: Mapping[str, Any],
    tenant: Tenant,
    has_left: Callable[[str, Index, Index], bool] | None = None,
    proves_additions: bool = False,
) -> tuple[list[MembershipChange], Row | None, list[str]]:
    """Return the change of each group, the acting user if anybody is added, and warnings.

    The directory is read only if the members leave a question open. The members of a group are read until they prove
    who is not listed, if that decides about a removal.

    :param params: the options of C(cakewalk_group_member) without its entries.
    :param has_left: whether a person, looked up among the members and in the directory, must not be added.
    :param proves_additions: whether the people who will be added must be proved to be no members, too.
    :raises LookupFailed: a user or group does not exist or is ambiguous, or an inactive user would be added.
    :raises LimitExceeded: a guardrail forbids a change.
    :raises ConfigurationError: C(acting_user) is missing or may not act, or two entries contradict each other.
    """
    groups = _read_groups(entries, tenant, proves_additions)
    actors = [params["acting_user"]] if params["acting_user"] else []
    protected = ProtectedUsers([*params["protected_users"], *actors], [listed for _row, _entries, listed in groups])
    is_removing = any(_may_remove(group, protected) for group in groups)
    references, assumed = lookups(groups, params)
    references += actors if references or assumed else []
    references += protected.unmatched if is_removing else []
    people = tenant.people(list(dict.fromkeys(references))).assuming(assumed)

    if has_left is not None:
        groups = [_without_leavers(group, people, has_left) for group in groups]

    resolver = Resolver()
    if is_removing:
        protected.look_up(people, resolver)
    changes = [_change(group, people, protected, resolver) for group in groups]
    added = list({row["id"]: row for change in changes for row in change.added}.values())
    warnings = [] if params["allow_inactive"] else check_receivers(added, tenant.user_statuses, resolver)
    actor = acting_user(params["acting_user"], people, tenant, resolver) if added else None
    resolver.check()
    refuse_groups(
        [change.group for change in changes if change.changed and is_dynamic(change.group)],
        "change the members of",
        "a rule decides who is a member of a dynamic group",
        "Change the rule in Cakewalk",
    )
    is_exact = any(entry.state == "exact" for entry in entries)
    check_removals(sorted(removals_of(changes)), params["max_removals"], is_exact)
    if actor is not None and params["implicitly_approve_requests"]:
        warnings += _bypass(changes, actor, params)
    return changes, actor, warnings + _synced(changes) + not_members(changes)


def lookups(groups: Iterable[_Group], params: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Return the references to look up, and the ids to add as given.

    Who is added must exist, and so must a person whose time is over: the name could be misspelt.
    """
    joining = [user for _row, entries, listed in groups for user in _users(entries) if not listed.matches(user)]
    assumed = {user for user in joining if params["allow_inactive"] and is_uuid(user)}
    over = [user for _row, entries, listed in groups for user in _expired(entries) if not listed.matches(user)]
    return [*(user for user in joining if user not in assumed), *over], sorted(assumed)


def by_label(changes: Iterable[MembershipChange]) -> dict[str, MembershipChange]:
    """Return the groups that change by name, with ids where two have the same name."""
    return labelled([change for change in changes if change.changed], lambda change: change.group)


def states_of(
    changes: Iterable[MembershipChange], apps: Mapping[str, Sequence[Row]], approves: bool
) -> tuple[State, State]:
    """Return the members of the groups that change, before and after, by a header with the requests that may follow.

    :param apps: the default apps of the groups that somebody joins.
    :param approves: whether the requests that follow are approved at once.
    """
    before, after = {}, {}
    for name, change in by_label(changes).items():
        given = sorted(label(app) for app in apps.get(change.group["id"], ())) if change.added else []
        header = f"Members of {name}" + (f" ({_requests_for(summarize(given), approves)})" if given else "")
        before[header], after[header] = change.before(), change.after()
    return before, after


def read_default_apps(changes: Collection[MembershipChange], tenant: Tenant) -> dict[str, list[Row]]:
    """Return the default apps of each group, by the id of the group."""
    apps = tenant.read(default_apps(change.group) for change in changes)
    return dict(zip((change.group["id"] for change in changes), apps, strict=True))


def result_of(
    changes: Sequence[MembershipChange], apps: Mapping[str, Sequence[Row]], params: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the result of C(cakewalk_group_member).

    :param apps: the default apps of the groups that somebody joins.
    """
    entries = [
        {
            "group": label(change.group),
            "group_id": change.group["id"],
            "added": sorted(map(person, change.added)),
            "removed": sorted(map(person, change.removed)),
            "kept": sorted(map(person, change.kept)),
            "not_members": change.not_members,
            "default_apps": sorted(map(label, apps.get(change.group["id"], ()))),
        }
        for change in changes
    ]
    lists = ("added", "removed", "kept", "not_members")
    is_bypassed = bool(apps) and params["implicitly_approve_requests"]
    return {
        "memberships": [entry for entry in entries if params["group"] or any(entry[name] for name in lists)],
        "summary": {
            "groups": len(changes),
            "changed": sum(change.changed for change in changes),
            "unchanged": sum(not change.changed for change in changes),
            **{name: sum(len(entry[name]) for entry in entries) for name in lists[:3]},
        },
        **({"bypassed_approval": is_bypassed} if apps else {}),
        **({"bypass_reason": params["bypass_reason"]} if is_bypassed else {}),
    }


def remark_of(
    changes: Sequence[MembershipChange],
    entries: Sequence[MembershipEntry],
    apps: Mapping[str, Sequence[Row]],
    approves: bool,
) -> str:
    """Return what follows from the changes, or without any what is in place, as a clause.

    :param apps: the default apps of the groups that somebody joins.
    :param approves: whether the requests that follow are approved at once.
    """
    clauses = []
    given = {app["id"]: label(app) for rows in apps.values() for app in rows}
    if given:
        clauses.append(_requests_for(counted("apps", given), approves))
    elif len(changes) == 1 and not changes[0].changed:
        clauses.append(_in_place(changes[0], entries))
    elif changes and not any(change.changed for change in changes):
        clauses.append(f"{len(changes)} groups are as asked for")
    kept = {row["id"]: person(row) for change in changes for row in change.kept}
    clauses += [f"{counted('people', kept)} {'stays' if len(kept) == 1 else 'stay'}, being protected"] if kept else []
    return "; ".join(filter(None, clauses))


def _requests_for(apps: str, approves: bool) -> str:
    """Return the clause about the requests that may follow from additions."""
    return f"requests for {apps} may follow{', approved at once' if approves else ''}"


def _in_place(change: MembershipChange, entries: Sequence[MembershipEntry]) -> str:
    """Return what entries about one group find in place."""
    group, absent = printable(label(change.group), 80), _users(entries, absent=True)
    members = {row["id"]: person(row) for user in _users(entries) for row in change.members.matches(user)}
    if absent and members:
        return f"{group} is as asked for"
    if absent:
        return f"{group} has none of these people" if len(absent) > 1 else f"{printable(absent[0])} is not in {group}"
    if len(members) == 1:
        return f"{counted('people', members)} is in {group}"
    if members:
        return f"{group} has these {len(members)} people"
    return "" if change.members.by_id else f"{group} has no members"


def refuse_groups(groups: Sequence[Row], action: str, cause: str, remedy: str) -> None:
    """Refuse to change groups that Cakewalk does not decide about by itself.

    :param action: the refused action, as words that end before the names of the groups.
    :raises LimitExceeded: there are groups.
    """
    if groups:
        raise LimitExceeded(
            f"{action} {summarize(map(named, groups))}",
            cause,
            f"Nothing was changed. {remedy}, or leave the group out.",
            groups=[label(group) for group in groups],
        )


def not_members(changes: Iterable[MembershipChange]) -> list[str]:
    """Return a warning about users under absent who are not members, which may be typing errors."""
    missing = [(name, change) for change in changes for name in change.not_members]
    if not missing:
        return []
    names = summarize(f"{printable(name)!r} ({named(change.group)})" for name, change in missing)
    return [
        f"Not members, so there was nothing to remove: {names}. {spelling_hint(name for name, _change in missing)}."
    ]


def _synced(changes: Iterable[MembershipChange]) -> list[str]:
    """Return a warning about changes of groups whose records show that another directory decides on the members."""
    groups = [named(change.group) for change in changes if change.changed and is_synced(change.group)]
    if not groups:
        return []
    return [
        f"Synced from another directory, so Cakewalk may refuse to change the members: {summarize(groups)}. "
        "Change them in the source directory."
    ]


def removals_of(changes: Iterable[MembershipChange]) -> list[tuple[str, str]]:
    """Return all removals, as pairs of group and user."""
    return [(label(change.group), person(row)) for change in changes for row in change.removed]


def read_count(changes: Iterable[MembershipChange]) -> int:
    """Return the number of memberships read."""
    return sum(len(change.members.by_id) for change in changes)


def _read_groups(entries: Sequence[MembershipEntry], tenant: Tenant, proves_additions: bool) -> list[_Group]:
    """Return the groups that the entries name, each once, whatever its spelling.

    :raises LookupFailed: a group does not exist, or its name is ambiguous.
    :raises ConfigurationError: an exact entry is not the only entry about its group.
    """
    resolver = Resolver()
    index = tenant.index(GROUPS, [entry.group for entry in entries])
    groups = resolver.group(entries, lambda entry: entry.group, index)
    resolver.check()
    for group, its_entries in groups:
        own = [entry for entry in its_entries if not entry.is_expiry]
        if len(own) > 1 and any(entry.state == "exact" for entry in own):
            raise ConfigurationError(
                f"plan the group {named(group)}",
                f"it is named {len(own)} times, and one entry is exact",
                "Let one entry own the group, or use present and absent only.",
                option="memberships",
            )

    def read() -> list[_Group]:
        rows = tenant.read(members(group) for group, _entries in groups)
        return [(*group, Index(USERS, its_rows)) for group, its_rows in zip(groups, rows, strict=True)]

    unproved = [
        members(group)
        for group, its_entries, listed in read()
        if _rests_on_absence(its_entries, listed, proves_additions)
    ]
    tenant.read_stable(unproved)
    return read()


def _rests_on_absence(entries: Iterable[MembershipEntry], listed: Index, proves_additions: bool) -> bool:
    """Return whether the outcome for a group rests on people who are not in its list of members."""
    return any(
        entry.state == "exact"
        or ((entry.state == "absent" or proves_additions) and not all(map(listed.matches, entry.users)))
        for entry in entries
    )


def _without_leavers(group: _Group, people: Index, has_left: Callable[[str, Index, Index], bool]) -> _Group:
    """Return a group whose entries no longer add leavers; members stay named, so that no exact entry removes them.

    An exact entry that names leavers only is dropped rather than taken for an empty list.
    """
    row, entries, listed = group
    kept = []
    for entry in entries:
        # Of people who should be absent, only those matter who expired and are deleted since.
        named_so = entry.users if entry.state != "absent" else filterfalse(people.matches, _expired([entry]))
        left = {user for user in named_so if has_left(user, listed, people)}
        users = tuple(user for user in entry.users if user not in left or listed.matches(user))
        state = "present" if entry.users and not users and entry.state == "exact" else entry.state
        kept.append(replace(entry, users=users, state=state))
    return row, kept, listed


def _users(entries: Iterable[MembershipEntry], absent: bool = False) -> list[str]:
    return list(dict.fromkeys(user for entry in entries if (entry.state == "absent") is absent for user in entry.users))


def _expired(entries: Iterable[MembershipEntry]) -> list[str]:
    return [user for entry in entries if entry.is_expiry for user in entry.users]


def _may_remove(group: _Group, protected: ProtectedUsers) -> bool:
    """Return whether a user may be removed, judged by the members alone; the directory can only rule removals out."""
    _row, entries, listed = group
    if entries[0].state != "exact":
        return any(listed.matches(user) for user in _users(entries, absent=True))
    wanted = ids_of(row for user in _users(entries) for row in listed.matches(user))
    return any(user not in wanted and not protected.covers(row) for user, row in listed.by_id.items())


def _change(group: _Group, people: Index, protected: ProtectedUsers, resolver: Resolver) -> MembershipChange:
    row, entries, listed = group
    wanted = Index(USERS, resolver.find_all(_users(entries), listed, people))
    is_member = {user: bool(listed.matches(user)) for user in _users(entries, absent=True)}
    leaving = resolver.find_all([user for user, is_listed in is_member.items() if is_listed], listed)
    protected.refuse(is_member, f"the group {named(row)}")
    known = set(filter(people.matches, _expired(entries)))
    both = [user for user in is_member if wanted.matches(user)]
    if both:
        raise ConfigurationError(
            f"plan the group {named(row)}",
            f"{summarize(map(printable, both))} should be a member and should not be one",
            "Take the person out of one of the lists.",
            option="memberships",
            references=both,
        )
    is_exact = entries[0].state == "exact"
    named_so = wanted.by_id.keys() | ids_of(leaving)
    surplus = [user for identifier, user in listed.by_id.items() if is_exact and identifier not in named_so]
    return MembershipChange(
        group=row,
        members=listed,
        added=[user for identifier, user in wanted.by_id.items() if identifier not in listed.by_id],
        removed=leaving + [user for user in surplus if not protected.covers(user)],
        kept=[user for user in surplus if protected.covers(user)],
        not_members=[user for user, is_listed in is_member.items() if not is_listed and user not in known],
    )


def _bypass(changes: Iterable[MembershipChange], actor: Row, params: Mapping[str, Any]) -> list[str]:
    """Return the warning about bypassed approval.

    :raises LimitExceeded: the acting user would approve their own access.
    """
    growing = [change for change in changes if change.added]
    own = [change.group for change in growing if actor["id"].lower() in ids_of(change.added)]
    if own and not params["allow_self_approval"]:
        raise refuse_self_approval(
            f"add {printable(person(actor))} to {summarize(map(named, own))}", groups=[label(group) for group in own]
        )
    groups = summarize(named(change.group) for change in growing)
    return [
        f"Approval is bypassed by {printable(person(actor))}, reason {printable(params['bypass_reason'])!r}: "
        f"the access requests that follow from additions to {groups} are approved at once."
    ]
