"""A trace: the requests of one recorded stretch as arrays, the common form of all that replays.

On disk a trace is a folder: `requests.parquet` (one row a request), `keys.parquet` (one row a
distinct key, with its text) and `trace.json` (everything else). A folder appears whole or not at
all.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from engine.errors import TraceError
from engine.traces.info import ABOUT, TraceInfo, load_info

REQUESTS, KEYS = "requests.parquet", "keys.parquet"
"""The files of a trace's folder, beside what is known of it (`ABOUT`)."""

COLUMN = "column:"
"""Before the name of a further column, wherever it lies beside ours."""

_PIECE = 1 << 16

ARRAYS: dict[str, type[np.generic]] = {
    "time": np.float64,
    "key": np.int32,
    "group": np.int32,
    "size": np.int64,
    "cost": np.float64,
}
"""The arrays that every trace has, in the order of its digest."""


@dataclass(frozen=True, slots=True)
class Requests:
    """Arrays over n requests, in order of time; slices share memory with the whole.

    Args:
        time: seconds (since the epoch where recorded so), never falling, float64[n].
        key: 0 to distinct - 1, numbered by first appearance in the whole trace, int32[n].
        group: the request's endpoint, int32[n].
        size: bytes of the result, at least 1, int64[n].
        cost: ms that a miss costs here, as known at that moment: a recorded miss's own load time,
            for a recorded hit the key's last miss cost before it; float64[n].
        distinct: keys of the whole trace, so that a slice can size its tables.
        columns: further columns, float32[n] each, NaN where nothing was recorded.
    """

    time: NDArray[np.float64]
    key: NDArray[np.int32]
    group: NDArray[np.int32]
    size: NDArray[np.int64]
    cost: NDArray[np.float64]
    distinct: int
    columns: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.key)

    def slice(self, start: int, stop: int) -> Requests:
        """The requests [start, stop); keys keep their numbers."""
        return Requests(
            self.time[start:stop],
            self.key[start:stop],
            self.group[start:stop],
            self.size[start:stop],
            self.cost[start:stop],
            self.distinct,
            {name: values[start:stop] for name, values in self.columns.items()},
        )

    def take(self, at: NDArray[np.int64]) -> Requests:
        """The requests of these numbers, ascending; keys keep theirs."""
        return Requests(
            self.time[at],
            self.key[at],
            self.group[at],
            self.size[at],
            self.cost[at],
            self.distinct,
            {name: values[at] for name, values in self.columns.items()},
        )


@dataclass(frozen=True, slots=True)
class Trace:
    """Requests and what is known of them; `key_texts[k]` is the text of key k (may be empty)."""

    info: TraceInfo
    requests: Requests
    key_texts: pa.Array

    def text(self, key: int) -> str:
        """The text of one key: a URL, a query, or its number."""
        return str(self.key_texts[key]) if len(self.key_texts) else str(key)


def digest(requests: Requests) -> str:
    """SHA-256 over all arrays, columns by name."""
    arrays = {name: np.ascontiguousarray(getattr(requests, name), ARRAYS[name]) for name in ARRAYS}
    columns = {
        name: np.ascontiguousarray(values, np.float32) for name, values in requests.columns.items()
    }
    told = [(name, [values.data]) for name, values in arrays.items()]
    return digest_of([*told, *((name, [columns[name].data]) for name in sorted(columns))])


def digest_of(arrays: Iterable[tuple[str, Iterable[Any]]]) -> str:
    """The digest of arrays that come piece by piece: `ARRAYS` in their order, columns by name."""
    told = hashlib.sha256()
    for name, pieces in arrays:
        told.update(name.encode())
        for piece in pieces:
            told.update(piece)
    return told.hexdigest()


