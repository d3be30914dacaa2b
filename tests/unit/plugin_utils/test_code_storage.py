# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of access as code: what a run that fails leaves of an earlier run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import CakewalkError, ConfigurationError
from ansible_collections.cakewalk.access.plugins.module_utils._engine.access_as_code.source import CodeRefused
from ansible_collections.cakewalk.access.plugins.module_utils._engine.storage.private_file import FileRefused
from ansible_collections.cakewalk.access.plugins.plugin_utils._code_storage import CodeStorage


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder whose code lacks the section tenant."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "groups.yml").write_text("groups: []\n", encoding="utf-8")
    return tmp_path


#: What earlier runs leave, by the end of the name of the file.
EARLIER = {
    ".json": '{"expires_within": 14, "terms": []}\n',
    ".md": "### Access as code: expiry\n\n**0 expired.**\n",
    ".txt": "Tenant: https://open-api.getcakewalk.io\n\n0 expired, and 1 expires within 1 day.\n",
    ".plan": f"Tenant: https://open-api.getcakewalk.io\n\nNothing to do.\n\nplan_hash: {'0' * 64}\n",
    ".new": "",
}


def fail(folder: Path, check_mode: bool = False, **options: Any) -> str:
    """Fail, explain why, and return the message."""
    storage = CodeStorage({"folder": str(folder / "code"), **options}, check_mode)
    with pytest.raises(CakewalkError) as error:
        storage.source()
    storage.explain({"msg": str(error.value), "error": error.value.facts()})
    return str(error.value)


def snapshot(folder: Path) -> dict[Path, str]:
    """Return the content of each file below a folder."""
    return {path: path.read_text(encoding="utf-8") for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("suffix", EARLIER)
def test_a_run_that_fails_leaves_no_report_of_an_earlier_run(folder: Path, suffix: str) -> None:
    report = folder / f"report{suffix}"
    report.write_text(EARLIER[suffix], encoding="utf-8")
    report.chmod(0o600)
    fail(folder, check_mode=True, expiry_report_path=str(report))
    assert report.exists()
    fail(folder, expiry_report_path=str(report))
    assert not report.exists()


#: What no run of this collection wrote there.
FOREIGN = ('{"time": "2026-11-29T07:30:12Z"}\n', '{"terms": []}', "Tenant: notes of mine\n", "# Notes\n", "\n", "[1]")


@pytest.mark.parametrize("text", FOREIGN)
@pytest.mark.parametrize("option", ["plan_path", "expiry_report_path"])
def test_a_file_that_holds_anything_else_is_never_replaced(folder: Path, option: str, text: str) -> None:
    for name in ("kept.md", "kept.txt", "kept.json"):
        (folder / name).write_text(text, encoding="utf-8")
        before = snapshot(folder)
        message = fail(folder, **{option: str(folder / name)})
        assert "it does not hold a plan or report of `cakewalk_access_as_code`. Move it away" in message
        assert snapshot(folder) == before


_REPLACED = ("plan_path", "expiry_report_path")


@pytest.mark.parametrize("spelling", ["x.md", "./X.md", "link/x.md", "hard.md"])
@pytest.mark.parametrize("kept", ["journal_path", "ledger_path", "roster_copy_path", "inverse_path", *_REPLACED])
def test_options_that_name_one_file_cost_no_file(folder: Path, kept: str, spelling: str) -> None:
    # Even what could be taken for an earlier report.
    (folder / "x.md").write_text(EARLIER[".md"], encoding="utf-8")
    (folder / "hard.md").hardlink_to(folder / "x.md")
    (folder / "link").symlink_to(".")
    before = snapshot(folder)
    needed = {"plan_hash": "0", "code_digest": "0", "journal_path": f"{folder}/journal"}
    for mode in ("plan", "drift", "apply", "expire", "export"):
        for replaced in {*_REPLACED} - {kept}:
            paths = {kept: f"{folder}/x.md", replaced: f"{folder}/{spelling}"}
            assert "would be one file" in fail(folder, mode=mode, **{**needed, **paths})
            assert snapshot(folder) == before


def test_code_that_is_given_as_report_stays(folder: Path) -> None:
    before = snapshot(folder)
    fail(folder, expiry_report_path=str(folder / "code" / "groups.yml"))
    assert snapshot(folder) == before


@pytest.mark.parametrize("name", ["people.csv", "people.TSV", "people.yml", "link"])
@pytest.mark.parametrize(
    "option", ["plan_path", "expiry_report_path", "inverse_path", "journal_path", "ledger_path", "roster_copy_path"]
)
def test_no_file_is_written_over_the_roster_even_if_the_code_is_damaged(folder: Path, option: str, name: str) -> None:
    path = folder / "code" / name
    if name == "link":
        (folder / "link").symlink_to(folder / "code" / "people.csv")
        path = folder / "link"
    path.touch()
    storage = CodeStorage({"folder": str(folder / "code"), option: str(path)}, False)
    with pytest.raises(ConfigurationError, match="it is in the folder of the code, and the next run would read it"):
        storage.source()
    storage.explain({"msg": "x", "error": {}})
    assert path.exists()
    beside = CodeStorage({"folder": str(folder / "code"), option: str(folder / "code" / "plan.txt")}, False)
    with pytest.raises(CodeRefused):
        beside.source()


def test_a_copy_of_the_roster_that_cannot_be_written_stops_a_run_before_its_first_write(tmp_path: Path) -> None:
    folder, sections = tmp_path / "code", ("tenant: {anchors: [a]}", "roster: {file: people.csv}")
    folder.mkdir()
    (folder / "code.yml").write_text("\n".join(sections), encoding="utf-8")
    (folder / "people.csv").write_text("email\nerin@example.com\n", encoding="utf-8")
    # Nobody can write there, whoever runs the tests.
    options = {
        "folder": str(folder),
        "journal_path": str(tmp_path / "journal"),
        "roster_copy_path": "/proc/roster.json",
    }
    assert CodeStorage({**options, "mode": "plan"}, False).source()["roster_before"] is None
    with pytest.raises(FileRefused, match="Could not write the roster copy"):
        CodeStorage({**options, "mode": "apply", "plan_hash": "0"}, False).source()


def test_a_mode_names_all_options_that_it_lacks_also_as_the_role_calls_them() -> None:
    with pytest.raises(ConfigurationError) as error:
        CodeStorage({"folder": "/code", "mode": "expire", "code_digest": ""}, False).source()
    assert str(error.value) == (
        "Could not run `mode: expire`: `code_digest` and `journal_path` are missing or blank. Set `code_digest` "
        "(`access_as_code_code_digest` in the role) to that of the approved plan. Set `journal_path` "
        "(`access_as_code_record_path` in the role) to the absolute path of a file."
    )


@pytest.mark.parametrize(("folder", "advice"), [("code", "Give its absolute path."), ("/no/where", "Correct the path")])
def test_a_folder_that_cannot_be_used_is_no_matter_of_its_files(folder: str, advice: str) -> None:
    with pytest.raises(CodeRefused, match=advice):
        CodeStorage({"folder": folder}, False).source()
