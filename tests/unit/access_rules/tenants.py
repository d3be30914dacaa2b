# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random tenants and access rules, and a naive evaluation of the rules: plain loops over the rows of the service."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from ansible_collections.cakewalk.access.plugins.module_utils._api import catalog
from ansible_collections.cakewalk.access.plugins.module_utils._api.catalog import APPS, GROUPS, USERS
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import Forbidden
from ansible_collections.cakewalk.access.plugins.module_utils._engine.access_rules.form import ACCESS_RULE
from ansible_collections.cakewalk.access.plugins.module_utils._engine.access_rules.held import AccessChange
from unit.people import MemoryTenant, group, uid, user

STATUSES = ("Active", "Invited", "Deactivated", "Offboarding", "Strange", None)
TEAMS = ("Red", "Green", "")
DOMAINS = ("example.com", "partner.example", "EXAMPLE.com")
#: A finding: the rule, the person (empty for nobody in particular), the state, and how many people are missing.
Found = tuple[str, str, str, int]
#: Somebody of whom nothing is listed.
STRANGER: dict[str, Any] = {"id": "", "email": None, "statusName": None}


@dataclass
class Entry:
    """An entry of the section rules."""

    data: dict[str, Any]

    def at(self, *inside: str | int) -> str:
        """Return a place."""
        return ".".join(map(str, ("rules.yml", *inside)))


