"""Writes: the same meaning on every database, also when two do the same at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, func, select

from db import writes
from db.queries import sources, system
from db.session import reading, writing
from db.tables import cache_metrics, miss_costs, queue_samples, rollups
from tests.db.rows import metric


def at_once(count: int, act: Callable[[int], Any]) -> list[Any]:
    """What `act(0..count-1)` return when all begin at the same moment."""
    gate, results = threading.Barrier(count), [None] * count

    def run(number: int) -> None:
        gate.wait()
        results[number] = act(number)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


def numbered(first: int, last: int) -> list[dict[str, Any]]:
    return [metric(n) | {"writer": "w", "sequence": n} for n in range(first, last)]


def cost(key: str, cost_ms: float, **columns: object) -> dict[str, Any]:
    row: dict[str, Any] = {
        "source": 1,
        "cache_key": key,
        "cache_name": "/a",
        "size_bytes": 1,
        "at": 1.0,
    }
    return row | {"cost_ms": cost_ms} | columns


def test_inserting_again_changes_nothing_and_counts_only_the_new(store: Engine) -> None:
    assert writes.insert(store, cache_metrics, numbered(0, 1500)) == 1500
    changed = [row | {"load_time_ms": 999.0} for row in numbered(1000, 2000)]
    assert writes.insert(store, cache_metrics, changed) == 500
    with reading(store) as connection:
        found = select(func.count(), func.max(cache_metrics.c.sequence)).where(
            cache_metrics.c.load_time_ms < 900
        )
        assert tuple(connection.execute(found).one()) == (1500, 1499)


def test_a_row_that_is_wrong_is_an_error_and_no_silent_repair(store: Engine) -> None:
    bad = numbered(0, 1)[0] | {"load_time_ms": None}
    with pytest.raises(Exception, match=r"(?i)null"):
        writes.insert(store, cache_metrics, [bad])


def test_an_upsert_replaces_the_given_columns_and_keeps_the_others(store: Engine) -> None:
    writes.upsert(store, miss_costs, [cost("a", 1.0), cost("b", 2.0)])
    writes.upsert(store, miss_costs, [cost("b", 3.0, at=9.0), cost("c", 4.0)])
    with reading(store) as connection:
        found = connection.execute(
            select(miss_costs.c.cache_key, miss_costs.c.cost_ms, miss_costs.c.at).order_by(
                miss_costs.c.cache_key
            )
        ).all()
    assert [tuple(row) for row in found] == [("a", 1.0, 1.0), ("b", 3.0, 9.0), ("c", 4.0, 1.0)]


def test_keys_that_differ_only_in_case_are_two_keys(store: Engine) -> None:
    writes.upsert(store, miss_costs, [cost("/Page", 1.0), cost("/page", 2.0)])
    with reading(store) as connection:
        assert connection.execute(select(func.count()).select_from(miss_costs)).scalar_one() == 2


def test_text_of_any_language_and_time_to_the_microsecond_come_back(store: Engine) -> None:
    row = cost("/søk?q=энергия🔋", 1.25, at=1_763_648_000.123456)
    writes.upsert(store, miss_costs, [row])
    with reading(store) as connection:
        found = connection.execute(select(miss_costs)).mappings().one()
    assert dict(found) == row


def test_writes_on_one_connection_commit_together_or_not_at_all(store: Engine) -> None:
    source = writes.ensure_source(store, "s", "table", "measured")

    def fail(connection: Connection) -> None:
        writes.upsert(connection, miss_costs, [cost("a", 1.0)])
        writes.update_source(connection, source, watermark=5.0)
        raise RuntimeError("midway")

    with pytest.raises(RuntimeError, match="midway"), writing(store) as connection:
        fail(connection)
    assert sources.watermark(store, source) is None
    with writing(store) as connection:
        writes.upsert(connection, miss_costs, [cost("a", 1.0)])
        writes.update_source(connection, source, watermark=5.0, cursor={"id": 7})
    assert sources.watermark(store, source) == 5.0
    found = sources.source(store, source)
    assert found is not None
    assert found["cursor"] == {"id": 7}


def test_several_who_want_the_same_source_get_the_same_one(store: Engine) -> None:
    ids = at_once(6, lambda _: writes.ensure_source(store, "sample", "sample", "measured"))
    assert len(set(ids)) == 1
    assert ids[0] is not None
    assert len(sources.sources(store)) == 1


def test_a_sources_mapping_is_kept_until_another_is_given(store: Engine) -> None:
    first = writes.ensure_source(store, "own", "table", "measured", {"timestamp": "ts"})
    assert writes.ensure_source(store, "own", "table", "measured") == first
    found = sources.source(store, first)
    assert found is not None
    assert found["mapping"] == {"timestamp": "ts"}
    writes.ensure_source(store, "own", "table", "measured", {"timestamp": "t"})
    found = sources.source(store, first)
    assert found is not None
    assert found["mapping"] == {"timestamp": "t"}


def test_only_one_of_several_takes_a_lease(store: Engine) -> None:
    taken = at_once(6, lambda n: writes.take_lease(store, "engine", f"host-{n}", 10, now=100.0))
    holders = {holder for _, holder, _ in taken}
    assert len(holders) == 1
    assert sum(mine for mine, _, _ in taken) == 1


def test_a_lease_is_prolonged_by_its_holder_and_taken_when_it_ran_out(store: Engine) -> None:
    assert writes.take_lease(store, "engine", "a", 10, now=100.0) == (True, "a", 100.0)
    assert writes.take_lease(store, "engine", "b", 10, now=105.0) == (False, "a", 100.0)
    assert writes.take_lease(store, "engine", "a", 10, now=108.0) == (True, "a", 100.0)
    assert writes.take_lease(store, "engine", "b", 10, now=117.0) == (False, "a", 100.0)
    assert writes.take_lease(store, "engine", "b", 10, now=118.0) == (True, "b", 118.0)
    assert writes.take_lease(store, "engine", "a", 10, now=119.0) == (False, "b", 118.0)
    writes.release_lease(store, "engine", "a")
    assert writes.take_lease(store, "engine", "a", 10, now=120.0) == (False, "b", 118.0)
    writes.release_lease(store, "engine", "b")
    assert writes.take_lease(store, "engine", "a", 10, now=121.0) == (True, "a", 121.0)
    held = system.lease(store, "engine")
    assert held is not None
    assert held["until"] == 131.0


def test_a_tunable_comes_back_as_it_was_set(store: Engine) -> None:
    writes.set_tunable(store, "agent.x", "old", "somebody", at=1.0)
    for value in (0.25, 7, True, False, "lstm"):
        writes.set_tunable(store, "agent.x", value, "me", at=2.0)
        assert system.tunables(store) == {"agent.x": value}
        assert type(system.tunables(store)["agent.x"]) is type(value)
    (row,) = system.tunable_rows(store)
    assert (row["who"], row["at"]) == ("me", 2.0)


def test_a_job_is_kept_from_its_order_to_its_end(store: Engine) -> None:
    job = writes.create_job(store, "seed", {"rows": 10}, "me")
    assert writes.update_job(store, job, state="running", progress=0.5, message="x" * 1000)
    assert writes.update_job(store, job, state="running", progress=0.5)
    assert writes.update_job(store, job, result={"rows": 10})
    found = system.job(store, job)
    assert found is not None
    assert (found["state"], found["progress"]) == ("running", 0.5)
    assert (found["params"], found["result"]) == ({"rows": 10}, {"rows": 10})
    assert [row["id"] for row in system.jobs(store)] == [job]
    assert not writes.update_job(store, "nobody", state="done")


def test_an_audit_entry_is_kept(store: Engine) -> None:
    writes.add_audit(store, "me", "stop", {"service": "agent"}, "stopped", at=1.0)
    writes.add_audit(store, "me", "start", {"service": "agent"}, "started", at=2.0)
    assert [row["action"] for row in system.audit(store)] == ["start", "stop"]


def test_old_rows_go_in_slices_and_the_others_stay(store: Engine) -> None:
    rows = [row | {"source": 1 + number % 2} for number, row in enumerate(numbered(0, 2000))]
    writes.insert(store, cache_metrics, rows)
    gone = writes.delete_before(store, cache_metrics, "timestamp", 1_150.0, slice_rows=100)
    assert gone == 1500
    with reading(store) as connection:
        left = connection.execute(select(func.min(cache_metrics.c.timestamp), func.count())).one()
    assert tuple(left) == (1_150.0, 500)


def test_only_rows_of_the_given_width_go(store: Engine) -> None:
    sums = ("requests", "hits", "stale_hits", "refreshes", "bytes_requested", "missing")
    times = ("load_time_ms", "miss_load_time_ms", "saved_ms", "refresh_ms", "byte_seconds")
    zero = dict.fromkeys((*sums, *times), 0) | {"load_histogram": "{}", "source": 1}
    rows = [
        zero | {"policy": "recorded", "cache_name": "*", "width": width, "at": at}
        for width in (1, 10)
        for at in range(0, 100, width)
    ]
    writes.insert(store, rollups, rows)
    assert writes.delete_before(store, rollups, "at", 50, slice_rows=7, width=1) == 50
    with reading(store) as connection:
        left = connection.execute(
            select(rollups.c.width, func.count()).group_by(rollups.c.width)
        ).all()
    assert [tuple(row) for row in sorted(left)] == [(1, 50), (10, 10)]


def test_deleting_by_a_column_without_an_index_is_refused(sqlite_store: Engine) -> None:
    with pytest.raises(ValueError, match="No index of queue_samples holds accepted"):
        writes.delete_before(sqlite_store, queue_samples, "accepted", 1)
