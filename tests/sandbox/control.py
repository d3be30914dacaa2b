# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control API under C(/_sandbox/): no credentials, not logged, not counted.

========================== ===========================================================================================
GET /_sandbox/info          settings, both key pairs, the acting user
GET, DELETE /_sandbox/log   the requests since the last reset or clearing
GET /_sandbox/deliveries    the bodies of the webhooks that tell what has happened, in the form of the dialect
GET /_sandbox/state         the tenant; C(?only=users,groups) for some of its tables
PATCH /_sandbox/settings    settings and dialect fields, flat; the data stay
POST /_sandbox/reset        a fresh company under the settings at the start and those in the body; all else is forgotten
GET, POST /_sandbox/faults  what is left; a list of faults to add
DELETE /_sandbox/faults     forget the faults that are left, and the changes that wait
GET, POST /_sandbox/webhook the deliveries that were sent; where to, and what is to go wrong (C(deliveries.py))
POST /_sandbox/sign         the signature of the body as it stands
POST /_sandbox/rotate       another key to sign with
GET, POST /_sandbox/notes   the questions of the dialect that decided something since; note them from now on
POST /_sandbox/change       a list of changes, made now or after so many requests
========================== ===========================================================================================

What is wrong is answered with 400 and its reason in C(detail).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .deliveries import sign
from .dialect import deliveries
from .keys import SigningKey
from .known import ACTING_USER
from .problem import Problem, problem_body
from .world import World

_PREFIX = "/_sandbox"


def build(world: World) -> Starlette:
    """Return the control API over a world."""
    control = _Control(world)
    paths: list[tuple[str, str, Callable[[Request], Awaitable[Any]]]] = [
        ("GET", "info", control.info),
        ("GET", "log", control.log),
        ("DELETE", "log", control.clear_log),
        ("GET", "deliveries", control.deliveries),
        ("GET", "state", control.state),
        ("PATCH", "settings", control.configure),
        ("POST", "reset", control.reset),
        ("GET", "faults", control.faults),
        ("POST", "faults", control.add_faults),
        ("DELETE", "faults", control.calm),
        ("POST", "change", control.change),
        ("GET", "webhook", control.webhook),
        ("POST", "webhook", control.direct_webhook),
        ("POST", "sign", control.sign),
        ("POST", "rotate", control.rotate),
        ("GET", "notes", control.notes),
        ("POST", "notes", control.note),
    ]
    return Starlette(
        routes=[Route(f"{_PREFIX}/{name}", _answering(endpoint), methods=[method]) for method, name, endpoint in paths]
    )


class _Control:
    """One method for each endpoint; what it returns is the JSON answer."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def info(self, _request: Request) -> dict[str, Any]:
        return {
            "settings": self._world.settings.as_dict(),
            "keys": asdict(self._world.keyring),
            "acting_user": ACTING_USER,
        }

    async def log(self, _request: Request) -> list[dict[str, Any]]:
        return self._world.log.dump()

    async def clear_log(self, _request: Request) -> None:
        self._world.log.clear()

    async def deliveries(self, _request: Request) -> list[Any]:
        return deliveries(self._world.state.events, self._world.settings.dialect)

    async def state(self, request: Request) -> dict[str, Any]:
        return self._world.state.dump(filter(None, request.query_params.get("only", "").split(",")))

    async def configure(self, request: Request) -> dict[str, Any]:
        self._world.configure(**await _mapping(request))
        return self._world.settings.as_dict()

    async def reset(self, request: Request) -> dict[str, Any]:
        self._world.reset(**await _mapping(request))
        return self._world.settings.as_dict()

    async def faults(self, _request: Request) -> list[dict[str, Any]]:
        return self._world.faults.dump()

    async def add_faults(self, request: Request) -> list[dict[str, Any]]:
        self._world.faults.add(await _list(request))
        return self._world.faults.dump()

    async def calm(self, _request: Request) -> None:
        self._world.calm()

    async def change(self, request: Request) -> None:
        self._world.changes.add(await _list(request), self._world.state)
        self._world.send_news()

    async def webhook(self, _request: Request) -> list[dict[str, Any]]:
        return self._world.webhook_sender.dump()

    async def direct_webhook(self, request: Request) -> None:
        self._world.webhook_sender.direct(self._world.state, **await _mapping(request))

    async def sign(self, request: Request) -> dict[str, str]:
        return {"signature": sign(await request.body(), self._world.signing_key)}

    async def notes(self, _request: Request) -> list[str]:
        return sorted(self._world.notes or ())

    async def note(self, _request: Request) -> None:
        self._world.note_questions()

    async def rotate(self, _request: Request) -> None:
        self._world.signing_key = SigningKey()


def _answering(endpoint: Callable[[Request], Awaitable[Any]]) -> Callable[[Request], Awaitable[Response]]:
    async def answering(request: Request) -> Response:
        try:
            result = await endpoint(request)
        except (ValueError, RecursionError, Problem) as error:
            return JSONResponse(problem_body(400, str(error)), 400)
        return JSONResponse(result) if result is not None else Response(status_code=204)

    return answering


async def _mapping(request: Request) -> dict[str, Any]:
    return _checked(await request.json() if await request.body() else {}, dict)


async def _list(request: Request) -> list[dict[str, Any]]:
    wishes = _checked(await request.json(), list)
    return [_checked(wish, dict) for wish in wishes]


def _checked(value: Any, kind: type) -> Any:
    if not isinstance(value, kind):
        raise ValueError(f"a JSON {'object' if kind is dict else 'array'} is expected here")
    return value
