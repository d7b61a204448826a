"""Studying the agent: each run is the real pipeline on a queue of its own, replayed."""

from __future__ import annotations

import math
import statistics
import threading
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Engine

from db.queries import system
from engine.agent import AGENTS
from engine.agent.base import Agent
from engine.agent.qlearning import QLearning
from engine.agent.work import parse
from engine.broker.base import MAX_LEASED, Broker, Delivery
from engine.collector.sums import Sums
from engine.errors import StudyError
from engine.registry import resolve
from engine.settings import Settings
from engine.study.base import Beat, Figure, Kind, Result, Stopped, Study, thinned
from engine.study.feeding import Monitor, Replayer
from engine.study.queues import Queues
from engine.study.recording import Recording, Window, load, newest_window, source_named
from engine.study.spaces import Config, Parameter
from engine.study.steering import Steering
from engine.tunables import TUNABLES, Tuned

PREFIX = "agent."
LEFT_OUT = frozenset({"agent.agent", "agent.model", "agent.mode", "agent.hold"})
OBJECTIVES = ("net", "saved", "hits", "reward")
WAIT_S = 0.1
AS_TOLD_MS = -1.0
MOST_STALE_MS = 100_000
MOST_PAUSE_MS = 1000
BUCKET_S = 30.0


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Options of an agent study.

    Args:
        source: whose rows; empty: the active one.
        minutes: the newest so many of them.
        window: which rows, once that is settled.
        digest: of the recording.
        stale_ms: price of a stale hit in the objective, whatever the agent is told; AS_TOLD_MS:
            what the live agent is told when the study is made.
        objective: one of OBJECTIVES.
        pause_ms: None: nothing is overwritten; else the pace of an overload.
    """

    source: str = ""
    minutes: float = 20.0
    window: Window | None = None
    digest: str = ""
    stale_ms: float = AS_TOLD_MS
    objective: str = "net"
    pause_ms: float | None = None


class AgentKind(Kind):
    """The Q-learning agent over its tunables."""

    objective = Figure("Objective", ",.3f")
    curve = ("Minutes replayed", "Reward, ms per s")
    figures: Mapping[str, Figure] = {
        "net_s": Figure("Net saving, s", ",.1f"),
        "hit_ratio": Figure("Hit ratio", ".1%"),
        "saved_s": Figure("Load time saved, s", ",.1f"),
        "stale_hits": Figure("Stale hits", ",.0f"),
        "reward": Figure("Reward, ms", ",.0f"),
        "enqueue_ms": Figure("Enqueue delay p95, ms", ",.2f"),
        "dequeue_ms": Figure("Dequeue delay p95, ms", ",.1f"),
        "depth_max": Figure("Deepest queue", ",.0f"),
        "processed": Figure("Predictions processed", ",.0f"),
        "overwritten": Figure("Predictions overwritten", ",.0f"),
    }

    def __init__(self, settings: Settings, store: Engine) -> None:
        super().__init__(settings, store)
        self._queues: Queues | None = None
        self._loaded: tuple[str, Recording] | None = None

    @classmethod
    def parameters(cls) -> dict[str, Parameter]:
        """The agent's tunables, without the prefix."""
        return {
            name.removeprefix(PREFIX): Parameter(
                name.removeprefix(PREFIX),
                tunable.default,
                tunable.help,
                tunable.low,
                tunable.high,
                tunable.choices,
                tunable.whole,
            )
            for name, tunable in TUNABLES.items()
            if name.startswith(PREFIX) and name not in LEFT_OUT
        }

    def checked(self, options: Mapping[str, Any], config: Config) -> dict[str, Any]:
        """Settle window and price; see the base."""
        given = _options(options)
        if given.objective not in OBJECTIVES:
            raise StudyError(
                f"The objective is {given.objective!r}; choose one of: {', '.join(OBJECTIVES)}."
            )
        _within("minutes", given.minutes, 2, 24 * 60)
        if given.pause_ms is not None:
            _within("pause_ms", given.pause_ms, 0, MOST_PAUSE_MS)
        if given.stale_ms != AS_TOLD_MS:
            _within("stale_ms", given.stale_ms, 0, MOST_STALE_MS)
        _ = config
        source = source_named(given.source, self.settings, self.store)
        window = given.window or newest_window(source, self.store, given.minutes)
        stale_ms = given.stale_ms
        if stale_ms == AS_TOLD_MS:
            stale_ms = Tuned(system.tunables(self.store)).number("agent.stale_weight_ms")
        settled = msgspec.structs.replace(
            given, source=source.name, window=window, stale_ms=stale_ms
        )
        recording = self._recording(settled)
        told: dict[str, Any] = msgspec.to_builtins(settled)
        return told | {"digest": recording.digest}

    def references(self, study: Study, beat: Beat) -> dict[str, float]:
        """What plain LRU, always keeping and the heuristic reach."""
        options = _options(study.options)
        recording = self._recording(options)
        capacity, tuned = self.settings.cache_capacity_bytes, Tuned()
        found: dict[str, float] = {}
        for title in ("plain LRU", "always keep"):
            steering = Steering(recording, tuned, capacity, None)
            if title == "always keep":
                steering.keep_always()
            steering.finish()
            found[title] = self._objective(options, steering)
            if beat():
                raise Stopped
        heuristic: Agent = resolve(AGENTS, "heuristic", "agent")()
        found["heuristic"] = self._piped(study, heuristic, tuned, beat).objective
        return found

    def run(self, study: Study, config: Config, seed: int, beat: Beat) -> Result:
        """Replay the whole recording through a queue, an agent and a cache of its own."""
        tuned = Tuned({PREFIX + name: value for name, value in (study.fixed | config).items()})
        agent = QLearning(seed)
        agent.tune(tuned)
        return self._piped(study, agent, tuned, beat)

    def close(self) -> None:
        """End the own queue server."""
        if self._queues is not None:
            self._queues.close()
            self._queues = None

    def _recording(self, options: Options) -> Recording:
        if options.window is None:
            raise StudyError("This study knows no stretch of recorded time; make it anew.")
        key = f"{options.window}"
        if self._loaded is None or self._loaded[0] != key:
            self._loaded = key, load(options.window, self.settings, self.store)
        recording = self._loaded[1]
        if options.digest and recording.digest != options.digest:
            raise StudyError(
                "The recorded rows of this study have changed (retention deletes them after a "
                "while); make a new study."
            )
        return recording

    def _piped(self, study: Study, agent: Agent, tuned: Tuned, beat: Beat) -> Result:
        options = _options(study.options)
        recording = self._recording(options)
        if self._queues is None:
            self._queues = Queues(self.settings)
        steering = Steering(recording, tuned, self.settings.cache_capacity_bytes, agent)
        name = f"study-{uuid.uuid4().hex[:16]}"
        stopping = threading.Event()
        replayer = Replayer(
            self._queues.open(name, "replayer"), recording.predictions, options.pause_ms, stopping
        )
        monitor = Monitor(self._queues.open(name, "monitor"), replayer, stopping)
        broker = self._queues.open(name, "agent")
        try:
            for thread in (replayer, monitor):
                thread.start()
            taken = _consume(broker, steering, monitor, beat)
            if replayer.error or monitor.error:
                raise StudyError(replayer.error or monitor.error)
        finally:
            stopping.set()
            for thread in (replayer, monitor):
                thread.join(10)
            broker.close()
            self._queues.drop(name)
        steering.finish()
        counters = monitor.last
        figures = _figures(options, steering) | _delays(taken)
        figures |= {
            "depth_max": float(monitor.depth_max),
            "processed": float(len(taken)),
            "overwritten": float(counters.overwritten if counters else 0),
        }
        return Result(self._objective(options, steering), figures, _curve(steering))

    def _objective(self, options: Options, steering: Steering) -> float:
        figures = _figures(options, steering)
        names = {"net": "net_s", "saved": "saved_s", "hits": "hit_ratio", "reward": "reward"}
        return figures[names[options.objective]]


