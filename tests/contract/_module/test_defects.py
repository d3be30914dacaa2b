# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A defect ends a module with a sentence, with what was done until then, and without secrets."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import pytest
from ansible.module_utils import basic
from ansible.module_utils.common import warnings
from ansible_collections.cakewalk.access.plugins.module_utils._api.operations import Step
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.plan import ApplyResult, Plan, StepStatus
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.tenant import Tenant
from ansible_collections.cakewalk.access.plugins.module_utils._module.arguments import CONNECTION, spec
from ansible_collections.cakewalk.access.plugins.module_utils._module.entry import run_module
from contract.wire import Wire, answer

SECRET = "TheSecretOfTheKey"
Run = Callable[..., dict[str, Any]]


class Unprintable:
    """Something that no result can hold."""


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a module that makes a plan, on a service that accepts writes to C(/ok) and refuses others."""

    def run(make_plan: Callable[[Tenant], Plan], **keywords: Any) -> dict[str, Any]:
        with Wire(lambda request: answer(200 if request.target.endswith("/ok") else 403, {})) as wire:
            options = {"api_key": "key", "api_secret": SECRET, "base_url": wire.url, "max_retries": 0, **keywords}
            monkeypatch.setattr(basic, "_ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": options}).encode())
            if hasattr(basic, "_ANSIBLE_PROFILE"):
                monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy")
            # Set by other tests of this process, if they import code of the controller.
            if find_spec("ansible.module_utils._internal"):
                monkeypatch.setattr("ansible.module_utils._internal.is_controller", False)
            monkeypatch.setattr(warnings, "_global_warnings", type(warnings._global_warnings)())
            with pytest.raises(SystemExit):
                run_module(spec(CONNECTION, options={}), lambda _params, tenant: make_plan(tenant))
        printed = capsys.readouterr().out
        assert SECRET not in printed
        result: dict[str, Any] = json.loads(printed)
        return result

    return run


def step(path: str) -> Step:
    """Return a step."""
    return Step(f"send {path}", "POST", f"/api/v1/{path}")


def fail(*_arguments: Any) -> Any:
    """Fail as only a defect does."""
    raise ZeroDivisionError(f"dividing {SECRET}")


def fail_in_planning(tenant: Tenant) -> Plan:
    """Warn, then fail."""
    tenant.warnings.append(f"warned with {SECRET}")
    return Plan(result=fail())


class Broken:
    """A state of which no diff can be made."""

    def __iter__(self) -> Any:
        return fail()


DEFECTS: dict[str, tuple[Callable[[Tenant], Plan], list[str] | None]] = {
    "while planning": (fail_in_planning, None),
    "in the middle of the steps": (
        lambda _tenant: Plan(
            {}, {}, (step("ok"), Step("send no JSON", "POST", "/api/v1/ok", body={"a": Unprintable(), "b": SECRET}))
        ),
        ["done", "errors"],
    ),
    "when the report is made": (lambda _tenant: Plan({}, {}, (step("ok"),), report=fail), ["done"]),
    "when a failure is reported": (lambda _tenant: Plan({}, {}, (step("no"),), report=fail), ["errors"]),
    "when a run that carried on is reported": (
        lambda _tenant: Plan({}, {}, (step("no"), step("ok")), carries_on=True, report=fail),
        ["done", "errors"],
    ),
    "when an interruption is reported": (
        lambda _tenant: Plan({}, {}, (Step("send no JSON", "POST", "/x", body={"a": Unprintable()}),), report=fail),
        ["errors"],
    ),
    "when the result is written": (
        lambda _tenant: Plan({}, {}, (step("ok"),), result={"a": Unprintable()}),
        ["done"],
    ),
}


@pytest.mark.parametrize("case", DEFECTS)
def test_a_defect_is_told_with_what_was_done_until_then(run: Run, case: str) -> None:
    make_plan, lists = DEFECTS[case]
    result = run(make_plan, concurrency=1)
    assert result["failed"]
    assert result["msg"].startswith("This is a defect of the collection (")
    if lists is None:
        assert "steps" not in result
        assert "Nothing was sent until then." in result["msg"]
        assert result["changed"] is False
        assert "warned with ********" in json.dumps(result["warnings"])
    else:
        assert [name for name, steps in result["steps"].items() if steps] == lists
        assert result["changed"] is ("done" in lists)
        assert "'steps' names what was done until then." in result["msg"]


def test_what_a_plan_reports_of_an_interruption_is_told_too(run: Run) -> None:
    def report(applied: ApplyResult) -> dict[str, Any]:
        return {"inverse": len(applied.having(StepStatus.DONE))}

    broken = Step("send no JSON", "POST", "/api/v1/ok", body={"a": Unprintable()})
    result = run(lambda _tenant: Plan({}, {}, (step("ok"), broken), report=report), concurrency=1)
    assert result["inverse"] == 1


@pytest.mark.parametrize("carries_on", [False, True])
def test_a_report_that_cannot_be_written_does_not_hide_a_failure(run: Run, carries_on: bool) -> None:
    steps = (step("ok"), step("no"))
    plan = Plan({}, {}, steps, report=lambda _applied: {"a": Unprintable(), "b": SECRET}, carries_on=carries_on)
    result = run(lambda _tenant: plan, concurrency=1)
    assert (result["failed"], result["changed"], result["error"]["status"]) == (True, True, 403)
    assert result["msg"].startswith("Could not send no: the server answered 403")
    assert [len(result["steps"][name]) for name in ("done", "errors")] == [1, 1]
    assert "A part of the result cannot be written, and is left out" in json.dumps(result["warnings"])


def test_a_defect_in_check_mode_changed_nothing(run: Run) -> None:
    plan = Plan({"a": Broken()}, {"a": Broken()}, (step("ok"),))
    result = run(lambda _tenant: plan, _ansible_check_mode=True, _ansible_diff=True)
    assert result["msg"].startswith("This is a defect of the collection (")
    assert result["changed"] is False
    assert len(result["steps"]["pending"]) == 1
