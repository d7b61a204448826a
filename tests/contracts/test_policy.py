"""What every row of POLICIES must do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine.cache import POLICIES
from engine.cache.base import Policy, Replay, Room
from engine.errors import PolicyError
from engine.registry import resolve
from engine.traces.trace import Requests
from tests.engine.cache.generated import numbers, requests, sized, zipf_with_scans

LIMITS = ("always", "never")
STREAMS = st.lists(st.tuples(st.integers(0, 12), st.integers(1, 9)), min_size=1, max_size=120)
few = settings(max_examples=60, deadline=None)


@pytest.fixture(params=list(POLICIES))
def policy(request: pytest.FixtureRequest) -> Policy:
    return named(request.param)


def named(name: str) -> Policy:
    made: Policy = resolve(POLICIES, name, "policy")()
    assert made.name == name
    return made


def drawn(stream: list[tuple[int, int]]) -> Requests:
    return requests([key for key, _ in stream], [size for _, size in stream])


def fed(
    policy: Policy, room: Room, asked: Requests, chunk: int = 0, seed: int = 0
) -> NDArray[np.bool_]:
    replay = policy.start_for(room, asked, seed)
    step = chunk or len(asked)
    parts = [replay.feed(asked.slice(i, i + step)) for i in range(0, len(asked), step)]
    return np.concatenate(parts)


def used(replay: Replay) -> int:
    return int(replay.used)  # type: ignore[attr-defined]


def test_it_describes_itself(policy: Policy) -> None:
    assert policy.title
    assert policy.paper
    assert 10 < len(policy.idea) < 100
    assert policy.is_choice == (not policy.offline and policy.name not in LIMITS)


@pytest.mark.parametrize("by_bytes", [False, True])
def test_any_chunking_gives_the_same_hits(policy: Policy, by_bytes: bool) -> None:
    asked = sized(zipf_with_scans(12_000, 600))
    room = Room(6000 if by_bytes else 60, by_bytes, asked.distinct)
    whole = fed(policy, room, asked)
    assert whole.dtype == np.bool_
    for chunk in (1777, 5000):
        assert np.array_equal(fed(policy, room, asked, chunk), whole)


def test_equal_seeds_give_equal_hits_and_caches_share_nothing(policy: Policy) -> None:
    asked = zipf_with_scans(6000, 400)
    room = Room(30, False, asked.distinct)
    one, other = policy.start_for(room, asked, 5), policy.start_for(room, asked, 5)
    first, second = asked.slice(0, 3000), asked.slice(3000, len(asked))
    found = [one.feed(first), other.feed(first), other.feed(second), one.feed(second)]
    assert np.array_equal(found[0], found[1])
    assert np.array_equal(found[2], found[3])


@few
@given(STREAMS, st.integers(1, 30), st.booleans())
@pytest.mark.parametrize("name", list(POLICIES))
def test_it_never_holds_more_than_the_capacity_nor_hits_what_was_never_asked_for(
    name: str, stream: list[tuple[int, int]], capacity: int, by_bytes: bool
) -> None:
    asked = drawn(stream)
    replay = named(name).start_for(Room(capacity, by_bytes, asked.distinct), asked, 0)
    seen: set[int] = set()
    for i in range(len(asked)):
        hit = bool(replay.feed(asked.slice(i, i + 1))[0])
        key = int(asked.key[i])
        assert not hit or key in seen
        seen.add(key)
        assert name == "always" or 0 <= used(replay) <= capacity


@few
@given(STREAMS, st.integers(1, 12))
@pytest.mark.parametrize("name", [name for name in POLICIES if name not in ("always", "belady")])
def test_it_has_no_more_hits_than_belady_where_sizes_are_equal(
    name: str, stream: list[tuple[int, int]], capacity: int
) -> None:
    asked = drawn(stream)
    room = Room(capacity, False, asked.distinct)
    assert fed(named(name), room, asked).sum() <= fed(named("belady"), room, asked).sum()


@pytest.mark.parametrize("name", [name for name in POLICIES if name != "never"])
def test_a_cache_with_room_for_everything_misses_each_key_once(name: str) -> None:
    asked = sized(zipf_with_scans(4000, 300))
    for room in (Room(asked.distinct, False, asked.distinct), Room(10**9, True, asked.distinct)):
        assert fed(named(name), room, asked).sum() == len(asked) - asked.distinct


def test_distinct_keys_alone_are_never_hit(policy: Policy) -> None:
    asked = requests(np.arange(500))
    assert not fed(policy, Room(10, False, 500), asked).any()


def test_one_key_alone_is_always_hit_again(policy: Policy) -> None:
    hits = fed(policy, Room(1, False, 1), requests([7] * 50))
    assert hits.sum() == (0 if policy.name == "never" else 49)
    assert not hits[0]


def test_what_is_larger_than_the_cache_is_never_held(policy: Policy) -> None:
    asked = requests([1, 1, 2, 2, 1], [11, 11, 4, 4, 11])
    expected = {"never": [0, 0, 0, 0, 0], "always": [0, 1, 0, 1, 1]}
    hits = fed(policy, Room(10, True, 2), asked)
    assert numbers(hits) == expected.get(policy.name, [0, 0, 0, 1, 0])


SKETCHED = [name for name in POLICIES if name.startswith("w-tinylfu")]
"""Their sketch ages by the results held where sizes count, else by those that fit."""


@few
@given(STREAMS, st.integers(1, 40))
@pytest.mark.parametrize("name", [n for n in POLICIES if n not in SKETCHED])
def test_a_byte_each_is_a_result_each(
    name: str, stream: list[tuple[int, int]], capacity: int
) -> None:
    asked = drawn([(key, 1) for key, _ in stream])
    by_results = fed(named(name), Room(capacity, False, asked.distinct), asked)
    by_bytes = fed(named(name), Room(capacity, True, asked.distinct), asked)
    assert np.array_equal(by_bytes, by_results)


def test_writable_and_read_only_requests_are_the_same(policy: Policy) -> None:
    asked = zipf_with_scans(2000, 200)
    room = Room(20, False, asked.distinct)
    plain = fed(policy, room, asked)
    for values in (asked.key, asked.size, asked.cost, asked.time):
        values.flags.writeable = False
    assert np.array_equal(fed(policy, room, asked), plain)


@pytest.mark.parametrize("name", [name for name in POLICIES if named(name).offline])
def test_what_knows_the_future_must_be_told_it(name: str) -> None:
    with pytest.raises(PolicyError, match="looks into the future"):
        named(name).start(Room(5, False, 5))


@pytest.mark.parametrize("capacity", [0, -3])
def test_a_cache_without_room_is_refused(capacity: int) -> None:
    with pytest.raises(PolicyError, match=f"A cache of {capacity} holds nothing"):
        Room(capacity, False, 10)
