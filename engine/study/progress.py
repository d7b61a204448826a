"""How far a study is, in figures and in one sentence."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import Engine

from db import study_rows
from db.queries import studies as known
from engine.errors import StudyError


def standing(store: Engine, name: str, now: float | None = None) -> dict[str, Any]:
    """States, runs done and wanted, share, seconds left (None: unknown), and a sentence.

    Raises:
        StudyError: there is no such study.
    """
    row = known.one(store, name)
    if row is None:
        raise StudyError(f"There is no study {name!r}.")
    at = time.time() if now is None else now
    found = known.states(store, name)
    spec: Any = row["spec"]
    counts = {str(one["state"]): int(one["trials"]) for one in found}
    begun = sum(counts.values())
    runs = sum(int(one["runs"] or 0) for one in found)
    # What was pruned or failed wants no more than it had.
    over = (study_rows.PRUNED, study_rows.FAILED)
    wanted = sum(int(one["runs" if one["state"] in over else "seeds"] or 0) for one in found)
    unbegun = max(0, spec["trials"] - begun)
    wanted += unbegun * spec["seeds"]
    beaten = max((float(one["beat_at"] or 0) for one in found), default=0.0)
    # A trial whose worker died still says running until another worker takes it.
    busy = counts.get(study_rows.RUNNING, 0) if beaten >= at - spec["stale_s"] else 0
    _, seconds = known.run_seconds(store, name)
    left = None
    if busy and seconds and spec["trials"]:
        left = (wanted - runs) * seconds / busy
    until = (row["started_at"] or at) + 60.0 * spec["minutes"] if spec["minutes"] else None
    if until is not None:
        left = min(left, max(0.0, until - at)) if left is not None else max(0.0, until - at)
    is_late = until is not None and at >= until
    # What is begun is ended, however late; a budget in time alone has always one more to begin.
    open_ = counts.get(study_rows.WAITING, 0) + counts.get(study_rows.RUNNING, 0)
    open_ += 0 if is_late else (unbegun if spec["trials"] else 1)
    state = _state(str(row["state"]), busy, open_)
    share = min(1.0, runs / wanted) if wanted else 0.0
    told = f"{runs:,} of {wanted:,} runs, {begun:,} configurations"
    if until is not None and not spec["trials"]:
        told = f"{runs:,} runs, {begun:,} configurations"
        started: Any = row["started_at"] or at
        share = min(1.0, (at - started) / (60.0 * spec["minutes"]))
    for word in over:
        told += f", {counts[word]:,} {word}" if counts.get(word) else ""
    return {
        "state": state,
        "counts": counts,
        "runs": runs,
        "wanted": wanted,
        "share": share,
        "left_s": left if state == "running" else None,
        "run_s": seconds,
        "told": told,
    }


def _state(kept: str, busy: int, open_: int) -> str:
    if busy:
        return "running"
    if kept == study_rows.STOPPED:
        return "stopped"
    return "waiting" if open_ else "done"
