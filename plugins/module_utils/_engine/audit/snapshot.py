# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a tenant listed, read so that it proves what is not there, and what each list took to read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..._api import catalog
from ..._api.catalog import APPS, GROUPS, USERS
from ..core.lookup import Row
from ..core.tenant import Tenant
from ..core.timestamps import now


@dataclass(frozen=True)
class ReadStatistics:
    """What was read: its path, the id in it if there is one, how many rows it held, and how many pages that took over
    all readings."""

    path: str
    identifier: str | None
    rows: int
    pages: int


@dataclass(frozen=True)
class TenantSnapshot:
    """What the tenant listed between two times.

    :param members: the members of each of the C(groups).
    :param apps: the full record of each app.
    :param accesses: who has access, of each of the C(apps).
    """

    begun: str
    ended: str
    users: Sequence[Row]
    groups: Sequence[Row]
    members: Sequence[Sequence[Row]]
    apps: Sequence[Row]
    accesses: Sequence[Sequence[Row]]
    requests: Sequence[Row]
    queries: Sequence[ReadStatistics]


def take_snapshot(tenant: Tenant) -> TenantSnapshot:
    """Read all that evidence is made of; each list twice, since a row that paging skips leaves no trace in one reading.

    A record of an app is a single answer, in which nothing can be skipped.

    :raises CakewalkError: something cannot be read, or does not hold still.
    """
    begun = now()
    lists = [kind.listing for kind in (USERS, GROUPS, APPS)] + [catalog.REQUESTS]
    users, groups, apps, requests = whole = tenant.read_stable(lists)
    inner = [*map(catalog.members, groups), *map(catalog.accesses, apps)]
    found = tenant.read_stable(inner)
    details: list[dict[str, Any]] = tenant.read(APPS.record(app["id"]) for app in apps)
    ids = [*(None for _list in lists), *(row["id"] for row in (*groups, *apps))]
    read = zip(lists + inner, ids, [*whole, *found], strict=True)
    return TenantSnapshot(
        begun,
        now(),
        users,
        groups,
        found[: len(groups)],
        [{**app, **detail} for app, detail in zip(apps, details, strict=True)],
        found[len(groups) :],
        requests,
        [
            *(ReadStatistics(source.path, one, len(rows), tenant.pages_of(source)) for source, one, rows in read),
            *(ReadStatistics(APPS.record(app["id"]).path, app["id"], 1, 1) for app in apps),
        ],
    )
