# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The poller over the sandbox: whose tasks it finds, when it passes them on again, and what it lives through."""

from __future__ import annotations

import email.utils
import json
import os
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from contract.wire import Request, Wire, answer, detour
from events.conftest import Start
from events.deliveries import PAYLOADS
from events.sources import Running, until
from sandbox.known import task_id
from sandbox.process import Sandbox

OLGA = "olga.owner@example.com"
#: Petra's tasks that Olga could carry out; the list does not tell that one of them is snoozed.
OLGAS = {task_id("action"), task_id("removal"), task_id("snoozed")}
QUIET = 0.5


def ids(events: list[dict[str, Any]]) -> list[str]:
    """Return whose tasks the events are about."""
    return [event["task_id"] for event in events]


def actionable_of(tenant: Sandbox, email: str) -> set[str]:
    """Return the ids of somebody's tasks that people can carry out, as the tenant itself has them."""
    person = tenant.find("users", email)["id"]
    return {
        row["id"]
        for row in tenant.state("tasks")["tasks"]
        if row["assigned_id"] == person
        and row["is_action"]
        and not row["is_autoprovisioning"]
        and row["status"] == "Pending"
    }


def looks(tenant: Sandbox) -> int:
    """Return how often the tasks were looked at since the log was cleared."""
    return len([entry for entry in tenant.log(operation="listTasks") if "cursor" not in entry["query"]])


def test_it_finds_what_can_be_carried_out_and_nothing_else(tenant: Sandbox, poll: Start) -> None:
    expected = actionable_of(tenant, OLGA)
    assert expected >= OLGAS
    (first, *others) = poll(assignees=[OLGA]).taken(len(expected))
    assert {first["task_id"], *ids(others)} == expected
    assert len(others) == len(expected) - 1
    assert first == {
        "type": "action_task.actionable",
        "task_id": first["task_id"],
        "request_type": None,
        "app_id": None,
        "permission_level_id": None,
        "source": "poller",
        "received_at": first["received_at"],
    }


def test_people_are_named_by_id_too_and_counted_once(tenant: Sandbox, poll: Start) -> None:
    olga = tenant.find("users", OLGA)["id"]
    source = poll(assignees=[olga.upper(), OLGA.upper()])
    expected = actionable_of(tenant, OLGA)
    source.taken(len(expected))
    tenant.clear_log()
    until(lambda: looks(tenant) >= 2)
    assert sorted(ids(source.taken(0))) == sorted(expected)


def test_ids_alone_cost_no_look_at_the_directory(tenant: Sandbox, poll: Start) -> None:
    poll(assignees=[tenant.find("users", OLGA)["id"]]).taken(1)
    assert tenant.log(operation="listUsers") == []


def test_it_reads_all_pages(tenant: Sandbox, poll: Start) -> None:
    tenant.configure(page_size=1)
    expected = actionable_of(tenant, OLGA)
    assert set(ids(poll(assignees=[OLGA]).taken(len(expected)))) == expected


@pytest.mark.parametrize(
    "dialect",
    [
        {"links": "absolute", "cursor_name": "page[cursor]"},
        {"next": "absent"},
        {"extra_fields": "some"},
        {"filters": "ignored"},
    ],
)
def test_it_understands_the_dialects(tenant: Sandbox, poll: Start, dialect: dict[str, str]) -> None:
    tenant.configure(page_size=2, **dialect)
    expected = actionable_of(tenant, OLGA)
    assert set(ids(poll(assignees=[OLGA]).taken(len(expected)))) == expected


def test_a_task_comes_again_until_it_is_done(tenant: Sandbox, poll: Start) -> None:
    source = poll(assignees=[OLGA], re_emit_after=1)
    count = len(actionable_of(tenant, OLGA))
    again = ids(source.taken(2 * count))
    assert sorted(again[:count]) == sorted(again[count : 2 * count])
    tenant.change("decide_task", task=task_id("action"), verdict="approve")
    tenant.clear_log()
    until(lambda: looks(tenant) >= 2)
    so_far = len(source.taken(0))
    later = ids(source.taken(so_far + count - 1))[so_far:]
    assert task_id("removal") in later
    assert task_id("action") not in later


