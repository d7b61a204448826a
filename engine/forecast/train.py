"""Training in a process of its own: the job `retrain`, or `python -m engine.forecast.train`."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec
from sqlalchemy import Engine

from db import writes
from db.queries import sources, system
from db.session import open_store
from db.tables import forecast_scores
from engine.errors import EngineError, SourceError
from engine.forecast import FORECASTERS
from engine.forecast.backtest import (
    NAIVE,
    Score,
    Verdict,
    backtest,
    can_judge,
    judge,
    least_intervals,
    origins,
    split,
)
from engine.forecast.base import Config, Forecaster, Series
from engine.forecast.series import SeriesBook
from engine.forecast.tuning import checkpoint_path, config_of
from engine.logs import configure
from engine.registry import resolve
from engine.settings import Settings, load_settings
from engine.sources import Source, active_source
from engine.tunables import Tuned

NICENESS = 15
"""Training waits for everything that serves."""


class Job(Protocol):
    """What training needs of a job's handle."""

    @property
    def cancelled(self) -> bool:
        """Whether to end now."""

    def progress(self, fraction: float, message: str = "") -> None:
        """Say how much is done (0 to 1)."""


class Cancelled(Exception):  # noqa: N818 - not an error
    """Ends training when a person, or the engine, wants it to end."""


def retrain_job(params: Mapping[str, Any], job: Job) -> dict[str, Any]:
    """Train on what was recorded, judge, keep checkpoint and scores; returns the verdict."""
    _ = params
    settings = load_settings()
    store = open_store(settings.database_url)
    os.nice(NICENESS)

    def beat(fraction: float, message: str) -> None:
        if job.cancelled:
            raise Cancelled
        job.progress(fraction, message)

    try:
        return train(settings, store, active_source(settings, store), beat)
    except Cancelled:
        return {"cancelled": True}
    finally:
        store.dispose()


def train(
    settings: Settings, store: Engine, source: Source, beat: Callable[[float, str], None]
) -> dict[str, Any]:
    """Fit every forecaster on the older part of the series and judge all on the newest part.

    The checkpoint holds exactly what was judged. Too short a series is no error: the verdict is
    then the last value, and why.
    """
    tuned = Tuned(system.tunables(store))
    config = config_of(tuned)
    beat(0.0, "reading the series")
    series = read_series(store, source, config)
    known, held = split(series)
    stands = origins(len(series), held, config.horizon)
    fitted: dict[str, Forecaster] = {}
    for name in FORECASTERS:
        member: Forecaster = resolve(FORECASTERS, name, "forecaster")(config)
        if series.endpoints and can_judge(len(series), member.least, config.horizon):
            member.fit(known, lambda share, name=name: beat(0.8 * share, f"training {name}"))  # type: ignore[misc]
            fitted[name] = member
    wanted = tuned.text("forecast.forecaster")
    if not fitted:
        least = least_intervals(config)
        note = f"{len(series)} of {least} intervals are recorded, too few to judge anyone."
        return {"chosen": "last", "note": note, "intervals": len(series)}
    scores = backtest(
        series, fitted, stands, config.horizon, lambda share: beat(0.8 + 0.2 * share, "judging")
    )
    verdict = judge(scores, wanted)
    for name, member in fitted.items():
        if name not in NAIVE:
            member.save(checkpoint_path(settings, source.id, name))
    keep_scores(store, source.id, scores, verdict)
    return {"chosen": verdict.chosen, "note": verdict.note, "intervals": len(series)}


def read_series(store: Engine, source: Source, config: Config) -> Series:
    """Everything recorded that the forecasters may see.

    Raises:
        SourceError: the source is not collected yet.
    """
    watermark = sources.watermark(store, source.id)
    if watermark is None:
        raise SourceError("Nothing has been collected yet; start the engine and its collector.")
    book = SeriesBook(store, source.id, int(config.interval_s), cut_silence=source.kind == "sample")
    book.refresh(watermark)
    return book.series(watermark)


def keep_scores(
    store: Engine, source: int, scores: Sequence[Score], verdict: Verdict, at: float | None = None
) -> None:
    """Store one judgement."""
    moment = time.time() if at is None else at
    rows = [
        {
            **msgspec.structs.asdict(score),
            "at": moment,
            "source": source,
            "chosen": score.forecaster == verdict.chosen,
            "note": verdict.note[:400],
        }
        for score in scores
    ]
    writes.insert(store, forecast_scores, rows)


def main(arguments: list[str] | None = None) -> int:
    """Train once in the foreground and print the verdict; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m engine.forecast.train", description=__doc__)
    parser.parse_args(arguments)
    try:
        settings = load_settings()
        configure(settings.log_level)
        store = open_store(settings.database_url)
        source = active_source(settings, store)
        verdict = train(settings, store, source, lambda _share, _message: None)
    except EngineError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"{verdict['chosen']}: {verdict['note']}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
