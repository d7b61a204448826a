"""The batching writer: acknowledged means committed, and nothing is lost without being counted."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select, text
from sqlalchemy.engine import URL

from db.batch import BatchWriter
from db.migrations import migrate
from db.session import open_store, reading
from db.tables import audit, cache_metrics, events
from tests.db.proxy import Proxy
from tests.db.rows import event, metric

ROOT = Path(__file__).resolve().parents[2]


def sequences(store: Engine, writer: str) -> list[int]:
    """The stored sequence numbers of a writer, in the order of their ids."""
    mine = select(cache_metrics.c.sequence).where(cache_metrics.c.writer == writer)
    with reading(store) as connection:
        return list(connection.execute(mine.order_by(cache_metrics.c.id)).scalars())


def test_rows_are_committed_soon_without_asking(store: Engine) -> None:
    writer = BatchWriter(store)
    writer.add(cache_metrics, metric(0))
    deadline = time.monotonic() + 5
    while not sequences(store, writer.writer) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert sequences(store, writer.writer) == [0]
    assert writer.close()


def test_a_flush_is_true_only_when_every_row_is_there_in_order(store: Engine) -> None:
    writer = BatchWriter(store)
    for number in range(3000):
        writer.add(cache_metrics, metric(number))
    writer.add(events, event(0))
    assert writer.flush(20)
    assert sequences(store, writer.writer) == list(range(3000))
    stats = writer.stats
    assert (stats.committed, stats.spooled, stats.lost) == (3001, 0, 0)
    assert writer.close()


def test_a_refused_row_is_counted_and_stops_no_other(store: Engine) -> None:
    heard: list[str] = []
    writer = BatchWriter(store, on_error=heard.append)
    for number in range(100):
        columns = {"load_time_ms": None} if number == 41 else {}
        writer.add(cache_metrics, metric(number, **columns))
    writer.add(cache_metrics, metric(100, no_such_column=1))
    assert not writer.flush(20)
    assert sequences(store, writer.writer) == [n for n in range(100) if n != 41]
    assert writer.stats.rejected == 2
    assert writer.stats.last_error is None
    assert len(heard) == 2
    assert "cache_metrics" in heard[0]
    assert "sequence 41" in heard[0]
    writer.add(cache_metrics, metric(101))
    assert writer.flush(20), "a row that was refused earlier is no failure of this flush"
    writer.close()


def test_a_table_without_a_unique_key_is_refused_at_once(sqlite_store: Engine) -> None:
    writer = BatchWriter(sqlite_store)
    with pytest.raises(ValueError, match="audit have no unique key"):
        writer.add(audit, {})
    writer.close()
    with pytest.raises(ValueError, match="closed"):
        writer.add(events, event(0))


def test_a_full_spool_drops_the_oldest_and_says_how_many(sqlite_store: Engine) -> None:
    holder = open_store(sqlite_store.url)
    writer = BatchWriter(sqlite_store, limit=1000)
    with holder.connect() as connection:
        connection.execute(text("SELECT 1"))  # its begin is BEGIN IMMEDIATE: writers wait
        for number in range(2500):
            writer.add(cache_metrics, metric(number))
        assert not writer.flush(0.3)
        waiting = writer.stats.spooled
    assert writer.close(20), "closing itself lost nothing"
    stats = writer.stats
    assert (stats.dropped, stats.committed) == (2500 - waiting, waiting)
    kept = sequences(sqlite_store, writer.writer)
    assert kept[-1000:] == list(range(1500, 2500))
    in_flight = kept[:-1000]
    assert len(in_flight) == waiting - 1000
    first = in_flight[0] if in_flight else 0
    assert in_flight == list(range(first, first + len(in_flight)))
    holder.dispose()


def test_closing_during_an_outage_ends_in_time_and_counts_what_was_lost(
    sqlite_store: Engine,
) -> None:
    holder = open_store(sqlite_store.url)
    writer = BatchWriter(sqlite_store)
    with holder.connect() as connection:
        connection.execute(text("SELECT 1"))
        for number in range(10):
            writer.add(cache_metrics, metric(number))
        begun = time.monotonic()
        assert not writer.close(timeout_s=0.5)
        assert time.monotonic() - begun < 1.5
        assert writer.stats.dropped == 10
    holder.dispose()


def test_a_server_out_of_reach_loses_and_doubles_nothing(server_store: Engine) -> None:
    store = server_store
    default = 3306 if store.dialect.name == "mysql" else 5432
    proxy = Proxy((store.url.host or "127.0.0.1", store.url.port or default))
    through = open_store(store.url.set(host="127.0.0.1", port=proxy.port))
    heard: list[str] = []
    writer = BatchWriter(through, on_error=heard.append)
    for number in range(3000):
        writer.add(cache_metrics, metric(number))
        if number in (800, 1700):
            proxy.cut()
        if number in (1200, 2100):
            time.sleep(0.4)
            proxy.mend()
        time.sleep(0.0002)
    assert writer.flush(20)
    assert sequences(store, writer.writer) == list(range(3000))
    assert writer.stats.last_error is None
    assert heard, "an outage must be told"
    assert all("\n" not in sentence for sentence in heard)
    writer.close()
    proxy.cut()
    through.dispose()


def test_a_commit_whose_answer_was_lost_doubles_nothing(store: Engine) -> None:
    """Commit, then fail as a cut connection would: the retry must find its rows."""
    from sqlalchemy import event as hook
    from sqlalchemy.exc import OperationalError

    failures = iter([True, True, False])

    def lose_the_answer(connection: object) -> None:
        if next(failures, False):
            connection.connection.driver_connection.commit()  # type: ignore[attr-defined]
            raise OperationalError("COMMIT", None, ConnectionResetError("server closed"))

    hook.listen(store, "commit", lose_the_answer)
    writer = BatchWriter(store)
    for number in range(50):
        writer.add(cache_metrics, metric(number))
    assert writer.flush(20)
    assert sequences(store, writer.writer) == list(range(50))
    writer.close()


def test_a_locked_file_loses_and_doubles_nothing(
    sqlite_store: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("db.session.BUSY_TIMEOUT_S", 0.1)
    impatient = open_store(sqlite_store.url)
    writer = BatchWriter(impatient)
    release = threading.Event()

    def hold() -> None:
        with sqlite_store.connect() as connection:
            connection.execute(text("SELECT 1"))
            release.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    for number in range(1500):
        writer.add(cache_metrics, metric(number))
    time.sleep(1)
    assert "locked" in (writer.stats.last_error or "")
    release.set()
    holder.join()
    assert writer.flush(20)
    assert sequences(impatient, writer.writer) == list(range(1500))
    assert writer.stats.last_error is None
    writer.close()
    impatient.dispose()


WRITE_UNTIL_KILLED = """
import sys
from db.batch import BatchWriter
from db.session import open_store
from db.tables import cache_metrics
from tests.db.rows import metric
writer = BatchWriter(open_store(sys.argv[1]), writer="victim")
number = 0
while True:
    for _ in range(200):
        writer.add(cache_metrics, metric(number))
        number += 1
    if writer.flush(10):
        print(number, flush=True)
