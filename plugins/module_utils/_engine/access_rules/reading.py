# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read what access rules name, and who holds it: only the lists that a rule depends on, each until it is stable."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from ..._api import catalog
from ..._api.catalog import APPS, GROUPS, USERS
from ..._api.errors import CakewalkError
from ..._api.text import pluralize
from ..core.access_requests import CHANGE, GRANT, REMOVE, Requests, level_of, of_type
from ..core.lookup import Index, Row, label
from ..core.tenant import Tenant
from .entries import RuleEntry, entitlements_of
from .held import NO_LEVEL, HeldAccess
from .logic import UNKNOWN, any_of
from .resolver import RuleResolver
from .rule import AccessRule, Entitlement

_KINDS = (USERS, GROUPS, APPS)
#: The member of an app's record with the ids of the groups that give the app by default.
_GIVING = "defaultUsersGroups"
_NO_GROUPS = "its record does not show which groups give it by default"


def read_rules(
    entries: Sequence[RuleEntry], tenant: Tenant, roster: Mapping[str, Mapping[str, str]] | None = None
) -> list[AccessRule]:
    """Return the rules of the code.

    :param roster: the values of each person in the roster, by folded address.
    :raises LookupFailed: names mean nothing, or several things; no access was read yet.
    """
    people, groups, apps = _indexes(tenant)
    data = [data for entry in entries for _at, data in entitlements_of(entry)]
    with_levels = {
        row["id"].lower(): row
        for entitlement in data
        if entitlement["permission_level"] is not None
        for row in apps.matches(entitlement["app"])
    }
    levels = _levels(with_levels, tenant)
    resolver = RuleResolver(people, groups, apps, levels, tenant.user_statuses, roster or {})
    rules = [resolver.rule(entry) for entry in entries]
    resolver.resolver.check()
    return rules


def read_held(
    rules: Iterable[AccessRule], tenant: Tenant, counts_requests: bool, changing: Collection[str] = ()
) -> HeldAccess:
    """Read everything that the rules name, with its holders.

    :param counts_requests: whether what open requests ask for counts as held.
    :param changing: the ids of apps to which somebody will get access.
    :raises CakewalkError: a list cannot be read. An app whose access the service refuses to show, or does not know, is
        no error: access to it is unseen.
    """
    people, groups, apps = _indexes(tenant)
    involved = {entitlement for rule in rules for entitlement in rule.involved}
    shown = _apps_of(involved, apps)
    records = dict(zip(shown, tenant.read(APPS.record(row["id"]) for row in shown.values()), strict=True))
    given_by = {app: _groups_giving(record, groups) for app, record in records.items()}
    wanted = {entitlement.group for entitlement in involved if entitlement.group}
    listed = sorted(wanted.union(*(given for given in given_by.values() if given)))
    members = dict(
        zip(listed, tenant.read_stable(catalog.members(groups.by_id[group]) for group in listed), strict=True)
    )
    read = dict(zip(shown, tenant.read_visible(map(catalog.accesses, shown.values())), strict=True))
    accesses = {app: rows for app, rows in read.items() if not isinstance(rows, CakewalkError)}
    levels = [level for rows in accesses.values() for row in rows if (level := row.get("permissionLevel"))]
    held = HeldAccess(
        _people(people.by_id, accesses, members, records),
        {group: {row["id"].lower() for row in rows} for group, rows in members.items()},
        {app: _levels_by_person(rows) for app, rows in accesses.items()},
        {app: _owners(accesses.get(app, ()), record) for app, record in records.items()},
        {app: given for app, given in given_by.items() if given},
        unseen_owners=frozenset(app for app, record in records.items() if not catalog.shows_owner(record)),
        unseen={
            **{app: _NO_GROUPS for app, given in given_by.items() if given is None},
            **{app: error.cause for app, error in read.items() if isinstance(error, CakewalkError)},
        },
        privileged={level["id"].lower(): _mark(level) for level in levels},
        names={row_id: label(row) for row_id, row in [*groups.by_id.items(), *apps.by_id.items(), *_by_id(levels)]},
    )
    if counts_requests:
        held = _with_requests(held, tenant)
    return _with_levels(held, involved, apps.by_id, changing, tenant)


def _indexes(tenant: Tenant) -> list[Index]:
    tenant.read_stable(kind.listing for kind in _KINDS)
    return tenant.indexes([(kind, None) for kind in _KINDS])


def _levels(apps: Mapping[str, Row], tenant: Tenant) -> dict[str, Index]:
    """Return the permission levels of apps, by the ids of the apps."""
    kinds = list(map(catalog.permission_levels_of, apps.values()))
    read = tenant.read_stable(kind.listing for kind in kinds)
    return {app: Index(kind, rows) for app, kind, rows in zip(apps, kinds, read, strict=True)}


def _apps_of(involved: Iterable[Entitlement], apps: Index) -> Mapping[str, Row]:
    """Return the apps whose access decides about entitlements, by id."""
    ids = [entitlement.app for entitlement in involved if not entitlement.group]
    return apps.by_id if "" in ids else {app: apps.by_id[app] for app in sorted(set(ids))}


