# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The populations that auditors ask for, made of what a tenant listed: pure, without a single request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..._api.catalog import REQUEST_TYPE_NAMES, StatusTable, UserStatuses
from ..access_rules.evaluation import EXCEPTED, NOT_SEEN, VIOLATED
from ..access_rules.form import SEVERITIES
from ..core.lookup import Row
from ..core.people import status_of
from ..core.timestamps import moment, utc
from .privileges import ORDINARY, Privileged
from .snapshot import TenantSnapshot
from .table import EMAIL, ID, NAME, NUMBER, TEXT, TIME, Column, Table

#: The classes of statuses: the person may have access or may not, the status is in no table, a request is open.
CURRENT, INACTIVE, UNKNOWN, OPEN = "current", "inactive", "unknown", "open"


def _person(what: str = "user", title: str = "") -> tuple[Column, ...]:
    return (
        Column(f"{what}_email", title or "E-mail", EMAIL),
        Column(f"{what}_name", f"{title}, name" if title else "Name", NAME),
        Column(f"{what}_id", f"{title}, id" if title else "User id", ID),
    )


_STATUS = (Column("user_status", "Status"), Column("user_status_class", "Status class"))
_APP = (Column("app", "App", NAME), Column("app_id", "App id", ID))
_LEVEL = (Column("permission_level", "Level", NAME), Column("permission_level_id", "Level id", ID))
_APP_STATUS = Column("app_status", "App status")
_ACCESS = (*_APP, _APP_STATUS, *_LEVEL, *_person(), *_STATUS)
_ACCESS += (Column("privileged", "Privileged"), Column("is_owner", "Owner"))
_ACCESS_KEY = ("app_id", "user_id", "permission_level_id")

ACCESSES = Table(
    "accesses",
    "Access to apps",
    "Who has access to which app: one row for each permission level that a person has.",
    _ACCESS,
    _ACCESS_KEY,
)
PRIVILEGED = Table(
    "privileged_accesses",
    "Privileged access",
    "Access that Cakewalk marks as privileged (marked), that the company names as privileged (named), or that may be "
    "privileged (unknown).",
    _ACCESS,
    _ACCESS_KEY,
)
MEMBERS = Table(
    "group_members",
    "Group members",
    "Who is a member of which group.",
    (Column("group", "Group", NAME), Column("group_id", "Group id", ID), *_person(), *_STATUS),
    ("group_id", "user_id"),
)
OWNERLESS = Table(
    "ownerless_apps",
    "Apps without an owner",
    "Apps whose record names no owner (none), or does not show an owner (not shown).",
    (*_APP, _APP_STATUS, Column("owner", "Owner"), Column("people", "People", NUMBER)),
    ("app_id",),
)
LEAVERS = Table(
    "inactive_people",
    "Inactive or leaving people with access",
    "People who have access, are in a group or own an app, although their status rules out access (inactive). People "
    "with an unknown status are listed too (unknown).",
    (
        *_person(),
        *_STATUS,
        Column("accesses", "Access", NUMBER),
        Column("privileged_accesses", "Privileged", NUMBER),
        Column("groups", "Groups", NUMBER),
        Column("owned_apps", "Owned apps", NUMBER),
    ),
    ("user_id",),
)
REQUESTS = Table(
    "open_requests",
    "Open requests",
    "Requests that await a decision (open), or whose status is unknown (unknown).",
    (
        Column("age_days", "Age in days", NUMBER),
        Column("request_type", "Type"),
        *_person("target", "For"),
        *_APP,
        *_LEVEL,
        Column("status", "Status"),
        Column("status_class", "Status class"),
        *_person("requester", "Requested by"),
        Column("created_at", "Created", TIME),
        Column("updated_at", "Updated", TIME),
        Column("request_id", "Request id", ID),
        Column("purpose", "Purpose", TEXT),
    ),
    ("request_id",),
)
COUNTS = Table(
    "account_counts",
    "Account counts compared",
    "How many people each app lists, and how many accounts its record counts (numberOfAccounts).",
    (
        *_APP,
        Column("accesses", "Access listed", NUMBER),
        Column("people", "People listed", NUMBER),
        Column("number_of_accounts", "Accounts counted", NUMBER),
        Column("agrees", "Agreement"),
    ),
    ("app_id",),
)
VIOLATIONS = Table(
    "violations",
    "Violations of access rules, and exceptions",
    "Who violates which of the company's access rules (violated), or may do so (unknown), and who has an exception "
    "(excepted).",
    (
        Column("severity", "Severity", ranks=SEVERITIES[::-1]),
        Column("rule", "Rule", NAME),
        Column("rule_state", "Result", ranks=(VIOLATED, NOT_SEEN, EXCEPTED)),
        *_person(),
        Column("finding", "Finding", TEXT),
        Column("exception_reason", "Exception", TEXT),
        Column("exception_until", "Until", TIME),
        Column("rule_reason", "Reason for the rule", TEXT),
        Column("rule_at", "File and line", TEXT),
    ),
    ("rule", "user_id"),
)
#: All tables, in the order of the report. The last one is not a population but a check of the access rows.
ALL = (VIOLATIONS, PRIVILEGED, LEAVERS, OWNERLESS, REQUESTS, ACCESSES, MEMBERS, COUNTS)


