"""The endpoint that takes a file, to be imported from afar."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request, status
from fastapi.concurrency import run_in_threadpool

from engine.actions.uploads import keep_upload
from engine.api.routes import WHO, Here, Json

router = APIRouter()

_BYTES = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}


@router.put(
    "/uploads/{file}",
    status_code=status.HTTP_201_CREATED,
    openapi_extra={"requestBody": {"required": True, "content": _BYTES}},
)
async def put_upload(
    settings: Here, file: Annotated[str, Path(max_length=100)], request: Request
) -> Json:
    """Keep a log, CSV, Parquet or trace file under this name, for `POST /import`."""
    content = await request.body()
    return await run_in_threadpool(keep_upload, file, content, WHO, settings)
