"""What must balance after any fault: requests, rollups, predictions and decisions."""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import Any

from sqlalchemy import Engine, func, select

from db.queries import sources
from db.session import reading
from db.tables import cache_metrics, decisions, predictions, rewards, rollups
from engine.broker.client import connect
from engine.collector.persist import load_cursor
from engine.records import TOTAL
from tests.engine.stubs.running import until
from tests.faults.living import Living

SAMPLE = 1
QUIET = ("traffic", "origin", "forecaster")
"""What must stand still for the books to be looked at."""


def look_at_the_books(engine: Living, store: Engine, elsewhere: int = 0) -> dict[str, int]:
    """Stop what makes new rows, wait until all is worked off, and check every account.

    `elsewhere` is how many decisions another engine on the same store has made.
    """
    for name in QUIET:
        engine.call("stop", name=name)
    for name in QUIET:
        engine.becomes(name, "stopped")
    made = decisions_of(engine)
    _wait_until_collected(store)
    rows = rows_are_whole(store)
    until(lambda: not differences(store), 15.0)
    assert _decisions_are_single(store) == made + elsewhere
    assert engine.tracebacks() == {}
    return {"rows": rows, "decisions": made}


def decisions_of(engine: Living) -> int:
    """How many predictions of this engine's queue ended in a decision; each ends once.

    The others were overwritten, expired, or came too late, which the agent tells.
    """
    queue = connect(engine.settings, client="test")
    try:
        until(lambda: queue.counters().depth == 0, 10.0)
        counted = queue.counters()
    finally:
        queue.close()
    assert counted.damaged == 0
    assert counted.accepted == counted.acknowledged + counted.overwritten + counted.expired
    told = re.findall(r"(\d+) predictions came too late", engine.log("agent"))
    return counted.acknowledged - sum(map(int, told))


def rows_are_whole(store: Engine) -> int:
    """No number of a recorder is missing or twice; returns how many rows there are."""
    table = cache_metrics
    query = select(
        table.c.writer,
        func.count(),
        func.count(func.distinct(table.c.sequence)),
        func.min(table.c.sequence),
        func.max(table.c.sequence),
    ).group_by(table.c.writer)
    with reading(store) as connection:
        writers = connection.execute(query).all()
    for writer, count, distinct, first, last in writers:
        assert (count, distinct, first) == (last + 1, last + 1, 0), writer
    return sum(int(row[1]) for row in writers)


def differences(store: Engine) -> dict[str, Any]:
    """Where rollups of one second differ from the raw rows they sum up; empty when nowhere."""
    _, watermark = load_cursor(store, SAMPLE)
    raw: Counter[tuple[int, str, str]] = Counter()
    with reading(store) as connection:
        for at, name, hit, load_ms in connection.execute(
            select(
                cache_metrics.c.timestamp,
                cache_metrics.c.cache_name,
                cache_metrics.c.hit,
                cache_metrics.c.load_time_ms,
            ).where(cache_metrics.c.timestamp < watermark)
        ):
            for one in (name, TOTAL):
                raw[math.floor(at), one, "requests"] += 1
                raw[math.floor(at), one, "hits"] += bool(hit)
                raw[math.floor(at), one, "µs"] += round(load_ms * 1000)
        found: Counter[tuple[int, str, str]] = Counter()
        wanted = select(rollups).where(rollups.c.width == 1, rollups.c.policy == "recorded")
        for row in connection.execute(wanted).mappings():
            found[row["at"], row["cache_name"], "requests"] = row["requests"]
            found[row["at"], row["cache_name"], "hits"] = row["hits"]
            found[row["at"], row["cache_name"], "µs"] = round(row["load_time_ms"] * 1000)
    return {
        str(key): (raw[key], found[key])
        for key in raw.keys() | found.keys()
        if abs(raw[key] - found[key]) > (1000 if key[2] == "µs" else 0)
    }


def _wait_until_collected(store: Engine) -> None:
    with reading(store) as connection:
        last = connection.execute(select(func.max(cache_metrics.c.timestamp))).scalar_one()
    until(lambda: (sources.watermark(store, SAMPLE) or 0.0) > last + 1.0, 15.0)


def _decisions_are_single(store: Engine) -> int:
    """No prediction is decided or rewarded twice, and none that was never made."""
    with reading(store) as connection:
        made = set(connection.execute(select(predictions.c.id)).scalars())
        decided = connection.execute(select(decisions.c.prediction_id)).scalars().all()
        rewarded = connection.execute(select(rewards.c.prediction_id)).scalars().all()
    assert len(decided) == len(set(decided))
    assert set(decided) <= made
    assert len(rewarded) == len(set(rewarded))
    assert set(rewarded) <= set(decided)
    return len(decided)
