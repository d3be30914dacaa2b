# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role task_fulfilment refuses before a handler runs, and what people write in the tenant to get at it."""

from __future__ import annotations

from pathlib import Path

import pytest
from playbooks.harness import COLLECTIONS, Data
from roles.fulfilment_env import OLGA, FulfilmentEnv, outcomes, report
from sandbox.known import task_id

pytestmark = pytest.mark.every_core

PETRA, SALLY = "petra.pending@example.com", "sally.sales@example.com"
GRANT, REMOVAL = task_id("action"), task_id("removal")


def test_nothing_that_people_write_in_the_tenant_is_executed(stage: FulfilmentEnv, tmp_path: Path) -> None:
    marker = tmp_path / "executed"
    jinja = f"{{{{ lookup('ansible.builtin.pipe', 'touch {marker}') }}}}"
    words = f'{jinja} $(touch {marker}) "; touch {marker}; # <script>{{% set x = 1 %}}'
    change = stage.tenant.change
    for user in (PETRA, "max.manager@example.com", OLGA, SALLY):
        change("rename_user", user=user, name=words)
    for level in ("Read", "Write", "Admin"):
        change("rename_level", app="GitHub", level=level, name=words)
    plain = stage.task(SALLY, "GitHub", level=words, purpose=words)
    addresses = [
        f"{jinja}@example.com",
        "{{7*7}}@example.com",
        "-rf@example.com",
        "a b@example.com",
        f"$(touch {marker})@example.com",
        "a;b@example.com",
        "a@example.com\nb@example.com",
    ]
    people = [user["id"] for user in stage.strangers("GitHub")][1 : len(addresses) + 1]
    unsafe = []
    for person, address in zip(people, addresses, strict=True):
        change("rename_user", user=person, name=words)
        change("set_email", user=person, email=address)
        unsafe.append(stage.task(address, "GitHub", level=words, purpose=words))
    change("rename_app", app="GitHub", name=words)

    run = stage.sweep("-vvv", "--diff", routes=[stage.route("GitHub")])

    assert outcomes(run) == {
        **outcomes(run),
        GRANT: "approved",
        plain: "approved",
        **dict.fromkeys(unsafe, "unsafe_email"),
    }
    assert run.status == 2
    assert sorted(stage.accounts()) == [PETRA, SALLY]
    assert sorted(stage.decisions()) == sorted([GRANT, plain])
    assert not marker.exists()
    assert "touch" not in stage.record.read_text()
    assert {line["outcome"] for line in stage.lines() if line["task"] in unsafe} == {"unsafe_email"}


def test_rails_hold_before_the_handler(stage: FulfilmentEnv) -> None:
    removal = {"routes": [stage.route("Google Workspace", "remove_access", "remove.yml")], "task": REMOVAL}
    protected = stage.run(**removal, protected_users=[PETRA])
    assert (protected.status, outcomes(protected)) == (2, {REMOVAL: "not_begun"})
    last = report(protected).data["msg"]
    for words in ("1 not_begun", f"remove_access of the app 'Google Workspace' for {PETRA}", "protected_users"):
        assert words in last
    own = stage.run(**removal, acting_user=PETRA)
    assert (own.status, outcomes(own)) == (2, {REMOVAL: "not_begun"})
    assert "asked for it, or it is about this person" in report(own).data["msg"]
    assert "asked for it" not in stage.record.read_text()
    others = stage.run(**removal, apps=[stage.ids["app_id"]["GitHub"]]).succeeded()
    assert outcomes(others) == {REMOVAL: "app_not_allowed"}
    assert (stage.calls(), stage.decisions()) == ([], [])
    assert {line["outcome"] for line in stage.lines()} == {"not_begun"}


#: What is wrong, the variables, words of the message.
REFUSED = {
    "two routes for a task": ({"routes": "twice"}, "could fit both"),
    "a route by name": ({"routes": "by name"}, "not an id"),
    "a relative file": ({"routes": "relative"}, "is relative"),
    "a role and a file": ({"routes": "both"}, "mutually exclusive"),
    "no way to verify": ({"routes": "unverified"}, "verify"),
    "neither a task nor people": ({"task": None}, "assignees` are both set, or both missing"),
    "a task and people": ({"assignees": ["olga.owner@example.com"]}, "both set"),
    "a record behind a link": ({"record_path": "link"}, "is a link"),
    "a relative record": ({"record_path": "record.jsonl"}, "the path is relative"),
    "fewer tasks than none": ({"max_tasks": -1}, "it is -1"),
    "no task id": ({"task": "the first one"}, "not an id"),
    "no route": ({"routes": "none"}, "routes` is empty, so no task fits a route"),
    "a file that is not there": ({"routes": "missing file"}, "there is no file"),
    "a file beside a playbook of the collection": (
        {"routes": "beside"},
        "`playbook_dir` is inside for a playbook of a",
    ),
    "a role that is not there": ({"routes": "missing role"}, "was not found"),
    "a file that ends the play": ({"routes": "ending"}, "has `meta: end_play`, after which nothing is approved"),
    "locks where nothing can be written": ({"lock_dir": "/proc/locks"}, "Could not write the lock of a task"),
    "locks below a file": ({"lock_dir": "/dev/null/locks"}, "Could not write the lock of a task"),
    "locks in the home of nobody": ({"lock_dir": "~nobody-at-all/locks"}, "the home folder of this user is not known"),
    "a record where nothing can be written": ({"record_path": "/proc/record"}, "Could not write the record"),
}


def test_what_cannot_be_meant_is_refused_before_anything_is_done(stage: FulfilmentEnv, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    route = stage.route("GitHub")
    routes = {
        "twice": [route, stage.route("GitHub", level="Read")],
        "by name": [{**route, "app": "GitHub"}],
        "relative": [{**route, "verify": {"tasks": "verify.yml"}}],
        "both": [{**route, "handler": {**route["handler"], "role": "account_granted"}}],
        "none": [],
        "missing file": [{**route, "verify": {"tasks": "/nowhere/verify.yml"}}],
        "beside": [
            {**route, "verify": {"tasks": f"{COLLECTIONS}/ansible_collections/cakewalk/access/playbooks/wiki.yml"}}
        ],
        "ending": [stage.route("GitHub", verify="ending.yml")],
        "missing role": [{**route, "handler": {"role": "nowhere"}}],
        "unverified": [{name: value for name, value in route.items() if name != "verify"}],
    }
    cases = {}
    for case, (given, _words) in REFUSED.items():
        options: Data = {"task": GRANT, **given}
        options["routes"] = routes.get(str(given.get("routes")), [route])
        if given.get("record_path") == "link":
            options["record_path"] = str(tmp_path / "link")
        cases[case] = {name: value for name, value in options.items() if value is not None}

    for options in (["--check"], []):
        stage.tenant.clear_log()
        came_of = stage.run_each(cases, *options)

        for case, (_given, words) in REFUSED.items():
            assert came_of[case].has_failed, case
            failed = [result for result in came_of[case].results if result.failed]
            assert words in str(failed[-1].data), case
        assert (stage.calls(), stage.locks.exists(), stage.tenant.log()) == ([], False, [])
        assert not options or not stage.record.parent.exists()
