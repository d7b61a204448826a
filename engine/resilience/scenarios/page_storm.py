"""Many viewers of a real dashboard, who open pages, look at them and leave, sometimes at once."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from db.migrations import migrate
from db.session import open_store
from engine.resilience.base import COMMON, Parameter, Phases, Scenario, Untestable, Values
from engine.resilience.common import AFTER, BEFORE, RATE, around
from engine.resilience.facts import Facts, percentile
from engine.resilience.faults import dashboard
from engine.resilience.history import read_all
from engine.resilience.pipeline import Pipeline
from engine.resilience.planning import helper, store_url
from engine.resilience.stored import look_at_rows, recorder
from engine.resilience.storming import Storm, Stormed, answer_file, read_answer, wish_file, write
from engine.resilience.sweeping import handles
from engine.services import Service

PAGE_S = 0.5
"""Seconds that a page may take for each viewer: they all wait for one process."""

LEAST_S = 2.5
DELAY_S = 0.1
"""How late predictions may be during the storm, p95: as late as a steady pipeline's."""

ANSWERED = 0.99
SPARE_THREADS = 3
"""Threads that the queue's server may have more than before, of whoever connects just then."""

SPARE_HANDLES = 64
"""Handles that the dashboard may keep: a pool of 15 connections to its store with three files each,
and some to queue and supervisor."""

SPARE_SHARE = 0.5
"""Handles for each page opened that it may keep besides: the event loop of a session that ended
waits for the garbage collector. Whatever kept one for each page would have more."""

SETTLE_S = 6.0
"""How soon after its last viewer the dashboard has forgotten them: it looks now and then."""

SLACK_S = 5.0


class PageStorm(Scenario):
    """Starts a real dashboard on the copy, and viewers who hammer its pages."""

    title = "Page storm"
    question = (
        "Do many viewers of the dashboard slow the pipeline, lose rows, or leave anything behind?"
    )
    parameters = (
        RATE,
        Parameter("viewers", 12, 3, 1, 50, "", "people who open one page after the other"),
        Parameter("storm_s", 15, 2.0, 1, 20, "s", "how long they open pages"),
        BEFORE,
        AFTER,
    )
    checkers = (*(name for name in COMMON if name != "recovery"), "rows", "proofs")
    ready_s = 90.0

    def services(self, pipeline: Pipeline) -> tuple[Service, ...]:
        """The dashboard, its viewers, and a recorder on the store that pages read.

        Raises:
            Untestable: there is no dashboard here.
        """
        if why := dashboard.missing():
            raise Untestable(f"{why} Run this test where the dashboard runs.")
        store = open_store(store_url(pipeline))
        migrate(store)
        store.dispose()
        return (
            recorder(pipeline, store_url(pipeline)),
            helper(pipeline, "engine.resilience.faults.dashboard", "dashboard", "queue"),
            helper(pipeline, "dashboard.storm", "viewers", "dashboard"),
        )

    def load(self, values: Values) -> Phases:
        """A steady rate throughout."""
        return around(values, values["storm_s"] + patience_s(values))

    def harm(self, pipeline: Pipeline, values: Values) -> None:
        """Let the viewers come, and wait until the last one has gone."""
        place = dashboard.shown(pipeline.folder)
        pipeline.pids[place.pid] = "dashboard"
        queue = pipeline.victim("queue")
        threads, kept = threads_of(queue), handles(place.pid).total()
        seconds, grace_s = values["storm_s"], patience_s(values)
        with pipeline.fault("viewers open, look at and leave pages"):
            write(
                wish_file(pipeline.folder),
                Storm(place.url, dashboard.pages(), int(values["viewers"]), seconds, grace_s),
            )
            pipeline.wait_until(
                answer_file(pipeline.folder).exists, seconds + grace_s + SLACK_S, "the viewers"
            )
        came = read_answer(pipeline.folder) or Stormed()
        pipeline.note(told(came))
        took = sorted(came.took_s)
        pipeline.prove("share of pages refused or cut off", 1 - came.answered_share, 1 - ANSWERED)
        pipeline.prove("pages that showed an error of their own", len(came.broken), 0)
        pipeline.prove("seconds to a page, p95", percentile(took, 0.95), grace_s)
        self._settle(pipeline, place.port, queue, threads)
        more = handles(place.pid).total() - kept
        spare = SPARE_HANDLES + round(SPARE_SHARE * came.opened)
        pipeline.prove("handles more in the dashboard", more, spare)

    def look_back(self, pipeline: Pipeline, values: Values) -> None:
        """How late predictions were during the storm, who fell, and which rows are stored."""
        _ = values
        restarts = sum(service["restarts"] for service in pipeline.status())
        pipeline.prove("processes replaced", restarts, 0)
        facts = Facts(read_all(pipeline.folder / "history"), {})
        storm = facts.phase("fault")
        if storm is not None:
            late_s = percentile(facts.delays_ms(*storm), 0.95) / 1000
            pipeline.prove("seconds that a prediction waited, p95", late_s, DELAY_S)
        look_at_rows(pipeline)

    @staticmethod
    def _settle(pipeline: Pipeline, port: int, queue: int, threads: int) -> None:
        held = 0
        end = time.monotonic() + SETTLE_S
        while True:
            with contextlib.suppress(OSError):
                held = dashboard.sessions(port)
            more = threads_of(queue) - threads
            if (held == 0 and more <= SPARE_THREADS) or time.monotonic() > end:
                break
            pipeline.wait(0.1)
        pipeline.prove("sessions left in the dashboard", held, 0)
        pipeline.prove("threads left in the queue's server", more, SPARE_THREADS)


def patience_s(values: Values) -> float:
    """How long a page may take with so many viewers."""
    return max(LEAST_S, PAGE_S * values["viewers"])


def told(came: Stormed) -> str:
    """The storm in a sentence."""
    words = (
        f"{len(came.took_s) - len(came.late)} pages drawn, {len(came.late)} waited for in vain, "
        f"{came.left} left before, {len(came.unanswered)} refused or cut off"
    )
    return words + "".join(f"; {one}" for one in (*came.unanswered, *came.broken)[:3])


def threads_of(pid: int) -> int:
    """How many threads a process has.

    Raises:
        Untestable: this system does not tell.
    """
    try:
        return len(list(Path(f"/proc/{pid}/task").iterdir()))
    except OSError:
        raise Untestable("This machine does not tell a process's threads.") from None
