# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds approval tasks against what they are expected to be about, and against the rails, without a request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..._api.catalog import REQUEST_TYPES, ResourceType, UserStatuses, permission_levels_of, task
from ..._api.errors import CakewalkError
from ..._api.operations import is_usable_id, member
from ..._api.text import printable, summarize
from ..core.guardrails import LimitExceeded, ProtectedUsers
from ..core.lookup import Index, Resolver, Row, ids_of, is_uuid, label, person
from ..core.people import acting_user
from .evaluation import SHOWN_BY, TaskAssessment, TaskState

_NO_ASKER = "it does not show who asked for it, so it may be the acting user (allow_self_approval permits that)"


class NotAsExpected(CakewalkError):
    """Tasks that are not what they were taken for, so that none is decided; C(problems) names what is wrong."""

    kind = "not_as_expected"

    def __init__(self, problems: Sequence[Mapping[str, str]]) -> None:
        super().__init__(
            "decide the tasks",
            summarize((f"the task {each['task']}: {each['message']}" for each in problems), separator="; "),
            _remedy({each["reason"] for each in problems}),
            problems=list(problems),
        )


def _remedy(reasons: set[str]) -> str:
    remedies = {
        "mismatch": "Look at the task in Cakewalk: it is not about what was expected.",
        "missing": "Check what the task shows, and name all of it under expect.",
        "kind": "Set decide if such a task is meant.",
        "unclear": "Decide it in Cakewalk: here it must be known what it is.",
        "unknown_status": "If you know what the status means, list it under known_statuses.",
        "decided": "A decision cannot be taken back here.",
    }
    return " ".join(["No task was touched.", *(words for reason, words in remedies.items() if reason in reasons)])


@dataclass
class NameLookup:
    """People, apps, and by app id levels, as far as they had to be read.

    They tell what C(expect) means, and what ids are called.
    """

    people: Index
    apps: Index
    levels: dict[str, Index] = field(default_factory=dict)

    def meant(self, case: TaskState, finder: Resolver) -> dict[str, str]:
        """Return what C(expect) means, in the form of C(Case.shown); names that mean nothing are problems."""
        return {name: self._meant(case, name, given, finder) for name, given in case.claim.expect.items()}

    def label(self, case: TaskState, name: str) -> str | None:
        """Return what a result calls what a task is about: a name where one is known, else the id."""
        shown = case.shown[name]
        if shown is None:
            return None
        if name == "request_type":
            return next((ours for ours, wire in REQUEST_TYPES.items() if wire == shown), shown)
        register = self._register(case, name)
        row = register.by_id.get(shown) if register else None
        if name == "user":
            return person(row or case.shown_person(shown) or {"id": shown})
        return label(row or {"id": shown})

    def described(self, case: TaskState) -> str:
        """Return in words what a task is about."""
        labels = {"kind": case.kind, **{name: self.label(case, name) for name in SHOWN_BY}}
        return summarize(f"{name} {printable(one)}" for name, one in labels.items() if one is not None)

    def _meant(self, case: TaskState, name: str, given: str, finder: Resolver) -> str:
        register = self._register(case, name)
        if name == "request_type":
            return REQUEST_TYPES[given]
        if is_uuid(given):
            return given.lower()
        row = finder.find(given, register) if register else None
        return row["id"].lower() if row else given

    def _register(self, case: TaskState, name: str) -> Index | None:
        """Return where something is looked up; C(None) where nothing was read, as the levels of an unexpected app."""
        registers = {"user": self.people, "app": self.apps}
        return self.levels.get(case.shown["app"] or "") if name == "permission_level" else registers.get(name)


def people_asked(verdicts: Sequence[TaskAssessment], params: Mapping[str, Any]) -> list[str]:
    """Return the people to look up: who acts, who is expected by address, and who is protected where that counts."""
    asked = [params["acting_user"]] if params["acting_user"] else []
    asked += _names(verdicts, "user")
    asked += params["protected_users"] if any(verdict.takes for verdict in verdicts) else []
    return list(dict.fromkeys(asked))


def apps_asked(verdicts: Iterable[TaskAssessment]) -> list[str]:
    """Return the apps to look up: those that are expected by name."""
    return _names(verdicts, "app")


def levels_asked(verdicts: Iterable[TaskAssessment], apps: Index) -> dict[str, tuple[ResourceType, list[str]]]:
    """Return by app id the levels to look up: those expected by name, unless it is another app than expected."""
    asked: dict[str, tuple[ResourceType, list[str]]] = {}
    for case in (verdict.case for verdict in verdicts):
        app, expected = case.shown["app"], case.claim.expect.get("app")
        name = case.claim.expect.get("permission_level")
        if name is None or is_uuid(name) or case.shown["permission_level"] is None:
            continue
        is_expected = expected is None or app in {expected.lower(), *ids_of(apps.matches(expected))}
        if app is not None and is_usable_id(app) and is_expected:
            kind = permission_levels_of(apps.by_id.get(app, {"id": app}))
            asked.setdefault(app, (kind, []))[1].append(name)
    return asked


