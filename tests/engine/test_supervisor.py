from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.errors import ControlError
from engine.services import Service
from engine.settings import ROOT
from engine.supervision.events import Event, EventLog
from engine.supervision.output import Output
from engine.supervision.plan import Limits, Plan
from engine.supervision.runner import Runner
from tests.engine.stubs.running import RunningEngine, is_alive, ports, stub, until

Start = Callable[..., RunningEngine]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[RunningEngine] = []

    def run(*services: Service, **fields: Any) -> RunningEngine:  # noqa: ANN401 - a plan's own
        started.append(RunningEngine(tmp_path, *services, **fields))
        return started[-1]

    yield run
    for engine in started:
        engine.close()


def kinds(engine: RunningEngine, service: str) -> list[str]:
    return [event["kind"] for event in engine.events() if event["service"] == service]


def test_a_killed_service_is_running_again_and_its_neighbour_never_stopped(start: Start) -> None:
    engine = start(stub("one"), stub("two"))
    first = engine.becomes("one", "running")
    other = engine.becomes("two", "running")
    os.kill(first["pid"], signal.SIGKILL)
    until(lambda: engine.service("one")["pid"] not in (None, first["pid"]))
    again = engine.becomes("one", "running")
    assert again["restarts"] == 1
    assert engine.service("two")["pid"] == other["pid"]
    assert kinds(engine, "one") == [
        "started",
        "ready",
        "exited",
        "restarted",
        "started",
        "ready",
        "recovered",
    ]
    exited = engine.events("exited")[0]
    assert exited["message"] == "ended by SIGKILL"
    assert "running again after" in engine.events("recovered")[0]["message"]


def test_a_service_that_hangs_is_killed_and_replaced(start: Start) -> None:
    engine = start(stub("one", hang_s=1.0))
    first = engine.becomes("one", "running")
    os.kill(first["pid"], signal.SIGSTOP)
    until(lambda: engine.events("recovered"))
    assert not is_alive(first["pid"])
    assert engine.events("killed")[0]["message"] == "killed: no heartbeat for 1 s"
    assert engine.service("one")["state"] == "running"


def test_a_service_that_never_gets_ready_is_killed(start: Start) -> None:
    engine = start(stub("one", "--never-ready", ready_s=0.8))
    until(lambda: engine.events("killed"))
    assert "not ready within 0.8 s" in engine.events("killed")[0]["message"]


def test_a_crash_loop_ends_as_failed_with_the_childs_last_sentence(start: Start) -> None:
    engine = start(
        stub("one", "--fail", "The database is on the moon."),
        stub("two"),
        limits=Limits(backoff_s=0.02, starts=3),
    )
    failed = engine.becomes("one", "failed", 20)
    assert failed["why"] == "ended with exit code 2: The database is on the moon."
    assert kinds(engine, "one").count("started") == 3
    assert engine.becomes("two", "running")["restarts"] == 0
    engine.call("start", name="one")
    until(lambda: kinds(engine, "one").count("started") > 3)


def test_pauses_between_restarts_grow(start: Start) -> None:
    engine = start(stub("one", "--fail", "no"), limits=Limits(backoff_s=0.1, starts=4))
    engine.becomes("one", "failed", 20)
    pauses = [event["message"] for event in engine.events("restarted")]
    assert pauses == ["starts again at once", "starts again in 0.1 s", "starts again in 0.2 s"]


def test_a_service_that_ignores_term_is_killed(start: Start) -> None:
    engine = start(stub("one", "--ignore-term", stop_s=0.5))
    pid = engine.becomes("one", "running")["pid"]
    engine.call("stop", name="one")
    engine.becomes("one", "stopped")
    assert not is_alive(pid)
    assert engine.service("one")["why"] == "killed: did not end within 0.5 s"


def test_services_start_in_order_and_stop_in_reverse(start: Start, tmp_path: Path) -> None:
    history = tmp_path / "history"
    say = ("--history", str(history))
    engine = start(
        stub("last", *say, needs=("middle",)),
        stub("middle", *say, "--ready-after", "0.3", needs=("first",)),
        stub("first", *say, "--ready-after", "0.3"),
    )
    engine.becomes("last", "running")
    engine.call("stop", name="*")
    engine.becomes("first", "stopped")
    assert history.read_text().split("\n")[:-1] == [
        "first up",
        "middle up",
        "last up",
        "last down",
        "middle down",
        "first down",
    ]
    assert engine.process.poll() is None


