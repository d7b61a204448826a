"""The queue's client: one connection a thread, deadlines, reconnection; safe over a fork."""

from __future__ import annotations

import contextlib
import os
import random
import secrets
import threading
import time
import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from engine.broker import BROKERS
from engine.broker.base import (
    Broker,
    Counters,
    Delivery,
    Message,
    Peeked,
    PutReply,
    QueueSample,
)
from engine.broker.calls import CallLog
from engine.broker.link import LateReply, Link, LinkLost
from engine.broker.place import LIVE, Place, check_droppable, check_name, place_of, read_key
from engine.broker.ring import SLICE_S
from engine.broker.wire import Reader, answer_of
from engine.errors import BrokerError
from engine.registry import resolve

if TYPE_CHECKING:
    from engine.settings import Settings

REPLY_S = 2.0
"""How long a call waits for its reply, and for a lost server to come back."""

FIRST_PAUSE_S = 0.02
LONGEST_PAUSE_S = 0.5

_PUT = answer_of(PutReply)
_GOT = answer_of(tuple[list[Delivery], Counters])
_COUNTERS = answer_of(Counters)
_SAMPLES = answer_of(list[QueueSample])
_PEEKED = answer_of(list[Peeked])
_DROPPED = answer_of(None)


def connect(settings: Settings, name: str = LIVE, client: str = "agent") -> Broker:
    """The queue `name` of the backend that the settings choose; connects on first use.

    `client` says whose leases are whose: a consumer that starts anew under its old name gets
    back at once what it had not acknowledged.
    """
    broker: Broker = resolve(BROKERS, settings.queue_backend, "queue backend").from_settings(
        settings, check_name(name), client
    )
    return broker


class ManagerBroker(Broker):
    """A queue on our own server."""

    def __init__(
        self,
        place: Place,
        name: str = LIVE,
        client: str = "agent",
        reply_s: float = REPLY_S,
    ) -> None:
        self._place = place
        self._name = check_name(name)
        self._client = client
        self._reply_s = reply_s
        self._lock = threading.Lock()
        self._log = CallLog(self._name)
        self._begin()

    @classmethod
    def from_settings(cls, settings: Settings, name: str, client: str) -> ManagerBroker:
        """The queue that the settings place."""
        return cls(place_of(settings), name, client)

    def put_many(self, messages: Sequence[Message]) -> PutReply:
        """Put records at the tail, all or none; see the base."""
        started = time.monotonic()
        batch = messages if type(messages) is list else list(messages)
        reply: PutReply = self._call("put_many", (batch,), _PUT)
        self._log.note("put_many", started, reply.accepted, 0, len(reply.overwritten))
        return reply

    def get_many(self, count: int, timeout_s: float) -> tuple[list[Delivery], Counters]:
        """Take records from the head; see the base."""
        started = time.monotonic()
        end = started + timeout_s
        while True:
            wait_s = max(0.0, min(SLICE_S, end - time.monotonic()))
            answer: tuple[list[Delivery], Counters]
            answer = self._acknowledging("get_many", (count, wait_s), _GOT, wait_s)
            if answer[0] or time.monotonic() >= end:
                self._log.note("get_many", started, 0, len(answer[0]))
                return answer

    def acknowledge(self, ids: Sequence[str]) -> None:
        """Mark deliveries as done; travels with the next call that can carry it."""
        self._check_fork()
        with self._lock:
            self._done.extend(ids)

    def flush(self) -> None:
        """Send acknowledgements that have not travelled yet."""
        self._check_fork()
        if self._done:
            self._acknowledging("acknowledge", (), _COUNTERS)

    def counters(self) -> Counters:
        """The queue's totals now."""
        figures: Counters = self._call("counters", (), _COUNTERS)
        return figures

    def samples(self, after: int) -> list[QueueSample]:
        """Finished seconds later than `after`."""
        samples: list[QueueSample] = self._call("samples", (after,), _SAMPLES)
        return samples

    def peek(self, count: int) -> list[Peeked]:
        """The newest records, newest first."""
        newest: list[Peeked] = self._call("peek", (count,), _PEEKED)
        return newest

    def drop(self, name: str) -> None:
        """Remove a queue of that name for good; see the base."""
        self._call("drop", (), _DROPPED, name=check_droppable(name))

    def close(self) -> None:
        """Give all threads' connections back; acknowledgements not sent are sent if possible."""
        if self._pid == os.getpid():
            # What could not be acknowledged is delivered again.
            with contextlib.suppress(BrokerError):
                self.flush()
        for link in list(self._links):
            link.close()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._generation = f"{self._pid}-{secrets.token_hex(6)}"
        self._local = threading.local()
        self._links: weakref.WeakSet[Link] = weakref.WeakSet()
        self._done: list[str] = []

    def _check_fork(self) -> None:
        if self._pid != os.getpid():
            # The parent's connections must not be spoken on; closing our copies does not end them.
            for link in list(self._links):
                link.close()
            self._lock = threading.Lock()
            self._begin()

    def _acknowledging(
        self, verb: str, args: tuple[object, ...], reader: Reader, wait_s: float = 0.0
    ) -> Any:  # noqa: ANN401 - what the reader makes
        self._check_fork()
        with self._lock:
            done, self._done = self._done, []
        try:
            return self._call(verb, (*args, done), reader, wait_s)
        except BaseException:
            with self._lock:
                self._done = done + self._done
            raise

    def _call(
        self,
        verb: str,
        args: tuple[object, ...],
        reader: Reader,
        wait_s: float = 0.0,
        name: str = "",
    ) -> Any:  # noqa: ANN401 - what the reader makes
        """Call, reconnecting with growing pauses until the deadline.

        Repeating is safe: puts are known by their ids, acknowledgements by theirs, and what a
        lost reply handed out goes back when its connection closes.
        """
        if self._pid != os.getpid():
            self._check_fork()
        deadline = 0.0
        pause = FIRST_PAUSE_S
        while True:
            try:
                link: Link | None = getattr(self._local, "link", None)
                if link is None or link.closed:
                    link = self._connect()
                return link.call(name or self._name, verb, args, wait_s, reader)
            except LateReply as error:
                raise BrokerError(
                    f"The queue server does not answer ({error}); it is stopped or overloaded."
                ) from error
            except LinkLost as error:
                deadline = deadline or time.monotonic() + self._reply_s
                left = deadline - time.monotonic()
                if left <= 0:
                    raise BrokerError(
                        f"The queue server cannot be reached ({error}); is the engine running?"
                    ) from error
            time.sleep(min(left, pause * (0.8 + 0.4 * random.random())))  # noqa: S311 - jitter
            pause = min(LONGEST_PAUSE_S, pause * 2)

    def _connect(self) -> Link:
        # A blocking get waits one slice on the server on top of the reply's deadline.
        link = Link(self._place.address, self._read_key(), self._reply_s + SLICE_S)
        link.call(self._name, "attach", (self._client, self._generation))
        self._local.link = link
        self._links.add(link)
        return link

    def _read_key(self) -> bytes:
        return read_key(self._place.key_file)
