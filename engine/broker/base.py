"""What a prediction queue does, whatever carries it.

Delivery: each accepted id ends as exactly one of acknowledged, overwritten, expired or still
queued. A full queue overwrites its oldest record that is not leased. A lease ends when its record
is acknowledged, or when its consumer attaches anew or loses its connection (the record goes back
to the head); never by time.

The structs travel as arrays of their fields, which our own client writes and reads without a line
of Python for each.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import msgspec

CAPACITY = 100
"""Places in one queue; depth = queued + leased never exceeds it."""

MAX_LEASED = 50
"""Records leased at once over all consumers, so that half the ring can always be overwritten."""

MAX_PAYLOAD_BYTES = 64_000


class Message(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A record on its way in: `payload` is opaque, `sent_ns` the monotonic intended send time."""

    id: str
    payload: bytes
    sent_ns: int
    expires_ns: int = 0
    """Monotonic time after which the record is dropped as expired; 0 never."""


class Delivery(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A record handed out and leased to this consumer."""

    id: str
    payload: bytes
    sent_ns: int
    accepted_ns: int
    handed_ns: int
    redelivered: bool


class Counters(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The queue's totals since its journal began; they ride on every reply."""

    epoch: int
    depth: int
    leased: int
    accepted: int
    duplicates: int
    handed_out: int
    acknowledged: int
    overwritten: int
    expired: int
    damaged: int = 0
    """Records that a damaged journal lost; other software than ours must have written to it."""


class PutReply(msgspec.Struct, frozen=True, array_like=True):
    """How many records of a batch were accepted and which older ones they overwrote."""

    accepted: int
    duplicates: int
    overwritten: tuple[str, ...]
    counters: Counters


class QueueSample(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One second of a queue's life; columns of the table `queue_samples`, delays in ms."""

    at: int
    depth_max: int
    depth_last: int
    accepted: int
    handed_out: int
    acknowledged: int
    overwritten: int
    expired: int
    enqueue_p50_ms: float | None
    enqueue_p95_ms: float | None
    enqueue_p99_ms: float | None
    dequeue_p50_ms: float | None
    dequeue_p95_ms: float | None
    dequeue_p99_ms: float | None


class Peeked(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A look at one record without taking it."""

    id: str
    payload: bytes
    age_ms: float
    leased_by: str


class Broker(ABC):
    """One named queue as one client sees it. Thread-safe; one connection a thread."""

    @abstractmethod
    def put_many(self, messages: Sequence[Message]) -> PutReply:
        """Put records at the tail, all or none; a known id is counted as duplicate and ignored.

        Raises:
            MessageRejected: a record is malformed or larger than MAX_PAYLOAD_BYTES.
            BrokerError: no reply in time. The put may or may not have happened; putting the same
                ids again is safe.
        """

    @abstractmethod
    def get_many(self, count: int, timeout_s: float) -> tuple[list[Delivery], Counters]:
        """Take up to `count` records from the head, waiting up to `timeout_s` for the first.

        Raises:
            BrokerError: no reply in time, or the queue cannot be reached.
        """

    @abstractmethod
    def acknowledge(self, ids: Sequence[str]) -> None:
        """Mark deliveries as done. The mark rides on the next `get_many`, or on `flush`."""

    @abstractmethod
    def flush(self) -> None:
        """Send acknowledgements that have not travelled yet."""

    @abstractmethod
    def counters(self) -> Counters:
        """The queue's totals now."""

    @abstractmethod
    def samples(self, after: int) -> list[QueueSample]:
        """Finished seconds later than `after` (a whole second); the queue keeps at least 120."""

    @abstractmethod
    def peek(self, count: int) -> list[Peeked]:
        """The newest records, newest first."""

    def clock_error_ms(self) -> float:
        """The most by which enqueue delays may be off now, in ms; 0 where one clock tells all."""
        return 0.0

    @abstractmethod
    def drop(self, name: str) -> None:
        """Remove the queue `name` for good: records, leases, totals and journal.

        Whoever uses that name afterwards begins an empty queue. One that is not there is fine.

        Raises:
            SettingsError: `name` is no queue's name, or that of the live queue.
            BrokerError: no reply in time, or the queue cannot be reached.
        """

    @abstractmethod
    def close(self) -> None:
        """Give the connections back; leased records return to the head."""
