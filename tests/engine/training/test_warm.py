"""A warm start reads as the reuse index before anything is learned."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from engine.cache.features import BASE, INDICES, LONG_RUN, RENT
from engine.training.network import EVICT, KEEP
from engine.training.warm import warm_start


@pytest.mark.parametrize("steepness", [1.0, 0.3])
def test_the_gap_of_the_outputs_is_the_index_less_the_rent(steepness: float) -> None:
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    layers = [nn.Linear(BASE, 32), nn.Linear(32, 16), nn.Linear(16, 2)]
    env = SimpleNamespace(
        mean=rng.normal(size=BASE).astype(np.float32),
        scale=rng.uniform(0.2, 3, BASE).astype(np.float32),
        rent_at=RENT,
    )
    warm_start(layers, env, steepness)
    rows = rng.normal(size=(200, BASE), scale=3).astype(np.float32)
    own = rows[:, LONG_RUN] + np.log2(np.log(2) / 16)
    wanted = steepness * (0.75 * rows[:, INDICES].mean(1) + 0.25 * own - rows[:, RENT])
    soft = gaps(layers, (rows - env.mean) / env.scale)
    assert np.corrcoef(soft, wanted)[0, 1] > 0.98
    with torch.no_grad():
        layers[2].weight[:, 2:] = 0
    assert gaps(layers, (rows - env.mean) / env.scale) == pytest.approx(wanted, abs=1e-4)


def gaps(layers: list[nn.Linear], rows: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        x = torch.relu(layers[0](torch.as_tensor(rows, dtype=torch.float32)))
        out = layers[2](torch.relu(layers[1](x))).numpy()
    return np.asarray(out[:, KEEP] - out[:, EVICT])