def test_what_needs_a_failed_service_starts_all_the_same(start: Start) -> None:
    engine = start(
        stub("first", "--fail", "no"),
        stub("second", needs=("first",)),
        limits=Limits(backoff_s=0.01, starts=2),
    )
    engine.becomes("second", "running")
    assert engine.service("first")["state"] == "failed"


def test_degraded_is_shown_with_its_reason_and_taken_back(start: Start) -> None:
    engine = start(stub("one", "--degraded-for", "1.0"))
    assert engine.becomes("one", "degraded")["why"] == "the database is away"
    engine.becomes("one", "running")
    assert kinds(engine, "one") == ["started", "ready", "degraded", "recovered"]


def test_stop_and_start_of_one_service_leave_the_other_alone(start: Start) -> None:
    engine = start(stub("one"), stub("two"))
    other = engine.becomes("two", "running")["pid"]
    engine.becomes("one", "running")
    engine.call("stop", name="one")
    stopped = engine.becomes("one", "stopped")
    assert stopped["pid"] is None
    engine.call("start", name="one")
    engine.becomes("one", "running")
    assert engine.service("two")["pid"] == other


def test_restart_gives_a_new_process(start: Start) -> None:
    engine = start(stub("one"))
    before = engine.becomes("one", "running")["pid"]
    engine.call("restart", name="one")
    until(lambda: engine.service("one")["pid"] not in (None, before))
    assert engine.becomes("one", "running")["restarts"] == 0
    assert not is_alive(before)


def test_sigkill_of_the_supervisor_leaves_no_process(start: Start) -> None:
    engine = start(stub("one"), stub("deaf", "--ignore-term"))
    engine.becomes("one", "running")
    engine.becomes("deaf", "running")
    engine.process.kill()
    killed = time.monotonic()
    until(engine.all_gone, 4)
    assert time.monotonic() - killed < 2.5


def test_a_child_that_is_still_importing_ends_with_its_supervisor_too(start: Start) -> None:
    engine = start(stub("one", "--import-for", "30"))
    pid = until(lambda: engine.service("one")["pid"])
    until(lambda: b"--import-for" in Path(f"/proc/{pid}/cmdline").read_bytes(), 10)
    engine.process.kill()
    until(engine.all_gone, 3)


def test_a_supervisor_that_was_stopped_for_a_while_blames_no_child(start: Start) -> None:
    engine = start(stub("one", hang_s=1.0))
    pid = engine.becomes("one", "running")["pid"]
    engine.process.send_signal(signal.SIGSTOP)
    with pytest.raises(ControlError, match=r"did not answer within 0\.5 s"):
        engine.call("status", timeout_s=0.5)
    time.sleep(2.0)  # the outage itself: longer than the child may be silent
    engine.process.send_signal(signal.SIGCONT)
    progress = engine.service("one")["progress"]
    until(lambda: engine.service("one")["progress"] > progress + 10)
    assert engine.service("one")["pid"] == pid
    assert engine.events("killed") == []


def test_a_port_lost_while_down_moves_the_service_and_who_talks_to_it(start: Start) -> None:
    engine = start(stub("one", port="api"), stub("two", needs=("one",)), ports=ports(0))
    engine.becomes("one", "running")
    before = engine.becomes("two", "running")["pid"]
    number = engine.call("status")["engine"]["api_port"]
    engine.call("stop", name="one")
    engine.becomes("one", "stopped")
    with socket.socket() as thief:
        thief.bind(("127.0.0.1", number))
        thief.listen(1)
        engine.call("start", name="one")
        engine.becomes("one", "running")
        until(lambda: engine.service("two")["pid"] not in (None, before))
    assert json.loads(engine.plan.run_file.read_text())["api_port"] != number


def test_the_end_of_the_owner_ends_everything_within_two_seconds(start: Start) -> None:
    engine = start(stub("one"), stub("deaf", "--ignore-term"))
    engine.becomes("one", "running")
    engine.becomes("deaf", "running")
    assert engine.owner_pipe is not None
    os.close(engine.owner_pipe)
    engine.owner_pipe = None
    closed = time.monotonic()
    until(engine.all_gone, 4)
    assert time.monotonic() - closed < 2.3
    assert not engine.plan.run_file.exists()


