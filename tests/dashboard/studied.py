"""Studies as workers would have left them."""

from __future__ import annotations

import itertools
import time
from typing import Any

from sqlalchemy import Engine

from db.session import writing
from db.tables import study_plans, study_runs, study_trials
from engine.study.statistics import summary

RATES = (0.02, 0.1, 0.6)
DISCOUNTS = (0.0, 0.3, 0.9)


def fill(
    store: Engine,
    name: str = "s",
    *,
    seeds: int = 3,
    rates: tuple[float, ...] = RATES,
    discounts: tuple[float, ...] = DISCOUNTS,
    at: float | None = None,
) -> None:
    """A study of the agent over two parameters; the greater the rate the better, and one failed."""
    now = time.time() if at is None else at
    spec = {
        "axes": [
            {"name": "discount", "values": list(discounts)},
            {"name": "learning_rate", "values": list(rates)},
            {"name": "detail", "values": ["full"]},
        ],
        "fixed": {},
        "sampler": "grid",
        "seeds": seeds,
        "trials": len(rates) * len(discounts) + 1,
        "minutes": 0.0,
        "pruning": False,
        "options": {"objective": "net"},
        "warm": "",
        "seed": 0,
        "stale_s": 60.0,
    }
    plan = {
        "name": name,
        "kind": "agent",
        "state": "open",
        "spec": spec,
        "facts": {"references": {"plain LRU": 4.0, "heuristic": 6.0}, "warmed": 0},
        "baseline": None,
        "who": "test",
        "created_at": now,
        "started_at": now,
    }
    trials, runs = [], []
    for number, (discount, rate) in enumerate(itertools.product(discounts, rates)):
        values = [5.0 + rate - discount + 0.4 * ((seed + number) % 3) for seed in range(seeds)]
        config = {"learning_rate": rate, "discount": discount, "detail": "full"}
        runs += [_run(name, number, seed, value, now) for seed, value in enumerate(values)]
        trials.append(_trial(name, number, config, values, now))
    failed = _trial(name, len(trials), {"learning_rate": 0.5, "discount": 0.5}, [], now)
    trials.append(failed | {"state": "failed", "reason": "The disk is full."})
    with writing(store) as connection:
        connection.execute(study_plans.insert(), [plan])
        for table, rows in ((study_trials, trials), (study_runs, runs)):
            for start in range(0, len(rows), 500):
                connection.execute(table.insert(), rows[start : start + 500])


def _trial(
    name: str, number: int, config: dict[str, Any], values: list[float], now: float
) -> dict[str, Any]:
    middle = summary(values) if values else None
    return {
        "study": name,
        "trial": number,
        "state": "done",
        "config": config,
        "seeds": max(len(values), 1),
        "runs": len(values),
        "objective": middle.value if middle else None,
        "low": middle.low if middle and len(values) > 1 else None,
        "high": middle.high if middle and len(values) > 1 else None,
        "figures": {"net_s": middle.value, "hit_ratio": middle.value / 10.0} if middle else None,
        "asked": None,
        "worker": "",
        "reason": "",
        "created_at": now,
        "beat_at": now,
        "finished_at": now,
    }


def _run(name: str, number: int, seed: int, value: float, now: float) -> dict[str, Any]:
    return {
        "study": name,
        "trial": number,
        "seed": seed,
        "objective": value,
        "figures": {"net_s": value, "hit_ratio": value / 10.0},
        "curve": [[step / 2, value * (1 - 0.9**step)] for step in range(40)],
        "seconds": 1.5,
        "worker": "w",
        "at": now,
    }
