"""Every child of the real engine is killed or stopped in turn; afterwards the books balance."""

from __future__ import annotations

import contextlib
import re
import signal
import socket
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from db.queries import system
from db.session import reading
from db.tables import cache_metrics, decisions
from engine.services import SERVICES, chosen
from tests.engine.stubs.running import until
from tests.faults.accounts import decisions_of, look_at_the_books
from tests.faults.living import Living, prepared

LEASED = ("collector", "forecaster", "agent")
"""What only one of several engines on a store does."""


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
        until(lambda: newest(store)[1] > 0, 40.0)
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
    until(lambda: min(newest(store)) > since, 30.0)


@pytest.mark.parametrize("name", [service.name for service in chosen(SERVICES, sample=True)])
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
def test_a_service_stands_still_while_another_program_locks_the_store(
    engine: Living, store: Engine
) -> None:
    engine.all_are("running")
    before, moment = engine.children(), time.time()
    stopped = engine.harm("api", signal.SIGSTOP)
    with contextlib.closing(sqlite3.connect(str(store.url.database), isolation_level=None)) as one:
        one.execute("BEGIN IMMEDIATE")
        until(lambda: {"collector", "origin"} <= degraded(engine), 12.0)
        assert all("locked by another program" in why for _, state, why in engine.told() if why)
        one.execute("ROLLBACK")
    until(lambda: engine.messages("api", moment, "recovered"), 20.0)
    assert any("no heartbeat" in told for told in engine.messages("api", moment, "killed"))
    engine.all_are("running", 10.0)
    after = engine.children()
    assert after.pop("api") != stopped
    assert after == {name: pid for name, pid in before.items() if name != "api"}
    assert any("no longer degraded" in one for one in engine.messages("collector", moment))
    work_goes_on(store, time.time())


@pytest.mark.timeout(60)
def test_a_second_engine_on_the_store_waits_and_takes_over(
    engine: Living, store: Engine, tmp_path: Path
) -> None:
    engine.all_are("running")
    second = Living(tmp_path, store.url, CACHESCOPE_SAMPLE_RATE="2")
    try:
        for name in LEASED:
            why = second.becomes(name, "standby", 30.0)["why"]
            assert re.fullmatch(rf"{re.escape(socket.gethostname())} since \d\d:\d\d", why)
        assert {engine.service(name)["state"] for name in LEASED} == {"running"}
        for name in LEASED:
            engine.call("stop", name=name)
        for name in LEASED:
            second.becomes(name, "running")
        work_goes_on(store, time.time())
        second.call("stop", name="forecaster")
        second.becomes("forecaster", "stopped")
        engine.elsewhere += decisions_of(second)
        assert engine.elsewhere > 0
    finally:
        second.close()
        engine.call("start")
    engine.all_are("running")
    work_goes_on(store, time.time())


def degraded(engine: Living) -> set[str]:
    """The services that say they cannot do their full work."""
    return {name for name, state, _ in engine.told() if state == "degraded"}


def test_after_faults_nothing_is_lost_or_doubled(engine: Living, store: Engine) -> None:
    engine.all_are("running")
    counted = look_at_the_books(engine, store, engine.elsewhere)
    assert counted["rows"] > 100
    assert counted["decisions"] > 10
    for name in ("origin", "traffic", "forecaster"):
        engine.call("start", name=name)
