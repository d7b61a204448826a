"""What stands before every page: known host names only, and a note of who really connects."""

from __future__ import annotations

from typing import Any

import streamlit as st
import uvicorn.config
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

PEER = "x-cachescope-peer"
"""The header that tells a page the address at the other end of its connection."""


class PeerNoted:
    """Writes the address that connects into `PEER`; what a client sends there is dropped."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its address."""
        if scope["type"] in ("http", "websocket"):
            name = PEER.encode()
            peer = scope.get("client")
            told = [(name, str(peer[0]).encode())] if peer else []
            others = [(key, value) for key, value in scope["headers"] if key != name]
            scope = {**scope, "headers": [*others, *told]}
        await self._app(scope, receive, send)


def _as_it_comes(app: ASGIApp, **_trusted: Any) -> ASGIApp:  # noqa: ANN401 - uvicorn's own
    return app


def middleware() -> list[Middleware]:
    """Streamlit checks the host name of its websocket alone; here it is every request's.

    From now on uvicorn leaves addresses as they are. It would take them from X-Forwarded-For, which
    anybody can send; Streamlit offers no setting for it, and reads the environment's too early.
    """
    vars(uvicorn.config)["ProxyHeadersMiddleware"] = _as_it_comes
    hosts = list(st.get_option("server.allowedHosts")) or ["*"]
    return [
        Middleware(TrustedHostMiddleware, allowed_hosts=hosts, www_redirect=False),
        Middleware(PeerNoted),
    ]
