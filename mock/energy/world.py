"""The energy data over time: filled at the start, kept up to date, and how often each part changed.

An answer is stale as soon as the data it was made from has changed since; the version of a part
of the data is the number of the last change to it.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterable

from sqlalchemy import Engine, bindparam, delete, func, select, update

from db.session import reading, writing
from db.writes import insert
from mock.energy import shape
from mock.energy import tables as t
from mock.energy.reference import AREA_OF, BRANCHES, MUNICIPALITIES, PRICE_AREAS

HISTORY_DAYS = 45
"""Days of hours that are kept."""

PACE = {"production": 0.2, "exchange": 0.4, "consumption": 2.0, "settlement": 6.0}
"""Simulated hours between two revisions of each part."""

SLICE_HOURS = 24
"""Hours filled in one transaction: others write to the same store while it is being filled."""

BREATH_S = 0.01
"""Pause between two of them: who waits for SQLite's lock looks for it only now and then."""

REVISED_HOURS = 6
"""How many of the newest hours a revision touches."""


def hour_of(at: float) -> int:
    """The hour of a wall time, counted since the epoch."""
    return int(at // 3600)


def fill(store: Engine, now: float, seed: int = 0) -> int:
    """Create the tables and bring them to the window that ends now; returns the rows added."""
    t.energy_metadata.create_all(store)
    last = hour_of(now)
    first = last - 24 * HISTORY_DAYS + 1
    with reading(store) as connection:
        newest = connection.execute(select(func.max(t.exchange.c.hour))).scalar()
    added = _fill_reference(store)
    if newest is not None and newest >= last:
        return added
    if newest is not None:
        _forget_before(store, first)
    begin = max(first, newest + 1) if newest is not None else first
    for hour in range(begin, last + 1, SLICE_HOURS):
        hours = range(hour, min(hour + SLICE_HOURS, last + 1))
        added += _fill_hours(store, hours, seed)
        time.sleep(BREATH_S)
    return added


def _fill_hours(store: Engine, hours: shape.Hours, seed: int) -> int:
    """All rows of some hours or none, so that a fill that was cut off goes on after them."""
    made = (
        (t.production, shape.production_rows(hours, seed)),
        (t.consumption, shape.consumption_rows(hours, seed)),
        (t.exchange, shape.exchange_rows(hours, seed)),
    )
    with writing(store) as connection:
        return sum(insert(connection, table, rows) for table, rows in made)


def _forget_before(store: Engine, first: int) -> None:
    with writing(store) as connection:
        for table in (t.production, t.consumption, t.exchange):
            connection.execute(delete(table).where(table.c.hour < first))


def _fill_reference(store: Engine) -> int:
    with writing(store) as connection:
        if connection.execute(select(func.count()).select_from(t.branches)).scalar():
            return 0
        areas = [{"code": code, "country": country} for code, country in PRICE_AREAS.items()]
        towns = [
            {"code": code, "name": name, "price_area": area, "inhabitants": inhabitants}
            for code, (name, area, inhabitants) in MUNICIPALITIES.items()
        ]
        trades = [{"code": code, "title": title} for code, title in BRANCHES.items()]
        for table, rows in (
            (t.price_areas, areas),
            (t.municipalities, towns),
            (t.branches, trades),
        ):
            insert(connection, table, rows)
        return len(areas) + len(towns) + len(trades)


class Versions:
    """Number of the last change per part, area and day. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: dict[tuple[str, str], dict[int, int]] = {}
        self._count = 0

    def changed(self, part: str, areas: Iterable[str], days: Iterable[int]) -> None:
        """Note one change of `part` in these areas and days."""
        touched = list(days)
        with self._lock:
            self._count += 1
            for area in areas:
                self._last.setdefault((part, area), {}).update(dict.fromkeys(touched, self._count))

    def of(self, part: str, areas: Iterable[str], first_day: int, last_day: int) -> int:
        """Number of the last change in the given range; 0 before any."""
        newest = 0
        with self._lock:
            for area in areas:
                for day, number in self._last.get((part, area), {}).items():
                    if number > newest and first_day <= day <= last_day:
                        newest = number
        return newest


class Changes:
    """Revises the newest hours as simulated time passes; call `step` about once a second."""

    def __init__(self, store: Engine, versions: Versions, day_s: float, seed: int = 0) -> None:
        self._store = store
        self._versions = versions
        self._random = random.Random(seed)
        self._hour_s = day_s / 24
        begun = time.monotonic()
        self._due = {part: begun + pace * self._hour_s for part, pace in PACE.items()}
        self._last_hour = hour_of(time.time())

    def step(self) -> int:
        """Do the revisions that are due; returns how many. Database errors pass through."""
        now, done = time.monotonic(), 0
        last = hour_of(time.time())
        if last > self._last_hour:
            fill(self._store, time.time())
            self._last_hour = last
            for part in ("production", "consumption", "exchange"):
                self._versions.changed(part, PRICE_AREAS, (last // 24,))
        for part, due in self._due.items():
            if now >= due:
                self._due[part] = now + PACE[part] * self._hour_s * self._random.uniform(0.6, 1.4)
                self._revise(part, last)
                done += 1
        return done

    def _revise(self, part: str, last: int) -> None:
        areas = (
            sorted(set(AREA_OF.values()))
            if part in {"consumption", "settlement"}
            else [*PRICE_AREAS]
        )
        area = self._random.choice(areas)
        until = last
        if part == "settlement":
            until -= 24 * self._random.randint(1, 14)
        hours = range(until - REVISED_HOURS + 1, until + 1)
        table, owner = {
            "production": (t.production, t.production.c.price_area),
            "exchange": (t.exchange, t.exchange.c.from_area),
        }.get(part, (t.consumption, t.consumption.c.price_area))
        statement = (
            update(table)
            .where(table.c.hour.between(hours[0], hours[-1]), owner == area)
            .values(mwh=table.c.mwh * bindparam("factor"))
        )
        with writing(self._store) as connection:
            connection.execute(statement, {"factor": self._random.uniform(0.97, 1.03)})
        name = "consumption" if part == "settlement" else part
        touched = PRICE_AREAS if part == "exchange" else (area,)
        self._versions.changed(name, touched, {hour // 24 for hour in hours})
