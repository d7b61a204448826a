"""An admission policy as a simulated cache: LRU in its order, the network at the door."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.cache import history as memory
from engine.cache.base import Replay, Room
from engine.cache.features import BASE, column_matrix
from engine.cache.history import History
from engine.cache.hybrid import Decision, Scored
from engine.cache.jit import compiled, settled
from engine.cache.lists import PREV, last, linked, move_front, new_links, push_front, unlink
from engine.cache.scorers import Scorers, network_score, scorers
from engine.errors import TrainingError
from engine.traces.trace import Requests
from engine.training.policy import TrainedPolicy

_HELD, _DECIDED, _ADMITTED, _NOW = 0, 1, 2, 3


class _State(NamedTuple):
    history: History
    links: NDArray[np.int32]
    asked: NDArray[np.int64]
    rows: NDArray[np.float32]
    tally: NDArray[np.int64]


class AdmissionReplay(Replay):
    """One cache of so many results; a row is kept for each key, as of its last request.

    The policy's lifetime is scaled where the room is another than it was trained for.

    Attributes:
        decided: decisions taken so far.
        admitted: how many of them kept the newcomer.

    Raises:
        TrainingError: the room counts bytes.
    """

    def __init__(self, policy: TrainedPolicy, room: Room) -> None:
        if room.by_bytes:
            raise TrainingError("An admission policy counts results; give a capacity in results.")
        spec = policy.spec
        network = next(iter(policy.networks.values()))
        self._columns, self._value, self._capacity = spec.columns, spec.value, room.capacity
        self._distinct = room.distinct
        width = BASE + len(spec.columns)
        lifetime = max(1.0, spec.lifetime * room.capacity / spec.capacity)
        limit = memory.keys_remembered(room.capacity, spec.history)
        fill = network.mean[BASE:width]
        self._state = _State(
            memory.empty(room.distinct, lifetime, limit, fill),
            new_links(room.distinct, 1),
            np.zeros(room.distinct, np.int64),
            np.zeros((room.distinct, width), np.float32),
            np.zeros(4, np.int64),
        )
        features = tuple(spec.features)
        self._scorer = scorers(("admission",), {"admission": network}, len(features))

    @property
    def decided(self) -> int:
        """Decisions taken so far."""
        return int(self._state.tally[_DECIDED])

    @property
    def admitted(self) -> int:
        """How many of them kept the newcomer."""
        return int(self._state.tally[_ADMITTED])

    @property
    def scorer(self) -> str:
        """Who decides."""
        return "admission"

    def members(self) -> NDArray[np.int64]:
        """The keys held now, ascending."""
        return np.flatnonzero(self._state.links[: self._distinct, PREV] >= 0)

    def explain(self, request: Requests) -> Decision:
        """Replay one request and tell what was decided and why.

        Raises:
            TrainingError: more or less than one request is given.
        """
        if len(request) != 1:
            raise TrainingError(f"One request is explained at a time; {len(request)} were given.")
        decided = self.decided
        victim = int(last(self._state.links, self._distinct))
        hit = bool(self.feed(request)[0])
        key = int(request.key[0])
        held = bool(linked(self._state.links, key))
        if self.decided == decided:
            return Decision(key, hit, held, self.scorer, (), ())
        seen = self._scorer.row.copy()
        score = network_score(self._scorer, 0, seen)
        scored = (
            Scored(key, score, seen, newcomer=True),
            Scored(victim, 0.0, seen, newcomer=False),
        )
        return Decision(key, hit, held, self.scorer, scored, (victim,) if held else ())

    def feed(self, requests: Requests) -> NDArray[np.bool_]:
        """Replay the next requests; True where the result was held, bool[n]."""
        hits = np.zeros(len(requests), np.bool_)
        _run(
            self._state,
            self._scorer,
            self._capacity,
            settled(requests.key, np.int32),
            settled(requests.group, np.int32),
            settled(requests.size, np.int64),
            settled(self._value.density(requests), np.float64),
            settled(column_matrix(requests, self._columns), np.float32),
            hits,
        )
        return hits


@compiled
def _run(
    state: _State,
    scorer: Scorers,
    capacity: int,
    key: NDArray[np.int32],
    group: NDArray[np.int32],
    size: NDArray[np.int64],
    worth: NDArray[np.float64],
    columns: NDArray[np.float32],
    hits: NDArray[np.bool_],
) -> None:
    for i in range(len(key)):
        memory.note(state.history, key[i], group[i], size[i], worth[i], columns[i])
        hits[i] = _ask(state, scorer, capacity, key[i])
        now = state.tally[_NOW]
        memory.describe(state.history, key[i], now, state.rows[key[i]])
        state.asked[key[i]] = now
        state.tally[_NOW] = now + 1


@compiled
def _ask(state: _State, scorer: Scorers, capacity: int, key: int) -> bool:
    links, tally = state.links, state.tally
    order = len(links) - 1
    if linked(links, key):
        move_front(links, order, key)
        return True
    if tally[_HELD] < capacity:
        tally[_HELD] += 1
        push_front(links, order, key)
        return False
    tally[_DECIDED] += 1
    victim = last(links, order)
    _look(state, key, victim, scorer.row)
    if network_score(scorer, 0, scorer.row) > 0.0:
        tally[_ADMITTED] += 1
        unlink(links, victim)
        push_front(links, order, key)
    return False


@compiled
def _look(state: _State, key: int, victim: int, seen: NDArray[np.float32]) -> None:
    """The observation, as `admission_core.observe` gives it to the agent."""
    d, now = state.rows.shape[1], state.tally[_NOW]
    memory.describe(state.history, key, now, seen[:d])
    seen[d:] = state.rows[victim]
    seen[d] = np.log2(1.0 + now - state.asked[victim]) - np.log2(state.history.lifetime)
