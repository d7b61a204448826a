"""The whole cache in JavaScript follows the compiled core, request by request."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.cache.features import NAMES
from engine.cache.value import HitValue
from engine.export.base import Subject
from engine.export.described import described
from engine.export.golden import Golden
from engine.export.tensors import Tensors
from engine.training.policy import Readout, TrainedPolicy
from tests.consumers.run import NotRunError, replay
from tests.engine.models.trained import RENTS, network, policy

BY_BYTES = policy(
    by_bytes=True,
    capacity=100_000,
    value=HitValue({"load_time_ms": 0.02, "size_bytes": 0.0005}, limit=8.0, space=1000.0),
)
WITH_COLUMN = TrainedPolicy(
    msgspec.structs.replace(
        policy().spec,
        features=(*NAMES, "weekday"),
        columns=("weekday",),
        algorithms={"ppo": "ppo"},
        readouts={"ppo": Readout("index", RENTS, 21)},
    ),
    {"ppo": network(25)},
)


def exported(subject: Subject, folder: Path) -> Path:
    """The files that the program reads."""
    Tensors().write(subject, folder)
    Golden().write(subject, folder)
    seal(subject, folder)
    return folder


def seal(subject: Subject, folder: Path) -> None:
    """Write metadata.json with the checksums of what lies there."""
    files = {
        file.name: {"sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
        for file in folder.iterdir()
        if file.name != "metadata.json"
    }
    told = described(subject) | {"files": files}
    (folder / "metadata.json").write_bytes(msgspec.json.encode(told))


def followed(folder: Path) -> str:
    try:
        return replay(folder)
    except NotRunError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"JavaScript cannot run here: {error}")


@pytest.mark.parametrize(
    "subject",
    [
        Subject(policy(), "ppo"),
        Subject(policy(), "dqn"),
        Subject(BY_BYTES, "ppo"),
        Subject(WITH_COLUMN, "ppo"),
    ],
    ids=["index", "difference", "bytes", "column"],
)
def test_it_follows_the_golden_replay(subject: Subject, tmp_path: Path) -> None:
    assert followed(exported(subject, tmp_path)) == (
        "1000 requests of the golden replay are equal."
    )


def _another_hit(golden: dict[str, Any]) -> None:
    golden["hit"][700] = 1 - golden["hit"][700]


def _another_victim(golden: dict[str, Any]) -> None:
    golden["evicted"][50][0] = golden["evicted"][51][0]


def _other_draws(golden: dict[str, Any]) -> None:
    golden["random"] = "12345"


@pytest.mark.parametrize("changed", [_another_hit, _another_victim, _other_draws])
def test_it_says_where_it_differs(changed: Any, tmp_path: Path) -> None:  # noqa: ANN401
    subject = Subject(policy(), "ppo")
    file = exported(subject, tmp_path) / "golden.json"
    golden = msgspec.json.decode(file.read_bytes())
    changed(golden)
    file.write_bytes(msgspec.json.encode(golden))
    seal(subject, tmp_path)
    with pytest.raises(subprocess.CalledProcessError) as told:
        followed(tmp_path)
    assert "differs" in told.value.stderr or "evictions before the end" in told.value.stderr


def test_a_changed_file_is_refused(tmp_path: Path) -> None:
    weights = exported(Subject(policy(), "ppo"), tmp_path) / "policy.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\0")
    with pytest.raises(subprocess.CalledProcessError) as told:
        followed(tmp_path)
    assert "is not the file that was exported" in told.value.stderr
