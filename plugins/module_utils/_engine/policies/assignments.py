# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The assignments of policies: which are sent, and which change something as far as the ledger shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import Any

from ..._api.errors import ConfigurationError, out_of_range
from ..._api.operations import Step
from ..._api.text import delimited, pluralize, printable, summarize
from ..._api.writes import assign_policy
from ..core.guardrails import LimitExceeded
from ..core.lookup import Index, Row, label, unique_labels
from ..core.plan import State
from ..core.tenant import Tenant
from ..storage.ledger import FileLedger, LedgerEntry
from .field_ledger import FieldLedger
from .rules import PolicyEntry, PolicyTarget, Rule, resolve
from .targets import resolve_rules

#: The note about an assignment to an app itself.
AT_APP = "A permission level with a policy of its own goes by that one, which cannot be read."
#: The most lines of a diff about policies of which it is unknown what they replace, and the most apps in its header.
_MOST_LINES = 10


@dataclass(frozen=True)
class Assignment:
    """The assignment of a policy to a target.

    :param stored: what the ledger has about the target.
    :param previous: the name of the policy in the ledger.
    :param sent: whether the assignment is sent.
    """

    target: PolicyTarget
    stored: LedgerEntry | None
    previous: str | None
    sent: bool

    @property
    def entry(self) -> PolicyEntry:
        """The entry that decides about the target."""
        return self.target.entry

    @property
    def changed(self) -> bool:
        """Whether the assignment changes something; without a ledger entry every assignment counts as a change."""
        return self.stored is None or not _is_same(self.stored, self.entry)

    def step(self) -> Step:
        """Return the step that sends the assignment."""
        entry = self.entry
        request_type = entry.rule.request_type
        return assign_policy(entry.app, entry.level, request_type, entry.policy, self.changed, entry.ledger_entry)

    def as_result(self) -> dict[str, Any]:
        """Return the assignment as C(cakewalk_app_policy) returns it."""
        entry = self.entry
        return {
            "app": label(entry.app),
            "app_id": entry.app["id"],
            "permission_level": label(entry.level) if entry.level else None,
            "permission_level_id": entry.level["id"] if entry.level else None,
            "request_type": entry.rule.request_type,
            "policy": label(entry.policy),
            "policy_id": entry.policy["id"],
            "previous": self.previous,
            "sent": self.sent,
            "changed": self.changed,
            "changed_basis": "ledger" if self.stored else "none",
            "verified": False,
            "decided_by": {"entry": entry.rule.number, "words": str(entry.rule)},
            **({} if entry.level else {"note": AT_APP}),
        }


def check_options(params: Mapping[str, Any]) -> None:
    """Raise a C(ConfigurationError) if options contradict each other, or a number is below 0."""
    if params["ledger_path"] and params["ledger_field"] is not None:
        raise ConfigurationError(
            "use `ledger_field`",
            "`ledger_path` is set too, perhaps by CAKEWALK_LEDGER, and there can be one ledger only",
            "Leave one of them out. Unset CAKEWALK_LEDGER and `cakewalk_ledger` for this task.",
            option="ledger_field",
        )
    if params["enforce"] == "on_change" and not params["ledger_path"]:
        cause_of_field = "anyone can edit `ledger_field` in Cakewalk, so nothing is left out because of it"
        raise ConfigurationError(
            "use `enforce: on_change`",
            cause_of_field if params["ledger_field"] is not None else "no ledger records what was assigned",
            "Set `ledger_path` (CAKEWALK_LEDGER), or set `enforce: always`.",
            option="enforce",
        )
    selects = any(entry["select"] is not None for entry in params["assignments"] or ())
    if selects and params["max_assignments"] is None:
        raise ConfigurationError(
            "use select",
            "`max_assignments` is not set, and a selection can grow with the tenant",
            "Set `max_assignments` to how many assignments the task may send at most.",
            option="max_assignments",
        )
    for option in ("max_assignments", "ledger_max_age"):
        if params[option] is not None and params[option] < 0:
            raise out_of_range(option, params[option], "Give 0 or more.")


