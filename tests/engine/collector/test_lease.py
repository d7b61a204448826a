"""Two collectors on one store, and a source that goes away: who goes on, and what is told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.engine import URL

from db import writes
from db.queries import sources
from db.session import reading
from db.tables import leases, rollups
from engine.clock import ManualClock
from engine.collector import service
from engine.collector.follower import Follower
from engine.collector.reader import RowReader
from engine.leases import LEASE_S, Lease, LeaseLost
from engine.lifeline import Lifeline
from engine.settings import Settings, load_settings
from engine.sources import Source
from tests.engine.collector.rows import raw_rows, write
from tests.engine.stubs.told import Told, until

START = 1_700_000_000.0


@pytest.fixture
def run() -> Iterator[Callable[[Settings], Told]]:
    threads: list[tuple[threading.Thread, Told]] = []

    def begin(settings: Settings) -> Told:
        told = Told()
        thread = threading.Thread(target=service.run, args=(settings, cast("Lifeline", told)))
        thread.start()
        threads.append((thread, told))
        return told

    yield begin
    for thread, told in threads:
        told.stopping.set()
        thread.join(20)
        assert not thread.is_alive()


def test_a_collector_whose_lease_was_taken_stores_nothing_more(store: Engine) -> None:
    number = writes.ensure_source(store, "sample", "sample", "measured")
    source = Source(number, "sample", "sample", "measured", {})
    clock = ManualClock(START)
    ours, theirs = (Lease(store, "collector", owner, clock) for owner in ("here:1", "there:2"))
    following = Follower(source, store, RowReader(source, store), fence=ours.guard)
    write(store, raw_rows(number, 500, START))
    assert ours.hold()
    following.turn(START + 5)
    clock.advance(LEASE_S + 1)
    assert theirs.hold()
    place = sources.source(store, number)
    with pytest.raises(LeaseLost, match="Another engine"):
        following.turn(START + 60)
    assert sources.source(store, number) == place
    with reading(store) as connection:
        assert max(connection.execute(select(rollups.c.at)).scalars()) < START + 6
    assert not ours.hold()


def test_catching_up_ends_with_the_lease(sqlite_store: Engine, tmp_path: Path) -> None:
    settings = load_settings(
        DATABASE_URL=str(sqlite_store.url), CACHESCOPE_DATA_DIR=str(tmp_path / "data")
    )
    number = writes.ensure_source(sqlite_store, "sample", "sample", "measured")
    write(sqlite_store, raw_rows(number, 4000, time.time() - 3000, rate=2.0))
    collector = service.Collector(settings, sqlite_store)
    collector.work(lambda: False, lambda _: False)
    assert 0 < collector.rows < 4000
    collector.close()


def test_a_lost_lease_closes_the_collector_and_stands_by(
    run: Callable[[Settings], Told],
    sqlite_store: Engine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    closed: list[bool] = []
    close = RowReader.close

    def watched(reader: RowReader) -> None:
        closed.append(True)
        close(reader)

    monkeypatch.setattr(RowReader, "close", watched)
    monkeypatch.setattr("engine.leases.RENEW_S", 0.1)
    told = run(
        load_settings(
            DATABASE_URL=str(sqlite_store.url), CACHESCOPE_DATA_DIR=str(tmp_path / "data")
        )
    )
    assert until(lambda: "recovered" in told.said)
    writes.upsert(
        sqlite_store,
        leases,
        [{"name": "collector", "owner": "there:2", "since": 1.0, "until": time.time() + 60}],
    )
    assert until(lambda: any(said.startswith("standby there") for said in told.said))
    assert closed


def test_a_source_that_does_not_answer_degrades_and_is_told_as_such(
    run: Callable[[Settings], Told], sqlite_store: Engine, tmp_path: Path
) -> None:
    nobody = URL.create("postgresql", "me", "pw7", "127.0.0.1", 9, "x")
    told = run(
        load_settings(
            DATABASE_URL=str(sqlite_store.url),
            CACHESCOPE_DATA_DIR=str(tmp_path / "data"),
            SOURCE_URL=nobody.render_as_string(hide_password=False),
        )
    )
    assert until(lambda: told.said and told.beats > 2)
    assert "127.0.0.1:9" in told.said[-1]
    assert "SOURCE_URL" in told.said[-1]
    assert "pw7" not in told.said[-1]
