"""The engine's life beside the web server's: found or started first, stopped last."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from dashboard import client


@asynccontextmanager
async def lifespan(_app: object) -> AsyncIterator[dict[str, Any]]:
    """Start or find the engine; a failure is told on the page, where a button tries again."""
    await asyncio.to_thread(client.start_own_engine)
    try:
        yield {}
    finally:
        # Only the engine that this process started ends with it; another's stays.
        await asyncio.to_thread(client.release_engine)


async def ready(_request: Request) -> JSONResponse:
    """200 with every service's state when an engine answers, else 503."""
    running = await asyncio.to_thread(client.engine)
    if running is None:
        return JSONResponse({"ready": False, "services": {}}, status_code=503)
    states = {service.name: service.state for service in running.services}
    return JSONResponse({"ready": True, "services": states})


def routes() -> list[Route]:
    """The dashboard's own routes beside Streamlit's."""
    return [Route("/api/ready", ready, methods=["GET"])]