def test_what_others_need_may_still_end_by_itself_when_the_owner_is_gone(
    start: Start, tmp_path: Path
) -> None:
    history = tmp_path / "history"
    engine = start(
        stub("base", "--history", str(history)), stub("deaf", "--ignore-term", needs=("base",))
    )
    engine.becomes("deaf", "running")
    assert engine.owner_pipe is not None
    os.close(engine.owner_pipe)
    engine.owner_pipe = None
    until(engine.all_gone, 4)
    assert history.read_text().splitlines() == ["base up", "base down"]
    log = (engine.plan.log_path / "engine.log").read_text()
    assert "base: stopped" in log
    assert "deaf: killed: the engine ends" in log
    assert "ERROR" not in log


def test_what_needs_a_service_that_is_slow_to_start_waits_for_it(
    start: Start, tmp_path: Path
) -> None:
    history = tmp_path / "history"
    say = ("--history", str(history))
    engine = start(
        stub("slow", *say, "--ready-after", "1.0"),
        stub("other", *say, needs=("slow",)),
        limits=Limits(needs_s=0.1),
    )
    engine.becomes("other", "running")
    ready = next(e["at"] for e in engine.events("ready") if e["service"] == "slow")
    started = next(e["at"] for e in engine.events("started") if e["service"] == "other")
    assert started >= ready


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything_and_exits_0(start: Start, number: signal.Signals) -> None:
    engine = start(stub("one"))
    engine.becomes("one", "running")
    engine.process.send_signal(number)
    until(engine.all_gone)
    assert engine.process.returncode == 0


def test_a_second_engine_is_refused_in_one_sentence_that_names_the_first(start: Start) -> None:
    engine = start(stub("one"))
    kept = engine.owner_pipe
    second = engine.launch()
    _, said = second.communicate(timeout=10)
    assert engine.owner_pipe is not None
    os.close(engine.owner_pipe)
    engine.owner_pipe = kept
    assert second.returncode == 2
    assert said.count("\n") == 1
    assert f"pid {engine.process.pid}" in said
    engine.becomes("one", "running")


def test_an_engine_can_start_after_one_was_killed(start: Start) -> None:
    engine = start(stub("one"))
    engine.becomes("one", "running")
    engine.process.kill()
    until(engine.all_gone, 4)
    start(stub("one")).becomes("one", "running")


def test_a_busy_port_means_the_next_free_one(start: Start) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen(1)
        taken = busy.getsockname()[1]
        engine = start(stub("one", port="api"), ports=ports(taken))
        status = engine.call("status")
        chosen = status["engine"]["api_port"]
    assert taken < chosen < taken + 50
    assert json.loads(engine.plan.run_file.read_text())["api_port"] == chosen


def test_run_file_and_socket_are_for_us_alone(start: Start) -> None:
    engine = start(stub("one"))
    modes = {
        path: stat.S_IMODE(path.stat().st_mode)
        for path in (engine.plan.run_file, engine.plan.socket, engine.plan.run_path)
    }
    assert list(modes.values()) == [0o600, 0o600, 0o700]
    said = json.loads(engine.plan.run_file.read_text())
    assert said["pid"] == engine.process.pid
    assert said["owner"] == "terminal"


def test_output_is_captured_and_rotated(start: Start) -> None:
    engine = start(
        stub("one", "--say", "hello there", "--flood", "600000"),
        limits=Limits(log_bytes=100_000, log_files=3),
    )
    engine.becomes("one", "running")
    until((engine.plan.log_path / "one.log.2").exists)
    files = sorted(engine.plan.log_path.glob("one.log*"))
    assert [file.name for file in files] == ["one.log", "one.log.1", "one.log.2"]
    assert all(line == "x" * 99 for file in files for line in file.read_text().splitlines())


def test_output_before_a_crash_is_kept(start: Start) -> None:
    engine = start(stub("one", "--say", "last words", "--fail", "bye"), limits=Limits(starts=1))
    engine.becomes("one", "failed")
    assert engine.log("one") == "last words\nbye\n"
    assert "one: given up" in engine.log("engine")


