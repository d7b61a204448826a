"""How fast training is beside the set-up people write first: `python -m tests.benchmarks.training`.

The naive set-up is one plain Python environment (an OrderedDict cache, one request a step, admit
or pass by) under stable-baselines3 with the library's defaults. Ours is the compiled slot-rent
environment with this product's defaults. Both run in this process, on one core, for equally many
steps and seeds; rates are steps per second of processor time, since other processes may share the
machine. DQN learns from 8 samples a step in both. Quality is the hit ratio of what was learned on
the same validation requests.

`--quick` runs fewer steps and seeds; `--trace FILE` takes a recorded trace in place of a generated
one (Zipf with scans).
"""

from __future__ import annotations

import argparse
import math
import os
import time
from collections import OrderedDict
from typing import Any, NamedTuple

import gymnasium
import numpy as np
import pyarrow as pa
import stable_baselines3
import torch
from gymnasium import spaces
from numpy.typing import NDArray

from engine.registry import resolve
from engine.settings import load_settings
from engine.traces.importing import open_trace
from engine.traces.info import TraceInfo
from engine.traces.trace import Requests, Trace
from engine.training import ALGORITHMS
from engine.training.assembling import specification
from engine.training.data import Data, prepare
from engine.training.extract import extract
from engine.training.options import TrainOptions, checked_parts
from engine.training.run import environments
from engine.training.validation import JUDGED, WARMING, Validator
from engine.training.warm import warm_start

GOALS = {"ppo": 12, "dqn": 12, "a2c": 30}


class NaiveCache(gymnasium.Env[NDArray[np.float32], np.int64]):
    """LRU with an admission agent, one request a step, in plain Python."""

    def __init__(self, requests: Requests, capacity: int) -> None:
        self.keys = requests.key.tolist()
        self.sizes = requests.size.tolist()
        self.capacity = capacity
        self.observation_space = spaces.Box(-np.inf, np.inf, (8,), np.float32)
        self.action_space = spaces.Discrete(2)
        self.place, self.cache = 0, OrderedDict[int, int]()
        self.last: dict[int, int] = {}
        self.count: dict[int, int] = {}

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        super().reset(seed=seed)
        self.place, self.cache, self.last, self.count = 0, OrderedDict(), {}, {}
        return self._look(), {}

    def _facts(self, key: int) -> tuple[float, float]:
        age = self.place - self.last.get(key, -100_000)
        return math.log2(1 + age), math.log2(1 + self.count.get(key, 0))

    def _look(self) -> NDArray[np.float32]:
        key = self.keys[self.place]
        victim = next(iter(self.cache), key)
        return np.array(
            [
                *self._facts(key),
                *self._facts(victim),
                math.log2(self.sizes[self.place]),
                len(self.cache) / self.capacity,
                float(key in self.cache),
                float(key in self.last),
            ],
            np.float32,
        )

    def step(
        self, action: np.int64
    ) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        key = self.keys[self.place]
        hit = key in self.cache
        if hit:
            self.cache.move_to_end(key)
        elif action == 1:
            if len(self.cache) >= self.capacity:
                self.cache.popitem(last=False)
            self.cache[key] = 1
        self.last[key] = self.place
        self.count[key] = self.count.get(key, 0) + 1
        self.place += 1
        over = self.place >= len(self.keys) - 1
        return self._look(), float(hit), False, over, {}


class Found(NamedTuple):
    """Steps per processor second, and the hit ratio on validation."""

    rate: float
    hit_ratio: float


