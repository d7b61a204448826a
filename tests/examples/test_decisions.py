"""Caches of others that are driven from published decisions: Redis, and Cache-Control."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest
import redis
from msgspec import structs
from sqlalchemy import Engine

from engine.records import OTHER, Action
from engine.secret import Secret
from engine.settings import Settings
from examples.decisions import Decisions, main
from examples.redis_cache import PREFIX, RedisCache
from tests.examples.conftest import served
from tests.examples.decided import decide


@pytest.fixture
def server() -> Iterator[redis.Redis]:
    client = redis.Redis.from_url(os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/0"))
    try:
        client.ping()
    except redis.ConnectionError as error:
        if os.environ.get("CI"):
            pytest.fail(str(error))
        pytest.skip(f"no Redis server (set TEST_REDIS_URL): {error}")
    yield client
    for key in client.scan_iter(f"{PREFIX}test:*"):
        client.delete(key)
    client.close()


def test_redis_keeps_as_long_as_is_decided(
    api: str, own_store: Engine, server: redis.Redis
) -> None:
    decisions = Decisions(api)
    cache = RedisCache(server, decisions, default_ttl_s=60)
    loaded: list[int] = []

    def load() -> bytes:
        loaded.append(1)
        return b"answer"

    def ask() -> bool:
        answer, held = cache.answer("/prices", "test:prices:1", load)
        assert answer == b"answer"
        return held

    assert decisions.refresh()
    assert [ask(), ask()] == [False, True]
    assert 50_000 < int(server.pttl(f"{PREFIX}test:prices:1")) <= 60_000
    decide(own_store, "/prices", Action.DROP)
    assert ask(), "not read yet"
    assert decisions.refresh()
    assert [ask(), ask()] == [False, False]
    assert not server.exists(f"{PREFIX}test:prices:1")
    decide(own_store, "/prices", Action.KEEP_SHORT, ttl_s=5)
    assert decisions.refresh()
    assert [ask(), ask()] == [False, True]
    assert int(server.pttl(f"{PREFIX}test:prices:1")) <= 5_000
    assert len(loaded) == 4


def test_cache_control_says_what_is_decided(api: str, own_store: Engine) -> None:
    decide(own_store, "/prices", Action.KEEP_LONG, ttl_s=90)
    decide(own_store, OTHER, Action.DROP)
    decisions = Decisions(api)
    assert decisions.cache_control("/prices", 30) == "public, max-age=30", "nothing asked yet"
    assert decisions.refresh()
    assert decisions.cache_control("/prices", 30) == "public, max-age=90"
    assert decisions.cache_control("/reports", 30) == "no-store"


def test_the_token_comes_from_the_environment(
    own: Settings, own_store: Engine, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    decide(own_store, "/prices", Action.KEEP_LONG, ttl_s=90)
    guarded = structs.replace(own, viewer_token=Secret("v" * 20))
    with served(guarded) as url:
        assert not Decisions(url, timeout_s=20).refresh()
        assert Decisions(url, token="v" * 20, timeout_s=20).refresh()
        monkeypatch.setenv("CACHESCOPE_TOKEN", "v" * 20)
        assert Decisions(url, timeout_s=20).refresh()
        assert not Decisions(url, token="", timeout_s=20).refresh()
        monkeypatch.setattr(sys, "argv", ["decisions", url])
        monkeypatch.setattr(Decisions.__init__, "__defaults__", (None, 20.0))
        main()
        assert capsys.readouterr().out == "/prices public, max-age=90\n"


def test_an_api_that_is_away_changes_nothing(api: str, own_store: Engine) -> None:
    decide(own_store, "/prices", Action.DROP)
    decisions = Decisions(api)
    assert decisions.refresh()
    decisions._url = "http://127.0.0.1:9/decisions"
    assert not decisions.refresh()
    assert decisions.ttl("/prices", 30) == 0
