"""Cutting a trace by time: what is learned from, what is chosen on, what is judged on."""

from __future__ import annotations

from typing import NamedTuple

from engine.traces.trace import Requests

TRAIN, VALIDATE = 0.4, 0.1
"""Shares of the requests; the rest, the newer half, is the test part."""


class Split(NamedTuple):
    """The three parts in order of time; slices, which share memory with the whole."""

    train: Requests
    validate: Requests
    test: Requests


def split(requests: Requests) -> Split:
    """Cut by number of requests: the first 40 %, the next 10 %, the last 50 %."""
    n = len(requests)
    first = int(n * TRAIN)
    second = int(n * (TRAIN + VALIDATE))
    return Split(requests.slice(0, first), requests.slice(first, second), requests.slice(second, n))
