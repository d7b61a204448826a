"""The real forecaster is killed in a private engine: predictions and decisions go on."""

from __future__ import annotations

import time

from sqlalchemy import Engine, func, select

from db import writes
from db.migrations import migrate
from db.session import open_store, reading
from db.tables import decisions, predictions
from engine.resilience.base import COMMON, Parameter, Phases, Scenario, Values
from engine.resilience.common import AFTER, BEFORE, around
from engine.resilience.pipeline import Pipeline
from engine.resilience.planning import store_url
from engine.services import SERVICES, Service

REAL = ("collector", "origin", "forecaster", "agent", "traffic")
INTERVAL_S = 2
FIRST_S = 60.0
BACK_S = 15.0
LASTS_S = 2.0


class ForecasterKilled(Scenario):
    """Runs the sample with its real services, kills the forecaster, and waits for its return."""

    title = "Forecaster killed"
    question = "Do predictions and decisions go on after the forecaster was killed, none twice?"
    on_live = True
    parameters = (
        Parameter("rate", 100, 100, 10, 1000, "/s", "records on a queue beside the live one"),
        Parameter("kills", 2, 1, 1, 3, "times", "how often it is killed"),
        BEFORE,
        AFTER,
    )
    checkers = (*(name for name in COMMON if name not in {"recovery", "settled"}), "proofs")
    queue = "beside"

    def services(self, pipeline: Pipeline) -> tuple[Service, ...]:
        """The services of the sample, on a store of their own that makes rounds quickly."""
        if pipeline.live:
            return ()
        store = open_store(store_url(pipeline))
        migrate(store)
        writes.set_tunable(store, "forecast.interval_s", INTERVAL_S, "resilience")
        store.dispose()
        return tuple(SERVICES[name] for name in REAL)

    def load(self, values: Values) -> Phases:
        """A steady rate on the second queue."""
        return around(values, LASTS_S)

    def harm(self, pipeline: Pipeline, values: Values) -> None:
        """Wait for predictions, kill, wait for the next ones and for a decision on them.

        The live engine makes its rounds when it does: there its return is all that is waited for.
        """
        if pipeline.live:
            for _ in range(int(values["kills"])):
                pipeline.kill("forecaster")
                pipeline.wait(LASTS_S)
            return
        store = open_store(store_url(pipeline))
        try:
            for _ in range(int(values["kills"])):
                begun = time.time()
                wait = FIRST_S
                pipeline.wait_until(lambda at=begun: _newest(store) > at, wait, "predictions")  # type: ignore[misc]
                pipeline.kill("forecaster")
                killed = time.time()
                pipeline.wait_until(
                    lambda at=killed: _newest(store) > at,  # type: ignore[misc]
                    BACK_S * 2,
                    "predictions after the kill",
                )
                pipeline.prove("seconds to the next predictions", time.time() - killed, BACK_S)
                pipeline.wait_until(
                    lambda at=killed: _decided(store) > at,  # type: ignore[misc]
                    BACK_S,
                    "a decision after the kill",
                )
        finally:
            store.dispose()

    def look_back(self, pipeline: Pipeline, values: Values) -> None:
        """No prediction was decided on twice, none that was never made, no other service fell."""
        _ = values
        if pipeline.live:
            return
        others = [s for s in pipeline.status() if s["name"] != "forecaster"]
        pipeline.prove("restarts of the others", sum(s["restarts"] for s in others), 0)
        pipeline.stop("forecaster")
        store = open_store(store_url(pipeline))
        with reading(store) as connection:
            made = set(connection.execute(select(predictions.c.id)).scalars())
            decided = list(connection.execute(select(decisions.c.prediction_id)).scalars())
        store.dispose()
        pipeline.prove("decided twice", len(decided) - len(set(decided)), 0)
        pipeline.prove("decided and never predicted", len(set(decided) - made), 0)


def _newest(store: Engine) -> float:
    with reading(store) as connection:
        return float(connection.execute(select(func.max(predictions.c.at))).scalar() or 0.0)


def _decided(store: Engine) -> float:
    with reading(store) as connection:
        return float(connection.execute(select(func.max(decisions.c.at))).scalar() or 0.0)
