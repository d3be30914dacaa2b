# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The endpoint table: every path that can be read, and the names and words of the vendor's API, stand here.

Sources are the vendor's reference pages (docs.getcakewalk.io, cakewalk.security/docs). What they do not show is marked
"inferred", C(INFERRED) lists the names that are; a correction is an edit of one line. What can be written is in
C(writes.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from .errors import ConfigurationError
from .operations import Listing, Resource
from .text import printable

ROOT = "/api/v1"


@dataclass(frozen=True)
class Inferred:
    """A wire name that no source shows.

    :param place: the operation or schema of the contract that has it.
    :param note: what is known instead, in the words of the contract's C(x-note).
    """

    place: str
    name: str
    note: str


_REMOVAL = "Only 'target user, work app and a purpose' is known; field names mirror GrantAccess."
_CHANGE = "Never seen; field names mirror GrantAccess."
#: All wire names that are only inferred, by how the code calls them.
INFERRED = {
    "tasks.user": Inferred("listTasks", "userId", "Name from the page title; required flag not seen."),
    "removal.creator": Inferred("CreateRemoveAccessRequestV1", "createdByUserId", _REMOVAL),
    "removal.user": Inferred("CreateRemoveAccessRequestV1", "targetUserId", _REMOVAL),
    "removal.app": Inferred("CreateRemoveAccessRequestV1", "workAppId", _REMOVAL),
    "removal.purpose": Inferred("CreateRemoveAccessRequestV1", "removeAccessPurpose", _REMOVAL),
    "change.creator": Inferred("CreateChangePermissionRequestV1", "createdByUserId", _CHANGE),
    "change.user": Inferred("CreateChangePermissionRequestV1", "targetUserId", _CHANGE),
    "change.app": Inferred("CreateChangePermissionRequestV1", "workAppId", _CHANGE),
    "change.level": Inferred("CreateChangePermissionRequestV1", "permissionLevelId", _CHANGE),
    "change.purpose": Inferred("CreateChangePermissionRequestV1", "changePermissionPurpose", _CHANGE),
    "policy.name": Inferred(
        "PolicyViewModelV1", "name", "Never seen; at least an id must be there since the PUTs take policyId."
    ),
}


@dataclass(frozen=True)
class ResourceType:
    """A kind of thing with a list of its own.

    :param name: what its option and result are called: C(users).
    :param one: a single one, in words.
    :param key: the member that people name it by: people by e-mail, things by their exact name.
    :param path: where a single one can be read, empty where none can.
    :param single_reads: up to how many ids are read one by one rather than by reading the whole list. The directory
        grows with the company, so it takes more single reads to reach the cost of its pages; the other lists are short.
    """

    name: str
    one: str
    key: str
    listing: Listing
    path: str = ""
    single_reads: int = 0

    def record(self, identifier: str) -> Resource:
        """Return the single thing with this id."""
        return Resource(path(self.path, identifier), f"the {self.one} {printable(identifier)}", identifier)


USERS = ResourceType("users", "user", "email", Listing(f"{ROOT}/Users", "the users"), f"{ROOT}/Users", 20)
GROUPS = ResourceType("groups", "group", "name", Listing(f"{ROOT}/UsersGroups", "the groups"), f"{ROOT}/UsersGroups", 1)
APPS = ResourceType("apps", "app", "name", Listing(f"{ROOT}/WorkApps", "the apps"), f"{ROOT}/WorkApps", 1)
KINDS = {kind.name: kind for kind in (USERS, GROUPS, APPS)}

#: What can be requested, by how options call it (the vendor's enum RequestType, complete).
REQUEST_TYPES = {
    "grant_access": "GrantAccessRequest",
    "remove_access": "RemoveAccessRequest",
    "change_permission": "ChangePermissionLevelRequest",
    "archive_app": "ArchiveWorkAppRequest",
    "add_app": "AddNewManagedWorkAppRequest",
}
#: Who reviews in an access review, by how options call it (the vendor's enum AccessReviewType, complete).
REVIEWERS = {"app_owner": "WorkAppOwner", "manager": "Manager", "review_owner": "CurrentUser"}


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


@dataclass(frozen=True)
class StatusTable:
    """What status words mean: the words of each class, compared by ASCII case only as their spelling is not documented.

    A word in no class is never guessed at: the option C(known_statuses) teaches the collection more of them.
    """

    of: str
    classes: Mapping[str, frozenset[str]]

    def class_of(self, word: object) -> str | None:
        """Return the class of a status word, C(None) for one that is not known."""
        found = (name for name, words in self.classes.items() if isinstance(word, str) and folded(word) in words)
        return next(found, None)

    def extended(self, known: Mapping[str, list[str] | None]) -> StatusTable:
        """Return this table with more words for its classes.

        :raises ConfigurationError: a word would mean two things.
        """
        classes = {
            name: words | {folded(word) for word in known.get(name) or ()} for name, words in self.classes.items()
        }
        for word in {word for words in classes.values() for word in words}:
            holders = [name for name, words in classes.items() if word in words]
            if len(holders) > 1:
                raise ConfigurationError(
                    f"use known_statuses.{self.of}",
                    f"the status {printable(word)!r} would be {' and '.join(holders)} at once",
                    "List each word once, and none that the collection knows already.",
                    option="known_statuses",
                )
        return StatusTable(self.of, classes)


def folded(word: str) -> str:
    """Return a word of the vendor's as such words are compared, by ASCII case only."""
    return word.lower() if word.isascii() else word


def _table(of: str, **classes: str) -> StatusTable:
    return StatusTable(of, {name: frozenset(words.lower().split()) for name, words in classes.items()})


#: Only C(Approved) is documented; a third party says that a pending task is the only one that can be decided, and warns
#: that the spelling is not to be trusted.
TASK_STATUSES = _table(
    "task", actionable="Pending", open="", approved="Approved", declined="Declined", cancelled="Cancelled"
)
#: None is documented: the words of tasks are taken to be those of requests.
REQUEST_STATUSES = _table("request", open="Pending", granted="Approved", declined="Declined", cancelled="Cancelled")


#: An access is identified by person and level: a person may hold several levels of one app.
_ACCESS_KEY = ("user.id", "permissionLevel.id")


def _under(
    kind: ResourceType, tail: str, words: str, row: Mapping[str, Any], key: tuple[str, ...] = ("id",)
) -> Listing:
    return Listing(path(kind.path, row["id"], tail), f"the {words} of the {kind.one} {named(row)}", key)


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


def permission_levels_of(app: Mapping[str, Any]) -> ResourceType:
    """The permission levels of an app, to be found by id or name."""
    return ResourceType(
        "permission_levels", f"permission level of the app {named(app)}", "name", permission_levels(app)
    )


def custom_fields_of(app: Mapping[str, Any]) -> ResourceType:
    """The custom fields of an app, to be found by id or name."""
    return ResourceType("custom_fields", f"custom field of the app {named(app)}", "name", custom_fields(app))


#: Types of custom fields whose values are computed (the notes on C(guidValue) name a computed priority; types are free
#: strings), in lower case.
COMPUTED_FIELDS = frozenset({"priority"})


def is_computed(field: Mapping[str, Any]) -> bool:
    """Tell whether a custom field is computed, so that no write can set it."""
    return folded(str(field.get("type"))) in COMPUTED_FIELDS


def policies(request_type: str) -> ResourceType:
    """The policies that can govern a request type, to be found by id or name.

    :param request_type: as options call it.
    """
    listing = Listing(
        path(f"{ROOT}/Policies/CompatiblePolicies", REQUEST_TYPES[request_type]), f"the policies for {request_type}"
    )
    return ResourceType("policies", f"policy for {request_type}", INFERRED["policy.name"].name, listing)


#: All requests. The service's filters are inferred, so nothing may hang on them, and none is sent.
REQUESTS = Listing(f"{ROOT}/Requests", "the requests")


def task(identifier: str) -> Resource:
    """A task, with its request."""
    return Resource(path(f"{ROOT}/Tasks", identifier), f"the task {printable(identifier)}", identifier)


def tasks_of(person: Mapping[str, Any]) -> Listing:
    """The tasks that are assigned to a person; those of nobody are in no list."""
    query = ((INFERRED["tasks.user"].name, person["id"]),)
    return Listing(f"{ROOT}/Tasks", f"the tasks of {printable(who(person))}", query=query)


#: Types of custom fields that hold an id rather than text, in lower case. The vendor's text tells of such fields, their
#: words for the types were not seen.
_OF_IDS = COMPUTED_FIELDS | {"person", "select"}


def holds_text(field: Mapping[str, Any]) -> bool:
    """Tell whether a custom field is for text, as far as its record shows."""
    return field.get("guidValue") is None and str(field.get("type")).lower() not in _OF_IDS


def is_dynamic(group: Mapping[str, Any]) -> bool:
    """Tell whether the record shows that a rule decides who is a member, so that no write can.

    Inferred: the index page says that the sync source is returned, the names of members and values were not seen.
    """
    return any("dynamic" in str(group.get(name) or "").lower() for name in ("type", "typeName", "kind", "syncType"))


def is_synced(group: Mapping[str, Any]) -> bool:
    """Tell whether the record shows that another directory decides who is a member, by a rule or one by one.

    Inferred, as C(is_dynamic): the index page tells of a sync source. Whether a write to such a group is taken
    depends on how the sync is set up, and the API does not tell.
    """
    words = (group.get(name) for name in ("type", "typeName", "kind", "syncType"))
    return (
        is_dynamic(group) or bool(group.get("syncSource")) or any("sync" in str(word or "").lower() for word in words)
    )


def is_edited_here(group: Mapping[str, Any]) -> bool:
    """Tell whether the record shows that the members of a group are edited in Cakewalk, and nowhere else.

    Inferred, as C(is_dynamic). A record that does not tell shows nothing.
    """
    words = (group.get(name) for name in ("type", "typeName", "kind", "syncType"))
    return not is_synced(group) and any("managed" in str(word or "").lower() for word in words)


def is_managed(app: Mapping[str, Any]) -> bool:
    """Tell whether an app is managed: only for these does the vendor carry requests through (the page on leavers)."""
    return folded(str(app.get("statusName"))) == "managed"


def named(row: Mapping[str, Any]) -> str:
    """Return how messages call a thing: its name in quotes, or its id where it has none."""
    return repr(printable(row["name"], 80)) if row.get("name") else printable(row["id"], 80)


def slot_words(app: Mapping[str, Any], level: Mapping[str, Any] | None, request_type: str) -> str:
    """Return how messages call what a policy can govern: a request type of an app, or of one of its levels."""
    return f"{request_type} of {f'the level {named(level)} of ' if level else ''}the app {named(app)}"


def who(person: Mapping[str, Any]) -> str:
    """Return how steps call a person: by e-mail address, or by id where the record has none."""
    return str(person.get("email") or person["id"])


def path(*parts: str) -> str:
    """Join path segments; ids come from the server or the user and are quoted."""
    root, *rest = parts
    return "/".join([root, *(quote(part, safe="") for part in rest)])
