"""Who forecasts best, and what eight-bit weights buy: `python -m tests.benchmarks.forecast`.

The demand is that of the sample's daily shape: a season of 60 intervals of 5 s, endpoints of very
different popularity, counts scattered as independent requests scatter (Poisson), every season a
little different. Each seed makes another one; each forecaster learns from the older four fifths
and is judged by rolling origin on the newest.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time

import numpy as np

from engine.forecast.backtest import backtest, origins, split
from engine.forecast.base import Config, Series
from engine.forecast.lstm import LSTMForecaster, quantise, quantised_ratio
from engine.forecast.naive import LastValue, SeasonalValue
from engine.forecast.network import Network
from engine.records import TOTAL

ENDPOINTS = 12


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


def table(seeds: int, length: int) -> None:
    """Print MAE, MASE and coverage of each forecaster, mean and spread over seeds."""
    errors: dict[str, list[tuple[float, float, float]]] = {}
    spent = 0.0
    for seed in range(seeds):
        config = Config(seed=seed, quantised="off")
        series = sample_demand(length, seed, config.season)
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
        f"{seeds} seeds, {length} intervals, {ENDPOINTS} endpoints, training {spent / seeds:.1f} s"
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
    parser.add_argument("--intervals", type=int, default=720)
    given = parser.parse_args()
    table(given.seeds, given.intervals)
    eight_bits()
    print(f"\nload average {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
