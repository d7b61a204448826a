"""The endpoints of studies."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query, Response, status

from engine.actions import studies, study_export, study_results
from engine.actions.roles import confined
from engine.api.routes import WHO, Here, Json, Limit

router = APIRouter(prefix="/studies")

Name = Annotated[str, Path(max_length=60)]
Fields = Annotated[dict[str, Any], Body(default_factory=dict)]
Trials = Annotated[list[int] | None, Query(max_length=1000)]
TYPES = {"csv": "text/csv", "json": "application/json", "html": "text/html"}


@router.get("")
def get_studies(settings: Here) -> list[Json]:
    """The newest studies with how far they are."""
    return study_results.studies(settings)


@router.get("/parameters/{kind}")
def get_parameters(kind: Annotated[str, Path(max_length=40)]) -> list[Json]:
    """What a study of this kind may vary."""
    return study_results.parameters(kind)


@router.post("", status_code=status.HTTP_201_CREATED)
def post_study(settings: Here, wanted: Fields) -> Json:
    """Make a study; run it with `POST /studies/{name}/run` or with workers."""
    options = wanted.get("options")
    if isinstance(options, dict):
        wanted = wanted | {"options": confined(options, settings)}
    return studies.create_study(wanted, WHO, settings)


@router.get("/{name}")
def get_study(settings: Here, name: Name, top: Limit = 20) -> Json:
    """Plan, progress, ranking, effects, and what can be said of them."""
    return study_results.study(name, top, settings)


@router.get("/{name}/values")
def get_values(settings: Here, name: Name) -> list[Json]:
    """Which values of each parameter are better over all else, the best first."""
    return study_results.values(name, settings)


@router.delete("/{name}")
def delete_study(settings: Here, name: Name) -> Json:
    """Delete a study with its runs."""
    studies.remove_study(name, WHO, settings)
    return {"removed": name}


@router.post("/{name}/run", status_code=status.HTTP_202_ACCEPTED)
def post_run(settings: Here, name: Name, workers: Annotated[int, Query(ge=1, le=64)] = 1) -> Json:
    """Run a study as a job; returns the job's id."""
    return {"id": studies.start_study(name, workers, WHO, settings)}


@router.post("/{name}/stop")
def post_stop(settings: Here, name: Name) -> Json:
    """Let nobody work on it."""
    studies.stop_study(name, WHO, settings)
    return {"name": name, "state": "stopped"}


@router.post("/{name}/resume")
def post_resume(settings: Here, name: Name) -> Json:
    """Let workers go on."""
    studies.resume_study(name, WHO, settings)
    return {"name": name, "state": "open"}


@router.post("/{name}/extend")
def post_extend(
    settings: Here,
    name: Name,
    trials: Annotated[int, Query(ge=0, le=10_000)] = 0,
    minutes: Annotated[float, Query(ge=0)] = 0.0,
) -> Json:
    """More configurations, or more minutes."""
    return studies.extend_study(name, trials, minutes, WHO, settings)


@router.post("/{name}/seeds")
def post_seeds(
    settings: Here,
    name: Name,
    add: Annotated[int, Query(ge=1, le=100)] = 5,
    trial: Trials = None,
) -> Json:
    """More seeds for configurations (default: all that are done)."""
    return {"trials": studies.add_seeds(name, add, trial, WHO, settings)}


@router.put("/{name}/baseline")
def put_baseline(settings: Here, name: Name, trial: int | None = None) -> Json:
    """Hold all trials against one (without `trial`: against none)."""
    studies.pin_baseline(name, trial, WHO, settings)
    return {"name": name, "baseline": trial}


@router.post("/{name}/rerun")
def post_rerun(settings: Here, name: Name, trial: Trials = None) -> Json:
    """Run trials afresh (default: those that failed)."""
    return {"trials": studies.rerun_trials(name, trial, WHO, settings)}


@router.get("/{name}/curves")
def get_curves(settings: Here, name: Name, trial: Trials = None) -> list[Json]:
    """Learning curves of up to 20 trials (default: the best)."""
    chosen = trial or [study_results.best_trial(name, settings)]
    return study_results.curves(name, chosen, settings)


@router.get("/{name}/trials/{first}/differences/{second}")
def get_differences(settings: Here, name: Name, first: int, second: int) -> Json:
    """What two trials differ in, and whether one is better."""
    return study_results.comparison(name, first, second, settings)


@router.post("/{name}/trials/{trial}/apply")
def post_apply(settings: Here, name: Name, trial: int) -> Json:
    """Let the live agent work with a trial's configuration."""
    return studies.apply_trial(name, trial, WHO, settings)


@router.post("/{name}/trials/{trial}/register", status_code=status.HTTP_202_ACCEPTED)
def post_register(settings: Here, name: Name, trial: int) -> Json:
    """Train a trial's configuration and register the model; returns the job's id."""
    return {"id": studies.register_trial(name, trial, WHO, settings)}


@router.get("/{name}/export/{form}")
def get_export(settings: Here, name: Name, form: Annotated[str, Path(max_length=10)]) -> Response:
    """The whole study as csv, json or html."""
    text = study_export.exported(name, form, settings)
    return Response(text, media_type=TYPES[form])
