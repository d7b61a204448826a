"""metadata.json: what a consumer must know besides the graph, and how to check it.

Golden rows are scored by `engine.training.network`, which knows nothing of any graph.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from engine.cache.features import BASE, FEATURES
from engine.export.base import Array, Exporter, Subject
from engine.models.files import fingerprint
from engine.models.registry import plain
from engine.training.network import CLIP, Network

FORMAT = 1

_GOLDEN = (("several candidates", 4), ("one candidate", 1))
_DECISIONS = 16
_CLEAR = 1e-3
"""Golden decisions are not ties: one rounding more on another machine must not turn them."""


class Manifest(Exporter):
    """Features, actions, cache, training, checksums of the other files and golden rows."""

    file = "metadata.json"

    def write(self, subject: Subject, folder: Path) -> None:
        """Write what is known; every other file must be there already."""
        told = msgspec.json.format(msgspec.json.encode(manifest(subject, folder)), indent=1)
        (folder / self.file).write_bytes(told)


def manifest(subject: Subject, folder: Path) -> dict[str, Any]:
    """The content of metadata.json."""
    spec, scorer = subject.policy.spec, subject.scorer
    others = sorted(path for path in folder.iterdir() if path.name != Manifest.file)
    return {
        "format": FORMAT,
        "exported_at": time.time(),
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
            "threshold": subject.graph.threshold,
        },
        "features": features(spec.features),
        "readout": msgspec.to_builtins(spec.readouts[subject.network]),
        "cache": {
            "capacity": spec.capacity,
            "unit": "bytes" if spec.by_bytes else "results",
            "lifetime": spec.lifetime,
            "window": spec.window,
            "sample": spec.sample,
            "pool": spec.pool,
            "history": spec.history,
        },
        "training": plain(msgspec.to_builtins(spec)),
        "files": {path.name: msgspec.to_builtins(fingerprint(path)) for path in others},
        "golden": [golden(scorer, *kind, subject.graph.threshold) for kind in _GOLDEN],
    }


def features(names: tuple[str, ...]) -> list[dict[str, str]]:
    """Every input in its order, with type, unit and meaning; all but base features are columns."""
    known = {feature.name: feature for feature in FEATURES[:BASE]}
    return [
        {"name": name, "type": "float32"}
        | (
            {"unit": known[name].unit, "meaning": known[name].meaning}
            if name in known
            else {"unit": "as recorded", "meaning": "column of the trace, at the last request"}
        )
        for name in names
    ]


def golden(network: Network, kind: str, each: int, threshold: float) -> dict[str, Any]:
    """Decisions between `each` candidates, with the scores that the trained network gives."""
    drawn = np.random.default_rng(each).normal(size=(4 * _DECISIONS, each, network.inputs))
    rows: Array = (network.mean + network.scale * drawn).astype(np.float32)
    scores = network.scores(rows.reshape(-1, network.inputs)).reshape(rows.shape[:2])
    ordered = np.sort(scores, axis=1)
    clear = ordered[:, 1] - ordered[:, 0] if each > 1 else np.abs(scores[:, 0] - threshold)
    chosen = np.flatnonzero(clear > _CLEAR)[:_DECISIONS]
    action = scores.argmin(1) if each > 1 else scores[:, 0] > threshold
    return {
        "kind": kind,
        "candidates": rows[chosen].tolist(),
        "scores": scores[chosen].tolist(),
        "action": action[chosen].astype(int).tolist(),
    }
