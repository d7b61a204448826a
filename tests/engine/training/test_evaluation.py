"""The judge: its figures are sums one can add up, its intervals cover, its words follow them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from engine.cache.base import Room
from engine.cache.hybrid import index_policy
from engine.cache.lru import LRU
from engine.errors import TrainingError
from engine.registry import resolve
from engine.training import REWARDS, judging
from engine.training.curves import Listener
from engine.training.evaluation import evaluate
from engine.training.intervals import Interval, over_seeds, over_time
from engine.training.lifetime import lifetime
from engine.training.policy import TrainedPolicy
from engine.training.results import Evaluation, sentence_of
from engine.training.steps import explain, series
from tests.engine.training import generated

TRACE = generated.trace()
TRAIN = TRACE.requests.slice(0, 4800)
ROOM = Room(40, by_bytes=False, distinct=generated.KEYS)
CLASSICS = ("lru", "gdsf", "never", "belady")


def index(objective: str = "hits") -> TrainedPolicy:
    value = resolve(REWARDS, objective, "reward")(TRAIN, {}, by_bytes=False)
    made = index_policy(ROOM, lifetime(TRAIN, ROOM), value)
    made.spec.data.update(group="g")
    return TrainedPolicy(
        type(made.spec)(**{**_fields(made.spec), "objective": objective}), made.networks
    )


def _fields(spec: Any) -> dict[str, Any]:  # noqa: ANN401 - a struct
    return {name: getattr(spec, name) for name in spec.__struct_fields__}


@pytest.fixture(scope="module")
def found() -> Evaluation:
    return evaluate(TRACE, [index(), index()], [10, 40], CLASSICS)


def test_lru_is_judged_on_the_newer_half_with_a_warm_cache(found: Evaluation) -> None:
    hits = LRU().start(ROOM).feed(TRACE.requests)[6000:]
    test = TRACE.requests.slice(6000, 12_000)
    (lru,) = [s for s in found.scores if s.policy == "lru" and s.capacity == 40]
    assert lru.hit_ratio == pytest.approx(hits.mean())
    assert lru.byte_hit_ratio == pytest.approx(test.size[hits].sum() / test.size.sum())
    assert lru.load_time_saved == pytest.approx(test.cost[hits].sum() / test.cost.sum())
    assert lru.value_ratio == pytest.approx(lru.hit_ratio)
    assert lru.time_low < lru.hit_ratio < lru.time_high


def test_every_size_has_all_policies_and_a_verdict(found: Evaluation) -> None:
    assert [verdict.capacity for verdict in found.verdicts] == [10, 40]
    for capacity in (10, 40):
        scores = {s.policy: s for s in found.scores if s.capacity == capacity}
        assert set(scores) == {"learned", *CLASSICS}
        assert scores["belady"].kind == "optimum"
        assert scores["never"].kind == "reference"
        assert scores["never"].hit_ratio == 0
        assert max(s.hit_ratio for s in scores.values()) == scores["belady"].hit_ratio
        learned = scores["learned"]
        assert len(learned.seeds) == 2
        assert learned.seed_low == learned.seed_high == pytest.approx(learned.hit_ratio)


def test_the_lead_is_over_the_best_classic_and_the_gap_to_the_optimum(found: Evaluation) -> None:
    verdict = found.verdicts[1]
    scores = {s.policy: s.hit_ratio for s in found.scores if s.capacity == 40}
    best = max(scores["lru"], scores["gdsf"])
    assert verdict.lead == pytest.approx(scores["learned"] - best)
    assert verdict.gap_closed == pytest.approx(verdict.lead / (scores["belady"] - best))
    assert verdict.lead_low <= verdict.lead <= verdict.lead_high


def test_who_learned_for_load_time_is_ranked_by_load_time() -> None:
    told = evaluate(TRACE, [index("cost")], (), ("lru", "gdsf-cost", "belady"))
    assert told.metric == "load_time_saved"
    assert {s.kind for s in told.scores if s.policy == "belady"} == {"reference"}
    learned = told.scores[0]
    assert learned.value_ratio == pytest.approx(learned.load_time_saved)
    assert math.isnan(learned.seed_low)


def test_a_policy_of_another_size_is_scaled_by_that_sizes_lifetime() -> None:
    policy = index()
    small = Room(10, by_bytes=False, distinct=generated.KEYS)
    scaled = judging.resized(policy, TRAIN, small)
    assert scaled.spec.lifetime == lifetime(TRAIN, small) < policy.spec.lifetime
    assert judging.resized(policy, TRAIN, ROOM) is policy


def test_a_cancelled_evaluation_says_so() -> None:
    class Impatient(Listener):
        @property
        def cancelled(self) -> bool:
            return True

    with pytest.raises(TrainingError, match="cancelled"):
        evaluate(TRACE, [index()], (), CLASSICS, Impatient())


SENTENCES = {
    "ahead": (Interval(0.02, 0.01, 0.03), 0.25, "2.00 points ahead of GDSF"),
    "behind": (Interval(-0.02, -0.03, -0.01), None, "a classic wins: GDSF is 2.00 points ahead"),
    "same": (Interval(0.0, 0.0, 0.0), None, "does just what GDSF does; use GDSF"),
    "open": (Interval(0.001, -0.01, 0.02), 0.01, "nothing tells the learned policy from GDSF"),
}


@pytest.mark.parametrize(("lead", "gap", "told"), SENTENCES.values(), ids=SENTENCES)
def test_the_verdict_says_plainly_who_wins(lead: Interval, gap: float | None, told: str) -> None:
    assert told in sentence_of(100, "GDSF", lead, gap)


def test_intervals_over_seeds_are_students() -> None:
    found = over_seeds([0.50, 0.52, 0.54, 0.51, 0.53])
    half = 2.776 * np.std([0.50, 0.52, 0.54, 0.51, 0.53], ddof=1) / np.sqrt(5)
    assert found == pytest.approx((0.52, 0.52 - half, 0.52 + half))


def test_intervals_over_time_cover_as_often_as_they_claim() -> None:
    rng = np.random.default_rng(4)
    covered = 0
    for _ in range(200):
        level = np.repeat(rng.normal(0.3, 0.05, 50), 100)  # stretches that are alike
        hits = (rng.random(5000) < level).astype(np.float64)
        low, high = over_time(hits, np.ones(5000))[1:]
        covered += low <= 0.3 <= high
    assert 0.88 <= covered / 200 <= 0.99


def test_steps_tell_what_a_plain_replay_does() -> None:
    stretch = explain(TRACE, index(), around=1000, count=400)
    assert (stretch.first, stretch.looked_at, len(stretch.steps)) == (800, 400, 400)
    from engine.training.replaying import start

    plain = start(index(), ROOM).feed(TRACE.requests)[6800:7200]
    assert [step.hit for step in stretch.steps] == plain.tolist()
    assert [step.number for step in stretch.steps] == list(range(800, 1200))
    assert all(step.key.startswith("/") for step in stretch.steps)


def test_steps_say_who_was_compared_and_that_the_lowest_went() -> None:
    steps = explain(TRACE, index(), count=400).steps
    decided = [step for step in steps if step.compared]
    assert len(decided) > 50
    for step in decided:
        lowest = min(step.compared, key=lambda one: one.score)
        assert lowest.evicted
        assert lowest.key in step.evicted
        assert step.action == ("evict" if lowest.newcomer else "keep")
        assert set(lowest.features) == set(index().spec.features)
    assert {step.occupancy for step in steps} == {40}
    assert all(step.reward == float(step.hit) for step in steps)


def test_steps_are_searched_by_text_and_hold_the_members_at_the_end() -> None:
    stretch = explain(TRACE, index(), count=300, find="/A/ITEM?N=0")
    assert stretch.steps
    assert all("/a/item?n=0" in (step.key, *step.evicted) for step in stretch.steps)
    assert stretch.looked_at == 300
    assert stretch.held == len(stretch.members) == 40


def test_the_series_of_the_plots_have_one_entry_a_step() -> None:
    stretch = explain(TRACE, index(), count=200)
    found = series(stretch)
    assert {len(values) for values in found.values()} == {200}
    assert sum(found["hit"]) == sum(step.hit for step in stretch.steps)
    assert {value for value in found["kept"] if value is not None} == {0, 1}


@pytest.mark.parametrize(("given", "told"), [
    ({"count": 0}, "0 steps were asked for"),
    ({"count": 50_000}, "give 1 to 20000"),
    ({"around": 6000}, "numbered from 0 to 5999"),
])  # fmt: skip
def test_a_stretch_that_is_not_there_is_refused(given: dict[str, int], told: str) -> None:
    with pytest.raises(TrainingError, match=told):
        explain(TRACE, index(), **given)  # type: ignore[arg-type]
