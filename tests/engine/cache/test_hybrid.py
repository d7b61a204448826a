"""The learned cache: its bounds, its scorers, its guard, its explanations."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from itertools import pairwise

import msgspec
import numpy as np
import pytest

from engine.cache import hybrid
from engine.cache.base import Room
from engine.cache.features import BASE, INDICES, LONG_RUN, NAMES, RENT
from engine.cache.followed import FOLLOWED, Classics
from engine.cache.guard import ALL, CACHE, CHOSEN, EASIER, Guard, choose, guard, leader
from engine.cache.hybrid import HybridReplay, index_policy, start
from engine.cache.lru import LRU
from engine.cache.scorers import UNTRAINED, network_score, scorers
from engine.cache.value import LOAD_TIME, HitValue, fit_value
from engine.errors import ModelError
from engine.traces.trace import Requests
from engine.training.lifetime import lifetime
from engine.training.network import KEEP, Network, network_from
from engine.training.policy import TrainedPolicy
from tests.engine.training.generated import requests

ROOM = Room(60, by_bytes=False, distinct=1_200)
RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def _same_draws() -> None:
    """Every test draws alike, whichever tests ran before it."""
    RNG.bit_generator.state = np.random.default_rng(0).bit_generator.state


def network(
    readout: str = "index", rents: tuple[float, ...] = (-4.0, -1.0), rent_at: int = RENT,
    inputs: int = BASE, hidden: tuple[int, int] = (8, 4),
) -> Network:  # fmt: skip
    h1, h2 = hidden
    shapes: dict[str, tuple[int, ...]] = {
        "w1": (inputs, h1), "b1": (h1,), "w2": (h1, h2), "b2": (h2,), "w3": (h2, 2), "b3": (2,)
    }  # fmt: skip
    arrays = {name: RNG.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    arrays["mean"] = RNG.normal(size=inputs).astype(np.float32)
    arrays["scale"] = RNG.uniform(0.1, 3, inputs).astype(np.float32)
    return network_from(arrays, readout, rents, rent_at)


def sorting(sign: float) -> Network:
    """A network that scores as the reuse index does, or upside down."""
    w1 = np.zeros((BASE, 2), np.float32)
    for feature, weight in ((INDICES[0], 0.075), (INDICES[2], 0.075), (LONG_RUN, 0.05)):
        w1[feature] = weight, -weight
    w3 = np.zeros((2, 2), np.float32)
    w3[:, KEEP] = sign, -sign
    zeros = np.zeros(2, np.float32)
    ones = np.ones(BASE, np.float32)
    return Network(w1, zeros, np.eye(2, dtype=np.float32), zeros, w3, zeros, ones * 0, ones)


def policy(
    networks: dict[str, Network], *, guard: bool = False, room: Room = ROOM, columns: int = 0
) -> TrainedPolicy:
    base = index_policy(room, 150.0).spec
    names = tuple(f"c{number}" for number in range(columns))
    spec = msgspec.structs.replace(
        base, algorithms=dict.fromkeys(networks, "ppo"), guard=guard,
        columns=names, features=(*NAMES, *names),
    )  # fmt: skip
    return TrainedPolicy(spec, networks)


@pytest.mark.parametrize(
    ("readout", "rents", "rent_at"),
    [
        ("index", (-4.0, -2.5, -1.0, 0.5), RENT),
        ("difference", (-4.3, 1.0), RENT),
        ("difference", (), -1),
    ],
)
def test_a_network_scores_in_the_cache_as_it_does_elsewhere(
    readout: str, rents: tuple[float, ...], rent_at: int
) -> None:
    small, large = network(readout, rents, rent_at), network(hidden=(32, 16))
    made = scorers(["small", "large"], {"small": small, "large": large}, BASE)
    rows = RNG.normal(size=(50, BASE), scale=4).astype(np.float32)
    for at, one in enumerate((small, large)):
        inside = [network_score(made, at, row) for row in rows]
        assert inside == pytest.approx(one.scores(rows), abs=2e-5, rel=1e-4)


def test_the_replay_scores_candidates_as_the_network_does() -> None:
    one = network()
    replay = start(policy({"ppo": one}), ROOM)
    made = requests()
    replay.feed(made.slice(0, 4_000))
    seen = 0
    for at in range(4_000, 4_200):
        decision = replay.explain(made.slice(at, at + 1))
        if decision.scored:
            rows = np.stack([scored.features for scored in decision.scored])
            inside = [scored.score for scored in decision.scored]
            assert inside == pytest.approx(one.scores(rows), abs=1e-5)
            seen += 1
    assert seen > 20


def test_a_network_is_asked_about_the_leaver_and_those_the_index_puts_lowest() -> None:
    replay = start(policy({"ppo": network()}), ROOM)
    made = requests()
    replay.feed(made.slice(0, 4_000))
    decisions = [replay.explain(made.slice(at, at + 1)) for at in range(4_000, 4_200)]
    compared = [len(decision.scored) for decision in decisions if decision.scored]
    assert max(compared) == 1 + index_policy(ROOM, 150.0).spec.asked


def test_a_networks_order_is_followed() -> None:
    made = requests()
    index = HybridReplay(index_policy(ROOM, 150.0), ROOM).feed(made)
    same = HybridReplay(policy({"ppo": sorting(1.0)}), ROOM).feed(made)
    inverse = HybridReplay(policy({"ppo": sorting(-1.0)}), ROOM).feed(made)
    assert same.mean() == pytest.approx(index.mean(), abs=0.003)
    assert inverse.mean() < index.mean() - 0.05


def test_chunks_make_no_difference() -> None:
    made = requests()
    trained = policy({"ppo": network()}, guard=True)
    whole = HybridReplay(trained, ROOM, 3).feed(made)
    pieces = HybridReplay(trained, ROOM, 3)
    edges = [0, 1, 2, 500, 5_000, 5_001, len(made)]
    fed = [pieces.feed(made.slice(a, b)) for a, b in pairwise(edges)]
    assert np.array_equal(whole, np.concatenate(fed))


def test_what_is_hit_depends_on_the_past_alone() -> None:
    made, cut = requests(), 8_000
    key = made.key.copy()
    np.random.default_rng(1).shuffle(key[cut:])
    trained = policy({"ppo": network()}, guard=True)
    one, other = (
        HybridReplay(trained, ROOM).feed(m) for m in (made, dataclasses.replace(made, key=key))
    )
    assert np.array_equal(one[:cut], other[:cut])


def test_recorded_columns_change_nothing_unless_chosen() -> None:
    made = requests()
    flipped = dataclasses.replace(made, columns={"hit": 1 - made.columns["hit"]})
    trained = policy({"ppo": network()})
    hits, other = (HybridReplay(trained, ROOM).feed(m) for m in (made, flipped))
    assert np.array_equal(hits, other)


def test_a_chosen_column_reaches_the_network() -> None:
    made = requests()
    with_column = dataclasses.replace(made, columns={"c0": (made.key % 7).astype(np.float32)})
    without = dataclasses.replace(made, columns={"c0": np.zeros(len(made), np.float32)})
    trained = policy({"ppo": network(inputs=BASE + 1)}, columns=1)
    hits, other = (HybridReplay(trained, ROOM).feed(m) for m in (with_column, without))
    assert (hits != other).any()


@pytest.mark.parametrize("capacity", [1, 2, 3, 19, 60])
def test_it_never_holds_more_than_its_places(capacity: int) -> None:
    room = Room(capacity, by_bytes=False, distinct=1_200)
    replay = HybridReplay(index_policy(room, 50.0, guard=True), room)
    made = requests(4_000)
    for at in range(0, 4_000, 97):
        replay.feed(made.slice(at, min(at + 97, 4_000)))
        assert len(replay.members()) <= capacity
    assert len(replay.members()) >= capacity - 1  # one place may wait for the window's leaver


def test_it_never_holds_more_than_its_bytes() -> None:
    made = requests(6_000)
    room = Room(30_000, by_bytes=True, distinct=1_200)
    value = fit_value(made, {}, by_bytes=True)
    replay = HybridReplay(index_policy(room, 60.0, value, guard=True), room)
    for at in range(0, 6_000, 101):
        replay.feed(made.slice(at, min(at + 101, 6_000)))
        members = replay.members()
        assert (200 + 37 * (members % 50)).sum() <= 30_000
    assert len(members) > 15


def test_a_result_larger_than_the_cache_is_never_held() -> None:
    made = requests(500)
    room = Room(199, by_bytes=True, distinct=1_200)
    value = fit_value(made, {}, by_bytes=True)
    assert not HybridReplay(index_policy(room, 5.0, value), room).feed(made).any()


def test_hits_are_exactly_the_requests_for_what_was_held() -> None:
    made = requests(3_000)
    replay = HybridReplay(index_policy(ROOM, 150.0, guard=True), ROOM)
    for at in range(3_000):
        before = set(replay.members().tolist()) if at % 11 == 0 else None
        decision = replay.explain(made.slice(at, at + 1))
        if before is not None:
            assert decision.hit == (decision.key in before)
            after = (before | {decision.key}) - set(decision.evicted)
            assert after == set(replay.members().tolist())
            assert decision.held == (decision.key in after)


def test_the_lowest_score_goes() -> None:
    made = requests(3_000)
    replay = HybridReplay(index_policy(ROOM, 150.0), ROOM)
    replay.feed(made.slice(0, 2_500))
    decisions = [replay.explain(made.slice(at, at + 1)) for at in range(2_500, 3_000)]
    told = [decision for decision in decisions if decision.scored]
    assert told
    for decision in told:
        lowest = min(decision.scored, key=lambda scored: scored.score)
        assert decision.evicted == (lowest.key,)
        assert [scored.newcomer for scored in decision.scored].count(True) == 1
        assert decision.scorer == "index"


@pytest.mark.parametrize(
    ("keys", "held"),
    [(np.zeros(200), 199), (np.arange(200), 0), (np.arange(200) % 30, 170)],
    ids=["one key", "all distinct", "cache larger than the keys"],
)
def test_degenerate_streams(keys: np.ndarray, held: int) -> None:
    made = requests(200)
    made = dataclasses.replace(made, key=keys.astype(np.int32), distinct=200)
    room = Room(60, by_bytes=False, distinct=200)
    assert HybridReplay(index_policy(room, 60.0, guard=True), room).feed(made).sum() == held


def test_the_index_is_ahead_of_lru_on_popular_keys_and_scans() -> None:
    made = requests()
    life = lifetime(made.slice(0, 5_000), ROOM)
    learned = HybridReplay(index_policy(ROOM, life), ROOM).feed(made)[6_000:].mean()
    plain = LRU().start(ROOM).feed(made)[6_000:].mean()
    assert learned > plain + 0.03


@pytest.mark.parametrize("expert", UNTRAINED)
def test_every_expert_alone_is_about_as_good_as_lru_or_better(expert: str) -> None:
    made = requests()
    alone = index_policy(ROOM, 150.0)
    spec = msgspec.structs.replace(alone.spec, algorithms={expert: ""})
    hits = HybridReplay(TrainedPolicy(spec, {}), ROOM).feed(made)[6_000:].mean()
    assert hits > LRU().start(ROOM).feed(made)[6_000:].mean() - 0.01


def test_the_guard_leaves_a_network_that_fails() -> None:
    made = requests()
    bad = {"ppo": sorting(-1.0)}
    alone = HybridReplay(policy(bad), ROOM).feed(made)
    guarded = HybridReplay(policy(bad, guard=True), ROOM)
    hits = guarded.feed(made)
    assert guarded.scorer != "ppo"
    assert hits[6_000:].mean() > alone[6_000:].mean() + 0.05


def test_the_guard_stays_with_a_network_whose_shadow_leads() -> None:
    made = requests()
    alone = HybridReplay(policy({"ppo": sorting(1.0)}), ROOM).feed(made)
    guarded = HybridReplay(policy({"ppo": sorting(1.0)}, guard=True), ROOM)
    assert guarded.scorer == "ppo"
    assert guarded.feed(made)[6_000:].mean() > alone[6_000:].mean() - 0.005


def in_turns(replay: HybridReplay, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let everyone decide for a block after the other."""
    everyone = itertools.cycle(range(1, len(replay.names) + len(FOLLOWED)))
    monkeypatch.setattr(hybrid, "leader", lambda *_: next(everyone))
    monkeypatch.setattr(hybrid, "BLOCK", 100)


