# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is kept of a leaver: what Cakewalk listed before and after, what was done between, and what is left."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from ..._api.text import pluralize
from ..storage.journal import lines_of
from ..storage.private_file import PrivateFile

#: What a look has that belongs into a proof.
_SEEN = ("looked_from", "looked_until", "looks", "groups", "accesses", "ownerships", "requests", "tasks")

#: Errors that say no more than that something was not there yet, or would not come: what is left tells it, and why.
_ANSWERED = frozenset({"wait_timed_out", "declined", "conflicting_request"})


def proof_of(
    run: Mapping[str, Any], before: Mapping[str, Any], after: Mapping[str, Any], results: Iterable[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return the proof of a run, from what C(cakewalk_leaver_info) returned before and after it.

    It says what was listed, and never that somebody can no longer get into an app: only the app knows.
    """
    return {
        "tenant": after["tenant"],
        "run": run["id"],
        "actor": run["acting_user"],
        "user": after["user"],
        "other_accounts": after["other_accounts"],
        "statement": f"As Cakewalk listed at {after['looked_until']}.",
        "complete": not after["left"],
        "before": _seen(before),
        "after": _seen(after),
        "writes": [line for result in results for line in lines_of(result)],
        "left": after["left"],
    }


def _seen(look: Mapping[str, Any]) -> dict[str, Any]:
    return {name: look[name] for name in _SEEN}


def keep(folder: str, proof: Mapping[str, Any]) -> str:
    """Write a proof into a file of its own, and return its path: who and when are in it by id and time, not by name.

    :raises FileRefused: it cannot be written.
    """
    stamp = "".join(sign for sign in proof["after"]["looked_until"] if sign.isalnum())
    path = f"{folder}/leaver-{proof['user']['id'].lower()}-{stamp}-{proof['run']}.json"
    file = PrivateFile(path, "the proof", "It holds JSON. Move it away.")
    file.write(json.dumps(proof, indent=2) + "\n")
    return path


def failures(results: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the messages of the modules that failed, but of those that the lists answer better."""
    failed = [result for result in results if result.get("failed")]
    return [str(one.get("msg")) for one in failed if (one.get("error") or {}).get("kind") not in _ANSWERED]


def verdict(listed_at: str, left: list[Any], foreseen: bool, tasks: int) -> str:
    """Return in a sentence or two how far it is.

    :param foreseen: whether this is what a run would leave behind.
    """
    need = pluralize(tasks, "open task of the person needs", "open tasks of the person need")
    more = f" {need} somebody else." if tasks else ""
    if not left:
        words = "would be left once all that is asked for is approved" if foreseen else "is left"
        return f"As Cakewalk listed at {listed_at}, nothing {words}.{more}"
    verb = "is" if len(left) == 1 else "are"
    words = "would be left" if foreseen else f"{verb} left"
    return f"As Cakewalk listed at {listed_at}: {pluralize(len(left), 'thing', 'things')} {words}.{more}"
