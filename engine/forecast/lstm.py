"""An LSTM over the series of all endpoints (Hochreiter and Schmidhuber, 1997).

One network learns from every endpoint, so that a rare one profits from the busy ones; each is
normalised by its own figures. It gives quantiles (0.1, 0.5, 0.9) of all coming intervals at once.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from torch import nn

from engine.errors import CheckpointError, ModelNotFitted
from engine.forecast import checkpoint
from engine.forecast.base import Config, Forecast, Forecaster, Series
from engine.forecast.features import Scale, fit_scales, inputs, scale_array, targets, undo
from engine.forecast.network import Network
from engine.forecast.quantised import quantise, quantised_ratio
from engine.forecast.training import Windows, train

VALIDATION_SHARE = 0.15

WORTHWHILE = 0.9
"""Quantised inference is used when it takes at most this share of the plain time."""


class LSTMForecaster(Forecaster):
    """Quantile LSTM, seeded, on one thread; CUDA trains where it is there."""

    name = "lstm"

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._scales: dict[str, Scale] = {}
        self._network: Network | None = None
        self._serving: nn.Module | None = None
        self.quantised_ratio: float | None = None

    @property
    def least(self) -> int:
        """Some windows to learn from and some to stop by."""
        return self.config.learned

    @property
    def is_quantised(self) -> bool:
        """Whether inference runs on eight-bit weights."""
        return self._serving is not None and self._serving is not self._network

    def fit(self, series: Series, beat: Callable[[float], None] | None = None) -> None:
        """Train on the older part, stop when the newer part of it gets no better."""
        if len(series) < self.least:
            raise ModelNotFitted(
                f"The LSTM needs {self.least} intervals to learn from and there are {len(series)}; "
                "wait for more requests or shorten forecast.window."
            )
        torch.manual_seed(self.config.seed)
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        network = Network(self.config.hidden_size, self.config.layers, self.config.horizon)
        network.to(device)
        span = self.config.window + self.config.horizon
        origins = len(series) - span + 1
        # Validation windows start behind the last training outcome: no value is in both.
        held = max(1, int(origins * VALIDATION_SHARE))
        split = max(1, origins - held - self.config.horizon)
        self._scales = fit_scales(series.until(split + span - 1))
        scales = scale_array(series, self._scales, self.config.window)
        seen = torch.from_numpy(inputs(series, scales, self.config)).to(device)
        wanted = torch.from_numpy(targets(series, scales)).to(device)
        windows = Windows(seen, wanted, self.config)
        train(network, windows, split, origins - held, self.config.seed, beat)
        self._network = network.cpu().eval()
        self._choose_serving(len(series.endpoints))

    def forecast(self, series: Series, horizon: int) -> Forecast:
        """Quantiles of the next intervals; beyond the trained horizon the last one is repeated."""
        if self._serving is None:
            raise ModelNotFitted("The LSTM has not been trained; use the last value until it is.")
        if not series.endpoints:
            empty = np.zeros((horizon, 0))
            return Forecast(empty, empty, empty, empty, empty, empty)
        scales = scale_array(series, self._scales, self.config.window)
        seen = inputs(_recent(series, self.config.window), scales, self.config)
        if len(seen) < self.config.window:
            seen = np.concatenate([np.repeat(seen[:1], self.config.window - len(seen), 0), seen])
        with torch.inference_mode():
            out = self._serving(torch.from_numpy(np.ascontiguousarray(seen.transpose(1, 0, 2))))
        steps = np.minimum(np.arange(horizon), self.config.horizon - 1)
        values = out.numpy().astype(np.float64).transpose(1, 0, 2, 3)[steps]
        (low, low_ms), (mean, mean_ms), (high, high_ms) = (
            undo(values[..., level], scales) for level in range(3)
        )
        return Forecast(mean, low, high, mean_ms, low_ms, high_ms)

    def save(self, path: Path) -> None:
        """Write tensors and figures, whole or not at all."""
        if self._network is None:
            raise ModelNotFitted("The LSTM has not been trained, so there is nothing to save.")
        buffer = io.BytesIO()
        torch.save(self._network.state_dict(), buffer)
        meta = {
            "name": self.name,
            "config": msgspec.to_builtins(self.config),
            "scales": self._scales,
        }
        checkpoint.write(path, meta, buffer.getvalue())

    def restore(self, path: Path) -> None:
        """Read tensors alone (never pickled code); shape and season must be those asked for."""
        meta, blob = checkpoint.read(path)
        try:
            config = msgspec.convert(meta["config"], Config)
            scales = msgspec.convert(meta["scales"], dict[str, Scale])
            if meta["name"] != self.name or _shape(config) != _shape(self.config):
                raise CheckpointError(
                    f"The checkpoint {path.name} was trained with other tunables; the next "
                    "training replaces it."
                )
            network = Network(config.hidden_size, config.layers, config.horizon)
            state: Any = torch.load(io.BytesIO(blob), map_location="cpu", weights_only=True)
            network.load_state_dict(state)
        except CheckpointError:
            raise
        except (KeyError, ValueError, RuntimeError, EOFError, msgspec.ValidationError):
            raise CheckpointError(
                f"The checkpoint {path.name} does not fit this version; the next training "
                "replaces it."
            ) from None
        self._scales, self._network = scales, network.eval()
        self._choose_serving(max(len(scales), 1))

    def _choose_serving(self, endpoints: int) -> None:
        """Eight-bit weights where they are asked for, or measurably faster."""
        network = self._network
        if network is None:
            raise ModelNotFitted("The LSTM has not been trained.")
        self._serving = network
        if self.config.quantised == "off":
            return
        small = quantise(network)
        self.quantised_ratio = quantised_ratio(network, small, endpoints, self.config.window)
        if self.config.quantised == "on" or self.quantised_ratio <= WORTHWHILE:
            self._serving = small


def _shape(config: Config) -> tuple[float, ...]:
    return (
        config.interval_s,
        config.horizon,
        config.window,
        config.season,
        config.hidden_size,
        config.layers,
    )


def _recent(series: Series, window: int) -> Series:
    return Series(
        series.endpoints,
        series.demand[-window:],
        series.load_time_ms[-window:],
        series.interval_s,
        series.end,
    )