def _consume(
    broker: Broker, steering: Steering, monitor: Monitor, beat: Beat
) -> list[tuple[int, int]]:
    """Take predictions until all have ended; returns enqueue and dequeue delay of each in ns."""
    taken: list[tuple[int, int]] = []
    while not monitor.finished.is_set():
        if beat():
            raise Stopped
        deliveries, _ = broker.get_many(MAX_LEASED, WAIT_S)
        for delivery in deliveries:
            _take(delivery, steering)
            taken.append(
                (
                    delivery.accepted_ns - delivery.sent_ns,
                    delivery.handed_ns - delivery.accepted_ns,
                )
            )
        broker.acknowledge([delivery.id for delivery in deliveries])
        broker.flush()
    return taken


def _take(delivery: Delivery, steering: Steering) -> None:
    prediction = parse(delivery)
    if prediction is not None:
        steering.take(prediction)


def _figures(options: Options, steering: Steering) -> dict[str, float]:
    total: Sums = steering.total
    saved_ms = total.saved_ms - total.refresh_ms
    return {
        "net_s": (saved_ms - options.stale_ms * total.stale_hits) / 1000.0,
        "hit_ratio": total.hits / max(total.requests, 1),
        "saved_s": saved_ms / 1000.0,
        "stale_hits": float(total.stale_hits),
        "reward": math.fsum(ms for _, ms in steering.rewards),
    }


def _delays(taken: Sequence[tuple[int, int]]) -> dict[str, float]:
    if len(taken) < 2:
        return {"enqueue_ms": 0.0, "dequeue_ms": 0.0}
    enqueue, dequeue = (
        statistics.quantiles(column, n=20)[-1] / 1e6 for column in zip(*taken, strict=True)
    )
    return {"enqueue_ms": enqueue, "dequeue_ms": dequeue}


def _curve(steering: Steering) -> tuple[tuple[float, float], ...]:
    if not steering.rewards:
        return ()
    start = steering.rewards[0][0]
    sums: dict[int, float] = defaultdict(float)
    for at, reward_ms in steering.rewards:
        sums[int((at - start) // BUCKET_S)] += reward_ms
    return thinned([((n + 1) * BUCKET_S / 60.0, sums[n] / BUCKET_S) for n in sorted(sums)])


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise StudyError(f"{name} is {value:g}; give a number from {low:g} to {high:g}.")


def _options(given: Mapping[str, Any]) -> Options:
    try:
        return msgspec.convert(dict(given), Options)
    except msgspec.ValidationError as error:
        raise StudyError(f"This study cannot be asked for: {error}.") from None
