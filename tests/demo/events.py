# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Closes the loop in a sandbox tenant: a request is approved there, and an account appears in a file on this machine.

A signed webhook tells ansible-rulebook of the task; the playbook fulfil_task creates the account by C(wiki/create.yml),
proves it by C(wiki/look.yml) and approves the task. A second webhook gets lost, and sweep_tasks catches up.
"""

from __future__ import annotations

import json
import os
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
ASSIGNEE = "olga.owner@example.com"
PATIENCE = 40


def main() -> int:
    """Run the demonstration and return its exit status: 0 where it showed what it claims, or could not run."""
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
    title(f"Requests for {APP} are carried out here, by this route. Its account list is a file on this machine.")
    print(yaml.safe_dump({"task_fulfilment_routes": host["task_fulfilment_routes"]}, sort_keys=False))

    title("1. ansible-rulebook listens for webhooks.")
    with Engine(folder, tenant, "cakewalk.access.fulfil_tasks", host=host) as engine:
        engine.listening()
        tenant.send_webhooks(engine.url)
        print(f"$ ansible-rulebook --rulebook cakewalk.access.fulfil_tasks -> {engine.url}")

        title(f"2. {ASKING} asks for {APP}, and the request is approved in Cakewalk.")
        first = tenant.reviewed_request(ASKING, APP)
        claim(status(tenant, first) == "Pending", "what is left is a task: create the account")

        title("3. A signed webhook tells of it, and the playbook fulfil_task carries it out.")
        until(lambda: status(tenant, first) == "Approved" and "PLAY RECAP" in engine.output, PATIENCE)
        print("PLAY [" + engine.output.partition("PLAY [")[2])
    claim(tenant.sent_webhooks()[0]["statuses"] == [200], "the webhook was delivered once")
    claim(f"{ASKING}:" in accounts.read_text(), f"the account exists: {accounts.read_text().strip()}")
    claim(has_access(tenant, ASKING), f"Cakewalk shows that {ASKING} has {APP}")

    title(f"4. The webhook about {LATER} gets lost. A sweep finds the task all the same.")
    tenant.set_webhook_faults("lose")
    second = tenant.reviewed_request(LATER, APP)
    sweep(folder, tenant)
    claim(has_access(tenant, LATER), f"Cakewalk shows that {LATER} has {APP}")

    title("The record of both runs")
    lines = [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]
    for line in lines:
        proof = f" on the proof {json.dumps(line['proof'])}" if "proof" in line else ""
        print(f"   {line['time']} {line['task']} {line['outcome']}{proof}")
    approved = [line["task"] for line in lines if line["outcome"] == "approved"]
    claim({first, second} <= set(approved), "both tasks were proved and approved")
    claim(len(approved) == len(set(approved)) == len(accounts.read_text().splitlines()), "each of them once")


def options(tenant: Sandbox, accounts: Path, record: Path) -> dict[str, Any]:
    """Return what the inventory tells the role: how tasks are carried out, and where that is recorded."""

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
    print("$", *command, flush=True)
    run = subprocess.run(
        [str(Path(sys.executable).with_name(command[0])), *command[1:]],
        cwd=folder,
        env={**os.environ, **tenant.env, "ANSIBLE_NOCOWS": "true"},
        check=False,
    )
    if run.returncode:
        sys.exit(f"ansible-playbook ended with status {run.returncode}")


def status(tenant: Sandbox, task: str) -> str:
    """Return the status of a task."""
    return next(str(row["status"]) for row in tenant.state("tasks")["tasks"] if row["id"] == task)


def has_access(tenant: Sandbox, user: str) -> bool:
    """Tell whether the tenant shows access for somebody."""
    holders: list[Mapping[str, Any]] = tenant.find("apps", APP)["accesses"]
    return tenant.find("users", user)["id"] in {access["user_id"] for access in holders}


if __name__ == "__main__":
    sys.exit(main())
