"""The database server is killed while rows are written: none is lost, none doubled."""

from __future__ import annotations

import os
import signal
import subprocess

from engine.resilience.base import COMMON, Parameter, Phases, Scenario, Untestable, Values
from engine.resilience.common import AFTER, BEFORE, RATE, around
from engine.resilience.faults import database
from engine.resilience.pipeline import Pipeline
from engine.resilience.planning import helper
from engine.resilience.stored import look_at_rows, recorder
from engine.services import Service

NAME = "resilience"


class DatabaseKilled(Scenario):
    """Kills a MariaDB server that was started for this test alone."""

    title = "Database killed"
    question = "Is every metric row stored once although the database server dies under the writer?"
    parameters = (
        RATE,
        Parameter("kills", 2, 1, 1, 5, "times", "how often it is killed"),
        Parameter("pause_s", 4, 1.5, 1.5, 12, "s", "time between the kills"),
        BEFORE,
        AFTER,
    )
    checkers = (*COMMON, "rows")

    def services(self, pipeline: Pipeline) -> tuple[Service, ...]:
        """A server in the run's folder and a recorder that writes to it.

        Raises:
            Untestable: this machine has no MariaDB server to start.
        """
        if database.binaries() is None:
            raise Untestable(
                "This machine has no mariadbd to start, and a database that the test did not "
                "start is never killed; install MariaDB's server to run this test."
            )
        try:
            database.install(pipeline.folder)
        except (OSError, subprocess.CalledProcessError) as error:
            raise Untestable(f"A private MariaDB server cannot be made here ({error}).") from None
        where = database.socket_of(pipeline.folder)
        url = f"mysql+pymysql://root@localhost/{NAME}?unix_socket={where}"
        database.data_of(pipeline.folder).joinpath(NAME).mkdir()
        server = helper(pipeline, "engine.resilience.faults.database", "database", stop_s=8.0)
        return (server, recorder(pipeline, url, "database"))

    def load(self, values: Values) -> Phases:
        """A steady rate throughout."""
        return around(values, values["kills"] * values["pause_s"])

    def harm(self, pipeline: Pipeline, values: Values) -> None:
        """Kill the server with its whole process group."""
        for _ in range(int(values["kills"])):
            os.killpg(pipeline.pid("database"), signal.SIGKILL)
            pipeline.struck("database killed")
            pipeline.wait(values["pause_s"])

    def look_back(self, pipeline: Pipeline, values: Values) -> None:
        """Note the rows that are stored."""
        _ = values
        look_at_rows(pipeline)
