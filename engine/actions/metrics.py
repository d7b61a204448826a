"""The state of the engine in the words of Prometheus; what does not answer is left out."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from db.queries import traffic
from engine.actions.queue import queue_status
from engine.actions.services import status
from engine.actions.store import storing
from engine.errors import EngineError
from engine.settings import Settings
from engine.sources import active_source

if TYPE_CHECKING:
    from prometheus_client import Metric

WINDOW_S = 60
"""The requests of so many seconds make the shares and rates."""

QUEUE = ("accepted", "handed_out", "acknowledged", "overwritten", "expired")
"""The totals of the queue that are told."""


class Exposition:
    """A collector for prometheus_client that asks everything afresh with each scrape."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def collect(self) -> Iterator[Metric]:
        """Everything that answers now."""
        from prometheus_client.core import GaugeMetricFamily

        for part in (self._services, self._queue, self._requests):
            name, answers = part.__name__.strip("_"), 1.0
            try:
                yield from part()
            except EngineError:
                answers = 0.0
            up = GaugeMetricFamily("cachescope_up", "Whether a part answers.", labels=["part"])
            up.add_metric([name], answers)
            yield up

    def _services(self) -> Iterator[Metric]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        found = status(self._settings)
        running = GaugeMetricFamily(
            "cachescope_service_running", "1 while it runs.", labels=["service"]
        )
        restarts = CounterMetricFamily(
            "cachescope_service_restarts", "Restarts since the engine began.", labels=["service"]
        )
        for service in found["services"]:
            running.add_metric([service["name"]], float(service["state"] == "running"))
            restarts.add_metric([service["name"]], float(service.get("restarts", 0)))
        yield running
        yield restarts
        yield GaugeMetricFamily("cachescope_jobs", "Jobs that run now.", value=len(found["jobs"]))

    def _queue(self) -> Iterator[Metric]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        found = queue_status(settings=self._settings)
        for name in QUEUE:
            yield CounterMetricFamily(
                f"cachescope_queue_{name}", f"Predictions {name}.", value=found[name]
            )
        yield GaugeMetricFamily(
            "cachescope_queue_depth", "Queued and leased.", value=found["depth"]
        )

    def _requests(self) -> Iterator[Metric]:
        from prometheus_client.core import GaugeMetricFamily

        now = time.time()
        with storing(self._settings) as store:
            source = active_source(self._settings, store)
            rows = traffic.totals(store, source.id, now - WINDOW_S, now, width=1)
        requests = sum(row["requests"] for row in rows)
        hits = sum(row["hits"] for row in rows)
        for name, told, value in (
            ("requests_per_second", "Requests recorded.", requests / WINDOW_S),
            ("hit_ratio", "Share of hits.", hits / requests if requests else 0.0),
            ("saved_seconds", "Load time saved.", sum(row["saved_ms"] for row in rows) / 1000),
        ):
            yield GaugeMetricFamily(
                f"cachescope_{name}", f"{told[:-1]}, last {WINDOW_S} s.", value=value
            )


def exposition(settings: Settings) -> bytes:
    """The text that Prometheus scrapes."""
    from prometheus_client import CollectorRegistry, generate_latest

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Exposition(settings))
    return generate_latest(registry)
