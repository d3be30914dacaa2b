# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare two bundles of evidence: which rows were gained and lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..._api.catalog import address_of
from ..._api.text import printable
from . import tables
from .bundle import Bundle, refused
from .table import Cells, Column, Table

GAINED, LOST = "gained", "lost"
#: The populations that are compared. The counts are another view of the same rows, and findings depend on the rules.
COMPARED = (tables.ACCESSES, tables.PRIVILEGED, tables.MEMBERS, tables.LEAVERS, tables.OWNERLESS, tables.REQUESTS)
_SHOWN: tuple[str, ...] = ("app", "app_id", "permission_level", "permission_level_id", "group", "group_id")
_SHOWN += ("user_email", "user_name", "user_id", "request_type", "request_id")
_COLUMNS = {column.name: column for table in COMPARED for column in table.columns}
CHANGES = Table(
    "changes",
    "Gained and lost",
    "Rows that are in one of the two bundles only. What happened and was undone between them shows in neither.",
    (Column("population", "Population"), Column("change", "Change"), *(_COLUMNS[name] for name in _SHOWN)),
    ("population", "change", "app_id", "permission_level_id", "group_id", "user_id", "request_id"),
)


def comparable(bundle: Bundle, base_url: str, key_check: str | None) -> None:
    """Raise C(BundleRefused) unless a bundle has the tenant and the masking key of the data to compare with it."""
    earlier_url = bundle.manifest.get("base_url")
    try:
        is_same = address_of(str(earlier_url)) == address_of(base_url)
    except ValueError:
        is_same = False
    if not is_same:
        raise refused(bundle.path, f"it is of {printable(earlier_url)}, and this run reads {printable(base_url)}")
    masking = bundle.manifest.get("masking")
    if (masking.get("key_check") if isinstance(masking, Mapping) else None) != key_check:
        raise refused(bundle.path, "one of the two is masked and the other is not, or with another key")


def changes(bundle: Bundle, current: Sequence[Table]) -> Table:
    """Return the rows that were gained and lost since a bundle was written.

    :raises BundleRefused: a population is missing in the bundle.
    """
    names = {table.name for table in COMPARED}
    return CHANGES.holding(row for table in current if table.name in names for row in _changed(bundle, table))


def totals(table: Table) -> dict[str, dict[str, int]]:
    """Return how many rows each population gained and lost."""
    counts = Counter((row["population"], row["change"]) for row in table.rows)
    return {each.name: {change: counts[each.name, change] for change in (GAINED, LOST)} for each in COMPARED}


def _changed(bundle: Bundle, table: Table) -> Iterator[dict[str, Any]]:
    earlier, now = table.holding(bundle.rows(table)).keyed(), table.keyed()
    yield from (_row(table, GAINED, row) for key, row in now.items() if key not in earlier)
    yield from (_row(table, LOST, row) for key, row in earlier.items() if key not in now)


def _row(table: Table, change: str, row: Cells) -> dict[str, Any]:
    """Return a row of the changes. The target of a request gets the columns that other rows have for their user."""
    about = {f"user_{name}": row[f"target_{name}"] for name in ("email", "name", "id") if f"target_{name}" in row}
    return {**row, **about, "population": table.name, "change": change}
