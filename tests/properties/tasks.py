# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random tasks: the options of a module, and what the tenant must look like where it says that it succeeded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from properties.facts import Prefix, Row, State

Options = dict[str, Any]
Draw = Callable[[st.SearchStrategy[Any]], Any]

#: Which row of a table is meant; tables are short, so the number wraps around.
NUMBERS = st.integers(0, 40)
KINDS = ("grant_access", "remove_access", "change_permission")
WORDS = {
    "grant_access": "GrantAccessRequest",
    "remove_access": "RemoveAccessRequest",
    "change_permission": "ChangePermissionLevelRequest",
}
#: A request that was declined is not opened again, and the result says so.
OPEN = ("Pending", "Approved", "Declined")


@dataclass(frozen=True)
class Goal:
    """Something that must hold after a success.

    :param about: the facts that decide it.
    """

    about: Prefix
    holds: Callable[[State], bool]


@dataclass(frozen=True)
class Task:
    """A task of a playbook.

    :param goals: what a success promises.
    :param protected: the ids of people who must not lose anything.
    :param max_removals: how many removals it may make; C(None) for any number.
    :param can_verify: whether what it writes can be read back.
    :param writes_always: whether a second run writes too.
    :param unpredictable_in: the setting of the dialect with which check mode cannot predict the steps.
    """

    module: str
    options: Options
    goals: tuple[Goal, ...] = ()
    protected: frozenset[str] = frozenset()
    max_removals: int | None = None
    can_verify: bool = True
    writes_always: bool = False
    unpredictable_in: tuple[str, str] | None = None


def pick(rows: list[Row], number: int) -> Row:
    """Return one of some rows."""
    return rows[number % len(rows)]


def membership_task(draw: Draw, state: State, actor: str) -> Task:
    """Return a task of cakewalk_group_member."""
    groups = [row for row in state.groups if row["type"] == "Managed"]
    chosen = {pick(groups, number)["id"] for number in draw(st.lists(NUMBERS, min_size=1, max_size=3))}
    protected = [pick(state.users, number) for number in draw(st.lists(NUMBERS, max_size=1))]
    # An address that two people have protects both.
    addresses = {actor, *(row["email"] for row in protected)}
    kept = frozenset(row["id"] for row in state.users if row["email"] in addresses)
    entries, goals, is_exact = [], [], False
    for group in [row for row in groups if row["id"] in chosen]:
        wanted = draw(st.sampled_from(["present", "absent", "absent", "exact"]))
        # People who are members make removals, others make additions.
        pool = draw(st.sampled_from(["members", "all"]))
        rows = [row for row in state.users if pool == "all" or row["id"] in group["members"]] or state.users
        people = [pick(rows, number) for number in draw(st.lists(NUMBERS, min_size=1, max_size=8))]
        if wanted == "absent":
            people = [row for row in people if row["id"] not in kept] or [pick(state.users, 1)]
        entries.append({"group": group["name"], "users": _references(draw, people), "state": wanted})
        is_exact |= wanted == "exact"
        goals += _membership_goals(state, group["id"], {row["id"] for row in people}, wanted, kept)
    limit = draw(st.sampled_from([None, 30, 30, 30, 5, 0]))
    options: Options = {
        "memberships": entries,
        "acting_user": actor,
        "allow_inactive": draw(st.integers(0, 5)) > 0,
        "protected_users": [row["email"] for row in protected],
    }
    if limit is not None:
        options["max_removals"] = limit
    if draw(st.integers(0, 4)) == 0:
        options |= {"implicitly_approve_requests": True, "bypass_reason": "Import", "allow_self_approval": True}
    return Task("group_member", options, tuple(goals), kept, 10 if is_exact and limit is None else limit)


def _membership_goals(state: State, group: str, people: set[str], wanted: str, kept: frozenset[str]) -> list[Goal]:
    named = state.users if wanted == "exact" else [row for row in state.users if row["id"] in people]
    goals = []
    for user in (row["id"] for row in named):
        is_in = wanted == "present" or (wanted == "exact" and user in people)
        if is_in or user not in kept:
            fact = ("member", group, user)
            goals.append(Goal(fact, lambda after, fact=fact, is_in=is_in: (fact in after.facts) is is_in))
    return goals


