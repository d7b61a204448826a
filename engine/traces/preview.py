"""A look at recorded requests before they are imported: what was understood, and how."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa

from engine.settings import Settings
from engine.traces.base import Fault
from engine.traces.columns import describe
from engine.traces.importing import checked_tables, notes_of
from engine.traces.info import ColumnInfo, TraceInfo
from engine.traces.options import KEY, NAME, SIZE, TIME, Options
from engine.traces.origins import Origin, masker_of
from engine.traces.rows import MEASURED, MODELLED, Rows
from engine.traces.spool import Spool
from engine.traces.trace import Requests, Trace

ROWS = 200_000
"""Rows looked at, unless all are asked for."""

SHOWN = 10


class Look(msgspec.Struct, frozen=True):
    """What was understood of recorded requests.

    Args:
        origin: where they come from, in words.
        format: what they are read as.
        roles: our name of a column -> theirs, for those with a role.
        columns: every column, those with a role under our name of it.
        requests: rows looked at; `is_all` tells whether there are more.
        distinct: keys among them.
        costs: measured, modelled or none.
        endpoints: a key as it is kept, and the endpoint it belongs to; one of each endpoint.
        faults: the first malformed lines; `malformed` counts all of them.
        left_out: reason -> rows that are no requests to a cache.
        notes: sentences a reader should know.
    """

    origin: str
    format: str
    roles: dict[str, str]
    columns: tuple[ColumnInfo, ...]
    requests: int
    is_all: bool
    distinct: int
    costs: str
    endpoints: tuple[tuple[str, str], ...]
    malformed: int
    faults: tuple[Fault, ...]
    left_out: dict[str, int]
    notes: tuple[str, ...]


def look(origin: Origin, options: Options, settings: Settings, most: int = ROWS) -> Look:
    """Read the first `most` rows (0: all) and tell what they are.

    Raises:
        TraceError: they cannot be read.
        SourceError: their database or table cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="cachescope-") as folder:
        spool = Spool(Path(folder))
        rows = Rows(spool, options, masker_of(options, settings))
        tables = iter(checked_tables(origin))
        for table in tables:
            rows.add(table)
            if most and spool.rows >= most:
                break
        is_all = next(tables, None) is None
        requests = spool.requests(rows.distinct)
    roles = {ours: "+".join(theirs) for ours, theirs in origin.recording.roles.items()}
    faults = origin.recording.faults
    return Look(
        origin=origin.sentence,
        format=origin.kind,
        roles=roles,
        columns=(*_with_roles(rows, requests), *describe(rows.columns.values())),
        requests=spool.rows,
        is_all=is_all,
        distinct=rows.distinct,
        costs=_costs(origin, rows),
        endpoints=tuple(itertools.islice(_endpoints(rows, requests), SHOWN)),
        malformed=faults.count,
        faults=tuple(faults.samples),
        left_out=dict(faults.left_out),
        notes=tuple(notes_of(origin, rows, spool)),
    )


def head(origin: Origin, options: Options, settings: Settings, most: int = ROWS) -> Trace:
    """The first rows (about `most`) as a trace that is kept nowhere and has no texts.

    Raises:
        TraceError: they cannot be read.
        SourceError: their database or table cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="cachescope-") as folder:
        spool = Spool(Path(folder))
        rows = Rows(spool, options, masker_of(options, settings))
        for table in checked_tables(origin):
            rows.add(table)
            if spool.rows >= most:
                break
        requests = spool.requests(rows.distinct)
    info = TraceInfo(
        name=origin.name,
        origin=origin.sentence,
        costs=_costs(origin, rows),
        sizes="recorded" if SIZE in rows.has else "none",
        requests=len(requests),
        distinct=rows.distinct,
        groups=rows.names,
        columns=describe(rows.columns.values()),
    )
    return Trace(info, requests, pa.array([], pa.string()))


def _costs(origin: Origin, rows: Rows) -> str:
    """What the costs are: a source may have modelled what it then recorded."""
    return MODELLED if origin.is_modelled and rows.costs == MEASURED else rows.costs


def _endpoints(rows: Rows, requests: Requests) -> Iterator[tuple[str, str]]:
    _, first = np.unique(requests.group, return_index=True)
    texts = rows.key_texts()
    for at in sorted(first.tolist()):
        yield str(texts[int(requests.key[at])]), rows.names[int(requests.group[at])]


def _with_roles(rows: Rows, requests: Requests) -> Iterator[ColumnInfo]:
    """Columns that have a role, under our names, as far as they were recorded."""
    texts = rows.key_texts()
    yield ColumnInfo(KEY, "category", example=str(texts[0]) if len(texts) else "")
    if NAME in rows.has:
        yield ColumnInfo(NAME, "category", example=rows.names[0] if rows.names else "")
    for role, kind, values in ((TIME, "time", requests.time), (SIZE, "number", requests.size)):
        if role in rows.has and len(values):
            low, high = float(values.min()), float(values.max())
            yield ColumnInfo(role, kind, low=low, high=high, example=f"{values[0]:.12g}")
