# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the result that sums up all people, alike for joiners, movers and leavers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..._api.catalog import person
from ..core.lookup import Row


def person_result(user: Row) -> dict[str, Any]:
    """Return a person as the results show each of them."""
    return {"id": user["id"], "name": user.get("name"), "email": person(user), "status": user.get("statusName")}


def people_result(
    role: str, people: Sequence[Mapping[str, Any]], lists: Sequence[str], facts: Mapping[str, Any], **counts: int
) -> dict[str, Any]:
    """Return the people, whether all of them are complete, counts, and facts for C(set_stats).

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
    published = {"complete": is_complete, "number_of_people": len(people), **counts, **facts}
    return {
        "people": list(people),
        "complete": is_complete,
        "summary": {"people": len(people), "complete": complete, **counts},
        "stats": {f"{role}_{name}": value for name, value in published.items()},
    }
