"""The job "export": an export in a process of its own, with progress."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.actions.models import export_model
from engine.errors import ExportError
from engine.jobs import JobHandle
from engine.settings import load_settings


def export_job(params: Mapping[str, Any], job: JobHandle) -> dict[str, Any] | None:
    """Export the model `params["model"]`, under `output_dir` if given.

    Raises:
        ExportError: a parameter is missing or unknown, or as `engine.actions.models.export_model`.
        ModelError: as there.
    """
    unknown = set(params) - {"model", "output_dir", "network"}
    if unknown or "model" not in params:
        raise ExportError(
            "An export takes model=NUMBER or model=ALIAS, and may take output_dir and network; "
            f"got {', '.join(map(str, params)) or 'nothing'}."
        )

    def beat(share: float, message: str) -> bool:
        job.progress(share, message)
        return job.cancelled

    return export_model(
        params["model"],
        str(params.get("output_dir", "")),
        str(params.get("network", "")),
        f"job-{job.id[:8]}",
        load_settings(),
        beat,
    )