def plan_assignments(
    rules: Sequence[Rule], params: Mapping[str, Any], tenant: Tenant
) -> tuple[list[Assignment], FileLedger | FieldLedger | None]:
    """Return the assignment to each target of the rules, and the ledger.

    :param params: the options of C(cakewalk_app_policy).
    :raises LookupFailed: an app, a level, a policy, or the value of a selector does not exist or is ambiguous.
    :raises ConfigurationError: two rules for a target are equally specific.
    :raises LimitExceeded: more assignments would be sent than C(max_assignments) allows.
    """
    apps, policies, entries = resolve_rules(rules, tenant, all_apps=bool(params["ledger_path"]))
    targets = resolve(entries)
    ledger: FileLedger | FieldLedger | None = None
    if params["ledger_path"]:
        ledger = FileLedger.read(params["ledger_path"], params["base_url"], apps.by_id)
    elif params["ledger_field"] is not None:
        ledger = FieldLedger.read(params["ledger_field"], [target.entry.app for target in targets], tenant)
    now = datetime.now(timezone.utc)
    assignments = [
        assess(target, ledger.get(target.entry.key) if ledger else None, policies, params, now) for target in targets
    ]
    check_assignments(assignments, params["max_assignments"])
    return assignments, ledger


def assess(
    target: PolicyTarget,
    stored: LedgerEntry | None,
    policies: Mapping[str, Index],
    params: Mapping[str, Any],
    now: datetime,
) -> Assignment:
    """Return the assignment to a target.

    :param stored: what the ledger has about the target.
    :param policies: by request type, for the current names of policies.
    """
    if stored is None:
        return Assignment(target, None, None, True)
    is_young = 0 <= (now - stored.at) / timedelta(hours=1) < params["ledger_max_age"]
    is_skipped = params["enforce"] == "on_change" and is_young and _is_same(stored, target.entry)
    policy_id = _policy_id(stored)
    listed = policies[target.entry.rule.request_type].by_id.get(policy_id)
    previous = label(listed) if listed else str(stored.value.get("policy") or policy_id)
    return Assignment(target, stored, previous, not is_skipped)


def check_assignments(assignments: Sequence[Assignment], limit: int | None) -> None:
    """Raise C(LimitExceeded) if more assignments would be sent than C(max_assignments) allows."""
    entries = sorted((assignment.entry for assignment in assignments if assignment.sent), key=str)
    if limit is None or len(entries) <= limit:
        return
    raise LimitExceeded(
        f"send {pluralize(len(entries), 'assignment', 'assignments')}",
        f"`max_assignments` allows {limit}; these would be sent: "
        + summarize(sorted(f"{printable(label(entry.policy))!r} to {entry}" for entry in entries)),
        "Nothing was changed. If they are all meant, raise `max_assignments`.",
        max_assignments=limit,
        would_assign=[{"slot": str(entry), "policy": label(entry.policy)} for entry in entries],
    )


@dataclass(frozen=True)
class _Line:
    """The policy of a target before and after, for people; C(old) is C(None) if it is unknown."""

    app: str
    request_type: str
    level: str | None
    old: str | None
    new: str

    @property
    def target(self) -> str:
        if self.level is None:
            return self.request_type
        return f"{self.request_type} at {delimited(self.level, ': ', ', ')}"


def states_of(assignments: Iterable[Assignment]) -> tuple[State, State]:
    """Return by app the policies of the targets that change, before and after, as far as the ledger shows."""
    before: dict[str, list[str]] = {}
    after: dict[str, list[str]] = {}
    for line in _lines_of(assignments):
        header = f"Policy of {line.app}"
        before.setdefault(header, []).extend([] if line.old is None else [f"{line.target}: {line.old}"])
        after.setdefault(header, []).append(f"{line.target}: {line.new}")
    return before, after


def folded_states_of(assignments: Iterable[Assignment]) -> tuple[State, State]:
    """Return the policies of C(states_of) in one block for all apps, in which many targets share a line.

    A policy that is replaced has a line of its own, so that no removal is hidden.
    """
    lines = [replace(line, app=delimited(line.app, ", ")) for line in _lines_of(assignments)]
    apps = list(dict.fromkeys(line.app for line in lines))
    if len(apps) < 2:
        return states_of(assignments)
    replaced = [line for line in lines if line.old is not None]
    assigned = _folded([line for line in lines if line.old is None])
    is_folded = len(replaced) + len(assigned) < len(lines)
    header = f"Policies of {len(apps)} apps"
    if is_folded and len(apps) <= _MOST_LINES:
        header = f"Policies of {', '.join(apps)}"
    elif is_folded:
        header += " (the result lists them under `assignments`)"
    return (
        {header: [f"{line.app}, {line.target}: {line.old}" for line in replaced]},
        {header: [f"{line.app}, {line.target}: {line.new}" for line in replaced] + assigned},
    )


