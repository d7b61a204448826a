"""A model's steps as a file that pages page through, since explaining them takes a replay."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from engine.errors import TrainingError
from engine.settings import Settings, load_settings

if TYPE_CHECKING:
    from engine.jobs import JobHandle

KEPT = 20
"""Newest files that are kept; older ones are made again when someone asks."""

MEMBERS = 200
"""Members of the cache that are told with the job."""


def steps_path(settings: Settings) -> Path:
    """The folder of the files."""
    return settings.data_path / "steps"


def steps_job(params: Mapping[str, Any], job: JobHandle) -> dict[str, Any] | None:
    """The job "steps": explain a stretch, and keep its steps as a Parquet file.

    Args:
        params: those of `engine.actions.steps.StepsWanted` without the output.
        job: tells the progress.

    Returns:
        model, file (its name in `steps_path`), first, looked_at, steps, held, members.

    Raises:
        TrainingError: a parameter is unknown or of the wrong kind, or as `show_steps`.
        ModelError: no such model, or its files are not in order.
        TraceError: the trace cannot be read.
    """
    from engine.actions.steps import StepsWanted, show_steps

    settings = load_settings()
    folder = steps_path(settings)
    file = folder / f"{job.id}.parquet"
    try:
        wanted = msgspec.convert({**params, "output": str(file)}, StepsWanted)
        folder.mkdir(parents=True, exist_ok=True)
    except msgspec.ValidationError as error:
        raise TrainingError(f"Steps cannot be asked for like this: {error}.") from None
    except OSError as error:
        raise TrainingError(f"{folder} cannot be made ({error.strerror or error}).") from None
    job.progress(0.01, "replaying everything before, then explaining step by step")
    found = show_steps(wanted, settings)
    if job.cancelled:
        file.unlink(missing_ok=True)
        return None
    _sweep(folder)
    return {
        "model": wanted.model,
        "file": file.name,
        "first": found["first"],
        "looked_at": found["looked_at"],
        "steps": len(found["steps"]),
        "held": found["held"],
        "members": found["members"][:MEMBERS],
    }


def _sweep(folder: Path) -> None:
    """Keep the newest files alone."""
    with contextlib.suppress(OSError):
        files = sorted(folder.glob("*.parquet"), key=lambda one: one.stat().st_mtime)
        for old in files[:-KEPT]:
            old.unlink(missing_ok=True)
