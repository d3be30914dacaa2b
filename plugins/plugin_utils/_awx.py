# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWX or Automation Controller, by the collection that is installed for it: C(awx.awx) or C(ansible.controller)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from importlib import import_module
from typing import Any

from ansible.errors import AnsibleError

from ..module_utils._api.errors import CakewalkError, ConfigurationError
from ..module_utils._api.text import printable, redact, summarize
from ..module_utils._engine.controller_setup.calls import CREDENTIALS, ENVIRONMENTS, HOSTS, NODES, Call
from ..module_utils._engine.controller_setup.checks import HOLDERS, LINKS
from ..module_utils._engine.controller_setup.schema import DefinitionsRefused
from ..module_utils._engine.controller_setup.targets import Node, Target
from ._controller import ControllerAction

#: The first that is installed is used. C(awx.awx) is part of the package C(ansible), so having the other is a decision.
COLLECTIONS = ("ansible.controller", "awx.awx")
_LOGIN = ("controller_username", "controller_password")
_TOKEN = "controller_oauthtoken"
_CONNECTION = ("controller_host", "validate_certs", _TOKEN, *_LOGIN)
#: The name of a field, in an answer as Python shows it.
_FIELD = re.compile(r"['\"](\w+)['\"]: [\[{]")
#: The field by which the API finds an object within another one, by its kind.
_WITHIN = {HOSTS: "inventory", NODES: "workflow_job_template", "schedules": "unified_job_template"}


class AwxFailed(CakewalkError):
    """A module or the client of the collection for AWX failed; C(cause) is what it said."""

    kind = "awx"


class Awx:
    """Runs the modules of the collection, and reads objects as they do.

    :param action: whose task it is.
    :param params: the options of the task, among them those of the connection.
    :param secrets: texts that no message may hold.
    """

    def __init__(self, action: ControllerAction, params: Mapping[str, Any], secrets: list[str]) -> None:
        self._action = action
        self._collection = params["collection"] or _installed()
        self._connection = {name: params[name] for name in _CONNECTION if params[name] not in (None, "")}
        self._secrets = [*secrets, *(params[name] for name in ("controller_password", _TOKEN) if params[name])]
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
        for text in result.get("warnings", ()):
            self._warn(str(text))
        if result.get("failed"):
            response = result.get("response", {})
            answer = response.get("json", "") if isinstance(response, Mapping) else ""
            said = " ".join(filter(None, (str(result.get("msg", "")), str(answer or ""))))
            if call.target.section in HOLDERS:
                said = _without_values(said)
            raise AwxFailed(
                f"set up the {call.target}",
                self._shown(said, 800),
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

    def nodes(self, workflow: str, organization: str) -> dict[str, Node]:
        """Return the nodes of a workflow, by identifier; empty if AWX does not have the workflow.

        :raises AwxFailed: the API cannot be read.
        """
        target = Target("workflow_job_templates", workflow)
        found = self.find(target, organization)
        if not found:
            return {}
        rows = self._read(NODES, {"workflow_job_template": found["id"]}, f"list the nodes of the {target}")
        names = {row["id"]: row["identifier"] for row in rows}
        return {
            row["identifier"]: Node(
                row["summary_fields"].get("unified_job_template", {}).get("unified_job_type"),
                {link: [names[number] for number in row[link] if number in names] for link in LINKS},
            )
            for row in rows
        }

    def close(self) -> None:
        """Delete the token that stands for user name and password, if there is one."""
        if "_api" in vars(self):
            self._api.logout()

    def _read(self, section: str, query: Mapping[str, Any], action: str) -> list[dict[str, Any]]:
        try:
            rows: list[dict[str, Any]] = self._api.get_all_endpoint(section, data={**query, "page_size": 200})["json"][
                "results"
            ]
        except (AnsibleError, RuntimeError, KeyError) as error:
            raise AwxFailed(
                action,
                self._shown(str(error), 500),
                "Check the address and the token of AWX, and whether its user may read this.",
            ) from None
        token = self._api.oauth_token
        if token and _TOKEN not in self._connection:
            # Otherwise each module would create a token for itself.
            self._secrets.append(token)
            without = {name: value for name, value in self._connection.items() if name not in _LOGIN}
            self._connection = {**without, _TOKEN: token}
        return rows

    @cached_property
    def _api(self) -> Any:
        """The client of the modules. The lookup of the collection would leave a token in AWX at each use."""

        def fail(**facts: Any) -> None:
            raise AnsibleError(str(facts.get("msg")))

        module = import_module(f"ansible_collections.{self._collection}.plugins.module_utils.controller_api")
        return module.ControllerAPIModule(
            argument_spec={}, direct_params=dict(self._connection), error_callback=fail, warn_callback=self._warn
        )

    def _warn(self, text: str) -> None:
        text = redact(text, self._secrets)
        if text not in self.warnings:
            self.warnings.append(text)

    def _shown(self, text: str, most: int) -> str:
        """Return what a module or the API said, for a message."""
        return printable(redact(text, self._secrets), most).rstrip(".")


def _without_values(text: str) -> str:
    """Return a message of a module without what AWX says about its fields, since that can quote a part of a secret."""
    module, brace, answer = text.partition("{")
    return f"{module}AWX refuses {summarize(_FIELD.findall(answer))}" if brace else text


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
