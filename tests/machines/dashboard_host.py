"""What a person does on the dashboard of another machine, as the pages do it; prints JSON."""

from __future__ import annotations

import json
import sys
import time

from streamlit.testing.v1 import AppTest

from dashboard import client
from db.queries import pages
from engine import actions
from engine.actions.store import storing
from engine.settings import ROOT, load_settings


def main() -> None:
    """Look at services and pages, restart a service, run a job, read a log."""
    running = client.engine()
    assert running is not None
    shown = AppTest.from_file(str(ROOT / "dashboard" / "main.py"), default_timeout=60).run()
    # As an operator: who opens a page is asked there, and this is no page.
    restarted = actions.restart_service("traffic", client.who())
    run = actions.start_job("seed", {"rows": 4000, "hours": 0.1, "workload": "zipf"}, client.who())
    deadline = time.monotonic() + 90
    while actions.job(run)["state"] in ("queued", "running") and time.monotonic() < deadline:
        time.sleep(0.2)
    with storing(load_settings()) as store:
        sources = pages.sources_frame(store)
        sample = int(sources.loc[sources["name"] == "sample", "id"].iloc[0])
        newest = pages.newest_rows_frame(store, sample, 5)
    told = json.dumps(
        {
            "host": running.facts["host"],
            "services": {one.name: one.state for one in running.services},
            "faults": [str(one.value) for one in shown.exception],
            "errors": [str(one.value) for one in shown.error],
            "restarted": [one["name"] for one in restarted["services"]],
            "job": actions.job(run)["state"],
            "owner": actions.job(run)["owner"],
            "requests": len(newest),
            "log": len(actions.tail_log("engine", 5)),
            "queue": actions.queue_status()["capacity"],
        }
    )
    sys.stdout.write(f"{told}\n")


if __name__ == "__main__":
    main()
