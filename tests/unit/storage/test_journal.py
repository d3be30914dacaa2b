# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal: lines that are added and never changed, and warnings about runs that did not end."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import NotFound, OutcomeUnknown
from ansible_collections.cakewalk.access.plugins.module_utils._api.operations import Step
from ansible_collections.cakewalk.access.plugins.module_utils._engine.storage.journal import Journal, RunJournal
from ansible_collections.cakewalk.access.plugins.module_utils._engine.storage.private_file import FileRefused


def test_lines_are_added_with_their_time(tmp_path: Path) -> None:
    path = tmp_path / "kept" / "record"
    Journal(str(path)).open()
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"", 0o600)
    before = datetime.now(timezone.utc)
    Journal(str(path)).add(task="a\nb", why=None)
    Journal(str(path)).add(task="ä")
    first, second = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    assert first.keys() == {"time", "task"}
    assert (first["task"], second["task"]) == ("a\nb", "ä")
    assert abs((datetime.fromisoformat(first["time"]) - before).total_seconds()) < 5


def test_a_line_that_was_torn_spoils_no_other(tmp_path: Path) -> None:
    path = tmp_path / "record"
    path.write_text('{"time": "2026')
    path.chmod(0o600)
    Journal(str(path)).open()
    Journal(str(path)).add(task="a")
    torn, line = path.read_text(encoding="utf-8").splitlines()
    assert torn == '{"time": "2026'
    assert json.loads(line)["task"] == "a"


def test_a_record_that_cannot_be_written_is_an_error_before_anything_is_done(tmp_path: Path) -> None:
    with pytest.raises(FileRefused, match="the journal"):
        Journal(str(tmp_path)).open()


STEPS = [Step(f"remove {name}\u202e", "DELETE", f"/api/v1/{name}", users=(name,)) for name in ("ann", "ben", "cid")]
LOST = OutcomeUnknown("remove ben", "the answer was lost", "Look.")
Runs = Callable[..., RunJournal]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The journal."""
    return tmp_path / "journal"


@pytest.fixture
def start(path: Path) -> Runs:
    """Begin a run, and send the writes with these numbers."""

    def start(*numbers: int, **about: Any) -> RunJournal:
        run = RunJournal(str(path), **{"module": "cakewalk_leaver", **about})
        with run.opened(is_dry_run=False):
            run.begin()
            for number in numbers:
                run.sending(number, STEPS[number])
        return run

    return start


def lines(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a journal without their times."""
    return [{k: v for k, v in json.loads(line).items() if k != "time"} for line in path.read_text().splitlines()]


def warnings(path: Path, is_dry_run: bool = False) -> list[str]:
    """Return what the next run warns about."""
    with RunJournal(str(path), module="next").opened(is_dry_run) as told:
        return told


def test_a_run_without_a_journal_adds_nothing(tmp_path: Path) -> None:
    run = RunJournal(None, module="m")
    with run.opened(is_dry_run=False) as told:
        run.begin()
        run.sending(0, STEPS[0])
        run.settled(0, STEPS[0], "done", None)
        run.end("ended")
    assert (told, list(tmp_path.iterdir())) == ([], [])


def test_the_lines_of_a_run(path: Path, start: Runs) -> None:
    run = start(0, 1, actor="ada@example.com", bypass=None)
    run.settled(1, STEPS[1], "unknown", LOST)
    for number, step in enumerate(STEPS):
        run.settled(number, step, "done" if number < 2 else "not_tried", None)
    run.end("ended", changed=True)
    about = {"run": run.run, "module": "cakewalk_leaver", "actor": "ada@example.com"}
    step = [
        {"number": n, "step": s.action, "method": "DELETE", "path": s.path, "users": list(s.users)}
        for n, s in enumerate(STEPS)
    ]
    assert lines(path) == [
        {**about, "status": "begun"},
        {**about, **step[0], "status": "sending"},
        {**about, **step[1], "status": "sending"},
        {**about, **step[1], "status": "unknown", "kind": "outcome_unknown", "msg": str(LOST)},
        {**about, **step[0], "status": "done"},
        # A later read showed it.
        {**about, **step[1], "status": "done"},
        {**about, **step[2], "status": "not_tried"},
        {**about, "status": "ended", "changed": True},
    ]
    assert warnings(path) == []


