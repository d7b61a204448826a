"""Keeps a run in the store and as a report, from its first second to its end."""

from __future__ import annotations

import contextlib
import logging
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from db import resilience_rows
from db.faults import StoreUnavailable
from engine.errors import ResilienceError
from engine.registry import require
from engine.resilience.base import scope_of
from engine.resilience.findings import Verdict
from engine.resilience.patience import Aborted
from engine.resilience.queues import QUEUES
from engine.resilience.report import write_report
from engine.resilience.running import Outcome, run_scenario, scenario_of
from engine.resilience.timeline import Timeline, summed
from engine.settings import Settings

log = logging.getLogger(__name__)

EVERY_S = 0.5
FOLDERS = 50
"""Histories of how many runs are kept."""

Told = Callable[[str], None]


def new_id(scenario: str) -> str:
    """An id that sorts by time and says what was run."""
    return f"{time.strftime('%Y%m%d-%H%M%S')}-{scenario}-{secrets.token_hex(2)}"


def run_kept(
    scenario: str,
    given: Mapping[str, float],
    *,
    quick: bool,
    root: Path,
    store: Engine | None,
    who: str,
    backend: str = "manager",
    live: Settings | None = None,
    job: str = "",
    cancelled: Callable[[], bool] = lambda: False,
    tell: Told = lambda _words: None,
) -> Outcome:
    """Run a scenario and keep it; `root` is the folder of all runs, `store` may be missing.

    `backend` is that of a private pipeline's queue; `live` are the settings of an engine to harm
    instead of a private copy.

    Raises:
        UnknownName, ResilienceError: it cannot be run as asked; nothing is kept.
        Aborted: a person asked to end; what was seen is kept.
    """
    values = scenario_of(scenario).values(given, quick=quick)
    _thin(root)
    require(QUEUES, backend, "queue backend")
    scenario_of(scenario).check_scope(live=live is not None)
    kept = Kept(
        root / new_id(scenario), store, scenario, values, quick=quick, who=who, job=job,
        backend=backend if live is None else live.queue_backend, scope=scope_of(live is not None),
    )  # fmt: skip
    try:
        outcome = run_scenario(
            scenario, kept.folder, given, quick=quick, backend=backend, live=live,
            cancelled=cancelled, tell=tell,
        )  # fmt: skip
    except Aborted as error:
        kept.close("aborted", note=str(error))
        raise
    except BaseException as error:
        kept.close("broken", note=f"{type(error).__name__}: {error}"[:400])
        raise
    kept.close("done", outcome)
    return outcome


class Kept:
    """A run's row and report, brought up to date twice a second by a thread of its own."""

    def __init__(
        self,
        folder: Path,
        store: Engine | None,
        scenario: str,
        values: Mapping[str, float],
        *,
        quick: bool,
        who: str,
        job: str = "",
        backend: str = "manager",
        scope: str = "copy",
    ) -> None:
        self.folder = folder
        self._store = store
        self._timeline = Timeline(folder / "history")
        self._begun = time.monotonic()
        self._over = threading.Event()
        self.row: dict[str, Any] = {
            "id": folder.name,
            "scenario": scenario,
            "state": "running",
            "verdict": "",
            "quick": quick,
            "backend": backend,
            "scope": scope,
            "params": dict(values),
            "findings": [],
            "timeline": self._timeline.told(),
            "figures": {},
            "note": "",
            "job": job,
            "who": who,
            "began_at": time.time(),
            "seconds": 0.0,
        }
        folder.mkdir(parents=True, exist_ok=True)
        self._save(lambda opened: resilience_rows.add_run(opened, self.row))
        write_report(folder, self.row)
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def close(self, state: str, outcome: Outcome | None = None, note: str = "") -> None:
        """Write the end."""
        self._over.set()
        self._thread.join()
        found = outcome.findings if outcome else []
        self._renew(
            state=state,
            verdict=str(outcome.verdict if outcome else Verdict.UNKNOWN),
            findings=[msgspec.to_builtins(one) for one in found],
            note=(outcome.note if outcome else note)[:400],
        )

    def _follow(self) -> None:
        while not self._over.wait(EVERY_S):
            self._renew()

    def _renew(self, **columns: Any) -> None:  # noqa: ANN401
        self._timeline.follow()
        told = self._timeline.told()
        columns |= {
            "timeline": told,
            "figures": summed(told),
            "seconds": round(time.monotonic() - self._begun, 2),
        }
        self.row |= columns
        self._save(lambda opened: resilience_rows.update_run(opened, self.row["id"], **columns))
        with contextlib.suppress(OSError):
            write_report(self.folder, self.row)

    def _save(self, write: Callable[[Engine], None]) -> None:
        if self._store is None:
            return
        try:
            write(self._store)
        except (SQLAlchemyError, StoreUnavailable) as error:
            log.warning("the run could not be written: %s", error)


def _thin(root: Path) -> None:
    """Remove the oldest folders; the newest FOLDERS stay."""
    if root.is_dir():
        for old in sorted(path for path in root.iterdir() if path.is_dir())[:-FOLDERS]:
            shutil.rmtree(old, ignore_errors=True)


def numbers(params: Mapping[str, Any]) -> dict[str, float]:
    """Parameters as numbers.

    Raises:
        ResilienceError: one is none.
    """
    found: dict[str, float] = {}
    for name, value in params.items():
        try:
            found[name] = float(value)
        except (TypeError, ValueError):
            raise ResilienceError(f"{name} is {value!r}; give a number.") from None
    return found
