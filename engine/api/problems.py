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

from engine.api.blame import blamed
from engine.errors import (
    BodyError,
    BrokerError,
    ControlError,
    EngineError,
    JobError,
    NoSuchModel,
    NoSuchStudy,
    NoSuchTrace,
    NotAllowed,
    QueryError,
    StoreError,
    TooMuch,
    TunableError,
    UnknownName,
)

log = logging.getLogger(__name__)

MEDIA = "application/problem+json"

STATUS: dict[type[EngineError], HTTPStatus] = {
    BodyError: HTTPStatus.UNPROCESSABLE_ENTITY,
    QueryError: HTTPStatus.UNPROCESSABLE_ENTITY,
    NotAllowed: HTTPStatus.FORBIDDEN,
    TooMuch: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    TunableError: HTTPStatus.UNPROCESSABLE_ENTITY,
    UnknownName: HTTPStatus.NOT_FOUND,
    NoSuchModel: HTTPStatus.NOT_FOUND,
    NoSuchStudy: HTTPStatus.NOT_FOUND,
    NoSuchTrace: HTTPStatus.NOT_FOUND,
    JobError: HTTPStatus.CONFLICT,
    ControlError: HTTPStatus.CONFLICT,
    StoreError: HTTPStatus.SERVICE_UNAVAILABLE,
    BrokerError: HTTPStatus.SERVICE_UNAVAILABLE,
}
"""What a refusal becomes; anything else of ours is a bad request."""

TITLES = {413: "Content Too Large", 422: "Unprocessable Content"}
"""RFC 9110's titles where Python's depend on its version: types are made of titles."""

_REMEDY = re.compile(r"; (?!.*; )|[.?] (?=Choose )")
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
    title = TITLES.get(status) or HTTPStatus(status).phrase
    told: dict[str, Any] = {
        "type": f"urn:cachescope:problem:{kind or title.lower().replace(' ', '-')}",
        "title": title,
        "status": status,
        "detail": detail,
    }
    # Our sentences say what is wrong, and after a semicolon what to do instead.
    _, *remedy = _REMEDY.split(detail, maxsplit=1)
    told |= {"field": field} if field else {}
    told |= {"remedy": remedy[0][:1].upper() + remedy[0][1:]} if remedy else {}
    return JSONResponse(told, status, headers, MEDIA)


def install(app: FastAPI) -> None:
    """Let every error of the application be told as a problem."""
    app.add_exception_handler(EngineError, _refused)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _unexpected)


async def _refused(request: Request, error: Exception) -> JSONResponse:
    status = next((s for kind, s in STATUS.items() if isinstance(error, kind)), None)
    kind = _WORDS.sub("-", type(error).__name__).lower()
    field = blamed(str(error), request)
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
    part, *inside = map(str, first["loc"])
    # The place of a mistake in JSON is a column, not a field.
    place = part if first["type"] == "json_invalid" else ".".join(inside) or part
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    return problem(status, _sentence(first, place), "invalid-request", place)


def _sentence(error: dict[str, Any], place: str) -> str:
    """What pydantic found, as we say it: what, with which value, what to do instead."""
    said = str(error["msg"])
    match error["type"]:
        case "extra_forbidden":
            return f"There is no field {place!r}; leave it out, or see /docs for those that exist."
        case "missing":
            return f"{place} is missing; give it as /docs shows."
        case "json_invalid":
            return f"The body is no JSON ({error['ctx']['error']}); send it as /docs shows."
    if place == "body" and isinstance(error["input"], bytes):  # what `curl -d` alone does
        return "The body is not marked as JSON; send the header `content-type: application/json`."
    must = said.partition(" should ")[2].partition(", unable to ")[0]
    remedy = f"it should {must}" if must else said.removeprefix("Value error, ").rstrip(".")
    return f"{place} is {repr(error['input'])[:80]}; {remedy}."


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return problem(500, "Something unexpected happened; see `python -m engine logs api`.")
