# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds of every decision, whatever the task shows and the options say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible_collections.cakewalk.access.plugins.module_utils._api.catalog import REQUEST_TYPES
from ansible_collections.cakewalk.access.plugins.module_utils._api.errors import CakewalkError
from hypothesis import event, given, settings
from hypothesis import strategies as st
from unit.approvals import (
    ADA,
    BEN,
    EDITOR,
    EVE,
    FIGMA,
    FUTURE,
    GITHUB,
    PAST,
    READ,
    WRITE,
    a_task,
    decided,
    decision,
    options,
    standalone,
    without,
)

#: Ways to write a person, an app or a level, by id.
_NAMES = {
    **{row["id"]: row["email"] for row in (ADA, BEN, EVE)},
    **{row["id"]: row["name"] for row in (GITHUB, FIGMA, READ, WRITE, EDITOR)},
}
_LEVELS = {GITHUB["id"]: [READ["id"], WRITE["id"]], FIGMA["id"]: [EDITOR["id"]], None: [WRITE["id"]]}
_FIELDS = {
    "request_type": "requestType",
    "user": "targetUserId",
    "app": "workAppId",
    "permission_level": "permissionLevelId",
}


@dataclass
class Case:
    """A task as it shows itself, the options, and by name the id or word that is expected."""

    row: dict[str, Any]
    params: dict[str, Any]
    expected: dict[str, str]

    @property
    def attributes(self) -> dict[str, str]:
        """What the task is about, by name."""
        if self.row.get("request") is None:
            return {"user": self.row["assignedUser"]["id"]} if self.row["assignedUser"] else {}
        shown = {name: self.row["request"].get(wire) for name, wire in _FIELDS.items()}
        return {name: value for name, value in shown.items() if value is not None}

    def may_be_decided(self) -> bool:
        """Tell, without the code that is tested, whether the task is one that can be decided now, by who acts."""
        row, request, params = self.row, self.row.get("request"), self.params
        actor, user = params["acting_user"], self.attributes.get("user")
        kind = "standalone" if request is None else {True: "action", False: "review"}.get(row.get("isActionStep"))
        must_show = {
            "GrantAccessRequest": {"user", "app"},
            "RemoveAccessRequest": {"user", "app"},
            "ChangePermissionLevelRequest": {"user", "app", "permission_level"},
        }.get(self.attributes.get("request_type", ""), set())
        taking = self.attributes.get("request_type") in ("RemoveAccessRequest", "ChangePermissionLevelRequest")
        return (
            row["status"].lower() == "pending"
            and kind == params["decide"]
            and row.get("isAutoprovisioning") in ((True, False) if params["allow_autoprovisioning"] else (False,))
            and row["snoozedTill"] in (None, PAST)
            and (request is None or request["requestStatus"] in ("Pending", "Approved"))
            and (request is None or request["cancelledByUserId"] is None)
            and (params["allow_self_approval"] or actor is None or actor not in (user, _asker(row)))
            and (params["state"] == "declined" or must_show <= self.attributes.keys())
            and not (taking and params["state"] == "approved" and user in (None, actor, *params["protected_users"]))
            and all(self.attributes.get(name) == value for name, value in self.expected.items())
        )

    def is_fully_expected(self) -> bool:
        """Tell whether what is expected is all that the task shows, and nothing else."""
        least = {"user"} if self.row.get("request") is None else {"request_type"}
        return self.expected == self.attributes and least <= self.expected.keys()


def _asker(row: dict[str, Any]) -> str | None:
    return row["request"]["requestedByUserId"] if row.get("request") else None


