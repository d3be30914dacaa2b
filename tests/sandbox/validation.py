# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the framework's validators have to be told: string formats, and which bodies are refused."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Iterable
from datetime import datetime
from typing import Any, ClassVar

from connexion.exceptions import BadRequestProblem
from connexion.middleware.abstract import ROUTING_CONTEXT
from connexion.validators import JSONRequestBodyValidator, JSONResponseBodyValidator
from jsonschema import Draft4Validator
from starlette.types import Scope

_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)", re.IGNORECASE)


def is_uuid(value: object) -> bool:
    """Tell whether a text is a UUID; other types are no business of a format."""
    return not isinstance(value, str) or _UUID.fullmatch(value) is not None


def is_date_time(value: object) -> bool:
    """Tell whether a text is a time by RFC 3339, with its offset."""
    if not isinstance(value, str):
        return True
    if not _DATE_TIME.fullmatch(value):
        return False
    datetime.fromisoformat(value.upper())
    return True


def check_formats() -> None:
    """Have the validators check C(uuid) and C(date-time) in parameters, bodies and answers."""
    Draft4Validator.FORMAT_CHECKER.checks("uuid")(is_uuid)
    Draft4Validator.FORMAT_CHECKER.checks("date-time", raises=ValueError)(is_date_time)


class BodyValidator(JSONRequestBodyValidator):
    """The framework's validator, which refuses a missing optional body, and fails on some bodies that are not JSON."""

    async def _parse(self, stream: AsyncGenerator[bytes, None], scope: Scope) -> Any:
        try:
            return await super()._parse(stream, scope)
        except (ValueError, RecursionError) as error:
            raise BadRequestProblem(detail=f"The body cannot be read as JSON in UTF-8: {error}") from None

    def _validate(self, body: Any) -> dict[str, Any] | None:
        return None if body is None and not self._required else super()._validate(body)


class AnswerValidator(JSONResponseBodyValidator):
    """The framework's validator, which looks at the same answer of an operation once: most time went into that."""

    _conforming: ClassVar[set[int]] = set()

    def _parse(self, stream: Iterable[bytes]) -> Any:
        body = b"".join(stream)
        self._answer = hash((self._scope["extensions"][ROUTING_CONTEXT]["operation_id"], body))
        return None if self._answer in self._conforming else super()._parse(iter([body]))

    def _validate(self, body: Any) -> None:
        if self._answer not in self._conforming:
            super()._validate(body)
            self._conforming.add(self._answer)


#: The framework's validators with those above for JSON.
VALIDATORS = {"body": {"application/json": BodyValidator}, "response": {"application/json": AnswerValidator}}
