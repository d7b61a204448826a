"""The skeleton of a learned cache: an LRU window before a main segment of scored residents.

When a result leaves the window and the main segment is full, it is scored beside the worst
residents seen so far and some fresh random ones, and the lowest score goes. A pool of candidates
kept between evictions is Redis' approximation of LRU; a heuristic that proposes and a model that
decides is HALP: Song, Deng, Feng et al., "HALP: Heuristic aided learned preference eviction policy
for YouTube content delivery network", NSDI 2023.

Several caches over the same keys lie side by side in the arrays: the real one first, then shadows.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.cache.estimates import learn_from
from engine.cache.history import History
from engine.cache.jit import compiled, helper
from engine.cache.lists import last, linked, move_front, new_links, push_front, unlink
from engine.cache.scorers import Scorers, is_network, learns, network_worth, quick_worth

WINDOW, WINDOW_USED, MAIN, MAIN_USED, RESIDENTS, FRESH, ASKED, AMOUNTS = range(8)
"""Places of a cache's amounts: capacity and use of both segments, residents of the main one, how
many of them are drawn afresh for a decision, and about how many a network is asked."""

_NONE = -1
_EVICTED_TOLD = 64
_WORST = np.inf


class Caches(NamedTuple):
    """N caches over U keys.

    Args:
        amounts: int64[N, AMOUNTS]; capacities count results, or bytes where sizes count.
        window: `lists` of the windows, most recent in front, int32[N, U + 1, 2].
        place: of a key among the residents of the main segment, or -1, int32[N, U].
        resident: their keys, int32[N, most residents].
        size: of what is held; empty unless sizes count, int64[N, U] or [N, 0].
        pool: worst residents seen so far, or -1, int32[N, P].
        pool_score: when last scored, float64[N, P].
        random: state of the random draws, uint64[N].
        told: how many were scored and evicted at the last request, int64[N, 2].
        told_key: who was scored in the last decision, int32[N, 1 + P + FRESH].
        told_score: float64, likewise.
        evicted: keys that left, the last 64, int32[N, 64].
    """

    amounts: NDArray[np.int64]
    window: NDArray[np.int32]
    place: NDArray[np.int32]
    resident: NDArray[np.int32]
    size: NDArray[np.int64]
    pool: NDArray[np.int32]
    pool_score: NDArray[np.float64]
    random: NDArray[np.uint64]
    told: NDArray[np.int64]
    told_key: NDArray[np.int32]
    told_score: NDArray[np.float64]
    evicted: NDArray[np.int32]


SCORED, EVICTED = 0, 1
"""Places of `Caches.told`."""


class Shape(NamedTuple):
    """Capacity of one cache, the share that is its window, and the numbers of candidates."""

    capacity: int
    window: float
    pool: int
    fresh: int
    asked: int


def caches(shapes: list[Shape], distinct: int, by_bytes: bool, seed: int) -> Caches:
    """Empty caches of these shapes, which have one size of pool; the first is the real one."""
    count, pool = len(shapes), shapes[0].pool
    amounts = np.zeros((count, AMOUNTS), np.int64)
    for at, shape in enumerate(shapes):
        window = min(shape.capacity, max(1, int(shape.window * shape.capacity)))
        amounts[at, [WINDOW, MAIN]] = window, shape.capacity - window
        amounts[at, [FRESH, ASKED]] = shape.fresh, shape.asked
    most = distinct if by_bytes else min(distinct, int(amounts[:, MAIN].max()))
    seen = 1 + pool + shapes[0].fresh
    return Caches(
        amounts=amounts,
        window=np.stack([new_links(distinct, 1)] * count),
        place=np.full((count, distinct), _NONE, np.int32),
        resident=np.zeros((count, most), np.int32),
        size=np.zeros((count, distinct if by_bytes else 0), np.int64),
        pool=np.full((count, pool), _NONE, np.int32),
        pool_score=np.full((count, pool), _WORST),
        random=np.random.default_rng(seed).integers(1, 2**63, count).astype(np.uint64),
        told=np.zeros((count, 2), np.int64),
        told_key=np.zeros((count, seen), np.int32),
        told_score=np.zeros((count, seen)),
        evicted=np.zeros((count, _EVICTED_TOLD), np.int32),
    )


@helper
def ask(
    of: Caches, cache: int, history: History, by: Scorers, at: int, key: int, size: int, now: int
) -> bool:
    """Ask a cache for a key that was just noted; on a miss it is loaded. True on a hit.

    Args:
        of: the caches.
        cache: which of them.
        history: what is known of keys, this request included.
        by: the scorers.
        at: which of them decides.
        key: what is asked for.
        size: 1, or its bytes where sizes count.
        now: number of the request.
    """
    window, amounts = of.window[cache], of.amounts[cache]
    head = len(window) - 1
    of.told[cache, SCORED], of.told[cache, EVICTED] = 0, 0
    if of.place[cache, key] >= 0:
        return True
    if linked(window, key):
        move_front(window, head, key)
        return True
    if size > amounts[WINDOW] + amounts[MAIN]:
        return False
    push_front(window, head, key)
    if of.size.shape[1]:
        of.size[cache, key] = size
    amounts[WINDOW_USED] += size
    history.held[key] += 1
    while amounts[WINDOW_USED] > amounts[WINDOW]:
        leaver = last(window, head)
        unlink(window, leaver)
        amounts[WINDOW_USED] -= _size(of.size, cache, leaver)
        _enter(of, cache, history, by, at, leaver, now)
    return False


@helper
def _size(sizes: NDArray[np.int64], cache: int, key: int) -> int:
    return int(sizes[cache, key]) if sizes.shape[1] else 1


@helper
def _enter(
    of: Caches, cache: int, history: History, by: Scorers, at: int, leaver: int, now: int
) -> None:
    """Give the window's leaver a place in the main segment, or drop it."""
    amounts, size = of.amounts[cache], _size(of.size, cache, leaver)
    while amounts[MAIN_USED] + size > amounts[MAIN]:
        lowest = leaver
        if size <= amounts[MAIN]:
            lowest = _lowest(of, cache, history, by, at, leaver, now)
        history.held[lowest] -= 1
        of.evicted[cache, of.told[cache, EVICTED] % _EVICTED_TOLD] = lowest
        of.told[cache, EVICTED] += 1
        if lowest == leaver:
            return
        _evict(of, cache, lowest)
    place = amounts[RESIDENTS]
    of.resident[cache, place] = leaver
    of.place[cache, leaver] = place
    amounts[RESIDENTS] += 1
    amounts[MAIN_USED] += size


