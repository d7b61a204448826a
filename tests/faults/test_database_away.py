"""The real engine on a real server that is out of reach for some seconds."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from sqlalchemy import Engine

from db.queries import system
from tests.conftest import fresh_database
from tests.db.proxy import Proxy
from tests.engine.stubs.running import until
from tests.faults.accounts import look_at_the_books
from tests.faults.living import Living, prepared

STORING = {"collector", "forecaster", "agent", "origin"}
"""The services whose work ends at the store."""

AWAY_S = 4.0
PORTS = {"mariadb": 3306, "postgres": 5432}


class Setup(NamedTuple):
    """An engine whose every connection to its store goes through a proxy."""

    engine: Living
    proxy: Proxy
    store: Engine
    """The same store without the proxy."""


@pytest.fixture(params=["mariadb", "postgres"])
def setup(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Setup]:
    with contextlib.ExitStack() as ends:
        url = ends.enter_context(fresh_database(request.param, tmp_path))
        store = prepared(url)
        ends.callback(store.dispose)
        proxy = Proxy((url.host or "127.0.0.1", url.port or PORTS[request.param]))
        ends.callback(proxy.cut)
        engine = Living(tmp_path, url.set(host="127.0.0.1", port=proxy.port))
        ends.callback(engine.close)
        yield Setup(engine, proxy, store)


def test_a_server_out_of_reach_stops_no_service_and_loses_nothing(setup: Setup) -> None:
    engine, proxy, store = setup
    engine.all_are("running", 40.0)
    until(lambda: engine.service("agent")["progress"] > 0)
    before, moment = engine.children(), time.time()
    proxy.cut()
    until(lambda: {name for name, state, _ in engine.told() if state == "degraded"} >= STORING)
    said = {name: why for name, _, why in engine.told() if name in STORING}
    assert all("reach" in why or "lost" in why for why in said.values()), said
    assert shown(engine)["agent"] == "degraded"
    time.sleep(max(0.0, moment + AWAY_S - time.time()))
    assert engine.children() == before
    proxy.mend()
    engine.all_are("running", 15.0)
    assert engine.children() == before
    until(lambda: recoveries(store, moment) >= STORING, 10.0)
    begun = engine.service("agent")["progress"]
    until(lambda: engine.service("agent")["progress"] > begun)
    recorded = engine.service("origin")
    engine.call("stop", name="traffic")
    engine.becomes("traffic", "stopped")
    time.sleep(1.0)
    recorded = engine.service("origin")["progress"]
    assert look_at_the_books(engine, store)["rows"] == recorded


def shown(engine: Living) -> dict[str, str]:
    """What the API says of the services."""
    status = engine.try_status()
    assert status is not None
    port = status["engine"]["api_port"]
    answer = httpx.get(f"http://127.0.0.1:{port}/status", timeout=5.0)
    return {one["name"]: one["state"] for one in answer.json()["services"]}


def recoveries(store: Engine, since: float) -> set[str]:
    """Services whose outage, with its seconds, is told in the table of events."""
    return {
        str(row["service"])
        for row in system.events(store, since)
        if row["kind"] == "recovered" and "no longer degraded after" in str(row["message"])
    }
