"""Who may speak to the API: a browser page of another site may not, under whatever name."""

from __future__ import annotations

from urllib.parse import urlsplit

from fastapi import Request
from fastapi.responses import JSONResponse, Response
from starlette.middleware.base import RequestResponseEndpoint

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

    def __init__(self, hosts: frozenset[str]) -> None:
        self._hosts = hosts

    async def __call__(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        """Let the request pass, or answer 403 with one sentence."""
        named = request.headers.get("host", "").lower()
        host = _host_of(named)
        if host not in self._hosts:
            return _refused(f"This API does not answer to the name {host!r}; use 127.0.0.1.")
        origin = request.headers.get("origin")
        foreign = origin is not None and urlsplit(origin.lower()).netloc != named
        cross = request.headers.get("sec-fetch-site") not in _OURS
        if request.method not in _SAFE and (foreign or cross):
            return _refused(f"Pages of {origin or 'another site'} may not change anything here.")
        return await call_next(request)


def _host_of(netloc: str) -> str:
    """The name in `name:port`, `[v6]:port` or either alone."""
    if netloc.startswith("["):
        return netloc[1:].partition("]")[0].lower()
    return netloc.partition(":")[0].lower()


def _refused(sentence: str) -> JSONResponse:
    return JSONResponse({"detail": sentence}, status_code=403)
