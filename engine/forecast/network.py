"""The network itself: one LSTM shared by all endpoints, a quantile head for each coming step.

Imported only by forecasters that need torch.
"""

from __future__ import annotations

import os

# OpenMP reads this when torch is loaded; its barriers spin for a core that others need, which
# makes training on a busy machine up to forty times slower.
os.putenv("OMP_NUM_THREADS", "1")

import torch
from torch import Tensor, nn

from engine.forecast.base import HIGH, LOW
from engine.forecast.features import FEATURES

torch.set_num_threads(1)

TARGETS = 2
QUANTILES = (LOW, 0.5, HIGH)


class Network(nn.Module):
    """Window of normalised features in, quantiles of the next steps out.

    The median is the mean of the window plus what the network adds; low and high lie a
    non-negative distance off it, so that quantiles never cross.
    """

    def __init__(self, hidden_size: int, layers: int, horizon: int) -> None:
        super().__init__()
        self.horizon = horizon
        self.lstm = nn.LSTM(FEATURES, hidden_size, layers, batch_first=True)
        self.head = nn.Linear(hidden_size, horizon * TARGETS * 3)
        nn.init.zeros_(self.head.bias)
        nn.init.normal_(self.head.weight, std=0.01)

    def forward(self, window: Tensor) -> Tensor:
        """B x window x FEATURES -> B x horizon x TARGETS x QUANTILES."""
        seen, _ = self.lstm(window)
        out = self.head(seen[:, -1]).view(-1, self.horizon, TARGETS, 3)
        last = window[:, -4:, :TARGETS].mean(dim=1)[:, None, :]
        median = last + out[..., 1]
        low = median - nn.functional.softplus(out[..., 0])
        high = median + nn.functional.softplus(out[..., 2])
        return torch.stack([low, median, high], dim=-1)


def pinball(forecast: Tensor, outcome: Tensor) -> Tensor:
    """Mean quantile loss (Koenker and Bassett, 1978)."""
    levels = torch.tensor(QUANTILES, device=forecast.device)
    error = outcome[..., None] - forecast
    return torch.maximum(levels * error, (levels - 1) * error).mean()
