"""Who may do what at a page: told by address, proxy or login, and refused at the action itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import visitors
from dashboard.front import PEER
from dashboard.navigation import PAGES
from dashboard.parts import operating
from db.queries import system
from db.session import open_store
from engine import actions
from engine.actions.roles import Role
from engine.errors import SettingsError
from engine.settings import Settings, load_settings
from tests.dashboard.conftest import MAIN, FakeEngine, Visit, open_page
from tests.dashboard.test_rules import LOOKING

ANNA = "anna@example.org"
PROXY = {"identity_header": "X-Forwarded-Email", "trusted_proxies": "10.0.0.2, 10.1.0.0/16"}


def comes(
    address: str,
    login: dict[str, Any] | None = None,
    settings: dict[str, str] | None = None,
    **headers: Any,  # noqa: ANN401 - one value, or several
) -> visitors.Visitor:
    """Who comes from an address with headers, `_` standing for `-`."""
    told = {PEER: [address] if address else []}
    for name, value in headers.items():
        told[name.replace("_", "-").lower()] = [value] if isinstance(value, str) else value
    known = Settings(**{"operators": f"bob, {ANNA}"} | (settings or {}))  # type: ignore[arg-type]
    return visitors.visitor(known, lambda name: told.get(name.lower(), []), login or {})


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.0.1", "::1", "::ffff:127.0.0.1"])
def test_who_comes_from_this_machine_operates(address: str) -> None:
    found = comes(address)
    assert found.actor.role is Role.OPERATOR
    assert (found.actor.name, found.why_not) == (f"dashboard {address}", "")
    assert not found.actor.is_remote


@pytest.mark.parametrize("address", ["10.0.0.9", "::ffff:10.0.0.9", "2001:db8::1", "testclient"])
def test_who_comes_from_elsewhere_looks(address: str) -> None:
    found = comes(address)
    assert found.actor.role is Role.VIEWER
    assert address in found.why_not


@pytest.mark.parametrize("name", visitors.FORWARDED)
def test_who_comes_through_a_proxy_is_not_from_this_machine(name: str) -> None:
    forwarded: dict[str, Any] = {name.replace("-", "_"): "127.0.0.1"}
    found = comes("127.0.0.1", **forwarded)
    assert found.actor.role is Role.VIEWER
    assert "CACHESCOPE_IDENTITY_HEADER" in found.why_not


def test_a_session_that_nobody_can_place_looks() -> None:
    """One that broke off has no headers; Streamlit would call its address None, as on loopback."""
    assert comes("").actor.role is Role.VIEWER
    logged_in = {"is_logged_in": True, "email": ANNA}
    assert comes("", logged_in).actor.role is Role.VIEWER
    assert comes("", settings=PROXY, x_forwarded_email=ANNA).actor.role is Role.VIEWER


def test_an_address_can_be_named_that_operates() -> None:
    gateway = {"operator_addresses": "172.31.83.1"}
    found = comes("172.31.83.1", settings=gateway)
    assert found.actor.role is Role.OPERATOR
    assert found.actor.is_remote
    assert comes("172.31.83.2", settings=gateway).actor.role is Role.VIEWER


@pytest.mark.parametrize("setting", ["CACHESCOPE_OPERATOR_ADDRESSES", "CACHESCOPE_TRUSTED_PROXIES"])
def test_what_is_no_address_is_refused_in_one_sentence(setting: str) -> None:
    with pytest.raises(SettingsError, match=r"'cache\.example' is no address") as no:
        load_settings(**{setting: "10.0.0.1, cache.example"})
    assert setting in str(no.value)


@pytest.mark.parametrize("proxy", ["10.0.0.2", "10.1.2.3"])
def test_a_trusted_proxy_says_who_comes(proxy: str) -> None:
    found = comes(proxy, settings=PROXY, x_forwarded_email="Anna@Example.org")
    assert (found.actor.role, found.why_not) == (Role.OPERATOR, "")
    assert found.actor.name == "dashboard Anna@Example.org"
    assert found.actor.is_remote
    stranger = comes(proxy, settings=PROXY, x_forwarded_email="eve@example.org")
    assert stranger.actor.role is Role.VIEWER
    assert stranger.actor.name == "dashboard eve@example.org"
    assert "CACHESCOPE_OPERATORS" in stranger.why_not


@pytest.mark.parametrize("address", ["10.0.0.9", "127.0.0.1"])
def test_a_header_from_anybody_else_is_ignored(address: str) -> None:
    found = comes(address, settings=PROXY, x_forwarded_email=ANNA)
    assert found.actor.role is Role.VIEWER
    assert found.actor.name == f"dashboard {address}"
    assert "no proxy that is trusted" in found.why_not


@pytest.mark.parametrize("told", [[], [""], [ANNA, "eve@example.org"], ["eve", ANNA]])
def test_a_proxy_that_names_nobody_or_two_names_nobody(told: list[str]) -> None:
    found = comes("10.0.0.2", settings=PROXY, x_forwarded_email=told)
    assert found.actor.role is Role.VIEWER
    assert "log in at the proxy" in found.why_not


def test_a_login_names_who_comes_and_loopback_alone_is_no_name() -> None:
    operator = comes("10.0.0.9", {"is_logged_in": True, "email": ANNA})
    assert (operator.actor.role, operator.actor.name) == (Role.OPERATOR, f"dashboard {ANNA}")
    assert comes("127.0.0.1", {"is_logged_in": True, "email": "eve"}).actor.role is Role.VIEWER
    nobody = comes("127.0.0.1", {"is_logged_in": False, "email": ANNA})
    assert nobody.actor.role is Role.VIEWER
    assert nobody.may_log_in
    unverified = {"is_logged_in": True, "email": ANNA, "email_verified": False}
    assert comes("127.0.0.1", unverified).actor.role is Role.VIEWER


def presses(app: AppTest) -> list[Any]:
    """Buttons of a page that would change something."""
    return [
        one for one in app.button if one.key not in LOOKING and not str(one.key).endswith("-no")
    ]


@pytest.mark.parametrize("file", [row.file for row in PAGES])
def test_a_viewer_can_use_nothing_that_changes_something_and_reads_why(
    file: str, filled_store: str, engine: FakeEngine, visit: Visit
) -> None:
    operator = {one.key for one in presses(open_page(file)) if not one.disabled}
    visit.headers[PEER] = ["10.0.0.9"]
    app = open_page(file)
    assert not app.exception
    assert {one.key for one in presses(app)} >= operator
    for one in presses(app):
        assert one.disabled, one.key
        assert "comes from 10.0.0.9" in one.help, one.key
    tunables = [
        one
        for kind in (app.number_input, app.toggle, app.selectbox)
        for one in kind
        if str(one.key).startswith("tunable-")
    ]
    assert bool(tunables) is (file == "system")
    assert all(one.disabled for one in tunables)
    assert engine.asked == []


class Real:
    """The engine's real actions, of which a page must not reach the engine."""

    def __init__(self) -> None:
        self.reached: list[str] = []

    def call(self, _settings: Settings, verb: str, **_more: object) -> dict[str, Any]:
        """Note a request to the engine."""
        self.reached.append(verb)
        return {"services": [], "jobs": [], "engine": {}, "events": []}


