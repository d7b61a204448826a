"""Judging forecasters on the newest part of what was recorded, which none of them has learned from.

Rolling origin (Tashman, 2000): each forecaster stands at one origin after the other, sees all that
came before, and is compared with what came after. MASE divides its error by the last value's on
the same origins (after Hyndman and Koehler, 2006), so that below 1 means better than naive.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec
import numpy as np

from engine.forecast.base import Array, Config, Forecaster, Series
from engine.forecast.words import forecaster_words
from engine.records import TOTAL

TEST_SHARE = 0.2
ORIGINS = 40

LEAST_ORIGINS = 5
"""Fewer outcomes than these judge nobody."""

NAIVE = ("last", "seasonal")


class Score(msgspec.Struct, frozen=True):
    """How a forecaster did on one endpoint; "*" is the mean over endpoints.

    Errors are absolute, in requests per interval and in ms; coverage is the share of outcomes of
    demand between low and high (0.8 is wanted).
    """

    forecaster: str
    cache_name: str
    origins: int
    demand_mae: float
    demand_mase: float
    load_time_mae_ms: float
    coverage: float


class Verdict(msgspec.Struct, frozen=True):
    """Who is to forecast from now on, and why, in a sentence."""

    chosen: str
    note: str


def split(series: Series) -> tuple[Series, int]:
    """The part to learn from, and how many intervals are held out."""
    held = _held(len(series))
    return series.until(len(series) - held), held


def can_judge(length: int, learned: int, horizon: int) -> bool:
    """Whether `length` intervals leave `learned` to learn from and enough to be judged on."""
    held = _held(length)
    return length - held >= learned and len(origins(length, held, horizon)) >= LEAST_ORIGINS


def least_intervals(config: Config) -> int:
    """The least number of recorded intervals by which a trained forecaster can be judged."""
    length = config.learned
    while not can_judge(length, config.learned, config.horizon):
        length += 1
    return length


def origins(length: int, held: int, horizon: int, count: int = ORIGINS) -> list[int]:
    """Lengths of history to stand at, spread evenly over the part held out."""
    first, last = length - held, length - horizon
    if last < first:
        return []
    return sorted({int(at) for at in np.linspace(first, last, min(count, last - first + 1))})


def backtest(
    series: Series,
    forecasters: Mapping[str, Forecaster],
    stands: Sequence[int],
    horizon: int,
    beat: Callable[[float], None] | None = None,
) -> list[Score]:
    """Score fitted forecasters at the given origins, per endpoint and over all ("*").

    The last value is always among the errors, whether or not it is among the forecasters.
    """
    errors: dict[str, Array] = {}
    others: dict[str, tuple[Array, Array]] = {}
    yardstick = np.stack([_last_value_errors(series, at, horizon) for at in stands])
    for number, (name, forecaster) in enumerate(forecasters.items()):
        demand, load, inside = [], [], []
        for done, at in enumerate(stands):
            forecast = forecaster.forecast(series.until(at), horizon)
            actual = series.demand[at : at + horizon]
            demand.append(np.abs(forecast.demand - actual))
            load.append(np.abs(forecast.load_time_ms - series.load_time_ms[at : at + horizon]))
            inside.append((forecast.demand_low <= actual) & (actual <= forecast.demand_high))
            if beat is not None:
                beat((number + done / len(stands)) / len(forecasters))
        errors[name] = np.stack(demand)
        others[name] = (np.stack(load), np.stack(inside).astype(np.float64))
    return [
        score
        for name in forecasters
        for score in _scores(name, series, errors[name], yardstick, *others[name])
    ]


def _held(length: int) -> int:
    return max(1, int(length * TEST_SHARE))


def judge(scores: Sequence[Score], wanted: str) -> Verdict:
    """The wanted forecaster if it is naive or beats the best naive one, else the best naive one."""
    mean = {score.forecaster: score.demand_mae for score in scores if score.cache_name == TOTAL}
    best = min((name for name in NAIVE if name in mean), key=lambda name: mean[name])
    whom, other = f"The {forecaster_words(wanted)}", f"the {forecaster_words(best)}"
    if wanted in NAIVE:
        return Verdict(wanted, f"{whom} is set by hand.")
    if wanted not in mean:
        return Verdict(best, f"{whom} has too few intervals to learn from: {other} is used.")
    share = mean[wanted] / mean[best] if mean[best] > 0 else 1.0
    compared = f"{whom} errs by {mean[wanted]:.2f} requests per interval, {other} by"
    if share < 1.0:
        return Verdict(wanted, f"{compared} {mean[best]:.2f}: {1 - share:.0%} less.")
    return Verdict(best, f"{compared} {mean[best]:.2f}: {other} is used.")


def _last_value_errors(series: Series, at: int, horizon: int) -> Array:
    errors: Array = np.abs(series.demand[at : at + horizon] - series.demand[at - 1])
    return errors


def _scores(
    name: str, series: Series, demand: Array, yardstick: Array, load: Array, inside: Array
) -> list[Score]:
    """`demand`, `yardstick`, `load`, `inside`: origins x horizon x endpoints."""
    found = []
    for column, endpoint in enumerate(series.endpoints):
        own, naive = float(demand[..., column].mean()), float(yardstick[..., column].mean())
        found.append(
            Score(
                name,
                endpoint,
                len(demand),
                own,
                _ratio(own, naive),
                float(load[..., column].mean()),
                float(inside[..., column].mean()),
            )
        )
    own, naive = float(demand.mean()), float(yardstick.mean())
    whole = Score(
        name,
        TOTAL,
        len(demand),
        own,
        _ratio(own, naive),
        float(load.mean()),
        float(inside.mean()),
    )
    return [whole, *found]


def _ratio(own: float, naive: float) -> float:
    return own / naive if naive > 0 else (1.0 if own == 0 else float(own + 1))
