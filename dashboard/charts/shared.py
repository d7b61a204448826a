"""Work on a frame that is done once for all viewers who are handed the very same one."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import ParamSpec, TypeVar, cast

import pandas as pd

_P = ParamSpec("_P")
_R = TypeVar("_R")

KEPT = 8
"""Results of a function that are kept, each with the frames that it was made from: few, as a page
that makes its frames anew for every viewer keeps them for nothing."""


class _Itself:
    """A frame that is known by itself, not by what it holds."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Itself) and other.frame is self.frame

    def __hash__(self) -> int:
        return id(self.frame)


def once(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Remember what a function of frames and plain values returned; arguments go by position.

    The frames must not be changed afterwards. For one that is made anew for every viewer the
    function runs as often as before.
    """

    @lru_cache(maxsize=KEPT)
    def kept(*given: object) -> _R:
        plain = [one.frame if isinstance(one, _Itself) else one for one in given]
        return cast("Callable[..., _R]", function)(*plain)

    def shared(*given: object) -> _R:
        return kept(*(_Itself(one) if isinstance(one, pd.DataFrame) else one for one in given))

    return cast("Callable[_P, _R]", shared)
