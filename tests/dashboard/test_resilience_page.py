"""The page Resilience in every state that a person can meet."""

from __future__ import annotations

import time
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import data
from dashboard.parts import resilience_reads as reads
from db import resilience_rows
from db.tables import jobs
from db.writes import insert
from tests.dashboard.conftest import FakeEngine, open_page

MARKS = [[0.0, "phase", "steady"], [0.5, "phase", "fault"], [0.51, "injected", "queue killed"],
         [0.9, "phase", "after"]]  # fmt: skip
CURVES = {
    "at": [0.0, 0.5, 1.0],
    "offered": [300.0, 300.0, 300.0],
    "handed": [300.0, 0.0, 600.0],
    "overwritten": [0.0, 0.0, 0.0],
    "depth": [1.0, 77.0, None],
    "dequeue_p95_ms": [0.2, None, 410.0],
    "enqueue_p95_ms": [0.1, 0.1, 0.3],
}
FINDING = {"checker": "order", "verdict": "fail", "evidence": "1 of 9 out of order",
           "threshold": "none"}  # fmt: skip


def keep(id_: str, **columns: Any) -> None:  # noqa: ANN401
    row = {
        "id": id_,
        "scenario": "queue_killed",
        "state": "done",
        "verdict": "fail",
        "quick": True,
        "backend": "manager",
        "scope": "copy",
        "params": {"rate": 300.0},
        "findings": [FINDING],
        "timeline": {**CURVES, "marks": MARKS},
        "figures": {"delivered": 90, "overwritten": 0, "dequeue_p95_ms": 0.2},
        "note": "",
        "job": "",
        "who": "test",
        "began_at": time.time(),
        "seconds": 3.2,
        **columns,
    }
    resilience_rows.add_run(data.store(), row)
    for read in (reads.runs, reads.run, reads.differences):
        read.clear()


def said(app: AppTest) -> str:
    kinds = (app.markdown, app.caption, app.info, app.warning, app.error, app.subheader)
    return "\n".join(str(one.value) for kind in kinds for one in kind)


def alts(app: AppTest) -> str:
    return "\n".join(chart.proto.alt for chart in app.get("vega_lite_chart"))


def test_without_a_run_the_page_says_what_a_test_does(
    filled_store: str, engine: FakeEngine
) -> None:
    app = open_page("resilience")
    assert not app.exception
    assert "No test has been run yet" in said(app)


def test_a_store_without_tables_is_told_in_a_sentence(empty_store: str, engine: FakeEngine) -> None:
    app = open_page("resilience")
    assert not app.exception


def test_a_run_shows_its_verdict_its_evidence_and_its_curves(
    filled_store: str, engine: FakeEngine
) -> None:
    keep("1-queue_killed")
    app = open_page("resilience")
    assert not app.exception
    assert "Queue server killed" in said(app)
    assert "fail" in said(app)
    shown = app.dataframe[1].value
    assert list(shown["evidence"]) == ["1 of 9 out of order"]
    assert "depth last 77, at most 77" in alts(app)


def test_one_click_starts_one_test_or_all(filled_store: str, engine: FakeEngine) -> None:
    app = open_page("resilience")
    app.button(key="resilience-run").click().run()
    assert not app.exception
    name, params = engine.asked[-1]
    assert name == "start_job"
    assert params[0] == "resilience"
    app.button(key="resilience-all").click().run()
    wanted: Any = engine.asked[-1][1][1]
    assert wanted["scenarios"] == []


def test_the_live_engine_is_harmed_only_after_the_word(
    filled_store: str, engine: FakeEngine
) -> None:
    app = open_page("resilience")
    app.selectbox(key="resilience-test").set_value("queue_killed").run()
    app.segmented_control(key="resilience-scope-queue_killed").set_value("live").run()
    app.button(key="resilience-run").click().run()
    assert not app.exception
    assert not [words for words in engine.asked if words[0] == "start_job"]
    assert any("confirm it with the word 'break'" in one.value for one in app.toast)
    app.text_input(key="resilience-confirm-queue_killed").set_value("break").run()
    app.button(key="resilience-run").click().run()
    wanted: Any = engine.asked[-1][1][1]
    assert (wanted["scenarios"], wanted["scope"]) == (["queue_killed"], "live")
    app.button(key="resilience-all").click().run()
    everything: Any = engine.asked[-1][1][1]
    assert (everything["scenarios"], everything["scope"]) == ([], "copy")


def test_a_running_test_is_drawn_as_it_goes(filled_store: str, engine: FakeEngine) -> None:
    keep("2-queue_killed", state="running", verdict="", findings=[])
    job = {"id": "j1", "kind": "resilience", "state": "running", "params": {}, "progress": 0.4,
           "message": "queue_killed: the fault is there", "who": "test", "owner": "x",
           "created_at": time.time(), "started_at": time.time()}  # fmt: skip
    insert(data.store(), jobs, [job])
    data.jobs.clear()
    app = open_page("resilience")
    assert not app.exception
    assert "Now: Queue server killed" in said(app)
    assert "queue killed" in said(app)
    assert [one.value for one in app.metric][3] == "77 of 100"
    assert app.button(key="resilience-run").disabled


def test_two_runs_are_compared(filled_store: str, engine: FakeEngine) -> None:
    keep("1-queue_killed")
    keep("2-queue_killed", verdict="pass", params={"rate": 500.0})
    found = reads.differences("1-queue_killed", "2-queue_killed").value
    assert {one["what"] for one in found} == {"verdict", "parameter rate"}
    assert "There is no run '9'" in reads.run("9").sentence


@pytest.mark.parametrize("state", ["aborted", "broken"])
def test_a_run_that_did_not_end_says_so(filled_store: str, engine: FakeEngine, state: str) -> None:
    keep("3-x", state=state, verdict="unknown", findings=[], note="The test was aborted.",
         timeline={**{name: [] for name in CURVES}, "marks": []}, figures={})  # fmt: skip
    app = open_page("resilience")
    assert not app.exception
    assert "The test was aborted." in said(app)