def tables_of(evidence: Mapping[str, Any]) -> list[Table]:
    """Return the tables that C(cakewalk_evidence) read, from the values of each row by the name of the table."""
    return [
        table.holding(
            dict(zip((column.name for column in table.columns), row, strict=True))
            for row in evidence["rows"][table.name]
        )
        for table in _shapes(evidence["rows"], evidence["purposes"])
    ]


def _shapes(names: Collection[str], with_purposes: bool) -> list[Table]:
    shapes = [table if with_purposes or table is not REQUESTS else REQUESTS.without("purpose") for table in ALL]
    return [table for table in shapes if table.name in names]


@dataclass
class Populations:
    """The tables for auditors, made from a snapshot.

    :param with_purposes: whether to show the purposes of requests.
    :param findings: rows about access rules, with the id of a person as C(user_id); C(None) without rules.
    """

    snapshot: TenantSnapshot
    user_statuses: UserStatuses
    request_statuses: StatusTable
    privileged: Privileged
    with_purposes: bool = False
    findings: Sequence[Mapping[str, Any]] | None = None

    def __post_init__(self) -> None:
        self._directory = {row["id"].lower(): row for row in self.snapshot.users}
        self._apps = {row["id"].lower(): row for row in self.snapshot.apps}
        levels = (_level(row) for rows in self.snapshot.accesses for row in rows)
        self._levels = {level["id"].lower(): level for level in levels if level and level.get("id")}
        self.unknown: Counter[str] = Counter()

    def tables(self) -> list[Table]:
        """Return all tables with their rows, and count unknown statuses in C(unknown)."""
        accesses = list(self._accesses())
        privileged = [row for row in accesses if row["privileged"] != ORDINARY]
        members = list(self._members())
        rows = {
            ACCESSES.name: accesses,
            PRIVILEGED.name: privileged,
            MEMBERS.name: members,
            OWNERLESS.name: list(self._ownerless()),
            LEAVERS.name: list(self._leavers(accesses, privileged, members)),
            REQUESTS.name: list(self._requests()),
            COUNTS.name: list(self._counts()),
            **({} if self.findings is None else {VIOLATIONS.name: [*map(self._of_finding, self.findings)]}),
        }
        self._count_unknown(rows[LEAVERS.name], rows[REQUESTS.name])
        return [table.holding(rows[table.name]) for table in _shapes(rows, self.with_purposes)]

    def _accesses(self) -> Iterator[dict[str, Any]]:
        for app, rows in zip(self.snapshot.apps, self.snapshot.accesses, strict=True):
            for row in rows:
                level = _level(row)
                yield {
                    **_of_app(app),
                    "app_status": app.get("statusName"),
                    "permission_level": level and level.get("name"),
                    "permission_level_id": level and level.get("id"),
                    **self._of_person(row["user"]),
                    "privileged": self.privileged.verdict(app, level),
                    "is_owner": row.get("isOwner"),
                }

    def _members(self) -> Iterator[dict[str, Any]]:
        for group, rows in zip(self.snapshot.groups, self.snapshot.members, strict=True):
            for row in rows:
                yield {"group": group.get("name"), "group_id": group["id"], **self._of_person(row)}

    def _ownerless(self) -> Iterator[dict[str, Any]]:
        for app, rows in zip(self.snapshot.apps, self.snapshot.accesses, strict=True):
            if app.get("owner") is None:
                owner = "none" if "owner" in app else "not shown"
                about = {"app_status": app.get("statusName"), "owner": owner, "people": _people(rows)}
                yield {**_of_app(app), **about}

    def _leavers(self, accesses: list[Any], privileged: list[Any], members: list[Any]) -> Iterator[dict[str, Any]]:
        owned = [
            self._of_person(app["owner"])
            for app in self.snapshot.apps
            if isinstance(app.get("owner"), Mapping) and isinstance(app["owner"].get("id"), str)
        ]
        held = {"accesses": accesses, "privileged_accesses": privileged, "groups": members, "owned_apps": owned}
        people = {row["user_id"]: row for rows in held.values() for row in rows}
        counts = {name: Counter(row["user_id"] for row in rows) for name, rows in held.items()}
        for identifier, row in people.items():
            if row["user_status_class"] != CURRENT:
                yield {**row, **{name: counted[identifier] for name, counted in counts.items()}}

    def _requests(self) -> Iterator[dict[str, Any]]:
        time = self.snapshot.time
        for row in self.snapshot.requests:
            status = self.request_statuses.class_of(row.get("requestStatus"))
            if status not in (OPEN, None):
                continue
            created = moment(row.get("createdAt"))
            yield {
                # The clock of the service is read to the second.
                "age_days": max((time - created).days, 0) if time and created else None,
                "created_at": _time(row.get("createdAt"), created),
                "updated_at": _time(row.get("updatedAt"), moment(row.get("updatedAt"))),
                "request_type": REQUEST_TYPE_NAMES.get(str(row.get("requestType")), row.get("requestType")),
                "status": row.get("requestStatus"),
                "status_class": status or UNKNOWN,
                **self._of_id("target", row.get("targetUserId")),
                **self._of_requested_app(row),
                **self._of_id("requester", row.get("requestedByUserId")),
                "request_id": row["id"],
                "purpose": row.get("requestPurpose"),
            }

    def _counts(self) -> Iterator[dict[str, Any]]:
        for app, rows in zip(self.snapshot.apps, self.snapshot.accesses, strict=True):
            accounts, people = app.get("numberOfAccounts"), _people(rows)
            counts = {"accesses": len(rows), "people": people, "number_of_accounts": accounts}
            yield {**_of_app(app), **counts, "agrees": agreement(accounts, len(rows), people)}

    def _of_finding(self, finding: Mapping[str, Any]) -> dict[str, Any]:
        someone = finding["user_id"]
        return {**finding, **(self._of_person({"id": someone}) if someone else {})}

    def _of_person(self, row: Row) -> dict[str, Any]:
        """Return the columns about a person, from the row and, where it lacks a value, from the list of users."""
        identifier = row["id"].lower()
        user = {**self._directory.get(identifier, {}), **{name: value for name, value in row.items() if value}}
        status = status_of(user)
        return {
            "user_id": identifier,
            "user_email": user.get("email"),
            "user_name": user.get("name"),
            "user_status": status,
            "user_status_class": self._class_of(status),
        }

    def _class_of(self, status: str | None) -> str:
        if status in self.user_statuses.inactive:
            return INACTIVE
        return CURRENT if status in self.user_statuses.may_receive_access | self.user_statuses.may_act else UNKNOWN

    def _of_id(self, what: str, identifier: object) -> dict[str, Any]:
        lowered = identifier.lower() if isinstance(identifier, str) else None
        user = self._directory.get(lowered or "", {})
        return {f"{what}_id": lowered, f"{what}_email": user.get("email"), f"{what}_name": user.get("name")}

    def _of_requested_app(self, row: Row) -> dict[str, Any]:
        app, level = row.get("workAppId"), row.get("permissionLevelId")
        return {
            "app_id": app,
            "app": self._apps.get(str(app).lower(), {}).get("name"),
            "permission_level_id": level,
            "permission_level": self._levels.get(str(level).lower(), {}).get("name"),
        }

    def _count_unknown(self, people: list[Any], requests: list[Any]) -> None:
        for row in people:
            if row["user_status_class"] == UNKNOWN:
                self.unknown[f"user status {row['user_status']}"] += 1
        for row in requests:
            if row["status_class"] == UNKNOWN:
                self.unknown[f"request status {row['status']}"] += 1


def agreement(accounts: object, accesses: int, people: int) -> str:
    """Return whether the number of accounts in an app's record is the number of people listed.

    The vendor's text says that it counts people. It was not seen whether a person with two levels counts twice.
    """
    if not isinstance(accounts, int):
        return "not shown"
    if accounts == people:
        return "yes"
    return "as access" if accounts == accesses else "no"


def _level(access: Row) -> Row | None:
    level = access.get("permissionLevel")
    return level if isinstance(level, Mapping) else None


def _of_app(app: Row) -> dict[str, Any]:
    return {"app": app.get("name"), "app_id": app["id"]}


def _people(accesses: Any) -> int:
    return len({row["user"]["id"].lower() for row in accesses})


def _time(text: object, time: datetime | None) -> Any:
    return utc(time) if time else text
