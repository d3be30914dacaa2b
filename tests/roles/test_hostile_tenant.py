# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tenant in which every name, purpose and address is something that would be executed, if anything executed it."""

from __future__ import annotations

from pathlib import Path

import pytest
from events.engine import START, Engine, why_not
from events.sources import until
from playbooks.harness import Playbooks, play, task
from roles.fulfilment_env import FulfilmentEnv, outcomes

pytestmark = pytest.mark.every_core

#: Who has a task of the same kind already, which the sweep carries out.
PETRA = "petra.pending@example.com"


def templates(canary: Path) -> str:
    """Return what makes a file once Jinja renders it, and something for shells and browsers."""
    return f"{{{{ lookup('pipe', 'touch {canary}') }}}}$(touch {canary})`touch {canary}`<script>alert(1)</script>"


def hostile(stage: FulfilmentEnv, canary: Path) -> tuple[str, str, str, str]:
    """Rename all that has to do with GitHub; return app and level, and who has a plain address and who has not."""
    plain, unsafe = (user["email"] for user in stage.strangers("GitHub")[:2])
    name = templates(canary)
    change = stage.tenant.change
    for email in (plain, unsafe, "olga.owner@example.com", "max.manager@example.com"):
        change("rename_user", user=email, name=f"{name} {email}")
    change("rename_level", app="GitHub", level="Write", name=name)
    change("rename_app", app="GitHub", name=name)
    address = f"$(touch${{IFS}}{canary})@example.com"
    change("set_email", user=unsafe, email=address)
    return name, name, plain, address


def test_such_names_are_executed_by_what_renders_them(playbooks: Playbooks, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    playbooks.run(
        play(task("show", "ansible.builtin.debug", {"msg": "{{ name }}"})), variables={"name": templates(canary)}
    )
    assert canary.exists()


@pytest.mark.slow
@pytest.mark.skipif(bool(why_not()), reason=str(why_not()))
def test_no_name_is_executed_on_its_way_from_the_webhook_to_the_record(stage: FulfilmentEnv, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    app, level, plain, unsafe = hostile(stage, canary)
    routes = [stage.route("GitHub", level="Write")]
    with Engine(tmp_path, stage.tenant, "cakewalk.access.fulfil_tasks", host=stage.options(routes=routes)) as engine:
        engine.listening()
        stage.tenant.send_webhooks(engine.url)
        refused, done = (stage.task(user, app, level=level, purpose=templates(canary)) for user in (unsafe, plain))
        until(lambda: stage.status(done) == "Approved" and engine.output.count("PLAY RECAP") == 2, START)
        output = engine.output
    swept = stage.sweep("-vvv", routes=routes)

    assert outcomes(swept)[refused] == "unsafe_email"
    assert (stage.status(refused), sorted(stage.accounts())) == ("Pending", sorted([plain, PETRA]))
    assert [line["outcome"] for line in stage.lines() if line["task"] == done] == ["begun", "verified", "approved"]
    # The last line names the person; it is text, and no template.
    assert str(canary) not in output.replace(unsafe, "") + stage.record.read_text(encoding="utf-8")
    assert not canary.exists()