"""


def test_a_killed_process_leaves_every_row_it_was_told_is_safe(store: Engine) -> None:
    url = store.url.render_as_string(hide_password=False)
    victim = subprocess.Popen(
        [sys.executable, "-c", WRITE_UNTIL_KILLED, url],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert victim.stdout is not None
    for _ in range(5):
        acknowledged = int(victim.stdout.readline())
    victim.kill()
    told = [int(line) for line in victim.stdout.read().split()]
    victim.wait(10)
    victim.stdout.close()
    stored = sequences(store, "victim")
    assert stored == list(range(len(stored)))
    assert len(stored) >= max([acknowledged, *told])


WRITE_MANY = """
import sys
from db.batch import BatchWriter
from db.session import open_store
from db.tables import cache_metrics
from tests.db.rows import metric
writer = BatchWriter(open_store(sys.argv[1]), on_error=print)
for number in range(4000):
    writer.add(cache_metrics, metric(number))
print("flushed", writer.flush(60), writer.close(), writer.stats.committed)
"""


def test_several_processes_write_one_store_at_once(store_url: URL) -> None:
    store = open_store(store_url)
    migrate(store)
    url = store_url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", WRITE_MANY, url]
    writers = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    answers = [writer.communicate(timeout=90)[0].strip() for writer in writers]
    assert answers == ["flushed True True 4000"] * 3
    with reading(store) as connection:
        count = connection.execute(select(func.count()).select_from(cache_metrics)).scalar_one()
    assert count == 12_000
    store.dispose()