@helper
def _evict(of: Caches, cache: int, key: int) -> None:
    """Free a resident's place; the last resident moves there."""
    amounts, pool = of.amounts[cache], of.pool[cache]
    place, end = of.place[cache, key], amounts[RESIDENTS] - 1
    moved = of.resident[cache, end]
    of.resident[cache, place] = moved
    of.place[cache, moved] = place
    of.place[cache, key] = _NONE
    amounts[RESIDENTS] = end
    amounts[MAIN_USED] -= _size(of.size, cache, key)
    for entry in range(len(pool)):
        if pool[entry] == key:
            pool[entry] = _NONE
            of.pool_score[cache, entry] = _WORST


@helper
def _lowest(
    of: Caches, cache: int, history: History, by: Scorers, at: int, leaver: int, now: int
) -> int:
    """Who scores lowest: the leaver, a resident of the pool, or one drawn afresh.

    A network is asked about the leaver and those alone that the reuse index puts lowest.
    """
    told_key, told_score = of.told_key[cache], of.told_score[cache]
    seen = _candidates(of, cache, history, by, at, leaver, now)
    if is_network(by, at):
        seen = _lowest_first(told_key, told_score, seen, 1 + of.amounts[cache, ASKED])
        for place in range(seen):
            told_score[place] = network_worth(by, at, history, told_key[place], now)
    of.told[cache, SCORED] = seen
    if learns(by, at):
        learn_from(history, told_key[_draw(of.random, cache, seen)], now)
    lowest = 0
    for place in range(1, seen):
        if told_score[place] < told_score[lowest]:
            lowest = place
    return int(told_key[lowest])


