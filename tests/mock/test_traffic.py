from __future__ import annotations

import asyncio
import json
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
from sqlalchemy import func, select

from db import tables
from db.session import reading
from db.writes import set_tunable
from engine.lifeline import Lifeline
from engine.settings import Settings
from mock.traffic.command import main
from mock.traffic.plan import Plan, TrafficError, find_catalogue, plan_from
from mock.traffic.probe import WrongAddress
from mock.traffic.service import Traffic
from tests.mock.conftest import ROOT, RunningOrigin, environment, wait_for


class Answer(BaseHTTPRequestHandler):
    """Answers each path with (status, content type, body); anything else with 404."""

    paths: ClassVar[dict[str, tuple[int, str, str]]] = {}
    seen: ClassVar[list[tuple[str, str, str | None]]] = []

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.seen.append((self.command, path, self.headers.get("X-Key")))
        status, kind, body = self.paths.get(path, (404, "application/json", "{}"))
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None: ...


@contextmanager
def server(
    paths: dict[str, tuple[int, str, str]],
) -> Iterator[tuple[str, list[tuple[str, str, str | None]]]]:
    class Own(Answer):
        seen: ClassVar[list[tuple[str, str, str | None]]] = []

    Own.paths = paths
    with ThreadingHTTPServer(("127.0.0.1", 0), Own) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_address[1]}", Own.seen
        running.shutdown()


JSON = "application/json"
SPEC = {"info": {"title": "Shop"}, "paths": {"/items": {"get": {}}, "/orders": {"post": {}}}}


@pytest.fixture(autouse=True)
def private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment(tmp_path).items():
        monkeypatch.setenv(name, value)


