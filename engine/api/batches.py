"""The endpoints that take many rows: decisions of a model, recorded requests."""

from __future__ import annotations

from pathlib import Path as File
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response
from fastapi.responses import FileResponse

from engine.actions import models as model_actions
from engine.actions.deciding import DecideWanted, decide_batch
from engine.actions.ingesting import IngestWanted, ingest_rows
from engine.api.bodies import body_of, described, fast
from engine.api.routes import Here
from engine.errors import UnknownName
from engine.export.places import exports_root, place_of

router = APIRouter()

Model = Annotated[str, Path(max_length=40, description="number or alias")]
Deciding = Annotated[DecideWanted, Depends(body_of(DecideWanted))]
Ingesting = Annotated[IngestWanted, Depends(body_of(IngestWanted))]


@router.post("/models/{model}/decide", openapi_extra=described(DecideWanted))
def post_decide(settings: Here, model: Model, wanted: Deciding) -> Response:
    """Scores and actions for rows of features, or hits and content after raw requests."""
    return fast(decide_batch(model, wanted, settings))


@router.get("/models/{model}/export", response_class=FileResponse)
def get_export(settings: Here, model: Model) -> FileResponse:
    """The newest export of a model as a zip."""
    row = model_actions.model(model, settings)
    told = (row["artefacts"] or {}).get("export")
    if not told:
        raise UnknownName(f"Model {row['id']} was not exported yet; ask POST /export/{row['id']}.")
    archive = File(str(told["archive"]))
    place_of(exports_root(settings), str(archive.with_suffix("")))
    if not archive.is_file():
        raise UnknownName(f"{archive.name} is gone; ask POST /export/{row['id']} again.")
    return FileResponse(archive, media_type="application/zip", filename=archive.name)


@router.post("/ingest", openapi_extra=described(IngestWanted))
def post_ingest(settings: Here, wanted: Ingesting) -> Response:
    """Keep a batch of request rows; the answer comes when they are committed."""
    return fast(ingest_rows(wanted, settings))
