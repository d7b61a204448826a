"""Who may speak to the API: known hosts, no page of another site, a token, within limits."""

from __future__ import annotations

import math
from urllib.parse import urlsplit

from fastapi.responses import JSONResponse
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from engine.actions.roles import Actor, Role, acting
from engine.addresses import listed
from engine.api.limits import Pace, bounded, too_large
from engine.api.problems import problem
from engine.api.tokens import Tokens
from engine.settings import Settings

LOOPBACK = ("127.0.0.1", "localhost", "::1")

_SAFE = {"GET", "HEAD", "OPTIONS"}

_OPEN = {"/health"}
"""What tells nobody anything that they could use: health checks have no token."""

_ASKS = "/decide"
"""A POST that changes nothing ends so."""

_OURS = {None, "same-origin", "none"}
"""What a browser says of a request from our own pages, or typed by a person (Sec-Fetch-Site)."""


def allowed_hosts(settings: Settings) -> frozenset[str]:
    """The names under which the API answers: loopback, where it listens, and those that are set."""
    named = map(str.lower, listed(settings.api_names))
    return frozenset({*LOOPBACK, settings.api_host.lower(), *named})


class Guard:
    """Refuses foreign Host names, changes asked by other servers' pages, strangers, and floods.

    A foreign name is how DNS rebinding looks. Another port is another server: whatever else listens
    on this machine may not change anything here through a person's browser.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._hosts = allowed_hosts(settings)
        self._tokens = Tokens(settings)
        self._pace = Pace(settings.api_rate)
        self._most = int(settings.api_body_mb * 1e6)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request pass, or answer with a problem."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        client = request.client.host if request.client else "unknown"
        refusal = self._limit(request, client) or self._foreign(request)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        is_open = request.url.path in _OPEN
        who = self._tokens.actor(request.headers.get("authorization", ""), client)
        refusal = None if is_open else _may(request, who)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        with acting(who or Actor(Role.VIEWER)):
            await self._app(scope, bounded(receive, self._most), send)

    def _limit(self, request: Request, client: str) -> JSONResponse | None:
        wait = self._pace.wait_s(client)
        if wait:
            headers = {"retry-after": str(math.ceil(wait))}
            return problem(429, "These are too many requests; ask less often.", headers=headers)
        length = request.headers.get("content-length", "0")
        if not length.isdecimal() or int(length[:20]) > self._most:
            return problem(413, too_large(self._most))
        return None

    def _foreign(self, request: Request) -> JSONResponse | None:
        named = request.headers.get("host", "").lower()
        host = _host_of(named)
        if host not in self._hosts:
            return problem(
                403,
                f"This API does not answer to the name {host!r}; use 127.0.0.1, or add the name to "
                "CACHESCOPE_API_NAMES.",
            )
        origin = request.headers.get("origin")
        foreign = origin is not None and urlsplit(origin.lower()).netloc != named
        cross = request.headers.get("sec-fetch-site") not in _OURS
        if request.method not in _SAFE and (foreign or cross):
            return problem(
                403, f"Pages of {origin or 'another site'} may not change anything here."
            )
        return None


def _may(request: Request, who: Actor | None) -> JSONResponse | None:
    if who is None:
        return problem(
            401,
            "This API wants a token; send it as `Authorization: Bearer …`.",
            headers={"www-authenticate": "Bearer"},
        )
    changes = request.method not in _SAFE and not request.url.path.endswith(_ASKS)
    if changes and who.role is not Role.OPERATOR:
        return problem(403, "A viewer may change nothing; ask with an operator's token.")
    return None


def _host_of(netloc: str) -> str:
    """The name in `name:port`, `[v6]:port` or either alone."""
    if netloc.startswith("["):
        return netloc[1:].partition("]")[0].lower()
    return netloc.partition(":")[0].lower()
