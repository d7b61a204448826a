"""The textbook form: both forms of it step alike, look at nothing to come, and learn a thing."""

from __future__ import annotations

import dataclasses

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from numpy.typing import NDArray

from engine.cache.base import Room
from engine.errors import TrainingError
from engine.traces.trace import Requests
from engine.training import admission
from engine.training import admission_core as core
from engine.training.admission_env import ID
from engine.training.slot_env import sample_requests

REQUESTS = sample_requests(6_000, 600)
ROOM = Room(30, by_bytes=False, distinct=600)


class Reference:
    """The same cache in plain Python: an ordered dictionary and the rules as one would say them."""

    def __init__(self, requests: Requests, start: int, capacity: int) -> None:
        self.keys = requests.key.tolist()
        recent = dict.fromkeys(reversed(self.keys[:start]))
        self.held = list(recent)[:capacity][::-1]
        self.now = start
        self._to_decision()

    def _to_decision(self) -> int:
        hits = 0
        while self.now < len(self.keys) and self.keys[self.now] in self.held:
            self.held.remove(self.keys[self.now])
            self.held.append(self.keys[self.now])
            self.now += 1
            hits += 1
        return hits

    def _next(self, key: int) -> int:
        later = (i for i in range(self.now + 1, len(self.keys)) if self.keys[i] == key)
        return next(later, len(self.keys))

    def duel(self, action: int, horizon: float) -> float:
        newcomer, victim = self._next(self.keys[self.now]), self._next(self.held[0])
        sooner = min(newcomer, victim)
        if sooner == len(self.keys) or sooner - self.now > horizon:
            return 0.0
        return 1.0 if (newcomer < victim) == bool(action) else -1.0

    def step(self, action: int) -> int:
        if action:
            self.held = [*self.held[1:], self.keys[self.now]]
        self.now += 1
        return self._to_decision()


@pytest.mark.parametrize("reward", [admission.COUNTERFACTUAL, admission.IMMEDIATE])
def test_steps_are_those_of_an_ordered_dictionary(reward: str) -> None:
    env = admission.make_single(REQUESTS, ROOM, reward=reward)
    env.reset(options={"start": 2_000})
    plain = Reference(REQUESTS, 2_000, 30)
    rng = np.random.default_rng(1)
    for _ in range(300):
        action = int(rng.random() < 0.7)
        duel = plain.duel(action, admission.HORIZON * env.lifetime)
        hits = plain.step(action)
        _, got, _, _, _ = env.step(np.int64(action))
        assert got == (hits if reward == admission.IMMEDIATE else duel)
        assert env._caches.now[0] == plain.now
        held = np.flatnonzero(env._caches.held[0])
        assert set(held.tolist()) == set(plain.held)
        assert env.shared.stretch.key[env._caches.oldest[0]] == plain.held[0]


def test_the_vectorised_form_equals_the_single_one() -> None:
    vec = admission.make_vec(REQUESTS, ROOM, slots=4)
    starts = np.array([1_000, 2_000, 3_000, 4_000])
    seen = vec.begin_at(starts)
    singles = [admission.make_single(REQUESTS, ROOM) for _ in starts]
    for at, env in enumerate(singles):
        first, _ = env.reset(options={"start": int(starts[at])})
        np.testing.assert_array_equal(first, seen[at])
    rng = np.random.default_rng(2)
    for _ in range(100):
        actions = rng.integers(2, size=4)
        vec.step_async(actions)
        seen, rewards, done, _ = vec.step_wait()
        for at, env in enumerate(singles):
            alone, reward, _, truncated, _ = env.step(actions[at])
            assert (reward, truncated) == (rewards[at], done[at])
            np.testing.assert_array_equal(alone, seen[at])


def test_an_ended_episode_hands_over_its_last_observation() -> None:
    vec = admission.make_vec(REQUESTS, ROOM, slots=2)
    vec.begin_at(np.array([5_990, 1_000]))
    for _ in range(20):
        vec.step_async(np.ones(2, np.int64))
        seen, _, done, infos = vec.step_wait()
        if done[0]:
            break
    assert done.tolist() == [True, False]
    assert infos[0]["TimeLimit.truncated"]
    assert infos[0]["episode"]["l"] >= 1
    assert not np.array_equal(infos[0]["terminal_observation"], seen[0])


def shuffled_after(requests: Requests, at: int) -> Requests:
    order = np.arange(len(requests))
    order[at:] = np.random.default_rng(3).permutation(order[at:])
    return Requests(
        requests.time,
        requests.key[order],
        requests.group[order],
        requests.size[order],
        requests.cost[order],
        requests.distinct,
    )


def test_nothing_of_the_future_is_in_an_observation() -> None:
    def raw(requests: Requests) -> NDArray[np.float32]:
        shared = admission.prepared(requests, ROOM, (), None, admission.COUNTERFACTUAL)
        stretch = shared.stretch._replace(lifetime=100.0)
        caches = core.new_caches(1, 600)
        core.begin(caches, stretch, 0, 2_000)
        seen = []
        while caches.now[0] < 4_000:
            row = np.zeros(2 * stretch.rows.shape[1], np.float32)
            core.observe(caches, stretch, 0, row)
            seen.append(row)
            core.step(caches, stretch, np.array([len(seen) % 2]), 10_000)
        return np.array(seen)

    # The lifetime comes of the whole training part, so it is held here; then all else is past.
    fixed = pytest.MonkeyPatch()
    fixed.setattr(admission, "lifetime", lambda _requests, _room: 100.0)
    try:
        np.testing.assert_array_equal(raw(REQUESTS), raw(shuffled_after(REQUESTS, 4_000)))
    finally:
        fixed.undo()


def test_gymnasium_accepts_it() -> None:
    env = gymnasium.make(f"engine.training.admission_env:{ID}")
    check_env(env.unwrapped, skip_render_check=True)


def test_what_cannot_be_is_refused_in_a_sentence() -> None:
    with pytest.raises(TrainingError, match="counts results, not bytes"):
        admission.make_vec(REQUESTS, Room(3000, by_bytes=True, distinct=600))
    with pytest.raises(TrainingError, match="counterfactual or immediate"):
        admission.make_vec(REQUESTS, ROOM, reward="late")
    late = (np.arange(6_000) % 30).astype(np.int32)
    late[-1] = 30
    with pytest.raises(TrainingError, match="not full before the last request"):
        admission.make_vec(dataclasses.replace(REQUESTS, key=late), ROOM)
    with pytest.raises(TrainingError, match="never has to choose"):
        admission.make_vec(REQUESTS, Room(599, by_bytes=False, distinct=600))
