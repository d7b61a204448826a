"""Weights and columns told from the first requests alone: quick and bounded, whatever the size."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from engine.actions.store import given
from engine.actions.traces import Wanted, origin_of, understood
from engine.errors import TrainingError
from engine.settings import Settings
from engine.traces import shelf

if TYPE_CHECKING:
    from engine.traces.trace import Trace

MOST = 200_000
"""Requests that weights are derived from at most: the oldest, which are those learned from."""


def derived_weights(
    trace: str = "", source: str = "", settings: Settings | None = None
) -> list[dict[str, Any]]:
    """`cache_weights` suggested from a stored trace or a source's rows, each with its reason.

    Raises:
        TraceError: there is no such trace or source, or it cannot be read.
        SourceError: the source's table cannot be read.
    """
    from engine.traces.split import TRAIN
    from engine.training.weights import suggest_weights

    known = given(settings)
    found = _stored(trace, known) if trace else _recorded(source, known)
    learned_from = max(1, int(found.info.requests * TRAIN))
    train = found.requests.slice(0, learned_from)
    return [dict(msgspec.to_builtins(one)) for one in suggest_weights(found, train)]


def known_columns(
    trace: str = "", source: str = "", table: str = "", settings: Settings | None = None
) -> list[dict[str, Any]]:
    """The columns of a stored trace, or of a source's or table's first rows.

    Returns:
        name, kind, recorded, categories, nulls, low, high, example of each.

    Raises:
        TraceError: as `derived_weights`.
        SourceError: as `derived_weights`.
    """
    from engine.traces.info import load_info

    known = given(settings)
    if trace:
        info = load_info(shelf.folder_of(trace, known))
        return [dict(msgspec.to_builtins(column)) for column in info.columns]
    return list(understood(Wanted(source=source, table=table), False, known)["columns"])


def check_data(
    trace: str, source: str = "", columns: Sequence[str] = (), settings: Settings | None = None
) -> None:
    """Refuse a stored trace, a source, or columns of them, that a job would not find either.

    Raises:
        TraceError: there is neither a file nor a trace of that name, or no such source.
        TrainingError: neither or both are named, or there is no such column.
    """
    if bool(trace) == bool(source):
        raise TrainingError("Requests come from one place; name one of: a trace, a source.")
    if trace and Path(trace).is_file():
        return
    if not trace and not columns:  # its rows need not be read
        with origin_of(Wanted(source=source), given(settings)):
            return
    there = [str(one["name"]) for one in known_columns(trace, source, settings=settings)]
    missing = next((name for name in columns if name not in there), None)
    if missing is not None:
        told, what = (
            ", ".join(there) or "none",
            f"trace {trace!r}" if trace else f"source {source!r}",
        )
        raise TrainingError(f"The {what} has no column {missing!r}; it has: {told}.")


def _stored(name: str, settings: Settings) -> Trace:
    from engine.traces.trace import head

    return head(shelf.folder_of(name, settings), MOST)


def _recorded(source: str, settings: Settings) -> Trace:
    from engine.traces.preview import head

    with origin_of(Wanted(source=source), settings) as (origin, options):
        return head(origin, options, settings, MOST)
