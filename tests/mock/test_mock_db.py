from __future__ import annotations

import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.engine import URL

from db import tables
from db.session import open_store, reading
from db.writes import ensure_source, insert
from mock.energy import tables as energy
from mock.history import History, SeedError, replay, seed_history
from mock.seeding import main
from tests.mock.conftest import ROOT, environment

SMALL = History(rows=900, seed=3)


def count(store: Engine, source: str) -> int:
    metrics, sources = tables.cache_metrics, tables.sources
    wanted = (
        select(func.count())
        .select_from(metrics.join(sources, metrics.c.source == sources.c.id))
        .where(sources.c.name == source)
    )
    with reading(store) as connection:
        return int(connection.execute(wanted).scalar_one())


def seed(store: Engine, history: History) -> tuple[int, int]:
    seeded = seed_history(store, history, lambda _: None)
    return seeded.added, seeded.present


def test_a_second_run_adds_nothing_and_the_sample_is_not_touched(store: Engine) -> None:
    sample = ensure_source(store, "sample", "sample", "measured")
    row = {
        "timestamp": 1.0, "source": sample, "writer": "w", "sequence": 0, "cache_name": "/a",
        "cache_key": "/a", "hit": False, "load_time_ms": 1.0, "size_bytes": 1,
    }  # fmt: skip
    insert(store, tables.cache_metrics, [row])
    assert seed(store, SMALL) == (900, 0)
    assert seed(store, SMALL) == (0, 900)
    assert count(store, "seeded") == 900
    assert count(store, "sample") == 1
    with reading(store) as connection:
        costs = select(tables.sources.c.name, tables.sources.c.costs)
        assert {row.name: row.costs for row in connection.execute(costs)} == {
            "sample": "measured",
            "seeded": "modelled",
        }


def test_a_stopped_history_is_completed_by_the_next_run(sqlite_store: Engine) -> None:
    history = History(rows=5000, seed=4)
    asked = iter([False, True])
    stopped = seed_history(sqlite_store, history, lambda _: None, lambda: next(asked))
    assert stopped.added == 2000
    assert seed(sqlite_store, history) == (3000, 2000)
    assert seed(sqlite_store, History(rows=5000, seed=5)) == (5000, 0), "another seed is another"


def test_a_replay_is_deterministic_and_plausible() -> None:
    def rows() -> list[dict[str, object]]:
        return list(islice(replay(History(seed=1), 1_795_000_000.0, 1, "w"), 9000))

    first = rows()
    assert first == rows()
    hits = sum(bool(row["hit"]) for row in first) / len(first)
    stale = sum(bool(row["stale"]) for row in first)
    assert 0.35 < hits < 0.8
    assert 0 < stale < 0.5 * len(first)
    assert not any(row["stale"] and not row["hit"] for row in first)


@pytest.mark.parametrize(
    ("history", "sentence"),
    [
        (History(rows=0), "rows is 0"),
        (History(workload="storm"), "There is no workload 'storm'"),
        (History(rate=-1), "rate is -1"),
    ],
)
def test_a_senseless_history_is_refused(
    sqlite_store: Engine, history: History, sentence: str
) -> None:
    with pytest.raises(SeedError, match=sentence):
        seed(sqlite_store, history)


@pytest.fixture
def private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    return tmp_path


def options(url: URL) -> list[str]:
    kind = {"sqlite": "sqlite", "mysql+pymysql": "mariadb"}.get(url.drivername, "postgres")
    given = ["--db_type", kind, "--database", str(url.database)]
    for name, value in (("host", url.host), ("port", url.port), ("user", url.username)):
        given += [f"--{name}", str(value)] if value and kind != "sqlite" else []
    return given


def test_the_command_fills_each_kind_of_database(
    store_url: URL, private: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [*options(store_url), "--rows", "300", "--seed", "7"]
    script = [sys.executable, str(ROOT / "mock" / "mock_db.py"), *given]
    done = subprocess.run(
        script,
        cwd=private,
        env=environment(private),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "300 rows added" in done.stdout
    assert main(given) == 0
    assert "Nothing to add" in capsys.readouterr().out
    store = open_store(store_url)
    assert count(store, "seeded") == 300
    with reading(store) as connection:
        hours = connection.execute(select(func.count()).select_from(energy.production))
        assert hours.scalar_one() == 45 * 24 * 36
    store.dispose()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--db_type", "mysql", "--port", "1", "--user", "u"], "Could not reach"),
        (["--host", "db"], "add --db_type"),
        (["--db_type", "sqlite"], "needs --database"),
        (["--db_type", "sqlite", "--database", "/no/such/x.db"], "There is no folder /no/such for"),
        (["--rows", "0"], "rows is 0"),
        (["--hours", "-2"], "hours is -2"),
    ],
)
def test_a_wrong_option_is_answered_in_one_sentence(
    private: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert len(said.strip().splitlines()) == 1
