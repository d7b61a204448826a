"""The slot-rent environment: what a step earns, and that all its forms are one."""

from __future__ import annotations

import dataclasses
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from numpy.typing import NDArray

from engine.cache.base import Room
from engine.cache.features import NAMES, RENT
from engine.cache.value import LOAD_TIME, fit_value
from engine.errors import TrainingError
from engine.traces.trace import Requests
from engine.training import item_rows
from engine.training.item_rows import CHECKS, RENTS
from engine.training.slot_env import ID, SlotRentEnv
from engine.training.slot_rent import LONGEST, make_single, make_vec
from engine.training.slot_vec import SlotRentVec
from tests.engine.training.generated import requests

ROOM = Room(60, by_bytes=False, distinct=1_200)
EVICT, KEEP = 0, 1


@pytest.fixture(scope="module")
def single() -> SlotRentEnv:
    return make_single(requests(), ROOM)


@pytest.fixture(scope="module")
def many() -> SlotRentVec:
    return make_vec(requests(), ROOM, seed=4, slots=64)


def starts(env: SlotRentVec) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    rng = np.random.default_rng(2)
    row = env.items.starts[rng.integers(len(env.items.starts), size=env.num_envs)]
    return row, np.zeros(env.num_envs, np.int64), rng.uniform(*RENTS, env.num_envs)


def test_gymnasium_finds_nothing_to_complain_of() -> None:
    env = gymnasium.make(f"engine.training.slot_env:{ID}")
    check_env(env.unwrapped, skip_render_check=True)
    assert env.unwrapped.spec is not None


def test_one_place_and_many_are_the_same(single: SlotRentEnv, many: SlotRentVec) -> None:
    row, check, rent = starts(many)
    rng = np.random.default_rng(5)
    actions = (rng.random((LONGEST + 2, many.num_envs)) < 0.85).astype(np.int64)
    seen, gone = many.begin_at(row, check, rent), np.zeros(many.num_envs, bool)
    told: list[Any] = [many.step(step) for step in actions]
    for place in range(many.num_envs):
        options = {"row": row[place], "check": check[place], "rent": rent[place]}
        first, _ = single.reset(options=options)
        assert np.array_equal(first, seen[place])
        for number, action in enumerate(actions[:, place]):
            one, reward, ended, truncated, _ = single.step(action)
            many_seen, rewards, done, infos = told[number]
            assert rewards[place] == np.float32(reward)
            assert done[place] == (ended or truncated)
            if ended or truncated:
                assert np.array_equal(infos[place]["terminal_observation"], one)
                assert infos[place]["TimeLimit.truncated"] == truncated
                gone[place] = True
                break
            assert np.array_equal(many_seen[place], one)
    assert gone.all()


def test_keeping_earns_a_hit_less_the_rent_for_the_time_held(single: SlotRentEnv) -> None:
    items, rent = single.items, 0.4
    hits = 0
    for row in items.starts[:300]:
        single.reset(options={"row": row, "check": 0, "rent": rent})
        seen, reward, ended, _, _ = single.step(np.int64(KEEP))
        wait = items.again[row] - items.at[row]
        hit = wait <= items.ages[1]
        hits += hit
        held = wait if hit else items.ages[1]
        assert reward == pytest.approx(hit - rent * held / items.lifetime, abs=1e-6)
        assert not ended
        age = seen[0] * items.scale[0] + items.mean[0]
        expected = 0 if hit else items.ages[1]
        assert age == pytest.approx(np.log2(1 + expected) - np.log2(items.lifetime), abs=1e-4)
    assert 0 < hits < 300


def test_evicting_ends_the_episode_and_earns_nothing(single: SlotRentEnv) -> None:
    single.reset(seed=1)
    _, reward, ended, truncated, _ = single.step(np.int64(EVICT))
    assert (reward, ended, truncated) == (0.0, True, False)


def test_an_episode_whose_next_check_lies_beyond_the_data_is_cut_not_ended(
    single: SlotRentEnv,
) -> None:
    items = single.items
    late = items.starts[items.at[items.starts] > len(items.row_of) - items.ages[3] - 3]
    never = late[items.again[late] == len(items.row_of)]
    assert len(never)
    single.reset(options={"row": never[-1], "check": 1, "rent": 0.1})
    _, _, ended, truncated, _ = single.step(np.int64(KEEP))
    assert truncated
    assert not ended


def test_no_hit_is_made_up_beyond_the_data(single: SlotRentEnv) -> None:
    items, rent = single.items, 0.3
    last = int(np.flatnonzero(items.again == len(items.row_of))[-1])
    single.reset(options={"row": last, "check": 3, "rent": rent})
    _, reward, ended, truncated, _ = single.step(np.int64(KEEP))
    held = items.ages[4] - items.ages[3]
    assert reward == pytest.approx(-rent * held / items.lifetime, abs=1e-6)
    assert (ended, truncated) == (False, True)


def test_nothing_is_kept_beyond_the_last_check(single: SlotRentEnv) -> None:
    items = single.items
    row = items.starts[items.again[items.starts] - items.at[items.starts] > items.ages[-1]][0]
    single.reset(options={"row": row, "check": 0, "rent": 0.1})
    ends = [single.step(np.int64(KEEP))[2:4] for _ in range(len(CHECKS) - 1)]
    assert ends == [(False, False)] * (len(CHECKS) - 2) + [(True, False)]


