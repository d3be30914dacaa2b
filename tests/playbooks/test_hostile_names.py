# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tenant whose names cannot be keys: of mappings in results, of YAML, and of what Ansible itself exchanges."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml
from ansible_collections.cakewalk.access.plugins.module_utils._api.text import is_usable_key
from playbooks.harness import ACCESS, FIELD, INFO, MEMBERS, POLICY, Data, Playbooks, play, task
from sandbox.process import Sandbox

pytestmark = pytest.mark.every_core

GRANT = {"request_type": "grant_access", "policy": "Two approvals"}
CODE, EVIDENCE, RULES = (f"cakewalk.access.cakewalk_{name}" for name in ("access_as_code", "evidence", "access_rules"))
HOSTILE = (
    *("__ansible_type", "__ansible_unsafe", "__ansible_vault", "_ansible_no_log", "_ansible_verbose_always"),
    *(" ", "x" * 1030, '"' * 120, "half \ud800", "line\nbreak", "\x1b[2m", "\u202eelif", "\x85", "\u2028"),
)
#: How the kinds are renamed.
CHANGES = (
    ("rename_group", "groups", "name"),
    ("rename_app", "apps", "name"),
    ("set_email", "users", "email"),
    ("rename_field", "fields", "name"),
)
#: Odd, and fit for keys all the same.
ODD = ("ok \u200d joined", "null", "~", "7", "- a: b", "{{ 7 * 7 }}", "y" * 900, "ansible_facts", "items")
ODD += ("=sum(1)", "| [x](y) | **b** | <i>")


def keys_of(value: Any) -> Iterator[str]:
    """Yield the keys of all mappings in a value."""
    if isinstance(value, dict):
        yield from value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from keys_of(item)


def renamed(tenant: Sandbox, state: Data) -> dict[str, dict[str, str]]:
    """Give many things a hostile or odd name, and return the ids by name of each kind."""
    ids: dict[str, dict[str, str]] = {}
    for change, kind, option in CHANGES:
        rows = [row for row in state[kind] if row.get("email") != tenant.acting_user]
        ids[kind] = {name: row["id"] for row, name in zip(rows, [*HOSTILE, *ODD], strict=False)}
        for name, identifier in ids[kind].items():
            tenant.change(change, **{kind.removesuffix("s"): identifier, option: name})
    app = state["apps"][0]
    for level, name in zip(app["levels"], HOSTILE, strict=False):
        tenant.change("rename_level", app=app["id"], level=level["id"], name=name)
    return ids


@pytest.fixture
def tenant() -> Iterator[Sandbox]:
    """A company that is just large enough for all names."""
    with Sandbox(users=30, groups=len(HOSTILE) + len(ODD), apps=len(HOSTILE) + len(ODD), rate_limit=0) as sandbox:
        yield sandbox


