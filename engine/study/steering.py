"""One agent on a replay: it decides on predictions, its cache serves, it is paid and learns.

What the agent's service does with the store in between happens here in recorded time: observing,
deciding, rewarding and the delay until a reward is known are the service's own functions.
"""

from __future__ import annotations

from collections import defaultdict, deque
from typing import NamedTuple

from db.queries.traffic import SUMS
from engine.agent.base import Agent, Choice, Transition
from engine.agent.deciding import HELD_WINDOW_S, held_shares, observe, ttl_of
from engine.agent.rewards import add_up, byte_price, reward
from engine.cache.live import Ruling
from engine.collector.sums import Seconds, Sums
from engine.records import TOTAL, Action, Prediction
from engine.shadow import Shadow
from engine.shadow_model import RecordedModel
from engine.study.recording import Recording
from engine.tunables import Tuned

DEFAULT_TTL_S = 60.0
"""As the sample origin's cache holds what no decision rules on."""

PRICE_S = 300
SETTLE_S = 2.0
"""A reward is known so long after its interval's end."""


class Open(NamedTuple):
    """A decision that waits for its reward."""

    choice: Choice
    valid_from: float
    valid_until: float


class Steering:
    """A shadow cache that an agent steers; without an agent nothing rules (plain LRU).

    Args:
        recording: what is replayed.
        tuned: the configuration.
        capacity_bytes: of the cache.
        agent: that decides.
    """

    def __init__(
        self, recording: Recording, tuned: Tuned, capacity_bytes: int, agent: Agent | None
    ) -> None:
        self._recording = recording
        self._tuned = tuned
        self._agent = agent
        self._capacity_bytes = capacity_bytes
        self._model = RecordedModel()
        self._shadow = Shadow("study", capacity_bytes, DEFAULT_TTL_S, self._model)
        self._place = 0
        self._at = 0.0
        self._seconds: Seconds = {}
        self._open: dict[str, deque[Open]] = defaultdict(deque)
        self._held: dict[str, float] = {}
        self.total = Sums()
        self.rewards: list[tuple[float, float]] = []
        """(start of the interval, reward in ms) of every decision judged."""

    def keep_always(self) -> None:
        """Let every endpoint be kept for long, whatever is decided."""
        ttl = self._tuned.number("agent.ttl_long_s")
        self._shadow.rule_all(Ruling(True, ttl, False, float("inf")))

    def take(self, prediction: Prediction) -> None:
        """Decide on one prediction; what was recorded before its interval is replayed first."""
        if self._agent is None:
            return
        if prediction.valid_from > self._at:
            self._reach(prediction.valid_from)
        choice = self._agent.decide(observe(prediction, self._held))
        ruling = Ruling(
            choice.action is not Action.DROP,
            ttl_of(choice.action, self._tuned),
            choice.action is Action.KEEP_REFRESH,
            prediction.valid_until,
        )
        self._shadow.schedule(prediction.valid_from, {prediction.cache_name: ruling})
        waiting = Open(choice, prediction.valid_from, prediction.valid_until)
        self._open[prediction.cache_name].append(waiting)

    def finish(self) -> None:
        """Replay what is left."""
        last = self._recording.requests[-1].timestamp
        self._replay(last + 1.0)
        self._shadow.advance(last + 2.0)
        self._drain()

    def _reach(self, at: float) -> None:
        self._replay(at)
        self._shadow.advance(at)
        self._drain()
        self._at = at
        self._learn(at)
        rows = self._rows(at)
        self._held = held_shares(rows, HELD_WINDOW_S)

    def _replay(self, until: float) -> None:
        requests, costs = self._recording.requests, self._recording.costs
        while self._place < len(requests) and requests[self._place].timestamp < until:
            request = requests[self._place]
            self._model.observe(request)
            self._shadow.request(request, costs[self._place])
            self._place += 1

    def _drain(self) -> None:
        done = self._shadow.drain()
        for names in done.values():
            self.total.merge(names[TOTAL])
        self._seconds.update(done)

    def _learn(self, now: float) -> None:
        """Judge what is over and settled, and whose successor has been decided."""
        for old in [at for at in self._seconds if at < now - PRICE_S]:
            del self._seconds[old]
        price = self._price()
        assert self._agent is not None  # noqa: S101 - without one nothing is decided
        for name, waiting in self._open.items():
            while len(waiting) > 1 and waiting[0].valid_until + SETTLE_S <= now:
                decision, following = waiting.popleft(), waiting[0]
                length = decision.valid_until - decision.valid_from
                earned = reward(
                    add_up(self._interval(name, decision)),
                    self._tuned.number("agent.stale_weight_ms"),
                    price,
                )
                self.rewards.append((decision.valid_from, earned.reward_ms))
                self._agent.learn(
                    Transition(
                        decision.choice.state,
                        decision.choice.action,
                        earned.scaled,
                        following.choice.state,
                        max(1, round((following.valid_from - decision.valid_from) / length)),
                        name,
                    )
                )

    def _interval(self, name: str, decision: Open) -> list[dict[str, object]]:
        found = [
            _row(self._seconds[at][name])
            for at in range(int(decision.valid_from), int(decision.valid_until))
            if name in self._seconds.get(at, {})
        ]
        return found or [_row(Sums())]

    def _price(self) -> float:
        totals = [names[TOTAL] for names in self._seconds.values()]
        return byte_price(
            sum(total.saved_ms for total in totals),
            sum(total.byte_seconds for total in totals),
            self._capacity_bytes * len(totals),
        )

    def _rows(self, now: float) -> list[dict[str, object]]:
        sums: dict[str, Sums] = defaultdict(Sums)
        for at in range(int(now) - HELD_WINDOW_S, int(now)):
            for name, one in self._seconds.get(at, {}).items():
                sums[name].byte_seconds += one.byte_seconds
                sums[name].bytes_requested += one.bytes_requested
        return [{"cache_name": name, **_row(one)} for name, one in sums.items()]


def _row(sums: Sums) -> dict[str, object]:
    return {name: getattr(sums, name) for name in SUMS}
