"""Eight-bit weights: the same network smaller, and whether that is any faster here.

Imported only by forecasters that need torch.
"""

from __future__ import annotations

import time
import warnings

import torch
from torch import nn

from engine.forecast.features import FEATURES
from engine.forecast.network import Network


def quantise(network: Network) -> nn.Module:
    """The same network with eight-bit weights (dynamic quantisation)."""
    from torch.ao.quantization import quantize_dynamic

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecated in favour of a package we do not need
        small: nn.Module = quantize_dynamic(  # type: ignore[no-untyped-call]
            network, {nn.LSTM, nn.Linear}, dtype=torch.qint8
        )
    return small


def quantised_ratio(network: nn.Module, small: nn.Module, endpoints: int, window: int) -> float:
    """Time of a quantised forecast divided by that of a plain one, the best of several each."""
    batch = torch.zeros(endpoints, window, FEATURES)

    def best_of(model: nn.Module) -> float:
        times = []
        for _ in range(12):
            started = time.perf_counter()
            model(batch)
            times.append(time.perf_counter() - started)
        return min(times)

    with torch.inference_mode():
        return best_of(small) / best_of(network)
