"""How fast the environment steps: `python -m tests.benchmarks.environment`.

The alternative is what people write first: recorded requests in a pandas frame, one row a step
read by `iloc`, an OrderedDict as cache, the observation built as a NumPy array. Both give their
observation at every step; rates are steps per second of this process' processor time, since others
may share the machine, and the best of three turns taken by each in turn. `--trace FILE` takes a
recorded trace in place of a generated one (Zipf).
"""

from __future__ import annotations

import argparse
import os
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pandas as pd
from gymnasium import spaces
from numpy.typing import NDArray

from engine.cache.base import Room
from engine.settings import load_settings
from engine.traces.importing import open_trace
from engine.traces.trace import Requests
from engine.training.slot_env import sample_requests
from engine.training.slot_rent import make_single, make_vec

TURNS = 3
SLOTS = 256
NAIVE_STEPS, SINGLE_STEPS, VECTOR_STEPS = 3_000, 60_000, 400


class RowEnv(gymnasium.Env[NDArray[np.float32], np.int64]):
    """A request is a row; keep its result or not, and least recently used goes."""

    def __init__(self, frame: pd.DataFrame, capacity: int) -> None:
        self.frame, self.capacity = frame, capacity
        self.numbers = ["time", "size", "cost", "count", "gap", "mean_gap"]
        self.observation_space = spaces.Box(-np.inf, np.inf, (len(self.numbers) + 2,), np.float32)
        self.action_space = spaces.Discrete(2)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Begin at the first row with an empty cache."""
        super().reset(seed=seed)
        self.at, self.hits = 0, 0
        self.cache: OrderedDict[str, float] = OrderedDict()
        return self._observe(), {}

    def _observe(self) -> NDArray[np.float32]:
        row = self.frame.iloc[self.at]
        filled = len(self.cache) / self.capacity
        ratio = self.hits / max(1, self.at)
        return np.array([*row[self.numbers], filled, ratio], dtype=np.float32)

    def step(
        self, action: np.int64
    ) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Serve one request."""
        row = self.frame.iloc[self.at]
        key = row["key"]
        hit = key in self.cache
        if hit:
            self.cache.move_to_end(key)
            self.hits += 1
        elif action:
            self.cache[key] = row["cost"]
            if len(self.cache) > self.capacity:
                self.cache.popitem(last=False)
        self.at += 1
        done = self.at == len(self.frame) - 1
        return self._observe(), float(hit), done, False, {}


def frame_of(requests: Requests) -> pd.DataFrame:
    """The rows as a database gives them, with a few features precomputed."""
    frame = pd.DataFrame(
        {
            "time": requests.time,
            "key": [f"/item/{key}" for key in requests.key],
            "size": requests.size,
            "cost": requests.cost,
        }
    )
    asked = frame.groupby("key")
    frame["count"] = asked.cumcount()
    frame["gap"] = asked["time"].diff().fillna(-1)
    frame["mean_gap"] = (frame["time"] - asked["time"].transform("first")) / (frame["count"] + 1)
    return frame


def single_rate(env: gymnasium.Env[NDArray[np.float32], np.int64], steps: int) -> float:
    """Steps per second of processor time with random actions, resets included."""
    actions = np.random.default_rng(0).integers(2, size=steps)
    env.reset(seed=0)
    started = time.process_time()
    for action in actions:
        _, _, ended, truncated, _ = env.step(action)
        if ended or truncated:
            env.reset()
    return steps / (time.process_time() - started)


def vector_rate(env: Any, steps: int) -> float:  # noqa: ANN401 - a VecEnv
    """The same for all places together."""
    actions = np.random.default_rng(0).integers(2, size=(steps, SLOTS))
    env.reset()
    started = time.process_time()
    for action in actions:
        env.step(action)
    return steps * SLOTS / (time.process_time() - started)


def best(rates: dict[str, Callable[[], float]]) -> dict[str, float]:
    """Each one's best of TURNS turns, taken in turn so that all meet the same load."""
    found = dict.fromkeys(rates, 0.0)
    for _ in range(TURNS):
        for name, rate in rates.items():
            found[name] = max(found[name], rate())
    return found


def main() -> None:
    """Print the rates and their ratios."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--trace", help="a recorded trace, by name or file")
    parser.add_argument("--size", type=int, default=100, help="places of the cache")
    given = parser.parse_args()
    requests = sample_requests(60_000)
    if given.trace:
        requests = open_trace(given.trace, load_settings()).requests
    part = requests.slice(0, min(len(requests), 60_000))
    room = Room(given.size, by_bytes=False, distinct=requests.distinct)
    naive, single = RowEnv(frame_of(part), given.size), make_single(part, room)
    many = make_vec(part, room, slots=SLOTS)
    single_rate(single, 100)
    vector_rate(many, 2)
    found = best(
        {
            "pandas rows": lambda: single_rate(naive, NAIVE_STEPS),
            "single": lambda: single_rate(single, SINGLE_STEPS),
            "vectorised": lambda: vector_rate(many, VECTOR_STEPS),
        }
    )
    print(f"load average {os.getloadavg()[0]:.1f}, {len(part)} requests, {SLOTS} slots")
    base = found["pandas rows"]
    for name, goal in (("pandas rows", 1), ("single", 20), ("vectorised", 100)):
        ratio = found[name] / base
        print(f"{name:12} {found[name]:12,.0f} steps/s {ratio:8.1f} x (goal {goal})")


if __name__ == "__main__":
    main()
