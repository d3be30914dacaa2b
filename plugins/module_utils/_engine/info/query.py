# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The query of C(cakewalk_info): first the lists, then everything that belongs to their rows, each source once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from ..._api import catalog
from ..._api.catalog import APPS, GROUPS, USERS, ResourceType, person
from ..._api.operations import Listing, Resource
from ..._api.text import printable, summarize
from ..core.lookup import Index, Row, ids_of, is_uuid, spelling_hint
from ..core.tenant import Tenant
from . import reports, selection
from .explanations import explain
from .names import Names

#: What can be included in a row, by type: another list, or with C(None) the full record.
INCLUDES: dict[str, dict[str, Callable[[Row], Listing] | None]] = {
    "users": {"user_details": None},
    "groups": {"members": catalog.members, "default_apps": catalog.default_apps, "hidden_apps": catalog.hidden_apps},
    "apps": {
        "app_details": None,
        "accesses": catalog.accesses,
        "permission_levels": catalog.permission_levels,
        "custom_fields": catalog.custom_fields,
    },
}
Records = dict[str, Any]
#: The name of records, the sources to read for them, and a function that makes the records from what was read.
_Part = tuple[str, Sequence[Listing | Resource], Callable[[list[Any]], Any]]


def query(params: Mapping[str, Any], tenant: Tenant) -> tuple[Records, dict[str, Any]]:
    """Return lists of records, with members as the API names them, and mappings whose keys are data.

    :param params: the options of C(cakewalk_info).
    :raises ConfigurationError: the options contradict each other.
    :raises LookupFailed: a user or app is missing or ambiguous.
    """
    kinds = selection.kinds_of(params, INCLUDES)
    lists = selection.lists_of(params, kinds)
    # A footprint and a report are about what they do not show, too.
    is_complete = bool(params["footprint"] or params["reports"])
    if is_complete:
        tenant.read_stable(kind.listing for kind, _references, is_whole in lists.values() if is_whole)
    indexes = dict(zip(lists, tenant.indexes(lists.values()), strict=True))
    records, maps = _selected(kinds, indexes, params, tenant)
    parts = list(_parts(kinds, indexes, records, params))
    sources = list(dict.fromkeys(source for _name, wanted, _make in parts for source in wanted))
    if is_complete:
        tenant.read_stable(source for source in sources if isinstance(source, Listing))
    read = dict(zip(sources, tenant.read(sources), strict=True))
    filters = {
        "requests": ("requestStatus", (params["requests"] or {}).get("statuses"), tenant.request_statuses),
        "tasks": ("status", params["task_statuses"], tenant.task_statuses),
    }
    for name, wanted, make in parts:
        found = [read[source] for source in wanted]
        records[name] = make(found)
        if name in filters:
            tenant.warnings += reports.unknown_statuses(name, [row for rows in found for row in rows], *filters[name])
    if params["tasks"] is not None or params["tasks_of"] is not None:
        records["tasks"], missing = _tasks(records.get("tasks", []), params, tenant)
        maps["not_found"] |= {"tasks": missing} if missing else {}
    for name, missing in maps["not_found"].items():
        listed = summarize(repr(printable(reference)) for reference in missing)
        tenant.warnings.append(f"These {name} were not found: {listed}. {spelling_hint(missing)}, or give ids.")
    names = Names(indexes, read)
    for name, add in (("requests", names.with_names), ("tasks", names.of_task)):
        records |= {name: list(map(add, records[name]))} if name in records else {}
    if params["explain"]:
        records["explanations"] = explain(params["explain"], params["base_url"], tenant, params["source"])
    return records, maps