def test_a_run_that_wrote_nothing_leaves_no_line(path: Path) -> None:
    run = RunJournal(str(path), module="m")
    with run.opened(is_dry_run=False):
        run.settled(0, STEPS[0], "not_tried", None)
        run.end("ended", changed=False)
    assert path.read_bytes() == b""


@pytest.mark.parametrize("status", ["ended", "cut_off"])
def test_a_run_that_ended_is_not_warned_about(path: Path, start: Runs, status: str) -> None:
    start(0).end(status)
    assert warnings(path) == []


def test_a_run_that_did_not_end_is_warned_about_once_with_its_open_writes(path: Path, start: Runs) -> None:
    run = start(0, 1, 2)
    run.settled(0, STEPS[0], "done", None)
    run.settled(2, STEPS[2], "refused", NotFound("remove cid", "404", "Look.", status=404))
    before = path.read_bytes()
    time = json.loads(before.splitlines()[0])["time"]
    expected = (
        f"An earlier run did not end: cakewalk_leaver, begun {time}, run {run.run} in the journal, 1 write done. "
        "It is not known whether these writes were carried out: remove ben\\u202e. Look at them in Cakewalk. "
        "This run reads the tenant again."
    )
    assert warnings(path, is_dry_run=True) == [expected]
    assert path.read_bytes() == before, "a dry run adds no line"
    assert warnings(path) == [expected]
    assert lines(path)[-1].items() >= {"status": "not_ended", "run": run.run}.items()
    assert warnings(path) == []


def test_each_run_that_did_not_end_is_warned_about(path: Path, start: Runs) -> None:
    first = start()
    with RunJournal(str(path)).opened(is_dry_run=True):
        # A second run that begins while the first is looked at is none that was killed.
        second = start(1)
    told = warnings(path)
    assert [run.run in warning for run, warning in zip((first, second), told, strict=True)] == [True, True]
    assert "0 writes done. No write was under way then." in told[0]
    assert "carried out: remove ben" in told[1]


def test_runs_side_by_side_do_not_warn_about_each_other(path: Path) -> None:
    one, two = RunJournal(str(path), module="one"), RunJournal(str(path), module="two")
    with one.opened(is_dry_run=False):
        one.begin()
        one.sending(0, STEPS[0])
        with two.opened(is_dry_run=False) as told:
            two.begin()
            assert told == []
            assert warnings(path) == warnings(path, is_dry_run=True) == []
            one.settled(0, STEPS[0], "done", None)
            two.end("ended")
        one.end("ended")
    assert warnings(path) == []
    assert not {"not_ended"} & {line["status"] for line in lines(path)}


@pytest.mark.parametrize("number", range(1, 4))
def test_a_last_line_that_was_torn_counts_as_missing(path: Path, start: Runs, number: int) -> None:
    run = start(0)
    run.settled(0, STEPS[0], "done", None)
    whole = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(whole[: number - 1]) + whole[number - 1][:-9])
    told = warnings(path)
    if number == 1:
        assert told == [], "nothing was sent before the first line was whole"
    else:
        assert ("No write was under way" in told[0]) is (number == 2), "a write leaves once its line is whole"
        assert ("carried out: remove ann" in told[0]) is (number == 3)
    start(1).end("ended")
    assert warnings(path) == []


@pytest.mark.parametrize(
    "line",
    [
        "[]",
        "5",
        "null",
        "{}",
        '{"status": "begun"}',
        '{"status": "sending", "run": "x", "number": [1]}',
        "{",
        "[" * 100_000,
    ],
)
def test_lines_of_others_are_no_defect(path: Path, start: Runs, line: str) -> None:
    path.write_text('{"status": "begun", "run": "x", "module": ["a"], "time": 5}\n' + line + "\n")
    path.chmod(0o600)
    assert any("run x in the journal" in warning for warning in warnings(path))
    assert warnings(path) == []


@pytest.mark.parametrize("is_dry_run", [True, False])
def test_a_journal_that_cannot_be_used_is_refused_before_the_run(tmp_path: Path, is_dry_run: bool) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "other")
    for path in ("relative", str(tmp_path), str(link)):
        with pytest.raises(FileRefused, match="the journal"), RunJournal(path).opened(is_dry_run):
            pass
    assert list(tmp_path.iterdir()) == [link]


def test_a_dry_run_needs_no_journal(tmp_path: Path) -> None:
    with RunJournal(str(tmp_path / "none" / "journal")).opened(is_dry_run=True) as told:
        assert told == []
    assert list(tmp_path.iterdir()) == []
