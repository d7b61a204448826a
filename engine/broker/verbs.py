"""What a client may call on a queue, and the checks that stand before it.

Every argument and result is a plain builtin. A refusal is one sentence; it changes nothing.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.broker.batch import checked
from engine.broker.caller import Caller, Delivered
from engine.broker.place import check_droppable, check_name
from engine.broker.ring import SLICE_S, Ring
from engine.broker.waiter import Waiter
from engine.errors import BrokerError, MessageRejected

log = logging.getLogger(__name__)

MAX_QUEUES = 32
WARN_EVERY_S = 5.0
_NUMBER = (int, float)


class Queues:
    """All queues of one server by name, created on first use."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._rings: dict[str, Ring] = {}
        self._overwritten = 0
        self._warned = 0.0
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in sorted(folder.glob("*.journal"))[:MAX_QUEUES]:
            self.open(path.stem)

    def open(self, name: object) -> Ring:
        """The queue of that name; raises an EngineError for a bad name or one too many."""
        ring = self._rings.get(name) if isinstance(name, str) else None
        if ring is not None:
            return ring
        name = check_name(name)
        with self._lock:
            if name not in self._rings:
                if len(self._rings) >= MAX_QUEUES:
                    raise BrokerError(
                        f"There are {MAX_QUEUES} queues already, {name!r} is one too many; "
                        "drop one that is not needed."
                    )
                self._rings[name] = Ring(self._folder / f"{name}.journal")
            return self._rings[name]

    def drop(self, name: object) -> None:
        """Remove a queue and its journal, if there is one; raises SettingsError for a bad name."""
        name = check_droppable(name)
        with self._lock:
            ring = self._rings.pop(name, None)
            if ring is None:
                (self._folder / f"{name}.journal").unlink(missing_ok=True)
            else:
                ring.drop()
        log.info("Dropped the queue %s.", name)

    def leave(self, caller: Caller) -> None:
        """A connection closed: what it leased goes back."""
        for name in caller.used:
            ring = self._rings.get(name)
            if ring is not None:
                ring.leave(caller)

    def turn(self) -> bool:
        """Idle work of all queues; False when one is stuck."""
        fine = all(ring.turn(patience_s=1.0) for ring in list(self._rings.values()))
        self._warn()
        return fine

    @property
    def handed_out(self) -> int:
        """Records handed out by all queues."""
        return sum(ring.handed_out for ring in list(self._rings.values()))

    def close(self) -> None:
        """Write every journal back."""
        for ring in self._rings.values():
            ring.close()

    def note_overwritten(self, number: int) -> None:
        """Count towards the next warning."""
        self._overwritten += number

    def _warn(self) -> None:
        now = time.monotonic()
        if self._overwritten and now - self._warned >= WARN_EVERY_S:
            number, self._overwritten, self._warned = self._overwritten, 0, now
            log.warning(
                "Overwrote %d predictions that nobody had taken: the queue is full.", number
            )


def put_many(queues: Queues, name: str, _caller: Caller, batch: object) -> tuple[Any, ...]:
    """Accept a batch, all or none."""
    reply = queues.open(name).put(checked(batch))
    if reply[2]:
        queues.note_overwritten(len(reply[2]))
    return reply


def get_many(
    queues: Queues, name: str, caller: Caller, count: object, wait_s: object, acknowledged: object
) -> tuple[Any, ...] | Delivered:
    """Acknowledge, then hand out up to `count` records."""
    wanted = check_count(count)
    if not isinstance(wait_s, _NUMBER):
        raise MessageRejected(f"The wait is {wait_s!r}; give seconds.")
    ring = queues.open(name)
    caller.used.add(name)
    if wait_s > 0:
        caller.get_ready()
    answer = ring.get(caller, wanted, float(wait_s), _ids(acknowledged))
    if isinstance(answer, Waiter):
        return caller.wait(ring, answer, min(float(wait_s), SLICE_S))
    return answer


def acknowledge(queues: Queues, name: str, caller: Caller, ids: object) -> tuple[int, ...]:
    """Mark records as done."""
    return queues.open(name).acknowledge(caller, _ids(ids))


def attach(
    queues: Queues, name: str, caller: Caller, client: object, generation: object
) -> tuple[int, ...]:
    """Say who this connection is; earlier generations of the client lose their leases."""
    caller.client, caller.generation = str(client)[:80], str(generation)[:80]
    return queues.open(name).attach(caller)


def counters(queues: Queues, name: str, _caller: Caller) -> tuple[int, ...]:
    """The queue's totals."""
    return queues.open(name).figures()


def samples(queues: Queues, name: str, _caller: Caller, after: object) -> list[Any]:
    """Finished seconds later than `after`."""
    return queues.open(name).samples(after if isinstance(after, int) else 0)


def drop(queues: Queues, name: str, _caller: Caller) -> None:
    """Remove the queue."""
    queues.drop(name)


def peek(queues: Queues, name: str, _caller: Caller, count: object) -> list[Any]:
    """The newest records."""
    return queues.open(name).peek(count if isinstance(count, int) and count > 0 else 0)


VERBS: dict[str, Callable[..., Any]] = {
    "put_many": put_many,
    "get_many": get_many,
    "acknowledge": acknowledge,
    "attach": attach,
    "counters": counters,
    "samples": samples,
    "peek": peek,
    "drop": drop,
}


def check_count(count: object) -> int:
    """How many records are asked for; raises MessageRejected unless a whole number from 1 on."""
    if type(count) is not int or count < 1:
        raise MessageRejected(f"Asked for {count!r} records; give a whole number from 1 on.")
    return count


def _ids(ids: object) -> list[str]:
    if not isinstance(ids, list) or not all(isinstance(item, str) for item in ids):
        raise MessageRejected("Acknowledgements are a list of ids.")
    return ids
