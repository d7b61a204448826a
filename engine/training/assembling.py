"""Putting a trained policy together: its specification before, its networks after the training."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import msgspec

from engine.traces.split import TRAIN, VALIDATE
from engine.training.data import Data
from engine.training.network import Network
from engine.training.options import Part, TrainOptions
from engine.training.policy import PolicySpec, Readout, TrainedPolicy

_LIBRARIES = ("torch", "stable-baselines3", "gymnasium", "numpy", "numba")


def specification(
    data: Data,
    options: TrainOptions,
    parts: tuple[Part, ...],
    env: Any,  # noqa: ANN401 - a VecEnv with more attributes
    seed: int,
) -> PolicySpec:
    """What a policy of this training is, before it has a network.

    Args:
        data: of the training.
        options: as asked for.
        parts: the algorithms with their hyperparameters.
        env: an environment of it, for features and lifetime.
        seed: of the training.
    """
    return PolicySpec(
        environment=options.environment,
        algorithms={},
        features=tuple(env.features),
        columns=options.columns,
        capacity=data.room.capacity,
        by_bytes=data.room.by_bytes,
        lifetime=float(env.lifetime),
        objective=data.objective,
        cache_weights=data.weights,
        value=data.value,
        hyperparameters={part.algorithm: msgspec.structs.asdict(part.given) for part in parts},
        seed=seed,
        data=_told(data, options),
        versions={"python": platform.python_version()} | {n: version(n) for n in _LIBRARIES},
    )


def assembled(
    spec: PolicySpec, networks: Mapping[str, Network], timesteps: int, guard: bool
) -> TrainedPolicy:
    """The policy of these networks, named after their algorithms, the best one first."""
    made = msgspec.structs.replace(
        spec,
        algorithms={name: name for name in networks},
        readouts={name: reading_of(network) for name, network in networks.items()},
        timesteps=timesteps,
        guard=guard,
    )
    return TrainedPolicy(made, dict(networks))


def reading_of(network: Network) -> Readout:
    """How a network is read, apart from its arrays."""
    return Readout(network.readout, network.rents, network.rent_at)


def _told(data: Data, options: TrainOptions) -> dict[str, Any]:
    info = data.info
    return {
        "name": info.name,
        "origin": info.origin,
        "digest": info.digest,
        "costs": info.costs,
        "cost_model": info.cost_model,
        "requests": info.requests,
        "split": [TRAIN, VALIDATE],
        "timesteps": options.timesteps,
        "group": options.group,
    }
