"""What the agent's log says of a round."""

from __future__ import annotations

from engine.agent import telling
from engine.agent.telling import Telling


def rows(actions: dict[str, str], published: bool = True) -> list[dict[str, object]]:
    return [
        {"cache_name": f"/{name}", "action": action, "published": published}
        for name, action in actions.items()
    ]


def test_a_round_is_one_line_with_its_actions_and_what_changed() -> None:
    told = Telling()
    assert told.line(rows({"a": "keep_long", "b": "keep_long", "c": "drop"})) == (
        "3 decisions: 2 keep long, 1 do not keep; none changed."
    )
    assert told.line(rows({"a": "keep_long", "c": "keep_long"})) == (
        "2 decisions: 2 keep long; changed: /c from do not keep to keep long."
    )
    assert told.line(rows({"b": "keep_long"}, published=False)) == (
        "1 decision, not published: 1 keep long; none changed."
    )


def test_many_changes_are_counted_and_memory_is_bounded() -> None:
    told = Telling()
    names = [f"n{number}" for number in range(telling.KEPT + 5)]
    told.line(rows(dict.fromkeys(names, "drop")))
    said = told.line(rows(dict.fromkeys(names[-5:], "keep_short")))
    assert said.endswith("and 2 more.")
    assert "none changed" in told.line(rows({"n0": "keep_short"})), "the oldest was forgotten"
