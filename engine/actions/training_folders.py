"""Where trainings keep their checkpoints, and which of them nothing will go on from."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from db.queries import system
from db.queries.run import Readable
from engine.jobs import RESUMED
from engine.records import JobState
from engine.settings import Settings
from engine.training.curves import Listener

ABANDONED_S = 86_400.0
"""A training without a job's row (of the terminal) that wrote nothing for so long is dead."""


def training_folder(settings: Settings, run: str) -> Path:
    """Where the checkpoints of a training lie."""
    return _root(settings) / Path(run).name


@contextlib.contextmanager
def checkpoints(settings: Settings, store: Readable, run: str, heard: Listener) -> Iterator[Path]:
    """The folder of a training while it runs; its caller removes it when all is registered.

    A training that fails leaves none, as nothing goes on from there; an interrupted one does. A
    process that was killed could not see to that: what it left goes when the next one begins.
    """
    _sweep(settings, store, run)
    folder = training_folder(settings, run)
    try:
        yield folder
    except BaseException:
        if not heard.interrupted:
            shutil.rmtree(folder, ignore_errors=True)
        raise


def _sweep(settings: Settings, store: Readable, run: str) -> None:
    for folder in _root(settings).glob("*"):
        if folder.name != run and _is_over(folder, store):
            shutil.rmtree(folder, ignore_errors=True)


def _is_over(folder: Path, store: Readable) -> bool:
    row = system.job(store, folder.name)
    if row is None:
        with contextlib.suppress(FileNotFoundError):
            return time.time() - folder.stat().st_mtime > ABANDONED_S
        return True
    if row["state"] == JobState.INTERRUPTED:
        return row["kind"] not in RESUMED
    return row["state"] not in (JobState.QUEUED, JobState.RUNNING)


def _root(settings: Settings) -> Path:
    return settings.data_path / "training"
