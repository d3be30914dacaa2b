# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role evidence: bundles hold what the tenant lists, whole or not at all, and nothing of it that is masked."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
import yaml
from playbooks.harness import COLLECTIONS, Data, Playbooks, Result, Run, pages, play, stable_pages, task, writes
from roles.cases import case_by_case
from roles.people import custom_stats
from sandbox.process import Sandbox

EVIDENCE = "cakewalk.access.cakewalk_evidence"
TITLE = "cakewalk.access.evidence : Write what the tenant lists as a bundle of files"
ERIN, OSCAR, DINA, PETRA, CONNOR = (
    f"{name}@example.com"
    for name in ("erin.engineer", "oscar.offboarding", "dina.discovered", "petra.pending", "connor.contractor")
)
KEY = "0123456789abcdef" * 4


Keep = Callable[..., Run]
Refusals = Callable[[Mapping[str, Data]], dict[str, Data]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where bundles go."""
    return tmp_path / "bundles"


@pytest.fixture
def keep(playbooks: Playbooks, tenant: Sandbox, folder: Path) -> Keep:
    """Run the playbook with a key that may only read; the variables are options of the role, without their prefix."""
    key = {"CAKEWALK_API_KEY": tenant.read_only_key, "CAKEWALK_API_SECRET": tenant.read_only_secret}

    def run(*options: str, environment: Mapping[str, str] | None = None, **variables: Any) -> Run:
        given = {f"evidence_{name}": value for name, value in {"folder": str(folder), **variables}.items()}
        return playbooks.run("cakewalk.access.evidence", *options, variables=given, **key, **(environment or {}))

    return run


@pytest.fixture
def refusals(playbooks: Playbooks, tenant: Sandbox, folder: Path) -> Refusals:
    """Run the role for each case, which must fail, all in one run; return the failures."""
    key = {"CAKEWALK_API_KEY": tenant.read_only_key, "CAKEWALK_API_SECRET": tenant.read_only_secret}

    def run(cases: Mapping[str, Data]) -> dict[str, Data]:
        given = {
            case: {f"evidence_{name}": value for name, value in {"folder": str(folder), **variables}.items()}
            for case, variables in cases.items()
        }
        came_of = case_by_case(playbooks, "cakewalk.access.evidence", given, **key)
        return {case: came.failure for case, came in came_of.items()}

    return run


def told(run: Run) -> Result:
    """Return what the run says of the bundle."""
    return run[TITLE]


def bundle(run: Run) -> Path:
    """Return the bundle of a run that went well."""
    return Path(told(run.succeeded()).data["bundle"])


def rows(place: Path, name: str) -> list[Data]:
    """Return the rows of a population."""
    content: Data = json.loads((place / f"{name}.json").read_text(encoding="utf-8"))
    return list(content["rows"])


def written_rules(place: Path, tenant: Sandbox) -> str:
    """Write a rule that contractors violate, with an exception for one of them, and return its folder."""
    folder = place / "rules"
    folder.mkdir()
    anchors, excepted = [tenant.find("apps", "Figma")["id"]], {"person": CONNOR, "reason": "Old", "until": "2099-12-31"}
    limits = {"holders_of": [{"group": "Contractors"}], "at_most": 0}
    rule = {"name": "R", "severity": "high", "reason": "Because", "limits": limits, "exceptions": [excepted]}
    admins = {"holders_of": [{"app": "GitHub", "permission_level": "Admin"}], "at_most": 1000}
    kept = {"name": "K", "severity": "high", "reason": "It reads levels", "limits": admins}
    text = yaml.safe_dump({"tenant": {"anchors": anchors}, "rules": [rule, kept]}, sort_keys=False)
    (folder / "rules.yml").write_text(text, encoding="utf-8")
    return str(folder)


def test_a_bundle_holds_what_the_tenant_lists(keep: Keep, tenant: Sandbox, folder: Path, tmp_path: Path) -> None:
    tenant.change("add_access", app="Orphan Wiki", user=DINA)
    tenant.clear_log()
    state = tenant.state()
    users = {user["id"]: user for user in state["users"]}
    rules = written_rules(tmp_path, tenant)
    foreseen = keep("--check", "--diff", rules_folder=rules).succeeded()
    assert told(foreseen).changed
    assert not folder.exists()
    tenant.clear_log()
    place = bundle(run := keep(rules_folder=rules))
    assert told(foreseen).data["counts"] == told(run).data["counts"]
    assert not writes(tenant.log())
    assert {entry["key"] for entry in tenant.log()} == {"read-only"}
    assert run.warned_of() == {
        "The report lists these statuses as unknown: user status Discovered (1). Add them to `known_statuses` if you "
        "know what they mean."
    }

    held = [(app, access, users[access["user_id"]]) for app in state["apps"] for access in app["accesses"]]
    marked = {level["id"] for app in state["apps"] for level in app["levels"] if level["is_privileged"]}
    found = {(row["app_id"], row["user_id"], row["permission_level_id"]): row for row in rows(place, "accesses")}
    assert len(found) == len(held) == told(run).data["counts"]["accesses"] > 0
    for app, access, user in held:
        row = found[app["id"], user["id"], access["level_id"]]
        assert (row["app"], row["user_email"], row["user_status"]) == (app["name"], user["email"], user["status"])
        assert row["privileged"] == ("marked" if access["level_id"] in marked else "no")
        assert row["is_owner"] == (app["owner_id"] == user["id"])
    assert len(rows(place, "privileged_accesses")) == sum(access["level_id"] in marked for _app, access, _user in held)
    assert {(row["group_id"], row["user_id"]) for row in rows(place, "group_members")} == {
        (group["id"], user) for group in state["groups"] for user in group["members"]
    }
    assert {row["app_id"] for row in rows(place, "ownerless_apps")} == {
        app["id"] for app in state["apps"] if app["owner_id"] is None
    }
    leaving = {"Deactivated", "Offboarding", "Ignored", "Discovered"}
    involved = {user["id"] for _app, _access, user in held} | {
        one for each in state["groups"] for one in each["members"]
    }
    involved |= {app["owner_id"] for app in state["apps"] if app["owner_id"]}
    leavers = {row["user_id"]: row for row in rows(place, "inactive_people")}
    assert set(leavers) == {one for one in involved if users[one]["status"] in leaving}
    assert {row["user_email"]: row["user_status_class"] for row in leavers.values()}.items() >= {
        (OSCAR, "inactive"),
        (DINA, "unknown"),
    }
    requests = {row["id"]: row for row in state["requests"] if row["status"] == "Pending"}
    assert {row["request_id"] for row in rows(place, "open_requests")} == set(requests)
    now = datetime.now(timezone.utc)
    for row in rows(place, "open_requests"):
        created = datetime.fromisoformat(requests[row["request_id"]]["created_at"].replace("Z", "+00:00"))
        assert row["age_days"] == (now - created).days
        assert row["target_email"] == users[row["target_id"]]["email"]
        assert "purpose" not in row
    assert {row["agrees"] for row in rows(place, "account_counts")} <= {"yes", "as access"}
    (contractors,) = (each for each in state["groups"] if each["name"] == "Contractors")
    violations = {row["user_id"]: row for row in rows(place, "violations")}
    assert set(violations) == set(contractors["members"])
    for one, row in violations.items():
        ended = ("excepted", "2099-12-31") if users[one]["email"] == CONNOR else ("violated", None)
        assert (row["rule_state"], row["exception_until"]) == ended
        assert (row["rule"], row["severity"], row["rule_at"]) == ("R", "high", "rules.yml:5")
    manifest = json.loads((place / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["access_rules"] == {"kept": 1, "excepted": 0, "unknown": 0, "violated": 1}
    read = {query["path"]: query["pages"] for query in manifest["queries"]}
    github = f"/api/v1/WorkApps/{tenant.find('apps', 'GitHub')['id']}"
    assert (read[github], read[f"{github}/PermissionLevels"]) == (2, 1)
    assert sum(read.values()) == len(tenant.log())


def test_a_bundle_is_for_its_user_alone_and_its_manifest_fits(keep: Keep, tenant: Sandbox) -> None:
    place = bundle(run := keep())
    assert place.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in place.iterdir()} == {0o600}
    assert [path.name for path in place.parent.iterdir()] == [place.name]

    text = (place / "manifest.json").read_bytes()
    manifest = json.loads(text)
    assert hashlib.sha256(text).hexdigest() == told(run).data["manifest_sha256"]
    assert sorted([*manifest["files"], "manifest.json"]) == sorted(path.name for path in place.iterdir())
    for name, sums in manifest["files"].items():
        content = (place / name).read_bytes()
        assert sums == {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    assert manifest["base_url"] == tenant.url
    assert manifest["listed_between"] == told(run).data["listed_between"]
    assert manifest["tool"]["collection"] == "cakewalk.access"
    assert "not tampering" in manifest["proves"]
    assert any("reviews" in one for one in manifest["cannot_tell"])
    read = {query["path"]: query for query in manifest["queries"]}
    state = tenant.state("users", "groups", "apps")
    assert read["/api/v1/Users"]["rows"] == len(state["users"])
    assert sum(query["pages"] for query in manifest["queries"]) == len(tenant.log())
    for secret in (tenant.read_only_key, tenant.read_only_secret):
        assert not any(secret in path.read_text() for path in place.iterdir())
        assert secret not in run.output


@pytest.mark.slow
def test_another_run_on_the_same_tenant_gives_the_same_rows(keep: Keep) -> None:
    first, second = bundle(keep()), bundle(keep())
    assert first != second
    for path in first.glob("*.csv"):
        assert path.read_text() == (second / path.name).read_text()
    for path in first.glob("*.json"):
        if path.name != "manifest.json":
            one, other = (json.loads((place / path.name).read_text()) for place in (first, second))
            assert {**one, "listed_between": 0} == {**other, "listed_between": 0}


def test_how_many_requests_it_takes(keep: Keep, tenant: Sandbox) -> None:
    """None can be saved: the members of each group and the accesses of each app stand in lists of their own, only the
    record of an app tells its owner and number of accounts, and every list of several pages is read twice, because a
    row that the paging skipped would pass for absent."""
    state = tenant.state("users", "groups", "apps", "requests")
    lists = sum(stable_pages(len(state[name])) for name in ("users", "groups", "apps", "requests"))
    lists += sum(stable_pages(len(group["members"])) for group in state["groups"])
    lists += sum(stable_pages(len(app["accesses"])) for app in state["apps"])

    keep().succeeded()

    print(f"evidence: {len(tenant.log())} requests, of {len(state['groups'])} groups and {len(state['apps'])} apps")
    assert len(tenant.log()) == lists + len(state["apps"])


@pytest.mark.slow
def test_what_was_gained_and_lost_since(keep: Keep, tenant: Sandbox) -> None:
    first = bundle(keep())
    tenant.change("add_access", app="Figma", user=CONNOR)
    tenant.change("remove_member", group="Engineering", user=ERIN)
    tenant.change("set_status", user=ERIN, status="Deactivated")

    run = keep(compare_with=str(first), privileged=[{"permission_level": "Nobody's"}])

    changes = rows(bundle(run), "changes")
    seen = {(row["population"], row["change"], row["app"] or row["group"], row["user_email"]) for row in changes}
    assert seen == {
        ("accesses", "gained", "Figma", CONNOR),
        ("group_members", "lost", "Engineering", ERIN),
        ("inactive_people", "gained", None, ERIN),
    }
    assert told(run).data["changes"]["accesses"] == {"gained": 1, "lost": 0}
    report = (bundle(run) / "report.html").read_text(encoding="utf-8")
    assert "Gained and lost (3)" in report
    assert "made with another value of the option privileged" in report
    assert any("another value of the option privileged" in warning for warning in told(run).warnings)
    manifest = json.loads((bundle(run) / "manifest.json").read_text())
    sha256 = hashlib.sha256((first / "manifest.json").read_bytes()).hexdigest()
    assert manifest["compared_with"]["manifest_sha256"] == sha256


def _changed_file(place: Path) -> None:
    path = place / "accesses.json"
    path.write_text(path.read_text().replace(ERIN, "mallory@example.com"))


def _of_another_tenant(place: Path) -> None:
    path = place / "manifest.json"
    path.write_text(path.read_text().replace("127.0.0.1", "127.0.0.2"))


SPOILT = {
    "accesses.json does not match the manifest": _changed_file,
    "report.html is missing": lambda place: (place / "report.html").unlink(),
    "there is no manifest.json in it": lambda place: (place / "manifest.json").unlink(),
    "it is of http://127.0.0.2": _of_another_tenant,
    "others may write to accesses.json": lambda place: (place / "accesses.json").chmod(0o666),
}


@pytest.mark.slow
def test_an_earlier_bundle_that_cannot_be_trusted_is_refused(
    keep: Keep, refusals: Refusals, tenant: Sandbox, tmp_path: Path
) -> None:
    first = bundle(keep())
    spoilt = {why: Path(shutil.copytree(first, tmp_path / "spoilt" / str(at))) for at, why in enumerate(SPOILT)}
    for why, place in spoilt.items():
        SPOILT[why](place)
    tenant.clear_log()

    failures = refusals({why: {"compare_with": str(place)} for why, place in spoilt.items()})

    for why in SPOILT:
        assert why in failures[why]["msg"]
    assert not tenant.log()
    assert list(first.parent.iterdir()) == [first]


def test_what_is_masked_is_in_no_file(keep: Keep, tenant: Sandbox, tmp_path: Path) -> None:
    words = "Purpose that nobody else is to read"
    tenant.change("open_request", kind="grant", app="Figma", user=ERIN, purpose=words)
    path = tmp_path / "key"
    path.write_text(f"{KEY}\n")
    path.chmod(0o600)
    options = {"mask_key_path": str(path), "include_purposes": True, "privileged": [{"app": "Orphan Wiki"}]}
    options["rules_folder"] = written_rules(tmp_path, tenant)

    place = bundle(keep(**options))
    texts = {file.name: file.read_text(encoding="utf-8") for file in place.iterdir()}

    state = tenant.state("users", "groups", "apps", "requests")
    secret = {words, KEY, *(row["id"] for table in state.values() for row in table)}
    secret |= {row[name] for row in state["users"] for name in ("email", "name")}
    secret |= {row["name"] for table in ("groups", "apps") for row in state[table]}
    secret |= {level["id"] for app in state["apps"] for level in app["levels"]}
    for name, text in texts.items():
        assert not [one for one in secret if f'"{one}"' in text or f">{one}<" in text or f"/{one}" in text], name
    assert not any("@example.com" in text for text in texts.values())
    (wiki,) = {row["app_id"] for row in rows(place, "accesses") if row["privileged"] == "named"}
    assert wiki in {row["app_id"] for row in rows(place, "ownerless_apps")}
    assert any(row["purpose"].startswith("text:") for row in rows(place, "open_requests"))

    again = bundle(keep(**options, compare_with=str(place)))
    assert rows(again, "changes") == []
    refused = keep(compare_with=str(place))
    assert "masked" in told(refused).data["msg"]


@pytest.mark.slow
def test_what_the_option_names_is_privileged(keep: Keep, tenant: Sandbox) -> None:
    aws = tenant.find("apps", "AWS")
    level_id = next(level["id"] for level in aws["levels"] if level["name"] == "PowerUser")
    rules = [{"app": aws["id"], "permission_level": "poweruser"}, {"app": "Figma"}, {"permission_level": "No such"}]

    run = keep(privileged=rules)

    named = [row for row in rows(bundle(run), "privileged_accesses") if row["privileged"] == "named"]
    assert {row["app"] for row in named} == {"AWS", "Figma"}
    assert len([row for row in named if row["app"] == "AWS"]) == sum(
        access["level_id"] == level_id for access in aws["accesses"]
    )
    assert run.warned_of() == {"No access matches these entries of privileged: 'No such'. Check their spelling."}


REFUSED: dict[str, tuple[Data, str]] = {
    "a relative folder": ({"folder": "bundles"}, "the path is relative"),
    "an app that does not exist": ({"privileged": [{"app": "Fihma"}]}, "does not exist"),
    "an app that two are called": ({"privileged": [{"app": "Twin App"}]}, "2 apps are called"),
    "an empty rule": ({"privileged": [{}]}, "entry 0 names neither"),
    "a blank level": (
        {"privileged": [{"app": "Figma"}, {"app": "GitHub", "permission_level": ""}]},
        "entry 1 names a blank",
    ),
    "a key file that is not there": ({"mask_key_path": "/nowhere/key"}, "there is no file at `mask_key_path`"),
    "no bundle": ({"compare_with": "/nowhere"}, "there is no manifest.json in it"),
}


def test_what_cannot_be_used_is_refused_and_nothing_is_written(refusals: Refusals, folder: Path) -> None:
    failures = refusals({case: variables for case, (variables, _why) in REFUSED.items()})

    for case, (_variables, why) in REFUSED.items():
        assert why in failures[case]["msg"], case
    assert not folder.exists()


@pytest.mark.slow
def test_a_folder_that_cannot_be_used_is_refused_before_the_tenant_is_read(
    keep: Keep, tenant: Sandbox, folder: Path
) -> None:
    folder.mkdir()
    folder.chmod(0o777)
    folder.with_name("file").touch()
    collection = COLLECTIONS / "ansible_collections" / "cakewalk" / "access" / "playbooks"
    refused = {
        "bundles": "the path is relative",
        str(folder): "others may write to its folder",
        str(folder / "more"): f"others may write to {folder}, on the way to it,",
        str(folder.with_name("file") / "more"): "Not a directory",
        str(collection): "inside the installed collection cakewalk.access",
    }

    for path, why in refused.items():
        for mode in ((), ("--check",)):
            run = keep(*mode, folder=path)
            assert (run.status, why in told(run).data["msg"]) == (2, True), told(run).data["msg"]

    assert tenant.log() == []
    assert list(folder.iterdir()) == []


@pytest.mark.slow
def test_facts_for_a_workflow_say_whether_and_where_there_is_a_bundle(keep: Keep) -> None:
    shown = {"ANSIBLE_SHOW_CUSTOM_STATS": "1"}
    run = keep(environment=shown)
    data = told(run.succeeded()).data
    assert custom_stats(run) == {
        "evidence_complete": True,
        "evidence_bundle": data["bundle"],
        "evidence_manifest_sha256": data["manifest_sha256"],
    }
    assert custom_stats(keep("--check", environment=shown)) == {"evidence_complete": False}
    assert custom_stats(keep(folder="relative", environment=shown)) == {"evidence_complete": False}


@pytest.mark.every_core
@pytest.mark.parametrize("blank", ["", pytest.param(None, marks=pytest.mark.slow)])
def test_blank_answers_leave_the_mask_and_the_folder_of_the_play(
    playbooks: Playbooks, folder: Path, tmp_path: Path, blank: str | None
) -> None:
    key = tmp_path / "key"
    key.write_text(KEY, encoding="utf-8")
    key.chmod(0o600)
    names = ("folder", "privileged", "include_purposes", "mask_key_path", "compare_with")
    role = {"role": "cakewalk.access.evidence", "vars": {f"evidence_{name}": blank for name in names}}

    run = playbooks.run(
        play(module_defaults={EVIDENCE: {"folder": str(folder), "mask_key_path": str(key)}}, roles=[role])
    )

    place = bundle(run)
    assert place.parent == folder
    assert "@example.com" not in (place / "accesses.csv").read_text(encoding="utf-8")


def test_a_short_key_is_refused_and_shown_nowhere(playbooks: Playbooks, folder: Path) -> None:
    options = {"folder": str(folder), "mask_key": "SingingKey"}

    run = playbooks.run(play(task("Mask", EVIDENCE, options)), "-vvvv")

    assert "fewer than 32" in run["Mask"].data["msg"]
    assert "SingingKey" not in run["Mask"].data["msg"]


@pytest.mark.slow
def test_a_list_that_moves_is_read_until_two_readings_agree(keep: Keep, tenant: Sandbox) -> None:
    tenant.change("remove_member", group="Contractors", user=CONNOR, operation="listUsersGroupUsers", after=1)
    tenant.change("insert_user", email="late@example.com", operation="listUsers", after=1)

    place = bundle(keep())

    assert not {row["user_email"] for row in rows(place, "group_members") if row["group"] == "Contractors"} & {CONNOR}
    manifest = json.loads((place / "manifest.json").read_text())
    people = next(query for query in manifest["queries"] if query["path"] == "/api/v1/Users")
    assert people["rows"] == len(tenant.state("users")["users"])
    assert people["pages"] > 2 * pages(people["rows"])


def test_an_answer_that_breaks_off_leaves_no_bundle(keep: Keep, tenant: Sandbox, folder: Path) -> None:
    tenant.fault("listWorkAppAccesses", "html", count=9, skip=20)

    run = keep()

    assert run.status == 2
    assert not folder.exists()


@pytest.mark.slow
@pytest.mark.parametrize("in_process", ["true", "false"])
def test_a_time_limit_leaves_no_bundle(keep: Keep, tenant: Sandbox, folder: Path, in_process: str) -> None:
    tenant.fault("getWorkApp", "slow", count=1000, seconds=1)
    limits = {"ANSIBLE_TASK_TIMEOUT": "6", "CAKEWALK_CONCURRENCY": "1", "CAKEWALK_IN_PROCESS": in_process}
    run = keep(environment={**limits, "ANSIBLE_SHOW_CUSTOM_STATS": "1"})
    assert (run.status, told(run).data["error"], told(run).changed) == (2, {"kind": "cut_off"}, False)
    assert told(run).data["msg"] == "The time limit of the task ended the run. Nothing was changed."
    assert custom_stats(run) == {"evidence_complete": False}
    assert not any(path.is_file() for path in folder.rglob("*"))


def test_nothing_that_people_write_in_the_tenant_is_executed(keep: Keep, tenant: Sandbox, tmp_path: Path) -> None:
    marker = tmp_path / "executed"
    jinja = f"{{{{ lookup('ansible.builtin.pipe', 'touch {marker}') }}}}"
    markup = f"</script><img src=x onerror=alert(1)>\u202e{jinja}"
    tenant.change("rename_user", user=ERIN, name=f"=cmd|'/c touch {marker}'!A1")
    tenant.change("rename_user", user=CONNOR, name="\uff1d1+1")
    tenant.change("rename_user", user=PETRA, name=markup)
    tenant.change("rename_group", group="Sales", name=f"+{markup}")
    tenant.change("rename_level", app="GitHub", level="Write", name=" @SUM(1)")
    tenant.change("rename_app", app="Figma", name=markup)
    tenant.change("open_request", kind="grant", app=markup, user=ERIN, purpose=f"-1\r\n{markup}")

    place = bundle(run := keep("-vvv", "--diff", include_purposes=True))

    assert not marker.exists()
    report = (place / "report.html").read_text(encoding="utf-8")
    assert "<img" not in report
    assert report.count("</script>") == 1
    assert "\u202e" not in report + run.output
    assert "&lt;img src=x onerror=alert(1)&gt;\\u202e{{ lookup" in report
    for path in place.glob("*.csv"):
        with path.open(encoding="utf-8-sig", newline="") as file:
            cells = [cell for line in csv.reader(file) for cell in line]
        assert not [cell for cell in cells if cell.lstrip()[:1] in tuple("=+-@\uff1d")]
        assert not [cell for cell in cells if "\n" in cell or "\r" in cell or "\u202e" in cell]
    assert markup in {row["app"] for row in rows(place, "accesses")}


@pytest.mark.slow
def test_options_for_all_modules_reach_it(playbooks: Playbooks, tenant: Sandbox, folder: Path) -> None:
    defaults = {"group/cakewalk.access.all": {"api_key": tenant.read_only_key, "api_secret": tenant.read_only_secret}}
    plays = play(task("Keep", EVIDENCE, {"folder": str(folder)}), module_defaults=defaults)
    run = playbooks.run(plays, CAKEWALK_API_KEY="wrong", CAKEWALK_API_SECRET="wrong").succeeded()
    assert run["Keep"].changed


@pytest.mark.slow
def test_the_module_takes_the_environment_of_its_task_and_its_action_keeps_the_files(
    playbooks: Playbooks, tenant: Sandbox, folder: Path
) -> None:
    of_task = {"CAKEWALK_BASE_URL": tenant.url, "CAKEWALK_API_SECRET": tenant.api_secret}
    keep = {"folder": str(folder)}
    tasks = [
        task("first", EVIDENCE, keep, environment=of_task, register="first"),
        task("second", EVIDENCE, {**keep, "compare_with": "{{ first.bundle }}"}, environment=of_task),
    ]
    elsewhere = {"CAKEWALK_BASE_URL": "http://127.0.0.1:9", "CAKEWALK_API_SECRET": "wrong"}
    run = playbooks.run(play(*tasks), "-vvv", **elsewhere).succeeded()
    assert run.output.count("by a process of its own, because of environment") == len(tasks)
    assert [Path(result.data["bundle"]).parent for result in run.results] == [folder] * len(tasks)
    assert set(run["second"].data["changes"]["accesses"].values()) == {0}


@pytest.mark.parametrize("poll", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_a_task_that_is_not_waited_for_is_refused(playbooks: Playbooks, folder: Path, poll: int) -> None:
    keep = task("Keep", EVIDENCE, {"folder": str(folder)}, ignore_errors=True, **{"async": 60, "poll": poll})
    run = playbooks.run(play(keep)).succeeded()
    assert "Could not use async" in run["Keep"].data["msg"]
    assert not folder.exists()


@pytest.mark.slow
def test_the_examples_of_the_documentation_run(playbooks: Playbooks) -> None:
    tasks = yaml.safe_load(_documented("EXAMPLES"))
    run = playbooks.run(play(*tasks)).succeeded()
    assert [result.changed for result in run.results] == [True, True]
    playbooks.run(play(*tasks), "--check").succeeded()


def test_a_key_that_is_refused_is_told_and_not_shown(playbooks: Playbooks, folder: Path) -> None:
    given = {"folder": str(folder), "mask_key": KEY}
    run = playbooks.run(play(task("Keep", EVIDENCE, given)), "-vvvv", CAKEWALK_API_SECRET="SecretThatSings")
    assert run["Keep"].data["error"]["kind"] == "unauthorized"
    assert not [secret for secret in (KEY, "SecretThatSings") if secret in run.output]


def _documented(part: str) -> str:
    text = (Path(__file__).parents[2] / "plugins/modules/cakewalk_evidence.py").read_text(encoding="utf-8")
    return text.split(f'{part} = r"""')[1].split('"""')[0]
