"""What an evaluation finds, and says in words."""

from __future__ import annotations

import msgspec

from engine.training.intervals import Interval

LEARNED, CLASSIC, OPTIMUM, REFERENCE = "learned", "classic", "optimum", "reference"
METRICS = {
    "hits": "hit_ratio",
    "bytes": "byte_hit_ratio",
    "cost": "load_time_saved",
    "weighted": "value_ratio",
}
"""Objective -> the figure that policies are ranked by."""


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """One policy at one size on the test part; ratios from 0 to 1.

    Args:
        policy: row of POLICIES, or "learned".
        title: as people write it.
        kind: learned, classic, optimum, or reference (a limit, or an offline policy that is no
            bound where sizes or costs differ).
        capacity: results or bytes.
        hit_ratio: hits over requests; of learned ones the mean over seeds.
        byte_hit_ratio: bytes of hits over bytes.
        load_time_saved: cost of hits over cost of all requests.
        value_ratio: the same for what the policy was trained to value.
        seeds: of learned ones, the ranking figure of each seed.
        seed_low: end of the 95 % interval of the ranking figure over seeds; NaN for one seed.
        seed_high: the other end.
        time_low: end of the 95 % interval over time (block bootstrap).
        time_high: the other end.
        us_per_request: microseconds of the compiled replay, features included.
        us_per_decision: over the misses, each of which asks for a decision in a full cache.
    """

    policy: str
    title: str
    kind: str
    capacity: int
    hit_ratio: float
    byte_hit_ratio: float
    load_time_saved: float
    value_ratio: float
    seeds: tuple[float, ...] = ()
    seed_low: float = float("nan")
    seed_high: float = float("nan")
    time_low: float
    time_high: float
    us_per_request: float
    us_per_decision: float


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What the learned policy is worth at one size, in the ranking figure.

    Args:
        capacity: results or bytes.
        best_classic: title of the classic that was best in hindsight.
        lead: learned less best classic.
        lead_low: end of its 95 % interval over time, request by request against that classic.
        lead_high: the other end.
        gap_closed: lead over what the optimum is ahead of that classic; None without such a gap.
        sentence: all that in words.
    """

    capacity: int
    best_classic: str
    lead: float
    lead_low: float
    lead_high: float
    gap_closed: float | None
    sentence: str


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """All scores and verdicts of one policy on one trace."""

    trace: str
    digest: str
    costs: str
    cost_model: str
    requests: int
    judged: int
    metric: str
    by_bytes: bool
    scores: tuple[Score, ...]
    verdicts: tuple[Verdict, ...]


def sentence_of(capacity: int, best: str, lead: Interval, gap: float | None) -> str:
    """A verdict in words; says plainly when a classic wins.

    Args:
        capacity: of the cache.
        best: title of the best classic.
        lead: of the learned policy over it, with its interval over time.
        gap: the share of the gap to the optimum that this is.
    """
    points = f"{abs(lead.mean) * 100:.2f} points"
    spread = f"95 % interval over time {lead.low * 100:+.2f} to {lead.high * 100:+.2f}"
    closed = "" if gap is None else f", {gap:+.0%} of the gap to the optimum"
    if lead.low > 0:
        return f"At {capacity:,} the learned policy is {points} ahead of {best} ({spread}){closed}."
    if lead.high < 0:
        return (
            f"At {capacity:,} a classic wins: {best} is {points} ahead of the learned policy "
            f"({spread}); use {best}."
        )
    if lead.low == lead.high == 0:
        return f"At {capacity:,} the learned policy does just what {best} does; use {best}."
    side = "ahead of" if lead.mean >= 0 else "behind"
    return (
        f"At {capacity:,} nothing tells the learned policy from {best}: {points} {side} it "
        f"({spread}); {best} is the simpler choice."
    )
