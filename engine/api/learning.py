"""The endpoints of the trainer: data in, comparisons, trainings, models, exports."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Body, Path, Query, status

from engine import actions
from engine.actions import evaluating, training, weighing
from engine.actions import models as model_actions
from engine.actions import traces as trace_actions
from engine.actions.curves import CurvesWanted, check_curves
from engine.actions.policies import CompareWanted, check_compare
from engine.actions.store import storing
from engine.api.routes import WHO, Here, Json, Limit
from engine.errors import TrainingError, UnknownName
from engine.export.places import exports_root, place_of
from engine.sources import active_source
from engine.training.options import checked_parts

router = APIRouter()

_JOB = re.compile(r"[0-9a-f]{32}")

Fields = Annotated[dict[str, Any], Body(default_factory=dict)]
Model = Annotated[str, Path(max_length=40, description="number or alias")]
Alias = Annotated[str, Query(max_length=40)]


@router.get("/traces")
def get_traces(settings: Here) -> list[Json]:
    """All stored traces: requests, keys, columns, where they come from, what costs are."""
    return trace_actions.traces(settings)


@router.delete("/traces/{name}")
def delete_trace(settings: Here, name: str) -> Json:
    """Remove a stored trace."""
    trace_actions.remove_trace(name, WHO, settings)
    return {"removed": name}


@router.post("/import", status_code=status.HTTP_202_ACCEPTED)
def post_import(settings: Here, wanted: Fields) -> Json:
    """Import a file, a source or a table as a trace; returns the job's id."""
    trace_actions.check_import(_as(wanted, trace_actions.Wanted), settings)
    return {"id": actions.start_job("import", wanted, WHO, settings)}


@router.get("/available-columns")
def get_columns(settings: Here, trace: str = "", source: str = "", table: str = "") -> list[Json]:
    """Columns of a trace, source or table (default: the active source's rows), with their range."""
    if not (trace or source or table):
        source = _active(settings)
    return weighing.known_columns(trace, source, table, settings)


@router.get("/feature-columns-enum")
def get_feature_columns(settings: Here, trace: str = "", source: str = "") -> Json:
    """Names that may be features; those that describe the recording cache stand apart."""
    columns = get_columns(settings, trace, source)
    own = [column["name"] for column in columns if not column["recorded"]]
    recorded = [column["name"] for column in columns if column["recorded"]]
    return {"enum": own, "recorded": recorded}


@router.get("/cache/derived/weights")
def get_weights(settings: Here, trace: str = "", source: str = "") -> Json:
    """`cache_weights` suggested from data (default: the active source's rows), with reasons."""
    if not (trace or source):
        source = _active(settings)
    found = weighing.derived_weights(trace, source, settings)
    return {"cache_weights": {one["metric"]: one["weight"] for one in found}, "reasons": found}


@router.get("/algorithms")
def get_algorithms() -> list[Json]:
    """Every algorithm and recipe, with what may be set of it."""
    return [
        one | {"hyperparameters": training.hyperparameters(one["name"]) if one["paper"] else []}
        for one in training.algorithms()
    ]


@router.post("/train", status_code=status.HTTP_202_ACCEPTED)
def post_train(
    settings: Here,
    wanted: Fields,
    algorithm: str = "",
    cache_size: str = "",
    timesteps: Annotated[int, Query(ge=0)] = 0,
    trace: str = "",
    source: str = "",
) -> Json:
    """Start a training (default data: the active source's rows); more options in the body."""
    named = {"algorithm": algorithm, "cache_size": _size(cache_size), "timesteps": timesteps or ""}
    named |= {"trace": trace, "source": source}
    fields = wanted | {name: value for name, value in named.items() if value != ""}
    if not fields.get("trace") and not fields.get("source"):
        fields["source"] = _active(settings)
    options = _as(fields, training.TrainWanted)
    _check_sizes("cache_size", [options.cache_size])
    checked_parts(options)
    weighing.check_data(options.trace, options.source, options.columns, settings)
    return {"id": training.start_training(options, False, WHO, settings)[0]}


@router.get("/jobs/{run}")
def get_job(settings: Here, run: Annotated[str, Path(max_length=40)]) -> Json:
    """State, progress, message and result of one job."""
    return actions.job(run, settings)


@router.get("/jobs/{run}/curves")
def get_curves(settings: Here, run: Annotated[str, Path(max_length=40)]) -> list[Json]:
    """The points of a training's curves so far."""
    actions.job(run, settings)
    return training.curves(run, settings)


