# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tenant as a set of facts, so that two states can be compared: tuples that begin with what they are about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import starmap
from typing import Any

from sandbox.process import Sandbox

Fact = tuple[Any, ...]
#: The first members of the facts that are meant; C(None) stands for any value.
Prefix = tuple[Any, ...]
Row = dict[str, Any]


@dataclass(frozen=True)
class State:
    """The tables of a tenant, and all that they say."""

    users: list[Row]
    groups: list[Row]
    apps: list[Row]
    policies: list[Row]
    fields: list[Row]
    requests: list[Row]
    tasks: list[Row]
    facts: frozenset[Fact]

    @classmethod
    def of(cls, sandbox: Sandbox) -> State:
        """Read the state of a sandbox."""
        tables = sandbox.state("users", "groups", "apps", "policies", "fields", "requests", "tasks")
        return cls(**tables, facts=frozenset(_facts(**tables)))

    def holding(self, prefix: Prefix) -> list[Fact]:
        """Return the facts that begin so."""
        return [fact for fact in self.facts if overlap(prefix, fact)]

    def user(self, reference: str) -> Row:
        """Return the person with an id or e-mail address."""
        return next(row for row in self.users if reference in (row["id"], row["email"]))


def overlap(one: Prefix, other: Prefix) -> bool:
    """Return whether facts can begin as both."""
    return all(starmap(lambda a, b: a is None or b is None or a == b, zip(one, other, strict=False)))


def _facts(
    users: list[Row],
    groups: list[Row],
    apps: list[Row],
    policies: list[Row],
    fields: list[Row],
    requests: list[Row],
    tasks: list[Row],
) -> Iterable[Fact]:
    del users, policies, fields
    for group in groups:
        yield from (("member", group["id"], user) for user in group["members"])
    for app in apps:
        yield from (("access", app["id"], row["user_id"], row["level_id"]) for row in app["accesses"])
        yield from (("field", app["id"], *value) for value in app["field_values"].items())
        for level, slots in [(None, app["policies"]), *((row["id"], row["policies"]) for row in app["levels"])]:
            yield from (("policy", app["id"], level, *slot) for slot in slots.items())
    for row in requests:
        yield ("request", row["app_id"], row["target_id"], row["type"], row["status"], row["level_id"], row["id"])
    for row in tasks:
        yield ("task", row["id"], row["status"])
