# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of people by status: may they receive access, and may they act?"""

from __future__ import annotations

from collections.abc import Iterable

from ..._api.catalog import UserStatuses, person
from ..._api.errors import ConfigurationError, places
from ..._api.text import printable, summarize
from .lookup import Index, Resolver, Row
from .tenant import Tenant


def status_of(user: Row) -> str | None:
    """Return the status of a user; a status that is not a text becomes a text, which is never a known status."""
    status = user.get("statusName")
    return None if status is None else str(status)


def check_receivers(people: Iterable[Row], statuses: UserStatuses, resolver: Resolver) -> list[str]:
    """Report inactive people as problems, and return a warning about people with an unknown status."""
    unknown = []
    for row in people:
        status = status_of(row)
        if status in statuses.inactive:
            message = f"the user {printable(person(row))!r} is {status} and would be given access"
            resolver.report(person(row), "inactive", f"{message} (`allow_inactive` permits it)", status=status)
        elif status not in statuses.may_receive_access:
            unknown.append(f"{printable(person(row))} ({printable(status)})")
    if not unknown:
        return []
    return [
        "It is not known whether people in this status may have access, and they are added anyway: "
        f"{summarize(unknown)}. "
        "If they may, list the status under `known_statuses.user.may_receive_access`."
    ]


#: Why a task needs an acting user, where the vendor's API does.
DEMANDED = "Cakewalk records an admin as the author of the change"


#: The acting user of a dry run that names none.
NOBODY: Row = {"id": "", "email": "nobody, since `acting_user` is not set"}


def acting_user(reference: str | None, people: Index, tenant: Tenant, resolver: Resolver, why: str = DEMANDED) -> Row:
    """Return the acting user, or C(NOBODY) if a dry run names none.

    The vendor does not authenticate this person, who must therefore at least exist and be active.

    :param why: why the task needs an acting user, as a clause.
    :raises ConfigurationError: the option is not set, or the status of the person does not allow it.
    :raises LookupFailed: the person does not exist or is ambiguous; with all problems of the C(resolver).
    """
    if not reference:
        missing = ConfigurationError(
            "find out who acts",
            f"`acting_user` is not set, and {why}",
            f"Set {places('acting_user')} to the e-mail address or id of an admin.",
            option="acting_user",
        )
        tenant.refuse(missing)
        return NOBODY
    row = resolver.find(reference, people, called="acting user")
    resolver.check()
    status = status_of(row) if row else None
    if row is None or status not in tenant.user_statuses.may_act:
        raise ConfigurationError(
            f"act as {printable(reference)}",
            f"the status of this person is {printable(status)}",
            "Name an active admin, or list the status under `known_statuses.user.may_act` if it means active here.",
            option="acting_user",
        )
    return row
