"""Who may do what over HTTP, how much of it, and what is noted: each refusal is a problem."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from db.migrations import migrate
from db.queries import system
from db.session import open_store
from engine import actions
from engine.actions.roles import Actor, Role, acting, confined
from engine.actions.secrets_out import without_secrets
from engine.actions.store import audited
from engine.api.application import create_app
from engine.api.documented import curl
from engine.api.limits import Pace
from engine.errors import ControlError, NotAllowed, SettingsError
from engine.secret import Secret
from engine.settings import Settings, load_settings
from engine.spreadsheet import defused
from tests.engine.test_api import client_of

OPERATOR, VIEWER = "o" * 20, "v" * 20
AFAR = Actor(Role.OPERATOR, "api operator 10.0.0.9", is_remote=True)


def settings_in(folder: Path, **more: Any) -> Settings:  # noqa: ANN401 - any setting
    tokens = {"operator_token": Secret(OPERATOR), "viewer_token": Secret(VIEWER)}
    known = Settings(data_dir=folder, log_dir=folder, **(tokens | more))
    migrate(open_store(known.database_url))
    return known


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path)


@pytest.fixture
def client(settings: Settings) -> TestClient:
    return client_of(settings)


def bearing(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def changing() -> Iterator[tuple[str, str]]:
    """Verb and path of every endpoint that changes something."""
    for path, operations in create_app(Settings()).openapi()["paths"].items():
        for verb in operations:
            if verb != "get" and not path.endswith("/decide"):
                yield verb.upper(), curl(verb.upper(), path).rpartition(":8000")[2].strip("'")


@pytest.mark.parametrize("token", ["", "o", OPERATOR + "o", VIEWER.upper()])
def test_without_a_known_token_nothing_is_told(client: TestClient, token: str) -> None:
    answer = client.get("/tunables", headers=bearing(token) if token else {})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "Authorization: Bearer" in answer.json()["remedy"]
    assert client.get("/health").status_code == 200


def test_a_viewer_may_look_and_change_nothing_at_all(client: TestClient) -> None:
    assert client.get("/tunables", headers=bearing(VIEWER)).is_success
    asked = list(changing())
    assert len(asked) > 20
    for verb, path in asked:
        answer = client.request(verb, path, headers=bearing(VIEWER))
        assert answer.status_code == 403, (verb, path)
        assert "operator" in answer.json()["remedy"]


def test_the_action_itself_refuses_a_viewer_whatever_face_asks(settings: Settings) -> None:
    with acting(Actor(Role.VIEWER, "somebody")):
        for act in (
            lambda: actions.set_tunable("agent.hold", True, "page", settings),
            lambda: actions.start_job("seed", {}, "page", settings),
            lambda: actions.stop_service("agent", "page", settings),
        ):
            with pytest.raises(NotAllowed, match="viewer may not"):
                act()
    noted = system.audit(open_store(settings.database_url))
    assert {row["who"] for row in noted} == {"somebody"}
    assert all(row["result"].startswith("refused: A viewer") for row in noted)


def test_who_changed_what_is_noted_without_secrets(settings: Settings, client: TestClient) -> None:
    new = {"value": True}
    assert client.put("/tunables/agent.hold", json=new, headers=bearing(OPERATOR)).is_success
    params = {"url": "mysql://me:hunter2@db/x", "nested": [{"api_key": "hunter2"}], "n": 3}
    with (
        pytest.raises(ZeroDivisionError),
        audited(settings, "page", "import", params | {"key": "/a?token=hunter2&b=1"}),
    ):
        _ = 1 / 0
    failed, changed = system.audit(open_store(settings.database_url))
    assert changed["who"].startswith("api operator ")
    assert (changed["action"], changed["result"]) == ("set tunable", "done")
    assert failed["result"] == "failed: ZeroDivisionError"
    assert "hunter2" not in str(failed)
    assert failed["params"]["n"] == 3
    assert failed["params"]["url"] == "mysql://me:***@db/x"
    assert failed["params"]["key"] == "/a?token=***&b=1"


def test_a_job_that_a_person_starts_over_http_is_noted_and_one_of_a_service_is_not(
    settings: Settings, client: TestClient
) -> None:
    """No engine runs: what matters is who is said to have asked."""
    body = {"kind": "seed"}
    assert not client.post("/jobs", json=body, headers=bearing(OPERATOR)).is_success
    with pytest.raises(ControlError):
        actions.start_job("retrain", {}, "forecaster", settings)
    (noted,) = system.audit(open_store(settings.database_url))
    assert (noted["who"], noted["action"]) == ("api operator testclient", "start job")
    assert noted["params"]["kind"] == "seed"


def test_plain_values_are_noted_as_they_are() -> None:
    told = {"rows": [1, 2.5, None, True], "name": "shop", "trace": "a=b", "token": ""}
    assert without_secrets(told) == told


def test_more_requests_than_a_client_may_send_are_put_off(tmp_path: Path) -> None:
    client = client_of(
        settings_in(tmp_path, api_rate=0.5, operator_token=Secret(), viewer_token=Secret())
    )
    answers = [client.get("/tunables") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]
    assert int(answers[1].headers["retry-after"]) in (1, 2)
    assert answers[1].json()["title"] == "Too Many Requests"


def test_each_client_has_a_pace_of_its_own() -> None:
    pace = Pace(10)
    assert [pace.wait_s("a", 0.0) for _ in range(20)] == [0.0] * 20
    assert pace.wait_s("a", 0.0) == pytest.approx(0.1)
    assert pace.wait_s("b", 0.0) == 0
    assert pace.wait_s("a", 0.11) == 0


@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_body_that_is_too_large_is_refused(tmp_path: Path, is_chunked: bool) -> None:
    client = client_of(
        settings_in(tmp_path, api_body_mb=0.01, operator_token=Secret(), viewer_token=Secret())
    )
    body = b'{"writer": "' + b"x" * 20_000 + b'"}'
    for path in ("/ingest", "/compare"):
        content = (body[at : at + 1000] for at in range(0, len(body), 1000))
        answer = client.post(path, content=content if is_chunked else body)
        assert answer.status_code == 413, path
        assert "0.01 MB" in answer.json()["detail"]


def test_a_batch_has_at_most_so_many_rows(
    settings: Settings, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.actions.batch.MOST_ROWS", 2)
    body = {"rows": [[1.0]] * 3}
    answer = client.post("/models/1/decide", json=body, headers=bearing(VIEWER))
    assert answer.status_code == 413
    assert "at most 2" in answer.json()["remedy"]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7"])  # noqa: S104
def test_only_with_a_token_does_the_api_listen_elsewhere(host: str) -> None:
    with pytest.raises(SettingsError, match="set CACHESCOPE_OPERATOR_TOKEN"):
        load_settings(CACHESCOPE_API_HOST=host)
    known = load_settings(CACHESCOPE_API_HOST=host, CACHESCOPE_OPERATOR_TOKEN=OPERATOR)
    assert known.api_host == host


def test_a_token_that_can_be_guessed_is_refused_and_not_repeated() -> None:
    with pytest.raises(SettingsError, match="at least 16") as refused:
        load_settings(CACHESCOPE_OPERATOR_TOKEN="short-one")
    assert "short-one" not in str(refused.value)


def test_a_further_name_is_answered_to_when_it_is_set(tmp_path: Path) -> None:
    client = client_of(settings_in(tmp_path, api_names="cache.example, other"))
    headers = bearing(VIEWER)
    assert client.get("/tunables", headers=headers | {"host": "cache.example:8000"}).is_success
    assert client.get("/tunables", headers=headers | {"host": "evil"}).status_code == 403


@pytest.mark.parametrize("file", ["/etc/passwd", "../secret", "a/../../b", "link/x", "~/x"])
def test_from_afar_only_uploads_are_read(settings: Settings, file: str) -> None:
    uploads = settings.data_path / "uploads"
    uploads.mkdir()
    (uploads / "link").symlink_to("/etc")
    with acting(AFAR):
        if file == "~/x":  # a name like any other: nobody's home is meant
            assert confined({"file": file}, settings)["file"] == str(uploads / file)
            return
        for name in ("file", "trace"):
            with pytest.raises(NotAllowed, match="among its uploads"):
                confined({name: file}, settings)
    assert confined({"file": file}, settings) == {"file": file}


def test_a_file_is_handed_over_under_a_plain_name(settings: Settings, client: TestClient) -> None:
    uploads = settings.data_path / "uploads"
    uploads.mkdir()
    target = settings.data_path / "precious"
    target.write_text("mine")
    (uploads / "shop.csv").symlink_to(target)
    sent = client.put("/uploads/shop.csv", content=b"a,b\n", headers=bearing(OPERATOR))
    assert (sent.status_code, sent.json()) == (201, {"file": "shop.csv", "bytes": 4})
    assert (uploads / "shop.csv").read_text() == "a,b\n"
    assert target.read_text() == "mine"
    for name in (".hidden", "a%2F..%2Fb", "~"):
        answer = client.put(f"/uploads/{name}", content=b"", headers=bearing(OPERATOR))
        assert answer.status_code in (400, 404), name
    assert [path.name for path in uploads.iterdir()] == ["shop.csv"]
    assert confined({"file": "shop.csv"}, settings) == {"file": str(uploads / "shop.csv")}


def test_a_study_from_afar_reads_no_file_of_this_machine(client: TestClient) -> None:
    wanted = {"name": "far", "kind": "trainer", "options": {"trace": "/etc/passwd"}}
    answer = client.post("/studies", json=wanted, headers=bearing(OPERATOR))
    assert answer.status_code == 403
    assert "among its uploads" in answer.json()["remedy"] + answer.json()["detail"]


def test_from_afar_an_upload_and_a_stored_trace_are_found(settings: Settings) -> None:
    with acting(AFAR):
        found = confined({"file": "shop.csv", "trace": "shop", "name": "x"}, settings)
    upload = str(settings.data_path / "uploads" / "shop.csv")
    assert found == {"file": upload, "trace": "shop", "name": "x"}


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\r=1"])
def test_what_a_spreadsheet_would_run_is_made_text(text: str) -> None:
    assert defused(text) == f"'{text}"
    assert [defused(value) for value in ("", "a=b", -1, None)] == ["", "a=b", -1, None]
