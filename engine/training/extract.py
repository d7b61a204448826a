"""What stable-baselines3 learned, read as plain arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from engine.training.algorithm import Algorithm
from engine.training.network import Network, network_from

if TYPE_CHECKING:
    from torch import Tensor


def extract(algorithm: Algorithm[Any], model: Any, env: Any) -> Network:  # noqa: ANN401 - SB3's
    """The deciding network of a model with its environment's normaliser inside.

    Without a rent (the admission environment) the difference of the two outputs is read as it is.
    """
    arrays = {"mean": np.asarray(env.mean), "scale": np.asarray(env.scale)}
    for number, layer in enumerate(algorithm.networks(model)[0], 1):
        arrays[f"w{number}"] = _array(layer.weight).T
        arrays[f"b{number}"] = _array(layer.bias)
    if env.rent_at < 0:
        return network_from(arrays, "difference", (), -1)
    return network_from(arrays, algorithm.readout, algorithm.rents, env.rent_at)


def _array(tensor: Tensor) -> np.ndarray[Any, np.dtype[np.float32]]:
    # A copy: the network learns on while this one is judged.
    return np.array(tensor.detach().cpu().numpy(), np.float32)
