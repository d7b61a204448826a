"""Request rows that other systems hand over: kept once, however often they are sent."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

import msgspec
from sqlalchemy import Engine

from db.tables import cache_metrics
from db.writes import ensure_source, insert
from engine.actions.batch import refuse_too_many
from engine.actions.roles import require_operator
from engine.actions.store import given, storing
from engine.collector.names import endpoint_of
from engine.errors import SourceError
from engine.keys import clean, stored_key
from engine.records import TOTAL, Costs
from engine.settings import Settings
from engine.sources import SAMPLE, active_source
from engine.traces.masking import Masker, salt_of

INGEST = "ingest"
"""The source of rows that this engine does not follow."""

Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.:-]{0,39}$")]
Whole = Annotated[int, msgspec.Meta(ge=0, le=2**62)]


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One request as another system saw it; see `engine.records.Request` for the words."""

    timestamp: Annotated[float, msgspec.Meta(ge=0, le=1e11)]
    cache_key: Annotated[str, msgspec.Meta(min_length=1, max_length=8192)]
    hit: bool
    load_time_ms: Annotated[float, msgspec.Meta(ge=0, le=1e9)]
    size_bytes: Whole = 0
    cache_name: Annotated[str, msgspec.Meta(max_length=120)] = ""
    stale: bool | None = None


class IngestWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A batch of one writer, its rows numbered from `sequence` on without gaps."""

    writer: Name
    sequence: Whole
    rows: Annotated[list[Row], msgspec.Meta(min_length=1)]
    source: Name | None = None


def ingest_rows(wanted: IngestWanted, settings: Settings | None = None) -> dict[str, Any]:
    """Commit a batch; sent again after a lost answer, nothing is doubled.

    Without a source the rows join those that this engine follows, where these lie in our own
    store; else they become the source "ingest", to train from.

    Returns:
        How many were new, how many there already, the source, and whether it is followed live.

    Raises:
        NotAllowed: who acts is a viewer.
        TooMuch: more rows than one batch may have.
        SourceError: the source is the sample's, or one that is only read.
        StoreError: the store cannot be reached: nothing was kept, send the batch again.
    """
    # One row of the audit a batch would bury what people did.
    require_operator("send request rows")
    refuse_too_many(len(wanted.rows), "rows")
    known = given(settings)
    with storing(known) as store:
        number, name, followed = _target(wanted.source, known, store)
        masker = _masker(known.data_path)
        writer = f"http-{wanted.writer}"
        rows = [
            _kept(row, masker)
            | {"source": number, "writer": writer, "sequence": wanted.sequence + at}
            for at, row in enumerate(wanted.rows)
        ]
        new = insert(store, cache_metrics, rows)
    told = {"committed": new, "present": len(rows) - new, "next": wanted.sequence + len(rows)}
    return told | {"source": name, "followed": followed}


def _target(wanted: str | None, settings: Settings, store: Engine) -> tuple[int, str, bool]:
    active = active_source(settings, store)
    ours = not active.url and not settings.source_log and not active.mapping
    followed = active.is_own and ours and active.table == "cache_metrics"
    if wanted in (None, active.name) and followed:
        return active.id, active.name, True
    name = wanted or INGEST
    if name in (SAMPLE, active.name):
        raise SourceError(f"The source {name!r} takes no rows from elsewhere; name another.")
    return ensure_source(store, name, "ingest", Costs.MEASURED.value), name, False


def _kept(row: Row, masker: Masker) -> dict[str, Any]:
    name = clean(row.cache_name or endpoint_of(row.cache_key))
    return {
        "timestamp": row.timestamp,
        "cache_name": "{any}" if name == TOTAL else name,
        "cache_key": stored_key(masker.key(row.cache_key)),
        "hit": row.hit,
        "stale": row.stale,
        "load_time_ms": row.load_time_ms,
        "size_bytes": row.size_bytes,
    }


@lru_cache(maxsize=8)
def _masker(data_path: Path) -> Masker:
    return Masker(salt_of(data_path))
