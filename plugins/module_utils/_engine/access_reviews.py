# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Access reviews, which can be started once, and never read or changed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from .._api.catalog import APPS
from .._api.errors import ConfigurationError
from .._api.operations import Key, Step
from .._api.text import printable, summarize
from .._api.writes import start_review
from .core.lookup import Resolver, Row, label, unique_labels
from .core.plan import ApplyResult, State, StepStatus
from .core.tenant import Tenant
from .storage.ledger import FileLedger, LedgerEntry

#: A date, or a date with a time and its zone, as in RFC 3339; seconds are optional.
_DUE = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[Tt ]([0-9]{2}:[0-9]{2}(?::[0-9]{2})?)([Zz]|[+-][0-9]{2}:[0-9]{2}))?"
)


@dataclass(frozen=True)
class AccessReview:
    """An access review as a task describes it.

    :param reviewer: the value of the option.
    :param due_date: the end of the review, in UTC.
    :param apps: the reviewed apps; C(None) means all apps.
    """

    name: str
    reviewer: str
    due_date: datetime
    description: str | None
    apps: tuple[Row, ...] | None

    @property
    def key(self) -> Key:
        """The key in the ledger: only its name identifies a review."""
        return ("review", self.name)

    @property
    def due(self) -> str:
        """The due date as it is sent."""
        return self.due_date.strftime("%Y-%m-%dT%H:%M:%SZ")

    def ledger_value(self) -> dict[str, Any]:
        """Return the value for the ledger, with the ids of apps."""
        return {
            "reviewer": self.reviewer,
            "due_date": self.due,
            "description": self.description,
            "apps": None if self.apps is None else sorted(row["id"].lower() for row in self.apps),
        }

    def state(self) -> State:
        """Return the started review for the diff."""
        apps = ["all apps"] if self.apps is None else unique_labels(self.apps).values()
        described = [f"description: {self.description}"] if self.description else []
        lines = [f"due: {self.due}", f"reviewer: {self.reviewer}", *described, *(f"app: {app}" for app in apps)]
        return {f"Access review: {self.name}": lines}

    def described(self) -> dict[str, Any]:
        """Return the review as data, with the names of apps."""
        return {
            "name": self.name,
            "reviewer": self.reviewer,
            "due_date": self.due,
            "description": self.description,
            "all_apps": self.apps is None,
            "apps": sorted(map(label, self.apps or ())),
        }

    def check_due(self, now: datetime) -> None:
        """Raise a C(ConfigurationError) if the due date is in the past, so that the review would be over already."""
        if self.due_date <= now:
            raise _unusable("due_date", self.due, "it is in the past", "Give a date in the future.")

    def start(self, actor: Row) -> Step:
        """Return the step that starts the review, and stores it in the ledger."""
        entry = (self.key, self.ledger_value())
        return start_review(self.name, self.description, self.reviewer, self.due, self.apps, actor, entry)

    def result(self, outcome: str, ledger: FileLedger | None, started: LedgerEntry | None = None) -> dict[str, Any]:
        """Return the result of C(cakewalk_access_review).

        :param started: the ledger entry of a review that was started before.
        """
        started_at = {"started_at": started.at.isoformat()} if started else {}
        basis = {"changed_basis": "ledger" if ledger else "none", "verified": False}
        return {"review": {**self.described(), "outcome": outcome, **started_at, **basis}}

    def refusal(self, applied: ApplyResult, ledger: FileLedger | None) -> dict[str, Any]:
        """Return the result if the service refused the name, and nothing otherwise."""
        causes = [result.error.cause for result in applied.having(StepStatus.REFUSED) if result.error]
        if not causes:
            return {}
        warning = (
            f"Nothing was started: {causes[0]}. The service answers so when a name is taken. Whether the access review "
            f"called {printable(self.name)!r} is this one cannot be known. Look in Cakewalk, and give another name if "
            "it is not."
        )
        message = f"The access review {printable(self.name)!r} was not started: {causes[0]}."
        return {**self.result("name_refused", ledger), "msg": message, "warnings": [warning]}


