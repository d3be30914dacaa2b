# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tenant as code, over real sockets: an export changes nothing, and an edit of it is all that a plan says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.cakewalk.access.plugins.module_utils._api.client import Client
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import ConfigurationError
from ansible_collections.cakewalk.access.plugins.module_utils._engine.access_rules.report import RulesViolated
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.apply import apply
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.lookup import LookupFailed
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.plan import Plan
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.tenant import Tenant
from ansible_collections.cakewalk.access.plugins.module_utils._engine.storage.ledger import WrongTenant
from ansible_collections.cakewalk.access.plugins.modules import cakewalk_access_as_code
from ansible_collections.cakewalk.access.plugins.plugin_utils import _code_reader
from contract.fixtures import CONFIRM_DELAYS, CONNOR, ERIN, GRACE, members, validated
from examples import examples
from hypothesis import given
from hypothesis import strategies as st
from sandbox.process import Sandbox

Data = dict[str, Any]

_few = examples(60)
_MAY_TAKE = "may open requests to remove access to"
NOTHING = "Nothing to do: the tenant is as the code says."


def body(lines: list[str]) -> list[str]:
    """Return the lines of a plan below its header."""
    return lines[lines.index("") + 1 :]


@dataclass
class Example:
    """A tenant, and its export as code."""

    tenant: Sandbox
    client: Client
    files: dict[str, str]

    @property
    def code(self) -> Data:
        """What the files say, to be changed at will."""
        return {name: value for text in self.files.values() for name, value in yaml.safe_load(text).items()}

    def text(self, name: str) -> str:
        """Return a file."""
        return self.files[name]

    @classmethod
    def of(cls, tenant: Sandbox, client: Client, **options: Any) -> Example:
        """Export a tenant."""
        given = {"mode": "export", "folder": "/code", "source": {}, **options}
        files = cakewalk_access_as_code.plan(
            validated(cakewalk_access_as_code.SPEC, tenant, given), Tenant(client)
        ).result["files"]
        return cls(tenant, client, dict(files))

    def compare(self, code: Data, mode: str, cakewalk: Tenant | None = None, **options: Any) -> Plan:
        """Return what a mode makes of some code."""
        source = {"version": "1", "positions": {}, "code": code}
        given = {"mode": mode, "folder": "/code", "acting_user": self.tenant.acting_user, "purpose": "Code"}
        given |= {"max_removals": 1000, "max_removal_percent": 100, "source": source, **options}
        plan: Plan = cakewalk_access_as_code.plan(
            validated(cakewalk_access_as_code.SPEC, self.tenant, given), cakewalk or Tenant(self.client)
        )
        return plan

    def plan(self, code: Data, **options: Any) -> list[str]:
        """Return the plan of some code, without its header."""
        plan = self.compare(code, "plan", **options)
        assert plan.steps == ()
        return body(plan.result["plan"])

    def apply(self, code: Data, **options: Any) -> Data:
        """Plan, approve and carry out some code, and return what takes it back."""
        approved = self.compare(code, "plan", **options).result["plan_hash"]
        plan = self.compare(code, "apply", plan_hash=approved, journal_path="/record", **options)
        return dict(plan.report(apply(plan, self.client, CONFIRM_DELAYS)).get("inverse", {}))

    def plan_back(self, inverse: Data, folder: Path, **options: Any) -> list[str]:
        """Return the plan of an inverse in a folder of its own, as it is read from there, without its header."""
        (folder / "back").mkdir(exist_ok=True)
        (folder / "back" / "inverse.yml").write_text("\n".join(inverse["lines"]), encoding="utf-8")
        code, positions, _roster = _code_reader.read(str(folder / "back"))
        return self.plan(code, source={"version": "1", "code": code, "positions": positions}, **options)


@pytest.fixture
def example_of(tenant: Sandbox, connect: Callable[..., Client]) -> Iterator[Callable[[int], Example]]:
    """Makes a small tenant of a seed, and exports it."""
    client = connect(requests_per_minute=0)

    def make(seed: int, **dialect: str) -> Example:
        tenant.reset(seed=seed, users=16, groups=5, apps=4, rate_limit=0, **dialect)
        return Example.of(tenant, client)

    yield make
    tenant.reset()


