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
    """A network as its graph computes it, in as few operations as it takes: each has its price.

    With x = clip((features - shift) / scale), once a rent, the gap is
    relu(relu(x @ w1 + b1) @ w2) @ gap, the second output (keep) minus the first (evict). The last
    unit of each hidden layer is always 1, so that its weights are the next layer's biases. The
    score is the mean of the gap's sigmoid over the rents where `is_index`, else the gap itself.

    Args:
        shift: mean less the rent, float32[R, d]; R is 1 where the network has no rents.
        scale: float32[d]; w1: [d, h1 + 1]; b1: [h1 + 1]; w2: [h1 + 1, h2 + 1].
        gap: float32[h2 + 1, 1], the last layer's difference.
        is_index: whether the score is a mean probability.
    """

    shift: Array
    scale: Array
    w1: Array
    b1: Array
    w2: Array
    gap: Array
    is_index: bool

    @property
    def threshold(self) -> float:
        """Scores above it mean that a single candidate is kept."""
        return 0.5 if self.is_index else 0.0


def graph_of(network: Network) -> Graph:
    """The graph of a network."""
    has_rent = bool(network.rents) and network.rent_at >= 0
    is_index = has_rent and network.readout == "index"
    rents = network.rents if is_index else network.rents[: int(has_rent)]
    shift = np.repeat(network.mean[None], max(1, len(rents)), 0)
    if has_rent:
        shift[:, network.rent_at] -= np.array(rents, np.float32)
    h1, h2 = network.w2.shape
    w2 = np.zeros((h1 + 1, h2 + 1), np.float32)
    w2[:h1, :h2], w2[h1, :h2], w2[h1, h2] = network.w2, network.b2, 1.0
    last = np.vstack((network.w3, network.b3))
    return Graph(
        shift=shift,
        scale=network.scale,
        w1=np.pad(network.w1, ((0, 0), (0, 1))),
        b1=np.append(network.b1, np.float32(1.0)),
        w2=w2,
        gap=np.ascontiguousarray(last[:, KEEP : KEEP + 1] - last[:, EVICT : EVICT + 1]),
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
