"""What the examples of the documentation ask with; a row for each endpoint that takes something.

Keys are `VERB /path` with the names of `PATHS` filled in.
"""

from __future__ import annotations

from typing import Any

PATHS: dict[str, str] = {
    "run": "3f2a9c",
    "model": "champion",
    "other": "2",
    "alias": "champion",
    "name": "agent",
    "verb": "restart",
    "service": "agent",
    "kind": "agent",
    "trial": "3",
    "first": "1",
    "second": "2",
    "form": "csv",
    "file": "access.log",
}
"""Path parameter -> the value that stands for it."""

QUERIES: dict[str, dict[str, str | int]] = {
    "POST /train": {"algorithm": "dqn", "cache_size": 10, "timesteps": 100_000},
    "POST /export/champion": {"output_dir": "team/shop"},
    "GET /logs": {"service": "agent", "level": "WARNING", "tail": 20},
    "GET /decisions": {"wait": 30},
    "POST /studies/agent/extend": {"trials": 10},
}

ROW = {
    "timestamp": 1_760_000_000.5,
    "cache_key": "/prices?area=1",
    "hit": False,
    "load_time_ms": 41.5,
    "size_bytes": 2048,
}

FILES: dict[str, str] = {"PUT /uploads/access.log": "access.log"}
"""Endpoints that take a file as it is."""

BODIES: dict[str, Any] = {
    "PUT /tunables/agent": {"value": True},
    "POST /control/restart": {"name": "agent"},
    "POST /jobs": {"kind": "compare", "params": {"trace": "shop", "sizes": ["1%", "10%"]}},
    "POST /import": {"source": "seeded", "name": "shop"},
    "POST /compare": {"trace": "shop", "sizes": ["1%", "10%"]},
    "POST /curves": {"trace": "shop", "policies": ["lru", "arc"]},
    "POST /train": {"trace": "shop", "seeds": [1, 2, 3]},
    "POST /evaluate/champion": {"sizes": ["1%", "10%"]},
    "POST /models/champion/decide": {"requests": [{"key": "/a"}, {"key": "/b"}, {"key": "/a"}]},
    "POST /db/seed": {"rows": 20_000, "workload": "daily"},
    "POST /simulation/start": {"n": 1000, "rate": 50},
    "POST /ingest": {"writer": "shop-1", "sequence": 0, "rows": [ROW]},
    "POST /resilience/run": {"scenarios": ["burst"], "quick": True},
    "POST /studies": {"name": "agent", "vary": {"learning_rate": [0.05, 0.1]}},
}
