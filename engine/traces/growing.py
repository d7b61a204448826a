"""Arrays that grow with the numbers given out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def grown(values: NDArray[Any], count: int, fill: float) -> NDArray[Any]:
    """`values` with room for `count`, new places filled; itself if it has it.

    The room doubles, so that growing costs no more than filling.
    """
    if count <= len(values):
        return values
    larger = np.full(max(count, 2 * len(values), 1024), fill, values.dtype)
    larger[: len(values)] = values
    return larger
