"""What a person can do with recorded requests: look at them, import, list and remove traces.

Works without a running engine; files can be read without a store.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from db.migrations import migrate
from engine.actions.roles import confined, require_operator
from engine.actions.store import audited, given, storing
from engine.errors import StoreError, TraceError
from engine.settings import Settings
from engine.sources import parse_mapping
from engine.traces import shelf
from engine.traces.options import ROLES, Options

if TYPE_CHECKING:
    from engine.jobs import JobHandle
    from engine.traces.origins import Origin

Beat = Callable[[float, str], bool]
"""Told the share done and how far we are; True: stop."""


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which recorded requests, and how to read them: the parameters of a look and of an import.

    Args:
        file: a path; or
        source: one of our sources (sample, own); or
        table: any table of SOURCE_URL's database, else of our store.
        name: of the trace; empty: after where it comes from.
        format: of a file; empty: told from name and content.
        mapping: `ours=theirs` column names, separated by commas.
        unit: of load times: s, ms or us; empty: as format or column name say.
        hash_keys: keep digests in place of keys and endpoint names.
        model_cost: model load times, whatever was recorded.
        seed: of the modelled costs.
        replace: put it in the place of another trace of that name.
    """

    file: str = ""
    source: str = ""
    table: str = ""
    name: str = ""
    format: str = ""
    mapping: str = ""
    unit: str = ""
    hash_keys: bool = False
    model_cost: bool = False
    seed: int = 0
    replace: bool = False


def look_at(
    wanted: Wanted, every_row: bool = False, settings: Settings | None = None
) -> dict[str, Any]:
    """What is understood of recorded requests, with some of them: for who may import them.

    Raises:
        NotAllowed: who acts is a viewer, or the file is none of theirs.
        TraceError: they cannot be read.
        SourceError: their database or table cannot be read.
    """
    # Rows of any file or table of this machine: no viewer's business.
    require_operator("look at data that were not imported")
    known = given(settings)
    file = str(confined({"file": wanted.file}, known)["file"])
    return understood(msgspec.structs.replace(wanted, file=file), every_row, known)


def understood(wanted: Wanted, every_row: bool, settings: Settings) -> dict[str, Any]:
    """Columns, endpoints and malformed lines of recorded requests, and some of the rows.

    Raises:
        TraceError: they cannot be read.
        SourceError: their database or table cannot be read.
    """
    from engine.traces.preview import ROWS, look

    with origin_of(wanted, settings) as (origin, options):
        found = look(origin, options, settings, 0 if every_row else ROWS)
    return dict(msgspec.to_builtins(found))


def check_import(wanted: Wanted, settings: Settings | None = None) -> None:
    """See that an import can begin as asked, before a job does.

    Raises:
        NotAllowed: the file is none of theirs who asks.
        TraceError: it names nothing or too much, what it names is not there, or no trace may be
            called like this.
        SourceError: the database or table cannot be read.
    """
    known = given(settings)
    if wanted.name:
        shelf.folder_of(wanted.name, known)
    file = str(confined({"file": wanted.file}, known)["file"])
    with origin_of(msgspec.structs.replace(wanted, file=file), known):
        pass


def import_trace(
    wanted: Wanted,
    who: str = "terminal",
    settings: Settings | None = None,
    beat: Beat = lambda _share, _message: False,
) -> dict[str, Any] | None:
    """Keep recorded requests as a trace; None if `beat` asked to stop, and nothing is kept.

    Raises:
        TraceError: they cannot be read or kept.
        SourceError: their database or table cannot be read.
    """
    from engine.traces.importing import import_trace as keep

    known = given(settings)
    _prepare(known)
    stop = False

    def progress(share: float, message: str) -> None:
        nonlocal stop
        stop = beat(share, message)

    with (
        audited(known, who, "import trace", _changed(wanted)),
        origin_of(wanted, known) as (origin, options),
    ):
        found = keep(origin, known, options, wanted.name, wanted.replace, progress, lambda: stop)
    return None if found is None else dict(msgspec.to_builtins(found))


def traces(settings: Settings | None = None) -> list[dict[str, Any]]:
    """All stored traces, by name."""
    return [dict(msgspec.to_builtins(info)) for info in shelf.stored(given(settings))]


def remove_trace(name: str, who: str = "terminal", settings: Settings | None = None) -> None:
    """Remove a stored trace.

    Raises:
        TraceError: there is none of that name.
    """
    known = given(settings)
    _prepare(known)
    with audited(known, who, "remove trace", {"name": name}):
        shelf.remove(name, known)


def import_job(params: Mapping[str, Any], job: JobHandle) -> dict[str, Any] | None:
    """Import as a job; `params` are those of `Wanted`."""
    try:
        wanted = msgspec.convert(dict(params), Wanted)
    except msgspec.ValidationError as error:
        raise TraceError(f"An import cannot be asked for like this: {error}.") from None

    def beat(share: float, message: str) -> bool:
        job.progress(share, message)
        return job.cancelled

    return import_trace(wanted, "job", None, beat)


@contextlib.contextmanager
def origin_of(wanted: Wanted, settings: Settings) -> Iterator[tuple[Origin, Options]]:
    """The recorded requests that are wanted, and how to read them.

    Raises:
        TraceError: none or several are named, or they cannot be read.
        SourceError: their database or table cannot be read.
    """
    from engine.traces import origins

    if sum(map(bool, (wanted.file, wanted.source, wanted.table))) != 1:
        raise TraceError("An import reads one thing; name one of: a file, a source, a table.")
    options = Options(
        format=wanted.format,
        mapping=parse_mapping(wanted.mapping, "The mapping", ROLES),
        unit=wanted.unit,
        hash_keys=wanted.hash_keys,
        model_cost=wanted.model_cost,
        seed=wanted.seed,
    )
    if wanted.file:
        yield origins.file_origin(Path(wanted.file).expanduser(), options, settings), options
        return
    with storing(settings) as store:
        migrate(store)
        if wanted.source:
            yield origins.source_origin(wanted.source, options, settings, store), options
        else:
            yield origins.table_origin(wanted.table, options, settings, store), options


def _prepare(settings: Settings) -> None:
    """Bring the store up to date for the audit; one that is away hinders no import of a file."""
    with contextlib.suppress(StoreError), storing(settings) as store:
        migrate(store)


def _changed(wanted: Wanted) -> dict[str, Any]:
    return {name: value for name, value in msgspec.structs.asdict(wanted).items() if value}
