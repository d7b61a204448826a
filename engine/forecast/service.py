"""The forecaster: `python -m engine.forecast.service`."""

from __future__ import annotations

import logging
import math
import sys
import time

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from db import writes
from db.faults import StoreUnavailable, explain
from db.migrations import migrate
from db.queries import sources, system
from db.session import open_store
from db.tables import events
from db.tables import predictions as predictions_table
from engine.broker.base import Broker
from engine.broker.client import connect
from engine.clock import SystemClock
from engine.errors import BrokerError, EngineError
from engine.forecast.base import Config
from engine.forecast.chooser import Chooser
from engine.forecast.retrain import Retraining
from engine.forecast.round import message, predict, row
from engine.forecast.series import SeriesBook
from engine.forecast.tuning import config_of
from engine.leases import Lease
from engine.lifeline import Lifeline
from engine.logs import configure
from engine.records import Prediction
from engine.settings import Settings, load_settings
from engine.sources import active_source
from engine.tunables import Tuned

_log = logging.getLogger(__name__)

DELAY_S = 1.2
"""A round is made this long after an interval's end, so that its rows have been collected."""

TURN_S = 0.25

PATIENCE_S = 30.0
"""How long after its start a collector may have collected nothing: both start at once."""


class Forecasting:
    """Makes one round each interval; counts what it sent and what was overwritten."""

    def __init__(self, settings: Settings, store: Engine) -> None:
        self._settings = settings
        self._store = store
        self.source = active_source(settings, store)
        self._chooser = Chooser(settings, store, self.source.id)
        self._retraining = Retraining(settings, store)
        self._broker: Broker | None = None
        self._book: SeriesBook | None = None
        self._done = 0.0
        self._begun = time.monotonic()
        self._tuned, self._second = Tuned(), -1
        self._writer, self._told = f"forecaster-{time.time_ns():x}", [""]
        self.sent = self.overwritten = 0
        self.trouble = ""

    def work(self, now: float) -> bool:
        """Make the round of the running interval if it is due; True when one was made.

        Raises:
            SQLAlchemyError: the store is away; the round is tried again.
        """
        if int(now) != self._second:
            self._tuned, self._second = Tuned(system.tunables(self._store)), int(now)
        tuned = self._tuned
        config = config_of(tuned)
        interval = config.interval_s
        begun = math.floor(now / interval) * interval
        if begun <= self._done or now - begun < min(DELAY_S, interval / 3):
            return False
        self._round(tuned, config, now)
        self._done = begun
        return True

    def close(self) -> None:
        """Give the queue's connection back."""
        if self._broker is not None:
            self._broker.close()

    def _round(self, tuned: Tuned, config: Config, now: float) -> None:
        watermark = sources.watermark(self._store, self.source.id)
        if watermark is None:
            if time.monotonic() - self._begun > PATIENCE_S:
                self.trouble = "Nothing has been collected yet; is the collector running?"
            return
        book = self._book_of(int(config.interval_s))
        book.refresh(watermark)
        series = book.series(watermark)
        self._retraining.consider(tuned, len(series), now)
        if not len(series):
            self.trouble = ""
            return
        chosen = self._chooser.choose(tuned.text("forecast.forecaster"), config, series)
        self._tell(now)
        horizon = tuned.whole("forecast.horizon")
        made = predict(chosen, series, self.source.id, horizon, now)
        if not made:
            self.trouble = f"The collector is {now - series.end:.0f} s behind; no round was made."
            return
        writes.insert(self._store, predictions_table, [row(prediction) for prediction in made])
        self.trouble = self._send(made)

    def _tell(self, now: float) -> None:
        """Put it among the events, once, when the judged forecaster cannot be used."""
        damage = self._chooser.damage
        if damage and damage != self._told[-1]:
            event = {
                "at": now,
                "writer": self._writer,
                "sequence": len(self._told),
                "service": "forecaster",
                "level": "warning",
                "kind": "checkpoint",
                "message": damage[:400],
            }
            writes.insert(self._store, events, [event])
            self._told.append(damage)

    def _send(self, made: list[Prediction]) -> str:
        """Put one round as one burst; returns what went wrong, in a sentence."""
        if self._broker is None:
            self._broker = connect(self._settings, client="forecaster")
        clock = SystemClock()
        try:
            reply = self._broker.put_many([message(prediction, clock) for prediction in made])
        except BrokerError as error:
            _log.warning("A round of %d predictions was not queued: %s", len(made), error)
            return str(error)
        self.sent += reply.accepted
        if reply.overwritten:
            self.overwritten += len(reply.overwritten)
            _log.warning(
                "The queue overwrote %d predictions that nobody had taken (%d since the start).",
                len(reply.overwritten),
                self.overwritten,
            )
        return ""

    def _book_of(self, interval_s: int) -> SeriesBook:
        if self._book is None or self._book.interval_s != interval_s:
            cut = self.source.kind == "sample"
            self._book = SeriesBook(self._store, self.source.id, interval_s, cut_silence=cut)
        return self._book


def run(settings: Settings, lifeline: Lifeline) -> None:
    """Serve until asked to stop; an outage of the store or the queue degrades, never ends it."""
    store = open_store(settings.database_url)
    lease = Lease(store, "forecaster")
    work: Forecasting | None = None
    is_ready = False
    while not lifeline.stopping.is_set():
        try:
            if not lease.hold():
                if work is not None:
                    work.close()
                work = None
                lifeline.standby(lease.holder)
            else:
                if work is None:
                    migrate(store)
                    work = Forecasting(settings, store)
                work.work(time.time())
                if work.trouble:
                    lifeline.degraded(work.trouble)
                else:
                    lifeline.recovered()
        except (SQLAlchemyError, StoreUnavailable) as error:
            why = explain(error, store.url)
            _log.warning("%s", why)
            lifeline.degraded(why)
            lifeline.wait(1.0)
        if not is_ready:
            lifeline.ready()
            is_ready = True
        lifeline.beat(work.sent if work else 0)
        lifeline.wait(TURN_S)
    if work is not None:
        work.close()
    try:
        lease.release()
    except SQLAlchemyError as error:
        _log.info("The lease runs out by itself: %s", explain(error, store.url))


def main() -> int:
    """Run the service; returns the exit code."""
    try:
        settings = load_settings()
        configure(settings.log_level)
        run(settings, Lifeline())
    except EngineError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
