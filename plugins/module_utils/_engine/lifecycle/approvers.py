# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The people who must decide requests, as far as tasks show them."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ..._api.catalog import USERS, person, tasks_of
from ..._api.errors import CakewalkError
from ..._api.operations import member
from ..core.lookup import Row
from ..core.tenant import Tenant

#: At most so many people are asked for their tasks.
_MOST = 20


def approvers(
    tenant: Tenant, requests: Collection[str], people: Iterable[Row], apps: Iterable[Row]
) -> dict[str, list[str]]:
    """Return the e-mail addresses of the people whose open tasks decide requests, by the id of the request.

    No list shows the tasks of a request, because tasks are listed by person. So the managers of C(people) and the
    owners of C(apps) are asked, who decide by the policies that the vendor ships. Nothing is raised.

    :param requests: the ids of the requests, in lower case.
    """
    ids = [str(member(row, name) or "") for rows, name in ((people, "managerId"), (apps, "owner.id")) for row in rows]
    candidates = list(dict.fromkeys(filter(None, ids)))
    if not requests or not candidates or len(candidates) > _MOST:
        return {}
    try:
        users = [row for row in tenant.read_existing(map(USERS.record, candidates)) if row]
        tasks = tenant.read(map(tasks_of, users))
    except CakewalkError:
        return {}
    found: dict[str, list[str]] = {}
    for user, rows in zip(users, tasks, strict=True):
        for row in rows:
            request = str(member(row, "request.id") or "").lower()
            is_open = tenant.task_statuses.class_of(row.get("status")) in ("actionable", "open")
            if request in requests and is_open:
                found.setdefault(request, []).append(person(user))
    return found
