# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Leavers: the memberships and access to remove, and what a run cannot remove."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..._api.catalog import USERS, person
from ..._api.errors import ConfigurationError
from ..._api.text import printable, summarize
from ..access.evaluation import CONFLICT, DECLINED, REMOVING
from ..core.guardrails import ProtectedUsers, check_removals, check_share
from ..core.lookup import Resolver, Row, folded_email
from ..core.people import acting_user
from ..core.tenant import Tenant
from .footprint import NOT_MANAGED, UNCLEAR, Entry, Footprint

#: What stays and why, by the outcome of access whose removal cannot be requested.
_STAYS = {
    NOT_MANAGED: ("unmanaged_access", "the app is not managed, so Cakewalk takes nothing away there"),
    CONFLICT: ("access", "an open request wants the opposite: cancel or decide it in Cakewalk"),
    DECLINED: ("access", "its removal was declined: ask those who decided"),
    UNCLEAR: ("access", "a request about it is in a status that is not known: known_statuses can tell what it means"),
}


def leaver(params: Mapping[str, Any], tenant: Tenant) -> tuple[Row, Row, list[Row]]:
    """Return the person who leaves, the acting user, and other accounts with the same address.

    :raises LookupFailed: one of them, or a protected person, does not exist or is ambiguous.
    :raises ConfigurationError: the confirmed address is another, or the acting user may not act.
    :raises LimitExceeded: the person is protected.
    """
    directory, resolver = tenant.index(USERS), Resolver()
    users = resolver.find_all([params["user"]], directory)
    actor_reference = [params["acting_user"]] if params["acting_user"] else []
    protection = ProtectedUsers([*params["protected_users"], *actor_reference], [directory])
    protection.look_up(directory, resolver)
    people = tenant.people([*(row["id"] for row in users), *actor_reference])
    actor = acting_user(params["acting_user"], people, tenant.user_statuses, resolver)
    resolver.check()
    (user,) = users
    _check_confirmed(user, params["confirm"])
    protection.refuse([user["id"]], "all groups and apps")
    return user, actor, [row for row in directory.matches(person(user)) if row["id"] != user["id"]]


def _check_confirmed(user: Row, confirmed: str) -> None:
    if folded_email(confirmed) != folded_email(person(user)):
        raise ConfigurationError(
            f"take everything from {printable(person(user))}",
            f"the address that confirms it is {printable(confirmed)!r}",
            "Nothing was changed. Type the e-mail address of the person who leaves a second time.",
            option="confirm",
        )


def check_guardrails(user: Row, footprint: Footprint, max_removals: int | None, max_removal_percent: int) -> None:
    """Raise C(LimitExceeded) before the first write of a run if there are too many removals."""
    removed = [group for group in footprint.groups if not group["synced"]]
    removed += [access for access in footprint.accesses if access["to_request"]]
    removals = [(str(entry["name"]), person(user)) for entry in removed]
    check_removals(removals, max_removals, authoritative=False)
    check_share(removals, footprint.read, max_removal_percent)


def warnings_of(others: Iterable[Row]) -> list[str]:
    """Return a warning about other accounts with the address of the person who leaves."""
    accounts = [f"{row['id']} ({printable(row.get('statusName'))})" for row in others]
    if not accounts:
        return []
    return [
        f"The address is that of other accounts, too: {summarize(accounts)}. Nothing of theirs is looked at or taken "
        "away."
    ]


def memberships(user: Row, footprint: Footprint) -> list[Entry]:
    """Return the memberships to end as C(cakewalk_group_member) takes them, by ids, without text from the tenant."""
    return [{"group": group["id"], "users": [user["id"]]} for group in footprint.groups if not group["synced"]]


def removals(user: Row, footprint: Footprint) -> list[Entry]:
    """Return access whose removal is requested, or must be, as C(cakewalk_app_access) takes it."""
    return [
        {"app": access["id"], "users": [user["id"]]} for access in footprint.accesses if access["outcome"] == REMOVING
    ]


def staying(footprint: Footprint) -> list[Entry]:
    """Return what no run can remove: what it is, its id and name, and why it stays."""
    left = [
        _left("synced_membership", group, "another directory decides who is a member: take the person out there")
        for group in footprint.groups
        if group["synced"]
    ]
    left += [
        _left(_STAYS[access["outcome"]][0], access, _STAYS[access["outcome"]][1])
        for access in footprint.accesses
        if access["outcome"] in _STAYS
    ]
    left += [_left("ownership", app, "the app needs another owner") for app in footprint.ownerships]
    return left + [
        _left(
            "open_grant" if request["is_known"] else "unclear_request",
            {"id": request["id"], "name": f"{request['request_type']} ({request['status']})"},
            _reason(request),
        )
        for request in footprint.requests
        if not request["is_known"] or request["gives"]
    ]


def _reason(request: Entry) -> str:
    if not request["is_known"]:
        return "its status, its type or whom it is about is not known: known_statuses can tell what a status means"
    if request["is_decided"]:
        return "it was granted a moment ago, and the access is not listed yet: run again in a quarter of an hour"
    return "it may still give access: cancel or decline it in Cakewalk"


def left(footprint: Footprint) -> list[Entry]:
    """Return everything that is left: what no run can remove, and what a run could, and is still there."""
    return [
        *(_left("membership", group, "it is still listed") for group in footprint.groups if not group["synced"]),
        *(
            _left("access", access, _removal(access["request_id"], access["request_status"]))
            for access in footprint.accesses
            if access["outcome"] == REMOVING
        ),
        *staying(footprint),
    ]


def _removal(request: str | None, status: str | None) -> str:
    return f"its removal is asked for: {request} is {status}" if request else "its removal is not asked for"


def _left(what: str, entry: Entry, why: str) -> Entry:
    return {"what": what, "id": entry["id"], "name": entry["name"], "why": why}


def lines(entries: list[Entry]) -> list[str]:
    """Return what is left, for people."""
    return [printable(f"{entry['what']} {entry['name']!r} ({entry['id']}): {entry['why']}") for entry in entries]
