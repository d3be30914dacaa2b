# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Set up AWX or Automation Controller as a file says, by the modules of the collection that is installed for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible.module_utils.basic import env_fallback

from ..module_utils._engine.controller_setup.calls import calls_of
from ..module_utils._engine.controller_setup.checks import problems_of
from ..module_utils._engine.controller_setup.existing import Existing
from ..module_utils._engine.controller_setup.outcomes import Outcomes
from ..module_utils._engine.controller_setup.schema import DefinitionsRefused
from ..plugin_utils._awx import COLLECTIONS, Awx
from ..plugin_utils._awx_definitions import read
from ..plugin_utils._awx_setup import AwxSetup
from ..plugin_utils._controller import ControllerAction
from ..plugin_utils._in_process import failed_result


def _connection(variable: str, **option: Any) -> dict[str, Any]:
    return {"type": "str", "fallback": (env_fallback, [variable]), **option}


_OPTIONS: dict[str, Any] = {
    "path": {"type": "path", "required": True},
    "secrets": {"type": "dict", "default": {}, "no_log": True},
    "update_secrets": {"type": "bool", "default": False, "no_log": False},
    "collection": {"type": "str", "choices": list(COLLECTIONS)},
    "controller_host": _connection("CONTROLLER_HOST"),
    "controller_username": _connection("CONTROLLER_USERNAME"),
    "controller_password": _connection("CONTROLLER_PASSWORD", no_log=True),
    "controller_oauthtoken": _connection("CONTROLLER_OAUTH_TOKEN", no_log=True),
    "validate_certs": _connection("CONTROLLER_VERIFY_SSL", type="bool"),
}


class ActionModule(ControllerAction):
    """Runs the modules one after the other, and reports the outcome of each object."""

    def options(self) -> dict[str, Any]:
        return _OPTIONS

    def perform(self, params: Mapping[str, Any]) -> dict[str, Any]:
        definitions, secrets = read(params["path"]), _secrets_by_name(params["secrets"])
        problems = problems_of(definitions, secrets)
        if problems:
            raise DefinitionsRefused(problems)
        calls, check_mode = calls_of(definitions, secrets), self._task.check_mode
        if not calls:
            return {"objects": [], "stats": Outcomes([]).stats(check_mode), "msg": "The file has no objects."}
        awx = Awx(self, params, list(_texts(secrets)))
        existing = Existing(awx, definitions, secrets, params["update_secrets"])
        try:
            calls = existing.check(calls)
            outcomes = Outcomes(existing.left_out)
            setup = AwxSetup(awx, existing, outcomes, definitions, check_mode)
            try:
                for call in calls:
                    setup.set_up(call)
            except Exception as error:
                # No kind of failure may hide the outcomes so far.
                return failed_result(self, error, outcomes.result(check_mode, awx.warnings))
            return {**outcomes.result(check_mode, awx.warnings), "stats": outcomes.stats(check_mode)}
        finally:
            awx.close()


def _secrets_by_name(secrets: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the secrets that are given by the name of what holds them, without blank ones.

    :raises DefinitionsRefused: they have another form.
    """
    wrong = [str(name) for name, inputs in secrets.items() if inputs and not isinstance(inputs, Mapping)]
    if wrong:
        raise DefinitionsRefused(
            [f"the secrets of {name!r} are not a mapping of input names to values" for name in wrong]
        )
    given = {
        str(name): {field: value for field, value in inputs.items() if value is not None and str(value).strip()}
        for name, inputs in secrets.items()
        if inputs
    }
    return {name: inputs for name, inputs in given.items() if inputs}


def _texts(value: Any) -> Iterator[str]:
    """Yield the texts and numbers in a value."""
    if isinstance(value, (Mapping, list)):
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(inner)
    elif value is not None and not isinstance(value, bool):
        yield str(value)
