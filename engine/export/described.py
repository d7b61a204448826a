"""What a consumer must know of a policy besides its graph, in the words of metadata.json."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.cache.features import BASE, FEATURES
from engine.export.base import Array, Graph, Subject, graph_of
from engine.export.serving.policy import Decider
from engine.models.registry import plain
from engine.training.network import CLIP
from engine.training.policy import PolicySpec

FORMAT = 1


def described(subject: Subject) -> dict[str, Any]:
    """The content of metadata.json but for checksums and golden rows."""
    spec, scorer = subject.policy.spec, subject.scorer
    return {
        "format": FORMAT,
        "model": plain(subject.about),
        "network": subject.network,
        "input": {
            "name": "candidates",
            "type": "float32",
            "shape": ["N", "K", scorer.inputs],
            "normalisation": f"inside the graph: (x - mean) / scale, clipped to +-{CLIP:g}",
        },
        "outputs": [
            {"name": "scores", "type": "float32", "shape": ["N", "K"], "meaning": "worth keeping"},
            {"name": "action", "type": "int64", "shape": ["N"], "meaning": "see actions"},
        ],
        "actions": {
            "K > 1": "number of the candidate to evict: the one with the lowest score",
            "K = 1": {"0": "evict, or do not admit", "1": "keep: the score is above threshold"},
            "threshold": scorer.threshold,
        },
        "features": _features(spec.features),
        "fill": [float(value) for value in scorer.mean[BASE:]],
        "readout": msgspec.to_builtins(spec.readouts[subject.network]),
        "cache": _cache(spec),
        "training": _training(spec),
    }


def decider(subject: Subject) -> Decider:
    """The policy as the serving file knows it, computed by NumPy alone."""
    return Decider(described(subject), _Runner(graph_of(subject.scorer)))


class _Runner:
    """Scores and actions of a graph. One row takes a few microseconds, so nothing is repeated.

    Division by the scale is in the first layer's weights. What is added or compared has the shape
    of one row's values or none at all: NumPy then need not find out how to spread it.
    """

    def __init__(self, graph: Graph) -> None:
        rents, self._width = graph.shift.shape
        self._shift = graph.shift[None]
        self._high = np.repeat(CLIP * graph.scale[None, None], rents, 1).astype(np.float32)
        self._low = -self._high
        self._w1 = graph.w1 / graph.scale[:, None]
        self._b1 = np.repeat(graph.b1[None, None], rents, 1)
        self._w2 = graph.w2
        # sigmoid(x) = 0.5 + 0.5 * tanh(x / 2), and the hyperbolic tangent never overflows.
        self._gap = graph.gap[:, 0] * np.float32(0.5 if graph.is_index else 1.0)
        self._share = np.full(rents, 0.5 / rents, np.float32)
        self._zero, self._half = np.array(0, np.float32), np.array(0.5, np.float32)
        self._threshold = np.array(graph.threshold, np.float32)
        self._is_index = graph.is_index

    def __call__(
        self, candidates: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """`candidates[N, K, d]` -> `scores[N, K]`, `action[N]`."""
        decisions, each, width = candidates.shape
        scores = self._scores(candidates.reshape(-1, 1, width))
        if each == 1:
            return scores.reshape(decisions, 1), (scores > self._threshold).astype(np.int64)
        scores = scores.reshape(decisions, each)
        return scores, scores.argmin(1)

    def _scores(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """`rows[n, 1, d]` -> float32[n]."""
        x = rows - self._shift
        np.maximum(x, self._low, out=x)
        np.minimum(x, self._high, out=x)
        first: Any = x.reshape(-1, self._width).dot(self._w1).reshape(-1, *self._b1.shape[1:])
        first += self._b1
        np.maximum(first, self._zero, out=first)
        second: Any = first.reshape(-1, first.shape[2]).dot(self._w2)
        np.maximum(second, self._zero, out=second)
        scores: Array = second.dot(self._gap)
        if self._is_index:
            np.tanh(scores, out=scores)
            scores = scores.reshape(-1, len(self._share)).dot(self._share)
            scores += self._half
        return scores


def _training(spec: PolicySpec) -> dict[str, Any]:
    """The specification without the path of the file it was trained on: that is nobody else's."""
    told: dict[str, Any] = plain(msgspec.to_builtins(spec))
    told["data"].pop("asked", None)
    return told


def _cache(spec: PolicySpec) -> dict[str, Any]:
    return {
        "capacity": spec.capacity,
        "unit": "bytes" if spec.by_bytes else "results",
        "lifetime": spec.lifetime,
        "window": spec.window,
        "sample": spec.sample,
        "pool": spec.pool,
        "asked": spec.asked,
        "history": spec.history,
    }


def _features(names: tuple[str, ...]) -> list[dict[str, str]]:
    """Every input with type, unit and meaning; all but base features are columns of a trace."""
    known = {feature.name: feature for feature in FEATURES}
    return [
        {"name": name, "type": "float32"}
        | (
            {"unit": known[name].unit, "meaning": known[name].meaning}
            if name in known
            else {"unit": "as recorded", "meaning": "column of the trace, at the last request"}
        )
        for name in names
    ]
