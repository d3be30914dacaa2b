# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carry out requests of a sandbox tenant: they are approved there, and accounts appear in a file on this machine.

A signed webhook starts the playbook fulfil_task. It creates the account with C(wiki/create.yml), proves it with
C(wiki/look.yml) and approves the task. A second webhook gets lost, and sweep_tasks catches up.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from events.engine import Engine, why_not
from events.sources import until
from sandbox.process import Sandbox

from demo.telling import claim, title

WIKI = Path(__file__).with_name("wiki")
APP = "GitHub"
ASKING, LATER = "connor.contractor@example.com", "sally.sales@example.com"
#: Her request is in the sandbox from the start: reviewed, and not carried out yet.
BEFORE = "petra.pending@example.com"
#: A play has some 30 tasks, of which two change something.
SHORT = {"ANSIBLE_DISPLAY_OK_HOSTS": "false", "ANSIBLE_DISPLAY_SKIPPED_HOSTS": "false", "ANSIBLE_NOCOWS": "true"}
ASSIGNEE = "olga.owner@example.com"
PATIENCE = 40


def main() -> int:
    """Run the demonstration and return its exit status: 0 if it showed everything, or could not run."""
    if missing := why_not():
        print(f"Skipped: {missing}.")
        return 0
    with TemporaryDirectory(prefix="cakewalk-demo-") as folder, Sandbox() as tenant:
        show(Path(folder), tenant)
    return 0


def show(folder: Path, tenant: Sandbox) -> None:
    """Show both ways to a task: by its webhook, and by the sweep."""
    accounts, record = folder / "accounts", folder / "record.jsonl"
    host = options(tenant, accounts, record)
    title(f"This route carries out requests for {APP}. The accounts of {APP} are a file on this machine.")
    print(yaml.safe_dump({"task_fulfilment_routes": host["task_fulfilment_routes"]}, sort_keys=False))

    title("1. ansible-rulebook listens for webhooks.")
    quiet = {**SHORT, "ANSIBLE_NOCOLOR": "true"}
    with Engine(folder, tenant, "cakewalk.access.fulfil_tasks", host=host, environment=quiet) as engine:
        print("$ ansible-rulebook --rulebook cakewalk.access.fulfil_tasks --inventory inventory.yml --vars vars.yml")
        engine.listening()
        tenant.send_webhooks(engine.url)
        print(f"-> it listens on {engine.url}")

        title(f"2. {ASKING} asks for {APP}, and the reviewers approve in Cakewalk.")
        first = tenant.reviewed_request(ASKING, APP)
        claim(status(tenant, first) == "Pending", "one task is left: create the account")

        title("3. A signed webhook arrives, and the playbook fulfil_task carries out the task.")
        until(lambda: status(tenant, first) == "Approved" and "PLAY RECAP" in engine.output, PATIENCE)
        print(changes("PLAY [" + engine.output.partition("PLAY [")[2]))
    claim(tenant.sent_webhooks()[0]["statuses"] == [200], "the webhook was delivered once")
    claim(f"{ASKING}:" in accounts.read_text(), f"the account exists: {accounts.read_text().strip()}")
    claim(has_access(tenant, ASKING), f"Cakewalk shows that {ASKING} has access to {APP}")

    title(f"4. The webhook for {LATER} gets lost. A sweep finds the task anyway.")
    print(f"The sweep also finds the task of {BEFORE}: her request was reviewed before this demo began.\n")
    tenant.set_webhook_faults("lose")
    second = tenant.reviewed_request(LATER, APP)
    sweep(folder, tenant)
    for person in (LATER, BEFORE):
        claim(has_access(tenant, person), f"Cakewalk shows that {person} has access to {APP}")

    title("The record of both runs")
    lines = [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]
    people = {line["task"]: line["proof"]["user"] for line in lines if "proof" in line}
    for line in lines:
        proof = f", the account is {line['proof']['observed']}" if line["outcome"] == "verified" else ""
        print(f"   {line['time'][11:19]} {line['outcome']}: {people[line['task']]}{proof}")
    approved = [line["task"] for line in lines if line["outcome"] == "approved"]
    claim({first, second} < set(approved) and len(approved) == 3, "all three tasks were proved and approved")
    claim(len(set(approved)) == len(accounts.read_text().splitlines()) == 3, "each of them once")
    print("\nTo set this up for your own apps, see docs/events.md.")


def changes(output: str) -> str:
    """Return the output of a play without the tasks that only include files."""
    return re.sub(r"^TASK .*\n(?:included: .*\n)*\n", "", output, flags=re.MULTILINE)


def options(tenant: Sandbox, accounts: Path, record: Path) -> dict[str, Any]:
    """Return the variables of the inventory: how tasks are carried out, and where that is recorded."""

    def part(tasks: str) -> dict[str, Any]:
        return {"tasks": str(WIKI / tasks), "vars": {"accounts": str(accounts)}}

    return {
        "task_fulfilment_routes": [
            {
                "app": tenant.find("apps", APP)["id"],
                "permission_level": "any",
                "request_type": "grant_access",
                "handler": part("create.yml"),
                "verify": part("look.yml"),
            }
        ],
        "task_fulfilment_record_path": str(record),
        "task_fulfilment_lock_dir": str(record.parent / "locks"),
        "task_fulfilment_acting_user": tenant.acting_user,
    }


def sweep(folder: Path, tenant: Sandbox) -> None:
    """Run the playbook sweep_tasks, and show what it prints."""
    assignees = json.dumps({"task_fulfilment_assignees": [ASSIGNEE]})
    command = ["ansible-playbook", "cakewalk.access.sweep_tasks", "-i", "inventory.yml", "-e", assignees]
    print("$", shlex.join(command), flush=True)
    run = subprocess.run(
        [str(Path(sys.executable).with_name(command[0])), *command[1:]],
        cwd=folder,
        env={**os.environ, **tenant.env, **SHORT},
        text=True,
        stdout=subprocess.PIPE,
        check=False,
    )
    print(changes(run.stdout), flush=True)
    if run.returncode:
        sys.exit(f"ansible-playbook ended with status {run.returncode}")


def status(tenant: Sandbox, task: str) -> str:
    """Return the status of a task."""
    return next(str(row["status"]) for row in tenant.state("tasks")["tasks"] if row["id"] == task)


def has_access(tenant: Sandbox, user: str) -> bool:
    """Return whether the tenant shows that the user has access."""
    holders: list[Mapping[str, Any]] = tenant.find("apps", APP)["accesses"]
    return tenant.find("users", user)["id"] in {access["user_id"] for access in holders}


if __name__ == "__main__":
    sys.exit(main())
