# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The section C(groups): which people are members of which groups."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...._api.catalog import GROUPS, USERS, is_edited_here, members, named, person
from ...._api.text import printable
from ...._api.writes import add_members, remove_members
from ...access_rules.held import AccessChange
from ...core.lookup import Index, Resolver, Row, folded_reference, ids_of, label, reference_to
from ...core.tenant import Tenant
from ...core.terms import ALWAYS, TermState
from ...groups.membership import (
    MembershipChange,
    MembershipEntry,
    by_label,
    plan_memberships,
    read_count,
    read_default_apps,
    removals_of,
)
from ..dated_access import DatedAccess, expiry_of, undo_of_expiry
from ..leavers import Leaver, Leavers
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
from ..roster import RULE
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
from ..source import CodeRefused, SourceCode, SourceEntry, problem, repeated
from ..time_limits import limits_of_groups

SECTION = "groups"
_LEFT_ALONE = (
    "A group with mode: unmanaged is left alone: its record does not show that its members are edited in Cakewalk. If "
    "they are, set the mode and list them."
)


@dataclass(frozen=True)
class _WayBack:
    """The facts that decide how a change of a group is undone.

    :param actor: the acting user, C(None) if nobody is added.
    :param protected: the people that no plan removes, as written.
    :param limit: the file and line of a limit that demands an end of each member, empty without one.
    """

    actor: Row | None
    protected: Sequence[str]
    limit: str


def problems_of(code: SourceCode) -> Iterator[dict[str, str]]:
    """Yield the contradictions within the section; they do not depend on the tenant."""
    entries = code.entries(SECTION)
    yield from _repeated_groups((entry.data["group"], entry) for entry in entries)
    for entry in entries:
        yield from _problems_of_people(entry)
        yield from problems_of_terms(entry, "members")
        contradiction = _contradiction_in(entry.data)
        if contradiction:
            yield problem(entry.at(), f"{_name(entry)}: {contradiction}")


def section_plan(code: SourceCode, params: Mapping[str, Any], tenant: Tenant, _earlier: SectionPlan) -> SectionPlan:
    """Return the changes of the section, see C(plan_memberships).

    :raises CodeRefused: two entries mean the same group.
    """
    entries = code.entries(SECTION)
    if code.only_expired:
        entries = [entry for entry in entries if _expired(entry)]
    if not entries:
        return SectionPlan()
    by_group = _by_group(entries, tenant)
    memberships = [membership for entry in entries for membership in _memberships(entry)]
    leavers = Leavers.of(params, tenant)
    changes, actor, warnings = plan_memberships(
        memberships,
        {**params, **FIXED_OPTIONS},
        tenant,
        leavers.has_left,
        # The report on drift is about who is missing, too.
        proves_additions=params["mode"] == "drift",
    )
    tenant.warnings += warnings
    kept = tuple(
        f"{printable(person(row))} stays in the group {named(change.group)}, being protected"
        for change in changes
        for row in change.kept
    )
    named_leavers = {
        group_id: tuple(leavers.named((person.reference, person.at) for person in people_of(entry, "members")))
        for group_id, entry in by_group.items()
    }
    kept += tuple(
        f"the group {named(change.group)} stays as it is, apart from what expired: nobody that it lists should be in "
        f"it now ({entry.at()})"
        for change in changes
        if _would_be_empty(entry := by_group[change.group["id"]])
        and not code.only_expired
        and len(change.members.by_id) > len(change.removed)
    )
    kept += tuple(
        f"the group {named(change.group)} stays as it is: everybody that it lists has left, and nobody would be in it "
        f"({by_group[change.group['id']].at()})"
        for change in changes
        if _lists_leavers_only(by_group[change.group["id"]], change, named_leavers)
    )
    missing = [
        one
        for change in changes
        for part in ("members", "absent")
        for one in losing_people(by_group[change.group["id"]], part)
        if not change.members.matches(one.reference) and not code.only_expired
    ]
    users = tenant.index(USERS) if any(map(_expired, entries)) else Index(USERS, [])
    total = SectionPlan(
        removals=tuple(removals_of(changes)),
        read=read_count(changes),
        left=(*kept, *unknown_absences(missing, tenant)),
        unmet=kept,
        leavers=tuple(leaver for leavers_of_group in named_leavers.values() for leaver in leavers_of_group),
        dated=tuple(
            DatedAccess(
                one,
                "group",
                label(change.group),
                is_held=bool(change.members.matches(one.reference)),
                is_known=leavers.is_known(one.reference, change.members, users),
            )
            for change in changes
            for one in people_of(by_group[change.group["id"]], "members")
            if one.term != ALWAYS
        ),
    )
    changed = by_label(changes)
    apps = read_default_apps(changed.values(), tenant)
    protected = [*params["protected_users"], *filter(None, [params["acting_user"]])]
    limits = limits_of_groups(code, tenant) if changed else {}
    plans = (
        _group_plan(
            name,
            change,
            apps[change.group["id"]],
            by_group[change.group["id"]],
            _WayBack(actor, protected, limits.get(change.group["id"].lower(), "")),
        )
        for name, change in changed.items()
    )
    return sum(plans, total)