def access_task(draw: Draw, state: State, actor: str) -> Task:
    """Return a task of cakewalk_app_access."""
    direct = draw(st.integers(0, 3)) == 0
    apps = [row for row in state.apps if row["status"] == "Managed"]
    entries, goals = [], []
    for app in {
        row["id"]: row for row in (pick(apps, n) for n in draw(st.lists(NUMBERS, min_size=1, max_size=2)))
    }.values():
        is_present = direct or draw(st.booleans())
        holders = {row["user_id"] for row in app["accesses"]}
        pool = [row for row in state.users if row["id"] in holders] if not is_present and holders else state.users
        pool = [row for row in pool if is_present or row["email"] != actor] or state.users[1:]
        people = [pick(pool, number) for number in draw(st.lists(NUMBERS, min_size=1, max_size=5))]
        level = pick(app["levels"], draw(NUMBERS)) if app["levels"] and is_present else None
        entry: Options = {
            "app": app["name"],
            "users": _references(draw, people),
            "state": "present" if is_present else "absent",
        }
        entries.append(entry | ({"permission_level": level["name"]} if level else {}))
        for user in {row["id"] for row in people}:
            goals.append(_access_goal(app["id"], user, level and level["id"], is_present))
    options: Options = {"accesses": entries, "acting_user": actor, "allow_inactive": draw(st.integers(0, 5)) > 0}
    options |= (
        {"method": "direct", "bypass_approval": True, "bypass_reason": "Import", "allow_self_approval": True}
        if direct
        else {"purpose": "Project Aurora", "retry_declined": draw(st.booleans())}
    )
    limit = draw(st.sampled_from([None, None, None, 0]))
    if limit is not None:
        options["max_removals"] = limit
    return Task("app_access", options, tuple(goals), frozenset({state.user(actor)["id"]}), limit)


def _access_goal(app: str, user: str, level: str | None, is_present: bool) -> Goal:
    def is_granted(after: State) -> bool:
        return any(level in (None, fact[3]) for fact in after.holding(("access", app, user)))

    def is_asked(after: State, *types: str) -> bool:
        rows = after.holding(("request", app, user))
        return any(row[3] in types and row[4] in OPEN and (row[5] == level or not level) for row in rows)

    def holds(after: State) -> bool:
        if is_present:
            return is_granted(after) or is_asked(after, WORDS["grant_access"], WORDS["change_permission"])
        return not after.holding(("access", app, user)) or is_asked(after, WORDS["remove_access"])

    return Goal((None, app, user), holds)


def policy_task(draw: Draw, state: State, ledger: str) -> Task:
    """Return a task of cakewalk_app_policy that keeps a ledger."""
    apps = [row for row in state.apps if row["status"] == "Managed"]
    slots: dict[Prefix, Options] = {}
    goals: dict[Prefix, Goal] = {}
    # Few slots, so that two tasks are about the same ones.
    choice = st.tuples(st.integers(0, 2), NUMBERS, st.sampled_from(KINDS[:2]))
    for number, other, kind in draw(st.lists(choice, min_size=1, max_size=4)):
        app = pick(apps, number)
        fitting = [row for row in state.policies if row["request_type"] == WORDS[kind]]
        policy = pick(fitting, other)
        level = app["levels"][0] if app["levels"] and number % 2 else None
        slot = ("policy", app["id"], level and level["id"], WORDS[kind])
        slots[slot] = {"app": app["name"], "request_type": kind, "policy": policy["id"]}
        slots[slot] |= {"permission_level": level["name"]} if level else {}
        fact = (*slot, policy["id"])
        goals[slot] = Goal(slot, lambda after, fact=fact: fact in after.facts)
    enforce = draw(st.sampled_from(["on_change", "on_change", "always"]))
    options = {"assignments": list(slots.values()), "enforce": enforce, "ledger_path": ledger}
    journal = draw(st.sampled_from([None, None, f"{ledger}.journal", f"{Path(ledger).parent}/./{Path(ledger).name}"]))
    options |= {"journal_path": journal} if journal else {}
    return Task("app_policy", options, tuple(goals.values()), can_verify=False, writes_always=enforce == "always")


def field_task(draw: Draw, state: State) -> Task:
    """Return a task of cakewalk_app_custom_field."""
    texts = [row for row in state.fields if row["kind"] == "Text"]
    app, row = pick(state.apps, draw(NUMBERS)), pick(texts, draw(NUMBERS))
    value = draw(st.sampled_from(["4711", "a b", "{{ 1 }}", "ü"]))
    fact = ("field", app["id"], row["id"], value)
    goal = Goal(fact[:3], lambda after: fact in after.facts)
    return Task("app_custom_field", {"values": [{"app": app["name"], "fields": {row["name"]: value}}]}, (goal,))


