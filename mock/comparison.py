"""Agents and fixed policies on one generated workload, replayed in simulated time.

Costs are modelled (`mock.costs`) and the data change at their usual pace. Every policy sees the
same requests; what a load costs at a moment is the same for all. The agent learns while it runs,
from the rewards of the product and with the product's delay: an interval is judged once the next
one has begun and two more seconds have passed.
"""

from __future__ import annotations

import random
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from itertools import takewhile
from typing import NamedTuple

from db.queries.traffic import SUMS
from engine.agent.base import Agent, Choice, Observation, Transition
from engine.agent.deciding import held_shares, ttl_of
from engine.agent.heuristic import Heuristic
from engine.agent.qlearning import QLearning
from engine.agent.rewards import add_up, byte_price, reward
from engine.cache.live import Ruling
from engine.collector.sums import Seconds, Sums
from engine.records import TOTAL, Action, Request
from engine.shadow import Shadow
from engine.tunables import Tuned
from mock.costs import HIT_MS, modelled, modelled_version
from mock.energy.endpoints import ENDPOINTS, Endpoint
from mock.energy.parameters import Values, read_values
from mock.history import DEFAULT_TTL_S
from mock.openapi import make_catalogue, read_specification
from mock.traffic.plan import OWN_SPECIFICATION
from mock.workloads import WORKLOADS

START = 1_750_032_000
"""Noon of a day, so that a run does not cross midnight."""

POLICIES = ("agent", "heuristic", "always", "lru")
TUNED = "tuned"
"""A second agent beside the first, with tunables of its own."""

INTERVAL_S = 5
PRICE_S = 300
HELD_S = 30


class Setup(NamedTuple):
    """One run: what is asked, how long, and of what cache."""

    workload: str
    seed: int
    minutes: float
    rate: float = 30.0
    day_s: float = 300.0
    capacity_bytes: int = 400_000


class Outcome(NamedTuple):
    """What one policy did with one run; times in ms."""

    hit_ratio: float
    saved_share: float
    """Load time saved as a share of that without a cache, net of reloads ahead."""
    stale_hits: int
    net_ms: float
    """Saved less reloads less stale_weight x stale hits: the reward, but for the bytes."""


class Trace(NamedTuple):
    """The requests of a run, and how to tell what is stale."""

    requests: list[Request]
    answers: dict[str, tuple[Endpoint, Values]]


class Changing:
    """The replay's model: data that change by the clock."""

    hit_ms = HIT_MS

    def __init__(self, trace: Trace, day_s: float) -> None:
        self._answers = trace.answers
        self._day_s = day_s

    def stale_share(self, request: Request, stored_at: float) -> float:
        """1 when the data behind the key changed since it was loaded, else 0."""
        endpoint, values = self._answers[request.cache_key]
        if not endpoint.part:
            return 0.0
        loaded = modelled_version(endpoint, values, stored_at, self._day_s)
        return float(loaded != modelled_version(endpoint, values, request.timestamp, self._day_s))


def trace_of(setup: Setup) -> Trace:
    """The requests of a run, with what each load would cost."""
    catalogue = make_catalogue(read_specification(OWN_SPECIFICATION))
    stream = WORKLOADS[setup.workload](catalogue, setup.rate, setup.seed, setup.day_s)
    chance, end = random.Random(setup.seed), START + setup.minutes * 60
    today = START // 86400
    requests: list[Request] = []
    answers: dict[str, tuple[Endpoint, Values]] = {}
    for arrival in takewhile(lambda a: a.at < end, stream.arrivals(START)):
        endpoint = ENDPOINTS[arrival.draw.operation.path]
        values = read_values(endpoint.parameters, arrival.draw.values, lambda: today)
        key = endpoint.key(values)
        load_ms, size = modelled(endpoint, values, chance)
        answers.setdefault(key, (endpoint, values))
        requests.append(Request(arrival.at, endpoint.path, key, False, load_ms, size))
    return Trace(requests, answers)


class Demand:
    """Requests per interval of each endpoint, forecast by whichever naive way errs less."""

    def __init__(self, season: int) -> None:
        self._season = season
        self._past: dict[str, list[int]] = defaultdict(list)
        self._errors = {"last": 1e-9, "season": 1e-9}
        self.load_ms: dict[str, float] = {}

    def add(self, interval: list[Request], names: set[str]) -> None:
        """Take note of one finished interval."""
        counts: dict[str, int] = defaultdict(int)
        for request in interval:
            counts[request.cache_name] += 1
            known = self.load_ms.get(request.cache_name, request.load_time_ms)
            self.load_ms[request.cache_name] = known + 0.05 * (request.load_time_ms - known)
        for name in names | counts.keys():
            past = self._past[name]
            for way in self._errors:
                error = abs(self._by(way, past, 0) - counts[name])
                self._errors[way] += 0.01 * (error - self._errors[way])
            past.append(counts[name])

    def observe(self, name: str, held: float) -> Observation:
        """What the agent is told of the next interval."""
        past = self._past[name]
        way = min(self._errors, key=self._errors.__getitem__)
        first, last = self._by(way, past, 0), self._by(way, past, 5)
        return Observation(
            first / INTERVAL_S, (last + 0.5) / (first + 0.5) - 1, self.load_ms[name], held, name
        )

    def _by(self, way: str, past: list[int], ahead: int) -> float:
        at = len(past) + ahead - self._season
        window = past[max(at - 2, 0) : at + 3] if way == "season" and at >= 0 else past[-6:]
        return sum(window) / len(window) if window else 0.0


