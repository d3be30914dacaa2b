# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWX or Automation Controller, by the collection that is installed for it: C(awx.awx) or C(ansible.controller)."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.loader import lookup_loader

from ..module_utils._api.errors import CakewalkError, ConfigurationError
from ..module_utils._api.text import printable, redact
from ..module_utils._engine.controller_setup.calls import CREDENTIALS, ENVIRONMENTS, HOSTS, NODES, Call
from ..module_utils._engine.controller_setup.schema import DefinitionsRefused
from ..module_utils._engine.controller_setup.targets import Target
from ._controller import ControllerAction

#: The first that is installed is used. C(awx.awx) is part of the package C(ansible), so having the other is a decision.
COLLECTIONS = ("ansible.controller", "awx.awx")
#: The options of the connection, as the modules have them, by their names in the lookup C(controller_api).
CONNECTION = {
    "host": "controller_host",
    "username": "controller_username",
    "password": "controller_password",
    "oauth_token": "controller_oauthtoken",
    "verify_ssl": "validate_certs",
}
_SECRETS = ("controller_password", "controller_oauthtoken")
#: The field by which the API finds an object within another one, by its kind.
_WITHIN = {HOSTS: "inventory", NODES: "workflow_job_template", "schedules": "unified_job_template"}


class AwxFailed(CakewalkError):
    """A module or the lookup of the collection for AWX failed; C(cause) is what it said."""

    kind = "awx"


class Awx:
    """Runs the modules of the collection, and reads objects by its lookup.

    :param action: whose task it is.
    :param params: the options of the task, among them those of the connection.
    :param secrets: texts that no message may hold.
    """

    def __init__(self, action: ControllerAction, params: Mapping[str, Any], secrets: list[str]) -> None:
        self._action = action
        self._collection = params["collection"] or _installed()
        given = {name: params[name] for name in CONNECTION.values() if params[name] is not None}
        self._connection = given
        self._of_lookup = {name: given[option] for name, option in CONNECTION.items() if option in given}
        self._secrets = [*secrets, *(given[name] for name in _SECRETS if name in given)]
        #: What the modules warned of.
        self.warnings: list[str] = []

    def run(self, call: Call) -> Mapping[str, Any]:
        """Run a module, and return its result.

        :raises AwxFailed: it failed.
        """
        task = self._action._task
        told, task.no_log = task.no_log, True
        try:
            # Modules log their options, and not each knows which of them are secret.
            result = self._action._execute_module(
                module_name=f"{self._collection}.{call.target.module}",
                module_args={**call.options, **self._connection},
                task_vars=self._action.task_vars,
            )
        finally:
            task.no_log = told
        warnings = redact([str(text) for text in result.get("warnings", ())], self._secrets)
        self.warnings += [text for text in warnings if text not in self.warnings]
        if result.get("failed"):
            response = result.get("response", {})
            answer = response.get("json", "") if isinstance(response, Mapping) else ""
            said = " ".join(filter(None, (str(result.get("msg", "")), printable(answer, 500) if answer else "")))
            raise AwxFailed(
                f"set up the {call.target}",
                redact(printable(said, 800).rstrip("."), self._secrets),
                "Objects before it are set up. Correct the cause, and run it again: what is set up stays as it is.",
            )
        return dict(result)

    def find(self, target: Target, organization: str, shared: bool = False) -> dict[str, Any] | None:
        """Return an object as the API has it, or C(None).

        :param organization: of the object, if its kind has one.
        :param shared: whether an object of no organization will do.
        :raises AwxFailed: the API cannot be read.
        :raises DefinitionsRefused: several objects have the name, or another organization has taken it.
        """
        query: dict[str, Any] = {"identifier" if target.section == NODES else "name": target.name}
        if target.section in _WITHIN:
            within = _WITHIN[target.section]
            query |= {f"{within}__name": target.within, f"{within}__organization__name": organization}
        rows = self._read(target.section, query, f"find the {target}")
        found = [row for row in rows if "organization" not in row or _organization(row) == organization]
        found = found or [row for row in rows if shared and row["organization"] is None]
        if len(found) > 1:
            raise DefinitionsRefused([f"the {target} exists {len(found)} times in AWX; rename all but one"])
        if rows and not found and target.section == ENVIRONMENTS:
            owner = _organization(rows[0])
            owned = f"the organization {printable(owner)!r}" if owner else "all organizations"
            raise DefinitionsRefused(
                [f"the {target} belongs to {owned}, and AWX takes each of these names once; choose another name"]
            )
        return found[0] if found else None

    def has_credentials(self, kind: Mapping[str, Any]) -> bool:
        """Return whether there are credentials of a type.

        :raises AwxFailed: the API cannot be read.
        """
        of_kind = {"credential_type": kind["id"]}
        return bool(self._read(CREDENTIALS, of_kind, f"list the credentials of the type {printable(kind['name'])!r}"))

    def nodes(self, workflow: str, organization: str) -> dict[str, str | None]:
        """Return the types of the templates of a workflow's nodes, by identifier; empty before there is a workflow.

        :raises AwxFailed: the API cannot be read.
        """
        target = Target("workflow_job_templates", workflow)
        found = self.find(target, organization)
        if not found:
            return {}
        nodes = self._read(NODES, {"workflow_job_template": found["id"]}, f"list the nodes of the {target}")
        templates = {node["identifier"]: node["summary_fields"].get("unified_job_template", {}) for node in nodes}
        return {identifier: template.get("unified_job_type") for identifier, template in templates.items()}

    def _read(self, section: str, query: Mapping[str, Any], action: str) -> list[dict[str, Any]]:
        lookup = lookup_loader.get(
            f"{self._collection}.controller_api", loader=self._action._loader, templar=self._action._templar
        )
        options = {"query_params": {**query, "page_size": 200}, "return_all": True, "return_objects": True}
        try:
            rows: list[dict[str, Any]] = lookup.run([section], variables={}, **options, **self._of_lookup)
        except AnsibleError as error:
            raise AwxFailed(
                action,
                redact(printable(str(error).rstrip("."), 500), self._secrets),
                "Check the address and the token of AWX, and whether its user may read this.",
            ) from None
        return rows


def _organization(found: Mapping[str, Any]) -> str | None:
    organization = found.get("summary_fields", {}).get("organization", {})
    name: str | None = organization.get("name")
    return name


def _installed() -> str:
    """Return the collection that is installed.

    :raises ConfigurationError: neither is.
    """
    for collection in COLLECTIONS:
        with suppress(ImportError):
            import_module(f"ansible_collections.{collection}")
            return collection
    raise ConfigurationError(
        "set up AWX",
        "neither the collection awx.awx nor ansible.controller is installed",
        "Install awx.awx for AWX (`ansible-galaxy collection install awx.awx`), or ansible.controller for Automation "
        "Controller.",
        option="collection",
    )
