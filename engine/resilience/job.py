"""The job "resilience": one scenario or all, one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.actions.resilience import root_of
from engine.errors import ResilienceError
from engine.jobs import JobHandle
from engine.registry import require
from engine.resilience import SCENARIOS
from engine.resilience.base import LIVE_WORD, SCOPES
from engine.resilience.keeping import numbers, run_kept
from engine.resilience.patience import Aborted
from engine.resilience.running import scenario_of
from engine.settings import load_settings

STEPS = 6
"""How often a run says what it does now."""


def resilience_job(params: Mapping[str, Any], job: JobHandle) -> dict[str, Any]:
    """Run scenarios.

    `params`: scenarios (names; none: all), quick, params (of each), backend, scope, confirm.

    Raises:
        ResilienceError, UnknownName: something cannot be run as asked.
    """
    settings = load_settings()
    scope = str(params.get("scope") or "copy")
    check_live(scope, str(params.get("confirm", "")))
    names = wanted(params.get("scenarios") or [], live=scope == "live")
    quick, given = bool(params.get("quick")), numbers(params.get("params") or {})
    verdicts: dict[str, str] = {}
    for number, name in enumerate(names):
        said = iter(range(STEPS))

        def tell(
            words: str, number: int = number, name: str = name, said: Iterator[int] = said
        ) -> None:
            share = (number + next(said, STEPS - 1) / STEPS) / len(names)
            job.progress(share, f"{name}: {words}")

        try:
            outcome = run_kept(
                name,
                given,
                quick=quick,
                backend=str(params.get("backend") or settings.queue_backend),
                live=settings if scope == "live" else None,
                root=root_of(settings),
                store=job.store,
                who=str(params.get("who", "")),
                job=job.id,
                cancelled=lambda: job.cancelled,
                tell=tell,
            )
        except Aborted:
            break
        verdicts[name] = str(outcome.verdict)
    return {"verdicts": verdicts, "note": summary(verdicts)}


def wanted(names: Sequence[str], *, live: bool = False) -> list[str]:
    """The scenarios to run; none named: all, of the live scope all that it allows.

    Raises:
        UnknownName: there is none of that name.
    """
    if isinstance(names, str):
        raise ResilienceError(f"scenarios is {names!r}; give a list of names.")
    for name in names:
        require(SCENARIOS, name, "scenario")
    return list(names) or [name for name in SCENARIOS if not live or scenario_of(name).on_live]


def check_live(scope: str, confirm: str) -> None:
    """See that the live engine is harmed only on purpose.

    Raises:
        ResilienceError: an unknown scope, or the word that confirms the live one is missing.
    """
    if scope not in SCOPES:
        raise ResilienceError(f"The scope is {scope!r}; give {' or '.join(SCOPES)}.")
    if scope == "live" and confirm != LIVE_WORD:
        raise ResilienceError(
            f"On the live engine users see what breaks; confirm it with the word {LIVE_WORD!r}, "
            "or run it on a private copy."
        )


def summary(verdicts: Mapping[str, str]) -> str:
    """How many passed, and which did not."""
    passed = sum(verdict == "pass" for verdict in verdicts.values())
    others = ", ".join(f"{name}: {v}" for name, v in verdicts.items() if v != "pass")
    return f"{passed} of {len(verdicts)} passed" + (f"; {others}" if others else "")
