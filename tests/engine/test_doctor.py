from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from db.migrations import migrate
from db.session import open_store
from engine.doctor import Finding, examine
from engine.settings import Settings


def findings(folder: Path, **fields: Any) -> dict[str, Finding]:  # noqa: ANN401 - settings
    given = {"data_dir": folder / "data", "log_dir": folder / "logs"} | fields
    return {finding.check: finding for finding in examine(Settings(**given))}


def test_a_fresh_folder_is_all_well(tmp_path: Path) -> None:
    found = findings(tmp_path, api_port=0, origin_port=0)
    assert {finding.verdict for finding in found.values()} == {"ok"}


def test_an_unreachable_database_is_named_with_what_to_do(tmp_path: Path) -> None:
    found = findings(tmp_path, database_url_text="postgresql://me:secret@127.0.0.1:9/nothing")
    assert found["database"].verdict == "fail"
    assert found["database"].advice
    assert "secret" not in str(found)


def test_a_busy_port_is_a_warning(tmp_path: Path) -> None:
    import socket

    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen(1)
        found = findings(tmp_path, api_port=busy.getsockname()[1])
    assert found["API port"].verdict == "warn"


def test_an_old_schema_is_a_warning_and_the_right_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite3"
    sqlite3.connect(path).close()
    url = f"sqlite:///{path}"
    assert findings(tmp_path, database_url_text=url)["schema"].verdict == "warn"
    migrate(open_store(url))
    assert findings(tmp_path, database_url_text=url)["schema"].verdict == "ok"


OWN = {
    "source_table": "hits",
    "source_mapping": "timestamp=ts,cache_key=url,load_time_ms=took",
}


def own_table(folder: Path, columns: str) -> sqlite3.Connection:
    connection = sqlite3.connect(folder / "own.sqlite3")
    connection.execute(f"CREATE TABLE hits ({columns})")
    connection.commit()
    return connection


def own_source(folder: Path, **changes: str) -> Finding:
    url = f"sqlite:///{folder / 'own.sqlite3'}"
    return findings(folder, **{"source_url": url} | OWN | changes)["source"]


def test_a_source_without_an_index_gets_the_statement_that_makes_one(tmp_path: Path) -> None:
    connection = own_table(tmp_path, "ts REAL, url TEXT, hit INTEGER, took REAL")
    found = own_source(tmp_path)
    assert found.verdict == "warn"
    assert found.advice == "CREATE INDEX ix_hits_ts ON hits (ts);"
    connection.execute(found.advice)
    connection.commit()
    assert own_source(tmp_path).verdict == "ok"
    assert own_source(tmp_path, source_table="none").verdict == "fail"
    wrong = own_source(tmp_path, source_mapping="timestamp=when,cache_key=url,load_time_ms=took")
    assert wrong.verdict == "fail"
    assert "it has: ts, url, hit, took" in wrong.found


def test_an_index_that_starts_with_another_column_is_no_index_of_the_time(tmp_path: Path) -> None:
    columns = "id INTEGER PRIMARY KEY, ts REAL, url TEXT, hit INTEGER, took REAL"
    connection = own_table(tmp_path, columns)
    connection.execute("CREATE INDEX both ON hits (id, ts)")
    connection.commit()
    assert own_source(tmp_path).advice == "CREATE INDEX ix_hits_ts ON hits (ts);"


def test_a_users_database_is_looked_at_and_left_as_it_was(tmp_path: Path) -> None:
    own_table(tmp_path, "ts REAL, url TEXT, hit INTEGER, took REAL").close()
    before = (tmp_path / "own.sqlite3").read_bytes()
    own_source(tmp_path)
    assert (tmp_path / "own.sqlite3").read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"own.sqlite3", "data", "logs"}


def test_a_mistyped_source_is_told_and_not_made(tmp_path: Path) -> None:
    found = own_source(tmp_path, source_url=f"sqlite:///{tmp_path / 'new' / 'owm.sqlite3'}")
    assert found.verdict == "fail"
    assert "owm.sqlite3" in found.found
    assert not (tmp_path / "new").exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    assert findings(tmp_path)["data folder"].verdict == "fail"
