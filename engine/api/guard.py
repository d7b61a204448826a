"""Who may speak to the API: a browser page of another site may not, under whatever name."""

from __future__ import annotations

from urllib.parse import urlsplit

from fastapi.responses import JSONResponse
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from engine.api.problems import problem

LOOPBACK = ("127.0.0.1", "localhost", "::1")

_SAFE = {"GET", "HEAD", "OPTIONS"}

_OURS = {None, "same-origin", "none"}
"""What a browser says of a request from our own pages, or typed by a person (Sec-Fetch-Site)."""


def allowed_hosts(api_host: str) -> frozenset[str]:
    """The names under which the API answers: loopback, and the address it was told to listen on."""
    return frozenset({*LOOPBACK, api_host.lower()})


class Guard:
    """Refuses foreign Host names (DNS rebinding) and changes asked by pages of other servers.

    Another port is another server: whatever else listens on this machine may not change anything
    here through a person's browser.
    """

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request pass, or answer with a problem."""
        answer = self._refusal(Request(scope)) if scope["type"] == "http" else None
        await (answer or self._app)(scope, receive, send)

    def _refusal(self, request: Request) -> JSONResponse | None:
        named = request.headers.get("host", "").lower()
        host = _host_of(named)
        if host not in self._hosts:
            return problem(403, f"This API does not answer to the name {host!r}; use 127.0.0.1.")
        origin = request.headers.get("origin")
        foreign = origin is not None and urlsplit(origin.lower()).netloc != named
        cross = request.headers.get("sec-fetch-site") not in _OURS
        if request.method not in _SAFE and (foreign or cross):
            return problem(
                403, f"Pages of {origin or 'another site'} may not change anything here."
            )
        return None


def _host_of(netloc: str) -> str:
    """The name in `name:port`, `[v6]:port` or either alone."""
    if netloc.startswith("["):
        return netloc[1:].partition("]")[0].lower()
    return netloc.partition(":")[0].lower()
