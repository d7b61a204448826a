"""Runs one scenario on a private pipeline, from the first process to the verdict."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec

from engine.errors import BrokerError, ControlError, ResilienceError
from engine.registry import require, resolve
from engine.resilience import SCENARIOS, crowd
from engine.resilience.base import Scenario, Untestable, scope_of
from engine.resilience.facts import NS
from engine.resilience.findings import Finding, Verdict, overall
from engine.resilience.history import What, read_all
from engine.resilience.judge import judge
from engine.resilience.lateness import bare_start
from engine.resilience.live import LivePipeline, live_checkers
from engine.resilience.load import lasting
from engine.resilience.monitor import Monitor, counted
from engine.resilience.patience import Aborted
from engine.resilience.pipeline import Pipeline
from engine.resilience.queues import QUEUES
from engine.resilience.sweeping import note_handles, sweep
from engine.settings import Settings

DRAIN_S = 20.0
PEEKED = 100
SHARP = 10_000
"""Nanoseconds by which sums of pauses may be off."""


class Outcome(msgspec.Struct, frozen=True):
    """What came of one run; times in wall seconds."""

    id: str
    scenario: str
    values: dict[str, float]
    quick: bool
    backend: str
    scope: str
    verdict: Verdict
    findings: list[Finding]
    note: str
    """Why there is no full judgement; empty when there is one."""
    began_at: float
    seconds: float


Told = Callable[[str], None]


def scenario_of(name: str) -> Scenario:
    """The scenario of a row.

    Raises:
        UnknownName: there is none of that name.
    """
    made: Scenario = resolve(SCENARIOS, name, "scenario")()
    return made


def run_scenario(
    name: str,
    folder: Path,
    given: Mapping[str, float],
    *,
    quick: bool,
    backend: str = "manager",
    live: Settings | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    tell: Told = lambda _words: None,
) -> Outcome:
    """Run a scenario in `folder`, whose last part is the run's id.

    Args:
        name: of the scenario.
        folder: of the run; made here.
        given: parameters that differ from their defaults.
        quick: the form of some seconds.
        backend: of the private pipeline's queue; the live one has its own.
        live: the settings of a running engine to harm instead of a private copy.
        cancelled: asked often; True ends the run.
        tell: hears what is going on.

    Raises:
        UnknownName: there is no such scenario, or no such queue backend.
        ResilienceError: a parameter is unknown or out of its range, or not for the live engine.
        Aborted: a person asked to end.
    """
    scenario = scenario_of(name)
    require(QUEUES, backend, "queue backend")
    scenario.check_scope(live=live is not None)
    values = scenario.values(given, quick=quick)
    began_at, begun = time.time(), time.monotonic()
    note, findings = "", []
    try:
        pipeline = (
            Pipeline(folder, scenario, backend, cancelled)
            if live is None
            else LivePipeline(folder, scenario, live, cancelled)
        )
        _happen(scenario, pipeline, values, tell)
    except Aborted:
        raise
    except Untestable as error:
        note = str(error)
    except (ResilienceError, BrokerError, ControlError) as error:
        note = f"The test itself broke off: {error}"
    history = folder / "history"
    events = read_all(history) if history.is_dir() else []
    if any(event.what is What.PHASE for event in events):
        tell("judging the history")
        checkers = scenario.checkers if live is None else live_checkers(scenario.checkers)
        findings = judge(events, checkers, scenario.bounds(values))
    if note:
        findings.insert(0, Finding("test", Verdict.UNKNOWN, note, "a test that comes to its end"))
    return Outcome(
        folder.name, name, values, quick, backend if live is None else live.queue_backend,
        scope_of(live is not None), overall(findings), findings, note, began_at,
        time.monotonic() - begun,
    )  # fmt: skip


def _happen(
    scenario: Scenario, pipeline: Pipeline, values: Mapping[str, float], tell: Told
) -> None:
    phases = scenario.load(values)
    try:
        tell("starting its processes")
        pipeline.start()
        with _watched(pipeline), _crowd(pipeline):
            pipeline.history.tell(What.REFERENCE, value=bare_start())
            note_handles(pipeline, "before")
            tell("steady before the fault")
            pipeline.send(phases)
            before_s = lasting(phases.before)
            during_s = lasting(phases.during)
            pipeline.wait_to(pipeline.begin + int(before_s * NS))
            # Exact, so that a burst that is due at this moment counts to the fault.
            pipeline.phase("fault", pipeline.begin + int(before_s * NS) - SHARP)
            tell("the fault is there")
            scenario.harm(pipeline, values)
            pipeline.history.tell(What.REFERENCE, value=bare_start())
            pipeline.wait_to(pipeline.begin + int((before_s + during_s) * NS))
            pipeline.phase("after", pipeline.begin + int((before_s + during_s) * NS))
            tell("after the fault")
            pipeline.wait_to(pipeline.begin + int(phases.seconds * NS))
            tell("draining")
            _drain(pipeline)
            pipeline.phase("end")
            note_handles(pipeline, "after")
            scenario.look_back(pipeline, values)
            pipeline.look_back()
        _close_books(pipeline)
    finally:
        pipeline.close()
        sweep(pipeline)
        pipeline.history.close()


@contextlib.contextmanager
def _crowd(pipeline: Pipeline) -> Iterator[None]:
    before = crowd.read(pipeline.family())
    try:
        yield
    finally:
        others = crowd.share_of_others(before, crowd.read(pipeline.family()))
        if others is not None:
            pipeline.history.tell(What.CROWD, value=others)


@contextlib.contextmanager
def _watched(pipeline: Pipeline) -> Iterator[None]:
    monitor = Monitor(pipeline)
    try:
        yield
    finally:
        monitor.close()


def _drain(pipeline: Pipeline) -> None:
    """Wait until all is put and taken; what takes too long is looked at as it is."""
    broker = pipeline.broker()

    def done() -> bool:
        with contextlib.suppress(BrokerError):
            return _finished(pipeline.folder) and broker.counters().depth == 0
        return False

    with contextlib.suppress(ResilienceError):
        pipeline.wait_until(done, DRAIN_S, "the queue to be empty")
    pipeline.check()
    broker.close()


def _finished(folder: Path) -> bool:
    """Whether the producer's newest history ends with its end."""
    found = sorted((folder / "history").glob("producer-*.jsonl"), key=lambda p: p.stat().st_mtime)
    return bool(found) and b'"finished"' in found[-1].read_bytes()[-300:]


def _close_books(pipeline: Pipeline) -> None:
    """With both clients gone nothing moves any more: read the totals and what is left."""
    pipeline.stop("producer", "consumer")
    broker = pipeline.broker(reply_s=2.0)
    counters = broker.counters()
    for one in broker.peek(PEEKED):
        pipeline.history.add(What.QUEUED, id=one.id)
    pipeline.history.tell(What.SAMPLE, note="final", counted=counted(counters))
    broker.close()
