"""The page Experiments in every state that a person can meet."""

from __future__ import annotations

import time
from typing import Any

import pytest
from sqlalchemy import update
from streamlit.testing.v1 import AppTest

from dashboard import data
from dashboard.parts import experiments_reads as reads
from db import tables
from db.queries import studies as known
from db.session import writing
from tests.dashboard.conftest import MAIN, FakeEngine, open_page
from tests.dashboard.studied import RATES, fill
from tests.engine.study.recorded import SOURCE, record


def said(app: AppTest) -> str:
    kinds = (app.markdown, app.caption, app.info, app.success, app.warning, app.error)
    return "\n".join(str(one.value) for kind in kinds for one in kind)


def alts(app: AppTest) -> str:
    return "\n".join(chart.proto.alt for chart in app.get("vega_lite_chart"))


def change(table: str, **columns: object) -> None:
    chosen = tables.metadata.tables[table]
    with writing(data.store()) as connection:
        connection.execute(update(chosen).values(**columns))
    reads.forget()


def test_without_a_study_the_page_says_what_one_is(empty_store: str, engine: FakeEngine) -> None:
    app = open_page("experiments")
    assert not app.exception
    assert "No study yet" in said(app)


def test_a_study_shows_its_ranking_its_doubt_and_its_references(
    filled_store: str, engine: FakeEngine
) -> None:
    fill(data.store())
    app = open_page("experiments")
    assert not app.exception
    shown = app.dataframe[0].value
    assert next(iter(shown["trial"])) == 2
    assert "learning_rate" in shown.columns
    assert "detail" not in shown.columns  # it is the same everywhere
    assert "not distinguishable with n = 3; add 5 seeds." in said(app)
    assert "plain LRU 4" in alts(app)
    assert app.metric[0].value == "done"


@pytest.mark.parametrize(
    ("tab", "tells"),
    [
        ("Learning curves", "Last values: trial 2"),
        ("Parallel coordinates", "9 configurations over discount, learning_rate"),
        ("Importance", "discount accounts for"),
        ("Map", "Mean of Net saving, s over discount and learning_rate"),
        ("Difference", ""),
        ("Failed", ""),
    ],
)
def test_every_view_is_drawn_and_told(
    filled_store: str, engine: FakeEngine, tab: str, tells: str
) -> None:
    fill(data.store())
    app = AppTest.from_file(str(MAIN), default_timeout=30)
    app.query_params["study-tab"] = tab
    app = app.switch_page("views/experiments.py").run()
    assert not app.exception
    assert tells in alts(app)
    if tab == "Importance":
        frame = next(one.value for one in app.dataframe if "improvement" in one.value and
                     "value" in one.value)  # fmt: skip
        assert list(frame["value"][:3]) == ["0.0", "0.3", "0.9"]
        assert frame["improvement"][0] > 0.5
    if tab == "Failed":
        assert "The disk is full." in said(app)
    if tab == "Difference":
        assert {"learning_rate", "Hit ratio"} & set(app.dataframe[1].value["What differs"])


def test_a_pinned_baseline_gives_every_row_its_lead(filled_store: str, engine: FakeEngine) -> None:
    fill(data.store())
    app = open_page("experiments")
    app.selectbox(key="study-baseline-s").set_value(0).run()
    assert not app.exception
    row = known.one(data.store(), "s")
    assert row is not None
    assert row["baseline"] == 0
    shown = app.dataframe[0].value
    lead = dict(zip(shown["trial"], shown["lead"], strict=True))
    objective = dict(zip(shown["trial"], shown["objective"], strict=True))
    assert lead[2] == pytest.approx(objective[2] - objective[0])
    assert lead[0] == 0


def test_the_best_is_applied_to_the_live_agent(filled_store: str, engine: FakeEngine) -> None:
    fill(data.store())
    app = open_page("experiments")
    app.button(key="study-apply").click().run()
    assert not app.exception
    stored = data.tunables().set_index("name")["value"]
    assert float(stored["agent.learning_rate"]) == RATES[2]


def test_a_running_study_can_be_stopped_and_a_stopped_one_goes_on(
    filled_store: str, engine: FakeEngine
) -> None:
    fill(data.store())
    change("study_trials", state="running", beat_at=time.time(), seeds=5)
    app = open_page("experiments")
    assert app.metric[0].value == "running"
    app.button(key="study-stop").click().run()
    assert known.one(data.store(), "s")["state"] == "stopped"  # type: ignore[index]
    change("study_trials", state="waiting")
    app = open_page("experiments")
    app.button(key="study-resume").click().run()
    assert known.one(data.store(), "s")["state"] == "open"  # type: ignore[index]
    assert engine.asked[-1] == ("start_job", ("study", {"name": "s", "workers": 1}))


