# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one sentence of a result: what a run changed, or in check mode would change."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from ..._api.operations import Phase
from ..._api.text import pluralize, printable
from .plan import ApplyResult, StepResult, StepStatus

#: The kinds of things in the clauses of effects.
_NOUNS = {
    "people": ("person", "people"),
    "groups": ("group", "groups"),
    "apps": ("app", "apps"),
    "levels": ("permission level", "permission levels"),
    "fields": ("custom field", "custom fields"),
    "targets": ("target", "targets"),
    "policies": ("policy", "policies"),
    "tasks": ("task", "tasks"),
    "reviews": ("review", "reviews"),
}
#: The most characters of the sentence, if it can be shorter: Ansible shows it in a line of JSON, which stays below 160
#: columns.
_LONGEST = 145


def message_of(applied: ApplyResult) -> str:
    """Return what the steps of a successful run changed, or in a dry run would change.

    Only steps that were carried out count, so a request is never called a grant, nor a refusal a change. A sentence
    that would be too long has numbers in place of names, or just the number of steps.
    """
    results = applied.steps if applied.is_dry_run else applied.having(StepStatus.DONE)
    changing = [result for result in results if result.step.changes]
    be = " would be" if applied.is_dry_run else ""
    shows_proof = not applied.is_dry_run
    clauses = _clauses(changing, be, shows_proof)
    already = len(applied.having(StepStatus.ALREADY))
    rest = [f"{pluralize(already, 'step', 'steps')} found the wanted state in place"] if already else []
    again = len(results) - len(changing)
    if again:
        policies = pluralize(again, "policy", "policies")
        rest.append(f"{policies}{be} sent again, as in the ledger (which the API cannot confirm)")
    # What follows from changes is only true if there are any.
    remarks = [] if already and not clauses else [stage.remark(applied) for stage in applied.stages]
    rest += filter(None, remarks)
    if clauses:
        shorter = (_clauses(changing, be, shows_proof, is_brief=True), _total(changing, be, shows_proof))
        texts = ["; ".join([text, *rest]) for text in (clauses, *shorter)]
        text = next((text for text in texts if len(text) < _LONGEST), texts[-1])
        # Names of the tenant stay as they are.
        is_name = changing[0].step.effect.clause.startswith("{") and "tasks" not in changing[0].step.effect.named
        return f"{text}." if is_name else f"{text[0].upper()}{text[1:]}."
    if again and not already:
        # A ledger does not prove that the tenant has these policies.
        return f"{'; '.join(rest)}."
    return f"Nothing {'was changed' if already else 'to change'}{': ' if rest else ''}{'; '.join(rest)}."


def counted(kind: str, names: Mapping[str, str], is_brief: bool = False) -> str:
    """Return the name of one thing, or the number of several.

    :param names: the names by id.
    :param is_brief: whether a name that is longer than the number gives way to it.
    """
    number = pluralize(len(names), *_NOUNS[kind])
    name = printable(next(iter(names.values())), 80) if len(names) == 1 else number
    return min(name, number, key=len) if is_brief else name


def _total(results: Sequence[StepResult], be: str, shows_proof: bool) -> str:
    """Return a clause with the number of steps."""
    removals = sum(result.step.phase is Phase.REMOVALS for result in results)
    unproved = sum(result.step.postcondition is None for result in results) if shows_proof else 0
    among = [pluralize(removals, "removal", "removals")] if removals else []
    among += [f"{unproved} that the API cannot confirm"] if unproved else []
    steps = f"{pluralize(len(results), 'step', 'steps')}{be} carried out"
    return f"{steps}, {' and '.join(among)} among them" if among else steps


def _clauses(results: Iterable[StepResult], be: str, shows_proof: bool, is_brief: bool = False) -> str:
    """Return a clause for each kind of effect.

    Removals from the groups of the clause before do not name them again. If all clauses are about the same people, only
    the first one names them.
    """
    merged: dict[str, dict[str, dict[str, str]]] = {}
    unproved: set[str] = set()
    for result in results:
        effect = result.step.effect
        kinds = merged.setdefault(effect.clause, {})
        for kind, names in effect.named.items():
            kinds.setdefault(kind, {}).update(names)
        if shows_proof and result.step.postcondition is None:
            unproved.add(effect.clause)
    crowds = {frozenset(kinds.get("people", ())) for kinds in merged.values()}
    is_one_crowd = len(crowds) == 1 and frozenset() not in crowds
    text, former, groups = "", "", None
    for clause, kinds in merged.items():
        shown, separator = clause, "; "
        if groups is not None and kinds.get("groups") == groups:
            shown, separator = re.sub(r"(\{be\}| from \{groups\})", "", clause), ", "
        elif is_one_crowd and former.startswith("{people}") and clause.startswith("{people}"):
            shown, separator = clause.removeprefix("{people}{be} "), ", "
        elif is_one_crowd and former:
            shown = clause.removesuffix(" for {people}")
        note = " (which the API cannot confirm)" if clause in unproved else ""
        words = {kind: counted(kind, names, is_brief) for kind, names in kinds.items()}
        text += (separator if text else "") + shown.format(be=be, **words) + note
        former, groups = clause, kinds.get("groups")
    return text
