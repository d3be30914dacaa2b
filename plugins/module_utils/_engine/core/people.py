# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may receive access, and who may act: what a person's status allows."""

from __future__ import annotations

from collections.abc import Iterable

from ..._api.catalog import UserStatuses
from ..._api.errors import ConfigurationError
from ..._api.text import printable, summarize
from .lookup import Index, Resolver, Row, person


def check_receivers(people: Iterable[Row], statuses: UserStatuses, finder: Resolver) -> list[str]:
    """Report people on their way out as problems; return a warning that names those whose status says nothing known."""
    unknown = []
    for row in people:
        status = row.get("statusName")
        if status in statuses.inactive:
            message = f"the user {printable(person(row))!r} is {status} and would be given access"
            finder.report(person(row), "inactive", f"{message} (allow_inactive permits it)", status=status)
        elif status not in statuses.may_receive_access:
            unknown.append(f"{printable(person(row))} ({printable(status)})")
    if not unknown:
        return []
    return [
        "It is not known whether people in this status may have access, they are added all the same: "
        f"{summarize(unknown)}. "
        "If they may, list the status under known_statuses.user.may_receive_access."
    ]


def acting_user(reference: str | None, people: Index, statuses: UserStatuses, finder: Resolver) -> Row:
    """Return the person in whose name something is done.

    The vendor does not authenticate this person, so the least that can be asked is that it exists and is active.

    :raises ConfigurationError: nobody is named, or somebody whose status is not known to allow it.
    :raises LookupFailed: there is no such person, or several; with all problems that the C(finder) holds.
    """
    if not reference:
        raise ConfigurationError(
            "act in somebody's name",
            "acting_user is not set, and the vendor demands an admin who is shown as the one who did it",
            "Set acting_user (CAKEWALK_ACTING_USER) to the e-mail address or id of an admin.",
            option="acting_user",
        )
    row = finder.find(reference, people, called="acting user")
    finder.check()
    status = row.get("statusName") if row else None
    if row is None or status not in statuses.may_act:
        raise ConfigurationError(
            f"act as {printable(reference)}",
            f"the status of this person is {printable(status)}",
            "Name an active admin, or list the status under known_statuses.user.may_act if it means active here.",
            option="acting_user",
        )
    return row
