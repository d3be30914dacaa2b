# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random runs on a random tenant, with faults, strangers and kills, and what every one of them promises."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from ansible_collections.cakewalk.access.plugins.module_utils._api.answers import Proof, rule_of
from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from properties.facts import Prefix, Row, State, overlap
from properties.runner import Run
from properties.tasks import (
    NUMBERS,
    Draw,
    Options,
    Task,
    access_task,
    decision_task,
    field_task,
    joiner_task,
    leaver_task,
    membership_task,
    mover_task,
    pick,
    policy_task,
)
from sandbox.faults import KINDS
from sandbox.process import Sandbox

#: Errors that say that the outcome is not known, or not what was sent.
DOUBTS = ("outcome_unknown", "not_as_sent", "cut_off")
#: Names that a parser, a template or a serializer may take for something else.
HOSTILE = ("__ansible_type", "_ansible_no_log", " ", "{{ 1/0 }}", "a\u202eb", "null", "x" * 1100, "\U0001f511")
MEMBERS = "listUsersGroupUsers"
#: What strangers do; who leaves moves others from one page to another.
CHANGES = ("leaves", "leaves", "leaves", "joins", "arrives", "access", "loses", "status", "asks")
#: What is run how often.
TASKS = (*("membership",) * 3, *("access",) * 2, "policy", "field", "decision", "joiner", "mover", "leaver")
#: What happens how often.
WAYS = (
    *("run_undisturbed",) * 4,
    *("run_disturbed",) * 8,
    *("run_two",) * 3,
    *("run_killed",) * 2,
    *("ask", "ask", "let_strangers_work"),
)
#: The methods that faults strike.
METHODS = {
    "group_member": ("POST", "DELETE", "DELETE", "GET"),
    "app_access": ("POST", "POST", "GET"),
    "app_policy": ("PUT", "PUT", "GET"),
    "app_custom_field": ("PATCH", "PATCH", "GET"),
    "task": ("POST", "PATCH", "PUT", "GET"),
    "joiner": ("POST", "POST", "GET"),
    "leaver": ("POST", "DELETE", "GET"),
    "mover": ("POST", "DELETE", "GET"),
}
DIALECTS: dict[str, st.SearchStrategy[str]] = {
    "next": st.sampled_from(["null", "absent"]),
    "cursor_name": st.sampled_from(["cursor", "page[cursor]"]),
    "readd_member": st.sampled_from(["201", "400", "409"]),
    "remove_non_member": st.sampled_from(["404", "204"]),
    "implicit_approval": st.sampled_from(["granted", "action"]),
    "removal_requests": st.sampled_from(["none", "open"]),
    "write_status": st.sampled_from(["documented", "200", "201", "204"]),
    "write_body": st.sampled_from(["documented", "none", "envelope"]),
    "existing_access": st.sampled_from(["update", "409"]),
    "duplicate_request": st.sampled_from(["409", "400"]),
}
STATUSES = ("200", "202", "204", "303", "400", "403", "404", "408", "409", "410", "429", "499", "500", "503")
PROBLEM = {"status": 403, "title": "Forbidden"}


def is_honest(fault: Row) -> bool:
    """Return whether a service may behave so: what it refuses for good, it has not done before."""
    proof = rule_of(int(fault["kind"])).proof if fault["kind"].isdecimal() else Proof.NOTHING
    return not fault["after"] or proof not in (Proof.REFUSED, Proof.NOT_READ)


FAULTS = st.builds(
    dict,
    operation=st.just("*"),
    # A clock that is ahead matters for this status only.
    kind=st.sampled_from([*KINDS, *STATUSES, *STATUSES, *("429",) * 4]),
    count=st.integers(1, 4),
    skip=st.integers(0, 1),
    after=st.booleans(),
    seconds=st.just(0.05),
    retry_after=st.just(0),
    clock_ahead=st.sampled_from([None, 100]),
    body=st.sampled_from([None, None, PROBLEM]),
).filter(is_honest)


