"""Every child of the real engine is killed or stopped in turn; afterwards the books balance."""

from __future__ import annotations

import re
import signal
import sqlite3
import time
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, func, select

from db.queries import system
from db.session import reading
from db.tables import cache_metrics, decisions
from engine.services import SERVICES
from tests.engine.stubs.running import until
from tests.faults.accounts import look_at_the_books
from tests.faults.living import Living, prepared


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    opened = prepared(f"sqlite:///{tmp_path_factory.mktemp('kills')}/store.sqlite3")
    yield opened
    opened.dispose()


@pytest.fixture(scope="module")
def engine(store: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Living]:
    living = Living(tmp_path_factory.mktemp("engine"), store.url)
    try:
        living.all_are("running")
        until(lambda: newest(store)[1] > 0)
        yield living
    finally:
        living.close()


def newest(store: Engine) -> tuple[float, float]:
    """When the last request was recorded, and the last decision made."""
    with reading(store) as connection:
        row = connection.execute(select(func.max(cache_metrics.c.timestamp))).scalar()
        decision = connection.execute(select(func.max(decisions.c.at))).scalar()
    return row or 0.0, decision or 0.0


def work_goes_on(store: Engine, since: float) -> None:
    """Wait for a request and a decision made after a moment."""
    until(lambda: min(newest(store)) > since, 15.0)


@pytest.mark.parametrize("name", SERVICES)
def test_a_killed_service_is_back_in_seconds_and_the_others_never_stopped(
    name: str, engine: Living, store: Engine
) -> None:
    engine.all_are("running")
    before, moment = engine.children(), time.time()
    engine.harm(name)
    until(lambda: engine.messages(name, moment, "recovered"))
    recovered = time.time()
    assert any("SIGKILL" in told for told in engine.messages(name, moment, "exited"))
    assert any(
        re.fullmatch(r"running again after \d+\.\d s", told)
        for told in engine.messages(name, moment, "recovered")
    )
    engine.all_are("running")
    after = engine.children()
    assert after.pop(name) != before.pop(name)
    assert after == before
    work_goes_on(store, recovered)
    kinds = {"exited", "restarted", "recovered"}
    until(lambda: kinds <= stored_kinds(store, name, moment), 5.0)


def stored_kinds(store: Engine, name: str, since: float) -> set[str]:
    """The kinds of events that pages can read of a service."""
    rows = system.events(store, since)
    return {str(row["kind"]) for row in rows if row["service"] == name}


@pytest.mark.timeout(90)
def test_a_service_that_stands_still_is_replaced(engine: Living, store: Engine) -> None:
    engine.all_are("running")
    moment = time.time()
    stopped = engine.harm("collector", signal.SIGSTOP)
    until(lambda: engine.messages("collector", moment, "recovered"), 30.0)
    assert any("no heartbeat" in told for told in engine.messages("collector", moment, "killed"))
    assert engine.child("collector") != stopped
    work_goes_on(store, time.time())


def test_a_store_that_another_program_locks_degrades_and_recovers(
    engine: Living, store: Engine
) -> None:
    engine.all_are("running")
    before, moment = engine.children(), time.time()
    with sqlite3.connect(str(store.url.database), isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        until(lambda: {"collector", "origin"} <= degraded(engine), 12.0)
        assert all("locked by another program" in why for _, state, why in engine.told() if why)
        other.execute("ROLLBACK")
    other.close()
    engine.all_are("running", 10.0)
    assert engine.children() == before
    assert any("no longer degraded" in one for one in engine.messages("collector", moment))
    work_goes_on(store, time.time())


def degraded(engine: Living) -> set[str]:
    """The services that say they cannot do their full work."""
    return {name for name, state, _ in engine.told() if state == "degraded"}


def test_after_faults_nothing_is_lost_or_doubled(engine: Living, store: Engine) -> None:
    engine.all_are("running")
    counted = look_at_the_books(engine, store)
    assert counted["rows"] > 100
    assert counted["accepted"] > 10
    for name in ("origin", "traffic", "forecaster"):
        engine.call("start", name=name)
