"""The endpoints; each calls one action or one query."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, status
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, ConfigDict, Field

from db.queries import system
from engine import actions, control
from engine.actions.metrics import exposition
from engine.actions.store import audited, storing
from engine.errors import StoreError, UnknownName
from engine.settings import Settings

router = APIRouter()

WHO = "api"

EXPOSITION = "text/plain; version=0.0.4; charset=utf-8"
"""The form of Prometheus' text."""

Json = dict[str, Any]


def settings_of(request: Request) -> Settings:
    """The settings of the application that serves this request."""
    settings: Settings = request.app.state.settings
    return settings


Here = Annotated[Settings, Depends(settings_of)]
Limit = Annotated[int, Query(ge=1, le=1000)]


class Body(BaseModel):
    """A body: a field that does not exist is a mistake, never silence."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class NewValue(Body):
    """A tunable's new value."""

    value: float | int | bool | str = Field(union_mode="smart")


class NewJob(Body):
    """A job to start."""

    kind: str
    params: dict[str, Any] = {}


class Asked(Body):
    """The arguments of a verb of the supervisor: a service's name, or a job's id and kind."""

    name: str = ""
    id: str = ""
    kind: str = ""


@router.get("/health")
def health(settings: Here) -> Json:
    """Whether the API, the engine and the store answer; always 200, read the fields."""
    engine = control.is_running(settings)
    try:
        with storing(settings) as store:
            system.lease(store, "collector")
        trouble = ""
    except StoreError as error:
        trouble = str(error)
    return {"ok": engine and not trouble, "engine": engine, "store": trouble or "ok"}


@router.get("/status")
def get_status(settings: Here) -> Json:
    """The engine, its services with state and reason, its running jobs."""
    return actions.status(settings)


@router.get("/events")
def get_events(settings: Here, after: Annotated[int, Query(ge=0)] = 0) -> Json:
    """What happened to the services after the event numbered `after`."""
    return actions.events(after, settings)


@router.get("/services")
def get_services(settings: Here) -> list[Json]:
    """Every service with its state, why, and since when."""
    found: list[Json] = actions.status(settings)["services"]
    return found


@router.post("/services/{name}/{verb}")
def steer_service(settings: Here, name: str, verb: Literal["start", "stop", "restart"]) -> Json:
    """Start, stop or restart one service; returns the status."""
    known = [service["name"] for service in actions.status(settings)["services"]]
    if name not in known:
        raise UnknownName(f"There is no service {name!r}; choose one of: {', '.join(known)}.")
    if verb == "stop":
        return actions.stop_service(name, WHO, settings)
    act = actions.start_service if verb == "start" else actions.restart_service
    return act(name, WHO, settings)


@router.post("/control/{verb}")
def steer_engine(
    settings: Here,
    verb: Literal["start", "stop", "restart", "run_job", "cancel_job"],
    asked: Asked,
) -> Json:
    """What a dashboard on another machine asks of the supervisor; returns its reply at once."""
    if not (asked.name or asked.id):
        raise UnknownName("Nothing is named; give the name of a service, * for all, or a job's id.")
    arguments = asked.model_dump(exclude_defaults=True)
    with audited(settings, WHO, f"control {verb}", arguments):
        reply: Json = control.call(settings, verb, **arguments)
    return reply


@router.get("/tunables")
def get_tunables(settings: Here) -> list[Json]:
    """Every tunable with value, default, unit, range and meaning."""
    return actions.tunables(settings)


@router.put("/tunables/{name}")
def put_tunable(settings: Here, name: str, new: NewValue) -> Json:
    """Change a tunable while the engine runs."""
    return {"name": name, "value": actions.set_tunable(name, new.value, WHO, settings)}


@router.get("/jobs")
def get_jobs(settings: Here, limit: Limit = 50) -> list[Json]:
    """The newest jobs, newest first."""
    return actions.jobs(limit, settings)


@router.post("/jobs", status_code=status.HTTP_201_CREATED)
def post_job(settings: Here, new: NewJob) -> Json:
    """Start a job; returns its id."""
    return {"id": actions.start_job(new.kind, new.params, WHO, settings)}


@router.delete("/jobs/{run}", status_code=status.HTTP_202_ACCEPTED)
def delete_job(settings: Here, run: Annotated[str, Path(max_length=40)]) -> Json:
    """Ask a running job to end."""
    actions.cancel_job(run, WHO, settings)
    return {"id": run}


@router.get("/queue")
def get_queue(settings: Here) -> Json:
    """Depth, totals and newest records of the prediction queue."""
    return actions.queue_status(settings)


@router.get("/logs")
def get_logs(
    settings: Here, service: str = "engine", level: str = "DEBUG", tail: Limit = 100
) -> Json:
    """The end of a log: `service` is a service, `engine` or `job-ID`."""
    return get_log(settings, service, tail, level)


@router.get("/logs/{service}")
def get_log(
    settings: Here,
    service: str,
    lines: Limit = 100,
    level: str = "DEBUG",
) -> Json:
    """The end of a service's log."""
    return {"service": service, "lines": actions.tail_log(service, lines, level, settings)}


@router.get(
    "/metrics",
    response_class=PlainTextResponse,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def get_metrics(settings: Here) -> PlainTextResponse:
    """Services, queue and requests of the last minute, for Prometheus."""
    return PlainTextResponse(exposition(settings), media_type=EXPOSITION)
