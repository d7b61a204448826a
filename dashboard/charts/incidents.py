"""From single events to what a person wants to know: what happened, and when it was over.

Services report each step (exited, starts again, started, ready, recovered). Here the steps of one
fault become one row that ends with its recovery, and a start of everything becomes one row.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from dashboard.job_titles import title

COLUMNS = ["at", "service", "level", "kind", "message"]
_OPENS = frozenset({"exited", "killed", "failed", "degraded"})
_STEPS = frozenset({"started", "ready", "restarted"})
_CLOSES = frozenset({"recovered", "stopped"})
_RUN = re.compile(r"\b([0-9a-f]{6})[0-9a-f]{26}\b")
"""A job's id, of which six characters tell one from another."""

_TOGETHER_S = 12.0
"""Starts that follow each other closer than this belong to one start of everything."""

OVER = "over"
"""Level of a fault that is past."""


@dataclass(slots=True)
class _Row:
    at: float
    service: str
    level: str
    kind: str
    message: str
    until: float = 0.0
    services: dict[str, bool] = field(default_factory=dict)


def told(events: pd.DataFrame, titles: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Events (newest first) as rows a person reads, newest first; `titles` name the services."""
    rows: list[_Row] = []
    open_: dict[str, _Row] = {}
    start: _Row | None = None
    for event in events.iloc[::-1].to_dict("records"):
        service, kind = str(event["service"]), str(event["kind"])
        at, message = float(event["at"]), _RUN.sub(r"\1", str(event["message"]))
        fault = open_.get(service)
        if fault is not None and kind in _STEPS | _OPENS | _CLOSES:
            _go_on(fault, kind, at, message)
            if kind in _CLOSES:
                del open_[service]
                if fault.kind == "degraded" and start is not None and service in start.services:
                    if fault.at - start.until <= _TOGETHER_S and not start.services[service]:
                        rows.remove(fault)  # a service that waited for another at its start
                    start.services[service] = True
        elif kind in _OPENS:
            # A cause is told in the words of the last step, so it starts as it is.
            open_[service] = _Row(at, service, str(event["level"]), kind, message, at)
            rows.append(open_[service])
        elif kind in _STEPS and service != "jobs":
            if start is None or at - start.until > _TOGETHER_S:
                start = _Row(at, service, "info", "started", "")
                rows.append(start)
            start.until = at
            start.services[service] = start.services.get(service, False) or kind == "ready"
        elif not (service == "jobs" and kind == "started"):
            level = OVER if kind == "recovered" else str(event["level"])
            told_as = _job(message) if service == "jobs" else message
            rows.append(_Row(at, service, level, kind, told_as))
    for fault in open_.values():
        fault.message += " · not over yet"
    words = [_words(row, titles or {}) for row in rows]
    frame = pd.DataFrame(words, columns=COLUMNS)
    return frame.sort_values("at", ascending=False, kind="stable", ignore_index=True)


def joined(stored: pd.DataFrame, unseen: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Stored events and those that only the engine knows yet, newest first."""
    if not unseen:
        return stored
    fresh = pd.DataFrame(list(unseen)).reindex(columns=stored.columns)
    both = fresh if stored.empty else pd.concat([stored, fresh], ignore_index=True)
    order = ["at", "sequence"]
    return both.sort_values(order, ascending=False, kind="stable", ignore_index=True)


def _go_on(fault: _Row, kind: str, at: float, message: str) -> None:
    """Another step of a fault: its recovery, a worse turn, or a try to come back."""
    if kind == "recovered":
        fault.level, fault.until = OVER, at
        took = at - fault.at
        after = message.rpartition(" after ")[2]
        fault.message += f" · recovered after {after if after else f'{took:.1f} s'}"
    elif kind == "stopped":
        fault.message += " · then stopped"
    elif kind == "failed":
        fault.level, fault.message = "error", message
    elif kind in {"exited", "killed"} and fault.kind == "degraded":
        fault.level, fault.kind, fault.message = "error", kind, message


def _job(message: str) -> str:
    """The end of a job, which the engine tells as its kind, its id and what became of it."""
    kind, _, rest = message.partition(" ")
    run, _, fate = rest.partition(" ")
    return f"{title(kind)} ({run}) {fate}" if fate else message


def _words(row: _Row, titles: Mapping[str, str]) -> dict[str, Any]:
    service, message = row.service, row.message
    if row.services:
        named = [titles.get(name, name) for name in row.services if name != "engine"]
        took = f" in {row.until - row.at:.0f} s" if row.until - row.at >= 1 else ""
        waiting = [titles.get(n, n) for n, up in row.services.items() if not up and n != "engine"]
        if len(row.services) > 1:
            service = "engine"
        if "engine" in row.services and len(row.services) > 1:
            message = f"started with {len(named)} services{took}"
        elif len(row.services) == 1:
            message = f"started{took}"
        else:
            message = f"{len(named)} services started{took}"
        if waiting:
            message += f"; not ready yet: {', '.join(waiting)}"
    return {
        "at": row.at,
        "service": service,
        "level": row.level,
        "kind": row.kind,
        "message": message,
    }
