"""From recorded requests to a trace: read in pieces, put in order, numbered, priced, kept.

Memory is bounded by the distinct keys, not by the requests: arrays grow in files beside the place
where the trace will lie.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import msgspec

from engine.errors import TraceError
from engine.settings import Settings
from engine.traces.base import Fault
from engine.traces.checks import Checked
from engine.traces.columns import MOST_CATEGORIES, describe
from engine.traces.info import TraceInfo
from engine.traces.options import HIT, SIZE, TIME, Options
from engine.traces.order import Ordered
from engine.traces.origins import Origin, file_origin, masker_of
from engine.traces.rows import MEASURED, MODELLED, NONE, Rows
from engine.traces.shelf import folder_of, is_there, stored, traces_path
from engine.traces.spool import Spool
from engine.traces.trace import Trace, appearing, key_texts, load, write_about

Progress = Callable[[float, str], None]
"""Told the share that is read (0 to 1) and how far we are."""

_WORK = ".import-"
_BY_SOURCE = "Modelled, not measured: by the source that recorded them."


class Imported(msgspec.Struct, frozen=True):
    """What came of an import.

    Args:
        info: of the trace.
        is_new: False if a trace of the same requests was there already; `info` is then its.
        faults: the first malformed lines.
        left_out: reason -> rows that are no requests to a cache.
    """

    info: TraceInfo
    is_new: bool
    faults: tuple[Fault, ...] = ()
    left_out: dict[str, int] = {}


def open_trace(what: str | Path, settings: Settings, options: Options | None = None) -> Trace:
    """A stored trace by its name, or the requests of a file of any format.

    Raises:
        TraceError: there is neither, or the file cannot be read.
        UnknownName: `options` name a format that there is not.
    """
    path = Path(what)
    if is_there(str(what), settings) and not (options and options.format):
        return load(folder_of(str(what), settings))
    if not path.exists() and path.name == str(what):
        names = ", ".join(info.name for info in stored(settings)[:10])
        raise TraceError(
            f"There is no trace and no file {str(what)!r}; stored traces: {names or 'none'}."
        )
    chosen = options or Options()
    origin = file_origin(path, chosen, settings)
    with _workplace(None) as folder, contextlib.closing(Spool(folder)) as spool:
        rows = Rows(spool, chosen, masker_of(chosen, settings))
        _read(origin, rows)
        info = _info(origin, rows, spool, origin.name)
        return Trace(info, spool.requests(rows.distinct), rows.key_texts())


def import_trace(
    origin: Origin,
    settings: Settings,
    options: Options,
    name: str = "",
    replace: bool = False,
    progress: Progress = lambda _share, _message: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Imported | None:
    """Keep the requests of `origin` as a trace; None when it was cancelled, and nothing is kept.

    Args:
        origin: where they are.
        settings: tell where traces lie.
        options: how to read them.
        name: of the trace; empty: after its origin.
        replace: put it in the place of another trace of that name.
        progress: told how far it is.
        cancelled: asked whether to stop.

    Raises:
        TraceError: they cannot be read or kept, or another trace has that name; nothing is left
            half-written.
    """
    chosen = name or origin.name
    folder = folder_of(chosen, settings)
    with _workplace(traces_path(settings)) as work, contextlib.closing(Spool(work)) as spool:
        rows = Rows(spool, options, masker_of(options, settings))
        if not _read(origin, rows, progress, cancelled):
            return None
        info = _info(origin, rows, spool, chosen)
        same = next((one for one in stored(settings) if _is_same(one, info, rows, settings)), None)
        if same is not None and not replace:
            return _imported(origin, same, is_new=False)
        if is_there(chosen, settings) and not replace:
            raise TraceError(
                f"There is a trace {chosen!r} of other requests; give another --name, or "
                "--replace it."
            )
        progress(1.0, "writing")
        with appearing(folder) as making:
            spool.write(making)
            write_about(making, info, rows.key_texts())
    return _imported(origin, info, is_new=True)


def _read(
    origin: Origin,
    rows: Rows,
    progress: Progress = lambda _share, _message: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> bool:
    """Read everything into `rows`; False if it was cancelled on the way."""
    count = 0
    with contextlib.closing(checked_tables(origin)) as tables:
        for table in tables:
            if cancelled():
                return False
            rows.add(table)
            count += len(table)
            progress(origin.recording.share(), f"{count:,} requests")
    rows.drop_empty()
    return not cancelled()


def checked_tables(origin: Origin) -> Generator[Any]:
    """The rows of `origin` that can be used, in the order of time, as `pyarrow.Table`s.

    Raises:
        TraceError: there is none, or most of them cannot be used.
    """
    recording = origin.recording
    checked = Checked(origin.where, origin.kind, recording.faults)
    with contextlib.closing(recording):
        yield from Ordered(origin.where).sort(map(checked.good, recording.tables()))
    if not checked.rows or recording.faults.count > checked.rows:
        raise checked.refusal()


def _info(origin: Origin, rows: Rows, spool: Spool, name: str) -> TraceInfo:
    return TraceInfo(
        name=name,
        origin=origin.sentence,
        costs=MODELLED if origin.is_modelled and rows.costs == MEASURED else rows.costs,
        sizes="recorded" if SIZE in rows.has else "none",
        requests=spool.rows,
        distinct=rows.distinct,
        groups=rows.names,
        columns=describe(rows.columns.values()),
        digest=spool.digest(),
        malformed=origin.recording.faults.count,
        cost_model=rows.cost_model or (_BY_SOURCE if origin.is_modelled else ""),
        notes=(*origin.recording.notes, *notes_of(origin, rows, spool)),
    )


def notes_of(origin: Origin, rows: Rows, spool: Spool) -> Iterator[str]:
    """What a reader should know of how the requests were read, one sentence each."""
    if TIME not in rows.has:
        yield "No times were recorded: requests stand one second apart."
    if rows.costs == NONE:
        yield "No load times were recorded: every miss costs 1."
    elif rows.costs == MEASURED and HIT not in rows.has:
        yield "Nothing tells hits from misses: each request's own time is taken as its miss cost."
    if rows.estimated:
        yield (
            f"{rows.estimated / spool.rows:.1%} of the requests are hits on keys without an "
            "earlier miss; their cost is the mean of their endpoint's earlier misses."
        )
    for why, count in sorted(origin.recording.faults.left_out.items()):
        yield f"{count:,} rows were left out: {why}."
    for column in rows.dropped:
        yield f"The column {column} has more than {MOST_CATEGORIES:,} texts and was left out."


def _is_same(kept: TraceInfo, info: TraceInfo, rows: Rows, settings: Settings) -> bool:
    """Whether a kept trace is what an import would make: the same texts, too, masked alike."""
    if kept.digest != info.digest or _words(kept) != _words(info):
        return False
    try:
        texts = key_texts(folder_of(kept.name, settings))
    except TraceError:  # damaged: it is no substitute
        return False
    return bool(texts.equals(rows.key_texts()))


def _words(info: TraceInfo) -> tuple[Any, ...]:
    return info.groups, {column.name: column.categories for column in info.columns}


def _imported(origin: Origin, info: TraceInfo, is_new: bool) -> Imported:
    faults = origin.recording.faults
    return Imported(info, is_new, tuple(faults.samples), dict(faults.left_out))


@contextlib.contextmanager
def _workplace(parent: Path | None) -> Iterator[Path]:
    """A folder for the time of one reading, in `parent` or where temporary things go.

    Raises:
        TraceError: the disk is full, or refuses.
    """
    try:
        if parent is not None:
            parent.mkdir(parents=True, exist_ok=True)
            _sweep(parent)
        with tempfile.TemporaryDirectory(prefix=_WORK, dir=parent) as folder:
            yield Path(folder)
    except OSError as error:
        raise TraceError(
            f"The requests cannot be kept in {parent or tempfile.gettempdir()}: "
            f"{error.strerror or error}; free some space or move the data folder."
        ) from None


def _sweep(parent: Path) -> None:
    """Remove what imports left that were killed a day ago or more."""
    for left in parent.glob(".*"):
        if left.is_dir() and left.stat().st_mtime < time.time() - 86400:
            shutil.rmtree(left, ignore_errors=True)
