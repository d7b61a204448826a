"""Policies written down as plainly as can be, over lists and dictionaries, results of size 1."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Sequence
from functools import cache


def lru(keys: Sequence[int], capacity: int) -> list[bool]:
    """The back of the order of use goes."""
    held: OrderedDict[int, None] = OrderedDict()
    hits = []
    for key in keys:
        hits.append(key in held)
        held[key] = None
        held.move_to_end(key)
        if len(held) > capacity:
            held.popitem(last=False)
    return hits


def fifo(keys: Sequence[int], capacity: int) -> list[bool]:
    """The back of the order of loading goes."""
    held: list[int] = []
    hits = []
    for key in keys:
        hits.append(key in held)
        if key not in held:
            held.append(key)
            del held[:-capacity]
    return hits


def lfu(keys: Sequence[int], capacity: int) -> list[bool]:
    """The fewest requests since loading go; of those the oldest use."""
    held: dict[int, tuple[int, int]] = {}
    hits = []
    for now, key in enumerate(keys):
        hits.append(key in held)
        if key not in held and len(held) == capacity:
            del held[min(held, key=held.__getitem__)]
        held[key] = (held.get(key, (0, 0))[0] + 1, now)
    return hits


def slru(keys: Sequence[int], capacity: int) -> list[bool]:
    """Probation and 80 % protected, each a list with its newest first."""
    probation: list[int] = []
    protected: list[int] = []
    limit = int(capacity * 0.8)
    hits = []
    for key in keys:
        hit = key in probation or key in protected
        hits.append(hit)
        if hit:
            (probation if key in probation else protected).remove(key)
            protected.insert(0, key)
            if len(protected) > limit:
                probation.insert(0, protected.pop())
            continue
        if len(probation) + len(protected) == capacity:
            (probation or protected).pop()
        probation.insert(0, key)
    return hits


def sieve(keys: Sequence[int], capacity: int) -> list[bool]:
    """Newest first; the hand walks from the back to the front."""
    held: list[int] = []
    visited: set[int] = set()
    hand: int | None = None
    hits = []
    for key in keys:
        hits.append(key in held)
        if key in held:
            visited.add(key)
            continue
        if len(held) == capacity:
            place = len(held) - 1 if hand is None else held.index(hand)
            while held[place] in visited:
                visited.remove(held[place])
                place = place - 1 if place else len(held) - 1
            hand = held[place - 1] if place else None
            del held[place]
        held.insert(0, key)
    return hits


def arc(keys: Sequence[int], capacity: int) -> list[bool]:
    """Figure 4 of the paper, line by line; lists with their newest first."""
    t1: list[int] = []
    t2: list[int] = []
    b1: list[int] = []
    b2: list[int] = []
    p = 0.0
    hits = []

    def replace(in_b2: bool) -> None:
        if t1 and (len(t1) > p or (in_b2 and len(t1) == p)):
            b1.insert(0, t1.pop())
        else:
            b2.insert(0, t2.pop())

    for key in keys:
        hits.append(key in t1 or key in t2)
        if hits[-1]:
            (t1 if key in t1 else t2).remove(key)
            t2.insert(0, key)
        elif key in b1:
            p = min(float(capacity), p + max(1.0, len(b2) / len(b1)))
            replace(False)
            b1.remove(key)
            t2.insert(0, key)
        elif key in b2:
            p = max(0.0, p - max(1.0, len(b1) / len(b2)))
            replace(True)
            b2.remove(key)
            t2.insert(0, key)
        else:
            if len(t1) + len(b1) == capacity:
                if len(t1) < capacity:
                    b1.pop()
                    replace(False)
                else:
                    t1.pop()
            elif len(t1) + len(t2) + len(b1) + len(b2) >= capacity:
                if len(t1) + len(t2) + len(b1) + len(b2) == 2 * capacity:
                    b2.pop()
                replace(False)
            t1.insert(0, key)
    return hits


def gdsf(keys: Sequence[int], costs: Sequence[float], capacity: int) -> list[bool]:
    """Results of size 1: age + frequency times cost."""
    held: dict[int, tuple[float, int]] = {}
    asked: Counter[int] = Counter()
    age = 0.0
    hits = []
    for now, (key, cost) in enumerate(zip(keys, costs, strict=True)):
        hits.append(key in held)
        if key not in held:
            asked[key] = 0
            if len(held) == capacity:
                victim = min(held, key=held.__getitem__)
                age = held.pop(victim)[0]
        asked[key] += 1
        held[key] = (age + asked[key] * cost, now)
    return hits


def most_hits(keys: Sequence[int], capacity: int) -> int:
    """The most hits that any cache can have, by trying everything."""

    @cache
    def best(at: int, held: frozenset[int]) -> int:
        if at == len(keys):
            return 0
        key = keys[at]
        hit = int(key in held)
        after = held | {key}
        choices = [after - {gone} for gone in after] if len(after) > capacity else [after]
        return hit + max(best(at + 1, choice) for choice in choices)

    return best(0, frozenset())