def test_real_requests_are_sent_at_the_rate_and_summed_up(origin: RunningOrigin) -> None:
    command = [sys.executable, str(ROOT / "mock" / "simulate_live.py"), "--n", "120"]
    command += ["--api_url", origin.address, "--rate", "60", "--workload", "zipf"]
    done = subprocess.run(
        command,
        cwd="/",
        env=origin.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("120 requests in ")
    assert "errors: none" in done.stdout
    assert "(X-Cache)" in done.stdout
    assert 1.2 < float(done.stdout.split(" in ")[1].split(" s")[0]) < 6

    def recorded() -> int:
        with reading(origin.store) as connection:
            counted = select(func.count()).select_from(tables.cache_metrics)
            return int(connection.execute(counted).scalar_one())

    # Two more at the most: the look at what answers, before the load.
    assert wait_for(lambda: 120 <= recorded() <= 122)


def test_a_users_api_is_loaded_by_its_own_file_and_errors_are_counted_by_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "shop.json"
    broken = {"/gone": {"get": {"x-popularity": 3}}}
    file.write_text(json.dumps(SPEC | {"paths": broken | SPEC["paths"]}))  # type: ignore[operator]
    monkeypatch.setenv("SHOP_KEY", "X-Key: secret")
    with server({"/items": (200, JSON, "{}"), "/gone": (500, JSON, "{}")}) as (url, seen):
        given = ["--api_url", url, "--spec", str(file), "--n", "60", "--rate", "200"]
        assert main([*given, "--workload", "zipf", "--header-env", "SHOP_KEY"]) == 0
    said = capsys.readouterr()
    assert "60 requests" in said.out
    failed = sum(1 for _, path, _ in seen[-60:] if path == "/gone")
    assert f"errors: {failed} x HTTP 500" in said.out
    assert "left out POST /orders" in said.err
    assert {key for _, _, key in seen} == {"secret"}
    assert {method for method, _, _ in seen} == {"GET"}


def test_what_is_no_api_is_named_in_one_sentence() -> None:
    engine = {"/health": (200, JSON, '{"service": "cachescope-engine"}')}
    titled = {"/openapi.json": (200, JSON, '{"info": {"title": "Cachescope"}, "paths": {}}')}
    pages = {"/_stcore/health": (200, "text/plain", "ok")}
    for paths, sentence in (
        (engine, "Cachescope's own engine"),
        (titled, "Cachescope's own engine"),
        (pages, "a Streamlit page"),
        ({}, "none of the paths of 'Energy data"),
    ):
        with server(paths) as (url, _), pytest.raises(WrongAddress, match=sentence):
            find_catalogue(Plan(url))


def test_connection_trouble_is_named_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(WrongAddress, match="Nothing answers at"):
        find_catalogue(Plan("http://127.0.0.1:9"))
    with server({}) as (url, _), pytest.raises(WrongAddress, match="does not speak TLS"):
        find_catalogue(Plan(url.replace("http", "https")))
    files = [str(tmp_path / name) for name in ("key.pem", "cert.pem")]
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"]
    subprocess.run([*made, "-keyout", files[0], "-out", files[1]], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files[1], files[0])
    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as running:
        running.socket = context.wrap_socket(running.socket, server_side=True)
        threading.Thread(target=running.serve_forever, daemon=True).start()
        with pytest.raises(WrongAddress, match=r"certificate of https.*could not be verified"):
            find_catalogue(Plan(f"https://127.0.0.1:{running.server_address[1]}"))
        running.shutdown()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--api_url", "http://192.0.2.1"], "--allow-remote"),
        (["--api_url", "ftp://127.0.0.1"], "is no address"),
        (["--api_url", "nonsense"], "'nonsense' is no address of an API; write it as http://"),
        (["--api_url", "api.example.org"], "is another machine"),
        (["--n", "0"], "n is 0"),
        (["--rate", "0"], "rate is 0"),
        (["--header-env", "NO_SUCH"], "NO_SUCH is not set"),
        (["--spec", "/no/such/file"], "cannot be read"),
        (["--api_url", "http://127.0.0.1:9"], "Nothing answers"),
    ],
)
def test_a_wrong_option_is_answered_in_one_sentence(
    capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert len(said.strip().splitlines()) == 1


def test_a_jobs_parameters_are_checked_by_name_and_form() -> None:
    plan = plan_from({"n": "20", "rate": 5, "workload": "scan"}, "http://127.0.0.1:1", 60)
    assert (plan.count, plan.rate, plan.workload, plan.day_s) == (20, 5.0, "scan", 60)
    with pytest.raises(TrafficError, match="There is no parameter 'speed'"):
        plan_from({"speed": 1}, "http://127.0.0.1:1", 60)
    with pytest.raises(TrafficError, match="give a whole number"):
        plan_from({"n": "many"}, "http://127.0.0.1:1", 60)


def test_a_signal_stops_the_run_with_its_summary(origin: RunningOrigin) -> None:
    command = [sys.executable, "-m", "mock.simulate_live", "--n", "100000"]
    with subprocess.Popen(
        [*command, "--api_url", origin.address],
        cwd=ROOT,
        env=origin.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        assert "Ctrl-C stops" in process.stderr.readline()
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        begun = time.monotonic()
        out, err = process.communicate(timeout=10)
        assert time.monotonic() - begun < 3
    assert "errors: none" in out
    assert "Traceback" not in err


KEPT = (99.0, "shift")


@pytest.mark.parametrize(
    ("status", "told", "wanted"),
    [
        (200, '{"rate": 7, "workload": "scan"}', (7.0, "scan")),
        (200, '{"rate": 0, "workload": "auto"}', (30.0, "daily")),
        (200, '{"rate": 7, "workload": "of a newer version"}', (7.0, "daily")),
        (404, '{"detail": "Not Found"}', KEPT),
        (503, "The tunables have not been read yet.", KEPT),
        (200, "<html>", KEPT),
    ],
)
def test_the_service_asks_the_origin_for_its_pace_and_keeps_it_while_none_is_told(
    status: int, told: str, wanted: tuple[float, str]
) -> None:
    async def asked(address: str) -> tuple[float, str]:
        traffic = Traffic(Settings(), Lifeline())
        traffic._wanted = KEPT
        return await traffic._read_wanted(address)

    with server({"/traffic": (status, JSON, told)}) as (address, _):
        assert asyncio.run(asked(address)) == wanted
    assert asyncio.run(asked(address)) == KEPT, "nobody answers any more"


def test_the_service_follows_its_tunables_and_waits_for_an_origin(origin: RunningOrigin) -> None:
    metrics = tables.cache_metrics

    def recorded() -> int:
        with reading(origin.store) as connection:
            counted = select(func.count()).select_from(metrics)
            return int(connection.execute(counted).scalar_one())

    set_tunable(origin.store, "traffic.workload", "zipf", "test")
    process = subprocess.Popen(
        [sys.executable, "-m", "mock.simulate_live", "--service"],
        cwd=ROOT,
        env=origin.environment,
    )
    try:
        assert wait_for(lambda: recorded() > 30, 60)
        set_tunable(origin.store, "traffic.rate", 200, "test")

        def is_faster() -> bool:
            before = recorded()
            time.sleep(1)
            return recorded() - before > 60

        assert wait_for(is_faster, 60)
        origin.stop()
        time.sleep(1.5)
        assert process.poll() is None, "an origin that is away ends nothing"
        process.terminate()
        assert process.wait(4) == 0
    finally:
        process.kill()
        process.wait(5)