def test_a_cache_that_follows_classics_holds_what_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    made = requests(3_000)
    replay = HybridReplay(index_policy(ROOM, 150.0, guard=True), ROOM)
    in_turns(replay, monkeypatch)
    deciders = set()
    for at in range(3_000):
        before = set(replay.members().tolist()) if at % 3 == 0 else None
        decision = replay.explain(made.slice(at, at + 1))
        deciders.add(decision.scorer)
        if before is not None:
            assert decision.hit == (decision.key in before)
            now = set(replay.members().tolist())
            # A change of who decides may let go of more than the decision itself.
            assert now <= (before | {decision.key}) - set(decision.evicted)
            assert len(now) <= ROOM.capacity
    assert deciders == {*replay.names, *FOLLOWED}


def test_a_cache_that_follows_classics_keeps_to_its_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    made = requests(3_000)
    room = Room(30_000, by_bytes=True, distinct=1_200)
    value = fit_value(made, {}, by_bytes=True)
    replay = HybridReplay(index_policy(room, 60.0, value, guard=True), room)
    in_turns(replay, monkeypatch)
    for at in range(0, 3_000, 101):
        replay.feed(made.slice(at, min(at + 101, 3_000)))
        assert (200 + 37 * (replay.members() % 50)).sum() <= 30_000


