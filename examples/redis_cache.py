"""Redis as the cache of any number of processes, its times to live driven by the decisions."""

from __future__ import annotations

from collections.abc import Callable

import redis

from examples.decisions import Decisions

PREFIX = "shop:"


class RedisCache:
    """Read-through: held answers come from Redis, others are loaded and kept as decided."""

    def __init__(self, server: redis.Redis, decisions: Decisions, default_ttl_s: float) -> None:
        self._server = server
        self._decisions = decisions
        self._default = default_ttl_s

    def answer(self, endpoint: str, key: str, load: Callable[[], bytes]) -> tuple[bytes, bool]:
        """The answer, and whether it came from the cache."""
        ttl = self._decisions.ttl(endpoint, self._default)
        place = f"{PREFIX}{key}"
        if ttl <= 0:
            self._server.delete(place)  # "drop" forgets what was held as well
            return load(), False
        held = self._server.get(place)
        if isinstance(held, bytes):
            return held, True
        made = load()
        self._server.set(place, made, px=max(1, int(ttl * 1000)))
        return made, False
