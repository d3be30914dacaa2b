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


def fail(folder: Path, report: Path, check_mode: bool = False, **options: Any) -> None:
    """Fail with an earlier report at a path."""
    report.touch(0o600)
    storage = CodeStorage({"folder": str(folder / "code"), "expiry_report_path": str(report), **options}, check_mode)
    with pytest.raises(CakewalkError) as error:
        storage.source()
    storage.explain({"msg": str(error.value), "error": error.value.facts()})


@pytest.mark.parametrize("name", ["report.json", "report.md", "report.txt"])
def test_a_run_that_fails_leaves_no_report_of_an_earlier_run(folder: Path, name: str) -> None:
    fail(folder, folder / name, check_mode=True)
    assert (folder / name).exists()
    fail(folder, folder / name)
    assert not (folder / name).exists()


def test_code_that_is_given_as_report_stays(folder: Path) -> None:
    fail(folder, folder / "code" / "groups.yml")
    assert (folder / "code" / "groups.yml").exists()


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
