"""A small trace to learn from: popular keys, some scans, costs by endpoint, two further columns."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from engine.traces.info import ColumnInfo, TraceInfo
from engine.traces.trace import Requests, Trace, digest

KEYS = 1_200


def requests(count: int = 12_000, seed: int = 0, distinct: int = KEYS) -> Requests:
    rng = np.random.default_rng(seed)
    share = np.arange(1, distinct + 1) ** -0.9
    key = rng.choice(distinct, count, p=share / share.sum()).astype(np.int32)
    scans = np.arange(count) % 7 == 0
    key[scans] = (np.arange(count)[scans] // 7 + distinct // 2) % distinct
    group = (key % 4).astype(np.int32)
    return Requests(
        time=np.arange(count) / 10.0,
        key=key,
        group=group,
        size=(200 + 37 * (key % 50)).astype(np.int64),
        cost=np.array([1.0, 5.0, 20.0, 80.0])[group],
        distinct=distinct,
        columns={
            "weekday": (np.arange(count) // 3000).astype(np.float32),
            "hit": rng.integers(2, size=count).astype(np.float32),
        },
    )


def trace(made: Requests | None = None, costs: str = "measured", name: str = "made") -> Trace:
    made = requests() if made is None else made
    info = TraceInfo(
        name=name,
        origin="generated",
        costs=costs,
        sizes="recorded",
        requests=len(made),
        distinct=made.distinct,
        groups=("a", "b", "c", "d"),
        columns=(
            ColumnInfo("weekday", "number"),
            ColumnInfo("hit", "boolean", recorded=True),
        ),
        digest=digest(made),
    )
    texts = pa.array([f"/{'abcd'[k % 4]}/item?n={k}" for k in range(made.distinct)])
    return Trace(info, made, texts)
