"""What agent trials replay: recorded requests and predictions, the same for every configuration."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
from sqlalchemy import Engine, select

from db.queries import sources
from db.session import reading
from db.tables import predictions as predicted
from engine.collector.reader import RowReader
from engine.errors import StudyError
from engine.forecast import FORECASTERS
from engine.forecast.base import Array, Config, Series
from engine.forecast.round import predict
from engine.records import OTHER, Prediction, Request
from engine.registry import resolve
from engine.settings import Settings
from engine.sources import Source, active_source

LEAST_REQUESTS = 500
MOST_REQUESTS = 500_000
MOST_ENDPOINTS = 50
HORIZON = 6
INTERVAL_S = 5
COVERED = 0.5
"""Share of the intervals that need recorded predictions; with fewer, they are made afterwards."""


class Window(msgspec.Struct, frozen=True):
    """Which rows: those of a source with since <= time < until."""

    source: str
    since: float
    until: float


class Recording(NamedTuple):
    """Requests and predictions of a window, each in order of time.

    Args:
        requests: as recorded.
        costs: per request the key's last miss cost known before it, in ms; None: unknown.
        predictions: in the order in which the forecaster put them on the queue.
        forecaster: that made them.
        digest: of both.
    """

    requests: list[Request]
    costs: list[float | None]
    predictions: list[Prediction]
    forecaster: str
    digest: str


def source_named(name: str, settings: Settings, store: Engine) -> Source:
    """The source of that name; empty: the active one.

    Raises:
        StudyError: there is none.
    """
    active = active_source(settings, store)
    if name in ("", active.name):
        return active
    rows = {str(row["name"]): row for row in sources.sources(store)}
    if name not in rows:
        raise StudyError(f"There is no source {name!r}; choose one of: {', '.join(rows)}.")
    row = rows[name]
    return Source(int(row["id"]), name, str(row["kind"]), str(row["costs"]), {})


def newest_window(source: Source, store: Engine, minutes: float) -> Window:
    """The newest so many minutes that a source recorded.

    Raises:
        StudyError: it has recorded nothing.
    """
    reader = RowReader(source, store)
    try:
        last = reader.last()
    finally:
        reader.close()
    if last is None:
        raise StudyError(f"The source {source.name!r} has recorded no request yet; seed or record.")
    until = np.floor(last / INTERVAL_S) * INTERVAL_S
    return Window(source.name, float(until - 60.0 * minutes), float(until))


def load(window: Window, settings: Settings, store: Engine) -> Recording:
    """Read a window.

    Raises:
        StudyError: too few requests, or more than MOST_REQUESTS.
    """
    source = source_named(window.source, settings, store)
    reader = RowReader(source, store)
    try:
        requests = reader.rows(window.since, window.until, MOST_REQUESTS + 1)
    finally:
        reader.close()
    if not LEAST_REQUESTS <= len(requests) <= MOST_REQUESTS:
        raise StudyError(
            f"The source {source.name!r} has {len(requests)} requests in that time; choose a "
            f"stretch with {LEAST_REQUESTS} to {MOST_REQUESTS}."
        )
    found = _recorded(source.id, window, store)
    covered = len({p.valid_from for p in found}) * INTERVAL_S / (window.until - window.since)
    if covered < COVERED:
        found = _made(requests, source.id, window, settings)
    makers = sorted({one.forecaster for one in found})
    return Recording(requests, _costs(requests), found, ", ".join(makers), _digest(requests, found))


def _recorded(source: int, window: Window, store: Engine) -> list[Prediction]:
    query = select(predicted).where(
        predicted.c.source == source,
        predicted.c.at >= window.since - 60.0,
        predicted.c.at < window.until,
        predicted.c.valid_from >= window.since,
        predicted.c.valid_until <= window.until,
    )
    ordered = query.order_by(predicted.c.valid_from, predicted.c.at, predicted.c.cache_name)
    with reading(store) as connection:
        rows = connection.execute(ordered.limit(MOST_REQUESTS)).mappings().all()
    return [_prediction(row) for row in rows]


def _prediction(row: Any) -> Prediction:  # noqa: ANN401 - a row of `predictions`
    columns = {str(name): value for name, value in row.items()}
    return msgspec.convert({**columns, **row["horizon"]}, Prediction)


def _made(
    requests: Sequence[Request], source: int, window: Window, settings: Settings
) -> list[Prediction]:
    """What the naive forecaster would have said at the time, interval by interval."""
    series = _series(requests, window)
    season = max(1, round(settings.sample_day_s / INTERVAL_S))
    name = "seasonal" if len(series) > season else "last"
    forecaster = resolve(FORECASTERS, name, "forecaster")(Config(season=season))
    found: list[Prediction] = []
    for length in range(1, len(series) - 1):
        known = series.until(length)
        made = predict(forecaster, known, source, HORIZON, known.end + INTERVAL_S / 2)
        found += [
            msgspec.structs.replace(one, id=f"{one.valid_from:.0f}-{place}")
            for place, one in enumerate(made)
        ]
    return found


def _series(requests: Sequence[Request], window: Window) -> Series:
    waited: dict[str, float] = defaultdict(float)
    for request in requests:
        waited[request.cache_name] += request.load_time_ms
    names = sorted(waited, key=lambda name: (-waited[name], name))
    columns = (*names[:MOST_ENDPOINTS], *([OTHER] if len(names) > MOST_ENDPOINTS else []))
    index = {name: min(place, len(columns) - 1) for place, name in enumerate(names)}
    length = int((window.until - window.since) // INTERVAL_S)
    demand, misses, missed_ms = (np.zeros((length, len(columns))) for _ in range(3))
    for request in requests:
        row = min(int((request.timestamp - window.since) // INTERVAL_S), length - 1)
        column = index[request.cache_name]
        demand[row, column] += 1
        if not request.hit:
            misses[row, column] += 1
            missed_ms[row, column] += request.load_time_ms
    end = window.since + length * INTERVAL_S
    return Series(columns, demand, _carried(misses, missed_ms), float(INTERVAL_S), end)


def _carried(misses: Array, missed_ms: Array) -> Array:
    """Mean load time of an interval's misses; where there is none, that of the last with some."""
    load = np.zeros_like(misses)
    known = np.zeros(misses.shape[1])
    for row in range(len(misses)):
        known = np.where(misses[row] > 0, missed_ms[row] / np.maximum(misses[row], 1), known)
        load[row] = known
    return load


def _costs(requests: Sequence[Request]) -> list[float | None]:
    latest: dict[str, float] = {}
    found: list[float | None] = []
    for request in requests:
        found.append(latest.get(request.cache_key))
        if not request.hit:
            latest[request.cache_key] = request.load_time_ms
    return found


def _digest(requests: Sequence[Request], found: Sequence[Prediction]) -> str:
    told = hashlib.sha256()
    for request in requests:
        told.update(f"{request.timestamp:.3f}{request.cache_key}{request.hit}".encode())
    for one in found:
        told.update(f"{one.cache_name}{one.valid_from}{one.demand}".encode())
    return told.hexdigest()[:16]
