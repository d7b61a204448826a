"""What is drawn for one viewer serves all who are handed the same frame, and nobody else."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa

from dashboard.charts import panel
from dashboard.charts.shared import once

SPAN = panel.Span(0, 60)
LOOK = panel.Panel("Delay (ms)", {"p50": "#000000"})


def frame(value: float = 1.0) -> pd.DataFrame:
    return pd.DataFrame({"at": [1.0], "series": ["p50"], "value": [value]})


def test_a_frame_is_known_by_itself_and_not_by_what_it_holds() -> None:
    asked = []

    @once
    def total(given: pd.DataFrame, factor: float) -> float:
        asked.append(factor)
        return factor * float(given["value"].sum())

    shared = frame(2.0)
    assert [total(shared, 1.0), total(shared, 1.0), total(shared, 3.0)] == [2.0, 2.0, 6.0]
    assert asked == [1.0, 3.0]
    assert total(frame(5.0), 1.0) == 5.0
    assert len(asked) == 3


def test_a_frame_that_was_let_go_never_lends_its_figures_to_another() -> None:
    @once
    def total(given: pd.DataFrame) -> float:
        return float(given["value"].sum())

    assert [total(frame(float(value))) for value in range(100)] == list(range(100))


def test_two_viewers_are_sent_the_same_rows() -> None:
    shared = frame()
    first, second = (panel.lines(shared, LOOK, SPAN, 2.0)["datasets"][panel.DATA] for _ in "ab")
    assert first is second
    later = panel.lines(shared, LOOK, panel.Span(1, 61), 2.0)["datasets"][panel.DATA]
    sent = [pa.ipc.open_stream(data).read_pandas() for data in (first, later)]
    assert sent[0]["value"].tolist() == [1.0, 0.0, 2.0]
    assert sent[0]["kind"].tolist() == ["value", "end", "end"]
    moved = sent[1]["at"] - sent[0]["at"]
    assert moved.dt.total_seconds().tolist() == [0.0, 1.0, 1.0]
