"""Query parameters that no endpoint takes: refused, since silence looks like consent."""

from __future__ import annotations

from fastapi import Request
from fastapi.routing import APIRoute

from engine.errors import QueryError


async def only_known(request: Request) -> None:
    """Refuse a query parameter that the endpoint does not take; async, to need no thread.

    Raises:
        QueryError: there is one.
    """
    route = request.scope["route"]
    assert isinstance(route, APIRoute)  # noqa: S101 - dependencies run for these alone
    known = [one.alias for one in route.dependant.query_params]
    for name in request.query_params:
        if name not in known:
            there = f"give one of: {', '.join(known)}" if known else "leave it out"
            raise QueryError(f"There is no query parameter {name[:80]!r} here; {there}.")
