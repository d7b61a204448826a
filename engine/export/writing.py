"""Writing an export: every file, verified, then renamed into place with its zip beside it."""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from engine.errors import ExportError
from engine.export import EXPORTERS
from engine.export.base import Exporter, Subject
from engine.export.verify import verify
from engine.models import files
from engine.registry import resolve
from engine.training.policy import TrainedPolicy

Beat = Callable[[float, str], bool]
"""Told the share done and what is going on; returns whether to stop."""


class Exported(msgspec.Struct, frozen=True):
    """An export that lies complete and verified.

    Args:
        folder: where.
        archive: the zip of the same files.
        files: every file with its SHA-256 and size.
        verified: what the checks said.
    """

    folder: str
    archive: str
    files: dict[str, files.Kept]
    verified: str


def main_network(policy: TrainedPolicy, wanted: str = "") -> str:
    """The name of the network that becomes the graph: the one asked for, else the first.

    Raises:
        ExportError: the policy has no such network, or none at all.
    """
    if not policy.networks:
        raise ExportError(
            "This policy is an index without a network, so there is no graph to export; "
            "train one with ppo, dqn or a2c."
        )
    if wanted and wanted not in policy.networks:
        raise ExportError(
            f"The policy has no network {wanted!r}; choose one of: {', '.join(policy.networks)}."
        )
    return wanted or next(iter(policy.networks))


ABOUT = ("id", "name", "algorithm", "aliases", "created_at", "device", "evaluation")


def subject_of(policy: TrainedPolicy, row: Mapping[str, Any], network: str = "") -> Subject:
    """What is exported of a registered model (`engine.models.registry.model`).

    Raises:
        ExportError: as `main_network`.
    """
    about = {key: row[key] for key in ABOUT if key in row}
    return Subject(policy, main_network(policy, network), about)


def export(subject: Subject, root: Path, place: Path, beat: Beat) -> Exported | None:
    """Write, verify and publish an export; None if `beat` asked to stop.

    Args:
        subject: what is exported.
        root: the exports' folder, on the same disk as `place`.
        place: where it shall lie (`places.place_of`); an export there is replaced.
        beat: told the progress.

    Raises:
        ExportError: something else lies there, the disk refuses, or the export does not verify;
            nothing is left behind and what lay there stays.
    """
    if place.exists() and not (place / "metadata.json").is_file():
        raise ExportError(f"{place} holds something else than an export; choose another name.")
    beside = _archive_of(place)
    if beside.exists() and not _is_packed_export(beside, place.name):
        raise ExportError(f"{beside} is something else than an export; choose another name.")
    try:
        with files.making(root) as making:
            inner = making.path / "export"
            inner.mkdir()
            if _write(subject, inner, beat) or beat(0.5, "checking it in a clean process"):
                return None
            told = verify(inner)
            kept = files.settle(inner)
            if beat(0.9, "packing it"):
                return None
            archive = _pack(inner, making.path / beside.name, place.name)
            _publish(inner, archive, place, making.path / "old")
            return Exported(str(place), str(beside), kept, told)
    except OSError as error:
        raise ExportError(
            f"The export cannot be written under {root}: {error.strerror}; nothing of it was kept: "
            f"{_REMEDY}."
        ) from None


_REMEDY = "make room on the disk or the right to write there, and export again"


def _write(subject: Subject, folder: Path, beat: Beat) -> bool:
    for number, name in enumerate(EXPORTERS):
        exporter: Exporter = resolve(EXPORTERS, name, "exporter")()
        if beat(0.4 * number / len(EXPORTERS), f"writing {exporter.file}"):
            return True
        try:
            exporter.write(subject, folder)
        except RuntimeError as error:  # torch's writer tells a full disk so
            raise ExportError(
                f"{exporter.file} could not be written ({str(error).splitlines()[0]}); nothing of "
                f"the export was kept: {_REMEDY}."
            ) from None
    return False


def _archive_of(place: Path) -> Path:
    return place.with_name(f"{place.name}.zip")


def _is_packed_export(archive: Path, name: str) -> bool:
    try:
        with zipfile.ZipFile(archive) as packed:
            return f"{name}/metadata.json" in packed.namelist()
    except (zipfile.BadZipFile, OSError):
        return False


def _pack(folder: Path, archive: Path, name: str) -> Path:
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for file in sorted(folder.iterdir()):
            packed.write(file, f"{name}/{file.name}")
    with archive.open("rb") as opened:
        os.fsync(opened.fileno())
    return archive


def _publish(folder: Path, archive: Path, place: Path, aside: Path) -> None:
    """Put folder and zip in place; an export that lay there goes only when both are there."""
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.exists():
        place.rename(aside)
    try:
        folder.rename(place)
        archive.replace(_archive_of(place))
    except OSError:
        shutil.rmtree(place, ignore_errors=True)
        if aside.exists():
            aside.rename(place)
        raise
