"""The engine's life beside the web server's: found or started first, stopped last."""

from __future__ import annotations

import asyncio
import gc
import importlib
import pkgutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from dashboard import charts, client, parts


@asynccontextmanager
async def lifespan(_app: object) -> AsyncIterator[dict[str, Any]]:
    """Start or find the engine; a failure is told on the page, where a button tries again."""
    await asyncio.gather(
        asyncio.to_thread(client.start_own_engine), asyncio.to_thread(settle_memory)
    )
    try:
        yield {}
    finally:
        # Only the engine that this process started ends with it; another's stays.
        await asyncio.to_thread(client.release_engine)


def settle_memory() -> None:
    """Load what pages need, and keep it out of every later garbage collection.

    Streamlit collects after each redraw, and would look through all of the libraries every time.
    """
    for package in (charts, parts):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    gc.collect()
    gc.freeze()


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
