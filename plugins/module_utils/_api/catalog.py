# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Endpoint table: every path that can be read, and all names and status words of the vendor's API.

Sources are the vendor's reference pages (docs.getcakewalk.io, cakewalk.security/docs). Names that they do not show are
listed in C(INFERRED); a correction is an edit of one line. Writes are in C(writes.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from .errors import ConfigurationError
from .operations import Listing, Resource
from .text import printable

ROOT = "/api/v1"


@dataclass(frozen=True)
class Inferred:
    """A wire name that no source shows.

    :param place: the operation or schema of the contract that uses the name.
    :param note: what is known instead, in the words of the contract's C(x-note).
    """

    place: str
    name: str
    note: str


_REMOVAL = "Only 'target user, work app and a purpose' is known; field names mirror GrantAccess."
_CHANGE = "Never seen; field names mirror GrantAccess."
#: All inferred wire names, by their name in the code.
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
    """A type of resource with a list of its own.

    :param name: the name of its option and result: C(users).
    :param one: the singular, for messages.
    :param key: the member that users refer to it by: an e-mail address for people, the exact name for other types.
    :param path: where a single record can be read; empty where that is not possible.
    :param owner: what the resources belong to, for messages.
    :param single_reads: up to this number of ids, single reads are cheaper than the whole list. The directory grows
        with the company, so its limit is higher; the other lists are short.
    """

    name: str
    one: str
    key: str
    listing: Listing
    path: str = ""
    single_reads: int = 0
    owner: str = ""

    @property
    def many(self) -> str:
        """The plural, for messages."""
        of = f" of {self.owner}" if self.owner else ""
        return f"{self.name.replace('_', ' ')}{of}"

    def missing(self, shown: str) -> str:
        """Return the clause that there is no such resource, for messages.

        :param shown: the name or id, with quotes.
        """
        if self.owner:
            return f"{self.owner} has no {self.one} {shown}"
        return f"the {self.one} {shown} does not exist" if self.path else f"no {self.one} is called {shown}"

    def record(self, identifier: str) -> Resource:
        """Return the single record with this id."""
        return Resource(path(self.path, identifier), f"the {self.one} {printable(identifier)}", identifier)


USERS = ResourceType("users", "user", "email", Listing(f"{ROOT}/Users", "the users"), f"{ROOT}/Users", 20)
GROUPS = ResourceType("groups", "group", "name", Listing(f"{ROOT}/UsersGroups", "the groups"), f"{ROOT}/UsersGroups", 1)
APPS = ResourceType("apps", "app", "name", Listing(f"{ROOT}/WorkApps", "the apps"), f"{ROOT}/WorkApps", 1)
KINDS = {kind.name: kind for kind in (USERS, GROUPS, APPS)}

#: Request types, by their name in options (the vendor's enum RequestType, complete).
REQUEST_TYPES = {
    "grant_access": "GrantAccessRequest",
    "remove_access": "RemoveAccessRequest",
    "change_permission": "ChangePermissionLevelRequest",
    "archive_app": "ArchiveWorkAppRequest",
    "add_app": "AddNewManagedWorkAppRequest",
}
#: The names in options, by the vendor's words.
REQUEST_TYPE_NAMES = {word: name for name, word in REQUEST_TYPES.items()}
#: Reviewers of an access review, by their name in options (the vendor's enum AccessReviewType, complete).
REVIEWERS = {"app_owner": "WorkAppOwner", "manager": "Manager", "review_owner": "CurrentUser"}


@dataclass(frozen=True)
class UserStatuses:
    """User statuses: which may act, which may receive access, and which are inactive.

    Only C(Active) and C(Invited) are documented; the others are the words of the vendor's web interface. A word in no
    table is never guessed at: the option C(known_statuses) adds words.
    """

    may_act: frozenset[str] = frozenset({"Active"})
    may_receive_access: frozenset[str] = frozenset({"Active", "Invited", "Onboarding"})
    inactive: frozenset[str] = frozenset({"Deactivated", "Offboarding", "Ignored"})

    def extended(self, known: Mapping[str, list[str] | None]) -> UserStatuses:
        """Return these tables with the words of the option C(known_statuses.user); inactive statuses stay inactive."""
        return UserStatuses(
            (self.may_act | set(known.get("may_act") or ())) - self.inactive,
            (self.may_receive_access | set(known.get("may_receive_access") or ())) - self.inactive,
            self.inactive,
        )


@dataclass(frozen=True)
class StatusTable:
    """Status words by class, compared by ASCII case only because their spelling is not documented.

    A word in no class is never guessed at: the option C(known_statuses) adds words.
    """

    of: str
    classes: Mapping[str, frozenset[str]]

    def class_of(self, word: object) -> str | None:
        """Return the class of a status word, or C(None) for an unknown word."""
        found = (name for name, words in self.classes.items() if isinstance(word, str) and folded(word) in words)
        return next(found, None)

    def extended(self, known: Mapping[str, list[str] | None]) -> StatusTable:
        """Return this table with more words for its classes.

        :raises ConfigurationError: a word would be in two classes.
        """
        classes = {
            name: words | {folded(word) for word in known.get(name) or ()} for name, words in self.classes.items()
        }
        for word in {word for words in classes.values() for word in words}:
            holders = [name for name, words in classes.items() if word in words]
            if len(holders) > 1:
                raise ConfigurationError(
                    f"use `known_statuses.{self.of}`",
                    f"the status {printable(word)!r} would be in {' and '.join(holders)}",
                    "List each status once, and leave out those that the collection knows.",
                    option="known_statuses",
                )
        return StatusTable(self.of, classes)


def folded(word: str) -> str:
    """Return a word in the form in which the vendor's words are compared: lower case if it is ASCII."""
    return word.lower() if word.isascii() else word


def _table(of: str, **classes: str) -> StatusTable:
    return StatusTable(of, {name: frozenset(words.lower().split()) for name, words in classes.items()})


#: Only C(Approved) is documented. A third party says that only a pending task can be decided, and warns that the
#: spelling cannot be trusted.
TASK_STATUSES = _table(
    "task", actionable="Pending", open="", approved="Approved", declined="Declined", cancelled="Cancelled"
)
#: No word is documented: requests are assumed to use the words of tasks.
REQUEST_STATUSES = _table("request", open="Pending", granted="Approved", declined="Declined", cancelled="Cancelled")
#: The form of the option C(known_statuses).
KNOWN_STATUSES: dict[str, Any] = {
    "user": dict.fromkeys(("may_act", "may_receive_access")),
    "task": dict.fromkeys(TASK_STATUSES.classes),
    "request": dict.fromkeys(REQUEST_STATUSES.classes),
}


def check_known_statuses(known: object, form: Mapping[str, Any] | None, place: str = "known_statuses") -> None:
    """Raise C(ConfigurationError) unless the option C(known_statuses) lists words by kind and class.

    :param form: the names that a dictionary may have; C(None) for a list of words.
    """
    if known is None:
        return
    if form is None:
        is_right = isinstance(known, list) and all(isinstance(word, str) for word in known)
        wanted, hint = "a list of texts", "Write [New], for example, and put numbers and booleans in quotes."
    else:
        is_right = isinstance(known, Mapping)
        wanted, hint = "a dictionary", f"{place} takes {' and '.join(', '.join(form).rsplit(', ', 1))}."
    if not is_right:
        cause = f"it must be {wanted}, not {printable(known)}"
        raise ConfigurationError(f"use {place}", cause, hint, option="known_statuses")
    for name, inside in known.items() if isinstance(known, Mapping) else ():
        below = f"{place}.{printable(name)}"
        if not form or name not in form:
            raise ConfigurationError(f"use {below}", "it does not exist", hint, option="known_statuses")
        check_known_statuses(inside, form[name], below)


#: Access is identified by person and level: a person may hold several levels of one app.
_ACCESS_KEY = ("user.id", "permissionLevel.id")


def _under(
    kind: ResourceType, tail: str, words: str, row: Mapping[str, Any], key: tuple[str, ...] = ("id",)
) -> Listing:
    return Listing(path(kind.path, row["id"], tail), f"the {words} of the {kind.one} {named(row)}", key)


def members(group: Mapping[str, Any]) -> Listing:
    """Return the list of a group's members: users, as in the directory."""
    return _under(GROUPS, "Users", "members", group)


def default_apps(group: Mapping[str, Any]) -> Listing:
    """Return the list of apps that members of a group get."""
    return _under(GROUPS, "DefaultWorkApps", "default apps", group)


def hidden_apps(group: Mapping[str, Any]) -> Listing:
    """Return the list of apps that members of a group do not see."""
    return _under(GROUPS, "HiddenWorkApps", "hidden apps", group)


def accesses(app: Mapping[str, Any]) -> Listing:
    """Return the list of people with access to an app: C(user), C(permissionLevel) or null, C(isOwner)."""
    return _under(APPS, "Accesses", "accesses", app, _ACCESS_KEY)


def permission_levels(app: Mapping[str, Any]) -> Listing:
    """Return the list of an app's permission levels."""
    return _under(APPS, "PermissionLevels", "permission levels", app)


def custom_fields(app: Mapping[str, Any]) -> Listing:
    """Return the list of an app's custom fields, definitions and values in one."""
    return _under(APPS, "CustomFields", "custom fields", app)


def permission_levels_of(app: Mapping[str, Any]) -> ResourceType:
    """Return the permission levels of an app as a resource type: found by id or name."""
    return ResourceType(
        "permission_levels", "permission level", "name", permission_levels(app), owner=f"the app {named(app)}"
    )


def custom_fields_of(app: Mapping[str, Any]) -> ResourceType:
    """Return the custom fields of an app as a resource type: found by id or name."""
    return ResourceType("custom_fields", "custom field", "name", custom_fields(app), owner=f"the app {named(app)}")


#: Types of custom fields whose values are computed (the notes on C(guidValue) name a computed priority; types are free
#: strings), in lower case.
COMPUTED_FIELDS = frozenset({"priority"})


def is_computed(field: Mapping[str, Any]) -> bool:
    """Return whether a custom field is computed, so that no write can set it."""
    return folded(str(field.get("type"))) in COMPUTED_FIELDS


def policies(request_type: str) -> ResourceType:
    """Return the policies for a request type as a resource type: found by id or name.

    :param request_type: its name in options.
    """
    listing = Listing(
        path(f"{ROOT}/Policies/CompatiblePolicies", REQUEST_TYPES[request_type]), f"the policies for {request_type}"
    )
    return ResourceType("policies", f"policy for {request_type}", INFERRED["policy.name"].name, listing)


#: All requests. The filters of the service are inferred, so none is sent.
REQUESTS = Listing(f"{ROOT}/Requests", "the requests")


def task(identifier: str) -> Resource:
    """Return the resource of a task, which includes its request."""
    return Resource(path(f"{ROOT}/Tasks", identifier), f"the task {printable(identifier)}", identifier)


def tasks_of(user: Mapping[str, Any]) -> Listing:
    """Return the list of tasks that are assigned to a person; unassigned tasks are in no list."""
    query = ((INFERRED["tasks.user"].name, user["id"]),)
    return Listing(f"{ROOT}/Tasks", f"the tasks of {printable(person(user))}", query=query)


#: Types of custom fields that hold an id rather than text, in lower case. The vendor mentions such fields, but does not
#: show the names of their types.
_OF_IDS = COMPUTED_FIELDS | {"person", "select"}


def holds_text(field: Mapping[str, Any]) -> bool:
    """Return whether a custom field is for text, as far as its record shows."""
    return field.get("guidValue") is None and str(field.get("type")).lower() not in _OF_IDS


#: Words in the record of a group. Inferred: the documentation calls groups synced, dynamic or Cakewalk-managed. It
#: mentions a "sync source" and an "integration source", but shows no names of members or values.
_DYNAMIC = frozenset({"dynamic", "dynamically"})
_SYNCED = frozenset({"sync", "synced", "synchronized", "synchronised"})
_NO_SOURCE = frozenset({"managed", "cakewalk", "manual", "none", "false"})
_NEGATIONS = frozenset({"no", "non", "not", "never"})
_MANAGED = frozenset({"managed", "by", "cakewalk", "user", "users", "group", "groups"})


def is_dynamic(group: Mapping[str, Any]) -> bool:
    """Return whether a group is dynamic: a rule decides on its members, so no write can change them.

    This is a guess, see C(_DYNAMIC).
    """
    return any(words & _DYNAMIC for _name, words in _group_words(group))


def is_synced(group: Mapping[str, Any]) -> bool:
    """Return whether another directory decides on the members of a group, by a rule or individually.

    A guess, as C(is_dynamic). Whether the service accepts a write to such a group depends on the setup of the sync,
    which the API does not show.
    """
    return is_dynamic(group) or any(
        words & _SYNCED or (words and not words & _NO_SOURCE and ("sync" in name or "source" in name))
        for name, words in _group_words(group)
    )


def is_edited_here(group: Mapping[str, Any]) -> bool:
    """Return whether the members of a group are edited in Cakewalk, and nowhere else.

    A guess, as C(is_dynamic). Without any sign in the record the answer is no.
    """
    return not is_synced(group) and any(
        "managed" in words and words <= _MANAGED for _name, words in _group_words(group)
    )


def _group_words(group: Mapping[str, Any]) -> Iterator[tuple[str, frozenset[str]]]:
    """Return the members of a group's record that may tell its kind: the name, and the whole words of the value."""
    for name, value in group.items():
        lowered = name.lower().replace("resource", "")
        if any(part in lowered for part in ("sync", "source", "type", "kind")):
            yield lowered, frozenset(word for leaf in _leaves(value) for word in _whole_words(str(leaf)))


def _leaves(value: Any, depth: int = 4) -> list[Any]:
    """Return the values in nested lists and objects that are not empty."""
    if isinstance(value, (dict, list)):
        inner = value.values() if isinstance(value, dict) else value
        return [leaf for item in inner for leaf in _leaves(item, depth - 1)] if depth else []
    return [value] if value else []


def _whole_words(text: str) -> list[str]:
    """Return the words of a text in lower case, also of C(camelCase), without those that are negated: C(NonDynamic)."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", text)
    words = re.findall(r"[^\W_]+", spaced.lower())
    return [word for before, word in zip(["", *words], words, strict=False) if not {before, word} & _NEGATIONS]


def is_managed(app: Mapping[str, Any]) -> bool:
    """Return whether an app is managed: the vendor fulfils requests only for these (the page on leavers)."""
    return folded(str(app.get("statusName"))) == "managed"


def owner_of(app: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the owner in the record of an app, C(None) if it shows no owner with an id."""
    owner = app.get("owner")
    return owner if isinstance(owner, Mapping) and isinstance(owner.get("id"), str) else None


def shows_owner(app: Mapping[str, Any]) -> bool:
    """Return whether the record of an app says who owns it: null is nobody, and the member is optional."""
    return owner_of(app) is not None or ("owner" in app and app["owner"] is None)


def named(row: Mapping[str, Any]) -> str:
    """Return the name of a record for messages: in quotes, or its id if it has no name."""
    return repr(printable(row["name"], 80)) if row.get("name") else printable(row["id"], 80)


def describe_target(app: Mapping[str, Any], level: Mapping[str, Any] | None, request_type: str) -> str:
    """Return the name of a policy target for messages: a request type of an app, or of one of its levels."""
    return f"{request_type} of {f'the level {named(level)} of ' if level else ''}the app {named(app)}"


def person(row: Mapping[str, Any]) -> str:
    """Return the name of a person in results: the e-mail address, or the id if the record has no address."""
    return str(row.get("email") or row["id"])


def address_of(base_url: str) -> str:
    """Return a base URL in the one spelling in which addresses are compared.

    Scheme and host are in lower case, and a port that is the default, a dot and slashes at the end are left out.

    :raises ValueError: it is no URL.
    """
    parts = urlsplit(base_url)
    host = (parts.hostname or "").rstrip(".")
    port = "" if parts.port in (None, {"https": 443, "http": 80}.get(parts.scheme)) else f":{parts.port}"
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}{parts.path.rstrip('/')}"


def path(*parts: str) -> str:
    """Join path segments; ids come from the server or the user and are quoted."""
    root, *rest = parts
    return "/".join([root, *(quote(part, safe="") for part in rest)])
