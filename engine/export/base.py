"""What an exporter is, and the one form of a network from which every graph is written."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from engine.training.network import EVICT, KEEP, Network
from engine.training.policy import TrainedPolicy

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Graph:
    """A network as its graph computes it: only what depends on the rent is done once a rent.

    With x = clip((features - mean) / scale) and z = the same of feature `rent_at` plus each of R
    rents, the first layer is relu(x @ w1 + b1 + z * w1_rent), where `w1` has zeros for the rent.
    The gap is the second output (keep) minus the first (evict); the score is the mean of its
    sigmoid over the rents where `is_index`, else the gap itself.

    Args:
        mean: float32[d]; scale: float32[d]; w1: [d, h1]; b1: [h1]; w2: [h1, h2]; b2: [h2].
        gap: float32[h2, 1], the last layer's difference; gap_bias: its bias, float32[1].
        rents: float32[R]; [0] where the network has none.
        w1_rent: float32[h1], zeros where the network has no rent.
        rent_at: the rent's feature; 0 where there is none (its weight is then zero).
        is_index: whether the score is a mean probability.
    """

    mean: Array
    scale: Array
    w1: Array
    b1: Array
    w2: Array
    b2: Array
    gap: Array
    gap_bias: Array
    rents: Array
    w1_rent: Array
    rent_at: int
    is_index: bool

    @property
    def threshold(self) -> float:
        """Scores above it mean that a single candidate is kept."""
        return 0.5 if self.is_index else 0.0


def graph_of(network: Network) -> Graph:
    """The graph of a network."""
    has_rent = bool(network.rents) and network.rent_at >= 0
    is_index = has_rent and network.readout == "index"
    rents = network.rents if is_index else network.rents[:1]
    w1, w1_rent = network.w1.copy(), np.zeros_like(network.b1)
    if has_rent:
        w1_rent = network.w1[network.rent_at].copy()
        w1[network.rent_at] = 0
    return Graph(
        mean=network.mean,
        scale=network.scale,
        w1=w1,
        b1=network.b1,
        w2=network.w2,
        b2=network.b2,
        gap=np.ascontiguousarray(network.w3[:, KEEP : KEEP + 1] - network.w3[:, EVICT : EVICT + 1]),
        gap_bias=network.b3[KEEP : KEEP + 1] - network.b3[EVICT : EVICT + 1],
        rents=np.array(rents if has_rent else (0.0,), np.float32),
        w1_rent=w1_rent,
        rent_at=network.rent_at if has_rent else 0,
        is_index=is_index,
    )


@dataclass(frozen=True, slots=True)
class Subject:
    """What is exported.

    Args:
        policy: the trained policy.
        network: name of the network that becomes the graph.
        about: what the registry knows of it (number, name, evaluation …), as JSON.
    """

    policy: TrainedPolicy
    network: str
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def scorer(self) -> Network:
        """The network that becomes the graph."""
        return self.policy.networks[self.network]

    @property
    def graph(self) -> Graph:
        """Its graph."""
        return graph_of(self.scorer)


class Exporter(ABC):
    """Writes one file of an export."""

    file: ClassVar[str]

    @abstractmethod
    def write(self, subject: Subject, folder: Path) -> None:
        """Write `file` into an existing folder.

        Raises:
            OSError: the disk refuses.
        """
