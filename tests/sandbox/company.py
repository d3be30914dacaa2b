# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A seeded company: the same seed and sizes give the same tenant, down to every id and time.

Names come from Faker, all addresses are at example.com; C(known.py) lists what is in every company.
"""

from __future__ import annotations

import unicodedata
from datetime import timedelta
from functools import cache
from itertools import islice
from random import Random
from typing import TypeVar

from faker import Faker

from . import accesses, approval, known
from .records import (
    APP_CATEGORIES,
    APP_STATUSES,
    DYNAMIC_GROUP,
    GRANT,
    MANAGED_GROUP,
    PENDING,
    REMOVE,
    REQUEST_TYPES,
    SYNCED_GROUP,
    USER_STATUSES,
    App,
    CustomField,
    Group,
    Level,
    Policy,
    Request,
    Task,
    User,
)
from .settings import Settings
from .state import BEGINNING, State, stamp

Word = TypeVar("Word")

_USUAL = Settings()

#: How often which word is drawn.
_USER_STATUSES = dict(zip(USER_STATUSES, (2, 4, 3, 84, 1, 2, 4), strict=True))
_APP_STATUSES = dict(zip(APP_STATUSES, (8, 4, 14, 60, 6, 4, 4), strict=True))
_GROUP_KINDS = {MANAGED_GROUP: 60, SYNCED_GROUP: 25, DYNAMIC_GROUP: 15}

_SYNC_SOURCES = ("Okta", "Google", "Entra ID", "Personio")
_LEVELS = ((), ("Member", "Admin"), ("Viewer", "Editor", "Owner"), ("Basic", "Pro", "Billing", "Admin"))
_CERTIFICATIONS = ("ISO 27001", "SOC 2", "GDPR", "HIPAA")
_LOCATIONS = ("Germany", "Ireland", "United States", "Sweden")
_AI_RISK = (2, "Medium", "Trains on customer data unless told not to.")

_EXTENSION_TASK = "StandAloneBrowserExtensionInstallationTask"
_CROWD = 60
_REQUESTS = 14
_FAR_AWAY = "2099-12-31T00:00:00.000Z"


def found(settings: Settings) -> State:
    """Return the tenant of these settings."""
    founder = _Founder(settings)
    founder.add_users()
    founder.add_policies()
    founder.add_fields()
    founder.add_apps()
    founder.add_groups()
    founder.add_known_requests()
    founder.add_requests()
    founder.add_standalone_tasks()
    founder.state.end_history(settings.dialect)
    return founder.state


class _Founder:
    """Fills an empty state. Each table has dice of its own, so that a change in one leaves the others alone."""

    def __init__(self, settings: Settings) -> None:
        self.state = State(settings.seed)
        self._settings = settings
        self._people: dict[str, User] = {}
        self._active: list[str] = []

    def add_users(self) -> None:
        with_twins = self._settings.users >= _USUAL.users
        twins = [(known.TWIN_PERSON, "Active", "User")] if with_twins else []
        for name, status, role in [*known.PEOPLE, *twins][: self._settings.users]:
            self._people[name] = self._add_user(name, local_part(name), status, role)
        manager = self._people.get(known.MANAGER)
        for user in self._people.values():
            if manager and user.role == "User" and user is not manager:
                user.manager_id = manager.id
        self._add_crowd(self._settings.users - len(self._people) - len(twins))
        if with_twins:
            self._add_user(known.TWIN_PERSON, local_part(known.TWIN_PERSON), "Deactivated", "User", "second")
        self._active = [user.id for user in self.state.users.values() if user.status == "Active"]

    def _add_crowd(self, size: int) -> None:
        dice, names = self._dice("users"), _names(self._settings.seed)
        managers = list(self.state.users)[:2]
        taken = {local_part(user.name) for user in self._people.values()}
        for number in range(size):
            name = f"{dice.choice(names.first)} {dice.choice(names.last)}"
            local = local_part(name)
            if local in taken:
                local = f"{local}{number}"
            taken.add(local)
            user = self._add_user(name, local, _drawn(dice, _USER_STATUSES), "User")
            if user.last_login:
                user.last_login = stamp(BEGINNING - timedelta(minutes=dice.randrange(100_000)))
            user.manager_id = dice.choice(managers)
            if user.status == "Active" and dice.random() < 0.1:
                managers.append(user.id)

    def _add_user(self, name: str, local: str, status: str, role: str, *more: str) -> User:
        user = User(self.state.identifier("user", local, *more), name, f"{local}@{known.DOMAIN}", status, role)
        if status in ("Active", "Offboarding"):
            user.last_login = stamp(BEGINNING)
        self.state.users[user.id] = user
        return user

    def add_policies(self) -> None:
        for request_type in REQUEST_TYPES:
            for name, reviewers in known.POLICIES.items():
                identifier = self.state.identifier("policy", request_type, name)
                is_global = known.GLOBAL_POLICIES[request_type] == name
                self.state.policies[identifier] = Policy(identifier, name, request_type, reviewers, is_global)

    def add_fields(self) -> None:
        for name, kind, required, labels in known.FIELDS:
            options = {self.state.identifier("option", name, label): label for label in labels}
            identifier = self.state.identifier("field", name)
            self.state.fields[identifier] = CustomField(identifier, name, kind, required, options)

    def add_apps(self) -> None:
        dice, names = self._dice("apps"), _names(self._settings.seed)
        owner = self._people.get(known.OWNER)
        for one in known.APPS[: self._settings.apps]:
            app = self._add_app(dice, one.name, one.category, "Managed", one.levels)
            app.owner_id = owner.id if owner and not one.orphaned else None
            app.autoprovisions = one.autoprovisions
            self._give_accesses(dice, app, self._active if one.everybodys else self._crowd(dice))
            if known.TWO_LEVELS[0] == one.name and known.TWO_LEVELS[1] in self._people:
                app.accesses[self._people[known.TWO_LEVELS[1]].id] = list(islice(app.levels, 2))
        twins = 2 if self._settings.apps >= _USUAL.apps else 0
        taken = {app.name for app in self.state.apps.values()}
        for number in range(self._settings.apps - len(self.state.apps) - twins):
            name = dice.choice(names.companies)
            name = f"{name} {number}" if name in taken else name
            taken.add(name)
            category, status = dice.choice(list(APP_CATEGORIES)), _drawn(dice, _APP_STATUSES)
            app = self._add_app(dice, name, category, status, dice.choice(_LEVELS))
            if self._active and dice.random() < 0.85:
                app.owner_id = dice.choice(self._active)
            self._give_accesses(dice, app, self._crowd(dice))
        for number in range(twins):
            self._add_app(dice, known.TWIN_APP, "CATEGORY_FINANCE", "Managed", (), number)

    def _add_app(
        self, dice: Random, name: str, category: str, status: str, levels: tuple[str, ...], *more: object
    ) -> App:
        app = App(
            id=self.state.identifier("app", name, *more),
            name=name,
            category=category,
            status=status,
            url=f"https://{local_part(name).replace('.', '-')}.{known.DOMAIN}",
            description=f"{name} for everybody.",
            tag_line=f"{name}, simply.",
            server_locations=dice.sample(_LOCATIONS, dice.randrange(3)),
            certifications=dice.sample(_CERTIFICATIONS, dice.randrange(4)),
            ai_risk=_AI_RISK if dice.random() < 0.3 else None,
        )
        for number, level in enumerate(levels):
            identifier = self.state.identifier("level", name, *more, level)
            is_privileged = level in known.PRIVILEGED_LEVELS
            app.levels[identifier] = Level(identifier, level, f"{level} in {name}.", number == 0, is_privileged)
        for custom_field in self.state.fields.values():
            if custom_field.required:
                app.field_values[custom_field.id] = f"{dice.randrange(1000, 9999)}"
            elif custom_field.options and dice.random() < 0.6:
                app.field_values[custom_field.id] = dice.choice(list(custom_field.options))
            elif custom_field.kind == "Person" and self._active and dice.random() < 0.5:
                app.field_values[custom_field.id] = dice.choice(self._active)
        self.state.apps[app.id] = app
        return app

    @staticmethod
    def _give_accesses(dice: Random, app: App, user_ids: list[str]) -> None:
        levels: list[str | None] = [*app.levels] or [None]
        for user_id in user_ids:
            app.accesses[user_id] = [dice.choice(levels)]

    def add_groups(self) -> None:
        dice, names = self._dice("groups"), _names(self._settings.seed)
        apps = {app.name: app.id for app in self.state.apps.values()}
        for one in known.GROUPS[: self._settings.groups]:
            members = [self._people[name].id for name in one.members if name in self._people]
            if one.crowded:
                members += self._active if one.name == known.EVERYONE else self._crowd(dice)
            group = self._add_group(dice, one.name, one.kind, members)
            group.default_apps = dict.fromkeys(apps[name] for name in one.default_apps if name in apps)
            group.hidden_apps = dict.fromkeys(apps[name] for name in one.hidden_apps if name in apps)
        managed = [app.id for app in self.state.apps.values() if app.status == "Managed"]
        twins = 2 if self._settings.groups >= _USUAL.groups else 0
        for number in range(self._settings.groups - len(self.state.groups) - twins):
            name = f"{dice.choice(names.cities)} Team {number + 1}"
            group = self._add_group(dice, name, _drawn(dice, _GROUP_KINDS), self._crowd(dice))
            chosen = dice.sample(managed, min(4, len(managed)))
            group.default_apps, group.hidden_apps = dict.fromkeys(chosen[:2]), dict.fromkeys(chosen[2:])
        for number in range(twins):
            self._add_group(dice, known.TWIN_GROUP, MANAGED_GROUP, [], number)

    def _add_group(self, dice: Random, name: str, kind: str, members: list[str], *more: object) -> Group:
        group = Group(self.state.identifier("group", name, *more), name, kind, members=dict.fromkeys(members))
        if kind == SYNCED_GROUP:
            group.sync_source = "Okta" if name == known.EVERYONE else dice.choice(_SYNC_SOURCES)
            group.external_id = f"{dice.getrandbits(64):016x}"
        self.state.groups[group.id] = group
        return group

    def add_known_requests(self) -> None:
        asker = self._people.get(known.ASKER)
        apps = {app.name: app for app in self.state.apps.values()}
        for name, one in known.REQUESTS.items():
            if asker and one.app in apps:
                self._add_known_request(name, one, apps[one.app], asker)

    def _add_known_request(self, name: str, one: known.KnownRequest, app: App, asker: User) -> None:
        level = next((level.id for level in app.levels.values() if level.name == one.level), None)
        identifier = known.request_id(name, self.state.seed)
        request = accesses.open_request(
            self.state,
            one.type,
            app,
            asker,
            level,
            requested_by=asker.id,
            purpose="For a project",
            identifier=identifier,
        )
        for _step in range(one.approvals):
            approval.approve(self.state, self.state.tasks[request.task_ids[-1]])
        task = self.state.tasks[request.task_ids[-1]]
        if one.then == "snoozed":
            task.snoozed_till = _FAR_AWAY
        elif one.then == "declined":
            approval.decline(self.state, task)

    def add_requests(self) -> None:
        """Open requests by the same rules as any other, and bring them to different stages."""
        dice = self._dice("requests")
        apps = [app for app in self.state.apps.values() if app.status == "Managed"]
        if not apps or len(self._active) < 2:
            return
        for number in range(_REQUESTS):
            app, user = dice.choice(apps), self.state.users[dice.choice(self._active)]
            if user.name in known.UNENTANGLED:
                continue
            kind, level = (REMOVE, None) if user.id in app.accesses else (GRANT, accesses.default_level(app))
            if not accesses.is_requested(self.state, kind, app, user):
                purpose = "For a project"
                request = accesses.open_request(
                    self.state, kind, app, user, level, requested_by=user.id, purpose=purpose
                )
                self._advance(request, number)

    def _advance(self, request: Request, number: int) -> None:
        """Approve up to three steps; some of what is open then is declined, cancelled, snoozed or claimed."""
        for _step in range(number % 4):
            if request.status == PENDING:
                approval.approve(self.state, self.state.tasks[request.task_ids[-1]])
        if request.status != PENDING:
            return
        task = self.state.tasks[request.task_ids[-1]]
        match number % 7:
            case 1:
                approval.decline(self.state, task)
            case 2:
                approval.cancel(self.state, request, request.requested_by)
            case 4:
                task.snoozed_till = _FAR_AWAY
            case 5:
                task.claimer_ids.append(self._active[0])

    def add_standalone_tasks(self) -> None:
        if known.ASKER in self._people:
            identifier = known.task_id(known.STANDALONE, self.state.seed)
            self._standalone_task(_EXTENSION_TASK, self._people[known.ASKER], identifier)
        for number, user in enumerate(islice(self.state.users.values(), 4)):
            task = self._standalone_task(_EXTENSION_TASK, user)
            if number % 2:
                approval.approve(self.state, task)
        if known.LEAVER in self._people:
            task = self._standalone_task("StandAloneOffboardingTask", self._people[known.ADMIN])
            task.offboarding = (self._people[known.LEAVER].id, "Personio", _FAR_AWAY)

    def _standalone_task(self, kind: str, user: User, identifier: str | None = None) -> Task:
        now = self.state.now()
        task = Task(identifier or self.state.next_identifier("task"), kind, now, now, assigned_id=user.id)
        self.state.add_task(task)
        return task

    def _dice(self, table: str) -> Random:
        return Random(f"{self._settings.seed}/{table}")

    def _crowd(self, dice: Random) -> list[str]:
        """Return some active people, never those whom examples use."""
        spared = {self._people[name].id for name in known.UNENTANGLED if name in self._people}
        size = dice.randint(min(3, len(self._active)), min(_CROWD, len(self._active)))
        return [user_id for user_id in dice.sample(self._active, size) if user_id not in spared]


class _Names:
    """Pools of names, since Faker takes too long to be asked for each person of a large company."""

    def __init__(self, seed: int) -> None:
        faker = Faker(["en_GB", "de_DE", "pl_PL"])
        faker.seed_instance(seed)
        self.first = [faker.first_name() for _draw in range(200)]
        self.last = [faker.last_name() for _draw in range(400)]
        self.companies = [faker.company() for _draw in range(200)]
        self.cities = [faker.city() for _draw in range(60)]


@cache
def _names(seed: int) -> _Names:
    return _Names(seed)


def local_part(name: str) -> str:
    """Return the part of an e-mail address before the at sign: plain letters and digits with dots between words."""
    plain = unicodedata.normalize("NFKD", name.lower().replace("ł", "l").replace("ß", "ss"))
    words = ("".join(letter for letter in word if letter.isalnum() and letter.isascii()) for word in plain.split())
    return ".".join(filter(None, words))


def _drawn(dice: Random, odds: dict[Word, int]) -> Word:
    return dice.choices(list(odds), list(odds.values()))[0]
