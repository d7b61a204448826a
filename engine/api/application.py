"""The application: routes, and every error as {"detail": one sentence}."""

from __future__ import annotations

import logging
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.middleware.base import BaseHTTPMiddleware

from engine.api.guard import Guard, allowed_hosts
from engine.api.learning import router as learning
from engine.api.routes import router as live
from engine.api.studies import router as studies
from engine.errors import (
    BrokerError,
    ControlError,
    EngineError,
    JobError,
    StoreError,
    TunableError,
    UnknownName,
)
from engine.settings import Settings, load_settings

log = logging.getLogger(__name__)

STATUS: dict[type[EngineError], HTTPStatus] = {
    TunableError: HTTPStatus.UNPROCESSABLE_ENTITY,
    UnknownName: HTTPStatus.NOT_FOUND,
    JobError: HTTPStatus.CONFLICT,
    ControlError: HTTPStatus.CONFLICT,
    StoreError: HTTPStatus.SERVICE_UNAVAILABLE,
    BrokerError: HTTPStatus.SERVICE_UNAVAILABLE,
}
"""What a refusal becomes; anything else of ours is a bad request."""


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application over the engine of these settings (default: the environment's)."""
    known = settings or load_settings()
    app = FastAPI(title="Cachescope", version="0.1.0", docs_url="/docs", redoc_url=None)
    app.state.settings = known
    for part in (live, learning, studies):
        app.include_router(part)
    app.add_middleware(BaseHTTPMiddleware, dispatch=Guard(allowed_hosts(known.api_host)))
    app.add_exception_handler(EngineError, _refused)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _unexpected)
    return app


def _answer(status: int, sentence: str) -> JSONResponse:
    return JSONResponse({"detail": sentence}, status_code=status)


async def _refused(_request: Request, error: Exception) -> JSONResponse:
    status = next((s for kind, s in STATUS.items() if isinstance(error, kind)), None)
    return _answer(status or HTTPStatus.BAD_REQUEST, str(error))


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == HTTPStatus.NOT_FOUND:
        return _answer(status, f"There is nothing at {request.url.path}; see /docs.")
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        return _answer(
            status, f"{request.method} is not possible on {request.url.path}; see /docs."
        )
    return _answer(status, str(getattr(error, "detail", error)))


async def _invalid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it alone
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    return _answer(HTTPStatus.UNPROCESSABLE_ENTITY, f"{place}: {first['msg']}.")


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return _answer(500, "Something unexpected happened; see `python -m engine logs api`.")
