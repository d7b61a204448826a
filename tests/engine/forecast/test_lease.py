"""A forecaster whose lease another engine takes."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy import Engine

from db import writes
from db.tables import leases
from engine.forecast import service
from engine.forecast.service import Forecasting
from engine.lifeline import Lifeline
from engine.settings import load_settings
from tests.engine.stubs.told import Told, until


def test_a_forecaster_that_stands_by_gives_its_connection_back(
    sqlite_store: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[Forecasting] = []

    def close(work: Forecasting) -> None:
        closed.append(work)

    monkeypatch.setattr(Forecasting, "close", close)
    monkeypatch.setattr("engine.leases.RENEW_S", 0.1)
    settings = load_settings(
        DATABASE_URL=str(sqlite_store.url), CACHESCOPE_DATA_DIR=str(tmp_path / "data")
    )
    told = Told()
    thread = threading.Thread(target=service.run, args=(settings, cast("Lifeline", told)))
    thread.start()
    try:
        assert until(lambda: told.said)
        taken = {"name": "forecaster", "owner": "there:2", "since": 1.0, "until": time.time() + 60}
        writes.upsert(sqlite_store, leases, [taken])
        assert until(lambda: any(said.startswith("standby there") for said in told.said))
        assert len(closed) == 1
    finally:
        told.stopping.set()
        thread.join(20)
    assert len(closed) == 1
