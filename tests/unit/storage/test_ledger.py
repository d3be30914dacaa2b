# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ledgers: what was done is remembered for its tenant, and nothing doubtful is taken for it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.client import Client
from ansible_collections.cakewalk.access.plugins.module_utils._engine.storage.ledger import (
    ClaimedByAnotherRun,
    FileLedger,
    WrongTenant,
)
from ansible_collections.cakewalk.access.plugins.module_utils._engine.storage.private_file import FileRefused
from unit.children import in_children
from unit.people import BASE_URL, connection, uid

APPS = [uid(number) for number in (4, 2, 1, 3)]
REVIEW, SLOT = ("review", "Q4"), ("policy", uid(1), "", "GrantAccessRequest")
VALUE = {"reviewer": "manager", "apps": ["Žofie"]}
CLIENT = Client(connection())
DAMAGED = "Move it away: the next run begins a new ledger, and reports everything as changed once."


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the ledger is to be."""
    return tmp_path / "ledger.json"


def ledger(path: Path, base_url: str = BASE_URL, apps: list[str] = APPS) -> FileLedger:
    return FileLedger.read(str(path), base_url, apps)


def remember(book: FileLedger, entries: dict[tuple[str, ...], Any]) -> None:
    """Store entries as a run does it, on an empty or a filled ledger."""
    book.forget(entries, CLIENT)
    book.keep(entries, CLIENT)


def document(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def values(path: Path, *keys: tuple[str, ...]) -> list[Any]:
    entries = [ledger(path).get(key) for key in keys]
    return [entry and entry.value for entry in entries]


def test_what_is_kept_is_there_for_the_next_run(path: Path) -> None:
    began = datetime.now(timezone.utc)
    remember(ledger(path), {REVIEW: VALUE, SLOT: {"policy": uid(9)}})
    assert values(path, REVIEW, SLOT) == [VALUE, {"policy": uid(9)}]
    entry = ledger(path).get(REVIEW)
    assert entry is not None
    assert began - timedelta(seconds=1) <= entry.at <= datetime.now(timezone.utc)
    assert entry.at.utcoffset() == timedelta(0)


def test_reading_makes_no_file(path: Path) -> None:
    new = ledger(path)
    assert new.get(REVIEW) is None
    assert list(path.parent.iterdir()) == []


def test_the_file_can_be_read_by_people(path: Path) -> None:
    remember(ledger(path), {SLOT: {"policy": "p"}, REVIEW: VALUE})
    written = document(path)
    at = written["entries"][0]["at"]
    assert datetime.fromisoformat(at).tzinfo is not None
    assert written == {
        "format": 1,
        "base_url": BASE_URL,
        "anchors": [uid(1), uid(2), uid(3)],
        "entries": [
            {"key": list(SLOT), "value": {"policy": "p"}, "at": at},
            {"key": list(REVIEW), "value": VALUE, "at": at},
        ],
    }
    assert len(path.read_text(encoding="utf-8").splitlines()) > 20


def test_forgetting_leaves_the_others(path: Path) -> None:
    remember(ledger(path), {REVIEW: VALUE, SLOT: {"policy": "p"}})
    ledger(path).forget({REVIEW: {}, ("review", "never heard of"): {}}, CLIENT)
    assert values(path, REVIEW, SLOT) == [None, {"policy": "p"}]


def test_forgetting_begins_a_ledger_so_that_it_is_known_that_it_can_be_written(path: Path) -> None:
    book = ledger(path)
    book.forget({REVIEW: {}}, CLIENT)
    begun = document(path)
    (mark,) = begun.pop("marks")
    assert mark["key"] == list(REVIEW)
    assert len(mark["runs"]) == 1
    empty = {"format": 1, "base_url": BASE_URL, "anchors": [uid(1), uid(2), uid(3)], "entries": []}
    assert begun == empty
    book.keep({}, CLIENT)
    assert document(path) == empty


def test_keeping_replaces_what_was_remembered_under_the_key_and_nothing_else(path: Path) -> None:
    remember(ledger(path), {REVIEW: VALUE, SLOT: {"policy": "p"}})
    remember(ledger(path), {SLOT: {"policy": "q"}})
    assert values(path, REVIEW, SLOT) == [VALUE, {"policy": "q"}]


def test_what_another_run_kept_meanwhile_stays(path: Path) -> None:
    ours, theirs = ledger(path), ledger(path)
    remember(theirs, {SLOT: {"policy": "p"}})
    remember(ours, {REVIEW: VALUE})
    assert values(path, REVIEW, SLOT) == [VALUE, {"policy": "p"}]
    assert ours.get(REVIEW) is None, "it tells what was known when the run began"


def test_runs_side_by_side_lose_nothing_of_each_others(path: Path) -> None:
    def run(name: str) -> Callable[[], None]:
        def keep() -> None:
            for number in range(20):
                remember(ledger(path), {(name, str(number)): {"number": number}})

        return keep

    assert in_children([run(name) for name in ("a", "b", "c")]) == [0, 0, 0]
    keys = [(name, str(number)) for name in ("a", "b", "c") for number in range(20)]
    assert values(path, *keys) == [{"number": number} for number in range(20)] * 3


def test_what_two_runs_replace_at_once_is_unknown_until_both_have_ended(path: Path) -> None:
    remember(ledger(path), {SLOT: {"policy": "o"}})
    ours, theirs, third = (ledger(path) for _run in range(3))
    ours.forget({SLOT: {}}, CLIENT)
    theirs.forget({SLOT: {}}, CLIENT)
    theirs.keep({SLOT: {"policy": "q"}}, CLIENT)
    remember(third, {SLOT: {"policy": "r"}, REVIEW: VALUE})
    assert values(path, SLOT, REVIEW) == [None, VALUE], "the first run still writes"
    ours.keep({SLOT: {"policy": "p"}}, CLIENT)
    assert values(path, SLOT) == [None]
    remember(ledger(path), {SLOT: {"policy": "s"}})
    assert values(path, SLOT) == [{"policy": "s"}]
    assert "marks" not in document(path)


def test_a_run_that_ends_without_storing_anything_is_not_under_way(path: Path) -> None:
    failed = ledger(path)
    failed.forget({SLOT: {}}, CLIENT)
    failed.close()
    remember(ledger(path), {SLOT: {"policy": "p"}})
    assert values(path, SLOT) == [{"policy": "p"}]


def test_an_exclusive_ledger_refuses_what_another_run_stored_or_writes(path: Path) -> None:
    ours, theirs = (FileLedger.read(str(path), BASE_URL, APPS, is_exclusive=True) for _run in range(2))
    ours.forget({REVIEW: {}}, CLIENT)
    for conclude in (lambda: ours.keep({REVIEW: VALUE}, CLIENT), lambda: None):
        with pytest.raises(ClaimedByAnotherRun, match="another run wrote, or is writing, 'Q4' meanwhile"):
            theirs.forget({REVIEW: {}}, CLIENT)
        conclude()
    assert values(path, REVIEW) == [VALUE]


def test_a_tenant_is_known_by_one_of_its_apps_in_any_case(path: Path) -> None:
    remember(ledger(path), {REVIEW: VALUE})
    assert ledger(path, f"{BASE_URL}/", [uid(7), uid(2).upper()]).get(REVIEW) is not None


def test_a_tenant_is_known_by_its_address_in_any_spelling(path: Path) -> None:
    remember(ledger(path, "https://Open-API.example.com:443/base//"), {REVIEW: VALUE})
    assert ledger(path, "HTTPS://OPEN-API.EXAMPLE.COM/base").get(REVIEW) is not None
    with pytest.raises(WrongTenant):
        ledger(path, "https://open-api.example.com/BASE")


def test_apps_that_are_gone_make_room_for_others(path: Path) -> None:
    ledger(path).forget({}, CLIENT)
    ledger(path, apps=[uid(3), uid(8), uid(9), uid(7)]).forget({}, CLIENT)
    assert document(path)["anchors"] == [uid(3), uid(7), uid(8)]


def test_a_tenant_without_apps_is_known_by_them_once_it_has_some(path: Path) -> None:
    remember(ledger(path, apps=[]), {REVIEW: VALUE})
    assert ledger(path, apps=[]).get(REVIEW) is not None
    ledger(path, apps=[uid(1)]).forget({}, CLIENT)
    assert document(path)["anchors"] == [uid(1)]
    with pytest.raises(WrongTenant):
        ledger(path, apps=[uid(2)])


@pytest.mark.parametrize(
    ("base_url", "apps", "words"),
    [
        ("https://other.example.com", APPS, f"begun at {BASE_URL}, and this run is at https://other.example.com."),
        (BASE_URL, [uid(8)], f"{BASE_URL} has none of the apps that identify its tenant."),
        (BASE_URL, [], "none of the apps"),
    ],
)
def test_another_tenant_is_refused_in_planning_and_in_writing(
    path: Path, base_url: str, apps: list[str], words: str
) -> None:
    begun_before = ledger(path, base_url, apps)
    remember(ledger(path), {REVIEW: VALUE})
    before = path.read_bytes()
    for use in (
        lambda: ledger(path, base_url, apps),
        lambda: begun_before.forget({REVIEW: {}}, CLIENT),
        lambda: begun_before.keep({REVIEW: {}}, CLIENT),
    ):
        with pytest.raises(WrongTenant) as caught:
            use()
        assert f"Could not use the ledger '{path}': it is about another tenant: " in str(caught.value)
        assert words in str(caught.value)
        assert "Give each tenant a ledger of its own (`ledger_path`)." in str(caught.value)
        assert caught.value.facts() == {"kind": "wrong_tenant", "path": str(path)}
    assert path.read_bytes() == before


GOOD = {"key": ["review", "Q4"], "value": {}, "at": "2026-01-01T00:00:00+00:00"}


def with_entry(**changed: Any) -> dict[str, Any]:
    entry = {name: value for name, value in {**GOOD, **changed}.items() if value is not None}
    return {"format": 1, "base_url": BASE_URL, "anchors": APPS, "entries": [entry]}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "it is not JSON, so it is damaged"),
        ("{", "it is not JSON"),
        (json.dumps(with_entry())[:-10], "it is not JSON"),
        ("[" * 100_000, "it is not JSON"),
        ("[]", "it is not a ledger, or damaged"),
        ("null", "it is not a ledger"),
        ({}, "it is not a ledger"),
        ({**with_entry(), "format": True}, "it is not a ledger"),
        ({**with_entry(), "format": "1"}, "it is not a ledger"),
        ({**with_entry(), "format": 2}, "it has the format 2, and this version of the collection knows 1 only"),
        ({"format": 1}, "it is damaged: something in it is missing"),
        ({**with_entry(), "base_url": None}, "it is damaged"),
        ({**with_entry(), "base_url": "https://["}, "it is damaged"),
        ({**with_entry(), "anchors": ""}, "it is damaged"),
        ({**with_entry(), "anchors": [7]}, "it is damaged"),
        ({**with_entry(), "entries": {}}, "it is damaged"),
        ({**with_entry(), "entries": [[]]}, "it is damaged"),
        ({**with_entry(), "marks": {}}, "it is damaged"),
        ({**with_entry(), "marks": [{"key": ["review"], "runs": 7}]}, "it is damaged"),
        (with_entry(key="review"), "it is damaged"),
        (with_entry(key=["review", 4]), "it is damaged"),
        (with_entry(key=None), "it is damaged"),
        (with_entry(value=[]), "it is damaged"),
        (with_entry(value=None), "it is damaged"),
        (with_entry(at=None), "it is damaged"),
        (with_entry(at=7), "it is damaged"),
        (with_entry(at="yesterday"), "it is damaged"),
        (with_entry(at="2026-01-01T00:00:00"), "it is damaged"),
        ({**with_entry(), "entries": [GOOD, GOOD]}, "it is damaged: it holds two entries with the same key"),
    ],
)
def test_a_damaged_ledger_is_never_an_empty_one(path: Path, content: Any, why: str) -> None:
    sound = ledger(path)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    before = path.read_bytes()
    for use in (
        lambda: ledger(path),
        lambda: sound.forget({REVIEW: {}}, CLIENT),
        lambda: sound.keep({REVIEW: VALUE}, CLIENT),
    ):
        with pytest.raises(FileRefused) as caught:
            use()
        assert f"Could not use the ledger '{path}': {why}" in str(caught.value)
        assert str(caught.value).endswith(DAMAGED)
    assert path.read_bytes() == before


def test_an_entry_with_an_empty_key_is_of_no_kind(path: Path) -> None:
    path.write_text(json.dumps(with_entry(key=[])), encoding="utf-8")
    assert ledger(path).entries("review") == []


def test_a_sound_ledger_of_the_same_form_is_used(path: Path) -> None:
    path.write_text(json.dumps(with_entry()), encoding="utf-8")
    assert values(path, REVIEW) == [{}]


def test_names_of_any_kind_are_kept_as_they_are(path: Path) -> None:
    key = ("review", "\ud800 \u202e \n {{ 7 * 7 }} é")
    remember(ledger(path), {key: {"name": key[1]}})
    assert values(path, key) == [{"name": key[1]}]
    assert path.read_bytes().isascii()
