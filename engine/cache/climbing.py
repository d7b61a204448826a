"""Hill climbing of a window's size by the hit ratio, and the period of ageing, compiled.

G. Einziger, O. Eytan, R. Friedman, B. Manes, Adaptive software cache management, Middleware 2018.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.cache.base import Room
from engine.cache.jit import helper

_PERIOD = 10
"""Requests per held result between two steps, and between two halvings of the sketch."""

_STEP = 0.0625
"""First step, as a share of the capacity."""

_DECAY = 0.98
_RESTART = 0.05
"""A change of the hit ratio that starts the steps anew."""

_LARGEST = 0.8
_SIZE, _CAPACITY, _NEXT, _HITS, _REQUESTS, _BEFORE, _PLACES = range(7)

Climb = NDArray[np.float64]


def new_climb(room: Room, window: float, adaptive: bool) -> Climb:
    """A window of a share of the capacity, float64[7]; [0] is its size. Steps only if adaptive."""
    climbing = np.zeros(7)
    climbing[_SIZE] = room.capacity * window
    climbing[_CAPACITY] = room.capacity
    climbing[_NEXT] = room.capacity * _STEP if adaptive else 0.0
    climbing[_BEFORE] = -1.0
    climbing[_PLACES] = 0 if room.by_bytes else room.places
    return climbing


@helper
def ageing_period(climbing: Climb, held: int) -> float:
    """Requests between two halvings: ten for each result that fits, as far as is known."""
    return float(_PERIOD * max(climbing[_PLACES], held, 10.0))


@helper
def climb(climbing: Climb, hit: bool, held: int) -> None:
    """Note a request; at the end of a period, step on if the hit ratio rose, else back."""
    if climbing[_NEXT] == 0.0:
        return
    climbing[_REQUESTS] += 1
    climbing[_HITS] += hit
    if climbing[_REQUESTS] >= ageing_period(climbing, held):
        _step(climbing, climbing[_HITS] / climbing[_REQUESTS])
        climbing[_REQUESTS] = climbing[_HITS] = 0.0


@helper
def _step(climbing: Climb, ratio: float) -> None:
    change, before = ratio - climbing[_BEFORE], climbing[_BEFORE]
    climbing[_BEFORE] = ratio
    if before < 0:
        return
    if change < 0:
        climbing[_NEXT] = -climbing[_NEXT]
    if abs(change) >= _RESTART:
        climbing[_NEXT] = _STEP * climbing[_CAPACITY] * np.sign(climbing[_NEXT])
    size = climbing[_SIZE] + climbing[_NEXT]
    climbing[_SIZE] = min(max(size, 1.0), _LARGEST * climbing[_CAPACITY])
    climbing[_NEXT] *= _DECAY