def test_the_rent_is_an_input(single: SlotRentEnv) -> None:
    row = single.items.starts[0]
    low, _ = single.reset(options={"row": row, "check": 0, "rent": 0.1})
    high, _ = single.reset(options={"row": row, "check": 0, "rent": 0.8})
    assert np.flatnonzero(low != high).tolist() == [RENT]
    apart = (high[RENT] - low[RENT]) * single.items.scale[RENT]
    assert apart == pytest.approx(3.0, abs=1e-5)  # an octave each


def test_observations_are_normalised_on_the_training_part(many: SlotRentVec) -> None:
    many.reset()
    rng = np.random.default_rng(0)
    seen = np.concatenate(
        [many.step((rng.random(64) < 0.9).astype(np.int64))[0] for _ in range(80)]
    )
    assert seen.dtype == np.float32
    assert np.abs(seen).max() <= 10
    assert np.abs(seen.mean(0)).max() < 1.5


def test_equal_seeds_see_equal_things() -> None:
    made = requests(6_000)
    one, other, third = (make_vec(made, ROOM, seed=seed, slots=8) for seed in (1, 1, 2))
    assert np.array_equal(one.reset(), other.reset())
    assert not np.array_equal(one.reset(), third.reset())


def test_a_hit_is_worth_what_its_cost_was_when_the_episode_began() -> None:
    made = requests()
    density = fit_value(made, {LOAD_TIME: 1.0}, by_bytes=False).density(made)
    env = make_single(made, ROOM, weights=density)
    soon = env.items.starts[
        env.items.again[env.items.starts] - env.items.at[env.items.starts] == 1
    ][0]
    env.reset(options={"row": soon, "check": 0, "rent": 0.4})
    _, reward, *_ = env.step(np.int64(KEEP))
    assert reward == pytest.approx(1 - 0.4 / env.lifetime)  # a key's cost never changes here
    dear, cheap = (
        env.reset(options={"row": row, "check": 0, "rent": 0.4})[0][RENT]
        for row in (np.argmax(density[env.items.at]), np.argmin(density[env.items.at]))
    )
    assert dear == pytest.approx(cheap)  # the same share of what the item is worth


def test_returns_and_lengths_are_told_when_an_episode_ends(many: SlotRentVec) -> None:
    row, check, rent = starts(many)
    many.begin_at(row, check, rent)
    _, first, done, _ = many.step(np.ones(64, np.int64))
    _, second, _, infos = many.step(np.zeros(64, np.int64))
    going = np.flatnonzero(~done)
    assert len(going)
    for place in going:
        assert infos[place]["episode"]["r"] == pytest.approx(first[place] + second[place])
        assert infos[place]["episode"]["l"] == 2


def test_no_column_is_an_input_unless_chosen() -> None:
    made = requests(6_000)
    assert make_vec(made, ROOM, slots=2).features == NAMES
    env = make_vec(made, ROOM, columns=("weekday",), slots=2)
    assert env.features == (*NAMES, "weekday")
    assert env.observation_space.shape == (25,)


def test_an_unknown_column_is_refused() -> None:
    with pytest.raises(TrainingError, match="no column 'colour'"):
        make_vec(requests(6_000), ROOM, columns=("colour",))


def test_a_part_shorter_than_a_results_stay_is_refused() -> None:
    one_key = requests(400)
    one_key = dataclasses.replace(one_key, key=np.zeros(400, np.int32))
    with pytest.raises(TrainingError, match=r"400 requests is too short.*smaller cache"):
        make_vec(one_key, ROOM)


@pytest.mark.parametrize(
    ("start", "told"),
    [({"row": -1}, "row -1"), ({"check": 8}, "check 8"), ({"rent": np.inf}, "rent inf")],
)
def test_an_episode_cannot_start_where_there_is_nothing(
    start: dict[str, Any], told: str, single: SlotRentEnv
) -> None:
    with pytest.raises(TrainingError, match=f"cannot start at .*{told}"):
        single.reset(options=start)


def test_nothing_of_the_future_is_in_an_observation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever comes after request `cut`, the rows of earlier moments are the same."""
    # The lifetime comes of the whole training part, so it is held here; then all else is past.
    monkeypatch.setattr(item_rows, "lifetime", lambda _requests, _room: 150.0)
    made, cut = requests(), 8_000
    order = np.arange(len(made))
    np.random.default_rng(3).shuffle(order[cut:])
    cost = made.cost * np.random.default_rng(4).uniform(1, 2, len(made))
    other = Requests(
        made.time, made.key[order], made.group[order], made.size[order], cost[order],
        made.distinct, {name: values[order] for name, values in made.columns.items()},
    )  # fmt: skip
    one, shuffled = (
        item_rows.item_rows(part, ROOM, ("weekday",), part.cost)
        for part in (dataclasses.replace(made, cost=cost), other)
    )
    past = 0
    for row, at in enumerate(one.at):
        seen = at + one.ages < cut
        if at < cut:
            same = shuffled.row_of[at]
            np.testing.assert_array_equal(one.rows[row, seen], shuffled.rows[same, seen])
            past += int((one.rows[row, seen] != 0).any(1).sum())
    assert past > 10_000
    assert not np.array_equal(one.rows, shuffled.rows)
