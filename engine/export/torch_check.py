"""Run as a file by a clean process: does `policy.pt` decide the golden rows of `metadata.json`?

Imports nothing of ours, as a consumer would not.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

import torch

_TOLERANCE = 1e-4


def main(folder: Path) -> int:
    """Compare; returns the exit code."""
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore", r"`torch\.jit\.load` is deprecated", DeprecationWarning)
    policy = torch.jit.load(str(folder / "policy.pt"))  # type: ignore[no-untyped-call]
    compared = 0
    for golden in json.loads((folder / "metadata.json").read_bytes())["golden"]:
        if not golden["action"]:
            continue
        scores, action = policy(torch.tensor(golden["candidates"]))
        off = float((scores - torch.tensor(golden["scores"])).abs().max())
        if off > _TOLERANCE or action.tolist() != golden["action"]:
            sys.stderr.write(f"its decisions differ from the network's (scores by {off:.2g}).\n")
            return 1
        compared += len(action)
    sys.stdout.write(f"{compared} golden decisions are equal.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
