# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tree of errors that speaking to the vendor can raise.

A message has three parts: what was attempted on what, what came of it, what to do now. Facts for machines stand beside
it in attributes that C(facts()) returns. Neither holds headers, credentials or bodies.
"""

from __future__ import annotations

from typing import Any


class CakewalkError(Exception):
    """Anything that ends a task; every error of this collection is one.

    :param action: what was being done to what, as a verb phrase: "list the users".
    :param cause: what came of it, as a clause without a full stop.
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
        """Return the same error, with the same facts, in words that tell more."""
        other = type(self).__new__(type(self))
        other.__dict__.update(self.__dict__, cause=cause, hint=hint)
        return other

    def facts(self) -> dict[str, Any]:
        """Return what a program may want to know: C(kind) and whatever the error carries; C(None) is left out."""
        return {"kind": self.kind, **{name: value for name, value in self._facts.items() if value is not None}}


class ConfigurationError(CakewalkError):
    """An option cannot be used as it is; raised before any request."""

    kind = "configuration"


class WriteRefused(CakewalkError):
    """A write was attempted while only reading is allowed: planning never writes."""

    kind = "write_refused"


class TransportError(CakewalkError):
    """No answer: the connection could not be made, or a read was tried in vain as often as allowed."""

    kind = "transport"


class OutcomeUnknown(TransportError):
    """A write was sent and its answer was lost, so that it may or may not have been carried out."""

    kind = "outcome_unknown"


class ProtocolError(CakewalkError):
    """The answer cannot be trusted: not JSON, no C(data), no usable cursor, a cursor or row that repeats."""

    kind = "protocol"


class ListMoved(ProtocolError):
    """A list changed while it was read: a row came twice."""

    kind = "list_moved"


class ApiError(CakewalkError):
    """The vendor refused; C(status) is the HTTP status (RFC 9110), the facts hold its problem document (RFC 9457)."""

    kind = "refused"

    @property
    def status(self) -> int:
        """The HTTP status."""
        return int(self._facts["status"])


class Unauthorized(ApiError):
    """401: the key or the secret is missing or wrong."""

    kind = "unauthorized"


class Forbidden(ApiError):
    """403: a read-only key was used for a write, or the thing refuses writes."""

    kind = "forbidden"


class NotFound(ApiError):
    """404: no such thing."""

    kind = "not_found"


class RateLimited(ApiError):
    """429 after all retries, or with a longer wait than is worth it."""

    kind = "rate_limited"


class Redirected(ApiError):
    """3xx: never followed, since the credentials would go along to wherever it points."""

    kind = "redirected"


class ServerError(ApiError):
    """5xx on a read, after all retries."""

    kind = "server_error"