def _folded(lines: Sequence[_Line]) -> list[str]:
    """Return a line for each target, or if these are many, for each level name, or for each request type."""
    groups: dict[tuple[str | None, ...], list[_Line]] = {}
    for key in (
        lambda line: (line.app, line.target, line.new),
        lambda line: (line.target, line.new),
        lambda line: (line.request_type, line.level and "", line.new),
    ):
        groups = {}
        for line in lines:
            groups.setdefault(key(line), []).append(line)
        if len(groups) <= _MOST_LINES:
            break
    return [_text_of(its_lines) for its_lines in groups.values()]


def _text_of(lines: Sequence[_Line]) -> str:
    """Return one line for targets that get the same policy."""
    first, apps = lines[0], len({line.app for line in lines})
    if len(lines) == 1:
        return f"{first.app}, {first.target}: {first.new}"
    is_same = all(line.target == first.target for line in lines)
    target = first.target if is_same else f"{first.request_type} at {len(lines)} levels"
    return f"{target} of {pluralize(apps, 'app', 'apps')}: {first.new}"


def _lines_of(assignments: Iterable[Assignment]) -> Iterator[_Line]:
    """Yield a line for each target that changes, with names that no other thing has."""
    changed = [assignment for assignment in assignments if assignment.changed]
    entries = [assignment.entry for assignment in changed]
    apps = unique_labels({entry.app["id"]: entry.app for entry in entries}.values())
    by_app: dict[str, dict[str, Row]] = {}
    for entry in entries:
        by_app.setdefault(entry.app["id"], {}).update({entry.level["id"]: entry.level} if entry.level else {})
    levels = {app_id: unique_labels(rows.values()) for app_id, rows in by_app.items()}
    for assignment, entry in zip(changed, entries, strict=True):
        app_id = entry.app["id"]
        level = levels[app_id][entry.level["id"]] if entry.level else None
        yield _Line(apps[app_id], entry.rule.request_type, level, *_policies_of(assignment))


def remark_of(assignments: Iterable[Assignment]) -> str:
    """Return how many policies are not sent, as a clause."""
    known = sum(not assignment.sent for assignment in assignments)
    words = pluralize(known, "policy is", "policies are")
    return f"{words} not sent, because the ledger has the same (which the API cannot confirm)" if known else ""


def result_of(assignments: Sequence[Assignment], rules: Iterable[Rule], is_bulk: bool) -> dict[str, Any]:
    """Return the result of C(cakewalk_app_policy); in bulk form it lists only assignments that change something."""
    deciding = Counter(assignment.entry.rule for assignment in assignments)
    overridden = Counter(rule for assignment in assignments for rule in assignment.target.overridden)
    changed = sum(assignment.changed for assignment in assignments)
    return {
        "assignments": [assignment.as_result() for assignment in assignments if assignment.changed or not is_bulk],
        "entries": [
            {"entry": rule.number, "words": str(rule), "decides": deciding[rule], "overruled": overridden[rule]}
            for rule in rules
        ],
        "summary": {
            "slots": len(assignments),
            "sent": sum(assignment.sent for assignment in assignments),
            "changed": changed,
            "unchanged": len(assignments) - changed,
            "apps": len({assignment.entry.app["id"] for assignment in assignments}),
        },
    }


def _policies_of(assignment: Assignment) -> tuple[str | None, str]:
    """Return the policies before and after; an edited policy can be another policy with the same name."""
    policy = assignment.entry.policy
    if assignment.stored is None or assignment.previous is None:
        return None, f"{label(policy)} (before: unknown)"
    if assignment.previous != label(policy):
        return assignment.previous, label(policy)
    return f"{assignment.previous} ({_policy_id(assignment.stored)})", f"{label(policy)} ({policy['id']})"


def _is_same(stored: LedgerEntry, entry: PolicyEntry) -> bool:
    return bool(_policy_id(stored) == entry.policy["id"].lower())


def _policy_id(stored: LedgerEntry) -> str:
    return str(stored.value.get("policy_id", "")).lower()
