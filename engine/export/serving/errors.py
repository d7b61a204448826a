"""The one error of a served policy."""

from __future__ import annotations


class ServingError(ValueError):
    """Raised when an export is damaged or used in a way that it was not trained for.

    The message is one sentence: what was expected, what came, what to do.
    """
