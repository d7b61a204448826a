"""Using a registered model in a program that has Cachescope: a cache, a decorator, decisions.

The same classes as in an export's `serving.py`, computed by NumPy from the registry instead of by
onnxruntime from a folder.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.actions.models import model_store
from engine.actions.store import given
from engine.export.described import decider
from engine.export.serving import decorator
from engine.export.serving.cache import Describe, Facts, LearnedCache
from engine.export.serving.decorator import P, R
from engine.export.serving.errors import ServingError
from engine.export.serving.policy import Decider
from engine.export.writing import subject_of
from engine.models import registry
from engine.models.registry import Name
from engine.settings import Settings

__all__ = ["Facts", "LearnedCache", "ServingError", "cached", "decide", "load_cache", "load_policy"]


def load_policy(model: Name, network: str = "", settings: Settings | None = None) -> Decider:
    """A registered model, ready to decide.

    Args:
        model: number or alias.
        network: which of its networks; empty: the first.
        settings: whose store and data folder; default: those of the environment.

    Raises:
        ModelError: there is none, or its files are not in order.
        ExportError: it has no such network.
    """
    known = given(settings)
    with model_store(known) as store:
        row = registry.model(store, model)
        return decider(subject_of(registry.load(store, known, int(row["id"])), row, network))


def load_cache(
    model: Name | Decider,
    maxsize: int | None = None,
    getsizeof: Callable[[Any], float] | None = None,
    describe: Describe | None = None,
    seed: int = 0,
    settings: Settings | None = None,
) -> LearnedCache:
    """An empty cache that a registered model rules; see `LearnedCache`.

    Raises:
        ModelError: as `load_policy`.
        ServingError: the size does not fit the model.
    """
    return LearnedCache(_policy(model, settings), maxsize, getsizeof, describe, seed)


def cached(
    model: Name | Decider | LearnedCache,
    maxsize: int | None = None,
    *,
    key: Callable[..., Hashable] | None = None,
    getsizeof: Callable[[Any], float] | None = None,
    describe: Describe | None = None,
    settings: Settings | None = None,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Keep a function's results as a registered model decides; see the decorator of `serving`.

    Raises:
        ModelError: as `load_policy`.
        ServingError: the size does not fit the model.
    """
    policy = model if isinstance(model, LearnedCache) else _policy(model, settings)
    return decorator.cached(policy, maxsize, key=key, getsizeof=getsizeof, describe=describe)


def decide(
    model: Name | Decider,
    candidates: ArrayLike,
    names: Sequence[str] | None = None,
    settings: Settings | None = None,
) -> NDArray[np.int64]:
    """Actions int64[N] for candidates float32[N, K, d], see `Decider.decide`.

    Load the policy once (`load_policy`) where many batches are decided.

    Raises:
        ModelError: as `load_policy`.
        ServingError: the array or the names do not fit the model.
    """
    return _policy(model, settings).decide(candidates, names)


def _policy(model: Name | Decider, settings: Settings | None) -> Decider:
    return model if isinstance(model, Decider) else load_policy(model, settings=settings)
