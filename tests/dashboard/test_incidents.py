"""Single events become what a person wants to know: what happened, and when it was over."""

from __future__ import annotations

import pandas as pd

from dashboard.charts import delays, incidents, series
from dashboard.charts.panel import Span


def events(*rows: tuple[float, str, str, str, str]) -> pd.DataFrame:
    """Rows (at, service, level, kind, message), oldest first, as the store gives them."""
    return pd.DataFrame(rows[::-1], columns=incidents.COLUMNS)


KILL = (
    (100.0, "queue", "error", "exited", "ended by SIGKILL"),
    (100.1, "queue", "warning", "restarted", "starts again in 0.2 s"),
    (100.3, "queue", "info", "started", "started (pid 7)"),
    (101.3, "queue", "info", "ready", "ready after 1.1 s"),
    (101.4, "queue", "info", "recovered", "running again after 1.4 s"),
)


def test_a_kill_is_one_row_that_ends_with_its_recovery() -> None:
    told = incidents.told(events(*KILL))
    assert told["message"].tolist() == ["ended by SIGKILL · recovered after 1.4 s"]
    assert told["level"].tolist() == [incidents.OVER]
    assert told["at"].tolist() == [100.0]


def test_a_kill_that_is_not_over_stays_an_error() -> None:
    told = incidents.told(events(*KILL[:3]))
    assert told["message"].tolist() == ["ended by SIGKILL · not over yet"]
    assert told["level"].tolist() == ["error"]


def test_a_service_that_was_given_up_says_so_in_its_last_words() -> None:
    given_up = (102.0, "queue", "error", "failed", "given up after 5 starts in 60 s: exit code 2")
    told = incidents.told(events(*KILL[:3], given_up))
    assert told["message"].iloc[0].startswith("given up after 5 starts")


def test_two_services_that_fail_at_once_are_two_rows() -> None:
    away = [(50.0, name, "warning", "degraded", "Could not reach it") for name in ("agent", "api")]
    back = [(58.0, n, "info", "recovered", "no longer degraded after 8.0 s") for n in ("agent",)]
    told = incidents.told(events(*away, *back)).set_index("service")
    assert told.loc["agent", "message"] == "Could not reach it · recovered after 8.0 s"
    assert told.loc["api", "message"] == "Could not reach it · not over yet"


def test_a_start_of_everything_is_one_row_and_waiting_in_it_is_no_fault() -> None:
    told = incidents.told(
        events(
            (10.0, "engine", "info", "started", "engine started (pid 1)"),
            (10.1, "queue", "info", "started", "started (pid 2)"),
            (10.2, "forecaster", "info", "started", "started (pid 3)"),
            (11.0, "queue", "info", "ready", "ready after 0.9 s"),
            (12.0, "forecaster", "warning", "degraded", "Nothing has been collected yet."),
            (14.0, "forecaster", "info", "recovered", "no longer degraded after 2.0 s"),
        )
    )
    assert told["message"].tolist() == ["started with 2 services in 1 s"]


def test_a_service_that_hangs_at_its_start_is_named() -> None:
    told = incidents.told(
        events(
            (10.0, "queue", "info", "started", "started (pid 2)"),
            (10.2, "agent", "info", "started", "started (pid 3)"),
            (11.5, "queue", "info", "ready", "ready after 1.5 s"),
        ),
        {"agent": "Agent"},
    )
    assert told["message"].iloc[0].endswith("not ready yet: Agent")


def test_a_job_is_told_by_its_title_and_a_short_id() -> None:
    told = incidents.told(events((1.0, "jobs", "info", "ended", f"retrain {'ab' * 16} ended")))
    assert told["message"].tolist() == ["Training the forecaster (ababab) ended"]


def test_what_only_the_engine_knows_stands_among_the_stored() -> None:
    stored = events(*KILL[:4]).assign(writer="engine-1", sequence=[4, 3, 2, 1])
    fresh = [dict(zip(incidents.COLUMNS, KILL[4], strict=True), writer="engine-1", sequence=5)]
    both = incidents.joined(stored, fresh)
    assert both["sequence"].tolist() == [5, 4, 3, 2, 1]
    assert incidents.told(both)["message"].iloc[0].endswith("recovered after 1.4 s")
    assert incidents.joined(stored.head(0), fresh)["message"].tolist() == [KILL[4][4]]


def test_no_events_are_an_empty_frame_with_its_columns() -> None:
    assert incidents.told(events()).columns.tolist() == incidents.COLUMNS


def test_bursts_become_a_rate_and_keep_their_peak() -> None:
    frame = pd.DataFrame(
        {"at": range(20), "accepted": [15, 0, 0, 0, 0] * 4, "depth_max": range(20)}
    )
    assert series.rolled(frame, {"accepted": "in"})["value"].iloc[-1] == 3.0
    assert series.peaks(frame, "depth_max", 10)["depth_max"].tolist() == [9, 19]


def test_delays_stand_between_whole_powers_of_ten_and_keep_coinciding_percentiles() -> None:
    frame = pd.DataFrame(
        {"at": [5, 6]} | {f"dequeue_{p}_ms": [0.4, 20.0] for p in delays.PERCENTILES}
    )
    rows = delays.rows(frame, "dequeue", Span(0, 10))
    assert rows[rows["kind"] == "end"]["value"].tolist() == [0.1, 100.0]
    assert len(rows[rows["kind"] == "value"]) == 6
