# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the result that sums up all people, alike for joiners, movers and leavers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..._api.catalog import person
from ..._api.text import pluralize
from ..core.lookup import Row, label


def person_result(user: Row) -> dict[str, Any]:
    """Return a person as the results show each of them."""
    return {"id": user["id"], "name": user.get("name"), "email": person(user), "status": user.get("statusName")}


def named_rows(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Return groups or apps as the results show them."""
    return [{"id": row["id"], "name": label(row)} for row in rows]


def people_result(
    role: str, people: Sequence[Mapping[str, Any]], lists: Sequence[str], facts: Mapping[str, Any], **counts: int
) -> dict[str, Any]:
    """Return the people, whether all of them are complete, counts, and facts for C(set_stats).

    A dry run calls people complete whose requests only need approval. The facts do not, until nothing waits.

    :param people: the entries of the result, each with C(complete) and C(errors).
    :param lists: the names of the lists in each entry whose lengths are added up.
    :param facts: more facts for C(set_stats), without personal data and without the prefix.
    :param counts: more counts over all people.
    """
    counts = {
        "failed": sum(bool(entry["errors"]) for entry in people),
        **counts,
        **{name: sum(len(entry[name]) for entry in people) for name in lists},
    }
    complete = sum(entry["complete"] for entry in people)
    is_complete = complete == len(people)
    is_over = not any(entry["waiting"] for entry in people)
    published = {"complete": is_complete and is_over, "number_of_people": len(people), **counts, **facts}
    return {
        "people": list(people),
        "complete": is_complete,
        "summary": {"people": len(people), "complete": complete, **counts},
        "stats": {f"{role}_{name}": value for name, value in published.items()},
    }


def remark_of(people: Sequence[Mapping[str, Any]], is_dry_run: bool) -> str:
    """Return what people still wait for, or that nobody does, as a clause."""
    return "; ".join(left_of(people, is_dry_run) or [f"nothing {'would be' if is_dry_run else 'is'} left to do"])


def left_of(people: Sequence[Mapping[str, Any]], is_dry_run: bool = False) -> list[str]:
    """Return how many things wait, and how many need somebody, as clauses; requested access waits in a dry run, too."""
    waiting = [entry for row in people for entry in row["waiting"]]
    future = sum(is_dry_run and not entry.get("request_id") for entry in waiting)
    by_hand = sum(len(row["by_hand"]) for row in people)
    clauses = [
        (len(waiting) - future, "thing waits for others", "things wait for others"),
        (future, "thing would wait for others", "things would wait for others"),
        (by_hand, "thing must be done by hand", "things must be done by hand"),
    ]
    return [pluralize(*clause) for clause in clauses if clause[0]]