def test_events_are_numbered_and_asked_for_from_any_number(start: Start) -> None:
    engine = start(stub("one"))
    engine.becomes("one", "running")
    everything = engine.call("events", after=0)
    numbers = [event["sequence"] for event in everything["events"]]
    assert numbers == list(range(1, len(numbers) + 1))
    assert engine.call("events", after=numbers[-1])["events"] == []
    assert everything["writer"] == engine.call("status")["engine"]["writer"]


def test_wrong_requests_get_one_sentence(start: Start) -> None:
    engine = start(stub("one"))
    with pytest.raises(ControlError, match="There is no verb 'dance'"):
        engine.call("dance")
    with pytest.raises(ControlError, match="Did you mean 'one'"):
        engine.call("stop", name="ona")
    with pytest.raises(ControlError, match="give the number of an event"):
        engine.call("events", after="yesterday")
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        client.connect(str(engine.plan.socket))
        lines = client.makefile("rb")
        for nonsense in (b"[nonsense", b"[" * 50_000, b"7", b'{"verb": "stop", "name": [{}]}'):
            client.sendall(nonsense + b"\n")
            assert b'"ok": false' in lines.readline()
        lines.close()
    engine.becomes("one", "running")


def test_a_client_that_says_nothing_hinders_nobody(start: Start) -> None:
    engine = start(stub("one"))
    silent = [socket.socket(socket.AF_UNIX) for _ in range(5)]
    for client in silent:
        client.connect(str(engine.plan.socket))
        client.sendall(b'{"verb": ')
    began = time.monotonic()
    engine.becomes("one", "running")
    engine.call("status")
    assert time.monotonic() - began < 10
    for client in silent:
        client.close()


def test_a_plan_travels_unchanged(tmp_path: Path) -> None:
    plan = Plan(
        data_path=tmp_path,
        log_path=tmp_path,
        run_path=tmp_path,
        owner="dashboard",
        services=(stub("one", "--say", "ä", needs=("two",)), stub("two", port="api")),
        ports=ports(8000),
        limits=Limits(starts=9),
    )
    assert Plan.from_json(plan.to_json()) == plan


class Quiet(Output):
    """An output that is written nowhere."""

    def __init__(self) -> None:
        self.last_line = ""


@pytest.mark.parametrize("first", ["degraded the database is away", "standby another one works"])
def test_each_outage_is_timed_from_its_own_begin(
    first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("engine.supervision.runner.time.monotonic", lambda: now)
    said: list[Event] = []

    class Child:
        """A process that says what it is told to, and dies when it is told to."""

        pid, exit_code = 1, 1

        def __init__(self) -> None:
            self.lines: list[str] = []
            self.over: str | None = None

        def heard(self) -> list[str]:
            lines, self.lines = self.lines, []
            return lines

        def ended(self) -> str | None:
            return self.over

        def close(self) -> None:
            pass

    children: list[Child] = []

    def spawn(_service: Service, _output: Output) -> Any:  # noqa: ANN401 - a stand-in
        children.append(Child())
        return children[-1]

    runner = Runner(stub("one"), Limits(), Quiet(), EventLog(said.append), spawn)

    def live(*lines: str, over: str | None = None) -> None:
        children[-1].lines += lines
        children[-1].over = over
        runner.turn(now)

    runner.want()
    runner.start()
    live("ready", over="ended by SIGKILL")
    now += 2
    runner.start()
    live(first, "ready")
    live("recovered")
    now += 600
    live(over="ended by SIGKILL")
    now += 1
    runner.start()
    live("ready")
    back = [event.message for event in said if event.kind == "recovered"]
    assert back[-1] == "running again after 1.0 s"
    assert back[0].endswith("again after 2.0 s")


def test_a_run_folder_of_someone_else_is_refused(start: Start, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.write_text("a file, not a folder")
    code = (
        "from pathlib import Path; from engine.supervision.folder import private_folder;"
        f"private_folder(Path({str(folder)!r}))"
    )
    command = [sys.executable, "-c", code]
    ended = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False
    )
    said = ended.stderr
    assert "is not a folder of ours" in said