def _mostly(usual: Any, *others: Any) -> st.SearchStrategy[Any]:
    """Draw what is usual, or anything else: were all odd things as likely, hardly a task would be decided."""
    return st.sampled_from([usual] * 9 + list(others))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    app = draw(_mostly(GITHUB["id"], FIGMA["id"], None))
    row = a_task(
        status=draw(_mostly("Pending", "PENDING", "Approved", "Declined", "Cancelled", "Hibernating")),
        isActionStep=draw(_mostly(True, False, None)),
        isAutoprovisioning=draw(_mostly(False, True, None)),
        snoozedTill=draw(_mostly(None, PAST, FUTURE, "soon")),
        request={
            "requestType": draw(_mostly("GrantAccessRequest", *REQUEST_TYPES.values(), "BorrowAccessRequest", None)),
            "requestStatus": draw(_mostly("Pending", "Approved", "Declined", "Cancelled", "Fulfilled")),
            "requestedByUserId": draw(_mostly(EVE["id"], ADA["id"])),
            "cancelledByUserId": draw(_mostly(None, EVE["id"])),
            "targetUserId": draw(_mostly(BEN["id"], ADA["id"], None)),
            "workAppId": app,
            "permissionLevelId": draw(st.sampled_from([*_LEVELS[app], None])),
        },
    )
    if draw(_mostly(False, True)):
        row = standalone(**{name: row[name] for name in ("status", "snoozedTill", "isAutoprovisioning")})
        row["assignedUser"] = draw(_mostly(row["assignedUser"], None))
    row = draw(_mostly(row, without(row, "isActionStep"), without(row, "isAutoprovisioning")))
    params = {
        "state": draw(_mostly("approved", "declined")),
        "decide": draw(_mostly("action", "review", "standalone")),
        "acting_user": draw(_mostly(ADA["id"], BEN["id"])),
        "protected_users": draw(_mostly([], [BEN["id"]], [EVE["id"]])),
        "allow_autoprovisioning": draw(_mostly(False, True)),
        "allow_self_approval": draw(_mostly(False, True)),
    }
    case = Case(row, params, {})
    case.expected = {name: value for name, value in case.attributes.items() if draw(_mostly(True, False))}
    if draw(_mostly(False, True, True)):
        wrong = draw(st.sampled_from(sorted(_FIELDS)))
        choices = [*REQUEST_TYPES.values()] if wrong == "request_type" else [BEN["id"], FIGMA["id"], READ["id"]]
        case.expected[wrong] = draw(st.sampled_from(choices))
    # The name of a level means nothing where the task does not show whose level it is.
    nameless = {"permission_level"} if app is None else set()
    written = {
        name: _written(draw, value, case.attributes.get(name) == value and name not in nameless)
        for name, value in case.expected.items()
    }
    if case.expected.get("request_type") not in (None, *REQUEST_TYPES.values()):
        del written["request_type"], case.expected["request_type"]
    case.params = options(task=row["id"], expect=written, **params)
    return case


def _written(draw: st.DrawFn, value: str, by_name: bool) -> str:
    ours = {wire: name for name, wire in REQUEST_TYPES.items()}
    if value in ours:
        return ours[value]
    return draw(st.sampled_from([value, value.upper(), *([_NAMES[value]] if by_name and value in _NAMES else [])]))


def _decides(case: Case) -> bool:
    """Tell whether the code that is tested decides the task."""
    try:
        (assessment,) = decided([case.row], case.params)
    except CakewalkError as error:
        assert error.kind in ("not_as_expected", "rail", "configuration"), error
        return False
    return assessment.changes


@settings(max_examples=600)
@given(cases())
def test_a_task_is_decided_exactly_if_it_can_be_and_is_as_expected(case: Case) -> None:
    wanted = case.may_be_decided() and (case.params["state"] == "declined" or case.is_fully_expected())
    event(f"decided: {wanted}")
    assert _decides(case) == wanted


@settings(max_examples=100)
@given(st.lists(cases(), min_size=2, max_size=4))
def test_one_task_that_is_refused_keeps_all_from_being_decided(drawn: list[Case]) -> None:
    rows = [{**case.row, "id": f"{case.row['id'][:-1]}{number}"} for number, case in enumerate(drawn)]
    shared = {name: drawn[0].params[name] for name in ("acting_user", "protected_users", "allow_autoprovisioning")}
    names = ("state", "decide", "expect")
    entries = [
        decision(row, **{name: case.params[name] for name in names}) for row, case in zip(rows, drawn, strict=True)
    ]

    def refused(some_rows: list[dict[str, Any]], some_entries: list[dict[str, Any]]) -> bool:
        try:
            decided(some_rows, options(decisions=some_entries, **shared))
        except CakewalkError:
            return True
        return False

    alone = [refused([row], [entry]) for row, entry in zip(rows, entries, strict=True)]
    assert refused(rows, entries) == any(alone)
