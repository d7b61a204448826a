"""What the charts draw: pure functions from rows to frames and specifications."""

from __future__ import annotations

import json
import math

import pandas as pd
import pytest

from dashboard.charts import endpoints, forecasts, learning, panel, qvalues, series, trainings
from dashboard.charts import steps as step_charts
from dashboard.charts.palette import colour, colours
from dashboard.parts import exporting
from engine.histogram import Histogram


def buckets(at: list[int], **sums: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"policy": "recorded", "cache_name": "*", "at": at, **sums})


def test_a_silent_second_counts_as_zero_and_a_long_silence_as_a_gap() -> None:
    frame = buckets([0, 1, 3, 60], requests=[5, 5, 5, 5])
    values = series.rate(frame, 1, "requests", "requests")["value"]
    assert values[2] == 0
    assert math.isnan(values[30])
    assert len(values) == 61


def test_a_share_is_taken_over_ten_seconds_of_requests_not_over_seconds() -> None:
    frame = buckets([0, 1], hits=[0, 90], requests=[10, 90])
    values = series.share(frame, 1, "hits", "requests", "measured")["value"]
    assert values.tolist() == [0.0, 0.9]


def test_no_requests_give_no_share() -> None:
    frame = buckets([0], hits=[0], requests=[0])
    assert series.share(frame, 1, "hits", "requests", "x")["value"].isna().all()


@pytest.mark.parametrize(("value", "before", "end"), [
    (100, None, 150), (90, 150, 150), (160, 150, 200), (10, 150, 15), (0, None, 1.5),
])  # fmt: skip
def test_an_axis_grows_at_once_and_shrinks_only_when_far_off(
    value: float, before: float | None, end: float
) -> None:
    assert panel.nice_top(value, before) == pytest.approx(end)


def test_the_specification_stays_the_same_from_tick_to_tick() -> None:
    look = panel.Panel("Delay (ms)", colours(["p50", "p95"], "light"))

    def spec(start: float, value: float, events: pd.DataFrame | None) -> str:
        frame = pd.DataFrame({"at": [start + 1], "series": ["p50"], "value": [value]})
        drawn = panel.lines(frame, look, panel.Span(start, start + 60), value, events)
        return json.dumps({**drawn, "datasets": None}, sort_keys=True)

    happened = pd.DataFrame(
        {"at": [205.0], "service": ["queue"], "level": ["error"], "message": ["killed"]}
    )
    assert spec(0, 1, None) == spec(200, 99, happened)


def test_ends_and_events_travel_with_the_data() -> None:
    frame = pd.DataFrame({"at": [10.0], "series": ["x"], "value": [1.0]})
    events = pd.DataFrame(
        {"at": [5.0, 99.0], "service": "queue", "level": "info", "message": "ready"}
    )
    rows = panel.rows(frame, panel.Span(0, 60), 8.0, events).to_pandas()
    assert rows["kind"].tolist() == ["value", "end", "end", "event"]
    assert rows.loc[rows["kind"] == "event", "label"].tolist() == ["queue: ready"]


def test_a_mean_reward_counts_only_what_was_judged() -> None:
    rewards = pd.DataFrame({"valid_from": [5.0, 10.0], "reward_ms": [30.0, None],
                            "judged": [3, 0], "without": [1, 4]})  # fmt: skip
    assert learning.means(rewards).to_dict() == {5.0: 10.0}
    assert learning.reward_lines(rewards)["value"].tolist() == [10.0, 10.0]


def test_a_name_has_one_colour_wherever_it_appears() -> None:
    assert colours(["x", "agent"], "light")["agent"] == colour("agent", "light")
    assert colour("agent", "light") != colour("agent", "dark")


def test_a_forecast_is_compared_with_exactly_its_own_seconds() -> None:
    predictions = pd.DataFrame(
        {"valid_from": [10.0, 15.0], "valid_until": [15.0, 20.0], "interval_s": 5.0,
         "demand": [20.0, 30.0], "demand_low": [10.0, 20.0], "demand_high": [30.0, 40.0],
         "load_time_ms": 7.0}
    )  # fmt: skip
    seconds = pd.DataFrame(
        {"at": range(8, 18), "requests": [4] * 10, "hits": [3] * 10,
         "miss_load_time_ms": [6.0] * 10}
    )  # fmt: skip
    compared = forecasts.compare(predictions, seconds, until=18)
    assert compared["at"].tolist() == [10.0]
    assert compared["came"].tolist() == [4.0]
    assert compared["demand"].tolist() == [4.0]
    assert compared["came_load_ms"].tolist() == [6.0]


