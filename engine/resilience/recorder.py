"""`python -m engine.resilience.recorder`: records metric rows through the product's own writer."""

from __future__ import annotations

import sys
import time

from db.batch import BatchWriter
from db.migrations import migrate
from db.session import open_store
from db.tables import cache_metrics
from engine.resilience.child import Child
from engine.resilience.history import What

EVERY_S = 0.01
PER_TURN = 2
FLUSH_S = 15.0


def main() -> int:
    """Record until told to stop; then wait until every row is committed."""
    child = Child("recorder")
    store = open_store((child.folder / "store.url").read_text())
    migrate(store)
    writer = BatchWriter(store)
    child.history.tell(What.STARTED)
    child.lifeline.ready()
    count = 0
    while not child.lifeline.wait(EVERY_S):
        child.lifeline.beat(count)
        for _ in range(PER_TURN):
            id_ = f"{writer.writer}:{count}"
            child.history.add(What.RECORDED, id=id_)
            child.history.flush()
            writer.add(cache_metrics, _row(id_))
            count += 1
    fine = writer.flush(FLUSH_S)
    writer.close()
    child.history.close()
    return 0 if fine else 1


def _row(key: str) -> dict[str, object]:
    return {
        "timestamp": time.time(),
        "source": 1,
        "cache_name": "/test",
        "cache_key": key,
        "hit": False,
        "load_time_ms": 1.0,
        "size_bytes": 1,
    }


if __name__ == "__main__":
    sys.exit(main())
