# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the lists of a tenant until they prove which rows are absent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..._api import catalog
from ..._api.catalog import APPS, GROUPS, USERS
from ..core.lookup import Row
from ..core.tenant import Tenant
from ..core.timestamps import now


@dataclass(frozen=True)
class TenantSnapshot:
    """The lists of a tenant between two times.

    There are members for each of the C(groups), and access rows for each of the C(apps), which are full records.

    :param time: the time of the service after the last read; C(None) if it is not shown.
    """

    begun: str
    ended: str
    users: Sequence[Row]
    groups: Sequence[Row]
    members: Sequence[Sequence[Row]]
    apps: Sequence[Row]
    accesses: Sequence[Sequence[Row]]
    requests: Sequence[Row]
    time: datetime | None


def take_snapshot(tenant: Tenant) -> TenantSnapshot:
    """Read everything that the evidence needs.

    Lists of several pages are read until two reads agree, since a row that paging skips leaves no trace in one read.
    The record of an app is a single answer, in which nothing can be skipped.

    :raises CakewalkError: a source cannot be read, or keeps changing.
    """
    begun = now()
    lists = [kind.listing for kind in (USERS, GROUPS, APPS)] + [catalog.REQUESTS]
    users, groups, apps, requests = tenant.read_stable(lists)
    inner = [*map(catalog.members, groups), *map(catalog.accesses, apps)]
    inner_rows = tenant.read_stable(inner)
    details: list[dict[str, Any]] = tenant.read(APPS.record(app["id"]) for app in apps)
    return TenantSnapshot(
        begun,
        now(),
        users,
        groups,
        inner_rows[: len(groups)],
        [{**app, **detail} for app, detail in zip(apps, details, strict=True)],
        inner_rows[len(groups) :],
        requests,
        tenant.time_or_none(),
    )
