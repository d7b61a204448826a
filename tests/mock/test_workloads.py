from __future__ import annotations

from collections import Counter
from itertools import islice, pairwise

import pytest

from mock.openapi import make_catalogue, read_specification
from mock.traffic.plan import OWN_SPECIFICATION
from mock.workloads import WORKLOADS, Arrival

CATALOGUE = make_catalogue(read_specification(OWN_SPECIFICATION))
START = 1_795_000_000.0
DAY_S = 300.0


def stream(name: str, count: int, seed: int = 1, rate: float = 30.0) -> list[Arrival]:
    return list(islice(WORKLOADS[name](CATALOGUE, rate, seed, DAY_S).arrivals(START), count))


@pytest.mark.parametrize("name", WORKLOADS)
def test_equal_seeds_give_equal_streams_and_others_do_not(name: str) -> None:
    assert stream(name, 500) == stream(name, 500)
    assert stream(name, 500) != stream(name, 500, seed=2)


@pytest.mark.parametrize("name", WORKLOADS)
def test_the_mean_rate_is_the_one_asked_for(name: str) -> None:
    arrivals = stream(name, 36_000)
    seconds = arrivals[-1].at - START
    assert 36_000 / seconds == pytest.approx(30, rel=0.12)
    assert all(a.at <= b.at for a, b in pairwise(arrivals))


def test_few_requests_are_popular_and_many_are_rare() -> None:
    counts = Counter(arrival.draw.target for arrival in stream("zipf", 20_000))
    tenth = len(counts) // 10
    assert sum(count for _, count in counts.most_common(tenth)) > 0.6 * 20_000
    assert sum(1 for count in counts.values() if count == 1) > 0.2 * len(counts)


def test_noon_is_busier_than_midnight_in_the_daily_cycle() -> None:
    phases = Counter(int((a.at % DAY_S) / DAY_S * 4) for a in stream("daily", 20_000))
    assert phases[1] + phases[2] > 2 * (phases[0] + phases[3])


def test_bursts_raise_the_rate_of_one_endpoint() -> None:
    arrivals = stream("bursts", 40_000)
    seconds = Counter(int(arrival.at) for arrival in arrivals)
    busy = [second for second, count in seconds.items() if count > 70]
    assert 0.02 < len(busy) / len(seconds) < 0.3
    paths = Counter(a.draw.operation.path for a in arrivals if int(a.at) == busy[0])
    assert paths.most_common(1)[0][1] > 0.6 * paths.total()


def test_popularity_shifts_within_a_day() -> None:
    quarters = [
        Counter(
            a.draw.operation.path
            for a in stream("shift", 9_000)
            if int(a.at // (DAY_S / 4)) == int(START // (DAY_S / 4)) + number
        )
        for number in (1, 2, 3)
    ]
    favourites = [quarter.most_common(3) for quarter in quarters]
    assert len({tuple(sorted(path for path, _ in three)) for three in favourites}) > 1


def test_a_scan_asks_for_much_more_than_plain_traffic() -> None:
    def distinct(name: str) -> int:
        return len({a.draw.target for a in stream(name, 10_000)})

    assert distinct("scan") > 2 * distinct("zipf")
