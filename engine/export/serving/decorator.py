"""A decorator that keeps a function's results in a learned cache."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from engine.export.serving.cache import Describe, Facts, LearnedCache, Scorer

P = ParamSpec("P")
R = TypeVar("R")

_ABSENT = object()
_NAMED = object()


def cached(
    policy: str | Path | Scorer | LearnedCache,
    maxsize: int | None = None,
    *,
    key: Callable[..., Hashable] | None = None,
    getsizeof: Callable[[Any], float] | None = None,
    describe: Describe | None = None,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Keep results as an exported policy decides.

    The function's own time is told to the policy as the load time, its name as the endpoint, where
    `describe` says nothing else. The wrapper's `cache` is the `LearnedCache`, its `lock` guards it;
    the function itself runs outside the lock, so that two threads may load one key at once.

    Args:
        policy: an export's folder, a loaded `Policy`, or a `LearnedCache` to share.
        maxsize: see `LearnedCache`; refused beside a cache that has one.
        key: makes the key from the arguments; default: all of them, which must be hashable.
        getsizeof: see `LearnedCache`.
        describe: see `LearnedCache`.

    Raises:
        ServingError: as `LearnedCache`.
    """
    if not isinstance(policy, LearnedCache):
        policy = LearnedCache(policy, maxsize, getsizeof)
    cache = policy
    lock = threading.RLock()

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        name = getattr(function, "__qualname__", repr(function))

        @functools.wraps(function)
        def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
            asked = key(*args, **kwargs) if key is not None else _key(args, kwargs)
            with lock:
                found = cache.get(asked, _ABSENT)
            if found is not _ABSENT:
                return found  # type: ignore[no-any-return]
            begun = time.perf_counter()
            made = function(*args, **kwargs)
            took_ms = (time.perf_counter() - begun) * 1000.0
            facts = Facts(group=name) if describe is None else describe(asked, made)
            if facts.load_time_ms is None:
                facts = facts._replace(load_time_ms=took_ms)
            with lock:
                try:
                    cache.store(asked, made, facts)
                except ValueError as error:
                    if str(error) != "value too large":
                        raise
            return made

        wrapper.cache, wrapper.lock = cache, lock  # type: ignore[attr-defined]
        return wrapper

    return decorate


def _key(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Hashable:
    if not kwargs:
        return args
    return (*args, _NAMED, *sorted(kwargs.items()))
