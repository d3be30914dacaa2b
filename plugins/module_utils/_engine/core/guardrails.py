# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guardrails: checks before the first write that a task removes, grants and approves only what it may."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property

from ..._api.catalog import person
from ..._api.errors import CakewalkError, ConfigurationError, out_of_range
from ..._api.text import pluralize, printable, summarize
from .lookup import Index, Resolver, Row, folded_reference, ids_of

#: Default of C(max_removals) for a task with an C(exact) entry.
DEFAULT_MAX_REMOVALS = 10
#: With fewer memberships than this a percentage has no meaning.
_SHARE_FROM = 20


class LimitExceeded(CakewalkError):
    """A guardrail stopped the task before its first write; the facts name what would have happened."""

    kind = "rail"


class ProtectedUsers:
    """People who never lose anything: C(protected_users), and always the acting user.

    :param references: these people, as written in the options.
    :param indexes: people read so far; all others are C(unmatched) and need a lookup.
    """

    def __init__(self, references: Iterable[str], indexes: Sequence[Index]) -> None:
        self._references = {folded_reference(reference): reference for reference in references}
        self._indexes = list(indexes)
        self._ids: set[str] = set()
        self.unmatched = self._match(self._references.values(), indexes)

    def _match(self, references: Iterable[str], indexes: Iterable[Index]) -> list[str]:
        """Protect the people that the references mean, and return the references that match nobody."""
        rows = {reference: [row for index in indexes for row in index.matches(reference)] for reference in references}
        self._ids |= ids_of(row for matches in rows.values() for row in matches)
        return [reference for reference, matches in rows.items() if not matches]

    def look_up(self, directory: Index, resolver: Resolver) -> None:
        """Look up the unmatched people; a miss is a problem, because a renamed person must stay protected."""
        self._indexes.append(directory)
        for reference in self._match(self.unmatched, [directory]):
            message = f"the protected user {printable(reference)!r} does not exist, perhaps under another address now"
            resolver.report(reference, "not_found", message)

    @cached_property
    def _spellings(self) -> dict[str, str]:
        """All known references to a protected person, folded, with the name of the person in messages."""
        known = [index.by_id[one] for index in self._indexes for one in self._ids if one in index.by_id]
        written = {folded_reference(spelling): person(row) for row in known for spelling in (row["id"], person(row))}
        return {**self._references, **written}

    def covers(self, row: Row) -> bool:
        """Return whether this person is protected."""
        return row["id"].lower() in self._ids

    def refuse(self, references: Iterable[str], where: str) -> None:
        """Refuse to take something from protected people who are named for it, whether or not they have it.

        :raises LimitExceeded: one of the C(references) means, or is, a protected person.
        """
        hit = sorted({self._spellings[key] for key in map(folded_reference, references) if key in self._spellings})
        if hit:
            raise LimitExceeded(
                f"remove people from {where}",
                f"protected: {summarize(map(printable, hit))}",
                "Nothing was changed. Take them out of the list, or out of `protected_users`; the acting user is "
                "always protected.",
                protected=hit,
            )


def check_removals(removals: Sequence[tuple[str, str]], limit: int | None, authoritative: bool) -> None:
    """Check all removals of a task against C(max_removals).

    :param removals: pairs of names: from what, and which person.
    :param limit: the option; by default 10 if an entry is C(authoritative), and no limit otherwise.
    :raises LimitExceeded: there are more removals.
    :raises ConfigurationError: the limit is below 0.
    """
    if limit is not None and limit < 0:
        raise out_of_range("max_removals", limit, "Give 0 or more.")
    allowed = limit if limit is not None else DEFAULT_MAX_REMOVALS if authoritative else None
    if allowed is not None and len(removals) > allowed:
        advice = "`exact` removes everybody who is not listed; use `present` to add. " if authoritative else ""
        raise _too_many(removals, "max_removals", allowed, f"`max_removals` allows {allowed}", advice)


def check_share(removals: Sequence[tuple[str, str]], read: int, percent: int) -> None:
    """Check all removals of a run against C(max_removal_percent), as roles do.

    :param removals: pairs of names: from what, and which person.
    :param read: the number of memberships and access rows read; below 20 no percentage is taken.
    :param percent: the option; 0 allows no removal.
    :raises LimitExceeded: the removals exceed the percentage.
    :raises ConfigurationError: the percentage is out of range.
    """
    if not 0 <= percent <= 100:
        raise out_of_range("max_removal_percent", percent, "Give 0 to 100.")
    if read >= _SHARE_FROM and len(removals) * 100 > read * percent:
        limit = f"`max_removal_percent` allows {percent} % of the {read} memberships and access rows that were read"
        raise _too_many(removals, "max_removal_percent", percent, limit)


def _too_many(
    removals: Sequence[tuple[str, str]], option: str, value: int, limit: str, advice: str = ""
) -> LimitExceeded:
    sources = dict.fromkeys(repr(printable(source)) for source, _user in removals)
    is_one = len(sources) == 1
    users = summarize(printable(user) + ("" if is_one else f" from {printable(source)!r}") for source, user in removals)
    return LimitExceeded(
        f"carry out {pluralize(len(removals), 'removal', 'removals')}",
        f"{limit}; these would be removed{f' from {next(iter(sources))}' if is_one else ''}: {users}",
        f"Nothing was changed. {advice}If all of these removals are meant, raise `{option}`.",
        **{option: value},
        would_remove=[{"user": user, "from": source} for source, user in removals],
    )


def check_bypass(option: str, reason: str | None) -> None:
    """Raise a C(ConfigurationError) if C(option) would bypass approval and the reason is missing or blank."""
    if not (reason or "").strip():
        raise ConfigurationError(
            f"use `{option}`",
            "it bypasses approval and `bypass_reason` does not say why",
            "Set `bypass_reason`, or leave approval to the policies.",
            option="bypass_reason",
        )


def refuse_self_approval(attempt: str, **facts: object) -> LimitExceeded:
    """Return the error for an acting user who would approve access for themselves."""
    return LimitExceeded(
        attempt,
        "the acting user would approve access for itself",
        "Nothing was changed. Let another admin act, or set `allow_self_approval` if that is meant.",
        **facts,
    )
