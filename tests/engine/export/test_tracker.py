"""The serving tracker and cache beside the compiled core: the same features, the same evictions."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest

from engine.cache import history
from engine.cache.features import BASE
from engine.cache.value import HitValue
from engine.errors import ExportError
from engine.export.base import Subject
from engine.export.described import decider
from engine.export.golden import golden
from engine.export.serving.errors import ServingError
from engine.export.serving.replay import follow
from engine.export.serving.tracker import BASE as TRACKED
from engine.export.serving.tracker import Tracker
from engine.export.serving.worth import Worth
from engine.traces.trace import Requests
from tests.engine.models.noted import note
from tests.engine.models.trained import network, policy

KEYS, LIMIT = 900, 150


def test_every_feature_of_every_remembered_key_is_the_compiled_one() -> None:
    chance = np.random.default_rng(0)
    count = 2500
    keys = (chance.zipf(1.2, count) % KEYS).astype(int)
    sizes, worth = chance.integers(1, 9999, KEYS), chance.random(count) + 0.2
    columns = chance.normal(size=(count, 2)).astype(np.float32)
    columns[chance.random((count, 2)) < 0.2] = np.nan
    fill = (0.5, -0.5)
    compiled = history.empty(KEYS, 256.0, LIMIT, np.array(fill, np.float32))
    tracker = Tracker(256.0, LIMIT, fill)
    row = np.zeros(BASE + 2, np.float32)
    assert TRACKED == BASE
    for now, key in enumerate(keys.tolist()):
        if now % 50 == 0 and key in tracker:
            tracker.hold(key)
            compiled.held[key] = 1
        note(compiled, key, key % 60, sizes[key], worth[now], columns[now])
        tracker.note(key, key % 60, sizes[key], worth[now], columns[now])
        if now % 25 == 0:
            known = [k for k in range(KEYS) if k in tracker]
            assert known == np.flatnonzero(compiled.stamps[:, 0] >= 0).tolist()
            rows = tracker.rows(known)
            for at, one in enumerate(known):
                history.describe(compiled, one, now, row)
                assert np.allclose(rows[at], row, rtol=0, atol=3e-6), (now, one)
    assert len(tracker) <= LIMIT + 50


VALUE = HitValue({"load_time_ms": 0.03}, 5.0, 1000.0)


@pytest.mark.parametrize("name", ["ppo", "dqn"])
@pytest.mark.parametrize(
    "changes", [{}, {"by_bytes": True, "capacity": 100_000, "value": VALUE}], ids=["count", "bytes"]
)
def test_a_thousand_requests_hit_and_evict_alike(name: str, changes: dict[str, Any]) -> None:
    made = golden(Subject(policy(**changes), name))
    assert len(made["key"]) == 1000
    assert 0 < sum(made["hit"]) < 1000
    assert len(made["evicted"]) > 100


def test_a_policy_with_columns_replays_alike_too() -> None:
    names = (*policy().spec.features, "price_area", "weekday")
    nets = {"ppo": network(d=BASE + 2)}
    spec = msgspec.structs.replace(
        policy().spec, features=names, columns=names[BASE:], algorithms={"ppo": "ppo"}
    )
    subject = Subject(type(policy())(spec, nets), "ppo")
    assert len(golden(subject)["columns"]["weekday"]) == 1000


def test_another_policy_does_not_follow_the_replay(monkeypatch: pytest.MonkeyPatch) -> None:
    made = golden(Subject(policy(), "ppo"))
    with pytest.raises(ServingError, match="of the golden replay"):
        follow(decider(Subject(policy(7), "ppo")), made)
    with pytest.raises(ServingError, match=r"Request \d+ of the golden replay was no hit"):
        follow(decider(Subject(policy(), "ppo")), made | {"hit": [0] * 1000})
    fewer = made | {"evicted": made["evicted"][:-1]}
    with pytest.raises(ServingError, match="evicts more"):
        follow(decider(Subject(policy(), "ppo")), fewer)
    monkeypatch.setattr(
        "engine.export.golden.decider", lambda _: decider(Subject(policy(7), "ppo"))
    )
    with pytest.raises(ExportError, match="does not decide as the compiled core"):
        golden(Subject(policy(), "ppo"))


@pytest.mark.parametrize("space", [0.0, 700.0])
@pytest.mark.parametrize("terms", [{}, {"load_time_ms": 0.02, "size_bytes": 0.001, "area": 0.3}])
def test_a_hit_is_worth_what_the_trainer_says(terms: dict[str, float], space: float) -> None:
    value = HitValue(terms, 3.0 if terms else 0.0, space)
    chance = np.random.default_rng(1)
    requests = Requests(
        time=np.arange(50.0),
        key=np.arange(50, dtype=np.int32),
        group=np.zeros(50, np.int32),
        size=chance.integers(1, 5000, 50),
        cost=chance.lognormal(3, 2, 50),
        distinct=50,
        columns={"area": chance.normal(size=50).astype(np.float32)},
    )
    served = Worth(msgspec.to_builtins(value))
    for at, expected in enumerate(value.density(requests)):
        known = {"area": float(requests.columns["area"][at])}
        found = served.density(float(requests.size[at]), float(requests.cost[at]), known)
        assert found == pytest.approx(expected)
