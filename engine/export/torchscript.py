"""policy.pt: the graph as TorchScript, for libtorch in C++ and whatever builds on it."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from pathlib import Path

from engine.export.base import Exporter, Subject

KNOWN = r"`torch\.jit\.(script|freeze|save|load|trace|script_method)` is (deprecated|not supported)"
"""What torch says of TorchScript's future. `policy.onnx` is the answer, so it is no news here."""


class TorchScript(Exporter):
    """The graph frozen: `forward(candidates[N, K, d]) -> (scores[N, K], action[N])`."""

    file = "policy.pt"

    def write(self, subject: Subject, folder: Path) -> None:
        """Script, freeze and write the graph."""
        import torch

        from engine.export.torch_module import Scorer

        with without_known_warnings():
            scripted = torch.jit.freeze(torch.jit.script(Scorer(subject.graph).eval()))
            torch.jit.save(scripted, str(folder / self.file))


@contextlib.contextmanager
def without_known_warnings() -> Iterator[None]:
    """Silence exactly the deprecation of TorchScript's own functions."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", KNOWN, DeprecationWarning)
        yield
