"""Random draws for compiled code, from a state that a cache carries along."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.cache.jit import helper

Chance = NDArray[np.uint64]


def new_chance(seed: int) -> Chance:
    """A state for `draw`, uint64[1]; equal seeds draw alike."""
    return np.array([seed], np.uint64)


@helper
def mixed(number: int | np.uint64) -> int:
    """A number's 64 bits well mixed (SplitMix64; G. Steele et al., OOPSLA 2014)."""
    bits = np.uint64(number) + np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))  # type: ignore[return-value]


@helper
def draw(chance: Chance, below: int) -> int:
    """A whole number from 0 to `below` - 1, each about as likely; `below` is under 2**31."""
    chance[0] += np.uint64(0x9E3779B97F4A7C15)
    high = mixed(chance[0]) >> np.uint64(33)
    return int((high * np.uint64(below)) >> np.uint64(31))
