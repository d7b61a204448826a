"""The command and the job: one run of simulated traffic from start to summary."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from engine.errors import EngineError
from engine.settings import load_settings
from mock.address import is_the_sample, origin_address
from mock.openapi import Catalogue
from mock.traffic.plan import Plan, find_catalogue, open_async_client, plan_from
from mock.traffic.sender import Sender
from mock.traffic.tally import Tally
from mock.workloads import WORKLOADS, Arrival

if TYPE_CHECKING:
    from engine.jobs import JobHandle

Report = Callable[[Tally], None]

REPORT_S = 5.0


def run_plan(
    plan: Plan, catalogue: Catalogue, stopped: Callable[[], bool], report: Report, every_s: float
) -> Tally:
    """Send the requests of `plan`; `report` is called every `every_s` seconds."""
    tally = Tally()
    last = time.monotonic()

    def reported(arrivals: Iterator[Arrival]) -> Iterator[Arrival]:
        nonlocal last
        for arrival in arrivals:
            if time.monotonic() - last >= every_s:
                last = time.monotonic()
                report(tally)
            yield arrival

    async def send() -> None:
        async with open_async_client(plan, catalogue.prefix) as client:
            sender = Sender(client, tally, plan.concurrency, stopped)
            await sender.send(reported(plan.arrivals(catalogue, time.time())))

    asyncio.run(send())
    return tally


def simulate_job(params: Mapping[str, Any], job: JobHandle) -> dict[str, object]:
    """Send requests as a job; the parameters are named like the command's options.

    Raises:
        EngineError: the parameters make no sense, or no API answers.
    """
    settings = load_settings()
    address = str(params.get("api_url") or origin_address(settings))
    allowed = is_the_sample(address, settings)
    plan = plan_from(params, address, settings.sample_day_s, allow_remote=allowed)
    catalogue = find_catalogue(plan)
    job.log(f"sending {plan.workload} traffic to {plan.address}")

    def report(tally: Tally) -> None:
        spent = time.monotonic() - tally.begun
        shares = [spent / plan.duration_s] if plan.duration_s else []
        shares += [(tally.sent + sum(tally.errors.values())) / plan.count] if plan.count else []
        job.progress(min(1.0, max(shares, default=0.0)), f"{tally.sent} requests sent")

    return run_plan(plan, catalogue, lambda: job.cancelled, report, 0.5).result()


def parser() -> argparse.ArgumentParser:
    """The command's options."""
    made = argparse.ArgumentParser(
        prog="simulate_live",
        description="Send real HTTP requests, generated from an OpenAPI file, at a given rate.",
    )
    add = made.add_argument
    add("--api_url", "--api-url", help="address of the API (default: the sample origin)")
    add("--n", type=int, help="number of requests (default 1000, without --duration)")
    add("--rate", type=float, help="requests per second (default: the setting)")
    add("--duration", type=float, help="seconds")
    add("--workload", choices=tuple(WORKLOADS), help="when which request comes")
    add("--seed", type=int, default=0, help="equal seeds send equal requests")
    add("--spec", default="", help="OpenAPI file, YAML or JSON (default: the API's own)")
    add("--concurrency", type=int, default=32, help="most requests in flight")
    add("--allow-remote", action="store_true", help="allow another machine than this one")
    add("--allow-unsafe-methods", action="store_true", help="also POST, PUT, PATCH, DELETE")
    add("--header-env", default="", metavar="NAME", help="variable with an Authorization header")
    add("--service", action="store_true", help="run as the sample's traffic until stopped")
    return made


def plan_of(given: argparse.Namespace) -> Plan:
    """The plan of the command's options, the settings behind them."""
    settings = load_settings()
    count = 1000 if given.n is None and given.duration is None else given.n
    address = given.api_url or origin_address(settings)
    plan = Plan(
        api_url=address,
        count=count,
        duration_s=given.duration,
        rate=settings.sample_rate if given.rate is None else given.rate,
        workload=given.workload or settings.sample_workload,
        seed=given.seed,
        spec=given.spec,
        concurrency=given.concurrency,
        allow_remote=given.allow_remote or is_the_sample(address, settings),
        allow_unsafe_methods=given.allow_unsafe_methods,
        header_env=given.header_env,
        day_s=settings.sample_day_s,
    )
    plan.check()
    return plan


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 2 when it could not start, 1 when no request was answered."""
    given = parser().parse_args(arguments)
    try:
        if given.service:
            from mock.traffic.service import serve

            serve()
            return 0
        return _send(plan_of(given))
    except EngineError as error:
        _say(str(error))
        return 2


def _send(plan: Plan) -> int:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    catalogue = find_catalogue(plan)
    for why in catalogue.skipped:
        _say(f"left out {why}")
    _say(
        f"{plan.workload} traffic, {plan.rate:g} requests/s, for {catalogue.title!r} "
        f"at {plan.address}; Ctrl-C stops"
    )
    tally = run_plan(
        plan,
        catalogue,
        stop.is_set,
        lambda now: _say(f"{now.sent} requests, {sum(now.errors.values())} errors"),
        REPORT_S,
    )
    print(tally.summary())  # noqa: T201 - the command's product
    return 0 if tally.answered else 1


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - the command's progress
