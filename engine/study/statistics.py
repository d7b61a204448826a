"""Holding configurations against each other on few seeds.

After Agarwal et al. (2021), Deep Reinforcement Learning at the Edge of the Statistical Precipice,
NeurIPS 34: interquartile means with bootstrap intervals, and the probability of improvement. Runs
with the same seed share their chance, so differences are taken within each seed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000
MORE_SEEDS = 5
"""What is offered where too few seeds tell nothing."""

ENOUGH_SEEDS = 20

Values = NDArray[np.float64]


class Interval(NamedTuple):
    """A figure with its 95 % interval; without ends (NaN) where nothing tells how far it is off."""

    value: float
    low: float
    high: float


class Comparison(NamedTuple):
    """One configuration held against another.

    Args:
        lead: interquartile mean of the first less that of the second, with its interval.
        improvement: probability that a run of the first beats one of the second, with its own.
        runs: pairs of runs that it rests on.
        distinguishable: whether the lead's interval leaves out 0.
    """

    lead: Interval
    improvement: Interval
    runs: int
    distinguishable: bool


def interquartile_mean(values: Values) -> Values:
    """Mean of the middle half along the last axis; of all values where there are fewer than 4.

    Args:
        values: float64[..., n].
    """
    n = values.shape[-1]
    cut = n // 4
    kept: Values = np.sort(values, axis=-1)[..., cut : n - cut]
    result: Values = np.asarray(kept.mean(axis=-1))
    return result


def summary(values: Sequence[float]) -> Interval:
    """Interquartile mean over runs and its bootstrap interval."""
    runs = np.asarray(values, dtype=np.float64)
    middle = float(interquartile_mean(runs))
    if len(runs) < 2:
        return Interval(middle, float("nan"), float("nan"))
    drawn = interquartile_mean(runs[_draws(len(runs))])
    low, high = np.percentile(drawn, (2.5, 97.5))
    return Interval(middle, float(low), float(high))


def stratified(scores: Sequence[Sequence[float]]) -> Interval:
    """Interquartile mean over several strata (configurations, traces), drawn anew within each.

    Args:
        scores: per stratum the runs; strata may have different numbers of them.
    """
    strata = [np.asarray(one, dtype=np.float64) for one in scores if len(one)]
    middle = float(interquartile_mean(np.concatenate(strata)))
    if all(len(one) < 2 for one in strata):
        return Interval(middle, float("nan"), float("nan"))
    drawn = [one[_draws(len(one), place)] for place, one in enumerate(strata)]
    low, high = np.percentile(interquartile_mean(np.concatenate(drawn, axis=1)), (2.5, 97.5))
    return Interval(middle, float(low), float(high))


def compare(first: Mapping[int, float], second: Mapping[int, float]) -> Comparison | None:
    """Hold a configuration against another on the seeds that both have; None without any.

    Args:
        first: seed -> objective.
        second: likewise.
    """
    return compare_strata([(first, second)])


def compare_strata(
    pairs: Sequence[tuple[Mapping[int, float], Mapping[int, float]]],
) -> Comparison | None:
    """Hold two things against each other over several strata, each on the seeds that both have.

    Runs are drawn anew within each stratum, the same seeds of both; the probability of improvement
    is the mean over strata, so that only runs under equal conditions meet.

    Args:
        pairs: per stratum seed -> objective of the first, and of the second.
    """
    strata: list[tuple[Values, Values]] = []
    for first, second in pairs:
        seeds = sorted(first.keys() & second.keys())
        if seeds:
            strata.append((_column(first, seeds), _column(second, seeds)))
    if not strata:
        return None
    runs = sum(len(a) for a, _ in strata)
    lead = float(_middle(strata, 0) - _middle(strata, 1))
    share = float(np.mean([_improvement(a[None], b[None])[0] for a, b in strata]))
    if all(len(a) < 2 for a, _ in strata):
        nothing = float("nan")
        return Comparison(
            Interval(lead, nothing, nothing), Interval(share, nothing, nothing), runs, False
        )
    drawn = []
    for place, (a, b) in enumerate(strata):
        draws = _draws(len(a), place)  # the same for both: seeds are pairs
        drawn.append((a[draws], b[draws]))
    leads = _middle(drawn, 0) - _middle(drawn, 1)
    low, high = (float(end) for end in np.percentile(leads, (2.5, 97.5)))
    improved = np.mean([_improvement(a, b) for a, b in drawn], axis=0)
    shares = np.percentile(improved, (2.5, 97.5))
    return Comparison(
        Interval(lead, low, high),
        Interval(share, float(shares[0]), float(shares[1])),
        runs,
        # Below four pairs even a perfect lead is chance once in eight times.
        runs >= 4 and (low > 0 or high < 0),
    )


def improvement(first: Mapping[int, float], second: Mapping[int, float]) -> float | None:
    """Probability that a run of the first beats one of the second; None without common seeds."""
    seeds = sorted(first.keys() & second.keys())
    if not seeds:
        return None
    return float(_improvement(_column(first, seeds)[None], _column(second, seeds)[None])[0])


def _column(runs: Mapping[int, float], seeds: Sequence[int]) -> Values:
    return np.array([runs[seed] for seed in seeds], dtype=np.float64)


def _middle(strata: Sequence[tuple[Values, Values]], side: int) -> Values:
    """Interquartile mean over the strata of one side."""
    return interquartile_mean(np.concatenate([pair[side] for pair in strata], axis=-1))


def sentence(first: str, second: str, found: Comparison | None) -> str:
    """What a comparison says, and what to do where it says nothing."""
    if found is None:
        return f"{first} and {second} have no seed in common; add seeds to compare them."
    if found.distinguishable:
        better, worse = (first, second) if found.lead.value > 0 else (second, first)
        share = found.improvement.value if found.lead.value > 0 else 1 - found.improvement.value
        return (
            f"{better} is better than {worse} (n = {found.runs}; a run of it wins in {share:.0%})."
        )
    told = f"{first} and {second} are not distinguishable with n = {found.runs}"
    if is_undecided(found):
        return f"{told}; add {MORE_SEEDS} seeds."
    return f"{told}; either will do."


def is_undecided(found: Comparison | None) -> bool:
    """Whether more seeds could tell the two apart."""
    return found is None or not (found.distinguishable or found.runs >= ENOUGH_SEEDS)


def signed_rank(differences: Sequence[float]) -> float:
    """Chance of differences at least as low if they were as likely above 0 as below.

    The exact one-sided test of Wilcoxon (1945), Individual Comparisons by Ranking Methods,
    Biometrics Bulletin 1; zeros are left out, ties get their mean rank.
    """
    values = np.asarray([d for d in differences if d != 0.0], dtype=np.float64)
    if not len(values):
        return 1.0
    order = np.abs(values)
    ranks = np.array([((order < v).sum() + (order <= v).sum() + 1) / 2.0 for v in order])
    doubled = np.rint(2 * ranks).astype(np.int64)
    ways = np.zeros(int(doubled.sum()) + 1, dtype=np.float64)
    ways[0] = 1.0
    for rank in doubled:
        ways[rank:] += ways[:-rank].copy()
    reached = int(doubled[values > 0].sum())
    return float(ways[: reached + 1].sum() / ways.sum())


def _draws(n: int, stream: int = 0) -> NDArray[np.int64]:
    """Indices of RESAMPLES resamples; the same every time, so that a page shows one figure."""
    return np.random.default_rng((n, stream)).integers(n, size=(RESAMPLES, n))


def _improvement(a: Values, b: Values) -> Values:
    """Share of all pairs of runs in which `a` is better, ties half; both float64[k, n]."""
    above = (a[:, :, None] > b[:, None, :]).mean(axis=(1, 2))
    same = (a[:, :, None] == b[:, None, :]).mean(axis=(1, 2))
    result: Values = above + 0.5 * same
    return result