def naive(name: str, data: Data, steps: int, seed: int) -> Found:
    """Train as people first do, and try it."""
    env = NaiveCache(data.train, data.room.capacity)
    made = getattr(stable_baselines3, name.upper())("MlpPolicy", env, seed=seed, device="cpu")
    started = time.process_time()
    made.learn(steps)
    rate = steps / (time.process_time() - started)
    seen, train = data.seen, len(data.train)
    first = max(train // 2, min(train, len(seen) - JUDGED))
    start, stop = max(0, first - WARMING), min(len(seen), first + JUDGED)
    judge = NaiveCache(seen.slice(start, stop), data.room.capacity)
    at, _ = judge.reset()
    hits, over = [], False
    while not over:
        action, _ = made.predict(at, deterministic=True)
        at, reward, _, over, _ = judge.step(np.int64(action))
        hits.append(reward)
    return Found(rate, float(np.mean(hits[first - start :])))


def ours(name: str, data: Data, steps: int, seed: int) -> Found:
    """Train as this product does, and try it."""
    options = TrainOptions(algorithm=name, timesteps=steps, seeds=(seed,))
    (part,) = checked_parts(options)
    env = environments(data, options)(part.given.slots)
    algorithm = resolve(ALGORITHMS, name, "algorithm")()
    model = algorithm.build(env, part.given, seed, "cpu")
    for layers in algorithm.networks(model):
        warm_start(layers, env, part.given.warm_start)
    started = time.process_time()
    model.learn(steps, log_interval=1_000_000_000)
    rate = model.num_timesteps / (time.process_time() - started)
    spec = specification(data, options, (part,), env, seed)
    tried = Validator(data, spec).ratios(name, extract(algorithm, model, env))
    assert tried is not None
    return Found(rate, tried[0])


def generated(count: int = 120_000, keys: int = 8_000) -> Trace:
    """Popularity by Zipf's law (0.9), every fifth request of a scan."""
    rng = np.random.default_rng(0)
    share = np.arange(1, keys + 1) ** -0.9
    key = rng.choice(keys, count, p=share / share.sum())
    scans = np.arange(count) % 5 == 0
    key[scans] = (np.arange(count)[scans] // 5) % keys
    requests = Requests(
        np.arange(count, dtype=np.float64),
        key.astype(np.int32),
        (key % 5).astype(np.int32),
        (100 + 7 * key % 5000).astype(np.int64),
        np.ones(count),
        keys,
    )
    info = TraceInfo("generated", "generated", "none", "recorded", count, keys, tuple("abcde"))
    return Trace(info, requests, pa.array([str(k) for k in range(keys)]))


def compare(name: str, data: Data, steps: int, seeds: int) -> None:
    """Print one algorithm's line."""
    slow = [naive(name, data, steps, seed) for seed in range(seeds)]
    fast = [ours(name, data, steps, seed) for seed in range(seeds)]
    rates = [float(np.median([one.rate for one in found])) for found in (slow, fast)]
    hits = [[one.hit_ratio for one in found] for found in (slow, fast)]
    print(
        f"{name.upper():5}{rates[0]:12,.0f}{rates[1]:12,.0f}{rates[1] / rates[0]:8.1f}x"
        f"{GOALS[name]:6}x{np.mean(hits[0]):10.4f} ({min(hits[0]):.4f}-{max(hits[0]):.4f})"
        f"{np.mean(hits[1]):10.4f} ({min(hits[1]):.4f}-{max(hits[1]):.4f})",
        flush=True,
    )


def main() -> None:
    """Compare each algorithm with its naive set-up."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trace", default="")
    parser.add_argument("--steps", type=int, default=65_536)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--algorithms", nargs="*", default=list(ALGORITHMS))
    parser.add_argument("--quick", action="store_true", help="16,384 steps, one seed")
    given = parser.parse_args()
    if given.quick:
        given.steps, given.seeds = 16_384, 1
    torch.set_num_threads(1)
    trace = open_trace(given.trace, load_settings()) if given.trace else generated()
    data = prepare(trace, TrainOptions(objective="hits"))
    ours("a2c", data, 4096, 0)  # compiles
    print(
        f"{trace.info.name}: {len(trace.requests):,} requests, cache of {data.room.capacity}; "
        f"{given.steps:,} steps, {given.seeds} seeds, one thread"
    )
    print(
        f"{'':5}{'naive/s':>12}{'ours/s':>12}{'ratio':>9}{'goal':>7}"
        f"{'naive hit ratio (range)':>26}{'ours':>12}"
    )
    for name in given.algorithms:
        compare(name, data, given.steps, given.seeds)
    print(f"load average {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
