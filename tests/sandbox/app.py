# Copyright: Contributors to the cakewalk.access collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service as the contract describes it, on Connexion: routes, validation in both directions, handlers.

Nothing in here knows of credentials, faults or form; that is in front of it (C(front.py)). So the validators always see
the contract's own form.
"""

from __future__ import annotations

import copy
import functools
import json
import re
from collections.abc import Callable
from typing import Any

from connexion import AsyncApp, ConnexionMiddleware, context
from connexion.exceptions import NonConformingResponse, ProblemException
from connexion.lifecycle import ConnexionRequest, ConnexionResponse
from connexion.middleware.security import SecurityMiddleware
from connexion.middleware.swagger_ui import SwaggerUIMiddleware
from connexion.resolver import Resolver
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp

from . import contract
from .contract import Operation
from .dialect import QUESTION_HEADER, cursor_link, self_link
from .handlers import Handlers, Record
from .paging import Page
from .problem import Problem, problem_body
from .validation import VALIDATORS, check_formats
from .world import World

#: Any operation may be called wrongly, also those whose page lists no 400.
_ALWAYS_POSSIBLE = frozenset({400})


def build(world: World, handlers: Handlers | None = None) -> ASGIApp:
    """Return the service over a world.

    :param handlers: other handlers than the real ones, to see what the validators make of them.
    """
    check_formats()
    handlers = handlers or Handlers(world)
    app = AsyncApp(
        __name__,
        middlewares=[
            middleware
            for middleware in ConnexionMiddleware.default_middlewares
            if middleware not in (SwaggerUIMiddleware, SecurityMiddleware)
        ],
        pythonic_params=True,
        strict_validation=True,
        validate_responses=True,
        validator_map=VALIDATORS,
        resolver=Resolver(lambda operation_id: _endpoint(handlers, contract.operations()[operation_id])),
    )
    app.add_api(copy.deepcopy(contract.document()))
    app.add_error_handler(ProblemException, _refused)
    app.add_error_handler(HTTPException, _not_routed)
    return app


def _endpoint(handlers: Handlers, operation: Operation) -> Callable[..., Any]:
    handler = getattr(handlers, re.sub(r"(?<!^)(?=[A-Z])", "_", operation.id).lower())

    @functools.wraps(handler)
    async def endpoint(**arguments: Any) -> Response:
        try:
            result = handler(**arguments)
        except Problem as problem:
            headers = {QUESTION_HEADER: problem.question} if problem.question else {}
            return _response(operation, problem.status, problem_body(problem.status, problem.detail), headers)
        return _response(operation, operation.success, _enveloped(result, context.scope["path"]))

    return endpoint


def _enveloped(result: Any, path: str) -> Any:
    if isinstance(result, Page):
        following = cursor_link(path, str(result.next)) if result.next else None
        return {"data": result.rows, "links": {"self": self_link(path), "next": following}}
    if isinstance(result, Record):
        return {"data": result.row, "links": {"self": self_link(path), "next": None}}
    return result


def _response(operation: Operation, status: int, body: Any, headers: dict[str, str] | None = None) -> Response:
    if status not in operation.statuses | _ALWAYS_POSSIBLE:
        raise NonConformingResponse(detail=f"{operation.id} does not answer {status} by the contract.")
    if body is None:
        return Response(status_code=status, headers=headers)
    if isinstance(body, str):
        return Response(body, status, headers, "text/plain")
    return Response(json.dumps(body), status, headers, "application/json")


def _refused(_request: ConnexionRequest, problem: ProblemException) -> ConnexionResponse:
    """Return the refusal of a validator in the same form as any other."""
    reason, *_schema_at_length = (problem.detail or problem.title).splitlines()
    return _problem_response(problem.status, reason)


def _not_routed(request: ConnexionRequest, problem: HTTPException) -> ConnexionResponse:
    response = _problem_response(problem.status_code, problem.detail)
    if problem.status_code == 405:
        response.headers["Allow"] = ", ".join(contract.methods_of(request.scope["path"]))
    return response


def _problem_response(status: int, detail: str) -> ConnexionResponse:
    return ConnexionResponse(status, mimetype="application/json", body=json.dumps(problem_body(status, detail)))
