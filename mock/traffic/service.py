"""The sample's traffic as a service: paced by tunables, patient with an origin that is away.

The origin tells the tunables, so that nothing here needs the store or its libraries.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator

import httpx
import msgspec

from engine.lifeline import Lifeline
from engine.logs import configure
from engine.settings import Settings, load_settings
from mock.address import origin_address
from mock.openapi import make_catalogue, read_specification
from mock.pace import PATH, Pace
from mock.traffic.plan import OWN_SPECIFICATION, Plan, open_async_client
from mock.traffic.sender import Sender
from mock.traffic.tally import Tally
from mock.workloads import WORKLOADS, Arrival

log = logging.getLogger("mock.traffic")

TURN_S = 0.5
PACE_S = 2.0
SUMMARY_S = 60.0
LOOK_S = 2.0
"""How long the origin may take to answer a look."""

PATIENCE = 10
"""Requests without an answer, one after the other, before the origin is looked at."""

LOOKS = 3
"""Looks without an answer, one after the other, before the origin counts as away."""


class Traffic:
    """One stretch of traffic after the other, each until the origin is away or the plan changes."""

    def __init__(self, settings: Settings, lifeline: Lifeline) -> None:
        self._settings = settings
        self._lifeline = lifeline
        self._looks = httpx.AsyncClient(timeout=LOOK_S, trust_env=False)
        self._catalogue = make_catalogue(read_specification(OWN_SPECIFICATION))
        self._wanted: tuple[float, str] = (settings.sample_rate, settings.sample_workload)
        self._sent = 0
        self._started = int(time.time())

    async def run(self) -> None:
        """Send until told to stop."""
        async with self._looks:
            await self._run()

    async def _run(self) -> None:
        unanswered = 0
        while not self._lifeline.stopping.is_set():
            address = origin_address(self._settings)
            if await self._answers(address):
                unanswered = 0
                self._lifeline.recovered()
                await self._stretch(address)
            else:
                unanswered += 1
                if unanswered >= LOOKS:
                    self._lifeline.degraded(
                        f"The sample origin does not answer at {address}; "
                        "trying again every second."
                    )
                self._lifeline.beat(self._sent)
                await asyncio.sleep(1.0)

    async def _answers(self, address: str) -> bool:
        try:
            return (await self._looks.get(f"{address}/health")).is_success
        except httpx.HTTPError:
            return False

    async def _stretch(self, address: str) -> None:
        """Send at one rate and workload until something changes."""
        rate, workload = self._wanted
        plan = Plan(address, count=None, rate=rate, workload=workload, concurrency=16)
        tally, over = Tally(), asyncio.Event()

        def stopped() -> bool:
            return over.is_set() or self._lifeline.stopping.is_set()

        async with open_async_client(plan, "") as client:
            sender = Sender(client, tally, plan.concurrency, stopped)
            sending = asyncio.create_task(sender.send(self._arrivals(rate, workload)))
            await self._watch(address, tally, sending)
            over.set()
            await sending
        self._sent += tally.sent

    def _arrivals(self, rate: float, workload: str) -> Iterator[Arrival]:
        make = WORKLOADS[workload]
        stream = make(self._catalogue, rate, self._started, self._settings.sample_day_s)
        return stream.arrivals(time.time())

    async def _watch(self, address: str, tally: Tally, sending: asyncio.Task[None]) -> None:
        next_look = next_summary = time.monotonic()
        next_summary += SUMMARY_S
        before = self._wanted
        while not self._lifeline.stopping.is_set() and not sending.done():
            self._lifeline.beat(self._sent + tally.sent)
            now = time.monotonic()
            if now >= next_look:
                next_look = now + PACE_S
                self._wanted = await self._read_wanted(address)
            if self._wanted != before or tally.in_a_row >= PATIENCE:
                return
            if now >= next_summary:
                next_summary = now + SUMMARY_S
                log.info("%s", tally.summary().replace("\n", "; "))
            await asyncio.sleep(TURN_S)

    async def _read_wanted(self, address: str) -> tuple[float, str]:
        """Rate and workload now in force; those of before while the origin does not tell."""
        try:
            answer = await self._looks.get(f"{address}{PATH}")
            pace = msgspec.json.decode(answer.content, type=Pace)
        except (httpx.HTTPError, ValueError):
            return self._wanted
        return (
            pace.rate if pace.rate > 0 else self._settings.sample_rate,
            pace.workload if pace.workload in WORKLOADS else self._settings.sample_workload,
        )


def serve() -> None:
    """Run the service until told to stop."""
    settings = load_settings()
    configure(settings.log_level)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    lifeline = Lifeline()
    lifeline.ready()
    asyncio.run(Traffic(settings, lifeline).run())
