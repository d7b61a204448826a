"""From predictions to decision rows. Pure: what the store says comes in, rows go out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from engine.agent.base import Agent, Observation, Traffic
from engine.records import OTHER, TOTAL, Action, Decision, Prediction
from engine.tunables import Tuned

HELD_WINDOW_S = 30
"""Seconds over which the share held is taken."""


KEYS_WINDOW_S = 600
"""Seconds over which an endpoint's distinct keys are counted."""


class Stance(msgspec.Struct, frozen=True):
    """Whether decisions are published now, and why not."""

    published: bool
    why: str = ""


def usable_from(prediction: Prediction, now: float) -> float | None:
    """Whole second from which a decision on it can hold; None when it came too late.

    A prediction that arrives within its interval still counts while half of it is left.
    """
    begin = max(prediction.valid_from, float(math.ceil(now)))
    left = prediction.valid_until - begin
    if prediction.valid_from < now:
        return begin if left >= (prediction.valid_until - prediction.valid_from) / 2 else None
    return prediction.valid_from


def observe(
    prediction: Prediction,
    held: Mapping[str, float],
    lately: Mapping[str, Traffic] = MappingProxyType({}),
) -> Observation:
    """What the agent is told about one endpoint, from `held_shares` and `traffic_of`."""
    first, last = prediction.demand[0], prediction.demand[-1]
    return Observation(
        demand=first / prediction.interval_s,
        trend=(last + 0.5) / (first + 0.5) - 1.0,
        load_time_ms=prediction.load_time_ms[0],
        held_share=held.get(prediction.cache_name, held.get(OTHER, 0.0)),
        cache_name=prediction.cache_name,
        traffic=lately.get(prediction.cache_name),
    )


def traffic_of(
    rows: list[dict[str, Any]], keys: Mapping[str, int], seconds: float
) -> dict[str, Traffic]:
    """Endpoint -> what its requests of a window were like; those without requests are left out."""
    asked = [row for row in rows if row["requests"] > 0 and row["cache_name"] != TOTAL]
    whole = sum(row["requests"] for row in asked) / seconds
    return {
        row["cache_name"]: Traffic(
            keys=float(max(keys.get(row["cache_name"], 0), 1)),
            seconds=float(KEYS_WINDOW_S),
            size_bytes=row["bytes_requested"] / row["requests"],
            all_demand=whole,
        )
        for row in asked
    }


def held_shares(rows: list[dict[str, Any]], seconds: float) -> dict[str, float]:
    """Endpoint -> mean bytes held / bytes requested over a window, at most 1."""
    return {
        row["cache_name"]: min(1.0, row["byte_seconds"] / seconds / row["bytes_requested"])
        for row in rows
        if row["bytes_requested"] > 0 and row["cache_name"] != TOTAL
    }


def ttl_of(action: Action, tuned: Tuned) -> float:
    """The time to live in seconds that an action means."""
    if action is Action.DROP:
        return 0.0
    return tuned.number("agent.ttl_long_s" if action is Action.KEEP_LONG else "agent.ttl_short_s")


def decide(
    agent: Agent,
    prediction: Prediction,
    observation: Observation,
    tuned: Tuned,
    stance: Stance,
    now: float,
    valid_from: float,
) -> dict[str, Any]:
    """The row of `decisions` for one prediction."""
    exploration = agent.exploration
    choice = agent.decide(observation)
    reason = f"{choice.reason}; {stance.why}" if stance.why else choice.reason
    decision = Decision(
        prediction_id=prediction.id,
        at=now,
        source=prediction.source,
        cache_name=prediction.cache_name,
        action=choice.action,
        ttl_seconds=ttl_of(choice.action, tuned),
        refresh_ahead=choice.action is Action.KEEP_REFRESH,
        valid_from=valid_from,
        valid_until=prediction.valid_until,
        state=choice.state,
        q_values=choice.q_values,
        explored=choice.explored,
        reason=reason[:400],
    )
    row: dict[str, Any] = msgspec.to_builtins(decision)
    return row | {
        "q_values": list(choice.q_values),
        "agent": agent.name,
        "published": stance.published,
        "exploration": exploration,
    }