class Promises(RuleBasedStateMachine):
    """A tenant, and tasks that run on it.

    :cvar sandbox: the tenant; it is started over for each example.
    """

    sandbox: ClassVar[Sandbox]
    #: How many tasks ran, and how many writes they made.
    runs: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="cakewalk-"))
        self.dialect: Options = {}
        self.ledger = self.folder / "ledger" / "ledger.json"

    def teardown(self) -> None:
        """Leave no file behind."""
        shutil.rmtree(self.folder)

    @initialize(
        seed=st.integers(1, 5),
        users=st.integers(16, 26),
        page_size=st.sampled_from([3, 3, 4, 5, 100]),
        dialect=st.fixed_dictionaries({}, optional=DIALECTS),
        names=st.dictionaries(st.sampled_from(["group", "app", "user", "field"]), st.sampled_from(HOSTILE)),
    )
    def found(self, seed: int, users: int, page_size: int, dialect: Options, names: dict[str, str]) -> None:
        """Found a company in which a record of some kinds has a name that is hard to bear."""
        self.dialect = dialect
        self.sandbox.reset(seed=seed, users=users, groups=4, apps=5, page_size=page_size, **dialect)
        state = State.of(self.sandbox)
        rows = {"group": state.groups, "app": state.apps, "user": state.users, "field": state.fields}
        for kind, name in names.items():
            self.sandbox.change(f"rename_{kind}", **{kind: rows[kind][-1]["id"], "name": name})

    @rule(data=st.data(), way=st.sampled_from(WAYS))
    def step(self, data: st.DataObject, way: str) -> None:
        """Do something in one of the ways; rules of their own would all be as likely."""
        getattr(self, f"_{way}")(data.draw)

    def _run_undisturbed(self, draw: Draw) -> None:
        """Predict a task, run it, and run it again: nothing surprises, and the second run is idle."""
        before = State.of(self.sandbox)
        task = self._task(draw, before)
        predicted = self._run(task, check=True)
        assert not self._writes(), f"check mode wrote {self._writes()}"
        result = self._run(task)
        self._check(task, before, result, touched=())
        if task.unpredictable_in in self.dialect.items():
            return
        assert bool(result.get("failed")) is bool(predicted.get("failed")), "check mode foresaw another end"
        assert result.get("changed", False) is predicted.get("changed", False), "check mode foresaw another 'changed'"
        assert _sent(result, "done") == _sent(predicted, "pending"), "check mode foresaw other steps"
        if result.get("failed"):
            return
        again = self._run(task)
        assert not again.get("failed"), f"a second run failed: {again.get('msg')}"
        if not task.writes_always:
            assert not self._writes() and not again["changed"], "a second run was not idle"

    def _run_disturbed(self, draw: Draw) -> None:
        """Run a task while the service fails and strangers change the tenant."""
        before = State.of(self.sandbox)
        task = self._task(draw, before)
        # Both at once mostly end the run before anything can go wrong in it.
        disturbance = draw(st.sampled_from(["faults", "strangers", "strangers", "both"]))
        faults = draw(st.lists(FAULTS, min_size=1, max_size=2)) if disturbance != "strangers" else []
        faults = [{**fault, "method": draw(st.sampled_from(METHODS[task.module]))} for fault in faults]
        # A false success is no success only where it can be read.
        faults = [fault for fault in faults if task.can_verify or fault["after"] or fault["kind"][0] != "2"]
        wishes = self._strangers(draw, before, task) if disturbance != "faults" else []
        # With a thread limit a module runs as another user, who cannot use a ledger or journal of this one.
        threads = draw(st.sampled_from([None, None, 3])) if task.module in ("group_member", "app_access") else None
        result = self._run(task, faults=faults, wishes=wishes, threads=threads)
        self._check(task, before, result, [prefix for wish in wishes for prefix in touches(wish)])

    def _run_two(self, draw: Draw) -> None:
        """Run two tasks at once: each holds where the other has nothing to say, and none is fooled by it later."""
        before = State.of(self.sandbox)
        kind = draw(st.sampled_from([*("policy",) * 4, *TASKS]))
        first, second = (self._task(draw, before, kind, folder=f"{number}") for number in range(2))
        self._begin(self._slow_writes(draw, first))
        runs = [self._started(first)]
        self._wait_for_fault(runs[0])
        runs.append(self._started(second))
        results = [run.result() for run in runs]
        self._end()
        after = State.of(self.sandbox)
        note(f"{first.module} {first.options} and {second.module} {second.options} -> {results}")
        for task, other, result in [(first, second, results[0]), (second, first, results[1])]:
            assert result is not None
            self._check_success(task, after, result, touched=[goal.about for goal in other.goals])
            self._check_words(result)
        for task in (first, second):
            result = self._run(task)
            self._check_success(task, State.of(self.sandbox), result, touched=())

    def _run_killed(self, draw: Draw) -> None:
        """Kill a run while a write is under way: the journal knows each write that left, and the next run goes on."""
        before = State.of(self.sandbox)
        task = self._task(draw, before)
        journal = self.folder / "killed" / "journal"
        options = {**task.options, "journal_path": str(journal)}
        self._begin(self._slow_writes(draw, task))
        run = Run(task.module, {**self._connection(), **options})
        self._wait_for_fault(run)
        run.kill()
        run.result()
        time.sleep(0.35)
        self._end()
        left = {(entry["method"], entry["path"]) for entry in self._writes()}
        lines = [json.loads(line) for line in journal.read_text().splitlines()] if journal.exists() else []
        sent = {(line["method"], line["path"]) for line in lines if line["status"] == "sending"}
        assert left <= sent, f"writes left that the journal does not know: {left - sent}"
        self._check_guardrails(task)
        again, before = replace(task, options=options), State.of(self.sandbox)
        self._check(again, before, self._run(again), touched=())

    def _ask(self, draw: Draw) -> None:
        """Look at everything; whatever the names are, the result names everybody once."""
        page = draw(st.sampled_from([["users", "groups", "apps"], ["users"], ["groups", "apps"]]))
        state = State.of(self.sandbox)
        result = self._run(Task("info", {"gather": page, "include": []}))
        assert not result.get("failed"), result.get("msg")
        for kind in page:
            assert sorted(row["id"] for row in result[kind]) == sorted(row["id"] for row in getattr(state, kind))

    def _let_strangers_work(self, draw: Draw) -> None:
        """Change the tenant between two runs."""
        for wish in self._strangers(draw, State.of(self.sandbox), None):
            # Whoever has access already cannot ask for it.
            with suppress(ValueError) if wish["change"] == "open_request" else nullcontext():
                self.sandbox.change(**{**wish, "after": 0})

    # ------------------------------------------------------------------------------------------------ what is promised

    def _check(self, task: Task, before: State, result: Row, touched: Iterable[Prefix]) -> None:
        after = State.of(self.sandbox)
        known = {row["id"] for row in before.users}
        touched = [*touched, *((None, None, row["id"]) for row in after.users if row["id"] not in known)]
        self._check_words(result)
        self._check_success(task, after, result, touched)
        self._check_guardrails(task)
        self._check_steps(result)
        self._check_changed(task, before, after, result, touched)

    def _check_words(self, result: Row) -> None:
        assert not str(result.get("msg", "")).startswith("This is a defect"), result["msg"]

    def _check_success(self, task: Task, after: State, result: Row, touched: Iterable[Prefix]) -> None:
        """A success means that the tenant is as the task wants it, where nobody else changed it."""
        if result.get("failed"):
            return
        prefixes = list(touched)
        for goal in task.goals:
            if not any(overlap(goal.about, prefix) for prefix in prefixes):
                assert goal.holds(after), f"a success, but {goal.about} is not as wanted: {after.holding(goal.about)}"

    def _check_guardrails(self, task: Task) -> None:
        """Nobody who is protected loses anything, and no more is removed than the limit allows."""
        removed = {
            (entry["path"], entry["body"]["targetUserId"] if entry["body"] else entry["path"].rpartition("/")[2])
            for entry in self._writes()
            if entry["method"] == "DELETE" or entry["path"].endswith("/RemoveAccess")
        }
        assert not {user for _path, user in removed} & task.protected, "somebody who is protected lost something"
        if task.max_removals is not None:
            assert len(removed) <= task.max_removals, f"{len(removed)} removals, {task.max_removals} are allowed"

    def _check_steps(self, result: Row) -> None:
        """C(steps) lists what was sent, and nothing else as sent."""
        if "steps" not in result:
            assert not self._writes(), "the result does not say what was sent"
            return
        # A write that is refused with 429 is sent again, and counts once.
        sent = Counter((entry["method"], entry["path"]) for entry in self._writes() if entry["status"] != 429)
        settled, errors = _sent(result, "done", "already", "refused"), _sent(result, "errors")
        assert settled <= sent, f"steps that were never sent: {settled - sent}"
        # Others than POST are sent again after a lost answer, too.
        repeatable = Counter(
            request for request in sent.elements() if request[0] != "POST" and request in settled + errors
        )
        unlisted = sent - settled - errors - repeatable
        assert not unlisted, f"writes that 'steps' does not list as sent: {unlisted}"

    def _check_changed(self, task: Task, before: State, after: State, result: Row, touched: list[Prefix]) -> None:
        """C(changed) is true exactly if the run changed something, or the result says that this is unknown."""
        goals = {goal.about for goal in task.goals}
        delta = [
            fact
            for fact in before.facts ^ after.facts
            if (fact[0] != "task" or fact[:2] in goals) and not any(overlap(prefix, fact) for prefix in touched)
        ]
        errors = result.get("steps", {}).get("errors", [])
        has_doubts = any(step.get("kind") in DOUBTS for step in errors)
        if delta and not result.get("changed"):
            assert has_doubts, f"changed without saying so: {delta}"
        if result.get("changed") and not delta and task.can_verify and not touched:
            assert has_doubts, "nothing changed, and the result says that something did"

    # ----------------------------------------------------------------------------------------------------- what is done

    def _task(self, draw: Draw, state: State, kind: str = "", folder: str = "") -> Task:
        actor = self.sandbox.acting_user
        kind = kind or draw(st.sampled_from(TASKS))
        if kind == "membership":
            return membership_task(draw, state, actor)
        if kind == "access":
            return access_task(draw, state, actor)
        if kind == "policy":
            return policy_task(draw, state, str(self.ledger))
        if kind == "field":
            return field_task(draw, state)
        files = self.folder / f"run{folder}"
        if kind == "joiner":
            return joiner_task(draw, state, actor, str(files / "journal"))
        if kind == "leaver":
            return leaver_task(draw, state, actor, str(files))
        decision = decision_task(draw, state, actor) if kind == "decision" else None
        return decision or mover_task(draw, state, actor, str(files / "journal"))

    def _strangers(self, draw: Draw, state: State, task: Task | None) -> list[Row]:
        wishes = []
        for kind in draw(st.lists(st.sampled_from(CHANGES), min_size=1, max_size=2)):
            user, app = pick(state.users, draw(NUMBERS)), pick(state.apps, draw(NUMBERS))
            group = self._group(draw, state, task)
            # The first ones of a list move all others when they go.
            if group["members"] and draw(st.booleans()):
                user = state.user(group["members"][0])
            wish: Row = {
                "leaves": {"change": "remove_member", "group": group["id"], "user": user["id"]},
                "joins": {"change": "add_member", "group": group["id"], "user": user["id"]},
                "arrives": {"change": "insert_user", "email": f"new{draw(NUMBERS)}@example.com", "group": group["id"]},
                "access": {"change": "add_access", "app": app["id"], "user": user["id"]},
                "loses": {"change": "remove_access", "app": app["id"], "user": user["id"]},
                "asks": {"change": "open_request", "kind": "grant", "app": app["id"], "user": user["id"]},
                "status": {"change": "set_status", "user": user["id"], "status": "Active"},
            }[kind]
            when = draw(st.sampled_from([{"after": 1, "operation": MEMBERS}, {"after": 2}, {"after": 5}, {"after": 9}]))
            wishes.append({**wish, **when})
        return wishes

    def _group(self, draw: Draw, state: State, task: Task | None) -> Row:
        """Return a group, rather one that the task is about."""
        meant = {goal.about[1] for goal in task.goals if goal.about[0] == "member"} if task else set()
        return pick([row for row in state.groups if row["id"] in meant] or state.groups, draw(NUMBERS))

    def _run(
        self,
        task: Task,
        check: bool = False,
        faults: Iterable[Row] = (),
        wishes: Iterable[Row] = (),
        threads: int | None = None,
    ) -> Row:
        note(f"{task.module} {task.options} check={check} threads={threads} faults={faults} strangers={wishes}")
        self._begin(faults, wishes)
        result = self._started(task, check, threads).result()
        self._end()
        assert result is not None
        note(f"-> {str({name: result.get(name) for name in ('changed', 'failed', 'msg', 'steps')})[:1500]}")
        self.runs["runs"] += 1
        self.runs["writes"] += len(self._writes())
        if self.ledger.exists():
            assert "entries" in json.loads(self.ledger.read_text()), "the ledger is damaged"
        return result

    def _slow_writes(self, draw: Draw, task: Task) -> list[Row]:
        """Return faults that make one of the writes of a task slow, before or after it is carried out."""
        slow = {"operation": "*", "kind": "slow", "skip": draw(st.integers(0, 3)), "after": draw(st.booleans())}
        methods = sorted({*METHODS[task.module]} - {"GET"})
        return [{**slow, "seconds": 0.3, "method": method} for method in methods]

    def _wait_for_fault(self, run: Run) -> None:
        """Wait until a fault strikes, or the run ends."""
        while not any(entry["fault"] for entry in self.sandbox.log()) and not run.has_ended(0.01):
            pass

    def _begin(self, faults: Iterable[Row], wishes: Iterable[Row] = ()) -> None:
        self.sandbox.clear_log()
        for fault in faults:
            self.sandbox.fault(**fault)
        for wish in wishes:
            self.sandbox.change(**wish)

    def _end(self) -> None:
        self.sandbox.calm()

    def _started(self, task: Task, check: bool = False, threads: int | None = None) -> Run:
        return Run(task.module, {**self._connection(), **task.options, "_ansible_check_mode": check}, threads)

    def _connection(self) -> Options:
        return {
            "api_key": self.sandbox.api_key,
            "api_secret": self.sandbox.api_secret,
            "base_url": self.sandbox.url,
            "max_retries": 1,
            "requests_per_minute": 0,
            "timeout": 5,
            "_ansible_diff": True,
        }

    def _writes(self) -> list[Row]:
        return [entry for entry in self.sandbox.log() if entry["method"] != "GET"]


def _sent(result: Row, *lists: str) -> Counter[tuple[str, str]]:
    """Return method and path of each step in these lists of C(steps)."""
    steps = result.get("steps") or {}
    return Counter((step["method"], step["path"]) for name in lists for step in steps.get(name, ()))


def touches(wish: Row) -> list[Prefix]:
    """Return what the facts that a stranger changes begin with."""
    if wish["change"] == "open_request":
        return [(None, wish["app"], wish["user"])]
    about = {"add_member": "group", "remove_member": "group", "add_access": "app", "remove_access": "app"}
    kind = wish["change"]
    return [(kind.partition("_")[2], wish[about[kind]], wish["user"])] if kind in about else []
