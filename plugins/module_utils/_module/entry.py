# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a module: the only file that knows AnsibleModule, check mode, exit_json and fail_json."""

from __future__ import annotations

import json
import os
import signal
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from .._api.client import Client
from .._api.errors import CakewalkError
from .._api.text import UNCUT, printable
from .._api.transport import REQUESTS_IMPORT_ERROR
from .._engine.core.apply import apply, dry_run
from .._engine.core.message import message_of
from .._engine.core.plan import (
    ApplyFailed,
    ApplyInterrupted,
    ApplyResult,
    GoalNotReached,
    Plan,
    State,
    changed_lines,
)
from .._engine.core.tenant import Tenant
from .._engine.storage.journal import RunJournal
from .._engine.storage.paths import check_distinct
from .arguments import connection_of

#: The environment variable with the seconds after which a module that runs by a process of its own must end. The time
#: from which they count may follow, as seconds since 1970.
TIME_LIMIT = "CAKEWALK_TIME_LIMIT"


#: What the result of a failed run is reduced to if the whole cannot be written.
_NEEDED = ("changed", "steps", "msg", "error", "exception")
_CUT_OFF = {"kind": "cut_off"}
_UNTIL_THEN = (
    "'steps' names what was done until then. The service may still carry out what is listed under errors with the kind "
    "`outcome_unknown`. Run again: a run reads before it writes."
)


class TimeLimitReached(BaseException):
    """The time limit of the task is reached; like Ansible's own exception it is no C(Exception)."""


def run_module(
    spec: dict[str, Any],
    make_plan: Callable[[dict[str, Any], Tenant], Plan],
    journal_path: Callable[[dict[str, Any]], str | None] = lambda params: params.get("journal_path"),
) -> None:
    """Run a module: make a plan, apply it unless in check mode, and report.

    :param spec: what C(arguments.spec) returns.
    :param make_plan: reads the tenant and returns what must change; it cannot write.
    :param journal_path: returns the path of the journal, if the module keeps one.
    """
    parent = os.getppid()
    module = AnsibleModule(supports_check_mode=True, **spec)
    if REQUESTS_IMPORT_ERROR:
        module.fail_json(msg=missing_required_lib("requests"), exception=REQUESTS_IMPORT_ERROR)
    try:
        check_distinct({name: path for name, path in module.params.items() if name.endswith("_path") and path})
        client = Client(connection_of(module.params))
        tenant = Tenant(client, module.params["known_statuses"], module.check_mode)
    except Exception as error:
        module.fail_json(**error_result(error, {}))
    _end_at_time_limit()
    _run(module, make_plan, client, tenant, _journal(module, journal_path(module.params), client), parent)


def _end_at_time_limit() -> None:
    """Raise C(TimeLimitReached) in this thread once the time limit of the task is reached.

    Ansible itself stops waiting for the process of a module then, but does not end the process.
    """
    seconds, _space, start = os.environ.get(TIME_LIMIT, "").partition(" ")

    def end(_number: int, _frame: object) -> None:
        raise TimeLimitReached

    if seconds:
        signal.signal(signal.SIGALRM, end)
        used = time.time() - float(start) if start else 0.0
        signal.setitimer(signal.ITIMER_REAL, max(float(seconds) - used, 0.001))


def _run(
    module: AnsibleModule,
    make_plan: Callable[[dict[str, Any], Tenant], Plan],
    client: Client,
    tenant: Tenant,
    journal: RunJournal,
    parent: int,
) -> None:
    # The client refuses to write while a plan is made.
    progress: dict[str, Any] = {"changed": False}
    try:
        with journal.opened(module.check_mode) as unended:
            tenant.warnings += unended
            try:
                plan = make_plan(module.params, tenant)
                applied = dry_run(plan) if module.check_mode else apply(plan, client, journal=journal, parent=parent)
            except (ApplyFailed, ApplyInterrupted) as error:
                progress = {"changed": error.result.changed, "steps": error.result.as_result()}
                is_over = isinstance(error, GoalNotReached)
                progress |= _report(error.result, module._diff) if is_over else _reports(error.result)
                raise
        changed = applied.changed and not module.check_mode
        progress = {"changed": changed, "steps": applied.as_result()}
        result = _report(applied, module._diff)
        # Ansible does not show the message of a success at the usual verbosity.
        tenant.warnings += result.pop("warnings", [])
        _warn(module, client, tenant)
        module.exit_json(**without_surrogates(result, client))
    except (SystemExit, KeyboardInterrupt):
        raise
    # In the process of Ansible, the time limit of a task is an exception of Ansible's, and no Exception.
    except BaseException as error:
        result = error_result(error, progress)
    _warn(module, client, tenant)
    try:
        module.fail_json(**without_surrogates(result, client))
    except Exception as error:
        module.warn(
            client.scrubbed(f"A part of the result cannot be written, and is left out ({type(error).__name__}).")
        )
        module.fail_json(**{name: result[name] for name in _NEEDED if name in result})


