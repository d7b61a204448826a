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
        on_new: told the value behind each new number, as it was before its shaping.
    """

    def __init__(
        self,
        shape: Callable[[Any], Any] = lambda value: value,
        on_new: Callable[[Any], None] = lambda _value: None,
    ) -> None:
        self._seen: dict[Any, int] = {}
        self._shaped: dict[Any, int] = {}
        self._shape = shape
        self._on_new = on_new

    def __len__(self) -> int:
        return len(self._shaped)

    @property
    def values(self) -> list[Any]:
        """The distinct values as they are kept, by number."""
        return list(self._shaped)

    def encode(self, values: Any) -> NDArray[np.int32]:  # noqa: ANN401 - an Arrow array
        """The number of each value; null has -1."""
        encoded, is_ours = values, False
        if not pa.types.is_dictionary(values.type):
            encoded, is_ours = pc.dictionary_encode(values), True
        if isinstance(encoded, pa.ChunkedArray):
            encoded = encoded.combine_chunks()
        places = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        texts = encoded.dictionary.to_pylist()
        numbers: list[int | None] = [*map(self._seen.get, texts), -1]  # the last one is for null
        for place in range(len(texts)) if is_ours else _by_appearance(places):
            if numbers[place] is None:
                numbers[place] = self.number(texts[place])
        told = np.array([-1 if number is None else number for number in numbers], np.int32)
        found: NDArray[np.int32] = told[places]
        return found

    def number(self, value: Any) -> int:  # noqa: ANN401 - anything hashable
        """The number of one value."""
        found = self._seen.get(value)
        if found is None:
            shaped = self._shape(value)
            found = self._shaped.get(shaped)
            if found is None:
                found = self._shaped[shaped] = len(self._shaped)
                self._on_new(value)
            self._seen[value] = found
        return found


def _by_appearance(places: NDArray[Any]) -> list[int]:
    """The places that occur: a file's own dictionary has any order, and values that never occur."""
    there, first = np.unique(places, return_index=True)
    return [place for place in there[np.argsort(first)].tolist() if place >= 0]
