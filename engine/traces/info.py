"""What is known of a trace without its requests; reading that loads neither NumPy nor Arrow."""

from __future__ import annotations

from pathlib import Path

import msgspec

from engine.errors import NoSuchTrace, TraceError

FORMAT = 1
"""Version of the folder's layout."""

ABOUT = "trace.json"
"""The file of a trace's folder that holds this."""


class ColumnInfo(msgspec.Struct, frozen=True):
    """A further column of the recording, encoded as float32.

    Args:
        name: as recorded.
        kind: number, boolean, time or category.
        recorded: describes the cache that recorded it (its hits, its hit ratio …) and would leak
            the answer into a simulation; off as a feature unless a person asks for it.
        categories: of a category, the texts behind 0, 1, 2 … in order of first appearance.
        nulls: share (0 to 1) of rows without a value; they are NaN.
        low: smallest value; None without any.
        high: largest value.
        example: one value as recorded.
    """

    name: str
    kind: str
    recorded: bool = False
    categories: tuple[str, ...] = ()
    nulls: float = 0.0
    low: float | None = None
    high: float | None = None
    example: str = ""


class TraceInfo(msgspec.Struct, frozen=True):
    """What is known of a trace without reading its requests.

    Args:
        name: unique among the traces of one installation.
        origin: where the requests come from, in words (a file's name and format, a source).
        costs: measured, modelled, or none (no cost was recorded: every miss costs 1).
        sizes: recorded, or none (every result counts as 1 byte).
        requests: number of requests.
        distinct: number of distinct keys.
        groups: normalised endpoint names by group number.
        columns: further columns that were recorded.
        digest: SHA-256 over the arrays; equal digests mean equal requests.
        malformed: lines of the origin that could not be read and are not in the trace.
        cost_model: how a modelled cost came about, in one sentence.
        notes: what a reader should know of how it was read, one sentence each.
    """

    name: str
    origin: str
    costs: str
    sizes: str
    requests: int
    distinct: int
    groups: tuple[str, ...]
    columns: tuple[ColumnInfo, ...] = ()
    digest: str = ""
    malformed: int = 0
    cost_model: str = ""
    notes: tuple[str, ...] = ()
    format: int = FORMAT


def load_info(folder: Path) -> TraceInfo:
    """What is known of the trace in `folder`.

    Raises:
        TraceError: there is none, or a newer version of Cachescope wrote it.
    """
    try:
        info = msgspec.json.decode((folder / ABOUT).read_bytes(), type=TraceInfo)
    except FileNotFoundError:
        raise NoSuchTrace(f"There is no trace {folder.name!r}; import one first.") from None
    except msgspec.MsgspecError as error:
        raise TraceError(
            f"The trace {folder.name!r} is damaged ({error}); import it anew."
        ) from None
    if info.format > FORMAT:
        raise TraceError(f"A newer Cachescope wrote the trace {folder.name!r}; update this one.")
    return info
