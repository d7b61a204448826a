"""A registered model as the agent: described honestly, followed as its alias moves."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import msgspec
import numpy as np
import pytest
from sqlalchemy import Engine

from db import tables, writes
from db.queries import decisions
from engine.agent import typical
from engine.agent.base import Observation, Traffic
from engine.agent.policy import ModelPolicy
from engine.agent.work import Deciding
from engine.cache import history
from engine.cache.features import NAMES
from engine.collector.sums import Sums
from engine.models import aliases, registry
from engine.models.live import LiveModels
from engine.records import Action
from engine.settings import Settings
from engine.training.policy import TrainedPolicy
from engine.tunables import Tuned
from tests.engine.agent.test_work import delivery, prediction
from tests.engine.models.noted import note
from tests.engine.models.trained import INDEX, policy


def traffic(**changes: float) -> Traffic:
    told = {"keys": 100.0, "seconds": 600.0, "size_bytes": 1000.0, "all_demand": 10.0}
    return Traffic(**(told | changes))


def seen(demand: float, lately: Traffic | None, load_ms: float = 20.0) -> Observation:
    return Observation(demand, 0.0, load_ms, 0.5, "/a", lately)


class Fixed:
    def __init__(self, made: TrainedPolicy | None) -> None:
        self.made = made

    def get(self, _alias: str) -> tuple[int, TrainedPolicy] | None:
        return None if self.made is None else (7, self.made)


def agent(made: TrainedPolicy | None) -> ModelPolicy:
    found = ModelPolicy()
    found.attach(Fixed(made))
    found.tune(Tuned())
    return found


def test_the_typical_result_has_the_features_of_a_key_asked_for_at_random_moments() -> None:
    """One key in 50 asked for by chance, as the compiled history counts it, beside the formula."""
    spec = msgspec.structs.replace(policy().spec, lifetime=200.0)
    chance = np.random.default_rng(3)
    told = history.empty(51, spec.lifetime, 4096)
    rows, row = [], np.zeros(len(NAMES), np.float32)
    for now in range(60_000):
        key = int(chance.integers(50))
        note(told, key, 0, 1000, 1.0, np.zeros(0, np.float32))
        if key == 0 and now > 30_000:
            history.describe(told, 0, now, row)
            rows.append(row.copy())
    mean = dict(zip(NAMES, np.mean(rows, axis=0), strict=True))
    lately = traffic(keys=50.0, seconds=60_000.0, all_demand=1.0)
    formula = typical.describe(spec, seen(1.0, lately), lately, 0.0)
    said = dict(zip(NAMES, formula, strict=True))
    exact = {"age", "size", "candidate", "rent", "count", "known_for", "rate_3", "rate_4"}
    for name in NAMES:
        room = 0.6 if name in exact else 1.6
        if name != "group_reuse":
            assert said[name] == pytest.approx(mean[name], abs=room), name
    assert 0.9 < said["group_reuse"] <= 1.0


def test_what_is_asked_for_often_is_kept_longer_than_what_is_not() -> None:
    chosen = [
        agent(INDEX).decide(seen(demand, traffic(keys=keys))).action
        for demand, keys in ((5.0, 5.0), (5.0, 130.0), (0.001, 100.0))
    ]
    assert chosen[0] is Action.KEEP_LONG
    assert chosen[2] is Action.DROP
    order = [Action.DROP, Action.KEEP_SHORT, Action.KEEP_LONG]
    assert [order.index(action) for action in chosen] == sorted(
        (order.index(action) for action in chosen), reverse=True
    )


def test_what_is_dear_or_small_has_the_lower_price() -> None:
    value = msgspec.structs.replace(
        policy().spec.value, terms={"load_time_ms": 1 / 20.0}, space=1000.0
    )
    spec = msgspec.structs.replace(policy().spec, value=value)
    base = typical.price(spec, seen(1.0, None, 20.0), traffic())
    assert base == pytest.approx(0.0)
    assert typical.price(spec, seen(1.0, None, 80.0), traffic()) == pytest.approx(-2.0)
    assert typical.price(spec, seen(1.0, None), traffic(size_bytes=8000.0)) == pytest.approx(3.0)


@pytest.mark.parametrize("made", [policy(), INDEX], ids=["network", "index"])
def test_it_says_which_model_said_what(made: TrainedPolicy) -> None:
    choice = agent(made).decide(seen(2.0, traffic()))
    assert "model 7 (champion) values it" in choice.reason
    assert all(map(math.isfinite, choice.q_values))
    for demand in (0.0, 1e-12, 1e12):
        for keys in (0.0, 1e12):
            found = agent(made).decide(seen(demand, traffic(keys=keys, size_bytes=0.0)))
            assert all(map(math.isfinite, found.q_values))
            assert len(found.reason) <= 300


def test_without_a_model_or_requests_it_keeps_plainly_and_says_so() -> None:
    assert "no champion to follow" in agent(None).decide(seen(2.0, traffic())).reason
    nothing = agent(INDEX).decide(seen(2.0, None))
    assert nothing.action is Action.KEEP_LONG
    assert "nothing requested lately" in nothing.reason


def test_an_alias_that_moves_is_followed_and_a_damaged_model_is_left_out(
    sqlite_store: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.models.live.CHECK_S", 0.0)
    settings = Settings(data_dir=tmp_path)
    live = LiveModels(sqlite_store, settings)
    assert live.get("champion") is None
    first, second = (
        registry.register(sqlite_store, settings, policy(seed), {}, {}) for seed in (0, 1)
    )
    for number, seed in ((first, 0), (second, 1)):
        aliases.promote(sqlite_store, settings, number)
        found = live.get("champion")
        assert found is not None
        assert (found[0], found[1].spec.seed) == (number, seed)
    third = registry.register(sqlite_store, settings, policy(2), {}, {})
    aliases.promote(sqlite_store, settings, third)
    shutil.rmtree(registry.models_root(settings) / str(third))
    assert live.get("champion") is None


def test_the_service_decides_by_the_champion(store: Engine, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    number = registry.register(store, settings, INDEX, {}, {})
    aliases.promote(store, settings, number)
    writes.set_tunable(store, "agent.agent", "policy", "test")
    work = Deciding(settings, store)
    rows, costs = [], []
    for name, keys in (("/a", 2), ("/b", 3000)):
        sums = Sums()
        sums.requests, sums.bytes_requested = 40, 40_000
        rows.append(sums.row(work.source.id, "recorded", 1, 995, name))
        costs += [
            {"source": work.source.id, "cache_key": f"{name}?{key}", "cache_name": name,
             "cost_ms": 9.0, "size_bytes": 1000, "at": 900.0}
            for key in range(keys)
        ]  # fmt: skip
    writes.upsert(store, tables.rollups, rows)
    writes.upsert(store, tables.miss_costs, costs)
    batch = [prediction(name, 1005.0, work.source.id) for name in ("/a", "/b")]
    work.take([delivery(msgspec.structs.replace(p, demand=(5.0, 5.0))) for p in batch], 1000.0)
    made = {row["cache_name"]: row for row in decisions.latest(store, work.source.id)}
    assert {name: row["action"] for name, row in made.items()} == {
        "/a": "keep_long",
        "/b": "drop",
    }
    assert all(f"model {number} (champion)" in row["reason"] for row in made.values())
    assert made["/a"]["agent"] == "policy"
