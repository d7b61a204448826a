"""Which forecaster speaks: the trained one where it has beaten the naive ones, else the best."""

from __future__ import annotations

import logging

from sqlalchemy import Engine

from db.queries import forecasts
from engine.errors import CheckpointError
from engine.forecast import FORECASTERS
from engine.forecast.backtest import NAIVE
from engine.forecast.base import Config, Forecaster, Series
from engine.forecast.tuning import checkpoint_path
from engine.forecast.words import forecaster_words
from engine.records import TOTAL
from engine.registry import resolve
from engine.settings import Settings

_log = logging.getLogger(__name__)

FALLBACK = "last"


class Chooser:
    """Holds the forecasters of one source, and changes between them as they are judged."""

    def __init__(self, settings: Settings, store: Engine, source: int) -> None:
        self._store = store
        self._source = source
        self._settings = settings
        self._members: dict[tuple[str, Config], Forecaster] = {}
        self._stamps: dict[str, int] = {}
        self.note = ""
        self.damage = ""
        """Why the trained forecaster that was judged best cannot be used; empty if it can."""

    def choose(self, wanted: str, config: Config, series: Series) -> Forecaster:
        """The forecaster for the next round; `note` says in a sentence why this one.

        Database errors pass through.
        """
        if wanted in NAIVE:
            return self._say(wanted, f"The {forecaster_words(wanted)} is set by hand.", config)
        verdict, note = self._verdict()
        if verdict is None:
            told = f"The {forecaster_words(wanted)} is not judged yet ({len(series)} intervals)"
            return self._say(FALLBACK, f"{told}: the {forecaster_words(FALLBACK)} is used.", config)
        if verdict != wanted:
            return self._say(verdict, note, config)
        try:
            trained = self._trained(wanted, config, note)
        except CheckpointError as error:
            self.damage = str(error)
            return self._say(self._best_naive(), self.damage, config)
        self.damage = ""
        return trained

    def _trained(self, name: str, config: Config, note: str) -> Forecaster:
        path = checkpoint_path(self._settings, self._source, name)
        stamp = path.stat().st_mtime_ns if path.exists() else 0
        if stamp != self._stamps.get(name):
            self._members.pop((name, config), None)
        member = self._members.get((name, config))
        if member is None:
            member = resolve(FORECASTERS, name, "forecaster")(config)
            member.restore(path)
            self._members[name, config] = member
            self._stamps[name] = stamp
        self._note(note)
        return member

    def _say(self, name: str, note: str, config: Config) -> Forecaster:
        self._note(note)
        member = self._members.get((name, config))
        if member is None:
            member = resolve(FORECASTERS, name, "forecaster")(config)
            self._members[name, config] = member
        return member

    def _note(self, note: str) -> None:
        if note.partition("(")[0] != self.note.partition("(")[0]:
            _log.info("%s", note)
        self.note = note

    def _scores(self) -> list[dict[str, object]]:
        rows = forecasts.scores(self._store, self._source, cache_name=TOTAL, limit=100)
        newest = rows[-1]["at"] if rows else None
        return [row for row in rows if row["at"] == newest]

    def _verdict(self) -> tuple[str | None, str]:
        chosen = [row for row in self._scores() if row["chosen"]]
        return (str(chosen[0]["forecaster"]), str(chosen[0]["note"])) if chosen else (None, "")

    def _best_naive(self) -> str:
        naive = [row for row in self._scores() if row["forecaster"] in NAIVE]
        best = min(naive, key=lambda row: float(str(row["demand_mae"])), default=None)
        return FALLBACK if best is None else str(best["forecaster"])
