"""Where a training stands, kept whole or not at all, so that an interrupted one goes on.

Files as in `engine.forecast.checkpoint`: tensors alone are read back, and only if their SHA-256 is
the one that was written. What is not kept is DQN's memory: it fills anew before learning goes on.
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import msgspec
import torch

from engine.errors import CheckpointError, ModelError, TrainingError
from engine.forecast import checkpoint as files
from engine.training.assembling import reading_of
from engine.training.curves import Point
from engine.training.data import Data
from engine.training.network import Network, network_from
from engine.training.options import Part, TrainOptions
from engine.training.policy import Readout


class Stand(msgspec.Struct, kw_only=True):
    """How far one algorithm of one seed has come.

    Args:
        steps: decisions learned from.
        points: of its curves.
        best: the network that was best on the validation part so far, the latest among equals.
        score: that one's value ratio.
        peak: the highest value ratio so far.
        worse: evaluations in a row since, that were not better.
        finished: whether nothing is left to learn.
        seconds: that learning and trying took, over all stretches of an interrupted training.
    """

    steps: int = 0
    points: list[Point] = []
    best: Any = None
    score: float = -1.0
    peak: float = -1.0
    worse: int = 0
    finished: bool = False
    seconds: float = 0.0


class Place:
    """The checkpoint of one algorithm and seed in a folder; None keeps nothing.

    Args:
        folder: of the training.
        told: fingerprint of everything that the training depends on (`fingerprint`).
        name: of this part.
    """

    def __init__(self, folder: Path | None, told: str, name: str) -> None:
        self._path = None if folder is None else folder / f"{name}.json"
        self._told = told

    def save(self, stand: Stand, model: Any) -> None:  # noqa: ANN401 - SB3's model
        """Keep where it stands.

        Raises:
            TrainingError: the disk refuses.
        """
        if self._path is None:
            return
        network: Network = stand.best
        blob = io.BytesIO()
        tensors = {name: torch.from_numpy(values) for name, values in network.arrays().items()}
        learning = {} if stand.finished else _learning(model)
        torch.save({"best": tensors, **learning}, blob)
        meta = {
            "told": self._told,
            "steps": stand.steps,
            "points": msgspec.to_builtins(stand.points),
            "reading": msgspec.to_builtins(reading_of(network)),
            "score": stand.score,
            "peak": stand.peak,
            "worse": stand.worse,
            "finished": stand.finished,
            "seconds": stand.seconds,
        }
        try:
            files.write(self._path, meta, blob.getvalue())
        except OSError as error:
            raise TrainingError(
                f"The training's checkpoint cannot be kept in {self._path.parent} "
                f"({error.strerror}); make room on the disk and start it again."
            ) from None

    def load(self) -> tuple[Stand, dict[str, Any]]:
        """Where it stood and the tensors to learn on with; a new stand where nothing usable is."""
        if self._path is None:
            return Stand(), {}
        try:
            meta, blob = files.read(self._path)
            if meta["told"] != self._told:
                return Stand(), {}
            tensors: dict[str, Any] = torch.load(
                io.BytesIO(blob), map_location="cpu", weights_only=True
            )
            return _stand(meta, tensors.pop("best")), tensors
        except (CheckpointError, ModelError, KeyError, RuntimeError, msgspec.ValidationError):
            return Stand(), {}


def restore(model: Any, tensors: dict[str, Any], steps: int) -> None:  # noqa: ANN401
    """Let a new model go on where `tensors` stood after `steps` decisions."""
    model.policy.load_state_dict(tensors["policy"])
    model.policy.optimizer.load_state_dict(tensors["optimiser"])
    model.num_timesteps = steps
    if hasattr(model, "learning_starts"):
        model.learning_starts += steps


def fingerprint(data: Data, options: TrainOptions, part: Part) -> str:
    """What a checkpoint must have been made of to be of use: data, room, and all that is set."""
    told = (
        data.info.digest,
        len(data.train),
        data.room.capacity,
        data.room.by_bytes,
        data.objective,
        data.weights,
        options.environment,
        options.columns,
        part.algorithm,
        part.timesteps,
        msgspec.structs.asdict(part.given),
    )
    return hashlib.sha256(msgspec.json.encode(told)).hexdigest()


def _learning(model: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"policy": model.policy.state_dict(), "optimiser": model.policy.optimizer.state_dict()}


def _stand(meta: dict[str, Any], best: dict[str, Any]) -> Stand:
    reading = msgspec.convert(meta["reading"], Readout)
    network = network_from(
        {name: tensor.numpy() for name, tensor in best.items()},
        reading.readout,
        reading.rents,
        reading.rent_at,
    )
    return Stand(
        steps=meta["steps"],
        points=msgspec.convert(meta["points"], list[Point]),
        best=network,
        score=meta["score"],
        peak=meta["peak"],
        worse=meta["worse"],
        finished=meta["finished"],
        seconds=float(meta.get("seconds", 0.0)),
    )
