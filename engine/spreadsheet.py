"""Cells that a spreadsheet would run as a formula, made harmless: for every CSV we write."""

from __future__ import annotations

_RUNS = ("=", "+", "-", "@", "\t", "\r")


def defused(value: object) -> object:
    """Text that begins like a formula gets a leading apostrophe; numbers stay numbers."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_RUNS) else value