@router.post("/compare", status_code=status.HTTP_202_ACCEPTED)
def post_compare(settings: Here, wanted: Fields) -> Json:
    """Compare the classic policies on a trace or file; returns the job's id."""
    comparison = _as(wanted, CompareWanted)
    check_compare(comparison)
    weighing.check_data(comparison.trace, settings=settings)
    return {"id": actions.start_job("compare", wanted, WHO, settings)}


@router.post("/curves", status_code=status.HTTP_202_ACCEPTED)
def post_curves(settings: Here, wanted: Fields) -> Json:
    """Draw miss ratio curves of several policies; returns the job's id."""
    drawn = _as(wanted, CurvesWanted)
    check_curves(drawn)
    weighing.check_data(drawn.trace, settings=settings)
    return {"id": actions.start_job("curves", wanted, WHO, settings)}


@router.get("/models")
def get_models(settings: Here, limit: Limit = 100) -> list[Json]:
    """The newest models with their aliases, newest first."""
    return model_actions.models(limit, settings)


@router.get("/models/{model}")
def get_model(settings: Here, model: Model) -> Json:
    """Everything known of one model."""
    return model_actions.model(model, settings)


@router.get("/models/{model}/differences/{other}")
def get_differences(settings: Here, model: Model, other: Model) -> list[Json]:
    """What two models differ in."""
    return model_actions.compare_models(model, other, settings)


@router.post("/models/{model}/promote")
def post_promote(settings: Here, model: Model, alias: Alias = "champion", why: str = "") -> Json:
    """Give a model an alias."""
    return {"alias": alias, "model": model_actions.promote_model(model, alias, why, WHO, settings)}


@router.post("/models/roll-back/{alias}")
def post_roll_back(settings: Here, alias: str, why: str = "") -> Json:
    """Give an alias back to the model that had it before."""
    return {"alias": alias, "model": model_actions.roll_back_model(alias, why, WHO, settings)}


@router.delete("/models/{model}")
def delete_model(settings: Here, model: Model) -> Json:
    """Delete a model that no alias protects, with its files."""
    return {"deleted": model_actions.delete_model(model, WHO, settings)}


@router.post("/evaluate/{model}", status_code=status.HTTP_202_ACCEPTED)
def post_evaluate(settings: Here, model: Model, wanted: Fields) -> Json:
    """Judge a model beside every classic and the optimum; returns the job's id."""
    number = model_actions.model(model, settings)["id"]
    _check_sizes("sizes", _as({**wanted, "model": number}, evaluating.EvaluateWanted).sizes)
    return {"id": actions.start_job("evaluate", {**wanted, "model": number}, WHO, settings)}


@router.post("/export/{model}", status_code=status.HTTP_202_ACCEPTED)
def post_export(settings: Here, model: Model, output_dir: str = "") -> Json:
    """Export a model, or the best of a training job, to a folder under the exports root.

    Returns the job's id; `output_dir` is relative to that root.
    """
    number = _trained(model, settings)
    if output_dir:
        place_of(exports_root(settings), output_dir)
    params = {"model": number, "output_dir": output_dir}
    return {"id": actions.start_job("export", params, WHO, settings)}


def _trained(wanted: str, settings: Here) -> int:
    """The number of a model given by number, alias, or the id of the job that trained it."""
    if not _JOB.fullmatch(wanted):
        return int(model_actions.model(wanted, settings)["id"])
    result = actions.job(wanted, settings)["result"] or {}
    if "best" not in result:
        raise UnknownName(f"Job {wanted} trained no model that is ready; see GET /jobs/{wanted}.")
    return int(model_actions.model(result["best"], settings)["id"])


def _active(settings: Here) -> str:
    with storing(settings) as store:
        return active_source(settings, store).name


def _size(text: str) -> int | str:
    return int(text) if text.isdecimal() else text


def _check_sizes(field: str, sizes: Iterable[int | str]) -> None:
    """Refuse what is no size before a job starts; whether it holds everything, the job tells."""
    for size in sizes:
        try:
            holds = float(str(size).strip().removesuffix("%")) > 0
        except ValueError:
            raise TrainingError(f"{size!r} is no size of a cache; give 500 or 1%.") from None
        if not holds:
            raise TrainingError(
                f"{field} is {size!r}; a cache of {size} holds nothing; "
                "give a size from 1 on, or a share."
            )


def _as(fields: dict[str, Any], kind: type[Any]) -> Any:  # noqa: ANN401 - whichever kind
    try:
        return msgspec.convert(fields, kind)
    except msgspec.ValidationError as error:
        raise TrainingError(f"This cannot be asked for: {error}; see /docs for what can.") from None
