"""Replaying policies on the test part, and holding the learned one against the best classic."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.cache import POLICIES
from engine.cache.base import Policy, Replay, Room
from engine.cache.value import HitValue
from engine.errors import EvaluationCancelled
from engine.registry import resolve
from engine.traces.split import split
from engine.traces.trace import Requests, Trace
from engine.training.curves import Listener
from engine.training.intervals import over_seeds, over_time
from engine.training.lifetime import lifetime
from engine.training.policy import TrainedPolicy
from engine.training.replaying import start
from engine.training.results import (
    CLASSIC,
    LEARNED,
    METRICS,
    OPTIMUM,
    REFERENCE,
    Score,
    Verdict,
    sentence_of,
)

_LIMITS = ("always", "never")
"""Rows of POLICIES that are no choices: unlimited room, and no cache."""


def resized(policy: TrainedPolicy, train: Requests, room: Room) -> TrainedPolicy:
    """The same networks for a cache of another size: features are relative to its lifetime."""
    if room.capacity == policy.spec.capacity:
        return policy
    spec = msgspec.structs.replace(
        policy.spec, capacity=room.capacity, lifetime=lifetime(train, room)
    )
    return TrainedPolicy(spec, policy.networks)


class Standing(msgspec.Struct):
    """A score, and what each test request gained, in the ranking figure's unit."""

    score: Score
    gained: Any


class Judge:
    """Replays any policy over the same requests: warmed by the first half, judged on the second.

    Args:
        trace: with all requests.
        policies: the learned one, one a seed.
        listener: hears how it goes, and may cancel.
        whole: replays to come, for the progress.
    """

    def __init__(
        self, trace: Trace, policies: Sequence[TrainedPolicy], listener: Listener, whole: int
    ) -> None:
        parts = split(trace.requests)
        self._all, self.train, self.test = trace.requests, parts.train, parts.test
        self._warm = trace.requests.slice(0, len(parts.train) + len(parts.validate))
        self._policies = policies
        self._listener, self._whole, self._done = listener, whole, 0
        spec = policies[0].spec
        self._weights = _weights(self.test, spec.value)
        self.metric = METRICS.get(spec.objective, "value_ratio")
        self.offered = self._weights[self.metric]

    def classic(self, name: str, room: Room) -> Standing:
        """A row of POLICIES in a cache of this room."""
        policy: Policy = resolve(POLICIES, name, "policy")()
        kind = CLASSIC
        if policy.offline:
            unequal = room.by_bytes or self.metric != "hit_ratio"
            kind = REFERENCE if unequal or name != "belady" else OPTIMUM
        elif name in _LIMITS:
            kind = REFERENCE
        hits, seconds = self._replay(policy.start_for(room, self._all, 0), policy.title)
        return self._standing(name, policy.title, kind, room, [hits], seconds)

    def learned(self, room: Room) -> Standing:
        """The learned policy over all its seeds."""
        found, seconds = [], 0.0
        for policy in self._policies:
            own = resized(policy, self.train, room)
            hits, took = self._replay(start(own, room, policy.spec.seed), "learned")
            found.append(hits)
            seconds += took
        return self._standing(LEARNED, "Learned", LEARNED, room, found, seconds)

    def _replay(self, replay: Replay, title: str) -> tuple[NDArray[np.bool_], float]:
        if self._listener.cancelled:
            raise EvaluationCancelled("The evaluation was cancelled; nothing of it is kept.")
        self._listener.progress(self._done / self._whole, f"replaying {title}")
        self._done += 1
        replay.feed(self._warm)
        started = time.perf_counter()
        return replay.feed(self.test), time.perf_counter() - started

    def _standing(
        self,
        name: str,
        title: str,
        kind: str,
        room: Room,
        found: list[NDArray[np.bool_]],
        seconds: float,
    ) -> Standing:
        mean = np.mean(found, axis=0, dtype=np.float64)
        ratios = {n: float((mean * w).sum() / w.sum()) for n, w in self._weights.items()}
        each = tuple(float(self.offered[hits].sum() / self.offered.sum()) for hits in found)
        seeds = over_seeds(each)
        times = over_time(mean * self.offered, self.offered)
        misses = max(1, sum(int((~hits).sum()) for hits in found))
        score = Score(
            policy=name,
            title=title,
            kind=kind,
            capacity=room.capacity,
            **ratios,
            seeds=each if name == LEARNED else (),
            seed_low=seeds.low,
            seed_high=seeds.high,
            time_low=times.low,
            time_high=times.high,
            us_per_request=seconds / (len(found) * len(self.test)) * 1e6,
            us_per_decision=seconds / misses * 1e6,
        )
        return Standing(score, mean * self.offered)


def _weights(test: Requests, value: HitValue) -> dict[str, NDArray[np.float64]]:
    """What each request offers, by figure; where a trace offers none of it, hits count alike."""
    made = {
        "hit_ratio": np.ones(len(test)),
        "byte_hit_ratio": test.size.astype(np.float64),
        "load_time_saved": test.cost,
        "value_ratio": value.of(test),
    }
    return {name: w if w.sum() > 0 else made["hit_ratio"] for name, w in made.items()}


def verdict(
    learned: Standing,
    standing: Sequence[Standing],
    metric: str,
    offered: NDArray[np.float64],
) -> Verdict | None:
    """Hold the learned policy against the best classic in hindsight; None without any classic."""
    classics = [one for one in standing if one.score.kind == CLASSIC]
    if not classics:
        return None
    best = max(classics, key=lambda one: getattr(one.score, metric))
    lead = over_time(learned.gained - best.gained, offered)
    optimum = next((one for one in standing if one.score.kind == OPTIMUM), None)
    room = None if optimum is None else getattr(optimum.score, metric) - getattr(best.score, metric)
    gap = lead.mean / room if room and room > 0 else None
    return Verdict(
        capacity=learned.score.capacity,
        best_classic=best.score.title,
        lead=lead.mean,
        lead_low=lead.low,
        lead_high=lead.high,
        gap_closed=gap,
        sentence=sentence_of(learned.score.capacity, best.score.title, lead, gap),
    )
