# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Set up AWX or Automation Controller as a file says, by the modules of the collection that is installed for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from ansible.module_utils.basic import env_fallback

from ..module_utils._api.errors import CakewalkError
from ..module_utils._api.text import pluralize, summarize
from ..module_utils._engine.controller_setup.calls import (
    CREDENTIALS,
    ENVIRONMENTS,
    NOTIFICATIONS,
    REFERENCES,
    TYPES,
    Call,
    calls_of,
    named_elsewhere,
    node_calls,
)
from ..module_utils._engine.controller_setup.checks import problems_of, secret_fields
from ..module_utils._engine.controller_setup.kept import (
    ENCRYPTED,
    held_in,
    is_moved,
    kept_secrets,
    problem_of_move,
)
from ..module_utils._engine.controller_setup.schema import DefinitionsRefused
from ..module_utils._engine.controller_setup.targets import Target
from ..plugin_utils._awx import COLLECTIONS, Awx
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


class ActionModule(ControllerAction):
    """Runs the modules one after the other, and reports the outcome of each object."""

    def options(self) -> dict[str, Any]:
        return _OPTIONS

    def perform(self, params: Mapping[str, Any]) -> dict[str, Any]:
        definitions, secrets = read(params["path"]), _secrets_by_name(params["secrets"])
        problems = problems_of(definitions, secrets)
        if problems:
            raise DefinitionsRefused(problems)
        calls = calls_of(definitions, secrets)
        if not calls:
            return {"objects": [], "msg": "The file has no objects."}
        awx = Awx(self, params, list(_texts(secrets)))
        setup = _Setup(self, awx, definitions, secrets, params["update_secrets"])
        calls = setup.check(calls)
        try:
            for call in calls:
                setup.set_up(call)
        except CakewalkError as error:
            return failed_result(self, error, setup.result())
        return setup.result()


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


class _Setup:
    """One run over all objects of a file."""

    def __init__(
        self,
        action: ControllerAction,
        awx: Awx,
        definitions: Mapping[str, Any],
        secrets: Mapping[str, Mapping[str, Any]],
        update_secrets: bool,
    ) -> None:
        self._action, self._awx = action, awx
        self._definitions, self._secrets, self._update_secrets = definitions, secrets, update_secrets
        self._organization = definitions["organization"]
        #: What AWX has, as far as it was looked for.
        self._found: dict[Target, dict[str, Any]] = {}
        #: The outcome of each object, in the order of the run.
        self._outcomes: dict[Target, str] = {}
        #: The credentials that AWX does not have, and whose secrets are not given.
        self._left_out: list[str] = []

    def check(self, calls: Iterable[Call]) -> list[Call]:
        """Refuse what only AWX can tell to be wrong, and return the calls without those for credentials left out.

        :raises DefinitionsRefused: AWX lacks something that the file names, or has the name for something else.
        """
        calls = list(calls)
        needed = [Target("organizations", self._organization), *named_elsewhere(self._definitions, calls)]
        missing = [target for target in needed if not self._find(target, shared=True)]
        if missing:
            raise DefinitionsRefused([f"neither the file nor AWX has the {target}" for target in missing])
        known = self._known(needed)
        problems = [*problems_of(known, self._secrets), *self._problems_with_awx(calls)]
        if problems:
            raise DefinitionsRefused(problems)
        for entry in self._definitions[CREDENTIALS]:
            target = Target(CREDENTIALS, entry["name"])
            given = entry["inputs"].keys() | self._secrets.get(entry["name"], {}).keys()
            required = secret_fields(known, entry)[1]
            if (required - given or not given) and not self._find(target):
                self._outcomes[target] = "left_out"
                self._left_out.append(entry["name"])
        return [call for call in calls if call.target not in self._outcomes]

    def _known(self, needed: Iterable[Target]) -> dict[str, Any]:
        """Return the definitions with the credentials and the credential types of AWX that they name."""
        credentials = list(self._definitions[CREDENTIALS])
        for target in needed:
            if target.section == CREDENTIALS:
                kind = self._found[target]["summary_fields"]["credential_type"]["name"]
                credentials.append({"name": target.name, "credential_type": kind, "inputs": {}})
        own = {entry["name"] for entry in self._definitions[TYPES]}
        others = sorted({entry["credential_type"] for entry in credentials} - own)
        types = [found for name in others if (found := self._find(Target(TYPES, name)))]
        return {**self._definitions, CREDENTIALS: credentials, TYPES: [*self._definitions[TYPES], *types]}

    def _problems_with_awx(self, calls: Iterable[Call]) -> Iterator[str]:
        for call in calls:
            # Names of the other kinds are unique in an organization, and have no secrets.
            looked_for = (TYPES, CREDENTIALS, ENVIRONMENTS, NOTIFICATIONS)
            found = self._find(call.target) if call.target.section in looked_for else None
            is_changed = call.target.section == TYPES and found and found["inputs"] != call.options["inputs"]
            if found and is_changed and self._awx.has_credentials(found):
                yield (
                    f"AWX does not change the `inputs` of the {call.target}, which has credentials; "
                    "delete those in AWX, or give the type another name"
                )
            moved = found and problem_of_move(call, found, self._given(call))
            if moved:
                yield moved

    def _given(self, call: Call) -> set[str]:
        """Return the names of the secrets that are given for an object."""
        return set(self._secrets.get(call.target.name, {}))

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

    def _find(self, target: Target, shared: bool = False) -> dict[str, Any] | None:
        found = self._found.get(target) or self._awx.find(target, self._organization, shared)
        if found:
            self._found[target] = found
        return found

    def _with_ids(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return options with ids in place of names, since other organizations may have the same names."""

        def identified(section: str, name: str) -> str:
            found = self._find(Target(section, name))
            return str(found["id"]) if found else name

        return {
            option: value
            if option not in REFERENCES
            else identified(REFERENCES[option], value)
            if isinstance(value, str)
            else [identified(REFERENCES[option], name) for name in value]
            for option, value in options.items()
        }

    def _adjusted(self, call: Call) -> Call:
        """Return a call without what AWX has already or lacks, as far as only AWX can tell."""
        options = dict(call.options)
        if CREDENTIALS in options:
            options[CREDENTIALS] = [name for name in options[CREDENTIALS] if name not in self._left_out]
        held = held_in(call.target.section)
        found = self._find(call.target) if held else None
        if held and found:
            moved = is_moved(call, found)
            sent = self._given(call) if self._update_secrets or moved else set()
            kept = set() if moved else kept_secrets(found, held) - sent
            options[held] = {**options[held], **dict.fromkeys(kept, ENCRYPTED)}
            if call.target.section == CREDENTIALS:
                options["update_secrets"] = bool(sent)
            elif options[held].items() <= found[held].items():
                # The module would send what is equal, if it has a secret, and call that a change.
                del options[held]
        return replace(call, options=options)

    def _run(self, call: Call) -> None:
        self._action._display.v(str(call.target))
        if self._action._task.check_mode:
            self._foresee(call)
            return
        result = self._run_module(call)
        if result.get("changed"):
            # Only the answer to a creation has the name.
            self._note(call, "created" if "name" in result else "changed")

    def _run_module(self, call: Call) -> Mapping[str, Any]:
        return self._awx.run(replace(call, options=self._with_ids(call.options)), self._action.task_vars)

    def _foresee(self, call: Call) -> None:
        """Find out what a run would do. The modules fail at names of objects that do not exist yet."""
        if self._outcomes[call.target] == "created":
            return
        if not self._find(call.target):
            self._note(call, "created")
        elif any(map(self._is_new, call.needs)) or self._run_module(call).get("changed"):
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
