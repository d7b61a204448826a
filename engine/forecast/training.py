"""Training the network: pairs of windows and outcomes, early stopping, a bound in time.

Imported only by forecasters that need torch.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from engine.forecast.base import Config
from engine.forecast.network import Network, pinball

BATCH = 256
EPOCHS = 30
BATCHES_PER_EPOCH = 60
PATIENCE = 5
LEARNING_RATE = 5e-3
MOST_SECONDS = 60.0


class Windows:
    """Training pairs by number: origin x endpoint."""

    def __init__(self, seen: Tensor, wanted: Tensor, config: Config) -> None:
        self.endpoints = seen.shape[1]
        self.device = seen.device
        # unfold gives views: origin x endpoint x feature x window, without a copy.
        self._seen = seen.unfold(0, config.window, 1)
        self._wanted = wanted[config.window :].unfold(0, config.horizon, 1)
        self.origins = self._wanted.shape[0]

    def pick(self, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """Windows and their outcomes: B x window x feature, B x horizon x target."""
        origin, endpoint = numbers // self.endpoints, numbers % self.endpoints
        seen = self._seen[origin, endpoint].transpose(1, 2)
        return seen, self._wanted[origin, endpoint].transpose(1, 2)


def train(
    network: Network,
    windows: Windows,
    split: int,
    held_from: int,
    seed: int,
    beat: Callable[[float], None] | None,
) -> None:
    """Train on the origins before `split` until those from `held_from` on get no better."""
    draw = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    count = split * windows.endpoints
    held = torch.arange(held_from * windows.endpoints, windows.origins * windows.endpoints)
    held = held[torch.randperm(len(held), generator=draw)[: 4 * BATCH]].to(windows.device)
    best, best_state, worse = float("inf"), network.state_dict(), 0
    started = time.monotonic()
    for epoch in range(EPOCHS):
        order = torch.randperm(count, generator=draw)[: BATCH * BATCHES_PER_EPOCH]
        network.train()
        for numbers in torch.split(order, BATCH):
            seen, wanted = windows.pick(numbers.to(windows.device))
            optimiser.zero_grad()
            pinball(network(seen), wanted).backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            if beat is not None:
                beat((epoch + 0.5) / EPOCHS)
        network.eval()
        with torch.inference_mode():
            seen, wanted = windows.pick(held)
            loss = float(pinball(network(seen), wanted))
        if loss < best - 1e-4:
            best, worse = loss, 0
            best_state = {name: value.clone() for name, value in network.state_dict().items()}
        else:
            worse += 1
        if worse >= PATIENCE or time.monotonic() - started > MOST_SECONDS:
            break
    network.load_state_dict(best_state)
