# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a query returns: first the lists, then all that hangs on their rows, each source read once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from ..._api import catalog
from ..._api.catalog import APPS, GROUPS, USERS, ResourceType
from ..._api.operations import Listing, Resource
from ..._api.text import printable, summarize
from ..core.lookup import Index, Resolver, Row, ids_of, is_uuid, person
from ..core.tenant import Tenant
from . import reports
from .selection import Selection, kinds_of, lists_of, names_among

#: What can hang on a row, by kind: another list, or with C(None) the full record.
INCLUDES: dict[str, dict[str, Callable[[Row], Listing] | None]] = {
    "users": {"user_details": None},
    "groups": {
        "members": catalog.members,
        "default_apps": catalog.default_apps,
        "hidden_apps": catalog.hidden_apps,
    },
    "apps": {
        "app_details": None,
        "accesses": catalog.accesses,
        "permission_levels": catalog.permission_levels,
        "custom_fields": catalog.custom_fields,
    },
}
Source = Listing | Resource


class Query:
    """A query over a tenant; its answer is in two parts.

    C(records) holds lists of records, as the wire shows them, with what was put together beside them; C(maps) holds
    mappings whose keys are data.

    :param params: the options of the module.
    :raises CakewalkError: it makes no sense, or something cannot be read.
    """

    def __init__(self, params: Mapping[str, Any], tenant: Tenant) -> None:
        self._params = params
        self._cakewalk = tenant
        self._waiting: list[tuple[list[Source], Callable[[list[Any]], None]]] = []
        self.records: dict[str, list[dict[str, Any]]] = {}
        self.policies: dict[str, list[dict[str, Any]]] = {}
        self.maps: dict[str, Any] = {"ambiguous": {}, "not_found": {}}
        wanted = None if params["requests"] is None else reports.RequestFilter(params["requests"])
        lists = lists_of(params, kinds_of(params, INCLUDES))
        self._registers = dict(zip(lists, tenant.indexes(lists.values()), strict=True))
        self._select()
        self._ask_for_policies()
        self._ask_for_requests(wanted)
        self._ask_for_footprints()
        self._ask_for_reports()
        self._ask_for_tasks()
        self._read()
        self._complete_tasks()

    def _when_read(self, sources: Iterable[Source], put: Callable[[list[Any]], None]) -> None:
        """Have these sources read, and what they hold handed to C(put), in their order."""
        self._waiting.append((list(sources), put))

    def _read(self) -> None:
        sources = list(dict.fromkeys(source for needed, _put in self._waiting for source in needed))
        found = dict(zip(sources, self._cakewalk.read(sources), strict=True))
        for needed, put in self._waiting:
            put([found[source] for source in needed])

    def _select(self) -> None:
        for kind in kinds_of(self._params, INCLUDES):
            selection = Selection(self._registers[kind.name], self._params[kind.name])
            rows = [dict(record) for record in selection.rows]
            self.records[kind.name] = rows
            self.maps[f"{kind.name}_by_{kind.key}"] = self._by_name(selection.unique)
            self.maps["ambiguous"] |= {kind.name: self._by_name(selection.ambiguous)} if selection.ambiguous else {}
            self.maps["not_found"] |= {kind.name: selection.not_found} if selection.not_found else {}
            if selection.not_found and (self._params["reports"] or self._params["footprint"]):
                missing = summarize(repr(printable(one)) for one in selection.not_found)
                self._cakewalk.warnings.append(f"Not found, so nothing is reported of these {kind.name}: {missing}.")
            for name, listing in INCLUDES[kind.name].items():
                if name in self._params["include"]:
                    self._include(kind, name, listing, rows)

    def _by_name(self, found: Mapping[str, Any]) -> dict[str, Any]:
        return {self._cakewalk.scrubbed(name): value for name, value in found.items()}

    def _include(
        self, kind: ResourceType, name: str, listing: Callable[[Row], Listing] | None, rows: list[dict[str, Any]]
    ) -> None:
        def put(found: list[Any]) -> None:
            for row, inside in zip(rows, found, strict=True):
                row[name] = inside

        self._when_read((listing(row) if listing else kind.record(row["id"]) for row in rows), put)

    def _ask_for_policies(self) -> None:
        types = list(dict.fromkeys(self._params["policies"] or ()))
        listings = [catalog.policies(one).listing for one in types]
        self._when_read(listings, lambda found: self.policies.update(zip(types, found, strict=True)))

    def _ask_for_requests(self, wanted: reports.RequestFilter | None) -> None:
        if wanted is None:
            return
        users, apps = (self._ids(kind, self._params["requests"][kind.name]) for kind in (USERS, APPS))

        def put(found: list[Any]) -> None:
            (rows,) = found
            self.records["requests"] = [row for row in rows if wanted.keeps(row) and reports.is_about(row, users, apps)]

        self._when_read([catalog.REQUESTS], put)

    def _ids(self, kind: ResourceType, references: Collection[str] | None) -> set[str] | None:
        """Return the ids that are meant; ids are taken as given, since requests outlive what they are about."""
        if references is None:
            return None
        finder = Resolver()
        found = finder.find_all(names_among(references), self._registers[kind.name])
        finder.check()
        return {one.lower() for one in references if is_uuid(one)} | ids_of(found)

    def _ask_for_footprints(self) -> None:
        if not self._params["footprint"]:
            return
        groups, apps = (list(self._registers[kind.name].by_id.values()) for kind in (GROUPS, APPS))

        def put(found: list[Any]) -> None:
            listed = zip([*groups, *apps], found, strict=True)
            footprints = reports.Footprints([next(listed) for _group in groups], listed)
            for user in self.records[USERS.name]:
                user.update(footprints.of(user))

        self._when_read([*map(catalog.members, groups), *map(catalog.accesses, apps)], put)

    def _ask_for_reports(self) -> None:
        wanted = self._params["reports"] or ()
        apps = self.records[APPS.name] if APPS.name in self.records else self._all(APPS) if wanted else []
        if "ownerless_apps" in wanted:
            self._when_read(
                [APPS.record(app["id"]) for app in apps],
                lambda found: self.records.update(ownerless_apps=reports.ownerless(found)),
            )
        if "privileged_accesses" in wanted:
            self._when_read(
                map(catalog.accesses, apps),
                lambda found: self.records.update(
                    privileged_accesses=reports.privileged(list(zip(apps, found, strict=True)))
                ),
            )

    def _all(self, kind: ResourceType) -> list[Row]:
        register: Index = self._registers[kind.name]
        return list(register.by_id.values())

    def _ask_for_tasks(self) -> None:
        if self._params["tasks"] is not None or self._params["tasks_of"] is not None:
            self.records["tasks"] = []
        if self._params["tasks_of"] is None:
            return
        finder = Resolver()
        people = finder.find_all(self._params["tasks_of"], self._registers[USERS.name])
        finder.check()

        def put(found: list[Any]) -> None:
            for who, rows in zip(people, found, strict=True):
                kept = [row for row in rows if reports.has_status(row, "status", self._params["task_statuses"])]
                self.records["tasks"] += [{**row, "listedFor": person(who)} for row in kept]

        self._when_read(map(catalog.tasks_of, people), put)

    def _complete_tasks(self) -> None:
        """Read in full the tasks that are selected, and those that were listed where that is asked for."""
        listed = self.records.get("tasks", [])
        if "task_details" in self._params["include"]:
            details = self._cakewalk.read(catalog.task(row["id"]) for row in listed)
            listed = [{**task, "listedFor": row["listedFor"]} for row, task in zip(listed, details, strict=True)]
        selected = list(dict.fromkeys(self._params["tasks"] or ()))
        ids = [one for one in selected if is_uuid(one)]
        found = dict(zip(ids, self._cakewalk.read_existing(map(catalog.task, ids)), strict=True))
        missing = [one for one in selected if found.get(one) is None]
        self.maps["not_found"] |= {"tasks": missing} if missing else {}
        if "tasks" in self.records:
            self.records["tasks"] = [*(task for task in found.values() if task is not None), *listed]
