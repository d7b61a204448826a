"""Decisions of a registered model, asked in batches: on feature rows, or on raw requests."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from engine.actions.batch import refuse_too_many
from engine.actions.models import model_store
from engine.actions.store import given
from engine.collector.names import endpoint_of
from engine.errors import ModelError
from engine.models.registry import number_of
from engine.settings import Settings

if TYPE_CHECKING:
    from engine.export.serving.cache import Facts, LearnedCache
    from engine.export.serving.policy import Decider

FOLLOWED_S = 2.0
"""An alias that moved is followed after at most so long."""

Positive = Annotated[float, msgspec.Meta(gt=0, le=1e15)]


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One raw request, in the order of time; what is unknown stays out."""

    key: Annotated[str, msgspec.Meta(min_length=1, max_length=8192)]
    size_bytes: Positive | None = None
    load_time_ms: Annotated[float, msgspec.Meta(ge=0, le=1e15)] | None = None
    columns: dict[str, float] = {}


class DecideWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A batch: exactly one of `rows`, `candidates` and `requests`.

    Args:
        rows: float[n][d], one item each: keep it, or not?
        candidates: float[N][K][d], K items each: which goes?
        requests: replayed through an empty cache that the model rules, features made on the way.
        features: the caller's names of the d columns; given, they are checked.
        network: which of the model's networks; empty: the first.
        maxsize: of the cache for `requests`, in results or bytes; 0: as trained.
    """

    rows: list[list[float]] = []
    candidates: list[list[list[float]]] = []
    requests: list[Asked] = []
    features: list[str] | None = None
    network: Annotated[str, msgspec.Meta(max_length=40)] = ""
    maxsize: Annotated[int, msgspec.Meta(ge=0, le=10**15)] = 0


def decide_batch(
    model: str, wanted: DecideWanted, settings: Settings | None = None
) -> dict[str, Any]:
    """Scores and actions of feature rows, or what a cache would hold after raw requests.

    Raises:
        TooMuch: more rows than one batch may have.
        ModelError: there is no such model, or the batch does not fit it.
        ExportError: the model has no such network.
    """
    from engine.export.serving.errors import ServingError

    if sum(map(bool, (wanted.rows, wanted.candidates, wanted.requests))) != 1:
        raise ModelError("A batch holds one of rows, candidates and requests; give exactly one.")
    count = len(wanted.rows) + sum(map(len, wanted.candidates)) + len(wanted.requests)
    refuse_too_many(count, "rows")
    number, policy = _policy(model, wanted.network, given(settings))
    try:
        if wanted.features is not None:
            policy.check(wanted.features)
        told = _replayed(policy, wanted) if wanted.requests else _scored(policy, wanted)
    except ServingError as error:
        raise ModelError(str(error)) from None
    return {"model": number, **told}


def _scored(policy: Decider, wanted: DecideWanted) -> dict[str, Any]:
    import numpy as np

    try:
        with np.errstate(over="ignore"):  # what is too large for a float32 is refused as infinite
            given_rows = np.array(wanted.rows or wanted.candidates, np.float32)
    except ValueError:
        raise ModelError(
            "The rows of the batch differ in length; give each row one value per feature: "
            f"{', '.join(policy.features)}."
        ) from None
    if wanted.rows:
        scores, actions = policy.run(given_rows[:, None] if given_rows.ndim == 2 else given_rows)
        scores = scores[:, 0]
    else:
        scores, actions = policy.run(given_rows)
    return {"scores": scores.tolist(), "actions": actions.tolist()}


def _replayed(policy: Decider, wanted: DecideWanted) -> dict[str, Any]:
    from engine.export.serving.cache import LearnedCache
    from engine.export.serving.worth import Worth

    told = policy.metadata
    by_bytes = told["cache"]["unit"] == "bytes"
    worth, columns = Worth(told["training"]["value"]), tuple(told["training"]["columns"])
    size_of = _size if by_bytes else None
    cache = LearnedCache(policy, wanted.maxsize or None, size_of)
    lacking: set[str] = set()
    hits: list[bool] = []
    for asked in wanted.requests:
        facts = _facts(asked)
        missing = [] if asked.key in cache else worth.missing(facts, columns)
        if missing or (by_bytes and asked.size_bytes is None):
            lacking |= {*missing, *(["size_bytes"] if asked.size_bytes is None else [])}
            break
        hits.append(_ask(cache, asked, facts))
    if lacking:
        raise ModelError(
            f"Request {len(hits)} lacks {', '.join(sorted(lacking))}, on which the model was "
            "trained; give it with every request that may be a miss."
        )
    share = sum(hits) / len(hits)
    return {"hits": hits, "hit_ratio": share, "held": list(cache), "held_size": cache.currsize}


def _ask(cache: LearnedCache, asked: Asked, facts: Facts) -> bool:
    """Ask the cache for a key and load what it lacks; returns whether it was a hit."""
    if asked.key in cache:
        _ = cache[asked.key]
        return True
    if cache.getsizeof(asked.size_bytes) <= cache.maxsize:
        cache.store(asked.key, asked.size_bytes, facts)
    return False


def _facts(asked: Asked) -> Facts:
    from engine.export.serving.cache import Facts

    return Facts(endpoint_of(asked.key), asked.size_bytes, asked.load_time_ms, asked.columns)


def _size(value: float | None) -> float:
    return value or 1.0


def _policy(model: str, network: str, settings: Settings) -> tuple[int, Decider]:
    number = _number(settings, model, int(time.monotonic() / FOLLOWED_S))
    return number, _loaded(settings, number, network)


@lru_cache(maxsize=64)
def _number(settings: Settings, model: str, _tick: int) -> int:
    """What a name means; asked again with every tick, since aliases move."""
    with model_store(settings) as store:
        return number_of(store, model)


@lru_cache(maxsize=8)
def _loaded(settings: Settings, number: int, network: str) -> Decider:
    from engine.models.use import load_policy

    return load_policy(number, network, settings)
