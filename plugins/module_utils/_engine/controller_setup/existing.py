# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects that AWX has already, and the calls that follow from them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from ..._api.text import printable
from .calls import CREDENTIALS, ENVIRONMENTS, NODES, NOTIFICATIONS, REFERENCES, TYPES, Call, named_elsewhere, node_of
from .checks import LINKS, RUNNABLE, Definitions, Entry, Secrets, problems_of, secret_fields
from .kept import ENCRYPTED, held_in, is_moved, kept_secrets, problem_of_move
from .schema import DefinitionsRefused
from .targets import Node, Target

#: The kinds whose names are unique across organizations, and the kinds that hold secrets.
_CHECKED = (TYPES, CREDENTIALS, ENVIRONMENTS, NOTIFICATIONS)


class Reader(Protocol):
    """Reads AWX."""

    def find(self, target: Target, organization: str, shared: bool = False) -> dict[str, Any] | None:
        """Return an object as the API has it, or C(None)."""

    def has_credentials(self, kind: Mapping[str, Any]) -> bool:
        """Return whether there are credentials of a type."""

    def nodes(self, workflow: str, organization: str) -> dict[str, Node]:
        """Return the nodes of a workflow, by identifier; empty if AWX does not have the workflow."""


class Existing:
    """The objects of AWX that a file defines or names; those that were found are not looked for again.

    :param definitions: complete, and without problems.
    :param secrets: the secret values by the name of what holds them.
    :param update_secrets: whether secrets are sent although AWX has some.
    """

    def __init__(self, reader: Reader, definitions: Definitions, secrets: Secrets, update_secrets: bool) -> None:
        self._reader, self._definitions, self._organization = reader, definitions, definitions["organization"]
        self._secrets, self._update_secrets = secrets, update_secrets
        self._found: dict[Target, dict[str, Any]] = {}
        #: The identifiers of the nodes that the workflows of the file have, by the name of the workflow.
        self.nodes: dict[str, Sequence[str]] = {}
        #: The credentials that AWX does not have, and whose secrets are not given. C(adjusted) leaves them out.
        self.left_out: list[Target] = []

    def find(self, target: Target, shared: bool = False) -> dict[str, Any] | None:
        """Return an object as the API has it, or C(None).

        :param shared: whether an object of no organization will do.
        """
        found = self._found.get(target) or self._reader.find(target, self._organization, shared)
        if found:
            self._found[target] = found
        return found

    def read_again(self, target: Target) -> dict[str, Any] | None:
        """Return an object as the API has it by now, or C(None)."""
        self._found.pop(target, None)
        return self.find(target)

    def check(self, calls: Sequence[Call]) -> list[Call]:
        """Refuse what only AWX can tell to be wrong.

        :return: the calls that can be made, which are those without C(left_out).
        :raises DefinitionsRefused: AWX lacks something that the file names, or has the name for something else.
        """
        needed = [Target("organizations", self._organization), *named_elsewhere(self._definitions, calls)]
        missing = [target for target in needed if not self.find(target, shared=True)]
        if missing:
            raise DefinitionsRefused([f"neither the file nor AWX has the {target}" for target in missing])
        known = self._known(needed)
        problems = [*problems_of(known, self._secrets), *self._problems(calls)]
        for workflow in self._definitions["workflow_job_templates"]:
            nodes = self._reader.nodes(workflow["name"], self._organization)
            self.nodes[workflow["name"]] = list(nodes)
            problems += _node_problems(workflow, nodes)
        problems += self._schedule_problems()
        if problems:
            raise DefinitionsRefused(problems)
        self.left_out = [
            Target(CREDENTIALS, entry["name"])
            for entry in self._definitions[CREDENTIALS]
            if self._lacks_secrets(entry, secret_fields(known, entry)[1])
        ]
        names = {target.name for target in self.left_out}
        missing = [call.target for call in calls if call.options.get("credential") in names]
        if missing:
            raise DefinitionsRefused(
                [f"the {target} has a credential whose secrets neither AWX has nor `secrets`" for target in missing]
            )
        return [call for call in calls if call.target not in self.left_out]

    def _known(self, needed: Iterable[Target]) -> dict[str, Any]:
        """Return the definitions with the credentials and the credential types of AWX that they name."""
        credentials = list(self._definitions[CREDENTIALS])
        for target in needed:
            if target.section == CREDENTIALS:
                kind = self._found[target]["summary_fields"]["credential_type"]["name"]
                credentials.append({"name": target.name, "credential_type": kind, "inputs": {}})
        own = {entry["name"] for entry in self._definitions[TYPES]}
        others = sorted({entry["credential_type"] for entry in credentials} - own)
        types = [found for name in others if (found := self.find(Target(TYPES, name)))]
        return {**self._definitions, CREDENTIALS: credentials, TYPES: [*self._definitions[TYPES], *types]}

    def _problems(self, calls: Iterable[Call]) -> Iterator[str]:
        for call in calls:
            found = self.find(call.target) if call.target.section in _CHECKED else None
            if not found:
                continue
            is_changed = call.target.section == TYPES and found["inputs"] != call.options["inputs"]
            if is_changed and self._reader.has_credentials(found):
                yield (
                    f"AWX does not change the `inputs` of the {call.target}, which has credentials; "
                    "delete those in AWX, or give the type another name"
                )
            moved = problem_of_move(call, found, self._given(call.target))
            if moved:
                yield moved

    def _schedule_problems(self) -> Iterator[str]:
        """Yield schedules whose template has the name of something else, since the module looks for all kinds."""
        for schedule in self._definitions["schedules"]:
            name = schedule["unified_job_template"]
            own = {section for section in RUNNABLE for entry in self._definitions[section] if entry["name"] == name}
            for other in (Target(section, name) for section in RUNNABLE if section not in own):
                if self.find(other):
                    target = Target("schedules", schedule["name"], name)
                    yield f"AWX has the {other} besides the template of the {target}; rename one of them"

    def _given(self, target: Target) -> set[str]:
        """Return the names of the secrets that are given for an object."""
        return set(self._secrets.get(target.name, {}))

    def _lacks_secrets(self, credential: Mapping[str, Any], required: set[str]) -> bool:
        """Return whether a credential cannot be created, and AWX does not have it."""
        target = Target(CREDENTIALS, credential["name"])
        given = credential["inputs"].keys() | self._given(target)
        return bool(required - given or not given) and not self.find(target)

    def adjusted(self, call: Call) -> Call:
        """Return a call without what AWX has already or lacks, as far as only AWX can tell."""
        options = dict(call.options)
        if CREDENTIALS in options:
            left_out = {target.name for target in self.left_out}
            options[CREDENTIALS] = [name for name in options[CREDENTIALS] if name not in left_out]
        held = held_in(call.target.section)
        found = self.find(call.target) if held else None
        if held and found:
            moved = is_moved(call, found)
            sent = self._given(call.target) if self._update_secrets or moved else set()
            kept = set() if moved else kept_secrets(found, held) - sent
            options[held] = {**options[held], **dict.fromkeys(kept, ENCRYPTED)}
            if call.target.section == CREDENTIALS:
                options["update_secrets"] = bool(sent)
            elif options[held].items() <= found[held].items():
                # The module would send what is equal, if it has a secret, and call that a change.
                del options[held]
        return replace(call, options=options)

    def with_ids(self, call: Call) -> Call:
        """Return a call with ids in place of names, since other organizations may have the same names."""

        def identified(section: str, name: str) -> str:
            found = self.find(Target(section, name))
            return str(found["id"]) if found else name

        # The module of schedules finds a template by its name only.
        of_nodes = {"unified_job_template": "job_templates"} if call.target.section == NODES else {}
        sections = {**REFERENCES, **of_nodes}
        options = {
            option: value
            if option not in sections
            else identified(sections[option], value)
            if isinstance(value, str)
            else [identified(sections[option], name) for name in value]
            for option, value in call.options.items()
        }
        return replace(call, options=options)


def _node_problems(workflow: Entry, nodes: Mapping[str, Node]) -> Iterator[str]:
    """Yield changes of nodes that AWX refuses, or during which a later node would start with the workflow."""
    for node in workflow["nodes"]:
        had, at = nodes.get(node["identifier"]), node_of(workflow, node["identifier"])
        if not had:
            continue
        if node["approval"] and had.runs not in (None, "workflow_approval"):
            yield f"the {at} runs a job in AWX and is an approval in the file; give the approval another identifier"
        for link in LINKS:
            others = {child for other in LINKS if other != link for child in had.links[other]}
            for child in sorted(others & set(node[link])):
                yield (
                    f"the {at} leads to {printable(child)!r} after another outcome in AWX, which AWX does not change; "
                    "give one of the nodes another identifier"
                )