def save(trace: Trace, folder: Path) -> TraceInfo:
    """Write a trace as the folder `folder`, replacing one of that name; returns its info.

    Raises:
        TraceError: it has no requests, or the disk refuses; nothing is left half-written.
    """
    if not len(trace.requests):
        raise TraceError(f"{trace.info.origin} holds no request; there is nothing to keep.")
    info = msgspec.structs.replace(trace.info, digest=digest(trace.requests))
    with appearing(folder) as making:
        write(Trace(info, trace.requests, trace.key_texts), making)
    return info


def write(trace: Trace, folder: Path) -> None:
    """Write the files of a trace, just as it is, into a folder that is there."""
    pq.write_table(_table(trace.requests), folder / REQUESTS, compression="zstd")
    write_about(folder, trace.info, trace.key_texts)


def write_about(folder: Path, info: TraceInfo, key_texts: pa.Array) -> None:
    """Write what stands beside the requests."""
    pq.write_table(pa.table({"text": key_texts}), folder / KEYS, compression="zstd")
    (folder / ABOUT).write_bytes(msgspec.json.encode(info))


@contextlib.contextmanager
def appearing(folder: Path) -> Iterator[Path]:
    """A folder to fill, which becomes `folder` at the end and vanishes if anything fails.

    Raises:
        TraceError: the disk refuses.
    """
    making = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
    try:
        making.mkdir(parents=True)
        yield making
        # The old one goes only when the new one is in its place: whoever is killed between has one.
        former = making.with_name(f"{making.name}.old")
        if folder.exists():
            folder.rename(former)
        try:
            making.rename(folder)
        except OSError:
            if former.exists():
                former.rename(folder)
            raise
        shutil.rmtree(former, ignore_errors=True)
    except OSError as error:
        raise TraceError(
            f"The trace cannot be kept in {folder}: {error.strerror or error}; free some space or "
            "move the data folder."
        ) from None
    finally:
        shutil.rmtree(making, ignore_errors=True)


def load(folder: Path) -> Trace:
    """The trace in `folder`.

    Raises:
        TraceError: as `load_info`, or a file of it is missing or damaged.
    """
    info = load_info(folder)
    with _whole(folder):
        table = pq.read_table(folder / REQUESTS)
    return Trace(info, _requests(table, info), key_texts(folder))


def key_texts(folder: Path) -> pa.Array:
    """The texts of the keys of the trace in `folder`, by number.

    Raises:
        TraceError: their file is missing or damaged.
    """
    with _whole(folder):
        return pq.read_table(folder / KEYS).column("text").combine_chunks()


def head(folder: Path, most: int) -> Trace:
    """The first `most` requests of the trace in `folder`, without texts: cheap, however long it is.

    Raises:
        TraceError: as `load`.
    """
    info = load_info(folder)
    with _whole(folder), pq.ParquetFile(folder / REQUESTS) as file:
        pieces = list(itertools.islice(file.iter_batches(min(most, _PIECE)), -(-most // _PIECE)))
    table = pa.Table.from_batches(pieces).slice(0, most)
    return Trace(info, _requests(table, info), pa.array([], pa.string()))


@contextlib.contextmanager
def _whole(folder: Path) -> Iterator[None]:
    """Tell a file that is missing or damaged in one sentence."""
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        raise TraceError(
            f"The trace {folder.name!r} is damaged ({error}); import it anew."
        ) from None


def _requests(table: pa.Table, info: TraceInfo) -> Requests:
    arrays: dict[str, Any] = {name: table.column(name).to_numpy() for name in ARRAYS}
    columns = {
        name.removeprefix(COLUMN): table.column(name).to_numpy()
        for name in table.column_names
        if name.startswith(COLUMN)
    }
    return Requests(**arrays, distinct=info.distinct, columns=columns)


def _table(requests: Requests) -> pa.Table:
    arrays: dict[str, Any] = {name: getattr(requests, name) for name in ARRAYS}
    arrays.update((COLUMN + name, values) for name, values in requests.columns.items())
    return pa.table(arrays)
