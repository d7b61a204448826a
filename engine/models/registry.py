"""Registering, listing, loading and deleting trained models. Listing loads no NumPy.

A model is a row of `rl_models` and a folder under `<data folder>/models`. The files come first and
the row last, so that a listed model is whole; its row knows the SHA-256 of every file.
"""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Engine

from db import writes
from db.queries import models as kept_models
from engine.errors import ModelError, NoSuchModel
from engine.models import files
from engine.settings import Settings

if TYPE_CHECKING:
    from engine.training.policy import TrainedPolicy

CURVES = "curves.json"

Name = int | str
"""A model's number, or an alias."""


def models_root(settings: Settings) -> Path:
    """The folder under which every model has its own."""
    return settings.data_path / "models"


def register(
    store: Engine,
    settings: Settings,
    policy: TrainedPolicy,
    evaluation: Mapping[str, Any],
    curves: Mapping[str, Any],
    *,
    name: str = "",
    device: str = "cpu",
    seconds: float | None = None,
) -> int:
    """Keep a trained policy; returns its number.

    Args:
        store: an open, migrated store.
        settings: say where files lie.
        policy: what was trained.
        evaluation: how it was judged, as `engine.training.evaluation` tells it; may be empty.
        curves: name of a curve -> its points; "reward" and "hit_ratio" go into the row as well.
        name: what people call it; made up of its data and size if empty.
        device: where it was trained.
        seconds: how long that took.

    Raises:
        ModelError: the disk refuses; nothing is kept.
    """
    from engine.training.policy import save as write_policy

    root = models_root(settings)
    row = _row(policy, evaluation, curves) | {
        "name": (name or _name(policy))[:120],
        "device": device[:40],
        "training_duration_seconds": seconds,
    }
    try:
        with files.making(root) as folder:
            write_policy(policy, folder.path)
            (folder.path / CURVES).write_bytes(msgspec.json.encode(plain(curves)))
            kept = msgspec.to_builtins(files.settle(folder.path))

            def put(number: int) -> dict[str, Any]:
                folder.publish(root / str(number))
                return {"artefacts": {"folder": folder.path.name, "files": kept}}

            made = writes.add_model(store, row, put)
            folder.done = True
            return made
    except OSError as error:
        raise ModelError(
            f"The model cannot be kept in {root}: {error.strerror}; make room on the disk or move "
            "the data folder, and train again."
        ) from None


def number_of(store: Engine, wanted: Name) -> int:
    """The number of a model given by number, by "3" or by alias.

    Raises:
        NoSuchModel: there is none; the sentence lists the aliases that exist.
    """
    if isinstance(wanted, int) or wanted.isdecimal():
        number = int(wanted)
        if number < 2**63 and kept_models.model_row(store, number) is not None:
            return number
        raise NoSuchModel(f"There is no model {wanted}; `models list` shows those that exist.")
    pointing = {row["name"]: int(row["model"]) for row in kept_models.aliases(store)}
    if wanted not in pointing:
        known = ", ".join(pointing) or "none yet; `models promote` makes one"
        raise NoSuchModel(f"No model goes by the name {wanted!r}; aliases: {known}.")
    return pointing[wanted]


def models(store: Engine, limit: int = 500) -> list[dict[str, Any]]:
    """The newest models, newest first, each with its aliases."""
    pointing = kept_models.aliases(store)
    return [
        row | {"aliases": [alias["name"] for alias in pointing if alias["model"] == row["id"]]}
        for row in kept_models.models(store, limit)
    ]


def model(store: Engine, wanted: Name) -> dict[str, Any]:
    """Everything the row of one model holds, with its aliases, without exported bytes.

    Raises:
        ModelError: there is none.
    """
    number = number_of(store, wanted)
    row = kept_models.model_row(store, number)
    if row is None:
        raise NoSuchModel(f"Model {number} was deleted this moment.")
    pointing = kept_models.aliases(store)
    return row | {"aliases": [alias["name"] for alias in pointing if alias["model"] == number]}


