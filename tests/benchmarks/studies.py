"""Studies: `python -m tests.benchmarks.studies`.

Prints the overhead of a trial beside a default trial of one seed, two local workers beside one on
trainer trials, and how long the page takes with 2,500 runs beside 250. Ratios; each is measured
side by side in one process (or pair of processes), on stores of its own.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from db.migrations import migrate
from db.queries import studies as known
from db.session import open_store
from engine.actions.studies import create_study
from engine.settings import ROOT, Settings, load_settings
from engine.study.worker import Worker
from engine.supervision.jobs import ONE_THREAD
from engine.traces.trace import save
from engine.training.dqn import DQN
from mock.history import History, seed_history
from tests.dashboard.studied import fill
from tests.engine.training import generated

REPEATS = 5


def _settings(folder: Path) -> tuple[Settings, Engine]:
    url = f"sqlite:///{folder / 'store.sqlite3'}"
    settings = load_settings(DATABASE_URL=url, CACHESCOPE_DATA_DIR=str(folder))
    store = open_store(settings.database_url)
    migrate(store)
    return settings, store


def overhead(trials: int) -> None:
    """Everything of a trial but its runs: claim, sampler, storing, heartbeat, telling."""
    with tempfile.TemporaryDirectory() as name:
        settings, store = _settings(Path(name))
        seed_history(store, History(rows=36_000), lambda _: None)
        rates = [0.02 + 0.01 * place for place in range(trials)]
        fields: dict[str, Any] = {
            "name": "overhead",
            "vary": {"learning_rate": rates},
            "seeds": 1,
            "options": {"source": "seeded", "minutes": 20},
        }
        create_study(fields, "benchmark", settings)
        worker = Worker(settings, store, "overhead", lambda: False)
        worker._refer()  # the reference lines come once a study, and load the recording
        started = time.perf_counter()
        worker.work()
        whole = (time.perf_counter() - started) / trials
        run = statistics.fmean(r["seconds"] for r in known.all_objectives(store, "overhead"))
        store.dispose()
    share = (whole - run) / run
    print(f"a trial {whole:.3f} s, its run {run:.3f} s: overhead {share:.3f} of a default trial")


def workers(trials: int, timesteps: int) -> None:
    """Two local workers beside one on trainer trials, start-up of both included."""
    (one, work), (two, more) = (_trained(count, trials, timesteps) for count in (1, 2))
    print(
        f"{trials} trainer trials: one worker {one:.1f} s, two {two:.1f} s: {one / two:.2f} times "
        "as fast"
    )
    # What each worker does for itself, imports above all, bounds what two can gain.
    print(
        f"CPU time: one worker {work:.1f} s, two {more:.1f} s; with two idle cores at most "
        f"{2 * work / more:.2f} times as fast; load average {os.getloadavg()[0]:.1f}"
    )


def _trained(count: int, trials: int, timesteps: int) -> tuple[float, float]:
    """Seconds, and seconds of CPU time of all workers."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings, store = _settings(folder)
        save(generated.trace(name="made"), folder / "traces" / "made")
        rates = [1e-4 * (place + 1) for place in range(trials)]
        fields: dict[str, Any] = {
            "name": "train",
            "kind": "trainer",
            "vary": {"learning_rate": rates},
            "fixed": {"algorithm": "dqn", "timesteps": timesteps, "cache_size": "5%"},
            "seeds": 1,
            "options": {"trace": "made"},
        }
        create_study(fields, "benchmark", settings)
        environment = {
            **os.environ,
            **ONE_THREAD,
            "DATABASE_URL": settings.database_url.render_as_string(hide_password=False),
            "CACHESCOPE_DATA_DIR": name,
        }
        command = [sys.executable, "-m", "engine", "worker", "--study", "train", "--quiet"]
        before = _children_s()
        started = time.perf_counter()
        processes = [subprocess.Popen(command, cwd=ROOT, env=environment) for _ in range(count)]
        if any(process.wait() for process in processes):
            raise SystemExit("A worker failed.")
        took = time.perf_counter() - started
        worked = _children_s() - before
        done = [t["state"] for t in known.trials(store, "train")]
        if done != ["done"] * trials:
            raise SystemExit(f"Not all trials are done: {done}")
        store.dispose()
    return took, worked


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def page() -> None:
    """Drawing the page (the server's part) with 500 configurations of 5 seeds, beside 50."""
    from streamlit.testing.v1 import AppTest

    from dashboard import data
    from dashboard.parts import experiments_reads

    with tempfile.TemporaryDirectory() as name:
        settings, store = _settings(Path(name))
        for study, count in (("few", 10), ("many", 100)):
            rates = tuple(0.001 * (place + 1) for place in range(count))
            fill(store, study, seeds=5, rates=rates, discounts=(0.0, 0.1, 0.3, 0.6, 0.9))
        os.environ["DATABASE_URL"] = settings.database_url.render_as_string(hide_password=False)
        os.environ["CACHESCOPE_DATA_DIR"] = name
        took: dict[str, list[float]] = {"few": [], "many": []}
        for turn in range(REPEATS + 1):
            for study in took:
                experiments_reads.forget()
                data.tunables.clear()
                app = AppTest.from_file(str(ROOT / "dashboard" / "main.py"), default_timeout=60)
                app.query_params["study"] = study
                app.switch_page("views/experiments.py")
                started = time.perf_counter()
                app.run()
                if turn:  # the first one loads modules
                    took[study].append(time.perf_counter() - started)
                shown = len(app.dataframe[0].value)
                if app.exception or shown != {"few": 50, "many": 500}[study]:
                    raise SystemExit(f"{shown} rows were shown: {app.exception}")
        store.dispose()
    few, many = statistics.median(took["few"]), statistics.median(took["many"])
    print(f"page with 250 runs {few:.3f} s, with 2,500 {many:.3f} s: {many / few:.2f} times")


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=("overhead", "workers", "page"))
    parser.add_argument("--trials", type=int, default=8)
    parser.add_argument("--timesteps", type=int, default=DQN.timesteps)
    given = parser.parse_args()
    if given.only in (None, "overhead"):
        overhead(given.trials)
    if given.only in (None, "workers"):
        workers(given.trials, given.timesteps)
    if given.only in (None, "page"):
        page()


if __name__ == "__main__":
    main()
