"""The agent's work against a real store: decisions, rewards, checkpoints, and a kill."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Engine, func, select

from db import tables, writes
from db.migrations import migrate
from db.queries import decisions
from db.session import open_store, reading
from engine.agent.deciding import ttl_of
from engine.agent.guard import Floor, Saving, news
from engine.agent.work import Deciding
from engine.broker.base import Delivery, Message
from engine.broker.client import ManagerBroker
from engine.broker.place import place_of
from engine.collector.sums import Sums
from engine.records import OTHER, TOTAL, Action, Prediction
from engine.settings import load_settings
from engine.tunables import Tuned

ROOT = Path(__file__).resolve().parents[3]
NAMES = ("/a", "/b")


def prediction(name: str, begin: float, source: int, number: int = 0) -> Prediction:
    return Prediction(
        id=f"{name}-{begin:.0f}-{number}",
        at=begin - 3,
        source=source,
        cache_name=name,
        interval_s=5.0,
        valid_from=begin,
        valid_until=begin + 5,
        demand=(20.0, 20.0),
        demand_low=(15.0, 15.0),
        demand_high=(25.0, 25.0),
        load_time_ms=(9.0, 9.0),
        forecaster="last",
    )


def delivery(made: Prediction) -> Delivery:
    return Delivery(made.id, msgspec.json.encode(made), 0, 0, 0, False)


def work(store: Engine) -> Deciding:
    return Deciding(load_settings(), store)


def record(store: Engine, source: int, seconds: range, **changes: float) -> None:
    rows = []
    for at in seconds:
        for name in (*NAMES, TOTAL):
            sums = Sums()
            sums.requests, sums.hits, sums.load_time_ms, sums.saved_ms = 4, 3, 12.0, 24.0
            for column, value in changes.items():
                setattr(sums, column, value if name == TOTAL else 0)
            rows.append(sums.row(source, "recorded", 1, at, name))
    writes.upsert(store, tables.rollups, rows)


def collected(store: Engine, source: int, watermark: float) -> None:
    writes.update_source(
        store, source, watermark=watermark, cursor={"settled": math.floor(watermark) - 5}
    )


def count(store: Engine, table: Any) -> int:  # noqa: ANN401
    with reading(store) as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def decide_twice(agent: Deciding, now: float) -> None:
    for begin in (now, now + 5):
        agent.take([delivery(prediction(name, begin, agent.source.id)) for name in NAMES], now)


def test_a_redelivered_prediction_doubles_nothing(store: Engine) -> None:
    agent = work(store)
    batch = [delivery(prediction(name, 1005.0, agent.source.id)) for name in NAMES]
    agent.take(batch, 1000.0)
    first = decisions.latest(store, agent.source.id)
    work(store).take(batch, 1001.0)
    assert decisions.latest(store, agent.source.id) == first
    assert len(first) == 2


def test_the_sample_is_controlled_and_advice_is_not_published(sqlite_store: Engine) -> None:
    agent = work(sqlite_store)
    published = []
    for begin, tunable, value in (
        (1005.0, "agent.mode", "auto"),
        (1010.0, "agent.mode", "advise"),
        (1015.0, "agent.mode", "control"),
        (1020.0, "agent.hold", True),
    ):
        writes.set_tunable(sqlite_store, tunable, value, "test")
        agent.take([delivery(prediction("/a", begin, agent.source.id))], begin - 3)
        published.append(decisions.latest(sqlite_store, agent.source.id, 1)[0]["published"])
    assert published == [True, False, True, False]


def test_late_broken_and_foreign_predictions_are_dropped_each_by_its_name(
    sqlite_store: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    agent = work(sqlite_store)
    late = delivery(prediction("/a", 1000.0, agent.source.id))
    broken = Delivery("x", b"\x93nonsense", 0, 0, 0, False)
    other = delivery(prediction("/a", 1005.0, agent.source.id + 7))
    agent.take([late, broken, other], 1004.0)
    assert agent.dropped == 3
    assert "3 predictions were dropped: 1 too late, 1 damaged, 1 of another source." in caplog.text
    assert decisions.latest(sqlite_store, agent.source.id) == []


def test_each_decision_is_rewarded_and_learned_once_also_after_a_restart(store: Engine) -> None:
    agent = work(store)
    decide_twice(agent, 1000.0)
    record(store, agent.source.id, range(995, 1012))
    collected(store, agent.source.id, 1006.9)
    agent.turn(1007.0)
    assert count(store, tables.rewards) == 0
    collected(store, agent.source.id, 1007.0)
    again = work(store)
    again.turn(1007.1)
    rewards = decisions.rewards(store, agent.source.id, 0, 1e10)
    assert {row["prediction_id"] for row in rewards} == {"/a-1000-0", "/b-1000-0"}
    assert all(row["saved_ms"] == 120.0 and row["requests"] == 20 for row in rewards)
    assert again.keeper.agent(again.tuned, 0.0).steps == 2
    third = work(store)
    third.turn(1008.0)
    assert count(store, tables.rewards) == 2
    assert third.keeper.agent(third.tuned, 0.0).steps == 2


@pytest.mark.parametrize("lost", ["no rows", "missing"])
def test_lost_rows_give_no_reward_and_no_lesson_but_a_reason(
    sqlite_store: Engine, lost: str
) -> None:
    agent = work(sqlite_store)
    decide_twice(agent, 1000.0)
    if lost == "missing":
        record(sqlite_store, agent.source.id, range(995, 1012), missing=1)
    collected(sqlite_store, agent.source.id, 1007.0)
    agent.turn(1007.0)
    rewards = decisions.rewards(sqlite_store, agent.source.id, 0, 1e10)
    assert len(rewards) == 2
    assert all(row["reward_ms"] is None and "No reward" in row["reason"] for row in rewards)
    assert agent.keeper.agent(agent.tuned, 0.0).steps == 0


def test_a_damaged_checkpoint_is_told_and_the_agent_starts_afresh(
    sqlite_store: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    agent = work(sqlite_store)
    row = {"source": agent.source.id, "agent": "qlearning", "at": 1.0, "steps": 9}
    writes.upsert(
        sqlite_store,
        tables.agent_checkpoints,
        [row | {"exploration": 0.1, "state": '{"agent": "qlearning", "table": ['}],
    )
    agent.take([delivery(prediction("/a", 1005.0, agent.source.id))], 1000.0)
    assert "starts afresh" in caplog.text
    assert len(decisions.latest(sqlite_store, agent.source.id)) == 1


def test_the_agent_falls_back_to_plain_lru_and_comes_back() -> None:
    floor = Floor()
    ahead, behind = Saving(1000.0, 300.0), Saving(900.0, 300.0)
    assert not floor.update(behind, Saving(1000.0, 60.0), 0.0), "too little evidence"
    assert floor.update(behind, ahead, 10.0)
    assert floor.fallen
    assert not floor.update(ahead, behind, 20.0), "a change of mind stands for a while"
    assert floor.update(ahead, behind, 100.0)
    assert not floor.fallen


@pytest.mark.parametrize(
    ("changed", "fell", "came_back"),
    [
        ({}, ("warning", "Back to plain LRU, not published: over"), ("info", "it steers again")),
        (
            {"agent.mode": "advise"},
            ("info", "In shadow over the last 5 min plain LRU saved 1.0 s net and the agent 0.9 s"),
            ("info", "the cache is not touched (advice only)"),
        ),
        ({"agent.hold": True}, ("info", "not touched (on hold)"), ("info", "not touched")),
    ],
)
def test_the_floor_tells_of_a_change_only_where_decisions_are_published(
    changed: dict[str, Any], fell: tuple[str, str], came_back: tuple[str, str]
) -> None:
    floor, tuned = Floor(), Tuned(changed)
    ahead, behind = Saving(1000.0, 300.0), Saving(900.0, 300.0)
    for savings, now, (level, words) in (
        ((behind, ahead), 0.0, fell),
        ((ahead, behind), 100.0, came_back),
    ):
        assert floor.update(*savings, now)
        told = news(floor, tuned, is_own=False)
        assert told[0] == level
        assert words in told[1]


def test_the_rest_never_earns_what_an_endpoint_judged_before_it_saved(
    sqlite_store: Engine,
) -> None:
    agent = work(sqlite_store)
    source = agent.source.id
    record(sqlite_store, source, range(995, 1020), requests=11, saved_ms=95.0)
    begins = {"/a": (1000.0, 1005.0, 1010.0), OTHER: (1000.0, 1010.0)}
    made = {
        name: [delivery(prediction(name, begin, source)) for begin in those]
        for name, those in begins.items()
    }
    # The rest's second prediction was overwritten in the queue, so it waits for its third.
    agent.take([made["/a"][0], made[OTHER][0], made["/a"][1]], 990.0)
    for at in range(995, 1020):
        own = Sums()
        own.requests, own.saved_ms = 10, 90.0
        writes.upsert(sqlite_store, tables.rollups, [own.row(source, "recorded", 1, at, "/a")])
    collected(sqlite_store, source, 1012.0)
    agent.judge.work(agent.keeper.agent(agent.tuned, 1012.0), agent.keeper, agent.tuned, 1012.0)
    first = decisions.rewards(sqlite_store, source, 0, 1e10)
    assert [row["prediction_id"] for row in first] == ["/a-1000-0"]
    agent.take([made[OTHER][1], made["/a"][2]], 1001.0)
    agent.judge.work(agent.keeper.agent(agent.tuned, 1013.0), agent.keeper, agent.tuned, 1013.0)
    rewards = {r["prediction_id"]: r for r in decisions.rewards(sqlite_store, source, 0, 1e10)}
    rest = rewards[f"{OTHER}-1000-0"]
    assert (rest["requests"], rest["saved_ms"]) == (5, 25.0)


def test_what_is_judged_is_not_looked_through_again(
    sqlite_store: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = work(sqlite_store)
    decide_twice(agent, 1000.0)
    record(sqlite_store, agent.source.id, range(995, 1400))
    begins: list[float] = []
    real = decisions.without_reward

    def look(store: Engine, source: int, since: float, until: float) -> Any:  # noqa: ANN401
        begins.append(since)
        return real(store, source, since, until)

    monkeypatch.setattr(decisions, "without_reward", look)
    agent.keeper.agent(agent.tuned, 0.0)
    for watermark in (1007.0, 1300.0, 1301.0):
        collected(sqlite_store, agent.source.id, watermark)
        learner = agent.keeper.agent(agent.tuned, watermark)
        agent.judge.work(learner, agent.keeper, agent.tuned, watermark)
    assert count(sqlite_store, tables.rewards) == 4
    agent.judge.work(learner, agent.keeper, agent.tuned, 1302.0)
    agent.judge.work(learner, agent.keeper, agent.tuned, 1302.0)
    assert begins[1] >= 900.0, "the first look reaches back to the first decision, no other"
    assert begins[-1] >= 1200.0


KILLED_BEFORE_ITS_ACKNOWLEDGEMENT = """
import os, signal, sys
from engine.broker.client import ManagerBroker
ManagerBroker.acknowledge = lambda self, ids: os.kill(os.getpid(), signal.SIGKILL)
from engine.agent.service import main
sys.exit(main())
"""


def test_a_kill_between_commit_and_acknowledgement_loses_and_doubles_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CACHESCOPE_DATA_DIR", str(tmp_path / "data"))
    settings = load_settings()
    place = place_of(settings)
    store = open_store(settings.database_url)
    migrate(store)
    source = work(store).source.id
    environment = {**os.environ, "CACHESCOPE_DATA_DIR": str(tmp_path / "data")}
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "engine.broker.server", "--address", str(place.address)),
            *("--journal", str(place.journal), "--key", str(place.key_file)),
        ],
        cwd=ROOT,
    )
    services = []

    def start(*arguments: str) -> subprocess.Popen[bytes]:
        made = subprocess.Popen([sys.executable, *arguments], cwd=ROOT, env=environment)
        services.append(made)
        return made

    try:
        broker = ManagerBroker(place, "predictions", "test", reply_s=20.0)
        begin = math.ceil(time.time()) + 100.0
        wanted = [prediction("/a", begin + 5 * number, source) for number in range(8)]
        now = time.monotonic_ns()
        broker.put_many([Message(made.id, msgspec.json.encode(made), now) for made in wanted])
        victim = start("-c", KILLED_BEFORE_ITS_ACKNOWLEDGEMENT)
        assert victim.wait(40) == -signal.SIGKILL
        first = decisions.latest(store, source)
        assert len(first) == 8
        assert broker.counters().acknowledged == 0
        heir = start("-m", "engine.agent.service")
        until = time.monotonic() + 40
        while broker.counters().acknowledged < 8 and time.monotonic() < until:
            time.sleep(0.1)
        counters = broker.counters()
        assert (counters.acknowledged, counters.depth, counters.overwritten) == (8, 0, 0)
        assert decisions.latest(store, source) == first
        heir.terminate()
        assert heir.wait(10) == 0
        broker.close()
    finally:
        for process in (*services, server):
            if process.poll() is None:
                process.kill()
            process.wait()
        store.dispose()


def test_every_action_means_the_time_to_live_that_is_tuned(sqlite_store: Engine) -> None:
    writes.set_tunable(sqlite_store, "agent.ttl_short_s", 7, "test")
    writes.set_tunable(sqlite_store, "agent.ttl_long_s", 70, "test")
    writes.set_tunable(sqlite_store, "agent.exploration", 1.0, "test")
    writes.set_tunable(sqlite_store, "agent.exploration_min", 1.0, "test")
    agent = work(sqlite_store)
    agent.take([delivery(prediction("/a", 1005.0, agent.source.id, n)) for n in range(40)], 1000.0)
    rows = decisions.latest(sqlite_store, agent.source.id)
    found = {(r["action"], r["ttl_seconds"], bool(r["refresh_ahead"])) for r in rows}
    assert found == {
        (Action.KEEP_SHORT, 7.0, False),
        (Action.KEEP_LONG, 70.0, False),
        (Action.KEEP_REFRESH, 7.0, True),
    }, "not keeping is never tried at random: it earns nothing"
    assert ttl_of(Action.DROP, agent.tuned) == 0.0
