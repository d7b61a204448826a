"""How much one call may bring."""

from __future__ import annotations

from engine.errors import TooMuch

MOST_ROWS = 100_000
"""Rows of one batch: a second of work, and no more memory than a page."""


def refuse_too_many(count: int, what: str) -> None:
    """Refuse a batch that would hold everybody else up.

    Raises:
        TooMuch: it is larger than one call may bring.
    """
    if count > MOST_ROWS:
        raise TooMuch(
            f"The batch has {count:,} {what}; send at most {MOST_ROWS:,} at once, in several calls."
        )
