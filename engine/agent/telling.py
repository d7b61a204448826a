"""One line of the log for each round of decisions: how many of which, and what changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from engine.agent.words import action_words

NAMED = 3
"""How many changes a line names; the others are counted."""

KEPT = 1000
"""Endpoints whose last action is remembered."""


class Telling:
    """Remembers each endpoint's last action, to tell what is new."""

    def __init__(self) -> None:
        self._before: dict[str, str] = {}

    def line(self, rows: Sequence[Mapping[str, Any]]) -> str:
        """One sentence on the rows of a round.

        Such as: 3 decisions: 2 keep long, 1 do not keep; changed: /branches from do not keep to
        keep long.
        """
        counts = Counter(action_words(row["action"]) for row in rows)
        kind = "decision" if len(rows) == 1 else "decisions"
        advice = "" if any(row["published"] for row in rows) else ", not published"
        told = ", ".join(f"{count} {words}" for words, count in counts.most_common())
        return f"{len(rows)} {kind}{advice}: {told}; {self._changes(rows)}."

    def _changes(self, rows: Sequence[Mapping[str, Any]]) -> str:
        changed = []
        for row in rows:
            name, action = row["cache_name"], row["action"]
            before = self._before.pop(name, action)
            self._before[name] = action
            if before != action:
                changed.append(f"{name} from {action_words(before)} to {action_words(action)}")
        while len(self._before) > KEPT:
            del self._before[next(iter(self._before))]
        if not changed:
            return "none changed"
        more = f" and {len(changed) - NAMED} more" if len(changed) > NAMED else ""
        return f"changed: {', '.join(changed[:NAMED])}{more}"
