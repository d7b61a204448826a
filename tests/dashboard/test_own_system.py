"""What the Overview tells users to type does what it says."""

from __future__ import annotations

import time

from sqlalchemy import text

from dashboard.parts import own_system
from db import tables
from db.session import open_store, reading, writing
from db.writes import ensure_source, insert
from engine.settings import load_settings
from tests.dashboard.test_page_queries import decision


def test_a_row_inserted_as_shown_belongs_to_the_source_own(empty_store: str) -> None:
    store = open_store(load_settings().database_url)
    ensure_source(store, "sample", "sample", "measured")
    own = ensure_source(store, "own", "table", "measured")
    with writing(store) as connection:
        connection.execute(text(own_system.INSERT.rstrip(";")))
    with reading(store) as connection:
        found = connection.execute(text("SELECT source, writer, sequence FROM cache_metrics"))
        assert [tuple(row) for row in found] == [(own, "shop-1", 1)]
    store.dispose()


def test_only_decisions_in_force_now_are_read(empty_store: str) -> None:
    store = open_store(load_settings().database_url)
    own = ensure_source(store, "own", "table", "measured")
    now = int(time.time())
    rows = [
        decision(at, number) | {"source": own, "published": published}
        for number, (at, published) in enumerate(
            ((now - 2, True), (now - 2, False), (now + 3, True), (now - 9, True))
        )
    ]
    insert(store, tables.decisions, rows)
    with reading(store) as connection:
        found = connection.execute(text(own_system.DECISIONS.rstrip(";")), {"now": now})
        assert [row.cache_name for row in found] == ["/0"]
    store.dispose()


def test_the_index_shown_starts_with_the_time_that_the_example_maps() -> None:
    assert "timestamp=ts," in own_system.EXAMPLE
    assert own_system.INDEX.endswith("ON access_log (ts);")
