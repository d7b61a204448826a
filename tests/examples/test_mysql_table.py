"""A table of one's own on a real MariaDB, read as it is."""

from __future__ import annotations

import json
import shlex
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, select, text

from db.migrations import migrate
from db.session import open_store, reading
from db.tables import rollups
from engine import cli
from engine.collector.persist import RECORDED
from engine.collector.service import Collector
from engine.records import TOTAL
from engine.settings import ROOT, load_settings
from tests.conftest import fresh_database

HOW_TO = ROOT / "docs" / "how-to" / "mysql-table.md"
TABLE = (ROOT / "examples" / "mysql_visits.sql").read_text().partition("-- A user")[0]


def setting(name: str) -> str:
    """A setting as the how-to shows it."""
    lines = HOW_TO.read_text().splitlines()
    return next(line for line in lines if line.startswith(f"{name}=")).partition("=")[2]


def command(verb: str) -> list[str]:
    """The words of the how-to's command of that verb."""
    start = ".venv/bin/python -m engine "
    lines = HOW_TO.read_text().splitlines()
    line = next(line for line in lines if line.startswith(f"{start}{verb}"))
    return shlex.split(line.removeprefix(start))


def test_the_table_is_followed_and_imported_as_the_how_to_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with fresh_database("mariadb", tmp_path) as url:
        theirs = create_engine(url)
        now = datetime.now(UTC).replace(tzinfo=None)
        rows = [
            {
                "happened": now - timedelta(seconds=10 - n / 10),
                "address": f"/prices/{n % 7}?page=1",
                "took": 1.5 if n >= 7 else 40.0,
                "bytes_sent": 900,
                "from_cache": "hit" if n >= 7 else "miss",
            }
            for n in range(50)
        ]
        with theirs.begin() as connection:
            connection.execute(text(TABLE.strip().rstrip(";")))
            insert = "INSERT INTO visits (happened, address, took, bytes_sent, from_cache) VALUES "
            names = ":happened, :address, :took, :bytes_sent, :from_cache"
            connection.execute(text(f"{insert}({names})"), rows)
        monkeypatch.setenv("CACHESCOPE_DATA_DIR", str(tmp_path))
        monkeypatch.setenv("SOURCE_URL", url.render_as_string(hide_password=False))
        for name in ("SOURCE_TABLE", "SOURCE_MAPPING"):
            monkeypatch.setenv(name, setting(name))
        assert cli.main(command("columns")) == 0
        assert "took" in capsys.readouterr().out
        assert followed() == (50, 43)
        assert cli.main(["import", "--source", "own", "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert told["info"]["requests"] == 50
        with theirs.connect() as connection:
            tables = connection.execute(text("SHOW TABLES")).scalars().all()
        theirs.dispose()
        assert list(tables) == ["visits"], "nothing is written where the rows come from"


def followed() -> tuple[int, int]:
    """Requests and hits that the collector sums up within some seconds."""
    settings = load_settings()
    store = open_store(settings.database_url)
    migrate(store)
    collector = Collector(settings, store)
    try:
        deadline = time.monotonic() + 15
        while (found := summed(store))[0] < 50 and time.monotonic() < deadline:
            collector.work(lambda: False, lambda _rows: True)
            time.sleep(0.2)
    finally:
        collector.close()
        store.dispose()
    return found


def summed(store: Engine) -> tuple[int, int]:
    recorded = rollups.c.policy == RECORDED, rollups.c.width == 1, rollups.c.cache_name == TOTAL
    with reading(store) as connection:
        rows = connection.execute(select(rollups).where(*recorded)).mappings().all()
    return sum(row["requests"] for row in rows), sum(row["hits"] for row in rows)
