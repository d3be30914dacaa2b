# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every module that reads for a role: what it reads, and where dialects make its answer another one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from ansible_collections.cakewalk.access.plugins.module_utils._api.client import Client
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.apply import dry_run
from ansible_collections.cakewalk.access.plugins.module_utils._engine.core.tenant import Tenant
from ansible_collections.cakewalk.access.plugins.modules import (
    cakewalk_access_as_code,
    cakewalk_joiner,
    cakewalk_leaver,
    cakewalk_mover,
)
from contract.fixtures import CONNOR, ERIN, OLGA, validated
from contract.scenarios import KNOWN, PETRA, code_of
from sandbox.process import Sandbox

Data = dict[str, Any]

_UNKNOWN = {"unknown_values some": "configuration", "unknown_values all": "configuration"}


def footprint(answer: Data) -> Data:
    """Return what is taken away from a leaver and what stays, without the words of the tenant."""
    (entry,) = answer["people"]
    left = {name: sorted((one["what"], one["id"]) for one in entry[name]) for name in ("waiting", "by_hand")}
    return {**left, "user": entry["user"]["id"], "steps": answer["steps"]}


def onboarding(answer: Data) -> Data:
    """Return what a joiner gets, without the words of the tenant."""
    (entry,) = answer["people"]
    outcomes = [(row["app_id"], row["outcome"]) for row in entry["accesses"]]
    waits = sorted(row["id"] for row in entry["waiting"])
    return {"outcomes": outcomes, "waiting": waits, "errors": entry["errors"], "steps": answer["steps"]}


@dataclass(frozen=True)
class ReadScenario:
    """A task that reads.

    :param options: its options, from the tenant.
    :param refused: by "question word" of a dialect the kind of the error that refuses it.
    :param differing: the dialects in which the tenant shows something else.
    :param essence: what of the answer is to be the same in all others.
    """

    name: str
    module: ModuleType
    options: Callable[[Sandbox], Data]
    refused: Mapping[str, str] = field(default_factory=dict)
    differing: frozenset[str] = frozenset()
    essence: Callable[[Data], Data] = dict

    def answer(self, tenant: Sandbox, client: Client) -> Data:
        """Return what the task tells of the tenant."""
        acts = "acting_user" in self.module.SPEC["argument_spec"]
        given = {"acting_user": tenant.acting_user} if acts else {}
        params = validated(self.module.SPEC, tenant, {**given, "known_statuses": KNOWN, **self.options(tenant)})
        foreseen = dry_run(self.module.plan(params, Tenant(client, params["known_statuses"])))
        result = {"steps": [(step.step.method, step.step.path) for step in foreseen.steps]}
        for stage in foreseen.stages:
            result |= stage.result
        return self.essence(result)


#: Where groups show nothing of what they are, an attempt is made to leave all of them, and an export leaves them alone.
_BARE = frozenset({"group_kind bare", "all forms at once"})
_HIDDEN = _BARE | {"group_kind hidden"}
READ_SCENARIOS = [
    ReadScenario(
        "the footprint of a leaver",
        cakewalk_leaver,
        lambda _tenant: {"user": OLGA, "confirm": OLGA, "proof_dir": "/proofs"},
        refused=_UNKNOWN,
        differing=_HIDDEN,
        essence=footprint,
    ),
    ReadScenario(
        "the requests of a leaver",
        cakewalk_leaver,
        lambda _tenant: {"user": PETRA, "confirm": PETRA, "proof_dir": "/proofs"},
        refused=_UNKNOWN,
        differing=_BARE,
        essence=footprint,
    ),
    ReadScenario(
        "a joiner",
        cakewalk_joiner,
        lambda _tenant: {
            "user": CONNOR,
            "groups": ["Engineering"],
            "accesses": [{"app": "Orphan Wiki"}],
            "journal_path": "/joiners.jsonl",
        },
        refused=_UNKNOWN,
        essence=onboarding,
    ),
    ReadScenario(
        "a move",
        cakewalk_mover,
        lambda _tenant: {"user": ERIN, "joins": ["Sales"], "leaves": ["Engineering"], "journal_path": "/moves"},
        refused=_UNKNOWN,
    ),
    ReadScenario(
        "a tenant as code",
        cakewalk_access_as_code,
        lambda _tenant: {"mode": "export", "folder": "/code"},
        differing=_HIDDEN | _UNKNOWN.keys(),
    ),
    ReadScenario(
        "drift",
        cakewalk_access_as_code,
        lambda tenant: {
            "mode": "drift",
            "fail_on_drift": False,
            "folder": "/code",
            "purpose": "Project Aurora",
            "source": {"version": "1", "positions": {}, "code": code_of(tenant)},
        },
        refused=_UNKNOWN,
        essence=lambda answer: answer["drift"],
    ),
]
