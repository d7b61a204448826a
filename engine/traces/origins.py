"""Where recorded requests come from: a file, one of our sources, or any table."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
from sqlalchemy import Engine

from db.queries.sources import sources
from engine.collector.opening import open_source
from engine.errors import TraceError
from engine.records import Costs
from engine.registry import resolve
from engine.settings import Settings
from engine.sources import OWN, SAMPLE, parse_mapping
from engine.traces import READERS
from engine.traces.base import Faults, Reader, Recording
from engine.traces.database import Database
from engine.traces.guess import format_of
from engine.traces.masking import Masker, salt_of
from engine.traces.options import Options
from engine.traces.shelf import name_for


@dataclass(frozen=True, slots=True)
class Origin:
    """Recorded requests and what to call them.

    Args:
        recording: gives the rows.
        where: the file or table, as messages name it.
        kind: its format, as messages name it.
        name: of a trace made of it, unless another is given.
        sentence: where the requests come from, kept with the trace.
        is_modelled: whether the load times were modelled before they were recorded.
    """

    recording: Recording
    where: str
    kind: str
    name: str
    sentence: str
    is_modelled: bool = False


def file_origin(path: Path, options: Options, settings: Settings) -> Origin:
    """The requests in a file.

    Raises:
        TraceError: there is no such file, or nothing tells its format.
        UnknownName: there is no such format.
    """
    kind = format_of(path, options.format)
    faults = Faults(masker_of(options, settings).text)
    reader: Reader = resolve(READERS, kind, "format")(path, options, faults)
    return Origin(reader, path.name, kind, name_for(path), f"file {path.name} ({kind})")


def masker_of(options: Options, settings: Settings) -> Masker:
    """What keys are kept as in this installation."""
    return Masker(salt_of(settings.data_path), options.hash_keys)


def source_origin(name: str, options: Options, settings: Settings, store: Engine) -> Origin:
    """The rows of one of our sources: those it wrote into our store, or its own table.

    Raises:
        TraceError: there is no such source.
        SourceError: its table cannot be read.
    """
    if name == OWN and settings.source_url:
        mapping = {**parse_mapping(settings.source_mapping), **options.mapping}
        there = msgspec.structs.replace(options, mapping=mapping)
        origin = table_origin(settings.source_table, there, settings, store, "SOURCE_TABLE")
        return replace(origin, name=name, sentence=f"source {name} ({origin.sentence})")
    known = {row["name"]: row for row in sources(store)}
    if name not in known:
        remedy = _MADE_BY.get(name, "choose one of those" if known else "import a file instead")
        raise TraceError(
            f"There is no source {name!r} (there are: {', '.join(known) or 'none yet'}); {remedy}."
        )
    row = known[name]
    is_modelled = row["costs"] == Costs.MODELLED
    faults = Faults(masker_of(options, settings).text)
    rows = Database(store, "cache_metrics", options, faults, source=row["id"], is_ours=True)
    return Origin(rows, f"source {name}", "rows", name, f"source {name}", is_modelled)


def table_origin(
    table: str, options: Options, settings: Settings, store: Engine, option: str = "table"
) -> Origin:
    """The rows of any table: in the database of SOURCE_URL if that is set, else in our store.

    `option` is what named the table, for the message that it is not there.
    There SOURCE_MAPPING says what its columns mean, where it has them and `options` say nothing.

    Raises:
        SourceError: there is no such table, or its database does not answer.
        TraceError: no column of it can be the key or the time.
    """
    faults = Faults(masker_of(options, settings).text)
    ours = not settings.source_url
    engine = store if ours else open_source(settings.source_url)
    usual = {} if ours else parse_mapping(settings.source_mapping)
    rows = Database(engine, table, options, faults, is_ours=ours, usual=usual, option=option)
    where = f"table {table}"
    return Origin(rows, where, "rows", name_for(Path(table)), f"{where} ({engine.dialect.name})")


_MADE_BY = {
    SAMPLE: "start the engine once, which makes it: `python -m engine up`",
    OWN: "set SOURCE_URL to the database of your rows, or start the engine once on your log "
    "(SOURCE_LOG) or your own rows (docs/own-system.md)",
    "seeded": "make it with `python mock/mock_db.py`",
}
"""Source -> how it comes to be."""
