"""Where the computing of a job is done: in the job's own process, or on a Ray cluster.

The job's process stays the one that reads traces, writes progress and curves into the store, and
registers models; what an executor is handed is data, and what it hands back is data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.registry import resolve

if TYPE_CHECKING:
    from engine.execution.base import Executor
    from engine.settings import Settings

EXECUTORS: dict[str, str] = {
    "local": "engine.execution.local:LocalExecutor",
    "ray": "engine.execution.cluster:RayExecutor",
}
"""Name -> where orders are carried out; `RAY_ADDRESS` chooses the second."""

WORK: dict[str, str] = {
    "train": "engine.execution.work:train",
    "evaluate": "engine.execution.work:evaluate",
    "curves": "engine.execution.work:curves",
}
"""Kind of work -> the function `work(order, listener) -> Outcome`: arrays in, figures out."""


def executor_of(settings: Settings) -> Executor:
    """The executor that the settings name.

    Raises:
        SettingsError: a cluster is named and Ray is not installed.
    """
    name = "ray" if settings.ray_address else "local"
    made: Executor = resolve(EXECUTORS, name, "executor")(settings)
    return made
