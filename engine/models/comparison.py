"""What differs between two models: only those keys, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

_OWN = {"id", "aliases", "artefacts", "created_at", "trained_at", "reward_history"}
_OWN |= {"hit_rate_history", "spec"}


class Difference(msgspec.Struct, frozen=True):
    """A key under which two models differ; None where a model lacks it."""

    key: str
    first: Any
    second: Any


def compare(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[Difference]:
    """The keys under which two rows (of `registry.model`) differ, dotted where nested."""
    left, right = dict(_flat(_told(first))), dict(_flat(_told(second)))
    return [
        Difference(key, left.get(key), right.get(key))
        for key in dict.fromkeys([*left, *right])
        if left.get(key) != right.get(key)
    ]


def _told(row: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in row.items() if key not in _OWN}
    spec = row.get("spec") or {}
    return kept | {f"spec.{key}": value for key, value in spec.items() if key not in row}


def _flat(value: Any, under: str = "") -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - any JSON
    if isinstance(value, Mapping) and value:
        for key, one in value.items():
            yield from _flat(one, f"{under}.{key}" if under else str(key))
    else:
        yield under, value
