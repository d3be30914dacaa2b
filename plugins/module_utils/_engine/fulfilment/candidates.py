# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The approval tasks that a machine may have to carry out, read in full."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._api import catalog
from ..._api.errors import CakewalkError, ConfigurationError
from ..._api.text import printable
from ..core.lookup import Resolver, Row, is_uuid
from ..core.tenant import Tenant

_CLOSED = frozenset({"approved", "declined", "cancelled"})


def candidates(params: Mapping[str, Any], tenant: Tenant) -> list[tuple[str, Row | CakewalkError | None]]:
    """Return the tasks that C(tasks) names, or the open action steps of C(assignees), by id.

    The record of a named task that does not exist is C(None). If some of several tasks cannot be read, their errors
    replace their records, since the others can be carried out anyway.

    :raises ConfigurationError: a task is not an id.
    :raises LookupFailed: an assignee does not exist or is ambiguous.
    """
    named = params["tasks"] is not None
    ids = list(dict.fromkeys(map(_id, params["tasks"]) if named else _listed(params["assignees"], tenant)))
    rows = zip(ids, tenant.read_readable(map(catalog.task, ids)), strict=True)
    return [(identifier, row) for identifier, row in rows if named or (row is not None and _is_candidate(row, tenant))]


def _listed(assignees: list[str], tenant: Tenant) -> list[str]:
    """Return the ids of the tasks of people that may be open action steps, as far as their lists show."""
    resolver = Resolver()
    index = tenant.index(catalog.USERS, assignees)
    people = [resolver.find(assignee, index, called="assignee") for assignee in assignees]
    resolver.check()
    lists = tenant.read(catalog.tasks_of(person) for person in people if person is not None)
    return [row["id"].lower() for rows in lists for row in rows if _is_candidate(row, tenant)]


def _is_candidate(row: Row | CakewalkError, tenant: Tenant) -> bool:
    """Return whether a task may be an open action step; a value that is not shown can be any value."""
    if isinstance(row, CakewalkError):
        return True
    is_standalone = "request" in row and row["request"] is None
    is_closed = tenant.task_statuses.class_of(row.get("status")) in _CLOSED
    return not is_closed and row.get("isActionStep") is not False and not is_standalone


def _id(reference: str) -> str:
    if not is_uuid(reference):
        raise ConfigurationError(
            f"look at the task {printable(reference)!r}",
            "this is not an id",
            "Name a task by its id, as `cakewalk_info` or an event shows it.",
            option="tasks",
        )
    return reference.lower()