@pytest.mark.parametrize(("stays", "changes"), [((0,), (4,)), ((4, 4), (4, 5))])
def test_a_change_to_a_classic_lets_go_of_nothing(
    stays: tuple[int, ...], changes: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hybrid, "BLOCK", 400)
    held = []
    for turns in (stays, changes):
        chosen = iter(turns)
        monkeypatch.setattr(hybrid, "leader", lambda *_, of=chosen: next(of))
        replay = HybridReplay(index_policy(ROOM, 150.0, guard=True), ROOM)
        assert len(replay.names) == 4
        replay.feed(requests(2_000).slice(0, 400 * len(turns)))
        held.append(replay.members().tolist())
    assert held[0] == held[1]
    assert len(held[0]) > ROOM.capacity / 2


def test_newer_networks_take_over_in_the_same_cache() -> None:
    made = requests()
    replay = HybridReplay(policy({"ppo": sorting(-1.0)}), ROOM)
    replay.feed(made.slice(0, 6_000))
    before = replay.members().tolist()
    replay.adopt(policy({"ppo": sorting(1.0)}))
    assert replay.members().tolist() == before
    frozen = HybridReplay(policy({"ppo": sorting(-1.0)}), ROOM)
    frozen.feed(made.slice(0, 6_000))
    newer, older = (one.feed(made.slice(6_000, 12_000)).mean() for one in (replay, frozen))
    assert newer > older + 0.05
    with pytest.raises(ModelError, match="decides by dqn and this one by ppo"):
        replay.adopt(policy({"dqn": sorting(1.0)}))


