# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The floor: how soon C(requests) alone can have the same work done, with no more requests than it takes.

It knows what will be found, asks for as many things at a time as the collection does, and checks next to nothing. It
does read whole lists, since only these show whether a name is held once, what a module returns beside its work, and who
is protected. It also reads back once what it wrote, where that can be read, since an answer alone is no proof.
Started with its work as JSON, this file prints what that took, as JSON; starting Python does not count.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

import requests

from benchmarks.memory import peak_memory

Row = dict[str, Any]
Item = TypeVar("Item")
Result = TypeVar("Result")

#: As many as the modules have under way by default.
CONCURRENCY = 8


class Floor:
    """The work of each case, by its name."""

    def __init__(self) -> None:
        self._root = os.environ["CAKEWALK_BASE_URL"] + "/api/v1"
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["X-API-KEY"] = os.environ["CAKEWALK_API_KEY"]
        self._session.headers["X-API-SECRET"] = os.environ["CAKEWALK_API_SECRET"]
        self._pool = ThreadPoolExecutor(CONCURRENCY)

    def fill(self, group: str, users: Sequence[str]) -> None:
        """Add people to a group, and tell what apps they get."""
        groups, directory = self._each(self._rows, ["/UsersGroups", "/Users"])
        path = f"/UsersGroups/{_only(groups, 'name', group)}"
        self._each(self._rows, [f"{path}/Users", f"{path}/DefaultWorkApps"])
        ids = {row["email"]: row["id"] for row in directory}
        body = {
            "userIds": [ids[email] for email in users],
            "triggeredByUserId": ids[os.environ["CAKEWALK_ACTING_USER"]],
            "implicitlyApproveRequests": False,
        }
        self._send("POST", f"{path}/Users", json=body)
        assert set(body["userIds"]) <= {row["id"] for row in self._rows(f"{path}/Users")}

    def converged(self, memberships: Mapping[str, Sequence[str]]) -> None:
        """Find that groups have the members that they are to have."""
        ids = {row["name"]: row["id"] for row in self._rows("/UsersGroups")}
        found = self._each(self._rows, [f"/UsersGroups/{ids[group]}/Users" for group in memberships])
        for users, rows in zip(memberships.values(), found, strict=True):
            assert {row["email"] for row in rows} == set(users)

    def snapshot(self) -> None:
        """Read all apps with their accesses, levels and fields."""
        apps = self._rows("/WorkApps")
        lists = ("Accesses", "PermissionLevels", "CustomFields")
        paths = [f"/WorkApps/{app['id']}/{name}" for app, name in product(apps, lists)]
        found = iter(self._each(self._rows, paths))
        for app in apps:
            app.update(zip(lists, found, strict=False))

    def slots(self, request_types: Sequence[str], policy: str) -> None:
        """Assign a policy to all apps, for some request types."""
        lists = [f"/Policies/CompatiblePolicies/{one}" for one in request_types]
        apps, *policies = self._each(self._rows, ["/WorkApps", *lists])
        ids = {one: _only(rows, "name", policy) for one, rows in zip(request_types, policies, strict=True)}

        def assign(slot: tuple[Row, str]) -> None:
            app, one = slot
            self._send("PUT", f"/WorkApps/{app['id']}/Policies/{one}", json={"policyId": ids[one]})

        self._each(assign, product(apps, request_types))

    def removals(self, group: str, users: Sequence[str]) -> None:
        """Remove people from a group, having seen that the acting user, whom nothing may remove, is not among them."""
        groups, directory = self._each(self._rows, ["/UsersGroups", "/Users"])
        path = f"/UsersGroups/{_only(groups, 'name', group)}/Users"
        acting_user = _only(directory, "email", os.environ["CAKEWALK_ACTING_USER"])
        ids = {row["email"]: row["id"] for row in self._rows(path)}
        assert acting_user not in {ids[email] for email in users}
        self._each(lambda email: self._send("DELETE", f"{path}/{ids[email]}"), users)
        assert not set(users) & {row["email"] for row in self._rows(path)}

    def _rows(self, path: str) -> list[Row]:
        rows: list[Row] = []
        query: dict[str, str] = {}
        while True:
            page = self._send("GET", path, params=query).json()
            rows += page["data"]
            if not page["links"]["next"]:
                return rows
            query = {"cursor": parse_qs(urlsplit(page["links"]["next"]).query)["cursor"][0]}

    def _send(self, method: str, path: str, **options: Any) -> requests.Response:
        answer = self._session.request(method, self._root + path, timeout=60, **options)
        answer.raise_for_status()
        return answer

    def _each(self, do: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
        return list(self._pool.map(do, items))


def _only(rows: Iterable[Row], name: str, value: str) -> str:
    """Return the id of the one row that has this name."""
    (row,) = (row for row in rows if row[name] == value)
    return str(row["id"])


def main() -> None:
    """Do the work that is given by its name and options, and print how long it took, and how much memory."""
    work, options = json.loads(sys.stdin.read())
    start = time.perf_counter()
    getattr(Floor(), work)(**options)
    print(json.dumps({"seconds": time.perf_counter() - start, "peak_memory": peak_memory()}))


if __name__ == "__main__":
    main()