@pytest.fixture
def real(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> Real:
    """Pages see a faked engine; what they press are the real actions."""
    made = Real()
    from engine.actions import engine as lives
    from engine.actions import job_rows, services, tuning

    for module in (services, job_rows, lives):
        monkeypatch.setattr(module, "call", made.call)
    for name, module in {
        "start_service": services, "stop_service": services, "restart_service": services,
        "start_all": services, "stop_all": services, "start_job": job_rows,
        "cancel_job": job_rows, "set_tunable": tuning, "ensure_engine": lives,
    }.items():  # fmt: skip
        monkeypatch.setattr(actions, name, getattr(module, name))
    return made


@pytest.fixture
def unlocked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that forgets to lock, and a browser that sends what nobody can press."""
    monkeypatch.setattr(operating, "locked", dict)


def noted() -> list[tuple[str, str, str]]:
    """Who did what with which result, of those whom this test brought."""
    rows = system.audit(open_store(load_settings().database_url))
    return [
        (row["who"], row["action"], row["result"])
        for row in rows
        if row["who"].startswith("dashboard ")
    ]


def _tunable(app: AppTest) -> None:
    field = next(one for one in app.number_input if "agent.discount" in str(one.key))
    field.set_value(0.5).run()


def _press(key: str) -> Callable[[AppTest], None]:
    def press(app: AppTest) -> None:
        app.button(key=key).click().run()

    return press


FORGED: dict[str, tuple[str, Callable[[AppTest], None], str]] = {
    "service": ("overview", _press("service-restart"), "restart service"),
    "all": ("overview", _press("start-all"), "start service"),
    "hold": ("agent", _press("agent-hold"), "set tunable"),
    "tunable": ("system", _tunable, "set tunable"),
    "job": ("forecaster", _press("retrain"), "start job"),
    "cancel": ("traffic", _press("cancel-job-2"), "cancel job"),
    "promote": ("models", _press("model-promote-champion"), "promote model"),
}


@pytest.mark.parametrize("what", FORGED)
def test_a_press_that_a_viewer_forges_is_refused_at_the_action_and_noted(
    what: str, filled_store: str, real: Real, visit: Visit, unlocked: None
) -> None:
    page, forge, action = FORGED[what]
    visit.headers[PEER] = ["10.0.0.9"]
    app = open_page(page)
    real.reached.clear()
    forge(app)
    assert not app.exception
    told = [one.value for kind in (app.error, app.toast) for one in kind]
    wanted = f"A viewer may not {action}; this session comes from 10.0.0.9, not from this machine."
    assert wanted in told
    assert not set(real.reached) - {"status", "events"}
    assert noted() == [("dashboard 10.0.0.9", action, f"refused: {wanted}")]


def test_no_viewer_starts_an_engine(
    filled_store: str, real: Real, engine: FakeEngine, visit: Visit, unlocked: None
) -> None:
    engine.running = False
    visit.headers[PEER] = ["10.0.0.9"]
    app = open_page("overview")
    app.button(key="start-engine").click().run()
    assert any("A viewer may not start the engine" in one.value for one in app.error)


def adding(file: str) -> AppTest:
    """A page on which a file of this machine is named for an import."""
    app = open_page("policies")
    app.session_state["adding-data"] = True
    app.run()
    app.segmented_control(key="add-from").set_value("File on this machine").run()
    app.text_input(key="add-file").set_value(file).run()
    return app


def test_no_viewer_looks_at_files_of_this_machine(
    filled_store: str, engine: FakeEngine, visit: Visit, unlocked: None
) -> None:
    visit.headers[PEER] = ["10.0.0.9"]
    app = adding("/etc/passwd")
    app.button(key="add-look").click().run()
    assert any("A viewer may not look at data" in one.value for one in app.error)


def test_an_operator_from_afar_names_uploads_alone(
    filled_store: str, engine: FakeEngine, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CACHESCOPE_IDENTITY_HEADER", "X-Email")
    monkeypatch.setenv("CACHESCOPE_OPERATORS", ANNA)
    visit.headers["x-email"] = [ANNA]
    app = adding("/etc/passwd")
    app.button(key="add-look").click().run()
    assert any("name one among its uploads" in one.value for one in app.error)


def test_the_audit_names_the_operator_whom_the_proxy_named(
    filled_store: str, real: Real, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CACHESCOPE_IDENTITY_HEADER", "X-Email")
    monkeypatch.setenv("CACHESCOPE_OPERATORS", ANNA)
    visit.headers["x-email"] = [ANNA]
    app = open_page("agent")
    app.button(key="agent-hold").click().run()
    assert not app.exception
    assert noted() == [(f"dashboard {ANNA}", "set tunable", "done")]
    system_page = AppTest.from_file(str(MAIN), default_timeout=30)
    system_page.query_params["tab"] = "Who does what"
    system_page.switch_page("views/system.py").run()
    assert any(f"dashboard {ANNA}" in table.value.to_string() for table in system_page.dataframe)


def test_a_viewer_sees_the_badge_and_an_operator_does_not(
    filled_store: str, engine: FakeEngine, visit: Visit
) -> None:
    def badges() -> int:
        return sum("viewer" in one.value for one in open_page("overview").markdown)

    assert badges() == 0
    visit.headers[PEER] = ["10.0.0.9"]
    assert badges() == 1


def test_where_people_log_in_a_button_stands_for_it(filled_store: str, engine: FakeEngine) -> None:
    app = AppTest.from_file(str(MAIN), default_timeout=30)
    app.secrets["auth"] = {"google": {"client_id": "x"}}
    app.user = {"is_logged_in": False}
    app.run()
    assert app.button(key="log-in-google").label == "Log in with google"
    assert app.button(key="stop-all").disabled
    assert app.button(key="stop-all").help == "A viewer may only look: log in."
    app.user = {"is_logged_in": True, "email": ANNA}
    app.run()
    assert app.button(key="log-out")
    assert "not among CACHESCOPE_OPERATORS" in app.button(key="stop-all").help
