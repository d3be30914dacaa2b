# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The error tree of the collection.

A message has three parts: the action, the cause of its failure, and a hint what to do. C(facts()) returns details for
programs. Neither holds headers, credentials or bodies.
"""

from __future__ import annotations

from typing import Any


class CakewalkError(Exception):
    """Base class of every error that ends a task.

    :param action: what was being done, and to what, as a verb phrase: "list the users".
    :param cause: what went wrong, as a clause without a full stop.
    :param hint: what to do now, as one or more sentences.
    """

    kind = "error"

    def __init__(self, action: str, cause: str, hint: str, **facts: Any) -> None:
        super().__init__(action, cause, hint)
        self.action = action
        self.cause = cause
        self.hint = hint
        self._facts = facts

    def __str__(self) -> str:
        return f"Could not {self.action}: {self.cause}. {self.hint}"

    def restated(self, cause: str, hint: str) -> CakewalkError:
        """Return the same error, with the same facts, and a more precise message."""
        other = type(self).__new__(type(self))
        other.__dict__.update(self.__dict__, cause=cause, hint=hint)
        return other

    def facts(self) -> dict[str, Any]:
        """Return the details for programs: C(kind) and the facts of the error, without those that are C(None)."""
        return {"kind": self.kind, **{name: value for name, value in self._facts.items() if value is not None}}


class ConfigurationError(CakewalkError):
    """An option cannot be used as it is; raised before any request."""

    kind = "configuration"


def places(option: str) -> str:
    """Return an option of the connection with its variable and environment variable, for messages."""
    return f"`{option}` (variable `cakewalk_{option}`, environment variable CAKEWALK_{option.upper()})"


def out_of_range(option: str, value: int, hint: str) -> ConfigurationError:
    """Return the error for an option whose number is out of range."""
    return ConfigurationError(f"use `{option}`", f"it is {value}", hint, option=option)


class WriteRefused(CakewalkError):
    """A write was attempted while only reading is allowed: planning never writes."""

    kind = "write_refused"


class TransportError(CakewalkError):
    """No answer: the connection failed, or a read failed after all retries."""

    kind = "transport"


class OutcomeUnknown(TransportError):
    """A write was sent and its answer was lost, so it may or may not have been carried out."""

    kind = "outcome_unknown"


class Queued(OutcomeUnknown):
    """202: a write was accepted for later."""


class ProtocolError(CakewalkError):
    """The answer cannot be trusted: no JSON, no C(data), no usable cursor, or a repeated cursor or row."""

    kind = "protocol"


class ListMoved(ProtocolError):
    """A list changed while it was read: a row came twice."""

    kind = "list_moved"


class ApiError(CakewalkError):
    """A refusal by the vendor, with the HTTP C(status) (RFC 9110) and the facts of its problem document (RFC 9457)."""

    kind = "refused"

    @property
    def status(self) -> int:
        """The HTTP status."""
        return int(self._facts["status"])


class Unauthorized(ApiError):
    """401: the key or the secret is missing or wrong."""

    kind = "unauthorized"


class Forbidden(ApiError):
    """403: a read-only key was used for a write, or the resource refuses writes."""

    kind = "forbidden"


class NotFound(ApiError):
    """404: no such resource."""

    kind = "not_found"


class RateLimited(ApiError):
    """429 after all retries, or with a longer wait than C(LONGEST_WAIT)."""

    kind = "rate_limited"


class Redirected(ApiError):
    """3xx on a read: never followed, because the credentials would be sent to the new host."""

    kind = "redirected"


class ServerError(ApiError):
    """5xx on a read, after all retries."""

    kind = "server_error"
