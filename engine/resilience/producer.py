"""`python -m engine.resilience.producer`: puts a load's records at their intended moments.

A restarted producer goes on with the first record whose acceptance its past never noted; putting
such a record again is safe, since the queue knows ids.
"""

from __future__ import annotations

import time

from engine.broker.base import Broker, Message
from engine.errors import BrokerError, MessageRejected
from engine.resilience.child import Child
from engine.resilience.facts import NS
from engine.resilience.history import Counted, What, read_file
from engine.resilience.load import Load, read_load

LOOK_S = 0.02
BEAT_S = 0.2
PAUSE_S = 0.02
PAYLOAD = b"x" * 180
"""As long as a prediction of one endpoint."""


class Producer:
    """Sends one load."""

    def __init__(self, child: Child, broker: Broker, load: Load, done: int) -> None:
        self._broker = broker
        self._child, self._history = child, child.history
        self._records = list(load.intended())
        self._place = done
        self._offered: set[int] = set()
        self._beaten = 0.0

    def run(self) -> None:
        """Send until all is accepted, or told to stop."""
        while self._place < len(self._records) and not self._child.stopping:
            self._beat()
            intended, most = self._records[self._place]
            wait = (intended - time.monotonic_ns()) / NS
            if wait > 0:
                self._history.flush()
                self._child.lifeline.wait(min(wait, BEAT_S))
                continue
            self._put(self._due(most))
        self._history.tell(What.FINISHED, value=float(self._place))
        while not self._child.lifeline.wait(BEAT_S):
            self._beat()
        self._broker.close()

    def _due(self, most: int) -> list[Message]:
        now, found = time.monotonic_ns(), []
        for number in range(self._place, min(self._place + most, len(self._records))):
            intended, _ = self._records[number]
            if intended > now:
                break
            id_ = f"{self._child.name}-{number:07d}"
            if number not in self._offered:
                self._offered.add(number)
                self._history.add(What.OFFERED, now, id=id_, sent=intended)
            found.append(Message(id_, PAYLOAD, intended))
        # Before the call, so that a process that is killed in it has told what it offered.
        self._history.flush()
        return found

    def _put(self, batch: list[Message]) -> None:
        try:
            reply = self._broker.put_many(batch)
        except MessageRejected as error:
            self._history.tell(What.REFUSED, note=str(error))
            self._place += len(batch)
            return
        except BrokerError as error:
            self._history.tell(What.FAILED, note=str(error))
            self._child.lifeline.wait(PAUSE_S)
            return
        now = time.monotonic_ns()
        counted = Counted(*_fields(reply.counters))
        for message in batch:
            self._history.add(What.ACCEPTED, now, id=message.id, sent=message.sent_ns)
        for id_ in reply.overwritten:
            self._history.add(What.OVERWRITTEN, now, id=id_)
        self._history.add(What.SAMPLE, now, counted=counted)
        self._place += len(batch)

    def _beat(self) -> None:
        now = time.monotonic()
        if now - self._beaten >= BEAT_S:
            self._beaten = now
            self._history.flush()
            self._child.lifeline.beat(self._place)


def _fields(counters: object) -> list[int]:
    return [int(getattr(counters, name)) for name in Counted.__struct_fields__]


def main() -> None:
    """Wait for a load, then send it."""
    child = Child("producer")
    accepted = [
        int(event.id.rpartition("-")[2])
        for path in child.past
        for event in read_file(path)
        if event.what is What.ACCEPTED
    ]
    broker = child.broker()
    child.history.tell(What.STARTED)
    child.lifeline.ready()
    while not child.stopping:
        load = read_load(child.folder / "load.json")
        if load is not None:
            Producer(child, broker, load, max(accepted, default=-1) + 1).run()
            break
        child.lifeline.beat()
        child.lifeline.wait(LOOK_S)
    child.history.close()


if __name__ == "__main__":
    main()
