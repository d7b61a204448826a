"""A trained policy: its networks and everything needed to use, judge and reproduce them.

On disk: `weights.safetensors` (every network's arrays, named `network/array`) and `policy.json`.
Nothing is pickled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from engine.cache.value import HitValue
from engine.errors import ModelError
from engine.training.network import Network, network_from

FORMAT = 1


class Readout(msgspec.Struct, frozen=True):
    """How a network's outputs become a score; fields as in `network.Network`."""

    readout: str
    rents: tuple[float, ...]
    rent_at: int


class PolicySpec(msgspec.Struct, frozen=True, kw_only=True):
    """What a trained policy is, without its weights.

    Args:
        environment: row of ENVIRONMENTS it was trained in: slot-rent or admission.
        algorithms: network name -> dqn, ppo or a2c; empty string for none (an index).
        features: names of the inputs in order, base features first, then chosen columns.
        columns: the chosen columns among them.
        capacity: results or bytes that the cache holds.
        by_bytes: whether capacity counts bytes.
        lifetime: requests that an item stays in an LRU cache of this size on the training part
            (the cache's characteristic time); features are relative to it.
        objective: what a hit is worth: hits, cost or bytes, where `cache_weights` is empty.
        cache_weights: metric -> weight of the reward.
        value: what a hit is worth by these, scaled on the training part.
        window: share of the capacity that is a protected LRU window.
        sample: residents drawn afresh at each decision.
        pool: worst residents remembered between decisions.
        asked: of those, how many with the lowest reuse index a network is asked about.
        history: keys remembered, as a multiple of the capacity.
        guard: whether scorers are chosen online by their shadows.
        readouts: network name -> how it is read.
        hyperparameters: as trained with, by algorithm.
        seed: of the training.
        timesteps: transitions trained on.
        data: name, digest, costs and split of the trace.
        versions: of the libraries that trained it.
    """

    environment: str
    algorithms: dict[str, str]
    features: tuple[str, ...]
    columns: tuple[str, ...]
    capacity: int
    by_bytes: bool
    lifetime: float
    objective: str = "hits"
    cache_weights: dict[str, float] = {}
    value: HitValue = HitValue()
    window: float = 0.05
    sample: int = 16
    pool: int = 16
    asked: int = 4
    history: int = 8
    guard: bool = True
    readouts: dict[str, Readout] = {}
    hyperparameters: dict[str, dict[str, Any]] = {}
    seed: int = 0
    timesteps: int = 0
    data: dict[str, Any] = {}
    versions: dict[str, str] = {}
    format: int = FORMAT


@dataclass(frozen=True, slots=True)
class TrainedPolicy:
    """A specification and its networks by name."""

    spec: PolicySpec
    networks: Mapping[str, Network]


def save(policy: TrainedPolicy, folder: Path) -> None:
    """Write a policy into an existing empty folder."""
    from safetensors.numpy import save_file

    arrays = {
        f"{name}/{array}": values
        for name, network in policy.networks.items()
        for array, values in network.arrays().items()
    }
    save_file(arrays, folder / "weights.safetensors")
    (folder / "policy.json").write_bytes(
        msgspec.json.format(msgspec.json.encode(policy.spec), indent=1)
    )


def load(folder: Path) -> TrainedPolicy:
    """Read a policy back.

    Raises:
        ModelError: a file is missing or damaged, or a newer version wrote it.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        spec = msgspec.json.decode((folder / "policy.json").read_bytes(), type=PolicySpec)
        arrays = load_file(folder / "weights.safetensors")
    except FileNotFoundError as error:
        raise ModelError(f"The model lacks its file {Path(str(error.filename)).name}.") from None
    except (msgspec.MsgspecError, SafetensorError, OSError) as error:
        raise ModelError(f"The model's files are damaged ({error}).") from None
    if spec.format > FORMAT:
        raise ModelError("A newer Cachescope wrote this model; update this one.")
    networks = {
        name: network_from(
            {
                array.partition("/")[2]: values
                for array, values in arrays.items()
                if array.partition("/")[0] == name
            },
            read.readout,
            read.rents,
            read.rent_at,
        )
        for name, read in spec.readouts.items()
    }
    return TrainedPolicy(spec, networks)
