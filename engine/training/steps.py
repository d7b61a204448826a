"""Step by step: what a policy did at each request of a stretch, and what it was told and thought.

Bounded: one stretch of at most MOST requests of the test part, after a warm-up by all before it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from engine.cache.base import Room
from engine.cache.hybrid import Decision, Scored
from engine.errors import TrainingError
from engine.traces.split import split
from engine.traces.trace import Requests, Trace
from engine.training.policy import TrainedPolicy
from engine.training.replaying import start

MOST = 20_000
"""Steps that are explained at once at most."""
_MEMBERS = 1000


class Compared(msgspec.Struct, frozen=True):
    """One of those a decision was between.

    Args:
        key: its text.
        score: what it was worth keeping: Q-value or logit difference, or a probability.
        newcomer: whether it asked to stay; the others were residents.
        evicted: whether it went.
        features: name -> value, as the network was told before normalising.
    """

    key: str
    score: float
    newcomer: bool
    evicted: bool
    features: dict[str, float]


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One request.

    Args:
        number: within the test part, from 0.
        time: seconds, as recorded.
        key: its text, such as a URL.
        group: its endpoint.
        size: bytes of the result.
        cost: ms that a miss costs.
        hit: whether the result was held.
        action: keep or evict what asked to stay; empty where nothing had to be decided.
        decided: the same in words.
        scorer: who decided.
        compared: those the decision was between, the one that asked to stay first.
        evicted: texts of what left the cache.
        held: whether the result is held now.
        occupancy: results held now.
        reward: value of the hit, 0 for a miss.
        us: microseconds that replaying and deciding took, explanation included.
    """

    number: int
    time: float
    key: str
    group: str
    size: int
    cost: float
    hit: bool
    action: str
    decided: str
    scorer: str
    compared: tuple[Compared, ...]
    evicted: tuple[str, ...]
    held: bool
    occupancy: int
    reward: float
    us: float


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """The steps of a stretch, and the cache after it.

    Args:
        first: number of the first request looked at.
        looked_at: requests looked at; `steps` holds those that were searched for.
        steps: in order of time.
        members: texts of the keys held at the end, at most 1,000.
        held: how many are held at the end.
    """

    first: int
    looked_at: int
    steps: tuple[Step, ...]
    members: tuple[str, ...]
    held: int


class Explaining(Protocol):
    """A replay that tells why."""

    def feed(self, requests: Requests) -> NDArray[np.bool_]:
        """Replay requests."""

    def explain(self, request: Requests) -> Decision:
        """Replay one request and tell what was decided."""

    def members(self) -> NDArray[np.int64]:
        """The keys held now."""


