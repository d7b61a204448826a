"""The endpoints of the resilience tests: list, run, get."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, status
from fastapi.responses import HTMLResponse
from pydantic import Field

from engine.actions import resilience as act
from engine.api.routes import WHO, Body, Here, Json, Limit

router = APIRouter(prefix="/resilience")

Run = Annotated[str, Path(max_length=60)]


class NewTests(Body):
    """Scenarios to run; none named: all. The live scope asks for a word that confirms it."""

    scenarios: list[str] = Field(default_factory=list)
    quick: bool = False
    params: dict[str, float] = Field(default_factory=dict)
    backend: str = ""
    scope: str = "copy"
    confirm: str = ""


@router.get("")
def get_scenarios() -> list[Json]:
    """Every scenario with its parameters and their ranges."""
    return act.scenarios()


@router.post("/run", status_code=status.HTTP_202_ACCEPTED)
def post_run(settings: Here, wanted: NewTests) -> Json:
    """Run scenarios on a private copy of the pipeline or the live one; returns the job's id."""
    found = act.start_tests(
        wanted.scenarios, wanted.params, quick=wanted.quick, backend=wanted.backend,
        scope=wanted.scope, confirm=wanted.confirm, who=WHO, settings=settings,
    )  # fmt: skip
    return {"id": found}


@router.get("/runs")
def get_runs(settings: Here, limit: Limit = 100) -> list[Json]:
    """The newest runs, newest first."""
    return act.runs(limit, settings)


@router.get("/runs/{run}")
def get_run(settings: Here, run: Run) -> Json:
    """One run: verdict, evidence, thresholds, curves."""
    return act.run(run, settings)


@router.get("/runs/{run}/report", response_class=HTMLResponse)
def get_report(settings: Here, run: Run) -> str:
    """One run as an HTML page."""
    return act.report(run, settings)


@router.delete("/runs/{run}")
def delete_run(settings: Here, run: Run) -> Json:
    """Forget a run that is over."""
    act.remove_run(run, WHO, settings)
    return {"removed": run}
