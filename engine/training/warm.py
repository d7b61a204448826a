"""Starting to learn from what is known already: a network that reads as the reuse index.

Two units a layer pass the index on, one its positive and one its negative part; the others keep
their random start and speak softly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from engine.cache.features import INDICES, LONG_RUN
from engine.cache.history import OWN, PER_LIFETIME
from engine.training.network import EVICT, KEEP

if TYPE_CHECKING:
    from torch import nn

_SOFT = 0.05
_OFF = 1e5


def warm_start(layers: list[nn.Linear], env: Any, steepness: float) -> None:  # noqa: ANN401 - any of ours
    """Set three linear layers so that output[KEEP] - output[EVICT] is near the index.

    That is steepness x (mean of the three reuse indices, drawn to the key's own rate - log2 of the
    rent).

    Args:
        layers: from normalised features to the two outputs; at least two units in each hidden one.
        env: has the `mean`, `scale` and `rent_at` of its features.
        steepness: 1 suits logits of an actor, 0.3 values of a critic.
    """
    import torch

    first, second, third = layers
    weights = np.zeros(len(env.mean))
    weights[list(INDICES)] = (1.0 - OWN) / len(INDICES)
    weights[LONG_RUN] = OWN
    weights[env.rent_at] = -1.0
    live = np.asarray(env.scale) < _OFF
    bias = float(weights @ np.asarray(env.mean, np.float64)) + OWN * PER_LIFETIME
    inputs = torch.as_tensor(weights * env.scale * live).to(first.weight)
    with torch.no_grad():
        for unit, sign in ((0, 1.0), (1, -1.0)):
            first.weight[unit] = sign * inputs
            first.bias[unit] = sign * bias
            second.weight[unit] = 0
            second.weight[unit, unit] = 1
            second.bias[unit] = 0
        second.weight[2:, :2] = 0
        third.weight *= _SOFT
        third.bias[:] = 0
        third.weight[EVICT, :2] = 0
        third.weight[KEEP, 0], third.weight[KEEP, 1] = steepness, -steepness
