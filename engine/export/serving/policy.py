"""An exported policy: scores and actions for rows of features."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.export.serving.errors import ServingError

FORMAT = 1
"""Version of metadata.json that this file reads."""

_TOLERANCE = 1e-4

_OUTPUTS = ["scores", "action"]

Run = Callable[[NDArray[np.float32]], tuple[NDArray[np.float32], NDArray[np.int64]]]
"""From candidates[N, K, d] to scores[N, K] and actions[N]."""


class Decider:
    """Scores and actions of a policy, whose input is checked against what it was trained on.

    Args:
        metadata: as `metadata.json` of an export.
        run: computes scores and actions.

    Attributes:
        features: names of the feature columns in their order.
        metadata: as given.
        threshold: a single candidate is kept where its score is above it.
    """

    def __init__(self, metadata: dict[str, Any], run: Run) -> None:
        self.metadata = metadata
        self.features: tuple[str, ...] = tuple(f["name"] for f in metadata["features"])
        self.threshold = float(metadata["actions"]["threshold"])
        self._run = run
        self._width = len(self.features)

    def run(self, candidates: ArrayLike) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Scores float32[N, K] and actions int64[N] for candidates float32[N, K, d].

        An action is the number of the candidate to evict, the one with the lowest score; for
        K = 1 it is 1 to keep the item and 0 to evict it.

        Raises:
            ServingError: the array has another shape, or holds what is no finite number.
        """
        rows = self._floats(candidates)
        if rows.ndim != 3 or rows.shape[2] != self._width or not rows.shape[1]:
            raise ServingError(
                f"The policy takes an array [decisions, candidates, {len(self.features)} features],"
                f" got shape {list(rows.shape)}; give its features in this order: "
                f"{', '.join(self.features)}."
            )
        # Counting is quicker than `all`, which NumPy writes in Python.
        if np.count_nonzero(np.isfinite(rows)) != rows.size:
            raise ServingError(_not_finite(rows, self.features))
        return self._run(rows)

    def decide(
        self, candidates: ArrayLike, names: Sequence[str] | None = None
    ) -> NDArray[np.int64]:
        """Actions int64[N] for candidates float32[N, K, d], see `run`.

        Args:
            candidates: one row of features per candidate, a batch of decisions at once.
            names: the caller's names of the d columns; given, they are compared with `features`.

        Raises:
            ServingError: as `run`, or the names differ in number, spelling or order.
        """
        if names is not None:
            self.check(names)
        return self.run(candidates)[1]

    def scores(self, rows: ArrayLike) -> NDArray[np.float32]:
        """The worth of keeping each row's item, float32[n], for feature rows float32[n, d]."""
        given = self._floats(rows)
        return self.run(given[:, None, :] if given.ndim == 2 else given)[0][:, 0]

    def check(self, names: Sequence[str]) -> None:
        """Compare a caller's feature columns with those the policy was trained on.

        Raises:
            ServingError: one is missing, unknown or in another place.
        """
        given = tuple(names)
        if missing := [name for name in self.features if name not in given]:
            raise ServingError(
                f"The policy needs the feature {', '.join(missing)}, which is not given; "
                f"it takes {len(self.features)}: {', '.join(self.features)}."
            )
        if unknown := [name for name in given if name not in self.features]:
            raise ServingError(
                f"The policy was not trained on {', '.join(unknown)}; leave it out. "
                f"It takes {len(self.features)} features: {', '.join(self.features)}."
            )
        if given != self.features:
            at = next(i for i, name in enumerate(given) if name != self.features[i])
            raise ServingError(
                f"Feature {at} is {given[at]!r} and should be {self.features[at]!r}; "
                f"give them in this order: {', '.join(self.features)}."
            )

    def rows(self, columns: Mapping[str, ArrayLike]) -> NDArray[np.float32]:
        """Feature rows float32[n, d] from named columns (a dict, a DataFrame) in any order.

        Raises:
            ServingError: a column is missing, unknown, of another length or not of numbers.
        """
        named = {str(name): columns[name] for name in columns}
        self.check(
            [name for name in self.features if name in named]
            + sorted(set(named) - set(self.features))
        )
        return np.stack([*self._floats([named[name] for name in self.features])], axis=-1)

    def _floats(self, values: ArrayLike | Sequence[ArrayLike]) -> NDArray[np.float32]:
        try:
            return np.asarray(values, np.float32)
        except (ValueError, TypeError) as error:
            raise ServingError(
                f"The features are no array of numbers ({error}); give each row one number for "
                f"each of {len(self.features)}: {', '.join(self.features)}."
            ) from None


