"""Rows as a recorder would make them."""

from __future__ import annotations

from typing import Any


def metric(number: int, **columns: object) -> dict[str, Any]:
    """One request, the `number`-th; without writer and sequence, which the batch writer gives."""
    row: dict[str, Any] = {
        "timestamp": 1_000.0 + number / 10,
        "source": 1,
        "cache_name": f"/endpoint/{number % 7}",
        "cache_key": f"/endpoint/{number % 7}?page={number % 50}",
        "hit": number % 3 == 0,
        "load_time_ms": 12.5,
        "size_bytes": 2048,
    }
    return row | columns


def event(number: int, **columns: object) -> dict[str, Any]:
    """One event that needs no writer of its own."""
    row: dict[str, Any] = {
        "at": 1_000.0 + number,
        "service": "agent",
        "level": "info",
        "kind": "start",
        "message": "started",
    }
    return row | columns
