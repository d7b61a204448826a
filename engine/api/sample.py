"""The endpoints of synthetic history and traffic."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, status
from pydantic import Field

from engine.actions import sample_traffic
from engine.api.routes import WHO, Body, Here, Json

router = APIRouter()

Workload = Literal["zipf", "daily", "bursts", "shift", "scan"]


class NewHistory(Body):
    """A history to write; `sure` is needed where an own source is followed."""

    rows: Annotated[int, Field(ge=1, le=10_000_000)] = 20_000
    workload: Workload = "daily"
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    sure: bool = False


class NewSimulation(Body):
    """Requests to send to an API on this machine; default: the sample origin."""

    api_url: Annotated[str, Field(max_length=200)] = ""
    n: Annotated[int, Field(ge=1, le=10_000_000)] = 1000
    rate: Annotated[float, Field(gt=0, le=2000)] = 50
    workload: Workload = "daily"
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    sure: bool = False


@router.post("/db/seed", status_code=status.HTTP_202_ACCEPTED)
def post_seed(settings: Here, wanted: NewHistory) -> Json:
    """Write the sample tables and a history of requests; returns the job's id."""
    params = wanted.model_dump(exclude={"sure"})
    return {"id": sample_traffic.seed(params, wanted.sure, WHO, settings)}


@router.post("/simulation/start", status_code=status.HTTP_202_ACCEPTED)
def post_start(settings: Here, wanted: NewSimulation) -> Json:
    """Send real HTTP requests; returns the job's id."""
    params = wanted.model_dump(exclude={"sure"})
    return {"id": sample_traffic.start_simulation(params, wanted.sure, WHO, settings)}


@router.post("/simulation/stop", status_code=status.HTTP_202_ACCEPTED)
def post_stop(settings: Here) -> Json:
    """Ask every simulation to end; returns the ids of those asked."""
    return {"stopped": sample_traffic.stop_simulation(WHO, settings)}


@router.get("/simulation/status")
def get_simulation(settings: Here) -> Json:
    """The simulations that run, and the state of the sample's own traffic."""
    return sample_traffic.simulation(settings)
