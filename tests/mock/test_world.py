"""Filling the energy tables of a store that others write to."""

from __future__ import annotations

import itertools
import sqlite3
import time
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from db.session import reading
from mock.energy import tables as t
from mock.energy import world

NOW = 1_700_000_000.0
TABLES = (t.production, t.consumption, t.exchange)


def content(store: Engine) -> list[tuple[int, float, int, int]]:
    """Rows, sum, first and last hour of each table."""
    found = []
    with reading(store) as connection:
        for table in TABLES:
            hour = table.c.hour
            figures = select(func.count(), func.sum(table.c.mwh), func.min(hour), func.max(hour))
            count, total, first, last = connection.execute(figures).one()
            found.append((count, round(total, 3), first, last))
    return found


def test_others_can_write_while_the_tables_are_filled(
    sqlite_store: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = sqlite3.connect(Path(str(sqlite_store.url.database)), timeout=0)
    seen: list[int] = []

    def breathe(_seconds: float) -> None:
        other.execute("BEGIN IMMEDIATE")  # "database is locked" if it is not our turn
        seen.append(other.execute("SELECT count(*) FROM energy_consumption").fetchone()[0])
        other.commit()

    monkeypatch.setattr(time, "sleep", breathe)
    world.fill(sqlite_store, NOW)
    other.close()
    assert len(seen) == world.HISTORY_DAYS * 24 / world.SLICE_HOURS
    assert max(after - before for before, after in itertools.pairwise(seen)) < 2500


def test_a_fill_that_was_cut_off_is_completed_and_its_window_moves_on(
    sqlite_store: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(world, "HISTORY_DAYS", 3)
    with monkeypatch.context() as patched:
        patched.setattr(time, "sleep", cut)
        with pytest.raises(KeyboardInterrupt):
            world.fill(sqlite_store, NOW)
    last = world.hour_of(NOW)
    assert {found[2:] for found in content(sqlite_store)} == {(last - 71, last - 48)}
    assert world.fill(sqlite_store, NOW) > 0
    assert {found[2:] for found in content(sqlite_store)} == {(last - 71, last)}
    before = content(sqlite_store)
    assert world.fill(sqlite_store, NOW) == 0
    assert content(sqlite_store) == before
    world.fill(sqlite_store, NOW + 5 * 3600)
    assert {found[2:] for found in content(sqlite_store)} == {(last - 66, last + 5)}
    assert [found[0] for found in content(sqlite_store)] == [found[0] for found in before]
