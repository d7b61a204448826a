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

_ONE = np.float32(1.0)


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
        "training": plain(msgspec.to_builtins(spec)),
    }


def decider(subject: Subject) -> Decider:
    """The policy as the serving file knows it, computed by NumPy alone."""
    return Decider(described(subject), _Runner(graph_of(subject.scorer)))


class _Runner:
    """Scores and actions of a graph. One row takes a few microseconds, so nothing is repeated."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._slope: Array = np.float32(1.0) / graph.scale
        at = graph.rent_at
        self._rent = slice(at, at + 1)
        self._has_rent = bool(graph.w1_rent.any())
        self._gap = graph.gap[:, 0]

    def __call__(
        self, candidates: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """`candidates[N, K, d]` -> `scores[N, K]`, `action[N]`."""
        decisions, each, width = candidates.shape
        scores = self._scores(candidates.reshape(-1, width)).reshape(decisions, each)
        if each == 1:
            return scores, (scores[:, 0] > self._graph.threshold).astype(np.int64)
        return scores, scores.argmin(1)

    def _scores(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        graph = self._graph
        x = (rows - graph.mean) * self._slope
        np.minimum(np.maximum(x, -CLIP, out=x), CLIP, out=x)
        first: Any = x @ graph.w1
        first += graph.b1
        if not self._has_rent:
            return self._gaps(first)
        at = self._rent
        z = (rows[:, at] + graph.rents - graph.mean[at]) * self._slope[at]
        np.minimum(np.maximum(z, -CLIP, out=z), CLIP, out=z)
        each: Any = first[:, None, :] + z[:, :, None] * graph.w1_rent
        gaps: Any = self._gaps(each.reshape(-1, each.shape[2])).reshape(z.shape)
        if graph.is_index:
            gaps = _ONE / (_ONE + np.exp(-gaps))
        return np.asarray(gaps.mean(1), np.float32)

    def _gaps(self, first: NDArray[np.float32]) -> NDArray[np.float32]:
        np.maximum(first, 0, out=first)
        second: Any = first @ self._graph.w2
        second += self._graph.b2
        np.maximum(second, 0, out=second)
        gaps: Array = second @ self._gap + self._graph.gap_bias
        return gaps


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
