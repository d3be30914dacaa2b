# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The endpoint table: every path, wire name and status word of the vendor's API stands here and nowhere else.

Sources are the vendor's reference pages (docs.getcakewalk.io, cakewalk.security/docs). What they do not show is marked
"inferred"; a correction of it is an edit of one line here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from .operations import Listing, Proof, Record, Step
from .text import counted, visible

_ROOT = "/api/v1"


@dataclass(frozen=True)
class Kind:
    """A kind of thing with a list of its own, from which a single one can be read too.

    :param name: what its option and result are called: C(users).
    :param one: a single one, in words.
    :param key: the member that people name it by: people by e-mail, things by their exact name.
    :param single_reads: up to how many ids are read one by one rather than by reading the whole list. The directory
        grows with the company, so it takes more single reads to reach the cost of its pages; the other lists are short.
    """

    name: str
    one: str
    key: str
    listing: Listing
    path: str
    single_reads: int

    def record(self, identifier: str) -> Record:
        """Return the single thing with this id."""
        return Record(_path(self.path, identifier), f"the {self.one} {visible(identifier)}", identifier)


USERS = Kind("users", "user", "email", Listing(f"{_ROOT}/Users", "the users"), f"{_ROOT}/Users", 20)
GROUPS = Kind("groups", "group", "name", Listing(f"{_ROOT}/UsersGroups", "the groups"), f"{_ROOT}/UsersGroups", 1)
APPS = Kind("apps", "app", "name", Listing(f"{_ROOT}/WorkApps", "the apps"), f"{_ROOT}/WorkApps", 1)
KINDS = {kind.name: kind for kind in (USERS, GROUPS, APPS)}


@dataclass(frozen=True)
class UserStatuses:
    """Who may act and who may receive access, by status word.

    Only C(Active) and C(Invited) are documented; the others are the words of the vendor's web interface. A word in no
    table is never guessed at: the option C(known_statuses) teaches the collection more of them.
    """

    may_act: frozenset[str] = frozenset({"Active"})
    may_receive_access: frozenset[str] = frozenset({"Active", "Invited", "Onboarding"})
    inactive: frozenset[str] = frozenset({"Deactivated", "Offboarding", "Ignored"})

    def extended(self, known: Mapping[str, list[str] | None]) -> UserStatuses:
        """Return these tables with the words of the option C(known_statuses.user); who is inactive stays inactive."""
        return UserStatuses(
            (self.may_act | set(known.get("may_act") or ())) - self.inactive,
            (self.may_receive_access | set(known.get("may_receive_access") or ())) - self.inactive,
            self.inactive,
        )


#: An access is identified by person and level: a person may hold several levels of one app.
_ACCESS_KEY = ("user.id", "permissionLevel.id")


def _under(kind: Kind, tail: str, words: str, row: Mapping[str, Any], key: tuple[str, ...] = ("id",)) -> Listing:
    return Listing(_path(kind.path, row["id"], tail), f"the {words} of the {kind.one} {named(row)}", key)


def members(group: Mapping[str, Any]) -> Listing:
    """The members of a group: users, as in the directory."""
    return _under(GROUPS, "Users", "members", group)


def default_apps(group: Mapping[str, Any]) -> Listing:
    """The apps that members of a group are to get."""
    return _under(GROUPS, "DefaultWorkApps", "default apps", group)


def hidden_apps(group: Mapping[str, Any]) -> Listing:
    """The apps that members of a group do not see."""
    return _under(GROUPS, "HiddenWorkApps", "hidden apps", group)


def accesses(app: Mapping[str, Any]) -> Listing:
    """Who has access to an app: C(user), C(permissionLevel) or null, C(isOwner)."""
    return _under(APPS, "Accesses", "accesses", app, _ACCESS_KEY)


def permission_levels(app: Mapping[str, Any]) -> Listing:
    """The permission levels of an app."""
    return _under(APPS, "PermissionLevels", "permission levels", app)


def custom_fields(app: Mapping[str, Any]) -> Listing:
    """The custom fields of an app, definitions and values in one."""
    return _under(APPS, "CustomFields", "custom fields", app)


def add_members(
    group: Mapping[str, Any], people: list[Mapping[str, Any]], acting_user: Mapping[str, Any], implicitly_approve: bool
) -> Step:
    """Add people to a group, all in one request.

    The vendor does not say what happens to those who are members already, so 400 and 409 are settled by reading.
    C(implicitlyApproveRequests) is always sent, since its default is not documented.
    """
    ids = [person["id"] for person in people]
    approved = ", their access requests approved at once" if implicitly_approve else ""
    return Step(
        f"add {counted(len(ids), 'person', 'people')} to the group {named(group)}{approved}",
        "POST",
        _path(GROUPS.path, group["id"], "Users"),
        {"userIds": ids, "triggeredByUserId": acting_user["id"], "implicitlyApproveRequests": implicitly_approve},
        users=tuple(_who(person) for person in people),
        doubtful=frozenset({400, 409}),
        proof=Proof(members(group), present=_keys(people)),
    )


def remove_members(group: Mapping[str, Any], people: Iterable[Mapping[str, Any]]) -> list[Step]:
    """Remove people from a group.

    One request each, through the only endpoint there is. The vendor announced it as temporary, to be replaced by one
    for many people at once; then this function returns one step. Because one day every removal may answer 404, that
    settles nothing by itself.
    """
    return [
        Step(
            f"remove {visible(_who(person))} from the group {named(group)}",
            "DELETE",
            _path(GROUPS.path, group["id"], "Users", person["id"]),
            users=(_who(person),),
            removes=True,
            doubtful=frozenset({400, 404, 409}),
            proof=Proof(members(group), absent=_keys([person])),
        )
        for person in people
    ]


def is_dynamic(group: Mapping[str, Any]) -> bool:
    """Tell whether the record shows that a rule decides who is a member, so that no write can.

    Inferred: the index page says that the sync source is returned, the names of members and values were not seen.
    """
    return any("dynamic" in str(group.get(name) or "").lower() for name in ("type", "typeName", "kind", "syncType"))


def named(row: Mapping[str, Any]) -> str:
    """Return how messages call a thing: its name in quotes, or its id where it has none."""
    return repr(visible(row["name"], 80)) if row.get("name") else visible(row["id"], 80)


def _who(person: Mapping[str, Any]) -> str:
    return str(person.get("email") or person["id"])


def _path(*parts: str) -> str:
    """Join path segments; ids come from the server or the user and are quoted."""
    root, *rest = parts
    return "/".join([root, *(quote(part, safe="") for part in rest)])


def _keys(rows: Iterable[Mapping[str, Any]]) -> frozenset[tuple[str, ...]]:
    return frozenset((row["id"].lower(),) for row in rows)