class Policy(Decider):
    """A policy as exported: `policy.onnx` with `metadata.json` beside it.

    Args:
        folder: of the export.
        threads: onnxruntime's threads; more than one pays for large batches only.

    Raises:
        ServingError: a file is missing, damaged, or not the one that was exported.
    """

    def __init__(self, folder: str | Path, threads: int = 1) -> None:
        self.folder = Path(folder)
        metadata = _metadata(self.folder)
        super().__init__(
            metadata, _session(_checked(self.folder, "policy.onnx", metadata), threads)
        )

    def file(self, name: str) -> bytes:
        """The bytes of another file of the export.

        Raises:
            ServingError: it is missing, or not the one that was exported.
        """
        return _checked(self.folder, name, self.metadata)

    def self_test(self) -> int:
        """Decide the golden rows of `metadata.json`; returns how many were compared.

        Raises:
            ServingError: a score or an action differs from what the exporting machine got.
        """
        compared = 0
        for golden in self.metadata["golden"]:
            if not golden["action"]:
                continue
            scores, action = self.run(golden["candidates"])
            off = float(np.abs(scores - np.array(golden["scores"], np.float32)).max())
            if off > _TOLERANCE or action.tolist() != golden["action"]:
                raise ServingError(
                    f"The policy does not decide here as where it was exported (scores differ by "
                    f"up to {off:.2g}); use another version of onnxruntime, or export it again."
                )
            compared += len(action)
        return compared


def _metadata(folder: Path) -> dict[str, Any]:
    try:
        told: dict[str, Any] = json.loads((folder / "metadata.json").read_bytes())
        version, files = int(told["format"]), told["files"]
    except OSError as error:
        raise ServingError(
            f"There is no export in {folder} (metadata.json: {error.strerror}); give the folder "
            "that holds policy.onnx and metadata.json."
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise ServingError(
            f"metadata.json in {folder} is damaged ({error}); copy the export again."
        ) from None
    if version > FORMAT or not isinstance(files, dict):
        raise ServingError(
            f"The export in {folder} has format {version} and this file reads up to {FORMAT}; "
            "use the serving.py that lies in the export."
        )
    return told


def _checked(folder: Path, name: str, metadata: Mapping[str, Any]) -> bytes:
    """The bytes of a file, if they are the ones that were exported."""
    try:
        found = (folder / name).read_bytes()
        expected = str(metadata["files"][name]["sha256"])
    except OSError as error:
        raise ServingError(
            f"The export in {folder} lacks {name} ({error.strerror}); copy it again."
        ) from None
    except KeyError:
        raise ServingError(
            f"metadata.json in {folder} does not know {name}; copy the export again."
        ) from None
    actual = hashlib.sha256(found).hexdigest()
    if actual != expected:
        raise ServingError(
            f"{name} in {folder} is not the file that was exported (SHA-256 {actual[:12]}…, "
            f"expected {expected[:12]}…); copy the export again."
        )
    return found


def _session(graph: bytes, threads: int) -> Run:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = threads
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])

    def run(candidates: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        scores, action = session.run(_OUTPUTS, {"candidates": candidates})
        return scores, action

    return run


def _not_finite(rows: NDArray[np.float32], features: Sequence[str]) -> str:
    decision, candidate, column = (int(at[0]) for at in np.nonzero(~np.isfinite(rows)))
    return (
        f"Feature {features[column]!r} of candidate {candidate} in decision {decision} is "
        f"{rows[decision, candidate, column]}; give a finite number."
    )