def check(
    verdicts: Sequence[TaskAssessment], known: NameLookup, params: Mapping[str, Any], statuses: UserStatuses
) -> None:
    """Hold tasks against what is expected of them, and what is to be decided against every rail.

    :raises LookupFailed: people, apps or levels that do not exist or are ambiguous.
    :raises ConfigurationError: C(acting_user) may not act.
    :raises NotAsExpected: a task is not what it was taken for; all that is wrong with any of them is told.
    :raises RailHit: somebody would decide what is their own, or something would be taken from protected people.
    """
    finder = Resolver()
    meant = [known.meant(verdict.case, finder) for verdict in verdicts]
    actor = [params["acting_user"]] if params["acting_user"] else []
    protection = ProtectedUsers([*params["protected_users"], *actor], [])
    taking = [verdict for verdict in verdicts if verdict.takes]
    if taking:
        protection.look_up(known.people, finder)
    acting = acting_user(params["acting_user"], known.people, statuses, finder) if actor else None
    finder.check()
    problems = [
        {"task": verdict.case.row["id"], "reason": reason, "message": message}
        for verdict, expected in zip(verdicts, meant, strict=True)
        for reason, message in (*verdict.flaws, *_differences(verdict.case, expected, known))
    ]
    if acting is not None and not params["allow_self_approval"]:
        problems += [
            {"task": verdict.case.row["id"], "reason": "unclear", "message": _NO_ASKER}
            for verdict in verdicts
            if verdict.changes and verdict.case.has_request and _asker(verdict.case) is None
        ]
    if problems:
        raise NotAsExpected(problems)
    if acting is not None and not params["allow_self_approval"]:
        _refuse_own([verdict.case for verdict in verdicts if verdict.changes], acting)
    _refuse_protected([verdict.case for verdict in taking], protection, known)


def _differences(case: TaskState, meant: Mapping[str, str], known: NameLookup) -> Iterator[tuple[str, str]]:
    """Tell where what is expected is not what the task shows, and what an approval fails to expect."""
    missing = {}
    for name, shown in case.shown.items():
        called = "none" if shown is None else repr(printable(known.label(case, name)))
        if name in meant:
            if meant[name] != shown:
                given = printable(case.claim.expect[name])
                yield "mismatch", f"expect.{name} is {given!r}, the task shows {called}"
        elif shown is not None or name == ("request_type" if case.has_request else "user"):
            missing[name] = called
    if missing and case.claim.state == "approved":
        shows = summarize(f"{name} {called}" for name, called in missing.items())
        yield "missing", f"an approval must expect {summarize(missing)}, the task shows {shows}"


def _asker(case: TaskState) -> str | None:
    """Return the id, in lower case, of who asked for what a task is about; C(None) where it is not shown."""
    found = member(case.row, "request.requestedByUserId")
    return found.lower() if isinstance(found, str) else None


def _refuse_own(cases: Iterable[TaskState], acting: Row) -> None:
    own = []
    for case in cases:
        if acting["id"].lower() in (case.shown["user"], _asker(case)):
            own.append(case.row["id"])
    if own:
        raise LimitExceeded(
            f"decide {summarize(task(identifier).what for identifier in own)}",
            f"the acting user {printable(person(acting))} asked for it or is whom it is about",
            "No task was touched. Let another admin act, or set allow_self_approval if that is meant.",
            tasks=own,
        )


def _refuse_protected(cases: Iterable[TaskState], protection: ProtectedUsers, known: NameLookup) -> None:
    hit = {
        case.row["id"]: printable(person(known.people.by_id.get(one) or case.shown_person(one) or {"id": one}))
        for case in cases
        for one in (case.shown["user"], case.leaver)
        if one and protection.covers({"id": one})
    }
    if hit:
        raise LimitExceeded(
            f"approve {summarize(task(identifier).what for identifier in hit)}",
            f"it would take access from protected people: {summarize(dict.fromkeys(hit.values()))}",
            "No task was touched. Decline it or leave it out, or take them out of protected_users; the acting user is "
            "always protected.",
            tasks=list(hit),
        )


def _names(verdicts: Iterable[TaskAssessment], name: str) -> list[str]:
    """Return what is expected by name or address rather than by id."""
    given = (verdict.case.claim.expect.get(name) for verdict in verdicts)
    return list(dict.fromkeys(one for one in given if one is not None and not is_uuid(one)))
