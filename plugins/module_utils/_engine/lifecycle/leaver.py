# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who leaves, what is taken from that person, and what stays although it should not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..._api.catalog import USERS
from ..._api.errors import ConfigurationError
from ..._api.text import printable, summarize
from ..access.evaluation import CONFLICT, DECLINED, REMOVING
from ..core.guardrails import ProtectedUsers, check_removals, check_share
from ..core.lookup import Resolver, Row, folded_email, person
from ..core.people import acting_user
from ..core.tenant import Tenant
from .footprint import NOT_MANAGED, UNCLEAR, Entry, Footprint

#: Why an access stays that nothing can be asked about.
_STAYS = {
    NOT_MANAGED: ("unmanaged_access", "the app is not managed, so Cakewalk takes nothing away there"),
    CONFLICT: ("access", "an open request wants the opposite: cancel or decide it in Cakewalk"),
    DECLINED: ("access", "its removal was declined: ask those who decided"),
    UNCLEAR: ("access", "a request about it is in a status that is not known: known_statuses can tell what it means"),
}


def leaver(params: Mapping[str, Any], tenant: Tenant) -> tuple[Row, Row, list[Row]]:
    """Return who leaves, who acts, and other accounts with the same address.

    :raises LookupFailed: one of them, or a protected person, does not exist or is ambiguous.
    :raises ConfigurationError: the address that confirms is another, or the one who acts may not.
    :raises RailHit: the person is protected.
    """
    directory, finder = tenant.index(USERS), Resolver()
    found = finder.find_all([params["user"]], directory)
    actor_reference = [params["acting_user"]] if params["acting_user"] else []
    protection = ProtectedUsers([*params["protected_users"], *actor_reference], [directory])
    protection.look_up(directory, finder)
    people = tenant.people([*(row["id"] for row in found), *actor_reference])
    actor = acting_user(params["acting_user"], people, tenant.user_statuses, finder)
    finder.check()
    (who,) = found
    _check_confirmed(who, params["confirm"])
    protection.refuse([who["id"]], "all groups and apps")
    return who, actor, [row for row in directory.matches(person(who)) if row["id"] != who["id"]]


def _check_confirmed(who: Row, confirmed: str) -> None:
    if folded_email(confirmed) != folded_email(person(who)):
        raise ConfigurationError(
            f"take everything from {printable(person(who))}",
            f"the address that confirms it is {printable(confirmed)!r}",
            "Nothing was changed. Type the e-mail address of the person who leaves a second time.",
            option="confirm",
        )


def check_rails(who: Row, footprint: Footprint, max_removals: int | None, max_removal_percent: int) -> None:
    """Hold all that a run would take against its rails, before its first write.

    :raises RailHit: it would take too much.
    """
    taken = [one for one in footprint.groups if not one["synced"]]
    taken += [one for one in footprint.accesses if one["to_request"]]
    removals = [(str(one["name"]), person(who)) for one in taken]
    check_removals(removals, max_removals, authoritative=False)
    check_share(removals, footprint.read, max_removal_percent)


def warnings_of(others: Iterable[Row]) -> list[str]:
    """Return what is to be known of other accounts with the address of the one who leaves."""
    accounts = [f"{one['id']} ({printable(one.get('statusName'))})" for one in others]
    if not accounts:
        return []
    return [
        f"The address is that of other accounts, too: {summarize(accounts)}. Nothing of theirs is looked at or taken "
        "away."
    ]


def memberships(who: Row, footprint: Footprint) -> list[Entry]:
    """Return the memberships to end, as C(cakewalk_group_member) takes them: ids, and nothing that people wrote."""
    return [{"group": one["id"], "users": [who["id"]]} for one in footprint.groups if not one["synced"]]


def removals(who: Row, footprint: Footprint) -> list[Entry]:
    """Return the accesses to have removed, or whose removal is asked for, as C(cakewalk_app_access) takes them."""
    return [{"app": one["id"], "users": [who["id"]]} for one in footprint.accesses if one["outcome"] == REMOVING]


def staying(footprint: Footprint) -> list[Entry]:
    """Return what no run can take away, each with C(what) it is, its id and name, and C(why) it stays."""
    left = [
        _left("synced_membership", one, "another directory decides who is a member: take the person out there")
        for one in footprint.groups
        if one["synced"]
    ]
    left += [
        _left(_STAYS[one["outcome"]][0], one, _STAYS[one["outcome"]][1])
        for one in footprint.accesses
        if one["outcome"] in _STAYS
    ]
    left += [_left("ownership", one, "the app needs another owner") for one in footprint.ownerships]
    return left + [
        _left(
            "open_grant" if one["is_known"] else "unclear_request",
            {"id": one["id"], "name": f"{one['request_type']} ({one['status']})"},
            _why(one),
        )
        for one in footprint.requests
        if not one["is_known"] or one["gives"]
    ]


def _why(request: Entry) -> str:
    if not request["is_known"]:
        return "its status, its type or whom it is about is not known: known_statuses can tell what a status means"
    if request["is_decided"]:
        return "it was granted a moment ago, and the access is not listed yet: run again in a quarter of an hour"
    return "it may still give access: cancel or decline it in Cakewalk"


def left(footprint: Footprint) -> list[Entry]:
    """Return all that is left: what cannot be taken away, and what could and is still there."""
    return [
        *(_left("membership", one, "it is still listed") for one in footprint.groups if not one["synced"]),
        *(
            _left("access", one, _words(one["request_id"], one["request_status"]))
            for one in footprint.accesses
            if one["outcome"] == REMOVING
        ),
        *staying(footprint),
    ]


def _words(request: str | None, status: str | None) -> str:
    return f"its removal is asked for: {request} is {status}" if request else "its removal is not asked for"


def _left(what: str, thing: Entry, why: str) -> Entry:
    return {"what": what, "id": thing["id"], "name": thing["name"], "why": why}


def lines(entries: list[Entry]) -> list[str]:
    """Return what is left for people to read."""
    return [printable(f"{one['what']} {one['name']!r} ({one['id']}): {one['why']}") for one in entries]
