# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proof about a leaver: what Cakewalk listed before and after the run, the writes, and what is left."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from ..._api.text import pluralize
from ..storage.journal import lines_of
from ..storage.private_file import PrivateFile

#: Results of C(cakewalk_leaver_info) that belong into a proof.
_LISTED = ("looked_from", "looked_until", "looks", "groups", "accesses", "ownerships", "requests", "tasks")

#: Errors about what did not appear in time; the lists of what is left say the same, with the reason.
_IN_LISTS = frozenset({"wait_timed_out", "declined", "conflicting_request"})


def proof_of(
    run: Mapping[str, Any], before: Mapping[str, Any], after: Mapping[str, Any], results: Iterable[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return the proof of a run, from the results of C(cakewalk_leaver_info) before and after it.

    It says what Cakewalk listed, not whether the person can still sign in to an app: only the app knows.
    """
    return {
        "tenant": after["tenant"],
        "run": run["id"],
        "actor": run["acting_user"],
        "user": after["user"],
        "other_accounts": after["other_accounts"],
        "statement": f"As Cakewalk listed at {after['looked_until']}.",
        "complete": not after["left"],
        "before": _listed(before),
        "after": _listed(after),
        "writes": [line for result in results for line in lines_of(result)],
        "left": after["left"],
    }


def _listed(result: Mapping[str, Any]) -> dict[str, Any]:
    return {name: result[name] for name in _LISTED}


def keep(folder: str, proof: Mapping[str, Any]) -> str:
    """Write a proof to its own file, and return the path, which holds the id of the person, not the name.

    :raises FileRefused: the file cannot be written.
    """
    stamp = "".join(sign for sign in proof["after"]["looked_until"] if sign.isalnum())
    path = f"{folder}/leaver-{proof['user']['id'].lower()}-{stamp}-{proof['run']}.json"
    file = PrivateFile(path, "the proof", "It holds JSON. Move it away.")
    file.write(json.dumps(proof, indent=2) + "\n")
    return path


def failures(results: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the messages of failed modules, except errors that the lists explain better."""
    failed = [result for result in results if result.get("failed")]
    return [str(result.get("msg")) for result in failed if (result.get("error") or {}).get("kind") not in _IN_LISTS]


def summary(listed_at: str, left: list[Any], is_dry_run: bool, tasks: int) -> str:
    """Return what is left, in a sentence or two.

    :param is_dry_run: whether C(left) is what a run would leave.
    """
    need = pluralize(tasks, "open task of the person needs", "open tasks of the person need")
    more = f" {need} somebody else." if tasks else ""
    if not left:
        words = "would be left once all that is asked for is approved" if is_dry_run else "is left"
        return f"As Cakewalk listed at {listed_at}, nothing {words}.{more}"
    verb = "is" if len(left) == 1 else "are"
    words = "would be left" if is_dry_run else f"{verb} left"
    return f"As Cakewalk listed at {listed_at}: {pluralize(len(left), 'thing', 'things')} {words}.{more}"
