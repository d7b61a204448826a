"""Every error as a problem document (RFC 9457): type, title, status, detail, and what helps."""

from __future__ import annotations

import logging
import re
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from engine.errors import (
    BodyError,
    BrokerError,
    ControlError,
    EngineError,
    JobError,
    NoSuchModel,
    NotAllowed,
    StoreError,
    TooMuch,
    TunableError,
    UnknownName,
)

log = logging.getLogger(__name__)

MEDIA = "application/problem+json"

STATUS: dict[type[EngineError], HTTPStatus] = {
    BodyError: HTTPStatus.UNPROCESSABLE_ENTITY,
    NotAllowed: HTTPStatus.FORBIDDEN,
    TooMuch: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    TunableError: HTTPStatus.UNPROCESSABLE_ENTITY,
    UnknownName: HTTPStatus.NOT_FOUND,
    NoSuchModel: HTTPStatus.NOT_FOUND,
    JobError: HTTPStatus.CONFLICT,
    ControlError: HTTPStatus.CONFLICT,
    StoreError: HTTPStatus.SERVICE_UNAVAILABLE,
    BrokerError: HTTPStatus.SERVICE_UNAVAILABLE,
}
"""What a refusal becomes; anything else of ours is a bad request."""

_NAMED = re.compile(r"at `\$\.?([^`]+)`|unknown field `([^`]+)`|required field `([^`]+)`")
_WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])")


class Problem(BaseModel):
    """What went wrong, and what to do instead."""

    type: str
    """A name of this kind of problem that does not change."""
    title: str
    status: int
    detail: str
    """One sentence: what, with which value, and what to do instead."""
    field: str | None = None
    """The parameter or the place in the body, where one is to blame."""
    remedy: str | None = None
    """What to do instead, alone."""


def problem(
    status: int, detail: str, kind: str = "", field: str = "", headers: dict[str, str] | None = None
) -> JSONResponse:
    """The answer for one problem; `kind` names it where the status alone does not."""
    title = HTTPStatus(status).phrase
    told: dict[str, Any] = {
        "type": f"urn:cachescope:problem:{kind or title.lower().replace(' ', '-')}",
        "title": title,
        "status": status,
        "detail": detail,
    }
    # Our sentences say what is wrong, and after a semicolon what to do instead.
    remedy = detail.rpartition("; ")
    told |= {"field": field} if field else {}
    told |= {"remedy": remedy[2][:1].upper() + remedy[2][1:]} if remedy[1] else {}
    return JSONResponse(told, status, headers, MEDIA)


def install(app: FastAPI) -> None:
    """Let every error of the application be told as a problem."""
    app.add_exception_handler(EngineError, _refused)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _unexpected)


async def _refused(_request: Request, error: Exception) -> JSONResponse:
    status = next((s for kind, s in STATUS.items() if isinstance(error, kind)), None)
    named = _NAMED.search(str(error))
    field = next(filter(None, named.groups()), "") if named else ""
    kind = _WORDS.sub("-", type(error).__name__).lower()
    return problem(status or HTTPStatus.BAD_REQUEST, str(error), kind, field)


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    status = error.status_code if isinstance(error, HTTPException) else 500
    path = request.url.path
    if status == HTTPStatus.NOT_FOUND:
        return problem(status, f"There is nothing at {path}; see /docs.")
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        allow = dict(getattr(error, "headers", None) or {})
        sentence = f"{request.method} is not possible on {path}; see /docs."
        return problem(status, sentence, headers=allow)
    return problem(status, str(getattr(error, "detail", error)))


async def _invalid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it alone
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    told = str(first["msg"]).removeprefix("Value error, ").rstrip(".")
    if first["type"] == "extra_forbidden":
        told = "there is no such field; leave it out, or see /docs for those that exist"
    return problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        f"{place}: {told}.",
        "invalid-request",
        ".".join(str(part) for part in first["loc"][1:]) or place,
    )


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return problem(500, "Something unexpected happened; see `python -m engine logs api`.")
