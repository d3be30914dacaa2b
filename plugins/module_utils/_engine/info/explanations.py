# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Explanations of the access of people to apps: everything that the lists show, and what they do not show.

The API does not record where access comes from. So an explanation is a list of what can be the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ..._api.catalog import APPS, GROUPS, REQUEST_TYPES, USERS, person
from ..._api.text import printable
from ..access.evaluation import AppState
from ..access_as_code.anchors import check_anchors
from ..access_as_code.mentions import CodeLookup, Directory
from ..core.access_requests import CHANGE, GRANT, REMOVE, of_type
from ..core.lookup import Index, Row, id_in, label
from ..core.tenant import Tenant
from ..storage.ledger import FileLedger
from . import selection
from .access_sources import AccessSources, read_decisions, read_sources

_KINDS = (USERS, APPS, GROUPS)
_WORDS = {GRANT: "access", CHANGE: "another level", REMOVE: "the removal of access"}
_TYPE_NAMES = {wire: name for name, wire in REQUEST_TYPES.items()}


def explain(
    options: Mapping[str, Any], base_url: str, tenant: Tenant, source: Mapping[str, Any] | None
) -> list[dict[str, Any]]:
    """Return an explanation for each person and app, sorted by app. People with access come first, then by address.

    With people and apps, that is each of these people and each of these apps. With apps alone, it is everybody who has
    access, gets the app from a group, or has asked for it. With people alone, it is each app of which that is true.

    :param options: the options of C(explain).
    :param base_url: where the ledger must have been written.
    :param source: the code of the tenant, as the action reads it; C(None) without a folder.
    :raises LookupFailed: a person or app is missing or ambiguous.
    :raises CodeRefused: the code contradicts itself.
    :raises WrongTenant: the code or the ledger is about another tenant.
    :raises CakewalkError: something cannot be read, the ledger included.
    """
    users, apps, groups = tenant.indexes((kind, list(options.get(kind.name) or ()), True) for kind in _KINDS)
    people, chosen, deciders = (
        selection.find_all(options[name] or (), index)
        for name, index in ((USERS.name, users), (APPS.name, apps), ("deciders", users))
    )
    ledger = FileLedger.read(options["ledger_path"], base_url, apps.by_id) if options["ledger_path"] else None
    if source:
        check_anchors(source["code"]["tenant"]["anchors"], base_url, tenant)
    code = CodeLookup(source, Directory(users, groups, apps, tenant.user_statuses.inactive)) if source else None
    chosen, is_named = chosen or list(apps.by_id.values()), bool(people and chosen)
    sources = read_sources(chosen, list(groups.by_id.values()), tenant)
    pairs = [_Pair(app, user, sources, users) for app in chosen for user in people or sources.people_of(app, users)]
    pairs = [pair for pair in pairs if is_named or pair.is_worth_explaining]
    pairs.sort(key=_Pair.place)
    decisions = read_decisions(deciders, [(pair.user, pair.app, pair.requests) for pair in pairs], tenant)
    return [pair.explanation(decisions, ledger, code) for pair in pairs]


