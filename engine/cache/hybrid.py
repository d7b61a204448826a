"""The learned cache as a replay: window, scored residents, and a guard over the scorers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.cache import history as memory
from engine.cache.base import Replay, Room
from engine.cache.features import BASE, NAMES, column_matrix
from engine.cache.followed import FOLLOWED, Classics, Controls
from engine.cache.following import Following, ask_following, begin, following, held, recount
from engine.cache.guard import CHOSEN, Guard, choose, guard, leader, share_for, watch
from engine.cache.history import History
from engine.cache.jit import compiled, settled
from engine.cache.scorers import EXPERTS, Scorers, scorers
from engine.cache.segments import (
    EVICTED,
    MAIN,
    SCORED,
    WINDOW,
    Caches,
    Shape,
    ask,
    caches,
    members,
    refill,
)
from engine.cache.value import HitValue
from engine.errors import ModelError
from engine.traces.trace import Requests
from engine.training.policy import PolicySpec, TrainedPolicy

BLOCK = 512
"""Requests between two looks at who should decide."""


@dataclass(frozen=True, slots=True)
class Scored:
    """One of those between whom a decision was made.

    Args:
        key: of the result.
        score: what it is worth keeping; the lowest goes.
        features: as the scorer saw them, not normalised, float32[d].
        newcomer: whether it had just left the window; the others were residents.
    """

    key: int
    score: float
    features: NDArray[np.float32]
    newcomer: bool


@dataclass(frozen=True, slots=True)
class Decision:
    """What the cache did at one request.

    Args:
        key: what was asked for.
        hit: whether it was held.
        held: whether it is held now.
        scorer: name of who decided.
        scored: those compared at the last eviction of this request; empty where none was needed.
        evicted: keys that left the cache.
    """

    key: int
    hit: bool
    held: bool
    scorer: str
    scored: tuple[Scored, ...]
    evicted: tuple[int, ...]


class HybridReplay(Replay):
    """One cache that a trained policy rules.

    Args:
        policy: its lifetime is scaled where the room is another than it was trained for.
        room: how much it holds.
        seed: of the random residents and of the guard's sample of keys.

    Raises:
        ModelError: the policy's features are not those of this version, or its capacity counts
            results and the room's bytes, or the other way round.
    """

    def __init__(self, policy: TrainedPolicy, room: Room, seed: int = 0) -> None:
        spec = policy.spec
        _check(spec, room)
        self.names = _names(spec)
        self._spec, self._room = spec, room
        lifetime = max(1.0, spec.lifetime * room.capacity / spec.capacity)
        places = room.capacity / (spec.value.space or 1.0)
        fill = next((network.mean[BASE:] for network in policy.networks.values()), None)
        if fill is None:
            fill = np.zeros(len(spec.columns), np.float32)
        limit = memory.keys_remembered(places, spec.history)
        self._history = memory.empty(room.distinct, lifetime, limit, fill)
        self._by = scorers(self.names, policy.networks, len(spec.features))
        share = share_for(places / spec.value.spread) if spec.guard else 0.0
        followed = FOLLOWED if spec.guard else ()
        self._classics = Classics(followed, room, seed)
        self._guard = guard(
            len(self.names), len(followed), room.distinct, share or 1.0, lifetime, seed
        )
        self._of = caches(_shapes(spec, room, share, len(self.names)), room.distinct,
                          room.by_bytes, seed)  # fmt: skip
        self._controls = Controls(room, share or 1.0, self._guard.sampled, seed)
        self._following = following(room.capacity, room.distinct)

    def adopt(self, policy: TrainedPolicy) -> None:
        """Let newer networks decide from the next request on; what was counted online stays.

        Args:
            policy: of the same algorithms, trained on the same features.

        Raises:
            ModelError: it has other scorers or features, or counts its capacity otherwise.
        """
        _check(policy.spec, self._room)
        if set(_names(policy.spec)) != set(self.names):
            raise ModelError(
                f"The newer policy decides by {', '.join(_names(policy.spec))} and this one by "
                f"{', '.join(self.names)}; train it with the same algorithms."
            )
        self._by = scorers(self.names, policy.networks, len(policy.spec.features))

    @property
    def scorer(self) -> str:
        """The scorer, or the classic, that decides now."""
        chosen = int(self._guard.state[CHOSEN])
        return (*self.names, *FOLLOWED)[chosen]

    @property
    def _follows(self) -> int:
        """The classic that is followed; -1 where a scorer decides."""
        return max(-1, int(self._guard.state[CHOSEN]) - len(self.names))

    def feed(self, requests: Requests) -> NDArray[np.bool_]:
        """Replay the next requests; True where the result was held, bool[n].

        Raises:
            TrainingError: a column that the policy was trained on is not in the requests.
        """
        value, density = self._spec.value.of(requests), self._spec.value.density(requests)
        matrix = column_matrix(requests, self._spec.columns)
        hits = np.zeros(len(requests), np.bool_)
        start = 0
        while start < len(requests):
            # Counted from the first request on, so that chunks make no difference.
            stop = min(len(requests), start + BLOCK - memory.requests_seen(self._history) % BLOCK)
            part = requests.slice(start, stop)
            classics = self._classics.feed(part)
            _replay(
                self._history,
                self._of,
                self._by,
                self._guard,
                self._follows,
                classics,
                self._controls.feed(part, classics),
                self._following,
                settled(part.key, np.int32),
                settled(part.group, np.int32),
                settled(part.size, np.int64),
                settled(value[start:stop], np.float64),
                settled(density[start:stop], np.float64),
                settled(matrix[start:stop], np.float32),
                hits[start:stop],
            )
            if memory.requests_seen(self._history) % BLOCK == 0 and self._spec.guard:
                self._look(float(self._spec.value.of(part).mean()))
            start = stop
        return hits

    def _look(self, value: float) -> None:
        """Let whoever should decide do so from the next request on; `value` is that of a hit."""
        if self._follows >= 0:
            recount(self._following, self._classics.held(self._follows), self._sizes)

        def loads(classic: int) -> float:
            return value * float((self._classics.held(classic) & ~self._held()).sum())

        chosen = leader(self._guard, loads)
        if chosen == self._guard.state[CHOSEN]:
            return
        followed, keys = self._follows >= 0, self.members()
        choose(self._guard, chosen, memory.requests_seen(self._history))
        if self._follows >= 0:
            order = memory.last_requests(self._history, keys).argsort(kind="stable")
            begin(self._following, keys[order], self._classics.held(self._follows), self._sizes)
            self._hold(np.zeros(0, np.int64))
        elif followed:
            self._following.kept[:] = self._following.spare[:] = False
            self._hold(keys)

    @property
    def _sizes(self) -> NDArray[np.int64] | None:
        return self._of.size[0] if self._room.by_bytes else None

    def _hold(self, keys: NDArray[np.int64]) -> None:
        """Let the real cache hold what is still remembered of these keys, as far as it fits."""
        last = memory.last_requests(self._history, keys)
        keys = keys[np.argsort(-last, kind="stable")][: int((last >= 0).sum())]
        sizes = self._of.size[0, keys] if self._room.by_bytes else np.ones(len(keys), np.int64)
        most = self._of.amounts[0]
        window = np.cumsum(sizes) <= most[WINDOW]
        main = np.cumsum(np.where(window, 0, sizes)) <= most[MAIN]
        fits = window | main
        refill(self._of, 0, self._history, keys[fits][::-1], window[fits][::-1])

    def _held(self) -> NDArray[np.bool_]:
        if self._follows < 0:
            return members(self._of, 0)
        return held(self._following, self._classics.held(self._follows))

    def explain(self, request: Requests) -> Decision:
        """Replay one request and tell what was decided and why.

        Raises:
            ModelError: more or less than one request is given.
        """
        if len(request) != 1:
            raise ModelError(f"One request is explained at a time; {len(request)} were given.")
        scorer, follows = self.scorer, self._follows
        before = self.members() if follows >= 0 else None
        hit = bool(self.feed(request)[0])
        key, now = int(request.key[0]), memory.requests_seen(self._history) - 1
        scored = tuple(self._scored(at, now) for at in range(self._of.told[0, SCORED]))
        gone = self._of.evicted[0, : self._of.told[0, EVICTED]].tolist()
        if before is not None:
            scored, gone = (), np.setdiff1d(before, self.members()).tolist()
        return Decision(key, hit, bool(self._held()[key]), scorer, scored, tuple(gone))

    def members(self) -> NDArray[np.int64]:
        """The keys held now, ascending."""
        return np.flatnonzero(self._held())

    def _scored(self, at: int, now: int) -> Scored:
        row = np.zeros(len(self._spec.features), np.float32)
        key = int(self._of.told_key[0, at])
        memory.describe(self._history, key, now, row)
        return Scored(key, float(self._of.told_score[0, at]), row, newcomer=at == 0)


def start(policy: TrainedPolicy, room: Room, seed: int = 0) -> HybridReplay:
    """An empty cache that the policy rules; see `HybridReplay`."""
    return HybridReplay(policy, room, seed)


def index_policy(
    room: Room, lifetime: float, value: HitValue | None = None, *, guard: bool = False
) -> TrainedPolicy:
    """The policy that needs no training: the reuse index alone.

    Args:
        room: that it is for.
        lifetime: of a cache of that room (`engine.training.lifetime`).
        value: of a hit; every hit counts 1 if None.
        guard: whether it may be relieved by the other experts that need no training.
    """
    spec = PolicySpec(
        environment="slot-rent",
        algorithms={"index": ""},
        features=NAMES,
        columns=(),
        capacity=room.capacity,
        by_bytes=room.by_bytes,
        lifetime=lifetime,
        value=value or HitValue(),
        guard=guard,
    )
    return TrainedPolicy(spec, {})


def _check(spec: PolicySpec, room: Room) -> None:
    wanted = (*NAMES, *spec.columns)
    if spec.features != wanted:
        odd = next((n for n in (*spec.features, *wanted) if n not in wanted), "their order")
        raise ModelError(
            f"The model takes {len(spec.features)} features and this version gives "
            f"{len(wanted)} (first difference: {odd}); train it anew."
        )
    if spec.by_bytes != room.by_bytes:
        kind, other = ("bytes", "results") if spec.by_bytes else ("results", "bytes")
        raise ModelError(
            f"The model was trained for a capacity in {kind}, and this cache counts {other}; "
            f"give the size in {kind}."
        )


def _names(spec: PolicySpec) -> tuple[str, ...]:
    """The scorers: the policy's own in their order, and the guard's experts."""
    own = tuple(spec.algorithms)
    return own + tuple(name for name in EXPERTS if name not in own) if spec.guard else own[:1]


def _shapes(spec: PolicySpec, room: Room, share: float, count: int) -> list[Shape]:
    """The real cache, and where the guard has a choice a shadow for each scorer."""
    real = Shape(room.capacity, spec.window, spec.pool, spec.sample, spec.asked)
    if not share:
        return [real]
    small = real._replace(capacity=max(1, round(room.capacity * share)))
    return [real] + [small] * count


@compiled
def _replay(
    history: History,
    of: Caches,
    by: Scorers,
    chooser: Guard,
    follows: int,
    classics: NDArray[np.bool_],
    easier: NDArray[np.float64],
    followed: Following,
    key: NDArray[np.int32],
    group: NDArray[np.int32],
    size: NDArray[np.int64],
    value: NDArray[np.float64],
    density: NDArray[np.float64],
    columns: NDArray[np.float32],
    hits: NDArray[np.bool_],
) -> None:
    guarded = len(of.amounts) > 1
    for at in range(len(key)):
        now = memory.now_of(history)
        asked = key[at]
        memory.note(history, asked, group[at], size[at], density[at], columns[at])
        weight = size[at] if of.size.shape[1] else 1
        if follows < 0:
            hits[at] = ask(of, 0, history, by, chooser.state[CHOSEN], asked, weight, now)
        else:
            hits[at] = ask_following(followed, of.size[0], asked, weight, classics[follows, at])
        if guarded and chooser.sampled[asked]:
            watch(
                chooser, of, history, by, asked, weight, now,
                value[at], hits[at], classics[:, at], easier[at],
            )  # fmt: skip
