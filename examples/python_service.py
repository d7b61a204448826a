"""A service that records its calls and obeys decisions: `python -m examples.python_service`.

Start an engine on the same settings first, with CACHESCOPE_SAMPLE=false.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Callable

from engine.own_cache import OwnCache

AREAS = ("DK1", "DK2", "NO2", "SE3", "DE")


def make_prices(cache: OwnCache, load_s: float = 0.02) -> Callable[[str, int], bytes]:
    """A function that answers with prices, at most once a key while the answer is held."""

    @cache.keep("/prices")
    def prices(area: str, day: int) -> bytes:
        time.sleep(load_s)  # the query that a hit saves
        return json.dumps({"area": area, "day": day, "eur": random.random()}).encode()  # noqa: S311

    return prices


def main() -> None:
    """Ask a while, the first areas most often; print what was saved."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=200, help="calls")
    given = parser.parse_args()
    with OwnCache(capacity_bytes=2_000) as cache:
        prices = make_prices(cache)
        for _ in range(given.n):
            area = AREAS[min(int(random.expovariate(1.0)), len(AREAS) - 1)]
            prices(area, random.randrange(3))  # noqa: S311
        print(f"{given.n} calls, hit ratio {cache.cache.hit_ratio:.2f}")  # noqa: T201


if __name__ == "__main__":
    main()
