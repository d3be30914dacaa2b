# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told of the task whose failure a rescue handles."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from ansible_collections.cakewalk.access.plugins.plugin_utils._failed_step import failure_of

SECRET = "S3CR3T-hunter2"
SILENT = "A step failed."
HIDDEN = "A step failed, and its output is hidden (`no_log`)."


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("The account is locked.", "The account is locked."),
        (["it is locked", "call the desk"], "['it is locked', 'call the desk']"),
        ({"account": "locked", 1: None}, "{'account': 'locked', 1: None}"),
        (42, "42"),
        (0, "0"),
        (False, "False"),
        (date(2026, 1, 31), "2026-01-31"),
        (b"\xff", r"b'\xff'"),
        ("{{ nobody_knows_this }} {% if %}", "{{ nobody_knows_this }} {% if %}"),
        ("one\n\x1b[31mtwo\u202e", r"one\n\x1b[31mtwo\u202e"),
        ("\ud800", r"\ud800"),
        ("x" * 100_000, "x" * 999 + "…"),
        ("  ", SILENT),
        ("", SILENT),
        (None, SILENT),
    ],
)
def test_whatever_a_task_says_becomes_text(said: object, text: str) -> None:
    variables = {"ansible_failed_task": {"no_log": False}, "ansible_failed_result": {"failed": True, "msg": said}}
    assert failure_of(variables) == text


@pytest.mark.parametrize(
    ("task", "result", "text"),
    [
        # Since ansible-core 2.21, results do not tell whether they are hidden.
        ({"no_log": False}, {}, SECRET),
        ({"no_log": False}, {"_ansible_no_log": False}, SECRET),
        ({"no_log": True}, {}, HIDDEN),
        ({"no_log": True}, {"_ansible_no_log": False}, HIDDEN),
        ({"no_log": False}, {"_ansible_no_log": True}, HIDDEN),
        ({"no_log": False}, {"_ansible_no_log": "no boolean"}, HIDDEN),
        # Ansible did not get as far as to evaluate it.
        ({"no_log": "{{ hide }}"}, {"_ansible_no_log": False}, HIDDEN),
        ({"no_log": "no"}, {}, HIDDEN),
        ({}, {}, HIDDEN),
    ],
)
def test_what_may_be_hidden_is_not_told(task: dict[str, Any], result: dict[str, Any], text: str) -> None:
    assert failure_of({"ansible_failed_task": task, "ansible_failed_result": {**result, "msg": SECRET}}) == text


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"ansible_failed_task": {"no_log": False}, "ansible_failed_result": None},
        {"ansible_failed_task": {"no_log": False}, "ansible_failed_result": {"failed": True}},
        {"ansible_failed_task": SECRET, "ansible_failed_result": {"msg": SECRET}},
        {"ansible_failed_task": {"no_log": False}, "ansible_failed_result": SECRET},
    ],
)
def test_a_failure_without_a_message_is_one_too(variables: dict[str, Any]) -> None:
    assert failure_of(variables) == SILENT
