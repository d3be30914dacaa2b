# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The approval tasks that a machine may have to carry out, read in full."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._api.catalog import USERS, StatusTable, task, tasks_of
from ..._api.errors import CakewalkError, ConfigurationError
from ..._api.text import printable
from ..core.lookup import Resolver, Row, is_uuid
from ..core.tenant import Tenant

_ENDED = frozenset({"approved", "declined", "cancelled"})


def candidates(params: Mapping[str, Any], tenant: Tenant) -> list[tuple[str, Row | CakewalkError | None]]:
    """Return the tasks that C(tasks) names, or the open action steps of C(assignees).

    A named task that is not there has C(None) for its record. One of several that could not be read has the error: the
    others can be carried out all the same.

    :raises ConfigurationError: a task is no id.
    :raises LookupFailed: an assignee does not exist or is ambiguous.
    """
    if params["tasks"] is not None:
        ids = list(dict.fromkeys(_id(one) for one in params["tasks"]))
        return list(zip(ids, tenant.read_readable(map(task, ids)), strict=True))
    listed = _listed(params["assignees"], tenant)
    rows = zip(listed, tenant.read_readable(map(task, listed)), strict=True)
    return [(one, row) for one, row in rows if row is not None and _may_concern(row, tenant.task_statuses)]


def _listed(assignees: list[str], tenant: Tenant) -> list[str]:
    """Return the ids of the tasks of people that may be open action steps, as far as lists tell."""
    finder = Resolver()
    register = tenant.index(USERS, assignees)
    people = [finder.find(one, register, called="assignee") for one in assignees]
    finder.check()
    lists = tenant.read(tasks_of(person) for person in people if person is not None)
    rows = [row for rows in lists for row in rows if _may_concern(row, tenant.task_statuses)]
    return list(dict.fromkeys(row["id"].lower() for row in rows))


def _may_concern(row: Row | CakewalkError, statuses: StatusTable) -> bool:
    """Tell whether a task may be an action step that is not decided; what is not shown may be anything."""
    if isinstance(row, CakewalkError):
        return True
    is_standalone = "request" in row and row["request"] is None
    return (
        statuses.class_of(row.get("status")) not in _ENDED
        and row.get("isActionStep") is not False
        and not is_standalone
    )


def _id(reference: str) -> str:
    if not is_uuid(reference):
        raise ConfigurationError(
            f"look at the task {printable(reference)!r}",
            "this is no id",
            "Name a task by its id, as cakewalk_info or an event shows it.",
            option="tasks",
        )
    return reference.lower()