def _selected(
    kinds: Collection[ResourceType], indexes: Mapping[str, Index], params: Mapping[str, Any], tenant: Tenant
) -> tuple[Records, dict[str, Any]]:
    records: Records = {}
    maps: dict[str, Any] = {"ambiguous": {}, "not_found": {}, "unmapped": {}}
    for kind in kinds:
        rows, missing = selection.select(indexes[kind.name], params[kind.name])
        unique, ambiguous, unmapped = selection.names_of(rows, indexes[kind.name])
        records[kind.name] = [dict(row) for row in rows]
        maps[f"{kind.name}_by_{kind.key}"] = {tenant.scrubbed(name): identifier for name, identifier in unique.items()}
        if ambiguous:
            maps["ambiguous"][kind.name] = {tenant.scrubbed(name): holders for name, holders in ambiguous.items()}
        if unmapped:
            maps["unmapped"][kind.name] = [{"name": name, "ids": ids} for name, ids in unmapped.items()]
        if missing:
            maps["not_found"][kind.name] = missing
    return records, maps


def _parts(
    kinds: Collection[ResourceType], indexes: Mapping[str, Index], records: Records, params: Mapping[str, Any]
) -> Iterator[_Part]:
    """Yield everything that needs no other reads than those of the indexes, so that it is read concurrently."""
    for kind in kinds:
        rows = records[kind.name]
        for name, listing in INCLUDES[kind.name].items():
            if name in params["include"]:
                sources = [listing(row) if listing else kind.record(row["id"]) for row in rows]
                yield kind.name, sources, partial(_including, rows, name)
    if params["policies"] is not None:
        types = list(dict.fromkeys(params["policies"]))
        listings = [catalog.policies(request_type).listing for request_type in types]
        yield "policies", listings, lambda found: dict(zip(types, found, strict=True))
    if (requests := params["requests"]) is not None:
        ids = [_ids(requests[kind.name], indexes[kind.name]) for kind in (USERS, APPS)]
        yield "requests", [catalog.REQUESTS], lambda found: reports.select_requests(found[0], requests, *ids)
    if params["footprint"]:
        groups, all_apps = (list(indexes[kind.name].by_id.values()) for kind in (GROUPS, APPS))
        listings = [*map(catalog.members, groups), *map(catalog.accesses, all_apps)]
        yield USERS.name, listings, partial(reports.add_footprints, records[USERS.name], groups, all_apps)
    apps = records.get(APPS.name, list(indexes[APPS.name].by_id.values()))
    if "ownerless_apps" in (params["reports"] or ()):
        yield "ownerless_apps", [APPS.record(app["id"]) for app in apps], reports.ownerless
    if "privileged_accesses" in (params["reports"] or ()):
        yield "privileged_accesses", list(map(catalog.accesses, apps)), partial(reports.privileged, apps)
    if params["tasks_of"] is not None:
        people = selection.find_all(params["tasks_of"], indexes[USERS.name])
        yield (
            "tasks",
            list(map(catalog.tasks_of, people)),
            lambda found: [
                {**row, "listedFor": person(user)}
                for user, rows in zip(people, found, strict=True)
                for row in rows
                if reports.has_status(row, "status", params["task_statuses"])
            ],
        )


def _including(rows: list[dict[str, Any]], name: str, found: list[Any]) -> list[dict[str, Any]]:
    for row, included in zip(rows, found, strict=True):
        row[name] = included
    return rows


def _ids(references: Collection[str] | None, index: Index) -> set[str] | None:
    """Return the ids that references mean; ids are taken as given, since requests outlive people and apps."""
    if references is None:
        return None
    names = selection.names_among(references)
    found = selection.find_all(names, index)
    return {reference.lower() for reference in references if is_uuid(reference)} | ids_of(found)


def _tasks(listed: list[Row], params: Mapping[str, Any], tenant: Tenant) -> tuple[list[Row], list[str]]:
    """Return the selected tasks and then the listed ones, and the references to tasks that do not exist."""
    if "task_details" in params["include"]:
        details = tenant.read(catalog.task(row["id"]) for row in listed)
        listed = [{**task, "listedFor": row["listedFor"]} for row, task in zip(listed, details, strict=True)]
    selected = list(dict.fromkeys(params["tasks"] or ()))
    ids = [reference for reference in selected if is_uuid(reference)]
    tasks = dict(zip(ids, tenant.read_existing(map(catalog.task, ids)), strict=True))
    missing = [reference for reference in selected if tasks.get(reference) is None]
    return [*(task for task in tasks.values() if task is not None), *listed], missing