def test_a_task_does_not_come_again_too_early(tenant: Sandbox, poll: Start) -> None:
    source = poll(assignees=[OLGA])
    expected = actionable_of(tenant, OLGA)
    source.taken(len(expected))
    tenant.clear_log()
    until(lambda: looks(tenant) >= 2)
    assert len(source.taken(0)) == len(expected)


def test_a_new_task_is_found(tenant: Sandbox, poll: Start) -> None:
    source = poll(assignees=[OLGA])
    count = len(actionable_of(tenant, OLGA))
    source.taken(count)
    tenant.change("open_request", kind="grant", app="GitHub", user="connor.contractor@example.com", level="Read")
    for _review in range(2):
        task = tenant.open_task("Connor Contractor", "GitHub")
        tenant.change("decide_task", task=task["id"], verdict="approve")
    assert ids(source.taken(count + 1))[-1] == tenant.open_task("Connor Contractor", "GitHub")["id"]


def test_words_for_statuses(tenant: Sandbox, poll: Start, caplog: pytest.LogCaptureFixture) -> None:
    expected = actionable_of(tenant, OLGA)
    tenant.configure(status_words="upper")
    poll(assignees=[OLGA]).taken(len(expected))
    tenant.configure(status_words="other")
    source = poll(assignees=[OLGA])
    until(lambda: "their status is 'AwaitingDecision'" in caplog.text)
    time.sleep(QUIET)
    assert source.taken(0) == []
    poll(assignees=[OLGA], actionable_statuses=["awaitingDECISION"]).taken(len(expected))


@pytest.mark.parametrize("shown", ["hidden", "null"])
def test_tasks_that_do_not_tell_what_they_are_are_left_alone(
    tenant: Sandbox, poll: Start, caplog: pytest.LogCaptureFixture, shown: str
) -> None:
    tenant.configure(action_step=shown)
    source = poll(assignees=[OLGA])
    until(lambda: "isActionStep" in caplog.text)
    time.sleep(QUIET)
    assert source.taken(0) == []


def test_hostile_names_stay_in_the_tenant(tenant: Sandbox, poll: Start) -> None:
    tenant.change("insert_user", email=f"x{PAYLOADS[1]}@example.com", name=PAYLOADS[0])
    source = poll(assignees=[OLGA, f"x{PAYLOADS[1]}@example.com"])
    for event in source.taken(1):
        assert not [payload for payload in PAYLOADS if payload in str(event)]


@pytest.mark.parametrize(
    ("assignee", "reason"),
    [("nobody@example.com", "nobody has it"), ("sam.twin@example.com", "2 people have it")],
)
def test_an_assignee_who_is_not_one_person_ends_the_source(
    tenant: Sandbox, assignee: str, reason: str, access: Any
) -> None:
    with pytest.raises(Exception, match=reason), Running("tasks", **access, assignees=[assignee]) as source:
        source.taken(1)


def test_credentials_that_are_refused_end_the_source(access: dict[str, str]) -> None:
    wrong = {**access, "api_secret": "wrong", "assignees": [str(uuid4())]}
    with pytest.raises(Exception, match="answered 401"), Running("tasks", **wrong) as source:
        source.taken(1)


@pytest.mark.parametrize("kind", [429, 500, 503, "html", "truncated", "drop_before", "repeat_cursor"])
@pytest.mark.parametrize("operation", ["listTasks", "listUsers"])
def test_it_lives_through_outages(tenant: Sandbox, poll: Start, operation: str, kind: str | int) -> None:
    tenant.fault(operation, kind, count=2 if kind == "drop_before" else 1)  # aiohttp tries twice
    expected = actionable_of(tenant, OLGA)
    assert set(ids(poll(assignees=[OLGA]).taken(len(expected), patience=30))) == expected


