# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the first playbook of the README in a sandbox tenant: as a dry run, for real, and again. Then make a mistake."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from subprocess import PIPE
from tempfile import TemporaryDirectory
from typing import Any

from sandbox.process import Sandbox

from demo import first_playbook
from demo.telling import claim, title

GROUP, MEMBER = "Engineering", "erin.engineer@example.com"
JOINER, GIVEN = "Owen Onboarding", ["GitHub", "Figma"]
#: The group has 32 members.
MISTAKE = (
    *("ansible", "localhost", "-m", "cakewalk.access.cakewalk_group_member", "-a"),
    f'{{"group": "{GROUP}", "users": ["{MEMBER}"], "state": "exact"}}',
)
#: Warnings about the missing inventory and cows do not help here.
QUIET = {"ANSIBLE_LOCALHOST_WARNING": "false", "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false", "ANSIBLE_NOCOWS": "true"}
WRITES = ("POST", "PUT", "PATCH", "DELETE")
NEXT = """\
Start the same company afresh, and keep it running:

    make sandbox

Paste the lines that it prints into another shell. Then these commands work there:

    ansible localhost -m cakewalk.access.cakewalk_info -a '{"groups": ["Engineering"], "include": ["members"]}'
    ansible-doc cakewalk.access.cakewalk_group_member
    ansible-doc -l cakewalk.access

The playbook above is in README.md. The guides in docs/guides show how to onboard, move and offboard people.
"""


def main() -> int:
    """Run the demonstration and return its exit status: 0 if it showed everything."""
    with Sandbox() as tenant, TemporaryDirectory(prefix="cakewalk-demo-") as folder:
        playbook = Path(folder, "people.yml")
        playbook.write_text(first_playbook(), encoding="utf-8")
        title("A simulated tenant with 200 people runs on this machine. This playbook changes it:")
        print(first_playbook())

        title("1. What would happen? This run changes nothing.")
        run(tenant, "ansible-playbook", playbook.name, "--check", "--diff", folder=folder)
        claim(not writes(tenant), "the service received no write")

        title("2. For real.")
        before = tenant.state()
        run(tenant, "ansible-playbook", playbook.name, folder=folder)
        sent = writes(tenant)
        for entry in sent:
            print(f"   {entry['method']} {entry['path']} -> {entry['status']}")
        claim(len(sent) == 3, "the service received 3 writes, one for each task")
        claim(is_member(before), f"{MEMBER} was in {GROUP} before, so only Owen was added")
        opened = [app for person, app, _status, _waiting in requests(before, tenant.state()) if person == JOINER]
        claim(opened == GIVEN, f"{GROUP} gives {' and '.join(GIVEN)}, so Owen's joining opened two requests")

        title("3. Again: everything is in place, so nothing is sent.")
        tenant.clear_log()
        recap = run(tenant, "ansible-playbook", playbook.name, folder=folder)
        claim("changed=0" in recap and not writes(tenant), "the second run changed nothing")

        title(f"4. A mistake: somebody shortens the list of {GROUP} to one name.")
        tenant.clear_log()
        refused = run(tenant, *MISTAKE, folder=folder)
        claim("Nothing was changed" in refused and not writes(tenant), "the task was refused before its first write")

        title("What happened in the tenant")
        for person, app, status, waiting_for in requests(before, tenant.state()):
            print(f"   {person} asks for {app}: {status.lower()}, waiting for {waiting_for}")

    title("What to do next")
    print(NEXT)
    return 0


def run(tenant: Sandbox, *command: str, folder: str) -> str:
    """Run a command against the tenant, print what it says, and return its output.

    A module that is refused prints its message only, since its result repeats it.
    """
    print("$", shlex.join(command), flush=True)
    environment = {**os.environ, **tenant.env, **QUIET, "HOME": folder, "CAKEWALK_LEDGER": f"{folder}/ledger.json"}
    tool = Path(sys.executable).with_name(command[0])
    done = subprocess.run([tool, *command[1:]], cwd=folder, env=environment, text=True, stdout=PIPE, check=False)
    refusal = re.search(r"^localhost \| FAILED! => (.*)", done.stdout, re.MULTILINE | re.DOTALL)
    if done.returncode and not refusal:
        sys.exit(f"{done.stdout}\n{command[0]} ended with status {done.returncode}")
    words: str = json.loads(refusal[1])["msg"] if refusal else done.stdout.rstrip()
    print(textwrap.fill(words, 120) if refusal else words, end="\n\n", flush=True)
    return words


def writes(tenant: Sandbox) -> list[Mapping[str, Any]]:
    """Return the writes that the sandbox received since its log was cleared."""
    return [entry for entry in tenant.log() if entry["method"] in WRITES]


def is_member(state: Mapping[str, Any]) -> bool:
    (group,) = (group for group in state["groups"] if group["name"] == GROUP)
    (user,) = (user for user in state["users"] if user["email"] == MEMBER)
    return user["id"] in group["members"]


def requests(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    """Yield for each access request that was opened its person, app and status, and who must decide next."""
    people = {user["id"]: user["name"] for user in after["users"]}
    apps = {app["id"]: app["name"] for app in after["apps"]}
    tasks = {task["id"]: task for task in after["tasks"]}
    known = {request["id"] for request in before["requests"]}
    for request in after["requests"]:
        if request["id"] not in known:
            waiting_for = people.get(tasks[request["task_ids"][-1]]["assigned_id"], "anybody")
            yield people[request["target_id"]], apps[request["app_id"]], request["status"], waiting_for


if __name__ == "__main__":
    sys.exit(main())