@helper
def _candidates(
    of: Caches, cache: int, history: History, by: Scorers, at: int, leaver: int, now: int
) -> int:
    """Write all candidates and their quick worth, the leaver first; returns how many."""
    pool, pool_score = of.pool[cache], of.pool_score[cache]
    told_key, told_score = of.told_key[cache], of.told_score[cache]
    residents, entries, seen = of.amounts[cache, RESIDENTS], len(pool), 0
    for candidate in range(-1, entries + of.amounts[cache, FRESH]):
        if candidate < 0:
            key = leaver
        elif candidate < entries:
            key = pool[candidate]
        else:
            key = of.resident[cache, _draw(of.random, cache, residents)]
        if key == _NONE or (candidate >= entries and _in_pool(pool, key)):
            continue
        found = quick_worth(by, at, history, key, now)
        told_key[seen], told_score[seen] = key, found
        seen += 1
        if 0 <= candidate < entries:
            pool_score[candidate] = found
        elif candidate >= entries:
            _remember(pool, pool_score, key, found)
    return seen


@helper
def _lowest_first(
    told_key: NDArray[np.int32], told_score: NDArray[np.float64], seen: int, wanted: int
) -> int:
    """Bring the lowest behind the leaver; returns how many stand in front, at most `wanted`."""
    wanted = min(wanted, seen)
    for place in range(1, wanted):
        lowest = place
        for other in range(place + 1, seen):
            if told_score[other] < told_score[lowest]:
                lowest = other
        key, score = told_key[place], told_score[place]
        told_key[place], told_score[place] = told_key[lowest], told_score[lowest]
        told_key[lowest], told_score[lowest] = key, score
    return wanted


@helper
def _draw(random: NDArray[np.uint64], cache: int, residents: int) -> int:
    """A random resident's place (xorshift: Marsaglia, J. Statistical Software 8(14), 2003)."""
    state = random[cache]
    state ^= state << np.uint64(13)
    state ^= state >> np.uint64(7)
    state ^= state << np.uint64(17)
    random[cache] = state
    return int((state >> np.uint64(11)) % np.uint64(residents))


@helper
def _in_pool(pool: NDArray[np.int32], key: int) -> bool:
    for entry in range(len(pool)):  # noqa: SIM110 - the compiler takes no generator
        if pool[entry] == key:
            return True
    return False


@helper
def _remember(
    pool: NDArray[np.int32], pool_score: NDArray[np.float64], key: int, found: float
) -> None:
    """Take the place of the best of the pool, if this one is worse."""
    best, most = _NONE, found
    for entry in range(len(pool)):
        if pool_score[entry] > most:
            best, most = entry, pool_score[entry]
    if best != _NONE:
        pool[best] = key
        pool_score[best] = found


def members(of: Caches, cache: int) -> NDArray[np.bool_]:
    """Which keys a cache holds, bool[U]."""
    distinct = of.place.shape[1]
    return np.asarray((of.place[cache] >= 0) | (of.window[cache, :distinct, 0] >= 0))


@compiled
def refill(
    of: Caches, cache: int, history: History, keys: NDArray[np.int64], window: NDArray[np.bool_]
) -> None:
    """Let a cache hold exactly these keys.

    Args:
        of: the caches.
        cache: which of them.
        history: what is known of keys.
        keys: to hold, the least recent first; they fit.
        window: which of them lie in the window; the others are scored residents.
    """
    links, amounts = of.window[cache], of.amounts[cache]
    distinct = of.place.shape[1]
    for key in range(distinct):
        if of.place[cache, key] >= 0 or links[key, 0] >= 0:
            history.held[key] -= 1
        of.place[cache, key] = _NONE
        links[key, 0] = links[key, 1] = -1
    links[distinct, 0] = links[distinct, 1] = distinct
    amounts[WINDOW_USED] = amounts[MAIN_USED] = amounts[RESIDENTS] = 0
    of.pool[cache, :] = _NONE
    of.pool_score[cache, :] = _WORST
    for at in range(len(keys)):
        key = keys[at]
        size = _size(of.size, cache, key)
        history.held[key] += 1
        if window[at]:
            push_front(links, distinct, key)
            amounts[WINDOW_USED] += size
        else:
            place = amounts[RESIDENTS]
            of.resident[cache, place] = key
            of.place[cache, key] = place
            amounts[RESIDENTS] += 1
            amounts[MAIN_USED] += size
