# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a query asks for and what of it there is."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ..._api.catalog import APPS, GROUPS, KINDS, USERS, ResourceType
from ..._api.errors import ConfigurationError
from ..core.lookup import Index, Resolver, Row, candidate, is_uuid


def kinds_of(params: Mapping[str, Any], includes: Mapping[str, Collection[str]]) -> list[ResourceType]:
    """Return the kinds to read: those under C(gather), without it those that have a selector.

    :param includes: what can hang on a row, by kind.
    :raises ConfigurationError: a selector or an include is for a kind that is not read.
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
) -> dict[str, tuple[ResourceType, list[str] | None]]:
    """Return the lists to read, by name: each kind with the references to find in it, C(None) for the whole list; to
    find nothing costs nothing.

    :raises ConfigurationError: a footprint, or details of tasks, are asked for, and of nobody.
    """
    if params["footprint"] and USERS not in kinds:
        raise ConfigurationError("use footprint", "it is not said whose", "Select users, or gather them all.")
    if "task_details" in params["include"] and params["tasks_of"] is None:
        raise ConfigurationError("use task_details", "no tasks are listed", "Say whose with tasks_of.")
    lists = {kind.name: (kind, params[kind.name]) for kind in kinds}
    requests = params["requests"] or {}
    for kind, references in (
        (USERS, params["tasks_of"] or ()),
        (USERS, names_among(requests.get(USERS.name))),
        (APPS, names_among(requests.get(APPS.name))),
    ):
        known = lists.get(kind.name, (kind, []))[1]
        lists[kind.name] = (kind, None if known is None else [*known, *references])
    if params["footprint"]:
        lists |= {GROUPS.name: (GROUPS, None), APPS.name: (APPS, None)}
    if params["reports"] and APPS not in kinds:
        lists[APPS.name] = (APPS, None)
    return lists


def names_among(references: Collection[str] | None) -> list[str]:
    """Return those references that are no ids, so that they must be looked up."""
    return [reference for reference in references or () if not is_uuid(reference)]


class Selection:
    """The rows that the references select from a register; all rows where C(references) is C(None).

    C(unique) maps e-mail address or name to id, C(ambiguous) to all holders of what several hold; both are empty where
    the register is not the whole list, since nothing is known to be unique then.

    :raises LookupFailed: a reference means more than one row.
    """

    def __init__(self, register: Index, references: Collection[str] | None) -> None:
        self.not_found: list[str] = []
        self.rows: list[Row] = list(register.by_id.values())
        if references is not None:
            found = {reference: bool(register.matches(reference)) for reference in references}
            self.not_found = [reference for reference, known in found.items() if not known]
            finder = Resolver()
            self.rows = finder.find_all((reference for reference, known in found.items() if known), register)
            finder.check()
        self.unique: dict[str, str] = {}
        self.ambiguous: dict[str, list[dict[str, Any]]] = {}
        for key, holders in register.holders(self.rows).items() if register.complete else ():
            if len(holders) == 1:
                self.unique[key] = holders[0]["id"]
            else:
                self.ambiguous[key] = [candidate(holder) for holder in holders]