def completed(options: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    """Return data as the argument spec completes it, with null or a default for what is left out."""
    complete = {}
    for name, option in options.items():
        value = data.get(name, option.get("default"))
        if value is not None and "options" in option:
            inside = option["options"]
            is_list = option["type"] == "list"
            value = [completed(inside, item) for item in value] if is_list else completed(inside, value)
        complete[name] = value
    return complete


def rule(name: str = "R", **data: Any) -> Entry:
    """Return an entry for a rule."""
    return Entry(completed(ACCESS_RULE["options"], {"name": name, "severity": "high", "reason": "Because", **data}))


class World(MemoryTenant):
    """A tenant in memory, with apps.

    C(access) are the rows of access to each app, C(None) where the service refuses to show them. C(leaving) are rows
    whose removal is only requested. C(gives) are the apps that each group gives by default, C(levels) the levels of
    each app. C(roster) has the fields of people by e-mail address.
    """

    def __init__(
        self,
        users: list[Any],
        groups: list[Any],
        members: dict[str, list[Any]],
        apps: list[Any],
        levels: dict[str, list[Any]],
        access: dict[str, list[Any] | None],
        gives: dict[str, list[Any]],
        requests: Sequence[Any] = (),
        leaving: dict[str, list[Any]] | None = None,
        roster: dict[str, dict[str, str]] | None = None,
    ) -> None:
        self.leaving, self.roster = leaving or {}, roster or {}
        self.apps, self.levels, self.access, self.gives, self.requests = apps, levels, access, gives, requests
        refusal = Forbidden("list it", "the service refuses it", "Ask.", status=403)
        rows: dict[Any, Any] = {USERS.listing: users, GROUPS.listing: groups, APPS.listing: apps}
        rows |= {catalog.permission_levels(row): levels.get(row["id"], []) for row in apps}
        rows |= {
            APPS.record(row["id"]): {
                **row,
                "defaultUsersGroups": [
                    one for one, given in gives.items() if row["id"] in [app["id"] for app in given]
                ],
            }
            for row in apps
        }
        shown = {row["id"]: access.get(row["id"], []) for row in apps}
        rows |= {catalog.accesses(row): refusal if shown[row["id"]] is None else shown[row["id"]] for row in apps}
        super().__init__(users, groups, members, {**rows, catalog.REQUESTS: list(requests)})


def level(number: int, mark: bool | None, is_default: bool = False) -> dict[str, Any]:
    """Return a permission level."""
    marked = {} if mark is None else {"isPrivileged": mark}
    return {"id": uid(3000 + number), "name": f"Level {number}", "isDefault": is_default, **marked}


def random_world(chance: random.Random) -> World:
    """Return a small tenant in which anything may be hidden."""
    users = [
        user(number, f"p{number}@{chance.choice(DOMAINS)}", chance.choice(STATUSES))
        for number in range(chance.randint(1, 8))
    ]
    groups = [group(number) for number in range(3)]
    apps = [{"id": uid(2000 + number), "name": f"App {number}", "owner": None} for number in range(4)]
    for app in apps:
        if chance.random() < 0.3:
            app["owner"] = chance.choice(users)
        elif chance.random() < 0.2:
            # Two ways to show no owner, of which null is none.
            app["owner"] = {"name": "Somebody"}
            if chance.random() < 0.5:
                del app["owner"]
    levels = {
        app["id"]: [
            level(10 * n + m, chance.choice((True, False, None)), chance.random() < 0.3)
            for m in range(chance.randint(0, 3))
        ]
        for n, app in enumerate(apps)
    }
    access: dict[str, list[Any] | None] = {}
    for app in apps:
        rows = []
        for person in users:
            held = chance.sample(
                [None, *levels[app["id"]]], min(chance.choice((0, 0, 1, 1, 2)), 1 + len(levels[app["id"]]))
            )
            rows += [
                {"user": person, "permissionLevel": one, "isOwner": chance.choice((True, False, False, None))}
                for one in held
            ]
        access[app["id"]] = None if chance.random() < 0.1 else rows
    requests = [
        {
            "id": uid(5000 + number),
            "requestType": chance.choice(("GrantAccessRequest", "ChangePermissionLevelRequest", "RemoveAccessRequest")),
            "requestStatus": chance.choice(("Pending", "Declined", "Odd")),
            "targetUserId": chance.choice(users)["id"],
            "workAppId": (app := chance.choice(apps))["id"],
            "permissionLevelId": chance.choice([None, *(one["id"] for one in levels[app["id"]])]),
            "createdAt": "2026-01-01T00:00:00Z",
        }
        for number in range(chance.randint(0, 4))
    ]
    members = {row["id"]: [one for one in users if chance.random() < 0.4] for row in groups}
    gives = {row["id"]: [app for app in apps if chance.random() < 0.2] for row in groups}
    roster = {
        row["email"].lower(): {"team": chance.choice(TEAMS), "site": chance.choice(TEAMS)}
        for row in users
        if chance.random() < 0.8
    }
    return World(users, groups, members, apps, levels, access, gives, requests, roster=roster)


def random_changes(chance: random.Random, world: World) -> list[AccessChange]:
    """Return what a plan changes; it gives nobody a level who holds several, or has a request about the app."""
    changes = []
    for person in world.users:
        group = chance.choice(world.groups)
        is_member = person in world.members[group["id"]]
        if chance.random() < 0.4:
            changes.append(AccessChange(person, "a", group=group["id"].lower(), is_gain=not is_member))
        app = chance.choice(world.apps)
        about = {(one["targetUserId"], one["workAppId"]) for one in world.requests}
        if chance.random() < 0.4 and world.access[app["id"]] is not None and (person["id"], app["id"]) not in about:
            rows = [row for row in world.access[app["id"]] or [] if row["user"] is person]
            levels = world.levels[app["id"]]
            level = chance.choice(levels)["id"].lower() if levels else ""
            gain = {"level": level} if not rows or chance.random() < 0.5 else {"is_gain": False}
            changes.append(AccessChange(person, "b", app=app["id"].lower(), **gain))
    return changes


def shows_owner(app: dict[str, Any]) -> bool:
    """Return whether the record of an app says who owns it, or that nobody does."""
    return "owner" in app and (app["owner"] is None or "id" in app["owner"])


def changed(world: World, changes: Iterable[AccessChange]) -> World:
    """Return the tenant after a plan."""
    members = {group: list(rows) for group, rows in world.members.items()}
    access = {app: None if rows is None else list(rows) for app, rows in world.access.items()}
    leaving: dict[str, list[Any]] = {app: [] for app in access}
    for change in changes:
        if change.group:
            others = [row for row in members[change.group] if row["id"] != change.person["id"]]
            members[change.group] = [*others, change.person] if change.is_gain else others
        else:
            was = [row for row in access[change.app] or [] if row["user"]["id"] == change.person["id"]]
            rows = [row for row in access[change.app] or [] if row["user"]["id"] != change.person["id"]]
            if change.is_gain:
                levels = [one for one in world.levels[change.app] if one["id"] == change.level]
                held = levels[0] if levels else None
                # What is owned stays owned, and what is not shown stays so.
                (app,) = (row for row in world.apps if row["id"] == change.app)
                mark = any3([False, *(row["isOwner"] for row in was)]) if was or shows_owner(app) else None
                rows.append({"user": change.person, "permissionLevel": held, "isOwner": mark})
                was = [row for row in was if row["permissionLevel"] != held]
            access[change.app] = rows
            leaving[change.app] += was
    parts = (world.users, world.groups, members, world.apps, world.levels, access, world.gives, world.requests)
    return World(*parts, leaving, world.roster)


def random_rules(chance: random.Random, world: World, number: int) -> list[Entry]:
    """Return rules about a tenant."""

    def entitlement() -> dict[str, Any]:
        app = chance.choice(world.apps)
        levels = world.levels[app["id"]]
        kinds: list[dict[str, Any]] = [
            {"group": chance.choice(world.groups)["name"]},
            {"app": app["name"]},
            {"app": app["id"], "owner": True},
            {"app": app["name"], "privileged": True},
            {"privileged": True},
        ]
        kinds += [{"app": app["name"], "permission_level": chance.choice(levels)["name"]}] if levels else []
        return chance.choice(kinds)

    def entitlements(least: int = 1) -> list[dict[str, Any]]:
        return [entitlement() for _number in range(chance.randint(least, 3))]

    def people() -> dict[str, Any]:
        known = ["Active", "Deactivated", "Offboarding"]
        criteria = {"status": chance.sample(known, chance.randint(1, 2)), "email_domain": [chance.choice(DOMAINS)]}
        names = chance.choice((["status"], ["email_domain"], ["roster"], ["roster", "status"], list(criteria)))
        team, others = chance.choice(TEAMS), chance.sample(TEAMS, 2)
        condition: Any = chance.choice((team, others, {"not": team}, {"not": others}))
        roster = {"team": condition} if chance.random() < 0.7 else {"team": condition, "site": chance.choice(TEAMS)}
        return {name: value for name, value in {**criteria, "roster": roster}.items() if name in names}

    def one(name: str) -> Entry:
        kind = chance.choice(("conflicts", "requires", "limits", "forbids"))
        value: Any = entitlements(2)
        if kind == "requires":
            value = {"holders_of": entitlements(), "to_hold": entitlements()}
        elif kind == "limits":
            limits = chance.choice(({"at_most": 1}, {"at_least": 2}, {"at_least": 1, "at_most": 2}, {"at_most": 0}))
            value = {"holders_of": entitlements(), **limits}
        elif kind == "forbids":
            who = chance.choice(
                ({"people": people()}, {"except_people": people()}, {"people": people(), "except_people": people()})
            )
            value = {"to_hold": entitlements(), **who}
        exceptions = [
            {"person": row["email"], "reason": "Because", "until": chance.choice(("2020-01-01", "2099-01-01"))}
            for row in world.users
            if chance.random() < 0.2
        ]
        return rule(name, **{kind: value}, exceptions=exceptions)

    rules: list[Entry] = []
    while len(rules) < number:
        made = one(f"Rule {len(rules)}")
        rules += [] if _is_pointless(made.data) else [made]
    return rules


def _is_pointless(data: dict[str, Any]) -> bool:
    """Return whether nobody could violate a random rule."""
    if data["requires"]:
        return all(
            has == needs
            or (has["app"] and not has["owner"] and needs["app"] == has["app"] and not _details(needs))
            or (has["privileged"] and needs["privileged"] and not needs["app"])
            for has in data["requires"]["holders_of"]
            for needs in data["requires"]["to_hold"]
        )
    if data["forbids"] and data["forbids"]["people"] and data["forbids"]["except_people"]:
        people, others = (
            {**one, **(one["roster"] or {})} for one in map(data["forbids"].get, ("people", "except_people"))
        )
        return all(_fits(people.get(name), value) for name, value in others.items() if name != "roster" and value)
    return False


def _details(entitlement: dict[str, Any]) -> bool:
    return bool(entitlement["permission_level"] or entitlement["privileged"] or entitlement["owner"])


def _fits(value: Any, wanted: Any) -> bool:
    if isinstance(value, list) and isinstance(wanted, list):
        return {one.lower() for one in value} <= {one.lower() for one in wanted}
    return bool(value == wanted)


def all3(values: Iterable[bool | None]) -> bool | None:
    """Return whether all values hold, C(None) if that is not known."""
    values = list(values)
    return False if False in values else None if None in values else True


def any3(values: Iterable[bool | None]) -> bool | None:
    """Return whether a value holds, C(None) if that is not known."""
    values = list(values)
    return True if True in values else None if None in values else False


def not3(value: bool | None) -> bool | None:
    """Return the opposite."""
    return None if value is None else not value


class Naive:
    """The evaluation of rules as somebody would write it who does not care for speed."""

    def __init__(self, world: World, counts_requests: bool) -> None:
        self.world, self.counts_requests = world, counts_requests

    def findings(self, rules: Iterable[Entry]) -> set[Found]:
        """Return everything that is not kept."""
        found: set[Found] = set()
        for entry in rules:
            data = entry.data
            found |= self._limits(data) if data["limits"] else self._each(data)
        return found

    def holdings(self, data: dict[str, Any], email: str) -> dict[tuple[int, str], int]:
        """Return by entitlement and app how sure it is that a person holds what a rule forbids, or what it needs."""
        (person,) = (row for row in self.world.users if row["email"] == email)
        wanted = (data["requires"] or {}).get("holders_of") or (data["forbids"] or {}).get("to_hold") or []
        sure: dict[tuple[int, str], int] = {}
        for number, one in enumerate(wanted):
            if one["group"]:
                sure[number, ""] = 2 if self._holds(person, one) else 0
            for app in self.world.apps:
                if not one["group"] and one["app"] in (None, app["id"], app["name"]):
                    value = any3(self._in_app(person, one, app, is_unseen=False))
                    sure[number, app["id"]] = 1 if value is None else 2 * value
        return sure

    def gives(self, data: dict[str, Any], change: AccessChange) -> bool:
        """Return whether a change gives something that a rule names, but for what it demands."""
        if not change.is_gain:
            return False
        (group,) = [row for row in self.world.groups if row["id"] == change.group] or [None]
        apps = {change.app, *([one["id"] for one in self.world.gives[group["id"]]] if group else ())} - {""}
        names = {app["name"] for app in self.world.apps if app["id"] in apps}
        named = data["requires"]["holders_of"] if data["requires"] else self._named(data)
        for one in named:
            if one["group"]:
                if group and one["group"] == group["name"]:
                    return True
            elif apps and one["app"] in {None, *apps, *names}:
                return True
        return False

    def needed(self, data: dict[str, Any], email: str) -> set[int]:
        """Return which of the things that a rule demands a person holds for certain, by number."""
        (person,) = (row for row in self.world.users if row["email"] == email)
        needed = (data["requires"] or {}).get("to_hold", [])
        return {number for number, one in enumerate(needed) if self._holds(person, one, is_unseen=False) is True}

    def is_another_level(self, data: dict[str, Any], change: AccessChange) -> bool:
        """Return whether somebody gets a level that they did not have, and the rule is about who has it."""
        if not change.app:
            return False
        wanted = (data["requires"] or {}).get("holders_of") or (data["forbids"] or {}).get("to_hold") or []
        (app,) = (row for row in self.world.apps if row["id"] == change.app)
        level = next((row for row in self.world.levels[change.app] if row["id"] == change.level), None)
        rows = [row for row in self.world.access[change.app] or [] if row["user"]["id"] == change.person["id"]]
        had = [row["permissionLevel"] for row in rows]
        if level in had:
            return False
        is_less = level and level.get("isPrivileged") is False and any(one and one.get("isPrivileged") for one in had)
        return any(
            self._means(one, app, level, is_hidden=False) is not False and (one["permission_level"] or not is_less)
            for one in wanted
            if not one["group"] and not one["owner"] and one["app"] in (None, app["id"], app["name"])
        )

    def _each(self, data: dict[str, Any]) -> set[Found]:
        found = set()
        for person in self.world.users:
            value = self._violates(data, person)
            if value is not False and self._is_listed(data, person):
                state = "excepted" if self._is_excepted(data, person) else "violated" if value else "unknown"
                found.add((data["name"], person["email"], state, 0))
        if self._violates(data, STRANGER) is not False:
            found.add((data["name"], "", "unknown", 0))
        return found

    def _limits(self, data: dict[str, Any]) -> set[Found]:
        most, least = data["limits"]["at_most"], data["limits"]["at_least"]
        listed = [person for person in self.world.users if self._is_listed(data, person)]
        values = {person["email"]: any3(self._holds(person, one) for one in self._named(data)) for person in listed}
        is_unseen = any(self._holds(STRANGER, one) is None for one in self._named(data))
        found: set[Found] = set()
        if most is not None and (len(values) > most or is_unseen):
            counted = [person["email"] for person in listed if not self._is_excepted(data, person)]
            sure = [email for email in counted if values[email]]
            blamed = sure if len(sure) > most else counted if len(counted) > most or is_unseen else []
            state = "violated" if len(sure) > most else "unknown"
            found |= {(data["name"], email, state, 0) for email in blamed}
            found |= {(data["name"], email, "excepted", 0) for email in values if email not in counted}
            found |= {(data["name"], "", "unknown", 0)} if is_unseen and len(sure) <= most else set()
        if least is not None:
            active = []
            for person in listed:
                status = person["statusName"]
                is_active = {"Active": True, "Invited": True, "Strange": None, None: None}.get(status, False)
                active.append(all3([values[person["email"]], is_active]))
            sure_number, possible = active.count(True), active.count(True) + active.count(None)
            if possible < least and not is_unseen:
                found.add((data["name"], "", "violated", least - possible))
            elif sure_number < least:
                found.add((data["name"], "", "unknown", least - sure_number))
        return found

    def _violates(self, data: dict[str, Any], person: dict[str, Any]) -> bool | None:
        if data["conflicts"]:
            return all3(self._holds(person, one) for one in data["conflicts"])
        if data["requires"]:
            holds = any3(self._holds(person, one) for one in data["requires"]["holders_of"])
            return all3([holds, not3(all3(self._holds(person, one) for one in data["requires"]["to_hold"]))])
        holds = any3(self._holds(person, one) for one in data["forbids"]["to_hold"])
        people, spared = data["forbids"]["people"], data["forbids"]["except_people"]
        is_meant = True if people is None else self._is_one_of(person, people)
        is_spared = False if spared is None else self._is_one_of(person, spared)
        return all3([holds, is_meant, not3(is_spared)])

    def _is_one_of(self, person: dict[str, Any], people: dict[str, Any]) -> bool | None:
        values: list[bool | None] = []
        if people["status"]:
            status = person["statusName"]
            values.append(None if status in (None, "Strange") else status in people["status"])
        if people["email_domain"]:
            email = person["email"]
            domains = [domain.lower() for domain in people["email_domain"]]
            values.append(None if email is None else email.split("@")[1].lower() in domains)
        if people["roster"]:
            fields = self.world.roster.get((person["email"] or "").lower())
            if fields is None:
                values.append(None)
            else:
                for column, condition in people["roster"].items():
                    given = condition["not"] if isinstance(condition, dict) else condition
                    is_one = fields[column] in given if isinstance(given, list) else fields[column] == given
                    values.append(is_one != isinstance(condition, dict))
        return all3(values)

    def _is_excepted(self, data: dict[str, Any], person: dict[str, Any]) -> bool:
        return any(one["person"] == person["email"] and one["until"] > "2026" for one in data["exceptions"])

    def _named(self, data: dict[str, Any]) -> list[dict[str, Any]]:
        if data["conflicts"]:
            return list(data["conflicts"])
        inside = data["requires"] or data["limits"] or data["forbids"]
        return [*inside.get("holders_of", []), *inside.get("to_hold", [])]

    def _is_listed(self, data: dict[str, Any], person: dict[str, Any]) -> bool:
        """Return whether a list shows that a person holds, or may hold, something that the rule names."""
        return any(self._holds(person, one, is_unseen=False) is not False for one in self._named(data))

    def _holds(self, person: dict[str, Any], wanted: dict[str, Any], is_unseen: bool | None = None) -> bool | None:
        if wanted["group"]:
            (row,) = (row for row in self.world.groups if row["name"] == wanted["group"])
            return person["id"] in [member["id"] for member in self.world.members[row["id"]]]
        values: list[bool | None] = []
        for app in self.world.apps:
            if wanted["app"] in (None, app["id"], app["name"]):
                values += self._in_app(person, wanted, app, is_unseen)
        return any3(values)

    def _in_app(
        self, person: dict[str, Any], wanted: dict[str, Any], app: dict[str, Any], is_unseen: bool | None
    ) -> list[bool | None]:
        listed = self.world.access[app["id"]]
        rows = [row for row in listed or [] if row["user"]["id"] == person["id"]]
        left = [row for row in self.world.leaving.get(app["id"], []) if row["user"]["id"] == person["id"]]
        values: list[bool | None] = [is_unseen] if listed is None else []
        if wanted["owner"]:
            if not (rows or left or shows_owner(app)):
                return [*values, is_unseen]
            is_owner: bool | None = (app.get("owner") or {}).get("id") == person["id"]
            if left and not rows:
                # Perhaps no longer, if the person loses all access.
                is_owner = None if any3([is_owner, *(row["isOwner"] for row in left)]) is not False else False
            return [*values, is_owner, *(row["isOwner"] for row in rows)]
        levels = self.world.levels[app["id"]]
        defaults = [one for one in levels if one["isDefault"]]
        means = partial(self._means, wanted, app)
        values += [means(row["permissionLevel"], False) for row in rows]
        values += [all3([None, means(row["permissionLevel"], False)]) for row in left]
        asked = False
        for request in self.world.requests if self.counts_requests else ():
            is_removal = request["requestType"] == "RemoveAccessRequest"
            if (request["targetUserId"], request["workAppId"]) == (person["id"], app["id"]) and not is_removal:
                held = next((one for one in levels if one["id"] == request["permissionLevelId"]), None)
                if request["requestStatus"] == "Pending":
                    values.append(means(held, False))
                    asked = True
                elif request["requestStatus"] == "Odd":
                    values.append(all3([None, means(held, False)]))
        for row in self.world.groups:
            is_member = person["id"] in [member["id"] for member in self.world.members[row["id"]]]
            is_given = app["id"] in [one["id"] for one in self.world.gives[row["id"]]]
            if is_member and is_given and not rows and not asked:
                values.append(means(defaults[0], False) if len(defaults) == 1 else means(None, bool(levels)))
        return values

    def _means(
        self, wanted: dict[str, Any], app: dict[str, Any], held: dict[str, Any] | None, is_hidden: bool
    ) -> bool | None:
        """Return whether access to an app at a level, or at one that is not shown, is what is wanted."""
        levels = self.world.levels[app["id"]]
        if wanted["permission_level"]:
            if held is not None:
                return bool(held["name"] == wanted["permission_level"])
            return True if [one["name"] for one in levels] == [wanted["permission_level"]] else None
        if wanted["privileged"]:
            if held is not None:
                return held.get("isPrivileged")
            marks = {one.get("isPrivileged") for one in levels}
            return (marks.pop() if len(marks) == 1 else None) if is_hidden else False
        return True
