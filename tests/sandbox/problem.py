# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Refusals in the form of RFC 7807, the way the vendor's C(ProblemDetails) shows them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any


class Problem(Exception):
    """A refusal.

    :param status: a status that the contract knows for the operation.
    :param detail: the reason in words.
    :param question: the dialect field that says with which status the service really answers, if it is an open one.
    """

    def __init__(self, status: int, detail: str, question: str | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.question = question


def problem_body(status: int, detail: str) -> dict[str, Any]:
    """Return the body of a refusal; C(type) has the form that a third-party profile saw live."""
    return {
        "type": f"https://httpstatuses.io/{status}",
        "title": next((known.phrase for known in HTTPStatus if known == status), "Unknown"),
        "status": status,
        "detail": detail,
    }


def not_found(what: str, identifier: str) -> Problem:
    """Return the refusal of an id that names nothing."""
    return Problem(404, f"There is no {what} with the id {identifier}.")
