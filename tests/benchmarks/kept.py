"""What a long benchmark has done already, kept by digests of all that decides it."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from pathlib import Path
from typing import Any

import msgspec

from engine.settings import ROOT
from engine.traces.trace import Trace
from engine.training import run
from engine.training.options import TrainOptions
from engine.training.policy import TrainedPolicy, load, save

TRAINING = ("engine/cache", "engine/training", "engine/traces/split.py")
JUDGING_ALONE = (
    "engine/cache/guard.py",
    "engine/cache/followed.py",
    "engine/cache/following.py",
)
"""Of those, what no training meets: a network is tried alone, without a guard."""


def code_digest(without: Collection[str] = ()) -> str:
    """Of the code that trains and judges, but for some files."""
    told = hashlib.sha256()
    for place in TRAINING:
        path = ROOT / place
        for file in sorted(path.glob("*.py")) if path.is_dir() else [path]:
            if str(file.relative_to(ROOT)) not in without:
                told.update(file.read_bytes())
    return told.hexdigest()


def name_of(*decided_by: Any) -> str:  # noqa: ANN401 - anything that JSON can tell
    """A name for what is decided by these."""
    return hashlib.sha256(msgspec.json.encode(decided_by)).hexdigest()[:24]


def trained(trace: Trace, options: TrainOptions, kept: Path) -> tuple[TrainedPolicy, float]:
    """A policy, trained now or kept from before, and its seconds."""
    code = code_digest(JUDGING_ALONE)
    told = msgspec.to_builtins(options)
    folder = kept / "policies" / name_of(trace.info.digest, len(trace.requests), told, code)
    seconds = folder / "seconds.json"
    if not seconds.exists():
        one = run.train(trace, options)[0]
        folder.mkdir(parents=True, exist_ok=True)
        save(one.policy, folder)
        seconds.write_bytes(msgspec.json.encode(one.seconds))
    return load(folder), float(msgspec.json.decode(seconds.read_bytes()))
