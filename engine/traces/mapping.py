"""Which column of a file means what: told, or guessed from its name.

Known data sets need no mapping: Redset (VLDB 2024) and twitter's cache-trace (OSDI 2020) have
names of their own here, and so has what libCacheSim, web servers and our own tables write.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from engine.errors import TraceError
from engine.traces.base import READS, Faults
from engine.traces.columns import BOOKKEEPING
from engine.traces.options import HIT, KEY, LOAD, METHOD, NAME, ROLES, SIZE, TIME
from engine.traces.trace import COLUMN
from engine.traces.values import Times, hits, milliseconds_in, numbers

GUESSES: Mapping[str, tuple[str, ...]] = {
    TIME: (
        "timestamp", "arrival_timestamp", "time", "ts", "arrival_time", "request_timestamp",
        "datetime", "date_time", "created_at", "start_time", "time_local", "op_time", "at",
    ),
    KEY: (
        "cache_key", "feature_fingerprint", "key", "url", "uri", "request_uri", "obj_id",
        "object_id", "object", "obj", "id_key", "query_hash", "query", "path", "endpoint",
        "block_id", "anonymized_key",
    ),
    NAME: ("cache_name", "query_type", "route", "endpoint_name", "table_name"),
    HIT: ("hit", "was_cached", "cache_hit", "is_hit", "cached", "cache_status", "from_cache",
          "upstream_cache_status"),
    LOAD: (
        "load_time_ms", "execution_duration_ms", "duration_ms", "latency_ms", "response_time_ms",
        "elapsed_ms", "time_ms", "latency_us", "duration_us", "request_time", "response_time",
        "load_time", "duration", "latency", "elapsed", "cost",
    ),
    SIZE: (
        "size_bytes", "value_size", "size", "obj_size", "object_size", "bytes", "bytes_sent",
        "body_bytes_sent", "response_bytes", "result_size_bytes", "io_size",
    ),
    METHOD: ("method", "op", "operation", "request_method"),
}  # fmt: skip
"""Role -> names that mean it, the surest first, in lower case with `_` between words."""

FUTURE = frozenset({"next_access_vtime", "next_access", "nextaccess", "next_vtime"})
"""Columns that tell when a key is asked for next: they never become features."""

_SECONDS = re.compile(r"(?:_s|_sec|_seconds|^request_time|^response_time)$")
_MICROSECONDS = re.compile(r"(?:_us|_micros|_microseconds)$")


def plain(name: str) -> str:
    """A column's name as guesses are written: lower case, words joined by `_`."""
    return re.sub(r"[^a-z0-9]+", "_", name.strip().lower()).strip("_")


@dataclass(frozen=True, slots=True)
class Mapped:
    """Our names -> the file's columns (several are added), and the further columns."""

    roles: Mapping[str, tuple[str, ...]]
    further: tuple[str, ...]
    scale: float
    """Milliseconds in the unit of the load time."""

    @property
    def wanted(self) -> list[str]:
        """Every column of the file that has to be read."""
        return list(dict.fromkeys([*(c for cs in self.roles.values() for c in cs), *self.further]))


def match(names: Sequence[str], mapping: Mapping[str, str], unit: str, where: str) -> Mapped:
    """Match the columns of a file to ours: as told by `mapping`, the rest by `GUESSES`.

    Raises:
        TraceError: a mapped column is not there, or no column can be the key.
    """
    roles: dict[str, tuple[str, ...]] = {}
    for role, told in mapping.items():
        roles[role] = tuple(_named(part.strip(), role, names, where) for part in told.split("+"))
    taken = {name for columns in roles.values() for name in columns}
    free = {plain(name): name for name in reversed(names) if name not in taken}
    for role in ROLES:
        found = next((free.pop(guess) for guess in GUESSES[role] if guess in free), None)
        if role not in roles and found is not None:
            roles[role] = (found,)
        elif found is not None:
            free[plain(found)] = found
    if KEY not in roles:
        raise TraceError(
            f"{where} has no column that can be the key; name one as {KEY}=…, one of: "
            f"{', '.join(names[:40])}."
        )
    taken = {name for columns in roles.values() for name in columns}
    further = tuple(
        name
        for name in names
        if name and name not in taken and plain(name) not in FUTURE | BOOKKEEPING
    )
    return Mapped(roles, further, _scale(roles.get(LOAD, ()), unit))


def _named(told: str, role: str, names: Sequence[str], where: str) -> str:
    if told in names:
        return told
    raise TraceError(
        f"{where} has no column {told!r} to be {role}; it has: {', '.join(names[:40])}."
    )


def _scale(columns: tuple[str, ...], unit: str) -> float:
    if unit:
        return milliseconds_in(unit)
    name = plain(columns[0]) if columns else ""
    if _MICROSECONDS.search(name):
        return 1e-3
    return 1e3 if _SECONDS.search(name) else 1.0


class Mapper:
    """Turns tables as a file has them into tables as readers give them."""

    def __init__(self, mapped: Mapped, faults: Faults) -> None:
        self._mapped = mapped
        self._faults = faults
        self._times = Times()

    def table(self, rows: pa.Table, lines: Any) -> pa.Table:  # noqa: ANN401 - an Arrow array
        """Our columns of `rows`, which stand at `lines`; writes and the like are left out."""
        roles = self._mapped.roles
        rows, lines = self._reads(rows, lines)
        made: dict[str, Any] = {"line": lines, KEY: rows.column(roles[KEY][0])}
        if TIME in roles:
            made[TIME] = pa.array(self._times.seconds(rows.column(roles[TIME][0])))
        if NAME in roles:
            made[NAME] = rows.column(roles[NAME][0])
        if HIT in roles:
            made[HIT] = pa.array(hits(rows.column(roles[HIT][0])))
        for role, scale in ((LOAD, self._mapped.scale), (SIZE, 1.0)):
            if role in roles:
                made[role] = pa.array(sum(numbers(rows.column(c)) for c in roles[role]) * scale)
        for name in self._mapped.further:
            made[COLUMN + name] = rows.column(name)
        return pa.table(made)

    def _reads(self, rows: pa.Table, lines: Any) -> tuple[pa.Table, Any]:  # noqa: ANN401 - Arrow
        if METHOD not in self._mapped.roles:
            return rows, lines
        methods = rows.column(self._mapped.roles[METHOD][0])
        is_read = reads(methods, self._faults)
        return rows.filter(is_read), lines.filter(is_read)


def reads(methods: Any, faults: Faults) -> Any:  # noqa: ANN401 - Arrow arrays
    """Which rows are reads; the others are counted as left out, by their method."""
    encoded = methods.combine_chunks() if isinstance(methods, pa.ChunkedArray) else methods
    if not pa.types.is_dictionary(encoded.type):
        encoded = encoded.dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    words = [str(word).strip() for word in encoded.dictionary.to_pylist()]
    is_read = pa.array([word.lower() in READS for word in words] or [False])
    counts = encoded.value_counts()
    for one in counts.to_pylist():
        word = str(one["values"]).strip()
        if word.lower() not in READS:
            faults.left_out[f"{word or 'no method'} is no read"] += one["counts"]
    return is_read.take(encoded.indices).fill_null(False)
