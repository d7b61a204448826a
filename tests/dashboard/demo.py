"""Rows like those of a busy hour, for pages to draw without an engine.

`python -m tests.dashboard.demo URL [--follow SECONDS]` fills a store by hand and, with
`--follow`, goes on writing second by second.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import time
from typing import Any

from sqlalchemy import Engine, Table, delete

from db import tables
from db.session import open_store, writing
from engine.histogram import Histogram
from tests.dashboard import learned

ENDPOINTS = {
    "production/hourly": (9.0, 48.0),
    "consumption/hourly": (6.5, 62.0),
    "exchange/hourly": (4.0, 35.0),
    "consumption/total": (3.0, 190.0),
    "production/total": (2.5, 160.0),
    "exchange/total": (1.5, 120.0),
    "production/municipality": (1.2, 310.0),
    "branches": (0.6, 9.0),
}
POLICIES = {"recorded": 0.62, "agent": 0.63, "heuristic": 0.58, "always": 0.55, "lru": 0.49}
ACTIONS = ("drop", "keep_short", "keep_long", "keep_refresh")
DAY_S = 300.0
INTERVAL_S = 5


def fill(store: Engine, now: float | None = None, span_s: int = 900) -> int:
    """Write the demo's rows up to `now`; returns the source's id."""
    end = int(time.time() if now is None else now)
    rng = random.Random(7)
    with writing(store) as connection:
        for table in tables.metadata.sorted_tables:
            connection.execute(delete(table))
        connection.execute(
            tables.sources.insert(),
            {
                "id": 1,
                "name": "sample",
                "kind": "sample",
                "costs": "measured",
                "mapping": {},
                "cursor": None,
                "watermark": float(end),
                "created_at": end - span_s,
            },
        )
        for name, rows in _everything(rng, end - span_s, end).items():
            for start in range(0, len(rows), 500):
                connection.execute(tables.metadata.tables[name].insert(), rows[start : start + 500])
    return 1


def follow(store: Engine, seconds: float) -> None:
    """Go on writing second by second."""
    rng, last = random.Random(), int(time.time())
    until = time.time() + seconds
    while time.time() < until:
        time.sleep(0.2)
        for second in range(last, int(time.time())):
            _one_second(store, rng, second)
            last = second + 1


def _one_second(store: Engine, rng: random.Random, second: int) -> None:
    rows: dict[Table, list[dict[str, Any]]] = {
        tables.rollups: _rollups(rng, second, second + 1, (1,)),
        tables.queue_samples: _queue(rng, second, second + 1),
    }
    if second % 10 == 0:
        rows[tables.rollups] += _rollups(rng, second - 10, second, (10,))
    if second % INTERVAL_S == 0:
        step = 200 + int(rng.random() * 50)
        ahead = second + INTERVAL_S
        for name, (_, cost) in ENDPOINTS.items():
            ident, late = f"{ahead}-{name}"[:40], f"{second - INTERVAL_S}-{name}"[:40]
            action = rng.choice(ACTIONS)
            expected = demand(name, ahead) * INTERVAL_S
            made = _prediction(ident, ahead, name, expected, cost, [expected] * 6)
            rows.setdefault(tables.predictions, []).append({**made, "at": second})
            choice = _decision(rng, ident, ahead, name, action, step)
            rows.setdefault(tables.decisions, []).append({**choice, "at": second + 0.1})
            reward = _reward(rng, late, second - INTERVAL_S, name, action, step, cost)
            rows.setdefault(tables.rewards, []).append({**reward, "at": second})
    with writing(store) as connection:
        for table, new in rows.items():
            connection.execute(table.insert().prefix_with("OR IGNORE", dialect="sqlite"), new)


def demand(name: str, at: float) -> float:
    """Requests per second of an endpoint at a time of the simulated day."""
    base, _cost = ENDPOINTS[name]
    phase = hash_phase(name)
    return base * (1 + 0.5 * math.sin(2 * math.pi * at / DAY_S + phase))


def hash_phase(name: str) -> float:
    """A phase that differs between endpoints but not between runs."""
    return sum(map(ord, name)) % 20 / 10


def _everything(rng: random.Random, start: int, end: int) -> dict[str, list[dict[str, Any]]]:
    predictions, decisions, rewards = _learning(rng, start, end)
    return {
        "rollups": _rollups(rng, start, end, (1, 10)),
        "queue_samples": _queue(rng, start, end),
        "events": _events(start, end),
        "predictions": predictions,
        "decisions": decisions,
        "rewards": rewards,
        "forecast_scores": _scores(end),
        "agent_checkpoints": [_checkpoint(rng, end)],
        "cache_metrics": _raw(rng, end),
        **learned.rows(float(end)),
        "jobs": [*_jobs(end), *learned.jobs(float(end))],
        "leases": [{"name": "agent", "owner": "demo:1", "since": start, "until": end + 60}],
        "audit": [
            {
                "at": end - 200,
                "who": "dashboard:1",
                "action": "set_tunable",
                "params": {"name": "agent.exploration", "value": 0.2},
                "result": "done",
            }
        ],
        "tunables": [
            {"name": "agent.exploration", "value": 0.2, "who": "dashboard:1", "at": end - 200}
        ],
    }


def _rollups(
    rng: random.Random, start: int, end: int, widths: tuple[int, ...]
) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for width in widths:
        for at in range(start - start % width, end, width):
            counts = {name: _poisson(rng, demand(name, at) * width) for name in ENDPOINTS}
            for policy, ratio in POLICIES.items():
                parts = [
                    _bucket(rng, policy, ratio, width, at, name, count)
                    for name, count in counts.items()
                ]
                total = {
                    key: sum(part[key] for part in parts)
                    for key in parts[0]
                    if isinstance(parts[0][key], int | float)
                    and key not in {"source", "width", "at"}
                }
                rows.append({**parts[0], **total, "cache_name": "*", "load_histogram": "{}"})
                if width >= 10 or policy == "recorded":
                    rows += [part for part in parts if part["requests"]]
    return rows


def _bucket(
    rng: random.Random, policy: str, ratio: float, width: int, at: int, name: str, count: int
) -> dict[str, Any]:
    cost = ENDPOINTS[name][1]
    share = min(0.98, max(0.02, ratio + 0.12 * math.sin(at / 90) + rng.gauss(0, 0.05)))
    hits = min(count, round(count * share))
    misses = count - hits
    histogram = Histogram()
    for _ in range(misses):
        histogram.add(cost * rng.lognormvariate(0, 0.3))
    if hits:
        histogram.add(0.4, hits)
    return {
        "source": 1,
        "policy": policy,
        "width": width,
        "at": at,
        "cache_name": name,
        "requests": count,
        "hits": hits,
        "stale_hits": int(hits * 0.03),
        "load_time_ms": misses * cost + hits * 0.4,
        "miss_load_time_ms": misses * cost,
        "saved_ms": hits * cost * 0.97,
        "refreshes": 0,
        "refresh_ms": 0.0,
        "bytes_requested": count * 5_000,
        "byte_seconds": 40_000.0 * width,
        "missing": 0,
        "load_histogram": histogram.to_json(),
    }


def _poisson(rng: random.Random, mean: float) -> int:
    return max(0, round(rng.gauss(mean, math.sqrt(mean))))


def _queue(rng: random.Random, start: int, end: int) -> list[dict[str, Any]]:
    rows = []
    for at in range(start, end):
        burst = at % INTERVAL_S == 0
        fast = rng.lognormvariate(-1.2, 0.3)
        rows.append(
            {
                "queue": "predictions",
                "at": at,
                "depth_max": rng.randint(7, 9) if burst else rng.randint(0, 2),
                "depth_last": rng.randint(0, 2),
                "accepted": 8 if burst else 0,
                "handed_out": 8 if burst else 0,
                "acknowledged": 8 if burst else 0,
                "overwritten": 4 if at % 240 == 0 else 0,
                "expired": 0,
                **{
                    f"{kind}_{p}_ms": fast * k * scale if burst else None
                    for kind, scale in (("enqueue", 0.6), ("dequeue", 1.0))
                    for p, k in (("p50", 1.0), ("p95", 2.1), ("p99", 3.5))
                },
            }
        )
    return rows


def _events(start: int, end: int) -> list[dict[str, Any]]:
    told = [
        (start + 1, "engine", "info", "started", "engine started (pid 4711)"),
        (start + 4, "agent", "info", "ready", "ready after 2.1 s"),
        (end - 170, "queue", "error", "exited", "ended by SIGKILL"),
        (end - 169, "queue", "info", "recovered", "running again after 0.6 s"),
        (end - 60, "queue", "warning", "overwritten", "4 predictions overwritten before a read"),
    ]
    return [
        {
            "at": float(at),
            "writer": "demo",
            "sequence": number,
            "service": service,
            "level": level,
            "kind": kind,
            "message": message,
        }
        for number, (at, service, level, kind, message) in enumerate(told)
    ]


def _learning(
    rng: random.Random, start: int, end: int
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
    predictions, decisions, rewards = [], [], []
    first = start - start % INTERVAL_S
    for step, at in enumerate(range(first, end + INTERVAL_S, INTERVAL_S)):
        for name, (_, cost) in ENDPOINTS.items():
            ident = f"{at}-{name}"[:40]
            expected = demand(name, at) * INTERVAL_S * rng.gauss(1, 0.06)
            ahead = [demand(name, at + k * INTERVAL_S) * INTERVAL_S for k in range(6)]
            predictions.append(_prediction(ident, at, name, expected, cost, ahead))
            action = rng.choices(ACTIONS, weights=(1, 3, 2 + step / 40, 2))[0]
            decisions.append(_decision(rng, ident, at, name, action, step))
            if at < end - INTERVAL_S:
                rewards.append(_reward(rng, ident, at, name, action, step, cost))
    return predictions, decisions, rewards


def _prediction(
    ident: str, at: int, name: str, expected: float, cost: float, ahead: list[float]
) -> dict[str, Any]:
    spread = 1.3 * math.sqrt(max(expected, 1))
    return {
        "id": ident,
        "at": at - 0.4,
        "source": 1,
        "cache_name": name,
        "interval_s": INTERVAL_S,
        "valid_from": at,
        "valid_until": at + INTERVAL_S,
        "demand": expected,
        "demand_low": max(0.0, expected - spread),
        "demand_high": expected + spread,
        "load_time_ms": cost,
        "horizon": {
            "demand": ahead,
            "demand_low": [value * 0.7 for value in ahead],
            "demand_high": [value * 1.3 for value in ahead],
            "load_time_ms": [cost] * 6,
        },
        "forecaster": "lstm",
    }


def _decision(
    rng: random.Random, ident: str, at: int, name: str, action: str, step: int
) -> dict[str, Any]:
    explored = rng.random() < 0.1
    return {
        "prediction_id": ident,
        "at": at - 0.3,
        "source": 1,
        "agent": "qlearning",
        "cache_name": name,
        "action": action,
        "ttl_seconds": {"drop": 0, "keep_long": 240}.get(action, 15),
        "refresh_ahead": action == "keep_refresh",
        "valid_from": at,
        "valid_until": at + INTERVAL_S,
        "published": True,
        "state": f"{rng.randint(0, 4)}.{rng.randint(0, 2)}.{rng.randint(0, 3)}.{rng.randint(0, 2)}",
        "q_values": [round(rng.uniform(-0.2, 0.6), 3) for _ in ACTIONS],
        "explored": explored,
        "exploration": max(0.02, 0.3 * 0.99**step),
        "reason": "explored at random"
        if explored
        else "demand is rising and a miss costs much: best known value 0.41",
    }


def _reward(
    rng: random.Random, ident: str, at: int, name: str, action: str, step: int, cost: float
) -> dict[str, Any]:
    requests = round(demand(name, at) * INTERVAL_S)
    saved = requests * cost * min(0.8, 0.4 + step / 500) * rng.uniform(0.6, 1.1)
    return {
        "prediction_id": ident,
        "at": at + INTERVAL_S + 2.0,
        "source": 1,
        "cache_name": name,
        "action": action,
        "valid_from": at,
        "reward_ms": saved - 60,
        "reward_scaled": min(1.0, (saved - 60) / max(1.0, requests * cost)),
        "saved_ms": saved,
        "refresh_ms": 20.0,
        "stale_cost_ms": 15.0,
        "byte_cost_ms": 25.0,
        "requests": requests,
        "hits": round(requests * 0.6),
        "reason": None,
    }


def _scores(end: int) -> list[dict[str, Any]]:
    return [
        {
            "at": end - 40,
            "source": 1,
            "forecaster": forecaster,
            "cache_name": name,
            "origins": 60,
            "demand_mae": 3.1 * factor,
            "demand_mase": factor,
            "load_time_mae_ms": 6.0 * factor,
            "coverage": 0.83,
            "chosen": forecaster == "lstm",
            "note": "",
        }
        for forecaster, factor in (("lstm", 0.81), ("last", 1.0), ("seasonal", 0.9))
        for name in ("*", *ENDPOINTS)
    ]


def _checkpoint(rng: random.Random, end: int) -> dict[str, Any]:
    table = {
        f"{d}.{t}.{c}.{h}": [round(rng.uniform(-0.3, 0.7), 3) for _ in ACTIONS]
        for d in range(4)
        for t in range(3)
        for c in range(3)
        for h in range(2)
    }
    return {
        "source": 1,
        "agent": "qlearning",
        "at": end - 5,
        "steps": 1440,
        "exploration": 0.05,
        "state": json.dumps({"table": table}),
    }


def _raw(rng: random.Random, end: int) -> list[dict[str, Any]]:
    names = list(ENDPOINTS)
    rows = []
    for number in range(400):
        name = rng.choice(names)
        hit = rng.random() < 0.6
        rows.append(
            {
                "timestamp": end - (400 - number) / 30,
                "source": 1,
                "writer": "demo",
                "sequence": number,
                "cache_name": name,
                "cache_key": f"{name}?area=DK{rng.randint(1, 2)}&day={rng.randint(1, 90)}",
                "hit": hit,
                "stale": False,
                "hit_ratio": 0.61,
                "item_count": 74,
                "load_time_ms": 0.4 if hit else ENDPOINTS[name][1],
                "size_bytes": rng.randint(500, 20_000),
                "policy_triggered": None,
                "rl_action_taken": rng.choice(ACTIONS),
                "traffic_intensity": 29.4,
            }
        )
    return rows


def _jobs(end: int) -> list[dict[str, Any]]:
    base = {"params": {"n": 20000}, "result": None, "who": "dashboard:1", "owner": "demo:1"}
    return [
        {
            **base,
            "id": "job-1",
            "kind": "seed",
            "state": "done",
            "progress": 1.0,
            "message": "20,000 requests written",
            "created_at": end - 300.0,
            "started_at": end - 299.0,
            "finished_at": end - 280.0,
        },
        {
            **base,
            "id": "job-2",
            "kind": "simulate",
            "state": "running",
            "progress": 0.42,
            "message": "420 of 1,000 requests sent, 0 errors",
            "created_at": end - 30.0,
            "started_at": end - 29.0,
            "finished_at": None,
        },
    ]


def main() -> None:
    """Fill a store by hand."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--follow", type=float, default=0.0, help="seconds to go on writing")
    given = parser.parse_args()
    store = open_store(given.url)
    tables.metadata.create_all(store)
    fill(store, span_s=3600)
    follow(store, given.follow)


if __name__ == "__main__":
    main()
