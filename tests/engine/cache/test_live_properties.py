"""The cache against a slow model that keeps a plain list and recomputes everything."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.cache.live import LiveCache, Ruling
from engine.clock import ManualClock

KEYS = [f"k{number}" for number in range(8)]
CAPACITY, TTL = 50, 16


def endpoint_of(key: str) -> str:
    return f"e{int(key[1:]) % 2}"


@dataclass
class Held:
    key: str
    size: int
    expires: float
    stored: float


@dataclass
class Model:
    """Time moves in whole seconds; `tick` integrates what is held and ends what expired."""

    now: int = 0
    order: list[Held] = field(default_factory=list)
    rulings: dict[str, tuple[bool, int, int]] = field(default_factory=dict)
    integral: float = 0.0

    def ttl(self, name: str) -> int:
        return self.rulings[name][1] if name in self.rulings else TTL

    def tick(self) -> None:
        self.integral += sum(held.size for held in self.order)
        self.now += 1
        self.order = [held for held in self.order if held.expires > self.now]
        for name, (_, ttl, until) in list(self.rulings.items()):
            if until <= self.now:
                del self.rulings[name]
                if ttl != TTL:
                    self.retime(name)

    def retime(self, name: str) -> None:
        for held in self.order:
            if endpoint_of(held.key) == name:
                held.expires = max(held.stored + self.ttl(name), self.now)
        self.order = [held for held in self.order if held.expires > self.now]

    def rule(self, name: str, keep: bool, ttl: int, valid: int) -> None:
        ttl = ttl if keep else 0
        changed = ttl != self.ttl(name)
        self.rulings[name] = (keep, ttl, self.now + valid)
        if changed:
            self.retime(name)

    def get(self, key: str) -> bool:
        for held in self.order:
            if held.key == key:
                self.order.remove(held)
                self.order.append(held)
                return True
        return False

    def put(self, key: str, size: int) -> bool:
        name = endpoint_of(key)
        old = next((held for held in self.order if held.key == key), None)
        if (name in self.rulings and not self.rulings[name][0]) or size > CAPACITY:
            self.order = [held for held in self.order if held is not old]
            return False
        grown = size - (old.size if old else 0)
        while sum(held.size for held in self.order) + grown > CAPACITY:
            self.order.pop(0)
        if old and old not in self.order:
            return False
        new = Held(key, size, self.now + self.ttl(name), self.now)
        if old:
            self.order[self.order.index(old)] = new
        else:
            self.order.append(new)
        return True


steps = st.one_of(
    st.tuples(st.just("get"), st.sampled_from(KEYS)),
    st.tuples(st.just("put"), st.sampled_from(KEYS), st.integers(0, 60)),
    st.tuples(st.just("tick"), st.integers(1, 12)),
    st.tuples(
        st.just("rule"),
        st.sampled_from(["e0", "e1"]),
        st.booleans(),
        st.integers(1, 30),
        st.integers(1, 20),
    ),
    st.tuples(st.just("occupancy")),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(steps, max_size=60))
def test_the_cache_does_what_the_slow_model_does(script: list[tuple[object, ...]]) -> None:
    clock = ManualClock(0)
    cache, model = LiveCache(CAPACITY, TTL, clock), Model()
    measured = 0.0
    for what, *arguments in script:
        match what, arguments:
            case "get", [str(key)]:
                assert (cache.get(key, endpoint_of(key)) is not None) == model.get(key)
            case "put", [str(key), int(size)]:
                accepted = cache.put(key, endpoint_of(key), None, size, 1.0)
                assert accepted == model.put(key, size)
            case "tick", [int(seconds)]:
                for _ in range(seconds):
                    model.tick()
                clock.advance(seconds)
            case "rule", [str(name), bool(keep), int(ttl), int(valid)]:
                model.rule(name, keep, ttl, valid)
                cache.rule({name: Ruling(keep, ttl, False, clock.now() + valid)})
            case _:
                measured += cache.occupancy()["*"][2]
        assert cache.used_bytes <= CAPACITY
    items, held_bytes, byte_seconds = cache.occupancy()["*"]
    assert (items, held_bytes) == (len(model.order), sum(held.size for held in model.order))
    assert abs(measured + byte_seconds - model.integral) < 1e-6
