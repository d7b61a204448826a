"""The HTTP face of the sample origin."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response

from engine.errors import EngineError
from mock.energy.endpoints import ENDPOINTS, Endpoint
from mock.energy.parameters import BadParameter, read_values
from mock.pace import PATH, Pace
from mock.serving import CachedApi, today
from mock.web_names import SERVICE_NAME

log = logging.getLogger(__name__)

SPECIFICATION = Path(__file__).with_name("ers-api.yaml")

ApiSource = Callable[[], CachedApi]
"""Gives the API once its data is there; raises EngineError with the reason until then."""


def make_app(
    api: ApiSource, pace: Callable[[], Pace | None], names: Sequence[str] = ()
) -> Starlette:
    """The application: every endpoint of the table, `/health`, `/openapi.json`, and `/traffic`.

    It answers to loopback's names and to `names`. `pace` gives what `/traffic` tells; None while
    that is not known.
    """
    app = Starlette()
    known = ["127.0.0.1", "localhost", "[::1]", "::1", *names]
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=known, www_redirect=False)
    for endpoint in ENDPOINTS.values():
        app.add_route(endpoint.path, _handler(endpoint, api), methods=["GET"])
    app.add_route("/health", _health(api), methods=["GET"])
    app.add_route("/openapi.json", _openapi, methods=["GET"])
    app.add_route(PATH, _pace(pace), methods=["GET"])
    return app


def _handler(endpoint: Endpoint, api: ApiSource) -> Callable[[Request], Awaitable[Response]]:
    async def handle(request: Request) -> Response:
        try:
            given = dict(request.query_params) | request.path_params
            values = read_values(endpoint.parameters, given, today)
            served = await api().answer(endpoint, values)
        except BadParameter as error:
            return _sentence(422, str(error))
        except EngineError as error:
            return _sentence(503, str(error))
        except SQLAlchemyError as error:
            return _sentence(503, explain_outage(error))
        headers = {"X-Cache": "hit" if served.hit else "miss", "Age": str(int(served.age_s))}
        return Response(served.body, headers=headers, media_type="application/json")

    return handle


def explain_outage(error: SQLAlchemyError) -> str:
    """One sentence on why no answer could be loaded; details go to the log."""
    log.debug("a query failed: %s", error)
    return "The database of the sample origin cannot be reached; only cached answers are served."


def _health(api: ApiSource) -> Callable[[Request], Awaitable[Response]]:
    async def health(_request: Request) -> Response:
        try:
            api()
        except EngineError as error:
            return _json(503, {"service": SERVICE_NAME, "ready": False, "detail": str(error)})
        return _json(200, {"service": SERVICE_NAME, "ready": True})

    return health


async def _openapi(_request: Request) -> Response:
    return Response(_specification_json(), media_type="application/json")


def _pace(pace: Callable[[], Pace | None]) -> Callable[[Request], Awaitable[Response]]:
    async def told(_request: Request) -> Response:
        known = pace()
        if known is None:
            return Response("The tunables have not been read yet.", 503)
        return Response(msgspec.json.encode(known), media_type="application/json")

    return told


@cache
def _specification_json() -> bytes:
    import yaml  # only when somebody asks: the start must stay quick

    return msgspec.json.encode(yaml.safe_load(SPECIFICATION.read_text(encoding="utf-8")))


def _sentence(status: int, detail: str) -> Response:
    return _json(status, {"detail": detail})


def _json(status: int, body: dict[str, Any]) -> Response:
    return Response(msgspec.json.encode(body), status, media_type="application/json")
