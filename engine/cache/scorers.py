"""Scorers: what a resident or a newcomer is worth keeping; whoever scores lowest goes.

A kind is a number to compiled code. A new expert is a kind, a branch of `quick_worth`, a row of
UNTRAINED and a name in EXPERTS; the guard then runs a shadow for it. Classics, which have queues of
their own, are rows of `engine.cache.followed`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.cache import estimates
from engine.cache import history as memory
from engine.cache.history import History
from engine.cache.jit import compiled, helper
from engine.errors import ModelError
from engine.training.network import CLIP, EVICT, KEEP, Network

INDEX, GROUPED_INDEX, POPULARITY, REGRESSION, DIFFERENCE, WHITTLE = range(6)
"""Kinds: reuse index without and with the endpoints' table; count, with a little of the index; the
regression learned online; a network read at one rent or as a Whittle index."""

UNTRAINED: dict[str, int] = {
    "index": INDEX,
    "regression": REGRESSION,
    "grouped_index": GROUPED_INDEX,
    "popularity": POPULARITY,
}
"""Scorers that need no training, by name."""

EXPERTS = ("regression", "grouped_index", "popularity")
"""Rows of UNTRAINED that a guard runs beside the policy's own scorers; the index is none, since the
regression starts from it."""

_KINDS = {"difference": DIFFERENCE, "index": WHITTLE}


class Scorers(NamedTuple):
    """E scorers in arrays; networks smaller than the largest are padded with zeros.

    Args:
        kind: of each, int64[E].
        rents: log2 rents that a network is read at, NaN beyond the last, float32[E, R].
        rent_at: which feature is the rent, -1 where there is none, int64[E].
        w1: float32[E, d, h1]; b1: [E, h1]; w2: [E, h1, h2]; b2: [E, h2].
        w3: difference of the outputs, keep less evict, float32[E, h2]; b3: [E].
        mean: float32[E, d].
        scale: reciprocal of the networks' scale, float32[E, d].
        row: scratch, float32[d]; hidden: float32[3, max(h1, h2)].
    """

    kind: NDArray[np.int64]
    rents: NDArray[np.float32]
    rent_at: NDArray[np.int64]
    w1: NDArray[np.float32]
    b1: NDArray[np.float32]
    w2: NDArray[np.float32]
    b2: NDArray[np.float32]
    w3: NDArray[np.float32]
    b3: NDArray[np.float32]
    mean: NDArray[np.float32]
    scale: NDArray[np.float32]
    row: NDArray[np.float32]
    hidden: NDArray[np.float32]


def scorers(names: Sequence[str], networks: Mapping[str, Network], inputs: int) -> Scorers:
    """Arrays of the named scorers: networks, or rows of UNTRAINED.

    Raises:
        ModelError: a name is neither, or a network takes another number of features.
    """
    for name in names:
        if name not in networks and name not in UNTRAINED:
            raise ModelError(f"The model names a scorer {name!r} but holds no network for it.")
        if name in networks and networks[name].inputs != inputs:
            raise ModelError(
                f"The network {name!r} takes {networks[name].inputs} features, but the model "
                f"lists {inputs}; it is damaged or none of ours."
            )
    given = [networks.get(name) for name in names]
    count, h1, h2, most = len(names), *_largest(given)
    made = Scorers(
        kind=np.array([_kind(name, networks) for name in names], np.int64),
        rents=np.full((count, most), np.nan, np.float32),
        rent_at=np.full(count, -1, np.int64),
        w1=np.zeros((count, inputs, h1), np.float32),
        b1=np.zeros((count, h1), np.float32),
        w2=np.zeros((count, h1, h2), np.float32),
        b2=np.zeros((count, h2), np.float32),
        w3=np.zeros((count, h2), np.float32),
        b3=np.zeros(count, np.float32),
        mean=np.zeros((count, inputs), np.float32),
        scale=np.ones((count, inputs), np.float32),
        row=np.zeros(inputs, np.float32),
        hidden=np.zeros((3, max(h1, h2)), np.float32),
    )
    for at, network in enumerate(given):
        if network is not None:
            _put(made, at, network)
    return made


def _kind(name: str, networks: Mapping[str, Network]) -> int:
    return _KINDS[networks[name].readout] if name in networks else UNTRAINED[name]


def _largest(networks: Sequence[Network | None]) -> tuple[int, int, int]:
    there = [network for network in networks if network is not None]
    return (
        max((len(network.b1) for network in there), default=1),
        max((len(network.b2) for network in there), default=1),
        max((len(network.rents) for network in there), default=1) or 1,
    )


def _put(made: Scorers, at: int, network: Network) -> None:
    h1, h2 = len(network.b1), len(network.b2)
    rents = network.rents if network.readout == "index" else network.rents[:1]
    if network.rent_at >= 0 and rents:
        made.rents[at, : len(rents)] = rents
        made.rent_at[at] = network.rent_at
    made.w1[at, :, :h1], made.b1[at, :h1] = network.w1, network.b1
    made.w2[at, :h1, :h2], made.b2[at, :h2] = network.w2, network.b2
    made.w3[at, :h2] = network.w3[:, KEEP] - network.w3[:, EVICT]
    made.b3[at] = network.b3[KEEP] - network.b3[EVICT]
    made.mean[at], made.scale[at] = network.mean, 1.0 / network.scale


@helper
def is_network(which: Scorers, at: int) -> bool:
    """Whether scorer `at` is a network."""
    return bool(which.kind[at] >= DIFFERENCE)


@helper
def learns(which: Scorers, at: int) -> bool:
    """Whether scorer `at` learns from those it compared."""
    return bool(which.kind[at] == REGRESSION)


@helper
def quick_worth(which: Scorers, at: int, history: History, key: int, now: int) -> float:
    """What scorer `at` gives for keeping a remembered key; the reuse index stands for a network."""
    kind = which.kind[at]
    if kind == POPULARITY:
        return estimates.popularity_of(history, key, now)
    if kind == REGRESSION:
        return estimates.regression_of(history, key, now)
    return estimates.index_of(history, key, now, kind == GROUPED_INDEX)


@helper
def network_worth(which: Scorers, at: int, history: History, key: int, now: int) -> float:
    """What network `at` gives for keeping a remembered key."""
    memory.describe_key(history, key, now, which.row)
    return _network_score(which, at, which.row)


@compiled
def network_score(which: Scorers, at: int, row: NDArray[np.float32]) -> float:
    """What network `at` gives for a feature row, as `Network.scores` does."""
    return _network_score(which, at, row)


@helper
def _network_score(which: Scorers, at: int, row: NDArray[np.float32]) -> float:
    rent_at = which.rent_at[at]
    _first_layer(which, at, row, rent_at)
    if rent_at < 0:
        return _gap(which, at, which.hidden[0])
    total, count = 0.0, 0
    for rent in which.rents[at]:
        if math.isnan(rent):
            break
        raised = row[rent_at] + rent
        value = np.float32(_normal(which.mean[at], which.scale[at], rent_at, raised))
        for unit in range(which.b1.shape[1]):
            which.hidden[1, unit] = which.hidden[0, unit] + value * which.w1[at, rent_at, unit]
        gap = _gap(which, at, which.hidden[1])
        total += 1.0 / (1.0 + math.exp(-gap)) if which.kind[at] == WHITTLE else gap
        count += 1
    return total / count


@helper
def _normal(
    mean: NDArray[np.float32], scale: NDArray[np.float32], feature: int, value: float
) -> float:
    normal = (value - mean[feature]) * scale[feature]
    return float(min(max(normal, -CLIP), CLIP))


@helper
def _first_layer(which: Scorers, at: int, row: NDArray[np.float32], skipped: int) -> None:
    """All but the rent, which differs between readings, into hidden[0]."""
    hidden, weights = which.hidden[0], which.w1[at]
    units = which.b1.shape[1]
    for unit in range(units):
        hidden[unit] = which.b1[at, unit]
    for feature in range(len(row)):
        if feature == skipped:
            continue
        value = np.float32(_normal(which.mean[at], which.scale[at], feature, row[feature]))
        for unit in range(units):
            hidden[unit] += value * weights[feature, unit]


@helper
def _gap(which: Scorers, at: int, first: NDArray[np.float32]) -> float:
    """Keep less evict, from the first layer's sums."""
    hidden, weights = which.hidden[2], which.w2[at]
    units = which.b2.shape[1]
    for unit in range(units):
        hidden[unit] = which.b2[at, unit]
    for below in range(which.b1.shape[1]):
        # No branch: whether a unit is active cannot be foreseen.
        value = max(first[below], np.float32(0))
        for unit in range(units):
            hidden[unit] += value * weights[below, unit]
    gap = which.b3[at]
    for unit in range(units):
        gap += max(hidden[unit], np.float32(0)) * which.w3[at, unit]
    return float(gap)