def test_more_seeds_are_added_where_too_few_tell_nothing(
    filled_store: str, engine: FakeEngine
) -> None:
    fill(data.store())
    app = open_page("experiments")
    app.button(key="study-seeds-go").click().run()
    assert not app.exception
    rows: list[Any] = known.trials(data.store(), "s")
    assert {row["seeds"] for row in rows if row["state"] == "waiting"} == {8}


def test_where_two_are_not_told_apart_a_button_adds_seeds_to_these(
    filled_store: str, engine: FakeEngine
) -> None:
    fill(data.store())
    app = open_page("experiments")
    assert "Trial 2 and trial 5 are not distinguishable" in said(app)
    button = app.button(key="study-seeds-told-0")
    assert button.label == "Add 5 seeds to 2 and 5"
    button.click().run()
    assert not app.exception
    rows: list[Any] = known.trials(data.store(), "s")
    assert {row["trial"]: row["seeds"] for row in rows if row["state"] == "waiting"} == {2: 8, 5: 8}
    assert engine.asked[-1] == ("start_job", ("study", {"name": "s", "workers": 1}))


def test_where_everything_failed_the_page_says_why(filled_store: str, engine: FakeEngine) -> None:
    fill(data.store(), rates=(), discounts=())
    app = open_page("experiments")
    assert not app.exception
    assert "The disk is full." in said(app)
    assert app.button(key="study-rerun").label == "Rerun 1 failed"


def test_what_can_be_added_is_what_the_budget_is_counted_in(
    filled_store: str, engine: FakeEngine
) -> None:
    fill(data.store())  # a whole grid
    app = open_page("experiments")
    assert "study-extend-go" not in {one.key for one in app.button}
    row = known.one(data.store(), "s")
    assert row is not None
    spec: Any = row["spec"]
    change("study_plans", spec={**spec, "trials": 5, "minutes": 0.0})
    app = open_page("experiments")
    assert app.number_input(key="study-extend-trials").value == 20
    change("study_plans", spec={**spec, "sampler": "random", "trials": 0, "minutes": 5.0})
    app = open_page("experiments")
    keys = {one.key for one in app.number_input}
    assert "study-extend-minutes" in keys
    assert "study-extend-trials" not in keys
    app.button(key="study-extend-go").click().run()
    assert not app.exception
    after = known.one(data.store(), "s")
    assert after is not None
    assert after["spec"]["minutes"] >= 15.0  # type: ignore[index]


def test_an_address_of_a_study_that_is_gone_says_so(filled_store: str, engine: FakeEngine) -> None:
    fill(data.store(), "new")
    app = AppTest.from_file(str(MAIN), default_timeout=30)
    app.query_params["study"] = "old"
    app = app.switch_page("views/experiments.py").run()
    assert app.selectbox(key="study-chosen").value == "new"
    assert any("There is no study 'old' here any more." in one.value for one in app.toast)


def test_an_address_names_the_study(filled_store: str, engine: FakeEngine) -> None:
    fill(data.store(), "old", at=100.0)
    fill(data.store(), "new", at=200.0)
    app = AppTest.from_file(str(MAIN), default_timeout=30)
    app.query_params["study"] = "old"
    app = app.switch_page("views/experiments.py").run()
    assert app.selectbox(key="study-chosen").value == "old"


def test_a_study_that_cannot_be_made_says_why(filled_store: str, engine: FakeEngine) -> None:
    app = open_page("experiments")
    app.text_area(key="study-vary-agent").set_value("speed=1,2").run()
    app.button(key="study-make").click().run()
    assert any("'speed' cannot be studied here" in one.value for one in app.error)
    assert not known.all_studies(data.store())


def test_a_study_made_on_the_page_is_looked_at_and_worked_on(
    filled_store: str, engine: FakeEngine
) -> None:
    fill(data.store(), "old")
    record(data.store())
    app = open_page("experiments")
    app.text_input(key="study-name").set_value("fresh")
    app.selectbox(key="study-source").set_value(SOURCE)
    app.number_input(key="study-minutes").set_value(3).run()
    app.button(key="study-make").click().run()
    assert not app.exception
    assert not app.error
    assert app.selectbox(key="study-chosen").value == "fresh"
    assert app.metric[0].value == "waiting"
    assert engine.asked == [("start_job", ("study", {"name": "fresh", "workers": 1}))]
    assert "No run has finished yet" in said(app)