def test_it_waits_as_long_as_the_service_asks(tenant: Sandbox, poll: Start) -> None:
    tenant.fault("listTasks", 429, retry_after=3)
    started = time.monotonic()
    source = poll(assignees=[tenant.find("users", OLGA)["id"], tenant.find("users", "ada.admin@example.com")["id"]])
    source.taken(1)
    assert time.monotonic() - started >= 3
    assert [entry["status"] for entry in tenant.log(operation="listTasks")][:2] == [429, 200]


@pytest.mark.parametrize(("operation", "ahead"), [("/Tasks", 90), ("/Users", -90)])
def test_it_waits_until_the_date_that_the_service_gives(
    tenant: Sandbox, access: dict[str, Any], operation: str, ahead: int
) -> None:
    date, until_then = (email.utils.formatdate(time.time() + ahead + wait, usegmt=True) for wait in (0, 3))
    refusals = [answer(429, headers={"date": date, "retry-after": until_then})]

    def refuse_once(request: Request) -> bytes | None:
        return refusals.pop() if refusals and operation in request.target else None

    with Wire(detour(tenant.url, refuse_once)) as wire:
        started = time.monotonic()
        with Running("tasks", **{**access, "base_url": wire.url}, assignees=[OLGA]) as source:
            source.taken(1)
    assert 3 <= time.monotonic() - started < 8


def test_after_a_refusal_it_goes_on_with_the_same_person(tenant: Sandbox, poll: Start) -> None:
    ada, olga = (tenant.find("users", email)["id"] for email in ("ada.admin@example.com", OLGA))
    tenant.fault("listTasks", 429, skip=1, retry_after=1)
    poll(assignees=[ada, olga]).taken(1)
    asked = until(lambda: len(log := tenant.log(operation="listTasks")) >= 4 and log[:4])
    assert [person for entry in asked for person in (ada, olga) if person in str(entry["query"])] == [
        ada,
        olga,
        olga,
        ada,
    ]


@pytest.mark.slow
def test_pauses_grow_while_an_outage_lasts(tenant: Sandbox, poll: Start) -> None:
    tenant.fault("listTasks", 503, count=1_000)
    poll(assignees=[tenant.find("users", OLGA)["id"]])
    time.sleep(6)
    assert 3 <= len(tenant.log(operation="listTasks")) <= 4  # at 0, 1, 3, and 7 seconds


def test_one_list_that_cannot_be_read_does_not_hide_the_others(tenant: Sandbox, poll: Start) -> None:
    tenant.fault("listTasks", 500, count=1)
    olga = tenant.find("users", OLGA)["id"]
    count = len(actionable_of(tenant, OLGA))
    poll(assignees=[tenant.find("users", "ada.admin@example.com")["id"], olga]).taken(count)
    assert [entry["status"] for entry in tenant.log(operation="listTasks")][:2] == [500, 200]


def test_a_list_that_moves_is_read_again(tenant: Sandbox, poll: Start) -> None:
    tenant.configure(page_size=100)
    tenant.change("insert_user", email="nora.newcomer@example.com", after=1, operation="listUsers")
    poll(assignees=[OLGA]).taken(1)
    assert len([entry for entry in tenant.log(operation="listUsers") if "cursor" not in entry["query"]]) == 2


def test_the_state_file_suppresses_repeats_over_a_restart(tenant: Sandbox, poll: Start, tmp_path: Path) -> None:
    file = tmp_path / "emitted.json"
    expected = actionable_of(tenant, OLGA)
    first = poll(assignees=[OLGA], state_file=str(file))
    first.taken(len(expected))
    until(lambda: file.exists() and json.loads(file.read_text()).keys() == expected)
    assert (file.stat().st_mode & 0o777, list(tmp_path.iterdir())) == (0o600, [file])
    first.stop()
    tenant.clear_log()
    second = poll(assignees=[OLGA], state_file=str(file))
    until(lambda: looks(tenant) >= 2)
    assert second.taken(0) == []
    tenant.change("decide_task", task=task_id("action"), verdict="approve")
    until(lambda: task_id("action") not in json.loads(file.read_text()))