def read_review(params: Mapping[str, Any], tenant: Tenant) -> tuple[AccessReview, FileLedger | None, Resolver]:
    """Read the apps and the ledger of a task; return its review, the ledger, and a resolver with problems of the apps.

    A ledger needs all apps, because it recognizes its tenant by them.

    :param params: the options of a task, validated by C(check_options).
    """
    path, resolver = params["ledger_path"], Resolver()
    apps = tenant.index(APPS, params["apps"] or [], is_whole=bool(path))
    ledger = FileLedger.read(path, params["base_url"], apps.by_id, is_exclusive=True) if path else None
    reviewed = None if params["all_apps"] else tuple(resolver.find_all(params["apps"], apps))
    due = due_date(params["due_date"])
    return AccessReview(params["name"], params["reviewer"], due, params["description"], reviewed), ledger, resolver


def check_options(params: Mapping[str, Any]) -> None:
    """Validate options before anything is read.

    :raises ConfigurationError: the name is blank, null or has space around it, the due date is not valid, or the apps
        are neither listed nor all meant. To the service, an empty list means all apps.
    """
    name = params["name"]
    if not name.strip() or name == str(None):  # which is what ansible-core before 2.19 makes of null
        raise _unusable("name", name, "it is blank or null", "Give a name that no other access review has.")
    if name != name.strip():
        raise _unusable("name", name, "it has space around it", "Give it without.")
    due_date(params["due_date"])
    if params["all_apps"] != (params["apps"] is None) or params["apps"] == []:
        cause = "apps is not set and `all_apps` is false" if params["apps"] is None else "apps is empty"
        raise ConfigurationError(
            "select the apps to review",
            "`all_apps` is true, and apps are listed too" if params["all_apps"] else cause,
            "List apps, or set `all_apps: true` if all of them are meant.",
            option="apps",
        )
    if not all(app.strip() for app in params["apps"] or ()):
        raise ConfigurationError("use apps", "an entry is blank", "Remove it, or fill it in.", option="apps")


def due_date(text: str) -> datetime:
    """Parse a due date, and return it in UTC; a bare date means the last second of that day in UTC.

    :raises ConfigurationError: the text is not a date, or a time without a zone.
    """
    form = _DUE.fullmatch(text)
    if form:
        day, time, zone = form.groups()
        zone = "+00:00" if zone in (None, "Z", "z") else zone
        try:
            return datetime.fromisoformat(f"{day}T{time or '23:59:59'}{zone}").astimezone(timezone.utc)
        except (ValueError, OverflowError):
            pass
    raise _unusable(
        "due_date",
        text,
        "it is neither a date nor a time with its zone",
        "Give a date (2030-12-31), or a time with an offset or Z (2030-12-31T18:00:00+01:00).",
    )


def changed_since(review: AccessReview, started: LedgerEntry) -> list[str]:
    """Return a warning if the review differs from the review that was started under its name."""
    differing = [name for name, value in review.ledger_value().items() if started.value.get(name) != value]
    if not differing:
        return []
    return [
        f"The access review {printable(review.name)!r} was started on {started.at:%Y-%m-%d} with other values for "
        f"{summarize(differing)}. An access review cannot be changed, so nothing was sent: change it in "
        "Cakewalk, or start one under another name."
    ]


def sent_blindly(review: AccessReview) -> str:
    """Return the warning that nothing shows whether the review was started before."""
    return (
        f"It cannot be known whether there is an access review called {printable(review.name)!r} already: the service "
        "does not show reviews, and without `ledger_path` nothing is remembered. So it is sent each time."
    )


def _unusable(option: str, value: str, cause: str, hint: str) -> ConfigurationError:
    return ConfigurationError(f"use {printable(value)!r} as `{option}`", cause, hint, option=option)
