"""What stands before every page: known host names only, and a note of who really connects."""

from __future__ import annotations

import os

import streamlit as st
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


def middleware() -> list[Middleware]:
    """Streamlit checks the host name of its websocket alone; here it is every request's.

    From now on uvicorn takes no address from X-Forwarded-For, which anyone on loopback may send.
    """
    os.environ["FORWARDED_ALLOW_IPS"] = ""
    hosts = list(st.get_option("server.allowedHosts")) or ["*"]
    return [
        Middleware(TrustedHostMiddleware, allowed_hosts=hosts, www_redirect=False),
        Middleware(PeerNoted),
    ]