def not_in_code(code: SourceCode, tenant: Tenant) -> list[str]:
    """Return the names of the groups without an entry."""
    groups = tenant.index(GROUPS, is_stable=True)
    in_code = {group_id for entry in code.data(SECTION) for group_id in ids_of(groups.matches(entry["group"]))}
    return sorted(label(row) for group_id, row in groups.by_id.items() if group_id not in in_code)


def exported(params: Mapping[str, Any], tenant: Tenant) -> ExportedSection:
    """Return the section for the current state; a group is unmanaged unless its record shows that it is edited here."""
    groups, people = tenant.indexes([(GROUPS, None), (USERS, None)])
    leavers, left_out = Leavers.of(params, tenant), []
    rows = sorted_rows(groups)
    edited = [row for row in rows if is_edited_here(row)]
    members_by_id = dict(zip((row["id"] for row in edited), tenant.read(map(members, edited)), strict=True))
    entries = []
    for row in rows:
        entry: dict[str, Any] = {"group": reference_to(row, groups), "mode": "unmanaged"}
        if row["id"] in members_by_id:
            listed = members_by_id[row["id"]]
            gone = [member for member in listed if leavers.is_leaver(member, *people.matches(member["id"]))]
            left_out += [
                f"Left out: {printable(person(member))} and the group {named(row)}, who has left." for member in gone
            ]
            names = sorted(reference_to(member, people) for member in listed if member not in gone)
            entry |= {"mode": "additive", "members": names}
        entries.append(entry)
    return entries, (*((_LEFT_ALONE,) if len(edited) < len(rows) else ()), *sorted(left_out))


def _by_group(entries: Sequence[SourceEntry], tenant: Tenant) -> dict[str, SourceEntry]:
    """Return the entries by the id of their group.

    Every group is looked up, unmanaged ones too, because a name without a group is a typing error.

    :raises CodeRefused: two entries mean the same group.
    """
    groups = tenant.index(GROUPS, [entry.data["group"] for entry in entries], is_whole=True)
    resolver = Resolver()
    rows = [(resolver.find(entry.data["group"], groups), entry) for entry in entries]
    resolver.check()
    problems = list(_repeated_groups((row["id"], entry) for row, entry in rows if row is not None))
    if problems:
        raise CodeRefused(problems)
    return {row["id"]: entry for row, entry in rows if row is not None}


def _repeated_groups(keyed: Iterable[tuple[str, SourceEntry]]) -> Iterator[dict[str, str]]:
    for entry, first in repeated(keyed):
        yield problem(entry.at(), f"{_name(entry)} has an entry already, {first.at()}")


def _lists_leavers_only(entry: SourceEntry, change: MembershipChange, leavers: Mapping[str, Sequence[Leaver]]) -> bool:
    """Return whether an exact entry would empty its group, since it lists nobody but leavers who are no members."""
    listed = people_by_state(entry, "members")[TermState.ACTIVE]
    is_member = any(change.members.matches(one.reference) for one in listed)
    is_complete = bool(listed) and {one.at for one in listed} <= {one.at for one in leavers[change.group["id"]]}
    return entry.data["mode"] == "exact" and is_complete and not is_member and bool(change.members.by_id)


def _expired(entry: SourceEntry) -> list[NamedPerson]:
    return people_by_state(entry, "members")[TermState.EXPIRED]


def _would_be_empty(entry: SourceEntry) -> bool:
    """Return whether an exact entry lists people, and none of them at this time.

    Then it names only those whose time is over. Time must not make an empty list of it.
    """
    is_exact = entry.data["mode"] == "exact" and not entry.data["allow_empty"]
    return is_exact and bool(entry.data["members"]) and not people_by_state(entry, "members")[TermState.ACTIVE]


def _memberships(entry: SourceEntry) -> list[MembershipEntry]:
    group, by_state = entry.data["group"], people_by_state(entry, "members")
    active, expired = (
        tuple(person.reference for person in by_state[state]) for state in (TermState.ACTIVE, TermState.EXPIRED)
    )
    expiry = MembershipEntry(group, expired, "absent", is_expiry=True)
    if entry.only_expired or _would_be_empty(entry):
        # The group is read even if nobody's time is over, to tell who stays.
        return [expiry]
    if entry.data["mode"] == "exact":
        # What expired is named, too: if the others have left, the entry removes nobody else.
        return [MembershipEntry(group, active, "exact"), *([expiry] if expired else [])]
    absent = tuple(entry.data["absent"] or ())
    present = [MembershipEntry(group, active, "present")] if entry.data["members"] else []
    return [*present, *(some for some in (MembershipEntry(group, absent, "absent"), expiry) if some.users)]