def mover_task(draw: Draw, state: State, actor: str, journal: str) -> Task:
    """Return a task of cakewalk_mover that waits for nothing."""
    groups = [row for row in state.groups if row["type"] == "Managed"]
    user = pick([row for row in state.users if row["status"] == "Active" and row["email"] != actor], draw(NUMBERS))
    first = draw(NUMBERS)
    leaves, joins = pick(groups, first), pick(groups, first + draw(st.integers(1, 2)))
    goals = []
    for group, is_in in [(leaves, False), (joins, True)]:
        fact = ("member", group["id"], user["id"])
        goals.append(Goal(fact, lambda after, fact=fact, is_in=is_in: (fact in after.facts) is is_in))
    options = {
        "user": user["email"],
        "joins": [joins["name"]],
        "leaves": [leaves["name"]],
        "acting_user": actor,
        "wait": False,
        "max_removal_percent": 100,
        "journal_path": journal,
    }
    return Task("mover", options, tuple(goals), frozenset({state.user(actor)["id"]}))


def decision_task(draw: Draw, state: State, actor: str) -> Task | None:
    """Return a task of cakewalk_task about a review or an action step, if the tenant has any."""
    requests = {row["id"]: row for row in state.requests if row["type"] in WORDS.values() and not row["cancelled_by"]}
    steps = [row for row in state.tasks if row["request_id"] in requests]
    # What is left alone on purpose is no failure.
    steps = [row for row in steps if not row["snoozed_till"] and not row["is_autoprovisioning"]]
    if not steps:
        return None
    step, wanted = pick(steps, draw(NUMBERS)), draw(st.sampled_from(["approved", "approved", "declined"]))
    request = requests[step["request_id"]]
    expected = {
        "request_type": next(name for name, word in WORDS.items() if word == request["type"]),
        "user": request["target_id"],
        "app": request["app_id"],
    }
    options = {
        "task": step["id"],
        "state": wanted,
        "decide": "action" if step["is_action"] else "review",
        "expect": expected | ({"permission_level": request["level_id"]} if request["level_id"] else {}),
        "acting_user": actor,
        "allow_self_approval": draw(st.booleans()),
    }
    fact = ("task", step["id"], wanted.capitalize())
    return Task("task", options, (Goal(fact[:2], lambda after: fact in after.facts),))


def joiner_task(draw: Draw, state: State, actor: str, journal: str) -> Task:
    """Return a task of cakewalk_joiner that waits for nobody."""
    user = pick(state.users, draw(NUMBERS))
    groups = [row for row in state.groups if row["type"] == "Managed"]
    groups = [pick(groups, number) for number in draw(st.lists(NUMBERS, min_size=1, max_size=2, unique=True))]
    # Whether an app that a group gives at another level is a conflict, check mode cannot know.
    given = {app for group in groups for app in group["default_apps"]}
    apps = [row for row in state.apps if row["status"] == "Managed" and row["id"] not in given]
    accesses, goals = [], []
    for app in [pick(apps, number) for number in draw(st.lists(NUMBERS, max_size=1)) if apps]:
        level = pick(app["levels"], draw(NUMBERS)) if app["levels"] else None
        accesses.append({"app": app["name"]} | ({"permission_level": level["name"]} if level else {}))
        goals.append(_access_goal(app["id"], user["id"], level and level["id"], True))
    for group in groups:
        fact = ("member", group["id"], user["id"])
        goals.append(Goal(fact, lambda after, fact=fact: fact in after.facts))
    options = {
        "user": user["email"],
        "groups": list(dict.fromkeys(row["name"] for row in groups)),
        "accesses": accesses,
        "acting_user": actor,
        "wait_timeout": 0,
        "journal_path": journal,
    }
    return Task("joiner", options, tuple(goals), frozenset({state.user(actor)["id"]}))


def leaver_task(draw: Draw, state: State, actor: str, folder: str) -> Task:
    """Return a task of cakewalk_leaver that waits for no approval."""
    user = pick([row for row in state.users if row["email"] != actor], draw(NUMBERS))
    goals = [
        Goal(fact, lambda after, fact=fact: fact not in after.facts)
        for fact in (("member", row["id"], user["id"]) for row in state.groups if row["type"] == "Managed")
    ]
    # Where a request is open that may give access, somebody must act by hand first.
    asked = {row["app_id"] for row in state.requests if row["target_id"] == user["id"] and row["status"] == "Pending"}
    apps = [row["id"] for row in state.apps if row["status"] == "Managed" and row["id"] not in asked]
    goals += [_access_goal(app, user["id"], None, False) for app in apps]
    options = {
        "user": user["email"],
        "confirm": user["email"],
        "proof_dir": folder,
        "wait_timeout": 0,
        "fail_on_left": False,
        "retry_declined": draw(st.booleans()),
        "max_removal_percent": 100,
        "acting_user": actor,
    }
    kept = frozenset({state.user(actor)["id"]})
    return Task("leaver", options, tuple(goals), kept, unpredictable_in=("removal_requests", "open"))


def _references(draw: Draw, people: list[Row]) -> list[str]:
    by = draw(st.sampled_from(["email", "email", "id"]))
    return list(dict.fromkeys(row[by] for row in people))
