# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Access reviews as campaigns that can be started once, and never be read or changed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from .._api.errors import CakewalkError, ConfigurationError
from .._api.operations import Key, Step
from .._api.text import printable, summarize
from .._api.writes import start_review
from .core.lookup import Index, Resolver, Row, label
from .storage.ledger import LedgerEntry

#: A date, or a date with a time and where it holds, as in RFC 3339; seconds may be left out.
_DUE = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[Tt ]([0-9]{2}:[0-9]{2}(?::[0-9]{2})?)([Zz]|[+-][0-9]{2}:[0-9]{2}))?"
)


@dataclass(frozen=True)
class AccessReview:
    """A campaign as a task wants it.

    :param reviewer: as options call it.
    :param due_date: when it ends, in UTC.
    :param apps: which apps; C(None) means all of them.
    """

    name: str
    reviewer: str
    due_date: datetime
    description: str | None
    apps: tuple[Row, ...] | None

    @property
    def key(self) -> Key:
        """Under what a ledger remembers it: its name is all that identifies a campaign."""
        return ("review", self.name)

    @property
    def due(self) -> str:
        """The due date as it is sent."""
        return self.due_date.strftime("%Y-%m-%dT%H:%M:%SZ")

    def remembered(self) -> dict[str, Any]:
        """Return what a ledger is to remember of it, apps by id."""
        return {
            "reviewer": self.reviewer,
            "due_date": self.due,
            "description": self.description,
            "apps": None if self.apps is None else sorted(row["id"].lower() for row in self.apps),
        }

    def described(self) -> dict[str, Any]:
        """Return it as data, apps by name."""
        return {
            "name": self.name,
            "reviewer": self.reviewer,
            "due_date": self.due,
            "description": self.description,
            "all_apps": self.apps is None,
            "apps": sorted(map(label, self.apps or ())),
        }

    def check_due(self, now: datetime) -> None:
        """Refuse to start what is over already.

        :raises ConfigurationError: it is.
        """
        if self.due_date <= now:
            raise _unusable("due_date", self.due, "it is in the past", "Give one that is to come.")

    def start(self, acting_user: Row) -> Step:
        """Return the step that starts it, and leaves it in the ledger."""
        return start_review(
            self.name,
            self.description,
            self.reviewer,
            self.due,
            self.apps,
            acting_user,
            (self.key, self.remembered()),
        )

    def differing(self, entry: LedgerEntry) -> list[str]:
        """Return the options in which it differs from the campaign that was started under its name."""
        return [name for name, value in self.remembered().items() if entry.value.get(name) != value]


def review_of(params: Mapping[str, Any], apps: Index, finder: Resolver) -> AccessReview:
    """Return the campaign that a task describes; C(finder) collects apps that mean nothing, or several.

    :param params: the options of a task, as C(check_options) lets them pass.
    """
    return AccessReview(
        params["name"],
        params["reviewer"],
        due_date(params["due_date"]),
        params["description"],
        None if params["all_apps"] else tuple(finder.find_all(params["apps"], apps)),
    )


def check_options(params: Mapping[str, Any]) -> None:
    """Refuse options that cannot be meant, before anything is read.

    :raises ConfigurationError: the name is blank, null or has space around it, the due date is none, or it is not said
        which apps: to the service no apps means all of them.
    """
    name = params["name"]
    if not name.strip() or name == str(None):  # which is what ansible-core before 2.19 makes of null
        raise _unusable("name", name, "it is blank or null", "Give one that no other access review has.")
    if name != name.strip():
        raise _unusable("name", name, "it has space around it", "Give it without.")
    due_date(params["due_date"])
    if params["all_apps"] != (params["apps"] is None) or params["apps"] == []:
        both = "all_apps is true, and apps are listed too"
        neither = "apps is not set and all_apps is false" if params["apps"] is None else "apps is empty"
        raise ConfigurationError(
            "tell which apps are reviewed",
            both if params["all_apps"] else neither,
            "List apps, or set all_apps: true if all of them are meant.",
            option="apps",
        )
    if not all(app.strip() for app in params["apps"] or ()):
        raise ConfigurationError("use apps", "an entry is blank", "Remove it, or fill it in.", option="apps")


def due_date(text: str) -> datetime:
    """Return the time in UTC that a due date means; a bare date means the last second of that day in UTC.

    :raises ConfigurationError: it is no date, or a time that does not say where it holds.
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
        "it is no date, and no time with its zone",
        "Give a date (2030-12-31), or a time with an offset or Z (2030-12-31T18:00:00+01:00).",
    )


def changed_since(campaign: AccessReview, entry: LedgerEntry) -> list[str]:
    """Return the warning that the campaign is wanted otherwise than it was started, if it is."""
    differing = campaign.differing(entry)
    if not differing:
        return []
    return [
        f"The access review {printable(campaign.name)!r} was started on {entry.at:%Y-%m-%d} with other values for "
        f"{summarize(differing)}. A campaign cannot be changed, so nothing was sent: change it in Cakewalk, or start "
        "one "
        "under another name."
    ]


def sent_blindly(campaign: AccessReview) -> str:
    """Return the warning that nothing tells whether the campaign was started before."""
    return (
        f"It cannot be known whether there is an access review called {printable(campaign.name)!r} already: the "
        "service "
        "does not show reviews, and without ledger_path nothing is remembered. So it is sent each time."
    )


def name_refused(campaign: AccessReview, refusal: CakewalkError) -> str:
    """Return what is to be told where the service refused the name."""
    return (
        f"Nothing was started: {refusal.cause}. The service answers so when a name is taken. Whether the access "
        f"review called {printable(campaign.name)!r} is this one cannot be known. Look in Cakewalk, and give another "
        "name if it is not."
    )


def _unusable(option: str, value: str, why: str, remedy: str) -> ConfigurationError:
    return ConfigurationError(f"use {printable(value)!r} as {option}", why, remedy, option=option)
