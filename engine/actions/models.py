"""What a person can do with trained models: look, compare, promote, roll back, delete, export.

Works without a running engine; the store is brought up to date where nobody has done it yet.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from sqlalchemy import Engine

from db.migrations import migrate
from engine.actions.store import audited, given, storing
from engine.models import aliases, comparison, registry
from engine.models.registry import Name
from engine.settings import Settings

Beat = Callable[[float, str], bool]


@contextlib.contextmanager
def model_store(settings: Settings) -> Iterator[Engine]:
    """The store, migrated.

    Raises:
        StoreError: it cannot be reached.
    """
    with storing(settings) as store:
        migrate(store)
        yield store


def models(limit: int = 500, settings: Settings | None = None) -> list[dict[str, Any]]:
    """The newest models with their aliases, newest first."""
    with model_store(given(settings)) as store:
        return registry.models(store, limit)


def model(wanted: Name, settings: Settings | None = None) -> dict[str, Any]:
    """Everything known of one model.

    Raises:
        ModelError: there is none of that number or alias.
    """
    with model_store(given(settings)) as store:
        return registry.model(store, wanted)


def compare_models(
    first: Name, second: Name, settings: Settings | None = None
) -> list[dict[str, Any]]:
    """The keys under which two models differ, with both values.

    Raises:
        ModelError: as `model`.
    """
    with model_store(given(settings)) as store:
        rows = registry.model(store, first), registry.model(store, second)
    return [msgspec.to_builtins(difference) for difference in comparison.compare(*rows)]


def promote_model(
    wanted: Name,
    alias: str = aliases.CHAMPION,
    why: str = "",
    who: str = "terminal",
    settings: Settings | None = None,
) -> int:
    """Give a model an alias; returns the model's number.

    Raises:
        ModelError: no such model, its files are not in order, or the alias cannot be given.
    """
    known = given(settings)
    with (
        audited(known, who, "promote model", {"model": wanted, "alias": alias}),
        model_store(known) as store,
    ):
        return aliases.promote(store, known, wanted, alias, who, why)


def roll_back_model(
    alias: str = aliases.CHAMPION,
    why: str = "",
    who: str = "terminal",
    settings: Settings | None = None,
) -> int:
    """Give an alias back to the model that had it before; returns that model's number.

    Raises:
        ModelError: there is none.
    """
    known = given(settings)
    with audited(known, who, "roll back model", {"alias": alias}), model_store(known) as store:
        return aliases.roll_back(store, known, alias, who, why)


def delete_model(wanted: Name, who: str = "terminal", settings: Settings | None = None) -> int:
    """Delete a model and its files; returns its number.

    Raises:
        ModelError: there is none, or an alias protects it.
    """
    known = given(settings)
    with audited(known, who, "delete model", {"model": wanted}), model_store(known) as store:
        return registry.delete(store, known, wanted)


def export_model(
    wanted: Name,
    output_dir: str = "",
    network: str = "",
    who: str = "terminal",
    settings: Settings | None = None,
    beat: Beat = lambda _share, _message: False,
) -> dict[str, Any] | None:
    """Export a model here and now; None if `beat` asked to stop.

    Args:
        wanted: number or alias.
        output_dir: folder under the exports root; empty: `model-NUMBER`.
        network: which of the policy's networks becomes the graph; empty: the first.
        who: asked for it.
        settings: whose data folder.
        beat: told the progress.

    Returns:
        Folder, zip, files with checksums, and what the checks said.

    Raises:
        ModelError: as `model`, or its files are not in order.
        ExportError: the place is refused, the disk is full, or the export does not verify.
    """
    from engine.export.places import exports_root, place_of
    from engine.export.writing import export, subject_of

    known = given(settings)
    params = {"model": wanted, "output_dir": output_dir}
    with audited(known, who, "export model", params), model_store(known) as store:
        row = registry.model(store, wanted)
        root = exports_root(known)
        place = place_of(root, output_dir or f"model-{row['id']}")
        policy = registry.load(store, known, int(row["id"]))
        written = export(subject_of(policy, row, network), root, place, beat)
        if written is None:
            return None
        told: dict[str, Any] = msgspec.to_builtins(written)
        registry.set_exported(
            store, int(row["id"]), told | {"at": time.time()}, (place / "policy.pt").read_bytes()
        )
    return {"model": int(row["id"]), **told}
