"""What the scripts leave in Redis, read without changing it: seconds, and the newest records."""

from __future__ import annotations

from typing import Any

from engine.broker.base import Peeked, QueueSample
from engine.broker.sampling import KEPT_SECONDS, percentiles_ms

_FIELDS = (
    "depth_max",
    "depth_last",
    "accepted",
    "handed_out",
    "acknowledged",
    "overwritten",
    "expired",
)


def read_samples(
    server: Any,  # noqa: ANN401 - redis-py's methods return unions of sync and async
    key: str,
    after: int,
) -> list[QueueSample]:
    """Finished seconds later than `after` in which the queue was called, oldest first."""
    now = int(server.time()[0])
    seconds = range(max(after + 1, now - KEPT_SECONDS), now)
    pipe = server.pipeline(transaction=False)
    for second in seconds:
        pipe.hmget(f"{key}:s:{second}", _FIELDS)
        pipe.lrange(f"{key}:e:{second}", 0, -1)
        pipe.lrange(f"{key}:h:{second}", 0, -1)
    replies = pipe.execute()
    samples: list[QueueSample] = []
    for index, second in enumerate(seconds):
        counts, enqueue, dequeue = replies[3 * index : 3 * index + 3]
        if any(count is not None for count in counts):
            values: list[Any] = [
                second,
                *(int(count or 0) for count in counts),
                *percentiles_ms([int(delay) * 1000 for delay in enqueue]),
                *percentiles_ms([int(delay) * 1000 for delay in dequeue]),
            ]
            samples.append(QueueSample(*values))
    return samples


def read_newest(server: Any, key: str, now_us: int, count: int) -> list[Peeked]:  # noqa: ANN401 - as above
    """The newest records at a moment of the server's clock, newest first."""
    leases = server.hgetall(f"{key}:l")
    ids = [*leases, *server.zrange(f"{key}:q", 0, -1)]
    pipe = server.pipeline(transaction=False)
    for item in ids:
        pipe.hmget(f"{key}:r:{item.decode()}", ["q", "p", "a"])
    rows = [(i, row) for i, row in zip(ids, pipe.execute(), strict=True) if row[0]]
    rows.sort(key=lambda pair: -int(pair[1][0]))
    return [
        Peeked(
            item.decode(),
            payload,
            max(0, now_us - int(accepted_us)) / 1e3,
            leases.get(item, b"").decode().partition("|")[0],
        )
        for item, (_, payload, accepted_us) in rows[:count]
    ]
