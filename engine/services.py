"""The visible table of services: what runs, in which order it starts, and what each is for.

Standard library only: the supervisor starts from this table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Service:
    """One process that the supervisor keeps running.

    Args:
        name: what commands, logs and pages call it.
        arguments: what follows `python -m`.
        title: the name in headings.
        description: one line, what it does.
        needs: services that are ready before this one starts (it runs on without them).
        sample_only: belongs to the sample, never started for an own source.
        log_only: started only where a log is to be followed.
        port: the port it listens on, by name; empty for none.
        ready_s: how long its start may take.
        hang_s: how long it may go without a heartbeat before it is killed.
        stop_s: how long it may take to end when asked.
    """

    name: str
    arguments: tuple[str, ...]
    title: str
    description: str
    needs: tuple[str, ...] = ()
    sample_only: bool = False
    log_only: bool = False
    port: str = ""
    ready_s: float = 60.0
    hang_s: float = 15.0
    stop_s: float = 5.0


def table(*services: Service) -> dict[str, Service]:
    """A table of services by name, in starting order."""
    return {service.name: service for service in services}


SERVICES: dict[str, Service] = table(
    Service(
        "api", ("engine.api",), "API", "Serves state, tunables, jobs and decisions.", port="api"
    ),
    Service(
        "queue",
        ("engine.broker.server",),
        "Prediction queue",
        "Holds up to 100 predictions and overwrites the oldest.",
    ),
    Service(
        "log",
        ("engine.traces.log_service",),
        "Log follower",
        "Follows your access log and records its requests.",
        log_only=True,
    ),
    Service(
        "collector",
        ("engine.collector.service",),
        "Collector",
        "Follows the recorded requests, sums them up and replays the shadows.",
        needs=("queue",),
    ),
    Service(
        "origin",
        ("mock.origin",),
        "Sample origin",
        "An energy-data API behind the live cache.",
        sample_only=True,
        port="origin",
    ),
    Service(
        "forecaster",
        ("engine.forecast.service",),
        "Forecaster",
        "Forecasts demand and load time of every endpoint and queues the predictions.",
        needs=("queue",),
    ),
    Service(
        "agent",
        ("engine.agent.service",),
        "Agent",
        "Turns predictions into decisions and learns from the load time they saved.",
        needs=("queue",),
    ),
    Service(
        "traffic",
        ("mock.simulate_live", "--service"),
        "Sample traffic",
        "Sends real HTTP requests to the sample origin.",
        needs=("origin",),
        sample_only=True,
    ),
)


def chosen(services: Mapping[str, Service], sample: bool, log: bool = False) -> tuple[Service, ...]:
    """The services of this engine: the sample's and the log's only where they are wanted."""
    return tuple(
        s for s in services.values() if (sample or not s.sample_only) and (log or not s.log_only)
    )
