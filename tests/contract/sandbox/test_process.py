# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox as a process: start, sizes, determinism, pace, log, control, and change behind the client's back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import requests
import sandbox
from sandbox.known import PEOPLE
from sandbox.process import Sandbox

pytest_plugins = ["sandbox.fixtures"]

V1 = "/api/v1"


def ids(rows: list[dict[str, Any]]) -> list[str]:
    """Return the ids of rows."""
    return [row["id"] for row in rows]


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_the_command_prints_the_variables_and_ends_cleanly(end: signal.Signals) -> None:
    package_root = Path(sandbox.__file__).resolve().parents[1]
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--users", "3", "--groups", "1", "--apps", "1"]
    environment = {**os.environ, "PYTHONPATH": str(package_root)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        lines = [process.stdout.readline().strip() for _turn in range(4)]
        variables = dict(line.removeprefix("export ").split("=", 1) for line in lines)
        headers = {
            "X-API-KEY": variables["CAKEWALK_API_KEY"],
            "X-API-SECRET": variables["CAKEWALK_API_SECRET"],
        }
        answer = requests.get(f"{variables['CAKEWALK_BASE_URL']}{V1}/Users", headers=headers, timeout=10)
        process.send_signal(end)
        assert process.wait(10) == 0
    assert variables["CAKEWALK_BASE_URL"].startswith("http://127.0.0.1:")
    assert variables["CAKEWALK_ACTING_USER"] in [row["email"] for row in answer.json()["data"]]
    assert len(answer.json()["data"]) == 3


def test_the_printed_lines_can_be_pasted_from_any_folder(tmp_path: Path) -> None:
    root, folder = Path(sandbox.__file__).resolve().parents[2], tmp_path / 'it\'s a "$HOME" `id`'
    folder.mkdir()
    for name in ("Makefile", "tests", ".build"):
        (folder / name).symlink_to(root / name)
    command = ["make", "--no-print-directory", "-o", ".build/collections/.installed", "sandbox", "PORT=0"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout
        lines = []
        while not lines or not lines[-1].startswith("# Ready"):
            lines.append(process.stdout.readline())
        os.killpg(process.pid, signal.SIGTERM)
    shown = 'printf "%s\\n" "${PATH%%/bin:*}" "$ANSIBLE_COLLECTIONS_PATH" "$CAKEWALK_ACTING_USER"'
    pasted = subprocess.run(["sh", "-euc", "".join(lines) + shown], stdout=subprocess.PIPE, text=True, check=True)
    assert pasted.stdout.splitlines() == [
        f"{folder}/.build/venv",
        f"{folder}/.build/collections",
        "ada.admin@example.com",
    ]
    assert [line.startswith("# export CAKEWALK_API_") for line in lines[-3:]] == [True, True, False]


def test_each_start_prints_the_same_ledger_and_removes_it(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(sandbox.__file__).resolve().parents[1]),
        "TMPDIR": str(tmp_path),
    }
    port, ledgers = 0, []
    for _start in range(2):
        command = [sys.executable, "-m", "sandbox", "--port", str(port), "--ledger", "--users", "3", "--groups", "1"]
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            variables = dict(
                process.stdout.readline().strip().removeprefix("export ").split("=", 1) for _turn in range(2)
            )
            process.terminate()
        port = int(variables["CAKEWALK_BASE_URL"].rpartition(":")[2])
        ledgers.append(Path(variables["CAKEWALK_LEDGER"]))
        assert not ledgers[-1].exists()
        ledgers[-1].parent.mkdir()
        ledgers[-1].write_text("of the first tenant", encoding="utf-8")
    assert ledgers[0] == ledgers[1]
    assert ledgers[0].is_relative_to(tmp_path)


def test_a_port_that_is_taken_is_said_before_anything_to_paste(tenant: Sandbox) -> None:
    port = tenant.url.rpartition(":")[2]
    environment = {**os.environ, "PYTHONPATH": str(Path(sandbox.__file__).resolve().parents[1])}
    command = [sys.executable, "-m", "sandbox", "--port", port, "--on-path", "bin", "collections"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert f"port {port} is taken" in ended.stderr
    assert "make sandbox PORT=" in ended.stderr


def test_wrong_options_end_at_once() -> None:
    with pytest.raises(RuntimeError, match="before it listened"):
        Sandbox(users=0)


def test_default_company(vendor: Sandbox) -> None:
    tables = vendor.state()
    assert (len(tables["users"]), len(tables["groups"]), len(tables["apps"])) == (200, 25, 60)
    assert {row["type"] for row in tables["groups"]} == {"Managed", "Synced", "Dynamic"}
    assert {row["status"] for row in tables["users"]} == {status for _name, status, _role in PEOPLE}
    assert [row["name"] for row in tables["users"]][: len(PEOPLE)] == [name for name, _status, _role in PEOPLE]
    assert all(row["email"].endswith("@example.com") for row in tables["users"])
    emails = [row["email"] for row in tables["users"]]
    assert {email for email in emails if emails.count(email) > 1} == {"sam.twin@example.com"}
    for section, name in (("users", "Sam Twin"), ("groups", "Twin Group"), ("apps", "Twin App")):
        assert [row["name"] for row in tables[section]].count(name) == 2
        assert len({row["id"] for row in tables[section]}) == len(tables[section])
    assert {row["status"] for row in tables["requests"]} == {"Pending", "Approved", "Declined", "Cancelled"}
    assert any(row["snoozed_till"] for row in tables["tasks"])
    assert any(row["claimer_ids"] for row in tables["tasks"])
    assert any(row["owner_id"] is None for row in tables["apps"])


def test_one_seed_is_one_company(vendor: Sandbox) -> None:
    with Sandbox() as other:
        assert other.state() == vendor.state()
        assert other.env.items() - vendor.env.items() == {("CAKEWALK_BASE_URL", other.url)}
        other.reset(seed=2)
        assert not set(ids(other.state()["users"])) & set(ids(vendor.state()["users"]))


@pytest.mark.parametrize("sizes", [{"users": 1, "groups": 0, "apps": 0}, {"users": 2, "groups": 3, "apps": 1}])
def test_small_companies(vendor: Sandbox, sizes: dict[str, int]) -> None:
    vendor.reset(**sizes)
    for section, path in (("users", "Users"), ("groups", "UsersGroups"), ("apps", "WorkApps")):
        assert len(vendor.rows(f"{V1}/{path}")) == sizes[section]
    assert vendor.find("users", vendor.acting_user)["role"] == "Admin"


def test_a_large_company(vendor: Sandbox) -> None:
    vendor.reset(users=10_000, groups=200, apps=200, rate_limit=0)
    rows = vendor.rows(f"{V1}/Users")
    assert len({row["id"] for row in rows}) == 10_000
    assert rows[-1]["name"] == "Sam Twin"
    emails = [row["email"] for row in rows]
    assert len(set(emails)) == 9_999
    assert ids(vendor.state("users")["users"]) == ids(rows)


def test_ids_do_not_depend_on_sizes(vendor: Sandbox) -> None:
    before = {section: vendor.find(section, name)["id"] for section, name in _KNOWN}
    vendor.reset(users=500, groups=40, apps=10)
    assert {section: vendor.find(section, name)["id"] for section, name in _KNOWN} == before


_KNOWN = (("users", "Erin Engineer"), ("groups", "Engineering"), ("apps", "GitHub"))


def test_pages(vendor: Sandbox) -> None:
    expected = ids(vendor.state("users")["users"])
    for size in (1_000, 200, 199, 100, 30):
        vendor.configure(page_size=size)
        assert ids(vendor.rows(f"{V1}/Users")) == expected


def test_a_list_that_moves_repeats_a_row(vendor: Sandbox) -> None:
    vendor.change("insert_user", email="nora.newcomer@example.com", after=1, operation="listUsers")
    rows = ids(vendor.rows(f"{V1}/Users"))
    assert len(rows) == len(set(rows)) + 1


def test_a_list_that_shrinks_skips_a_row(vendor: Sandbox) -> None:
    group = vendor.find("groups", "Okta Everyone")
    vendor.configure(page_size=20)
    vendor.change("remove_member", group="Okta Everyone", user=group["members"][0], after=2)
    rows = ids(vendor.rows(f"{V1}/UsersGroups/{group['id']}/Users"))
    assert sorted(set(group["members"]) - set(rows)) == [group["members"][40]]


def test_changes(vendor: Sandbox) -> None:
    vendor.change("add_member", group="Dynamic Berlin", user="iris.invited@example.com")
    iris = vendor.find("users", "Iris Invited")["id"]
    assert iris in vendor.find("groups", "Dynamic Berlin")["members"]
    vendor.change("set_status", user=iris, status="Active")
    vendor.change("set_email", user=iris, email="iris@example.com")
    assert vendor.find("users", "iris@example.com")["status"] == "Active"
    vendor.change("rename_group", group="Sales", name="Field Sales")
    vendor.change("delete_group", group="Contractors")
    assert not {"Sales", "Contractors"} & {row["name"] for row in vendor.state("groups")["groups"]}
    vendor.change("insert_user", email="new@example.com", group="Field Sales")
    new = vendor.state("users")["users"][0]
    assert (new["email"], vendor.find("groups", "Field Sales")["members"][0]) == ("new@example.com", new["id"])
    vendor.change("add_access", app="Figma", user=new["id"])
    assert new["id"] in [row["user_id"] for row in vendor.find("apps", "Figma")["accesses"]]
    vendor.change("delete_user", user=new["id"])
    assert new["id"] not in str(vendor.state())


@pytest.mark.parametrize(
    "wish",
    [
        {"change": "abolish"},
        {"change": "add_member", "group": "Sales"},
        {"change": "add_member", "group": "Sales", "user": "nobody@example.com"},
        {"change": "set_status", "user": "ada.admin@example.com", "status": "Sleepy"},
        {"change": "delete_user", "user": "ada.admin@example.com"},
        {"change": "delete_group", "group": "Sales", "operation": "listEverything"},
    ],
)
def test_changes_that_cannot_be_made_are_refused(vendor: Sandbox, wish: dict[str, Any]) -> None:
    before = vendor.state()
    with pytest.raises(ValueError, match=r"."):
        vendor.change(**wish)
    assert vendor.state() == before


def test_rate_limit(vendor: Sandbox) -> None:
    vendor.configure(rate_limit=3, rate_window=1)
    answers = [vendor.call("GET", f"{V1}/Users") for _turn in range(5)]
    assert [answer.status_code for answer in answers] == [200] * 3 + [429] * 2
    assert answers[-1].headers["Retry-After"] == "1"
    assert answers[-1].json()["status"] == 429
    read_only = {"X-API-KEY": vendor.read_only_key, "X-API-SECRET": vendor.read_only_secret}
    assert vendor.call("GET", f"{V1}/Users", headers=read_only).status_code == 200
    time.sleep(1)
    assert vendor.call("GET", f"{V1}/Users").status_code == 200


def test_the_limit_is_a_thousand_a_minute(vendor: Sandbox) -> None:
    settings = vendor.info()["settings"]
    assert (settings["rate_limit"], settings["rate_window"]) == (1_000, 60)


def test_latency(vendor: Sandbox) -> None:
    vendor.configure(latency=0.1)
    begun = time.monotonic()
    vendor.call("GET", f"{V1}/Users")
    assert time.monotonic() - begun >= 0.1


def test_log(vendor: Sandbox) -> None:
    group, user = vendor.find("groups", "Contractors")["id"], vendor.find("users", "Erin Engineer")["id"]
    body = {"userIds": [user], "triggeredByUserId": user}
    vendor.call("GET", f"{V1}/Users", params={"cursor": "x"})
    vendor.call("POST", f"{V1}/UsersGroups/{group}/Users", json=body)
    vendor.call("POST", f"{V1}/UsersGroups/{group}/Users", data="{broken", headers={"Content-Type": "application/json"})
    first, second, third = vendor.log()
    assert (first["seq"], first["query"], first["body"], first["status"]) == (1, {"cursor": "x"}, None, 400)
    assert (second["method"], second["path"]) == ("POST", f"{V1}/UsersGroups/{group}/Users")
    assert (second["operation"], second["body"], second["status"]) == ("addUsersToGroup", body, 201)
    assert (third["body"], third["status"]) == ("{broken", 400)
    assert second["time"] > first["time"]
    assert vendor.log(method="GET") == vendor.log(operation="listUsers") == [first]
    assert vendor.api_secret not in str(vendor.log())
    assert vendor.api_key not in str(vendor.log())
    vendor.clear_log()
    assert vendor.log() == []


def test_reset_forgets_everything(vendor: Sandbox) -> None:
    before = vendor.state()
    vendor.configure(links="plain", page_size=7)
    vendor.change("set_email", user="ada.admin@example.com", email="x@example.com")
    vendor.change("delete_group", group="Sales", after=1)
    vendor.fault("*", 500)
    vendor.call("GET", f"{V1}/Users")
    settings = vendor.reset()
    assert (settings["links"], settings["page_size"]) == ("bff", 100)
    assert (vendor.state(), vendor.log(), vendor.faults()) == (before, [], [])
    assert vendor.call("GET", f"{V1}/Users").status_code == 200
    assert vendor.find("groups", "Sales")


@pytest.mark.parametrize(
    "wish",
    [
        {"users": 10},
        {"colour": "red"},
        {"page_size": 0},
        {"page_size": "many"},
        {"latency": -1},
        {"rate_limit": True},
    ],
)
def test_settings_that_are_not_allowed_are_refused(vendor: Sandbox, wish: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wish))):
        vendor.configure(**wish)


def test_unknown_tables_are_refused(vendor: Sandbox) -> None:
    with pytest.raises(ValueError, match="unknown sections: salaries"):
        vendor.state("salaries")
