# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the framework's validators have to be told: string formats, and that an optional body may be missing."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from connexion.validators import JSONRequestBodyValidator
from jsonschema import Draft4Validator

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


class OptionalBodyValidator(JSONRequestBodyValidator):
    """The framework's validator, which refuses a missing body even where the contract marks it as optional."""

    def _validate(self, body: Any) -> dict[str, Any] | None:
        return None if body is None and not self._required else super()._validate(body)


#: The framework's validators with the one above for JSON bodies.
VALIDATORS = {"body": {"application/json": OptionalBodyValidator}}
