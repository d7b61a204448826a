"""What the Agent page says: net savings, words for actions and states, why it is held back."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from sqlalchemy import Engine, update

from dashboard import data
from dashboard.charts import learning, panel, qvalues, shadows
from dashboard.charts.palette import POLICY_NAMES
from dashboard.parts import agent_controls, agent_tables
from db import tables
from db.queries.pages import traffic_frame
from db.session import writing
from db.writes import ensure_source
from engine.agent.discretiser import describe
from engine.collector.follower import Follower
from engine.collector.reader import RowReader
from engine.collector.replays import Shadows
from engine.records import Action
from engine.sources import Source
from tests.dashboard.conftest import FakeEngine, open_page
from tests.engine.collector.rows import raw_rows, write

RAW = {action.value for action in Action if "_" in action.value}


def rollup(policy: str, **sums: float) -> dict[str, object]:
    zero = dict.fromkeys(shadows.SUMS, 0.0)
    return {"policy": policy, "requests": 100, "hits": 50} | {**zero, "hits": 50.0} | sums


def test_policies_are_ranked_by_net_saving_and_led_over_plain_lru_in_it() -> None:
    frame = pd.DataFrame(
        [
            rollup("lru", requests=100, saved_ms=1000.0, stale_hits=40),
            rollup("agent", requests=50, saved_ms=480.0, refresh_ms=20.0, stale_hits=5),
            rollup("agent", requests=50, saved_ms=420.0, refresh_ms=0.0, stale_hits=5),
        ]
    )
    table = shadows.shadow_table(frame, POLICY_NAMES, stale_weight_ms=5.0)
    assert table["policy"].tolist() == ["agent", "plain LRU"], "LRU saves more, but nets less"
    agent, lru = table.to_dict("records")
    # (900 saved - 20 refreshing - 5 x 10 stale) / 100, and (1000 - 5 x 40) / 100
    assert agent["net_ms"] == pytest.approx(8.3)
    assert lru["net_ms"] == pytest.approx(8.0)
    assert agent["lead_ms"] == pytest.approx(0.3)
    assert lru["lead_ms"] == 0.0
    assert agent["stale_share"] == pytest.approx(0.1)
    assert lru["stale_share"] == pytest.approx(0.8)


def test_requests_too_late_for_the_shadows_are_counted_but_not_those_still_to_come(
    sqlite_store: Engine,
) -> None:
    number = ensure_source(sqlite_store, "sample", "sample", "measured")
    source = Source(number, "sample", "sample", "measured", {})
    replays = Shadows(100_000, number, sqlite_store)
    following = Follower(source, sqlite_store, RowReader(source, sqlite_store), replays)
    begin = 1_700_000_000
    rows = raw_rows(number, 400, float(begin), rate=10.0)
    late, soon = rows[100:120], rows[:100] + rows[120:]

    def unseen() -> int:
        names = ("recorded", *replays.names)
        return shadows.unseen(traffic_frame(sqlite_store, number, begin, 1, policies=names))

    write(sqlite_store, soon)
    following.turn(begin + 40.0)
    assert unseen() == 0
    write(sqlite_store, late)
    assert following.reconcile() == len(late)
    following.turn(begin + 41.0)
    assert unseen() == len(late)


def test_the_heat_map_shows_the_states_most_decided_in_and_no_more_than_can_be_read() -> None:
    states = [f"{d}.{t}.{c}.0" for d in range(5) for t in range(3) for c in range(4)]
    checkpoint = json.dumps({"table": {state: [0.0, 0.1, 0.2, 0.3] for state in states}})
    busiest = states[-1]
    decisions = pd.DataFrame({"state": [busiest] * 3 + [states[7]], "at": range(4)})
    counts = pd.DataFrame({"state": [busiest, states[7]], "count": [3, 1]})
    rows = qvalues.q_rows(decisions, counts, checkpoint)
    assert rows["state"].drop_duplicates().tolist()[:2] == [busiest, states[7]]
    drawn = json.dumps(qvalues.q_heatmap(rows, "light").to_dict())
    assert describe(busiest) in drawn
    assert sum(describe(state) in drawn for state in states) == qvalues.MOST_STATES
    assert not any(name in drawn for name in RAW)


def test_actions_are_words_in_the_chart_of_shares() -> None:
    actions = ["keep_short", "keep_refresh"]
    rounds = pd.DataFrame({"valid_from": [1.0, 2.0], "action": actions, "count": 1})
    drawn = learning.action_shares(rounds, panel.Span(0, 60), "light").to_json()
    assert "keep and refresh ahead" in drawn
    assert not any(name in drawn for name in RAW)


def decision(**changes: object) -> pd.DataFrame:
    row = {
        "at": 5.0,
        "cache_name": "/a",
        "action": "keep_short",
        "ttl_seconds": 5.0,
        "explored": False,
        "published": False,
        "state": "5.2.3.0",
        "reason": "keep short is valued highest (+0.30) when busy, rising, dear to load, little "
        "held; not published: over the last 2 min plain LRU saved 3.4 s and the agent 2.5 s",
    }
    return pd.DataFrame([row | changes])


def test_a_decision_is_told_in_words_and_its_state_once() -> None:
    shown = agent_tables.latest(decision()).iloc[0]
    assert shown["action"] == "keep short"
    assert shown["state"] == "busy, rising, dear to load, little held"
    assert shown["reason"].startswith("keep short is valued highest (+0.30); not published: ")


def test_why_it_is_held_back_is_the_guards_sentence() -> None:
    why = agent_controls.why_held(decision())
    assert why == "over the last 2 min plain LRU saved 3.4 s and the agent 2.5 s"
    assert agent_controls.why_held(decision(reason="keep short")) == ""


@pytest.mark.parametrize(
    ("mode", "held", "published", "up", "words"),
    [
        ("control", False, True, True, "controls the cache"),
        ("control", False, False, True, "control, suspended"),
        ("control", True, False, True, "control, on hold"),
        ("advise", False, False, True, "advises only"),
        ("advise", True, False, True, "advises only"),
        ("control", False, True, False, "the agent is stopped"),
    ],
)
def test_one_badge_says_how_the_agent_stands(
    mode: str, held: bool, published: bool, up: bool, words: str
) -> None:
    newest = decision(published=published)
    assert agent_controls.standing_of(mode, held, newest, up=up).words == words


def test_what_was_set_is_told_in_words(filled_store: str, engine: FakeEngine) -> None:
    app = open_page("agent")
    app.button(key="agent-hold").click().run()
    assert [toast.value for toast in app.toast] == ["The agent is on hold"]


def test_the_page_says_why_the_agent_is_held_back(filled_store: str, engine: FakeEngine) -> None:
    held = "keep long; not published: over the last 2 min plain LRU saved 9.4 s and the agent 2.5 s"
    with writing(data.store()) as connection:
        connection.execute(update(tables.decisions).values(published=False, reason=held))
    app = open_page("agent")
    assert not app.exception
    said = "\n".join(str(one.value) for one in (*app.caption, *app.markdown))
    assert "control, suspended] over the last 2 min plain LRU saved 9.4 s and the agent" in said
    assert "controls the cache" not in said
    assert "Net = load time saved" in said
    shown = "\n".join(frame.value.to_string() for frame in app.dataframe)
    assert "keep long" in shown
    assert not any(name in shown for name in RAW)
