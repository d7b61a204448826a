"""compose's services as processes, in its own environment, on a real MariaDB: the demo moves."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import SQLAlchemyError

from db.session import open_store, reading
from db.tables import cache_metrics, sources
from tests.conftest import fresh_database
from tests.containers.demo import TOKEN, Demo
from tests.engine.stubs.running import until


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    with fresh_database("mariadb", tmp_path) as url:
        yield Demo(url, tmp_path)


def ready(port: int) -> tuple[int, dict[str, str]]:
    """Status and services as the dashboard tells them; 0 while it does not answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/ready", timeout=5) as answer:
            return 200, dict(json.load(answer)["services"])
    except urllib.error.HTTPError as error:
        return error.code, {}
    except OSError:
        return 0, {}


def asked(demo: Demo, token: str) -> int:
    """What the engine's API answers to a question that is not for everybody."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(f"{demo.api()}/status", headers=headers)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def recorded(store: Engine) -> int:
    """Requests of the sample that lie in the store."""
    wanted = select(func.count()).select_from(
        cache_metrics.join(sources, sources.c.id == cache_metrics.c.source)
    )
    try:
        with reading(store) as connection:
            return int(connection.execute(wanted.where(sources.c.name == "sample")).scalar() or 0)
    except SQLAlchemyError:
        return 0


def test_the_demo_moves_and_its_dashboard_starts_no_engine(demo: Demo) -> None:
    store = open_store(demo.url)
    with demo.started("dashboard"):
        with demo.started("engine"):
            until(demo.api, 90)  # compose waits for its health, too
            with demo.started("origin", "traffic"):
                first = until(lambda: recorded(store), 90)
                states = until(lambda: ready(demo.page)[1], 60)
                assert {"collector", "forecaster", "agent", "queue", "api"} == set(states)
                until(lambda: recorded(store) > first, 30)
                answers = [asked(demo, token) for token in ("", "x" * 36, TOKEN)]
                assert answers == [401, 401, 200]
        kept = recorded(store)
        assert ready(demo.page) == (503, {}), "it attached, and started none of its own"
        assert recorded(store) == kept > 0, "nothing is lost, and nothing goes on"
    store.dispose()