def _groups_giving(record: Row, groups: Index) -> list[str] | None:
    """Return the ids of the groups that give an app by default, C(None) if its record does not show groups."""
    listed = record.get(_GIVING)
    given = [group.lower() for group in listed if isinstance(group, str)] if isinstance(listed, list) else [""]
    return given if groups.by_id.keys() >= set(given) else None


def _people(
    directory: Mapping[str, Row],
    accesses: Mapping[str, Iterable[Row]],
    members: Mapping[str, Iterable[Row]],
    records: Mapping[str, Row],
) -> dict[str, Row]:
    """Return the record of each person, with what the directory does not show taken from other lists."""
    people = dict(directory)
    seen = [row["user"] for rows in accesses.values() for row in rows]
    seen += [row for rows in members.values() for row in rows]
    seen += [owner for owner in map(catalog.owner_of, records.values()) if owner]
    for row in seen:
        known = people.get(row["id"].lower(), {})
        if not (known.get("statusName") and known.get("email")):
            people[row["id"].lower()] = {**row, **{name: value for name, value in known.items() if value}}
    return people


def _levels_by_person(rows: Iterable[Row]) -> dict[str, set[str]]:
    held: dict[str, set[str]] = {}
    for row in rows:
        level = row.get("permissionLevel")
        held.setdefault(row["user"]["id"].lower(), set()).add(level["id"].lower() if level else NO_LEVEL)
    return held


def _owners(rows: Iterable[Row], record: Row) -> dict[str, bool | None]:
    """Return whether each person with access owns the app, and the owner that its record names."""
    owners: dict[str, bool | None] = {}
    for row in rows:
        mark, someone = row.get("isOwner"), row["user"]["id"].lower()
        # A person has a row for each level.
        owners[someone] = any_of((owners.get(someone, False), mark if isinstance(mark, bool) else UNKNOWN))
    owner = catalog.owner_of(record)
    return {**owners, owner["id"].lower(): True} if owner else owners


def _mark(level: Row) -> bool | None:
    mark = level.get("isPrivileged")
    return mark if isinstance(mark, bool) else UNKNOWN


def _by_id(rows: Iterable[Row]) -> Iterator[tuple[str, Row]]:
    return ((row["id"].lower(), row) for row in rows)


def _with_levels(
    held: HeldAccess,
    involved: Collection[Entitlement],
    apps: Mapping[str, Row],
    changing: Collection[str],
    tenant: Tenant,
) -> HeldAccess:
    """Return this with the levels of the apps where access may show no level, or a level that nobody holds yet."""
    marked = {entitlement.app for entitlement in involved if entitlement.is_privileged}
    hidden = {app for app, _person, level in held.requested | held.unclear if level not in held.privileged}
    wanted = {entitlement.app for entitlement in involved if entitlement.level or entitlement.app in changing}
    wanted |= {app for app in hidden.union(held.given_by, changing) if marked & {"", app}}
    indexes = _levels({app: apps[app] for app in sorted(wanted)}, tenant)
    rows = [row for index in indexes.values() for row in index.by_id.items()]
    return replace(
        held,
        levels={app: list(index.by_id) for app, index in indexes.items()},
        default_levels={app: found[0] for app, index in indexes.items() if len(found := _defaults(index)) == 1},
        privileged={**held.privileged, **{level: _mark(row) for level, row in rows}},
        names={**held.names, **{level: label(row) for level, row in rows}},
    )


def _defaults(levels: Index) -> list[str]:
    """Return the default levels of an app."""
    defaults = [level for level, row in levels.by_id.items() if row.get("isDefault") is True]
    return defaults if levels.by_id else [NO_LEVEL]


def _with_requests(held: HeldAccess, tenant: Tenant) -> HeldAccess:
    """Return this with the access that open requests ask for, and that requests of an unknown status may ask for.

    A request that does not show its person or app counts for nobody, with a warning.
    """
    (rows,) = tenant.read_stable([catalog.REQUESTS])
    rows = [row for row in rows if row.get("requestType") != REMOVE]
    requests = Requests(rows, tenant.request_statuses, tenant.time_or_none())
    requested, unclear = set(), set()
    for person, app in {(_lower(row, "targetUserId"), _lower(row, "workAppId")) for row in rows}:
        if app in held.levels_held or app in held.unseen:
            about = [row for row in requests.about({"id": person}, {"id": app}) if _lower(row, "targetUserId")]
            levels = held.levels_held.get(app, {}).get(person, set())
            under_way = requests.under_way(of_type(about, (GRANT, CHANGE)), levels)
            requested |= {(app, person, level_of(row)) for row in under_way}
            unclear |= {(app, person, level_of(row)) for row in requests.unknown(about)}
    hidden = [row for row in requests.unknown(rows) if not (_lower(row, "targetUserId") and _lower(row, "workAppId"))]
    if hidden:
        tenant.warnings.append(
            f"{pluralize(len(hidden), 'undecided request does', 'undecided requests do')} not show a person or an app, "
            "so no access rule takes them into account."
        )
    return replace(held, requested=frozenset(requested), unclear=frozenset(unclear - requested))


def _lower(request: Row, member: str) -> str:
    value = request.get(member)
    return value.lower() if isinstance(value, str) else ""
