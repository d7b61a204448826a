"""Numbers for values by their first appearance, in memory bounded by the distinct ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray


class Codes:
    """Gives each distinct value the next free number.

    Args:
        shape: what a value is kept as (masked, hashed); values of one shape have one number.
        on_new: told the value of each new number before its shaping.
    """

    def __init__(
        self,
        shape: Callable[[Any], Any] | None = None,
        on_new: Callable[[Any], None] | None = None,
    ) -> None:
        self._numbers: dict[Any, int] = {}
        self._shape = shape
        self._on_new = on_new

    def __len__(self) -> int:
        return len(self._numbers)

    @property
    def values(self) -> list[Any]:
        """The distinct values, by number."""
        return list(self._numbers)

    def encode(self, values: Any) -> NDArray[np.int32]:  # noqa: ANN401 - an Arrow array
        """The number of each value; null has -1."""
        encoded, is_ours = values, False
        if not pa.types.is_dictionary(values.type):
            encoded, is_ours = pc.dictionary_encode(values), True
        if isinstance(encoded, pa.ChunkedArray):
            encoded = encoded.combine_chunks()
        places = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        used = range(len(encoded.dictionary)) if is_ours else _by_appearance(places)
        texts = encoded.dictionary.to_pylist()
        told = np.full(len(texts) + 1, -1, np.int32)  # the last one is for null
        for place in used:
            told[place] = self.number(texts[place])
        found: NDArray[np.int32] = told[places]
        return found

    def number(self, value: Any) -> int:  # noqa: ANN401 - anything hashable
        """The number of one value."""
        shaped = self._shape(value) if self._shape else value
        found = self._numbers.get(shaped)
        if found is None:
            found = self._numbers[shaped] = len(self._numbers)
            if self._on_new:
                self._on_new(value)
        return found


def _by_appearance(places: NDArray[Any]) -> list[int]:
    """The places that occur: a file's own dictionary has any order, and values that never occur."""
    there, first = np.unique(places, return_index=True)
    return [place for place in there[np.argsort(first)].tolist() if place >= 0]
