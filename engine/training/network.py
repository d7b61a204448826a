"""A trained scorer as plain arrays: what SB3 learned, without SB3 and torch.

Simulator, exports and the live loop all read this one form, so that they cannot differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.errors import ModelError

Array = NDArray[np.float32]

CLIP = 10.0
"""Normalised features are clipped to plus and minus this."""

_SURE = 700.0
"""The sigmoid of more is 1, and of less than its negative 0; of much more, exp overflows."""

EVICT, KEEP = 0, 1
"""The two actions, in the order of the network's outputs."""

_MOST = float(np.finfo(np.float32).max) / 2
"""Both outputs stay below it, so that their difference is a number."""

_ARRAYS = ("w1", "b1", "w2", "b2", "w3", "b3", "mean", "scale")


@dataclass(frozen=True, slots=True)
class Network:
    """A multilayer perceptron d -> h1 -> h2 -> 2 with ReLU, its input normalised inside.

    Args:
        w1: float32[d, h1]; w2: [h1, h2]; w3: [h2, 2]; b1, b2, b3: biases.
        mean: float32[d], subtracted from the features.
        scale: float32[d], then divided by; the result is clipped to +-CLIP.
        readout: "difference" (score = output[KEEP] - output[EVICT] at the first rent) or "index"
            (mean over the rents of the sigmoid of that difference: a Whittle index).
        rents: log2 rents, added to feature `rent_at` before scoring.
        rent_at: which feature is the rent; -1 where there is none. A row holds there the item's
            price: log2 of the space it takes over what its hit is worth, 0 where all are equal.
            One rent for all is then dearer for an item that is large or worth little.
    """

    w1: Array
    b1: Array
    w2: Array
    b2: Array
    w3: Array
    b3: Array
    mean: Array
    scale: Array
    readout: str = "difference"
    rents: tuple[float, ...] = ()
    rent_at: int = -1

    @property
    def inputs(self) -> int:
        """Number of features d."""
        return len(self.mean)

    @property
    def threshold(self) -> float:
        """The score above which a single item is worth its place."""
        is_probability = self.readout == "index" and bool(self.rents) and self.rent_at >= 0
        return 0.5 if is_probability else 0.0

    def outputs(self, rows: Array) -> Array:
        """Both outputs for feature rows float32[n, d] -> float32[n, 2].

        Raises:
            ModelError: the rows have another number of features.
        """
        if rows.ndim != 2 or rows.shape[1] != self.inputs:
            raise ModelError(
                f"The model takes rows of {self.inputs} features, got shape {rows.shape}; "
                "give its feature columns in their order."
            )
        x = np.clip((rows - self.mean) / self.scale, -CLIP, CLIP).astype(np.float32)
        x = np.maximum(x @ self.w1 + self.b1, 0)
        x = np.maximum(x @ self.w2 + self.b2, 0)
        return np.asarray(x @ self.w3 + self.b3, np.float32)

    def scores(self, rows: Array) -> NDArray[np.float32]:
        """The worth of keeping each row's item, float32[n]; the lowest is evicted first."""
        if not self.rents or self.rent_at < 0:
            out = self.outputs(rows)
            return np.asarray(out[:, KEEP] - out[:, EVICT])
        rents = self.rents if self.readout == "index" else self.rents[:1]
        total = np.zeros(len(rows), np.float64)
        for rent in rents:
            at = rows.copy()
            at[:, self.rent_at] += rent
            out = self.outputs(at)
            gap = (out[:, KEEP] - out[:, EVICT]).astype(np.float64)
            sure = np.clip(gap, -_SURE, _SURE)
            total += 1.0 / (1.0 + np.exp(-sure)) if self.readout == "index" else gap
        return np.asarray(total / len(rents), np.float32)

    def arrays(self) -> dict[str, Array]:
        """The arrays by name, as safetensors keep them."""
        return {name: getattr(self, name) for name in _ARRAYS}


def _largest_output(arrays: Mapping[str, Array]) -> float:
    """A bound of what any layer can give, since the inputs are clipped."""
    most, largest = np.full(len(arrays["mean"]), CLIP), 0.0
    for layer in "123":
        weights, biases = (np.abs(arrays[name + layer].astype(np.float64)) for name in "wb")
        most = most @ weights + biases
        largest = max(largest, float(most.max()))
    return largest


def network_from(
    arrays: Mapping[str, Array], readout: str, rents: tuple[float, ...], rent_at: int
) -> Network:
    """A network of stored arrays.

    Raises:
        ModelError: an array is missing, not finite, too large to reckon with, or its shape does
            not fit the others.
    """
    missing = [name for name in _ARRAYS if name not in arrays]
    if missing:
        raise ModelError(f"The model lacks {', '.join(missing)}; it is damaged or none of ours.")
    given = {name: np.ascontiguousarray(arrays[name], np.float32) for name in _ARRAYS}
    d, h1, h2 = len(given["mean"]), len(given["b1"]), len(given["b2"])
    wanted = {
        "w1": (d, h1),
        "b1": (h1,),
        "w2": (h1, h2),
        "b2": (h2,),
        "w3": (h2, 2),
        "b3": (2,),
        "mean": (d,),
        "scale": (d,),
    }
    for name, shape in wanted.items():
        if given[name].shape != shape:
            raise ModelError(f"The model's {name} has shape {given[name].shape}, not {shape}.")
        if not np.isfinite(given[name]).all():
            raise ModelError(f"The model's {name} holds a value that is no finite number.")
    if (given["scale"] <= 0).any():
        raise ModelError("The model's scale holds a value that is not above zero.")
    if not _largest_output(given) < _MOST:
        raise ModelError(
            "The model's weights are so large that its scores overflow; it is damaged or none of "
            "ours."
        )
    return Network(**given, readout=readout, rents=rents, rent_at=rent_at)
