"""The graph as a torch module. Imports torch: load it where torch is wanted only."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from engine.export.base import Array, Graph
from engine.training.network import CLIP


class Scorer(nn.Module):
    """`engine.export.base.Graph` in torch's words; constants are buffers, nothing is trained."""

    def __init__(self, graph: Graph) -> None:
        super().__init__()
        self.shift = _buffer(graph.shift)
        self.scale = _buffer(graph.scale)
        self.w1 = _buffer(graph.w1)
        self.b1 = _buffer(graph.b1)
        self.w2 = _buffer(graph.w2)
        self.gap = _buffer(graph.gap)
        self.is_index = graph.is_index
        self.threshold = graph.threshold
        self.clip = CLIP

    def forward(self, candidates: Tensor) -> tuple[Tensor, Tensor]:
        """`candidates[N, K, d]` float32 -> `scores[N, K]` float32, `action[N]` int64."""
        x = ((candidates.unsqueeze(2) - self.shift) / self.scale).clamp(-self.clip, self.clip)
        first = torch.relu(torch.matmul(x, self.w1) + self.b1)
        second = torch.relu(torch.matmul(first, self.w2))
        gaps = torch.matmul(second, self.gap).squeeze(3)
        if self.is_index:
            gaps = torch.sigmoid(gaps)
        scores = gaps.mean(2)
        if scores.size(1) == 1:
            return scores, (scores[:, 0] > self.threshold).to(torch.int64)
        return scores, scores.argmin(1)


def _buffer(array: Array) -> nn.Parameter:
    # Parameters, since scripting needs no names for them; freezing makes both constants.
    return nn.Parameter(torch.from_numpy(np.ascontiguousarray(array)), requires_grad=False)