def standing(scorers: int, classics: int, earned: Sequence[float], cache: float) -> Guard:
    """A guard in which the first scorer decides, and the cache earns `cache` a request."""
    one = guard(scorers, classics, 10, 1.0, 100.0, 0)
    one.asked[ALL], one.asked[CACHE] = 1.0, cache
    one.earned[:] = earned
    return one


def nothing(_classic: int) -> float:
    return 0.0


def test_a_classic_is_followed_where_it_leads_the_cache_itself() -> None:
    one = standing(2, 1, (0.35, 0.35, 0.301), cache=0.30)
    assert leader(one, nothing) == 0  # shadows of a sample flatter; the cache itself is the measure
    one.earned[2] = 0.303
    assert leader(one, nothing) == 2


def test_a_classic_is_followed_only_if_its_lead_pays_for_the_loads() -> None:
    one = standing(2, 1, (0.35, 0.35, 0.31), cache=0.30)
    gain = (0.31 - 0.30 - 0.002) * one.half_life
    assert leader(one, lambda _: gain) == 2
    assert leader(one, lambda _: 3 * gain) == 0


def test_a_classic_is_left_where_a_scorer_leads_it() -> None:
    one = standing(2, 1, (0.30, 0.31, 0.309), cache=0.0)
    one.state[CHOSEN] = 2
    assert leader(one, nothing) == 2
    one.earned[1] = 0.312
    assert leader(one, nothing) == 1
    one.asked[EASIER] = 0.02  # the sample flatters the scorers' shadows
    assert leader(one, nothing) == 2


