"""Comparing policies: figures, the judged part, time to live, and what is refused."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.cache import POLICIES
from engine.cache.base import Room
from engine.cache.lru import LRU
from engine.cache.simulator import begin, compare
from engine.cache.sizes import footprint, parse_sizes, spaced
from engine.errors import PolicyError, UnknownName
from engine.traces.trace import Requests
from tests.engine.cache.generated import numbers, requests, sized, zipf_with_scans


def test_the_figures_are_what_hits_are_of_requests_bytes_and_load_time() -> None:
    asked = requests([1, 2, 1, 3, 1], [10, 20, 10, 30, 10], [5.0, 7.0, 5.0, 9.0, 6.0])
    (found,) = compare(asked, ["lru"], [2], judged_from=0.5)
    assert (found.whole.requests, found.whole.hits) == (5, 2)
    assert found.whole.hit_ratio == 2 / 5
    assert found.whole.byte_hit_ratio == 20 / 80
    assert found.whole.load_time_saved == 11 / 32
    assert (found.judged.requests, found.judged.hits) == (3, 2)
    assert found.judged.load_time_saved == 11 / 20


def test_every_policy_at_every_size_is_of_its_kind() -> None:
    asked = sized(zipf_with_scans(4000, 300))
    found = compare(asked, list(POLICIES), [10, 40])
    assert [(one.policy, one.capacity) for one in found] == [
        (name, size) for size in (10, 40) for name in POLICIES
    ]
    kinds = {one.policy: one.kind for one in found}
    assert kinds["belady"] == "optimum"
    assert (kinds["always"], kinds["never"], kinds["belady-value"]) == ("limit",) * 2 + (
        "reference",
    )
    assert set(kinds.values()) == {"classic", "limit", "optimum", "reference"}
    for unequal in ({"by_bytes": True}, {"ttl_s": 5.0}):
        assert compare(asked, ["belady"], [40], **unequal)[0].kind == "reference"


def test_a_policy_by_value_saves_more_load_time_than_one_by_hits() -> None:
    asked = sized(zipf_with_scans(20_000, 900))
    found = {
        one.policy: one.whole
        for one in compare(asked, ["gdsf", "gdsf-cost", "belady", "belady-value"], [60])
    }
    assert found["gdsf-cost"].load_time_saved > found["gdsf"].load_time_saved + 0.01
    assert found["belady-value"].load_time_saved > found["belady"].load_time_saved
    assert found["belady"].hit_ratio > found["belady-value"].hit_ratio


def expiring(asked: Requests, capacity: int, ttl: float) -> list[bool]:
    """LRU with lazy expiry, plainly: what has expired keeps its place and reloads in it."""
    held: OrderedDict[int, float] = OrderedDict()
    hits = []
    for key, now in zip(asked.key.tolist(), asked.time.tolist(), strict=True):
        fresh = key in held and now - held[key] <= ttl
        hits.append(fresh)
        if not fresh:
            held[key] = now
        held.move_to_end(key)
        if len(held) > capacity:
            held.popitem(last=False)
    return hits


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 4)), min_size=1, max_size=100),
    st.integers(1, 8),
    st.integers(1, 20),
)
def test_an_expired_result_reloads_in_its_place(
    stream: list[tuple[int, int]], capacity: int, ttl: int
) -> None:
    times = np.cumsum([gap for _, gap in stream])
    asked = requests([key for key, _ in stream], times=times)
    replay = begin(LRU(), Room(capacity, False, asked.distinct), asked, float(ttl), 0)
    halves = [asked.slice(0, len(asked) // 2), asked.slice(len(asked) // 2, len(asked))]
    found = np.concatenate([replay.feed(part) for part in halves])
    assert numbers(found) == numbers(expiring(asked, capacity, ttl))


def test_a_longer_time_to_live_never_loses_hits_and_for_ever_is_none() -> None:
    asked = zipf_with_scans(6000, 300)
    ratios = [
        compare(asked, ["s3-fifo"], [50], ttl_s=ttl)[0].whole.hits for ttl in (10.0, 500.0, 1e9)
    ]
    assert ratios[0] < ratios[1] < ratios[2] == compare(asked, ["s3-fifo"], [50])[0].whole.hits


def test_it_tells_how_far_it_is_and_stops_when_asked() -> None:
    asked = zipf_with_scans(3000, 300)
    told: list[tuple[float, str]] = []

    def beat(share: float, title: str) -> bool:
        told.append((share, title))
        return len(told) > 3

    with pytest.raises(PolicyError, match="stopped"):
        compare(asked, ["lru", "fifo"], [10, 20], beat=beat)
    assert told == [(0.0, "LRU"), (0.125, "LRU"), (0.25, "FIFO"), (0.375, "FIFO")]


@pytest.mark.parametrize(
    ("asked", "options", "says"),
    [
        (requests([]), {}, "no request to replay"),
        (requests([1, 2], costs=[1.0, -2.0]), {}, r"1 load times .* \(-2.0\) at request 2"),
        (requests([1, 2], costs=[np.nan, np.inf]), {}, r"2 load times .* \(nan\) at request 1"),
        (requests([1]), {"ttl_s": 0.0}, "time to live of 0.0 s keeps nothing"),
        (requests([1]), {"ttl_s": float("nan")}, "time to live of nan s keeps nothing"),
        (requests([1]), {"capacities": [0]}, "cache of 0 holds nothing"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_sentence(
    asked: Requests, options: dict[str, object], says: str
) -> None:
    wanted = {"policies": ["lru"], "capacities": [5], **options}
    with pytest.raises(PolicyError, match=says):
        compare(asked, **wanted)  # type: ignore[arg-type]


def test_an_unknown_policy_lists_those_there_are() -> None:
    with pytest.raises(UnknownName, match="Did you mean 's3-fifo'"):
        compare(requests([1]), ["s3fifo"], [5])


def test_sizes_are_read_as_people_write_them() -> None:
    assert parse_sizes(["10%", "1%", "500", "2k", "1.5M", "1,000"], 13_756) == [
        137, 500, 1000, 1375, 2000, 1_500_000,
    ]  # fmt: skip
    assert parse_sizes(["0.1%"], 50) == [1]
    assert parse_sizes(["2.5%"], 100) == [2]
    for bad in ("0", "-5", "abc", "%", "", "nan", "1e400", "5.5"):
        with pytest.raises(PolicyError, match="no size of a cache"):
            parse_sizes([bad], 100)


def test_a_footprint_counts_each_key_once_at_its_latest_size() -> None:
    asked = requests([1, 2, 1], [10, 20, 15])
    assert footprint(asked, by_bytes=False) == 2
    assert footprint(asked, by_bytes=True) == 35


def test_spaced_sizes_rise_to_the_whole() -> None:
    found = spaced(10_000, 9)
    assert found == sorted(set(found))
    assert (found[0], found[-1]) == (1, 10_000)
    assert spaced(1) == [1]
