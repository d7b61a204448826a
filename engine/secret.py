"""A text that must not get into logs, pages or messages."""

from __future__ import annotations


class Secret:
    """Hides its text wherever it is printed; only `reveal` gives it away."""

    # No dataclass: msgspec would ask for an object with fields, and `asdict` would open it.
    __slots__ = ("_text",)

    def __init__(self, text: str = "") -> None:
        self._text = text

    def __repr__(self) -> str:
        return "Secret(***)" if self._text else "Secret()"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def reveal(self) -> str:
        """The text itself; empty where none was set."""
        return self._text
