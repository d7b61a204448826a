"""Resilience tests: list, run here or as a job, look at what they found, compare two runs."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Engine

from db import resilience_rows
from db.migrations import migrate
from db.queries import resilience as kept
from engine.actions.job_rows import start_job
from engine.actions.store import audited, given, storing
from engine.errors import ResilienceError, StoreError, UnknownName
from engine.registry import require
from engine.settings import Settings

SILENT_S = 30.0
"""A run that goes on is written twice a second; its runner is gone after such a silence."""


def root_of(settings: Settings) -> Path:
    """The folder of all runs."""
    return settings.data_path / "resilience"


def scenarios() -> list[dict[str, Any]]:
    """Every scenario with its parameters."""
    from engine.resilience import SCENARIOS
    from engine.resilience.running import scenario_of

    found = []
    for name in SCENARIOS:
        scenario = scenario_of(name)
        rows = [msgspec.to_builtins(row) for row in scenario.parameters]
        told: dict[str, Any] = {"name": name, "title": scenario.title}
        told |= {"question": scenario.question, "live": scenario.on_live}
        found.append({**told, "checkers": list(scenario.checkers), "parameters": rows})
    return found


def start_tests(
    names: Sequence[str],
    params: Mapping[str, Any] | None = None,
    *,
    quick: bool = False,
    backend: str = "",
    scope: str = "copy",
    confirm: str = "",
    who: str = "terminal",
    settings: Settings | None = None,
) -> str:
    """Start scenarios (none named: all) as a job of the running engine; returns its id.

    Raises:
        UnknownName, ResilienceError: something cannot be run as asked.
        ControlError: no engine runs.
    """
    check_tests(names, params or {}, quick=quick, backend=backend, scope=scope, confirm=confirm)
    wanted = {"scenarios": list(names), "quick": quick, "params": dict(params or {}), "who": who,
              "backend": backend, "scope": scope, "confirm": confirm}  # fmt: skip
    return start_job("resilience", wanted, who, settings)


def check_tests(
    names: Sequence[str],
    params: Mapping[str, Any],
    *,
    quick: bool,
    backend: str = "",
    scope: str = "copy",
    confirm: str = "",
) -> list[str]:
    """The scenarios to run; of the live scope those that it allows.

    Raises:
        UnknownName: there is none of that name, or no such queue backend.
        ResilienceError: parameters for several scenarios, an unknown one, or one out of range; or
            a scope that is unknown, not confirmed, or not allowed.
    """
    from engine.resilience.job import check_live, wanted
    from engine.resilience.keeping import numbers
    from engine.resilience.queues import QUEUES
    from engine.resilience.running import scenario_of

    live = scope == "live"
    found = wanted(names, live=live)
    if backend:
        require(QUEUES, backend, "queue backend")
    if backend and live:
        raise ResilienceError("The live engine has its queue already; leave out the backend.")
    for name in found:
        scenario_of(name).check_scope(live=live)
    check_live(scope, confirm)
    if params and len(found) != 1:
        raise ResilienceError("Parameters belong to one scenario; name exactly one.")
    if params:
        scenario_of(found[0]).values(numbers(params), quick=quick)
    return found


def run_tests(
    names: Sequence[str],
    params: Mapping[str, Any],
    *,
    quick: bool,
    backend: str = "",
    scope: str = "copy",
    confirm: str = "",
    who: str = "terminal",
    settings: Settings | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    tell: Callable[[str, str], None] = lambda _name, _words: None,
) -> list[dict[str, Any]]:
    """Run scenarios here, one after the other; a store that is away hinders nothing.

    `backend` is that of the private queue (empty: as the settings say), `scope` what is harmed.

    Raises:
        UnknownName, ResilienceError: something cannot be run as asked.
    """
    from engine.resilience.keeping import numbers, run_kept

    known = given(settings)
    found = check_tests(names, params, quick=quick, backend=backend, scope=scope, confirm=confirm)
    asked = {"scenarios": found, "quick": quick, "params": dict(params), "scope": scope}
    outcomes: list[dict[str, Any]] = []
    with audited(known, who, "resilience", asked):
        store = _reachable(known)
        for name in found:
            outcome = run_kept(
                name,
                numbers(params),
                quick=quick,
                backend=backend or known.queue_backend,
                live=known if scope == "live" else None,
                root=root_of(known),
                store=store,
                who=who,
                cancelled=cancelled,
                tell=lambda words, name=name: tell(name, words),  # type: ignore[misc]
            )
            outcomes.append(msgspec.to_builtins(outcome))
    return outcomes


def runs(limit: int = 100, settings: Settings | None = None) -> list[dict[str, Any]]:
    """The newest runs, newest first, without their curves."""
    with storing(given(settings)) as store:
        return [_standing(row) for row in kept.runs(store, limit)]


def run(id_: str, settings: Settings | None = None) -> dict[str, Any]:
    """One run with findings and curves.

    Raises:
        UnknownName: there is none.
    """
    with storing(given(settings)) as store:
        found = kept.one(store, id_)
    if found is None:
        raise UnknownName(f"There is no run {id_!r}; see `python -m engine resilience runs`.")
    return _standing(found)


def compare_runs(first: str, second: str, settings: Settings | None = None) -> list[dict[str, Any]]:
    """What differs between two runs: parameters, verdicts of checkers, figures.

    Raises:
        UnknownName: one of them does not exist.
    """
    known = given(settings)
    one, other = (_flat(run(id_, known)) for id_ in (first, second))
    names = [*one, *(name for name in other if name not in one)]
    return [
        {"what": name, "first": one.get(name), "second": other.get(name)}
        for name in names
        if one.get(name) != other.get(name)
    ]


def report(id_: str, settings: Settings | None = None) -> str:
    """A run's report as HTML, whole at any time.

    Raises:
        UnknownName: there is no such run.
    """
    from engine.resilience.report import render

    return render(run(id_, settings))


def remove_run(id_: str, who: str = "terminal", settings: Settings | None = None) -> None:
    """Forget a run with its history.

    Raises:
        UnknownName: there is none.
        ResilienceError: it is still running.
    """
    known = given(settings)
    with audited(known, who, "remove resilience run", {"id": id_}):
        row = run(id_, known)
        if row["state"] == "running":
            raise ResilienceError(f"The run {id_} is not over; abort it first.")
        with storing(known) as store:
            resilience_rows.remove_run(store, id_)
        shutil.rmtree(root_of(known) / str(row["id"]), ignore_errors=True)


def _standing(row: Mapping[str, Any]) -> dict[str, Any]:
    """A run's row; one whose runner fell silent is broken, whatever it last said."""
    told = dict(row)
    if told["state"] == "running" and time.time() > told["began_at"] + told["seconds"] + SILENT_S:
        told |= {"state": "broken", "verdict": "unknown", "note": _SILENT}
    return told


_SILENT = "The process that ran this test ended without a word; what it had broken ended with it."


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    names = ("scenario", "state", "verdict", "quick", "backend", "scope")
    found = {name: row[name] for name in names}
    found |= {f"parameter {name}": value for name, value in row["params"].items()}
    found |= {f"check {one['checker']}": one["verdict"] for one in row["findings"]}
    return found | dict(row["figures"])


def _reachable(settings: Settings) -> Engine | None:
    with contextlib.suppress(StoreError), storing(settings) as store:
        migrate(store)
        return store
    return None
