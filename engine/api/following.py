"""The endpoints that are followed: a job's events as a stream, decisions by long poll."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Request, Response, status
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from db.queries import decisions as decision_rows
from engine import actions
from engine.actions.store import storing
from engine.api.bodies import fast
from engine.api.routes import WHO, Here, Json
from engine.errors import EngineError
from engine.records import JobState
from engine.settings import Settings
from engine.sources import active_source

router = APIRouter()

LOOK_S = 0.5
ALIVE_S = 15.0
"""A stream says at least so often that it lives, so that proxies keep it open."""

Run = Annotated[str, Path(max_length=40)]
_GOES_ON = (JobState.QUEUED, JobState.RUNNING)


@router.post("/jobs/{run}/cancel", status_code=status.HTTP_202_ACCEPTED)
def post_cancel(settings: Here, run: Run) -> Json:
    """Ask a running job to end."""
    actions.cancel_job(run, WHO, settings)
    return {"id": run}


@router.get(
    "/jobs/{run}/events",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def get_job_events(settings: Here, run: Run, request: Request) -> StreamingResponse:
    """Server-sent events: `progress` whenever the job moved, `end` with its result."""
    first = await run_in_threadpool(actions.job, run, settings)
    stream = _events(first, settings, request)
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(stream, media_type="text/event-stream", headers=headers)


@router.get("/decisions")
async def get_decisions(
    settings: Here,
    request: Request,
    source: Annotated[int | None, Query(ge=0, lt=2**31)] = None,
    wait: Annotated[float, Query(ge=0, le=60)] = 0.0,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """The decisions that a cache obeys now; `source` is an id, by default the active source's.

    The answer has an ETag; sent back as If-None-Match, the answer is 304 while nothing changed,
    after up to `wait` seconds.
    """
    known = {tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")}
    until = time.monotonic() + wait
    while True:
        told, tag = await run_in_threadpool(_decisions, settings, source)
        headers = {"etag": tag, "cache-control": "no-cache"}
        if not known & {tag, "*"}:
            answer = fast(told)
            answer.headers.update(headers)
            return answer
        left = until - time.monotonic()
        if left <= 0 or await request.is_disconnected():
            return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers=headers)
        await asyncio.sleep(min(LOOK_S, left))


def _decisions(settings: Settings, source: int | None) -> tuple[dict[str, Any], str]:
    """What is in force, and a tag that changes when it does."""
    now = time.time()
    with storing(settings) as store:
        wanted = active_source(settings, store).id if source is None else source
        rows = decision_rows.published(store, wanted, now)
    ids = json.dumps([wanted, *(row["id"] for row in rows)]).encode()
    tag = f'"{hashlib.blake2b(ids, digest_size=8).hexdigest()}"'
    return {"at": now, "source": wanted, "decisions": rows}, tag


async def _events(
    row: dict[str, Any], settings: Settings, request: Request
) -> AsyncIterator[bytes]:
    told, spoken = b"", time.monotonic()
    while True:
        over = row["state"] not in _GOES_ON
        event = _event("end" if over else "progress", row)
        if event != told:
            told, spoken = event, time.monotonic()
            yield event
        elif time.monotonic() - spoken > ALIVE_S:
            spoken = time.monotonic()
            yield b": alive\n\n"
        if over or await request.is_disconnected():
            return
        await asyncio.sleep(LOOK_S)
        try:
            row = await run_in_threadpool(actions.job, row["id"], settings)
        except EngineError as error:
            yield _event("trouble", {"detail": str(error)})
            return


def _event(name: str, told: dict[str, Any]) -> bytes:
    return f"event: {name}\ndata: {json.dumps(told)}\n\n".encode()
