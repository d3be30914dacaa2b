# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Onboards people in a sandbox tenant: first as a dry run, then for real, then again, and tells what came of it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sandbox.process import Sandbox

from demo.telling import claim, title

PEOPLE = Path(__file__).with_name("people.yml")
PLAYBOOK = "cakewalk.access.onboard"
#: An inventory and cows are beside the point here.
QUIET = {"ANSIBLE_LOCALHOST_WARNING": "false", "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false", "ANSIBLE_NOCOWS": "true"}
WRITES = ("POST", "PUT", "PATCH", "DELETE")


def main() -> int:
    """Run the demonstration and return its exit status: 0 where it showed what it claims."""
    with Sandbox() as tenant:
        title("A sandbox tenant with 200 people runs on this machine. Who joins which group?")
        print(PEOPLE.read_text(encoding="utf-8"))

        title("1. What would happen? Nothing is changed by this run.")
        play(tenant, "--check", "--diff")
        claim(not writes(tenant), "the service received no write")

        title("2. For real.")
        before = tenant.state()
        play(tenant, "--diff")
        sent = writes(tenant)
        for entry in sent:
            print(f"   {entry['method']} {entry['path']} -> {entry['status']}")
        claim(bool(sent), f"the service received {len(sent)} writes, one for each group")

        title("3. Once more: everything is as it should be, so nothing is sent.")
        tenant.clear_log()
        recap = play(tenant, "--diff")
        claim("changed=0" in recap and not writes(tenant), "the second run changed nothing")

        title("What happened in the tenant")
        show_requests(before, tenant.state())
    return 0


def play(tenant: Sandbox, *options: str) -> str:
    """Run the playbook against the tenant, show what it prints, and return the line that sums it up."""
    command = [str(Path(sys.executable).with_name("ansible-playbook")), PLAYBOOK, "-e", f"@{PEOPLE}", *options]
    print("$ ansible-playbook", *command[1:2], "-e", f"@{PEOPLE.name}", *options, flush=True)
    environment = {**os.environ, **tenant.env, **QUIET}
    run = subprocess.run(command, env=environment, text=True, stdout=subprocess.PIPE, check=False)
    print(run.stdout, flush=True)
    if run.returncode:
        sys.exit(f"ansible-playbook ended with status {run.returncode}")
    return re.findall(r"^localhost .*$", run.stdout, re.MULTILINE)[-1]


def writes(tenant: Sandbox) -> list[Mapping[str, Any]]:
    """Return the writes that the sandbox received since its log was cleared."""
    return [entry for entry in tenant.log() if entry["method"] in WRITES]


def show_requests(before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Print the access requests that the new memberships opened, and whom each now waits for."""
    people = {user["id"]: user["name"] for user in after["users"]}
    apps = {app["id"]: app["name"] for app in after["apps"]}
    tasks = {task["id"]: task for task in after["tasks"]}
    known = {request["id"] for request in before["requests"]}
    for request in after["requests"]:
        if request["id"] not in known:
            waiting_for = people.get(tasks[request["task_ids"][-1]]["assigned_id"], "anybody")
            who, app = people[request["target_id"]], apps[request["app_id"]]
            print(f"   {who} asks for {app}: {request['status'].lower()}, waiting for {waiting_for}")


if __name__ == "__main__":
    sys.exit(main())