@_few
@given(seed=st.integers(1, 200))
def test_an_export_changes_nothing(example_of: Callable[[int], Example], seed: int) -> None:
    example = example_of(seed)
    assert example.plan(example.code) == [NOTHING]
    assert Example.of(example.tenant, example.client).files == example.files
    names = {app["id"]: app["name"] for app in example.tenant.state("apps")["apps"]}
    anchors = example.code["tenant"]["anchors"]
    assert [f'"{one}"  # {names[one]}' in example.text("tenant.yml") for one in anchors] == [True] * len(anchors)


def test_an_export_holds_names_whole_and_tells_apart_who_or_what_has_the_same(
    example_of: Callable[[int], Example],
) -> None:
    example = example_of(1)
    state = example.tenant.state()
    long = "L" * 400
    for number, group in enumerate(state["groups"][:2]):
        example.tenant.change("rename_group", group=group["id"], name=f"{long}{number}")
    for app in state["apps"][:2]:
        example.tenant.change("rename_app", app=app["id"], name=long)
        for level in app["levels"]:
            example.tenant.change("rename_level", app=app["id"], level=level["id"], name=long)
    exported = Example.of(example.tenant, example.client)
    names = [entry["group"] for entry in exported.code["groups"]]
    assert {f"{long}0", f"{long}1"} <= set(names)
    assert long not in exported.text("accesses.yml"), "a name of two apps, or of two levels, means neither"
    assert exported.plan(exported.code) == [NOTHING]


def test_an_export_names_by_its_id_what_ansible_would_take_for_its_own(example_of: Callable[[int], Example]) -> None:
    example = example_of(1)
    field = example.tenant.find("fields", "Cost Center")["id"]
    example.tenant.change("rename_field", field="Cost Center", name="__ansible_type")
    exported = Example.of(example.tenant, example.client)
    assert "__ansible" not in exported.text("custom_fields.yml")
    assert any(field in entry["fields"] for entry in exported.code["custom_fields"])
    assert exported.plan(exported.code) == [NOTHING]


