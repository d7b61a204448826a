"""From decisions whose time is over to rewards, each computed once. Pure.

A decision is ripe when rows up to its end and `SETTLE_S` more are collected, and the endpoint's
next decision is known, so that reward and lesson are one step: after a crash nothing is judged
twice and nothing is left out. Where no next decision comes for `LONGEST_GAP` intervals, the
lesson ends without one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from engine.agent.base import Transition
from engine.agent.rewards import Interval, Reward, add_up, reward
from engine.records import OTHER, TOTAL, Action

SETTLE_S = 2.0
LONGEST_GAP = 12
LOST_SHARE = 0.2
"""Share of an interval's seconds that may lack their proof of life without voiding a reward."""

Row = Mapping[str, Any]


class Seen(msgspec.Struct, frozen=True):
    """The rollups of width 1 that judge a batch: `(policy, cache_name, second)` -> row."""

    rows: Mapping[tuple[str, str, int], Row]
    watermark: float
    settled: float
    """Seconds before this are final, and replayed by the shadows."""


def is_ripe(decision: Row, next_from: float | None, seen: Seen) -> bool:
    """Whether everything that its reward and its lesson need is there."""
    end = decision["valid_until"]
    if seen.watermark < end + SETTLE_S or (not decision["published"] and seen.settled < end):
        return False
    length = end - decision["valid_from"]
    return next_from is not None or seen.watermark >= end + LONGEST_GAP * length


def interval_of(decision: Row, decided: Sequence[str], seen: Seen, proof: bool) -> Interval | str:
    """The figures a decision is judged by, or a sentence why there are none.

    Args:
        decision: its row.
        decided: endpoints with a decision of their own in the same interval.
        seen: the rollups.
        proof: whether the source proves each second that its recorder lived ("*" rows).
    """
    seconds = range(int(decision["valid_from"]), int(decision["valid_until"]))
    totals = [seen.rows.get(("recorded", TOTAL, at)) for at in seconds]
    absent = sum(total is None for total in totals)
    if proof and absent > LOST_SHARE * len(seconds):
        return (
            f"No reward: the recorder left no row for {absent} of {len(seconds)} seconds of the "
            "interval."
        )
    missing = sum(total["missing"] for total in totals if total is not None)
    if missing:
        return f"No reward: {missing} rows of the interval were lost before they reached us."
    policy = "recorded" if decision["published"] else "agent"
    replayed = any(("agent", TOTAL, at) in seen.rows for at in seconds)
    asked = any(total is not None and total["requests"] for total in totals)
    if policy == "agent" and asked and not replayed:
        return "No reward: the shadow of this agent was not replayed in the interval."
    return _sums(decision["cache_name"], policy, seconds, decided, seen)


def _sums(name: str, policy: str, seconds: range, decided: Sequence[str], seen: Seen) -> Interval:
    def of(one: str) -> Interval:
        found = (seen.rows.get((policy, one, at)) for at in seconds)
        return add_up(row for row in found if row is not None)

    if name != OTHER:
        return of(name)
    whole, own = of(TOTAL), [of(one) for one in decided if one not in {OTHER, TOTAL}]
    return Interval(
        **{
            field: getattr(whole, field) - sum(getattr(one, field) for one in own)
            for field in Interval.__struct_fields__
        }
    )


def judge(
    decision: Row, interval: Interval | str, stale_weight_ms: float, price: float, now: float
) -> tuple[dict[str, Any], Reward | None]:
    """The row of `rewards`, and the reward unless there is none."""
    row: dict[str, Any] = {
        "prediction_id": decision["prediction_id"],
        "at": now,
        "source": decision["source"],
        "cache_name": decision["cache_name"],
        "action": decision["action"],
        "valid_from": decision["valid_from"],
        "reward_ms": None,
        "reward_scaled": None,
        "saved_ms": None,
        "refresh_ms": None,
        "stale_cost_ms": None,
        "byte_cost_ms": None,
        "requests": None,
        "hits": None,
        "reason": None,
    }
    if isinstance(interval, str):
        return row | {"reason": interval[:400]}, None
    earned = reward(interval, stale_weight_ms, price)
    return row | {
        "reward_ms": earned.reward_ms,
        "reward_scaled": earned.scaled,
        "saved_ms": earned.saved_ms,
        "refresh_ms": earned.refresh_ms,
        "stale_cost_ms": earned.stale_cost_ms,
        "byte_cost_ms": earned.byte_cost_ms,
        "requests": interval.requests,
        "hits": interval.hits,
        "reason": None if interval.requests else "No requests: the costs alone.",
    }, earned


def lesson(decision: Row, following: Row | None, earned: Reward) -> Transition:
    """What the agent learns from; skipped intervals count into the discount."""
    length = max(decision["valid_until"] - decision["valid_from"], 1.0)
    gap = 1 if following is None else (following["valid_from"] - decision["valid_from"]) / length
    return Transition(
        state=decision["state"],
        action=Action(decision["action"]),
        reward=earned.scaled,
        next_state=None if following is None else following["state"],
        intervals=max(1, round(gap)),
        cache_name=decision["cache_name"],
    )