def explain(
    trace: Trace,
    policy: TrainedPolicy,
    *,
    around: int = -1,
    count: int = 500,
    find: str = "",
    room: Room | None = None,
) -> Stretch:
    """Replay a stretch of the test part and tell every step.

    Args:
        trace: of the requests.
        policy: to watch.
        around: request of the test part in the middle of the stretch; -1: its first ones.
        count: requests to look at.
        find: keep only steps whose key or evicted keys contain this text.
        room: another than the policy was trained for.

    Raises:
        TrainingError: more steps than MOST, or a request beyond the test part.
    """
    requests = trace.requests
    parts = split(requests)
    begin = len(parts.train) + len(parts.validate)
    judged = len(parts.test)
    if not 1 <= count <= MOST:
        raise TrainingError(f"{count} steps were asked for; give 1 to {MOST}.")
    if around >= judged:
        raise TrainingError(
            f"There is no request {around} in the test part; its {judged} requests are numbered "
            f"from 0 to {judged - 1}."
        )
    spec = policy.spec
    room = room or Room(spec.capacity, spec.by_bytes, requests.distinct)
    replay: Any = start(policy, room, spec.seed)
    first = max(0, min(around - count // 2, judged - count)) if around >= 0 else 0
    replay.feed(requests.slice(0, begin + first))
    stop = min(first + count, judged)
    steps = _steps(trace, policy, replay, begin, range(first, stop))
    wanted = find.lower()
    found = tuple(step for step in steps if not wanted or _contains(step, wanted))
    members = replay.members()
    texts = tuple(trace.text(int(key)) for key in members[:_MEMBERS])
    return Stretch(
        first=first, looked_at=stop - first, steps=found, members=texts, held=len(members)
    )


def series(stretch: Stretch) -> dict[str, list[Any]]:
    """What the plots of a stretch show, one entry a step: name -> values.

    hit (0 or 1), reward, occupancy, kept (1 newcomer kept, 0 evicted, null nothing to decide),
    score (of the one that asked to stay), lowest (of all compared), us.
    """
    steps = stretch.steps
    return {
        "number": [step.number for step in steps],
        "hit": [int(step.hit) for step in steps],
        "reward": [step.reward for step in steps],
        "occupancy": [step.occupancy for step in steps],
        "kept": [int(step.action == "keep") if step.action else None for step in steps],
        "score": [step.compared[0].score if step.compared else None for step in steps],
        "lowest": [min((c.score for c in step.compared), default=None) for step in steps],
        "us": [step.us for step in steps],
    }


def write(stretch: Stretch, path: Path) -> None:
    """Write the steps as a Parquet file, one row a step; `compared` as JSON.

    Raises:
        TrainingError: the disk refuses; nothing is left half-written.
    """
    plain = [msgspec.to_builtins(step) for step in stretch.steps]
    for row in plain:
        row["compared"] = msgspec.json.encode(row["compared"]).decode()
        row["evicted"] = list(row["evicted"])
    writing = path.with_name(f".{path.name}.writing")
    try:
        pq.write_table(pa.Table.from_pylist(plain), writing)
        writing.replace(path)
    except OSError as error:
        writing.unlink(missing_ok=True)
        raise TrainingError(
            f"The steps cannot be written to {path} ({error.strerror or error})."
        ) from None


def _steps(
    trace: Trace, policy: TrainedPolicy, replay: Explaining, begin: int, numbers: range
) -> Iterator[Step]:
    requests, names = trace.requests, policy.spec.features
    value = policy.spec.value.of(requests.slice(begin, len(requests)))
    occupancy = len(replay.members())
    for number in numbers:
        one = requests.slice(begin + number, begin + number + 1)
        started = time.perf_counter()
        told = replay.explain(one)
        us = (time.perf_counter() - started) * 1e6
        occupancy += int(not told.hit and _entered(told)) - len(told.evicted)
        yield Step(
            number=number,
            time=float(one.time[0]),
            key=trace.text(told.key),
            group=trace.info.groups[int(one.group[0])] if trace.info.groups else "",
            size=int(one.size[0]),
            cost=float(one.cost[0]),
            hit=told.hit,
            action=_action(told),
            decided=_decided(told, trace),
            scorer=told.scorer,
            compared=tuple(_compared(scored, told, trace, names) for scored in told.scored),
            evicted=tuple(trace.text(key) for key in told.evicted),
            held=told.held,
            occupancy=occupancy,
            reward=float(value[number]) if told.hit else 0.0,
            us=us,
        )


def _entered(told: Decision) -> bool:
    """Whether a missed result came in, be it that it left again at once."""
    return told.held or told.key in told.evicted


def _action(told: Decision) -> str:
    if not told.scored:
        return ""
    asking = next((scored.key for scored in told.scored if scored.newcomer), None)
    return "evict" if asking in told.evicted or (asking == told.key and not told.held) else "keep"


def _decided(told: Decision, trace: Trace) -> str:
    if told.hit:
        return "held already"
    if not told.scored and told.evicted:  # the guard follows a classic, which scores nothing
        return f"left to a classic, which evicted {', '.join(map(trace.text, told.evicted))}"
    if not told.scored:
        return "took free room" if told.held else "too large to be held"
    asking = next((scored.key for scored in told.scored if scored.newcomer), told.key)
    if _action(told) == "evict":
        return f"did not keep {trace.text(asking)}"
    gone = ", ".join(trace.text(key) for key in told.evicted)
    return f"kept {trace.text(asking)} in place of {gone}"


def _compared(scored: Scored, told: Decision, trace: Trace, names: tuple[str, ...]) -> Compared:
    features = dict(zip(names, map(float, scored.features), strict=False))
    return Compared(
        key=trace.text(scored.key),
        score=float(scored.score) if math.isfinite(scored.score) else 0.0,
        newcomer=scored.newcomer,
        evicted=scored.key in told.evicted,
        features=features,
    )


def _contains(step: Step, wanted: str) -> bool:
    return wanted in step.key.lower() or any(wanted in key.lower() for key in step.evicted)
