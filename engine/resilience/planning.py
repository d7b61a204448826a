"""Which processes a private pipeline has, as the plan that its supervisor reads."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from engine.resilience.base import Scenario
from engine.services import Service
from engine.supervision.plan import Limits, Plan, Port

if TYPE_CHECKING:
    from engine.resilience.pipeline import Pipeline

NEUTRAL = dict.fromkeys(("SOURCE_URL", "SOURCE_LOG", "DB_DRIVER"), "")
"""Settings of the live engine that a private one must not follow."""

RATE = 40
"""Requests per second of a private sample, where a scenario has one."""


def environment(pipeline: Pipeline) -> dict[str, str]:
    """Settings of the processes of a private pipeline."""
    folder = str(pipeline.folder)
    return {
        **os.environ,
        **NEUTRAL,
        "CACHESCOPE_DATA_DIR": folder,
        "CACHESCOPE_LOG_DIR": str(pipeline.folder / "logs"),
        "DATABASE_URL": store_url(pipeline),
        "CACHESCOPE_SAMPLE": "true",
        "CACHESCOPE_SAMPLE_RATE": str(RATE),
        **pipeline.queue.settings,
    }


def store_url(pipeline: Pipeline) -> str:
    """The private store of real services."""
    return f"sqlite:///{pipeline.folder}/cachescope.sqlite3"


def plan_of(pipeline: Pipeline, scenario: Scenario) -> Plan:
    """Queue, producer, consumer, and what the scenario brings along."""
    shared = options(pipeline, pipeline.address)

    def service(name: str, arguments: tuple[str, ...], *needs: str) -> Service:
        if scenario.skewed:
            file = str(pipeline.folder / "skew")
            arguments = ("engine.resilience.faults.skewed", file, *arguments)
        return Service(name, arguments, name.capitalize(), "", needs, hang_s=scenario.hang_s)

    return Plan(
        data_path=pipeline.settings.data_path,
        log_path=pipeline.settings.log_path,
        run_path=pipeline.settings.run_path,
        owner="resilience test",
        services=(
            *(() if pipeline.live else (service("queue", pipeline.queue.arguments),)),
            service("consumer", ("engine.resilience.consumer", *shared), "queue"),
            service("producer", ("engine.resilience.producer", *shared), "queue"),
            *scenario.services(pipeline),
        ),
        ports={"origin": Port("127.0.0.1", 0, "CACHESCOPE_ORIGIN_PORT")},
        limits=Limits(starts=scenario.starts, log_bytes=1_000_000, log_files=1),
    )


def helper(pipeline: Pipeline, module: str, name: str, *needs: str, stop_s: float = 5.0) -> Service:
    """A service that only one scenario has; it reaches the queue past any proxy."""
    shared = options(pipeline, pipeline.queue.address())
    return Service(name, (module, *shared, "--name", name), name, "", needs, stop_s=stop_s)


def options(pipeline: Pipeline, address: str) -> tuple[str, ...]:
    """What a process of a pipeline is told of its folder and its queue."""
    return (
        "--folder", str(pipeline.folder), "--backend", pipeline.queue.name,
        "--home", str(pipeline.queue.folder), "--address", address,
        "--queue", pipeline.queue_name,
    )  # fmt: skip
