"""Who forecasts best, and what eight-bit weights buy: `python -m tests.benchmarks.forecast`.

With `--workload daily` (or another of the sample's workloads) the demand is what the sample's
traffic asks for: 30 requests/s, a day of 300 s. Without, it is a smoother daily shape: a season
of 60 intervals of 5 s, endpoints of very different popularity, counts scattered as independent
requests scatter (Poisson), every season a little different. Each seed makes another one; each
forecaster learns from the older four fifths and is judged by rolling origin on the newest.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time

import numpy as np

from engine.forecast.backtest import backtest, origins, split
from engine.forecast.base import Config, Series
from engine.forecast.lstm import LSTMForecaster
from engine.forecast.naive import LastValue, SeasonalValue
from engine.forecast.network import Network
from engine.forecast.quantised import quantise, quantised_ratio
from engine.records import TOTAL
from mock.openapi import make_catalogue, read_specification
from mock.traffic.plan import OWN_SPECIFICATION
from mock.workloads import WORKLOADS

ENDPOINTS = 12
RATE, DAY_S = 30.0, 300.0


def sample_demand(length: int, seed: int, season: int) -> Series:
    """Requests per interval of a day's shape, Zipf over endpoints, a drifting level."""
    chance = np.random.default_rng(seed)
    time_ = np.arange(length)[:, None]
    share = 1 / np.arange(1, ENDPOINTS + 1) ** 0.9
    level = 150 * share / share.sum()
    phase = chance.uniform(0, 0.8, ENDPOINTS)
    drift = np.exp(np.cumsum(chance.normal(0, 0.02, (length, 1)), axis=0))
    rate = level * (1 + 0.7 * np.sin(2 * np.pi * time_ / season + phase)) * drift
    load = np.exp(chance.normal(3, 0.2, rate.shape))
    names = tuple(f"/{number}" for number in range(ENDPOINTS))
    return Series(names, chance.poisson(rate).astype(float), load, 5.0, 5.0 * length)


def workload_demand(workload: str, length: int, seed: int, interval_s: float = 5.0) -> Series:
    """Requests per interval that the sample's traffic would send, begun at any time of its day."""
    catalogue = make_catalogue(read_specification(OWN_SPECIFICATION))
    stream = WORKLOADS[workload](catalogue, RATE, seed, DAY_S)
    chance = np.random.default_rng(seed)
    begin = 1_000_000.0 + interval_s * int(chance.integers(0, int(DAY_S / interval_s)))
    index: dict[str, int] = {}
    counts = np.zeros((length, stream.sampler.count))
    for arrival in stream.arrivals(begin):
        row = int((arrival.at - begin) // interval_s)
        if row >= length:
            break
        counts[row, index.setdefault(arrival.draw.operation.path, len(index))] += 1
    demand = counts[:, : len(index)]
    load = np.exp(chance.normal(3, 0.2, demand.shape))
    return Series(tuple(index), demand, load, interval_s, begin + interval_s * length)


def table(seeds: int, length: int, workload: str) -> None:
    """Print MAE, MASE and coverage of each forecaster, mean and spread over seeds."""
    errors: dict[str, list[tuple[float, float, float]]] = {}
    spent = 0.0
    for seed in range(seeds):
        config = Config(seed=seed, quantised="off")
        series = (
            workload_demand(workload, length, seed)
            if workload
            else sample_demand(length, seed, config.season)
        )
        known, held = split(series)
        network = LSTMForecaster(config)
        started = time.perf_counter()
        network.fit(known)
        spent += time.perf_counter() - started
        rivals = {"lstm": network, "last": LastValue(config), "seasonal": SeasonalValue(config)}
        stands = origins(len(series), held, config.horizon)
        for score in backtest(series, rivals, stands, config.horizon):
            if score.cache_name == TOTAL:
                errors.setdefault(score.forecaster, []).append(
                    (score.demand_mae, score.demand_mase, score.coverage)
                )
    print(
        f"{workload or 'smooth'} demand, {seeds} seeds, {length} intervals of 5 s, "
        f"{len(series.endpoints)} endpoints, training {spent / seeds:.1f} s"
    )
    print(f"{'forecaster':12}{'MAE':>8}{'MASE':>8}{'+-':>7}{'coverage':>10}")
    for name, found in errors.items():
        mae, mase, coverage = (statistics.mean(column) for column in zip(*found, strict=True))
        spread = statistics.stdev(row[1] for row in found) if len(found) > 1 else 0.0
        print(f"{name:12}{mae:8.2f}{mase:8.2f}{spread:7.2f}{coverage:10.2f}")


def eight_bits() -> None:
    """Print the time of a quantised forecast over that of a plain one, for several sizes."""
    print(f"\n{'hidden':>7}{'endpoints':>11}{'quantised / plain time':>24}")
    for hidden in (32, 128, 512):
        for endpoints in (12, 51):
            network = Network(hidden, 1, 8).eval()
            ratio = quantised_ratio(network, quantise(network), endpoints, 24)
            print(f"{hidden:7}{endpoints:11}{ratio:24.2f}")


def main() -> None:
    """Run both and print the load average beside them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--intervals", type=int, nargs="+", default=[720])
    parser.add_argument("--workload", default="", choices=("", *WORKLOADS))
    given = parser.parse_args()
    for length in given.intervals:
        table(given.seeds, length, given.workload)
    if not given.workload:
        eight_bits()
    print(f"\nload average {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
