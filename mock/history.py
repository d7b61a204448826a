"""A history of requests: a workload replayed in simulated time through the live cache."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import Engine, func, select

from db.session import reading
from db.tables import cache_metrics
from db.writes import ensure_source, insert
from engine.cache.live import LiveCache
from engine.cache.rulings import LRU
from engine.clock import ManualClock
from engine.errors import EngineError
from engine.keys import stored_key
from engine.records import Costs
from mock.costs import HIT_MS, modelled, modelled_version
from mock.energy.endpoints import ENDPOINTS
from mock.energy.parameters import read_values
from mock.openapi import make_catalogue, read_specification
from mock.recorder import RateMeter
from mock.traffic.plan import OWN_SPECIFICATION
from mock.workloads import WORKLOADS

SEEDED = "seeded"
"""Name of the source that seeded rows belong to; the sample's own rows are never touched."""

SLICE = 2000
DEFAULT_TTL_S = 60.0


class SeedError(EngineError):
    """Raised when a history is asked for that makes no sense."""


@dataclass(frozen=True, slots=True)
class History:
    """Which history: equal values give equal rows, whenever and wherever they are made."""

    rows: int = 50_000
    workload: str = "daily"
    seed: int = 0
    rate: float = 30.0
    day_s: float = 300.0
    capacity_bytes: int = 400_000

    def check(self) -> None:
        """Raises SeedError for the first value that makes no sense."""
        if self.workload not in WORKLOADS:
            names = ", ".join(WORKLOADS)
            raise SeedError(f"There is no workload {self.workload!r}; choose one of: {names}.")
        for name, value, low, high in (
            ("rows", self.rows, 1, 100_000_000),
            ("rate", self.rate, 0.01, 100_000),
            ("seed", self.seed, 0, 2**31),
        ):
            if not low <= value <= high:
                raise SeedError(f"{name} is {value}; give a number from {low} to {high}.")

    @property
    def prefix(self) -> str:
        """The start of the writer's name; what follows is the second the history begins at."""
        text = f"{self.seed}/{self.rate}/{self.day_s}/{self.capacity_bytes}"
        digest = hashlib.sha256(text.encode()).hexdigest()[:10]
        return f"seed-{self.workload}-{digest}-"


@dataclass(frozen=True, slots=True)
class Seeded:
    """What seeding did."""

    added: int
    present: int
    seconds: float

    @property
    def rate(self) -> float:
        """Rows per second."""
        return self.added / max(self.seconds, 1e-9)


def replay(history: History, start: float, source: int, writer: str) -> Iterator[dict[str, Any]]:
    """Rows of `cache_metrics` without end, from `start` on."""
    catalogue = make_catalogue(read_specification(OWN_SPECIFICATION))
    stream = WORKLOADS[history.workload](catalogue, history.rate, history.seed, history.day_s)
    chance = random.Random(history.seed)
    clock = ManualClock(start)
    cache = LiveCache(history.capacity_bytes, DEFAULT_TTL_S, clock)
    meter = RateMeter()
    for sequence, arrival in enumerate(stream.arrivals(start)):
        clock.set(arrival.at)
        endpoint = ENDPOINTS[arrival.draw.operation.path]
        today = int(arrival.at // 86400)
        values = read_values(endpoint.parameters, arrival.draw.values, lambda: today)  # noqa: B023 - called at once
        key, name = endpoint.key(values), endpoint.path
        version = modelled_version(endpoint, values, arrival.at, history.day_s)
        entry = cache.get(key, name)
        load_ms, size = modelled(endpoint, values, chance)
        if entry is None:
            cache.put(key, name, None, size, load_ms, version)
        yield {
            "timestamp": arrival.at,
            "source": source,
            "writer": writer,
            "sequence": sequence,
            "cache_name": name,
            "cache_key": stored_key(key),
            "hit": entry is not None,
            "stale": entry is not None and entry.version != version,
            "hit_ratio": round(cache.hit_ratio, 4),
            "item_count": cache.item_count,
            "load_time_ms": load_ms if entry is None else HIT_MS,
            "size_bytes": size if entry is None else entry.size_bytes,
            "policy_triggered": LRU,
            "rl_action_taken": None,
            "traffic_intensity": round(meter.count(arrival.at), 2),
        }


def seed_history(
    store: Engine,
    history: History,
    progress: Callable[[int], None],
    stopped: Callable[[], bool] = lambda: False,
) -> Seeded:
    """Write a history; rows that are there already are kept, so a second run adds nothing.

    Args:
        store: a migrated store.
        history: which history.
        progress: told how many rows are done since the last call.
        stopped: asked after each slice; a stopped history is completed by the next run.

    Raises:
        SeedError: the history makes no sense.
    """
    history.check()
    begun = time.monotonic()
    source = ensure_source(store, SEEDED, "trace", Costs.MODELLED.value)
    writer, present = _find(store, history)
    progress(min(present, history.rows))
    if present >= history.rows:
        return Seeded(0, present, time.monotonic() - begun)
    start = float(writer.rpartition("-")[2])
    now, added = time.time(), 0
    rows = replay(history, start, source, writer)
    fresh = islice(rows, present, history.rows)
    while not stopped():
        part = [row for row in islice(fresh, SLICE) if row["timestamp"] <= now]
        if not part:
            break
        added += insert(store, cache_metrics, part)
        progress(len(part))
    return Seeded(added, present, time.monotonic() - begun)


def _find(store: Engine, history: History) -> tuple[str, int]:
    """The writer of this history and how many of its rows are there, without a gap from 0 on."""
    column = cache_metrics.c.writer
    # A range instead of LIKE: it uses the index on every database.
    known = (
        select(column, func.count(), func.max(cache_metrics.c.sequence))
        .where(column.between(f"{history.prefix}0", f"{history.prefix}9999999999"))
        .group_by(column)
        .order_by(column)
        .limit(1)
    )
    with reading(store) as connection:
        found = connection.execute(known).first()
    if found is None:
        start = int(time.time() - history.rows / history.rate - history.day_s)
        return f"{history.prefix}{start}", 0
    writer, count, last = found
    return str(writer), int(count) if last == count - 1 else 0


def history_from(
    params: Mapping[str, Any], defaults: History, forms: Mapping[str, type]
) -> History:
    """A history from named values; `hours` sets the rows, or with `rows` the rate.

    Raises:
        SeedError: an unknown name, or a value of the wrong form.
    """
    values: dict[str, Any] = {}
    for name, value in params.items():
        if name not in forms:
            raise SeedError(f"There is no parameter {name!r}; there are: {', '.join(forms)}.")
        if value in (None, ""):
            continue
        try:
            values[name] = forms[name](value)
        except (TypeError, ValueError):
            raise SeedError(f"{name} is {value!r}; give a {_WORDS[forms[name]]}.") from None
    hours = values.pop("hours", None)
    if hours is not None:
        if not 0 < hours <= 24 * 366:
            raise SeedError(f"hours is {hours}; give a number above 0, at most a year.")
        if "rows" in values:
            values["rate"] = values["rows"] / (hours * 3600)
        else:
            values["rows"] = max(1, round(values.get("rate", defaults.rate) * hours * 3600))
    names = ("rows", "workload", "seed", "rate", "day_s", "capacity_bytes")
    return History(**({name: getattr(defaults, name) for name in names} | values))


_WORDS = {int: "whole number", float: "number", str: "text"}
