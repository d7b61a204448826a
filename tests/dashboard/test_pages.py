"""Every page, drawn for real in every state that a person can meet."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url
from streamlit.testing.v1 import AppTest

from dashboard.navigation import PAGES
from engine import actions
from tests.dashboard.conftest import FakeEngine, open_page

FILES = [row.file for row in PAGES]
CHARTS = {"overview": 2, "queue": 4, "forecaster": 3, "agent": 4, "traffic": 2, "system": 0,
          "policies": 2, "trainer": 4, "models": 1, "experiments": 0, "resilience": 0}  # fmt: skip
WORK = ("policies", "trainer", "models", "experiments", "resilience")
"""Pages whose charts show what is stored, whether or not anything runs."""

LIVE_BLUE = "#2274C8"
"""The first colour of charts, which turn grey where nothing runs."""


def texts(app: AppTest) -> str:
    """Everything that is written on the page."""
    kinds = (app.markdown, app.caption, app.info, app.error, app.metric)
    said = [str(element.value) for kind in kinds for element in kind]
    return "\n".join([*said, *(table.value.to_string() for table in app.table)])


def charts(app: AppTest) -> int:
    """How many charts the page draws, the courses under its headline figures not counted."""
    return sum("Course of" not in chart.proto.alt for chart in app.get("vega_lite_chart"))


@pytest.mark.parametrize("file", FILES)
def test_a_filled_store_draws_every_chart_of_the_page(
    file: str, filled_store: str, engine: FakeEngine
) -> None:
    app = open_page(file)
    assert not app.exception
    assert not app.error
    assert charts(app) == CHARTS[file]
    if CHARTS[file] and file not in WORK:
        assert any(LIVE_BLUE in chart.proto.spec for chart in app.get("vega_lite_chart"))


@pytest.mark.parametrize("file", FILES)
def test_an_empty_store_says_what_to_press(file: str, empty_store: str, engine: FakeEngine) -> None:
    app = open_page(file)
    assert not app.exception
    assert not app.error
    assert charts(app) == 0
    if file != "system":
        assert "start" in texts(app).lower()


@pytest.mark.parametrize("file", FILES)
def test_without_an_engine_the_history_stays_and_a_button_starts_one(
    file: str, filled_store: str, engine: FakeEngine
) -> None:
    engine.running = False
    app = open_page(file)
    assert not app.exception
    assert charts(app) == CHARTS[file]
    app.button(key="start-engine").click().run()
    assert ("ensure_engine", ()) in engine.asked


@pytest.mark.parametrize("file", FILES)
def test_a_store_without_tables_is_a_sentence(
    file: str,
    tmp_path: Path,
    engine: FakeEngine,
    empty_store: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'none.sqlite3'}")
    app = open_page(file)
    assert not app.exception
    assert app.info
    assert "store is empty" in app.info[0].value


def test_an_unreachable_database_is_a_sentence(
    engine: FakeEngine, empty_store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://someone:secret@127.0.0.1:9/none")
    app = open_page("overview")
    assert not app.exception
    assert "Could not reach" in app.error[0].value
    assert "secret" not in texts(app)


def test_a_wrong_setting_is_a_sentence(
    engine: FakeEngine, empty_store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "oracle://somewhere/x")
    app = open_page("overview")
    assert not app.exception
    assert "not supported" in app.error[0].value


def test_the_overview_names_state_reason_and_owner(filled_store: str, engine: FakeEngine) -> None:
    app = open_page("overview")
    written = texts(app)
    for state in ("running", "starting", "degraded", "standby", "stopped", "failed"):
        assert f" {state}]" in written
    assert "because \\| of &lt;tests>" in written
    assert "owned by a dashboard" in written
    labels = [metric.label for metric in app.metric]
    assert labels == [
        "Requests", "Hit ratio", "Load time saved", "Queue depth", "Dequeue delay p95", "Reward",
    ]  # fmt: skip
    assert all(any(digit.isdigit() for digit in str(metric.value)) for metric in app.metric)


@pytest.mark.parametrize(
    ("service", "key", "action"),
    [
        ("s-stopped", "service-start", "start_service"),
        ("s-running", "service-stop", "stop_service"),
        ("s-running", "service-restart", "restart_service"),
        ("s-running", "start-all", "start_all"),
        ("s-running", "stop-all", "stop_all"),
    ],
)
def test_each_button_asks_the_engine(
    service: str, key: str, action: str, filled_store: str, engine: FakeEngine
) -> None:
    app = open_page("overview")
    app.selectbox(key="service").select(service).run()
    assert not app.button(key=key).disabled
    app.button(key=key).click().run()
    assert [name for name, _ in engine.asked] == [action]


def test_buttons_that_would_do_nothing_cannot_be_pressed(
    filled_store: str, engine: FakeEngine
) -> None:
    engine.states = ("running", "degraded")
    app = open_page("overview")
    assert app.button(key="start-all").disabled
    assert app.button(key="service-start").disabled
    assert not app.button(key="stop-all").disabled
    engine.states = ("stopped", "failed")
    app.run()
    assert app.button(key="stop-all").disabled
    assert app.button(key="service-stop").disabled
    assert not app.button(key="start-all").disabled


@pytest.mark.parametrize("file", [file for file in FILES if file not in WORK])
def test_every_page_says_when_all_services_are_stopped(
    file: str, filled_store: str, engine: FakeEngine
) -> None:
    engine.states = ("stopped", "failed")
    app = open_page(file)
    assert "All services are stopped. Stopped at " in texts(app).replace("**", "")
    assert not any(LIVE_BLUE in chart.proto.spec for chart in app.get("vega_lite_chart"))
    app.button(key="start-everything").click().run()
    assert [name for name, _ in engine.asked] == ["start_all"]


def test_events_that_the_stopped_collector_never_stored_show_all_the_same(
    empty_store: str, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {"sequence": 9, "at": time.time() - 3, "service": "agent", "level": "info",
            "kind": "stopped", "message": "stopped by dashboard:1"}  # fmt: skip
    monkeypatch.setattr(actions, "events", lambda after: {"events": [told], "newest": after})
    app = open_page("overview")
    assert not app.exception
    assert "stopped by dashboard" in texts(app)


def test_a_press_that_comes_too_late_changes_nothing(filled_store: str, engine: FakeEngine) -> None:
    app = open_page("overview")
    engine.late = "stopped"
    app.button(key="service-stop").click().run()
    assert engine.asked == []
    assert any("already" in toast.value for toast in app.toast)


def test_a_refusal_shows_in_its_own_words(filled_store: str, engine: FakeEngine) -> None:
    app = open_page("overview")
    engine.refusal = "The engine is stopping; start it again afterwards."
    app.button(key="stop-all").click().run()
    assert [error.value for error in app.error] == [engine.refusal]


def test_window_and_refresh_travel_from_page_to_page(filled_store: str, engine: FakeEngine) -> None:
    app = AppTest.from_file(str(Path("dashboard/main.py").resolve()), default_timeout=30)
    app.query_params["window"] = "15m"
    app.query_params["refresh"] = "paused"
    app.run()
    app.switch_page("views/queue.py").run()
    assert app.session_state["window"] == "15m"
    assert app.session_state["refresh"] == "paused"


def test_going_back_to_advice_is_one_press(filled_store: str, engine: FakeEngine) -> None:
    app = open_page("agent")
    app.button(key="agent-advise").click().run()
    assert engine.asked == [("set_tunable", ("agent.mode", "advise"))]


def test_control_is_given_only_after_a_yes(
    filled_store: str, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_system(monkeypatch, filled_store)
    app = open_page("agent")
    app.button(key="agent-control").click().run()
    assert engine.asked == []
    assert "your own system's cache" in texts(app)
    app.button(key="agent-control-yes").click().run()
    assert engine.asked == [("set_tunable", ("agent.mode", "control"))]


def own_system(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Make the demo's rows a user's own."""
    monkeypatch.setenv("CACHESCOPE_SAMPLE", "false")
    with sqlite3.connect(str(make_url(url).database)) as connection:
        connection.execute("UPDATE sources SET name = 'own', kind = 'table'")


