"""What hinders a training, field by field, before anything starts; pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.actions.training import TrainWanted
from engine.errors import EngineError
from engine.training.options import LEAST_REQUESTS, checked_parts

_NAMED = ("timesteps", "seeds", "evaluations", "patience", "device")


def troubles(wanted: TrainWanted, info: Mapping[str, Any]) -> dict[str, str]:
    """Field -> why it cannot be as it is, in one sentence; empty where all is well.

    Args:
        wanted: the training.
        info: of the trace, as `engine.traces.trace.TraceInfo` tells it.
    """
    found = {
        "other": _data(info),
        "cache_size": _size(wanted, info),
        "cache_weights": _weights(wanted),
        "objective": _objective(wanted, info),
    }
    try:
        checked_parts(wanted)
    except EngineError as error:
        sentence = str(error)
        field = next((name for name in _NAMED if f"{name} is" in sentence), "other")
        found[field] = found.get(field) or sentence
    return {field: sentence for field, sentence in found.items() if sentence}


def _data(info: Mapping[str, Any]) -> str:
    requests, distinct = int(info["requests"]), int(info["distinct"])
    if requests < LEAST_REQUESTS:
        return (
            f"These are {requests:,} requests, too few to learn from and be judged on; record at "
            f"least {LEAST_REQUESTS:,}."
        )
    if distinct == 1:
        return "All requests are for one key: any cache holds it, and there is nothing to learn."
    if distinct == requests:
        return (
            f"Each of the {requests:,} requests is for another key, so no cache can have a hit; "
            "look at what stands in the key column (a timestamp or an id?)."
        )
    return ""


def _size(wanted: TrainWanted, info: Mapping[str, Any]) -> str:
    text = str(wanted.cache_size).strip()
    number = text.removesuffix("%").strip()
    try:
        value = float(number) if text.endswith("%") else int(number)
    except ValueError:
        return f"The cache size {text!r} is neither a whole number nor a share; give 500 or 1%."
    distinct = int(info["distinct"])
    all_of_it = value >= 100 if text.endswith("%") else not wanted.by_bytes and value >= distinct
    if all_of_it:
        return (
            f"A cache of {text} holds everything that is ever asked for ({distinct:,} keys), so "
            "there is nothing to choose; give a smaller one."
        )
    return (
        "" if value > 0 else f"A cache of {text} holds nothing; give a size from 1 on, or a share."
    )


def _weights(wanted: TrainWanted) -> str:
    if wanted.objective == "weighted" and not any(wanted.cache_weights.values()):
        return "No weight is above 0; give one, or press Suggest from the data."
    return ""


def _objective(wanted: TrainWanted, info: Mapping[str, Any]) -> str:
    if wanted.objective == "cost" and info["costs"] == "none":
        return "No load time was recorded, so none can be saved; choose hits or bytes."
    if wanted.objective == "bytes" and info["sizes"] == "none":
        return "No size was recorded, so every hit has the same bytes; choose hits or load time."
    return ""
