"""The API as a service: uvicorn on loopback, beating from its own event loop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys

import uvicorn

from engine.errors import EngineError
from engine.lifeline import Lifeline
from engine.logs import configure
from engine.settings import load_settings

BEAT_S = 0.5


class Server(uvicorn.Server):
    """A uvicorn that leaves signals to the lifeline."""

    @contextlib.contextmanager
    def capture_signals(self):  # type: ignore[no-untyped-def]  # noqa: ANN201 - uvicorn's own
        """Do nothing: the lifeline has its handlers set."""
        yield


async def serve(server: Server, listener: socket.socket, lifeline: Lifeline) -> None:
    """Serve on `listener` until the lifeline says stop."""
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    said = False
    while not serving.done() and not lifeline.stopping.is_set():
        if server.started and not said:
            said = True
            lifeline.ready()
        lifeline.beat(server.server_state.total_requests)
        await asyncio.sleep(BEAT_S if said else 0.02)
    server.should_exit = True
    await serving


def main() -> int:
    """Run the service; returns the exit code."""
    lifeline = Lifeline()
    try:
        settings = load_settings()
        configure(settings.log_level)
        from engine.api import app
    except EngineError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    host, port = settings.api_host, settings.api_port
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family)
    except OSError as error:
        sys.stderr.write(
            f"The API cannot listen on {host}:{port}: {os.strerror(error.errno or 0)}.\n"
        )
        return 1
    config = uvicorn.Config(
        app, log_config=None, access_log=False, ws="none", timeout_graceful_shutdown=1
    )
    asyncio.run(serve(Server(config), listener, lifeline))
    return 0


if __name__ == "__main__":
    sys.exit(main())
