# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole loop: a signed webhook, real ansible-rulebook, the playbook, a handler in a target system, the approval."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from events.engine import START, Engine, why_not
from events.sources import until
from roles.fulfilment_env import FulfilmentEnv, outcomes
from sandbox.known import task_id

pytestmark = pytest.mark.skipif(bool(why_not()), reason=str(why_not()))

RULEBOOK = "cakewalk.access.fulfil_tasks"
PETRA, GRANT = "petra.pending@example.com", task_id("action")


@pytest.mark.slow
def test_whatever_kills_the_rulebook_one_sweep_makes_up_for_it(stage: FulfilmentEnv, tmp_path: Path) -> None:
    """One task goes through; then the engine is killed while a handler is at the next and another one waits behind it;
    the last one is told of while no engine runs."""
    through, handled, queued, untaken = (user["email"] for user in stage.strangers("GitHub")[:4])
    routes = [stage.route("GitHub", level="Write"), stage.route("GitHub", level="Admin", handler="grant_and_wait.yml")]
    with Engine(tmp_path, stage.tenant, RULEBOOK, host=stage.options(routes=routes)) as engine:
        engine.listening()
        stage.tenant.send_webhooks(engine.url)
        tasks = {through: stage.task(through, "GitHub", level="Write")}
        until(lambda: stage.record.exists() and len(stage.lines()) == 3, START)
        assert stage.status(tasks[through]) == "Approved"
        tasks[handled] = stage.task(handled, "GitHub", level="Admin")
        until(lambda: handled in stage.accounts(), START)
        tasks[queued] = stage.task(queued, "GitHub", level="Write")
        until(lambda: [hook["statuses"] for hook in stage.tenant.sent_webhooks()] == [[200]] * 3)
        engine.kill()
    assert (list(stage.accounts()), stage.approvals()) == ([through, handled], [tasks[through]])
    tasks[untaken] = stage.task(untaken, "GitHub", level="Write")
    until(lambda: stage.tenant.sent_webhooks()[-1]["statuses"] == [None] * 5)

    run = stage.sweep(routes=[stage.route("GitHub")]).succeeded()

    missed = dict.fromkeys((tasks[handled], tasks[queued], tasks[untaken], GRANT), "approved")
    assert missed.items() <= outcomes(run).items()
    assert Counter(stage.approvals()) == dict.fromkeys([GRANT, *tasks.values()], 1)
    assert stage.unproved() == []
    assert sorted(stage.accounts()) == sorted([PETRA, *tasks])
    assert Counter(user for _verb, user in stage.calls()) == {**dict.fromkeys([PETRA, *tasks], 1), handled: 2}