def _gone(file: Path) -> None:
    file.unlink()


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-9])


def _of_another_kind(file: Path) -> None:
    file.write_text("[1]")


def _of_other_values(file: Path) -> None:
    file.write_text(json.dumps(dict.fromkeys(json.loads(file.read_text()), "yesterday")))


def _from_the_future(file: Path) -> None:
    file.write_text(json.dumps(dict.fromkeys(json.loads(file.read_text()), time.time() + 900)))


def _not_a_time(file: Path) -> None:
    file.write_text(file.read_text().replace(": ", ": NaN, ").split(",")[0] + "}")


def _writable_by_others(file: Path) -> None:
    file.chmod(0o666)


def _linked(file: Path) -> None:
    file.rename(file.with_suffix(".moved"))
    file.symlink_to(file.with_suffix(".moved"))


def _folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def _pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


@pytest.mark.parametrize(
    "damage",
    [
        _gone,
        _cut,
        _of_another_kind,
        _of_other_values,
        _from_the_future,
        _not_a_time,
        _writable_by_others,
        _linked,
        _folder,
        _pipe,
    ],
)
def test_a_state_file_that_is_lost_or_damaged_hides_nothing(
    tenant: Sandbox, poll: Start, tmp_path: Path, damage: Any
) -> None:
    file = tmp_path / "emitted.json"
    expected = actionable_of(tenant, OLGA)
    first = poll(assignees=[OLGA], state_file=str(file))
    first.taken(len(expected))
    until(lambda: file.exists() and json.loads(file.read_text()).keys() == expected)
    first.stop()
    damage(file)
    assert set(ids(poll(assignees=[OLGA], state_file=str(file)).taken(len(expected)))) == expected


def test_a_state_file_never_leads_to_another_file(tenant: Sandbox, poll: Start, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("{}")
    (tmp_path / "emitted.json").symlink_to(precious)
    poll(assignees=[OLGA], state_file=str(tmp_path / "emitted.json")).taken(3)
    assert precious.read_text() == "{}"


def test_redirects_are_not_followed(poll: Start) -> None:
    with Wire(lambda _request: answer(200, b"{}")) as elsewhere:
        lead = answer(302, headers={"location": elsewhere.url + "/api/v1/Tasks"})
        with Wire(lambda _request: lead) as wire:
            poll(base_url=wire.url, assignees=[str(uuid4())])
            until(lambda: len(wire.requests) >= 2)
        assert elsewhere.requests == []


def test_it_waits_for_the_engine(tenant: Sandbox, poll: Start) -> None:
    source = poll(engine_stands=True, assignees=[OLGA])
    time.sleep(QUIET)
    source.flow()
    expected = actionable_of(tenant, OLGA)
    assert set(ids(source.taken(len(expected)))) == expected


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"colour": "red"}, "unknown options: colour"),
        ({"assignees": []}, "`assignees` must be"),
        ({"assignees": None}, "`assignees` must be"),
        ({"assignees": OLGA}, "`assignees` must be a list"),
        ({"assignees": ["Olga Owner"]}, "UUIDs or e-mail addresses"),
        ({"assignees": [7]}, "`assignees` must be"),
        ({"interval": 0}, "`interval` is 0"),
        ({"interval": "soon"}, "`interval` must be a whole number"),
        ({"actionable_statuses": [""]}, "`actionable_statuses` must be"),
        ({"state_file": "/nowhere/at/all"}, "the folder of `state_file` does not exist; create it"),
        ({"base_url": "http://cakewalk.example.com"}, "must begin with https://"),
        ({"api_key": "two words"}, "`api_key` is missing or contains white space"),
    ],
)
def test_options_that_cannot_work_are_refused(access: dict[str, str], wrong: dict[str, Any], reason: str) -> None:
    given = {**access, "assignees": [OLGA], **wrong}
    with pytest.raises(Exception, match=reason), Running("tasks", **given) as source:
        source.taken(1)
