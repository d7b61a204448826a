"""What each kind of job is called, on its page as among the events."""

from __future__ import annotations

TITLES = {
    "seed": "Writing a history",
    "simulate": "Sending requests",
    "retrain": "Training the forecaster",
    "import": "Importing",
    "compare": "Comparing policies",
    "curves": "Drawing curves",
    "train": "Training",
    "evaluate": "Evaluating",
    "renew": "Training anew",
    "steps": "Explaining steps",
    "export": "Exporting",
    "study": "Studying",
    "resilience": "Testing resilience",
}


def title(kind: str) -> str:
    """A kind of job as people call it."""
    return TITLES.get(kind, kind.capitalize())