def test_the_guard_takes_the_best_scorer_where_shadows_tell_them_apart() -> None:
    one = standing(3, 0, (0.30, 0.301, 0.29), cache=0.0)
    assert leader(one, nothing) == 0
    one.earned[1] = 0.303
    assert leader(one, nothing) == 0
    one.earned[1] = 0.305
    assert leader(one, nothing) == 1


def test_the_guard_looks_at_more_keys_where_few_results_take_most_bytes() -> None:
    room = Room(10_000_000, by_bytes=True, distinct=1_200)
    for spread, share in ((1.0, 1 / 4), (80.0, 64 / 125), (1e6, 1.0)):
        value = HitValue(space=1_000.0, spread=spread)
        replay = HybridReplay(index_policy(room, 500.0, value, guard=True), room)
        assert replay._guard.sampled.mean() == pytest.approx(share, abs=0.05)


def test_after_a_change_the_guard_goes_on_from_what_it_expects() -> None:
    one = standing(2, 1, (0.30, 0.32, 0.25), cache=0.28)
    choose(one, 1, now=500)
    assert one.asked[CACHE] == pytest.approx(0.30)
    assert leader(one, nothing) == 1
    choose(one, 2, now=900)
    one.asked[EASIER] = 0.01
    choose(one, 0, now=1_000)
    assert one.asked[CACHE] == pytest.approx(0.29)


@pytest.mark.parametrize("name", FOLLOWED)
def test_what_is_followed_tells_what_it_holds(name: str) -> None:
    made, classics = requests(3_000), Classics([name], ROOM, 0)
    for at in range(3_000):
        held = classics.held(0)
        assert held.sum() <= ROOM.capacity
        hit = classics.feed(made.slice(at, at + 1))[0, 0]
        assert hit == held[made.key[at]]


def saved(made: Requests, value: HitValue) -> float:
    """Share of load time that hits save on the second half."""
    hits = HybridReplay(index_policy(ROOM, 150.0, value), ROOM).feed(made)[6_000:]
    cost = made.cost[6_000:]
    return float(cost[hits].sum() / cost.sum())


def test_valuing_load_time_saves_more_of_it() -> None:
    made = requests()
    by_cost = fit_value(made.slice(0, 5_000), {LOAD_TIME: 1.0}, by_bytes=False)
    assert saved(made, by_cost) > saved(made, HitValue()) + 0.05


def test_a_model_for_other_features_is_refused() -> None:
    trained = policy({"ppo": network()})
    spec = msgspec.structs.replace(trained.spec, features=("age", "colour"))
    with pytest.raises(ModelError, match=r"takes 2 features.*24.*colour"):
        HybridReplay(TrainedPolicy(spec, trained.networks), ROOM)


def test_a_network_of_another_width_is_refused() -> None:
    with pytest.raises(ModelError, match="takes 23 features, but the model lists 24"):
        HybridReplay(policy({"ppo": network(inputs=23, rent_at=3)}), ROOM)


def test_a_scorer_without_a_network_is_refused() -> None:
    trained = policy({"ppo": network()})
    with pytest.raises(ModelError, match="'ppo' but holds no network"):
        HybridReplay(TrainedPolicy(trained.spec, {}), ROOM)


def test_bytes_and_results_are_not_mixed_up() -> None:
    room = Room(60, by_bytes=True, distinct=1_200)
    with pytest.raises(ModelError, match="capacity in results, and this cache counts bytes"):
        HybridReplay(index_policy(ROOM, 150.0), room)


def test_requests_are_explained_one_at_a_time() -> None:
    with pytest.raises(ModelError, match="2 were given"):
        HybridReplay(index_policy(ROOM, 150.0), ROOM).explain(requests(2))


def test_scores_of_absurd_weights_are_numbers_or_refused() -> None:
    plain = network().arrays()
    rows = RNG.normal(size=(50, BASE)).astype(np.float32)
    sure = network_from({**plain, "w3": plain["w3"] * 1e6}, "index", (-4.0, -1.0), RENT)
    with np.errstate(over="raise", invalid="raise"):
        scores = sure.scores(rows)
    assert ((scores >= 0) & (scores <= 1)).all()
    assert {0.0, 1.0} <= set(scores.tolist())
    with pytest.raises(ModelError, match="so large that its scores overflow"):
        network_from({**plain, "w3": plain["w3"] * np.float32(1e37)}, "index", (-4.0,), RENT)
