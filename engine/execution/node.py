"""The side of a cluster's node: it does one order after the other and tells when it is asked.

It knows no store and no data folder: everything comes with the order, everything goes back.
"""

from __future__ import annotations

import tempfile
import threading
import traceback
from functools import partial
from pathlib import Path

import msgspec

from engine.errors import EngineError
from engine.execution import WORK, messages
from engine.execution.base import Order, Outcome
from engine.execution.messages import End, News, Task
from engine.execution.parcels import Parcel, packed, received, sent, unpack
from engine.registry import resolve
from engine.traces import trace as traces
from engine.training import policy as policies
from engine.training.curves import Listener, Point


class Noted(Listener):
    """Notes what it hears until somebody asks."""

    def __init__(self) -> None:
        self.stop = False
        self.fraction, self.message = 0.0, "starting"
        self._points: list[Point] = []
        self._lock = threading.Lock()

    @property
    def cancelled(self) -> bool:
        """Whether the engine wants it to end."""
        return self.stop

    def progress(self, fraction: float, message: str) -> None:
        """Note."""
        self.fraction, self.message = fraction, message

    def point(self, point: Point) -> None:
        """Note."""
        with self._lock:
            self._points.append(point)

    def new_points(self) -> list[Point]:
        """The points since the last call."""
        with self._lock:
            points, self._points = self._points, []
        return points


class Node:
    """What an engine calls over the cluster; every call returns at once."""

    def __init__(self) -> None:
        self._heard = Noted()
        self._end: End | None = None
        self._folder: Path | None = None
        self._sent: dict[str, str] = {}

    def begin(self, trace: bytes, task: bytes) -> None:
        """Start on a `Task`; the trace is a `Parcel`, both as msgpack."""
        self._heard, self._end, self._sent = Noted(), None, {}
        work = threading.Thread(target=self._work, args=(trace, task), daemon=True)
        work.start()

    def news(self, stop: bool) -> bytes:
        """A `News` as msgpack; with `stop` the work is to end now."""
        heard = self._heard
        heard.stop = heard.stop or stop
        end = self._end  # before all else: what comes after the end is nothing
        return messages.write(
            News(
                fraction=heard.fraction,
                message=heard.message,
                points=heard.new_points(),
                checkpoints=self._changed(),
                end=end,
            )
        )

    def _changed(self) -> Parcel:
        """The checkpoints, where they are others than those sent last."""
        if self._folder is None:
            return {}
        found = packed(self._folder)
        marks = {name: file.sha256 for name, file in found.items()}
        if marks == self._sent:
            return {}
        self._sent = marks
        return found

    def _work(self, trace: bytes, task: bytes) -> None:
        with tempfile.TemporaryDirectory(
            prefix="cachescope-node-", ignore_cleanup_errors=True
        ) as folder:
            try:
                end = self._done(trace, messages.read(task, Task), Path(folder))
            except EngineError as error:
                end = End(error=type(error).__name__, sentence=str(error))
            except BaseException as error:  # noqa: BLE001 - the engine is told of whatever it was
                where = traceback.format_exc()
                end = End(error=type(error).__name__, sentence=str(error), where=where)
            self._folder = None
            self._end = msgspec.structs.replace(end, checkpoints=packed(Path(folder)))

    def _done(self, trace: bytes, given: Task, folder: Path) -> End:
        order = Order(
            given.work,
            received(messages.read(trace, Parcel), traces.load),
            given.options,
            [received(one, policies.load) for one in given.policies],
            folder if given.keeps else None,
        )
        unpack(given.checkpoints, folder)
        self._sent = {name: file.sha256 for name, file in given.checkpoints.items()}
        self._folder = order.folder
        outcome: Outcome = resolve(WORK, given.work, "work")(order, self._heard)
        return End(
            told=outcome.told,
            policies=[sent(partial(policies.save, one)) for one in outcome.policies],
        )
