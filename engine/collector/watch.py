"""Samples of the queue and events of the supervisor, copied into the store."""

from __future__ import annotations

import logging
import time

import msgspec
from sqlalchemy import Engine, func, select

from db import writes
from db.session import reading
from db.tables import events, queue_samples
from engine import control
from engine.broker.base import Broker
from engine.errors import BrokerError, ControlError
from engine.settings import Settings

_log = logging.getLogger(__name__)

QUEUE = "predictions"
_PAUSE_S = 2.0


class QueueWatch:
    """Copies each finished second of the queue once; a queue that is away is tried again."""

    def __init__(self, settings: Settings, store: Engine) -> None:
        self._settings = settings
        self._store = store
        self._broker: Broker | None = None
        self._after: int | None = None
        self._next_try = 0.0

    def copy(self) -> None:
        """Store the seconds that finished since the last call."""
        now = time.monotonic()
        if now < self._next_try:
            return
        if self._after is None:
            with reading(self._store) as connection:
                newest = select(func.max(queue_samples.c.at)).where(queue_samples.c.queue == QUEUE)
                self._after = int(connection.execute(newest).scalar() or 0)
        try:
            samples = self._connected().samples(self._after)
        except BrokerError as error:
            _log.debug("No samples of the queue: %s", error)
            self._next_try = now + _PAUSE_S
            return
        if samples:
            rows = [{"queue": QUEUE, **msgspec.structs.asdict(sample)} for sample in samples]
            writes.insert(self._store, queue_samples, rows)
            self._after = max(sample.at for sample in samples)

    def close(self) -> None:
        """Give the connection back."""
        if self._broker is not None:
            self._broker.close()

    def _connected(self) -> Broker:
        if self._broker is None:
            from engine.broker.client import connect

            self._broker = connect(self._settings, name=QUEUE, client="collector")
        return self._broker


class EventWatch:
    """Copies the supervisor's events; without a supervisor there is nothing to copy."""

    def __init__(self, settings: Settings, store: Engine) -> None:
        self._settings = settings
        self._store = store
        self._after = 0
        self._writer = ""
        self._next_try = 0.0

    def copy(self) -> None:
        """Store what happened since the last call."""
        now = time.monotonic()
        if now < self._next_try:
            return
        try:
            reply = control.call(self._settings, "events", timeout_s=1.0, after=self._after)
        except ControlError as error:
            _log.debug("No events: %s", error)
            self._next_try = now + _PAUSE_S
            return
        writer = str(reply["writer"])
        if writer != self._writer:  # another life of the engine numbers from 1 again
            is_first, self._writer = not self._writer, writer
            if not is_first:
                self._after = 0
                return
        rows = [{"writer": writer, **event} for event in reply["events"]]
        if rows:
            writes.insert(self._store, events, rows)
            self._after = max(int(row["sequence"]) for row in rows)
