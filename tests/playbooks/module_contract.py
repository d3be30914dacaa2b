# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module promises: what is foreseen happens once, and what cannot be meant changes nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from playbooks.harness import Data, Playbooks, Result, Run, names, play, scenario, task, writes
from sandbox.process import Sandbox

#: What is wrong, the options, the kind of error (none where Ansible itself refuses), the words that its message has.
BadInput = tuple[str, Data, str | None, list[str]]

IDLE: Data = {"done": [], "errors": [], "pending": []}


@dataclass(frozen=True)
class Rehearsal:
    """A scenario that was foreseen and done: the results by task, and the tenant before and after."""

    titles: Sequence[str]
    foreseen: Run
    done: Run
    before: Data
    after: Data


def rehearse(
    playbooks: Playbooks, tenant: Sandbox, name: str, again_warns: str = "(?!)", **variables: Any
) -> Rehearsal:
    """Run a scenario as a dry run, for real and again, and compare the runs.

    The task's C(vars.expected) holds what it must return, C(vars.warns) patterns of its warnings; C(vars.enforced)
    tells that it writes in the second run too, without a change.

    :param again_warns: a pattern of the warnings that a second run may repeat.
    """
    plays = scenario(name)
    given = {**names(tenant), **variables}
    tasks = {one["name"]: one.get("vars", {}) for one in plays[0]["tasks"]}
    before = tenant.state()

    foreseen = playbooks.run(plays, "--check", "--diff", variables=given).succeeded()
    assert not writes(tenant.log())
    assert tenant.state() == before
    foreseen.warned_of()

    # The second run is more plays of the first, since starting Ansible takes longer than most of them.
    between = play(
        task("between", "tenant", {"log": True, "state": list(before)}), task("clear", "tenant", {"clear_log": True})
    )
    both = playbooks.run([*plays, *between, *plays], "--diff", variables=given).succeeded()
    both.warned_of()
    at = [result.task for result in both.results].index("between")
    done, again = (Run(both.status, both.output, part) for part in (both.results[:at], both.results[at + 2 :]))
    after = both["between"].data["state"]
    for title, told in tasks.items():
        _holds_expected(done[title], told)
        _was_foreseen(foreseen[title], done[title])
    assert len(writes(both["between"].data["log"])) == sum(len(done[title].steps["done"]) for title in tasks)

    repeated = {warning for result in again.results for warning in result.warnings}
    assert all(re.match(again_warns, warning) for warning in repeated), repeated
    assert tenant.state() == after
    for title, told in tasks.items():
        assert not again[title].changed, again[title].data
        assert again[title].data["msg"].startswith("Nothing to change") != bool(told.get("enforced"))
        if not told.get("enforced"):
            assert again[title].data["diff"] == []
            assert again[title].steps == IDLE
    assert len(writes(tenant.log())) == sum(len(again[title].steps["done"]) for title in tasks)
    return Rehearsal(list(tasks), foreseen, done, before, after)


def refuse_all(playbooks: Playbooks, tenant: Sandbox, module: str, table: Sequence[BadInput], **variables: Any) -> None:
    """Hold that each bad input fails before any write, with an error of its kind that has its words."""
    before = tenant.state()
    tasks = [task(title, module, options, ignore_errors=True) for title, options, _kind, _words in table]
    run = playbooks.run(play(*tasks), variables={**names(tenant), **variables})
    wrong = []
    for title, _options, kind, words in table:
        result = run[title]
        message = result.data.get("msg", "")
        is_named = all(word.lower() in message.lower() for word in words)
        if not (result.failed and is_named and result.data.get("error", {}).get("kind") == kind):
            wrong.append((title, result.status, result.data.get("error", {}).get("kind"), message, result.warnings))
    assert not wrong, "\n".join(map(str, wrong))
    assert not writes(tenant.log())
    assert tenant.state() == before
    assert "Traceback" not in run.output


def matches(expected: Any, actual: Any) -> bool:
    """Tell whether all that is expected is there: mappings may hold more, lists not."""
    if isinstance(expected, Mapping):
        return isinstance(actual, Mapping) and all(matches(value, actual.get(name)) for name, value in expected.items())
    if isinstance(expected, list):
        return len(expected) == len(actual) and all(map(matches, expected, actual))
    return bool(expected == actual)


def foreseeable(value: Any) -> Any:
    """Return a result without what only a run can know: the ids of new requests, and what could not be read back."""
    if isinstance(value, Mapping):
        unknown = ("request_id", "verified")
        return {name: foreseeable(member) for name, member in value.items() if name not in unknown}
    return [foreseeable(member) for member in value] if isinstance(value, list) else value


def _holds_expected(result: Result, variables: Data) -> None:
    assert matches(variables["expected"], result.data), result.data
    patterns = variables.get("warns", [])
    assert len(result.warnings) == len(patterns), result.warnings
    for pattern, warning in zip(patterns, result.warnings, strict=True):
        assert re.search(pattern, warning), (pattern, warning)


def _was_foreseen(foreseen: Result, done: Result) -> None:
    assert foreseeable(foreseen.told) == foreseeable(done.told)
    assert foreseen.warnings == done.warnings
    assert foreseen.steps == {**IDLE, "pending": foreseeable(done.steps["done"])}
    assert (done.steps["errors"], done.steps["pending"]) == ([], [])
    assert (" would be " in foreseen.data["msg"]) == bool(done.steps["done"])
    assert " would " not in done.data["msg"]
    assert done.data["msg"].startswith("Nothing to change") != done.changed
    assert bool(done.steps["done"]) or not done.changed
