"""Where request rows come from: the one active source of an engine."""

from __future__ import annotations

import msgspec
from sqlalchemy import Engine

from db import writes
from engine.errors import SourceError
from engine.records import Costs
from engine.settings import Settings

SAMPLE = "sample"
OWN = "own"

COLUMNS = (
    "id",
    "timestamp",
    "cache_key",
    "cache_name",
    "hit",
    "stale",
    "load_time_ms",
    "size_bytes",
    "writer",
    "sequence",
)
"""Our names of the columns that a mapping may give a foreign name to."""


class Source(msgspec.Struct, frozen=True):
    """A source of request rows; `url` is empty when its table lies in our own store."""

    id: int
    name: str
    kind: str
    costs: str
    mapping: dict[str, str]
    url: str = ""
    table: str = "cache_metrics"

    @property
    def is_own(self) -> bool:
        """Whether these are a user's rows, so that nothing synthetic may join them."""
        return self.name != SAMPLE


def parse_mapping(
    text: str, setting: str = "SOURCE_MAPPING", known: tuple[str, ...] = COLUMNS
) -> dict[str, str]:
    """Read `ours=yours,ours=yours`, given as `setting`, into a dictionary.

    Raises:
        SourceError: a part without `=`, or a name that is none of the `known` columns.
    """
    mapping: dict[str, str] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        ours, equals, yours = (piece.strip() for piece in part.partition("="))
        if not (ours and equals and yours):
            raise SourceError(
                f"{setting} holds {part!r}; write pairs as ours=yours, separated by commas."
            )
        if ours not in known:
            raise SourceError(
                f"{setting} names the column {ours!r}, which is none of ours; "
                f"choose from: {', '.join(known)}."
            )
        if ours in mapping:
            raise SourceError(f"{setting} names the column {ours!r} twice; give it once.")
        mapping[ours] = yours
    return mapping


def active_source(settings: Settings, store: Engine) -> Source:
    """The source this engine follows, registered in the store on first use.

    `own` when SOURCE_URL or SOURCE_LOG is set or the sample is switched off, else `sample`.

    Raises:
        SourceError: the mapping cannot be read.
    """
    own = bool(settings.source_url or settings.source_log) or not settings.sample_enabled
    kind = "log" if settings.source_log else "table"
    name, kind = (OWN, kind) if own else (SAMPLE, "sample")
    mapping = parse_mapping(settings.source_mapping) if own else {}
    number = writes.ensure_source(store, name, kind, Costs.MEASURED.value, mapping)
    return Source(
        id=number,
        name=name,
        kind=kind,
        costs=Costs.MEASURED.value,
        mapping=mapping,
        url=settings.source_url if own else "",
        table=settings.source_table if own else "cache_metrics",
    )