class Edits:
    """Edits of code that somebody could make, each with the plan that says exactly that, worked out from the tenant."""

    def __init__(self, example: Example, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
        self.code, self._draw = example.code, draw
        self._actor = example.tenant.acting_user
        state = example.tenant.state()
        self._emails = {row["id"]: row["email"] for row in state["users"]}
        self._active = {row["email"] for row in state["users"] if row["status"] == "Active"}
        self._asking = {self._emails.get(row["target_id"]) for row in state["requests"]}
        #: An export leaves out people who have left, though they are members still.
        self._members = {row["name"]: {self._emails[one] for one in row["members"]} for row in state["groups"]}
        self._apps = {row["name"]: row for row in state["apps"]}
        self._given = {
            row["name"]: sorted(app["name"] for app in state["apps"] if app["id"] in row["default_apps"])
            for row in state["groups"]
        }

    def any(self) -> tuple[str, list[str]]:
        """Make one of the edits that are possible, and return its name and the plan."""
        made = None
        while made is None:
            edit = self._draw(
                st.sampled_from([self.joins, self.leaves, self.is_owned, self.is_set, self.asks, self.goes])
            )
            made = edit()
        return edit.__name__, made

    def joins(self) -> list[str] | None:
        """Somebody joins a group."""
        group = self._managed()
        people = sorted(self._active - set(group["members"])) if group else []
        if not group or not people:
            return None
        user = self._draw(st.sampled_from(people))
        group["members"].append(user)
        follows = self._follows(group, "opens access requests for")
        return [f"Members of {group['group']}", f"  + {user}", *follows, "1 step, 0 removals among them."]

    def leaves(self) -> list[str] | None:
        """Somebody is no longer to be in a group."""
        group = self._managed()
        people = sorted(set(group["members"]) - {self._actor}) if group else []
        if not group or not people:
            return None
        user = self._draw(st.sampled_from(people))
        group["members"].remove(user)
        group["absent"] = [user]
        follows = self._follows(group, _MAY_TAKE)
        return [f"Members of {group['group']}", f"  - {user}", *follows, "1 step, 1 removal among them."]

    def is_owned(self) -> list[str] | None:
        """A group is owned by a shorter list."""
        group = self._managed()
        people = sorted(set(group["members"]) - {self._actor}) if group else []
        if not group or not people:
            return None
        unnamed = self._members[group["group"]] - set(group["members"])
        gone = sorted(self._draw(st.sets(st.sampled_from(people), min_size=1)) | unnamed)
        group |= {"mode": "exact", "allow_empty": True, "members": sorted(set(group["members"]) - set(gone))}
        steps = f"{len(gone)} step{'s' * (len(gone) > 1)}, {len(gone)} removal{'s' * (len(gone) > 1)} among them."
        return [
            f"Members of {group['group']}",
            *(f"  - {user}" for user in gone),
            *self._follows(group, _MAY_TAKE),
            steps,
        ]

    def is_set(self) -> list[str] | None:
        """A custom field gets another value."""
        fields = [one for one in self.code["custom_fields"] if "Cost Center" in one["fields"]]
        if not fields:
            return None
        entry = self._draw(st.sampled_from(fields))
        before, entry["fields"]["Cost Center"] = entry["fields"]["Cost Center"], "4711 {{ 7 * 7 }}"
        lines = [f"  - Cost Center: {before}", "  + Cost Center: 4711 {{ 7 * 7 }}"]
        return [f"Custom fields of {entry['app']}", *lines, "1 step, 0 removals among them."]

    def asks(self) -> list[str] | None:
        """Somebody without access to an app is to have it."""
        app = self._apps[self._draw(st.sampled_from(sorted(self._apps)))]
        held = {self._emails[one["user_id"]] for one in app["accesses"]}
        people = sorted(self._active - held - self._asking)
        if not people:
            return None
        user = self._draw(st.sampled_from(people))
        level = self._draw(st.sampled_from([one["name"] for one in app["levels"]])) if app["levels"] else None
        at = {"permission_level": level} if level else {}
        self.code["accesses"].append({"app": app["name"], **at, "users": [user]})
        lines = [f"  + {user}: {level or 'access'} requested"]
        return [f"Access to {app['name']}", *lines, "1 step, 0 removals among them."]

    def goes(self) -> list[str] | None:
        """Somebody with access is to have none."""
        entry = self._draw(st.sampled_from(self.code["accesses"])) if self.code["accesses"] else None
        people = sorted(set(entry["users"]) - {self._actor} - self._asking) if entry else []
        if not entry or not people:
            return None
        user = self._draw(st.sampled_from(people))
        entry["users"].remove(user)
        self.code["accesses"].append({"app": entry["app"], "users": [user], "state": "absent"})
        held = entry.get("permission_level", "access")
        lines = [f"  - {user}: {held}", f"  + {user}: {held} (removal requested)"]
        return [f"Access to {entry['app']}", *lines, "1 step, 1 removal among them."]

    def _follows(self, group: Data, words: str) -> list[str]:
        apps = self._given[group["group"]]
        return [f"  > {words} {', '.join(apps)}"] if apps else []

    def _managed(self) -> Data | None:
        groups = [one for one in self.code["groups"] if one["mode"] == "additive"]
        return self._draw(st.sampled_from(groups)) if groups else None


@_few
@given(seed=st.integers(1, 40), data=st.data())
def test_the_plan_of_an_edit_says_exactly_that_edit(
    example_of: Callable[[int], Example], seed: int, data: st.DataObject
) -> None:
    example = example_of(seed)
    edits = Edits(example, data.draw)
    name, plan = edits.any()
    assert example.plan(edits.code) == plan, name
    assert not example.compare(edits.code, "drift").result["drift"]["in_sync"]


@examples(20)
@given(seed=st.integers(1, 40), data=st.data())
def test_an_edit_that_was_applied_leaves_nothing_to_do_and_drift_and_plan_agree_and_its_inverse_can_be_planned(
    example_of: Callable[[int], Example], tmp_path_factory: pytest.TempPathFactory, seed: int, data: st.DataObject
) -> None:
    example = example_of(seed)
    edits = Edits(example, data.draw)
    edits.any()
    inverse = example.apply(edits.code)
    assert example.plan(edits.code)[-1].startswith("Nothing to do"), example.plan(edits.code)
    assert example.compare(edits.code, "drift").result["drift"]["in_sync"]
    assert example.plan_back(inverse, tmp_path_factory.mktemp("inverse"))


def test_an_inverse_leaves_out_what_its_own_plan_would_refuse(
    example_of: Callable[[int], Example], tmp_path: Path
) -> None:
    example = example_of(1)
    owen, iris = "owen.onboarding@example.com", "iris.invited@example.com"
    protected = {"protected_users": [owen.upper()]}
    for field in ("Cost Center", "Automation Ledger"):
        example.tenant.change("set_field", app="Figma", field=field, value="  ")
    code = {
        **example.code,
        "time_limits": [{"group": "Contractors", "until_required": True}, {"app": "Figma", "max_duration": "P9D"}],
        "groups": [
            {"group": "Sales", "members": [owen, iris]},
            {"group": "Contractors", "absent": [CONNOR]},
        ],
        "accesses": [],
        "custom_fields": [{"app": "Figma", "fields": {"Cost Center": "4711", "Automation Ledger": "new"}}],
    }

    inverse = example.apply(code, **protected)

    lines = example.plan_back(inverse, tmp_path, **protected)
    assert [line for line in lines if line.startswith("  - ")] == [f"  - {iris}", "  - Automation Ledger: new"]
    assert CONNOR not in "\n".join(lines)
    added, removed, field = inverse["not_undoable"]
    assert f"{owen} is protected, and stays" in added
    assert field.endswith("'Cost Center' is required and had no value, so it cannot be cleared")
    assert removed.endswith("the group has a time limit (time_limits[0]), and an end is not known")


def test_an_inverse_assigns_no_policy_that_is_gone(example_of: Callable[[int], Example], tmp_path: Path) -> None:
    example, path = example_of(1), tmp_path / "ledger.json"
    ledger = {"ledger_path": str(path)}
    example.apply({**example.code, "policies": [assignment("Figma", "Admins")]}, **ledger)
    policy = example.tenant.find("policies", "Admins")["id"]
    path.write_text(path.read_text(encoding="utf-8").replace(policy, "0" * 8 + policy[8:]), encoding="utf-8")

    inverse = example.apply({**example.code, "policies": [assignment("Figma", "Two approvals")]}, **ledger)

    assert inverse["not_undoable"][0].endswith(": the policy that governed before is gone")
    assert example.plan_back(inverse, tmp_path, **ledger) == [NOTHING]


def test_an_inverse_gets_around_no_access_rule(example_of: Callable[[int], Example], tmp_path: Path) -> None:
    example = example_of(1)
    example.tenant.change("add_member", group="Contractors", user=ERIN)
    rule = {
        "name": "Building or contracting",
        "severity": "high",
        "reason": "Duties",
        "conflicts": [{"group": "Engineering"}, {"group": "Contractors"}],
        "exceptions": [{"person": GRACE, "reason": "Audit", "until": "2999-12-31"}],
    }
    code = {**example.code, "rules": [rule], "groups": [{"group": "Contractors", "absent": [ERIN]}]}

    inverse = example.apply(code)

    with pytest.raises(
        RulesViolated, match=r"\(high, inverse\.yml:\d+\) would be violated, because of inverse\.yml:\d+"
    ):
        example.plan_back(inverse, tmp_path)


def assignment(app: str, policy: str, **options: Any) -> Data:
    """Return an entry of the section policies."""
    return {"app": app, "request_type": "grant_access", "policy": policy, **options}


def test_an_export_takes_from_the_ledger_what_is_still_there(
    example_of: Callable[[int], Example], tmp_path: Path
) -> None:
    example = example_of(1)
    ledger = {"ledger_path": str(tmp_path / "ledger.json")}
    kept = [assignment("GitHub", "Admins", permission_level="Admin"), assignment("Figma", "Two approvals")]
    gone = [
        assignment("GitHub", "Admins", permission_level="Read"),
        assignment("Salesforce", "App owner", request_type="remove_access"),
    ]
    assert "Which policies are assigned is unknown" in example.text("policies.yml")
    example.apply({**example.code, "policies": [*kept, *gone]}, **ledger)
    state = example.tenant.state("apps", "policies")
    policy = next(
        one for one in state["policies"] if (one["name"], one["request_type"]) == ("App owner", "RemoveAccessRequest")
    )
    forgotten = (tmp_path / "ledger.json").read_text(encoding="utf-8").replace(policy["id"], "0" * 8 + policy["id"][8:])
    (tmp_path / "ledger.json").write_text(forgotten, encoding="utf-8")
    exported = Example.of(example.tenant, example.client, **ledger)
    found = [(one["app"], one.get("permission_level"), one["policy"]) for one in exported.code["policies"]]
    assert sorted(found) == [
        ("Figma", None, "Two approvals"),
        ("GitHub", "Admin", "Admins"),
        ("GitHub", "Read", "Admins"),
    ]
    assert "# Left out: remove_access of Salesforce, a policy of which is gone.\n" in exported.text("policies.yml")
    assert "by its ledger" in exported.text("policies.yml")
    assert exported.plan(exported.code, **ledger)[-1].startswith("Nothing to do: the rest of the tenant is as")


def test_drift_tells_what_differs_and_what_nobody_can_read(example_of: Callable[[int], Example]) -> None:
    example = example_of(1)
    code = example.code
    plan = example.compare(code, "drift")
    assert (plan.unmet, plan.result["drift"]["in_sync"]) == (None, True)
    groups = [one for one in code["groups"] if one["group"] != "Sales"]
    other = {**code, "groups": groups, "policies": [assignment("Figma", "Admins")]}
    plan = example.compare(other, "drift")
    assert plan.unmet is None
    assert plan.result["drift"] == {
        "in_sync": True,
        "differing": [],
        "left_alone": [],
        "expired": [],
        "not_in_code": ["Sales"],
        "not_verifiable": ["grant_access of the app 'Figma': Admins"],
    }
    example.tenant.change("set_field", app="Figma", field="Cost Center", value="another")
    plan = example.compare(other, "drift")
    assert plan.result["drift"]["differing"] == ["Custom fields of Figma"]
    assert plan.unmet is not None
    assert plan.unmet.facts() == {"kind": "drift", "differing": ["Custom fields of Figma"]}
    assert example.compare(other, "drift", fail_on_drift=False).unmet is None


def test_drift_tells_of_protected_people_and_of_what_is_only_asked_for(example_of: Callable[[int], Example]) -> None:
    example = example_of(1)
    connor = "connor.contractor@example.com"
    groups = [{"group": "Contractors", "mode": "exact", "members": [], "allow_empty": True}]
    stays = f"{connor} stays in the group 'Contractors', being protected"
    drift = example.compare({**example.code, "groups": groups}, "drift", protected_users=[connor]).result["drift"]
    assert (drift["in_sync"], stays in drift["differing"], drift["left_alone"]) == (False, True, [stays])
    example.tenant.change("open_request", kind="grant", app="Figma", user=ERIN)
    plan = example.compare({**example.code, "accesses": [{"app": "Figma", "users": [ERIN]}]}, "drift")
    (line,) = plan.result["drift"]["left_alone"]
    assert line.startswith(f"{ERIN} and 'Figma': the request ")
    assert plan.result["drift"]["in_sync"]


def test_what_is_not_sent_again_is_said(example_of: Callable[[int], Example], tmp_path: Path) -> None:
    example = example_of(1)
    ledger = {"ledger_path": str(tmp_path / "ledger.json")}
    code = {**example.code, "policies": [assignment("Figma", "Admins")]}
    example.apply(code, **ledger)
    approved = example.compare(code, "plan", **ledger).result["plan_hash"]
    for plan_hash, steps, warned in (("0", 0, True), (approved, 1, False)):
        cakewalk = Tenant(example.client)
        plan = example.compare(code, "apply", cakewalk, plan_hash=plan_hash, journal_path="/record", **ledger)
        assert (len(plan.steps), plan.changed) == (steps, False)
        assert any("is not sent again" in warning for warning in cakewalk.warnings) is warned


def test_what_follows_from_a_group_is_not_asked_for_beside_it(example_of: Callable[..., Example]) -> None:
    example = example_of(1, removal_requests="open")
    sally, iris = "sally.sales@example.com", "iris.invited@example.com"
    example.tenant.change("add_access", app="Salesforce", user=sally)
    level = {"app": "Salesforce", "permission_level": "Standard"}
    code = {
        **example.code,
        "groups": [{"group": "Sales", "members": [iris], "absent": [sally]}],
        "accesses": [{**level, "users": [iris, ERIN]}, {"app": "Salesforce", "users": [sally], "state": "absent"}],
    }
    left = "left to the group 'Sales', which this plan changes and which gives that app; plan again once it is applied"
    assert example.plan(code) == [
        "Members of Sales",
        f"  - {sally}",
        f"  + {iris}",
        "  > opens access requests for Salesforce",
        "  > may open requests to remove access to Salesforce",
        "Access to Salesforce",
        f"  + {ERIN}: Standard requested",
        f"{iris} and the app 'Salesforce': {left}",
        f"{sally} and the app 'Salesforce': {left}",
        "3 steps, 1 removal among them.",
    ]
    before = {row["id"] for row in example.tenant.state("requests")["requests"]}
    example.apply(code)
    opened = [row for row in example.tenant.state("requests")["requests"] if row["id"] not in before]
    assert len({(row["target_id"], row["app_id"]) for row in opened}) == len(opened) == 3
    again = example.plan(code)
    assert len(again) == 4, again
    assert again[-1] == "Nothing to do; everything listed is left alone."


def test_the_requests_that_followed_from_a_group_cannot_be_taken_back(example_of: Callable[[int], Example]) -> None:
    example = example_of(1)
    code = {**example.code, "groups": [{"group": "Sales", "members": ["iris.invited@example.com"]}]}
    inverse = example.apply(code)
    (stays,) = inverse["not_undoable"]
    assert stays.startswith("add 1 person to the group 'Sales': ")
    assert stays.endswith("the access requests that it opened, for Salesforce: nothing in the API cancels a request")
    assert "# Takes back: add 1 person to the group 'Sales' (iris.invited@example.com)" in inverse["lines"]


def test_a_selection_by_a_field_that_the_plan_sets_is_told(example_of: Callable[[int], Example]) -> None:
    example = example_of(1)
    select = {"custom_field": {"name": "Cost Center", "value": "new"}}
    rule = {"select": select, "request_type": "grant_access", "policy": "Admins"}
    code = {
        **example.code,
        "custom_fields": [{"app": "Figma", "fields": {"Cost Center": "new"}}],
        "policies": [rule, assignment("GitHub", "Admins")],
    }
    lines = [line for line in example.plan(code, max_assignments=5) if "selects apps" in line]
    assert lines == [
        "the custom field 'Cost Center', by which a policy selects apps, is taken as it is before this plan; "
        "plan again once it is applied"
    ]
    example.apply(code, max_assignments=5)
    again = example.plan(code, max_assignments=5)
    assert "Policy of Figma" in again
    assert not [line for line in again if "selects apps" in line]


def test_a_plan_names_every_write_whole_in_whose_name_and_why(
    example_of: Callable[[int], Example], tmp_path: Path
) -> None:
    example = example_of(1)
    ledger = {"ledger_path": str(tmp_path / "ledger.json")}
    long = "x" * 400
    code = {**example.code, "policies": [assignment("GitHub", "Admins")]}
    example.apply(code, **ledger)
    code = {**code, "policies": [*code["policies"], assignment("Figma", "Admins")]}
    code["custom_fields"] = [{"app": "Figma", "fields": {"Cost Center": f"{long}y"}}]
    lines = example.compare(code, "plan", **ledger).result["plan_text"].splitlines()
    header = lines[: lines.index("")]
    assert header[1:3] == [f"Acting user: {example.tenant.acting_user}", "Purpose: Code"]
    assert header[3] == "Guardrails: at most 1000 removals, removals of at most 100 % of what is read"
    assert f"  + Cost Center: {long}y" in lines
    assert lines[-7:-3] == [
        "Policy of Figma",
        "  + grant_access: Admins (before: unknown)",
        "  > A permission level with a policy of its own goes by that one, which cannot be read.",
        "sent again: grant_access of the app 'GitHub': Admins",
    ]


def test_code_knows_its_tenant_by_any_of_its_anchors(example_of: Callable[[int], Example]) -> None:
    example = example_of(1)
    (anchor, *_others) = example.code["tenant"]["anchors"]
    gone = "00000000-0000-4000-8000-000000000000"
    cakewalk = Tenant(example.client)
    example.compare({"tenant": {"anchors": [gone, anchor.upper()]}}, "plan", cakewalk)
    assert [gone in warning for warning in cakewalk.warnings] == [True]
    for anchors, error in (([gone], WrongTenant), ([], ConfigurationError), ([anchor, "GitHub"], ConfigurationError)):
        with pytest.raises(error):
            example.compare({"tenant": {"anchors": anchors}}, "plan")


def test_a_conflict_is_told_and_does_not_stop_the_rest(example_of: Callable[[int], Example]) -> None:
    example = example_of(1)
    example.tenant.change("add_access", app="Figma", user=ERIN)
    example.tenant.change("open_request", kind="remove", app="Figma", user=ERIN)
    code = {**example.code, "accesses": [{"app": "Figma", "users": [ERIN]}]}
    lines = example.plan(code)
    assert lines[0].startswith(f"{ERIN} and 'Figma': the request ")
    assert lines[0].endswith(
        " is Pending, and asks for something else. A run applies the rest of the plan, and then fails"
    )
    assert lines[1] == "Nothing to do; everything listed is left alone."
    plan = example.compare(code, "apply", plan_hash="0", journal_path="/record")
    assert plan.unmet is not None
    assert plan.unmet.kind == "conflicting_request"
    assert example.compare(code, "drift").result["drift"]["differing"] == lines[:1]


OSCAR, DORA = "oscar.offboarding@example.com", "dora.deactivated@example.com"


def proof_of(example: Example, email: str) -> Data:
    """Return what the action knows about somebody from a proof."""
    return {"id": example.tenant.find("users", email)["id"], "email": email, "file": "leaver-1.json", "date": ""}


def left(name: str, at: str, reason: str) -> str:
    return f"{name}: left, remove from the code ({at}); {reason}"


def test_leavers_are_told_and_never_added_while_the_rest_goes_on(example_of: Callable[[int], Example]) -> None:
    example = example_of(1)
    before = example.tenant.state()
    code = {
        **example.code,
        "groups": [
            {"group": "Sales", "members": [OSCAR, CONNOR]},
            {"group": "Contractors", "mode": "exact", "members": [OSCAR, DORA]},
        ],
        "accesses": [{"app": "GitHub", "permission_level": "Read", "users": [GRACE, DORA]}],
    }
    of_oscar = left(OSCAR, "groups[0].members[0], groups[1].members[0]", "the status is Offboarding")
    of_dora = left(DORA, "groups[1].members[1], accesses[0].users[1]", "the status is Deactivated")

    lines = example.plan(code)
    assert [line for line in lines if "remove from the code" in line] == [of_oscar, of_dora]
    assert [line for line in lines if line.startswith(("  - ", "  + "))] == [
        f"  + {CONNOR}",
        f"  - {CONNOR}",
        f"  + {GRACE}: Read requested",
    ]
    assert lines[-1] == "3 steps, 1 removal among them."
    drift = example.compare(code, "drift").result["drift"]
    assert {of_oscar, of_dora} <= set(drift["left_alone"])
    assert not [line for line in drift["differing"] if OSCAR in line or DORA in line]

    example.apply(code)
    assert example.plan(code)[-1] == "Nothing to do; everything listed is left alone."
    assert example.compare(code, "drift").result["drift"]["in_sync"]
    state = example.tenant.state()
    oscar = example.tenant.find("users", OSCAR)["id"]
    groups = {row["name"]: row["members"] for row in state["groups"]}
    assert groups["Contractors"] == [oscar], "who is named and still a member stays"
    assert {row["target_id"] for row in state["requests"]} - {row["target_id"] for row in before["requests"]} <= {
        example.tenant.find("users", email)["id"] for email in (GRACE, CONNOR)
    }


def test_a_list_of_leavers_only_does_not_empty_its_group(example_of: Callable[[int], Example]) -> None:
    example = example_of(1)
    code = {**example.code, "groups": [{"group": "Sales", "mode": "exact", "members": [DORA]}]}
    stays = "the group 'Sales' stays as it is: everybody that it lists has left, and nobody would be in it (groups[0])"
    assert example.plan(code) == [
        stays,
        left(DORA, "groups[0].members[0]", "the status is Deactivated"),
        "Nothing to do; everything listed is left alone.",
    ]
    assert example.compare(code, "drift").result["drift"]["differing"] == [stays]


def test_a_leaver_that_an_exact_list_does_not_name_is_removed(example_of: Callable[[int], Example]) -> None:
    example = example_of(1)
    code = {**example.code, "groups": [{"group": "Contractors", "mode": "exact", "members": [CONNOR]}]}
    assert f"  - {OSCAR}" in example.plan(code)


def test_who_was_proved_to_have_left_is_told_and_not_added(example_of: Callable[[int], Example]) -> None:
    example = example_of(1)
    proofs = [proof_of(example, CONNOR), proof_of(example, GRACE)]
    example.tenant.change("set_email", user=GRACE, email="former.7@example.com")
    code = {
        **example.code,
        "groups": [{"group": "Sales", "members": [CONNOR, GRACE, ERIN]}],
        "accesses": [{"app": "GitHub", "permission_level": "Read", "users": [CONNOR, GRACE]}],
    }
    source = {"version": "1", "positions": {}, "code": code, "proofs": proofs}
    at = [f"groups[0].members[{number}], accesses[0].users[{number}]" for number in range(2)]
    back = "offboarded, see leaver-1.json, but the status is Active: move the proof away if the person is back"

    lines = example.plan(code, source=source)

    assert [line for line in lines if "remove from the code" in line] == [
        left(CONNOR, at[0], back),
        left(GRACE, at[1], "offboarded, see leaver-1.json"),
    ]
    assert [line for line in lines if line.startswith("  + ")] == [f"  + {ERIN}"]
    hashes = {
        example.compare(code, "plan", source={**source, "proofs": given}).result["plan_hash"]
        for given in (proofs, [proofs[1], proof_of(example, ERIN)])
    }
    assert len(hashes) == 2, "what follows from a proof is approved"


def test_an_export_leaves_out_leavers_and_says_so(example_of: Callable[[int], Example]) -> None:
    example = example_of(1)
    example.tenant.change("add_access", app="Figma", user=OSCAR)
    exported = Example.of(example.tenant, example.client, source={"proofs": [proof_of(example, CONNOR)]})
    for name, what in (("groups.yml", "the group 'Contractors'"), ("accesses.yml", "the app 'Figma'")):
        assert f"# Left out: {OSCAR} and {what}, who has left.\n" in exported.text(name)
        assert not [user for user in (OSCAR, CONNOR) if f'- "{user}"' in exported.text(name)]
    assert exported.plan(exported.code) == [NOTHING]
    inactive = Example.of(example.tenant, example.client, allow_inactive=True)
    assert f'- "{OSCAR}"' in inactive.text("groups.yml")
    assert inactive.plan(inactive.code, allow_inactive=True) == [NOTHING]


def test_an_absent_name_that_nobody_has_is_left_alone_in_the_plan(example_of: Callable[[int], Example]) -> None:
    example = example_of(1)
    unknown, entry = "00000000-0000-4000-8000-000000000000", {"app": "Figma", "state": "absent"}
    absent = ["sally.slaes@example.com", unknown, ERIN, example.tenant.find("users", ERIN)["id"]]
    for names in (absent[:3], [*absent[:2], absent[3]]):
        code = {"groups": [{"group": "Sales", "absent": names}], "accesses": [{**entry, "users": names}]}
        assert ERIN not in members(example.tenant, "Sales")
        result = example.compare({**example.code, **code}, "drift", fail_on_drift=False).result["drift"]
        assert result["left_alone"] == [
            f"{name}: not in the directory, so nothing is removed; check the spelling ({section}[0].{part}[{number}])"
            for section, part in (("groups", "absent"), ("accesses", "users"))
            for number, name in enumerate(absent[:2])
        ]
        plan = example.plan({**example.code, **code})
        assert plan == [*result["left_alone"], "Nothing to do; everything listed is left alone."]


@pytest.mark.parametrize(
    ("here", "there"), [("zoe\u0308@x.example", "zo\u00eb@x.example"), ("ZO\u00cb@x.example", "zo\u00eb@x.example")]
)
def test_an_absent_name_that_only_looks_like_that_of_somebody_is_refused(
    example_of: Callable[[int], Example], here: str, there: str
) -> None:
    """The person would keep everything, and nothing would show it."""
    example = example_of(1)
    example.tenant.change("set_email", user=CONNOR, email=there)
    ended = {"user": here, "until": "2020-01-01"}
    for section, entry in (
        ("groups", {"group": "Contractors", "absent": [here]}),
        ("groups", {"group": "Contractors", "members": [GRACE, ended]}),
        ("groups", {"group": "Contractors", "mode": "exact", "members": [there, ended]}),
        ("accesses", {"app": "Figma", "state": "absent", "users": [here]}),
        ("accesses", {"app": "Figma", "users": [ended]}),
    ):
        code = {**example.code, "groups": [], "accesses": [], section: [entry]}
        with pytest.raises(LookupFailed, match=re.escape(f"the user {here!r} does not exist (did you mean {there!r}?")):
            example.compare(code, "drift")
