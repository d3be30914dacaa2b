# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Set up AWX or Automation Controller as a file says, by the modules of the collection that is installed for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from ansible.module_utils.basic import env_fallback

from ..module_utils._api.errors import CakewalkError
from ..module_utils._api.text import pluralize, summarize
from ..module_utils._engine.controller_setup.calls import (
    CREDENTIALS,
    NOTIFICATIONS,
    Call,
    Target,
    calls_of,
    named_elsewhere,
    node_calls,
)
from ..module_utils._engine.controller_setup.checks import problems_of
from ..module_utils._engine.controller_setup.schema import DefinitionsRefused
from ..plugin_utils._awx import COLLECTIONS, Awx, words
from ..plugin_utils._awx_definitions import read
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
_ENCRYPTED = "$encrypted$"
_SECRET_CONFIGURATION = "notification_configuration"


class ActionModule(ControllerAction):
    """Runs the modules one after the other, and reports the outcome of each object."""

    def options(self) -> dict[str, Any]:
        return _OPTIONS

    def perform(self, params: Mapping[str, Any]) -> dict[str, Any]:
        definitions, secrets = read(params["path"]), _by_credential(params["secrets"])
        problems = problems_of(definitions, secrets)
        if problems:
            raise DefinitionsRefused(problems)
        calls = calls_of(definitions, secrets)
        if not calls:
            return {"objects": [], "msg": "The file has no objects."}
        hidden = [str(value) for inputs in secrets.values() for value in inputs.values()]
        setup = _Setup(self, Awx(self, params, hidden), definitions, params["update_secrets"])
        setup.check_names(calls)
        try:
            for call in calls:
                setup.set_up(call)
        except CakewalkError as error:
            return failed_result(self, error, setup.result())
        return setup.result()


def _by_credential(secrets: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the secrets that are given by the name of their credential, without blank ones.

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


class _Setup:
    """One run over all objects of a file."""

    def __init__(
        self, action: ControllerAction, awx: Awx, definitions: Mapping[str, Any], update_secrets: bool
    ) -> None:
        self._action, self._awx = action, awx
        self._definitions, self._update_secrets = definitions, update_secrets
        self._organization = definitions["organization"]
        #: The outcome of each object, in the order of the run.
        self._outcomes: dict[Target, str] = {}
        #: The credentials that AWX does not have, and whose secrets are not given.
        self._left_out: list[str] = []

    def check_names(self, calls: Iterable[Call]) -> None:
        """Refuse names that neither the file nor AWX has, and keep credentials whose secrets are not given.

        :raises DefinitionsRefused: AWX lacks something that the file names.
        """
        calls = list(calls)
        needed = [Target("organizations", self._organization), *named_elsewhere(self._definitions, calls)]
        missing = [target for target in needed if not self._find(target)]
        if missing:
            raise DefinitionsRefused([f"neither the file nor AWX has the {words(target)}" for target in missing])
        set_up = {call.target for call in calls}
        for entry in self._definitions[CREDENTIALS]:
            target = Target(CREDENTIALS, entry["name"])
            if target not in set_up:
                found = self._find(target)
                self._outcomes[target] = "unchanged" if found else "left_out"
                self._left_out += [] if found else [entry["name"]]

    def set_up(self, call: Call) -> None:
        """Set up an object; after a workflow, also its nodes."""
        self._outcomes.setdefault(call.target, "unchanged")
        self._run(self._adjusted(call))
        for workflow in self._definitions["workflow_job_templates"]:
            if call.target == Target("workflow_job_templates", workflow["name"]):
                existing = self._awx.nodes(workflow["name"], self._organization)
                for of_node in node_calls(workflow, self._organization, existing):
                    self._outcomes.setdefault(of_node.target, "unchanged")
                    self._run(of_node)

    def result(self) -> dict[str, Any]:
        """Return the result of the task."""
        counts = Counter(self._outcomes.values())
        would = "would be " if self._action._task.check_mode else ""
        parts = [
            f"{counts[outcome]} {'' if outcome == 'unchanged' else would}{outcome}"
            for outcome in ("created", "changed", "removed", "unchanged")
            if counts[outcome]
        ]
        warnings = list(self._awx.warnings)
        if self._left_out:
            warnings.append(
                f"Without their secrets, these credentials were left out, also from job templates: "
                f"{summarize(self._left_out)}. Create them in AWX, or give `secrets`, and run this again."
            )
        return {
            "changed": any(counts[outcome] for outcome in ("created", "changed", "removed")),
            "objects": [
                {"type": target.module, "name": target.name, "within": target.within, "outcome": outcome}
                for target, outcome in self._outcomes.items()
                if outcome != "unchanged"
            ],
            "summary": dict(counts),
            "msg": f"{pluralize(len(self._outcomes), 'object', 'objects')} of AWX: {', '.join(parts)}.",
            "warnings": warnings,
            # Ansible shows the result without -v then, as it does for debug.
            "_ansible_verbose_always": True,
        }

    def _find(self, target: Target) -> dict[str, Any] | None:
        return self._awx.find(target, self._organization)

    def _adjusted(self, call: Call) -> Call:
        """Return a call without what AWX has already or lacks, as far as only AWX can tell."""
        options = dict(call.options)
        if CREDENTIALS in options:
            options[CREDENTIALS] = [name for name in options[CREDENTIALS] if name not in self._left_out]
        if call.target.section == CREDENTIALS:
            options["update_secrets"] = self._update_secrets
        if call.target.section == NOTIFICATIONS and not self._update_secrets:
            found = self._find(call.target)
            # The module would send the secrets at each run, and call that a change.
            if found and _could_be_equal(found[_SECRET_CONFIGURATION], options[_SECRET_CONFIGURATION]):
                del options[_SECRET_CONFIGURATION]
        needs = tuple(need for need in call.needs if need.section != CREDENTIALS or need.name not in self._left_out)
        return Call(call.target, options, needs)

    def _run(self, call: Call) -> None:
        self._action._display.v(words(call.target))
        if self._action._task.check_mode:
            self._foresee(call)
            return
        result = self._awx.run(call, self._action.task_vars)
        if result.get("changed"):
            # Only the answer to a creation has the name.
            self._note(call, "created" if "name" in result else "changed")

    def _foresee(self, call: Call) -> None:
        """Find out what a run would do. The modules fail at names of objects that do not exist yet."""
        if self._outcomes[call.target] == "created":
            return
        if not self._find(call.target):
            self._note(call, "created")
        elif any(map(self._is_new, call.needs)) or self._awx.run(call, self._action.task_vars).get("changed"):
            self._note(call, "changed")

    def _is_new(self, target: Target) -> bool:
        return self._outcomes.get(target) == "created"

    def _note(self, call: Call, outcome: str) -> None:
        known = self._outcomes[call.target]
        if call.options.get("state") == "absent":
            outcome = "removed"
        elif known == "removed":
            outcome = "changed"
        self._outcomes[call.target] = known if known == "created" else outcome


def _could_be_equal(found: Any, wanted: Any) -> bool:
    """Return whether a value of AWX is the one wanted, where AWX does not show secrets."""
    if isinstance(found, Mapping) and isinstance(wanted, Mapping):
        return all(name in found and _could_be_equal(found[name], value) for name, value in wanted.items())
    return bool(found in (_ENCRYPTED, wanted))