def load(store: Engine, settings: Settings, wanted: Name) -> TrainedPolicy:
    """The trained policy of a model, after its files were found to be those registered.

    Raises:
        ModelError: no such model, or its files are missing, changed or damaged.
    """
    from engine.training.policy import load as read_policy

    row = model(store, wanted)
    return read_policy(checked_folder(settings, row))


def checked_folder(settings: Settings, row: Mapping[str, Any]) -> Path:
    """The folder of a model's files, each found to be what was registered.

    Raises:
        ModelError: a file is missing or differs.
    """
    whose = f"model {row['id']}"
    artefacts = row["artefacts"] or {}
    if "folder" not in artefacts:
        raise ModelError(f"{whose.capitalize()} was kept without files; train it again.")
    folder = models_root(settings) / Path(str(artefacts["folder"])).name
    files.check(folder, msgspec.convert(artefacts["files"], dict[str, files.Kept]), whose)
    return folder


def set_evaluation(store: Engine, wanted: Name, evaluation: Mapping[str, Any]) -> None:
    """Keep a later evaluation in place of the one a model has.

    Raises:
        ModelError: there is no such model.
    """
    writes.update_model(store, number_of(store, wanted), evaluation=plain(evaluation))


def set_exported(
    store: Engine, number: int, exported: Mapping[str, Any], torchscript: bytes
) -> None:
    """Keep with a model where its newest export lies, and the bytes of its `policy.pt`.

    Raises:
        ModelError: it was deleted meanwhile.
    """
    artefacts = model(store, number)["artefacts"] or {}
    columns = {"artefacts": artefacts | {"export": plain(exported)}, "policy": torchscript}
    if not writes.update_model(store, number, **columns):
        raise ModelError(f"Model {number} was deleted while it was exported.")


def delete(store: Engine, settings: Settings, wanted: Name) -> int:
    """Delete a model and its files; returns its number.

    Raises:
        ModelError: there is none, or an alias points to it.
    """
    row = model(store, wanted)
    number = int(row["id"])
    if protecting := writes.remove_model(store, number):
        raise ModelError(
            f"Model {number} is the {' and the '.join(protecting)} and cannot be deleted; "
            "promote another one first."
        )
    folder = (row["artefacts"] or {}).get("folder")
    if folder:
        shutil.rmtree(models_root(settings) / Path(str(folder)).name, ignore_errors=True)
    return number


def plain(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """The value as JSON that every database takes: NumPy's own types and NaN are none."""
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if hasattr(value, "tolist"):  # an array, or a number, of NumPy's
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _name(policy: TrainedPolicy) -> str:
    spec = policy.spec
    data = str(spec.data.get("name") or "unnamed data")
    return f"{_algorithm(policy)} on {data}, {spec.capacity:,} {_unit(spec.by_bytes)}"


def _unit(by_bytes: bool) -> str:
    return "bytes" if by_bytes else "results"


def _algorithm(policy: TrainedPolicy) -> str:
    used = dict.fromkeys(filter(None, policy.spec.algorithms.values()))
    return "+".join(used) or "index"


def _row(
    policy: TrainedPolicy, evaluation: Mapping[str, Any], curves: Mapping[str, Any]
) -> dict[str, Any]:
    spec = policy.spec
    now = time.time()
    return {
        "algorithm": _algorithm(policy)[:20],
        "created_at": now,
        "trained_at": now,
        "cache_size": spec.capacity,
        "timesteps": spec.timesteps,
        "feature_columns": list(spec.features),
        "cache_weights": plain(spec.cache_weights),
        "hyperparameters": plain(spec.hyperparameters),
        "network_architecture": {
            name: [network.inputs, len(network.b1), len(network.b2), len(network.b3)]
            for name, network in policy.networks.items()
        },
        "input_dimension": len(spec.features),
        "reward_history": plain(curves.get("reward")),
        "hit_rate_history": plain(curves.get("hit_ratio")),
        "data_digest": str(spec.data.get("digest", ""))[:80] or None,
        "spec": plain(msgspec.to_builtins(spec)),
        "evaluation": plain(evaluation),
    }
