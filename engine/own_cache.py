"""A cache for a program of your own: it records every call and obeys the published decisions.

`OwnCache.keep` decorates functions that make an answer as bytes. Where no decision is in force, or
the store is away, it is plain LRU: an engine that stops never hurts.
"""

from __future__ import annotations

import functools
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import ParamSpec

from sqlalchemy.exc import SQLAlchemyError

from db.batch import BatchWriter
from db.faults import StoreUnavailable
from db.tables import cache_metrics, cache_refreshes
from db.writes import ensure_source
from engine.actions.store import given, storing
from engine.cache.live import REFRESH_LEAD, LiveCache
from engine.cache.rulings import Rulings
from engine.clock import SystemClock
from engine.keys import stored_key
from engine.records import Costs
from engine.settings import Settings
from engine.sources import OWN

P = ParamSpec("P")

log = logging.getLogger(__name__)

POLL_S = 1.0
"""How often the published decisions are read."""


class OwnCache:
    """A bounded cache in front of your functions. Thread-safe; end it with `close`, or as `with`.

    Args:
        capacity_bytes: what all answers together may take.
        ttl_s: time to live where no decision says another, in seconds.
        settings: whose store; default: the environment's.

    Raises:
        StoreError: the store cannot be reached, or no engine has made its tables yet.
    """

    def __init__(
        self, capacity_bytes: int, ttl_s: float = 60.0, settings: Settings | None = None
    ) -> None:
        self.cache = LiveCache(capacity_bytes, ttl_s, SystemClock())
        with storing(given(settings)) as store:
            source = ensure_source(store, OWN, "table", Costs.MEASURED.value)
            self._source = source
            self._rulings = Rulings(store, self.cache, source)
            self._rulings.poll()
            self._writer = BatchWriter(store)
        self._rulings.apply()
        self._obeying = threading.Lock()
        self._ending = threading.Event()
        self._refreshers = ThreadPoolExecutor(2, thread_name_prefix="refresh")
        self._poller = threading.Thread(target=self._poll, name="own-cache", daemon=True)
        self._poller.start()

    def keep(self, endpoint: str) -> Callable[[Callable[P, bytes]], Callable[P, bytes]]:
        """Decorate a function whose answers are one endpoint's; its arguments make the key."""

        def decorate(function: Callable[P, bytes]) -> Callable[P, bytes]:
            @functools.wraps(function)
            def wrapper(*args: P.args, **kwargs: P.kwargs) -> bytes:
                load = functools.partial(function, *args, **kwargs)
                return self._answer(endpoint, _key(endpoint, args, kwargs), load)

            return wrapper

        return decorate

    def close(self) -> None:
        """Commit what was recorded and stop."""
        self._ending.set()
        self._poller.join()
        self._refreshers.shutdown(cancel_futures=True)
        self._writer.close()

    def __enter__(self) -> OwnCache:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _answer(self, endpoint: str, key: str, load: Callable[[], bytes]) -> bytes:
        begun = time.perf_counter()
        with self._obeying:
            self._rulings.meet(endpoint)
            self._rulings.apply()
        entry = self.cache.get(key, endpoint)
        answer = None if entry is None else entry.value
        if entry is None or answer is None:
            answer = load()
            self.cache.put(key, endpoint, answer, len(answer), _ms_since(begun))
        elif self._is_due(endpoint, entry.expires_at) and not entry.refreshing:
            entry.refreshing = True
            self._refreshers.submit(self._refresh, endpoint, key, load)
        policy, action = self._rulings.on(endpoint)
        row = {
            "hit": entry is not None,
            "hit_ratio": round(self.cache.hit_ratio, 4),
            "item_count": self.cache.item_count,
            "policy_triggered": policy,
            "rl_action_taken": action,
        }
        self._writer.add(cache_metrics, self._row(endpoint, key, begun, answer) | row)
        return answer

    def _row(self, endpoint: str, key: str, begun: float, answer: bytes) -> dict[str, object]:
        return {
            "timestamp": time.time(),
            "source": self._source,
            "cache_name": endpoint,
            "cache_key": stored_key(key),
            "load_time_ms": _ms_since(begun),
            "size_bytes": len(answer),
        }

    def _is_due(self, endpoint: str, expires_at: float) -> bool:
        ruling = self.cache.ruling(endpoint)
        if ruling is None or not ruling.refresh_ahead:
            return False
        return expires_at - time.monotonic() < ruling.ttl_seconds * REFRESH_LEAD

    def _refresh(self, endpoint: str, key: str, load: Callable[[], bytes]) -> None:
        begun = time.perf_counter()
        try:
            answer = load()
        except Exception:
            log.warning("%s could not be loaded ahead", key, exc_info=True)
            return
        self.cache.put(key, endpoint, answer, len(answer), _ms_since(begun))
        self._writer.add(cache_refreshes, self._row(endpoint, key, begun, answer))

    def _poll(self) -> None:
        while not self._ending.wait(POLL_S):
            try:
                self._rulings.poll()
            except (SQLAlchemyError, StoreUnavailable) as error:
                log.warning("decisions cannot be read: %s", error)
                continue
            with self._obeying:
                self._rulings.apply()


def _key(endpoint: str, args: tuple[object, ...], kwargs: dict[str, object]) -> str:
    words = [*map(str, args), *(f"{name}={value}" for name, value in sorted(kwargs.items()))]
    return f"{endpoint}?{'&'.join(words)}"


def _ms_since(begun: float) -> float:
    return (time.perf_counter() - begun) * 1000