def test_no_name_of_the_tenant_breaks_a_mapping(playbooks: Playbooks, tenant: Sandbox, tmp_path: Path) -> None:
    # Read before, because the sandbox cannot show its state while it holds a lone surrogate.
    state = tenant.state()
    first = state["groups"][0]
    for row in state["users"]:
        if row["id"] not in first["members"]:
            tenant.change("add_member", group=first["id"], user=row["id"])
    ids = renamed(tenant, state)
    app, group, person = state["apps"][0], next(iter(ids["groups"].values())), state["users"][-1]["id"]
    texts = [row["id"] for row in state["fields"] if row["kind"] == "Text"]
    code, acting = str(tmp_path / "code"), {"acting_user": tenant.acting_user}
    rules = tmp_path / "rules"
    rules.mkdir()
    everybody = {
        "severity": "low",
        "reason": "{{ 7 * 7 }}",
        "limits": {"at_most": 0, "holders_of": [{"app": app["id"]}]},
    }
    everybody["limits"]["holders_of"] += [{"group": one} for one in ids["groups"].values()]
    named = [{"name": name.strip() or "blank", **everybody} for name in ("=1+1", "| **x** |", "{{ 7 * 7 }}", "\x1b[2m")]
    sections = {"tenant": {"anchors": [app["id"]]}, "rules": named}
    (rules / "rules.yml").write_text(json.dumps(sections), encoding="utf-8")
    everything = {
        "gather": ["users", "groups", "apps"],
        "include": ["members", "app_details", "accesses", "permission_levels", "custom_fields", "default_apps"],
        "reports": ["ownerless_apps", "privileged_accesses"],
        "requests": {},
        "footprint": True,
    }
    run = playbooks.run(
        play(
            task("fields", FIELD, {"app": app["id"], "fields": dict.fromkeys(texts, "hostile")}, diff=True),
            task("all", INFO, everything, register="all"),
            task("set", "ansible.builtin.set_fact", {"kept": "{{ all.apps_by_name }}"}),
            task("used", "ansible.builtin.debug", {"msg": "{{ kept | to_json | length }}"}),
            task("members", MEMBERS, {"group": group, "users": [person], **acting}, check_mode=True, diff=True),
            task(
                "access",
                ACCESS,
                {
                    "app": app["id"],
                    "permission_level": app["levels"][0]["id"],
                    "users": [person],
                    "purpose": "Test",
                    **acting,
                },
                check_mode=True,
                diff=True,
            ),
            task("policies", POLICY, {"app": app["id"], **GRANT}, check_mode=True, diff=True),
            task("export", CODE, {"mode": "export", "folder": code}),
            task("plan", CODE, {"mode": "plan", "folder": code, **acting}),
            task(
                "rules",
                RULES,
                {
                    "folder": str(rules),
                    "fail_from": "never",
                    "json_path": str(tmp_path / "kept" / "rules.json"),
                    "junit_path": str(tmp_path / "kept" / "junit.xml"),
                },
            ),
            task("why", INFO, {"explain": {"apps": [app["id"]], "folder": str(code)}}),
            task("evidence", EVIDENCE, {"folder": str(tmp_path / "evidence"), "rules_folder": str(rules)}),
        )
    ).succeeded()
    for result in run.results:
        assert [key for key in keys_of(result.told) if not is_usable_key(key)] == [], result.task
    found = run["all"].data
    for kind, key in (("groups", "name"), ("apps", "name"), ("users", "email")):
        listed = {entry["name"]: entry["ids"] for entry in found["unmapped"][kind]}
        hostile = {name: [ids[kind][name]] for name in HOSTILE}
        assert listed == {name.encode(errors="replace").decode(): its for name, its in hostile.items()}
        assert {name: ids[kind][name] for name in ODD}.items() <= found[f"{kind}_by_{key}"].items()
    changed = run["fields"].data["apps"][0]
    assert len(changed["fields"]) + len(changed["unmapped"]) == len(texts)
    assert changed["unmapped"]
    exported = yaml.safe_load((tmp_path / "code" / "custom_fields.yml").read_text(encoding="utf-8"))
    own = next(entry["fields"] for entry in exported["custom_fields"] if entry["app"] == HOSTILE[0])
    assert set(texts) <= {ids["fields"].get(name, name) for name in own}
    assert all(map(is_usable_key, own))
    assert run["plan"].data["plan"]
    assert run["plan"].data["summary"]
    reasons = [line for one in run["why"].data["explanations"] for line in one["text"]]
    assert reasons
    assert all(line.isprintable() for line in reasons)
    report = run["rules"].data["report"]
    assert all(line.isprintable() for line in report)
    told = {one["person_id"]: one["person"] for rule in run["rules"].data["rules"] for one in rule["findings"]}
    assert told.keys() >= set(ids["users"].values())
    plain = {name: identifier for name, identifier in ids["users"].items() if name.isprintable()}
    assert plain.keys() >= set(ODD[1:])
    assert {name: told[identifier] for name, identifier in plain.items()} == {name: name for name in plain}
    assert len(ElementTree.parse(tmp_path / "kept" / "junit.xml").getroot()) == len(named)
    (bundle,) = (tmp_path / "evidence").iterdir()
    with (bundle / "violations.csv").open(encoding="utf-8-sig", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert "'=1+1" in cells
    assert not any(cell.startswith(tuple("=+-@")) for cell in cells)
