"""Sending in an open model: each request at its own time, however long others take.

Latencies count from the intended send time, so that a slow API cannot hide its queue
(Tene's coordinated omission).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator

import httpx

from mock.traffic.tally import LATE, Tally, kind_of
from mock.workloads import Arrival

MAX_LATE_S = 5.0
"""A request this far behind its time is given up and counted."""

_STEP_S = 0.25


class Sender:
    """Sends arrivals through one client; at most `concurrency` are in flight.

    Args:
        client: with base address, headers and time limit set.
        tally: where every request is counted.
        concurrency: most requests in flight.
        stopped: asked several times a second; sending ends once it says True.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        tally: Tally,
        concurrency: int,
        stopped: Callable[[], bool],
    ) -> None:
        self._client = client
        self._tally = tally
        self._slots = asyncio.Semaphore(concurrency)
        self._stopped = stopped
        self._flying: set[asyncio.Task[None]] = set()

    async def send(self, arrivals: Iterator[Arrival]) -> None:
        """Send until the arrivals end or the run is stopped; then wait for what is in flight."""
        for arrival in arrivals:
            if not await self._until(arrival.at):
                break
            if time.time() - arrival.at > MAX_LATE_S:
                self._tally.failure(LATE)
                continue
            await self._slots.acquire()
            task = asyncio.create_task(self._one(arrival))
            self._flying.add(task)
            task.add_done_callback(self._flying.discard)
        if self._flying:
            _, late = await asyncio.wait(self._flying, timeout=1.0 if self._stopped() else 15.0)
            for task in late:
                task.cancel()

    async def _until(self, at: float) -> bool:
        """Wait for a time; False when the run was stopped."""
        while not self._stopped():
            left = at - time.time()
            if left <= 0:
                return True
            await asyncio.sleep(min(left, _STEP_S))
        return False

    async def _one(self, arrival: Arrival) -> None:
        operation = arrival.draw.operation
        headers = {"content-type": "application/json"} if operation.body else None
        try:
            response = await self._client.request(
                operation.method, arrival.draw.target, content=operation.body, headers=headers
            )
        except httpx.HTTPError as error:
            self._tally.failure(kind_of(error))
        else:
            self._tally.answer(response, (time.time() - arrival.at) * 1000)
        finally:
            self._slots.release()