class Steered:
    """A shadow that an agent steers, with everything the agent service does around it."""

    def __init__(self, agent: Agent, shadow: Shadow, tuned: Tuned) -> None:
        self.agent = agent
        self._shadow = shadow
        self._tuned = tuned
        self._stale_ms = tuned.number("agent.stale_weight_ms")
        self._seconds: Seconds = {}
        self._chosen: deque[tuple[int, dict[str, Choice]]] = deque()

    def decide(self, at: int, demand: Demand, names: set[str]) -> None:
        """Rule on the interval that begins at `at`, then learn from those that are over."""
        held = held_shares(self._held(at), HELD_S)
        chosen = {
            name: self.agent.decide(demand.observe(name, held.get(name, 0.0))) for name in names
        }
        self._shadow.schedule(
            at,
            {
                name: Ruling(
                    choice.action is not Action.DROP,
                    ttl_of(choice.action, self._tuned),
                    choice.action is Action.KEEP_REFRESH,
                    at + INTERVAL_S,
                )
                for name, choice in chosen.items()
            },
        )
        self._chosen.append((at, chosen))
        while len(self._chosen) > 2:
            self._learn(at)

    def take(self, seconds: Seconds) -> None:
        """Keep the figures that rewards need."""
        self._seconds.update(seconds)

    def _learn(self, now: int) -> None:
        begin, chosen = self._chosen.popleft()
        following = self._chosen[0][1]
        price = self._price(now)
        for name, choice in chosen.items():
            rows = [
                _row(self._seconds[at][name])
                for at in range(begin, begin + INTERVAL_S)
                if name in self._seconds.get(at, {})
            ]
            earned = reward(add_up(rows or [_row(Sums())]), self._stale_ms, price)
            self.agent.learn(
                Transition(
                    choice.state,
                    choice.action,
                    earned.scaled,
                    following[name].state,
                    cache_name=name,
                )
            )

    def _price(self, now: int) -> float:
        for old in [at for at in self._seconds if at < now - PRICE_S]:
            del self._seconds[old]
        totals = [names[TOTAL] for names in self._seconds.values()]
        return byte_price(
            sum(total.saved_ms for total in totals),
            sum(total.byte_seconds for total in totals),
            self._shadow.cache.capacity_bytes * len(totals),
        )

    def _held(self, now: int) -> list[dict[str, object]]:
        sums: dict[str, Sums] = defaultdict(Sums)
        for at in range(now - HELD_S, now):
            for name, one in self._seconds.get(at, {}).items():
                sums[name].byte_seconds += one.byte_seconds
                sums[name].bytes_requested += one.bytes_requested
        return [{"cache_name": name, **_row(one)} for name, one in sums.items()]


def run(
    setup: Setup,
    tuned: Tuned,
    beat: Callable[[], None] = lambda: None,
    other: Tuned | None = None,
) -> dict[str, Outcome]:
    """Replay one run under every policy; `other` adds a second agent that is tuned so."""
    trace = trace_of(setup)
    model = Changing(trace, setup.day_s)
    policies = POLICIES if other is None else (*POLICIES, TUNED)
    shadows = {p: Shadow(p, setup.capacity_bytes, DEFAULT_TTL_S, model) for p in policies}
    keep = Ruling(True, tuned.number("agent.ttl_long_s"), False, float("inf"))
    if "always" in shadows:
        shadows["always"].rule_all(keep)
    agents: dict[str, Agent] = {"agent": QLearning(setup.seed), "heuristic": Heuristic()}
    tunings = dict.fromkeys(agents, tuned)
    if other is not None:
        agents[TUNED], tunings[TUNED] = QLearning(setup.seed), other
    for name, agent in agents.items():
        agent.tune(tunings[name])
    steered = {n: Steered(a, shadows[n], tunings[n]) for n, a in agents.items() if n in shadows}
    totals = {p: Sums() for p in policies}
    demand, names = Demand(round(setup.day_s / INTERVAL_S)), set[str]()
    for begin, requests in _intervals(trace.requests):
        for name, shadow in shadows.items():
            shadow.advance(begin)
            if name in steered:
                steered[name].take(_added(totals[name], shadow.drain()))
                steered[name].decide(begin, demand, names)
            for request in requests:
                shadow.request(request, request.load_time_ms)
        names |= {request.cache_name for request in requests}
        demand.add(requests, names)
        beat()
    for name, shadow in shadows.items():
        shadow.advance(START + setup.minutes * 60)
        _added(totals[name], shadow.drain())
    whole_ms = sum(request.load_time_ms for request in trace.requests)
    stale_ms = tuned.number("agent.stale_weight_ms")
    return {name: _outcome(sums, whole_ms, stale_ms) for name, sums in totals.items()}


def _outcome(sums: Sums, whole_ms: float, stale_ms: float) -> Outcome:
    saved = sums.saved_ms - sums.refresh_ms
    return Outcome(
        hit_ratio=sums.hits / max(sums.requests, 1),
        saved_share=saved / max(whole_ms, 1e-9),
        stale_hits=sums.stale_hits,
        net_ms=saved - stale_ms * sums.stale_hits,
    )


def _intervals(requests: list[Request]) -> Iterator[tuple[int, list[Request]]]:
    begin, part = START, list[Request]()
    for request in requests:
        while request.timestamp >= begin + INTERVAL_S:
            yield begin, part
            begin, part = begin + INTERVAL_S, []
        part.append(request)
    yield begin, part


def _added(total: Sums, seconds: Seconds) -> Seconds:
    for names in seconds.values():
        total.merge(names[TOTAL])
    return seconds


def _row(sums: Sums) -> dict[str, object]:
    return {name: getattr(sums, name) for name in SUMS}
