# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The people who must decide requests, as far as tasks show them."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ..._api.catalog import APPS, USERS, ResourceType, person, task, tasks_of
from ..._api.errors import CakewalkError
from ..._api.operations import member
from ..._api.text import printable
from ..core.lookup import Row
from ..core.tenant import Tenant

#: At most so many people are asked for their tasks.
_MOST = 20
#: At most so many of their open tasks are read.
_MOST_TASKS = 100


def approvers(
    tenant: Tenant, requests: Collection[str], people: Iterable[Row], apps: Iterable[Row]
) -> dict[str, list[str]]:
    """Return the e-mail addresses of the people whose open tasks decide requests, by the id of the request.

    No list shows the tasks of a request, because tasks are listed by person. So C(likely_deciders) are asked. Nothing
    is raised.

    :param requests: the ids of the requests, in lower case.
    """
    if not requests:
        return {}
    try:
        users = likely_deciders(tenant, people, apps)
        lists = tenant.read(map(tasks_of, users))
        open_tasks: dict[str, list[Row]] = {}
        for user, rows in zip(users, lists, strict=True):
            for row in rows:
                if tenant.task_statuses.class_of(row.get("status")) in ("actionable", "open"):
                    open_tasks.setdefault(str(row["id"]), []).append(user)
        # A list does not show the request of a task.
        records = tenant.read_existing(map(task, list(open_tasks)[:_MOST_TASKS]))
    except CakewalkError:
        return {}
    found: dict[str, list[str]] = {}
    for assignees, record in zip(open_tasks.values(), records, strict=False):
        request = str(member(record or {}, "request.id") or "").lower()
        if request in requests:
            found.setdefault(request, []).extend(map(person, assignees))
    return found


def likely_deciders(tenant: Tenant, people: Iterable[Row], apps: Iterable[Row]) -> list[Row]:
    """Return the managers of people and the owners of apps, who decide by the policies that the vendor ships."""
    people, apps = _detailed(tenant, USERS, people, "managerId"), _detailed(tenant, APPS, apps, "owner")
    pairs = ((people, "managerId"), (apps, "owner.id"))
    ids = [str(member(row, name) or "") for rows, name in pairs for row in rows]
    candidates = list(dict.fromkeys(filter(None, ids)))
    return [row for row in tenant.read_existing(map(USERS.record, candidates[:_MOST])) if row]


def by_approvers(waits_for: Iterable[str]) -> str:
    """Return the approvers as words that follow "waits for approval"; none if they are not known."""
    names = " or ".join(map(printable, waits_for))
    return f" by {names}" if names else ""


def _detailed(tenant: Tenant, kind: ResourceType, rows: Iterable[Row], name: str) -> list[Row]:
    """Return the records of the first rows, because lists lack a member that only single records have."""
    rows = list(rows)
    lacking = [row for row in rows if name not in row][:_MOST]
    records = tenant.read_existing(kind.record(row["id"]) for row in lacking)
    return [*(row for row in rows if name in row), *(record for record in records if record)]
