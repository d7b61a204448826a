"""The one variable that a person names on the command line, so that no secret is an argument."""

from __future__ import annotations

import os

from engine.errors import EngineError


class HeaderError(EngineError):
    """Raised when the variable that should hold a header is not set."""


def header_from(variable: str) -> dict[str, str]:
    """The header in an environment variable: `Name: value`, or a bare Authorization value.

    Raises:
        HeaderError: the variable is not set.
    """
    if not variable:
        return {}
    text = os.environ.get(variable, "")
    if not text:
        raise HeaderError(f"The environment variable {variable} is not set.")
    name, colon, value = text.partition(":")
    if colon and name.replace("-", "").isalnum():
        return {name.strip(): value.strip()}
    return {"Authorization": text.strip()}
