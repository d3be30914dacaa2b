# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way in: the only file that knows AnsibleModule, check mode, exit_json and fail_json."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from .._api.client import Client
from .._api.errors import CakewalkError
from .._api.text import printable
from .._api.transport import REQUESTS_IMPORT_ERROR
from .._engine.core.plan import ApplyFailed, ApplyResult, GoalNotReached, Plan, apply, dry_run
from .._engine.core.tenant import Tenant
from .arguments import connection_of


def run_module(spec: dict[str, Any], plan: Callable[[dict[str, Any], Tenant], Plan]) -> None:
    """Run a module: plan, carry the plan out unless in check mode, report.

    :param spec: what C(arguments.spec) returns.
    :param plan: reads the tenant and returns what must change; it cannot write.
    """
    module = AnsibleModule(supports_check_mode=True, **spec)
    if REQUESTS_IMPORT_ERROR:
        module.fail_json(msg=missing_required_lib("requests"), exception=REQUESTS_IMPORT_ERROR)
    try:
        _run(module, plan)
    except Exception as error:
        # Told like other failures, since what Ansible tells by itself of a module that breaks holds secrets.
        module.fail_json(
            msg=f"This is a defect of the collection ({printable(f'{type(error).__name__}: {error}')}). What was sent "
            "until then is not known, so look at the tenant. Please report it with the traceback, which is shown with "
            "ANSIBLE_DISPLAY_TRACEBACK=error, or -vvv before ansible-core 2.19.",
            exception=traceback.format_exc(),
        )


def _run(module: AnsibleModule, plan: Callable[[dict[str, Any], Tenant], Plan]) -> None:
    try:
        client = Client(connection_of(module.params))
        tenant = Tenant(client, module.params["known_statuses"])
    except CakewalkError as error:
        module.fail_json(msg=str(error), error=error.facts())
    try:
        planned = plan(module.params, tenant)
    except CakewalkError as error:
        _fail(module, client, tenant, error)
    try:
        outcome = dry_run(planned) if module.check_mode else apply(planned, client)
    except GoalNotReached as error:
        foreseen = replace(planned, concluded=None)
        _fail(module, client, tenant, error, **_report(foreseen, error.outcome, module.check_mode, module._diff))
    except ApplyFailed as error:
        _fail(module, client, tenant, error, **_progress(planned, error.outcome))
    told = _report(planned, outcome, module.check_mode, module._diff)
    # What a success has to say is not shown at the usual verbosity.
    tenant.warnings += [told["msg"]] if "msg" in told else []
    _warn(module, client, tenant)
    module.exit_json(**_in_whole_characters(told, client))


def _fail(module: AnsibleModule, client: Client, tenant: Tenant, error: CakewalkError, **told: Any) -> None:
    _warn(module, client, tenant)
    module.fail_json(msg=str(error), **_in_whole_characters({"error": error.facts(), **told}, client))


def _in_whole_characters(told: dict[str, Any], client: Client) -> dict[str, Any]:
    """Return results with C(?) for halves of characters: JSON can bring them, and Ansible refuses a result with one."""
    if not client.has_surrogates:
        return told
    whole: dict[str, Any] = json.loads(json.dumps(told, ensure_ascii=False).encode(errors="replace"))
    return whole


def _warn(module: AnsibleModule, client: Client, tenant: Tenant) -> None:
    for warning in [*tenant.warnings, *client.deprecations]:
        module.warn(client.scrubbed(warning))


def _progress(planned: Plan, outcome: ApplyResult) -> dict[str, Any]:
    """Return how far a run came that failed at a step."""
    inverse = planned.inverse(outcome) if planned.inverse else {}
    return {"changed": outcome.changed, "steps": outcome.as_result(), **inverse}


def _report(planned: Plan, outcome: ApplyResult, only_foreseen: bool, with_diff: bool) -> dict[str, Any]:
    """Return what a plan whose steps were all carried out, or foreseen, has to tell.

    A plan that manages nothing, as those of info modules, has no steps and no diff. Where nothing changed after all,
    the diff is empty, whatever was foreseen.
    """
    told = {**planned.result, "changed": planned.changed if only_foreseen else outcome.changed}
    if planned.concluded and not only_foreseen:
        told |= planned.concluded(outcome)
    if planned.inverse and not only_foreseen:
        told |= planned.inverse(outcome)
    if planned.before is not None and planned.after is not None:
        told["steps"] = outcome.as_result()
        told |= {"diff": _diff(planned.before, planned.after) if told["changed"] else []} if with_diff else {}
    return told


def _diff(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return a diff for each thing that changes, so that its name stands above it; a list has a line for each item."""
    return [
        {
            "before_header": printable(name),
            "after_header": printable(name),
            "before": _lines(before.get(name)),
            "after": _lines(after.get(name)),
        }
        for name in {**before, **after}
    ]


def _lines(state: Any) -> str:
    """Return a state as lines of text, in which nothing that people wrote in the tenant can make a line of its own."""
    lines = state if isinstance(state, list) else json.dumps(state, indent=2, sort_keys=True).splitlines()
    return "" if state is None else "".join(f"{printable(line)}\n" for line in lines)
