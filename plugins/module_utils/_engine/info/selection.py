# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a query: which lists it reads, and which of their rows it selects."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ..._api.catalog import APPS, GROUPS, KINDS, USERS, ResourceType
from ..._api.errors import ConfigurationError
from ..._api.text import by_usable_key, printable
from ..core.lookup import Index, Resolver, Row, candidate, is_uuid
from ..core.timestamps import moment


def kinds_of(params: Mapping[str, Any], includes: Mapping[str, Collection[str]]) -> list[ResourceType]:
    """Return the types to read: those under C(gather), by default those that have a selector.

    :param includes: what can be included in rows, by type.
    :raises ConfigurationError: a selector or an include is for a type that is not read.
    """
    selectors = [name for name in KINDS if params[name] is not None]
    wanted = selectors if params["gather"] is None else params["gather"]
    useless = [name for name in selectors if name not in wanted]
    useless += [name for kind in KINDS if kind not in wanted for name in includes[kind] if name in params["include"]]
    if useless:
        raise ConfigurationError(
            f"use {', '.join(useless)}",
            f"it has no effect when only {', '.join(wanted) or 'nothing'} is read",
            "Name the kind under gather, or leave it out.",
        )
    return [kind for name, kind in KINDS.items() if name in wanted]


def lists_of(
    params: Mapping[str, Any], kinds: Collection[ResourceType]
) -> dict[str, tuple[ResourceType, list[str], bool]]:
    """Return the lists to read, by name: a type, the references to find, and whether the whole list is needed.

    Without references nothing is read, unless the whole list is needed.

    :raises ConfigurationError: a footprint or details of tasks lack the users, or a time is not valid.
    """
    requests = params["requests"] or {}
    since = requests.get("updated_since")
    if since is not None and moment(since) is None:
        raise ConfigurationError(
            "use requests.updated_since",
            f"{printable(since)!r} is not a time",
            "Give a time in ISO form, such as 2026-01-31T00:00:00Z.",
            option="requests",
        )
    if params["footprint"] and USERS not in kinds:
        raise ConfigurationError("use footprint", "it is not said whose", "Select users, or gather them all.")
    if "task_details" in params["include"] and params["tasks_of"] is None:
        raise ConfigurationError("use `task_details`", "no tasks are listed", "Say whose with `tasks_of`.")
    lists = {kind.name: (kind, params[kind.name] or [], params[kind.name] is None) for kind in kinds}
    for kind, references in (
        (USERS, params["tasks_of"] or ()),
        (USERS, names_among(requests.get(USERS.name))),
        (APPS, names_among(requests.get(APPS.name))),
    ):
        _kind, known, is_whole = lists.get(kind.name, (kind, [], False))
        lists[kind.name] = (kind, [*known, *references], is_whole)
    for kind in (GROUPS, APPS):
        if params["footprint"] or (params["reports"] and kind is APPS and APPS not in kinds):
            lists[kind.name] = (kind, lists.get(kind.name, (kind, [], False))[1], True)
    return lists


def names_among(references: Collection[str] | None) -> list[str]:
    """Return the references that are not ids, which need a lookup."""
    return [reference for reference in references or () if not is_uuid(reference)]


def select(index: Index, references: Collection[str] | None) -> tuple[list[Row], list[str]]:
    """Return the rows that the references mean, by default all rows, and the references that match no row.

    :raises LookupFailed: a reference means more than one row.
    """
    if references is None:
        return list(index.by_id.values()), []
    is_known = {reference: bool(index.matches(reference)) for reference in references}
    rows = find_all((reference for reference, known in is_known.items() if known), index)
    return rows, [reference for reference, known in is_known.items() if not known]


def find_all(references: Iterable[str], index: Index) -> list[Row]:
    """Return the rows that the references mean, or raise C(LookupFailed) if some are missing or ambiguous."""
    resolver = Resolver()
    rows = resolver.find_all(references, index)
    resolver.check()
    return rows


def names_of(
    rows: Collection[Row], index: Index
) -> tuple[dict[str, str], dict[str, list[dict[str, Any]]], dict[str, list[str]]]:
    """Return by e-mail address or name the ids of rows, all holders of names that several have, and unmapped names.

    The last are ids by each name that cannot be a key, see C(by_usable_key). Without the whole list no name is known to
    be unique, so all are empty.
    """
    holders = index.holders(rows) if index.complete else {}
    unnamed = [row for row in rows if index.complete and not str(row.get(index.kind.key) or "").strip()]
    usable, others = by_usable_key(holders.items())
    unique = {name: held[0]["id"] for name, held in usable.items() if len(held) == 1}
    ambiguous = {name: list(map(candidate, held)) for name, held in usable.items() if len(held) > 1}
    unmapped = {name: [row["id"] for row in held] for name, held in others}
    for row in unnamed:
        unmapped.setdefault(str(row.get(index.kind.key) or ""), []).append(row["id"])
    return unique, ambiguous, unmapped
