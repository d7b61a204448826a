from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from db.migrations import migrate
from db.session import open_store
from db.tables import cache_metrics, sources
from engine.collector.check import check_source
from engine.errors import SourceError
from engine.services import SERVICES, chosen
from engine.settings import ROOT, Settings, load_settings
from engine.traces.log_service import Follower
from tests.engine.stubs.running import until
from tests.engine.traces.logs import START, append, line


def settings_for(folder: Path, **overrides: str) -> Settings:
    return load_settings(
        SOURCE_LOG=str(folder / "access.log"), CACHESCOPE_DATA_DIR=str(folder / "data"), **overrides
    )


def rows_of(store: Engine) -> list[tuple[float, str, str, float]]:
    known = cache_metrics.c
    query = select(known.timestamp, known.cache_name, known.cache_key, known.load_time_ms)
    with store.connect() as connection:
        return [tuple(row) for row in connection.execute(query.order_by(known.timestamp))]


def follow(follower: Follower) -> None:
    while follower.turn():
        pass


def test_lines_become_rows_of_the_own_source(store: Engine, tmp_path: Path) -> None:
    follower = Follower(settings_for(tmp_path), store)
    log = tmp_path / "access.log"
    append(log, line(0, "/a/1?token=geheim"), line(1, "/b", method="POST"), "rubbish", line(2))
    follow(follower)
    found = rows_of(store)
    assert [(at, name, ms) for at, name, _, ms in found] == [
        (START, "/a/{id}", 50.0),
        (START + 2, "/items/{id}", 50.0),
    ]
    assert "geheim" not in found[0][2]
    with store.connect() as connection:
        assert connection.execute(select(sources.c.name, sources.c.kind)).all() == [("own", "log")]


def test_rows_made_again_after_a_crash_are_not_doubled(store: Engine, tmp_path: Path) -> None:
    settings, log = settings_for(tmp_path), tmp_path / "access.log"
    append(log, *(line(number) for number in range(5)))
    follow(Follower(settings, store))
    (tmp_path / "data" / "log-cursor.json").unlink()
    append(log, line(5))
    follow(Follower(settings, store))
    assert [at - START for at, *_ in rows_of(store)] == list(range(6))


def test_a_log_without_request_times_says_what_to_add(sqlite_store: Engine, tmp_path: Path) -> None:
    follower = Follower(settings_for(tmp_path), sqlite_store)
    assert "There is no log" in follower.trouble()
    append(tmp_path / "access.log", line(0).rpartition(" ")[0])
    follow(follower)
    assert "$request_time" in follower.trouble()
    assert rows_of(sqlite_store) == []


def test_a_cache_status_tells_hits(sqlite_store: Engine, tmp_path: Path) -> None:
    append(tmp_path / "access.log", f"{line(0)} MISS", f"{line(1)} HIT", f"{line(2)} STALE")
    follow(Follower(settings_for(tmp_path), sqlite_store))
    with sqlite_store.connect() as connection:
        hits = connection.execute(select(cache_metrics.c.hit).order_by(cache_metrics.c.id))
        assert list(hits.scalars()) == [False, True, True]


def test_killed_and_rotated_the_service_loses_and_doubles_no_line(tmp_path: Path) -> None:
    log, url = tmp_path / "access.log", f"sqlite:///{tmp_path}/store.sqlite3"
    environment = {
        **os.environ,
        "SOURCE_LOG": str(log),
        "DATABASE_URL": url,
        "CACHESCOPE_DATA_DIR": str(tmp_path / "data"),
    }
    store = open_store(url)
    migrate(store)

    def start() -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "engine.traces.log_service"]
        return subprocess.Popen(command, cwd=ROOT, env=environment)

    def count() -> int:
        return len(rows_of(store))

    append(log, *(line(number) for number in range(3000)))
    service = start()
    try:
        until(lambda: count() >= 1000, 60)
        service.send_signal(signal.SIGKILL)
        service.wait()
        append(log, *(line(number) for number in range(3000, 4000)))
        log.rename(tmp_path / "access.log.1")
        append(log, *(line(number) for number in range(4000, 4500)))
        service = start()
        until(lambda: count() >= 4500, 60)
        append(log, line(4500))
        until(lambda: count() >= 4501, 10)
        service.terminate()
        assert service.wait(10) == 0
    finally:
        service.kill()
        service.wait()
    assert [at - START for at, *_ in rows_of(store)] == list(range(4501))
    store.dispose()


def test_two_sources_at_once_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="SOURCE_URL are both set"):
        check_source(settings_for(tmp_path, SOURCE_URL="sqlite:///x.db"))
    with pytest.raises(SourceError, match="SAMPLE=true are both set"):
        check_source(settings_for(tmp_path, CACHESCOPE_SAMPLE="true"))
    (tmp_path / "access.log").mkdir()
    with pytest.raises(SourceError, match="is the folder"):
        check_source(settings_for(tmp_path))


def test_the_follower_runs_only_where_a_log_is_to_be_followed(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    assert not settings.sample_enabled
    names = {service.name for service in chosen(SERVICES, False, log=True)}
    assert "log" in names
    assert "traffic" not in names
    assert "log" not in {service.name for service in chosen(SERVICES, True)}
