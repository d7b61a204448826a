"""metadata.json: what a consumer must know besides the graph, and how to check it.

Golden rows are scored by `engine.training.network`, which knows nothing of any graph.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from engine.export.base import Array, Exporter, Subject
from engine.export.described import described
from engine.models.files import fingerprint
from engine.training.network import Network

_GOLDEN = (("several candidates", 4), ("one candidate", 1))
_DECISIONS = 16
_CLEAR = 1e-3
"""Golden decisions are not ties: one rounding more on another machine must not turn them."""


class Manifest(Exporter):
    """Features, actions, cache, training, checksums of the other files and golden rows."""

    file = "metadata.json"

    def write(self, subject: Subject, folder: Path) -> None:
        """Write what is known; every other file must be there already."""
        others = sorted(path for path in folder.iterdir() if path.name != self.file)
        told = described(subject) | {
            "exported_at": time.time(),
            "files": {path.name: msgspec.to_builtins(fingerprint(path)) for path in others},
            "golden": [golden(subject.scorer, *kind) for kind in _GOLDEN],
        }
        (folder / self.file).write_bytes(msgspec.json.format(msgspec.json.encode(told), indent=1))


def golden(network: Network, kind: str, each: int) -> dict[str, Any]:
    """Decisions between `each` candidates, with the scores that the trained network gives."""
    drawn = np.random.default_rng(each).normal(size=(4 * _DECISIONS, each, network.inputs))
    rows: Array = (network.mean + network.scale * drawn).astype(np.float32)
    scores = network.scores(rows.reshape(-1, network.inputs)).reshape(rows.shape[:2])
    ordered = np.sort(scores, axis=1)
    clear = ordered[:, 1] - ordered[:, 0] if each > 1 else abs(scores[:, 0] - network.threshold)
    chosen = np.flatnonzero(clear > _CLEAR)[:_DECISIONS]
    action = scores.argmin(1) if each > 1 else scores[:, 0] > network.threshold
    return {
        "kind": kind,
        "candidates": rows[chosen].tolist(),
        "scores": scores[chosen].tolist(),
        "action": action[chosen].astype(int).tolist(),
    }
