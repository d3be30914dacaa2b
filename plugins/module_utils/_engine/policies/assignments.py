# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which assignments of policies are sent, and which of them change something as far as the ledger knows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from ..._api.errors import ConfigurationError
from ..._api.operations import Key, KeyedValue
from ..._api.text import pluralize, printable, summarize
from ..core.guardrails import LimitExceeded
from ..core.lookup import Index, label, unique_labels
from ..storage.ledger import LedgerEntry
from .rules import PolicyEntry, PolicyTarget

#: What is to be known of an assignment to an app itself.
AT_APP = "A permission level with a policy of its own goes by that one, which cannot be read."


class LedgerReader(Protocol):
    """What is remembered of earlier runs."""

    def get(self, key: Key) -> LedgerEntry | None:
        """Return what is remembered under this key, and since when."""


@dataclass(frozen=True)
class Assignment:
    """A slot, what the ledger holds of it, and whether the policy is sent.

    :param previous: what the policy in the ledger is called.
    """

    slot: PolicyTarget
    known: LedgerEntry | None
    previous: str | None
    sent: bool

    @property
    def claim(self) -> PolicyEntry:
        """The claim that decides the slot."""
        return self.slot.claim

    @property
    def changed(self) -> bool:
        """Whether it changes something; where nothing is known it counts as if it did."""
        return self.known is None or not _is_same(self.known, self.claim)

    @property
    def changed_basis(self) -> str:
        """How that is known."""
        return "ledger" if self.known else "none"

    def entry(self, with_times: bool) -> KeyedValue | None:
        """Return what the ledger is to remember; one that holds no times gains nothing from what it holds already."""
        return self.claim.entry if with_times or self.changed else None


def check_options(params: Mapping[str, Any]) -> None:
    """Refuse options that make no sense together, before any request.

    :raises ConfigurationError: they do not.
    """
    if params["ledger_path"] and params["ledger_field"] is not None:
        raise ConfigurationError(
            "use ledger_field",
            "ledger_path is set too, perhaps by CAKEWALK_LEDGER, and there can be one ledger only",
            'Leave one of them out; in a task, ledger_path: "" takes back the variable.',
            option="ledger_field",
        )
    if params["enforce"] == "on_change" and not params["ledger_path"]:
        of_field = "anyone can edit ledger_field in Cakewalk, so nothing is left out because of it"
        raise ConfigurationError(
            "use enforce: on_change",
            of_field if params["ledger_field"] is not None else "there is no ledger that tells what was assigned",
            "Set ledger_path (CAKEWALK_LEDGER), or leave enforce at always.",
            option="enforce",
        )
    selects = any(entry["select"] is not None for entry in params["assignments"] or ())
    if selects and params["max_assignments"] is None:
        raise ConfigurationError(
            "use select",
            "max_assignments is not set, and a selection can grow with the tenant",
            "Set max_assignments to how many assignments the task may send at most.",
            option="max_assignments",
        )
    for option in ("max_assignments", "ledger_max_age"):
        if params[option] is not None and params[option] < 0:
            raise ConfigurationError(f"use {option}", f"it is {params[option]}", "Give 0 or more.", option=option)


def assess(
    slots: Iterable[PolicyTarget],
    memory: LedgerReader | None,
    policies: Mapping[str, Index],
    params: Mapping[str, Any],
    now: datetime,
) -> list[Assignment]:
    """Return the assignment of each slot.

    :param memory: the ledger, if there is one.
    :param policies: by request type, to name by id what the ledger does not name.
    """
    return [_assessed(slot, memory, policies, params, now) for slot in slots]


def check_assignments(assignments: Sequence[Assignment], limit: int | None) -> None:
    """Hold what would be sent against C(max_assignments).

    :raises RailHit: there would be more.
    """
    claims = [assignment.claim for assignment in assignments if assignment.sent]
    if limit is None or len(claims) <= limit:
        return
    raise LimitExceeded(
        f"send {pluralize(len(claims), 'assignment', 'assignments')}",
        f"max_assignments allows {limit}; these would be sent: "
        + summarize(f"{printable(label(claim.policy))!r} to {claim}" for claim in claims),
        "Nothing was changed. If they are all meant, raise max_assignments.",
        max_assignments=limit,
        would_assign=[{"slot": str(claim), "policy": label(claim.policy)} for claim in claims],
    )


def states_of(assignments: Iterable[Assignment]) -> tuple[dict[str, dict[str, str]], dict[str, dict[str, str]]]:
    """Return what governs the slots that change, before and after, by app: as far as the ledger knows."""
    by_app: dict[str, list[Assignment]] = {}
    for assignment in assignments:
        if assignment.changed:
            by_app.setdefault(assignment.claim.app["id"], []).append(assignment)
    labels = unique_labels(changed[0].claim.app for changed in by_app.values())
    slots = {labels[app_id]: _slots(changed) for app_id, changed in by_app.items()}
    before = {app: {name: old for name, (old, _new) in names.items()} for app, names in slots.items()}
    after = {app: {name: new for name, (_old, new) in names.items()} for app, names in slots.items()}
    return before, after


def _slots(assignments: Sequence[Assignment]) -> dict[str, tuple[str, str]]:
    """Return by slot of one app the policies before and after."""
    claims = [assignment.claim for assignment in assignments]
    levels = unique_labels({claim.level["id"]: claim.level for claim in claims if claim.level}.values())
    named_so = [f" at {levels[claim.level['id']]}" if claim.level else "" for claim in claims]
    return {
        f"{assignment.claim.rule.request_type}{at}": _names(assignment)
        for assignment, at in zip(assignments, named_so, strict=True)
    }


def _names(assignment: Assignment) -> tuple[str, str]:
    """Return the policies before and after; an edited policy can be another one with the same name."""
    policy = assignment.claim.policy
    if assignment.known is None or assignment.previous is None:
        return "unknown", label(policy)
    if assignment.previous != label(policy):
        return assignment.previous, label(policy)
    return f"{assignment.previous} ({_policy_id(assignment.known)})", f"{label(policy)} ({policy['id']})"


def _assessed(
    slot: PolicyTarget,
    memory: LedgerReader | None,
    policies: Mapping[str, Index],
    params: Mapping[str, Any],
    now: datetime,
) -> Assignment:
    known = memory.get(slot.claim.key) if memory else None
    young = known is not None and timedelta() <= now - known.at < timedelta(hours=params["ledger_max_age"])
    skipped = params["enforce"] == "on_change" and known is not None and young and _is_same(known, slot.claim)
    previous = _name(known, policies[slot.claim.rule.request_type]) if known else None
    return Assignment(slot, known, previous, not skipped)


def _is_same(known: LedgerEntry, claim: PolicyEntry) -> bool:
    identifier: str = claim.policy["id"]
    return _policy_id(known) == identifier.lower()


def _name(known: LedgerEntry, policies: Index) -> str:
    """Return what a remembered policy is called: as it is called now, as it was called then, or else its id."""
    listed = policies.by_id.get(_policy_id(known))
    return label(listed) if listed else str(known.value.get("policy") or _policy_id(known))


def _policy_id(known: LedgerEntry) -> str:
    return str(known.value.get("policy_id", "")).lower()
