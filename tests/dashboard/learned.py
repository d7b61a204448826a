"""What trainer and jobs would have left: a small trace, results of every job, models, steps."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from dashboard.charts.policy_looks import LOOKS
from engine.actions.verdicts import verdicts
from engine.cache.features import NAMES
from engine.traces.info import ColumnInfo, TraceInfo
from engine.traces.trace import Requests, Trace, save
from engine.training.steps import Compared, Step, Stretch, write

KIND = {"belady": "optimum", "belady-value": "reference", "never": "limit", "always": "limit"}
WEB, STEPS = "web", "job-steps"
REQUESTS, DISTINCT = 4_000, 400


def files(data_path: Path) -> None:
    """The trace `web`, and the steps that the job "steps" kept."""
    save(trace(), data_path / "traces" / WEB)
    folder = data_path / "steps"
    folder.mkdir(parents=True, exist_ok=True)
    write(stretch(), folder / f"{STEPS}.parquet")


def trace(name: str = WEB, costs: str = "measured", count: int = REQUESTS) -> Trace:
    """Requests with popular keys, sizes and costs, and two further columns."""
    rng = np.random.default_rng(1)
    drawn = rng.zipf(1.3, count) % DISTINCT
    _, key = np.unique(drawn, return_inverse=True)
    requests = Requests(
        time=np.arange(count) / 10.0,
        key=key.astype(np.int32),
        group=(key % 3).astype(np.int32),
        size=(100 + key % 50).astype(np.int64),
        cost=np.array([2.0, 20.0, 80.0])[key % 3],
        distinct=int(key.max()) + 1,
        columns={"weekday": (np.arange(count) % 7).astype(np.float32)},
    )
    columns = (
        ColumnInfo("weekday", "number", low=0, high=6, example="0"),
        ColumnInfo("hit_ratio", "number", recorded=True, low=0, high=1, example="0.5"),
    )
    info = TraceInfo(
        name=name,
        origin="file access.log (access-log)",
        costs=costs,
        sizes="recorded",
        requests=count,
        distinct=requests.distinct,
        groups=("/a", "/b", "/c"),
        columns=columns,
        malformed=7,
        cost_model="Modelled, not measured: a sentence." if costs == "modelled" else "",
    )
    texts = pa.array([f"/{'abc'[k % 3]}/item?n={k}" for k in range(requests.distinct)])
    return Trace(info, requests, texts)


def rows(end: float) -> dict[str, list[dict[str, Any]]]:
    """Rows of the tables that the pages Policies, Trainer and Models read."""
    return {
        "jobs": jobs(end),
        "rl_models": [model(1, end), model(2, end, seed=1, judged={}), model(3, end)],
        "model_aliases": [{"name": "champion", "model": 1, "who": "test", "at": end}],
        "alias_events": [
            {"at": end, "alias": "champion", "kind": "promote", "from_model": None, "to_model": 1,
             "who": "test", "why": ""}
        ],
        "training_points": [*points("job-train", end), *points("job-learning", end, 3)],
    }  # fmt: skip


def jobs(end: float) -> list[dict[str, Any]]:
    """One job of every kind, a training that runs, and one that failed."""
    trained = {
        "run": "job-train", "models": [1, 2], "best": 1, "validation": [0.61, 0.6],
        "cancelled": False, "evaluation": evaluation(),
    }  # fmt: skip
    explained = {
        "model": 1, "file": f"{STEPS}.parquet", "first": 0, "looked_at": 40, "steps": 40,
        "held": 3, "members": ["/a/item?n=0"],
    }  # fmt: skip
    return [
        job("job-compare", "compare", end, params={"trace": WEB}, result=compared()),
        job("job-curves", "curves", end, params={"trace": WEB, "policies": ["lru", "belady"]},
            result=curved()),
        job("job-train", "train", end - 60, params={"trace": WEB, "seeds": [0, 1]}, result=trained),
        job("job-learning", "train", end, state="running", progress=0.4,
            params={"trace": WEB, "algorithm": "dqn"}, message="seed 0, DQN: 40 of 100 decisions"),
        job("job-broken", "train", end - 90, state="failed", params={"trace": WEB},
            message="The trace has 12 requests, too few to learn from."),
        job(STEPS, "steps", end, params={"model": 1, "count": 40}, result=explained),
        job("job-judged", "evaluate", end - 30, params={"model": 1}, result=evaluation()),
    ]  # fmt: skip


def job(
    run: str, kind: str, end: float, *, state: str = "done", progress: float = 1.0,
    message: str = "done", params: dict[str, Any], result: dict[str, Any] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """A row of `jobs`."""
    return {
        "id": run, "kind": kind, "state": state, "params": params, "progress": progress,
        "message": message, "result": result, "who": "dashboard:1", "owner": "demo:1",
        "created_at": end - 40.0, "started_at": end - 39.0,
        "finished_at": None if state == "running" else end - 20.0,
    }  # fmt: skip


def share(policy: str, capacity: int) -> float:
    """A hit ratio that grows with the size, different for every policy."""
    place = list(LOOKS).index(policy) if policy in LOOKS else 5
    best = {"belady": 0.1, "always": 0.12, "never": -0.9}.get(policy, -0.003 * place)
    return max(0.0, min(0.95, 0.2 + 0.12 * math.log10(capacity) + best))


def compared(costs: str = "measured") -> dict[str, Any]:
    """The result of the job "compare"."""
    figures = ["hit_ratio", "byte_hit_ratio", "load_time_saved"]
    outcomes: list[dict[str, Any]] = []
    for capacity in (4, 40):
        for policy, look in LOOKS.items():
            value = share(policy, capacity)
            tally = dict.fromkeys(figures, value) | {
                "requests": REQUESTS, "hits": int(value * REQUESTS), "bytes": 10**6,
                "hit_bytes": int(value * 10**6), "cost": 1e5, "hit_cost": value * 1e5,
            }  # fmt: skip
            outcomes.append(
                {"policy": policy, "title": look.title, "kind": KIND.get(policy, "classic"),
                 "capacity": capacity, "seconds": 0.01, "whole": tally, "judged": tally}
            )  # fmt: skip
    return {
        "trace": WEB, "origin": "file", "requests": REQUESTS, "distinct": DISTINCT,
        "footprint": DISTINCT, "by_bytes": False, "ttl_s": 0.0, "costs": costs,
        "cost_model": "Modelled, not measured: a sentence." if costs == "modelled" else "",
        "sizes": "recorded", "malformed": 7, "judged_requests": REQUESTS // 2, "figures": figures,
        "outcomes": outcomes,
        "verdicts": [v for part in ("whole", "judged") for v in verdicts(outcomes, figures, part)],
    }  # fmt: skip


def curved() -> dict[str, Any]:
    """The result of the job "curves"."""

    def points(policy: str) -> list[dict[str, Any]]:
        return [
            {"capacity": c, "miss_ratio": 1 - share(policy, c), "low": 1 - share(policy, c) - 0.01,
             "high": 1 - share(policy, c) + 0.01, "exact": c < 10}
            for c in (1, 4, 40, 400)
        ]  # fmt: skip

    curves = [
        {"policy": name, "title": LOOKS[name].title, "by_bytes": False, "rate": 1.0,
         "points": points(name)}
        for name in ("lru", "belady")
    ]  # fmt: skip
    return {
        "trace": WEB, "costs": "measured", "cost_model": "", "requests": REQUESTS,
        "distinct": DISTINCT, "footprint": DISTINCT, "by_bytes": False, "ttl_s": 0.0,
        "cost_ms": 1e5, "curves": {"hit_ratio": curves, "load_time_saved": curves},
    }  # fmt: skip


def evaluation(lead: float = 0.02) -> dict[str, Any]:
    """The result of the job "evaluate"; with a lead below 0 a classic wins."""
    scores = [one for capacity in (10, 40) for one in _scores(capacity, lead)]
    word = "is 2.00 points ahead of" if lead > 0 else "a classic wins:"
    return {
        "models": [1, 2], "trace": WEB, "digest": "d" * 64, "costs": "measured", "cost_model": "",
        "requests": REQUESTS, "judged": REQUESTS // 2, "metric": "load_time_saved",
        "by_bytes": False, "scores": scores,
        "verdicts": [
            {"capacity": capacity, "best_classic": "LRU", "lead": lead, "lead_low": lead - 0.01,
             "lead_high": lead + 0.01, "gap_closed": lead / 0.1,
             "sentence": f"At {capacity} the learned policy {word} LRU."}
            for capacity in (10, 40)
        ],
    }  # fmt: skip


def _scores(capacity: int, lead: float) -> list[dict[str, Any]]:
    def score(policy: str, title: str, kind: str, value: float, **more: Any) -> dict[str, Any]:  # noqa: ANN401
        return {
            "policy": policy, "title": title, "kind": kind, "capacity": capacity,
            "hit_ratio": value, "byte_hit_ratio": value, "load_time_saved": value,
            "value_ratio": value, "seeds": [], "seed_low": None, "seed_high": None,
            "time_low": value - 0.01, "time_high": value + 0.01, "us_per_request": 0.8,
            "us_per_decision": 1.5, **more,
        }  # fmt: skip

    best = share("lru", capacity) + lead
    seeds = {"seeds": [best, best], "seed_low": best - 0.005, "seed_high": best + 0.005}
    own = score("learned", "PPO + DQN under a guard", "learned", best, **seeds)
    classics = [
        score(policy, look.title, KIND.get(policy, "classic").replace("limit", "reference"),
              share(policy, capacity))
        for policy, look in LOOKS.items()
    ]  # fmt: skip
    return [own, *classics]


def model(
    number: int, end: float, seed: int = 0, judged: dict[str, Any] | None = None
) -> dict[str, Any]:
    """A row of `rl_models`."""
    curve = [{"algorithm": "ppo", "steps": s, "value": 0.5 + s / 1e4} for s in (0, 500, 1000)]
    return {
        "id": number, "name": f"ppo+dqn on web, 40 results ({number})", "algorithm": "ppo+dqn",
        "created_at": end - 100 + number, "trained_at": end - 100 + number, "device": "cpu",
        "cache_size": 40, "timesteps": 1000 * number, "feature_columns": list(NAMES),
        "cache_weights": {"load_time_ms": 1.0}, "hyperparameters": {"ppo": {"gamma": 0.95}},
        "network_architecture": {"ppo": [24, 32, 16, 2]}, "input_dimension": 24,
        "reward_history": curve, "hit_rate_history": curve, "training_duration_seconds": 61.0,
        "data_digest": "d" * 64, "policy": None, "artefacts": {"folder": str(number), "files": {}},
        "spec": {
            "environment": "slot-rent", "by_bytes": False, "seed": seed, "guard": True,
            "window": 0.05, "data": {"name": WEB, "group": "g"}, "versions": {"torch": "2.13"},
        },
        "evaluation": evaluation() if judged is None else judged,
    }  # fmt: skip


def points(run: str, end: float, count: int = 6) -> list[dict[str, Any]]:
    """Curves of a training, every second one a trial on validation."""
    return [
        {"run": run, "seed": 0, "algorithm": algorithm, "steps": 100 * step, "at": end + step,
         "hit_ratio": 0.5 + step / 100 if step % 2 == 0 else None, "value_ratio": None,
         "reward": step / 10, "loss": 1.0 / (1 + step), "exploration": 0.5 / (1 + step),
         "steps_per_s": 9000.0, "best": step % 4 == 0}
        for algorithm in ("ppo", "dqn")
        for step in range(count)
    ]  # fmt: skip


def stretch() -> Stretch:
    """Forty steps: hits, free room, a newcomer kept and one not."""
    told = tuple(_step(number) for number in range(40))
    return Stretch(first=0, looked_at=40, steps=told, members=("/a/item?n=0",), held=3)


def _step(number: int) -> Step:
    what = number % 4
    keys = [f"/{'abc'[k % 3]}/item?n={k}" for k in (number, number + 1)]
    features = {"age": 3.0, "size_bytes": 120.0}
    compared = tuple(
        Compared(key, 0.7 - at / 2, at == 0, (what == 3) == (at == 0), features)
        for at, key in enumerate(keys)
    )
    gone = keys[0] if what == 3 else keys[1]
    return Step(
        number=number, time=float(number), key=keys[0], group="/a", size=120, cost=20.0,
        hit=what == 0, action=("", "", "keep", "evict")[what],
        decided=("held already", "took free room", f"kept {keys[0]} in place of {keys[1]}",
                 f"did not keep {keys[0]}")[what],
        scorer="ppo" if what > 1 else "", compared=compared if what > 1 else (),
        evicted=(gone,) if what > 1 else (), held=what != 3, occupancy=3,
        reward=1.0 if what == 0 else 0.0, us=40.0 + number,
    )  # fmt: skip
