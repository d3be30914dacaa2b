# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The section C(groups) of the code: who is to be a member of what."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...._api.catalog import GROUPS, USERS, is_edited_here, members, named
from ...._api.text import printable
from ...._api.writes import add_members, remove_members
from ...core.lookup import Resolver, Row, ids_of, label, person, reference_to
from ...core.tenant import Tenant
from ...groups.membership import (
    MembershipChange,
    MembershipEntry,
    by_label,
    plan_memberships,
    read_count,
    read_default_apps,
    removals_of,
)
from ..section import ExportedSection, ReversibleStep, SectionPlan, Undo
from ..source import CodeRefused, SourceCode, SourceEntry, folded, problem

SECTION = "groups"
_LEFT_ALONE = (
    "A group with mode: unmanaged is left alone: its record does not show that its members are edited in Cakewalk. If "
    "they are, set the mode and list them."
)
#: What holds of every membership that comes from code: approval is left to the policies, and the rails are those of the
#: whole run, see C(whole.py).
_FIXED = {
    "implicitly_approve_requests": False,
    "allow_self_approval": False,
    "bypass_reason": None,
    "max_removals": sys.maxsize,
}


def problems_of(code: SourceCode) -> Iterator[dict[str, str]]:
    """Return what is wrong in itself, whatever the tenant holds."""
    seen: dict[str, SourceEntry] = {}
    for one in code.entries(SECTION):
        first = seen.setdefault(one.entry["group"], one)
        if first is not one:
            yield problem(code.at(one), f"{_name(one)} has an entry already, {code.at(first)}")
        yield from _problems_of_people(one, code)
        wrong = _wrong_in(one.entry)
        if wrong:
            yield problem(code.at(one), f"{_name(one)}: {wrong}")


def section_plan(
    code: SourceCode, params: Mapping[str, Any], tenant: Tenant, _earlier: Sequence[SectionPlan]
) -> SectionPlan:
    """Return what the section changes.

    :raises CakewalkError: see C(plan_memberships).
    :raises CodeRefused: two entries are about one group.
    """
    entries = code.entries(SECTION)
    if not entries:
        return SectionPlan()
    _refuse_twice(entries, code, tenant)
    memberships = [membership for one in entries for membership in _memberships(one.entry)]
    changes, actor, warnings = plan_memberships(memberships, {**params, **_FIXED}, tenant)
    tenant.warnings += warnings
    changed = by_label(changes)
    apps = read_default_apps(changed.values(), tenant)
    kept = tuple(
        f"{printable(person(row))} stays in the group {named(edit.group)}, being protected"
        for edit in changes
        for row in edit.kept
    )
    return SectionPlan(
        before={_called(name): edit.before() for name, edit in changed.items()},
        after={_called(name): edit.after() for name, edit in changed.items()},
        acts=tuple(act for edit in changed.values() for act in _acts(edit, actor, apps[edit.group["id"]])),
        touched={
            edit.group["id"]: {
                "members": sorted(edit.members.by_id),
                "default_apps": sorted(ids_of(apps[edit.group["id"]])),
            }
            for edit in changed.values()
        },
        removals=tuple(removals_of(changes)),
        read=read_count(changes),
        is_authoritative=any(membership.state == "exact" for membership in memberships),
        notes={_called(name): _notes(edit, apps[edit.group["id"]]) for name, edit in changed.items()},
        left=kept,
        unmet=kept,
        follows={
            (row["id"].lower(), app["id"].lower()): f"the group {named(edit.group)}"
            for edit in changed.values()
            for row in [*edit.added, *edit.removed]
            for app in apps[edit.group["id"]]
        },
    )


def not_in_code(code: SourceCode, tenant: Tenant) -> list[str]:
    """Return the names of the groups of the tenant that the code does not know."""
    register = tenant.index(GROUPS)
    known = {one for named_so in code.entries(SECTION) for one in ids_of(register.matches(named_so.entry["group"]))}
    return sorted(label(row) for identifier, row in register.by_id.items() if identifier not in known)