@pytest.mark.parametrize("kind", ["seed", "simulate"])
def test_nothing_synthetic_joins_an_own_source_without_a_yes(
    kind: str, filled_store: str, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_system(monkeypatch, filled_store)
    app = open_page("traffic")
    if kind == "simulate":
        app.text_input(key="simulate-url").set_value("http://127.0.0.1:8080").run()
    assert app.button(key=kind).disabled
    app.checkbox(key=f"{kind}-sure").check().run()
    app.button(key=kind).click().run()
    assert [name for name, _ in engine.asked] == ["start_job"]


def test_an_own_system_without_a_row_yet_is_told_what_to_do(
    empty_store: str, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CACHESCOPE_SAMPLE", "false")
    app = open_page("overview")
    assert not app.exception
    assert "your own system" in texts(app)
    assert "sample fills" not in texts(app)


def test_hold_is_one_press(filled_store: str, engine: FakeEngine) -> None:
    app = open_page("agent")
    app.button(key="agent-hold").click().run()
    assert engine.asked == [("set_tunable", ("agent.hold", True))]


def test_a_tunable_is_written_and_cannot_leave_its_range(
    filled_store: str, engine: FakeEngine
) -> None:
    app = open_page("system")
    field = next(
        one for one in app.number_input if str(one.key).startswith("tunable-agent.discount")
    )
    assert (field.min, field.max) == (0.0, 0.999)
    field.set_value(0.5).run()
    assert engine.asked == [("set_tunable", ("agent.discount", 0.5))]


def test_a_running_job_shows_progress_and_can_be_cancelled(
    filled_store: str, engine: FakeEngine
) -> None:
    app = open_page("traffic")
    assert "420 of 1,000" in str(app.get("progress")[0].proto.text)
    app.button(key="cancel-job-2").click().run()
    assert engine.asked == [("cancel_job", ("job-2",))]


def test_seeding_starts_a_job_and_closes_its_form(filled_store: str, engine: FakeEngine) -> None:
    app = open_page("traffic")
    app.session_state["seed-form"] = True
    app.run()
    app.button(key="seed").click().run()
    assert app.session_state["seed-form"] is False
    assert [toast.value for toast in app.toast] == ["Writing a history has started"]
    assert engine.asked == [("start_job", ("seed", {"rows": 20000, "workload": "daily"}))]


def test_a_job_that_cannot_start_says_why_and_leaves_its_form_open(
    filled_store: str, engine: FakeEngine
) -> None:
    app = open_page("traffic")
    app.session_state["seed-form"] = True
    app.run()
    engine.refusal = "Too many jobs run; wait for one to end."
    app.button(key="seed").click().run()
    assert [toast.value for toast in app.toast] == [engine.refusal]
    assert app.session_state["seed-form"] is True


def test_a_seeded_history_can_be_chosen_and_is_counted(
    filled_store: str, engine: FakeEngine
) -> None:
    with sqlite3.connect(str(make_url(filled_store).database)) as connection:
        connection.execute(
            "INSERT INTO sources (id, name, kind, costs, mapping, created_at) "
            "VALUES (2, 'seeded', 'sample', 'modelled', '{}', 1)"
        )
        connection.execute("UPDATE cache_metrics SET source = 2 WHERE sequence < 150")
    app = open_page("traffic")
    chooser = app.selectbox(key="recorded-source")
    assert sorted(chooser.options) == ["sample (250 rows)", "seeded (150 rows)"]
    assert chooser.value == 1
    chooser.select(2).run()
    assert not app.exception
    assert "150 rows of the source **seeded**" in texts(app)
    assert "load times modelled" in texts(app)


def test_settings_hide_secrets(
    engine: FakeEngine, empty_store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_URL", "postgresql://me:topsecret@127.0.0.1:9/x")
    monkeypatch.setenv("DB_PASSWORD", "topsecret")
    from dashboard.parts.settings_table import rows
    from engine.settings import load_settings

    table = rows(load_settings()).set_index("setting")["value"]
    assert table["DB_PASSWORD"] == "(hidden)"
    assert table["SOURCE_URL"] == "postgresql://me:***@127.0.0.1:9/x"
    assert not table.astype(str).str.contains("topsecret").any()
