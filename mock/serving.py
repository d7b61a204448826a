"""The cache in front of the sample's queries, and the record of every answer."""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import msgspec
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from db.session import reading
from engine.cache.live import LiveCache
from engine.cache.rulings import Rulings
from mock.energy.endpoints import ENDPOINTS, Endpoint
from mock.energy.parameters import Values
from mock.energy.world import Versions, hour_of
from mock.recorder import Recorder

log = logging.getLogger(__name__)

REFRESHES_AT_ONCE = 2
LOADERS = 4
"""Threads that run queries; more would only wait for each other."""


class Served(NamedTuple):
    """One answer: its body, whether it came from the cache, and its age."""

    body: bytes
    hit: bool
    age_s: float


def today() -> int:
    """The current day, counted since the epoch."""
    return hour_of(time.time()) // 24


class CachedApi:
    """Answers requests from the cache, else from the database. Lives in one event loop."""

    def __init__(
        self,
        store: Engine,
        cache: LiveCache,
        versions: Versions,
        recorder: Recorder,
        rulings: Rulings,
    ) -> None:
        self._store = store
        self._cache = cache
        self._versions = versions
        self._recorder = recorder
        self._rulings = rulings
        self._pool = ThreadPoolExecutor(LOADERS, thread_name_prefix="load")
        self._refreshing: set[asyncio.Task[None]] = set()

    async def answer(self, endpoint: Endpoint, values: Values) -> Served:
        """Answer one request and record it; errors of the database pass through unrecorded."""
        begun = time.perf_counter()
        key, name = endpoint.key(values), endpoint.path
        self._rulings.meet(name)
        entry = self._cache.get(key, name)
        if entry is not None and entry.value is not None:
            stale = entry.version != endpoint.version(values, self._versions, today())
            age = time.monotonic() - entry.stored_at
            served = Served(entry.value, True, age)
        else:
            body, version = await self._in_thread(endpoint, values)
            stale = False
            spent_ms = (time.perf_counter() - begun) * 1000
            self._cache.put(key, name, body, len(body), spent_ms, version)
            served = Served(body, False, 0.0)
        policy, action = self._rulings.on(name)
        self._recorder.request(
            name=name,
            key=key,
            hit=served.hit,
            stale=stale,
            load_time_ms=(time.perf_counter() - begun) * 1000,
            size_bytes=len(served.body),
            hit_ratio=round(self._cache.hit_ratio, 4),
            item_count=self._cache.item_count,
            policy=policy,
            action=action,
        )
        return served

    def refresh_due(self) -> None:
        """Begin to load again what is used and about to expire, a few at once."""
        for entry in self._cache.due_for_refresh(REFRESHES_AT_ONCE - len(self._refreshing)):
            task = asyncio.get_running_loop().create_task(self._refresh(entry.name, entry.key))
            self._refreshing.add(task)
            task.add_done_callback(self._refreshing.discard)

    async def _refresh(self, name: str, key: str) -> None:
        endpoint = ENDPOINTS[name]
        begun = time.perf_counter()
        try:
            body, version = await self._in_thread(endpoint, endpoint.values_of(key))
        except SQLAlchemyError as error:
            log.debug("refresh of %s failed: %s", key, error)
            return
        spent_ms = (time.perf_counter() - begun) * 1000
        self._cache.put(key, name, body, len(body), spent_ms, version)
        self._recorder.refresh(name, key, spent_ms, len(body))

    async def _in_thread(self, endpoint: Endpoint, values: Values) -> tuple[bytes, int]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, self._load, endpoint, values)

    def _load(self, endpoint: Endpoint, values: Values) -> tuple[bytes, int]:
        # Before the query, so that a change meanwhile makes the answer stale, never falsely fresh.
        version = endpoint.version(values, self._versions, today())
        with reading(self._store) as connection:
            answer = endpoint.answer(connection, values)
        return msgspec.json.encode(answer), version

    def close(self) -> None:
        """Let the loading threads end."""
        self._pool.shutdown(wait=False, cancel_futures=True)
