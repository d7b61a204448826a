"""The compiled history's way of counting a request, callable from Python."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.cache import history as memory
from engine.cache.history import History
from engine.cache.jit import compiled


@compiled
def note(
    history: History, key: int, group: int, size: int, worth: float, columns: NDArray[np.float32]
) -> None:
    memory.note(history, key, group, size, worth, columns)
