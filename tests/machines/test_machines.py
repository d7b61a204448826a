"""Engine, dashboard and a study's worker on three machines that share nothing but a database."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import URL

from db.queries.studies import trials
from db.session import open_store
from tests.conftest import fresh_database
from tests.engine.stubs.running import until
from tests.machines.network import GATEWAY, Gateway, Host, network, why_not

OPERATOR = "operator-of-several-machines"
VIEWER = "viewer-of-several-machines"
API = 8000

ASK = """
import sys, urllib.request, urllib.error
verb, url, token, body = sys.argv[1:]
headers = {"content-type": "application/json"}
if token:
    headers["authorization"] = f"Bearer {token}"
request = urllib.request.Request(url, body.encode() or None, headers, method=verb)
try:
    print(urllib.request.urlopen(request, timeout=10).status)
except urllib.error.HTTPError as error:
    print(error.code)
"""


@dataclass
class Machines:
    """Three hosts, the environment of each, and what they log."""

    engine: Host
    dashboard: Host
    worker: Host
    store: URL
    common: dict[str, str]
    folder: Path

    def of(self, host: Host, **more: str) -> dict[str, str]:
        own = self.folder / host.name
        return {
            **self.common,
            "CACHESCOPE_DATA_DIR": str(own / "data"),
            "CACHESCOPE_LOG_DIR": str(own / "logs"),
            **more,
        }

    @property
    def url(self) -> str:
        return f"http://{self.engine.address}:{API}"

    def asked(self, verb: str, path: str, token: str, body: str = "") -> int:
        """The status of a request of the worker's machine to the engine's API."""
        return int(self.worker.python("-c", ASK, verb, f"{self.url}/{path}", token, body))


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[Machines]:
    if reason := why_not():
        pytest.skip(reason)
    with (
        fresh_database("mariadb", tmp_path) as url,
        network("engine-host", "dashboard-host", "worker-host") as (lan, hosts),
    ):
        gateway = Gateway(lan, (url.host or "127.0.0.1", url.port or 3306))
        reached = url.set(host=GATEWAY, port=gateway.port)
        common = {"DATABASE_URL": reached.render_as_string(hide_password=False)}
        found = Machines(hosts[0], hosts[1], hosts[2], url, common, tmp_path)
        for host in hosts:
            (tmp_path / host.name).mkdir()
        try:
            yield found
        finally:
            gateway.close()


@pytest.mark.timeout(300)
def test_they_work_together_with_tokens_and_not_without(machines: Machines) -> None:
    log = machines.folder / "engine.log"
    serving = machines.of(
        machines.engine,
        CACHESCOPE_API_HOST=machines.engine.address,
        CACHESCOPE_API_PORT=str(API),
        CACHESCOPE_OPERATOR_TOKEN=OPERATOR,
        CACHESCOPE_VIEWER_TOKEN=VIEWER,
        CACHESCOPE_SAMPLE="true",
    )
    machines.engine.start("-m", "engine", "up", log=log, environment=serving)
    until(lambda: "origin: ready" in log.read_text() or "traffic: started" in log.read_text(), 90)
    until(lambda: machines.asked("GET", "health", "") == 200, 30)

    assert machines.asked("GET", "status", "") == 401
    assert machines.asked("GET", "status", "a-token-of-somebody-else") == 401
    assert machines.asked("GET", "status", VIEWER) == 200
    stop = json.dumps({"name": "traffic"})
    assert machines.asked("POST", "control/stop", VIEWER, stop) == 403
    assert machines.asked("POST", "control/stop", "", stop) == 401

    looking = machines.of(
        machines.dashboard,
        CACHESCOPE_ENGINE_URL=machines.url,
        CACHESCOPE_OPERATOR_TOKEN=OPERATOR,
        STREAMLIT_SERVER_ALLOWED_HOSTS=machines.dashboard.address,
    )
    page = ["-m", "streamlit", "run", "dashboard/Home.py", "--server.headless", "true"]
    page += ["--server.port", "8501", "--server.address", machines.dashboard.address]
    machines.dashboard.start(*page, log=machines.folder / "page.log", environment=looking)
    told = machines.dashboard.python(
        "-m", "tests.machines.dashboard_host", environment=looking, seconds=150
    )
    seen = json.loads(told.splitlines()[-1])
    assert seen["host"] == "engine-host"
    assert seen["services"]["collector"] == "running"
    assert (seen["faults"], seen["errors"]) == ([], [])
    assert "traffic" in seen["restarted"]
    assert (seen["job"], seen["owner"].partition(":")[0]) == ("done", "engine-host")
    assert (seen["requests"], seen["log"], seen["queue"]) == (5, 5, 100)
    ready = f"http://{machines.dashboard.address}:8501/api/ready"
    until(lambda: machines.worker.python("-c", ASK, "GET", ready, "", "") == "200\n", 30)

    viewing = {**looking, "CACHESCOPE_VIEWER_TOKEN": VIEWER}
    del viewing["CACHESCOPE_OPERATOR_TOKEN"]
    refused = machines.dashboard.run(*_engine("restart", "traffic"), environment=viewing)
    assert refused.returncode == 2
    assert refused.stderr == "A viewer may change nothing; ask with an operator's token.\n"

    study = ["study", "new", "shared", "--vary", "learning_rate=0.1,0.4", "--seeds", "1"]
    options = ["--option", "source=seeded", "--option", "minutes=2"]
    machines.dashboard.python(*_engine(*study, *options)[1:], environment=looking)
    work = _engine("worker", "--study", "shared", "--quiet")[1:]
    machines.worker.python(*work, environment=machines.of(machines.worker), seconds=150)
    shown = machines.dashboard.python(
        *_engine("study", "show", "shared", "--json")[1:], environment=looking
    )
    assert json.loads(shown)["standing"]["state"] == "done"
    store = open_store(machines.store)
    done = trials(store, "shared")
    store.dispose()
    assert {one["worker"].partition(":")[0] for one in done} == {"worker-host"}
    assert [one["state"] for one in done] == ["done", "done"]


def _engine(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "engine", *arguments]
