"""What one decision costs from Python, features given: ours beside stable-baselines3's `predict`.

    OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 python -m tests.benchmarks.decision [--rounds 30]

A PPO of the trainer's shape decides on the same observations in every form; the best round counts,
since other processes only ever add time. One thread everywhere.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from engine.export.base import Subject
from engine.export.described import decider
from engine.export.manifest import Manifest
from engine.export.onnx_graph import Onnx
from engine.export.serving.policy import Policy
from engine.training.network import Network
from engine.training.policy import Readout, TrainedPolicy
from tests.engine.models.trained import RENTS, policy

BATCH = 1000
GOAL_US, GOAL_ONE, GOAL_BATCH = 10.0, 8.0, 50.0


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    rounds = parser.parse_args().rounds
    model = _sb3()
    rows = np.random.default_rng(0).normal(size=(BATCH, 24)).astype(np.float32)
    first = rows[0]
    predict = _best(lambda: model.predict(first, deterministic=True), 200, rounds)
    print(f"load average {os.getloadavg()[0]:.1f}; best of {rounds} rounds")
    print(f"{'stable-baselines3 model.predict, one row':52}{predict:10.1f} µs")
    given = rows[:, None, :]
    expected, _ = model.predict(rows, deterministic=True)
    for title, readout in (("one reading", "difference"), ("mean over 4 rents", "index")):
        for how, ours in _forms(_network(model, readout)):
            if readout == "difference":
                assert (ours(given) == expected).mean() > 0.999
            one = _best(partial(ours, given[:1]), 200, rounds)
            many = _best(partial(ours, given), 5, rounds) / BATCH
            print(
                f"{f'{how}, {title}, one row':52}{one:10.1f} µs  {predict / one:6.1f}x "
                f"(goal {GOAL_ONE:.0f}x, {GOAL_US:.0f} µs)"
            )
            print(
                f"{f'{how}, {title}, a row of {BATCH}':52}{many:10.2f} µs  {predict / many:6.1f}x "
                f"(goal {GOAL_BATCH:.0f}x)"
            )


def _best(call: Callable[[], object], count: int, rounds: int) -> float:
    """Microseconds of one call in the best round."""
    best = float("inf")
    for _ in range(rounds):
        begun = time.perf_counter()
        for _ in range(count):
            call()
        best = min(best, (time.perf_counter() - begun) / count)
    return best * 1e6


def _sb3() -> Any:  # noqa: ANN401 - stable-baselines3's class
    import gymnasium
    import torch
    from stable_baselines3 import PPO

    torch.set_num_threads(1)

    class Still(gymnasium.Env[np.ndarray, int]):
        observation_space = gymnasium.spaces.Box(-10, 10, (24,), np.float32)
        action_space: Any = gymnasium.spaces.Discrete(2)

    layers = {"net_arch": [32, 16], "activation_fn": torch.nn.ReLU}
    return PPO("MlpPolicy", Still(), policy_kwargs=layers, device="cpu", seed=0)


def _network(model: Any, readout: str) -> Network:  # noqa: ANN401
    """The model's actor as a network of ours."""
    first, second = (
        model.policy.mlp_extractor.policy_net[0],
        model.policy.mlp_extractor.policy_net[2],
    )
    last = model.policy.action_net
    arrays = {
        f"{name}{number}": array
        for number, layer in enumerate((first, second, last), 1)
        for name, array in (
            ("w", np.ascontiguousarray(layer.weight.detach().numpy().T)),
            ("b", layer.bias.detach().numpy()),
        )
    }
    rents = RENTS if readout == "index" else ()
    return Network(
        **arrays,
        mean=np.zeros(24, np.float32),
        scale=np.ones(24, np.float32),
        readout=readout,
        rents=rents,
        rent_at=21 if rents else -1,
    )


def _forms(network: Network) -> list[tuple[str, Callable[[np.ndarray], np.ndarray]]]:
    readouts = {"ppo": Readout(network.readout, network.rents, network.rent_at)}
    spec = msgspec.structs.replace(policy().spec, readouts=readouts, algorithms={"ppo": "ppo"})
    subject = Subject(TrainedPolicy(spec, {"ppo": network}), "ppo")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        Onnx().write(subject, folder)
        Manifest().write(subject, folder)
        served = Policy(folder)
    return [
        ("registry (NumPy)", decider(subject).decide),
        ("serving.py (onnxruntime)", served.decide),
    ]


if __name__ == "__main__":
    main()
