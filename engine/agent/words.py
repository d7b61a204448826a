"""What people read instead of the names of actions, everywhere."""

from __future__ import annotations

from engine.records import Action

ACTION_WORDS: dict[Action, str] = {
    Action.DROP: "do not keep",
    Action.KEEP_SHORT: "keep short",
    Action.KEEP_LONG: "keep long",
    Action.KEEP_REFRESH: "keep and refresh ahead",
}


def action_words(name: str) -> str:
    """The words of an action's name; a name that is none stays as it is."""
    return next((words for action, words in ACTION_WORDS.items() if action == name), name)