def exported(_params: Mapping[str, Any], tenant: Tenant) -> ExportedSection:
    """Return the section for the tenant as it is; a group that does not show that it is edited here is left alone."""
    register, people = tenant.indexes([(GROUPS, None), (USERS, None)])
    rows = sorted(register.by_id.values(), key=lambda row: (label(row), row["id"]))
    edited = [row for row in rows if is_edited_here(row)]
    rosters = dict(zip((row["id"] for row in edited), tenant.read(map(members, edited)), strict=True))
    entries = []
    for row in rows:
        managed = {"members": sorted(reference_to(one, people) for one in rosters.get(row["id"], ()))}
        mode = {"mode": "additive", **managed} if row["id"] in rosters else {"mode": "unmanaged"}
        entries.append({"group": reference_to(row, register), **mode})
    return ExportedSection(entries, (_LEFT_ALONE,) if len(edited) < len(rows) else ())


def _refuse_twice(entries: Sequence[SourceEntry], code: SourceCode, tenant: Tenant) -> None:
    """Find every group that is named, the unmanaged ones too: a name that means nothing is a typing error."""
    register, finder = tenant.index(GROUPS), Resolver()
    found = [(one, finder.find(one.entry["group"], register)) for one in entries]
    finder.check()
    seen: dict[str, SourceEntry] = {}
    problems = [
        problem(code.at(one), f"{_name(one)} has an entry already, {code.at(seen[row['id']])}")
        for one, row in found
        if row is not None and seen.setdefault(row["id"], one) is not one
    ]
    if problems:
        raise CodeRefused(problems)


def _memberships(entry: Mapping[str, Any]) -> list[MembershipEntry]:
    members, absent = tuple(entry["members"] or ()), tuple(entry["absent"] or ())
    if entry["mode"] == "exact":
        return [MembershipEntry(entry["group"], members, "exact")]
    both = [MembershipEntry(entry["group"], members, "present"), MembershipEntry(entry["group"], absent, "absent")]
    return [membership for membership in both if membership.users]


def _acts(edit: MembershipChange, actor: Row | None, apps: Sequence[Row]) -> Iterator[ReversibleStep]:
    group = edit.group["id"]
    if edit.added and actor is not None:
        back = {"group": group, "absent": [row["id"] for row in edit.added]}
        opened = f"the access requests that it opened, for {_names(apps)}: nothing in the API cancels a request"
        yield ReversibleStep(
            add_members(edit.group, edit.added, actor, False), Undo(SECTION, back, opened if apps else "")
        )
    for row, step in zip(edit.removed, remove_members(edit.group, edit.removed), strict=True):
        yield ReversibleStep(step, Undo(SECTION, {"group": group, "members": [row["id"]]}))


def _notes(edit: MembershipChange, apps: Sequence[Row]) -> list[str]:
    """Return what follows from a change; whether the service takes away what a group gave is not documented."""
    follows = [f"opens access requests for {_names(apps)}"] if edit.added else []
    follows += [f"may open requests to remove access to {_names(apps)}"] if edit.removed else []
    return follows if apps else []


def _names(apps: Sequence[Row]) -> str:
    return ", ".join(sorted(printable(label(app)) for app in apps))


def _called(name: str) -> str:
    return f"group {name}"


def _name(one: SourceEntry) -> str:
    return f"the group {printable(one.entry['group'])!r}"


def _problems_of_people(one: SourceEntry, code: SourceCode) -> Iterator[dict[str, str]]:
    seen: dict[str, tuple[str, int]] = {}
    for place in ("members", "absent"):
        for number, reference in enumerate(one.entry[place] or ()):
            here = code.at(one, place, number)
            if not reference.strip():
                yield problem(here, f"{_name(one)} has a blank entry under {place}")
                continue
            first = seen.setdefault(folded(reference), (place, number))
            if first == (place, number):
                continue
            both = "twice" if first[0] == place else "to be a member and not to be one"
            yield problem(here, f"{printable(reference)!r} is named for {_name(one)} {both}, {code.at(one, *first)}")


def _wrong_in(entry: Mapping[str, Any]) -> str:
    """Return what is wrong in how an entry is put together, empty where nothing is."""
    mode, members, absent = entry["mode"], entry["members"], entry["absent"]
    if mode == "unmanaged":
        listed = members is not None or absent is not None
        return "an unmanaged group is left alone, so it lists nobody" if listed else ""
    if mode == "exact":
        if absent is not None:
            return "absent means nothing under exact, which removes whoever is not listed"
        if members is None:
            return "members is null or missing, and exact would remove everybody"
        if not members and not entry["allow_empty"]:
            return "members is empty, and exact would remove everybody; if that is meant, set allow_empty: true"
    elif members is None and absent is None:
        return "it lists nobody; give members or absent, or set mode: unmanaged"
    return ""