def test_shares_of_actions_stack_to_one() -> None:
    rounds = pd.DataFrame({"valid_from": [1.0, 2.0, 3.0], "count": [5, 9, 2],
                           "action": ["drop", "keep_long", "keep_refresh"]})  # fmt: skip
    rows = learning.share_rows(rounds, panel.Span(0, 60))
    assert rows["high"].max() == 1.0
    assert rows["share"].sum() == pytest.approx(1.0)
    assert (rows["high"] - rows["low"] - rows["share"]).abs().max() < 1e-12


def visits(decisions: pd.DataFrame) -> pd.DataFrame:
    """As the store counts them."""
    return decisions.groupby("state").size().rename("count").reset_index()


def test_a_damaged_checkpoint_falls_back_to_what_decisions_tell() -> None:
    decisions = pd.DataFrame(
        {"at": [1.0, 2.0], "state": ["1.1.1.1"] * 2, "q_values": [[0, 0, 0, 0], [1, 2, 3, 4]]}
    )
    rows = qvalues.q_rows(decisions, visits(decisions), "{not json")
    assert rows["value"].tolist() == [1, 2, 3, 4]
    assert rows["visits"].tolist() == [2] * 4


def test_the_real_agents_checkpoint_can_be_drawn() -> None:
    from engine.agent.base import Transition
    from engine.agent.qlearning import QLearning
    from engine.records import Action

    agent = QLearning(seed=1)
    agent.learn(Transition("1.1.1.1", Action.KEEP_LONG, 0.5, None, 1))
    nothing = pd.DataFrame({"at": [], "state": [], "q_values": []})
    rows = qvalues.q_rows(nothing, visits(nothing), agent.save())
    best = rows[rows["best"]]
    assert best["action"].tolist() == ["keep long"]
    assert best["value"].iloc[0] > 0


def test_percentiles_come_from_merged_histograms() -> None:
    first, second = Histogram(), Histogram()
    first.add(1.0, 90)
    second.add(100.0, 10)
    frame = pd.DataFrame(
        {"cache_name": ["a", "a", "*"], "load_histogram": [first.to_json(), second.to_json(), "{}"]}
    )
    table = endpoints.percentile_table(frame)
    assert table["endpoint"].tolist() == ["a"]
    assert table["p50"].iloc[0] == pytest.approx(1.0, rel=0.4)
    assert table["p99"].iloc[0] == pytest.approx(100.0, rel=0.4)


def test_a_formula_in_a_cell_or_a_column_name_is_defused() -> None:
    frame = pd.DataFrame({"=cmd": ["=1+1", "plain", "@x", "-2"], "n": [-1, 2, 3, 4]})
    lines = exporting.csv_bytes(frame).decode().splitlines()
    assert lines == ["'=cmd,n", "'=1+1,-1", "plain,2", "'@x,3", "'-2,4"]


def test_an_export_tells_every_time_in_iso_form_as_well() -> None:
    frame = pd.DataFrame({"at": [1_795_188_600.25, None], "demand": [1.5, 2.5]})
    lines = exporting.csv_bytes(exporting.timed(frame)).decode().splitlines()
    assert lines == ["at,at_iso,demand", "1795188600.25,2026-11-20T15:30:00.250Z,1.5", ",,2.5"]


def test_a_parquet_export_reads_back() -> None:
    import io

    frame = pd.DataFrame({"a": [1, 2], "mixed": [[1.0], None]})
    back = pd.read_parquet(io.BytesIO(exporting.parquet_bytes(frame)))
    assert back["a"].tolist() == [1, 2]
    assert back["mixed"].iloc[0] == "[1.0]"


def test_a_step_that_a_classic_decided_is_told_from_free_room() -> None:
    rows = pd.DataFrame(
        {
            "hit": [False, False, True],
            "action": ["", "", ""],
            "decided": ["left to a classic, which evicted /b", "took free room", "held already"],
        }
    )
    assert list(step_charts.action_of(rows)) == ["left to a classic", "took free room", "hit"]


@pytest.mark.parametrize(("steps", "end"), [([0], 1), ([0, 8_192], 8_192)])
def test_the_axis_of_a_training_has_a_length_from_its_first_point_on(
    steps: list[int], end: int
) -> None:
    points = pd.DataFrame({"steps": steps, "hit_ratio": 0.5, "best": True})
    rows = trainings.curve_rows(points.assign(algorithm="ppo", seed=0), "hit_ratio")
    drawn = trainings.plot(rows, "hit_ratio", "light").to_dict()
    for layer in drawn["layer"]:
        assert layer["encoding"]["x"]["scale"]["domain"] == [0, end]
