"""Policies, Trainer and Models in every state that a person can meet."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from streamlit.testing.v1 import AppTest

from dashboard import client, data, stored
from dashboard.parts import trainer_checks
from db import tables
from db.queries import system
from db.session import writing
from engine.actions import models as model_actions
from engine.actions import training
from engine.actions.training import TrainWanted
from engine.traces.trace import save
from tests.dashboard import learned
from tests.dashboard.conftest import FakeEngine, open_page

PAGES = ("policies", "trainer", "models")


def said(app: AppTest) -> str:
    kinds = (app.markdown, app.caption, app.info, app.success, app.warning, app.error)
    return "\n".join(str(one.value) for kind in kinds for one in kind)


def alts(app: AppTest) -> str:
    return "\n".join(chart.proto.alt for chart in app.get("vega_lite_chart"))


def change(run: str, **columns: object) -> None:
    """Let a job stand otherwise."""
    with writing(data.store()) as connection:
        connection.execute(update(tables.jobs).where(tables.jobs.c.id == run).values(**columns))


def test_policies_name_the_best_and_read_a_size_off_the_curves(
    filled_store: str, engine: FakeEngine
) -> None:
    app = open_page("policies")
    assert not app.exception
    verdict = learned.compared()["verdicts"]
    assert any(str(one["sentence"]) in said(app) for one in verdict)
    assert "7 malformed lines left out" in said(app)
    shown = app.dataframe[0].value
    assert shown.loc[shown["kind"] == "best", "title"].tolist() == ["LRU"]
    size = next(one for one in app.number_input if str(one.key).startswith("curves-size"))
    size.set_value(40).run()
    assert not app.exception
    assert "At 40 results: Belady (optimum)" in alts(app)
    told = next(f.value for f in app.dataframe if "per_request" in f.value.columns)
    share = learned.share("belady", 40)
    assert told["percent"].iloc[0] == pytest.approx(100 * share)
    assert told["per_request"].iloc[0] == pytest.approx(share * 1e5 / learned.REQUESTS)


def test_compare_starts_a_job_and_nonsense_does_not(filled_store: str, engine: FakeEngine) -> None:
    app = open_page("policies")
    app.text_input(key="compare-sizes").set_value("lots").run()
    assert any("'lots' is no size" in one.value for one in app.error)
    assert app.button(key="compare").disabled
    app.text_input(key="compare-sizes").set_value("10, 5%").run()
    app.button(key="compare").click().run()
    expected = {"trace": "web", "sizes": ["10", "5%"]}
    assert engine.asked == [("start_job", ("compare", expected))]


def test_modelled_costs_are_labelled_wherever_they_are_shown(
    filled_store: str, engine: FakeEngine, tmp_path: Path
) -> None:
    save(learned.trace(costs="modelled"), tmp_path / "traces" / "web")
    change("job-compare", result=learned.compared("modelled"))
    stored.traces.clear()
    app = open_page("policies")
    assert "load times modelled, not measured" in said(app)
    assert said(app).count("not measured") >= 3
    dots = next(c for c in app.get("vega_lite_chart") if c.proto.alt.startswith("Best"))
    assert "Load time saved (%, modelled)" in dots.proto.spec


@pytest.mark.parametrize("page", ["policies", "trainer"])
def test_without_requests_a_form_offers_to_add_some(
    page: str, empty_store: str, engine: FakeEngine
) -> None:
    app = open_page(page)
    assert not app.exception
    assert "No requests to work on yet" in said(app)
    app.segmented_control(key="add-from").set_value("File on this machine").run()
    assert app.button(key="add-import").disabled
    app.text_input(key="add-file").set_value("/no/such.log").run()
    app.button(key="add-look").click().run()
    assert not app.exception
    assert any("/no/such.log" in one.value or "such.log" in one.value for one in app.error)


def test_a_file_is_looked_at_before_it_is_imported(
    empty_store: str, engine: FakeEngine, tmp_path: Path
) -> None:
    path = tmp_path / "access.csv"
    rows = [f"{n},/a?n={n % 3},{n % 9 + 1}" for n in range(40)]
    path.write_text("timestamp,url,load_time_ms\n" + "\n".join([*rows, "x,/b,1"]))
    app = open_page("policies")
    app.segmented_control(key="add-from").set_value("File on this machine").run()
    app.text_input(key="add-file").set_value(str(path)).run()
    app.button(key="add-look").click().run()
    assert not app.exception
    assert "40 requests for 3 keys" in said(app)
    assert any("1 malformed line" in one.value for one in app.warning)
    app.button(key="add-import").click().run()
    assert engine.asked == [("start_job", ("import", {"file": str(path)}))]


def test_a_running_training_shows_curves_and_can_be_cancelled(
    filled_store: str, engine: FakeEngine
) -> None:
    app = open_page("trainer")
    app.selectbox(key="train-watch").select("job-learning").run()
    assert not app.exception
    assert "40%" in str(app.get("progress")[0].proto.text)
    assert sum("after" in chart.proto.alt for chart in app.get("vega_lite_chart")) == 4
    app.button(key="cancel-job-learning").click().run()
    assert engine.asked == [("cancel_job", ("job-learning",))]


def test_what_came_of_a_training_is_said_plainly(filled_store: str, engine: FakeEngine) -> None:
    app = open_page("trainer")
    app.selectbox(key="train-watch").select("job-train").run()
    assert [one.value for one in app.success] == [
        f"At {size} the learned policy is 2.00 points ahead of LRU." for size in (10, 40)
    ]
    assert "Kept as **models 1, 2**" in said(app)
    app.selectbox(key="train-watch").select("job-broken").run()
    assert any("too few to learn from" in one.value for one in app.error)


@pytest.mark.parametrize(
    ("state", "result", "words"),
    [
        ("cancelled", {"models": [3], "best": 3, "validation": [0.5], "cancelled": True},
         "the best so far was kept"),
        ("interrupted", None, "goes on at the engine's next start"),
        ("cancelled", None, "cancelled on request"),
    ],
)  # fmt: skip
def test_a_training_that_ended_early_says_what_is_left(
    filled_store: str, engine: FakeEngine, state: str, result: dict[str, Any] | None, words: str
) -> None:
    change("job-train", state=state, result=result, message="cancelled on request")
    app = open_page("trainer")
    app.selectbox(key="train-watch").select("job-train").run()
    assert not app.exception
    assert words in said(app)


def test_a_training_starts_with_what_the_form_says(
    filled_store: str, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[TrainWanted] = []

    def start(wanted: TrainWanted, at_once: bool, *_: object) -> list[str]:
        asked.append(wanted)
        assert at_once is False
        return ["job-learning"]

    monkeypatch.setattr(training, "start_training", start)
    app = open_page("trainer")
    app.selectbox(key="train-algorithm").select("dqn").run()
    app.text_input(key="train-size").set_value("25").run()
    app.number_input(key="train-timesteps").set_value(20_000).run()
    app.number_input(key="train-slot-rent-dqn-gamma").set_value(0.9).run()
    app.multiselect(key="train-columns-web").select("weekday").run()
    app.selectbox(key="train-objective").select("weighted").run()
    app.button(key="train-suggest").click().run()
    assert any("load times spread" in one.value for one in app.caption)
    app.button(key="train").click().run()
    assert not app.exception
    (wanted,) = asked
    assert (wanted.trace, wanted.algorithm, wanted.cache_size) == ("web", "dqn", 25)
    assert (wanted.timesteps, wanted.columns) == (20_000, ("weekday",))
    assert wanted.hyperparameters == {"dqn.gamma": 0.9}
    assert wanted.cache_weights
    assert set(wanted.cache_weights) <= {"load_time_ms", "size_bytes"}


def test_a_column_of_the_recording_cache_is_off_and_warned_of(
    filled_store: str, engine: FakeEngine
) -> None:
    app = open_page("trainer")
    chooser = app.multiselect(key="train-columns-web")
    assert chooser.value == []
    assert chooser.options == ["weekday", "hit_ratio (recorded)"]
    chooser.select("hit_ratio").run()
    assert any("give the answer away" in one.value for one in app.warning)


@pytest.mark.parametrize(
    ("changes", "info", "field", "words"),
    [
        ({"cache_size": "much"}, {}, "cache_size", "neither a whole number nor a share"),
        ({"cache_size": 0}, {}, "cache_size", "holds nothing"),
        ({"cache_size": 500}, {}, "cache_size", "nothing to choose"),
        ({"cache_size": "100%"}, {}, "cache_size", "nothing to choose"),
        ({"timesteps": 10}, {}, "timesteps", "one update takes"),
        ({"objective": "weighted"}, {}, "cache_weights", "Suggest from the data"),
        ({"objective": "cost"}, {"costs": "none"}, "objective", "No load time was recorded"),
        ({"objective": "bytes"}, {"sizes": "none"}, "objective", "No size was recorded"),
        ({}, {"requests": 12}, "other", "too few to learn from"),
        ({}, {"distinct": 1}, "other", "one key"),
        ({}, {"distinct": 4000}, "other", "another key"),
        ({"hyperparameters": {"gamma": 7}}, {}, "other", "gamma is 7"),
    ],
)
def test_what_hinders_a_training_stands_at_its_field(
    changes: dict[str, Any], info: dict[str, Any], field: str, words: str
) -> None:
    told = {"requests": 4000, "distinct": 400, "costs": "measured", "sizes": "recorded"}
    found = trainer_checks.troubles(TrainWanted(trace="web", **changes), told | info)
    assert words in found[field]
    assert trainer_checks.troubles(TrainWanted(trace="web"), told) == {}


def test_models_say_who_wins_and_which_are_protected(filled_store: str, engine: FakeEngine) -> None:
    app = open_page("models")
    table = app.dataframe[0].value.set_index("number")
    assert table.loc[1, "aliases"] == ["champion"]
    assert table["verdict"].tolist() == ["learned wins", "not judged", "learned wins"]
    app.selectbox(key="model").select(2).run()
    assert "Not judged yet" in said(app)
    app.selectbox(key="model").select(1).run()
    assert not app.exception
    assert len(app.success) == 2
    assert app.button(key="model-delete").disabled
    assert app.button(key="model-promote-champion").disabled
    assert not app.button(key="model-promote-challenger").disabled


def test_the_name_of_a_chosen_model_stays_when_an_alias_moves(
    filled_store: str, engine: FakeEngine
) -> None:
    """The browser goes on showing the name that it has drawn first."""
    app = open_page("models")
    before = app.selectbox(key="model").options
    with writing(data.store()) as connection:
        connection.execute(update(tables.model_aliases).values(model=3))
    stored.models.clear()
    app.run()
    assert app.dataframe[0].value.set_index("number").loc[3, "aliases"]
    assert app.selectbox(key="model").options == before


def test_only_what_lies_below_the_data_folder_is_told_of_a_path() -> None:
    inner = data.settings().data_path.resolve() / "exports" / "model-1.zip"
    assert stored.within_data(inner) == f"{data.settings().data_path.name}/exports/model-1.zip"


def test_a_classic_that_wins_is_said_to(filled_store: str, engine: FakeEngine) -> None:
    with writing(data.store()) as connection:
        lost = learned.evaluation(lead=-0.02)
        connection.execute(update(tables.rl_models).values(evaluation=lost))
    app = open_page("models")
    assert len(app.error) == 2
    assert all("a classic wins" in one.value for one in app.error)
    assert set(app.dataframe[0].value["verdict"]) == {"classic wins"}


def test_promotion_goes_to_the_registry_under_our_name(
    filled_store: str, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[object, ...]] = []

    def promote(*args: object) -> int:
        asked.append(args[:4])
        return 2

    monkeypatch.setattr(model_actions, "promote_model", promote)
    app = open_page("models")
    app.selectbox(key="model").select(2).run()
    app.button(key="model-promote-challenger").click().run()
    assert asked == [(2, "challenger", "", client.who())]
    assert [toast.value for toast in app.toast] == ["Model 2 is the challenger now"]


def test_a_trace_goes_after_a_yes(filled_store: str, engine: FakeEngine, tmp_path: Path) -> None:
    app = open_page("policies")
    app.button(key="trace-remove").click().run()
    assert (tmp_path / "traces" / "web").is_dir()
    app.button(key="trace-remove-yes").click().run()
    assert not app.exception
    assert not (tmp_path / "traces" / "web").exists()
    assert [toast.value for toast in app.toast] == ["web is removed"]


def test_a_model_goes_after_a_yes_and_a_refusal_is_its_own_sentence(
    filled_store: str, engine: FakeEngine
) -> None:
    app = open_page("models")
    app.button(key="model-roll-back").click().run()
    app.button(key="model-roll-back-yes").click().run()
    assert any("has no earlier model" in one.value for one in app.toast)
    app.button(key="model-delete").click().run()
    app.button(key="model-delete-yes").click().run()
    assert not app.exception
    assert stored.models()[0]["id"] == 2


def test_evaluation_and_export_are_jobs(filled_store: str, engine: FakeEngine) -> None:
    app = open_page("models")
    app.session_state["model-evaluate-form"] = app.session_state["model-export-form"] = True
    app.selectbox(key="model").select(2).run()
    app.text_input(key="model-sizes").set_value("10, 1%").run()
    app.button(key="model-evaluate").click().run()
    app.button(key="model-export").click().run()
    assert engine.asked == [
        ("start_job", ("evaluate", {"model": 2, "sizes": ["10", "1%"]})),
        ("start_job", ("export", {"model": 2, "output_dir": "model-2"})),
    ]


@pytest.mark.parametrize("tab", ["Step by step", "How it learned", "Facts", "Compare with"])
def test_every_tab_of_a_model_can_be_drawn(filled_store: str, engine: FakeEngine, tab: str) -> None:
    app = open_page("models")
    app.selectbox(key="model").select(1).run()
    app.session_state["model-tab"] = tab
    app.run()
    assert not app.exception
    assert not app.error


def test_steps_tell_url_decision_and_features_and_can_be_searched(
    filled_store: str, engine: FakeEngine
) -> None:
    app = open_page("models")
    app.selectbox(key="model").select(1).run()
    app.session_state["model-tab"] = "Step by step"
    app.run()
    assert len(app.get("vega_lite_chart")) == 7
    assert "25.0% of 40 requests were hits." in alts(app)
    steps = next(f.value for f in app.dataframe if "decided" in f.value.columns)
    assert len(steps) == 40
    compared = next(f.value for f in app.dataframe if "role" in f.value.columns)
    assert compared["score"].is_monotonic_increasing
    assert {"age", "size bytes"} <= set(compared.columns)
    app.text_input(key="steps-search").set_value("did not keep").run()
    steps = next(f.value for f in app.dataframe if "decided" in f.value.columns)
    assert len(steps) == 10
    app.text_input(key="steps-find").set_value("item").run()
    app.button(key="steps").click().run()
    asked = {"model": 1, "count": 500, "find": "item"}
    assert engine.asked == [("start_job", ("steps", asked))]


def test_steps_whose_file_is_gone_say_so(
    filled_store: str, engine: FakeEngine, tmp_path: Path
) -> None:
    (tmp_path / "steps" / f"{learned.STEPS}.parquet").unlink()
    app = open_page("models")
    app.selectbox(key="model").select(1).run()
    app.session_state["model-tab"] = "Step by step"
    app.run()
    assert not app.exception
    assert "its file is gone" in said(app)


def test_only_zips_under_the_exports_root_can_be_downloaded(
    filled_store: str, tmp_path: Path
) -> None:
    inside, outside = tmp_path / "exports" / "model-1.zip", tmp_path / "masking.key"
    inside.parent.mkdir()
    for path in (inside, outside):
        path.write_bytes(b"x")
    assert stored.export_file(str(inside)) == inside
    assert stored.export_file(str(outside)) is None
    assert stored.export_file(str(inside.parent / ".." / "masking.key")) is None


@pytest.mark.parametrize("page", PAGES)
def test_a_page_of_work_never_asks_for_what_jobs_found_at_each_tick(
    page: str, filled_store: str, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long result is read once: the listing of jobs comes without it."""
    assert "result" not in data.jobs(("compare",)).columns
    reads = 0
    real = system.job

    def counted(*args: Any) -> Any:  # noqa: ANN401
        nonlocal reads
        reads += 1
        return real(*args)

    monkeypatch.setattr(system, "job", counted)
    app = open_page(page)
    before = reads
    app.run()
    assert reads == before


def test_job_params_of_the_demo_are_those_of_real_jobs() -> None:
    """What the demo's jobs were asked for converts into what the actions take."""
    import msgspec

    from engine.actions.curves import CurvesWanted
    from engine.actions.evaluating import EvaluateWanted
    from engine.actions.policies import CompareWanted
    from engine.actions.steps import StepsWanted

    kinds = {"compare": CompareWanted, "curves": CurvesWanted, "train": TrainWanted,
             "evaluate": EvaluateWanted, "steps": StepsWanted}  # fmt: skip
    for row in learned.jobs(0.0):
        msgspec.convert(json.loads(json.dumps(row["params"])), kinds[row["kind"]])
