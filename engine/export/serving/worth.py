"""What a hit is worth over the space its result takes, as the policy was trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

_FLOOR = 2.0**-10


class Known(Protocol):
    """What is known of a result."""

    @property
    def size(self) -> float | None:
        """Bytes."""

    @property
    def load_time_ms(self) -> float | None:
        """What loading it took."""

    @property
    def columns(self) -> Mapping[str, float]:
        """Values of chosen columns."""


class Worth:
    """The value of a hit: a weighted sum of metrics over their training means.

    Args:
        told: `training.value` of metadata.json.
    """

    def __init__(self, told: Mapping[str, Any]) -> None:
        self._terms = {str(name): float(weight) for name, weight in told["terms"].items()}
        self._limit = float(told["limit"])
        self.space = float(told["space"])

    def density(
        self, size: float | None, load_time_ms: float | None, columns: Mapping[str, float]
    ) -> float:
        """The value of a hit over the space taken, both relative to the training part's mean."""
        if not self._terms:
            value = 1.0
        else:
            known = {"load_time_ms": load_time_ms, "size_bytes": size, "hit": 1.0, **columns}
            total = sum(weight * (known.get(name) or 0.0) for name, weight in self._terms.items())
            value = min(max(float(np.nan_to_num(total)), _FLOOR), self._limit or np.inf)
        return value * (self.space / (size or self.space)) if self.space else value

    def missing(self, known: Known, columns: Sequence[str]) -> list[str]:
        """What the policy was trained on and is not known of a result."""
        wanted = [*columns, *(name for name in self._terms if name != "hit")]
        given: dict[str, Any] = {
            "load_time_ms": known.load_time_ms,
            "size_bytes": known.size,
            **known.columns,
        }
        return [name for name in wanted if given.get(name) is None]