@dataclass(frozen=True)
class _Pair:
    """A person and an app, with what the lists show about the two."""

    app: Row
    user: Row
    sources: AccessSources
    users: Index = field(repr=False)

    @cached_property
    def state(self) -> AppState:
        """The app."""
        return self.sources.states[self.app["id"].lower()]

    @cached_property
    def groups(self) -> list[Row]:
        """The groups that give the app to the person."""
        giving = self.sources.giving[self.app["id"].lower()]
        return sorted((group for group, ids in giving if self.user["id"].lower() in ids), key=label)

    @cached_property
    def requests(self) -> list[Row]:
        """The requests for the person and the app, the newest last; those that may be for them come first."""
        return self.state.requests.about(self.user, self.app)

    def place(self) -> tuple[str, str, bool, str, str]:
        """Return the key by which explanations are sorted."""
        is_without = not self.state.held_by(self.user)
        return label(self.app).lower(), self.app["id"], is_without, person(self.user).lower(), self.user["id"]

    @property
    def is_worth_explaining(self) -> bool:
        """Whether the person has access, gets it from a group, or has asked for it."""
        own = any(id_in(row, "targetUserId") == self.user["id"].lower() for row in self.requests)
        return bool(self.state.held_by(self.user) or self.groups or own)

    def explanation(
        self,
        decisions: Mapping[str, Sequence[Mapping[str, Any]]],
        ledger: FileLedger | None,
        code: CodeLookup | None,
    ) -> dict[str, Any]:
        """Return everything as data, and as lines for people."""
        held = self.state.held_by(self.user)
        accesses = [{"permission_level": level} for level in held.values()]
        requests = [self._request(row, decisions.get(row["id"].lower(), ())) for row in self.requests]
        policies = list(self._policies(ledger, held)) if ledger else []
        not_known = list(self._not_known(requests, policies, ledger is not None))
        giving = {group["id"].lower() for group, _ids in self.sources.giving[self.app["id"].lower()]}
        mentions = list(code.about(self.user, self.app, giving)) if code else []
        lines = [self._headline(), *self._reasons(requests, policies), *(f"- Code: {mention}." for mention in mentions)]
        lines += ["- Code: no entry names both."] if code and not mentions else []
        return {
            "user": person(self.user),
            "user_id": self.user["id"],
            "user_status": self.user.get("statusName"),
            "app": label(self.app),
            "app_id": self.app["id"],
            "has_access": bool(held),
            "is_owner": self.state.is_owned_by(self.user),
            "accesses": accesses,
            "groups": [{"id": group["id"], "name": label(group)} for group in self.groups],
            "requests": requests,
            "policies": policies,
            "code": [mention.as_result() for mention in mentions],
            "not_known": not_known,
            "text": [*lines, *(f"- Not known: {line}" for line in not_known)],
        }

    def _headline(self) -> str:
        who, app = printable(person(self.user)), printable(label(self.app))
        held = self.state.held_by(self.user).values()
        levels = [printable(label(level)) for level in held if level]
        if not held:
            nothing = "" if self.groups or self.requests else ", and no group or request gives it"
            return f"No access to {app} is listed for {who}{nothing}."
        at = f", {'level' if len(levels) == 1 else 'levels'} {', '.join(levels)}" if levels else ""
        owns = ", and owns the app" if self.state.is_owned_by(self.user) else ""
        return f"{who} has access to {app}{at}{owns}."

    def _reasons(self, requests: Iterable[Mapping[str, Any]], policies: Iterable[Mapping[str, Any]]) -> Iterator[str]:
        counts = "" if self.state.held_by(self.user) else ", so access rules count it as held"
        for group in self.groups:
            yield f"- Group: {printable(label(group))} gives the app to its members{counts}."
        for request in requests:
            yield f"- Request: {_request_line(request)}"
            yield from (f"  - {_decision_line(one)}" for one in request["decisions"])
        for policy in policies:
            level = f", level {printable(policy['permission_level'])}" if policy["permission_level"] else ""
            what = f"{printable(policy['policy'])} for {policy['request_type']}{level}"
            yield f"- Policy: {what}, assigned on {_day(policy['assigned_at'])} according to the ledger."

    def _request(self, row: Row, decisions: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        level = self.state.levels.by_id.get(id_in(row, "permissionLevelId"))
        source = id_in(row, "sourceId")
        giving = {group["id"].lower(): label(group) for group, _ids in self.sources.giving[self.app["id"].lower()]}
        return {
            "id": row["id"],
            "request_type": row.get("requestType"),
            "status": row.get("requestStatus"),
            "permission_level_id": row.get("permissionLevelId"),
            "permission_level": label(level) if level else None,
            "requested_by": self._person(row, "requestedByUserId"),
            "cancelled_by": self._person(row, "cancelledByUserId"),
            "source": giving.get(source, row.get("sourceId")),
            "created_at": row.get("createdAt"),
            "updated_at": row.get("updatedAt"),
            "is_about_both": bool(row.get("targetUserId") and row.get("workAppId")),
            "decisions": list(decisions),
        }

    def _person(self, row: Row, name: str) -> str | None:
        found = self.users.by_id.get(id_in(row, name))
        return person(found) if found else row.get(name)

    def _policies(self, ledger: FileLedger, held: Mapping[str, Row | None]) -> Iterator[dict[str, Any]]:
        """Yield the entries of the ledger about the app itself, and about the levels that the person holds."""
        for (_kind, app_id, level_id, request_type), entry in ledger.entries("policy"):
            if app_id == self.app["id"].lower() and (not level_id or level_id in held):
                level = held.get(level_id) if level_id else None
                yield {
                    "request_type": _TYPE_NAMES.get(request_type, request_type),
                    "permission_level": label(level) if level else None,
                    "policy": entry.value.get("policy") or entry.value.get("policy_id"),
                    "assigned_at": entry.at.isoformat(),
                }

    def _not_known(
        self, requests: Sequence[Mapping[str, Any]], policies: Sequence[Mapping[str, Any]], has_ledger: bool
    ) -> Iterator[str]:
        held = self.state.held_by(self.user)
        gives = of_type(self.requests, (GRANT, CHANGE))
        granted = [row for row in gives if self.state.requests.class_of(row) == "granted"]
        if held and self.state.is_owned_by(self.user) is None:
            yield "whether the person owns the app."
        if held and self.groups and granted:
            yield "whether a group or a request gave the access."
        if held and not self.groups and not granted:
            yield (
                "where the access comes from. No group gives it, and no approved request for it is listed. It was "
                "recorded directly, comes from another directory, or its request is gone."
            )
        if held and granted and id_in(granted[-1], "permissionLevelId") not in held:
            yield "why the level is another one than the last approved request asked for."
        # An open request is the reason.
        if self.groups and not held and not any(self.state.requests.class_of(row) == "open" for row in gives):
            yield "why the groups have not given the access."
        for row in self.state.requests.unknown(self.requests):
            yield f"what the request {printable(row['id'])} means, which is {printable(row.get('requestStatus'))!r}."
        decided = [row for row in requests if row["is_about_both"] and not row["decisions"]]
        if decided:
            yield "who decides about requests without decisions here. Name possible approvers under `deciders`."
        if not has_ledger:
            yield "which policies apply. The API does not show it; if there is a ledger, give `ledger_path`."
        elif not policies:
            yield "which policies apply. The ledger has none for the app itself, nor for a level that the person holds."


def _request_line(request: Mapping[str, Any]) -> str:
    wanted = _WORDS.get(request["request_type"], printable(request["request_type"]))
    level = f", level {printable(request['permission_level'])}" if request["permission_level"] else ""
    source = f", because of {printable(request['source'])}" if request["source"] else ""
    unsure = ", which does not show its person or app" if not request["is_about_both"] else ""
    asked = f"{printable(request['requested_by'])} asked for {wanted}{level} on {_day(request['created_at'])}"
    return f"{asked}{source}{unsure}; {printable(request['status'])} since {_day(request['updated_at'])}."


def _decision_line(decision: Mapping[str, Any]) -> str:
    step = {True: "Action", False: "Review"}.get(decision["is_action_step"], "Task")
    who = f" by {printable(decision['decided_by'])}" if decision["decided_by"] else ""
    waits = f", assigned to {printable(decision['assigned_to'])}" if decision["assigned_to"] and not who else ""
    return f"{step}: {printable(decision['status'])}{who}{waits} on {_day(decision['updated_at'])}."


def _day(time: object) -> str:
    return printable(str(time).partition("T")[0]) if time else "an unknown day"
