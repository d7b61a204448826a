"""The requests that an action works on: a stored trace, a file, or the rows of a source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from engine.actions.traces import Wanted, import_trace
from engine.errors import TrainingError
from engine.settings import Settings

if TYPE_CHECKING:
    from engine.traces.info import TraceInfo
    from engine.traces.trace import Trace


def replaced(data: Mapping[str, Any], info: TraceInfo) -> str:
    """That a trace is no longer the one a model was trained on, in a sentence; empty if it is.

    Args:
        data: what the model's spec tells of its trace.
        info: of the trace that goes by that name now.
    """
    before = str(data.get("digest") or "")
    if not before or info.name != data.get("name") or before == info.digest:
        return ""
    return (
        f"The trace {info.name} holds other requests now (digest {info.digest[:12]}) than when the "
        f"model was trained (digest {before[:12]}): its figures are not those of its training, and "
        "requests that it learned from may be among those it is judged on."
    )


def trace_for(what: str, source: str, limit: int, who: str, settings: Settings) -> Trace:
    """The trace of that name or file, or made of a source's rows; its first `limit` requests.

    Raises:
        TraceError: it cannot be read, or neither or both are named.
        TrainingError: the limit is below 0.
    """
    from engine.traces.importing import open_trace
    from engine.traces.trace import Trace

    if bool(what) == bool(source):
        raise TrainingError("Name one of: a trace (or a file), a source.")
    if limit < 0:
        raise TrainingError(f"limit is {limit}; give a number of requests, or 0 for all.")
    if source:
        imported = import_trace(Wanted(source=source, replace=True), who, settings)
        what = imported["info"]["name"] if imported else ""
    trace = open_trace(what, settings)
    if not limit or limit >= len(trace.requests):
        return trace
    return Trace(trace.info, trace.requests.slice(0, limit), trace.key_texts)
