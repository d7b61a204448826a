"""Writes an access log to learn with: `python -m examples.write_log access.log --n 6000`.

Two endpoints that are asked for again and again, and a crawler that asks for everything once, so
that it matters what a cache keeps. The same seed gives the same log.
"""

from __future__ import annotations

import argparse
import random
import time
from pathlib import Path

KEYS = 300
START = 1_790_000_000
RATE = 20.0
"""Requests per second."""


def lines(n: int, seed: int = 1) -> list[str]:
    """`n` lines in nginx's form with request time and cache status."""
    rng = random.Random(seed)  # noqa: S311 - sample data
    at, crawled = float(START), 0
    seen: set[str] = set()
    made = []
    for _ in range(n):
        at += rng.expovariate(RATE)
        rank = min(int(rng.paretovariate(0.9)), KEYS)
        kind = rng.random()
        if kind < 0.6:
            path, took = f"/prices/{rank}", 0.040
        elif kind < 0.8:
            path, took = f"/reports/{rank}?year={2020 + rank % 5}", 0.250
        else:
            crawled += 1
            path, took = f"/pages/{crawled}", 0.010
        status = "HIT" if path in seen and rng.random() < 0.5 else "MISS"
        seen.add(path)
        took = 0.001 if status == "HIT" else took * rng.lognormvariate(0.0, 0.3)
        when = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(at))
        made.append(
            f'203.0.113.7 - - [{when}] "GET {path} HTTP/1.1" 200 {500 + rank} "-" "curl" '
            f"{took:.3f} {status}"
        )
    return made


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--n", type=int, default=6000, help="lines")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    given.file.write_text("\n".join(lines(given.n, given.seed)) + "\n")
    print(f"{given.n} lines written to {given.file}")  # noqa: T201


if __name__ == "__main__":
    main()
