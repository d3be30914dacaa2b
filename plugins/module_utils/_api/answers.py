# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of answers: what each proves about a write, which repetitions, readings and errors follow."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from dataclasses import dataclass
from enum import Enum

#: Methods whose requests carry absolute values, so sending one twice equals sending it once.
REPEATABLE = frozenset({"GET", "PUT", "PATCH", "DELETE"})
TOO_MANY = 429


class Body(Enum):
    """The kind of body that an answer has."""

    EMPTY = "no body"
    JSON = "JSON"
    PROBLEM = "a problem"
    OTHER = "something else"


class Proof(Enum):
    """The meaning of an answer to a write.

    Each value is the meaning, the result if a read shows the wanted state, and the result if it does not.
    """

    ACCEPTED = ("accepted", "`done`", "failed: `not_as_sent`")
    NOTHING = ("nothing", "`done`", "failed: `outcome_unknown`")
    QUEUED = ("nothing yet", "`done`", "failed: `outcome_unknown`")
    REFUSED = ("refused", "`already`", "failed, with the refusal")
    NOT_READ = ("not carried out", "", "failed, without a reading")


@dataclass(frozen=True)
class AnswerRule:
    """A row of the table: which answers it is for, and what they prove.

    :param answer: the answers, for people.
    :param reason: why they prove this.
    :param resent: the methods whose requests are sent again after such an answer.
    """

    answer: str
    statuses: Container[int]
    proof: Proof
    reason: str
    bodies: Container[Body] = frozenset(Body)
    resent: frozenset[str] = frozenset()


NEVER_SENT = AnswerRule(
    "no answer: no connection was made",
    (),
    Proof.NOT_READ,
    "Nothing was sent. A read would not get through either.",
    resent=REPEATABLE | {"POST"},
)
LOST = AnswerRule(
    "none: it was lost, or is incomplete",
    (),
    Proof.NOTHING,
    "The request was sent, so it may have been carried out.",
    resent=REPEATABLE,
)
AFTER_LOSS = AnswerRule(
    "any refusal, after the answer to an earlier attempt was lost",
    (),
    Proof.NOTHING,
    "The repetition is refused. The earlier attempt may have been carried out.",
)
#: The first rule that fits counts.
RULES = (
    AnswerRule(
        "202",
        {202},
        Proof.QUEUED,
        "The request is queued, and may still fail.",
        frozenset({Body.EMPTY, Body.JSON}),
    ),
    AnswerRule(
        "200 to 299",
        range(200, 300),
        Proof.ACCEPTED,
        "The service accepted it. A read confirms it, unless the answer has the id of the new record.",
        frozenset({Body.EMPTY, Body.JSON}),
    ),
    AnswerRule(
        "200 to 299 with a problem document, or without JSON",
        range(200, 300),
        Proof.NOTHING,
        "The body contradicts the status, or comes from a proxy.",
    ),
    AnswerRule(
        "401, 407",
        {401, 407},
        Proof.NOT_READ,
        "Credentials are checked before a request is carried out. A read would be refused, too.",
    ),
    AnswerRule(
        "429",
        {TOO_MANY},
        Proof.NOT_READ,
        "Requests beyond the limit are not carried out. A read would be refused, too.",
        resent=REPEATABLE | {"POST"},
    ),
    AnswerRule(
        "400, 404, 409",
        {400, 404, 409},
        Proof.REFUSED,
        "The API does not say why. The tenant may already be in the wanted state.",
    ),
    AnswerRule(
        "402, 403, 405, 411 to 417, 421 to 424, 426, 428, 431, 451",
        {402, 403, 405, *range(411, 418), *range(421, 425), 426, 428, 431, 451},
        Proof.REFUSED,
        "The status means that the request was not carried out. A read confirms it.",
    ),
    AnswerRule(
        "500 to 599",
        range(500, 600),
        Proof.NOTHING,
        "The service failed at any point, or a proxy gave up while the service continued.",
        resent=REPEATABLE,
    ),
    AnswerRule(
        "any other: 100 to 199, 300 to 399, 406, 408, 410, 425, 499, ...",
        range(1000),
        Proof.NOTHING,
        "A proxy answered, or the status describes the answer, not the request.",
    ),
)


def rule_of(status: int, body: Body = Body.EMPTY, after_loss: bool = False) -> AnswerRule:
    """Return the rule for an answer.

    :param after_loss: whether the answer to an earlier attempt of the same request was lost.
    """
    rule = next(rule for rule in RULES if status in rule.statuses and body in rule.bodies)
    return AFTER_LOSS if after_loss and rule.proof is not Proof.ACCEPTED else rule


def is_problem(document: object, content_type: str = "") -> bool:
    """Return whether a JSON document says that the request failed, as a problem document (RFC 9457) or otherwise."""
    if "problem+json" in content_type.lower():
        return True
    data = document.get("data") if isinstance(document, Mapping) else None
    parts = [part for place in (document, data) for part in (place if isinstance(place, list) else [place])]
    return any(
        _is_failure({str(name).lower(): value for name, value in part.items()})
        for part in parts
        if isinstance(part, Mapping)
    )


def _is_failure(document: Mapping[str, object]) -> bool:
    return (
        any(re.fullmatch(r"[45]\d\d(\.0)?", str(document.get(name))) for name in ("status", "statuscode"))
        or (isinstance(document.get("title"), str) and document.get("status") is None and "id" not in document)
        or str(document.get("status")).lower() in ("error", "failed", "failure")
        or bool(document.get("errors") or document.get("error"))
        or any(
            str(document.get(name)).lower() in ("false", "0") for name in ("success", "succeeded", "issuccess", "ok")
        )
    )
