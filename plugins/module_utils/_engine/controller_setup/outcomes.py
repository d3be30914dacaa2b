# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The outcome of each object, and the result of the task."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from ..._api.text import pluralize
from .calls import Call
from .targets import Target

#: What happens to an object that changes something in AWX.
_CHANGES = ("created", "changed", "removed")


class Outcomes:
    """The outcome of each object: C(created), C(changed), C(removed), C(unchanged) or C(left_out).

    :param left_out: credentials that are not set up.
    """

    def __init__(self, left_out: Sequence[Target]) -> None:
        self._left_out = left_out
        self._outcomes = dict.fromkeys(left_out, "left_out")

    def is_new(self, target: Target) -> bool:
        """Return whether the run created an object, or would create it."""
        return self._outcomes.get(target) == "created"

    def begin(self, call: Call) -> None:
        """Add the object of a call, which is unchanged until C(note) says more."""
        self._outcomes.setdefault(call.target, "unchanged")

    def note(self, call: Call, outcome: str) -> None:
        """Add what a call did to its object, which an earlier call may have created."""
        if not self.is_new(call.target):
            self._outcomes[call.target] = "removed" if call.options.get("state") == "absent" else outcome

    def stats(self, check_mode: bool) -> dict[str, Any]:
        """Return what the role hands on after a run that did not fail; nothing that it only predicts is complete."""
        counts = Counter(self._outcomes.values())
        return {
            "controller_setup_complete": not self._left_out and not (check_mode and any(map(counts.get, _CHANGES))),
            **{f"controller_setup_{outcome}": counts[outcome] for outcome in (*_CHANGES, "left_out")},
        }

    def result(self, check_mode: bool, warnings: Iterable[str]) -> dict[str, Any]:
        """Return the result of the task.

        :param warnings: of the modules.
        """
        counts = Counter(self._outcomes.values())
        would = "would be " if check_mode else ""
        parts = [
            f"{counts[outcome]} {would if outcome in _CHANGES else ''}{outcome.replace('_', ' ')}"
            for outcome in (*_CHANGES, "unchanged", "left_out")
            if counts[outcome]
        ]
        left_out = [
            f"The {target} is not set up, and no job template uses it: its secrets are missing. "
            "Create it in AWX, or give `secrets`."
            for target in self._left_out
        ]
        return {
            "changed": any(counts[outcome] for outcome in _CHANGES),
            "objects": [
                {"type": target.module, "name": target.name, "within": target.within, "outcome": outcome}
                for target, outcome in self._outcomes.items()
                if outcome != "unchanged"
            ],
            "summary": dict(counts),
            "msg": f"{pluralize(len(self._outcomes), 'object', 'objects')} of AWX: {', '.join(parts)}.",
            "warnings": [*warnings, *left_out],
            # Ansible shows the result without -v then, as it does for debug.
            "_ansible_verbose_always": True,
        }
