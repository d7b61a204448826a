"""What people read instead of the names of forecasters, everywhere."""

from __future__ import annotations

FORECASTER_WORDS: dict[str, str] = {
    "last": "last value",
    "seasonal": "value one season ago",
    "lstm": "LSTM",
}


def forecaster_words(name: str) -> str:
    """The words of a forecaster's name; a name without words of its own stays as it is."""
    return FORECASTER_WORDS.get(name, name)
