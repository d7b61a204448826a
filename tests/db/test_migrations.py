"""Migrations: one schema whichever way it was reached, and never a harmed database."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text
from sqlalchemy.engine import URL

from db import migrations, tables
from db.migrations import ForeignTables, NewerSchema, migrate
from db.session import open_store, reading, writing

ROOT = Path(__file__).resolve().parents[2]


def differences(store: Engine) -> list[Any]:
    with store.connect() as connection:
        options = {"version_table": migrations.VERSION_TABLE, "compare_type": True}
        context = MigrationContext.configure(connection, opts=options)
        return list(compare_metadata(context, tables.metadata))


def test_the_head_named_in_code_is_the_last_revision() -> None:
    assert ScriptDirectory.from_config(migrations.config()).get_current_head() == migrations.HEAD


def test_an_empty_database_gets_exactly_our_tables(fresh_store: Engine) -> None:
    store = fresh_store
    assert differences(store) == []
    with reading(store) as connection:
        assert migrations.revision(connection) == migrations.HEAD


def test_the_revisions_lead_to_exactly_our_tables(store_url: URL) -> None:
    store = open_store(store_url)
    with writing(store) as connection:
        migrations.upgrade(connection)
    assert differences(store) == []
    assert migrate(store) == migrations.HEAD
    store.dispose()


def test_a_store_that_is_up_to_date_costs_little_and_loads_no_alembic(sqlite_store: Engine) -> None:
    code = (
        "import sys, time; from db.session import open_store; from db.migrations import migrate;"
        f"store = open_store({sqlite_store.url.render_as_string()!r});"
        "migrate(store); start = time.perf_counter(); migrate(store);"
        "print(time.perf_counter() - start, 'alembic' in sys.modules)"
    )
    seconds, loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert float(seconds) < 0.05
    assert loaded == "False"


def test_processes_that_start_at_once_all_find_one_schema(store_url: URL) -> None:
    begin_at = time.time() + 2.5
    code = (
        "import sys, time; from db.session import open_store; from db.migrations import migrate;"
        f"store = open_store({store_url.render_as_string(hide_password=False)!r});"
        f"time.sleep(max(0, {begin_at} - time.time())); print(migrate(store))"
    )
    starters = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    ends = [(starter.communicate(timeout=60), starter.returncode) for starter in starters]
    assert [(out.strip(), code) for (out, _), code in ends] == [(migrations.HEAD, 0)] * 4, ends
    store = open_store(store_url)
    assert differences(store) == []
    store.dispose()


def test_models_of_the_first_version_are_kept_and_their_numbers_never_given_again(
    store_url: URL,
) -> None:
    store = open_store(store_url)
    with writing(store) as connection:
        migrations.upgrade(connection, "0001")
        connection.execute(
            text("INSERT INTO rl_models (algorithm, created_at, cache_size) VALUES ('dqn', 1, 10)")
        )
    assert migrate(store) == migrations.HEAD
    with writing(store) as connection:
        kept = connection.execute(text("SELECT id, cache_size, name FROM rl_models")).all()
        assert kept == [(1, 10, None)]
        connection.execute(text("DELETE FROM rl_models"))
        connection.execute(
            tables.rl_models.insert(), [{"algorithm": "ppo", "created_at": 2, "cache_size": 2**40}]
        )
        made = connection.execute(text("SELECT id, cache_size FROM rl_models")).one()
        assert made == (2, 2**40)
    store.dispose()


def test_a_newer_schema_is_refused_and_left_alone(fresh_store: Engine) -> None:
    store = fresh_store
    with writing(store) as connection:
        connection.execute(text("UPDATE cachescope_version SET version_num = '9999'"))
    knows = rf"newer Cachescope .* \(revision 9999; .*{migrations.HEAD}\)"
    with pytest.raises(NewerSchema, match=knows):
        migrate(store)
    with reading(store) as connection:
        assert migrations.revision(connection) == "9999"


def test_a_users_own_table_of_our_name_is_refused_and_left_alone(store_url: URL) -> None:
    store = open_store(store_url)
    with writing(store) as connection:
        connection.execute(text("CREATE TABLE cache_metrics (theirs INTEGER)"))
    with pytest.raises(ForeignTables, match=r"cache_metrics.*SOURCE_URL"):
        migrate(store)
    assert inspect(store).get_table_names() == ["cache_metrics"]
    store.dispose()


def test_a_users_other_tables_do_not_matter(store_url: URL) -> None:
    store = open_store(store_url)
    with writing(store) as connection:
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))
        connection.execute(text("CREATE TABLE orders (id INTEGER)"))
    assert migrate(store) == migrations.HEAD
    assert {"orders", "alembic_version", "rollups"} <= set(inspect(store).get_table_names())
    store.dispose()


def test_a_creation_that_was_killed_half_way_is_finished(fresh_store: Engine) -> None:
    store = fresh_store
    with writing(store) as connection:
        connection.execute(text("UPDATE cachescope_version SET version_num = 'creating'"))
        connection.execute(text("DROP TABLE rollups"))
    assert migrate(store) == migrations.HEAD
    assert differences(store) == []
