"""What a change of the live agent did: `python -m mock.live_change [--seconds 300]`.

Reads the store: the newest change of a tunable of the agent, and the net saving of every policy in
as many seconds before and after it. All policies saw the same requests; the two windows did not,
so what counts is how far the agent is from plain LRU in each.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from typing import Any

from db.queries import system, traffic
from db.session import open_store
from engine.errors import EngineError
from engine.settings import load_settings
from engine.sources import active_source
from engine.tunables import Tuned

SHOWN = ("agent", "lru", "always", "heuristic")
TITLES = ("agent", "plain LRU", "always keep", "heuristic")


class ChangeError(EngineError):
    """Raised when there is no change to look at, or no figures around it."""


def newest_change(rows: Sequence[dict[str, Any]]) -> float:
    """When a tunable of the agent was last set, epoch seconds.

    Raises:
        ChangeError: none ever was.
    """
    found = [float(row["at"]) for row in rows if row["name"].startswith("agent.")]
    if not found:
        raise ChangeError(
            "No tunable of the agent was ever set here; set one, as by `engine study apply`."
        )
    return max(found)


def net_s(rows: Sequence[dict[str, Any]], stale_ms: float) -> float:
    """Load time saved less reloads ahead and stale hits, s."""
    lost = sum(float(r["refresh_ms"] + stale_ms * r["stale_hits"]) for r in rows)
    return (sum(float(r["saved_ms"]) for r in rows) - lost) / 1000


def line(title: str, nets: Sequence[float], requests: int) -> str:
    """One window of the table."""
    over = f"{(nets[0] / nets[1] - 1) * 100:+.1f} %" if nets[1] > 0 else "-"
    return f"{title:<10}{requests:>10,}" + "".join(f"{n:>14.2f}" for n in nets) + f"{over:>22}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print both windows; 2 where there is nothing to print."""
    parser = argparse.ArgumentParser(prog="python -m mock.live_change", description=__doc__)
    parser.add_argument("--seconds", type=int, default=300, help="of each window")
    parser.add_argument("--skip", type=int, default=30, help="seconds after the change left out")
    given = parser.parse_args(arguments)
    try:
        sys.stdout.write("\n".join(_lines(given.seconds, given.skip)) + "\n")
    except EngineError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def _lines(seconds: int, skip_s: int) -> list[str]:
    settings = load_settings()
    store = open_store(settings.database_url)
    try:
        source = active_source(settings, store)
        at = newest_change(system.tunable_rows(store))
        stale_ms = Tuned(system.tunables(store)).number("agent.stale_weight_ms")
        changed = time.strftime("%H:%M:%S", time.localtime(at))
        columns = "".join(f"{title:>14}" for title in TITLES)
        later = f"{seconds} s from {skip_s} s after it on"
        lines = [
            f"{source.name}, net saving in s: {seconds} s before {changed}, {later}",
            f"{'':<10}{'requests':>10}{columns}{'agent over plain LRU':>22}",
        ]
        for title, since in (("before", at - seconds), ("after", at + skip_s)):
            sums = [
                traffic.totals(store, source.id, since, since + seconds, policy, width=1)
                for policy in SHOWN
            ]
            if any(len(rows) < seconds * 0.9 for rows in sums):
                raise ChangeError(
                    f"Of the {seconds} s {title} {changed} there are not yet figures of every "
                    "policy; wait, or give fewer --seconds."
                )
            nets = [net_s(rows, stale_ms) for rows in sums]
            lines.append(line(title, nets, sum(row["requests"] for row in sums[1])))
    finally:
        store.dispose()
    return lines


if __name__ == "__main__":
    raise SystemExit(main())