def _journal(module: AnsibleModule, path: str | None, client: Client) -> RunJournal:
    """Return the journal at a path, for the task of a module."""
    params = module.params
    bypasses = params.get("implicitly_approve_requests") or params.get("bypass_approval")
    return RunJournal(
        path,
        client.scrubbed,
        module=module._name,
        actor=params.get("acting_user"),
        bypass=params.get("bypass_reason") if bypasses else None,
        plan_hash=params.get("plan_hash"),
    )


def error_result(error: BaseException, progress: Mapping[str, Any]) -> dict[str, Any]:
    """Return the result of a task that an error ended, wherever code of this collection runs.

    Anything but a C(CakewalkError) is a defect of the collection. Ansible's own report of it would hold secrets.

    :param progress: what was done until then, with C(steps) if a plan was being applied; empty if that is not known.
    """
    if isinstance(error, CakewalkError):
        return {**progress, "msg": str(error), "error": error.facts()}
    cause: BaseException = error.__cause__ if isinstance(error, ApplyInterrupted) and error.__cause__ else error
    if not isinstance(cause, Exception):
        until_then = _UNTIL_THEN if "steps" in progress else "Nothing was changed."
        return {**progress, "msg": f"The time limit of the task ended the run. {until_then}", "error": _CUT_OFF}
    # Uncut, since Ansible takes out whole secrets only.
    text = printable(f"{type(cause).__name__}: {cause}", UNCUT)
    until_then = " Some writes may have been sent, so look at the tenant."
    if "steps" in progress:
        until_then = " 'steps' names what was done until then."
    elif progress.get("changed") is False:
        until_then = " Nothing was sent until then."
    return {
        **progress,
        "msg": f"This is a defect of the collection ({text}).{until_then} "
        "Please report it with its traceback. ANSIBLE_DISPLAY_TRACEBACK=error shows it, or -vvv before ansible-core "
        "2.19.",
        "exception": "".join(traceback.format_exception(cause)),
    }


def without_surrogates(told: dict[str, Any], client: Client) -> dict[str, Any]:
    """Return a result with C(?) for each lone surrogate: JSON can hold one, and Ansible refuses a result that does."""
    if not client.has_surrogates:
        return told
    whole: dict[str, Any] = json.loads(json.dumps(told, ensure_ascii=False).encode(errors="replace"))
    return whole


def _warn(module: AnsibleModule, client: Client, tenant: Tenant) -> None:
    for warning in [*tenant.warnings, *client.deprecations]:
        module.warn(client.scrubbed(warning))


def _report(applied: ApplyResult, with_diff: bool) -> dict[str, Any]:
    """Return the result of a plan whose steps were all applied, or predicted.

    A plan that manages nothing, as those of info modules, has no steps and no diff. Where nothing changed after all,
    the diff is empty, whatever was predicted.
    """
    result: dict[str, Any] = {}
    for stage in applied.stages:
        result |= stage.result
    result |= {"changed": applied.changed} | ({} if applied.is_dry_run else _reports(applied))
    if "stats" in result and applied.is_dry_run and applied.changed:
        # Nothing of what a dry run predicts is there yet.
        result["stats"] |= {name: False for name in result["stats"] if name.endswith("_complete")}
    managed = [(stage.before, stage.after) for stage in applied.stages if stage.before is not None]
    if managed:
        result = {"msg": message_of(applied), **result, "steps": applied.as_result()}
        diff = [entry for before, after in managed for entry in _diff(before, after or {})] if applied.changed else []
        result |= {"diff": diff} if with_diff else {}
    return result


def _reports(applied: ApplyResult) -> dict[str, Any]:
    """Return what the stages report about their steps."""
    result: dict[str, Any] = {}
    for stage in applied.stages:
        result |= stage.report(applied)
    return result


def _diff(before: State, after: State) -> list[dict[str, str]]:
    """Return a diff for each header, of the lines that change; nothing written in the tenant makes a line of its own.

    Lines are not cut, because two that differ in what is cut off would look unchanged.
    """
    diff = []
    for header in {**before, **after}:
        states = changed_lines(before.get(header, ()), after.get(header, ()))
        texts = ("".join(f"{printable(line, UNCUT)}\n" for line in lines) for lines in states)
        title = printable(header)
        diff.append(
            dict(zip(("before_header", "after_header", "before", "after"), (title, title, *texts), strict=True))
        )
    return diff
