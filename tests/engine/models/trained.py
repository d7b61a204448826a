"""Trained policies for tests: real forms, random weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.cache.features import NAMES
from engine.training.network import Network
from engine.training.policy import PolicySpec, Readout, TrainedPolicy

RENTS = (-4.0, -2.5, -1.0, 0.5)


def network(
    d: int = 24, seed: int = 0, readout: str = "index", rent_at: int = 21, hidden: int = 32
) -> Network:
    chance = np.random.default_rng(seed)

    def drawn(*shape: int) -> np.ndarray[Any, np.dtype[np.float32]]:
        return np.asarray(chance.normal(size=shape) / np.sqrt(shape[0]), np.float32)

    return Network(
        w1=drawn(d, hidden),
        b1=drawn(hidden),
        w2=drawn(hidden, 16),
        b2=drawn(16),
        w3=drawn(16, 2),
        b3=drawn(2),
        mean=drawn(d),
        scale=np.abs(drawn(d)) + np.float32(0.5),
        readout=readout,
        rents=RENTS if readout == "index" else (),
        rent_at=rent_at if readout == "index" else -1,
    )


def policy(seed: int = 0, **changes: Any) -> TrainedPolicy:  # noqa: ANN401 - fields of PolicySpec
    made = {"ppo": network(seed=seed), "dqn": network(seed=seed + 1, readout="difference")}
    fields: dict[str, Any] = {
        "environment": "slot-rent",
        "algorithms": {"ppo": "ppo", "dqn": "dqn", "index": ""},
        "features": NAMES,
        "columns": (),
        "capacity": 100,
        "by_bytes": False,
        "lifetime": 250.0,
        "readouts": {n: Readout(net.readout, net.rents, net.rent_at) for n, net in made.items()},
        "hyperparameters": {"ppo": {"gamma": 0.95, "steps": 1000}},
        "seed": seed,
        "timesteps": 1000,
        "data": {"name": "web", "digest": "d" * 64},
    }
    return TrainedPolicy(PolicySpec(**(fields | changes)), made)


INDEX = TrainedPolicy(
    PolicySpec(
        environment="slot-rent",
        algorithms={"index": ""},
        features=NAMES,
        columns=(),
        capacity=100,
        by_bytes=False,
        lifetime=250.0,
    ),
    {},
)
"""The reuse index alone: a policy without a network."""
