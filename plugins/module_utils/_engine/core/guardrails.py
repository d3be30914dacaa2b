# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rails that keep a task from removing, granting or approving what it must not, hit before the first write."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property

from ..._api.errors import CakewalkError, ConfigurationError
from ..._api.text import pluralize, printable, summarize
from .lookup import Index, Resolver, Row, folded_email, ids_of, is_uuid, person

#: Removals that a task with an authoritative entry may make unless it says otherwise.
DEFAULT_MAX_REMOVALS = 10
#: From how many memberships on a share of them tells anything.
_SHARE_FROM = 20


class LimitExceeded(CakewalkError):
    """A safety rail stopped the task before its first write; the facts name what would have happened."""

    kind = "rail"


class ProtectedUsers:
    """People who never lose anything: C(protected_users), and always the acting user.

    :param references: these people, as written.
    :param registers: people read so far; who is found there need not be looked up, the others are C(unmatched).
    """

    def __init__(self, references: Iterable[str], registers: Sequence[Index]) -> None:
        self._references = {_folded(reference): reference for reference in references}
        self._registers = list(registers)
        self._ids: set[str] = set()
        self.unmatched: list[str] = []
        for reference in self._references.values():
            found = ids_of(row for register in registers for row in register.matches(reference))
            self._ids |= found
            if not found:
                self.unmatched.append(reference)

    def look_up(self, directory: Index, finder: Resolver) -> None:
        """Find in the directory who is unmatched; a miss is a problem, since a renamed person must stay protected."""
        self._registers.append(directory)
        for reference in self.unmatched:
            found = ids_of(directory.matches(reference))
            self._ids |= found
            if not found:
                message = (
                    f"the protected user {printable(reference)!r} does not exist, perhaps under another address now"
                )
                finder.report(reference, "not_found", message)

    @cached_property
    def _spellings(self) -> dict[str, str]:
        """All known ways to write a protected person, folded, and how messages call that person."""
        known = [register.by_id[one] for register in self._registers for one in self._ids if one in register.by_id]
        written = {_folded(spelling): person(row) for row in known for spelling in (row["id"], person(row))}
        return {**self._references, **written}

    def covers(self, row: Row) -> bool:
        """Tell whether this person is protected."""
        return row["id"].lower() in self._ids

    def refuse(self, references: Iterable[str], where: str) -> None:
        """Refuse to take something from protected people who are named for it, whether or not they have it.

        :raises RailHit: one of the C(references) means, or is, a protected person.
        """
        hit = sorted({self._spellings[_folded(one)] for one in references if _folded(one) in self._spellings})
        if hit:
            raise LimitExceeded(
                f"remove people from {where}",
                f"protected: {summarize(map(printable, hit))}",
                "Nothing was changed. Take them out of the list, or out of protected_users; the acting user is always "
                "protected.",
                protected=hit,
            )


def check_removals(removals: Sequence[tuple[str, str]], limit: int | None, authoritative: bool) -> None:
    """Hold all removals of a task against C(max_removals).

    :param removals: from where who would be removed, as pairs of names.
    :param limit: the option; without it 10 where an entry is C(authoritative), no limit elsewhere.
    :raises RailHit: there would be more.
    :raises ConfigurationError: the limit is below 0.
    """
    if limit is not None and limit < 0:
        raise ConfigurationError("use max_removals", f"it is {limit}", "Give 0 or more.", option="max_removals")
    allowed = limit if limit is not None else DEFAULT_MAX_REMOVALS if authoritative else None
    if allowed is None or len(removals) <= allowed:
        return
    raise LimitExceeded(
        f"make {pluralize(len(removals), 'removal', 'removals')}",
        f"max_removals allows {allowed}; these would be removed: "
        + summarize(f"{printable(who)} from {printable(where)!r}" for where, who in removals),
        "Nothing was changed. If they are all meant, raise max_removals.",
        max_removals=allowed,
        would_remove=[{"user": who, "from": where} for where, who in removals],
    )


def check_share(removals: Sequence[tuple[str, str]], read: int, percent: int) -> None:
    """Hold all removals of a run against C(max_removal_percent), as roles do.

    :param removals: from where who would be removed, as pairs of names.
    :param read: how many memberships and accesses were read; of fewer than 20 no share is taken.
    :param percent: the option; 0 allows none.
    :raises RailHit: the removals would be a larger share of what was read.
    :raises ConfigurationError: the share is none.
    """
    if not 0 <= percent <= 100:
        raise ConfigurationError(
            "use max_removal_percent", f"it is {percent}", "Give 0 to 100.", option="max_removal_percent"
        )
    if read < _SHARE_FROM or len(removals) * 100 <= read * percent:
        return
    raise LimitExceeded(
        f"make {pluralize(len(removals), 'removal', 'removals')}",
        f"max_removal_percent allows {percent} % of the {read} memberships and accesses that were read; these would be "
        f"removed: {summarize(f'{printable(who)} from {printable(where)!r}' for where, who in removals)}",
        "Nothing was changed. If they are all meant, raise max_removal_percent.",
        max_removal_percent=percent,
        would_remove=[{"user": who, "from": where} for where, who in removals],
    )


def check_bypass(option: str, reason: str | None) -> None:
    """Refuse to bypass approval without saying why.

    :param option: the option that bypasses it.
    :raises ConfigurationError: the reason is missing or blank.
    """
    if not (reason or "").strip():
        raise ConfigurationError(
            f"use {option}",
            "it bypasses approval and bypass_reason does not say why",
            "Set bypass_reason, or leave approval to the policies.",
            option="bypass_reason",
        )


def refuse_self_approval(attempt: str, **facts: object) -> LimitExceeded:
    """Return the error for somebody who would approve the own access."""
    return LimitExceeded(
        attempt,
        "the acting user would approve access for itself",
        "Nothing was changed. Let another admin act, or set allow_self_approval if that is meant.",
        **facts,
    )


def _folded(reference: str) -> str:
    return reference.lower() if is_uuid(reference) else folded_email(reference)