def _expiry_of(entry: SourceEntry, change: MembershipChange) -> dict[str, NamedPerson]:
    """Return whose membership a change removes because it expired, by id in lower case."""
    rows = {person: change.members.matches(person.reference) for person in _expired(entry)}
    return {identifier: person for person, matches in rows.items() for identifier in ids_of(matches)}


def _group_plan(
    name: str, change: MembershipChange, apps: Sequence[Row], entry: SourceEntry, back: _WayBack
) -> SectionPlan:
    """Return the plan of a group that changes; whether the service revokes what a group gave is not documented."""
    app_names = ", ".join(sorted(printable(label(app)) for app in apps))
    notes = [f"opens access requests for {app_names}"] if apps and change.added else []
    notes += [f"may open requests to remove access to {app_names}"] if apps and change.removed else []
    expiry = _expiry_of(entry, change)
    ended = [expiry[row["id"].lower()] for row in change.removed if row["id"].lower() in expiry]
    notes += map(expiry_of, ended)
    notes += notes_of_rules(people_of(entry, "members"), change.added)
    positions = positions_of_people(entry, "members", "absent")
    state = {"members": sorted(change.members.by_id), "default_apps": sorted(ids_of(apps))}
    moving = [*change.added, *change.removed]
    return SectionPlan(
        changes=(StateChange(f"Members of {name}", change.before(), change.after(), notes),),
        steps=tuple(_steps(change, app_names, expiry, back)),
        touched=({change.group["id"]: state},),
        expired=tuple((label(change.group), person.reference) for person in ended),
        indirect_access=tuple(
            ((row["id"].lower(), app["id"].lower()), f"the group {named(change.group)}")
            for row in moving
            for app in apps
        ),
        access_changes=tuple(
            AccessChange(row, position_of(row, positions, entry.at()), change.group["id"].lower(), is_gain=is_gain)
            for rows, is_gain in ((change.added, True), (change.removed, False))
            for row in rows
        ),
    )


def _steps(
    change: MembershipChange, app_names: str, expiry: Mapping[str, NamedPerson], back: _WayBack
) -> Iterator[ReversibleStep]:
    group = change.group["id"]
    if change.added and back.actor is not None:
        added = Index(USERS, change.added)
        protected = [row for reference in back.protected for row in added.matches(reference)]
        staying = ids_of(protected)
        absent = [row["id"] for row in change.added if row["id"].lower() not in staying]
        reasons = [f"{printable(person(added.by_id[one]))} is protected, and stays" for one in sorted(staying)]
        if app_names:
            reasons.append(f"the access requests that it opened, for {app_names}: {NOT_UNDOABLE}")
        undo = {"group": group, "absent": absent} if absent else None
        yield ReversibleStep(
            add_members(change.group, change.added, back.actor, False), SECTION, undo, "; ".join(reasons)
        )
    for row, step in zip(change.removed, remove_members(change.group, change.removed), strict=True):
        if row["id"].lower() in expiry:
            yield ReversibleStep(step, reason=undo_of_expiry(expiry[row["id"].lower()]))
        elif back.limit:
            yield ReversibleStep(step, reason=f"the group has a time limit ({back.limit}), and an end is not known")
        else:
            yield ReversibleStep(step, SECTION, {"group": group, "members": [row["id"]]})


def _name(entry: SourceEntry) -> str:
    return f"the group {printable(entry.data['group'])!r}"


def _problems_of_people(entry: SourceEntry) -> Iterator[dict[str, str]]:
    people = [
        (part, number, reference)
        for part in ("members", "absent")
        for number, reference in enumerate(references_of(entry.data, part))
    ]
    keyed = ((folded_reference(item[2]), item) for item in people if item[2].strip())
    for (part, number, reference), (first_part, first_number, _first) in repeated(keyed):
        both = "twice" if first_part == part else "both under members and absent"
        cause = f"{printable(reference)!r} is named for {_name(entry)} {both}, {entry.at(first_part, first_number)}"
        yield problem(entry.at(part, number), cause)
    for part, number, reference in people:
        if not reference.strip():
            yield problem(entry.at(part, number), f"{_name(entry)} has a blank entry under {part}")
    for listed in ("members", "absent"):
        yield from problems_of_absences(entry, listed)


def _contradiction_in(entry: Mapping[str, Any]) -> str:
    mode, members, absent, rule = (entry[name] for name in ("mode", "members", "absent", RULE))
    if mode == "unmanaged":
        listed = any(people is not None for people in (members, absent, rule))
        return "an unmanaged group is left alone, so it lists nobody" if listed else ""
    if mode == "exact":
        if absent is not None:
            return "absent has no effect with exact, which removes everybody who is not listed"
        if members is None and rule is None:
            return "members is null or missing, and exact would remove everybody"
        if not members and rule is None and not entry["allow_empty"]:
            return "members is empty, and exact would remove everybody; if that is meant, set `allow_empty: true`"
    elif members is None and absent is None and rule is None:
        return f"it lists nobody; give members, {RULE} or absent, or set mode: unmanaged"
    return ""
