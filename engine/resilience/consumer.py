"""`python -m engine.resilience.consumer`: takes records, works on each, acknowledges them.

How long it works on a record stands in the file `pace`, which a scenario may write at any time.
"""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from engine.broker.base import Broker
from engine.errors import BrokerError
from engine.resilience.child import Child
from engine.resilience.history import What

COUNT = 25
"""Records asked for at once."""

WAIT_S = 0.2
PAUSE_S = 0.02


def pace_s(path: Path) -> float:
    """Seconds of work a record; none where nothing is written."""
    try:
        return float(path.read_text() or 0.0)
    except (FileNotFoundError, ValueError):
        return 0.0


def consume(child: Child, broker: Broker) -> None:
    """Take and acknowledge until told to stop."""
    history = child.history
    handled = 0
    carried: list[str] = []
    while not child.stopping:
        child.lifeline.beat(handled)
        pace = pace_s(child.folder / "pace")
        try:
            deliveries, _ = broker.get_many(1 if pace else COUNT, WAIT_S)
            if not deliveries and carried:
                broker.flush()
        except BrokerError as error:
            history.tell(What.FAILED, note=str(error))
            child.lifeline.wait(PAUSE_S)
            continue
        now = time.monotonic_ns()
        for id_ in carried:
            history.add(What.ACKNOWLEDGED, now, id=id_)
        for one in deliveries:
            history.add(
                What.HANDED,
                now,
                id=one.id,
                sent=one.sent_ns,
                accepted=one.accepted_ns,
                handed=one.handed_ns,
                again=one.redelivered,
            )
        history.flush()
        if pace and deliveries:
            child.lifeline.wait(pace)
        carried = [one.id for one in deliveries]
        broker.acknowledge(carried)
        handled += len(carried)
    with contextlib.suppress(BrokerError):
        broker.flush()
        for id_ in carried:
            history.add(What.ACKNOWLEDGED, id=id_)
    broker.close()


def main() -> None:
    """Consume until told to stop."""
    child = Child("consumer")
    broker = child.broker()
    child.history.tell(What.STARTED)
    child.lifeline.ready()
    consume(child, broker)
    child.history.close()


if __name__ == "__main__":
    main()
